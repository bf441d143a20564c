//! Ids of items and of runs, in digits that a person can type.

use crate::clock::Timestamp;
use std::cmp::Ordering;
use std::ffi::OsStr;

/// The digits of Crockford's base 32: no letter looks like a digit, and the text order is the numeric order.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Number of random digits that an id begins with: they tell items apart, also those of one run.
const START: usize = 4;
/// Number of digits of milliseconds since the epoch, valid until the year 3084.
const TIME: usize = 9;
/// Length of the ids of older items, which begin with the time.
const OLD_LENGTH: usize = 12;

/// Returns whether a name is an id.
pub(super) fn is_id(name: &OsStr) -> bool {
    let bytes = name.as_encoded_bytes();
    (bytes.len() == START + TIME || bytes.len() == OLD_LENGTH) && bytes.iter().all(|b| DIGITS.contains(b))
}

/// Makes an id: random digits, then milliseconds since the epoch.
pub(super) fn new(millis: i64, random: u64) -> String {
    digits(random, START).chain(digits(u64::try_from(millis).unwrap_or(0), TIME)).collect()
}

/// Returns the last digits of a number.
fn digits(of: u64, count: usize) -> impl Iterator<Item = char> {
    let digit = move |n: usize| usize::try_from((of >> (5 * n)) & 31).ok().and_then(|d| DIGITS.get(d)).copied();
    (0..count).rev().filter_map(digit).map(char::from)
}

/// Compares two ids by the time when they were given, then as text.
pub(super) fn by_age(a: &str, b: &str) -> Ordering {
    time(a).cmp(time(b)).then_with(|| a.cmp(b))
}

fn time(id: &str) -> &str {
    let part = if id.len() == OLD_LENGTH { id.get(..TIME) } else { id.get(START..) };
    part.unwrap_or(id)
}

/// Returns the part of an id that tells it apart from the others.
pub(super) fn start(id: &str) -> &str {
    id.get(..START).unwrap_or(id)
}

/// Returns the id of a run: equal for everything that it moved, in the trash and in the history.
pub fn run_id(at: Timestamp, pid: u32) -> String {
    // Mixed (as splitmix64 does), so that the first digits tell runs apart.
    let mut mixed = u64::from_ne_bytes(at.millis().to_ne_bytes()) ^ u64::from(pid).rotate_left(44);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    digits(mixed ^ (mixed >> 31), 6).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A person types four characters; the oldest item is deleted first, also among those of an older version.
    #[test]
    fn an_id_begins_with_what_tells_it_apart_and_still_sorts_by_its_time() {
        let (early, late) = (new(1_795_000_000_000, u64::MAX), new(1_795_000_000_001, 0));
        let old = early.get(START..).map(|time| format!("{time}zzz")).unwrap();
        assert!([&early, &late, &old].iter().all(|id| is_id(id.as_ref())));
        assert_eq!((start(&early), start(&late)), ("zzzz", "0000"));
        assert_eq!(by_age(&early, &late), Ordering::Less);
        assert_eq!(by_age(&old, &late), Ordering::Less);
        assert!(!is_id("item".as_ref()) && !is_id("UUUUUUUUUUUUU".as_ref()));
    }
}
