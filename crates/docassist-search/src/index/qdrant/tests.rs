use std::time::Instant;

use docassist_testing_qdrant::{Held, Server};

use super::*;
use crate::index::suite::{all_noted, along, find, noted, passage, scope, suite};
use crate::index::{IndexError, entries};
use crate::lexical::{Bm25, SparseVector};

fn options(server: &Server) -> QdrantOptions {
    QdrantOptions {
        dense: Some(DenseSpace { dimensions: 4, model: "axes".into() }),
        prefix: "test".into(),
        ..QdrantOptions::new(server.url())
    }
}

fn another(server: &Server) -> QdrantIndex {
    QdrantIndex::new(&options(server)).unwrap()
}

fn made() -> (QdrantIndex, Server) {
    let server = Server::start(None);
    (another(&server), server)
}

suite!(made());

fn documents(index: &QdrantIndex, org: &str, text: &str) -> Vec<String> {
    find(index, &scope(org), text, &Filter::default())
}

fn embedded(document: &str, text: &str) -> Entry {
    Entry::new(passage("docs", document, text)).with_dense(along(0))
}

#[test]
fn organisations_with_equal_passages_keep_their_own() {
    let (index, server) = made();
    let (one, two) = (scope("one"), scope("two"));
    for org in [&one, &two] {
        index.upsert(org, &[embedded("a", "cache"), embedded("b", "queue")]).unwrap();
        index.note_documents(org, &[noted("docs", "a", 1)], &[]).unwrap();
        index.commit(org, 1).unwrap();
    }
    index.upsert(&one, &[embedded("a", "zebra")]).unwrap();
    index.note_documents(&one, &[noted("docs", "a", 2)], &[]).unwrap();
    index.commit(&one, 2).unwrap();
    for index in [&index, &another(&server)] {
        assert_eq!(documents(index, "one", "cache"), Vec::<String>::new());
        assert_eq!(documents(index, "one", "zebra"), ["a"]);
        assert_eq!(documents(index, "two", "cache"), ["a"]);
        assert_eq!(documents(index, "two", "zebra"), Vec::<String>::new());
        assert_eq!(all_noted(index, &one), [noted("docs", "a", 2)]);
        assert_eq!(all_noted(index, &two), [noted("docs", "a", 1)]);
        assert_eq!(index.position(&one).unwrap().sequence, Some(2));
        assert_eq!(index.position(&two).unwrap().sequence, Some(1));
        let dense = along(0);
        let all =
            IndexQuery { sparse: &SparseVector::default(), dense: Some(&dense), filter: &Filter::default(), limit: 9 };
        assert_eq!(index.search(&one, &all).unwrap().len(), 2);
    }
    index.remove(&one, &Selection::Passages(vec![passage("docs", "a", "").id])).unwrap();
    index.commit(&one, 3).unwrap();
    assert_eq!(documents(&index, "two", "cache"), ["a"]);
    index.remove_org(&one).unwrap();
    assert_eq!(documents(&index, "two", "cache"), ["a"]);
    assert_eq!(all_noted(&index, &two), [noted("docs", "a", 1)]);
    index.remove_org(&two).unwrap();
    assert_eq!(server.held.points(&server.held.names()[0]), 0, "nothing is left behind");
}

#[test]
fn a_cluster_spreads_it_as_it_was_told() {
    let server = Server::start(None);
    let told = QdrantOptions { shards: Some(6), replicas: Some(2), ..options(&server) };
    let index = QdrantIndex::new(&told).unwrap();
    index.upsert(&scope("one"), &[embedded("a", "cache")]).unwrap();
    assert_eq!(server.held.spread(&server.held.names()[0]), (Some(6), Some(2)));
    let server = Server::start(None);
    another(&server).upsert(&scope("one"), &[embedded("a", "cache")]).unwrap();
    assert_eq!(server.held.spread(&server.held.names()[0]), (None, None));
}

