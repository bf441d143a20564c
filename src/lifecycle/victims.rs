//! Which servers give way to one that needs memory.

use super::DeviceBytes;
use std::collections::BTreeMap;

/// Chooses from `candidates`, given in the order of preference with what each holds, as few as give the missing bytes:
/// none of the chosen could stay. Returns their positions, or `None` when all together do not give enough.
pub(super) fn choose(short: &[DeviceBytes], candidates: &[&[DeviceBytes]]) -> Option<Vec<usize>> {
    let is_enough = |chosen: &[usize]| {
        let mut freed: BTreeMap<&str, u64> = BTreeMap::new();
        for held in chosen.iter().filter_map(|at| candidates.get(*at)).flat_map(|held| held.iter()) {
            let sum = freed.entry(&held.device).or_default();
            *sum = sum.saturating_add(held.bytes);
        }
        short.iter().all(|want| freed.get(&*want.device).copied().unwrap_or(0) >= want.bytes)
    };
    let mut chosen = Vec::new();
    for at in 0..candidates.len() {
        if is_enough(&chosen) {
            break;
        }
        chosen.push(at);
    }
    if !is_enough(&chosen) {
        return None;
    }
    // The least preferred that turn out not to be needed stay.
    for at in (0..candidates.len()).rev() {
        let without: Vec<usize> = chosen.iter().copied().filter(|one| *one != at).collect();
        if without.len() < chosen.len() && is_enough(&without) {
            chosen = without;
        }
    }
    Some(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn on(device: &str, bytes: u64) -> Vec<DeviceBytes> {
        vec![DeviceBytes { device: device.to_owned(), bytes }]
    }

    #[test]
    fn the_first_go_and_none_goes_for_nothing() {
        let held = [on("CPU", 1), on("CPU", 2), on("CPU", 8), on("CUDA0", 9)];
        let all: Vec<&[DeviceBytes]> = held.iter().map(Vec::as_slice).collect();
        assert_eq!(choose(&on("CPU", 1), &all), Some(vec![0]));
        assert_eq!(choose(&on("CPU", 3), &all), Some(vec![0, 1]));
        assert_eq!(choose(&on("CPU", 5), &all), Some(vec![2]), "the two small ones are not enough and stay");
        assert_eq!(choose(&on("CUDA0", 5), &all), Some(vec![3]));
        assert_eq!(choose(&on("CUDA1", 1), &all), None);
        assert_eq!(choose(&[], &all), Some(vec![]));
    }

    proptest! {
        #[test]
        fn what_is_chosen_is_enough_and_not_one_too_many(
            held in proptest::collection::vec((0..2usize, 1..50u64), 0..8), want in (0..80u64, 0..80u64),
        ) {
            let held: Vec<Vec<DeviceBytes>> = held.into_iter().map(|(d, bytes)| on(["CPU", "CUDA0"][d], bytes)).collect();
            let all: Vec<&[DeviceBytes]> = held.iter().map(Vec::as_slice).collect();
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
