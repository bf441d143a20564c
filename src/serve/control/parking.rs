//! Services that stay without the memory that was counted: they are resumed by the next start, and end before anything
//! is refused for lack of memory.

use super::actor::Actor;
use super::parked::{Parked, started_as};
use super::prepared::{Prepared, What};
use super::task::Order;
use crate::lifecycle::{Generation, ServerKey};
use crate::model::DeviceBytes;
use crate::model::ledger::LoadId;
use crate::model::lifecycle::Mode;
use std::sync::Arc;

impl Actor {
    /// Keeps a service that has given its memory back.
    pub(super) fn park(&mut self, key: &ServerKey, generation: Generation) {
        let Some(acting) = self.servers.get_mut(key) else { return };
        let Some((_, orders)) = acting.orders.take_if(|(of, _)| *of == generation) else { return };
        let started_as = acting.launched.as_deref().map(started_as).unwrap_or_default();
        acting.parked = Some(Parked { orders, started_as, is_ending: false });
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

    /// Has a refused reservation tried again without parked services. Returns whether there were any.
    pub(super) fn reserve_without_parked(&mut self, key: &ServerKey, generation: Generation) -> bool {
        if !self.has_parked() {
            return false;
        }
        self.parking.again.push((key.clone(), generation));
        self.unpark_all();
        true
    }

    /// A parked service has ended.
    pub(super) fn gone(&mut self, key: &ServerKey) {
        if let Some(acting) = self.servers.get_mut(key) {
            acting.parked = None;
        }
        if self.has_parked() {
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

    /// A service that takes more than the config says would be admitted into memory that it then takes from others.
    #[test]
    fn what_was_found_raises_what_is_said_and_lowers_nothing() {
        let on = |device: &str, bytes| DeviceBytes { device: device.to_owned(), bytes };
        let mut needs = vec![on("CPU", 5), on("CUDA0", 5)];
        raise(&mut needs, &[on("CPU", 3), on("CUDA0", 9), on("CUDA1", 1)]);
        assert_eq!(needs, [on("CPU", 5), on("CUDA0", 9), on("CUDA1", 1)]);
    }
}
