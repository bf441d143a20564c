//! When servers are loaded, unloaded and shared with others: `[lifecycle]`, `[pressure]`, `[[external]]`, and the
//! variables `MODELCTL_LIFECYCLE_INTERVAL`, `MODELCTL_IDLE_TIMEOUT`, `MODELCTL_VRAM_PRESSURE_PCT`,
//! `MODELCTL_RAM_PRESSURE_PCT`, `MODELCTL_CPU_PRESSURE_PCT`, `MODELCTL_DISK_FREE_MIN_GB`.

use super::read::{bytes, duration};
use super::servers::without_secrets;
use super::{Env, ListenAddress, ServeConfig, ServerAddress};
use crate::failure::Failure;
use crate::model::lifecycle::Thresholds;
use serde::{Deserialize, Deserializer, de};
use std::collections::HashSet;
use std::time::Duration;

/// The time between two readings of the machine.
const INTERVAL: Duration = Duration::from_secs(15);
/// The same for a machine that loads everything once.
const STATIC_INTERVAL: Duration = Duration::from_secs(120);
const LONGEST_INTERVAL: Duration = Duration::from_secs(3_600);
const LONGEST_IDLE: Duration = Duration::from_secs(365 * 86_400);
const PERCENT: std::ops::RangeInclusive<u64> = 1..=100;
/// More than any disk has is a typing error.
const MOST_FREE: u64 = 1 << 50;

/// Settings of the loop that looks after the servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LifecycleConfig {
    pub interval: Duration,
    /// Whether the machine loads everything once: it is looked at less often.
    pub is_static: bool,
    /// The time without a request after which a server is stopped for which nobody chose one.
    pub idle_timeout: Option<Duration>,
    /// What is loaded at start: names of models, `pinned`, `last`.
    pub preload: Vec<String>,
    pub thresholds: Thresholds,
    pub externals: Vec<ExternalConfig>,
}

impl Default for LifecycleConfig {
    fn default() -> Self {
        LifecycleConfig {
            interval: INTERVAL,
            is_static: false,
            idle_timeout: None,
            preload: Vec::new(),
            thresholds: Thresholds::default(),
            externals: Vec::new(),
        }
    }
}

/// A model server that somebody else runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalConfig {
    /// Unique.
    pub name: String,
    pub url: ServerAddress,
    /// The model that it serves, as everywhere in modelctl; None: what it says itself.
    pub model: Option<String>,
    /// Whether requests for its model are sent to it.
    pub attach: bool,
    pub takeover: Takeover,
}

/// What is done when a server of somebody else that was attached has gone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Takeover {
    /// The next request for its model starts ours.
    #[default]
    None,
    /// Ours is started, after a second look.
    Start,
}

/// `[lifecycle]` of the config file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Lifecycle {
    #[serde(deserialize_with = "interval")]
    interval: Option<Duration>,
    #[serde(rename = "static")]
    is_static: Option<bool>,
    #[serde(deserialize_with = "idle")]
    idle_timeout: Option<Duration>,
    #[serde(deserialize_with = "names")]
    preload: Vec<String>,
}

/// `[pressure]` of the config file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Pressure {
    #[serde(deserialize_with = "percent")]
    vram_percent: Option<u8>,
    #[serde(deserialize_with = "percent")]
    ram_percent: Option<u8>,
    #[serde(deserialize_with = "percent")]
    stall_percent: Option<u8>,
    #[serde(deserialize_with = "percent")]
    cpu_percent: Option<u8>,
    #[serde(deserialize_with = "free")]
    disk_free: Option<u64>,
}

/// One `[[external]]` of the config file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct External {
    #[serde(deserialize_with = "filled")]
    name: String,
    #[serde(deserialize_with = "address")]
    url: ServerAddress,
    #[serde(default, deserialize_with = "some_filled")]
    model: Option<String>,
    #[serde(default)]
    attach: bool,
    #[serde(default)]
    takeover: Takeover,
}

impl LifecycleConfig {
    /// Loads the settings: those of the environment, then those of the file.
    ///
    /// # Errors
    /// `CannotMeet` for a variable that cannot be used, and for settings that contradict each other.
    pub(super) fn load(
        env: &Env,
        (lifecycle, pressure, externals): (Lifecycle, &Pressure, Vec<External>),
        serve: &ServeConfig,
    ) -> anyhow::Result<LifecycleConfig> {
        let is_static = lifecycle.is_static.unwrap_or(false);
        let interval = time(env, "MODELCTL_LIFECYCLE_INTERVAL", Duration::from_secs(1), LONGEST_INTERVAL)?;
        let usual = if is_static { STATIC_INTERVAL } else { INTERVAL };
        let idle = time(env, "MODELCTL_IDLE_TIMEOUT", Duration::from_secs(1), LONGEST_IDLE)?;
        Ok(LifecycleConfig {
            interval: interval.or(lifecycle.interval).unwrap_or(usual),
            is_static,
            idle_timeout: idle.or(lifecycle.idle_timeout),
            preload: lifecycle.preload,
            thresholds: thresholds(env, pressure)?,
            externals: checked(externals, serve)?,
        })
    }
}

