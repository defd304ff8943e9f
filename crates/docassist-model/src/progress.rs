//! How long work tells what it is doing, and is told to stop.

/// Receives the progress of long work, from any thread.
pub trait Progress: Sync {
    /// A new phase begins; the one before it has ended. `total` in the phase's own units, where it is known.
    fn phase(&self, name: &str, total: Option<u64>);
    /// `by` units of the current phase are done.
    fn advance(&self, by: u64);
    /// Whether the work shall stop as soon as it can.
    fn cancelled(&self) -> bool;
}

/// Nobody looks, and nobody stops it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Progress for Unobserved {
    fn phase(&self, _: &str, _: Option<u64>) {}
    fn advance(&self, _: u64) {}
    fn cancelled(&self) -> bool {
        false
    }
}
