//! Files that are sent to a replica are read there: the others do not have them.

use std::time::Duration;

use docassist_testing::PostgresServer;
use serde_json::{Value, json};

use super::Cluster;
use crate::server::Server;
use crate::uploads::{issues, send};
use crate::world::large;

fn post(server: &Server, key: &str) -> u64 {
    let answer = send(server, &[("file", Some("export.json"), &issues(&[key]))]);
    answer.expect(202).json()["id"].as_u64().unwrap()
}

fn tickets(server: &Server) -> usize {
    let export = server.get("/api/v1/export/graph").expect(200).text();
    export.lines().filter(|line| line.contains("\"node\":\"ticket\"")).count()
}

/// Folders of sent files at a replica.
fn kept(cluster: &Cluster, name: &str) -> usize {
    let folder = cluster.data(name).join("orgs/default/uploads");
    std::fs::read_dir(folder).map_or(0, |entries| entries.flatten().count())
}

#[test]
fn sent_files_are_imported_whichever_replica_they_were_sent_to() {
    let Some(postgres) = PostgresServer::shared() else { return };
    let cluster = Cluster::new(postgres);
    let names = ["one", "two"];
    let servers = names.map(|name| cluster.replica(name, &[]));
    for round in 0..6 {
        let job = servers[1 - round % 2].ended(post(&servers[round % 2], &format!("DOC-{}", round + 1)));
        assert_eq!((&job["state"], &job["attempts"]), (&json!("done"), &json!(1)), "{job:#}");
    }
    assert_eq!(tickets(&servers[0]), 6);
    for name in names {
        servers[0].poll("the files are gone", Duration::from_secs(5), || (kept(&cluster, name) == 0).then_some(()));
    }
}

#[test]
fn sent_files_wait_for_their_replica_and_other_syncs_do_not() {
    let Some(postgres) = PostgresServer::shared() else { return };
    let cluster = Cluster::new(postgres);
    let (mut one, two) = (cluster.replica("one", &["--sync-workers", "0"]), cluster.replica("two", &[]));
    let sent = post(&one, "DOC-1");
    one.kill();
    // The other one goes on with what it has, also where the same organisation's files wait.
    assert_eq!(two.synced("git", &cluster.world.git())["attempts"], 1);
    let waiting: Value = two.job(sent);
    assert_eq!((&waiting["state"], &waiting["attempts"]), (&json!("queued"), &json!(0)), "{waiting:#}");
    let one = cluster.replica("one", &[]);
    assert_eq!(two.ended(sent)["state"], "done");
    assert_eq!(tickets(&two), 1);
    one.poll("the files are gone", Duration::from_secs(5), || (kept(&cluster, "one") == 0).then_some(()));
}

#[test]
fn a_replica_that_dies_with_an_import_of_its_own_holds_up_nobody() {
    let Some(postgres) = PostgresServer::shared() else { return };
    let cluster = Cluster::new(postgres);
    let (mut one, two) = (cluster.replica("one", &[]), cluster.replica("two", &["--sync-workers", "0"]));
    // Something that the import of the files waits for, while it runs already: a writer elsewhere.
    let mut writer = cluster.database.command();
    let mut writer = writer.args(["-q", "sync", "git", "--name", "large"]).arg(large()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(1_500));
    let sent = post(&one, "DOC-1");
    two.poll("it runs", Duration::from_secs(10), || (two.job(sent)["state"] == "running").then_some(()));
    one.kill();
    writer.kill().unwrap();
    writer.wait().unwrap();
    two.stop();
    let two = cluster.replica("two", &[]);
    assert_eq!(two.synced("git", &cluster.world.git())["attempts"], 1);
    assert_eq!(two.job(sent)["state"], "queued");
    let _one = cluster.replica("one", &[]);
    let job = two.ended(sent);
    assert_eq!((&job["state"], &job["attempts"]), (&json!("done"), &json!(2)), "{job:#}");
    assert_eq!(tickets(&two), 1);
}

#[test]
fn files_that_were_lost_fail_their_job_with_a_reason() {
    let Some(postgres) = PostgresServer::shared() else { return };
    let cluster = Cluster::new(postgres);
    let server = cluster.replica("one", &["--sync-workers", "0"]);
    let sent = post(&server, "DOC-1");
    server.stop();
    std::fs::remove_dir_all(cluster.data("one").join("orgs")).unwrap();
    let server = cluster.replica("one", &[]);
    let job = server.ended(sent);
    assert_eq!(job["state"], "failed", "{job:#}");
    assert!(job["error"].as_str().unwrap().contains("Send them again"), "{job:#}");
}
