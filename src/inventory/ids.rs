//! The ids of models and the content identity of split sets.

use crate::model::{ModelId, hex};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// Returns the id of the `ordinal`-th model (from 0) with this content: the first 12 hex digits of sha256("model" NUL
/// content NUL ordinal). A model without a readable header is identified by its path instead.
pub fn model_id(content: Result<&str, &OsStr>, ordinal: u32) -> ModelId {
    let mut hash = Sha256::new();
    match content {
        Ok(content) => {
            hash.update(b"model\0");
            hash.update(content.as_bytes());
        }
        Err(path) => {
            hash.update(b"path\0");
            hash.update(path.as_bytes());
        }
    }
    hash.update(b"\0");
    hash.update(ordinal.to_le_bytes());
    let mut text = hex(&hash.finalize());
    text.truncate(12);
    ModelId(text)
}

/// Assigns ids that are not in use yet.
pub(crate) struct FreshIds {
    taken: HashSet<ModelId>,
    /// The next ordinal of each content: a thousand copies of one file must not try a million ids.
    next: HashMap<OsString, u32>,
}

impl FreshIds {
    pub fn new(taken: HashSet<ModelId>) -> FreshIds {
        FreshIds { taken, next: HashMap::new() }
    }

    /// Returns the first free id for this content and marks it as taken.
    pub fn give(&mut self, content: Result<&str, &OsStr>) -> ModelId {
        let key = content.map_or_else(OsStr::to_owned, OsString::from);
        let next = self.next.entry(key).or_insert(0);
        loop {
            let id = model_id(content, *next);
            *next += 1;
            if self.taken.insert(id.clone()) {
                return id;
            }
        }
    }
}

/// Returns the content identity of a split set: a hash over the fingerprints of its shards by number, so that the order
/// in which they were found does not matter. None while a shard has no readable header.
pub fn content_of_set<'a>(parts: impl IntoIterator<Item = (u32, Option<&'a str>)>) -> Option<String> {
    let mut parts: Vec<(u32, &str)> = parts.into_iter().map(|(no, f)| Some((no, f?))).collect::<Option<_>>()?;
    parts.sort_unstable();
    let mut hash = Sha256::new();
    hash.update(b"set\0");
    for (no, fingerprint) in parts {
        hash.update(no.to_le_bytes());
        hash.update(fingerprint.as_bytes());
        hash.update(b"\0");
    }
    Some(hex(&hash.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_content_always_gets_the_same_ids_in_turn() {
        let mut ids = FreshIds::new(HashSet::new());
        let (first, second) = (ids.give(Ok("abc")), ids.give(Ok("abc")));
        assert_eq!(FreshIds::new(HashSet::from([first.clone()])).give(Ok("abc")), second);
        assert_eq!((&first, &second), (&model_id(Ok("abc"), 0), &model_id(Ok("abc"), 1)));
        assert_ne!(first, second);
        assert_eq!(first.as_str().len(), 12);
        assert!(first.as_str().bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()));
        assert_ne!(model_id(Ok("abc"), 0), model_id(Err(OsStr::new("abc")), 0));
    }

    #[test]
    fn the_content_of_a_set_does_not_depend_on_the_order_of_discovery() {
        let there = content_of_set([(1, Some("a")), (2, Some("b"))]);
        assert_eq!(there, content_of_set([(2, Some("b")), (1, Some("a"))]));
        assert_ne!(there, content_of_set([(1, Some("b")), (2, Some("a"))]));
        assert_eq!(content_of_set([(1, Some("a")), (2, None)]), None);
    }
}
