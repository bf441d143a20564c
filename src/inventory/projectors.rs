//! Which projector goes with which model, among the files of one folder or repository.
//!
//! Metadata first: a projector's output must be as wide as the model's embedding. Then names, because one folder may
//! hold several models of the same width. Then what llama.cpp prefers: the nearer folder, the same quantisation, the
//! nearest number of bits.

use crate::model::{Artifact, Facts, Model};
use std::collections::BTreeSet;
use std::path::Path;

/// One candidate on either side, with what its names say.
struct Side<'a> {
    artifact: &'a Artifact,
    facts: &'a Facts,
    /// Words of the file name and of the names in the header.
    words: BTreeSet<String>,
    /// Words of the file name alone.
    file_words: BTreeSet<String>,
}

/// For each model the index of its projector. `one_repo`: everything here belongs to one repository, where a projector
/// without a name of its own is meant for all models.
pub(crate) fn assign(models: &[&Model], projectors: &[&Artifact], one_repo: bool) -> Vec<Option<usize>> {
    let mut best: Vec<Option<(Rank, usize)>> = models.iter().map(|_| None).collect();
    let sides: Vec<Option<Side<'_>>> = models.iter().map(|m| side(m.main()?)).collect();
    for (p, projector) in projectors.iter().enumerate() {
        let Some(projector) = side(projector) else { continue };
        for (m, served) in serves(&projector, &sides, one_repo).into_iter().enumerate() {
            let (Some(model), true, Some(slot)) = (sides.get(m).and_then(Option::as_ref), served, best.get_mut(m))
            else {
                continue;
            };
            let rank = rank(&projector, model);
            // Projectors come in the order of their paths, so that among equals the first stays.
            if slot.as_ref().is_none_or(|(have, _)| rank > *have) {
                *slot = Some((rank, p));
            }
        }
    }
    best.into_iter().map(|slot| slot.map(|(_, p)| p)).collect()
}

fn side(artifact: &Artifact) -> Option<Side<'_>> {
    let facts = artifact.header.as_ref().ok()?; // a file without a readable header pairs with nothing
    let stem = artifact.path.file_stem().unwrap_or_default().to_string_lossy();
    let file_words = words(&stem);
    let mut all = file_words.clone();
    for name in [&facts.basename, &facts.name, &facts.base_model].into_iter().flatten() {
        all.extend(words(name));
    }
    Some(Side { artifact, facts, words: all, file_words })
}

/// Lower-case words that tell one model from another: without quantisations and the words every file carries.
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
    name.split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .map(str::to_lowercase)
        .filter(|w| !GENERIC.contains(&w.as_str()) && !is_encoding(w) && !is_part_number(w))
        .collect()
}

/// `00001` of `-00001-of-00003`.
fn is_part_number(word: &str) -> bool {
    word.len() == 5 && word.bytes().all(|b| b.is_ascii_digit())
}

/// `q4`, `iq3`, `tq1`, `f16`, `bf16`, `mxfp4`.
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

fn score(projector: &Side<'_>, model: &Side<'_>) -> usize {
    projector.words.intersection(&model.words).count()
}

/// For each model whether this projector is meant for it.
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
                return one_repo || all_one_model;
            }
            let named = !projector.file_words.is_empty() && projector.file_words.is_subset(&model.file_words);
            named || score(projector, model) == best
        })
        .collect()
}

/// Shared folders, shared words, same quantisation, and the smaller the difference in bits the better.
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
