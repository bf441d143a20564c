//! The parts of a file name. The naming convention of docs/gguf.md is "not intended to be perfectly parsable", and most
//! real names leave parts out, so every part is only a hint.

use super::{file_type, tensor_type};
use std::fmt;

/// A file that belongs to a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sidecar {
    Mmproj,
    Mtp,
}

/// The quantization that a name claims.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Encoding {
    /// `UD` (Unsloth's dynamic mixtures) or `i1` (mradermacher's with an importance matrix).
    pub variant: Option<&'static str>,
    /// The label in upper case: `Q4_K_M`.
    pub word: String,
}

/// Prefixes that publishers put before the quantization to mark theirs.
const VARIANTS: &[&str] = &["UD", "i1"];

impl Encoding {
    /// Parses the output of [`Encoding::to_string`].
    pub fn of(text: &str) -> Encoding {
        let split = text.split_once('-').and_then(|(variant, word)| {
            let variant = VARIANTS.iter().find(|v| **v == variant)?;
            Some(Encoding { variant: Some(variant), word: word.to_owned() })
        });
        split.unwrap_or_else(|| Encoding { variant: None, word: text.to_owned() })
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.variant {
            Some(variant) => write!(f, "{variant}-{}", self.word),
            None => f.write_str(&self.word),
        }
    }
}

/// The parts of a name; None for a missing part.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NameParts {
    pub sidecar: Option<Sidecar>,
    /// The text before the first recognized part.
    pub base: String,
    /// The size: `135M`, `8x7B`.
    pub size_label: Option<String>,
    /// The text between the size and the encoding, without the version.
    pub finetune: Option<String>,
    /// The version: `v0.3`.
    pub version: Option<String>,
    pub encoding: Option<Encoding>,
    /// 1-based number of the shard, and number of shards.
    pub shard: Option<(u32, u32)>,
    /// The name without `.gguf` and without the shard suffix.
    pub stem: String,
}

/// Splits a file name (not a path) into its parts.
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
    if let Some((before, word)) = words.last().copied().and_then(encoding) {
        words.pop();
        words.extend(before.filter(|b| !b.is_empty()));
        let variant = words.last().copied().and_then(variant);
        if let Some((before, _)) = variant {
            words.pop();
            words.extend(before.filter(|b| !b.is_empty()));
        }
        parts.encoding = Some(Encoding { variant: variant.map(|(_, variant)| variant), word });
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

/// Splits `PREFIX-00001-of-00003` into its prefix and numbers.
fn shard_suffix(stem: &str) -> Option<(&str, (u32, u32))> {
    let (rest, count) = stem.rsplit_once("-of-")?;
    let (prefix, no) = rest.rsplit_once('-')?;
    let number = |t: &str| (t.len() == 5 && t.bytes().all(|b| b.is_ascii_digit())).then(|| t.parse().ok()).flatten();
    let (no, count): (u32, u32) = (number(no)?, number(count)?);
    (no >= 1 && no <= count).then_some((prefix, (no, count)))
}

/// Returns the encoding at the end of a word, with the text before it and a dot (`model.Q4_1`).
fn encoding(word: &str) -> Option<(Option<&str>, String)> {
    let (before, last) = match word.rsplit_once('.') {
        Some((before, last)) => (Some(before), last),
        None => (None, word),
    };
    let upper = last.to_ascii_uppercase();
    let known = tensor_type::named(&upper).is_some()
        || tensor_type::is_fork_type(&upper)
        || file_type::is_known(&upper)
        || file_type::dominant(&upper) != upper
        || upper.strip_prefix("Q8_K_").is_some_and(|size| ["L", "XL"].contains(&size));
    known.then_some((before, upper))
}

/// Returns the variant at the end of a word, with the text before it and a dot (`model.i1`).
fn variant(word: &str) -> Option<(Option<&str>, &'static str)> {
    let (before, last) = match word.rsplit_once('.') {
        Some((before, last)) => (Some(before), last),
        None => (None, word),
    };
    VARIANTS.iter().find(|v| v.eq_ignore_ascii_case(last)).map(|v| (before, *v))
}

/// Returns whether a word is a size: `8B`, `3.8b`, `135M`, `8x7B`.
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

/// Returns whether a word is a version: `v1`, `v0.3`.
fn version(word: &&str) -> bool {
    word.strip_prefix(['v', 'V']).is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, base: &str, size: Option<&str>, encoding: Option<&str>) {
        let p = parse(name);
        let told = p.encoding.map(|e| e.to_string());
        assert_eq!((p.base.as_str(), p.size_label.as_deref(), told.as_deref()), (base, size, encoding), "{name}");
    }

    #[test]
    fn real_names_give_what_they_hold() {
        check("SmolLM2-135M-Instruct.Q4_1.gguf", "SmolLM2", Some("135M"), Some("Q4_1"));
        check("gemma-3-270m-q4_k_m.gguf", "gemma-3", Some("270M"), Some("Q4_K_M"));
        check("Mixtral-8x7B-v0.1-KQ2.gguf", "Mixtral", Some("8X7B"), None);
        check("Llama-3.2-3B-Instruct-IQ4_XS.gguf", "Llama-3.2", Some("3B"), Some("IQ4_XS"));
        check("mmproj-F16.gguf", "", None, Some("F16"));
        check("Qwen3-4B-UD-Q4_K_XL.gguf", "Qwen3", Some("4B"), Some("UD-Q4_K_XL"));
        check("Qwen3-4B.i1-IQ2_XXS.gguf", "Qwen3", Some("4B"), Some("i1-IQ2_XXS"));
        check("DeepSeek-R1-IQ4_KS.gguf", "DeepSeek-R1", None, Some("IQ4_KS"));
        check("a-Q8_K_R8.gguf", "a", None, Some("Q8_K_R8"));
        check("a-UD-Q8_K_XL.gguf", "a", None, Some("UD-Q8_K_XL"));
        check("a-Q4_0_4_4.gguf", "a", None, Some("Q4_0_4_4"));
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
