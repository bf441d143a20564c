//! Settings, in layers: defaults < config file (TOML) < environment < flags. This file and its children are the only
//! readers of the environment; everything else receives a [`Config`].

mod env;
mod file;
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
mod tasks;

pub use env::Env;
pub use models::{EngineConfig, ModelsConfig};
pub use ollama::{NumCtx, OllamaConfig};
pub use ports::PortRange;
pub use serve::{ListenAddress, ServeConfig, ServeFlags, ServeLimits};
pub use servers::{PruneConfig, ServerAddress};
pub use tasks::{AutoPrune, OffloadConfig};

use crate::failure::Failure;
use crate::model::ledger::BudgetLimits;
use crate::model::server::ServerSettings;
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
    pub serve: ServeConfig,
    pub ollama: OllamaConfig,
    /// The folder of the locks of this machine's executors and of its device: next to the database, so that all
    /// processes that use it find each other. Two processes that share a queue on one machine but not this folder would
    /// both load a model.
    pub lock_dir: PathBuf,
    /// The folder for sockets of workers, private to this user.
    pub runtime_dir: PathBuf,
    /// The color setting from the environment and the flags; for `Auto` the terminal decides.
    pub color: Color,
    /// The user who called sudo, as sudo reports it (`SUDO_USER`, else the number in `SUDO_UID`); None without sudo.
    /// Anyone can set these variables.
    pub sudo_user: Option<String>,
    /// `COLUMNS`, when it is a number above 0.
    pub columns: Option<usize>,
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

        let named = flags
            .database
            .clone()
            .or_else(|| env.path("MODELCTL_DB"))
            .or_else(|| file.database.as_deref().map(from_file));
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
        Ok(Config {
            source,
            lock_dir: lock_dir(&database),
            database,
            is_database_of_service,
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
            memory: memory::load(env, &file.memory)?,
            serve,
            runtime_dir: env.runtime_dir(),
            color,
            sudo_user: env.text("SUDO_USER").or_else(|| env.text("SUDO_UID").map(|uid| format!("uid {uid}"))),
            columns: env.text("COLUMNS").and_then(|c| c.parse().ok()).filter(|c| *c > 0),
        })
    }
}

