/// The settings for choosing the next token. The defaults are llama-server's; the filters act in its order.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampling {
    /// The temperature; 0 or less always takes the likeliest token.
    pub temperature: f32,
    pub dynamic_temperature: DynamicTemperature,
    /// The number of candidates; 0 or less keeps all.
    pub top_k: i32,
    /// The probability mass that is kept; 1 keeps all.
    pub top_p: f32,
    /// The smallest probability, relative to the largest, that is kept; 0 keeps all.
    pub min_p: f32,
    /// The mass of typical tokens that is kept; 1 keeps all.
    pub typical_p: f32,
    /// The distance from the largest logit in standard deviations; 0 or less keeps all.
    pub top_n_sigma: f32,
    pub xtc: Xtc,
    /// The smallest number of tokens that each filter leaves.
    pub min_keep: usize,
    pub mirostat: Option<Mirostat>,
    pub penalties: Penalties,
    pub dry: Dry,
    /// Tokens, and the numbers that are added to their logits.
    pub bias: Vec<(i32, f32)>,
    /// Whether the tokens that end an answer are never chosen.
    pub ignore_eos: bool,
    /// The seed; `None` draws one.
    pub seed: Option<u32>,
}

/// A temperature between `range` below and above the set one, by the entropy of the candidates; off at 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DynamicTemperature {
    pub range: f32,
    pub exponent: f32,
}

/// Excludes top choices: with this probability, all tokens above the threshold except the last of them. Off at 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Xtc {
    pub probability: f32,
    pub threshold: f32,
}

/// Mirostat, which replaces the other filters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mirostat {
    pub version: MirostatVersion,
    /// The target entropy.
    pub tau: f32,
    /// The learning rate.
    pub eta: f32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MirostatVersion {
    One,
    Two,
}

/// Makes tokens less likely that occurred before, in the prompt or in the answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Penalties {
    /// The number of earlier tokens; a negative number means the whole context.
    pub last_n: i32,
    /// The penalty for repetition; 1 is off.
    pub repeat: f32,
    /// The penalty by frequency; 0 is off.
    pub frequency: f32,
    /// The penalty by presence; 0 is off.
    pub presence: f32,
}

/// "Don't repeat yourself": makes a token less likely that would prolong a repetition.
#[derive(Debug, Clone, PartialEq)]
pub struct Dry {
    /// The multiplier of the penalty; 0 is off.
    pub multiplier: f32,
    pub base: f32,
    /// Tokens of a repetition that cost nothing.
    pub allowed_length: i32,
    /// The number of earlier tokens; a negative number means the whole context.
    pub last_n: i32,
    /// Texts at which a repetition ends.
    pub breakers: Vec<String>,
}

impl Default for Sampling {
    fn default() -> Self {
        Sampling {
            temperature: 0.8,
            dynamic_temperature: DynamicTemperature { range: 0.0, exponent: 1.0 },
            top_k: 40,
            top_p: 0.95,
            min_p: 0.05,
            typical_p: 1.0,
            top_n_sigma: -1.0,
            xtc: Xtc { probability: 0.0, threshold: 0.1 },
            min_keep: 0,
            mirostat: None,
            penalties: Penalties { last_n: 64, repeat: 1.0, frequency: 0.0, presence: 0.0 },
            dry: Dry {
                multiplier: 0.0,
                base: 1.75,
                allowed_length: 2,
                last_n: -1,
                breakers: ["\n", ":", "\"", "*"].map(String::from).to_vec(),
            },
            bias: Vec::new(),
            ignore_eos: false,
            seed: None,
        }
    }
}

impl Penalties {
    pub fn are_on(&self) -> bool {
        self.last_n != 0 && (self.repeat != 1.0 || self.frequency != 0.0 || self.presence != 0.0)
    }
}

impl Dry {
    /// Returns whether it has an effect, by llama.cpp's own condition: a base below 1 would reward repetition.
    pub fn is_on(&self) -> bool {
        self.last_n != 0 && self.multiplier != 0.0 && self.base >= 1.0
    }
}

impl Sampling {
    /// Returns whether the likeliest token of the bare logits is the choice: nothing changes their order, and nothing
    /// is drawn.
    pub fn is_greedy(&self) -> bool {
        let changes_order = self.penalties.are_on()
            || self.dry.is_on()
            || self.xtc.probability > 0.0
            || !self.bias.is_empty()
            || self.ignore_eos;
        self.temperature <= 0.0 && !changes_order
    }
}
