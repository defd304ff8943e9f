//! What a commit changes.

use docassist_model::ChangeStatus;

use super::{Change, Plan, Revertible, message};

impl Plan {
    /// What the present step changes, its subject, and the commit that it takes back.
    pub(super) fn work(&mut self, author: u32, bot: bool) -> (Vec<Change>, String, Option<u32>) {
        let mut changes = Vec::new();
        if bot {
            self.update_dependency(&mut changes);
            return (changes, message::of_bot(&mut self.random), None);
        }
        if let Some(earlier) = self.take_back(&mut changes) {
            return (changes, format!("Revert \"{}\"", earlier.subject), Some(earlier.step));
        }
        let adopted = self.decide_changes(author, &mut changes);
        let subject = self.subject(adopted);
        (changes, subject, None)
    }

    /// Decides changes; returns the number of a decision that is recorded among them.
    fn decide_changes(&mut self, author: u32, changes: &mut Vec<Change>) -> Option<u32> {
        if self.step == 0 {
            for file in self.tree.plant(&mut self.random) {
                self.add(file, changes);
            }
            while (changes.len() as u32) < self.shape.files / 50 {
                self.add_new(changes);
            }
            return None;
        }
        let expected = u64::from(self.shape.files) * u64::from(self.step) / u64::from(self.shape.commits);
        let behind = (self.tree.paths.len() as u64) < expected;
        let alone = self.side.is_none();
        let wanted = (u64::from(self.shape.decisions) * u64::from(self.step) / u64::from(self.shape.commits)) as u32;
        if self.adopted < wanted && alone {
            self.adopted += 1;
            if let Some(file) = self.tree.decide(self.adopted, &mut self.random) {
                self.add(file, changes);
            }
            return Some(self.adopted);
        }
        // A folder has a dozen files; one move in 2,500 commits makes a good part of the renames.
        if alone && behind && self.random.below(2500) == 0 {
            for (file, old) in self.tree.move_folder(&mut self.random) {
                self.renamed(file, old, changes);
            }
            return None;
        }
        let size = if alone { self.size() } else { self.size().min(30) };
        if behind && self.random.chance(450) {
            while (changes.len() as u32) < 1 + size / 3 {
                self.add_new(changes);
            }
        }
        self.change_existing(author, size, alone, changes);
        None
    }

    fn change_existing(&mut self, author: u32, size: u32, alone: bool, changes: &mut Vec<Change>) {
        let mut last = None;
        let mut misses = 0;
        while (changes.len() as u32) < size && misses < 8 + size / 4 {
            let random = &mut self.random;
            let picked = match (last, random.below(100)) {
                (Some(last), 0..55) if size < 200 => self.tree.pick_beside(last, random),
                (Some(last), 55..75) => self.tree.files[last as usize].partner,
                (None, 0..50) => self.tree.pick_of_owner(u64::from(author), random),
                _ if size >= 200 => self.tree.pick_any(random),
                _ => self.tree.pick_hot(random),
            };
            let Some(file) = picked.filter(|&file| self.may_touch(file)) else {
                misses += 1;
                continue;
            };
            last = Some(file);
            match self.random.below(1000) {
                0..14 if alone && file > 10 => self.delete(file, changes),
                14..22 if alone && file > 10 => match self.tree.rename(file, &mut self.random) {
                    Some(old) => self.renamed(file, old, changes),
                    None => self.modify(file, changes),
                },
                _ => self.modify(file, changes),
            }
        }
    }

    /// Changed files of a commit: of two commits one has three or fewer, of three thousand one has hundreds.
    fn size(&mut self) -> u32 {
        let random = &mut self.random;
        let size = match random.below(10_000) {
            0..3000 => 1,
            3000..4700 => 2,
            4700..6500 => random.between(3, 4),
            6500..8100 => random.between(5, 8),
            8100..9120 => random.between(9, 16),
            9120..9680 => random.between(17, 32),
            9680..9900 => random.between(33, 64),
            9900..9965 => random.between(65, 128),
            9965..9996 => random.between(129, 512),
            _ => random.between(513, 3000),
        };
        (1 + (size - 1) * self.shape.changes / 6).min(self.tree.alive().max(1))
    }

