//! Who asks, and when: organisations of very different sizes, a day with hours that are busier than others, and syncs.

use super::random::{Random, mix};

/// A day in milliseconds.
pub(super) const DAY: u32 = 24 * 60 * 60 * 1000;
pub(super) const MINUTE: u32 = 60 * 1000;
/// The smallest history that is counted, in commits, and the largest: Linux has some 1.3 million.
const COMMITS: (f64, f64) = (300.0, 1_000_000.0);
/// How heavy the tail is. With 1.1 the largest tenth has most of all commits, as on every forge.
const TAIL: f64 = 1.1;
/// Tickets for each commit, as in the large history that the benchmarks use (90,000 for 140,000).
pub(super) const TICKETS_PER_COMMIT: f64 = 0.64;
/// How much more the first organisation is asked for than the second, the second than the third, …: 1 / rank^this.
const POPULARITY: f64 = 0.9;
/// Different questions of one organisation that are asked often enough to matter, the first of them most often.
pub(super) const DIFFERENT: u32 = 200;
/// Commits of a history that come in a day: three years of history.
const DAYS_OF_HISTORY: f64 = 1000.0;
/// Syncs a day: once at least; pushes within five minutes are one.
const SYNCS: (f64, f64) = (1.0, 288.0);
/// How much of a day's work falls into each hour: mornings and afternoons of one time zone, and programs at night.
const HOURS: [u32; 24] =
    [10, 8, 8, 8, 8, 10, 20, 50, 110, 150, 160, 140, 90, 120, 150, 150, 130, 90, 50, 30, 20, 20, 15, 12];

/// Something that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Event {
    /// Milliseconds since midnight.
    pub(super) at: u32,
    pub(super) org: u32,
    /// Which question; none where a sync ends.
    pub(super) question: Option<u32>,
}

/// A day.
pub(super) struct Load {
    /// Commits of each organisation.
    pub(super) commits: Vec<u32>,
    /// In the order of time.
    pub(super) events: Vec<Event>,
}

impl Load {
    pub(super) fn new(organisations: u32, questions_each: u32, seed: u64) -> Self {
        let mut random = Random::new(mix(seed));
        let mut commits: Vec<u32> = (0..organisations).map(|_| size(random.unit())).collect();
        // The busiest are large, and not exactly the largest: each is ranked by its size times up to ten.
        let mut ranked: Vec<(f64, u32)> =
            commits.iter().map(|commits| (f64::from(*commits) * 10_f64.powf(random.unit()), *commits)).collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        commits = ranked.into_iter().map(|(_, commits)| commits).collect();

        let hours = Cumulative::new(HOURS.map(f64::from));
        let organisations_by_rank = Cumulative::new((1..=organisations).map(|rank| f64::from(rank).powf(-POPULARITY)));
        let questions = Cumulative::new((1..=DIFFERENT).map(|rank| 1.0 / f64::from(rank)));
        let mut events = Vec::with_capacity((organisations * questions_each) as usize);
        for _ in 0..organisations * questions_each {
            let org = organisations_by_rank.draw(&mut random);
            let question = Some(questions.draw(&mut random));
            events.push(Event { at: moment(&hours, &mut random), org, question });
        }
        for (org, commits) in (0..).zip(&commits) {
            for _ in 0..syncs(*commits) {
                events.push(Event { at: moment(&hours, &mut random), org, question: None });
            }
        }
        events.sort_unstable();
        Self { commits, events }
    }

    /// Commits and tickets of an organisation.
    pub(super) fn records(&self, org: u32) -> u64 {
        records(self.commits[org as usize])
    }

    pub(super) fn all_commits(&self) -> u64 {
        self.commits.iter().map(|commits| u64::from(*commits)).sum()
    }

    pub(super) fn all_tickets(&self) -> u64 {
        self.commits.iter().map(|commits| tickets(*commits)).sum()
    }

    #[cfg(test)]
    pub(super) fn questions(&self) -> u64 {
        self.events.iter().filter(|event| event.question.is_some()).count() as u64
    }

    /// Commits that come in a day.
    pub(super) fn new_commits(&self) -> f64 {
        self.all_commits() as f64 / DAYS_OF_HISTORY
    }

    /// The most events of a kind in one minute, for each second of it.
    pub(super) fn most_a_second(&self, are_syncs: bool) -> f64 {
        let mut minutes = [0_u32; (DAY / MINUTE) as usize];
        for event in self.events.iter().filter(|event| event.question.is_none() == are_syncs) {
            minutes[(event.at / MINUTE) as usize] += 1;
        }
        f64::from(minutes.into_iter().max().unwrap_or_default()) / 60.0
    }
}

/// A bounded Pareto distribution.
fn size(chance: f64) -> u32 {
    let (least, most) = COMMITS;
    let (low, high) = (least.powf(TAIL), most.powf(TAIL));
    let value = (-(chance * high - chance * low - high) / (high * low)).powf(-1.0 / TAIL);
    value.clamp(least, most) as u32
}

fn tickets(commits: u32) -> u64 {
    (f64::from(commits) * TICKETS_PER_COMMIT) as u64
}

fn records(commits: u32) -> u64 {
    u64::from(commits) + tickets(commits)
}

fn syncs(commits: u32) -> u32 {
    (f64::from(commits) / DAYS_OF_HISTORY).clamp(SYNCS.0, SYNCS.1) as u32
}

fn moment(hours: &Cumulative, random: &mut Random) -> u32 {
    hours.draw(random) * 60 * MINUTE + random.below(60 * MINUTE)
}

/// Weights, to draw from.
struct Cumulative(Vec<f64>);

impl Cumulative {
    fn new(weights: impl IntoIterator<Item = f64>) -> Self {
        let mut sum = 0.0;
        Self(
            weights
                .into_iter()
                .map(|weight| {
                    sum += weight;
                    sum
                })
                .collect(),
        )
    }

    fn draw(&self, random: &mut Random) -> u32 {
        let all = self.0.last().copied().unwrap_or_default();
        let at = random.unit() * all;
        let found = self.0.partition_point(|sum| *sum <= at).min(self.0.len().saturating_sub(1));
        u32::try_from(found).unwrap_or(u32::MAX)
    }
}
