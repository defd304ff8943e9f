//! The plan of a generated history: commit by commit, who changes what, when and why. Records and repositories are
//! made from the same plan.

mod changes;
mod message;
mod people;
mod tree;

use docassist_model::time::SECONDS_PER_DAY;
use docassist_model::{ChangeStatus, CreditRole, Identity};

use crate::backlog::Backlog;
use crate::random::Random;
use crate::shape::Shape;

use people::People;
pub(crate) use tree::{File, Tree};

/// Commits of a side branch at most.
const SIDE_LENGTH: u32 = 3;
/// Of a thousand commits, so many begin a side branch, which a merge ends.
const SIDES: u32 = 30;

/// One planned commit.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) parents: Vec<u32>,
    pub(crate) author: Identity,
    /// `None` for the author.
    pub(crate) committer: Option<Identity>,
    pub(crate) authored: i64,
    pub(crate) time: i64,
    pub(crate) message: String,
    pub(crate) credits: Vec<(CreditRole, Identity)>,
    /// In the order of paths; none for merges.
    pub(crate) changes: Vec<Change>,
    /// The commit that it takes back.
    pub(crate) reverts: Option<u32>,
    pub(crate) on_side: bool,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Change {
    pub(crate) file: u32,
    pub(crate) path: u32,
    pub(crate) from: Option<u32>,
    pub(crate) status: ChangeStatus,
    pub(crate) additions: u32,
    pub(crate) deletions: u32,
    pub(crate) binary: bool,
}

/// A branch beside the main one. Files that one of them changes, the other leaves alone until they are merged.
#[derive(Debug)]
struct Side {
    /// The first step that it was there.
    opened: u32,
    tip: u32,
    /// Commits that it still gets.
    left: u32,
    files: Vec<u32>,
}

/// A small commit that a later one may take back.
#[derive(Debug, Default)]
struct Revertible {
    step: u32,
    subject: String,
    files: Vec<u32>,
}

/// Plans commits, parents before children.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) shape: Shape,
    pub(crate) tree: Tree,
    pub(crate) backlog: Backlog,
    people: People,
    random: Random,
    step: u32,
    /// The newest commit of the main branch.
    main: Option<u32>,
    side: Option<Side>,
    /// Whether the present step is the side branch's.
    on_side: bool,
    revertible: Option<Revertible>,
    adopted: u32,
}

impl Plan {
    pub(crate) fn new(shape: &Shape) -> Self {
        Self {
            tree: Tree::new(),
            backlog: Backlog::new(shape),
            people: People::new(shape.people),
            random: Random::new(shape.seed, 1),
            step: 0,
            main: None,
            side: None,
            on_side: false,
            revertible: None,
            adopted: 0,
            shape: shape.clone(),
        }
    }

    fn next_step(&mut self) -> Step {
        self.people.advance(self.step, self.shape.commits, &mut self.random);
        let (authored, time) = self.times();
        let done = self.side.as_ref().is_some_and(|side| side.left == 0);
        if let Some(side) = self.side.take_if(|_| done) {
            return self.merge(&side, time);
        }
        self.begin_side();
        self.on_side = self.side.is_some() && self.random.chance(500);
        let parents = match &self.side {
            Some(side) if self.on_side => vec![side.tip],
            _ => self.main.into_iter().collect(),
        };
        let bot = self.step > 0 && self.random.chance(35);
        let author = if bot { self.people.pick_bot(&mut self.random) } else { self.people.pick(&mut self.random) };
        let (mut changes, subject, reverts) = self.work(author, bot);
        changes.sort_unstable_by(|a, b| self.tree.path(a.path).cmp(self.tree.path(b.path)));
        self.remember(&changes, &subject, bot || reverts.is_some());
        let mut message = subject;
        let credits = if bot { Vec::new() } else { self.push_body(&mut message, author) };
        let step = Step {
            parents,
            author: self.people.identity(author, &mut self.random).clone(),
            committer: self.random.chance(300).then(forge),
            authored,
            time,
            message,
            credits,
            changes,
            reverts,
            on_side: self.on_side,
        };
        self.advance();
        step
    }

    /// Makes the present step the newest of its branch.
    fn advance(&mut self) {
        match &mut self.side {
            Some(side) if self.on_side => {
                side.tip = self.step;
                side.left -= 1;
            }
            _ => self.main = Some(self.step),
        }
        self.step += 1;
    }

    fn main_tip(&self) -> u32 {
        self.main.unwrap_or_default()
    }

    fn begin_side(&mut self) {
        // One that begins at the very end would never be merged.
        let room = self.step + 8 * SIDE_LENGTH < self.shape.commits;
        if self.side.is_none() && self.step > 10 && room && self.random.chance(SIDES) {
            let left = self.random.between(1, SIDE_LENGTH);
            self.side = Some(Side { opened: self.step, tip: self.main_tip(), left, files: Vec::new() });
        }
    }

    fn merge(&mut self, side: &Side, time: i64) -> Step {
        self.on_side = false;
        let author = self.people.pick(&mut self.random);
        let step = Step {
            parents: vec![self.main_tip(), side.tip],
            author: self.people.identity(author, &mut self.random).clone(),
            committer: Some(forge()),
            authored: time,
            time,
            message: message::merge(self.step, &mut self.random),
            credits: Vec::new(),
            changes: Vec::new(),
            reverts: None,
            on_side: false,
        };
        self.advance();
        step
    }

    /// Commits come at a steady rate, not quite in order; most were written shortly before.
    fn times(&mut self) -> (i64, i64) {
        let gap = (self.shape.instant(1, self.shape.commits) - self.shape.start().unix()).clamp(60, 7200) as u32;
        let time = self.shape.instant(self.step, self.shape.commits) + i64::from(self.random.below(3 * gap));
        let age = if self.random.chance(600) { 0 } else { i64::from(self.random.doubling(19)) };
        (time - age.min(6 * SECONDS_PER_DAY), time)
    }
}

impl Iterator for Plan {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        (self.step < self.shape.commits).then(|| self.next_step())
    }
}

/// Who commits what is merged in the browser.
fn forge() -> Identity {
    Identity { name: "GitHub".to_owned(), email: "noreply@github.com".to_owned() }
}
