//! llama.cpp's samplers for one generation, in llama-server's order.

use super::Sampling;
use super::sampling::MirostatVersion;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::token::logit_bias::LlamaLogitBias;

/// The facts that samplers need in addition to their settings.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    pub model: &'a LlamaModel,
    /// Tokens of the context.
    pub room: u32,
    pub prompt: &'a [i32],
}

/// The number of tokens that Mirostat 1 estimates from, as in llama-server.
const MIROSTAT_TOKENS: i32 = 100;

/// Returns the samplers that choose a token. Without `around`, which only tests leave out, samplers that need a
/// vocabulary or earlier tokens are left out as well.
pub fn chain(sampling: &Sampling, around: Option<Around>) -> LlamaSampler {
    // llama.cpp draws a seed for 0xFFFFFFFF.
    let seed = sampling.seed.unwrap_or(u32::MAX);
    let mut all = Vec::new();
    let mut looks_back = 0;
    if let Some(around) = &around {
        looks_back = adjust(sampling, around, &mut all);
    }
    let keep = sampling.min_keep;
    if sampling.temperature <= 0.0 {
        if sampling.xtc.probability > 0.0 {
            all.push(LlamaSampler::xtc(sampling.xtc.probability, sampling.xtc.threshold, keep, seed));
        }
        all.push(LlamaSampler::greedy());
    } else if let Some(mirostat) = sampling.mirostat {
        all.push(LlamaSampler::temp(sampling.temperature));
        all.push(match (mirostat.version, &around) {
            (MirostatVersion::One, Some(around)) => {
                let tokens = around.model.n_vocab();
                LlamaSampler::mirostat(tokens, seed, mirostat.tau, mirostat.eta, MIROSTAT_TOKENS)
            }
            _ => LlamaSampler::mirostat_v2(seed, mirostat.tau, mirostat.eta),
        });
    } else {
        // A disabled filter that does not detect this itself costs a pass over all candidates.
        if sampling.top_n_sigma > 0.0 {
            all.push(LlamaSampler::top_n_sigma(sampling.top_n_sigma));
        }
        all.push(LlamaSampler::top_k(sampling.top_k));
        if sampling.typical_p < 1.0 {
            all.push(LlamaSampler::typical(sampling.typical_p, keep));
        }
        // One token is left even with a `top_p` of 0.
        all.push(LlamaSampler::top_p(sampling.top_p, keep.max(1)));
        all.push(LlamaSampler::min_p(sampling.min_p, keep.max(1)));
        if sampling.xtc.probability > 0.0 {
            all.push(LlamaSampler::xtc(sampling.xtc.probability, sampling.xtc.threshold, keep, seed));
        }
        let dynamic = sampling.dynamic_temperature;
        all.push(match dynamic.range > 0.0 {
            true => LlamaSampler::temp_ext(sampling.temperature, dynamic.range, dynamic.exponent),
            false => LlamaSampler::temp(sampling.temperature),
        });
        all.push(LlamaSampler::dist(seed));
    }
    let mut chain = LlamaSampler::chain_simple(all);
    if let Some(around) = around {
        let from = around.prompt.len().saturating_sub(looks_back);
        chain.accept_many(around.prompt.iter().skip(from).map(|token| LlamaToken(*token)));
    }
    chain
}

/// Adds the samplers that change the logits before tokens are chosen by them. Returns the number of earlier tokens that
/// they use.
fn adjust(sampling: &Sampling, around: &Around, all: &mut Vec<LlamaSampler>) -> usize {
    let Around { model, room, .. } = around;
    let vocabulary = model.vocab();
    // llama.cpp allocates memory for the full number of earlier tokens.
    let room = i32::try_from(*room).unwrap_or(i32::MAX);
    let last = |n: i32| if n < 0 { room } else { n.min(room) };
    let mut looks_back = 0;
    let mut bias: Vec<LlamaLogitBias> =
        sampling.bias.iter().map(|(token, amount)| LlamaLogitBias::new(LlamaToken(*token), *amount)).collect();
    if sampling.ignore_eos {
        let ends = (0..model.n_vocab()).map(LlamaToken).filter(|token| vocabulary.is_eog(*token));
        bias.extend(ends.map(|token| LlamaLogitBias::new(token, f32::NEG_INFINITY)));
    }
    if !bias.is_empty() {
        all.push(LlamaSampler::logit_bias(model.n_vocab(), &bias));
    }
    if sampling.penalties.are_on() {
        let p = sampling.penalties;
        all.push(LlamaSampler::penalties(model.n_vocab(), last(p.last_n), p.repeat, p.frequency, p.presence));
        looks_back = last(p.last_n);
    }
    if sampling.dry.is_on() {
        let dry = &sampling.dry;
        let last_n = last(dry.last_n);
        all.push(LlamaSampler::dry(model, dry.multiplier, dry.base, dry.allowed_length, last_n, &dry.breakers));
        looks_back = looks_back.max(last_n);
    }
    usize::try_from(looks_back).unwrap_or(0)
}
