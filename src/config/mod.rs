//! Settings, in layers: defaults < config file (TOML) < environment < flags. This file and its children are the only
//! readers of the environment; everything else receives a [`Config`].

mod env;
mod file;
mod health;
mod hooks;
mod lifecycle;
mod memory;
mod models;
mod ollama;
mod places;
mod places_local;
mod ports;
mod read;
mod roots;
mod serve;
mod servers;
mod services;
mod tasks;

pub use env::Env;
pub use health::{HealthConfig, TriageConfig};
pub use hooks::HooksConfig;
pub use lifecycle::{ExternalConfig, LifecycleConfig, Takeover};
pub use models::{EngineConfig, ModelsConfig};
pub use ollama::{NumCtx, OllamaConfig};
pub use ports::PortRange;
pub use serve::{ListenAddress, ServeConfig, ServeFlags, ServeLimits};
pub use servers::{PruneConfig, ServerAddress};
pub use services::{SupervisorConfig, check_program};
pub use tasks::{AutoPrune, OffloadConfig};

use crate::failure::Failure;
use crate::model::ledger::BudgetLimits;
use crate::model::server::ServerSettings;
use crate::model::service::{Service, ServiceSpec};
use crate::model::{Age, HintSource, KeepHint, ModelRow, StoreKind, TierLimits};
use file::ConfigFile;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Settings given by flags; `None` leaves the lower layers as they are.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    pub config: Option<PathBuf>,
    pub database: Option<PathBuf>,
    pub color: Color,
    pub serve: ServeFlags,
}

/// When to colour output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set or TERM is `dumb`
    #[default]
    Auto,
    /// Even into a pipe or a file
    Always,
    /// Never
    Never,
}

/// All settings, resolved before a command runs.
#[derive(Debug, Clone)]
pub struct Config {
    /// The config file that was read, if there was one.
    pub source: Option<PathBuf>,
    pub database: PathBuf,
    /// Whether the database is that of a service: no database was named, and there is no home for one.
    pub is_database_of_service: bool,
    /// Whether `--db` or MODELCTL_DB names the database: one that is not there is then a mistake.
    pub is_database_named: bool,
    /// Whether HOME is set.
    pub has_home: bool,
    /// HOME, when the database would be below it and it does not exist: nothing is made there.
    pub missing_home: Option<PathBuf>,
    pub roots: Roots,
    pub keep: KeepLists,
    pub tiers: TierLimits,
    pub worker: WorkerConfig,
    pub engine: EngineConfig,
    pub models: ModelsConfig,
    pub offload: OffloadConfig,
    pub prune: PruneConfig,
    pub auto_prune: AutoPrune,
    pub trash: TrashConfig,
    /// What models may take of the memory of each device.
    pub memory: BudgetLimits,
    pub lifecycle: LifecycleConfig,
    pub serve: ServeConfig,
    pub hooks: HooksConfig,
    pub ollama: OllamaConfig,
    pub supervisor: SupervisorConfig,
    /// The services of this node, in place of those that are found; None: those that are found.
    pub services: Option<Vec<Service>>,
    /// The services that the daemon runs.
    pub run_services: Vec<ServiceSpec>,
    /// What is looked at of them while they run.
    pub watched_while_run: Vec<Service>,
    pub health: HealthConfig,
    pub triage: TriageConfig,
    /// The folder of the locks of this machine's executors and of its device: next to the database, so that all
    /// processes that use it find each other. Two processes that share a queue on one machine but not this folder would
    /// both load a model.
    pub lock_dir: PathBuf,
    /// The folder for sockets of workers, private to this user.
    pub runtime_dir: PathBuf,
    /// `JOURNAL_STREAM`: the stream to the journal that systemd gave this process, as `DEVICE:INODE`.
    pub journal_stream: Option<String>,
    /// The color setting from the environment and the flags; for `Auto` the terminal decides.
    pub color: Color,
    /// Whether the terminal can only print lines (`TERM=dumb`).
    pub is_terminal_dumb: bool,
    /// Whether the locale has all characters: `LC_ALL`, else `LC_CTYPE`, else `LANG` names UTF-8.
    pub is_utf8: bool,
    /// The user who called sudo, as sudo reports it (`SUDO_USER`, else the number in `SUDO_UID`); None without sudo.
    /// Anyone can set these variables.
    pub sudo_user: Option<String>,
    /// `COLUMNS`, when it is a number above 0.
    pub columns: Option<usize>,
    /// `MODELCTL_PAGER`, else `PAGER`: the command that shows a long table on a terminal.
    pub pager: Option<String>,
    /// `HOME`, for `~` in what a person reads.
    pub home: Option<PathBuf>,
}

