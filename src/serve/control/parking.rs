//! Services that stay without the memory that was counted: they are resumed by the next start, and end before anything
//! is refused for lack of memory.

use super::actor::Actor;
use super::parked::{Parked, started_as};
use super::prepared::{Prepared, What};
use super::task::Order;
use crate::clock;
use crate::lifecycle::{Generation, ServerKey};
use crate::model::DeviceBytes;
use crate::model::ledger::LoadId;
use crate::model::lifecycle::Mode;
use std::sync::Arc;

impl Actor {
    /// Keeps a service that has given its memory back.
    pub(super) fn park(&mut self, key: &ServerKey, generation: Generation, kept: Vec<DeviceBytes>) {
        let Some(acting) = self.servers.get_mut(key) else { return };
        let Some((_, orders)) = acting.orders.take_if(|(of, _)| *of == generation) else { return };
        let started_as = acting.launched.as_deref().map(started_as).unwrap_or_default();
        acting.parked = Some(Parked { orders, started_as, kept, is_ending: false });
    }

    /// Has a parked service serve again, with another reservation. Returns whether there was one that can.
    pub(super) fn resume(
        &mut self,
        key: &ServerKey,
        (generation, load): (Generation, LoadId),
        as_now: &Prepared,
    ) -> bool {
        let Some(acting) = self.servers.get_mut(key) else { return false };
        let is_same = |parked: &Parked| !parked.is_ending && parked.started_as == started_as(as_now);
        if !acting.parked.as_ref().is_some_and(is_same) {
            self.unpark(key);
            return false;
        }
        let Some(Parked { orders, .. }) = acting.parked.take() else { return false };
        // It may have ended in this very moment.
        if orders.send(Order::Resume { generation, load }).is_err() {
            return false;
        }
        acting.orders = Some((generation, orders));
        true
    }

    /// Ends a parked service.
    pub(super) fn unpark(&mut self, key: &ServerKey) {
        let parked = self.servers.get_mut(key).and_then(|acting| acting.parked.as_mut());
        if let Some(parked) = parked.filter(|parked| !parked.is_ending) {
            parked.is_ending = true;
            if parked.orders.send(Order::Stop { now: false }).is_err() {
                self.gone(key);
            }
        }
    }

    fn has_parked(&self) -> bool {
        self.servers.values().any(|acting| acting.parked.is_some())
    }

    pub(super) fn unpark_all(&mut self) {
        let parked = self.servers.iter().filter(|(_, acting)| acting.parked.is_some()).map(|(key, _)| key.clone());
        let parked: Vec<ServerKey> = parked.collect();
        parked.iter().for_each(|key| self.unpark(key));
    }

    /// Has a refused reservation tried again without parked services, where these hold what is missing, or where it
    /// has been refused for long: others that had to give way were not enough. Returns whether it is tried again.
    pub(super) fn reserve_without_parked(
        &mut self,
        key: &ServerKey,
        generation: Generation,
        short: &[DeviceBytes],
    ) -> bool {
        let parked = self.servers.iter().filter_map(|(key, acting)| Some((key, acting.parked.as_ref()?)));
        let parked: Vec<(&ServerKey, &[DeviceBytes])> = parked.map(|(key, parked)| (key, &*parked.kept)).collect();
        if parked.is_empty() {
            return false;
        }
        let is_late = self.parking.is_refused_for_long(key, clock::instant());
        let ends = give_up(key, short, &parked, is_late);
        if ends.is_empty() {
            return false;
        }
        self.parking.again.push((key.clone(), generation));
        ends.iter().for_each(|key| self.unpark(key));
        true
    }

    /// A parked service has ended.
    pub(super) fn gone(&mut self, key: &ServerKey) {
        if let Some(acting) = self.servers.get_mut(key) {
            acting.parked = None;
        }
        let mut parked = self.servers.values().filter_map(|acting| acting.parked.as_ref());
        if parked.any(|parked| parked.is_ending) {
            return;
        }
        for (key, generation) in std::mem::take(&mut self.parking.again) {
            self.reserve(key, generation);
        }
        if self.parking.is_last {
            self.all_stopped();
        }
    }

    /// Everything that was counted has ended.
    pub(super) fn all_stopped(&mut self) {
        self.parking.is_last = true;
        if self.has_parked() {
            return self.unpark_all();
        }
        if let Some(over) = self.over.take() {
            let _ = over.send(()); // nobody may wait any more
        }
    }

