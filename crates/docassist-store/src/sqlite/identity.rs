//! What tells a file from another one at the same path.

use std::fs::Metadata;
use std::path::Path;

/// Device and number; elsewhere the time at which it was made has to do.
#[cfg(unix)]
pub(super) type Identity = (u64, u64);
#[cfg(not(unix))]
pub(super) type Identity = std::time::SystemTime;

/// The identity of a file.
pub(super) fn of(metadata: &Metadata) -> Option<Identity> {
    #[cfg(unix)]
    return Some((std::os::unix::fs::MetadataExt::dev(metadata), std::os::unix::fs::MetadataExt::ino(metadata)));
    #[cfg(not(unix))]
    return metadata.created().ok();
}

/// The identity of the file at `path`; `None` where there is none.
pub(super) fn at(path: &Path) -> Option<Identity> {
    of(&path.metadata().ok()?)
}
