//! Pages and decision records at the tip of a generated history.

use docassist_model::{Decision, DecisionStatus, Heading, Page, PageFormat, PathMention, TicketMention, Timestamp};

use crate::backlog::Backlog;
use crate::history::Plan;
use crate::random::{Random, mix};
use crate::words;

const STREAM: u64 = 0x5000_0000_0000_0000;

/// Paths of the Markdown files that there are, in order.
fn markdown(plan: &Plan) -> Vec<&str> {
    let mut paths: Vec<&str> =
        plan.tree.living().map(|file| plan.tree.path(file.path)).filter(|path| path.ends_with(".md")).collect();
    paths.sort_unstable();
    paths
}

/// Randomness of a page, whatever other pages there are.
fn random_of(plan: &Plan, path: &str) -> Random {
    let hash = path.bytes().fold(STREAM, |hash, byte| mix(hash ^ u64::from(byte)));
    Random::new(plan.shape.seed, hash)
}

pub(super) fn pages(plan: &Plan) -> Vec<Page> {
    markdown(plan).into_iter().map(|path| page(plan, path)).collect()
}

fn page(plan: &Plan, path: &str) -> Page {
    let mut random = random_of(plan, path);
    let random = &mut random;
    let stem = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".md").replace('-', " ");
    let mut page = Page {
        path: path.to_owned(),
        title: stem.clone(),
        format: PageFormat::Markdown,
        headings: vec![Heading { level: 1, text: stem.clone(), line: 1 }],
        links: Vec::new(),
        tickets: Vec::new(),
        paths: Vec::new(),
        text: format!("# {stem}\n"),
        modified: None,
    };
    let mut line = 1;
    for _ in 0..random.between(1, 7) {
        let (noun, role) = (words::noun(random), random.pick(&words::ROLES));
        let heading = format!("The {noun} {role}");
        page.text.push_str(&format!("\n## {heading}\n\n"));
        page.headings.push(Heading { level: 2, text: heading, line: line + 2 });
        line += 3;
        for _ in 0..random.between(1, 5) {
            line += 1;
            let sentences = random.between(1, 3);
            words::push_sentences(&mut page.text, random, sentences);
            if random.chance(350) {
                // Paths of files that are gone are among these, as they are in real pages.
                let paths = &plan.tree.paths;
                let mentioned = if random.chance(800) {
                    plan.tree.pick_hot(random).map(|file| plan.tree.path_of(file))
                } else {
                    paths.get(random.below(paths.len() as u32) as usize).map(AsRef::as_ref)
                };
                let mentioned = mentioned.unwrap_or("src/missing.rs");
                page.text.push_str(&format!(" See `{mentioned}`."));
                page.paths.push(PathMention { path: mentioned.to_owned(), line });
            }
            if random.chance(80) && plan.backlog.len() > 0 {
                let key = plan.backlog.key(random.below(plan.backlog.len()));
                page.text.push_str(&format!(" Since {key}."));
                page.tickets.push(TicketMention { key, line });
            }
            page.text.push('\n');
        }
    }
    page
}

pub(super) fn decisions(plan: &Plan) -> Vec<Decision> {
    let paths: Vec<&str> = markdown(plan).into_iter().filter(|path| path.starts_with("docs/adr/")).collect();
    let count = paths.len();
    paths.iter().enumerate().map(|(at, path)| decision(plan, path, at, count)).collect()
}

fn decision(plan: &Plan, path: &str, at: usize, count: usize) -> Decision {
    // Of sixteen decisions, the first is replaced by the last.
    let (first, last) = (at.is_multiple_of(16) && at + 15 < count, at % 16 == 15);
    let mut random = random_of(plan, path);
    let name = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".md");
    let (number, title) = name.split_once('-').unwrap_or(("", name));
    let number: Option<u32> = number.parse().ok();
    let (status, status_text) = match (first, random.below(20)) {
        (true, _) => (DecisionStatus::Superseded, "Superseded"),
        (_, 0..2) => (DecisionStatus::Proposed, "Proposed"),
        (_, 2) => (DecisionStatus::Rejected, "Rejected"),
        _ => (DecisionStatus::Accepted, "Accepted"),
    };
    let from = (plan.backlog.len() as usize * at / count.max(1)) as u32;
    let feature = (from..plan.backlog.len()).take(200).find(|&ticket| Backlog::is_feature(ticket));
    let instant = plan.shape.instant(at as u32, count as u32);
    let other = |distance: i64| number.map(|number| format!("{:04}", i64::from(number) + distance));
    Decision {
        path: path.to_owned(),
        number,
        title: title.replace('-', " "),
        status,
        status_text: status_text.to_owned(),
        date: Some(Timestamp::from_unix(instant).date()),
        supersedes: if last { other(-15).into_iter().collect() } else { Vec::new() },
        superseded_by: if first { other(15).into_iter().collect() } else { Vec::new() },
        tickets: feature.filter(|_| random.chance(800)).map(|ticket| plan.backlog.key(ticket)).into_iter().collect(),
        commits: Vec::new(),
    }
}
