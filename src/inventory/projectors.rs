//! Assigns projectors to the models of one folder or repository.
//!
//! Metadata first: a projector's output must be as wide as the model's embedding. Then names, because one folder may
//! hold several models of the same width. Then the preferences of llama.cpp: the nearer folder, the same quantization,
//! the nearest number of bits.

use crate::model::{Artifact, Facts, Kind, Model};
use std::collections::BTreeSet;
use std::path::Path;

/// A model or projector to pair, with the words of its names.
struct Side<'a> {
    artifact: &'a Artifact,
    facts: &'a Facts,
    /// The words of the file name and of the names in the header.
    words: BTreeSet<String>,
    /// The words of the file name only.
    file_words: BTreeSet<String>,
}

/// Returns for each model the index of its projector. `one_repo`: all files belong to one repository, where a projector
/// without a name of its own is meant for all models.
pub(crate) fn assign(models: &[&Model], projectors: &[&Artifact], one_repo: bool) -> Vec<Option<usize>> {
    let mut best: Vec<Option<(Rank, usize)>> = models.iter().map(|_| None).collect();
    let sides: Vec<Option<Side<'_>>> = models.iter().map(|m| side(m.main()?, m.facts()?)).collect();
    for (p, projector) in projectors.iter().enumerate() {
        // A file without a readable header is never paired.
        let Some(projector) = projector.header.as_ref().ok().and_then(|facts| side(projector, facts)) else { continue };
        for (m, served) in serves(&projector, &sides, one_repo).into_iter().enumerate() {
            let (Some(model), true, Some(slot)) = (sides.get(m).and_then(Option::as_ref), served, best.get_mut(m))
            else {
                continue;
            };
            let rank = rank(&projector, model);
            // Projectors are sorted by path, so that the first of equals stays.
            if slot.as_ref().is_none_or(|(have, _)| rank > *have) {
                *slot = Some((rank, p));
            }
        }
    }
    best.into_iter().map(|slot| slot.map(|(_, p)| p)).collect()
}

/// Returns one side of a pair. `facts`: of all shards if the file is one of several.
fn side<'a>(artifact: &'a Artifact, facts: &'a Facts) -> Option<Side<'a>> {
    let stem = artifact.path.file_stem().unwrap_or_default().to_string_lossy();
    let file_words = words(&stem);
    let mut all = file_words.clone();
    for name in [&facts.basename, &facts.name, &facts.base_model].into_iter().flatten() {
        all.extend(words(name));
    }
    Some(Side { artifact, facts, words: all, file_words })
}

/// Returns the lower-case words that distinguish models: without quantizations and words that occur in every name.
fn words(name: &str) -> BTreeSet<String> {
    const GENERIC: [&str; 21] = [
        "mmproj",
        "gguf",
        "model",
        "vision",
        "clip",
        "proj",
        "projector",
        "encoder",
        "k",
        "m",
        "s",
        "l",
        "xs",
        "xl",
        "xxs",
        "ud",
        "it",
        "instruct",
        "chat",
        "of",
        "imat",
    ];
    name.split(|c: char| !c.is_alphanumeric() && c != '_')
        .flat_map(without_variants)
        .map(str::to_lowercase)
        .filter(|w| !GENERIC.contains(&w.as_str()) && !is_encoding(w) && !is_part_number(w))
        .collect()
}

/// Returns the words of a name joined by `_`, without the digits that belong to a quantization: `0` of `Q8_0`, `1` of
/// `Q5_1`, `0_4_8` of `Q4_0_4_8`.
fn without_variants(joined: &str) -> impl Iterator<Item = &str> {
    let mut in_encoding = false;
    joined.split('_').filter(move |word| {
        let is_variant = in_encoding && word.len() == 1 && word.bytes().all(|b| b.is_ascii_digit());
        in_encoding = is_variant || is_encoding(&word.to_lowercase());
        !word.is_empty() && !is_variant
    })
}

/// Returns whether a word is a number of a shard: `00001` of `-00001-of-00003`.
fn is_part_number(word: &str) -> bool {
    word.len() == 5 && word.bytes().all(|b| b.is_ascii_digit())
}

/// Returns whether a word is a quantization: `q4`, `iq3`, `tq1`, `f16`, `bf16`, `mxfp4`.
fn is_encoding(word: &str) -> bool {
    ["iq", "tq", "q", "bf", "f", "fp", "mxfp", "nvfp"].iter().any(|prefix| {
        word.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
    })
}

fn fits(projector: &Side<'_>, model: &Side<'_>) -> bool {
    match (projector.facts.projection_dim, model.facts.embedding_length) {
        (Some(out), Some(width)) => out == width,
        _ => true,
    }
}

/// Architectures of text-only language models. llama.cpp has another architecture for their variants with image or
/// audio input (`qwen2vl` for `qwen2`), so a projector is paired with them only if names say so.
const TEXT_ONLY: &[&str] = &[
    "gemma",
    "gemma2",
    "gpt-oss",
    "gptoss",
    "mamba",
    "mamba2",
    "qwen2moe",
    "qwen3",
    "qwen3moe",
    "qwen3next",
    "starcoder2",
];