fn thresholds(env: &Env, file: &Pressure) -> anyhow::Result<Thresholds> {
    let default = Thresholds::default();
    let percent = |key: &str, file: Option<u8>, default: u8| -> anyhow::Result<u8> {
        let set = env.number(key, PERCENT)?.and_then(|n| u8::try_from(n).ok()); // within its range
        Ok(set.or(file).unwrap_or(default))
    };
    Ok(Thresholds {
        vram: percent("MODELCTL_VRAM_PRESSURE_PCT", file.vram_percent, default.vram)?,
        ram: percent("MODELCTL_RAM_PRESSURE_PCT", file.ram_percent, default.ram)?,
        stalls: file.stall_percent.unwrap_or(default.stalls),
        cpu: percent("MODELCTL_CPU_PRESSURE_PCT", file.cpu_percent, default.cpu)?,
        disk: gigabytes(env, "MODELCTL_DISK_FREE_MIN_GB")?.or(file.disk_free).unwrap_or(default.disk),
    })
}

/// Returns a number of gigabytes of the environment in bytes: `2`, `0.5`.
fn gigabytes(env: &Env, key: &str) -> anyhow::Result<Option<u64>> {
    let Some(text) = env.text(key) else { return Ok(None) };
    let bytes = text.trim().parse::<f64>().ok().map(|gigabytes| gigabytes * 1e9);
    match bytes.filter(|bytes| (0.0..=MOST_FREE as f64).contains(bytes)) {
        Some(bytes) => Ok(Some(bytes as u64)),
        None => {
            let text = text.escape_debug();
            Err(Failure::cannot_meet(format!("{key} is `{text}`: give a number of gigabytes, such as 2 or 0.5")).into())
        }
    }
}

/// Returns a time of the environment, also one in bare seconds.
fn time(env: &Env, key: &str, least: Duration, most: Duration) -> anyhow::Result<Option<Duration>> {
    let seconds = env.text(key).and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
    let time = match seconds {
        Some(seconds) => Some(seconds),
        None => env.duration(key)?,
    };
    match time {
        Some(time) if !(least..=most).contains(&time) => {
            Err(Failure::cannot_meet(format!("{key}: {}", outside(time, least, most))).into())
        }
        time => Ok(time),
    }
}

fn outside(time: Duration, least: Duration, most: Duration) -> String {
    let [time, least, most] = [time, least, most].map(humantime::format_duration);
    format!("{time} is not between {least} and {most}")
}

/// Refuses servers that contradict each other or our own addresses.
fn checked(externals: Vec<External>, serve: &ServeConfig) -> anyhow::Result<Vec<ExternalConfig>> {
    let (mut names, mut urls) = (HashSet::new(), HashSet::new());
    for external in &externals {
        let name = external.name.escape_debug();
        let refuse = |why: String| Err(Failure::cannot_meet(format!("[[external]] `{name}`: {why}")).into());
        if !names.insert(&external.name) {
            return refuse("another one has this name".to_owned());
        }
        if !urls.insert((&external.url.host, external.url.port)) {
            return refuse(format!("another one has the address {}", external.url));
        }
        if serve.listen.iter().any(|address| is_same(address, &external.url)) {
            return refuse(format!("{} is the address of this daemon", external.url));
        }
        match (external.takeover, external.attach, &external.model) {
            (Takeover::Start, false, _) => {
                return refuse("`takeover = \"start\"` requires `attach = true`".to_owned());
            }
            (Takeover::Start, true, None) => {
                return refuse("`takeover = \"start\"` requires `model`, the model to start".to_owned());
            }
            _ => {}
        }
    }
    Ok(externals
        .into_iter()
        .map(|External { name, url, model, attach, takeover }| ExternalConfig { name, url, model, attach, takeover })
        .collect())
}

