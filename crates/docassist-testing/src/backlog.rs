//! Tickets. Each is a function of the shape and its index alone, so that a stream of them needs no memory, and commits
//! can refer to any.

use std::collections::BTreeMap;

use docassist_model::time::SECONDS_PER_DAY;
use docassist_model::{Account, Comment, LinkDirection, StatusCategory, Ticket, TicketKey, TicketLink, Timestamp};

use crate::random::{Random, mix};
use crate::shape::Shape;
use crate::words;

/// Project prefixes with their shares of a hundred tickets.
const PROJECTS: [(&str, u32); 6] = [("CORE", 34), ("PAY", 22), ("WEB", 18), ("DATA", 12), ("OPS", 8), ("APP2", 6)];
/// Every so many tickets, one is an epic.
const EPIC_EVERY: u32 = 50;
const EPIC_AT: u32 = 7;

const PRIORITIES: [(&str, u32); 5] = [("Blocker", 3), ("Critical", 9), ("Major", 48), ("Minor", 30), ("Trivial", 7)];
const STREAM: u64 = 0x7000_0000_0000_0000;

/// The numbering of a shape's tickets.
#[derive(Debug, Clone)]
pub(crate) struct Backlog {
    shape: Shape,
    /// Project and number by index.
    keys: Vec<(u8, u32)>,
    counts: [u32; PROJECTS.len()],
}

impl Backlog {
    pub(crate) fn new(shape: &Shape) -> Self {
        let mut counts = [0; PROJECTS.len()];
        let keys = (0..shape.tickets)
            .map(|index| {
                let project = project_of(shape.seed, index);
                counts[project] += 1;
                (project as u8, counts[project])
            })
            .collect();
        Self { shape: shape.clone(), keys, counts }
    }

    pub(crate) fn len(&self) -> u32 {
        self.keys.len() as u32
    }

    /// Appends the key of a ticket; of one that does not exist beyond the last.
    pub(crate) fn push_key(&self, text: &mut String, index: u32) {
        use std::fmt::Write as _;
        let (project, number) = match self.keys.get(index as usize) {
            Some(&(project, number)) => (usize::from(project), number),
            None => (index as usize % PROJECTS.len(), self.counts[index as usize % PROJECTS.len()] + index),
        };
        text.push_str(PROJECTS[project].0);
        text.push('-');
        write!(text, "{number}").expect("writing to a string succeeds");
    }

    pub(crate) fn key(&self, index: u32) -> TicketKey {
        let mut text = String::with_capacity(12);
        self.push_key(&mut text, index);
        text.parse().expect("generated keys are keys")
    }

    pub(crate) fn is_feature(index: u32) -> bool {
        matches!(type_of(index), "Epic" | "Story" | "New Feature")
    }

    fn epic_before(index: u32, random: &mut Random) -> Option<u32> {
        let epic = (index / EPIC_EVERY).saturating_sub(random.below(4)) * EPIC_EVERY + EPIC_AT;
        (epic < index).then_some(epic)
    }

    pub(crate) fn ticket(&self, index: u32) -> Ticket {
        let mut random = Random::new(self.shape.seed, STREAM + u64::from(index));
        let random = &mut random;
        let created = self.shape.instant(index, self.len()) + i64::from(random.below(20_000));
        let life = Life::new(created, index, random);
        let type_name = type_of(index);
        let mut summary = String::new();
        words::push_task(&mut summary, random);
        let account = |random: &mut Random| {
            let progress = u64::from(index) * u64::from(self.shape.people) / u64::from(self.len().max(1));
            let (name, local) = words::person((progress as u32).saturating_sub(random.zipf(60, 4)));
            Account { name, email: random.chance(500).then(|| format!("{local}@example.com")) }
        };
        let epic = if type_name != "Epic" && random.chance(250) { Self::epic_before(index, random) } else { None };
        let parent = (type_name == "Sub-task" && index > 0).then(|| index - random.between(1, index.min(20)));
        Ticket {
            key: self.key(index),
            summary,
            description: self.description(index, random),
            type_name: type_name.to_owned(),
            status: life.status.to_owned(),
            category: life.category,
            priority: weighted(&PRIORITIES, random.below(100)).map(str::to_owned),
            assignee: random.chance(720).then(|| account(random)),
            reporter: Some(account(random)),
            created: Timestamp::from_unix(created),
            updated: Timestamp::from_unix(life.updated),
            resolved: life.resolved.map(Timestamp::from_unix),
            resolution: life.resolution.map(str::to_owned),
            parent: parent.map(|parent| self.key(parent)),
            epic: epic.map(|epic| self.key(epic)),
            labels: if random.chance(200) { vec![words::noun(random).to_owned()] } else { Vec::new() },
            components: if random.chance(600) { vec![random.pick(&words::MODULES).to_owned()] } else { Vec::new() },
            fix_versions: if life.resolved.is_some() && random.chance(500) {
                vec![format!("{}.{}", index * 8 / self.len().max(1), random.below(10))]
            } else {
                Vec::new()
            },
            affects_versions: Vec::new(),
            links: self.links(index),
            comments: self.comments(&life, index, random, &account),
            custom: BTreeMap::new(),
        }
    }

