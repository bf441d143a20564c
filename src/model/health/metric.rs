use super::Range;
use serde::{Deserialize, Deserializer, de};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// Something that is measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metric {
    pub name: &'static str,
    /// A unit of the Monitoring Plugins: `s`, `%`, or empty for a count.
    pub unit: &'static str,
    pub about: &'static str,
    /// The ranges where none are set.
    pub warning: Option<Range>,
    pub critical: Option<Range>,
}

const fn metric(name: &'static str, unit: &'static str, about: &'static str) -> Metric {
    Metric { name, unit, about, warning: None, critical: None }
}

const fn at_least(warning: f64, critical: f64, metric: Metric) -> Metric {
    let (warning, critical) = (Some(Range::at_least(warning)), Some(Range::at_least(critical)));
    Metric { warning, critical, ..metric }
}

/// Everything that checks measure.
pub const METRICS: &[Metric] = &[
    metric("time", "s", "response time of an endpoint"),
    metric("token_time", "s", "time for one token (level deep)"),
    at_least(5.0, 2.0, metric("disk_free", "%", "free space on a writable file system")),
    at_least(5.0, 2.0, metric("inodes_free", "%", "free inodes of a file system")),
    at_least(5.0, 2.0, metric("memory_available", "%", "available memory")),
    metric("gpu_memory_free", "%", "free GPU memory"),
    metric("gpu_temperature", "", "GPU temperature in degrees Celsius"),
    Metric {
        warning: Some(Range::between(-30.0, 30.0)),
        ..metric("clock_skew", "s", "how far an endpoint's clock is ahead of this machine's")
    },
    metric("queue_pollers", "", "workers that poll the queue"),
    metric("queue_backlog", "", "tasks waiting in the queue"),
    metric("tasks_due", "", "modelctl's waiting tasks"),
    metric("tasks_failed", "", "modelctl's failed tasks"),
];

/// The name of a metric, alone or after the target that it is of: `time`, `llama_time`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MetricName(String);

impl MetricName {
    /// Returns whether it means this metric of this target.
    pub fn is(&self, target: &str, metric: &str) -> bool {
        self.0 == metric || self.is_of_target(target, metric)
    }

    fn is_of_target(&self, target: &str, metric: &str) -> bool {
        self.0.strip_suffix(metric).and_then(|rest| rest.strip_suffix('_')) == Some(target)
    }

    /// Returns the unit of what it names; empty for a count.
    fn unit(&self) -> &'static str {
        of_name(&self.0).map_or("", |metric| metric.unit)
    }
}

/// Returns the metric with the longest name that `name` is or ends with.
fn of_name(name: &str) -> Option<&'static Metric> {
    let matches = |metric: &&Metric| {
        name.strip_suffix(metric.name).is_some_and(|rest| rest.is_empty() || (rest.len() > 1 && rest.ends_with('_')))
    };
    METRICS.iter().filter(matches).max_by_key(|metric| metric.name.len())
}

impl FromStr for MetricName {
    type Err = String;

    fn from_str(text: &str) -> Result<MetricName, String> {
        if of_name(text).is_some() {
            return Ok(MetricName(text.to_owned()));
        }
        let known: Vec<_> = METRICS.iter().map(|metric| metric.name).collect();
        Err(format!(
            "no metric is named `{}`: use {}, or TARGET_ followed by one of these",
            text.escape_debug(),
            known.join(", ")
        ))
    }
}

impl fmt::Display for MetricName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for MetricName {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<MetricName, D::Error> {
        String::deserialize(d)?.parse().map_err(de::Error::custom)
    }
}

/// The ranges of one severity, by metric.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Thresholds(BTreeMap<MetricName, Range>);

impl Thresholds {
    /// Sets a range; one that was set for the same name before is replaced.
    ///
    /// # Errors
    /// A sentence without a full stop where the range has a unit that the metric does not have.
    pub fn set(&mut self, name: MetricName, range: Range) -> Result<(), String> {
        let (given, unit) = (range.unit(), name.unit());
        if !given.is_empty() && given != unit {
            let what = if unit.is_empty() { "is a count".to_owned() } else { format!("is measured in {unit}") };
            return Err(format!("`{name}` {what}, not in {given}"));
        }
        self.0.insert(name, range);
        Ok(())
    }

    /// Takes over all ranges of `other`.
    pub fn extend(&mut self, other: &Thresholds) {
        self.0.extend(other.0.iter().map(|(name, range)| (name.clone(), *range)));
    }

    /// Returns the range for a metric of a target. One that names the target wins.
    pub fn of(&self, target: &str, metric: &str) -> Option<Range> {
        let named = |(name, _): &(&MetricName, &Range)| name.is_of_target(target, metric);
        let any = |(name, _): &(&MetricName, &Range)| name.is(target, metric);
        self.0.iter().find(named).or_else(|| self.0.iter().find(any)).map(|(_, range)| *range)
    }
}

/// Parses `NAME=RANGE`.
impl FromStr for Thresholds {
    type Err = String;

    fn from_str(text: &str) -> Result<Thresholds, String> {
        // The name of a target may hold `=`, a range never does.
        let (name, range) = text.rsplit_once('=').ok_or("expected NAME=RANGE, as in disk_free=10%:")?;
        let mut thresholds = Thresholds::default();
        thresholds.set(name.parse()?, range.parse()?)?;
        Ok(thresholds)
    }
}

impl<'de> Deserialize<'de> for Thresholds {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Thresholds, D::Error> {
        let mut thresholds = Thresholds::default();
        for (name, range) in BTreeMap::<MetricName, String>::deserialize(d)? {
            let range: Range = range.parse().map_err(|why| de::Error::custom(format!("`{name}`: {why}")))?;
            thresholds.set(name, range).map_err(de::Error::custom)?;
        }
        Ok(thresholds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A misspelt name would otherwise be a threshold that never alerts.
    #[test]
    fn a_threshold_names_a_metric_that_exists() {
        let refusal = |text: &str| text.parse::<Thresholds>().unwrap_err();
        assert!(refusal("disk_fre=10:").contains("no metric is named `disk_fre`: use time, token_time, disk_free,"));
        assert!(refusal("disk_free").contains("NAME=RANGE"));
        assert!(refusal("_time=1").contains("no metric"));
        assert!(refusal("disk_free=").contains("not a range"));
        assert!(refusal("time=10%").contains("`time` is measured in s, not in %"));
        assert!(refusal("queue_backlog=10%").contains("is a count"));
    }

    /// The service with a tight limit must not get the limit of all.
    #[test]
    fn a_range_for_one_target_wins_over_that_for_all() {
        let mut all: Thresholds = "time=~:5s".parse().unwrap();
        all.extend(&"a=b_time=~:1".parse().unwrap());
        all.extend(&"llama_token_time=2".parse().unwrap());
        assert_eq!(all.of("a=b", "time"), Some(Range::at_most(1.0)));
        assert_eq!(all.of("llama", "time").map(|range| range.to_string()).as_deref(), Some("~:5"));
        assert_eq!(all.of("llama", "token_time").map(|range| range.to_string()).as_deref(), Some("2"));
        assert_eq!(all.of("other", "token_time"), None);
        assert_eq!(all.of("llama", "disk_free"), None);
    }
}
