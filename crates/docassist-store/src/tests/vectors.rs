//! Vectors of texts.

use std::time::Duration;

use docassist_model::TenantScope;

use super::builders::{commit, sync};
use super::{Backend, scope, writer};
use crate::{ContentHash, Store};

pub(super) fn hash(number: u32) -> ContentHash {
    let mut hash = [7; 32];
    hash[..4].copy_from_slice(&number.to_be_bytes());
    hash
}

pub(super) fn vector(number: u32) -> Vec<f32> {
    vec![f32::from_bits(number), -0.5, f32::INFINITY]
}

fn vectors(numbers: impl IntoIterator<Item = u32>) -> Vec<(ContentHash, Vec<f32>)> {
    numbers.into_iter().map(|number| (hash(number), vector(number))).collect()
}

/// Which of the numbers have their vectors.
pub(super) fn there(store: &dyn Store, model: &str, numbers: &[u32]) -> Vec<bool> {
    let hashes: Vec<_> = numbers.iter().copied().map(hash).collect();
    let found = store.vectors(&scope(), model, &hashes).unwrap();
    assert_eq!(found.len(), numbers.len());
    let of = |(found, number): (Option<Vec<f32>>, &u32)| {
        found.inspect(|found| assert_eq!(*found, vector(*number))).is_some()
    };
    found.into_iter().zip(numbers).map(of).collect()
}

fn written(store: &dyn Store) {
    sync(&mut *writer(store), &[commit(1, "one")]);
}

pub(super) fn vectors_come_back_in_the_order_of_the_question(backend: &dyn Backend) {
    let (store, other) = (backend.open(), backend.open());
    written(&*store);
    assert_eq!(store.vectors(&scope(), "m", &[]).unwrap(), Vec::<Option<Vec<f32>>>::new());
    assert_eq!(there(&*store, "m", &[1, 2]), [false, false]);
    store.keep_vectors(&scope(), "m", &[]).unwrap();
    store.keep_vectors(&scope(), "m", &vectors([3, 1, 3])).unwrap();
    store.keep_vectors(&scope(), "another \u{0}", &vectors([2])).unwrap();
    store.keep_vectors(&scope(), "m", &[(hash(9), Vec::new())]).unwrap();
    assert_eq!(there(&*other, "m", &[1, 2, 3, 1, 9]), [true, false, true, true, false]);
    assert_eq!(there(&*other, "another \u{0}", &[1, 2, 3]), [false, true, false]);
    // Again, with what is there already: it stays. One of another length takes its place.
    store.keep_vectors(&scope(), "m", &[(hash(1), vector(8)), (hash(5), vec![1.0])]).unwrap();
    assert_eq!(there(&*other, "m", &[1]), [true]);
    assert_eq!(other.vectors(&scope(), "m", &[hash(5)]).unwrap(), [Some(vec![1.0])]);
    store.keep_vectors(&scope(), "m", &vectors([5])).unwrap();
    assert_eq!(there(&*other, "m", &[5]), [true]);
}

pub(super) fn many_vectors_are_kept_and_pruned(backend: &dyn Backend) {
    let store = backend.open();
    written(&*store);
    let numbers: Vec<u32> = (0..2_500).collect();
    store.keep_vectors(&scope(), "old", &vectors([1, 2, 3])).unwrap();
    store.keep_vectors(&scope(), "m", &vectors(numbers.iter().copied().rev())).unwrap();
    assert!(there(&*store, "m", &numbers).into_iter().all(|there| there));
    assert_eq!(store.vector_count(&scope()).unwrap(), 2_500 + 3);
    let even = |hash: &ContentHash| hash[3].is_multiple_of(2);
    assert_eq!(store.prune_vectors(&scope(), "m", &even).unwrap(), 1_250 + 3);
    let expected: Vec<bool> = numbers.iter().map(|number| number.is_multiple_of(2)).collect();
    assert_eq!(there(&*store, "m", &numbers), expected);
    assert_eq!(there(&*store, "old", &[1, 2, 3]), [false; 3]);
    assert_eq!(store.vector_count(&scope()).unwrap(), 1_250);
    assert_eq!(store.prune_vectors(&scope(), "m", &even).unwrap(), 0);
    assert_eq!(store.prune_vectors(&scope(), "new", &|_| true).unwrap(), 1_250);
}

pub(super) fn vectors_are_their_organisations_own(backend: &dyn Backend) {
    let (store, other) = (backend.open(), backend.open());
    let globex = TenantScope::unchecked("globex".parse().unwrap(), "a test");
    // Nothing is kept for one that was never written.
    store.keep_vectors(&scope(), "m", &vectors([1])).unwrap();
    assert_eq!(store.prune_vectors(&scope(), "m", &|_| false).unwrap(), 0);
    assert_eq!(store.vector_count(&scope()).unwrap(), 0);
    assert_eq!((there(&*store, "m", &[1]), store.bytes(&scope()).unwrap()), (vec![false], 0));
    written(&*store);
    sync(&mut *store.writer(&globex, "test", Duration::ZERO, &|| false).unwrap(), &[commit(1, "one")]);
    store.keep_vectors(&scope(), "m", &vectors([1, 2])).unwrap();
    store.keep_vectors(&globex, "m", &[(hash(2), vec![4.0])]).unwrap();
    assert_eq!(other.vectors(&globex, "m", &[hash(1), hash(2)]).unwrap(), [None, Some(vec![4.0])]);
    assert_eq!(other.prune_vectors(&globex, "new", &|_| false).unwrap(), 1);
    assert_eq!(there(&*store, "m", &[1, 2]), [true, true]);
    store.keep_vectors(&globex, "m", &vectors([7])).unwrap();
    // They go with their organisation; one that is written anew has none of them, wherever it is looked at.
    other.remove_org(&scope()).unwrap();
    for store in [&store, &other] {
        assert_eq!(there(&**store, "m", &[1, 2]), [false, false]);
        assert_eq!(store.vectors(&globex, "m", &[hash(7)]).unwrap(), [Some(vector(7))]);
    }
    written(&*store);
    for (number, store) in [(1, &store), (2, &other)] {
        assert_eq!(there(&**store, "m", &[1, 2, 3]), [number == 2, false, false]);
        store.keep_vectors(&scope(), "m", &vectors([number])).unwrap();
    }
    assert_eq!(there(&*store, "m", &[1, 2, 3]), [true, true, false]);
}

pub(super) fn any_number_of_processes_keep_vectors(backend: &dyn Backend) {
    let store = backend.open();
    // A writer of records is at work all the while.
    let _held = writer(&*store);
    let numbers: Vec<u32> = (0..300).collect();
    std::thread::scope(|threads| {
        for turn in 0..4_usize {
            let (numbers, store) = (&numbers, backend.open());
            threads.spawn(move || {
                for start in 0..6 {
                    let mut part: Vec<u32> = numbers.iter().copied().skip(start * 50).take(50).collect();
                    part.rotate_left(turn * 11);
                    store.keep_vectors(&scope(), "m", &vectors(part)).unwrap();
                    store.prune_vectors(&scope(), "m", &|_| true).unwrap();
                }
                assert!(there(&*store, "m", numbers).into_iter().all(|there| there));
            });
        }
    });
}
