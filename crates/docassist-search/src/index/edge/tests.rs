use super::*;
use crate::index::suite::{all_noted, along, find, noted, passage, scope, suite};
use crate::index::{IndexError, MOST_DRIFT, entries, index_all};
use crate::lexical::{Bm25, SparseVector};

fn options() -> EdgeOptions {
    EdgeOptions { dense: Some(DenseSpace { dimensions: 4, model: "axes".into() }) }
}

fn made() -> (EdgeIndex, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (EdgeIndex::new(folder.path(), options()), folder)
}

suite!(made());

fn documents(index: &EdgeIndex, text: &str) -> Vec<String> {
    find(index, &scope("one"), text, &Filter::default())
}

#[test]
fn what_was_committed_is_there_after_opening_again() {
    let (index, folder) = made();
    let one = scope("one");
    assert_eq!(index.position(&one).unwrap(), Position { sequence: None, reason: None });
    index.upsert(&one, &[Entry::new(passage("docs", "a", "cache")).with_dense(along(1))]).unwrap();
    index.commit(&one, 7).unwrap();
    let vectors = index.vectors(&one, &[passage("docs", "a", "").id]).unwrap();
    drop(index);
    for _ in 0..2 {
        let index = EdgeIndex::new(folder.path(), options());
        assert_eq!(index.position(&one).unwrap(), Position { sequence: Some(7), reason: None });
        assert_eq!(documents(&index, "cache"), ["a"]);
        assert_eq!(index.vectors(&one, &[passage("docs", "a", "").id]).unwrap(), vectors);
    }
    let index = EdgeIndex::new(folder.path(), options());
    index.upsert(&one, &entries(vec![passage("docs", "a", "queue"), passage("docs", "b", "queue")])).unwrap();
    assert_eq!(documents(&index, "cache"), Vec::<String>::new());
    assert_eq!(documents(&index, "queue").len(), 2);
}

#[test]
fn what_was_not_committed_makes_the_index_say_that_it_has_to_be_built_anew() {
    let (index, folder) = made();
    let one = scope("one");
    index.upsert(&one, &entries(vec![passage("docs", "a", "cache")])).unwrap();
    index.commit(&one, 7).unwrap();
    index.upsert(&one, &entries(vec![passage("docs", "b", "cache")])).unwrap();
    drop(index);
    let index = EdgeIndex::new(folder.path(), options());
    let position = index.position(&one).unwrap();
    assert_eq!(position.sequence, None);
    assert!(position.reason.unwrap().contains("cut short"));
    assert_eq!(documents(&index, "cache"), Vec::<String>::new());
    drop(index);
    let index = EdgeIndex::new(folder.path(), options());
    assert_eq!(index.position(&one).unwrap().sequence, None, "until it is built");
    index.commit(&one, 8).unwrap();
    assert_eq!(index.position(&one).unwrap(), Position { sequence: Some(8), reason: None });
}

#[test]
fn damage_is_noticed_and_said() {
    for (victim, content) in
        [("state.json", &b"{"[..]), ("terms.tsv", b"x"), ("documents", b"x"), ("shard/edge_config.json", b"")]
    {
        let (index, folder) = made();
        let one = scope("one");
        index.note_documents(&one, &[noted("docs", "a", 1)], &[]).unwrap();
        index.upsert(&one, &entries(vec![passage("docs", "a", "cache")])).unwrap();
        index.commit(&one, 7).unwrap();
        drop(index);
        let path = folder.path().join("one/search-0").join(victim);
        assert!(path.exists(), "{victim}");
        std::fs::write(&path, content).unwrap();
        if victim.starts_with("shard") {
            std::fs::remove_dir_all(folder.path().join("one/search-0/shard/segments")).unwrap();
        }
        let index = EdgeIndex::new(folder.path(), options());
        let position = index.position(&one).unwrap();
        assert!(position.sequence.is_none() && position.reason.is_some(), "{victim}: {position:?}");
    }
}

#[test]
fn another_model_s_vectors_are_not_mixed_in() {
    let (index, folder) = made();
    let one = scope("one");
    index.upsert(&one, &[Entry::new(passage("docs", "a", "cache")).with_dense(along(1))]).unwrap();
    index.commit(&one, 7).unwrap();
    drop(index);
    let other = EdgeOptions { dense: Some(DenseSpace { dimensions: 4, model: "other".into() }) };
    let position = EdgeIndex::new(folder.path(), other).position(&one).unwrap();
    assert!(position.reason.unwrap().contains("other"));
}

