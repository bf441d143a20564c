//! Split sets: `<prefix>-%05d-of-%05d.gguf` in one folder, numbered from 1. The header of each shard describes the set
//! (`split.no` from 0, `split.count`, `split.tensors.count`).

use super::paths::gguf_stem;
use crate::model::{Artifact, Facts};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// The position in a set that a file name gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ShardName<'a> {
    pub prefix: &'a OsStr,
    /// The number as written; from 1 in a sound set.
    pub no: u32,
    pub count: u32,
}

/// Reads the set suffix of a file name. None for a name without one.
pub(crate) fn shard_name(file_name: &OsStr) -> Option<ShardName<'_>> {
    let stem = gguf_stem(file_name)?;
    let (prefix, suffix) = stem.split_at_checked(stem.len().checked_sub(15)?)?;
    let digits = |from: usize| -> Option<u32> {
        let text = suffix.get(from..from + 5)?;
        text.iter().try_fold(0u32, |n, b| b.is_ascii_digit().then(|| n * 10 + u32::from(b - b'0')))
    };
    let sound = suffix.first() == Some(&b'-') && suffix.get(6..10) == Some(b"-of-");
    let (no, count) = (digits(1)?, digits(10)?);
    sound.then(|| ShardName { prefix: OsStr::from_bytes(prefix), no, count })
}

/// Returns the faults of a set whose names promise `count` shards, as sentences; empty when it is sound. `parts` are
/// sorted by number; shards without a readable header are classified elsewhere.
pub(crate) fn faults(parts: &[Artifact], count: u32) -> Vec<String> {
    let mut faults = Vec::new();
    let mut seen: BTreeSet<u32> = BTreeSet::new();
    for part in parts {
        let no = part.shard_no.unwrap_or(0);
        if no == 0 || no > count {
            faults.push(format!("has a part {no}, but the set has {count}"));
        } else if !seen.insert(no) {
            faults.push(format!("has part {no} twice"));
        }
    }
    let missing: Vec<u32> = (1..=count).filter(|no| !seen.contains(no)).collect();
    if let Some(text) = name_parts(&missing, count) {
        faults.insert(0, text);
    }
    faults.extend(header_faults(parts, count, missing.is_empty()));
    faults
}

fn name_parts(missing: &[u32], count: u32) -> Option<String> {
    const NAMED: usize = 6;
    let listed = missing.iter().take(NAMED).map(u32::to_string).collect::<Vec<_>>().join(", ");
    let rest = missing.len().saturating_sub(NAMED);
    match (missing.len(), rest) {
        (0, _) => None,
        (1, _) => Some(format!("part {listed} of {count} is missing")),
        (_, 0) => Some(format!("parts {listed} of {count} are missing")),
        _ => Some(format!("parts {listed} and {rest} more of {count} are missing")),
    }
}

fn header_faults(parts: &[Artifact], count: u32, all_there: bool) -> Vec<String> {
    let mut faults = Vec::new();
    let mut promised: BTreeMap<u64, u32> = BTreeMap::new();
    let mut tensors = 0u64;
    let mut readable = 0usize;
    let mut first = First::default();
    for part in parts {
        let Ok(facts) = &part.header else { continue };
        readable += 1;
        tensors = tensors.saturating_add(facts.n_tensors);
        let no = part.shard_no.unwrap_or(0);
        faults.extend(first.differs(no, facts));
        match facts.split {
            // llama.cpp loads a set of one without reading the split keys.
            None if count == 1 => {}
            None => faults.push(format!("part {no} does not say that it belongs to a set")),
            Some(split) => {
                if split.count != count {
                    faults.push(format!("part {no} belongs to a set of {}", split.count));
                } else if Some(split.no) != no.checked_sub(1) {
                    faults.push(format!("part {no} is part {} by its header", u64::from(split.no) + 1));
                }
                if let Some(n) = split.tensors {
                    promised.entry(n).or_insert(no);
                }
            }
        }
    }
    if promised.len() > 1 {
        let nos = promised.values().map(u32::to_string).collect::<Vec<_>>().join(" and ");
        faults.push(format!("parts {nos} do not belong together: they declare different numbers of tensors"));
    } else if let Some((n, _)) = promised.first_key_value()
        && all_there
        && readable == parts.len()
        && *n != tensors
    {
        faults.push(format!("the parts have {tensors} tensors together, the set declares {n}"));
    }
    faults
}

/// The values of the first shard that has each of them: all others must have the same.
#[derive(Default)]
struct First<'a> {
    architecture: Option<(u32, &'a str)>,
    name: Option<(u32, &'a str)>,
    /// The number of elements of the norms, otherwise the width in the metadata.
    width: Option<(u32, u64)>,
    big_endian: Option<(u32, bool)>,
}

impl<'a> First<'a> {
    /// Returns the reason why a shard belongs to another model. None if nothing indicates that.
    fn differs(&mut self, no: u32, facts: &'a Facts) -> Option<String> {
        let own = |what: Option<(u32, &str)>, mine: Option<&str>, kind: &str| {
            let ((other, theirs), mine) = what.zip(mine)?;
            let wrong = format!("part {no} is of another model than part {other}: {kind} `{mine}` and `{theirs}`");
            (mine != theirs).then_some(wrong)
        };
        let mut wrong = own(self.architecture, facts.architecture.as_deref(), "architecture");
        wrong = wrong.or_else(|| own(self.name, facts.name.as_deref(), "name"));
        let width = facts.evidence.width.or(facts.embedding_length);
        if let (None, Some((other, theirs)), Some(width)) = (&wrong, self.width, width)
            && theirs != width
        {
            wrong = Some(format!(
                "part {no} is of another model than part {other}: its layers are {width} wide, not {theirs}"
            ));
        }
        if let (None, Some((other, theirs))) = (&wrong, self.big_endian)
            && theirs != facts.big_endian
        {
            wrong = Some(format!("part {no} has another byte order than part {other}"));
        }
        self.architecture = self.architecture.or(facts.architecture.as_deref().map(|a| (no, a)));
        self.name = self.name.or(facts.name.as_deref().map(|n| (no, n)));
        self.width = self.width.or(width.map(|w| (no, w)));
        self.big_endian = self.big_endian.or(Some((no, facts.big_endian)));
        wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_five_digits_on_both_sides_make_a_part() {
        let read = |s| shard_name(OsStr::new(s)).map(|n| (n.prefix.to_str().unwrap().to_owned(), n.no, n.count));
        assert_eq!(read("a-00002-of-00003.gguf"), Some(("a".into(), 2, 3)));
        assert_eq!(read("a-00002-of-00003.GGUF"), Some(("a".into(), 2, 3)));
        assert_eq!(read("-99999-of-99999.gguf"), Some((String::new(), 99999, 99999)));
        for no in ["a-2-of-3.gguf", "a-00002-of-0003.gguf", "a-0000x-of-00003.gguf", "a_00002-of-00003.gguf", "a.gguf"]
        {
            assert_eq!(read(no), None, "{no}");
        }
        assert!(shard_name(OsStr::from_bytes(b"\xff-00001-of-00002.gguf")).is_some());
    }

    #[test]
    fn a_set_with_most_parts_missing_names_a_few() {
        let missing: Vec<u32> = (2..=99_999).collect();
        let text = name_parts(&missing, 99_999).unwrap();
        assert_eq!(text, "parts 2, 3, 4, 5, 6, 7 and 99992 more of 99999 are missing");
    }
}
