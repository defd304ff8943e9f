//! What a commit says.

use std::fmt::Write as _;

use docassist_model::{CreditRole, Identity};

use super::Plan;
use crate::backlog::Backlog;
use crate::random::Random;
use crate::words;

/// The subject of a merge.
pub(super) fn merge(number: u32, random: &mut Random) -> String {
    let (noun, role) = (words::noun(random), random.pick(&words::ROLES));
    format!("Merge pull request #{number} from acme/{noun}-{role}")
}

/// The subject of a bot's commit.
pub(super) fn of_bot(random: &mut Random) -> String {
    let name = words::noun(random);
    let (major, minor) = (random.between(1, 9), random.below(30));
    format!("Bump {name}-{} from {major}.{minor}.0 to {major}.{}.0", random.pick(&words::ROLES), minor + 1)
}

impl Plan {
    /// A subject: three of four refer to a ticket.
    pub(super) fn subject(&mut self, adopted: Option<u32>) -> String {
        let mut text = String::with_capacity(80);
        let style = self.random.below(20);
        let refers = self.random.chance(775) && self.created_tickets() > 0;
        if refers {
            let ticket = match adopted {
                Some(_) => self.recent_feature(),
                None => self.recent_ticket(),
            };
            if style == 0 {
                text.push('[');
            }
            self.backlog.push_key(&mut text, ticket);
            if self.random.chance(30) {
                text.push_str(", ");
                let second = self.recent_ticket();
                self.backlog.push_key(&mut text, second);
            }
            text.push_str(match style {
                0 => "] ",
                1..5 => " ",
                _ => ": ",
            });
        } else {
            text.push_str(match style {
                0..6 => "MINOR: ",
                6 => "chore: ",
                7 => "HOTFIX: ",
                _ => "",
            });
        }
        if let Some(number) = adopted {
            write!(text, "Record decision {number}: one ").expect("writing to a string succeeds");
        }
        words::push_task(&mut text, &mut self.random);
        if self.random.chance(700) {
            write!(text, " (#{})", self.step + 1).expect("writing to a string succeeds");
        }
        text
    }

    /// Appends a body and trailers; returns whom they name.
    pub(super) fn push_body(&mut self, text: &mut String, author: u32) -> Vec<(CreditRole, Identity)> {
        let random = &mut self.random;
        if random.chance(450) {
            text.push_str("\n\n");
            let sentences = random.between(1, 5);
            words::push_sentences(text, random, sentences);
            if random.chance(40) {
                text.push_str("\nFollows up on ");
                let ticket = self.recent_ticket();
                self.backlog.push_key(text, ticket);
                text.push('.');
            }
        }
        let mut credits = Vec::new();
        let random = &mut self.random;
        let reviewers = if random.chance(520) { random.doubling(2) } else { 0 };
        let co_authors = if random.chance(40) { random.between(1, 2) } else { 0 };
        for (role, count) in [(CreditRole::Reviewer, reviewers), (CreditRole::CoAuthor, co_authors)] {
            for _ in 0..count {
                let person = self.people.pick(&mut self.random);
                if person == author {
                    continue;
                }
                let identity = self.people.identity(person, &mut self.random).clone();
                text.push_str(if credits.is_empty() { "\n\n" } else { "\n" });
                let token = if role == CreditRole::Reviewer { "Reviewed-by" } else { "Co-authored-by" };
                write!(text, "{token}: {} <{}>", identity.name, identity.email).expect("writing to a string succeeds");
                if !credits.contains(&(role, identity.clone())) {
                    credits.push((role, identity));
                }
            }
        }
        credits
    }

    /// How many tickets there are at the present step.
    fn created_tickets(&self) -> u32 {
        let count = u64::from(self.backlog.len()) * u64::from(self.step) / u64::from(self.shape.commits);
        (count as u32).saturating_sub(1)
    }

    /// A ticket as work goes on: mostly a new one; one in a hundred does not exist.
    fn recent_ticket(&mut self) -> u32 {
        let count = self.created_tickets();
        if count == 0 || self.random.chance(10) {
            return self.backlog.len() + self.random.below(500);
        }
        count - 1 - self.random.zipf(count, 64)
    }

    fn recent_feature(&mut self) -> u32 {
        let from = self.recent_ticket().min(self.created_tickets());
        (0..=from).rev().take(200).find(|&ticket| Backlog::is_feature(ticket)).unwrap_or(from)
    }
}
