//! How much models were used of late.

use super::ModelId;
use std::collections::BTreeMap;

/// The uses of a model in one hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourlyUses {
    pub model: ModelId,
    /// Hours since the Unix epoch.
    pub hour: i64,
    pub count: u64,
}

/// The hours after which a use counts half.
const HALF_LIFE: f64 = 24.0;
/// The hours after which a use counts nothing.
pub const REMEMBERED: i64 = 14 * 24;

/// Returns the popularity of every model that was used, 0 to 1 against the most used one. A use counts half after 24 hours.
/// `now` is in hours since the Unix epoch; a use that seems to be in the future counts as one of now.
pub fn popularity(uses: &[HourlyUses], now: f64) -> Vec<(ModelId, f64)> {
    let mut sums: BTreeMap<&ModelId, f64> = BTreeMap::new();
    for HourlyUses { model, hour, count } in uses {
        // The middle of the hour stands for all of it.
        let age = (now - (*hour as f64 + 0.5)).max(0.0);
        if age < REMEMBERED as f64 {
            *sums.entry(model).or_default() += *count as f64 * (-age / HALF_LIFE).exp2();
        }
    }
    let most = sums.values().copied().fold(0.0, f64::max);
    if most <= 0.0 {
        return Vec::new();
    }
    sums.into_iter().map(|(model, sum)| (model.clone(), sum / most)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uses(of: &[(&str, i64, u64)]) -> Vec<HourlyUses> {
        of.iter()
            .map(|(model, hour, count)| HourlyUses { model: ModelId((*model).into()), hour: *hour, count: *count })
            .collect()
    }

    /// A model that was used much last month would otherwise be kept before the one of today.
    #[test]
    fn a_use_counts_half_a_day_later_and_nothing_after_two_weeks() {
        let now = 1_000.5;
        let of =
            popularity(&uses(&[("a", 1_000, 10), ("b", 976, 10), ("c", 952, 20), ("d", 1_000 - REMEMBERED, 900)]), now);
        let expected = [("a", 1.0), ("b", 0.5), ("c", 0.5)];
        assert_eq!(of.len(), expected.len(), "{of:?}");
        for ((model, value), (name, wanted)) in of.iter().zip(expected) {
            assert!(model.as_str() == name && (value - wanted).abs() < 1e-9, "{of:?}");
        }
    }

    #[test]
    fn a_clock_that_was_set_back_makes_no_use_count_more_than_once() {
        let of = popularity(&uses(&[("a", 5_000, 1), ("b", 10, 1)]), 10.5);
        assert_eq!(of, [(ModelId("a".into()), 1.0), (ModelId("b".into()), 1.0)]);
        assert_eq!(popularity(&[], 1.0), []);
    }
}