/// The roots of a scan without arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roots {
    pub paths: Vec<Root>,
    pub from: RootsFrom,
    /// Variables of other programs that name a default place that does not exist. Empty unless `from` is
    /// [`RootsFrom::Default`].
    pub missing: Vec<(&'static str, PathBuf)>,
}

/// One root of a scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    pub path: PathBuf,
    /// The store whose root this is; None: the scan detects it.
    pub store: Option<StoreKind>,
}

impl Root {
    fn folder(path: impl Into<PathBuf>) -> Root {
        Root { path: path.into(), store: None }
    }

    fn store(path: impl Into<PathBuf>, store: StoreKind) -> Root {
        Root { path: path.into(), store: Some(store) }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RootsFrom {
    /// `MODEL_SCAN_PATH`.
    Environment,
    /// `scan.paths` of the config file.
    File,
    /// The known default places; missing ones are skipped silently.
    Default,
}

/// Keep hints from outside the database: ids, names, globs or paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeepLists {
    /// `KEEP_LOCAL_MODELS`.
    pub environment: Vec<String>,
    /// `keep` of the config file.
    pub file: Vec<String>,
}

impl KeepLists {
    /// Returns all hints in order of preference: the environment's, then `kept` (those of the database), then the
    /// file's. Hints given for one run come before those that a person added, and these before the permanent setup. A
    /// text that comes from several sources is listed once for each.
    pub fn with(&self, kept: &[String]) -> Vec<(HintSource, KeepHint)> {
        let sources = [
            (HintSource::Environment, self.environment.as_slice()),
            (HintSource::Database, kept),
            (HintSource::File, self.file.as_slice()),
        ];
        let hints = |(source, texts): (HintSource, &[String])| -> Vec<(HintSource, KeepHint)> {
            texts.iter().map(|text| (source, KeepHint::new(text))).collect()
        };
        sources.into_iter().flat_map(hints).collect()
    }
}

/// Retention of the trash.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TrashConfig {
    /// Age at which items are deleted for good by `prune --confirm`; None keeps everything.
    pub expire: Option<Age>,
}

/// Settings of workers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerConfig {
    /// Threads for generation; None uses a default for this machine.
    pub threads: Option<u32>,
    /// Tokens of context per task; capped by the model's own context.
    pub context: u32,
    /// Niceness added for the worker, 0 to 19.
    pub nice: u8,
    /// Layers to offload; None offloads all that a GPU build can.
    pub gpu_layers: Option<u32>,
    /// Longest time that a model may take to load.
    pub load_timeout: Duration,
    /// Whether a task gives the same text for the same seed, independently of what is answered at the same time;
    /// slower.
    pub reproducible: bool,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        WorkerConfig {
            threads: None,
            context: 4096,
            nice: 5,
            gpu_layers: None,
            load_timeout: Duration::from_secs(600),
            reproducible: false,
        }
    }
}