#[test]
fn what_one_process_writes_another_sees() {
    let (writer, server) = made();
    let reader = another(&server);
    let one = scope("one");
    let rarity = |index: &QdrantIndex| {
        let (mut counted, mut average) = (0, 0.0);
        index
            .read_statistics(&one, &mut |statistics| {
                counted = statistics.passages_with(crate::lexical::dimension("cach"));
                counted = counted.max(statistics.passages_with(crate::lexical::dimension("cache")));
                average = statistics.average_length();
            })
            .unwrap();
        (counted, average)
    };
    assert_eq!(reader.counts(&one).unwrap().passages, 0);
    for round in 1..5 {
        let text = "cache ".repeat(round);
        writer.upsert(&one, &[embedded(&format!("d{round}"), &text)]).unwrap();
        writer.upsert(&one, &entries(vec![passage("docs", "changing", &format!("word{round}x"))])).unwrap();
        writer.note_documents(&one, &[noted("docs", "changing", round as u64)], &[]).unwrap();
        writer.commit(&one, round as u64).unwrap();
        assert_eq!(rarity(&reader), rarity(&writer));
        assert_eq!(rarity(&reader).0, round as u64);
        assert_eq!(documents(&reader, "one", "cache").len(), round);
        assert_eq!(documents(&reader, "one", &format!("word{round}x")), ["changing"]);
        assert_eq!(reader.counts(&one).unwrap(), writer.counts(&one).unwrap());
        assert_eq!(reader.counts(&one).unwrap().embedded, round as u64);
        assert_eq!(reader.position(&one).unwrap(), Position { sequence: Some(round as u64), reason: None });
        assert_eq!(all_noted(&reader, &one), [noted("docs", "changing", round as u64)]);
        let (mut mine, mut theirs) = (Statistics::default(), Statistics::default());
        writer.read_statistics(&one, &mut |statistics| mine = statistics.clone()).unwrap();
        reader.read_statistics(&one, &mut |statistics| theirs = statistics.clone()).unwrap();
        assert_eq!(mine, theirs, "what was removed is gone in both");
    }
    // The lease moves: the other one writes, and the first one sees that.
    reader.upsert(&one, &[embedded("late", "zebra")]).unwrap();
    reader.remove(&one, &Selection::Document { source: "docs".into(), document: "d1".into() }).unwrap();
    reader.commit(&one, 9).unwrap();
    assert_eq!(documents(&writer, "one", "zebra"), ["late"]);
    assert_eq!(rarity(&writer), rarity(&reader));
    writer.upsert(&one, &[embedded("later", "zebra")]).unwrap();
    writer.commit(&one, 10).unwrap();
    assert_eq!(documents(&reader, "one", "zebra").len(), 2);
    // An organisation that is removed and comes again is not taken for what it was.
    writer.remove_org(&one).unwrap();
    assert_eq!(rarity(&reader).0, 0);
    assert_eq!(reader.position(&one).unwrap(), Position { sequence: None, reason: None });
    writer.upsert(&one, &[embedded("new", "unicorn")]).unwrap();
    writer.commit(&one, 1).unwrap();
    assert_eq!(documents(&reader, "one", "unicorn"), ["new"]);
    assert_eq!(documents(&reader, "one", "zebra"), Vec::<String>::new());
    assert_eq!(reader.counts(&one).unwrap().passages, 1);
}

