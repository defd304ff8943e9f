//! Who works on a generated history, and when.

use docassist_model::Identity;

use crate::random::{Random, mix};
use crate::words;

/// People come and go; of those who are there, a few do most of the work.
#[derive(Debug)]
pub(crate) struct People {
    /// Everybody's name and addresses; the last entries are bots.
    all: Vec<[Identity; 2]>,
    bots: u32,
    joined: u32,
    /// Who is there, the busiest first.
    active: Vec<u32>,
    places: usize,
}

impl People {
    pub(crate) fn new(count: u32) -> Self {
        let bots = [
            ("dependabot[bot]", "49699333+dependabot[bot]@users.noreply.github.com"),
            ("renovate[bot]", "29139614+renovate[bot]@users.noreply.github.com"),
        ];
        let identity = |name: &str, email: String| Identity { name: name.to_owned(), email };
        let human = |number: u32| {
            let (name, local) = words::person(number);
            let second = if mix(u64::from(number)) % 100 < 8 {
                format!("{}+{local}@users.noreply.github.com", 10_000 + number)
            } else {
                format!("{local}@example.com")
            };
            [identity(&name, format!("{local}@example.com")), identity(&name, second)]
        };
        let robot = |(name, email): (&str, &str)| [identity(name, email.to_owned()), identity(name, email.to_owned())];
        Self {
            all: (0..count).map(human).chain(bots.map(robot)).collect(),
            bots: bots.len() as u32,
            joined: 0,
            active: Vec::new(),
            places: (count as usize / 8).max(4),
        }
    }

    /// Everybody who joined by now joins.
    pub(crate) fn advance(&mut self, done: u32, of: u32, random: &mut Random) {
        let humans = self.all.len() as u32 - self.bots;
        let first = (self.places as u32).min(humans);
        let target = first + (u64::from(humans - first) * u64::from(done) / u64::from(of.max(1))) as u32;
        while self.joined < target {
            self.active.push(self.joined);
            self.joined += 1;
            let (place, last) = (random.below(self.active.len() as u32) as usize, self.active.len() - 1);
            self.active.swap(place, last);
            if self.active.len() > self.places {
                self.active.swap_remove(random.below(self.active.len() as u32) as usize);
            }
        }
    }

    /// Somebody who is there; never a bot.
    pub(crate) fn pick(&self, random: &mut Random) -> u32 {
        self.active[random.zipf(self.active.len() as u32, 4) as usize]
    }

    pub(crate) fn pick_bot(&self, random: &mut Random) -> u32 {
        self.all.len() as u32 - 1 - random.below(self.bots)
    }

    /// The identity that somebody uses this time.
    pub(crate) fn identity(&self, person: u32, random: &mut Random) -> &Identity {
        &self.all[person as usize][usize::from(random.chance(300))]
    }
}
