//! Models: vectors for texts, of all-MiniLM-L6-v2 and static models in the process or of an endpoint; and a chat endpoint's answers.
//!
//! The crate knows nothing of what the texts are, of the store, of an HTTP server or of a terminal. Whatever a text holds,
//! embedding it takes bounded time and memory and never panics.

pub mod chat;
mod error;
mod http;
#[cfg(test)]
mod loopback;
pub mod minilm;
#[cfg(test)]
mod provided;
pub mod pull;
pub mod remote;
pub mod static_model;
mod tensors;
mod wordpiece;

pub use chat::{Chat, ChatConfig};
pub use error::{EmbedError, Result};
pub use minilm::MiniLm;
pub use remote::{Protocol, Remote, RemoteConfig};
pub use static_model::StaticModel;

/// Turns texts into vectors of length 1, whose dot product says how alike two texts are.
pub trait Embedder: Send + Sync {
    /// Which model this is, with everything that changes its vectors: vectors of different identities must not be compared,
    /// and a stored vector is found again under this and its text.
    fn id(&self) -> &str;

    /// Numbers in each vector.
    fn dims(&self) -> usize;

    /// One vector for each text, in their order. A text's vector does not depend on the others.
    ///
    /// # Errors
    /// The models in the process always succeed; an endpoint may fail in every way that a network has.
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>>;
}

/// Divides by the length, in place. What has none, stays zero.
fn to_unit_length(vector: &mut [f32]) {
    let length = vector.iter().map(|value| f64::from(*value) * f64::from(*value)).sum::<f64>().sqrt();
    if length > 0.0 {
        for value in vector {
            *value = (f64::from(*value) / length) as f32;
        }
    }
}

/// Runs `work` on this thread and up to `threads - 1` others, and puts what they did in order.
fn on_threads(threads: usize, count: usize, work: impl Fn() -> Vec<(usize, Vec<f32>)> + Sync) -> Vec<Vec<f32>> {
    let mut vectors = vec![Vec::new(); count];
    let mut put = |done: Vec<(usize, Vec<f32>)>| {
        for (index, vector) in done {
            vectors[index] = vector;
        }
    };
    std::thread::scope(|scope| {
        // A thread that cannot be started is one fewer: this one takes what is left.
        let start = |_| std::thread::Builder::new().spawn_scoped(scope, &work).ok();
        let others: Vec<_> = (1..threads).filter_map(start).collect();
        put(work());
        for other in others {
            put(joined(other));
        }
    });
    vectors
}

/// What a thread gave. Its panic would be a defect of ours, and is passed on.
fn joined<T>(thread: std::thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|defect| std::panic::resume_unwind(defect))
}