#[test]
fn each_of_several_processes_has_an_index_of_its_own() {
    let (index, folder) = made();
    let (one, other) = (scope("one"), folder.path().join("one/other"));
    index.upsert(&one, &entries(vec![passage("docs", "a", "cache")])).unwrap();
    std::fs::write(&other, "somebody else's").unwrap();
    let second = EdgeIndex::new(folder.path(), options());
    assert_eq!(second.position(&one).unwrap(), Position { sequence: None, reason: None });
    second.upsert(&one, &entries(vec![passage("docs", "b", "cache")])).unwrap();
    second.commit(&one, 2).unwrap();
    assert_eq!(documents(&index, "cache"), ["a"]);
    assert_eq!(documents(&second, "cache"), ["b"]);
    assert!(folder.path().join("one/search-1").exists());
    let more: Vec<EdgeIndex> = (2..8)
        .map(|_| {
            let index = EdgeIndex::new(folder.path(), options());
            index.counts(&one).unwrap();
            index
        })
        .collect();
    let last = EdgeIndex::new(folder.path(), options());
    assert!(matches!(last.counts(&one), Err(IndexError::InUse)));
    last.counts(&scope("two")).unwrap();
    drop(second);
    assert_eq!(documents(&last, "cache"), ["b"], "the one that is free now");
    // What others have open stays theirs, what nobody has open goes, and so does what is not the index's.
    drop(more);
    index.remove_org(&one).unwrap();
    assert_eq!(documents(&last, "cache"), ["b"]);
    let mut left: Vec<_> = std::fs::read_dir(folder.path().join("one"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["other", "search-1"]);
}

#[test]
fn the_one_that_rested_longest_is_closed_where_too_many_are_open() {
    let folder = tempfile::tempdir().unwrap();
    let index = EdgeIndex::new(folder.path(), options()).keeping_open(2);
    let names = ["one", "two", "three", "four"];
    // An index that is open here is passed over by others, who take a second folder.
    let is_open = |name: &str| {
        let other = EdgeIndex::new(folder.path(), options());
        other.position(&scope(name)).unwrap();
        let second = folder.path().join(name).join("search-1");
        let is_open = second.exists();
        drop(other);
        let _ = std::fs::remove_dir_all(second);
        is_open
    };
    for (at, name) in names.into_iter().enumerate() {
        index.upsert(&scope(name), &entries(vec![passage("docs", name, "cache")])).unwrap();
        index.commit(&scope(name), 1 + at as u64).unwrap();
    }
    assert_eq!(names.map(is_open), [false, false, true, true]);
    assert_eq!(documents(&index, "cache"), ["one"], "it is opened again");
    assert_eq!(names.map(is_open), [true, false, false, true]);
    // What is not committed stays open beyond the bound, until it is.
    index.upsert(&scope("two"), &entries(vec![passage("docs", "b", "cache")])).unwrap();
    index.upsert(&scope("three"), &entries(vec![passage("docs", "b", "cache")])).unwrap();
    index.upsert(&scope("four"), &entries(vec![passage("docs", "b", "cache")])).unwrap();
    assert_eq!(names.map(is_open), [false, true, true, true]);
    for name in &names[1..] {
        index.commit(&scope(name), 9).unwrap();
    }
    index.position(&scope("one")).unwrap();
    assert_eq!(names.map(is_open), [true, false, false, true]);
    for (at, name) in names.into_iter().enumerate() {
        let sequence = if at == 0 { 1 } else { 9 };
        assert_eq!(index.position(&scope(name)).unwrap().sequence, Some(sequence), "{name}");
    }
}

#[test]
fn it_is_closed_where_nothing_is_lost_by_it() {
    let (index, folder) = made();
    let one = scope("one");
    assert!(index.close(&one), "it was never opened");
    index.upsert(&one, &entries(vec![passage("docs", "a", "cache")])).unwrap();
    assert!(!index.close(&one), "there is something to commit");
    index.commit(&one, 1).unwrap();
    index.read_statistics(&one, &mut |_| assert!(!index.close(&one), "it is read")).unwrap();
    assert!(index.close(&one));
    let second = EdgeIndex::new(folder.path(), options());
    assert_eq!(documents(&second, "cache"), ["a"], "its folder is free");
    assert!(second.close(&one));
    assert_eq!(documents(&index, "cache"), ["a"]);
    assert_eq!(index.position(&one).unwrap().sequence, Some(1));
}

#[test]
fn documents_outlive_the_process_with_a_commit_only() {
    let (index, folder) = made();
    let one = scope("one");
    index
        .note_documents(&one, &[noted("docs", "a", 1), noted("docs", "b\n\t", u64::MAX), noted("", "", 0)], &[])
        .unwrap();
    index.commit(&one, 1).unwrap();
    drop(index);
    let index = EdgeIndex::new(folder.path(), options());
    assert_eq!(all_noted(&index, &one), [noted("", "", 0), noted("docs", "a", 1), noted("docs", "b\n\t", u64::MAX)]);
    index.remove(&one, &Selection::Source("docs".into())).unwrap();
    index.note_documents(&one, &[noted("docs", "c", 3)], &[(String::new(), String::new())]).unwrap();
    assert_eq!(all_noted(&index, &one), [noted("docs", "c", 3)]);
    index.commit(&one, 2).unwrap();
    assert_eq!(all_noted(&index, &one), [noted("docs", "c", 3)]);
    drop(index);
    let index = EdgeIndex::new(folder.path(), options());
    assert_eq!(all_noted(&index, &one), [noted("docs", "c", 3)]);
    index.note_documents(&one, &[noted("docs", "d", 4)], &[]).unwrap();
    drop(index);
    let index = EdgeIndex::new(folder.path(), options());
    assert_eq!(all_noted(&index, &one), [], "writing was cut short");
}

#[test]
fn optimising_does_not_hide_what_is_not_committed() {
    let (index, folder) = made();
    let one = scope("one");
    index.upsert(&one, &entries(vec![passage("docs", "a", "cache")])).unwrap();
    index.commit(&one, 1).unwrap();
    index.set_dense(&one, &[(passage("docs", "a", "").id, along(1))]).unwrap();
    index.optimise(&one).unwrap();
    drop(index);
    let index = EdgeIndex::new(folder.path(), options());
    assert!(index.position(&one).unwrap().reason.is_some());
}

#[test]
fn scores_follow_the_average_length() {
    let (index, _folder) = made();
    let one = scope("one");
    let long = "many more words that make the average passage much longer than the first one was ".repeat(4);
    index.upsert(&one, &entries(vec![passage("docs", "a", "cache hit")])).unwrap();
    let later: Vec<Entry> = entries((0..9).map(|n| passage("docs", &format!("d{n}"), &long)).collect());
    index.upsert(&one, &later).unwrap();
    index.commit(&one, 1).unwrap();
    let mut average = 0.0;
    index.read_statistics(&one, &mut |statistics| average = statistics.average_length()).unwrap();
    let stored = index.vectors(&one, &[later[0].passage.id]).unwrap().remove(0).sparse;
    let expected = later[0].terms.vector(Bm25::default(), average);
    assert_eq!(stored.indices, expected.indices);
    for (a, b) in stored.values.iter().zip(&expected.values) {
        assert!((a - b).abs() < 1e-3, "{a} {b}");
    }
}

#[test]
fn scores_follow_the_average_length_while_the_index_grows() {
    let (index, _folder) = made();
    let one = scope("one");
    let long = "many more words that make the average passage much longer than the first ones were ".repeat(4);
    let (short, longer) = (0..300, 300..5_000);
    let all = short.map(|n| (n, "cache hit")).chain(longer.map(|n| (n, long.as_str())));
    let passages: Vec<_> = all.map(|(n, text)| passage("docs", &format!("d{n}"), text)).collect();
    index_all(&index, &one, passages.iter().cloned()).unwrap();
    index.commit(&one, 1).unwrap();
    let mut average = 0.0;
    index.read_statistics(&one, &mut |statistics| average = statistics.average_length()).unwrap();
    let sampled = entries([0, 299, 300, 1_023, 1_024, 4_999].map(|n| passages[n].clone()).to_vec());
    for entry in &sampled {
        let stored = index.vectors(&one, &[entry.passage.id]).unwrap().remove(0);
        let expected = entry.terms.vector(Bm25::default(), average);
        assert_eq!(stored.sparse.indices, expected.indices);
        for (a, b) in stored.sparse.values.iter().zip(&expected.values) {
            assert!((a / b - 1.0).abs() <= MOST_DRIFT, "{} {a} {b}", entry.passage.document);
        }
    }
}

#[test]
fn the_engine_s_log_does_not_grow_with_all_that_was_written() {
    let (index, folder) = made();
    let one = scope("one");
    // One word that is too long to be a term.
    let text = "x".repeat(100_000);
    for round in 0..12 {
        let many = (0..40).map(|n| passage("docs", &format!("d{n}"), &format!("{text} {round}"))).collect();
        index.upsert(&one, &entries(many)).unwrap();
        index.commit(&one, round).unwrap();
    }
    let log = std::fs::read_dir(folder.path().join("one/search-0/shard/wal")).unwrap();
    let bytes: u64 = log.map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    assert!(bytes < 40 << 20, "{bytes}");
    drop(index);
    let index = EdgeIndex::new(folder.path(), options());
    assert_eq!(index.position(&one).unwrap().sequence, Some(11));
    index.upsert(&one, &entries(vec![passage("docs", "d0", "changed")])).unwrap();
    assert_eq!(documents(&index, "changed"), ["d0"], "operations after the shortened log count");
}

/// A word of letters for a number, so that no two numbers share a part.
fn word(number: usize) -> String {
    number.to_string().bytes().map(|digit| char::from(b'p' + digit - b'0')).collect()
}

#[test]
fn many_passages_in_many_segments_are_found_and_removed() {
    let (index, folder) = made();
    let one = scope("one");
    // More than two segments' worth, some of it written twice and some removed from segments that are closed.
    let all =
        |text: &'static str| (0..9_000).map(move |n| passage("docs", &format!("d{n}"), &format!("{text} {}", word(n))));
    index_all(&index, &one, all("cache")).unwrap();
    index_all(&index, &one, all("queue").take(3_000)).unwrap();
    index.remove(&one, &Selection::Passages(all("").skip(8_000).map(|passage| passage.id).collect())).unwrap();
    index.commit(&one, 1).unwrap();
    for index in [index, EdgeIndex::new(folder.path(), options())] {
        assert_eq!(index.counts(&one).unwrap().passages, 8_000);
        assert_eq!(index.facets(&one, &Filter::default(), FacetField::Source, 3).unwrap()[0].passages, 8_000);
        for (number, text) in [(5, "queue"), (2_999, "queue"), (3_000, "cache"), (7_999, "cache")] {
            assert_eq!(documents(&index, &word(number)), [format!("d{number}")]);
            let found = index.get(&one, &[passage("docs", &format!("d{number}"), "").id]).unwrap();
            assert!(found[0].text.starts_with(text));
        }
        assert_eq!(documents(&index, &word(8_500)), Vec::<String>::new());
        drop(index);
    }
}

#[test]
fn optimising_changes_no_answer() {
    let (index, folder) = made();
    let one = scope("one");
    let many: Vec<Entry> = (0..300)
        .map(|n| Entry::new(passage("docs", &format!("d{n}"), &format!("cache {}", word(n)))).with_dense(along(n % 4)))
        .collect();
    index.upsert(&one, &many).unwrap();
    index.remove(&one, &Selection::Passages(vec![many[3].passage.id])).unwrap();
    index.commit(&one, 1).unwrap();
    let asked = format!("{} {}", word(7), word(8));
    let before = documents(&index, &asked);
    assert_eq!(before.len(), 2);
    let dense = along(2);
    let query =
        IndexQuery { sparse: &SparseVector::default(), dense: Some(&dense), filter: &Filter::default(), limit: 300 };
    assert_eq!(index.search(&one, &query).unwrap().len(), 299);
    index.optimise(&one).unwrap();
    assert_eq!(documents(&index, &asked), before);
    assert_eq!(index.search(&one, &query).unwrap().len(), 299, "what was removed stays so");
    drop(index);
    let index = EdgeIndex::new(folder.path(), options());
    assert_eq!(index.position(&one).unwrap().sequence, Some(1));
    assert_eq!(documents(&index, &asked), before);
    assert_eq!(index.counts(&one).unwrap(), Counts { passages: 299, embedded: 299 });
}
