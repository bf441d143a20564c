//! The conversion of a request's options to a request of the engine.

use crate::engine::{
    AtWork, Dry, DynamicTemperature, Generate, Mirostat, MirostatVersion, Penalties, Prompt, Sampling, Xtc,
};
use crate::openai::{Options, Stops};
use std::time::Duration;

/// Builds the engine's request for `prompt`.
pub fn generate(options: &Options, prompt: Prompt) -> Generate {
    Generate {
        prompt,
        sampling: sampling(options),
        max_tokens: options
            .max_tokens
            .and_then(|max| u64::try_from(max).ok())
            .map(|max| u32::try_from(max).unwrap_or(u32::MAX)),
        stop: match options.stop.clone() {
            None => Vec::new(),
            Some(Stops::One(stop)) => vec![stop],
            Some(Stops::Many(stops)) => stops,
        },
        // Checked before: options that contradict each other have been refused.
        form: options.constraint().ok().flatten(),
        timeout: options.timeout_ms.map(Duration::from_millis),
        at_work: AtWork::default(),
    }
}

fn sampling(options: &Options) -> Sampling {
    let default = Sampling::default();
    let version = match options.mirostat {
        Some(1) => Some(MirostatVersion::One),
        Some(2) => Some(MirostatVersion::Two),
        _ => None,
    };
    Sampling {
        temperature: options.temperature.unwrap_or(default.temperature),
        dynamic_temperature: DynamicTemperature {
            range: options.dynatemp_range.unwrap_or(default.dynamic_temperature.range),
            exponent: options.dynatemp_exponent.unwrap_or(default.dynamic_temperature.exponent),
        },
        top_k: options.top_k.unwrap_or(default.top_k),
        top_p: options.top_p.unwrap_or(default.top_p),
        min_p: options.min_p.unwrap_or(default.min_p),
        typical_p: options.typical_p.unwrap_or(default.typical_p),
        top_n_sigma: options.top_n_sigma.unwrap_or(default.top_n_sigma),
        xtc: Xtc {
            probability: options.xtc_probability.unwrap_or(default.xtc.probability),
            threshold: options.xtc_threshold.unwrap_or(default.xtc.threshold),
        },
        min_keep: options.min_keep.map_or(default.min_keep, |n| usize::try_from(n).unwrap_or(usize::MAX)),
        // llama-server's defaults.
        mirostat: version.map(|version| Mirostat {
            version,
            tau: options.mirostat_tau.unwrap_or(5.0),
            eta: options.mirostat_eta.unwrap_or(0.1),
        }),
        penalties: Penalties {
            last_n: options.repeat_last_n.unwrap_or(default.penalties.last_n),
            repeat: options.repeat_penalty.unwrap_or(default.penalties.repeat),
            frequency: options.frequency_penalty.unwrap_or(default.penalties.frequency),
            presence: options.presence_penalty.unwrap_or(default.penalties.presence),
        },
        dry: Dry {
            multiplier: options.dry_multiplier.unwrap_or(default.dry.multiplier),
            base: options.dry_base.unwrap_or(default.dry.base),
            allowed_length: options.dry_allowed_length.unwrap_or(default.dry.allowed_length),
            last_n: options.dry_penalty_last_n.unwrap_or(default.dry.last_n),
            breakers: options.dry_sequence_breakers.clone().unwrap_or(default.dry.breakers),
        },
        // Checked before, as the constraint was.
        bias: options.bias().unwrap_or_default(),
        ignore_eos: options.ignore_eos.unwrap_or(default.ignore_eos),
        // Seeds larger than llama.cpp's are folded, so that the same number gives the same text.
        seed: options.seed.and_then(|seed| u64::try_from(seed).ok()).map(|seed| (seed & 0x7fff_ffff) as u32),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn options(body: Value) -> Options {
        Options::read(body.as_object().unwrap()).unwrap()
    }

    #[test]
    fn every_sampler_of_llama_server_reaches_the_engine() {
        let body = json!({
            "temperature": 0.5, "dynatemp_range": 0.25, "dynatemp_exponent": 2, "top_k": 5, "top_p": 0.5, "min_p": 0.25,
            "typical_p": 0.75, "top_n_sigma": 1.5, "xtc_probability": 0.5, "xtc_threshold": 0.25, "min_keep": 2,
            "mirostat": 2, "mirostat_tau": 4, "mirostat_eta": 0.5, "repeat_penalty": 1.5, "repeat_last_n": -1,
            "frequency_penalty": 0.5, "presence_penalty": -1, "dry_multiplier": 0.5, "dry_base": 2,
            "dry_allowed_length": 3, "dry_penalty_last_n": 9, "dry_sequence_breakers": ["."],
            "logit_bias": {"7": -100, "8": 1.5}, "ignore_eos": true, "seed": 3,
        });
        let set = sampling(&options(body));
        assert_eq!((set.temperature, set.top_k, set.top_p, set.min_p), (0.5, 5, 0.5, 0.25));
        assert_eq!((set.typical_p, set.top_n_sigma, set.min_keep), (0.75, 1.5, 2));
        assert_eq!((set.dynamic_temperature.range, set.dynamic_temperature.exponent), (0.25, 2.0));
        assert_eq!((set.xtc.probability, set.xtc.threshold), (0.5, 0.25));
        let mirostat = set.mirostat.unwrap();
        assert_eq!((mirostat.version, mirostat.tau, mirostat.eta), (MirostatVersion::Two, 4.0, 0.5));
        let penalties = set.penalties;
        assert_eq!((penalties.repeat, penalties.last_n), (1.5, -1));
        assert_eq!((penalties.frequency, penalties.presence), (0.5, -1.0));
        assert_eq!((set.dry.multiplier, set.dry.base, set.dry.allowed_length), (0.5, 2.0, 3));
        assert_eq!((set.dry.last_n, set.dry.breakers.as_slice()), (9, &[".".to_owned()][..]));
        assert_eq!(set.bias, [(7, -100.0), (8, 1.5)]);
        assert!(set.ignore_eos && !set.is_greedy());
        let banned = sampling(&options(json!({"logit_bias": [[3, false]], "temperature": 0})));
        assert_eq!(banned.bias, [(3, f32::NEG_INFINITY)]);
        assert!(!banned.is_greedy(), "a ban changes the likeliest token");
        let plain = options(json!({"temperature": 0, "frequency_penalty": 0, "repeat_penalty": 1, "logit_bias": {}}));
        assert!(sampling(&plain).is_greedy());
    }
}
