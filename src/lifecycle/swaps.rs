//! Servers that were stopped for others and come back, and how often which two have changed places.

use super::{Class, ServerKey};
use std::collections::VecDeque;
use std::time::Duration;

/// The number of servers that are remembered.
const REMEMBERED: usize = 8;
/// The time after which one comes back at the earliest.
pub(super) const REST: Duration = Duration::from_secs(60);
/// The time in which the swaps of two servers are counted.
pub(super) const WINDOW: Duration = Duration::from_secs(600);

/// A server that was stopped for another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Remembered {
    pub key: ServerKey,
    pub by: ServerKey,
    pub at: Duration,
    /// When it is tried next at the earliest.
    pub next: Duration,
    pub tries: u32,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Swaps {
    queue: VecDeque<Remembered>,
    /// The two servers of each swap, in the order of their keys.
    pairs: VecDeque<(Duration, ServerKey, ServerKey)>,
}

impl Swaps {
    /// Remembers a server that is stopped for another one. Returns the one that is forgotten for it.
    pub fn remember(&mut self, key: ServerKey, by: ServerKey, at: Duration) -> Option<Remembered> {
        self.forget(&key);
        self.queue.push_back(Remembered { key, by, at, next: at.saturating_add(REST), tries: 0 });
        if self.queue.len() > REMEMBERED { self.queue.pop_front() } else { None }
    }

    pub fn forget(&mut self, key: &ServerKey) {
        self.queue.retain(|one| one.key != *key);
    }

    /// Returns the number of those that are remembered.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// The oldest first.
    pub fn remembered(&self) -> impl Iterator<Item = &Remembered> {
        self.queue.iter()
    }

    pub fn of(&self, key: &ServerKey) -> Option<&Remembered> {
        self.queue.iter().find(|one| one.key == *key)
    }

    /// Puts the next try of a server off, for longer each time.
    pub fn put_off(&mut self, key: &ServerKey, now: Duration) {
        if let Some(one) = self.queue.iter_mut().find(|one| one.key == *key) {
            one.tries = one.tries.saturating_add(1);
            let wait = REST.saturating_mul(1_u32.checked_shl(one.tries.min(4)).unwrap_or(1));
            one.next = now.saturating_add(wait.min(WINDOW));
        }
    }

    pub fn swapped(&mut self, a: &ServerKey, b: &ServerKey, now: Duration) {
        let (first, second) = if a <= b { (a, b) } else { (b, a) };
        self.pairs.retain(|(at, ..)| now.saturating_sub(*at) < WINDOW);
        self.pairs.push_back((now, first.clone(), second.clone()));
    }

    /// Returns how often two servers have changed places of late.
    pub fn count(&self, a: &ServerKey, b: &ServerKey, now: Duration) -> usize {
        let (first, second) = if a <= b { (a, b) } else { (b, a) };
        self.pairs.iter().filter(|(at, x, y)| x == first && y == second && now.saturating_sub(*at) < WINDOW).count()
    }

    /// Returns whether a server may take the place of another one once more. The last time is left to the higher class,
    /// which then stays.
    pub fn may_swap(
        &self,
        (to, class): (&ServerKey, Class),
        (from, other): (&ServerKey, Class),
        (now, most): (Duration, usize),
    ) -> bool {
        match self.count(to, from, now) {
            before if before >= most => false,
            before if before.saturating_add(1) == most => class <= other,
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ModelId;

    fn key(n: u64) -> ServerKey {
        ServerKey::main(ModelId(format!("model-{n:02}")))
    }

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn eight_are_remembered_and_a_ninth_drops_the_oldest() {
        let mut swaps = Swaps::default();
        assert!((0..8).all(|n| swaps.remember(key(n), key(50), seconds(n)).is_none()));
        assert!(swaps.remember(key(3), key(51), seconds(9)).is_none(), "it is there already");
        let dropped = swaps.remember(key(8), key(50), seconds(10)).unwrap();
        assert_eq!((dropped.key, swaps.of(&key(3)).unwrap().by.clone()), (key(0), key(51)));
    }

    #[test]
    fn two_servers_swap_four_times_in_ten_minutes_and_the_higher_class_has_the_last() {
        let mut swaps = Swaps::default();
        let (low, high) = (Class::Batch, Class::Interactive);
        for n in 0..3 {
            assert!(swaps.may_swap((&key(1), low), (&key(2), high), (seconds(n), 4)));
            swaps.swapped(&key(n % 2 + 1), &key((n + 1) % 2 + 1), seconds(n));
        }
        assert!(!swaps.may_swap((&key(1), low), (&key(2), high), (seconds(3), 4)));
        assert!(swaps.may_swap((&key(2), high), (&key(1), low), (seconds(3), 4)));
        assert!(swaps.may_swap((&key(2), low), (&key(1), low), (seconds(3), 4)));
        swaps.swapped(&key(2), &key(1), seconds(3));
        assert!(!swaps.may_swap((&key(2), high), (&key(1), low), (seconds(599), 4)));
        assert!(swaps.may_swap((&key(3), low), (&key(1), high), (seconds(4), 4)), "another pair");
        assert!(swaps.may_swap((&key(2), high), (&key(1), low), (seconds(600), 4)));
    }
}
