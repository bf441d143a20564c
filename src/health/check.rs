use crate::clock::Timestamp;
use crate::model::health::{Level, METRICS, Metric, Range, Thresholds};
use crate::node::{Fact, Outcome};
use serde::{Serialize, Serializer};

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    // In the order of merging: the worst wins. Unknown is worse than a warning, since a warning can end with exit code
    // 0, and never wins over critical.
    Ok,
    Warning,
    Unknown,
    Critical,
}

impl Status {
    pub fn name(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::Warning => "warning",
            Status::Unknown => "unknown",
            Status::Critical => "critical",
        }
    }

    /// Returns the number of the Monitoring Plugins.
    pub fn number(self) -> u8 {
        match self {
            Status::Ok => 0,
            Status::Warning => 1,
            Status::Critical => 2,
            Status::Unknown => 3,
        }
    }
}

/// What is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CheckName {
    Services,
    Endpoints,
    Models,
    Database,
    Queue,
    Disk,
    Memory,
    Gpu,
    Clock,
}

impl CheckName {
    pub const ALL: &[CheckName] = &[
        CheckName::Services,
        CheckName::Endpoints,
        CheckName::Models,
        CheckName::Database,
        CheckName::Queue,
        CheckName::Disk,
        CheckName::Memory,
        CheckName::Gpu,
        CheckName::Clock,
    ];

    pub fn name(self) -> &'static str {
        match self {
            CheckName::Services => "services",
            CheckName::Endpoints => "endpoints",
            CheckName::Models => "models",
            CheckName::Database => "database",
            CheckName::Queue => "queue",
            CheckName::Disk => "disk",
            CheckName::Memory => "memory",
            CheckName::Gpu => "gpu",
            CheckName::Clock => "clock",
        }
    }

    /// Returns whether it is a check of the machine, which says nothing about what is served.
    pub fn is_of_machine(self) -> bool {
        matches!(self, CheckName::Disk | CheckName::Memory | CheckName::Gpu | CheckName::Clock)
    }
}

/// One check of one target.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Check {
    pub name: CheckName,
    /// A service, a URL, a mount point, a GPU; `node` for the machine as a whole.
    pub target: String,
    pub status: Status,
    /// What was found, in a few words.
    pub what: String,
    /// What was measured, by its name in [`METRICS`].
    pub metric: Option<&'static str>,
    /// In `unit`.
    pub value: Option<f64>,
    /// `s`, `%`, or empty for a count; None where nothing was measured.
    pub unit: Option<&'static str>,
    #[schemars(with = "Option<String>")]
    pub warning: Option<Range>,
    #[schemars(with = "Option<String>")]
    pub critical: Option<Range>,
    /// Why it is not ok.
    pub reason: Option<String>,
    /// The right that is missing, where that is why it is unknown.
    pub right: Option<String>,
    /// The time that the check took.
    pub ms: u64,
}

impl Check {
    fn new(name: CheckName, target: &str, status: Status, what: String, reason: Option<String>) -> Check {
        Check {
            name,
            target: target.to_owned(),
            status,
            what,
            metric: None,
            value: None,
            unit: None,
            warning: None,
            critical: None,
            reason,
            right: None,
            ms: 0,
        }
    }

    pub fn ok(name: CheckName, target: &str, what: impl Into<String>) -> Check {
        Check::new(name, target, Status::Ok, what.into(), None)
    }

    pub fn warning(name: CheckName, target: &str, what: impl Into<String>, reason: impl Into<String>) -> Check {
        Check::new(name, target, Status::Warning, what.into(), Some(reason.into()))
    }

    pub fn critical(name: CheckName, target: &str, what: impl Into<String>, reason: impl Into<String>) -> Check {
        Check::new(name, target, Status::Critical, what.into(), Some(reason.into()))
    }

    pub fn unknown(name: CheckName, target: &str, what: impl Into<String>, reason: impl Into<String>) -> Check {
        Check::new(name, target, Status::Unknown, what.into(), Some(reason.into()))
    }

    /// Creates the check of a fact that has no value: it is unknown, with the reason and the right that is missing.
    pub fn of_unknown<T>(name: CheckName, target: &str, what: impl Into<String>, fact: &Fact<T>) -> Check {
        let why = fact.why().unwrap_or("not read");
        let mut check = Check::unknown(name, target, what, format!("{}: {why}", fact.source));
        if let Outcome::Denied { right, .. } = &fact.outcome {
            check.right = Some(right.clone());
        }
        check
    }