#[test]
fn what_was_cut_short_says_so_and_is_built_anew() {
    let (index, server) = made();
    let one = scope("one");
    index.upsert(&one, &[embedded("a", "cache")]).unwrap();
    index.note_documents(&one, &[noted("docs", "a", 1)], &[]).unwrap();
    index.commit(&one, 7).unwrap();
    index.upsert(&one, &[embedded("b", "cache")]).unwrap();
    index.note_documents(&one, &[noted("docs", "b", 1)], &[]).unwrap();
    assert_eq!(index.position(&one).unwrap().sequence, Some(7), "of the last commit, to who writes");
    drop(index);
    let index = another(&server);
    let position = index.position(&one).unwrap();
    assert_eq!(position.sequence, None);
    assert!(position.reason.unwrap().contains("cut short"));
    assert_eq!(all_noted(&index, &one), [], "everything has to be written again");
    index.upsert(&one, &[embedded("c", "queue")]).unwrap();
    assert_eq!(documents(&index, "one", "cache"), Vec::<String>::new(), "what was half written is gone");
    assert_eq!(index.counts(&one).unwrap(), Counts { passages: 1, embedded: 1 });
    let position = index.position(&one).unwrap();
    assert_eq!((position.sequence, position.reason.as_deref()), (None, Some("writing to it was cut short")));
    index.commit(&one, 8).unwrap();
    for index in [index, another(&server)] {
        assert_eq!(index.position(&one).unwrap(), Position { sequence: Some(8), reason: None });
        assert_eq!(documents(&index, "one", "queue"), ["c"]);
        assert_eq!(all_noted(&index, &one), []);
    }
}

#[test]
fn who_has_lost_the_right_to_write_is_told() {
    let (first, server) = made();
    let second = another(&server);
    let one = scope("one");
    first.upsert(&one, &[embedded("a", "cache")]).unwrap();
    // Its lease ran out.
    second.upsert(&one, &[embedded("b", "cache")]).unwrap();
    let error = first.upsert(&one, &[embedded("c", "cache")]).unwrap_err();
    assert!(error.to_string().contains("another process"), "{error}");
    second.commit(&one, 3).unwrap();
    assert_eq!(documents(&first, "one", "cache"), ["b"]);
    assert_eq!(first.position(&one).unwrap().sequence, Some(3));
    first.upsert(&one, &[embedded("c", "cache")]).unwrap();
    first.commit(&one, 4).unwrap();
    assert_eq!(documents(&second, "one", "cache").len(), 2);
}

#[test]
fn a_write_that_fails_is_not_committed() {
    let held = Held::default();
    let one = scope("one");
    // The collection, its fields, the state, and then no more.
    for writes in 0..16 {
        let server = Server::over(held.clone(), None, Some(writes));
        let index = another(&server);
        let written = index
            .upsert(&one, &[embedded("a", "cache")])
            .and_then(|()| index.note_documents(&one, &[noted("docs", "a", 1)], &[]))
            .and_then(|()| index.commit(&one, 7));
        let server = Server::over(held.clone(), None, None);
        let reader = another(&server);
        let position = reader.position(&one).unwrap();
        if written.is_ok() {
            assert_eq!(position.sequence, Some(7));
            assert_eq!(documents(&reader, "one", "cache"), ["a"]);
            assert_eq!(all_noted(&reader, &one), [noted("docs", "a", 1)]);
            assert!(writes > 2, "after {writes}");
            return;
        }
        assert_eq!(position.sequence, None, "after {writes}");
        assert_eq!(all_noted(&reader, &one), []);
    }
    panic!("it was never written");
}

#[test]
fn it_goes_on_in_the_same_process_after_a_failure() {
    let held = Held::default();
    let one = scope("one");
    let failing = Server::over(held.clone(), None, Some(12));
    let index = another(&failing);
    let mut round = 0;
    while index.upsert(&one, &[embedded(&format!("d{round}"), "cache")]).is_ok() {
        round += 1;
    }
    assert!(index.position(&one).unwrap().reason.is_some());
    assert_eq!(index.counts(&one).unwrap(), Counts { passages: 0, embedded: 0 });
    assert!(index.close(&one));
}

