//! Backups of a service that goes on serving, and services over what was put back.

use std::path::Path;

use docassist_testing::PostgresServer;
use serde_json::Value;

use crate::postgres::Cluster;
use crate::server::{Server, program};
use crate::world::{World, large, run};

fn backup(data: &Path, folder: &Path) -> Value {
    serde_json::from_str(&run(data, &["backup", folder.to_str().unwrap(), "--json"])).unwrap()
}

#[test]
fn a_service_is_saved_while_it_syncs_and_goes_on_from_the_backup() {
    let world = World::new();
    let server = world.server(&[]);
    server.synced("git", &world.git());
    server.synced("tickets", &world.tickets());
    let before = server.get("/api/v1/export/graph").expect(200).body;
    let job = server.sync("git", &serde_json::json!({ "location": large(), "name": "large" }));
    server.under_way(job);
    let folder = world.path("../saved");
    let told = backup(&world.data(), &folder);
    assert_eq!(told["organisations"][0]["sequence"], 2);
    let named: Vec<&str> =
        told["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect();
    assert_eq!(named, ["control.db", "orgs/default/records.db", "secret"]);

    // Nothing is pulled out from under a service.
    let mut command = program(&world.data());
    let output = command.args(["restore", "--replace"]).arg(&folder).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && said.contains("is in use"), "{said}");
    assert_eq!(server.ended(job)["state"], "done");
    server.stop();

    // The accounts, their passwords, the secret and the records are those of the backup; the sync that was under way is
    // taken up and done.
    let restored = world.path("../restored");
    run(&restored, &["restore", folder.to_str().unwrap()]);
    let (own, large) = (world.path(""), large());
    let roots =
        ["--source-root", own.to_str().unwrap(), "--source-root", large.to_str().unwrap(), "--sync-workers", "0"];
    let mut command = program(&restored);
    command.args(["serve", "--listen", "127.0.0.1:0"]).args(roots);
    let server = Server::of(command);
    assert_eq!(server.get("/api/v1/export/graph").expect(200).body, before);
    assert!(matches!(server.job(job)["state"].as_str(), Some("queued" | "running")));
    server.stop();
    let mut command = program(&restored);
    command.args(["serve", "--listen", "127.0.0.1:0"]).args(&roots[..4]);
    let server = Server::of(command);
    assert_eq!(server.ended(job)["state"], "done");
    server.stop();
}

#[test]
fn a_service_over_postgresql_goes_on_from_a_dump() {
    let Some(postgres) = PostgresServer::shared() else { return };
    let address = postgres.database();
    let (first, second) = (Cluster::over(&address), Cluster::new(postgres));
    let server = first.replica("a", &[]);
    let job = server.synced("git", &first.world.git());
    let id = job["id"].as_u64().unwrap();
    let before = server.get("/api/v1/export/graph").expect(200).body;
    let folder = first.world.path("../saved");
    let folder = folder.to_str().unwrap();
    first.run(&["backup", folder, "--role-url", &postgres.superuser_url(&address)]);
    // A service is at work in it.
    let output = first.database.command().args(["restore", "--replace", folder]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && said.contains("is in use"), "{said}");
    server.stop();

    second.run(&["restore", folder]);
    let server = second.replica("a", &[]);
    assert_eq!(server.job(id), job);
    assert_eq!(server.get("/api/v1/export/graph").expect(200).body, before);
    // New rows get new numbers.
    assert!(server.synced("tickets", &second.world.tickets())["id"].as_u64().unwrap() > id);
    server.stop();
}
