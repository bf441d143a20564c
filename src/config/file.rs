use super::health::{Health, Triage};
use super::hooks::Hooks;
use super::lifecycle::{External, Lifecycle, Pressure};
use super::memory::Memory;
use super::models::{EngineFile, ModelsFile};
use super::ollama::Ollama;
use super::read::{bytes, duration, typed};
use super::serve::Serve;
use super::servers::without_secrets;
use super::services::{ServicesFile, Supervisor};
use super::{Env, ServerAddress, WorkerConfig, bad_config};
use crate::failure::{Failure, OrFail};
use crate::model::{Age, StoreKind, TierLimits, age};
use serde::{Deserialize, Deserializer, de};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Largest config file that is read. No real config comes near this; a device or a log named by mistake does.
const MAX_BYTES: u64 = 1 << 20;

/// The contents of a config file. Every key is optional; unknown keys are refused.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ConfigFile {
    pub database: Option<PathBuf>,
    pub keep: Vec<String>,
    pub scan: Scan,
    pub tiers: Tiers,
    pub worker: Worker,
    pub engine: EngineFile,
    pub models: ModelsFile,
    pub offload: Offload,
    pub auto_prune: AutoPrune,
    pub prune: Prune,
    pub trash: Trash,
    pub memory: Memory,
    pub lifecycle: Lifecycle,
    pub pressure: Pressure,
    pub external: Vec<External>,
    pub serve: Serve,
    pub hooks: Hooks,
    pub ollama: Ollama,
    pub supervisor: Supervisor,
    pub services: ServicesFile,
    pub health: Health,
    pub triage: Triage,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Scan {
    pub paths: Option<Vec<PathBuf>>,
    /// Folders that are the root of a store, by the name of the store; in addition to the paths.
    pub stores: BTreeMap<StoreKind, Vec<PathBuf>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Tiers {
    pub fast: Limit,
    pub balanced: Limit,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Limit {
    pub parameters: Option<u64>,
    #[serde(deserialize_with = "bytes")]
    pub weights: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Worker {
    #[serde(deserialize_with = "threads")]
    pub threads: Option<u32>,
    #[serde(deserialize_with = "context")]
    pub context: Option<u32>,
    #[serde(deserialize_with = "nice")]
    pub nice: Option<u8>,
    pub gpu_layers: Option<u32>,
    #[serde(deserialize_with = "duration")]
    pub load_timeout: Option<Duration>,
    pub reproducible: Option<bool>,
}

/// Allowed ranges of numbers, here and in the environment.
pub(super) const MAX_TASKS: RangeInclusive<u64> = 1..=1_000_000;
pub(super) const MAX_ATTEMPTS: RangeInclusive<u64> = 1..=100;
pub(super) const POLL_S: RangeInclusive<u64> = 1..=86_400;
pub(super) const DAYS: RangeInclusive<u64> = 0..=36_500;
pub(super) const MIN_KEEP: RangeInclusive<u64> = 0..=1_000_000;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Offload {
    #[serde(deserialize_with = "max_tasks")]
    pub max_tasks: Option<u64>,
    #[serde(deserialize_with = "max_attempts")]
    pub max_attempts: Option<u64>,
    #[serde(deserialize_with = "poll")]
    pub poll: Option<Duration>,
    pub fallback: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AutoPrune {
    #[serde(deserialize_with = "days")]
    pub days: Option<u64>,
    pub confirm: Option<bool>,
    #[serde(deserialize_with = "min_keep")]
    pub min_keep: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Prune {
    /// Ollama's server, in the format of `OLLAMA_HOST`.
    pub ollama: Option<String>,
    #[serde(deserialize_with = "endpoints")]
    pub endpoints: Vec<ServerAddress>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Trash {
    #[serde(deserialize_with = "an_age")]
    pub expire: Option<Age>,
}

fn an_age<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Age>, D::Error> {
    let text = typed(d)?;
    age(&text).map(Some).map_err(de::Error::custom)
}

fn endpoints<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<ServerAddress>, D::Error> {
    let named = Vec::<String>::deserialize(d)?;
    let parse = |text: &String| {
        ServerAddress::parse(text).map_err(|why| de::Error::custom(format!("`{}`: {why}", without_secrets(text))))
    };
    named.iter().map(parse).collect()
}

fn poll<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Duration>, D::Error> {
    let poll = duration(d)?;
    match poll {
        Some(time) if !POLL_S.contains(&time.as_secs()) || time > Duration::from_secs(*POLL_S.end()) => {
            let time = humantime::format_duration(time);
            Err(de::Error::custom(format!("{time} is not between 1 second and 1 day")))
        }
        _ => Ok(poll),
    }
}

fn within<'de, D: Deserializer<'de>>(d: D, least: u32, most: u32) -> Result<Option<u32>, D::Error> {
    Ok(number(d, u64::from(least)..=u64::from(most))?.and_then(|n| u32::try_from(n).ok())) // at most `most`
}

fn number<'de, D: Deserializer<'de>>(d: D, within: RangeInclusive<u64>) -> Result<Option<u64>, D::Error> {
    let n = u64::deserialize(d)?;
    if within.contains(&n) {
        Ok(Some(n))
    } else {
        Err(de::Error::custom(format!("{n} is not between {} and {}", within.start(), within.end())))
    }
}

fn max_tasks<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u64>, D::Error> {
    number(d, MAX_TASKS)
}

fn max_attempts<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u64>, D::Error> {
    number(d, MAX_ATTEMPTS)
}

fn days<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u64>, D::Error> {
    number(d, DAYS)
}

fn min_keep<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u64>, D::Error> {
    number(d, MIN_KEEP)
}

fn threads<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u32>, D::Error> {
    within(d, 1, 512)
}

fn context<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u32>, D::Error> {
    within(d, 64, 1 << 24)
}

fn nice<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u8>, D::Error> {
    Ok(within(d, 0, 19)?.map(|n| n as u8))
}

impl ConfigFile {
    /// Reads a config file.
    ///
    /// # Errors
    /// `CannotMeet`, naming file, line and key.
    pub fn read(path: &Path) -> anyhow::Result<ConfigFile> {
        let unreadable = || {
            let failure =
                Failure::cannot_meet(format!("cannot read config file {}", path.display())).code("bad_config");
            match path.symlink_metadata() {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    failure.hint("there is no such file: name another with --config, or leave it out")
                }
                _ => failure.hint("choose another with --config, or fix its permissions"),
            }
        };
        let about = std::fs::metadata(path).or_fail(unreadable)?;
        if !about.is_file() {
            return Err(bad_config(path, None, "is not a regular file").into());
        }
        if about.len() > MAX_BYTES {
            return Err(bad_config(path, None, "is larger than 1 MiB, which is too large for a config file").into());
        }
        let text = std::fs::read_to_string(path).or_fail(unreadable)?;
        parse(path, &text)
    }
}

/// Returns a message of the parser with the names of Rust's types in words.
fn in_words(message: &str) -> String {
    let Some((found, expected)) = message.rsplit_once(", expected ") else { return message.to_owned() };
    let expected = match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" | "i32" | "i64" => "a whole number",
        "f32" | "f64" => "a number",
        "path string" => "a path in quotes",
        "a string" => "a text in quotes",
        "a boolean" => "true or false",
        "a sequence" => "a list in brackets",
        "a map" => "a table",
        other if other.starts_with("struct ") => "a table",
        other => other,
    };
    format!("{found}, expected {expected}")
}

fn parse(path: &Path, text: &str) -> anyhow::Result<ConfigFile> {
    let line = |at: usize| 1 + text.bytes().take(at).filter(|b| *b == b'\n').count();
    let line_of = |error: &toml::de::Error| error.span().map(|span| line(span.start));
    let document = toml::Deserializer::parse(text).map_err(|e| bad_config(path, line_of(&e), e.message()))?;
    let file: ConfigFile = serde_path_to_error::deserialize(document).map_err(|tracked| {
        let key = tracked.path().to_string();
        let error = tracked.into_inner();
        let message = in_words(error.message());
        let what = if key == "." { message } else { format!("key `{key}`: {message}") };
        bad_config(path, line_of(&error), &what)
    })?;
    match file.services.named_twice() {
        Some((at, what)) => Err(bad_config(path, Some(line(at)), &what).into()),
        None => Ok(file),
    }
}

impl Tiers {
    pub fn limits(&self) -> TierLimits {
        let default = TierLimits::default();
        TierLimits {
            fast_parameters: self.fast.parameters.unwrap_or(default.fast_parameters),
            fast_weights: self.fast.weights.unwrap_or(default.fast_weights),
            balanced_parameters: self.balanced.parameters.unwrap_or(default.balanced_parameters),
            balanced_weights: self.balanced.weights.unwrap_or(default.balanced_weights),
        }
    }
}

impl Worker {
    /// Returns the settings: those of the environment, then those of the file.
    ///
    /// # Errors
    /// `CannotMeet` for a time of the environment that is invalid. Those of the file are parsed with the file.
    pub fn settings(&self, env: &Env) -> anyhow::Result<WorkerConfig> {
        let default = WorkerConfig::default();
        let load_timeout = env.duration("MODELCTL_LOAD_TIMEOUT")?.or(self.load_timeout);
        let reproducible = env.is_set("MODELCTL_REPRODUCIBLE").then(|| env.says_yes("MODELCTL_REPRODUCIBLE"));
        Ok(WorkerConfig {
            threads: self.threads.or(default.threads),
            context: self.context.unwrap_or(default.context),
            nice: self.nice.unwrap_or(default.nice),
            gpu_layers: self.gpu_layers.or(default.gpu_layers),
            load_timeout: load_timeout.unwrap_or(default.load_timeout),
            reproducible: reproducible.or(self.reproducible).unwrap_or(default.reproducible),
        })
    }
}
