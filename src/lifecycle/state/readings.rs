//! What was read of the machine.

use super::super::Profile;
use super::super::decisions::bytes;
use super::super::event::{Effect, Report};
use super::State;
use crate::model::Reading;
use crate::model::lifecycle::{NodeTier, PressureKind, Readings, Thresholds};
use std::time::Duration;

/// The least time between two alerts of one kind.
const ALERTS: Duration = Duration::from_secs(60);

impl State {
    pub(super) fn read(&mut self, readings: Readings, effects: &mut Vec<Effect>) {
        self.ticks = self.ticks.saturating_add(1);
        let was_lost = self.margin_factor() > 1;
        self.gauge(&readings, effects);
        if let (Reading::Known(memory), Reading::Known(devices), None) =
            (&readings.memory, &readings.devices, self.policy.tier)
        {
            let gpus: Vec<u64> = devices.iter().map(|device| device.total).collect();
            self.tier = Some(NodeTier::of(memory.total, &gpus));
        }
        let lost = match &readings.devices {
            Reading::Unavailable(why) => Some(why.clone()),
            Reading::Known(_) => None,
        };
        self.readings = Some((self.now, readings));
        self.has_read = true;
        match lost {
            Some(why) if !was_lost => {
                let reason = format!("GPUs cannot be read ({why}): by the ledger alone, with twice the margin");
                self.decide(None, "margin", reason);
            }
            None if was_lost => self.decide(None, "margin", "GPUs can be read again"),
            _ => {}
        }
    }

    /// Judges readings, and tells what has changed.
    fn gauge(&mut self, readings: &Readings, effects: &mut Vec<Effect>) {
        let was_high = PressureKind::ALL.map(|kind| self.gauges.is_high(kind));
        self.gauges.update(&self.policy.thresholds, readings);
        for (kind, was_high) in PressureKind::ALL.into_iter().zip(was_high) {
            self.alert(kind, was_high, effects);
        }
    }

    pub fn thresholds(&self) -> Thresholds {
        self.policy.thresholds
    }

    /// A person has set other thresholds. Nothing gives way before the machine is read again.
    pub(super) fn set_thresholds(&mut self, thresholds: Thresholds, effects: &mut Vec<Effect>) {
        self.policy.thresholds = thresholds;
        let Thresholds { vram, ram, cpu, stalls, disk } = thresholds;
        let disk = bytes(disk);
        let reason = format!(
            "a person set VRAM {vram} %, memory {ram} %, cores {cpu} %, stalls {stalls} %, {disk} free on disks"
        );
        self.decide(None, "thresholds", reason);
        if let Some((at, readings)) = self.readings.take() {
            self.gauge(&readings, effects);
            self.readings = Some((at, readings));
        }
    }

    /// Tells of a pressure once, and of the next one of its kind not before a minute has passed.
    fn alert(&mut self, kind: PressureKind, was_high: bool, effects: &mut Vec<Effect>) {
        let is_high = self.gauges.is_high(kind);
        let (last, is_told) = self.alerts.get(&kind).map_or((None, false), |(at, told)| (Some(*at), *told));
        let is_told = is_told && was_high;
        if !is_high {
            if let Some((_, told)) = self.alerts.get_mut(&kind) {
                *told = false;
            }
            if was_high {
                self.decide(None, "relieved", format!("the pressure on {} is over", kind.name()));
            }
            return;
        }
        let messages: Vec<String> = self.gauges.high(kind).map(|gauge| gauge.message.clone()).collect();
        let message = messages.join("; ");
        if !was_high {
            self.decide(None, "pressure", format!("too little {}: {message}", kind.name()));
        }
        if !is_told && last.is_none_or(|at| self.now.saturating_sub(at) >= ALERTS) {
            self.alerts.insert(kind, (self.now, true));
            let throttle_factor = self.gauges.throttle_factor();
            effects.push(Effect::Report(Report::Pressure { kind, message, throttle_factor }));
        } else if let Some((_, told)) = self.alerts.get_mut(&kind) {
            *told = is_told;
        }
    }

    /// Returns the factor of what is kept free beside loads: 2 as long as a device cannot be read.
    pub fn margin_factor(&self) -> u32 {
        let is_lost = self.readings.as_ref().is_some_and(|(_, readings)| readings.devices.known().is_none());
        if is_lost { 2 } else { 1 }
    }

    /// Returns the share of the slots that tasks of the queue may use, 0 to 1.
    pub fn throttle_factor(&self) -> f64 {
        self.gauges.throttle_factor()
    }

    /// Returns whether a pressure is high; that of disks stops what writes much.
    pub fn is_under_pressure(&self, kind: PressureKind) -> bool {
        self.gauges.is_high(kind)
    }

    /// Returns the tier of this machine and the needed one, where a model needs a larger machine.
    pub(super) fn below_tier(&self, profile: &Profile) -> Option<(NodeTier, NodeTier)> {
        let (tier, needed) = (self.tier?, profile.min_tier?);
        (tier < needed).then_some((tier, needed))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::{Event, Policy};
    use super::*;
    use crate::model::lifecycle::MemoryReading;

    /// Whoever sets other thresholds would wait for the next restart of everything that is loaded.
    #[test]
    fn other_thresholds_count_at_once_and_are_told() {
        let readings = Readings {
            devices: Reading::Known(Vec::new()),
            memory: Reading::Known(MemoryReading { total: 100, available: 40 }),
            stalls: Reading::Known(0.0),
            cpu: Reading::Known(0.0),
            disks: Vec::new(),
        };
        let mut state = State::new(Policy::default());
        let mut step = |seconds, event| {
            let effects = state.step(Duration::from_secs(seconds), event);
            let told =
                effects.iter().filter(|effect| matches!(effect, Effect::Report(Report::Pressure { .. }))).count();
            (state.is_under_pressure(PressureKind::Ram), told)
        };
        let at = |ram| Event::Thresholds(Thresholds { ram, ..Thresholds::default() });
        assert_eq!(step(1, at(90)), (false, 0), "nothing was read yet");
        assert_eq!(step(2, Event::Readings(readings)), (false, 0));
        assert_eq!(step(3, at(50)), (true, 1));
        assert_eq!(step(4, at(90)), (false, 0));
        let decided: Vec<&str> = state.decisions_after(0).map(|one| one.what).collect();
        assert_eq!(decided, ["thresholds", "thresholds", "pressure", "thresholds", "relieved"]);
        assert_eq!(state.overview(Duration::from_secs(5)).ticks, 1, "a reading of the machine is a tick");
    }
}