#[test]
fn a_server_that_is_gone_is_said_within_the_time() {
    let (_, server) = made();
    let options =
        QdrantOptions { api_key: Some("a-secret".into()), timeout: Duration::from_secs(2), ..options(&server) };
    let index = QdrantIndex::new(&options).unwrap();
    let one = scope("one");
    index.upsert(&one, &[embedded("a", "cache")]).unwrap();
    index.commit(&one, 1).unwrap();
    let address = server.address.to_string();
    drop(server);
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_address = silent.local_addr().unwrap().to_string();
    let mute = QdrantIndex::new(&QdrantOptions { url: format!("http://{silent_address}"), ..options.clone() }).unwrap();
    let fresh = QdrantIndex::new(&options).unwrap();
    for (index, address) in [(&index, &address), (&fresh, &address), (&mute, &silent_address)] {
        let begun = Instant::now();
        let error = index.counts(&one).unwrap_err();
        assert!(matches!(error, IndexError::Unreachable { .. }), "{error:?}");
        let said = error.to_string();
        assert!(said.contains(address) && !said.contains("secret"), "{said}");
        assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    }
    assert!(!format!("{options:?} {fresh:?}").contains("a-secret"));
}

#[test]
fn it_finds_a_server_again_that_was_gone() {
    let (index, server) = made();
    let one = scope("one");
    index.upsert(&one, &[embedded("a", "cache")]).unwrap();
    index.commit(&one, 1).unwrap();
    let (held, address) = (server.held.clone(), server.address);
    drop(server);
    assert!(index.counts(&one).is_err());
    let again = Server::at(address, held, None, None);
    assert_eq!(documents(&index, "one", "cache"), ["a"]);
    drop(again);
}

#[test]
fn a_wrong_key_is_said() {
    let server = Server::start(Some("right"));
    let one = scope("one");
    for key in [None, Some("wrong-one".to_owned())] {
        let index = QdrantIndex::new(&QdrantOptions { api_key: key, ..options(&server) }).unwrap();
        let error = index.counts(&one).unwrap_err();
        assert!(matches!(error, IndexError::Unauthorised { .. }), "{error:?}");
        assert!(index.check().is_err());
        let said = error.to_string();
        assert!(said.contains(&server.address.to_string()) && !said.contains("wrong-one"), "{said}");
    }
    let index = QdrantIndex::new(&QdrantOptions { api_key: Some("right".into()), ..options(&server) }).unwrap();
    index.check().unwrap();
    assert_eq!(index.counts(&one).unwrap().passages, 0);
}

#[test]
fn options_that_cannot_be_used_are_refused() {
    let (_, server) = made();
    let good = options(&server);
    for bad in [
        QdrantOptions { url: "localhost:6334".into(), ..good.clone() },
        QdrantOptions { url: "http://key@localhost:6334".into(), ..good.clone() },
        QdrantOptions { url: "http://".into(), ..good.clone() },
        QdrantOptions { url: "http://a b".into(), ..good.clone() },
        QdrantOptions { api_key: Some("the key\n".into()), ..good.clone() },
        QdrantOptions { prefix: "Upper_".into(), ..good.clone() },
        QdrantOptions { prefix: String::new(), ..good },
    ] {
        let error = QdrantIndex::new(&bad).unwrap_err();
        assert!(matches!(error, IndexError::Options(_)), "{error:?}");
        assert!(!error.to_string().contains("the key") && !error.to_string().contains("key@"), "{error}");
    }
}

