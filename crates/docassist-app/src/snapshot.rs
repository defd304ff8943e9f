//! The graph of the present records.

use std::sync::Arc;

use docassist_graph::Graph;

use crate::{App, AppError};

impl App {
    /// The graph of what is stored now. Built anew if the store has changed since; takes about half a second for
    /// 140,000 commits and 90,000 tickets. Blocks: not to be called by an asynchronous task.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn graph(&self) -> Result<Arc<Graph>, AppError> {
        self.graphs.get(self.store.as_ref(), &self.scope)
    }
}
