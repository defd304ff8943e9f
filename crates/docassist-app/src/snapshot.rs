//! The graph of the present records, built once per change.

use std::sync::{Arc, PoisonError};

use docassist_graph::{Graph, GraphBuilder};

use crate::{App, AppError};

/// The latest graph that was built.
#[derive(Default)]
pub(crate) struct Cell(Option<Arc<Graph>>);

impl App {
    /// The graph of what is stored now. Built anew if the store has changed since; takes about half a second for
    /// 140,000 commits and 90,000 tickets.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn graph(&self) -> Result<Arc<Graph>, AppError> {
        let mut cell = self.snapshot.lock().unwrap_or_else(PoisonError::into_inner);
        let sequence = self.store.sequence(&self.scope)?;
        if let Some(graph) = &cell.0
            && graph.sequence() == sequence
        {
            return Ok(Arc::clone(graph));
        }
        let mut builder = GraphBuilder::default();
        let sequence = self.store.project(&self.scope, &mut builder)?;
        let graph = Arc::new(builder.build(self.scope.org().as_str(), sequence));
        cell.0 = Some(Arc::clone(&graph));
        Ok(graph)
    }
}