/// Returns whether a model takes the output of a projector, as far as its header shows.
fn takes_media(model: &Facts, projector: &Facts) -> bool {
    // Projectors for one architecture name it in their type (`clip.projector_type`; tools/mtmd/clip-impl.h).
    let made_for: &[&str] = match projector.side_type.as_deref() {
        Some("gemma3" | "gemma3na" | "gemma3nv") => &["gemma3", "gemma3n"],
        Some("qwen2vl_merger" | "qwen2.5vl_merger") => &["qwen2vl", "qwen25vl"],
        Some("qwen3vl_merger") => &["qwen3vl", "qwen3vlmoe", "qwen35", "qwen35moe"],
        Some("gemma4v" | "gemma4a" | "gemma4uv" | "gemma4ua") => &["gemma4"],
        Some("llama4") => &["llama4"],
        Some("cogvlm") => &["cogvlm"],
        Some("lfm2") => &["lfm2", "lfm2moe"],
        _ => &[],
    };
    let architecture = model.architecture.as_deref().unwrap_or("");
    if !made_for.is_empty() {
        return made_for.contains(&architecture);
    }
    model.evidence.media || model.evidence.tower || !TEXT_ONLY.contains(&architecture)
}

/// Returns a sentence on how certain it is that a projector belongs to its model, or on the reason why it is paired
/// with none.
pub fn pairing(model: &Model, beside: &[&Model]) -> Option<String> {
    if model.kind == Kind::Mmproj {
        return Some(why_alone(model, beside));
    }
    let projector = model.mmproj()?;
    let (own, projector) = (side(model.main()?, model.facts()?)?, side(projector, projector.header.as_ref().ok()?)?); // unreadable ones pair with nothing
    Some(match (score(&projector, &own) > 0, model.repo.is_some()) {
        (true, _) => "the projector matches by name and width".to_owned(),
        (false, true) => "the projector is from the same repository".to_owned(),
        (false, false) => "the projector is next to it and has the right width; no name confirms the match".to_owned(),
    })
}

fn why_alone(projector: &Model, beside: &[&Model]) -> String {
    let Some(own) = projector.main().and_then(|a| side(a, a.header.as_ref().ok()?)) else {
        return "not paired with a model: it cannot be read".to_owned();
    };
    let sides = beside.iter().filter_map(|m| side(m.main()?, m.facts()?));
    let fitting = sides.filter(|model| fits(&own, model)).count();
    let width = own.facts.projection_dim.map(|width| format!(" ({width})")).unwrap_or_default();
    match (beside.len(), fitting) {
        (0, _) => "not paired with a model: there is none next to it".to_owned(),
        (_, 0) => format!("not paired with a model: none next to it has its width{width}"),
        (_, 1) => {
            "cannot be paired: one model next to it has its width, but neither a name nor what that model accepts confirms \
                   that they belong together"
                .to_owned()
        }
        (_, n) => format!("cannot be paired: {n} models next to it have its width{width}, and no name says which"),
    }
}

fn score(projector: &Side<'_>, model: &Side<'_>) -> usize {
    projector.words.intersection(&model.words).count()
}

/// Returns for each model whether this projector is meant for it.
fn serves(projector: &Side<'_>, models: &[Option<Side<'_>>], one_repo: bool) -> Vec<bool> {
    let fitting: Vec<&Side<'_>> = models.iter().flatten().filter(|m| fits(projector, m)).collect();
    let best = fitting.iter().map(|m| score(projector, m)).max().unwrap_or(0);
    let first_words = fitting.first().map(|m| &m.file_words);
    let all_one_model = fitting.iter().all(|m| Some(&m.file_words) == first_words);
    models
        .iter()
        .map(|model| {
            let Some(model) = model.as_ref().filter(|m| fits(projector, m)) else { return false };
            if best == 0 {
                // A width alone proves little: in a plain folder the model must take images or audio.
                return one_repo || (all_one_model && takes_media(model.facts, projector.facts));
            }
            let named = !projector.file_words.is_empty() && projector.file_words.is_subset(&model.file_words);
            named || score(projector, model) == best
        })
        .collect()
}

/// The rank of a projector for a model: shared folders, shared words, same quantization, and a smaller difference in
/// bits.
type Rank = (usize, usize, bool, std::cmp::Reverse<u64>);

fn rank(projector: &Side<'_>, model: &Side<'_>) -> Rank {
    let same_quant = projector.facts.quant.label == model.facts.quant.label;
    let distance = match (projector.facts.quant.bits_per_weight, model.facts.quant.bits_per_weight) {
        // Hundredths of a bit; a cast saturates, and neither number is above 64.
        (Some(a), Some(b)) => ((a - b).abs() * 100.0) as u64,
        _ => u64::MAX,
    };
    let depth = shared_depth(&projector.artifact.path, &model.artifact.path);
    (depth, score(projector, model), same_quant, std::cmp::Reverse(distance))
}

fn shared_depth(a: &Path, b: &Path) -> usize {
    match (a.parent(), b.parent()) {
        (Some(a), Some(b)) => a.components().zip(b.components()).take_while(|(a, b)| a == b).count(),
        _ => 0,
    }
}
