//! The environment of a process: all names, and the values that are no secret by their name.

use super::super::{Fact, Place, proc_file};
use super::variables::is_allowed;
use crate::clock::Timestamp;
use std::collections::BTreeMap;
use std::path::Path;

/// Why a process that has ended, and that nobody has waited for, has nothing.
pub(super) const ENDED: &str = "the process has exited but has not been reaped";
/// Bytes of an environment, variables, and characters of one value that are kept.
const MOST_BYTES: u64 = 4 << 20;
const MOST_VARIABLES: usize = 4000;
const LONGEST: usize = 4096;

/// Returns the variables of a process whose names are wanted; none where they may not be read.
pub fn variables(place: &Place, pid: u32, is_wanted: fn(&str) -> bool) -> Vec<(String, String)> {
    let bytes = proc_file::bytes(&place.at(format!("/proc/{pid}/environ")), MOST_BYTES).unwrap_or_default();
    let pairs = bytes.split(|byte| *byte == 0).filter_map(|pair| {
        let text = String::from_utf8_lossy(pair);
        text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))
    });
    pairs.filter(|(name, _)| is_wanted(name)).take(MOST_VARIABLES).collect()
}

pub(super) fn read(
    folder: &Path,
    source: &str,
    now: Timestamp,
    has_ended: bool,
) -> Fact<BTreeMap<String, Option<String>>> {
    let source = format!("{source}/environ");
    if has_ended {
        return Fact::absent(source, now, ENDED);
    }
    match proc_file::bytes(&folder.join("environ"), MOST_BYTES) {
        Ok(bytes) => Fact::ok(source, now, parse(&bytes)),
        Err(error) => Fact::io_error(source, now, &error, proc_file::OWNER),
    }
}

/// Parses `NAME=VALUE`, each with a NUL at its end. Text without a `=` is left out; of two values the first counts, as
/// for getenv(3).
pub(super) fn parse(bytes: &[u8]) -> BTreeMap<String, Option<String>> {
    let mut all = BTreeMap::new();
    for entry in bytes.split(|byte| *byte == 0) {
        let entry = String::from_utf8_lossy(entry);
        let Some((name, value)) = entry.split_once('=').filter(|(name, _)| !name.is_empty()) else { continue };
        if all.len() >= MOST_VARIABLES {
            break;
        }
        let name: String = name.chars().filter(|c| !c.is_control()).take(256).collect();
        let kept = is_allowed(&name, value).then(|| value.chars().take(LONGEST).collect());
        all.entry(name).or_insert(kept);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_name_is_there_and_the_first_of_two_values_counts() {
        let all = parse(b"HOME=/root\0PATH=/a\0PATH=/b\0DB_PASSWORD=hunter2\0no equals\0=x\0EMPTY=\0\xff=1\0");
        let names: Vec<&str> = all.keys().map(String::as_str).collect();
        assert_eq!(names, ["DB_PASSWORD", "EMPTY", "HOME", "PATH", "\u{fffd}"]);
        assert_eq!((all["PATH"].as_deref(), &all["DB_PASSWORD"]), (Some("/a"), &None));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            parse(&bytes);
        }
    }
}
