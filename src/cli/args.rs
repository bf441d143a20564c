//! Value parsers that several commands share.

use crate::clock::Timestamp;
use crate::failure::{Failure, Kind};
use crate::model::StoreKind;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use std::time::Duration;

/// Returns a value parser over the names of an enum of modelctl, so that help and completion list them.
pub(super) fn named<T: Copy + Send + Sync + 'static>(
    all: &'static [T],
    name: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    // The name in the database is the British one.
    let value = |name: &'static str| match name {
        "cancelled" => PossibleValue::new(name).alias("canceled"),
        _ => PossibleValue::new(name),
    };
    PossibleValuesParser::new(all.iter().map(move |v| value(name(*v)))).try_map(move |text| {
        all.iter()
            .copied()
            .find(|v| value(name(*v)).matches(&text, false))
            .ok_or_else(|| Failure::new(Kind::Usage, "no such value"))
    })
}

/// Returns a value parser over the kinds of stores, which accepts other names of them as well.
pub(super) fn store() -> impl TypedValueParser<Value = StoreKind> {
    let value = |store: &StoreKind| PossibleValue::new(store.name()).aliases(store.synonyms());
    PossibleValuesParser::new(StoreKind::ALL.iter().map(value))
        .try_map(|text| StoreKind::from_name(&text).ok_or_else(|| Failure::new(Kind::Usage, "no such store")))
}

pub(super) fn temperature(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(t) if (0.0..=5.0).contains(&t) => Ok(t),
        _ => Err("give a number from 0 to 5".to_owned()),
    }
}

/// Parses a time limit, which must be above 0.
pub(super) fn limit(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("give a time above 0".to_owned()),
        limit => Ok(limit),
    }
}

/// Parses a length of time.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| not_a_time(text))
}

fn not_a_time(text: &str) -> String {
    let shown: String = text.escape_debug().take(40).collect();
    match text.parse::<f64>() {
        Ok(number) if number >= 0.0 => {
            format!("`{shown}` needs a unit: `{shown}s` is seconds; s, m, h and d are known")
        }
        _ => format!("`{shown}` is not a time such as 90s, 10m or 2h"),
    }
}

/// A point in time as typed on the command line: absolute, or relative to now.
#[derive(Debug, Clone, Copy)]
pub(super) enum When {
    At(Timestamp),
    In(Duration),
}

pub(super) fn when(text: &str) -> Result<When, String> {
    if let Ok(duration) = humantime::parse_duration(text) {
        return Ok(When::In(duration));
    }
    match text.parse::<jiff::Timestamp>() {
        Ok(time) => Ok(When::At(Timestamp(time.as_millisecond()))),
        Err(_) => {
            Err("give a time with its zone (`2026-11-21T06:00:00Z`, `2026-11-21T06:00:00+01:00`) or a delay (`2h`)"
                .into())
        }
    }
}

impl When {
    /// Returns the point in time, for a command that started at `now`.
    pub fn from(self, now: Timestamp) -> Timestamp {
        match self {
            When::At(time) => time,
            When::In(wait) => {
                Timestamp(now.millis().saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)))
            }
        }
    }
}
