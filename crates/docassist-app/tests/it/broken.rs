//! Repositories that are damaged, partial or unusual give a result, and say what could not be seen.

use docassist_app::sync::{GitRequest, TicketsRequest};
use docassist_model::{ErrorCode, Unobserved};

use docassist_testing::fixture::GitFixture;

use crate::organisation::Organisation;

/// Removes a loose object, or overwrites it.
fn harm(repository: &GitFixture, object: &str, content: Option<&[u8]>) {
    let path = repository.path().join(".git/objects").join(&object[..2]).join(&object[2..]);
    // Objects are written read-only.
    std::fs::remove_file(&path).unwrap();
    if let Some(content) = content {
        std::fs::write(&path, content).unwrap();
    }
}

fn three_commits() -> (GitFixture, Vec<String>) {
    let mut repository = GitFixture::new();
    let commits = (1..=3)
        .map(|n| {
            repository.write("src/a.rs", format!("fn a{n}() {{}}\n"));
            repository.write(&format!("src/b{n}.rs"), "b\n");
            repository.commit(&format!("Change {n}")).to_hex()
        })
        .collect();
    (repository, commits)
}

#[test]
fn an_empty_repository_is_a_result() {
    let report = Organisation::new().sync(&GitFixture::new());
    assert_eq!((report.commits_added, report.tip), (0, None));
    assert!(report.notes[0].contains("no commits yet"), "{:?}", report.notes);
}

#[test]
fn a_missing_blob_costs_its_line_count_and_nothing_else() {
    let (repository, _) = three_commits();
    let blob = repository.git(["rev-parse", "HEAD~1:src/a.rs"]).trim().to_owned();
    harm(&repository, &blob, None);
    let organisation = Organisation::new();
    let report = organisation.sync(&repository);
    assert_eq!(report.commits_added, 3);
    assert!(report.notes.iter().any(|note| note.contains(&blob) && note.contains("missing")), "{:?}", report.notes);
    let answer = organisation.app.relations_of_file("src/a.rs", None, Default::default()).unwrap();
    assert_eq!(answer.body.commits.len(), 3);
    assert!(!answer.completeness.complete);
    // The note stays while the commit does.
    assert!(organisation.sync(&repository).notes.iter().any(|note| note.contains(&blob)));
}

#[test]
fn a_damaged_commit_hides_its_ancestors_and_no_more() {
    let (repository, commits) = three_commits();
    harm(&repository, &commits[0], Some(b"garbage"));
    let organisation = Organisation::new();
    let report = organisation.sync(&repository);
    assert_eq!(report.commits_added, 2);
    assert!(report.notes.iter().any(|note| note.contains(&commits[0])), "{:?}", report.notes);
}

#[test]
fn what_was_missing_is_read_when_it_comes_back() {
    let (repository, commits) = three_commits();
    let path = repository.path().join(".git/objects").join(&commits[0][..2]).join(&commits[0][2..]);
    let content = std::fs::read(&path).unwrap();
    harm(&repository, &commits[0], None);
    let organisation = Organisation::new();
    organisation.sync(&repository);
    std::fs::write(&path, content).unwrap();
    organisation.sync(&repository);
    let full = Organisation::new();
    full.sync(&repository);
    assert_eq!(organisation.digest(), full.digest());
    assert_eq!(organisation.app.graph().unwrap().commit_count(), 3);
}

#[test]
fn a_shallow_clone_says_so_and_is_completed_when_it_is_deepened() {
    let (origin, _) = three_commits();
    let mut clone = GitFixture::new();
    let url = format!("file://{}", origin.path().display());
    clone.git(["fetch", "--quiet", "--depth", "2", &url, "main"]);
    clone.reset("FETCH_HEAD");
    let organisation = Organisation::new();
    let report = organisation.sync(&clone);
    assert_eq!(report.commits_added, 2);
    assert!(report.notes.iter().any(|note| note.contains("shallow")), "{:?}", report.notes);
    // The boundary's author did not write every file.
    let file = organisation.app.relations_of_file("src/b1.rs", None, Default::default()).unwrap();
    assert_eq!(file.body.commits.len(), 0);
    clone.git(["fetch", "--quiet", "--unshallow", &url, "main"]);
    let report = organisation.sync(&clone);
    assert_eq!(report.notes, Vec::<String>::new());
    let full = Organisation::new();
    full.sync(&clone);
    assert_eq!(organisation.digest(), full.digest());
}

#[test]
fn a_detached_head_is_read_and_noted() {
    let (repository, commits) = three_commits();
    repository.git(["checkout", "--quiet", "--detach", &commits[1]]);
    let report = Organisation::new().sync(&repository);
    assert_eq!(report.commits_added, 2);
    assert!(report.notes.iter().any(|note| note.contains("detached")), "{:?}", report.notes);
}

#[test]
fn a_repository_of_sha_256_is_read_like_any_other() {
    let mut repository = GitFixture::sha256();
    repository.write("src/a.rs", "one\n");
    repository.commit("One");
    repository.write("src/a.rs", "one\ntwo\n");
    let tip = repository.commit("Two").to_hex();
    assert_eq!(tip.len(), 64);
    let organisation = Organisation::new();
    let report = organisation.sync(&repository);
    assert_eq!((report.commits_added, report.notes), (2, vec![]));
    let answer = organisation.app.impact_of_commit(&tip[..12], Default::default()).unwrap();
    assert_eq!((answer.body.change.additions, answer.body.change.deletions), (1, 0));
}

