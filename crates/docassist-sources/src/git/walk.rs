//! Which commits are new, parents first.

use docassist_model::ObjectId;
use rustc_hash::FxHashSet;

use super::message::parents;
use super::model_id;
use super::object_reader::ObjectReader;

/// The commits to read.
#[derive(Default)]
pub struct Walk {
    /// New commits, each after its parents that are new as well.
    pub(super) ids: Vec<gix::ObjectId>,
    /// Known commits that the walk ended at.
    pub met: Vec<ObjectId>,
    /// Commits that could not be read, so that their ancestors are unknown: name and reason.
    pub unreadable: Vec<(ObjectId, String)>,
    /// Commits of a shallow clone's boundary among the new ones.
    pub shallow: Vec<ObjectId>,
}

impl Walk {
    /// Number of new commits.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is nothing new.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

enum Step {
    Enter(gix::ObjectId),
    Leave(gix::ObjectId),
}

/// A depth-first walk along first parents first, so that a line of development stays together. Linear in the number of
/// new commits.
pub(super) fn walk(
    repository: &gix::ThreadSafeRepository,
    shallow: &[gix::ObjectId],
    tip: &ObjectId,
    known: &mut dyn FnMut(&ObjectId) -> bool,
) -> Walk {
    let mut reader = ObjectReader::new(repository);
    let shallow: FxHashSet<gix::ObjectId> = shallow.iter().copied().collect();
    let mut result = Walk { ids: Vec::new(), met: Vec::new(), unreadable: Vec::new(), shallow: Vec::new() };
    let mut seen: FxHashSet<gix::ObjectId> = FxHashSet::default();
    let mut stack: Vec<Step> = gix::ObjectId::try_from(tip.as_bytes()).ok().map(Step::Enter).into_iter().collect();
    while let Some(step) = stack.pop() {
        let id = match step {
            Step::Leave(id) => {
                result.ids.push(id);
                continue;
            }
            Step::Enter(id) => id,
        };
        if !seen.insert(id) {
            continue;
        }
        let name = model_id(&id);
        if known(&name) {
            result.met.push(name);
            continue;
        }
        match reader.commit(&id) {
            Ok(raw) => {
                stack.push(Step::Leave(id));
                if shallow.contains(&id) {
                    result.shallow.push(name);
                } else {
                    // The stack returns the last one first.
                    stack.extend(parents(raw).into_iter().rev().map(Step::Enter));
                }
            }
            Err(error) => result.unreadable.push((name, error.to_string())),
        }
    }
    result
}
