//! Which servers give way to one that needs memory.

use super::DeviceBytes;
use super::server::amount;

/// The number of candidates of which the cheapest set is found exactly.
const EXACT: usize = 10;

/// A server that could give way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate<'a> {
    pub held: &'a [DeviceBytes],
    pub cost: u64,
}

/// Chooses the cheapest of `candidates` that together give the missing bytes; of sets that cost the same, the one with
/// the earliest candidates. None of the chosen could stay. Returns their positions, or `None` when all together do not
/// give enough.
pub(super) fn choose(short: &[DeviceBytes], candidates: &[Candidate<'_>]) -> Option<Vec<usize>> {
    let is_enough = |chosen: &[usize]| {
        let freed = |device: &str| {
            let held = chosen.iter().filter_map(|at| candidates.get(*at)).map(|of| amount(of.held, device));
            held.fold(0, u64::saturating_add)
        };
        short.iter().all(|want| freed(&want.device) >= want.bytes)
    };
    if is_enough(&[]) {
        return Some(Vec::new());
    }
    // Those that hold nothing of what is missing cannot help.
    let helps = |at: &usize| {
        candidates
            .get(*at)
            .is_some_and(|of| short.iter().any(|want| want.bytes > 0 && amount(of.held, &want.device) > 0))
    };
    let helpful: Vec<usize> = (0..candidates.len()).filter(helps).collect();
    if !is_enough(&helpful) {
        return None;
    }
    let cost = |chosen: &[usize]| {
        chosen.iter().filter_map(|at| candidates.get(*at)).map(|of| of.cost).fold(0, u64::saturating_add)
    };
    if helpful.len() > EXACT {
        return Some(cheap(&helpful, &is_enough, &|at| cost(&[at])));
    }
    let mut best: Option<(u64, Vec<usize>)> = None;
    for set in 1_u32..1_u32.checked_shl(u32::try_from(helpful.len()).unwrap_or(0)).unwrap_or(0) {
        let bits = helpful.iter().enumerate();
        let chosen: Vec<usize> = bits
            .filter(|(bit, _)| set.checked_shr(u32::try_from(*bit).unwrap_or(31)).unwrap_or(0) & 1 == 1)
            .map(|(_, at)| *at)
            .collect();
        let this = (cost(&chosen), chosen);
        if best.as_ref().is_none_or(|best| this < *best) && is_enough(&this.1) {
            best = Some(this);
        }
    }
    best.map(|(_, chosen)| chosen)
}

/// Takes the cheapest until they are enough, and then leaves those out again that are not needed, the dearest first.
fn cheap(helpful: &[usize], is_enough: &dyn Fn(&[usize]) -> bool, cost: &dyn Fn(usize) -> u64) -> Vec<usize> {
    let mut order = helpful.to_vec();
    order.sort_by_key(|at| (cost(*at), *at));
    let mut chosen = Vec::new();
    for at in &order {
        if is_enough(&chosen) {
            break;
        }
        chosen.push(*at);
    }
    for at in chosen.clone().into_iter().rev() {
        let without: Vec<usize> = chosen.iter().copied().filter(|one| *one != at).collect();
        if is_enough(&without) {
            chosen = without;
        }
    }
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn on(device: &str, bytes: u64) -> Vec<DeviceBytes> {
        vec![DeviceBytes { device: device.to_owned(), bytes }]
    }

    fn all(held: &[Vec<DeviceBytes>]) -> Vec<Candidate<'_>> {
        held.iter().map(|held| Candidate { held, cost: 1 }).collect()
    }

    #[test]
    fn the_first_go_and_none_goes_for_nothing() {
        let held = [on("CPU", 1), on("CPU", 2), on("CPU", 8), on("CUDA0", 9)];
        let all = all(&held);
        assert_eq!(choose(&on("CPU", 1), &all), Some(vec![0]));
        assert_eq!(choose(&on("CPU", 3), &all), Some(vec![2]), "one goes rather than two");
        assert_eq!(choose(&on("CPU", 9), &all), Some(vec![0, 2]));
        assert_eq!(choose(&on("CUDA0", 5), &all), Some(vec![3]));
        assert_eq!(choose(&on("CUDA1", 1), &all), None);
        assert_eq!(choose(&[], &all), Some(vec![]));
    }

    /// A model that takes two minutes to load would be stopped although two small ones would have been enough.
    #[test]
    fn the_cheapest_go_and_not_the_fewest() {
        let held = [on("CPU", 8), on("CPU", 4), on("CPU", 4)];
        let of = |costs: [u64; 3]| {
            let candidates: Vec<_> = held.iter().zip(costs).map(|(held, cost)| Candidate { held, cost }).collect();
            choose(&on("CPU", 8), &candidates)
        };
        assert_eq!(of([128, 4, 4]), Some(vec![1, 2]));
        assert_eq!(of([8, 4, 8]), Some(vec![0]));
    }

    proptest! {
        #[test]
        fn what_is_chosen_is_enough_and_not_one_too_many(
            held in proptest::collection::vec((0..2usize, 1..50u64, 1..9u64), 0..14), want in (0..80u64, 0..80u64),
        ) {
            let costs: Vec<u64> = held.iter().map(|(.., cost)| *cost).collect();
            let held: Vec<Vec<DeviceBytes>> = held.into_iter().map(|(d, bytes, _)| on(["CPU", "CUDA0"][d], bytes)).collect();
            let all: Vec<Candidate<'_>> =
                held.iter().zip(&costs).map(|(held, cost)| Candidate { held, cost: *cost }).collect();
            let short = [on("CPU", want.0), on("CUDA0", want.1)].concat();
            let freed = |chosen: &[usize], device: &str| -> u64 {
                chosen.iter().flat_map(|at| &held[*at]).filter(|h| h.device == device).map(|h| h.bytes).sum()
            };
            let enough = |chosen: &[usize]| freed(chosen, "CPU") >= want.0 && freed(chosen, "CUDA0") >= want.1;
            match choose(&short, &all) {
                None => prop_assert!(!enough(&(0..held.len()).collect::<Vec<_>>())),
                Some(chosen) => {
                    prop_assert!(enough(&chosen));
                    for at in &chosen {
                        let without: Vec<usize> = chosen.iter().copied().filter(|one| one != at).collect();
                        prop_assert!(!enough(&without));
                    }
                }
            }
        }
    }
}
