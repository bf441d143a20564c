use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The priority of a request. Within a class the first to come is the first served.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// A person waits for the answer.
    Interactive,
    #[default]
    Normal,
    /// Nobody waits for the answer now: queued tasks.
    Batch,
}

impl Class {
    pub const ALL: [Class; 3] = [Class::Interactive, Class::Normal, Class::Batch];

    /// The time after which a waiting request counts as one of the next higher class.
    pub const PROMOTION: Duration = Duration::from_secs(30);

    pub fn name(self) -> &'static str {
        match self {
            Class::Interactive => "interactive",
            Class::Normal => "normal",
            Class::Batch => "batch",
        }
    }

    pub fn from_name(name: &str) -> Option<Class> {
        Class::ALL.into_iter().find(|class| class.name() == name)
    }

    /// Returns the class of a request that has waited for this long.
    pub fn after(self, waited: Duration) -> Class {
        let promotions = waited.as_secs() / Class::PROMOTION.as_secs().max(1);
        match (self, promotions) {
            (Class::Batch, 0) => Class::Batch,
            (Class::Batch, 1) | (Class::Normal, 0) => Class::Normal,
            _ => Class::Interactive,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_waits_behind_a_higher_class_for_ever() {
        let after = |class: Class, seconds| class.after(Duration::from_secs(seconds));
        assert_eq!([0, 29, 30, 60, 600].map(|s| after(Class::Batch, s)), {
            use Class::{Batch, Interactive, Normal};
            [Batch, Batch, Normal, Interactive, Interactive]
        });
        assert_eq!(after(Class::Normal, 30), Class::Interactive);
        assert_eq!(after(Class::Interactive, 90), Class::Interactive);
    }
}
