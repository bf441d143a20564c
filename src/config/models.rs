//! Settings for the servers of models: `[models."NAME"]`, `[engine]`.

use super::env::Env;
use super::services::find_program;
use super::{LifecycleConfig, WorkerConfig};
use crate::model::server::{Choices, Defaults, Engine, check_arg_list};
use crate::model::{ModelRow, Pattern, Reading};
use serde::{Deserialize, Deserializer, de};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The programs that serve models.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EngineConfig {
    /// The engine of models for which none was chosen.
    pub default: Engine,
    /// llama-server; None: the one in `PATH`.
    pub llama_server: Option<PathBuf>,
    /// Where programs are looked for.
    path: Vec<PathBuf>,
}

impl EngineConfig {
    /// Looks for the program of llama-server.
    pub fn find_llama_server(&self) -> Reading<PathBuf> {
        match self.llama_server().to_str() {
            Some(named) => find_program(named, &self.path),
            // Found out when it is started.
            None => Reading::Known(self.llama_server().to_owned()),
        }
    }

    /// Returns the program of llama-server: a path, or a name to be searched for in `PATH`.
    pub fn llama_server(&self) -> &Path {
        self.llama_server.as_deref().unwrap_or(Path::new("llama-server"))
    }

    pub(super) fn load(env: &Env, file: &EngineFile, from_file: impl Fn(&Path) -> PathBuf) -> EngineConfig {
        let named = |path: &PathBuf| match path.components().count() {
            // A bare name is searched for in PATH.
            1 => path.clone(),
            _ => from_file(path),
        };
        let llama_server = env.path("MODELCTL_LLAMA_SERVER").or_else(|| file.llama_server.as_ref().map(named));
        let path = env.path_list("PATH").unwrap_or_default();
        EngineConfig { default: file.default.unwrap_or_default(), llama_server, path }
    }
}

/// Choices for models, by patterns of their names.
#[derive(Debug, Clone, Default)]
pub struct ModelsConfig {
    /// Names before globs, so that what is said of one model wins over what is said of many.
    entries: Vec<(Pattern, Choices)>,
}

impl ModelsConfig {
    /// Returns the choices for a model, the one that wins first.
    pub fn of(&self, row: &ModelRow) -> Vec<&Choices> {
        self.entries.iter().filter(|(pattern, _)| pattern.matches_model(row)).map(|(_, choices)| choices).collect()
    }

    /// Returns the names and patterns for which no model is known: typing errors, mostly.
    pub fn without_model<'m>(&'m self, rows: &[ModelRow]) -> Vec<&'m str> {
        let is_known = |pattern: &Pattern| rows.iter().any(|row| pattern.matches_model(row));
        self.entries.iter().filter(|(pattern, _)| !is_known(pattern)).map(|(pattern, _)| pattern.text()).collect()
    }
}

/// Returns what holds for servers for which nothing was chosen.
pub(super) fn defaults(engine: &EngineConfig, worker: &WorkerConfig, lifecycle: &LifecycleConfig) -> Defaults {
    let idle_timeout = lifecycle.idle_timeout;
    Defaults { engine: engine.default, threads: worker.threads, gpu_layers: worker.gpu_layers, idle_timeout }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct EngineFile {
    pub default: Option<Engine>,
    pub llama_server: Option<PathBuf>,
}

/// The entries of the file, checked one by one so that an error names its key.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct ModelsFile {
    entries: BTreeMap<String, Checked>,
}

#[derive(Debug)]
struct Checked(Choices);

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Checked, D::Error> {
        let choices = Choices::deserialize(d)?;
        choices.check().map_err(de::Error::custom)?;
        let args = choices.args.as_deref().unwrap_or_default();
        check_arg_list(args).map_err(|why| de::Error::custom(format!("`args`: {why}")))?;
        Ok(Checked(choices))
    }
}

impl ModelsFile {
    pub(super) fn settings(self) -> ModelsConfig {
        let mut entries: Vec<_> =
            self.entries.into_iter().map(|(name, checked)| (Pattern::new(&name), checked.0)).collect();
        entries.sort_by_key(|(pattern, _)| pattern.text().contains(['*', '?', '[', '{']));
        ModelsConfig { entries }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Flags};
    use crate::testing::sample_row;

    fn load(toml: &str) -> anyhow::Result<Config> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        std::fs::write(&path, toml).unwrap();
        Config::load(&Flags { config: Some(path), ..Flags::default() }, &Env::from_pairs(&[]))
    }

    #[test]
    fn what_is_said_of_one_model_wins_over_what_is_said_of_many_and_the_database_over_both() {
        let toml = "[worker]\nthreads = 3\n[engine]\ndefault = \"llama-server\"\n\
                    [models.\"qwen*\"]\ncontext = 4096\nparallel = 2\n\
                    [models.\"Qwen3-8B\"]\ncontext = 8192\nidle_timeout = \"5m\"\nengine = \"worker\"\n";
        let config = load(toml).unwrap();
        let settings = |name: &str, set: &Choices| {
            let row = ModelRow { server: set.clone(), ..sample_row(name) };
            config.server_settings(&row, Some(40_960))
        };
        let one = settings("Qwen3-8B", &Choices::default());
        assert_eq!((one.context, one.parallel, one.engine, one.threads), (8_192, Some(2), Engine::Worker, Some(3)));
        let set = Choices { context: Some(16_384), ..Choices::default() };
        assert_eq!(settings("Qwen3-8B", &set).context, 16_384);
        assert_eq!(settings("Qwen3-4B", &Choices::default()).context, 4_096);
        let other = settings("Llama", &Choices::default());
        assert_eq!((other.context, other.engine), (32_768, Engine::LlamaServer));
        assert_eq!(config.models.without_model(&[sample_row("Qwen3-8B")]), [""; 0]);
        assert_eq!(config.models.without_model(&[sample_row("Llama")]), ["Qwen3-8B", "qwen*"]);
    }

    #[test]
    fn a_wrong_setting_of_a_model_is_refused_with_its_line_and_key() {
        for (line, why) in [
            ("contxt = 1", "unknown field `contxt`"),
            ("context = 1", "`context`: 1 is not between 64 and"),
            ("args = [\"--port\", \"1\"]", "`--port` is set by modelctl itself"),
            ("env = { LD_PRELOAD = \"x\" }", "`LD_PRELOAD` cannot be set for a server"),
            ("engine = \"vllm\"", "unknown variant `vllm`"),
        ] {
            let error = format!("{:#}", load(&format!("[models.\"qwen\"]\n{line}\n")).unwrap_err());
            assert!(error.contains("config.toml:") && error.contains("models.qwen") && error.contains(why), "{error}");
        }
    }
}
