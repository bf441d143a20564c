//! What was decided, and why.

use super::ServerKey;
use bytesize::ByteSize;
use std::collections::VecDeque;
use std::time::Duration;

/// The number of decisions that are kept.
const KEPT: usize = 200;

/// The word for a request that is turned down, and the time in which the same is not recorded again.
const REFUSE: &str = "refuse";
const AGAIN: Duration = Duration::from_secs(60);

/// One decision, with its reason and numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// Counts from 1.
    pub number: u64,
    /// On the clock of the state.
    pub at: Duration,
    /// `None`: it is about the machine.
    pub key: Option<ServerKey>,
    pub name: Option<String>,
    /// `load`, `unload`, `evict`, `downgrade`, `upgrade`, `restore`, `restart`, `give_up`, `refuse`, `pause`, …
    pub what: &'static str,
    /// A sentence for a person.
    pub reason: String,
}

/// The last decisions, the newest last.
#[derive(Debug, Clone, Default)]
pub(super) struct Decisions {
    kept: VecDeque<Decided>,
    count: u64,
}

impl Decisions {
    pub fn add(&mut self, at: Duration, of: Option<(ServerKey, String)>, what: &'static str, reason: String) {
        let (key, name) = of.unzip();
        // A client that asks again and again is refused for one reason.
        let is_same = |old: &Decided| old.key == key && old.what == what && old.reason == reason;
        let is_new = |old: &&Decided| at.saturating_sub(old.at) < AGAIN;
        if what == REFUSE && self.kept.iter().rev().take_while(is_new).any(is_same) {
            return;
        }
        self.count = self.count.saturating_add(1);
        if self.kept.len() >= KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(Decided { number: self.count, at, key, name, what, reason });
    }

    /// Returns those with a higher number, the oldest first.
    pub fn after(&self, number: u64) -> impl Iterator<Item = &Decided> {
        let known = self.count.saturating_sub(number);
        let skip = self.kept.len().saturating_sub(usize::try_from(known).unwrap_or(usize::MAX));
        self.kept.iter().skip(skip)
    }

    pub fn all(&self) -> impl Iterator<Item = &Decided> {
        self.kept.iter()
    }
}

/// Formats bytes for a sentence.
pub(super) fn bytes(n: u64) -> String {
    ByteSize::b(n).display().iec().to_string()
}

/// Formats a time for a sentence.
pub(super) fn time(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_two_hundred_are_kept_in_order_and_numbered() {
        let mut decisions = Decisions::default();
        (0..250).for_each(|n| decisions.add(Duration::from_secs(n), None, "pause", format!("a person, time {n}")));
        let numbers: Vec<u64> = decisions.all().map(|decided| decided.number).collect();
        assert_eq!(numbers, (51..=250).collect::<Vec<_>>());
        let after = |number| decisions.after(number).map(|decided| decided.number).collect::<Vec<_>>();
        assert_eq!((after(248), after(250), after(900), after(0).len()), (vec![249, 250], vec![], vec![], 200));
    }

    /// One client that asks a hundred times a second would push everything else out.
    #[test]
    fn the_same_refusal_is_recorded_once_a_minute() {
        let mut decisions = Decisions::default();
        let mut add = |second, reason: &str| {
            decisions.add(Duration::from_secs(second), None, "refuse", reason.to_owned());
            decisions.all().count()
        };
        assert_eq!([add(1, "a"), add(2, "a"), add(3, "b"), add(60, "a"), add(62, "a")], [1, 1, 2, 2, 3]);
    }

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!((bytes(5 << 30), bytes(10)), ("5.0 GiB".to_owned(), "10 B".to_owned()));
        assert_eq!([9, 119, 540, 7_200].map(|s| time(Duration::from_secs(s))), ["9 s", "119 s", "9 min", "2 h"]);
    }
}
