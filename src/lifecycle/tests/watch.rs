//! What must hold at every step, whatever happens.

use super::super::state::Could;
use super::super::{Decided, Effect, Event, KeyKind, Report, ServerKey, State, Unload};
use crate::model::Reading;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const WINDOW: Duration = Duration::from_secs(600);

#[derive(Debug, Default)]
pub struct Watch {
    pub cores: u32,
    seen: u64,
    could: Vec<Could>,
    pinned: BTreeSet<ServerKey>,
    is_paused: bool,
    /// Whether the step was for readings, and whether the GPUs were known.
    read: Option<bool>,
    /// The one that was stopped last for lack of something, until it has ended and readings have come.
    relieving: Option<(ServerKey, bool)>,
    swaps: Vec<(Duration, ServerKey, ServerKey)>,
    threads: BTreeMap<ServerKey, u32>,
    pub evicted: usize,
    pub lowered: usize,
    pub restored: usize,
    pub held: usize,
}

impl Watch {
    pub fn before(&mut self, state: &mut State, now: Duration, event: &Event, pinned: &BTreeSet<ServerKey>) {
        self.pinned.clone_from(pinned);
        self.read = match event {
            Event::Readings(readings) => Some(matches!(readings.devices, Reading::Known(_))),
            _ => None,
        };
        // Only readings make servers give way to a pressure.
        self.could = if self.read.is_some() { state.could_go(now) } else { Vec::new() };
        match event {
            Event::Pause { paused } => self.is_paused = *paused,
            Event::Changed { key, profile } if !profile.pinned => drop(self.pinned.remove(key)),
            Event::Stopped { key, .. } | Event::Ended { key, .. } | Event::Stuck { key, .. } => {
                if let Some((of, ended)) = &mut self.relieving
                    && of == key
                {
                    *ended = true;
                }
            }
            _ => {}
        }
    }

    pub fn effect(&mut self, state: &State, now: Duration, effect: &Effect) {
        match effect {
            Effect::Threads { key, threads, .. } => drop(self.threads.insert(key.clone(), *threads)),
            Effect::Launch { key, .. } => drop(self.threads.remove(key)),
            Effect::Report(Report::Unloaded {
                key,
                why: Unload::Idle | Unload::Evicted { .. } | Unload::Pressure { .. },
            }) => {
                self.evicted += 1;
                assert!(!matches!(key.kind(), KeyKind::Headroom(_)), "{key} was reserved");
            }
            Effect::Report(Report::Swapped { to, evicted, .. }) => {
                for key in evicted {
                    let (a, b) = if to < key { (to, key) } else { (key, to) };
                    self.swaps.retain(|(at, ..)| now - *at < WINDOW);
                    self.swaps.push((now, a.clone(), b.clone()));
                    let count = self.swaps.iter().filter(|(_, x, y)| x == a && y == b).count();
                    // A request takes the place of one that nobody needs as often as it has to.
                    let is_thrash = state.has_waiters(key) || !state.has_waiters(to);
                    assert!(!is_thrash || count <= 4, "{a} and {b} have changed places {count} times in ten minutes");
                }
            }
            Effect::Report(Report::SwapHeld { .. }) => self.held += 1,
            _ => {}
        }
    }

    pub fn after(&mut self, state: &State, now: Duration, generating: &BTreeSet<ServerKey>) {
        let new: Vec<Decided> = state.decisions_after(self.seen).cloned().collect();
        for decided in &new {
            self.seen = decided.number;
            assert!(!decided.what.is_empty() && decided.reason.len() > 5, "{decided:?} has no reason");
            assert_eq!(decided.at, now);
            self.decided(decided);
        }
        let is_model = |key: &&ServerKey| key.kind() == KeyKind::Model;
        let models = || generating.iter().filter(is_model);
        if self.cores > 0 {
            let sum: u32 = models().map(|key| self.threads.get(key).copied().unwrap_or(self.cores)).sum();
            let least = u32::try_from(models().count()).unwrap();
            assert!(sum <= self.cores.max(least), "{sum} threads on {} cores: {:?}", self.cores, self.threads);
        }
    }

    fn decided(&mut self, decided: &Decided) {
        let is_pressure = decided.reason.starts_with("too little");
        let ends = decided.what == "evict"
            || (decided.what == "unload" && decided.reason.starts_with("it had nothing to do"))
            || (decided.what == "downgrade" && is_pressure);
        if decided.what == "restore" {
            self.restored += 1;
        }
        if self.is_paused {
            assert!(!(is_pressure && ends), "{decided:?} in a pause");
            assert!(!matches!(decided.what, "restore"), "{decided:?} in a pause");
        }
        let Some(key) = decided.key.as_ref().filter(|_| ends) else { return };
        assert!(!self.pinned.contains(key), "{decided:?}: it is pinned");
        if !is_pressure {
            return;
        }
        self.lowered += usize::from(decided.what == "downgrade");
        let known = self.read.expect("a pressure is decided about when readings come");
        assert!(known || !decided.reason.starts_with("too little vram"), "{decided:?}: nobody has that number");
        if let Some((before, ended)) = self.relieving.replace((key.clone(), false)) {
            assert!(ended, "{decided:?}: the memory of {before} is not free yet");
        }
        let of = |key: &ServerKey| self.could.iter().find(|one| one.key == *key);
        let chosen = of(key).unwrap_or_else(|| panic!("{decided:?}: it was in use"));
        for other in self.could.iter().filter(|other| other.key != *key) {
            let is_equal = (other.priority, other.cost, &other.held, other.like)
                == (chosen.priority, chosen.cost, &chosen.held, chosen.like);
            assert!(
                !is_equal || other.last_used >= chosen.last_used,
                "{decided:?}: {} is unused for longer",
                other.key
            );
        }
    }
}