/// Returns whether a server's address leads to one of ours.
fn is_same(ours: &ListenAddress, theirs: &ServerAddress) -> bool {
    let ListenAddress::Tcp(ours) = ours else { return false };
    let is_host = match theirs.host.parse::<std::net::IpAddr>() {
        Ok(ip) => ip == ours.ip() || (ours.ip().is_unspecified() && ip.is_loopback()),
        Err(_) => {
            theirs.host.eq_ignore_ascii_case("localhost") && (ours.ip().is_loopback() || ours.ip().is_unspecified())
        }
    };
    is_host && theirs.port == ours.port()
}

fn between<E: de::Error>(time: Option<Duration>, least: Duration, most: Duration) -> Result<Option<Duration>, E> {
    match time {
        Some(time) if !(least..=most).contains(&time) => Err(E::custom(outside(time, least, most))),
        time => Ok(time),
    }
}

fn interval<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Duration>, D::Error> {
    between(duration(d)?, Duration::from_secs(1), LONGEST_INTERVAL)
}

fn idle<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Duration>, D::Error> {
    between(duration(d)?, Duration::from_secs(1), LONGEST_IDLE)
}

fn percent<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u8>, D::Error> {
    let n = u64::deserialize(d)?;
    match u8::try_from(n) {
        Ok(percent) if PERCENT.contains(&n) => Ok(Some(percent)),
        _ => Err(de::Error::custom(format!("{n} is not between 1 and 100"))),
    }
}

fn free<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u64>, D::Error> {
    match bytes(d)? {
        Some(bytes) if bytes > MOST_FREE => Err(de::Error::custom("no disk has that much")),
        bytes => Ok(bytes),
    }
}

fn filled<'de, D: Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    let text = String::deserialize(d)?;
    match text.trim().is_empty() || text.contains(char::is_control) {
        true => Err(de::Error::custom(format!("`{}` is empty or has control characters", text.escape_debug()))),
        false => Ok(text),
    }
}

fn some_filled<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    filled(d).map(Some)
}

fn names<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<String>, D::Error> {
    let names = Vec::<String>::deserialize(d)?;
    let mut seen = HashSet::new();
    for name in &names {
        let told = name.escape_debug();
        if name.trim().is_empty() || name.contains(char::is_control) {
            return Err(de::Error::custom(format!("`{told}` is not a model name")));
        }
        if !seen.insert(name) {
            return Err(de::Error::custom(format!("`{told}` is listed twice")));
        }
    }
    Ok(names)
}

