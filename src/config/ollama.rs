//! What is said to clients of Ollama: `[ollama]`.

use super::read::duration;
use serde::{Deserialize, Deserializer, de};
use std::time::Duration;

/// Settings of the API in Ollama's dialect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OllamaConfig {
    /// The version that `/api/version` answers. Clients compare it with the least that they need.
    pub version: String,
    /// The longest time that a model stays loaded because a client wishes for it.
    pub keep_alive_max: Duration,
    pub num_ctx: NumCtx,
}

/// What `options.num_ctx` of a request does. Many clients send it with everything, some another number each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NumCtx {
    /// Nothing: a prompt that does not fit is an error.
    #[default]
    Ignore,
    /// A model whose context is too small for the prompt is loaded once more with the context that the request asks for.
    Grow,
}

impl Default for OllamaConfig {
    fn default() -> Self {
        let keep_alive_max = Duration::from_secs(1_800);
        OllamaConfig { version: "0.32.7".to_owned(), keep_alive_max, num_ctx: NumCtx::default() }
    }
}

/// `[ollama]` of the config file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Ollama {
    #[serde(alias = "ollama_version", deserialize_with = "version")]
    version: Option<String>,
    #[serde(deserialize_with = "duration")]
    keep_alive_max: Option<Duration>,
    num_ctx: Option<NumCtx>,
}

impl Ollama {
    pub fn settings(&self) -> OllamaConfig {
        let default = OllamaConfig::default();
        OllamaConfig {
            version: self.version.clone().unwrap_or(default.version),
            keep_alive_max: self.keep_alive_max.unwrap_or(default.keep_alive_max),
            num_ctx: self.num_ctx.unwrap_or(default.num_ctx),
        }
    }
}

/// Reads a version that clients can compare: some leave out a server whose version is anything but numbers.
fn version<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(d)?;
    let is_number = |part: &str| !part.is_empty() && part.len() <= 9 && part.bytes().all(|b| b.is_ascii_digit());
    match text.split('.').all(is_number) {
        true => Ok(Some(text)),
        false => Err(de::Error::custom(format!("`{}` is not a version: give numbers and dots", text.escape_debug()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Env, Flags};

    fn load(toml: &str) -> anyhow::Result<OllamaConfig> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        std::fs::write(&path, toml).unwrap();
        Config::load(&Flags { config: Some(path), ..Flags::default() }, &Env::from_pairs(&[])).map(|c| c.ollama)
    }

    #[test]
    fn version_and_limit_are_set_in_the_file_and_a_version_that_clients_cannot_compare_is_refused() {
        assert_eq!(load("").unwrap(), OllamaConfig::default());
        let set =
            OllamaConfig { version: "0.40".into(), keep_alive_max: Duration::from_secs(3_600), num_ctx: NumCtx::Grow };
        assert_eq!(load("[ollama]\nversion = \"0.40\"\nkeep_alive_max = \"1h\"\nnum_ctx = \"grow\"\n").unwrap(), set);
        assert_eq!(load("[ollama]\nollama_version = \"1\"\n").unwrap().version, "1");
        for (line, why) in [
            ("version = \"modelctl-0.1\"", "`ollama.version`: `modelctl-0.1` is not a version"),
            ("version = \"0..1\"", "is not a version"),
            ("keep_alive_max = 5", "`ollama.keep_alive_max`"),
            ("num_ctx = \"shrink\"", "`ollama.num_ctx`"),
            ("num_gpu = 5", "unknown field `num_gpu`"),
        ] {
            let error = load(&format!("[ollama]\n{line}\n")).unwrap_err().to_string();
            assert!(error.contains("config.toml:2: ") && error.contains(why), "{error}");
        }
    }
}