impl Config {
    /// Returns how the server of a model is started. What was set for it wins over the config file. `trained` is the
    /// number of tokens of context that it was trained with.
    pub fn server_settings(&self, row: &ModelRow, trained: Option<u32>) -> ServerSettings {
        let layers = std::iter::once(&row.server).chain(self.models.of(row));
        ServerSettings::of(&models::defaults(&self.engine, &self.worker), layers, trained)
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
    Failure::cannot_meet(format!("config file {place}: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Kind, classify};
    use std::fs;

    fn load(env: &[(&str, &str)], toml: Option<&str>) -> anyhow::Result<Config> {
        let dir = tempfile::tempdir().unwrap();
        let mut flags = Flags::default();
        if let Some(text) = toml {
            let path = dir.path().join("config.toml");
            fs::write(&path, text).unwrap();
            flags.config = Some(path);
        }
        Config::load(&flags, &Env::from_pairs(env))
    }

    fn refusal(toml: &str) -> String {
        let error = load(&[("HOME", "/home/u")], Some(toml)).unwrap_err();
        assert_eq!(classify(&error).0, Kind::CannotMeet);
        format!("{error:#}")
    }

    #[test]
    fn environment_wins_over_the_file_and_the_file_over_defaults() {
        let toml = "database = \"/srv/a.db\"\nkeep = [\"b\"]\n[scan]\npaths = [\"/srv/models\", \"~/m\"]\n[worker]\nthreads = 3\n";
        let c = load(&[("HOME", "/home/u")], Some(toml)).unwrap();
        assert_eq!(c.database, Path::new("/srv/a.db"));
        assert_eq!(
            c.roots,
            Roots {
                paths: ["/srv/models", "/home/u/m"].map(Root::folder).to_vec(),
                from: RootsFrom::File,
                missing: vec![]
            }
        );
        assert_eq!(c.worker.threads, Some(3));

        let env = [
            ("HOME", "/home/u"),
            ("MODELCTL_DB", "/x/y.db"),
            ("MODEL_SCAN_PATH", "/a::/b"),
            ("KEEP_LOCAL_MODELS", "a, c"),
        ];
        let c = load(&env, Some(toml)).unwrap();
        assert_eq!(c.database, Path::new("/x/y.db"));
        assert_eq!(
            c.roots,
            Roots { paths: ["/a", "/b"].map(Root::folder).to_vec(), from: RootsFrom::Environment, missing: vec![] }
        );
        let hints: Vec<_> = c.keep.with(&["d".to_owned()]).into_iter().map(|(from, hint)| (from, hint.text)).collect();
        let expected = [
            (HintSource::Environment, "a"),
            (HintSource::Environment, "c"),
            (HintSource::Database, "d"),
            (HintSource::File, "b"),
        ];
        assert_eq!(hints, expected.map(|(from, text)| (from, text.to_owned())));
    }

    #[test]
    fn answers_are_reproducible_where_file_or_environment_say_so() {
        let toml = Some("[worker]\nreproducible = true\n");
        let said = |word, toml| load(&[("MODELCTL_REPRODUCIBLE", word)], toml).unwrap().worker.reproducible;
        assert!(!load(&[], None).unwrap().worker.reproducible);
        assert!(load(&[], toml).unwrap().worker.reproducible);
        assert!(said("1", None) && said("true", None) && !said("0", toml));
    }

    #[test]
    fn how_tasks_run_and_what_they_end_with_is_said_by_the_file_and_the_environment_has_the_last_word() {
        let toml = "[offload]\nmax_tasks = 9\nmax_attempts = 7\npoll = \"5m\"\nfallback = true\n\n\
                    [auto_prune]\ndays = 90\nconfirm = true\nmin_keep = 2\n";
        let minutes = |n: u64| Duration::from_secs(60 * n);
        let default = load(&[], None).unwrap();
        assert_eq!((default.offload, default.auto_prune), (OffloadConfig::default(), AutoPrune::default()));
        let file = load(&[], Some(toml)).unwrap();
        let offload = OffloadConfig { max_tasks: 9, max_attempts: 7, poll: minutes(5), fallback: true };
        assert_eq!((file.offload, file.auto_prune), (offload, AutoPrune { days: 90, confirm: true, min_keep: 2 }));
        let env = [
            ("OFFLOAD_MAX_TASKS", "1"),
            ("OFFLOAD_MAX_ATTEMPTS", "2"),
            ("OFFLOAD_POLL_S", "60"),
            ("OFFLOAD_FALLBACK", "0"),
            ("AUTO_PRUNE_DAYS", "0"),
            ("AUTO_PRUNE_CONFIRM", "no"),
            ("AUTO_PRUNE_MIN_KEEP", "1"),
        ];
        let both = load(&env, Some(toml)).unwrap();
        let offload = OffloadConfig { max_tasks: 1, max_attempts: 2, poll: minutes(1), fallback: false };
        assert_eq!((both.offload, both.auto_prune), (offload, AutoPrune { days: 0, confirm: false, min_keep: 1 }));
        for (toml, key, why) in [
            ("[offload]\nmax_tasks = 0\n", "`offload.max_tasks`", "0 is not between 1 and 1000000"),
            ("[offload]\nmax_attempts = 101\n", "`offload.max_attempts`", "is not between 1 and 100"),
            ("[offload]\npoll = \"2days\"\n", "`offload.poll`", "is not between 1 second and 1 day"),
            ("[offload]\npoll = 30\n", "`offload.poll`", "invalid type: integer"),
            ("[auto_prune]\ndays = \"90d\"\n", "`auto_prune.days`", "invalid type: string"),
            ("[auto_prune]\nday = 90\n", "`auto_prune.day`", "unknown field `day`"),
        ] {
            let text = refusal(toml);
            assert!(text.contains("config.toml:2: ") && text.contains(key) && text.contains(why), "{text}");
        }
    }

    #[test]
    fn the_database_lies_in_the_state_folder_of_whoever_runs_it() {
        let db = |env: &[(&str, &str)]| load(env, None).unwrap().database;
        assert_eq!(db(&[("HOME", "/home/u")]), Path::new("/home/u/.local/state/modelctl/modelctl.db"));
        assert_eq!(db(&[("HOME", "/h"), ("XDG_STATE_HOME", "/s")]), Path::new("/s/modelctl/modelctl.db"));
        assert_eq!(db(&[("HOME", "/h"), ("XDG_STATE_HOME", "rel")]), Path::new("/h/.local/state/modelctl/modelctl.db"));
        assert_eq!(db(&[("STATE_DIRECTORY", "/var/lib/modelctl")]), Path::new("/var/lib/modelctl/modelctl.db"));
        assert_eq!(db(&[]), Path::new("/var/lib/modelctl/modelctl.db"));
        let of_service = |env: &[(&str, &str)]| load(env, None).unwrap().is_database_of_service;
        assert!(of_service(&[]));
        for env in [("HOME", "/h"), ("XDG_STATE_HOME", "/s"), ("STATE_DIRECTORY", "/v"), ("MODELCTL_DB", "/x.db")] {
            assert!(!of_service(&[env]), "{env:?}");
        }
    }

    #[test]
    fn the_hub_cache_is_found_by_its_own_variables_in_their_order() {
        let hf = |env: &[(&str, &str)]| load(env, None).unwrap().roots.paths[0].path.clone();
        assert_eq!(hf(&[("HOME", "/h")]), Path::new("/h/.cache/huggingface/hub"));
        assert_eq!(hf(&[("HOME", "/h"), ("XDG_CACHE_HOME", "/c")]), Path::new("/c/huggingface/hub"));
        assert_eq!(hf(&[("HOME", "/h"), ("HF_HOME", "~/hf")]), Path::new("/h/hf/hub"));
        assert_eq!(hf(&[("HF_HOME", "/x"), ("HUGGINGFACE_HUB_CACHE", "/y")]), Path::new("/y"));
        assert_eq!(hf(&[("HUGGINGFACE_HUB_CACHE", "/y"), ("HF_HUB_CACHE", "/z")]), Path::new("/z"));
    }

    #[test]
    fn a_mistake_in_the_file_names_file_line_and_key() {
        let text = refusal("database = \"x\"\n\n[scan]\npathes = []\n");
        assert!(text.contains("config.toml:4: ") && text.contains("`pathes`"), "{text}");
        let text = refusal("[tiers.fast]\nparameters = \"many\"\n");
        assert!(text.contains("config.toml:2: ") && text.contains("`tiers.fast.parameters`"), "{text}");
        let text = refusal("keep = [1]\n");
        assert!(text.contains("config.toml:1: ") && text.contains("`keep[0]`"), "{text}");
        let text = refusal("[worker]\nnice = 40\n");
        assert!(text.contains("config.toml:2: ") && text.contains("`worker.nice`"), "{text}");
        let text = refusal("[worker]\nload_timeout = \"soon\"\n");
        assert!(text.contains("config.toml:2: ") && text.contains("`worker.load_timeout`"), "{text}");
        let text = refusal("a = = b\n");
        assert!(text.contains("config.toml:1: "), "{text}");
    }

    #[test]
    fn the_servers_that_prune_asks_are_named_by_file_or_environment() {
        let toml = "[prune]\nollama = \"box:1\"\nendpoints = [\"http://127.0.0.1:8081\"]\n";
        let asked = |env: &[(&str, &str)], toml| {
            let prune = load(env, toml).unwrap().prune;
            let all = prune.ollama.known().into_iter().chain(&prune.endpoints);
            all.map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(asked(&[], None), "http://127.0.0.1:11434");
        assert_eq!(asked(&[], Some(toml)), "http://box:1 http://127.0.0.1:8081");
        let env = [("OLLAMA_HOST", "0.0.0.0:2"), ("MODELCTL_ENDPOINTS", "http://a:3, b:4")];
        assert_eq!(asked(&env, Some(toml)), "http://127.0.0.1:2 http://a:3 http://b:4");
        let error = load(&[("MODELCTL_ENDPOINTS", "https://a")], None).unwrap_err();
        assert_eq!(classify(&error).0, Kind::CannotMeet);
        let text = refusal("[prune]\nendpoints = [\"http://a:b\"]\n");
        assert!(text.contains("config.toml:2: ") && text.contains("`prune.endpoints"), "{text}");
    }

    #[test]
    fn sizes_and_ages_have_units_in_the_file_too() {
        assert_eq!(load(&[], None).unwrap().trash.expire, None, "the trash keeps everything unless it is said");
        let config = load(&[], Some("[trash]\nexpire = \"30d\"\n[tiers.fast]\nweights = \"2GiB\"\n")).unwrap();
        assert_eq!((config.trash.expire, config.tiers.fast_weights), (Some(Age::days(30)), 2 << 30));
        for (toml, key, why) in [
            ("[trash]\nexpire = 30\n", "`trash.expire`", "`30` needs a unit"),
            ("[trash]\nexpire = \"30m\"\n", "`trash.expire`", "did you mean 30 days or 30 months?"),
            ("[trash]\nexpire = \"0d\"\n", "`trash.expire`", "selects everything"),
            ("[tiers.fast]\nweights = 4\n", "`tiers.fast.weights`", "`4` needs a unit"),
            ("[tiers.fast]\nweights = \"4 bananas\"\n", "`tiers.fast.weights`", "is not a size such as"),
            ("[tiers.fast]\nweights = [4]\n", "`tiers.fast.weights`", "expected a text with a unit"),
        ] {
            let text = refusal(toml);
            assert!(text.contains("config.toml:2: ") && text.contains(key) && text.contains(why), "{text}");
        }
    }

    #[test]
    fn a_named_file_that_is_not_there_is_an_error() {
        let flags = Flags { config: Some("/nonexistent/config.toml".into()), ..Flags::default() };
        let error = Config::load(&flags, &Env::from_pairs(&[])).unwrap_err();
        assert_eq!(classify(&error).0, Kind::CannotMeet);
        assert!(format!("{error:#}").contains("/nonexistent/config.toml"));
    }

    #[test]
    fn no_color_counts_only_when_it_says_something() {
        assert_eq!(load(&[("NO_COLOR", "1")], None).unwrap().color, Color::Never);
        assert_eq!(load(&[("NO_COLOR", "")], None).unwrap().color, Color::Auto);
    }
}
