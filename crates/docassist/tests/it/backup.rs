//! `backup` and `restore`.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use docassist_testing::PostgresServer;
use docassist_testing::records::Shape;
use docassist_testing::repository;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::world::{World, issue};

fn report(out: &str) -> Value {
    serde_json::from_str(out).unwrap_or_else(|_| panic!("no report: {out}"))
}

fn digest(world: &World, place: &[&str]) -> String {
    world.done(&[&["export", "graph", "--digest"], place].concat()).trim().to_owned()
}

/// All files below a folder, in the order of their paths.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// What a data directory has, but for what SQLite keeps beside files that are open.
fn state(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let kept = |path: &PathBuf| !["-wal", "-shm"].iter().any(|end| path.to_string_lossy().ends_with(end));
    files(folder).into_iter().filter(kept).map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

/// Two organisations, and a secret that a service has made.
fn saved() -> World {
    let world = World::synced();
    world.done(&["sync", "git", "product", "-q", "--org", "second"]);
    std::fs::write(world.path(".docassist/secret"), "a secret of at least 32 bytes, not a good one").unwrap();
    world.done(&["backup", "saved"]);
    world
}

#[test]
fn a_backup_is_put_back_as_it_was() {
    let world = saved();
    let manifest = report(&std::fs::read_to_string(world.path("saved/manifest.json")).unwrap());
    assert_eq!((&manifest["format"], &manifest["engine"]), (&json!(1), &json!("sqlite")));
    let organisations = manifest["organisations"].as_array().unwrap();
    assert_eq!((&organisations[0]["org"], &organisations[1]["org"]), (&json!("default"), &json!("second")));
    assert_eq!(organisations[0]["digest"], digest(&world, &[]));
    let named: Vec<&str> =
        manifest["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect();
    assert_eq!(named, ["orgs/default/records.db", "orgs/second/records.db", "secret"]);
    #[cfg(unix)]
    for path in files(&world.path("saved")) {
        let mode = std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600, "{}", path.display());
    }
    let before = state(&world.path("saved"));
    assert_eq!(report(&world.done(&["restore", "--check", "saved", "--json"]))["restored"], json!(false));

    let told = report(&world.done(&["restore", "saved", "--data", "elsewhere", "--json"]));
    assert_eq!((&told["restored"], &told["mismatches"]), (&json!(true), &json!([])));
    for org in ["default", "second"] {
        assert_eq!(digest(&world, &["--data", "elsewhere", "--org", org]), digest(&world, &["--org", org]));
    }
    let secret = |data: &str| std::fs::read(world.path(&format!("{data}/secret"))).unwrap();
    assert_eq!(secret("elsewhere"), secret(".docassist"));
    // In the mode in which nobody waits for a writer, and writable.
    let file = world.path("elsewhere/orgs/default/records.db");
    let mode = |path: &Path| {
        let connection = Connection::open(path).unwrap();
        connection.query_row("PRAGMA journal_mode", [], |row| row.get::<_, String>(0)).unwrap()
    };
    assert_eq!(mode(&file), "wal");
    world.done(&["sync", "docs", "product/docs", "--data", "elsewhere", "-q"]);
    let left: Vec<_> = world.path("elsewhere").read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with(".restore")), "{left:?}");
    assert!(state(&world.path("saved")) == before, "the backup was written to");
}

