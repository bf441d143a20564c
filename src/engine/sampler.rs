use super::{EngineError, Sampling};
use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::token::data::LlamaTokenData;
use llama_cpp_2::token::data_array::LlamaTokenDataArray;

/// Chooses the next token of one generation.
pub enum Sampler {
    /// The likeliest. Needs no candidates array, which matters with 262,144 tokens.
    Greedy,
    Chain {
        chain: LlamaSampler,
        candidates: LlamaTokenDataArray,
    },
}

impl Sampler {
    pub fn new(sampling: &Sampling) -> Sampler {
        if sampling.temperature <= 0.0 {
            return Sampler::Greedy;
        }
        // The order is llama-server's. Its 0xFFFFFFFF draws a seed.
        let chain = LlamaSampler::chain_simple([
            LlamaSampler::top_k(sampling.top_k),
            LlamaSampler::top_p(sampling.top_p, 1),
            LlamaSampler::min_p(sampling.min_p, 1),
            LlamaSampler::temp(sampling.temperature),
            LlamaSampler::dist(sampling.seed.unwrap_or(u32::MAX)),
        ]);
        Sampler::Chain { chain, candidates: LlamaTokenDataArray::new(Vec::new(), false) }
    }

    /// # Errors
    /// A model whose numbers are broken (all of them NaN) has no next token.
    pub fn next(&mut self, logits: &[f32]) -> Result<i32, EngineError> {
        let broken = || EngineError::Decode("the model computed no valid number".into());
        match self {
            Sampler::Greedy => greedy(logits).ok_or_else(broken),
            Sampler::Chain { chain, candidates } => {
                if logits.iter().all(|logit| logit.is_nan()) {
                    return Err(broken());
                }
                candidates.data.clear();
                let numbered = (0_i32..).zip(logits).filter(|(_, logit)| !logit.is_nan());
                candidates.data.extend(numbered.map(|(id, &logit)| LlamaTokenData::new(LlamaToken(id), logit, 0.0)));
                candidates.sorted = false;
                candidates.selected = None;
                candidates.apply_sampler(chain);
                let token = candidates.selected_token().ok_or_else(broken)?;
                chain.accept(token);
                Ok(token.0)
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
            let mut sampler = Sampler::new(&Sampling { seed: Some(7), top_k: 0, top_p: 1.0, ..Sampling::default() });
            (0..20).map(|_| sampler.next(&logits).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(draw(), draw());
    }
}