#[test]
fn another_model_has_vectors_of_its_own() {
    let (index, server) = made();
    let one = scope("one");
    for org in ["one", "two"] {
        index.upsert(&scope(org), &[embedded("a", "cache")]).unwrap();
        index.commit(&scope(org), 7).unwrap();
    }
    let dense = Some(DenseSpace { dimensions: 3, model: "Other/Model".into() });
    let other = QdrantIndex::new(&QdrantOptions { dense, ..options(&server) }).unwrap();
    assert_eq!(other.position(&one).unwrap().sequence, None);
    other.upsert(&one, &[Entry::new(passage("docs", "b", "cache")).with_dense(vec![1.0; 3])]).unwrap();
    assert_eq!(documents(&index, "one", "cache"), ["a"], "until the other one is whole");
    other.commit(&one, 8).unwrap();
    assert_eq!(documents(&other, "one", "cache"), ["b"]);
    assert_eq!(index.position(&one).unwrap().sequence, None, "nothing of it is left");
    assert_eq!(documents(&index, "two", "cache"), ["a"]);
    let words = QdrantIndex::new(&QdrantOptions { dense: None, ..options(&server) }).unwrap();
    words.upsert(&one, &entries(vec![passage("docs", "c", "cache")])).unwrap();
    assert_eq!(words.without_dense(&one, 5).unwrap().len(), 1);
    words.commit(&one, 9).unwrap();
    assert_eq!(documents(&words, "one", "cache"), ["c"]);
    let names = server.held.names();
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(names.iter().all(|name| name.starts_with("test_v2_")), "{names:?}");
    // Where an organisation is removed, it is from all of them, and only from those of the prefix.
    let prefixed = QdrantIndex::new(&QdrantOptions { prefix: "test-2".into(), ..options(&server) }).unwrap();
    prefixed.upsert(&one, &[embedded("d", "cache")]).unwrap();
    prefixed.commit(&one, 1).unwrap();
    index.remove_org(&one).unwrap();
    assert_eq!(documents(&words, "one", "cache"), Vec::<String>::new());
    assert_eq!(documents(&prefixed, "one", "cache"), ["d"]);
}

#[test]
fn stored_vectors_follow_the_average_length() {
    let (index, _server) = made();
    let one = scope("one");
    let long = "many more words that make the average passage much longer than the first one was ".repeat(4);
    index.upsert(&one, &entries(vec![passage("docs", "a", "cache hit")])).unwrap();
    let later: Vec<Entry> = entries((0..300).map(|n| passage("docs", &format!("d{n}"), &long)).collect());
    index.upsert(&one, &later).unwrap();
    index.set_dense(&one, &[(later[0].passage.id, along(1))]).unwrap();
    index.commit(&one, 1).unwrap();
    let mut average = 0.0;
    index.read_statistics(&one, &mut |statistics| average = statistics.average_length()).unwrap();
    let stored = index.vectors(&one, &[later[0].passage.id]).unwrap().remove(0);
    let expected = later[0].terms.vector(Bm25::default(), average);
    assert_eq!(stored.sparse.indices, expected.indices);
    for (a, b) in stored.sparse.values.iter().zip(&expected.values) {
        assert!((a - b).abs() < 1e-3, "{a} {b}");
    }
    assert!(stored.dense.is_some(), "the other vector stays");
}

#[test]
fn it_can_be_asked_from_a_thread_of_another_runtime() {
    let (index, _server) = made();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    runtime.block_on(async move {
        assert_eq!(index.counts(&scope("one")).unwrap().passages, 0);
        drop(index);
    });
}

/// The same over a real server, where there is one.
mod real {
    use super::*;

    /// Where the real server's gRPC is, as `http://HOST:6334`.
    const SERVER: &str = "DOCASSIST_TEST_QDRANT";

    /// An index of one test's, emptied when it is dropped.
    struct Alone(QdrantIndex);

    impl std::ops::Deref for Alone {
        type Target = QdrantIndex;

        fn deref(&self) -> &QdrantIndex {
            &self.0
        }
    }

    impl Drop for Alone {
        fn drop(&mut self) {
            for org in ["one", "two"] {
                let _removed = self.0.remove_org(&scope(org));
            }
        }
    }

    #[allow(clippy::print_stderr, reason = "says why nothing was tested")]
    fn index(test: &str) -> Option<Alone> {
        let Ok(url) = std::env::var(SERVER) else {
            eprintln!("not run: {SERVER} names no server");
            return None;
        };
        let name: String = test.replace('_', "-").chars().take(40).collect();
        let options = QdrantOptions {
            dense: Some(DenseSpace { dimensions: 4, model: "axes".into() }),
            prefix: format!("test-{}-{name}", std::process::id()),
            ..QdrantOptions::new(url)
        };
        Some(Alone(QdrantIndex::new(&options).unwrap()))
    }

    suite!(where_there_is index);
}
