use super::{ServerAddress, WorkerConfig, bad_config};
use crate::failure::{Failure, OrFail};
use crate::model::{StoreKind, TierLimits};
use bytesize::ByteSize;
use serde::{Deserialize, Deserializer, de};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// No real config comes near this; a device or a log named by mistake does.
const MAX_BYTES: u64 = 1 << 20;

/// The config file as it may be written. Every key is optional, no other key is allowed.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ConfigFile {
    pub database: Option<PathBuf>,
    pub keep: Vec<String>,
    pub scan: Scan,
    pub tiers: Tiers,
    pub worker: Worker,
    pub prune: Prune,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Scan {
    pub paths: Option<Vec<PathBuf>>,
    /// Folders that belong to a store, by its name: in addition to the paths.
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
    pub weights: Option<ByteSize>,
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

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Prune {
    /// As `OLLAMA_HOST`.
    pub ollama: Option<String>,
    #[serde(deserialize_with = "endpoints")]
    pub endpoints: Vec<ServerAddress>,
}

fn endpoints<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<ServerAddress>, D::Error> {
    let named = Vec::<String>::deserialize(d)?;
    let parse = |text: &String| {
        ServerAddress::parse(text).map_err(|why| de::Error::custom(format!("`{}`: {why}", text.escape_debug())))
    };
    named.iter().map(parse).collect()
}

fn duration<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(d)?;
    humantime::parse_duration(&text).map(Some).map_err(|e| de::Error::custom(format!("`{text}` is no duration: {e}")))
}

fn within<'de, D: Deserializer<'de>>(d: D, least: u32, most: u32) -> Result<Option<u32>, D::Error> {
    let n = u32::deserialize(d)?;
    if (least..=most).contains(&n) {
        Ok(Some(n))
    } else {
        Err(de::Error::custom(format!("{n} is not between {least} and {most}")))
    }
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
    /// # Errors
    /// `CannotMeet`, naming file, line and key.
    pub fn read(path: &Path) -> anyhow::Result<ConfigFile> {
        let unreadable = || {
            Failure::cannot_meet(format!("cannot read config file {}", path.display()))
                .hint("name another with --config, or mend its permissions")
        };
        let about = std::fs::metadata(path).or_fail(unreadable)?;
        if !about.is_file() {
            return Err(bad_config(path, None, "is not a regular file").into());
        }
        if about.len() > MAX_BYTES {
            return Err(bad_config(path, None, "is over 1 MiB: that is no config").into());
        }
        let text = std::fs::read_to_string(path).or_fail(unreadable)?;
        parse(path, &text)
    }
}

fn parse(path: &Path, text: &str) -> anyhow::Result<ConfigFile> {
    let line_of =
        |error: &toml::de::Error| error.span().map(|s| 1 + text.bytes().take(s.start).filter(|b| *b == b'\n').count());
    let document = toml::Deserializer::parse(text).map_err(|e| bad_config(path, line_of(&e), e.message()))?;
    serde_path_to_error::deserialize(document).map_err(|tracked| {
        let key = tracked.path().to_string();
        let error = tracked.into_inner();
        let what = if key == "." { error.message().to_owned() } else { format!("key `{key}`: {}", error.message()) };
        bad_config(path, line_of(&error), &what).into()
    })
}

impl Tiers {
    pub fn limits(&self) -> TierLimits {
        let default = TierLimits::default();
        let bytes = |size: Option<ByteSize>, other| size.map_or(other, |s| s.as_u64());
        TierLimits {
            fast_parameters: self.fast.parameters.unwrap_or(default.fast_parameters),
            fast_weights: bytes(self.fast.weights, default.fast_weights),
            balanced_parameters: self.balanced.parameters.unwrap_or(default.balanced_parameters),
            balanced_weights: bytes(self.balanced.weights, default.balanced_weights),
        }
    }
}

impl Worker {
    pub fn settings(&self) -> WorkerConfig {
        let default = WorkerConfig::default();
        WorkerConfig {
            threads: self.threads.or(default.threads),
            context: self.context.unwrap_or(default.context),
            nice: self.nice.unwrap_or(default.nice),
            gpu_layers: self.gpu_layers.or(default.gpu_layers),
            load_timeout: self.load_timeout.unwrap_or(default.load_timeout),
            reproducible: self.reproducible.unwrap_or(default.reproducible),
        }
    }
}
