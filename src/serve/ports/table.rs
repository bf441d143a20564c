use crate::config::PortRange;
use crate::model::ModelId;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Which model has which port, and which it had last.
#[derive(Debug, Default)]
pub(super) struct Table {
    held: BTreeMap<u16, ModelId>,
    last: HashMap<ModelId, u16>,
}

impl Table {
    pub fn port_of(&self, model: &ModelId) -> Option<u16> {
        self.held.iter().find(|(_, of)| *of == model).map(|(port, _)| *port)
    }

    pub fn holder(&self, port: u16) -> Option<&ModelId> {
        self.held.get(&port)
    }

    pub fn models(&self) -> impl Iterator<Item = &ModelId> {
        self.held.values()
    }

    /// Returns the ports that a model may get, the best first: the one that it had last, then those that no model had,
    /// then those that another one had and has no longer. Each of these in order.
    pub fn candidates(&self, model: &ModelId, range: PortRange) -> Vec<u16> {
        let own = self.last.get(model).copied().filter(|port| range.has(*port));
        let of_others: BTreeSet<u16> = self.last.iter().filter(|(of, _)| *of != model).map(|(_, port)| *port).collect();
        let (old, new): (Vec<u16>, Vec<u16>) =
            range.ports().filter(|port| Some(*port) != own).partition(|port| of_others.contains(port));
        let all = own.into_iter().chain(new).chain(old);
        all.filter(|port| !self.held.contains_key(port)).collect()
    }

    pub fn give(&mut self, model: &ModelId, port: u16) {
        self.held.insert(port, model.clone());
        // A port is remembered for one model, so that two that come back do not want the same.
        self.last.retain(|_, of| *of != port);
        self.last.insert(model.clone(), port);
    }

    /// Takes the port of a model away, which stays the first choice for it.
    pub fn release(&mut self, model: &ModelId) -> Option<u16> {
        let port = self.port_of(model)?;
        self.held.remove(&port);
        Some(port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::sample_row;

    fn id(name: &str) -> ModelId {
        sample_row(name).id
    }

    fn range(first: u16, last: u16) -> PortRange {
        PortRange { first, last }
    }

    #[test]
    fn models_get_ports_in_order_and_each_gets_its_own_again() {
        let mut table = Table::default();
        let (a, b, c) = (id("a"), id("b"), id("c"));
        assert_eq!(table.candidates(&a, range(1, 3)), [1, 2, 3]);
        table.give(&a, 1);
        assert_eq!(table.candidates(&b, range(1, 3)), [2, 3]);
        table.give(&b, 2);
        assert_eq!((table.release(&a), table.release(&a)), (Some(1), None));
        assert_eq!(table.candidates(&a, range(1, 3)), [1, 3], "its own before the others");
        assert_eq!(
            table.candidates(&c, range(1, 3)),
            [3, 1],
            "the port of another one last: clients may still know it"
        );
    }

    #[test]
    fn a_port_that_went_to_another_model_is_remembered_for_that_one() {
        let mut table = Table::default();
        let (a, b) = (id("a"), id("b"));
        table.give(&a, 1);
        table.release(&a);
        table.give(&b, 1);
        table.release(&b);
        assert_eq!(table.candidates(&a, range(1, 2)), [2, 1]);
        assert_eq!(table.candidates(&b, range(1, 2)), [1, 2]);
    }

    #[test]
    fn only_ports_of_the_range_are_given_also_after_it_was_changed() {
        let mut table = Table::default();
        let (a, b) = (id("a"), id("b"));
        table.give(&a, 1);
        table.release(&a);
        assert_eq!(table.candidates(&a, range(7, 8)), [7, 8]);
        table.give(&a, 7);
        table.give(&b, 8);
        assert_eq!(table.candidates(&id("c"), range(7, 8)), [0_u16; 0]);
        assert_eq!(table.holder(8), Some(&b));
        assert_eq!(table.candidates(&id("c"), range(u16::MAX, u16::MAX)), [u16::MAX]);
    }
}
