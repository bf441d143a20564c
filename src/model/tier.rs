use serde::{Deserialize, Serialize};
use std::fmt;

/// The computing power that a model needs; a task can ask for a tier instead of a certain model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    Fast,
    Balanced,
    Powerful,
}

impl Tier {
    pub const ALL: &'static [Tier] = &[Tier::Fast, Tier::Balanced, Tier::Powerful];

    pub fn name(self) -> &'static str {
        match self {
            Tier::Fast => "fast",
            Tier::Balanced => "balanced",
            Tier::Powerful => "powerful",
        }
    }

    pub fn from_name(name: &str) -> Option<Tier> {
        Self::ALL.iter().copied().find(|t| t.name() == name)
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The upper bounds of the two lower tiers. A model belongs to the first tier whose two bounds it meets: the parameters
/// bound what it can know, the bytes of its weights bound how fast it answers (each token reads them all).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TierLimits {
    pub fast_parameters: u64,
    /// The bound of the weights, in bytes.
    pub fast_weights: u64,
    pub balanced_parameters: u64,
    /// The bound of the weights, in bytes.
    pub balanced_weights: u64,
}

impl Default for TierLimits {
    fn default() -> Self {
        const GIB: u64 = 1 << 30;
        TierLimits {
            fast_parameters: 4_500_000_000,
            fast_weights: 4 * GIB,
            balanced_parameters: 16_000_000_000,
            balanced_weights: 12 * GIB,
        }
    }
}

/// Returns the tier of a model with that many parameters and bytes of weights (quantization decides the ratio of the
/// two).
pub fn tier_of(parameters: u64, weights: u64, limits: &TierLimits) -> Tier {
    if parameters <= limits.fast_parameters && weights <= limits.fast_weights {
        Tier::Fast
    } else if parameters <= limits.balanced_parameters && weights <= limits.balanced_weights {
        Tier::Balanced
    } else {
        Tier::Powerful
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantisation_decides_between_models_of_one_size() {
        let limits = TierLimits::default();
        let params = 8_030_261_248;
        assert_eq!(tier_of(params, params * 45 / 80, &limits), Tier::Balanced); // Q4_K_M
        assert_eq!(tier_of(params, params * 2, &limits), Tier::Powerful); // F16
        assert_eq!(tier_of(1_235_814_400, 1_235_814_400, &limits), Tier::Fast); // 1B Q8_0
    }
}
