//! JSON schemas of answers. Pure: holds no llama.cpp type and no llguidance type.
//!
//! The token grammar (llguidance) follows most of JSON Schema exactly, approximates some keywords and refuses others.
//! So a schema becomes two things that are used together:
//! - a schema in the subset that llguidance follows, which admits every value that the schema admits ([`prepare`]);
//! - a check of each value as soon as it is complete, against the schema as it was given ([`check::Check`]).
//!
//! A keyword that the first cannot express costs only tokens that are chosen twice; no answer that ends on its own can
//! violate its schema. A keyword that neither can follow (another document, an unknown format) is refused, with its
//! place.

pub mod check;
mod formats;
mod keywords;
mod negate;
mod numbers;
mod pattern;
mod places;
mod prepare;
mod progress;
#[cfg(test)]
mod tests;
mod unevaluated;
mod walk;

pub use prepare::prepare;
#[cfg(feature = "llama")]
pub use progress::Progress;
pub use walk::Exactness;

use std::fmt;

/// The reason why a schema is refused: the keyword, its place, and the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// A JSON pointer as a URI fragment (RFC 6901, section 6): `#/properties/a`.
    pub place: String,
    /// The keyword; empty when the reason is not a single keyword.
    pub keyword: String,
    pub why: String,
}

impl Refusal {
    /// Creates a refusal. `place` may end with the keyword.
    pub fn new(place: impl Into<String>, keyword: impl Into<String>, why: impl fmt::Display) -> Refusal {
        let (mut place, keyword) = (place.into(), keyword.into());
        if !keyword.is_empty()
            && let Some(around) = place.strip_suffix(&format!("/{keyword}"))
        {
            place = around.to_owned();
        }
        Refusal { place, keyword, why: why.to_string() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.keyword.as_str() {
            "" => write!(f, "at `{}`: {}", self.place, self.why),
            keyword => write!(f, "`{keyword}` at `{}`: {}", self.place, self.why),
        }
    }
}