    /// Whether this commit has not changed a file yet, and the other branch does not.
    fn may_touch(&self, file: u32) -> bool {
        let state = &self.tree.files[file as usize];
        if !state.alive || state.touched == self.step {
            return false;
        }
        let Some(side) = &self.side else { return true };
        let of_side = side.files.contains(&file);
        if self.on_side { of_side || state.touched == u32::MAX || state.touched < side.opened } else { !of_side }
    }

    fn touch(&mut self, file: u32) {
        self.tree.files[file as usize].touched = self.step;
        if let Some(side) = &mut self.side
            && self.on_side
        {
            side.files.push(file);
        }
    }

    fn add_new(&mut self, changes: &mut Vec<Change>) {
        let mut new = Vec::new();
        self.tree.grow(&mut self.random, &mut new);
        new.into_iter().for_each(|file| self.add(file, changes));
    }

    fn add(&mut self, file: u32, changes: &mut Vec<Change>) {
        let lines = self.tree.files[file as usize].lines;
        self.push(file, None, ChangeStatus::Added, (lines, 0), changes);
    }

    fn delete(&mut self, file: u32, changes: &mut Vec<Change>) {
        let lines = self.tree.files[file as usize].lines;
        self.tree.delete(file);
        self.push(file, None, ChangeStatus::Deleted, (0, lines), changes);
    }

    fn renamed(&mut self, file: u32, from: u32, changes: &mut Vec<Change>) {
        let lines = self.tree.files[file as usize].lines;
        // Little enough for git to see that it is the same file.
        let edited = if lines >= 8 && self.random.chance(400) { 1 + self.random.below(lines / 8) } else { 0 };
        self.push(file, Some(from), ChangeStatus::Renamed, (edited, edited), changes);
    }

    fn modify(&mut self, file: u32, changes: &mut Vec<Change>) {
        let random = &mut self.random;
        let octaves = random.between(1, 6);
        let additions = if random.chance(900) { random.doubling(octaves) } else { 0 };
        let octaves = random.between(1, 6);
        let wanted = if additions == 0 || random.chance(750) { random.doubling(octaves) } else { 0 };
        let state = &mut self.tree.files[file as usize];
        let deletions = wanted.min(state.lines.saturating_sub(5));
        // Something must change, and files do not grow without end.
        let additions = if deletions == 0 { additions.max(1) } else { additions };
        let deletions = if state.lines > 1500 { deletions.max(additions) } else { deletions };
        state.lines = state.lines + additions - deletions;
        self.push(file, None, ChangeStatus::Modified, (additions, deletions), changes);
    }

    fn push(&mut self, file: u32, from: Option<u32>, status: ChangeStatus, lines: (u32, u32), to: &mut Vec<Change>) {
        self.touch(file);
        let path = self.tree.files[file as usize].path;
        let binary = self.tree.path(path).ends_with(".png");
        let (additions, deletions) = if binary { (0, 0) } else { lines };
        to.push(Change { file, path, from, status, additions, deletions, binary });
    }

    /// A bot raises a version: a manifest changes.
    fn update_dependency(&mut self, changes: &mut Vec<Change>) {
        for _ in 0..40 {
            let Some(file) = self.tree.pick_hot(&mut self.random) else { return };
            let name = self.tree.path_of(file).rsplit('/').next().unwrap_or_default();
            let manifest = ["build.gradle", "package.json", "Cargo.toml", "pyproject.toml", "go.mod"].contains(&name);
            if manifest && self.may_touch(file) {
                return self.modify(file, changes);
            }
        }
        if self.may_touch(2) {
            self.modify(2, changes);
        }
    }

    /// Takes a small earlier commit back, now and then.
    fn take_back(&mut self, changes: &mut Vec<Change>) -> Option<Revertible> {
        if self.side.is_some() || !self.random.chance(8) {
            return None;
        }
        let earlier = self.revertible.take()?;
        for &file in &earlier.files {
            if self.may_touch(file) {
                self.modify(file, changes);
            }
        }
        Some(earlier)
    }

    /// Remembers a small commit of the main branch, that a later one may take it back.
    pub(super) fn remember(&mut self, changes: &[Change], subject: &str, excluded: bool) {
        if !excluded && self.side.is_none() && (1..=4).contains(&changes.len()) && self.random.chance(100) {
            let files = changes.iter().map(|change| change.file).collect();
            self.revertible = Some(Revertible { step: self.step, subject: subject.to_owned(), files });
        }
    }
}
