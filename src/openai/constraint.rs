use serde::{Deserialize, Serialize};

/// A rule that an answer has to fit, enforced token by token.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Constraint {
    /// A GBNF grammar with the root `root`.
    Grammar(String),
    /// A JSON schema, as JSON.
    Schema(String),
}

impl Constraint {
    /// Returns the name of its kind, for a sentence.
    pub fn name(&self) -> &'static str {
        match self {
            Constraint::Grammar(_) => "grammar",
            Constraint::Schema(_) => "JSON schema",
        }
    }

    /// Returns the grammar, or the schema.
    pub fn text(&self) -> &str {
        match self {
            Constraint::Grammar(text) | Constraint::Schema(text) => text,
        }
    }
}
