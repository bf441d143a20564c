//! How the server of a model runs: what a person chose for it, and what follows from that.
//!
//! Each choice ([`Choices`]) comes from one of two layers: the config file (`[models."NAME"]`) and, above it, the
//! database (`modelctl set`, `PATCH /api/models/ID`). [`ServerSettings::of`] puts the layers together with the defaults
//! and the facts of the model.

mod args;
mod choices;
mod class;
mod engine;
mod settings;

pub use args::{check_arg_list, check_tuning_args};
pub use choices::{Change, ChoiceError, Choices, ENV_NAMES};
pub use class::Class;
pub use engine::Engine;
pub use settings::{Defaults, ServerSettings};
