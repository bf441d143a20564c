use serde::{Deserialize, Serialize};

/// A value that was read, or the reason why it could not be read. Unknown is neither empty nor zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Reading<T> {
    Known(T),
    Unavailable(String),
}

impl<T> Reading<T> {
    pub fn known(&self) -> Option<&T> {
        match self {
            Reading::Known(value) => Some(value),
            Reading::Unavailable(_) => None,
        }
    }

    /// Returns the reason why there is no value.
    pub fn unavailable(&self) -> Option<&str> {
        match self {
            Reading::Known(_) => None,
            Reading::Unavailable(why) => Some(why),
        }
    }

    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Reading<U> {
        match self {
            Reading::Known(value) => Reading::Known(f(value)),
            Reading::Unavailable(why) => Reading::Unavailable(why),
        }
    }
}
