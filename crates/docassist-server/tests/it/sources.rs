//! Sources over HTTP: where they may be, and what is never told of them.

use std::path::Path;

use docassist_app::jobs::{LocationPolicy, Runner};
use docassist_model::Role;
use docassist_testing::fixture::GitFixture;
use serde_json::{Value, json};

use crate::call::Answer;
use crate::world::{Setup, World};

/// A service that may read below `open` and nowhere else, and a member.
fn world() -> (World, String) {
    let world = World::with(|folder| {
        for name in ["open", "closed"] {
            std::fs::create_dir_all(folder.join(name)).unwrap();
        }
        let locations = LocationPolicy { roots: vec![folder.join("open")], ssh: false };
        Setup { locations, ..Setup::default() }
    });
    world.make_org("acme");
    let token = world.newcomer("acme", "member@acme.example", Role::Member);
    (world, token)
}

fn repository(folder: &Path, word: &str) -> GitFixture {
    let mut repository = GitFixture::in_folder(folder);
    repository.write("README.md", format!("# {word}\n")).commit(&format!("Begin {word}"));
    repository
}

fn run(world: &World) -> Runner {
    world.service.jobs.run(1).unwrap()
}

async fn sync(world: &World, token: &str, location: &str) -> Answer {
    world.post("/api/v1/sync/git").token(token).json(json!({ "location": location, "name": "x" })).send().await
}

#[tokio::test]
async fn a_folder_outside_is_refused_in_the_same_words_whether_it_is_there() {
    let (world, token) = world();
    let root = world.folder.path();
    repository(&root.join("closed/repo"), "closed");
    repository(&root.join("open/repo"), "open");
    #[cfg(unix)]
    std::os::unix::fs::symlink(root.join("closed"), root.join("open/link")).unwrap();
    let mut told = std::collections::BTreeSet::new();
    for path in ["closed/repo", "closed/none", "none", "open/../closed/repo", "open/link/repo", "open/none", "data", ""]
    {
        let path = root.join(path).display().to_string();
        let git = sync(&world, &token, &path).await;
        git.refused(403, "forbidden");
        told.insert(git.without_id().to_string().replace(&path, "PATH"));
        let docs = world.post("/api/v1/sync/docs").token(&token).json(json!({ "folder": path })).send().await;
        docs.refused(403, "forbidden");
        let files = json!({ "files": [path] });
        let tickets = world.post("/api/v1/sync/tickets").token(&token).json(files).send().await;
        tickets.refused(403, "forbidden");
    }
    assert_eq!(told.len(), 1, "{told:?}");
    for path in ["/etc/passwd", "/proc/self/environ", "/"] {
        sync(&world, &token, path).await.refused(403, "forbidden");
    }
    sync(&world, &token, &root.join("open/repo").display().to_string()).await.expect(202);
}