    fn description(&self, index: u32, random: &mut Random) -> String {
        let mut text = String::new();
        if random.chance(100) {
            return text;
        }
        let sentences = random.between(2, 9);
        words::push_sentences(&mut text, random, sentences);
        if random.chance(150) && index > 0 {
            text.push_str("\n\nSee also ");
            self.push_key(&mut text, index - random.between(1, index.min(3000)));
            text.push('.');
        }
        text
    }

    fn comments(
        &self,
        life: &Life,
        index: u32,
        random: &mut Random,
        account: &dyn Fn(&mut Random) -> Account,
    ) -> Vec<Comment> {
        let count = if random.chance(260) { random.doubling(3) } else { 0 };
        let span = life.updated - life.created;
        (0..count)
            .map(|number| {
                let mut body = String::new();
                let sentences = random.between(1, 4);
                words::push_sentences(&mut body, random, sentences);
                if random.chance(80) && index > 0 {
                    body.push_str(" Same as ");
                    self.push_key(&mut body, index - random.between(1, index.min(500)));
                    body.push('.');
                }
                let created = life.created + span * i64::from(number + 1) / i64::from(count + 1);
                Comment { author: Some(account(random)), created: Some(Timestamp::from_unix(created)), body }
            })
            .collect()
    }

    /// Links, recorded at both ends as trackers do: whether two tickets are linked depends on the pair alone.
    fn links(&self, index: u32) -> Vec<TicketLink> {
        const KINDS: [&str; 4] = ["Relates", "Blocks", "Duplicate", "Cloners"];
        let mut links = Vec::new();
        for (round, distance) in [1_u32, 6, 41, 700].into_iter().enumerate() {
            let other = index ^ distance;
            let pair = mix(self.shape.seed ^ (u64::from(index.min(other)) << 32) ^ (round as u64 + 1));
            if other < self.len() && pair % 100 < 6 {
                let direction = if index > other { LinkDirection::Outward } else { LinkDirection::Inward };
                let kind = KINDS[(pair >> 32) as usize % KINDS.len()].to_owned();
                links.push(TicketLink { kind, direction, key: self.key(other) });
            }
        }
        links
    }
}

/// How far a ticket has come.
struct Life {
    created: i64,
    updated: i64,
    resolved: Option<i64>,
    status: &'static str,
    category: StatusCategory,
    resolution: Option<&'static str>,
}

impl Life {
    fn new(created: i64, index: u32, random: &mut Random) -> Self {
        const RESOLUTIONS: [(&str, u32); 7] = [
            ("Fixed", 70),
            ("Done", 8),
            ("Won't Fix", 7),
            ("Duplicate", 7),
            ("Invalid", 3),
            ("Cannot Reproduce", 3),
            ("Incomplete", 2),
        ];
        let end = Shape::end().unix();
        let age = (end - created).div_euclid(SECONDS_PER_DAY);
        let done = match age {
            ..14 => 250,
            14..90 => 550,
            90..365 => 720,
            _ => 860,
        };
        // An epic stays open longer than what it is made of.
        let done = if type_of(index) == "Epic" { done / 2 } else { done };
        let worked = i64::from(random.doubling(9)) * SECONDS_PER_DAY + i64::from(random.below(80_000));
        let updated = (created + worked).min(end);
        if random.chance(done) {
            return Self {
                created,
                updated,
                resolved: Some(updated - (updated - created) / 20),
                status: random.pick(&["Resolved", "Resolved", "Closed"]),
                category: StatusCategory::Done,
                resolution: weighted(&RESOLUTIONS, random.below(100)),
            };
        }
        let (status, category) = if random.chance(300) {
            (random.pick(&["In Progress", "Patch Available", "In Review"]), StatusCategory::InProgress)
        } else {
            (random.pick(&["Open", "Open", "To Do", "Reopened"]), StatusCategory::ToDo)
        };
        Self { created, updated, resolved: None, status, category, resolution: None }
    }
}

fn project_of(seed: u64, index: u32) -> usize {
    let mut share = (mix(seed.wrapping_mul(31) ^ u64::from(index)) % 100) as u32;
    PROJECTS
        .iter()
        .position(|&(_, part)| {
            let here = share < part;
            share = share.saturating_sub(part);
            here
        })
        .unwrap_or_default()
}

fn type_of(index: u32) -> &'static str {
    const TYPES: [(&str, u32); 6] =
        [("Bug", 44), ("Improvement", 22), ("Task", 10), ("Sub-task", 12), ("New Feature", 5), ("Story", 7)];
    if index % EPIC_EVERY == EPIC_AT {
        return "Epic";
    }
    weighted(&TYPES, (mix(u64::from(index) ^ 0x7479_7065) % 100) as u32).unwrap_or("Bug")
}

/// The entry that `share` of a hundred falls on; `None` beyond the last.
fn weighted(table: &[(&'static str, u32)], mut share: u32) -> Option<&'static str> {
    for &(name, part) in table {
        if share < part {
            return Some(name);
        }
        share -= part;
    }
    None
}
