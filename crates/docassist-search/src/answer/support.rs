//! Whether the corpus has an answer.

use serde::{Deserialize, Serialize};

use crate::lexical::{QueryTerm, dimension};
use crate::passage::Passage;
use crate::query::Retrieved;
use crate::tokens::each_token;

/// How well the corpus supports an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Support {
    /// Nothing good enough: there is no answer.
    None,
    /// Something that may answer it.
    Weak,
    /// Passages that are about the question.
    Good,
}

impl Support {
    /// Its name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Weak => "weak",
            Self::Good => "good",
        }
    }
}

/// What retrieval says about a question: all from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Evidence {
    /// The share of the question's words, by rarity, that the best passage has.
    pub coverage: f32,
    /// The share that the three best passages have together.
    pub joint_coverage: f32,
    /// The share that the five best passages have on average, or as many as have any.
    pub mean_coverage: f32,
    /// How much the best passage has, counted in words that only one passage has; from 0 up.
    pub matched: f32,
    /// BM25 of the best passage against the most that the question's words could give.
    pub lexical: f32,
    /// The share of the question's words, by rarity, that no passage of the corpus has.
    pub unknown: f32,
    /// The best cosine, where there are vectors.
    pub meaning: Option<f32>,
    /// The mean of the five best cosines, where there are vectors.
    pub mean_meaning: Option<f32>,
    /// Distinct words of the question.
    pub words: usize,
}

impl Evidence {
    /// Gathers it from a ranking, whose best passages are `passages`.
    #[must_use]
    pub fn gather(retrieved: &Retrieved, passages: &[Passage]) -> Self {
        // A compound's own term is asked for by its parts already; and that nobody writes a word that only asks says nothing.
        let only_asks = |term: &QueryTerm| term.passages == 0 && ASKING.contains(&term.typed.to_lowercase().as_str());
        let terms: Vec<&QueryTerm> = retrieved.terms.iter().filter(|term| !term.whole && !only_asks(term)).collect();
        let all: f32 = terms.iter().map(|term| term.weight).sum();
        let share = |weight: f32| if all > 0.0 { (weight / all).clamp(0.0, 1.0) } else { 0.0 };
        let mut joint = vec![false; terms.len()];
        // A small corpus has fewer than five passages with any of the words.
        #[allow(clippy::cast_precision_loss, reason = "five at most")]
        let found = retrieved.ranked.iter().filter(|ranked| ranked.lexical > 0.0).take(5).count().max(1) as f32;
        let (mut coverage, mut matched, mut sum) = (0.0_f32, 0.0_f32, 0.0_f32);
        let rarest = retrieved.rarest.max(f32::EPSILON);
        for (place, passage) in passages.iter().enumerate() {
            let has = present(&terms, passage);
            let weight: f32 = terms.iter().zip(&has).filter(|(_, has)| **has).map(|(term, _)| term.weight).sum();
            coverage = coverage.max(share(weight));
            matched = matched.max(weight / rarest);
            if place < 5 {
                sum += share(weight);
            }
            if place < 3 {
                joint.iter_mut().zip(&has).for_each(|(joint, has)| *joint |= has);
            }
        }
        let together = terms.iter().zip(&joint).filter(|(_, has)| **has).map(|(term, _)| term.weight).sum();
        let unknown = terms.iter().filter(|term| term.passages == 0).map(|term| term.weight).sum();
        let best = retrieved.ranked.iter().map(|ranked| ranked.lexical).fold(0.0, f32::max);
        let mut cosines: Vec<f32> = retrieved.ranked.iter().filter_map(|ranked| ranked.dense).collect();
        cosines.sort_by(|a, b| b.total_cmp(a));
        cosines.truncate(5);
        #[allow(clippy::cast_precision_loss, reason = "five at most")]
        let mean = (!cosines.is_empty()).then(|| cosines.iter().sum::<f32>() / cosines.len() as f32);
        Self {
            coverage,
            joint_coverage: share(together),
            mean_coverage: sum / found,
            matched,
            // A term repeated without end gives k1 + 1 times its weight.
            lexical: share(best / 2.2),
            unknown: share(unknown),
            meaning: cosines.first().copied(),
            mean_meaning: mean,
            words: terms.len(),
        }
    }

    /// How far the evidence is above the threshold below which there is no answer, in log-odds.
    #[must_use]
    pub fn odds(&self) -> f32 {
        let common = [self.coverage, self.lexical, self.unknown, self.matched];
        let sum = |weights: [f32; 4]| weights.iter().zip(common).map(|(weight, value)| weight * value).sum::<f32>();
        match (self.meaning, self.mean_meaning) {
            (Some(best), Some(mean)) => sum([2.62, 2.88, -0.75, 0.69]) + 2.26 * best + 20.49 * mean - 12.0,
            _ => {
                // By words alone a long question says less with the same share of them.
                #[allow(clippy::cast_precision_loss, reason = "a question has few words")]
                let length = (self.words as f32).ln_1p();
                sum([-0.48, 9.13, -3.46, 0.61]) + 12.42 * self.mean_coverage + 2.93 * length - 14.22
            }
        }
    }

    /// How well the corpus supports an answer.
    ///
    /// The weights are those of logistic regressions over the questions of Cranfield and CACM, put to their own corpus and to the
    /// other one (`examples/support.rs`); the thresholds are where at most one in twenty of the questions that have an answer
    /// is refused.
    #[must_use]
    pub fn support(&self) -> Support {
        // Nothing of the question is in any passage, and nothing looks like it.
        if self.coverage <= 0.0 && self.meaning.is_none_or(|meaning| meaning < LEAST_MEANING) {
            return Support::None;
        }
        // The collections have many passages about each question; a small corpus has one, which then has the question's words.
        let is_covered = self.coverage >= MOST_WORDS;
        match self.odds() {
            odds if odds >= GOOD => Support::Good,
            odds if odds >= 0.0 || is_covered => Support::Weak,
            _ => Support::None,
        }
    }
}

/// Words of questions that are about the asking, not about the matter.
const ASKING: [&str; 16] = [
    "actually", "anybody", "anyone", "anything", "explain", "happen", "happened", "happens", "mean", "meaning",
    "means", "please", "somebody", "someone", "supposed", "tell",
];

/// Log-odds above the threshold, which no more than one in a hundred questions without an answer reaches.
const GOOD: f32 = 2.5;
/// A passage with this share of a question's words is about it: of the questions without an answer one in a hundred has one.
const MOST_WORDS: f32 = 0.75;
/// Texts that have nothing to do with each other have cosines up to about this.
const LEAST_MEANING: f32 = 0.3;

/// Which of the terms a passage has.
fn present(terms: &[&QueryTerm], passage: &Passage) -> Vec<bool> {
    let mut has = vec![false; terms.len()];
    let mut read = |text: &str| {
        each_token(text, |token| {
            let dimension = dimension(&token.term);
            if let Some(place) = terms.iter().position(|term| term.dimension == dimension) {
                has[place] = true;
            }
        });
    };
    read(&passage.title);
    passage.headings.iter().for_each(|heading| read(heading));
    read(&passage.text);
    has
}