fn address<'de, D: Deserializer<'de>>(d: D) -> Result<ServerAddress, D::Error> {
    let text = String::deserialize(d)?;
    let wrong = |why: &str| de::Error::custom(format!("`{}`: {why}", without_secrets(&text)));
    let address = ServerAddress::parse(&text).map_err(|why| wrong(&why))?;
    match address.base.as_str() {
        "" => Ok(address),
        _ => Err(wrong("a path cannot be used; give http://HOST:PORT")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Flags};
    use super::*;

    fn load(env: &[(&str, &str)], toml: &str) -> anyhow::Result<LifecycleConfig> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        std::fs::write(&path, toml).unwrap();
        let flags = Flags { config: Some(path), ..Flags::default() };
        Config::load(&flags, &Env::from_pairs(env)).map(|config| config.lifecycle)
    }

    fn error(env: &[(&str, &str)], toml: &str) -> String {
        format!("{:#}", load(env, toml).unwrap_err())
    }

    /// Numbers that a person set would be without effect, and servers be evicted at others.
    #[test]
    fn thresholds_and_times_are_those_of_the_environment_before_those_of_the_file() {
        assert_eq!(load(&[], "").unwrap(), LifecycleConfig::default());
        assert_eq!(load(&[], "[lifecycle]\nstatic = true\n").unwrap().interval, Duration::from_secs(120));
        let file = "[lifecycle]\ninterval = \"30s\"\nstatic = true\nidle_timeout = \"10m\"\npreload = [\"a\", \"pinned\"]\n\
                    [pressure]\nvram_percent = 70\nram_percent = 71\ncpu_percent = 72\nstall_percent = 10\n\
                    disk_free = \"5GB\"\n";
        let set = load(&[], file).unwrap();
        let thresholds = Thresholds { vram: 70, ram: 71, cpu: 72, stalls: 10, disk: 5_000_000_000 };
        assert_eq!((set.interval, set.thresholds), (Duration::from_secs(30), thresholds));
        assert_eq!(
            (set.idle_timeout, set.preload),
            (Some(Duration::from_secs(600)), vec!["a".into(), "pinned".into()])
        );
        let env = [
            ("MODELCTL_LIFECYCLE_INTERVAL", "5"),
            ("MODELCTL_IDLE_TIMEOUT", "2m"),
            ("MODELCTL_VRAM_PRESSURE_PCT", "60"),
            ("MODELCTL_RAM_PRESSURE_PCT", "61"),
            ("MODELCTL_CPU_PRESSURE_PCT", "62"),
            ("MODELCTL_DISK_FREE_MIN_GB", "0.5"),
        ];
        let set = load(&env, file).unwrap();
        let thresholds = Thresholds { vram: 60, ram: 61, cpu: 62, stalls: 10, disk: 500_000_000 };
        assert_eq!((set.interval, set.thresholds), (Duration::from_secs(5), thresholds));
        assert_eq!(set.idle_timeout, Some(Duration::from_secs(120)));
    }

    #[test]
    fn a_value_that_cannot_be_is_refused_by_its_name() {
        for (toml, why) in [
            ("[lifecycle]\ninterval = \"0s\"\n", "`lifecycle.interval`: 0s is not between 1s and 1h"),
            ("[lifecycle]\ninterval = 15\n", "`lifecycle.interval`"),
            ("[lifecycle]\npreload = [\"a\", \"a\"]\n", "`lifecycle.preload`: `a` is listed twice"),
            ("[lifecycle]\npreload = [\"\"]\n", "`lifecycle.preload`"),
            ("[pressure]\nvram_percent = 0\n", "`pressure.vram_percent`: 0 is not between 1 and 100"),
            ("[pressure]\nram_percent = 101\n", "`pressure.ram_percent`"),
            ("[pressure]\ndisk_free = 2\n", "`pressure.disk_free`"),
            ("[pressure]\nvram = 80\n", "unknown field `vram`"),
            ("[[external]]\nname = \"a\"\n", "missing field `url`"),
            ("[[external]]\nname = \"a\"\nurl = \"https://box\"\n", "only http:// can be asked"),
            ("[[external]]\nname = \"a\"\nurl = \"http://box:1/v1\"\n", "a path cannot be used"),
            ("[[external]]\nname = \"a\"\nurl = \"http://box:1\"\ntakeover = \"kill\"\n", "unknown variant `kill`"),
        ] {
            let error = error(&[], toml);
            assert!(error.contains("config.toml:") && error.contains(why), "{error}");
        }
        for (key, value) in [
            ("MODELCTL_LIFECYCLE_INTERVAL", "0"),
            ("MODELCTL_LIFECYCLE_INTERVAL", "soon"),
            ("MODELCTL_IDLE_TIMEOUT", "-5"),
            ("MODELCTL_VRAM_PRESSURE_PCT", "0"),
            ("MODELCTL_RAM_PRESSURE_PCT", "high"),
            ("MODELCTL_CPU_PRESSURE_PCT", "101"),
            ("MODELCTL_DISK_FREE_MIN_GB", "NaN"),
            ("MODELCTL_DISK_FREE_MIN_GB", "-1"),
        ] {
            let error = error(&[(key, value)], "");
            assert!(error.contains(key), "{error}");
        }
    }

    /// One request would be answered by itself for ever, or nobody knew which server is meant.
    #[test]
    fn servers_of_others_that_contradict_each_other_are_refused_by_name() {
        let one = |name: &str, rest: &str| format!("[[external]]\nname = \"{name}\"\n{rest}\n");
        let toml = one("box", "url = \"http://10.0.0.2:8081\"\nmodel = \"qwen\"\nattach = true\ntakeover = \"start\"");
        let external = ExternalConfig {
            name: "box".into(),
            url: ServerAddress::parse("http://10.0.0.2:8081").unwrap(),
            model: Some("qwen".into()),
            attach: true,
            takeover: Takeover::Start,
        };
        assert_eq!(load(&[], &toml).unwrap().externals, [external]);
        let twice = |a: &str, b: &str| one("a", a) + &one("b", b);
        for (toml, why) in [
            (one("a", "url = \"h:1\"") + &one("a", "url = \"h:2\""), "`a`: another one has this name"),
            (twice("url = \"h:1\"", "url = \"http://h:1\""), "`b`: another one has the address http://h:1"),
            (one("a", "url = \"http://localhost:4848\""), "`a`: http://localhost:4848 is the address of this daemon"),
            (one("a", "url = \"http://127.0.0.1:4848\""), "is the address of this daemon"),
            (one("a", "url = \"h:1\"\nmodel = \"m\"\ntakeover = \"start\""), "requires `attach = true`"),
            (one("a", "url = \"h:1\"\nattach = true\ntakeover = \"start\""), "requires `model`"),
        ] {
            let error = error(&[], &toml);
            assert!(error.contains(why), "{error}");
        }
    }
}
