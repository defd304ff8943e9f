//! Connectors: each turns what a system holds into the records of [`docassist_model`]. They know nothing of the store
//! and of the graph.

pub mod decisions;
pub mod git;
pub mod jira;
pub mod pages;
