//! The size of a machine.

use crate::model::lifecycle::NodeTier;

const GIB: u64 = 1 << 30;

/// Returns the tier of a machine with these bytes of main memory and of each GPU. A machine without a GPU is no more than
/// `Standard`.
pub fn node_tier(memory: u64, gpus: &[u64]) -> NodeTier {
    let largest = gpus.iter().copied().max().unwrap_or(0);
    let large = gpus.iter().filter(|bytes| **bytes >= 24 * GIB).count();
    if memory < 4 * GIB {
        NodeTier::Embedded
    } else if memory < 12 * GIB {
        NodeTier::Lite
    } else if (memory >= 64 * GIB && large >= 1) || large >= 2 {
        NodeTier::ComputeHost
    } else if memory < 32 * GIB || largest < 8 * GIB {
        NodeTier::Standard
    } else {
        NodeTier::Full
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_gpus_make_the_tier() {
        use NodeTier::{ComputeHost, Embedded, Full, Lite, Standard};
        let tier =
            |memory: u64, gpus: &[u64]| node_tier(memory * GIB, &gpus.iter().map(|g| g * GIB).collect::<Vec<_>>());
        assert_eq!(
            [3, 4, 11, 12, 31, 32, 512].map(|memory| tier(memory, &[])),
            [Embedded, Lite, Lite, Standard, Standard, Standard, Standard]
        );
        assert_eq!(
            [tier(32, &[8]), tier(32, &[7]), tier(31, &[24]), tier(63, &[24])],
            [Full, Standard, Standard, Full]
        );
        assert_eq!([tier(64, &[24]), tier(32, &[24, 24]), tier(64, &[16])], [ComputeHost, ComputeHost, Full]);
    }
}
