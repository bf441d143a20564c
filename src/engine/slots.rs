//! The sequences of the context that answer requests, and the parts of their prompts that are already in the cache.
//! Pure: holds no llama.cpp type.
//!
//! A slot keeps its tokens when its request has ended: the next request with the same prefix (a system prompt, a
//! template) computes only the rest. A prefix that another slot has is copied, which costs no cells; a prefix that
//! another slot is just computing is waited for. Cells are reserved for the longest answer that a request may give, so
//! that no admitted request ever runs out of room; kept tokens are evicted for that.

/// Tokens of the shortest prefix that is worth a copy or a wait.
const WORTH_SHARING: usize = 16;

#[derive(Debug, Clone, Default)]
struct Slot {
    /// The tokens that its cells hold, from the start.
    tokens: Vec<i32>,
    /// The prompt that is being answered.
    prompt: Vec<i32>,
    /// The number of cells reserved for it; None while it is free.
    reserved: Option<usize>,
    /// Time of the last use, as a counter: when it was last assigned or released.
    used: u64,
}

/// The slot of a request, and the steps before it starts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    pub slot: usize,
    /// Slots whose cells are removed first.
    pub evict: Vec<usize>,
    /// Tokens of the prompt that its cells already hold; cells after them are removed.
    pub keep: usize,
    /// The slot to copy from, and the number of tokens.
    pub copy: Option<(usize, usize)>,
    /// The slot to wait for, and the number of tokens that are copied once it has them.
    pub wait: Option<(usize, usize)>,
}

#[derive(Debug, Clone)]
pub struct Slots {
    all: Vec<Slot>,
    /// The number of cells of the whole context.
    cells: usize,
    /// Whether parts of a sequence can be kept and copied: not with sliding windows or recurrent states.
    shares: bool,
    /// Cells that cannot be used again before [`Slots::clear`]; see `engine/reproducible.rs`.
    buried: usize,
    tick: u64,
}

impl Slots {
    pub fn new(slots: usize, cells: usize, shares: bool) -> Slots {
        Slots { all: vec![Slot::default(); slots.max(1)], cells, shares, buried: 0, tick: 0 }
    }

    /// Returns the number of concurrent requests.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Assigns a slot to `prompt`, with `reserve` cells for it and its answer. Returns None when the request has to
    /// wait for others.
    pub fn admit(&mut self, prompt: &[i32], reserve: usize) -> Option<Place> {
        let busy: usize = self.all.iter().filter_map(|s| s.reserved).sum();
        // A request that runs alone may take all cells.
        if busy.saturating_add(reserve).saturating_add(self.buried) > self.cells && (busy > 0 || self.buried > 0) {
            return None;
        }
        // The last token is always computed: its logits are needed.
        let most = prompt.len().saturating_sub(1);
        let shared = |tokens: &[i32]| if self.shares { common(tokens, prompt).min(most) } else { 0 };
        let own = |slot: &Slot| shared(&slot.tokens);
        let free = |(_, s): &(usize, &Slot)| s.reserved.is_none();
        let source = self.all.iter().enumerate().max_by_key(|(_, s)| own(s)).map(|(i, s)| (i, own(s)))?;
        let coming = self.all.iter().enumerate().filter(|(_, s)| s.reserved.is_some());
        let coming = coming.map(|(i, s)| (i, shared(&s.prompt))).max_by_key(|(_, n)| *n);
        let kept = self.all.iter().enumerate().filter(free).max_by_key(|(_, s)| own(s)).map(|(i, s)| (i, own(s)))?;
        let mut place = Place::default();
        if kept.1 > 0 && kept.1.saturating_add(WORTH_SHARING) > source.1 {
            (place.slot, place.keep) = kept;
        } else {
            // The free slot that was unused for longest. The source of the copy is taken only when it is the last one.
            let oldest = self.all.iter().enumerate().filter(free).min_by_key(|(i, s)| (*i == source.0, s.used))?;
            place.slot = oldest.0;
            if source.1 >= WORTH_SHARING && source.0 != place.slot {
                place.copy = Some(source);
            }
        }
        let have = place.keep.max(place.copy.map_or(0, |(_, n)| n));
        place.wait = coming.filter(|(_, n)| *n >= have.saturating_add(WORTH_SHARING));
        if place.wait.is_some() {
            place.copy = None;
        }
        place.evict = self.make_room(busy.saturating_add(reserve), &place);
        self.tick += 1;
        let (slots, tick) = (&mut self.all, self.tick);
        for evicted in &place.evict {
            if let Some(slot) = slots.get_mut(*evicted) {
                slot.tokens.clear();
            }
        }
        let start = place.keep.max(place.copy.map_or(0, |(_, n)| n));
        let slot = slots.get_mut(place.slot)?;
        slot.tokens = prompt.iter().take(start).copied().collect();
        slot.prompt = prompt.to_vec();
        slot.reserved = Some(reserve);
        slot.used = tick;
        Some(place)
    }

