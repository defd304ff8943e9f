//! The use cases over real repositories, files and stores.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod anew;
mod broken;
mod incremental;
mod organisation;
mod search;
mod totals;