impl Config {
    /// Loads all layers.
    ///
    /// # Errors
    /// `CannotMeet` with file, line and key when the config file is unreadable or has something unknown.
    pub fn load(flags: &Flags, env: &Env) -> anyhow::Result<Config> {
        let (source, file) = match config_path(flags, env) {
            Some(path) => (Some(path.clone()), ConfigFile::read(&path)?),
            None => (None, ConfigFile::default()),
        };
        let base = source.as_deref().and_then(Path::parent).unwrap_or(Path::new("."));
        let from_file = |p: &Path| base.join(env.expand_home(p));

        let named = flags.database.clone().or_else(|| env.path("MODELCTL_DB"));
        let is_database_named = named.is_some();
        let named = named.or_else(|| file.database.as_deref().map(from_file));
        let missing_home = env.missing_home().filter(|_| named.is_none());
        let is_database_of_service = named.is_none() && env.is_without_state();
        let database = named.unwrap_or_else(|| env.default_database());

        let named = file.scan.stores.iter().flat_map(|(store, paths)| paths.iter().map(move |path| (path, *store)));
        let named = named.map(|(path, store)| Root::store(from_file(path), store));
        let roots = if let Some(list) = env.path_list("MODEL_SCAN_PATH") {
            Roots {
                paths: list.into_iter().map(Root::folder).collect(),
                from: RootsFrom::Environment,
                missing: Vec::new(),
            }
        } else if let Some(paths) = &file.scan.paths {
            let paths = paths.iter().map(|p| Root::folder(from_file(p))).chain(named).collect();
            Roots { paths, from: RootsFrom::File, missing: Vec::new() }
        } else {
            Roots {
                paths: roots::default_roots(env).into_iter().chain(named).collect(),
                from: RootsFrom::Default,
                missing: roots::names_nothing(env),
            }
        };

        let engine = EngineConfig::load(env, &file.engine, from_file);
        let keep = KeepLists { environment: env.list("KEEP_LOCAL_MODELS"), file: file.keep.clone() };

        let color = match flags.color {
            Color::Auto if env.is_set("NO_COLOR") || env.text("TERM").as_deref() == Some("dumb") => Color::Never,
            chosen => chosen,
        };
        let serve = ServeConfig::load((flags, env), &file.serve, from_file)?;
        let hooks = HooksConfig::load(flags, &file.hooks, from_file);
        let services = file.services.watched(from_file);
        let watched_while_run = file.services.watched_while_run(from_file);
        let run_services = file.services.run(env, &serve);
        let run_services = run_services.map_err(|what| bad_config(source.as_deref().unwrap_or(base), None, &what))?;
        let lifecycle = LifecycleConfig::load(env, (file.lifecycle, &file.pressure, file.external), &serve)?;
        let supervisor = file.supervisor.settings(from_file);
        Ok(Config {
            source,
            lock_dir: lock_dir(&database),
            database,
            is_database_of_service,
            is_database_named,
            has_home: env.is_set("HOME"),
            missing_home,
            roots,
            keep,
            tiers: file.tiers.limits(),
            worker: file.worker.settings(env)?,
            engine,
            models: file.models.settings(),
            offload: OffloadConfig::load(env, &file.offload)?,
            prune: PruneConfig::settle(env, file.prune.ollama.as_deref(), &file.prune.endpoints)?,
            auto_prune: AutoPrune::load(env, &file.auto_prune)?,
            trash: TrashConfig { expire: file.trash.expire },
            ollama: file.ollama.settings(),
            supervisor,
            services,
            run_services,
            watched_while_run,
            health: file.health.settings(),
            triage: file.triage.settings(),
            memory: memory::load(env, &file.memory)?,
            lifecycle,
            serve,
            hooks,
            journal_stream: env.text("JOURNAL_STREAM"),
            runtime_dir: env.runtime_dir(),
            color,
            is_terminal_dumb: env.text("TERM").as_deref() == Some("dumb"),
            is_utf8: env.is_utf8(),
            sudo_user: env.text("SUDO_USER").or_else(|| env.text("SUDO_UID").map(|uid| format!("uid {uid}"))),
            columns: env.text("COLUMNS").and_then(|c| c.parse().ok()).filter(|c| *c > 0),
            pager: env.text("MODELCTL_PAGER").or_else(|| env.text("PAGER")),
            home: env.home(),
        })
    }
}

impl Config {
    /// Returns how the server of a model is started. What was set for it wins over the config file. `trained` is the
    /// number of tokens of context that it was trained with.
    pub fn server_settings(&self, row: &ModelRow, trained: Option<u32>) -> ServerSettings {
        let layers = std::iter::once(&row.server).chain(self.models.of(row));
        let defaults = models::defaults(&self.engine, &self.worker, &self.lifecycle);
        ServerSettings::of(&defaults, layers, trained)
    }

    /// As [`Config::server_settings`], by what is recorded of the model.
    pub fn recorded_settings(&self, row: &ModelRow) -> ServerSettings {
        self.server_settings(row, row.trained_context())
    }
}

/// Returns the folder of locks that belongs to a database.
fn lock_dir(database: &Path) -> PathBuf {
    let mut name = database.file_name().unwrap_or_default().to_owned();
    name.push("-run");
    database.with_file_name(name)
}

/// Returns the config file to read: the one named by flag or `MODELCTL_CONFIG`, else the first that exists.
fn config_path(flags: &Flags, env: &Env) -> Option<PathBuf> {
    if let Some(named) = flags.config.clone().or_else(|| env.path("MODELCTL_CONFIG")) {
        return Some(named);
    }
    let places = [env.config_home().map(|d| d.join("modelctl/config.toml")), Some("/etc/modelctl/config.toml".into())];
    // `symlink_metadata`: a file that exists and cannot be followed or read must be reported, not skipped.
    places.into_iter().flatten().find(|p| p.symlink_metadata().is_ok())
}

pub(crate) fn bad_config(path: &Path, line: Option<usize>, what: &str) -> Failure {
    let place = match line {
        Some(line) => format!("{}:{line}", path.display()),
        None => path.display().to_string(),
    };
    Failure::cannot_meet(format!("config file {place}: {what}")).code("bad_config")
}

#[cfg(test)]
mod tests;