    /// Adds a value and judges it by its ranges. A range can only make the check worse.
    #[must_use]
    pub fn measured(mut self, metric: &'static str, value: f64, limits: &Limits) -> Check {
        let Some(known) = METRICS.iter().find(|known| known.name == metric).filter(|_| value.is_finite()) else {
            return self;
        };
        self.metric = Some(known.name);
        self.value = Some(value);
        self.unit = Some(known.unit);
        (self.warning, self.critical) = limits.of(&self.target, known);
        let alerts = |range: Option<Range>| range.filter(|range| range.alerts(value));
        let found = alerts(self.critical)
            .map(|range| (Status::Critical, range))
            .or_else(|| alerts(self.warning).map(|range| (Status::Warning, range)));
        if let Some((status, range)) = found.filter(|(status, _)| *status > self.status) {
            self.status = status;
            let value = number(value);
            self.reason = Some(format!("{metric} is {value}{} (threshold {range})", known.unit));
        }
        self
    }

    /// Returns the label of its value, `TARGET_METRIC`; None where nothing was measured.
    pub fn label(&self) -> Option<String> {
        self.metric.map(|metric| format!("{}_{metric}", self.target))
    }
}

/// Writes a number with at most three decimals and without an exponent.
pub(super) fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    let short = text.trim_end_matches('0').trim_end_matches('.');
    if short == "-0" { "0".to_owned() } else { short.to_owned() }
}

/// The ranges that are set, over those of [`METRICS`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Limits {
    pub warning: Thresholds,
    pub critical: Thresholds,
}

impl Limits {
    fn of(&self, target: &str, metric: &Metric) -> (Option<Range>, Option<Range>) {
        let warning = self.warning.of(target, metric.name).or(metric.warning);
        (warning, self.critical.of(target, metric.name).or(metric.critical))
    }
}

/// The checks of one run.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Report {
    /// The version of this shape.
    pub schema: u32,
    /// The worst of all checks.
    pub status: Status,
    pub level: Level,
    #[serde(serialize_with = "rfc3339")]
    #[schemars(with = "String")]
    pub time: Timestamp,
    pub took_ms: u64,
    pub checks: Vec<Check>,
    /// Checks that were left out to keep the output short, the best ones.
    #[serde(skip_serializing_if = "is_zero")]
    pub left_out: usize,
    /// Checks of the worst status, those that were left out too.
    #[serde(skip)]
    worst: usize,
}

fn rfc3339<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.rfc3339())
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Report {
    /// Merges checks. Without any, the whole is unknown.
    pub fn new(level: Level, time: Timestamp, took_ms: u64, mut checks: Vec<Check>) -> Report {
        checks.sort_by(|a, b| (a.name, &a.target, a.metric).cmp(&(b.name, &b.target, b.metric)));
        let status = checks.iter().map(|check| check.status).max().unwrap_or(Status::Unknown);
        let worst = checks.iter().filter(|check| check.status == status).count();
        Report { schema: 1, status, level, time, took_ms, checks, left_out: 0, worst }
    }

    /// Returns a report with the `most` worst checks. The status stays that of all.
    pub fn shortened(&self, most: usize) -> Report {
        let mut order: Vec<usize> = (0..self.checks.len()).collect();
        order.sort_by_key(|at| std::cmp::Reverse(self.checks.get(*at).map(|check| check.status)));
        order.truncate(most);
        order.sort_unstable();
        let checks: Vec<Check> = order.iter().filter_map(|at| self.checks.get(*at)).cloned().collect();
        let left_out = self.left_out.saturating_add(self.checks.len().saturating_sub(checks.len()));
        Report { checks, left_out, ..self.clone() }
    }

    /// Returns the whole in a few words: `3 services ready`, or what is wrong with the worst check.
    pub fn summary(&self) -> String {
        let of_status = |status| self.checks.iter().filter(move |check| check.status == status);
        if let Some(worst) = of_status(self.status).next().filter(|_| self.status != Status::Ok) {
            let reason = worst.reason.as_deref().unwrap_or_default();
            let separator = if reason.is_empty() { "" } else { ": " };
            let text = format!("{}: {}{separator}{reason}", worst.target, worst.what);
            let others = self.worst.saturating_sub(1);
            return if others > 0 { format!("{text} (and {others} more)") } else { text };
        }
        let is_served = |check: &&Check| matches!(check.name, CheckName::Services | CheckName::Endpoints);
        let mut targets: Vec<&str> = self.checks.iter().filter(is_served).map(|check| check.target.as_str()).collect();
        targets.sort_unstable();
        targets.dedup();
        match targets.len() {
            0 => format!("{} ok", plural(self.checks.len().saturating_add(self.left_out), "check")),
            count => format!("{} {}", plural(count, "service"), self.level.name()),
        }
    }
}

fn plural(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}
