use super::form::{ROOT, bad, grammar_text};
use super::{EngineError, Form, Sampling};
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::token::data::LlamaTokenData;
use llama_cpp_2::token::data_array::LlamaTokenDataArray;

/// Chooses the next token of one generation.
pub struct Sampler {
    choice: Choice,
    grammar: Option<LlamaSampler>,
}

/// A grammar that llama.cpp can follow.
///
/// # Errors
/// [`EngineError::BadSpec`]: the grammar or the schema cannot be read.
pub fn grammar(model: &LlamaModel, form: &Form) -> Result<LlamaSampler, EngineError> {
    let (what, text) = grammar_text(form)?;
    LlamaSampler::grammar(model, &text, ROOT).map_err(|e| bad(what, e))
}

enum Choice {
    /// The likeliest. Needs no candidates array, which matters with 262,144 tokens.
    Greedy,
    Chain {
        chain: LlamaSampler,
        candidates: LlamaTokenDataArray,
    },
}

impl Sampler {
    pub fn new(sampling: &Sampling, grammar: Option<LlamaSampler>) -> Sampler {
        Sampler { choice: Choice::new(sampling), grammar }
    }

    /// # Errors
    /// A model whose numbers are broken (all of them NaN) has no next token; nor has a grammar that nothing fits.
    pub fn next(&mut self, logits: &[f32]) -> Result<i32, EngineError> {
        let free = self.choice.next(logits)?;
        let Some(grammar) = &mut self.grammar else {
            self.choice.accept(free);
            return Ok(free);
        };
        // Nearly always what the model wants fits: one token is looked at instead of all of the vocabulary.
        let mut one = LlamaTokenDataArray::new(vec![LlamaTokenData::new(LlamaToken(free), 1.0, 0.0)], false);
        one.apply_sampler(grammar);
        let fits = one.data.first().is_some_and(|d| d.logit().is_finite());
        let token = if fits { free } else { self.choice.next(&fitting(grammar, logits))? };
        self.choice.accept(token);
        let accepted = grammar.try_accept(LlamaToken(token));
        accepted.map_err(|e| EngineError::Decode(format!("no token fits the grammar: {e}")))?;
        Ok(token)
    }
}

/// The numbers of the tokens that the grammar allows now; NaN for the others.
fn fitting(grammar: &mut LlamaSampler, logits: &[f32]) -> Vec<f32> {
    let all = (0_i32..).zip(logits).map(|(id, &logit)| LlamaTokenData::new(LlamaToken(id), logit, 0.0)).collect();
    let mut candidates = LlamaTokenDataArray::new(all, false);
    candidates.apply_sampler(grammar);
    let mut allowed = vec![f32::NAN; logits.len()];
    for data in candidates.data.iter().filter(|d| d.logit().is_finite()) {
        if let Some(place) = usize::try_from(data.id().0).ok().and_then(|at| allowed.get_mut(at)) {
            *place = data.logit();
        }
    }
    allowed
}

impl Choice {
    fn new(sampling: &Sampling) -> Choice {
        if sampling.temperature <= 0.0 {
            return Choice::Greedy;
        }
        // The order is llama-server's. Its 0xFFFFFFFF draws a seed.
        let chain = LlamaSampler::chain_simple([
            LlamaSampler::top_k(sampling.top_k),
            LlamaSampler::top_p(sampling.top_p, 1),
            LlamaSampler::min_p(sampling.min_p, 1),
            LlamaSampler::temp(sampling.temperature),
            LlamaSampler::dist(sampling.seed.unwrap_or(u32::MAX)),
        ]);
        Choice::Chain { chain, candidates: LlamaTokenDataArray::new(Vec::new(), false) }
    }

    fn accept(&mut self, token: i32) {
        if let Choice::Chain { chain, .. } = self {
            chain.accept(LlamaToken(token));
        }
    }

    fn next(&mut self, logits: &[f32]) -> Result<i32, EngineError> {
        let broken = || EngineError::Decode("the model computed no valid number".into());
        match self {
            Choice::Greedy => greedy(logits).ok_or_else(broken),
            Choice::Chain { chain, candidates } => {
                if logits.iter().all(|logit| logit.is_nan()) {
                    return Err(broken());
                }
                candidates.data.clear();
                let numbered = (0_i32..).zip(logits).filter(|(_, logit)| !logit.is_nan());
                candidates.data.extend(numbered.map(|(id, &logit)| LlamaTokenData::new(LlamaToken(id), logit, 0.0)));
                candidates.sorted = false;
                candidates.selected = None;
                candidates.apply_sampler(chain);
                Ok(candidates.selected_token().ok_or_else(broken)?.0)
            }
        }
    }
}

/// The first of the largest; `None` when all are NaN.
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
            let mut sampler =
                Sampler::new(&Sampling { seed: Some(7), top_k: 0, top_p: 1.0, ..Sampling::default() }, None);
            (0..20).map(|_| sampler.next(&logits).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(draw(), draw());
    }
}
