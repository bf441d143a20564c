//! The programs that serve models.

mod engine;

pub use engine::Engine;
