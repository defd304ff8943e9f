//! Ticket files that are sent.

use std::io::Write as _;
use std::time::Duration;

use docassist_testing::jira;
use docassist_testing::records::Shape;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::http::Answer;
use crate::server::Server;
use crate::world::{World, issue, large};

const BOUNDARY: &str = "between-the-parts";

/// Sends a form. Parts with a file's name are files.
pub(crate) fn send(server: &Server, parts: &[(&str, Option<&str>, &[u8])]) -> Answer {
    let mut body = Vec::new();
    for (name, file, content) in parts {
        let file = file.map(|file| format!("; filename=\"{file}\"")).unwrap_or_default();
        write!(body, "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n").unwrap();
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    write!(body, "--{BOUNDARY}--\r\n").unwrap();
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    let headers = [("content-type", content_type.as_str())];
    server.client().send("POST", "/api/v1/sync/tickets", &headers, &body).unwrap()
}

fn ended(server: &Server, answer: Answer) -> Value {
    server.ended(answer.expect(202).json()["id"].as_u64().unwrap())
}

pub(crate) fn issues(keys: &[&str]) -> Vec<u8> {
    json!({ "issues": keys.iter().map(|key| issue(key)).collect::<Vec<_>>() }).to_string().into_bytes()
}

fn zipped(content: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::default());
    out.write_all(content).unwrap();
    out.finish().unwrap()
}

/// How many tickets are known.
fn tickets(server: &Server) -> usize {
    let export = server.get("/api/v1/export/graph").expect(200).text();
    export.lines().filter(|line| line.contains("\"node\":\"ticket\"")).count()
}

/// Folders of files that were sent and are still there.
fn kept(world: &World) -> usize {
    let folder = world.data().join("orgs/default/uploads");
    std::fs::read_dir(folder).map_or(0, |entries| entries.flatten().count())
}

/// Files go right after their job was noted as ended: before, a process that dies would leave a job without its files.
fn none_kept(server: &Server, world: &World) {
    server.poll("the files are gone", Duration::from_secs(5), || (kept(world) == 0).then_some(()));
}

#[test]
fn files_of_all_forms_are_imported_together() {
    let world = World::new();
    let server = world.server(&[]);
    let lines = format!("{}\n{}\n", issue("AAA-1"), issue("AAA-2"));
    let csv = "Issue key,Issue id,Summary,Issue Type,Status,Created,Updated\n\
               CSV-1,1,From a table,Bug,Open,2024-02-10 10:00,2024-02-10 10:00\n";
    let job = ended(
        &server,
        send(
            &server,
            &[
                ("file", Some("export.json"), &issues(&["DOC-1", "DOC-2"])),
                ("file", Some("lines.jsonl"), lines.as_bytes()),
                ("file", Some("../../table.CSV"), csv.as_bytes()),
                ("file", Some("packed.json.gz"), &zipped(&issues(&["GZ-1", "GZ-2", "GZ-3"]))),
                ("name", None, b"sent"),
                ("projects", None, b"KNOWN, OTHER"),
            ],
        ),
    );
    assert_eq!((&job["state"], &job["source"]), (&json!("done"), &json!("sent")), "{job:#}");
    assert_eq!(tickets(&server), 8);
    none_kept(&server, &world);
    assert!(!world.data().join("table.csv").exists());
    assert_eq!(server.ask("/api/v1/sources")["total"], 0, "it cannot be synced again");
}

#[test]
fn a_broken_file_fails_its_job_with_a_reason_and_changes_nothing() {
    let world = World::new();
    let server = world.server(&[]);
    ended(&server, send(&server, &[("file", Some("good.json"), &issues(&["DOC-1"]))]));
    let before = server.get("/api/v1/export/graph").expect(200).body;
    let unreadable: [(&str, &[u8]); 4] = [
        ("cut.json.gz", &zipped(&issues(&["DOC-8", "DOC-9"]))[..100]),
        ("text.json", b"these are no tickets"),
        ("page.html", b"<html>Log in</html>"),
        ("damaged.gz", b"\x1f\x8b\x08\0"),
    ];
    for (name, content) in unreadable {
        let job = ended(&server, send(&server, &[("file", Some(name), content)]));
        assert_eq!(job["state"], "failed", "{name}: {job:#}");
        let error = job["error"].as_str().unwrap();
        assert!(error.len() > 20, "{name}: {error}");
        println!("{name}: {error}");
        none_kept(&server, &world);
    }
    assert_eq!(server.get("/api/v1/export/graph").expect(200).body, before);
}

#[test]
fn a_damaged_issue_is_told_of_and_the_others_are_imported() {
    let world = World::new();
    let server = world.server(&[]);
    let whole = issues(&["DOC-7", "DOC-8", "DOC-9"]);
    let cut = &whole[..whole.len() - 40];
    let job = ended(&server, send(&server, &[("file", Some("cut.json"), cut)]));
    assert_eq!((&job["state"], &job["result"]["skipped"]), (&json!("done"), &json!(1)), "{job:#}");
    assert!(job["result"]["notes"].to_string().contains("DOC-9"), "{job:#}");
    assert_eq!(tickets(&server), 2);
}

