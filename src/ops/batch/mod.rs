//! Files of requests in OpenAI's Batch format: queues them, runs them and exports their answers.

mod answer;
mod export;
mod import;

pub use answer::{Answered, answer};
pub use export::{Exported, check_exists, export};
pub use import::{Imported, Request, import};