    /// Returns the kept slots that must be evicted to free `wanted` cells, the oldest first.
    fn make_room(&self, wanted: usize, place: &Place) -> Vec<usize> {
        let is_needed = |i: usize| i == place.slot || place.copy.is_some_and(|(from, _)| from == i);
        let mut kept: Vec<(u64, usize, usize)> = self
            .all
            .iter()
            .enumerate()
            .filter(|(i, s)| s.reserved.is_none() && !s.tokens.is_empty() && !is_needed(*i))
            .map(|(i, s)| (s.used, i, s.tokens.len()))
            .collect();
        kept.sort_unstable();
        let source = place.copy.and_then(|(from, _)| self.all.get(from)).filter(|s| s.reserved.is_none());
        let mut total = wanted
            .saturating_add(source.map_or(0, |s| s.tokens.len()))
            .saturating_add(kept.iter().map(|(_, _, n)| n).sum());
        let mut evict = Vec::new();
        for (_, slot, tokens) in kept {
            if total <= self.cells {
                break;
            }
            total = total.saturating_sub(tokens);
            evict.push(slot);
        }
        evict
    }

    /// Returns whether the slot `from` has the shared prefix that is waited for. Returns None when nothing computes it
    /// any more: the request continues without it, with the result of [`Slots::best`].
    pub fn ready(&self, from: usize, tokens: usize, prompt: &[i32]) -> Option<bool> {
        let slot = self.all.get(from)?;
        if common(&slot.tokens, prompt) >= tokens {
            return Some(true);
        }
        let is_coming = slot.reserved.is_some() && common(&slot.prompt, prompt) >= tokens;
        is_coming.then_some(false)
    }

    /// Returns the slot with the longest prefix of `prompt`, other than `not`, if it is worth a copy.
    pub fn best(&self, prompt: &[i32], not: usize) -> Option<(usize, usize)> {
        let most = prompt.len().saturating_sub(1);
        let all = self.all.iter().enumerate().filter(|(i, _)| *i != not);
        let best = all.map(|(i, s)| (i, common(&s.tokens, prompt).min(most))).max_by_key(|(_, n)| *n);
        best.filter(|(_, n)| self.shares && *n >= WORTH_SHARING)
    }

    /// Records that the cells of `slot` now hold these tokens of its prompt.
    pub fn holds(&mut self, slot: usize, tokens: usize) {
        if let Some(slot) = self.all.get_mut(slot) {
            slot.tokens = slot.prompt.iter().take(tokens).copied().collect();
        }
    }

    /// Records that these cells are used up until [`Slots::clear`].
    pub fn retire_cells(&mut self, cells: usize) {
        self.buried = self.buried.saturating_add(cells);
    }

    /// Returns whether nothing runs and only a [`Slots::clear`] makes room.
    pub fn is_used_up(&self) -> bool {
        self.buried > 0 && self.all.iter().all(|slot| slot.reserved.is_none())
    }

    /// Clears all slots. To be called only while nothing runs.
    pub fn clear(&mut self) {
        self.buried = 0;
        self.all.iter_mut().for_each(|slot| *slot = Slot::default());
    }

    /// Releases a slot whose request has ended. Returns the number of its tokens that are kept; the rest must be
    /// removed.
    pub fn release(&mut self, slot: usize) -> usize {
        self.tick += 1;
        let (shares, tick) = (self.shares, self.tick);
        let Some(slot) = self.all.get_mut(slot) else { return 0 };
        slot.reserved = None;
        slot.prompt.clear();
        slot.used = tick;
        if !shares {
            slot.tokens.clear();
        }
        slot.tokens.len()
    }
}