#[test]
fn nothing_is_overwritten_unless_that_is_said() {
    let world = saved();
    let run = world.run(&["backup", "saved"]);
    assert!(run.status == 1 && run.err.contains("saved is not empty"), "{}", run.err);
    std::fs::create_dir(world.path("empty")).unwrap();
    world.done(&["backup", "empty"]);
    assert_eq!(digest(&world, &["--data", "empty"]), digest(&world, &[]));

    let old = digest(&world, &[]);
    world.done(&["sync", "docs", "product/docs", "-q"]);
    let new = digest(&world, &[]);
    assert_ne!(old, new);
    let run = world.run(&["restore", "saved"]);
    assert!(run.status == 1 && run.err.contains("orgs") && run.err.contains("--replace"), "{}", run.err);
    assert_eq!(digest(&world, &[]), new);

    // Not under whoever works with it.
    let reader = Connection::open(world.path(".docassist/orgs/default/records.db")).unwrap();
    let count = |connection: &Connection| {
        connection.query_row("SELECT count(*) FROM sources", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!(count(&reader), 3);
    let run = world.run(&["restore", "saved", "--replace"]);
    assert!(run.status == 1 && run.err.contains("is in use"), "{}", run.err);
    drop(reader);
    let run = world.run(&["restore", "saved", "--replace"]);
    assert_eq!(run.status, 0, "{}", run.err);
    assert_eq!(digest(&world, &[]), old);

    // What an interrupted restore has moved away is not passed over.
    std::fs::create_dir_all(world.path("other/.restore-0/old/orgs/acme")).unwrap();
    let run = world.run(&["restore", "saved", "--data", "other"]);
    assert!(run.status == 1 && run.err.contains(".restore-0/old"), "{}", run.err);
    world.done(&["restore", "saved", "--data", "other", "--replace"]);
    assert!(!world.path("other/.restore-0").exists());
}

#[test]
fn a_damaged_backup_changes_nothing() {
    let world = saved();
    world.done(&["sync", "docs", "product/docs", "-q"]);
    let before = state(&world.path(".docassist"));
    let refused = |what: &str, said: &str| {
        for arguments in [&["restore", "saved", "--replace"][..], &["restore", "saved", "--data", "new"]] {
            let run = world.run(arguments);
            assert_eq!((run.status, run.out.as_str()), (1, ""), "{what}: {}", run.err);
            assert!(run.err.contains(said), "{what}: {}", run.err);
        }
        assert!(state(&world.path(".docassist")) == before, "{what}");
        assert!(!world.path("new/orgs").exists() && !world.path("new/secret").exists(), "{what}");
    };
    for path in files(&world.path("saved")) {
        let name = path.strip_prefix(world.path("saved")).unwrap().display().to_string();
        if name == "manifest.json" {
            continue;
        }
        let whole = std::fs::read(&path).unwrap();
        for at in [0, whole.len() / 2, whole.len() - 1] {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            std::fs::write(&path, changed).unwrap();
            refused(
                &format!("{name}, byte {at}"),
                &format!("{name} of the backup is damaged: its content has changed"),
            );
        }
        std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        refused(&name, &format!("{name} of the backup is damaged: it has "));
        std::fs::remove_file(&path).unwrap();
        refused(&name, &format!("{name} of the backup is damaged: "));
        std::fs::write(&path, whole).unwrap();
    }
    let path = world.path("saved/manifest.json");
    let whole = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    refused("half a manifest", "manifest.json of the backup is damaged");
    std::fs::write(&path, whole.replace("orgs/second/records.db", "../../second/records.db")).unwrap();
    refused("a path that leads out", "names a file that no backup has");
    std::fs::write(&path, whole.replace("\"sqlite\"", "\"postgresql\"")).unwrap();
    assert_ne!(world.run(&["restore", "saved", "--replace"]).status, 0);
    std::fs::remove_file(&path).unwrap();
    let run = world.run(&["restore", "saved", "--data", "new"]);
    assert!(run.status == 2 && run.err.contains("is no whole backup"), "{}", run.err);
    std::fs::write(&path, whole).unwrap();
    world.done(&["restore", "saved", "--replace"]);
}

#[test]
fn a_digest_that_differs_is_a_check_that_did_not_hold() {
    let world = saved();
    let path = world.path("saved/manifest.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut manifest = report(&text);
    manifest["organisations"][1]["digest"] = json!("0".repeat(64));
    std::fs::write(&path, manifest.to_string()).unwrap();
    let run = world.run(&["restore", "saved", "--data", "new", "--json"]);
    assert_eq!(run.status, 4, "{}", run.err);
    assert!(run.err.contains("nothing was changed): second"), "{}", run.err);
    let told = report(&run.out);
    assert_eq!((&told["restored"], &told["mismatches"][0]["org"]), (&json!(false), &json!("second")));
    assert_eq!(told["mismatches"].as_array().unwrap().len(), 1);
    assert!(!world.path("new/orgs").exists());
    let run = world.run(&["restore", "saved", "--data", "new", "--any-digest", "--format", "table"]);
    assert_eq!(run.status, 4);
    assert!(run.out.contains("Different") && run.err.contains("in place all the same"), "{}{}", run.out, run.err);
    assert_eq!(digest(&world, &["--data", "new", "--org", "second"]), digest(&world, &["--org", "second"]));
}

#[test]
fn a_backup_that_is_killed_has_no_name() {
    let world = World::empty();
    repository::write(&Shape::small(3_000), &world.path("large"));
    world.done(&["sync", "git", "large", "-q"]);
    let mut running = 0;
    for (number, wait) in (0..12).map(|step| (step, Duration::from_millis(15 * (step + 1)))) {
        let name = format!("saved-{number}");
        let mut command = world.command(&["backup", &name]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(wait);
        let _ = child.kill();
        let done = child.wait().unwrap().success();
        running += u32::from(!done);
        // There as a whole or not at all.
        let run = world.run(&["restore", "--check", &name]);
        assert!(run.status == 0 || (!done && !world.path(&name).exists()), "{}", run.err);
    }
    assert!(running > 0, "every one was faster");
}

/// Syncs one new ticket after the other until it is told to stop.
fn keep_writing(world: &World, place: &[&str], stop: &AtomicBool) -> u32 {
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        let ticket = issue(&format!("NEW-{number}"), "Task", "Open", "new", "2024-02-20", "Written meanwhile");
        std::fs::write(world.path("new.json"), json!({ "issues": [ticket] }).to_string()).unwrap();
        world.done(&[&["sync", "tickets", "new.json", "--name", "new", "-q"], place].concat());
    }
    number
}

#[test]
fn a_backup_is_consistent_while_somebody_writes() {
    let world = World::synced();
    let stop = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let writing = threads.spawn(|| keep_writing(&world, &[], &stop));
        let mut sequences = Vec::new();
        for number in 0..6 {
            let name = format!("saved-{number}");
            let told = report(&world.done(&["backup", &name, "--json"]));
            sequences.push(told["organisations"][0]["sequence"].as_u64().unwrap());
            let data = format!("data-{number}");
            // Compares the graph's digest with the one of the backup.
            world.done(&["restore", &name, "--data", &data]);
            let status = report(&world.done(&["status", "--data", &data, "--json"]));
            let names: Vec<&str> =
                status["sources"].as_array().unwrap().iter().map(|source| source["name"].as_str().unwrap()).collect();
            assert!(names.starts_with(&["new", "product"]) || names.starts_with(&["product"]), "{names:?}");
        }
        stop.store(true, Ordering::Relaxed);
        let written = writing.join().unwrap();
        assert!(written > 6 && sequences.is_sorted() && sequences[0] < sequences[5], "{written}: {sequences:?}");
    });
}

/// A role that reads everything, and its address. `name`: a cluster has each once.
fn reading_role(server: &PostgresServer, url: &str, name: &str) -> String {
    let (start, rest) = url.split_once("://").unwrap();
    let (_, password_and_place) = rest.split_once(':').unwrap();
    let password = password_and_place.split('@').next().unwrap();
    server.psql(url, &format!("CREATE ROLE {name} LOGIN BYPASSRLS PASSWORD '{password}' IN ROLE pg_read_all_data"));
    format!("{start}://{name}:{password_and_place}")
}

#[test]
fn a_postgresql_is_dumped_by_a_role_that_sees_everything() {
    let Some(server) = PostgresServer::shared() else { return };
    let world = World::synced();
    let (url, other) = (server.database(), server.database());
    world.done(&["store", "copy", "--from", ".docassist", "--to", &url]);
    world.done(&["sync", "git", "product", "-q", "--org", "second", "--database", &url]);

    let run = world.run(&["backup", "saved", "--database", &url]);
    assert_eq!((run.status, world.path("saved").exists()), (1, false), "{}", run.out);
    assert!(run.err.contains("one organisation at a time") && run.err.contains("BYPASSRLS"), "{}", run.err);
    let role = reading_role(server, &url, "reader_of_all");
    let run = world.run(&["backup", "saved", "--database", &other, "--role-url", &role]);
    assert!(run.status == 2 && run.err.contains("Name the same host"), "{}", run.err);
    let run = world.run(&["backup", "saved", "--role-url", &role]);
    assert!(run.status == 2 && run.err.contains("records are in files"), "{}", run.err);

    // In one state, while somebody writes.
    let stop = AtomicBool::new(false);
    let place = ["--database", url.as_str()];
    let told = std::thread::scope(|threads| {
        let writing = threads.spawn(|| keep_writing(&world, &place, &stop));
        std::thread::sleep(Duration::from_millis(300));
        let told = world.run(&["backup", "saved", "--database", &url, "--role-url", &role, "--json"]);
        stop.store(true, Ordering::Relaxed);
        writing.join().unwrap();
        assert_eq!(told.status, 0, "{}", told.err);
        report(&told.out)
    });
    assert_eq!((&told["engine"], &told["files"][0]["path"]), (&json!("postgresql"), &json!("database.dump")));
    assert_eq!(told["organisations"].as_array().unwrap().len(), 2);

    // By the ordinary role, into an empty database, with the wall between organisations as before.
    let run = world.run(&["restore", "saved", "--database", &other, "--data", "elsewhere", "--json"]);
    assert_eq!(run.status, 0, "{}", run.err);
    for organisation in told["organisations"].as_array().unwrap() {
        let org = organisation["org"].as_str().unwrap();
        assert_eq!(digest(&world, &["--database", &other, "--org", org]), organisation["digest"].as_str().unwrap());
    }
    let walls = "SELECT count(*), count(*) FILTER (WHERE relrowsecurity AND relforcerowsecurity), \
         (SELECT count(*) FROM pg_policy) FROM pg_class WHERE relnamespace = 'docassist'::regnamespace AND relkind = 'r'";
    assert_eq!(server.psql(&other, walls), server.psql(&url, walls));
    let owner = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'docassist'";
    assert_eq!(server.psql(&other, owner), "docassist");
    world.done(&["sync", "docs", "product/docs", "-q", "--database", &other, "--org", "second"]);

    // Over what is there only where that is said; and then in its place.
    let run = world.run(&["restore", "saved", "--database", &other, "--data", "elsewhere"]);
    assert!(run.status == 1 && run.err.contains("is there already: PostgreSQL"), "{}", run.err);
    let changed = digest(&world, &["--database", &other, "--org", "second"]);
    damaged_postgres_backups(&world, &other);
    assert_eq!(digest(&world, &["--database", &other, "--org", "second"]), changed);
    let run = world.run(&["restore", "saved", "--database", &other, "--data", "elsewhere", "--replace"]);
    assert_eq!(run.status, 0, "{}", run.err);
    assert_ne!(digest(&world, &["--database", &other, "--org", "second"]), changed);
    let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'docassist%'";
    assert_eq!(server.psql(&other, schemas), "1");

    // What a restore has left that was killed, and whoever is still there.
    server.psql(&other, "CREATE SCHEMA docassist_replaced");
    let run = world.run(&["restore", "saved", "--database", &other, "--data", "elsewhere", "--replace"]);
    assert!(run.status == 1 && run.err.contains("an earlier restore was interrupted"), "{}", run.err);
    server.psql(&other, "DROP SCHEMA docassist_replaced");
}

/// Backups that are refused, after which everything is as before.
fn damaged_postgres_backups(world: &World, url: &str) {
    let restore = || world.run(&["restore", "saved", "--database", url, "--data", "elsewhere", "--replace"]);
    let (dump, path) = (world.path("saved/database.dump"), world.path("saved/manifest.json"));
    let (whole, text) = (std::fs::read(&dump).unwrap(), std::fs::read_to_string(&path).unwrap());
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    std::fs::write(&dump, &changed).unwrap();
    let run = restore();
    assert!(run.status == 1 && run.err.contains("database.dump of the backup is damaged"), "{}", run.err);
    // A hash that somebody has made fit: `pg_restore`, or the graph, tells.
    let mut manifest = report(&text);
    std::fs::write(&dump, &whole[..whole.len() / 2]).unwrap();
    let sum = {
        use sha2::Digest as _;
        let sum = sha2::Sha256::digest(&whole[..whole.len() / 2]);
        sum.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    manifest["files"][0]["sha256"] = json!(sum);
    manifest["files"][0]["bytes"] = json!(whole.len() / 2);
    std::fs::write(&path, manifest.to_string()).unwrap();
    let run = restore();
    assert!(run.status == 1 && run.err.contains("pg_restore failed"), "{}", run.err);
    std::fs::write(&dump, &whole).unwrap();
    let mut manifest = report(&text);
    manifest["organisations"][0]["digest"] = json!("0".repeat(64));
    std::fs::write(&path, manifest.to_string()).unwrap();
    let run = restore();
    assert!(run.status == 4 && run.err.contains("nothing was changed): default"), "{}", run.err);
    std::fs::write(&path, text).unwrap();
}