#[test]
fn a_damaged_file_removes_nothing() {
    let world = World::new();
    let server = world.server(&[]);
    let whole = issues(&["DOC-1", "DOC-2", "DOC-3", "DOC-4"]);
    ended(&server, send(&server, &[("file", Some("whole.json"), &whole)]));
    for (name, content) in [("cut.json", &whole[..whole.len() / 2]), ("cut.json.gz", &zipped(&whole)[..120])] {
        let job = ended(&server, send(&server, &[("file", Some(name), content), ("prune", None, b"true")]));
        assert_eq!(tickets(&server), 4, "{name}: what could not be read was removed: {job:#}");
    }
    let fewer = issues(&["DOC-1", "DOC-2"]);
    ended(&server, send(&server, &[("file", Some("fewer.json"), &fewer), ("prune", None, b"true")]));
    assert_eq!(tickets(&server), 2);
}

#[test]
fn jobs_do_not_tell_where_sent_files_lie() {
    let world = World::new();
    let server = world.server(&[]);
    for content in [&issues(&["DOC-1"])[..], &issues(&["DOC-1", "DOC-2"])[..150], b"these are no tickets"] {
        let job = ended(&server, send(&server, &[("file", Some("export.json"), content)])).to_string();
        // Viewers read jobs; the folders of the service's machine are none of their business, and tell them nothing.
        assert!(!job.contains(&*world.data().to_string_lossy()), "{job}");
    }
    let status = server.get("/api/v1/status").expect(200).text();
    assert!(!status.contains(&*world.data().to_string_lossy()), "{status}");
}

#[test]
fn a_form_without_files_or_with_unknown_parts_is_refused_and_leaves_nothing() {
    let world = World::new();
    let server = world.server(&["--upload-size", "64K"]);
    let good = issues(&["DOC-1"]);
    let none = send(&server, &[("name", None, b"sent")]).expect(400).json();
    assert!(none["detail"].as_str().unwrap().contains("file"));
    let unknown = send(&server, &[("file", Some("a.json"), &good), ("colour", None, b"red")]).expect(400).json();
    assert!(unknown["detail"].as_str().unwrap().contains("colour"));
    send(&server, &[("file", Some("a.json"), &vec![b' '; 70 << 10])]).expect(413);
    assert_eq!((kept(&world), server.ask("/api/v1/jobs")["total"].clone()), (0, json!(0)));
}

#[test]
fn two_uploads_in_a_row_are_both_imported() {
    let world = World::new();
    let server = world.server(&[]);
    let long = server.sync("git", &json!({ "location": large(), "name": "large" }));
    server.under_way(long);
    let first = send(&server, &[("file", Some("a.json"), &issues(&["ONE-1"]))]).expect(202).json();
    let second = send(&server, &[("file", Some("b.json"), &issues(&["TWO-1"]))]).expect(202).json();
    assert_ne!(first["id"], second["id"], "each has files of its own");
    assert_eq!(kept(&world), 2);
    server.post(&format!("/api/v1/jobs/{long}/cancel"), &json!({})).expect(200);
    for job in [first, second] {
        assert_eq!(server.ended(job["id"].as_u64().unwrap())["state"], "done");
    }
    assert_eq!(tickets(&server), 2);
    none_kept(&server, &world);
}

#[test]
fn an_upload_whose_job_is_cancelled_in_the_queue_is_removed() {
    let world = World::new();
    let server = world.server(&[]);
    let long = server.sync("git", &json!({ "location": large(), "name": "large" }));
    server.under_way(long);
    let job = send(&server, &[("file", Some("a.json"), &issues(&["ONE-1"]))]).expect(202).json();
    let cancelled = server.post(&format!("/api/v1/jobs/{}/cancel", job["id"]), &json!({})).expect(200).json();
    assert_eq!((&cancelled["state"], kept(&world)), (&json!("cancelled"), 0));
    server.post(&format!("/api/v1/jobs/{long}/cancel"), &json!({})).expect(200);
    assert_eq!(server.ended(long)["state"], "cancelled");
    assert_eq!(tickets(&server), 0);
}

#[test]
fn an_upload_that_breaks_off_leaves_nothing() {
    let world = World::new();
    let server = world.server(&[]);
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    let headers = [("content-type", content_type.as_str()), ("content-length", "100000")];
    let mut begun = server.client().begin("POST", "/api/v1/sync/tickets", &headers);
    let part =
        format!("\r\n--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.json\"\r\n\r\n[");
    begun.write(part.as_bytes());
    server.poll("the file is there", std::time::Duration::from_secs(5), || (kept(&world) == 1).then_some(()));
    drop(begun);
    server.poll("the file is gone", std::time::Duration::from_secs(5), || (kept(&world) == 0).then_some(()));
    assert_eq!(server.ask("/api/v1/jobs")["total"], 0);
}

#[test]
fn an_upload_is_imported_by_the_next_process_where_the_first_was_killed() {
    let world = World::new();
    let shape = Shape::small(20_000);
    let file = world.path("many.jsonl");
    jira::write(&shape, &file);
    let content = zipped(&std::fs::read(&file).unwrap());
    let mut server = world.server(&[]);
    let job = send(&server, &[("file", Some("many.jsonl.gz"), &content)]).expect(202).json();
    let id = job["id"].as_u64().unwrap();
    server.under_way(id);
    server.kill();
    let server = world.server(&[]);
    let job = server.ended(id);
    assert_eq!((&job["state"], &job["result"]["added"]), (&json!("done"), &json!(shape.tickets)), "{job:#}");
    assert!(job["attempts"].as_u64() > Some(1), "{job:#}");
    assert_eq!(tickets(&server), shape.tickets as usize);
    none_kept(&server, &world);
}