#[cfg(unix)]
#[test]
fn names_and_messages_that_are_not_utf_8_are_kept() {
    use std::os::unix::ffi::OsStrExt;
    let mut repository = GitFixture::new();
    let name = std::ffi::OsStr::from_bytes(b"src/caf\xe9.rs");
    std::fs::create_dir_all(repository.path().join("src")).unwrap();
    std::fs::write(repository.path().join(name), "x\n").unwrap();
    repository.write("message", "x");
    std::fs::write(repository.path().join("message"), b"Gr\xfc\xdfe\n").unwrap();
    repository.git(["add", "--all"]);
    repository.git(["-c", "i18n.commitEncoding=ISO-8859-1", "commit", "--quiet", "-F", "message"]);
    repository.commit("");
    let organisation = Organisation::new();
    organisation.sync(&repository);
    let answer = organisation.app.relations_of_file("src/caf\\xE9.rs", None, Default::default()).unwrap();
    assert_eq!(answer.body.commits[0].subject, "Grüße");
    assert!(answer.body.exists);
}

#[cfg(unix)]
#[test]
fn links_submodules_and_octopus_merges_are_part_of_the_history() {
    let mut repository = GitFixture::new();
    repository.write("src/a.rs", "a\n");
    let first = repository.commit("First").to_hex();
    std::os::unix::fs::symlink("a.rs", repository.path().join("src/link.rs")).unwrap();
    repository.commit("Link");
    repository.git(["update-index", "--add", "--cacheinfo", &format!("160000,{first},vendor/sub")]);
    repository.git(["commit", "--quiet", "-m", "Submodule"]);
    for side in ["one", "two", "three"] {
        repository.git(["checkout", "--quiet", "-f", "-B", side, &first]);
        repository.write(&format!("src/{side}.rs"), "x\n");
        repository.git(["add", &format!("src/{side}.rs")]);
        repository.git(["commit", "--quiet", "-m", side]);
    }
    repository.git(["checkout", "--quiet", "-f", "main"]);
    repository.git(["merge", "--quiet", "-m", "Octopus", "one", "two", "three"]);
    let organisation = Organisation::new();
    let report = organisation.sync(&repository);
    assert_eq!((report.commits_added, report.notes), (7, vec![]));
    let submodule = organisation.app.relations_of_file("vendor/sub", None, Default::default()).unwrap();
    assert_eq!(submodule.body.commits.len(), 1);
    let stats = organisation.app.relations_of_repository("repo", Default::default()).unwrap().body.stats;
    assert_eq!((stats.commits, stats.merges), (7, 1));
}

#[test]
fn what_cannot_be_used_is_a_clear_error() {
    let organisation = Organisation::new();
    let folder = tempfile::tempdir().unwrap();
    let request = |location: &str, branch: Option<&str>| GitRequest {
        location: location.to_owned(),
        branch: branch.map(str::to_owned),
        ..GitRequest::default()
    };
    let error = organisation.app.sync_git(&request(folder.path().to_str().unwrap(), None), &Unobserved).unwrap_err();
    assert_eq!(error.code, ErrorCode::SourceUnreadable);
    assert!(error.message.contains("no git repository"), "{error:?}");
    let (repository, _) = three_commits();
    let error = organisation.app.sync_git(&request(repository.path().to_str().unwrap(), Some("nope")), &Unobserved);
    let error = error.unwrap_err();
    assert_eq!(error.code, ErrorCode::NotFound);
    assert!(error.message.contains("main"), "it names the branches that exist: {error:?}");
    let error = organisation.app.sync_git(&request("file:///nowhere/at/all.git", None), &Unobserved).unwrap_err();
    assert_eq!(error.code, ErrorCode::SourceUnreadable);
    let missing = TicketsRequest { files: vec!["/nowhere.json".into()], ..TicketsRequest::default() };
    assert_eq!(organisation.app.sync_tickets(&missing, &Unobserved).unwrap_err().code, ErrorCode::SourceUnreadable);
}

#[test]
fn a_url_is_cloned_and_followed() {
    let (mut origin, _) = three_commits();
    let organisation = Organisation::new();
    let request = GitRequest {
        location: format!("file://{}", origin.path().display()),
        name: Some("far".into()),
        ..GitRequest::default()
    };
    assert_eq!(organisation.app.sync_git(&request, &Unobserved).unwrap().commits_added, 3);
    origin.commit("More");
    assert_eq!(organisation.app.sync_git(&request, &Unobserved).unwrap().commits_added, 1);
    assert!(organisation.data().join("orgs/default/clones/far.git").exists());
}

#[test]
fn two_repositories_of_one_name_are_not_mixed() {
    let (one, _) = three_commits();
    let (two, _) = three_commits();
    let organisation = Organisation::new();
    let inside = |repository: &GitFixture| {
        let folder = repository.path().join("same");
        repository.git(["worktree", "add", "--quiet", "--detach", folder.to_str().unwrap()]);
        GitRequest { location: folder.to_str().unwrap().to_owned(), ..GitRequest::default() }
    };
    organisation.app.sync_git(&inside(&one), &Unobserved).unwrap();
    let error = organisation.app.sync_git(&inside(&two), &Unobserved).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidInput);
    assert!(error.hint.unwrap().contains("--name"));
}
