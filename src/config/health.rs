//! Settings of the commands that look at a node: `[health]`, `[triage]`.

use super::read::duration;
use crate::model::health::{Level, Thresholds};
use serde::{Deserialize, Deserializer, de};
use std::time::Duration;

/// Settings of `health`.
#[derive(Debug, Clone, PartialEq)]
pub struct HealthConfig {
    pub level: Level,
    /// The time limit for the whole.
    pub timeout: Duration,
    pub warning: Thresholds,
    pub critical: Thresholds,
}

/// Settings of `triage`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriageConfig {
    /// How far back logs are read.
    pub since: Duration,
    /// Rules that are not applied: `SUP-18`.
    pub skip: Vec<String>,
    /// Names of programs that have no business on this node.
    pub must_not_run: Vec<String>,
}

impl Default for HealthConfig {
    fn default() -> Self {
        HealthConfig {
            level: Level::default(),
            timeout: Duration::from_secs(5),
            warning: Thresholds::default(),
            critical: Thresholds::default(),
        }
    }
}

impl Default for TriageConfig {
    fn default() -> Self {
        TriageConfig { since: Duration::from_secs(3_600), skip: Vec::new(), must_not_run: Vec::new() }
    }
}

/// `[health]` of the config file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Health {
    level: Option<Level>,
    #[serde(deserialize_with = "timeout")]
    timeout: Option<Duration>,
    warning: Thresholds,
    critical: Thresholds,
}

impl Health {
    pub fn settings(&self) -> HealthConfig {
        let default = HealthConfig::default();
        HealthConfig {
            level: self.level.unwrap_or(default.level),
            timeout: self.timeout.unwrap_or(default.timeout),
            warning: self.warning.clone(),
            critical: self.critical.clone(),
        }
    }
}

/// `[triage]` of the config file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Triage {
    #[serde(deserialize_with = "since")]
    since: Option<Duration>,
    #[serde(deserialize_with = "rules")]
    skip: Vec<String>,
    #[serde(deserialize_with = "programs")]
    must_not_run: Vec<String>,
}

impl Triage {
    pub fn settings(&self) -> TriageConfig {
        TriageConfig {
            since: self.since.unwrap_or(TriageConfig::default().since),
            skip: self.skip.clone(),
            must_not_run: self.must_not_run.clone(),
        }
    }
}

fn within<'de, D: Deserializer<'de>>(d: D, least: Duration, most: Duration) -> Result<Option<Duration>, D::Error> {
    let time = duration(d)?;
    match time {
        Some(time) if !(least..=most).contains(&time) => {
            let [time, least, most] = [time, least, most].map(humantime::format_duration);
            Err(de::Error::custom(format!("{time} is not between {least} and {most}")))
        }
        _ => Ok(time),
    }
}

fn timeout<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Duration>, D::Error> {
    within(d, Duration::from_millis(10), Duration::from_secs(3_600))
}

fn since<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Duration>, D::Error> {
    within(d, Duration::from_secs(1), Duration::from_secs(366 * 86_400))
}

fn rules<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<String>, D::Error> {
    let is_rule = |rule: &str| {
        rule.split_once('-').is_some_and(|(kind, number)| {
            kind.len() >= 2
                && kind.bytes().all(|b| b.is_ascii_uppercase())
                && !number.is_empty()
                && number.bytes().all(|b| b.is_ascii_digit())
        })
    };
    refuse_unless(d, is_rule, "is not a rule id such as SUP-18")
}

fn programs<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<String>, D::Error> {
    refuse_unless(d, |name| !name.trim().is_empty(), "is not a program name")
}

fn refuse_unless<'de, D: Deserializer<'de>>(
    d: D,
    is_right: impl Fn(&str) -> bool,
    why: &str,
) -> Result<Vec<String>, D::Error> {
    let texts = Vec::<String>::deserialize(d)?;
    match texts.iter().find(|text| !is_right(text)) {
        Some(wrong) => Err(de::Error::custom(format!("`{}` {why}", wrong.escape_debug()))),
        None => Ok(texts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Env, Flags};

    fn load(toml: &str) -> Result<Config, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        std::fs::write(&path, toml).unwrap();
        let flags = Flags { config: Some(path), ..Flags::default() };
        Config::load(&flags, &Env::from_pairs(&[])).map_err(|error| format!("{error:#}"))
    }

    /// What a person sets in the file must be what the commands use.
    #[test]
    fn health_and_triage_have_their_settings_from_the_file() {
        let none = load("").unwrap();
        assert_eq!((none.health, none.triage), (HealthConfig::default(), TriageConfig::default()));
        let toml = "[health]\nlevel = \"deep\"\ntimeout = \"2s\"\nwarning = { disk_free = \"10%:\" }\n\
                    critical = { disk_free = \"5%:\", llama_time = \"~:1\" }\n\
                    [triage]\nsince = \"2h\"\nskip = [\"SUP-18\"]\nmust_not_run = [\"scheduler\"]\n";
        let config = load(toml).unwrap();
        assert_eq!((config.health.level, config.health.timeout), (Level::Deep, Duration::from_secs(2)));
        let range = |thresholds: &Thresholds, target, metric| thresholds.of(target, metric).unwrap().to_string();
        assert_eq!(range(&config.health.warning, "/", "disk_free"), "10:");
        assert_eq!(range(&config.health.critical, "/", "disk_free"), "5:");
        assert_eq!(range(&config.health.critical, "llama", "time"), "~:1");
        let triage = TriageConfig {
            since: Duration::from_secs(7_200),
            skip: vec!["SUP-18".to_owned()],
            must_not_run: vec!["scheduler".to_owned()],
        };
        assert_eq!(config.triage, triage);
    }

    /// A threshold or a rule that is misspelt would otherwise never have an effect.
    #[test]
    fn a_mistake_is_refused_with_its_line_and_key() {
        for (toml, key, why) in [
            ("[health]\nlevel = \"up\"\n", "`health.level`", "unknown variant `up`"),
            ("[health]\ntimeout = \"0s\"\n", "`health.timeout`", "is not between 10ms and 1h"),
            ("[health]\nwarning = { disk_fre = \"10%:\" }\n", "`health.warning", "no metric is named `disk_fre`"),
            ("[health]\nwarning = { disk_free = \"much\" }\n", "`health.warning", "`much` is not a range"),
            ("[health]\ncritical = { time = \"10%:\" }\n", "`health.critical", "`time` is measured in s, not in %"),
            ("[health]\nlevels = 1\n", "`health.levels`", "unknown field `levels`"),
            ("[triage]\nskip = [\"sup 18\"]\n", "`triage.skip", "`sup 18` is not a rule"),
            ("[triage]\nsince = \"0s\"\n", "`triage.since`", "is not between 1s"),
            ("[triage]\nmust_not_run = [\"\"]\n", "`triage.must_not_run", "is not a program name"),
        ] {
            let text = load(toml).unwrap_err();
            assert!(text.contains("config.toml:2: ") && text.contains(key) && text.contains(why), "{text}");
        }
    }
}
