//! A path taken apart once, for all the questions about it.

/// A path and its lower-cased copy.
#[derive(Debug)]
pub(super) struct PathParts<'a> {
    path: &'a str,
    lower: String,
    /// Where the file's name begins, the same in both: only ASCII letters change case.
    name_at: usize,
}

impl<'a> PathParts<'a> {
    pub(super) fn new(path: &'a str) -> Self {
        let name_at = path.rfind('/').map_or(0, |slash| slash + 1);
        Self { path, lower: path.to_ascii_lowercase(), name_at }
    }

    /// The whole path in lower case.
    pub(super) fn lower(&self) -> &str {
        &self.lower
    }

    /// The file's name as written.
    pub(super) fn name_as_written(&self) -> &'a str {
        &self.path[self.name_at..]
    }

    /// The file's name in lower case.
    pub(super) fn name(&self) -> &str {
        &self.lower[self.name_at..]
    }

    /// The folders in lower case, outermost first.
    pub(super) fn folders(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.lower[..self.name_at].split('/').filter(|folder| !folder.is_empty())
    }

    /// The folders as written, outermost first.
    pub(super) fn folders_as_written(&self) -> impl DoubleEndedIterator<Item = &'a str> {
        self.path[..self.name_at].split('/').filter(|folder| !folder.is_empty())
    }

    /// What follows the last dot of the name, in lower case; empty for `Makefile` and `.gitignore`.
    pub(super) fn extension(&self) -> &str {
        match self.name().rsplit_once('.') {
            Some((stem, extension)) if !stem.is_empty() => extension,
            _ => "",
        }
    }

    /// The name in lower case up to its last dot.
    pub(super) fn stem(&self) -> &str {
        match self.name().rsplit_once('.') {
            Some((stem, _)) if !stem.is_empty() => stem,
            _ => self.name(),
        }
    }

    /// The name as written up to its last dot.
    pub(super) fn stem_as_written(&self) -> &'a str {
        &self.name_as_written()[..self.stem().len()]
    }
}
