//! Servers that others have started. They are looked at and never touched.

use super::super::Holder;
use super::super::decisions::bytes;
use super::super::event::{Effect, Report, Seen};
use super::State;
use crate::model::ModelId;
use crate::model::lifecycle::External;

/// Returns how an external server is called in a sentence.
fn called(external: &External) -> String {
    let model = external.model_name.as_ref().map(|name| format!(" with {name}")).unwrap_or_default();
    match external.pid {
        Some(pid) => format!("{}{model} (pid {pid})", external.program),
        None => format!("{}{model}", external.program),
    }
}

impl State {
    /// Compares what is seen now with what was seen before.
    pub(super) fn see(&mut self, externals: Vec<External>, effects: &mut Vec<Effect>) {
        let before = std::mem::replace(&mut self.externals, externals);
        let now = self.externals.clone();
        let of = |all: &[External], id: &str| all.iter().find(|one| one.id == id).cloned();
        for external in &now {
            let old = of(&before, &external.id);
            if old.is_none() {
                self.tell(external, Seen::New, effects);
            }
            let was_attached = old.as_ref().is_some_and(|old| old.attached);
            // A server that has changed its model does not answer for the old one any more.
            let is_other = old.as_ref().is_some_and(|old| old.attached && old.model != external.model);
            if was_attached && (!external.attached || is_other) {
                self.tell(old.as_ref().unwrap_or(external), Seen::Detached, effects);
            }
            if external.attached && (!was_attached || is_other) {
                self.tell(external, Seen::Attached, effects);
            }
        }
        for gone in before.iter().filter(|old| of(&now, &old.id).is_none()) {
            if gone.attached {
                self.tell(gone, Seen::Detached, effects);
            }
            self.tell(gone, Seen::Gone, effects);
        }
    }

    fn tell(&mut self, external: &External, what: Seen, effects: &mut Vec<Effect>) {
        let (word, text) = match what {
            Seen::New => ("external_seen", "another program started"),
            Seen::Attached => ("attach", "requests for its model are sent to"),
            Seen::Detached => ("detach", "requests are no longer sent to"),
            Seen::Gone => ("external_gone", "it no longer exists:"),
        };
        let held = external.bytes.iter().map(|held| held.bytes).fold(0, u64::saturating_add);
        self.decide(None, word, format!("{text} {}, which holds {}", called(external), bytes(held)));
        effects.push(Effect::Report(Report::External { external: external.clone(), what }));
    }

    /// Returns the server of somebody else that gets the requests for a model.
    pub fn attached(&self, model: &ModelId) -> Option<&External> {
        let answers = |one: &&External| one.attached && one.healthy.known().is_none_or(|healthy| *healthy);
        self.externals.iter().filter(answers).find(|one| one.model.as_ref() == Some(model))
    }

    /// Returns those that hold memory of a device of which bytes are missing.
    pub(super) fn external_holders(&self, devices: &[&str]) -> Vec<Holder> {
        let holds = |external: &&External| {
            external.bytes.iter().any(|held| held.bytes > 0 && devices.contains(&held.device.as_str()))
        };
        let holder = |one: &External| Holder { name: called(one), why: "external", held: one.bytes.clone() };
        self.externals.iter().filter(holds).map(holder).collect()
    }
}