#[tokio::test]
async fn only_urls_that_are_read_from_are_taken() {
    let (world, token) = world();
    let jobs = || world.get("/api/v1/jobs").token(&token).send();
    for location in [
        "file:///etc",
        "FILE:///etc",
        "ext::sh -c id",
        "ext::sh%20-c%20id",
        "fd::17",
        "--upload-pack=touch /tmp/x",
        "-oProxyCommand=x",
        "ssh://-oProxyCommand=id/x",
        "https://-x/y",
        "https://",
        "https:///etc/passwd",
        "http://a b/c",
        "https://host/\n-x",
        "https://host/\u{0}x",
        "ftp://host/x",
        "data:text/plain,x",
        "repo",
        "./repo",
        "../repo",
        "~/repo",
        "",
        "C:\\repo",
    ] {
        let answer = sync(&world, &token, location).await;
        assert!(matches!(answer.status.as_u16(), 400 | 403), "{location:?}: {}", answer.text());
    }
    for location in ["ssh://git@host/x", "git@host:x/y.git", "SSH://git@host/x", "host:x"] {
        sync(&world, &token, location).await.refused(403, "forbidden");
    }
    let branch = json!({ "location": "https://host/x", "branch": "--upload-pack=id" });
    let answer = world.post("/api/v1/sync/git").token(&token).json(branch).send().await;
    answer.refused(400, "invalid_input");
    for name in ["../x", ".x", "-x", "a/b", "", "a b", &"x".repeat(101), "x\n"] {
        let body = json!({ "location": "https://host/x", "name": name });
        world.post("/api/v1/sync/git").token(&token).json(body).send().await.refused(400, "invalid_input");
    }
    assert_eq!(jobs().await.expect(200)["total"], 0, "what is refused is not kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_is_open_does_not_open_the_repository_around_it() {
    let (world, token) = world();
    let root = world.folder.path();
    let mut around = repository(root, "AROUND");
    around.write("open/plain/notes.md", "# Notes\n").commit("AROUND with a folder");
    let mut runner = run(&world);
    let location = root.join("open/plain").display().to_string();
    let answer = sync(&world, &token, &location).await;
    if answer.status == 202 {
        world.ended(&token, "acme", &answer.json()).await;
    }
    let graph = world.get("/api/v1/export/graph").token(&token).send().await.text();
    assert!(!graph.contains("AROUND"), "the repository above the root was read: {graph}");
    runner.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_git_file_does_not_lead_out_of_what_is_open() {
    let (world, token) = world();
    let root = world.folder.path();
    repository(&root.join("closed/repo"), "CLOSED");
    std::fs::create_dir_all(root.join("open/pointer")).unwrap();
    let pointer = format!("gitdir: {}\n", root.join("closed/repo/.git").display());
    std::fs::write(root.join("open/pointer/.git"), pointer).unwrap();
    #[cfg(unix)]
    {
        std::fs::create_dir_all(root.join("open/linked")).unwrap();
        std::os::unix::fs::symlink(root.join("closed/repo/.git"), root.join("open/linked/.git")).unwrap();
    }
    let mut runner = run(&world);
    for name in ["pointer", "linked"] {
        let location = root.join("open").join(name).display().to_string();
        let answer = sync(&world, &token, &location).await;
        if answer.status == 202 {
            world.ended(&token, "acme", &answer.json()).await;
        }
        let graph = world.get("/api/v1/export/graph").token(&token).send().await.text();
        assert!(!graph.contains("CLOSED"), "{name} leads out: {graph}");
    }
    runner.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_behind_links_are_not_read() {
    let (world, token) = world();
    let root = world.folder.path();
    std::fs::create_dir_all(root.join("open/docs")).unwrap();
    std::fs::write(root.join("closed/secret.md"), "# CLOSED\n").unwrap();
    std::fs::write(root.join("open/docs/page.md"), "# Open\n").unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(root.join("closed/secret.md"), root.join("open/docs/link.md")).unwrap();
        std::os::unix::fs::symlink(root.join("closed"), root.join("open/docs/folder")).unwrap();
    }
    let mut runner = run(&world);
    let body = json!({ "folder": root.join("open/docs").display().to_string() });
    let job = world.post("/api/v1/sync/docs").token(&token).json(body).send().await.expect(202);
    let done = world.ended(&token, "acme", &job).await;
    assert_eq!((&done["state"], &done["result"]["pages"]), (&json!("done"), &json!(1)), "{done}");
    assert!(!world.get("/api/v1/export/graph").token(&token).send().await.text().contains("CLOSED"));
    runner.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_never_come_back() {
    let (world, token) = world();
    let admin = world.newcomer("acme", "admin@acme.example", Role::Admin);
    let mut runner = run(&world);
    let secrets = ["s3cr3t-in-url", "s3cr3t-in-body", "t0k3n-in-url"];
    let bodies = [
        json!({ "location": format!("http://ann:{}@127.0.0.1:9/a.git", secrets[0]), "name": "a" }),
        json!({ "location": "http://127.0.0.1:9/b.git", "name": "b",
            "credential": { "username": "ann", "password": secrets[1] } }),
        json!({ "location": format!("http://{}@127.0.0.1:9/c.git", secrets[2]), "name": "c", "every": "1d" }),
    ];
    let mut texts = Vec::new();
    for body in bodies {
        let answer = world.post("/api/v1/sync/git").token(&token).json(body).send().await;
        let job = answer.expect(202);
        texts.push(answer.text());
        let failed = world.ended(&token, "acme", &job).await;
        assert_eq!(failed["state"], "failed", "{failed}");
        let data = world.data().display().to_string();
        assert!(!failed.to_string().contains(&data), "where the service keeps its files: {failed}");
        texts.push(failed.to_string());
    }
    for uri in ["/api/v1/sources", "/api/v1/jobs", "/api/v1/audit", "/api/v1/status", "/api/v1/export/graph"] {
        let answer = world.get(uri).token(&admin).send().await;
        assert_eq!(answer.status.as_u16(), 200);
        texts.push(answer.text());
    }
    texts.push(world.get("/metrics").peer("127.0.0.1").send().await.text());
    for text in &texts {
        for secret in secrets {
            assert!(!text.contains(secret), "{text}");
        }
    }
    runner.stop();
    for file in files(&world.data()) {
        let bytes = std::fs::read(&file).unwrap();
        for secret in secrets {
            let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!found, "{secret} in {}", file.display());
        }
    }
}

#[tokio::test]
async fn a_refused_location_is_told_without_its_credential() {
    let (world, token) = world();
    for location in [
        "ftp://ann:s3cr3t@host/x",
        "https://ann:s3cr3t@/x",
        "https://ann:s3cr3t@host/a b",
        "https://ann:s3cr3t%zz@host/x",
        "ssh://ann:s3cr3t@host/x",
        "ext::https://ann:s3cr3t@host/x",
    ] {
        let answer = sync(&world, &token, location).await;
        assert!(answer.status.is_client_error(), "{location}: {}", answer.text());
        assert!(!answer.text().contains("s3cr3t"), "{location}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_kept_credential_does_not_go_to_another_host() {
    let (world, token) = world();
    let post = |body: Value| world.post("/api/v1/sync/git").token(&token).json(body).send();
    let kept = async || {
        let sources = world.get("/api/v1/sources").token(&token).send().await.expect(200);
        sources["items"][0]["has_credential"].as_bool().unwrap()
    };
    post(json!({ "location": "https://ann:pw@one.example/x", "name": "x" })).await.expect(202);
    assert!(kept().await);
    post(json!({ "location": "https://one.example/x", "name": "x" })).await.expect(202);
    assert!(kept().await, "the same location keeps it");
    for other in ["https://two.example/x", "http://one.example/x", "https://one.example:8443/x"] {
        post(json!({ "location": "https://ann:pw@one.example/x", "name": "x" })).await.expect(202);
        post(json!({ "location": other, "name": "x" })).await.expect(202);
        assert!(!kept().await, "{other}");
    }
}

#[tokio::test]
async fn a_source_has_one_kind_and_needs_no_credential_to_be_asked_for() {
    let (world, token) = world();
    sync(&world, &token, "https://host.example/x").await.expect(202);
    let files = json!({ "files": [world.folder.path().join("open").display().to_string()], "name": "x" });
    world.post("/api/v1/sync/tickets").token(&token).json(files).send().await.refused(409, "conflict");
    // One that waits is not queued again.
    let (one, two) = (sync(&world, &token, "https://host.example/x").await, "/api/v1/sources/x/sync");
    let two = world.post(two).token(&token).send().await;
    assert_eq!(one.expect(202)["id"], two.expect(202)["id"]);
    let schedule = |every: &str| {
        let admin = world.log_in(crate::world::OPERATOR);
        let body = json!({ "every": every });
        world.put("/api/v1/sources/x/schedule").token(&admin).org("acme").json(body).send()
    };
    for bad in ["", "1", "59s", "0m", "-1h", "400d", "1w", "99999999999999d"] {
        schedule(bad).await.refused(400, "invalid_input");
    }
    assert_eq!(schedule("15m").await.expect(200)["every"], 900);
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}