fn common(a: &[i32], b: &[i32]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn prompt(system: i32, own: i32) -> Vec<i32> {
        std::iter::repeat_n(system, 40).chain([own, own, own]).collect()
    }

    #[test]
    fn the_next_request_with_the_same_beginning_computes_the_rest_alone() {
        let mut slots = Slots::new(2, 1_000, true);
        let first = slots.admit(&prompt(1, 7), 60).unwrap();
        assert_eq!((first.keep, first.copy, first.wait), (0, None, None));
        slots.holds(first.slot, 43);
        assert_eq!(slots.release(first.slot), 43);
        let second = slots.admit(&prompt(1, 8), 60).unwrap();
        assert_eq!((second.slot, second.keep), (first.slot, 40));
        // Another one beside it copies.
        let third = slots.admit(&prompt(1, 9), 60).unwrap();
        assert_eq!((third.copy, third.wait), (Some((second.slot, 40)), None));
        // The same prompt again computes its last token.
        slots.holds(second.slot, 43);
        slots.release(second.slot);
        assert_eq!(slots.admit(&prompt(1, 8), 60).unwrap().keep, 42);
    }

    #[test]
    fn a_beginning_that_is_being_computed_is_waited_for() {
        let mut slots = Slots::new(3, 1_000, true);
        let leader = slots.admit(&prompt(1, 7), 60).unwrap();
        let second = slots.admit(&prompt(1, 8), 60).unwrap();
        assert_eq!(second.wait, Some((leader.slot, 40)));
        assert_eq!(slots.ready(leader.slot, 40, &prompt(1, 8)), Some(false));
        slots.holds(leader.slot, 40);
        assert_eq!(slots.ready(leader.slot, 40, &prompt(1, 8)), Some(true));
        // The leader was cancelled before it came so far.
        let mut slots = Slots::new(3, 1_000, true);
        let leader = slots.admit(&prompt(1, 7), 60).unwrap();
        slots.admit(&prompt(1, 8), 60).unwrap();
        slots.release(leader.slot);
        assert_eq!(slots.ready(leader.slot, 40, &prompt(1, 8)), None);
    }

    #[test]
    fn what_is_only_kept_gives_way_and_what_runs_does_not() {
        let mut slots = Slots::new(3, 100, true);
        for system in 1..=2 {
            let place = slots.admit(&prompt(system, 7), 43).unwrap();
            slots.holds(place.slot, 43);
            slots.release(place.slot);
        }
        let place = slots.admit(&prompt(3, 7), 60).unwrap();
        assert_eq!(place.evict.len(), 1, "{place:?}");
        assert_eq!(slots.admit(&prompt(4, 7), 50), None, "it waits for room");
        slots.release(place.slot);
        assert!(slots.admit(&prompt(4, 7), 100).is_some());
    }

    #[test]
    fn cells_that_are_never_given_back_are_waited_for_and_cleared_when_nothing_runs() {
        let mut slots = Slots::new(2, 100, true);
        let first = slots.admit(&prompt(1, 7), 60).unwrap();
        slots.release(first.slot);
        slots.retire_cells(60);
        let second = slots.admit(&prompt(1, 7), 40).unwrap();
        assert_eq!(slots.admit(&prompt(2, 7), 1), None, "100 of 100 are used or promised");
        assert!(!slots.is_used_up());
        slots.release(second.slot);
        slots.retire_cells(40);
        assert!(slots.admit(&prompt(1, 7), 60).is_none() && slots.is_used_up());
        slots.clear();
        assert_eq!(slots.admit(&prompt(1, 7), 60).map(|place| place.keep), Some(0));
    }

    #[test]
    fn a_model_whose_cells_cannot_be_shared_starts_anew_each_time() {
        let mut slots = Slots::new(2, 1_000, false);
        let first = slots.admit(&prompt(1, 7), 60).unwrap();
        slots.holds(first.slot, 43);
        assert_eq!(slots.admit(&prompt(1, 7), 60).unwrap(), Place { slot: 1, ..Place::default() });
        assert_eq!(slots.release(first.slot), 0);
    }

    proptest! {
        #[test]
        fn no_slot_is_given_twice_and_reservations_never_exceed_the_context(
            steps in proptest::collection::vec((0..4i32, 0..4i32, 1..60usize, any::<bool>()), 1..200)
        ) {
            let mut slots = Slots::new(4, 150, true);
            let mut busy: Vec<(usize, usize)> = Vec::new();
            for (system, own, more, ends) in steps {
                if ends && !busy.is_empty() {
                    let (slot, _) = busy.remove(0);
                    slots.release(slot);
                }
                let prompt = prompt(system, own);
                if let Some(place) = slots.admit(&prompt, prompt.len() + more) {
                    prop_assert!(busy.iter().all(|(slot, _)| *slot != place.slot && !place.evict.contains(slot)));
                    prop_assert!(place.keep < prompt.len());
                    busy.push((place.slot, prompt.len() + more));
                    if place.wait.is_none() {
                        slots.holds(place.slot, prompt.len());
                    }
                    let reserved: usize = busy.iter().map(|(_, n)| n).sum();
                    prop_assert!(busy.len() == 1 || reserved <= 150);
                }
            }
        }
    }
}
