use super::chain::{self, Around};
use super::constraint::Constraint;
use super::form::Rule;
use super::gbnf::Gbnf;
use super::{EngineError, Sampling};
use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::token::data::LlamaTokenData;
use llama_cpp_2::token::data_array::LlamaTokenDataArray;

/// The number of tokens that are tried at one place before it counts as a dead end.
const TRIES: usize = 512;

/// Chooses the next token of one generation.
pub struct Sampler {
    choice: Choice,
    rule: Option<Rule>,
}

/// The next tokens of an answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Step {
    pub token: i32,
    /// The tokens that must follow by the constraint.
    pub forced: Vec<i32>,
    /// Whether the answer is complete, since nothing can follow.
    pub done: bool,
}

enum Choice {
    /// The likeliest token. Needs no candidates array, which matters with 262,144 tokens.
    Greedy,
    Chain {
        chain: LlamaSampler,
        candidates: LlamaTokenDataArray,
    },
}

impl Sampler {
    /// Creates a sampler. Tests without a model leave out `around`.
    pub fn new(sampling: &Sampling, around: Option<Around>, rule: Option<Rule>) -> Sampler {
        Sampler { choice: Choice::new(sampling, around), rule }
    }

    /// Returns the tokens with which every answer begins. To be called once, before anything else.
    ///
    /// # Errors
    /// The schema reaches a limit, or contradicts itself.
    pub fn begin(&mut self) -> Result<Vec<i32>, EngineError> {
        match &mut self.rule {
            Some(Rule::Schema(constraint)) => constraint.begin().map_err(stuck),
            _ => Ok(Vec::new()),
        }
    }

    /// Returns whether nothing can follow the answer so far.
    pub fn is_done(&self) -> bool {
        matches!(&self.rule, Some(Rule::Schema(constraint)) if constraint.is_done())
    }

    /// Returns the constraint whose mask can be computed during a decode; `None` when there is none.
    pub fn ahead(&mut self) -> Option<&mut Constraint> {
        match &mut self.rule {
            Some(Rule::Schema(constraint)) if constraint.wants_mask() => Some(constraint),
            _ => None,
        }
    }

    /// Chooses the next token.
    ///
    /// # Errors
    /// A model whose logits are broken (all of them NaN) has no next token; nor has a constraint that nothing fits.
    pub fn next(&mut self, logits: &[f32]) -> Result<Step, EngineError> {
        let free = self.choice.next(logits)?.ok_or_else(broken)?;
        let step = match &mut self.rule {
            None => Step { token: free, forced: Vec::new(), done: false },
            Some(Rule::Grammar(grammar)) => {
                let token = by_grammar(&mut self.choice, grammar, (free, logits))?;
                Step { token, forced: Vec::new(), done: false }
            }
            Some(Rule::Schema(constraint)) => by_schema(&mut self.choice, constraint, (free, logits))?,
        };
        self.choice.accept(step.token);
        step.forced.iter().for_each(|token| self.choice.accept(*token));
        Ok(step)
    }
}

// The model's own choice nearly always fits: one token is checked instead of the whole vocabulary.

fn by_grammar(choice: &mut Choice, grammar: &mut Gbnf, (free, logits): (i32, &[f32])) -> Result<i32, EngineError> {
    let token = match grammar.admits(free) {
        true => free,
        false => choice.next(&grammar.fitting(logits))?.ok_or_else(|| stuck("no token matches the grammar"))?,
    };
    grammar.accept(token).map_err(stuck)?;
    Ok(token)
}

fn by_schema(
    choice: &mut Choice,
    constraint: &mut Constraint,
    (free, logits): (i32, &[f32]),
) -> Result<Step, EngineError> {
    if let Some(forced) = constraint.accept(free).map_err(stuck)? {
        constraint.was_followed(true);
        return Ok(Step { token: free, forced, done: constraint.is_done() });
    }
    constraint.was_followed(false);
    // NaN is no candidate.
    let mut fitting = vec![f32::NAN; logits.len()];
    constraint
        .allowed(|token| {
            if let (Some(place), Some(logit)) = (fitting.get_mut(token), logits.get(token)) {
                *place = *logit;
            }
        })
        .map_err(stuck)?;
    for _ in 0..TRIES {
        let Some(token) = choice.next(&fitting)? else { break };
        if let Some(forced) = constraint.accept(token).map_err(stuck)? {
            return Ok(Step { token, forced, done: constraint.is_done() });
        }
        if let Some(place) = usize::try_from(token).ok().and_then(|at| fitting.get_mut(at)) {
            *place = f32::NAN;
        }
    }
    Err(stuck("no value that matches the schema can follow the text so far"))
}

fn broken() -> EngineError {
    EngineError::Decode("the model computed no valid number".into())
}

fn stuck(why: impl std::fmt::Display) -> EngineError {
    EngineError::Stuck(why.to_string())
}

impl Choice {
    fn new(sampling: &Sampling, around: Option<Around>) -> Choice {
        if sampling.is_greedy() {
            return Choice::Greedy;
        }
        let chain = chain::chain(sampling, around);
        Choice::Chain { chain, candidates: LlamaTokenDataArray::new(Vec::new(), false) }
    }

    fn accept(&mut self, token: i32) {
        if let Choice::Chain { chain, .. } = self {
            chain.accept(LlamaToken(token));
        }
    }

    /// Returns the next token; `None` when there is no candidate: all are NaN.
    fn next(&mut self, logits: &[f32]) -> Result<Option<i32>, EngineError> {
        match self {
            Choice::Greedy => Ok(greedy(logits)),
            Choice::Chain { chain, candidates } => {
                candidates.data.clear();
                let numbered = (0_i32..).zip(logits).filter(|(_, logit)| !logit.is_nan());
                candidates.data.extend(numbered.map(|(id, &logit)| LlamaTokenData::new(LlamaToken(id), logit, 0.0)));
                if candidates.data.is_empty() {
                    return Ok(None);
                }
                candidates.sorted = false;
                candidates.selected = None;
                candidates.apply_sampler(chain);
                Ok(Some(candidates.selected_token().ok_or_else(broken)?.0))
            }
        }
    }
}

/// Returns the first of the largest; `None` when all are NaN.
fn greedy(logits: &[f32]) -> Option<i32> {
    let mut best: Option<(i32, f32)> = None;
    for (id, &logit) in (0_i32..).zip(logits) {
        if best.map_or(!logit.is_nan(), |(_, most)| logit > most) {
            best = Some((id, logit));
        }
    }
    best.map(|(id, _)| id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greedy_takes_the_first_of_the_largest_and_no_nan() {
        assert_eq!(greedy(&[f32::NAN, -1.0, 3.0, 3.0]), Some(2));
        assert_eq!(greedy(&[f32::NAN]), None);
    }

    #[test]
    fn one_seed_gives_one_choice() {
        let logits: Vec<f32> = (0_u8..200).map(|n| f32::from(n % 7)).collect();
        let draw = || {
            let sampling = Sampling { seed: Some(7), top_k: 0, top_p: 1.0, ..Sampling::default() };
            let mut sampler = Sampler::new(&sampling, None, None);
            (0..20).map(|_| sampler.next(&logits).unwrap().token).collect::<Vec<_>>()
        };
        assert_eq!(draw(), draw());
    }
}
