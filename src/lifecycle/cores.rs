//! How servers that generate at the same time share the cores.

use super::Class;

/// Returns the threads of each server, by the class of what it answers: a higher class has twice the share of the next
/// lower one. All together are no more than `cores`, as long as there are no more servers than cores.
pub(super) fn shares(cores: u32, classes: &[Class]) -> Vec<u32> {
    let weight = |class: &Class| match class {
        Class::Interactive => 4_u32,
        Class::Normal => 2,
        Class::Batch => 1,
    };
    let all: u32 = classes.iter().map(weight).fold(0, u32::saturating_add);
    if all == 0 {
        return Vec::new();
    }
    let share = |class: &Class| u64::from(cores).saturating_mul(u64::from(weight(class))) / u64::from(all);
    let mut shares: Vec<u32> =
        classes.iter().map(|class| u32::try_from(share(class)).unwrap_or(u32::MAX).max(1)).collect();
    let mut order: Vec<usize> = (0..classes.len()).collect();
    order.sort_by_key(|at| classes.get(*at).copied());
    let sum = |shares: &[u32]| shares.iter().copied().fold(0, u32::saturating_add);
    // What rounding has left goes to the highest classes; what the least share of one thread took comes from them.
    for at in order.iter().cycle().take(classes.len().saturating_mul(2)) {
        let left = cores.saturating_sub(sum(&shares));
        if let Some(share) = shares.get_mut(*at).filter(|_| left > 0) {
            *share = share.saturating_add(1);
        }
    }
    while sum(&shares) > cores {
        let Some(largest) = shares.iter_mut().max().filter(|share| **share > 1) else { break };
        *largest = largest.saturating_sub(1);
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_alone_has_all_cores_and_a_person_comes_before_queued_tasks() {
        use Class::{Batch, Interactive, Normal};
        assert_eq!(shares(8, &[Batch]), [8]);
        assert_eq!(shares(8, &[Normal, Normal]), [4, 4]);
        assert_eq!(shares(8, &[Batch, Interactive]), [1, 7]);
        assert_eq!(shares(2, &[Batch, Interactive, Normal]), [1, 1, 1]);
        assert!(shares(8, &[]).is_empty());
    }

    proptest! {
        /// Two servers with all cores each are slower than one after the other.
        #[test]
        fn no_core_is_given_twice_and_none_is_left(cores in 1..200u32, classes in proptest::collection::vec(0..3usize, 1..12)) {
            let classes: Vec<Class> = classes.into_iter().map(|at| Class::ALL[at]).collect();
            let shares = shares(cores, &classes);
            let servers = u32::try_from(classes.len()).unwrap();
            prop_assert_eq!(shares.iter().sum::<u32>(), cores.max(servers));
            for (a, b) in (0..classes.len()).flat_map(|a| (0..classes.len()).map(move |b| (a, b))) {
                prop_assert!(classes[a] >= classes[b] || shares[a] >= shares[b], "{:?} {:?}", &classes, &shares);
            }
        }
    }
}
