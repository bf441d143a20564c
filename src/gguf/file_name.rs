//! What a file name says. The naming convention of docs/gguf.md is "not intended to be perfectly parsable", and most
//! real names leave parts out: everything here is a hint.

use super::{file_type, tensor_type};

/// A file that goes with a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sidecar {
    Mmproj,
    Mtp,
}

/// The parts of a name; what is not there is None.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NameParts {
    pub sidecar: Option<Sidecar>,
    /// What is left before the first recognised part.
    pub base: String,
    /// `135M`, `8x7B`.
    pub size_label: Option<String>,
    /// What stands between the size and the encoding, without the version.
    pub finetune: Option<String>,
    /// `v0.3`.
    pub version: Option<String>,
    /// Upper case: `Q4_K_M`.
    pub encoding: Option<String>,
    /// 1-based number and count.
    pub shard: Option<(u32, u32)>,
    /// The name without `.gguf` and without the shard suffix.
    pub stem: String,
}

/// Takes a file name (not a path) apart.
pub fn parse(name: &str) -> NameParts {
    let cut = name.len().saturating_sub(5);
    let stem = match (name.get(..cut), name.get(cut..)) {
        (Some(stem), Some(end)) if end.eq_ignore_ascii_case(".gguf") => stem,
        _ => name,
    };
    let (stem, shard) = shard_suffix(stem).map_or((stem, None), |(stem, shard)| (stem, Some(shard)));
    let mut parts = NameParts { shard, stem: stem.to_owned(), ..NameParts::default() };
    let mut words: Vec<&str> = stem.split('-').collect();
    match words.first().map(|w| w.to_ascii_lowercase()).as_deref() {
        Some("mmproj") => parts.sidecar = Some(Sidecar::Mmproj),
        Some("mtp") => parts.sidecar = Some(Sidecar::Mtp),
        _ => {}
    }
    if parts.sidecar.is_some() {
        words.remove(0);
    }
    if let Some((before, encoding)) = words.last().copied().and_then(encoding) {
        parts.encoding = Some(encoding);
        words.pop();
        words.extend(before.filter(|b| !b.is_empty()));
    }
    let is_size = |w: &&str| size(w);
    let at = words.iter().position(is_size);
    let head = words.get(..at.unwrap_or(words.len())).unwrap_or(&[]);
    parts.base = head.join("-");
    if let Some(at) = at {
        parts.size_label = words.get(at).map(|w| w.to_ascii_uppercase());
        let rest = words.get(at.saturating_add(1)..).unwrap_or(&[]);
        parts.version = rest.iter().find(|w| version(w)).map(|w| (*w).to_owned());
        let tune: Vec<&str> = rest.iter().copied().filter(|w| !version(w)).collect();
        parts.finetune = Some(tune.join("-")).filter(|t| !t.is_empty());
    }
    parts
}

/// `PREFIX-00001-of-00003` to its prefix and numbers.
fn shard_suffix(stem: &str) -> Option<(&str, (u32, u32))> {
    let (rest, count) = stem.rsplit_once("-of-")?;
    let (prefix, no) = rest.rsplit_once('-')?;
    let number = |t: &str| (t.len() == 5 && t.bytes().all(|b| b.is_ascii_digit())).then(|| t.parse().ok()).flatten();
    let (no, count): (u32, u32) = (number(no)?, number(count)?);
    (no >= 1 && no <= count).then_some((prefix, (no, count)))
}

/// The encoding at the end of a word, with what stands before it and a dot (`model.Q4_1`).
fn encoding(word: &str) -> Option<(Option<&str>, String)> {
    let (before, last) = match word.rsplit_once('.') {
        Some((before, last)) => (Some(before), last),
        None => (None, word),
    };
    let upper = last.to_ascii_uppercase();
    // `UD-Q4_K_XL` and the like: the part that names tensors decides.
    let known = tensor_type::named(&upper).is_some()
        || (0..64).any(|id| file_type::label(id).is_some_and(|(l, _)| l == upper))
        || ["Q4_K_L", "Q5_K_L", "Q6_K_L", "Q3_K_XL", "Q2_K_L", "Q4_K_XL", "Q8_0_XL"].contains(&upper.as_str());
    known.then_some((before, upper))
}

/// `8B`, `3.8b`, `135M`, `8x7B`.
fn size(word: &str) -> bool {
    let digits = |t: &str| {
        !t.is_empty()
            && t.bytes().all(|b| b.is_ascii_digit() || b == b'.')
            && t.starts_with(|c: char| c.is_ascii_digit())
    };
    let Some(number) = word.strip_suffix(['B', 'M', 'K', 'T', 'b', 'm']) else { return false };
    match number.split_once(['x', 'X']) {
        Some((experts, each)) => digits(experts) && digits(each),
        None => digits(number),
    }
}

/// `v1`, `v0.3`.
fn version(word: &&str) -> bool {
    word.strip_prefix(['v', 'V']).is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, base: &str, size: Option<&str>, encoding: Option<&str>) {
        let p = parse(name);
        assert_eq!((p.base.as_str(), p.size_label.as_deref(), p.encoding.as_deref()), (base, size, encoding), "{name}");
    }

    #[test]
    fn real_names_give_what_they_hold() {
        check("SmolLM2-135M-Instruct.Q4_1.gguf", "SmolLM2", Some("135M"), Some("Q4_1"));
        check("gemma-3-270m-q4_k_m.gguf", "gemma-3", Some("270M"), Some("Q4_K_M"));
        check("Mixtral-8x7B-v0.1-KQ2.gguf", "Mixtral", Some("8X7B"), None);
        check("Llama-3.2-3B-Instruct-IQ4_XS.gguf", "Llama-3.2", Some("3B"), Some("IQ4_XS"));
        check("mmproj-F16.gguf", "", None, Some("F16"));
        check("model.gguf", "model", None, None);
        check("", "", None, None);
    }

    #[test]
    fn a_shard_knows_its_place() {
        let p = parse("Grok-100B-v1.0-Q4_0-00003-of-00009.GGUF");
        assert_eq!(
            (p.shard, p.stem.as_str(), p.version.as_deref()),
            (Some((3, 9)), "Grok-100B-v1.0-Q4_0", Some("v1.0"))
        );
        assert_eq!(parse("x-00004-of-00003.gguf").shard, None);
        assert_eq!(parse("x-1-of-3.gguf").shard, None);
        assert_eq!(parse("mmproj-F16.gguf").sidecar, Some(Sidecar::Mmproj));
    }
}