    /// Keeps what a service was found to hold, for its next starts.
    pub(super) fn note_footprint(&mut self, key: ServerKey, is_on_cpu: bool, held: &[DeviceBytes]) {
        raise(self.parking.footprints.entry((key, is_on_cpu)).or_default(), held);
    }

    /// Counts a service with what it was found to hold, where that is more than what the config says.
    pub(super) fn with_footprint(&self, key: &ServerKey, mut prepared: Arc<Prepared>) -> Arc<Prepared> {
        if !matches!(prepared.what, What::Service(_)) {
            return prepared;
        }
        let of = |is_on_cpu: bool| self.parking.footprints.get(&(key.clone(), is_on_cpu));
        let changed = Arc::make_mut(&mut prepared);
        for rung in &mut changed.profile.rungs {
            if let Some(held) = of(rung.mode == Mode::CpuOnly) {
                raise(&mut rung.needs, held);
            }
        }
        if let Some(first) = changed.profile.rungs.first() {
            changed.profile.needs.clone_from(&first.needs);
        }
        prepared
    }
}

/// Returns the parked services that end for a refused reservation: those that hold what it lacks, the reserving one's own
/// process only where the others do not hold enough. As long as it is not late, none ends for nothing.
fn give_up(
    key: &ServerKey,
    short: &[DeviceBytes],
    parked: &[(&ServerKey, &[DeviceBytes])],
    is_late: bool,
) -> Vec<ServerKey> {
    let on = |held: &[DeviceBytes], device: &str| {
        let of = held.iter().filter(|held| held.device == device);
        of.fold(0u64, |sum, held| sum.saturating_add(held.bytes))
    };
    let helps = |held: &[DeviceBytes]| short.iter().any(|short| on(held, &short.device) > 0);
    let helpful = || parked.iter().filter(|(_, kept)| helps(kept));
    let is_enough = |with_own: bool| {
        short.iter().all(|short| {
            let of = helpful().filter(|(of, _)| with_own || *of != key);
            of.fold(0u64, |sum, (_, kept)| sum.saturating_add(on(kept, &short.device))) >= short.bytes
        })
    };
    let with_own = !is_enough(false);
    if with_own && !is_enough(true) && !is_late {
        return Vec::new();
    }
    helpful().filter(|(of, _)| with_own || *of != key).map(|(of, _)| (*of).clone()).collect()
}

/// Raises the bytes of each device to what was found.
fn raise(needs: &mut Vec<DeviceBytes>, held: &[DeviceBytes]) {
    for found in held {
        match needs.iter_mut().find(|need| need.device == found.device) {
            Some(need) => need.bytes = need.bytes.max(found.bytes),
            None => needs.push(found.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A service that can wake in place would be ended by its own wish to wake, and start anew each time.
    #[test]
    fn parked_services_end_only_where_that_makes_room() {
        let on = |bytes| vec![DeviceBytes { device: "CPU".to_owned(), bytes }];
        let [a, b] = ["a", "b"].map(ServerKey::service);
        let (few, many) = (on(5), on(20));
        let parked: [(&ServerKey, &[DeviceBytes]); 2] = [(&a, &few), (&b, &many)];
        let ends = |key: &ServerKey, short, is_late| give_up(key, &on(short), &parked, is_late);
        assert_eq!(ends(&a, 100, false), [], "others have to give way first");
        assert_eq!(ends(&a, 20, false), std::slice::from_ref(&b), "not its own, as long as that need not be");
        assert_eq!(ends(&a, 22, false), [a.clone(), b.clone()]);
        assert_eq!(ends(&a, 100, true), [a.clone(), b.clone()], "whatever holds something, before it waits for ever");
        assert_eq!(ends(&ServerKey::service("c"), 25, false), [a.clone(), b.clone()]);
        let elsewhere = [DeviceBytes { device: "CUDA0".to_owned(), bytes: 1 }];
        assert_eq!(give_up(&a, &elsewhere, &parked, true), []);
    }

    /// A service that takes more than the config says would be admitted into memory that it then takes from others.
    #[test]
    fn what_was_found_raises_what_is_said_and_lowers_nothing() {
        let on = |device: &str, bytes| DeviceBytes { device: device.to_owned(), bytes };
        let mut needs = vec![on("CPU", 5), on("CUDA0", 5)];
        raise(&mut needs, &[on("CPU", 3), on("CUDA0", 9), on("CUDA1", 1)]);
        assert_eq!(needs, [on("CPU", 5), on("CUDA0", 9), on("CUDA1", 1)]);
    }
}
