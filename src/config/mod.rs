//! Settings, in layers: defaults < config file (TOML) < environment < flags. This file and its children are the only
//! readers of the environment; everything else is handed a [`Config`].

mod env;
mod file;
mod places;
mod places_local;
mod servers;

pub use env::Env;
pub use servers::{PruneConfig, ServerAddress};

use crate::failure::Failure;
use crate::model::{HintSource, KeepHint, StoreKind, TierLimits};
use file::ConfigFile;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What flags say about settings; `None` leaves the lower layers alone.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    pub config: Option<PathBuf>,
    pub database: Option<PathBuf>,
    pub color: Color,
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

/// Everything that was settled before a command runs.
#[derive(Debug, Clone)]
pub struct Config {
    /// The config file that was read, if there was one.
    pub source: Option<PathBuf>,
    pub database: PathBuf,
    pub roots: Roots,
    pub keep: KeepLists,
    pub tiers: TierLimits,
    pub worker: WorkerConfig,
    pub offload: OffloadConfig,
    pub prune: PruneConfig,
    pub auto_prune: AutoPrune,
    /// Private to this user; sockets of workers go here.
    pub runtime_dir: PathBuf,
    /// What the environment and the flags say about colour; the terminal has the last word for `Auto`.
    pub color: Color,
    /// Who called sudo, as sudo says (`SUDO_USER`, else the number in `SUDO_UID`); None without sudo. Anybody can set these.
    pub sudo_user: Option<String>,
    /// `COLUMNS`, when it is a number above 0.
    pub columns: Option<usize>,
}

/// Where a scan without arguments looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roots {
    pub paths: Vec<Root>,
    pub from: RootsFrom,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    pub path: PathBuf,
    /// The store that lies there; None: to be found out by looking.
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
    /// The known default places; those that do not exist are left out without a word.
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
    /// All hints in order of preference: the environment's, then `kept` (those of the database), then the file's. What
    /// is said for one run comes before what a person added, and that before what was set up once. A text that comes
    /// from several sources stands there for each.
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

/// What a run of offloaded tasks ends with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AutoPrune {
    /// `AUTO_PRUNE_DAYS`: models that nobody has used for so many days; 0 for nothing at all.
    pub days: u64,
    /// `AUTO_PRUNE_CONFIRM`: they go to the trash. Else it is said what would go.
    pub confirm: bool,
    /// `AUTO_PRUNE_MIN_KEEP`: so many usable models stay at least, also where `prune` is called by hand.
    pub min_keep: u64,
}

/// How workers are started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerConfig {
    /// Threads for generation; None lets the machine decide.
    pub threads: Option<u32>,
    /// Tokens of context per task; capped by the model's own.
    pub context: u32,
    /// Added to the niceness of the worker, 0 to 19.
    pub nice: u8,
    /// Layers to offload; None offloads all that a GPU build can.
    pub gpu_layers: Option<u32>,
    /// How long a model may take to load.
    pub load_timeout: Duration,
    /// One text for one task and seed, whatever else is answered at the same time; slower.
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

/// How queued tasks are run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffloadConfig {
    /// Tasks that one `run-once` takes at most.
    pub max_tasks: u64,
    /// Attempts of a task that may end in an error, unless it says otherwise.
    pub max_attempts: u32,
    /// How often the daemon looks for tasks that nobody told it of.
    pub poll: Duration,
}

impl Default for OffloadConfig {
    fn default() -> Self {
        OffloadConfig { max_tasks: 5, max_attempts: 3, poll: Duration::from_secs(30) }
    }
}

impl Config {
    /// Settles all layers.
    ///
    /// # Errors
    /// `CannotMeet` with file, line and key when the config file is unreadable or says something unknown.
    pub fn load(flags: &Flags, env: &Env) -> anyhow::Result<Config> {
        let (source, file) = match config_path(flags, env) {
            Some(path) => (Some(path.clone()), ConfigFile::read(&path)?),
            None => (None, ConfigFile::default()),
        };
        let base = source.as_deref().and_then(Path::parent).unwrap_or(Path::new("."));
        let from_file = |p: &Path| base.join(env.expand_home(p));

        let database = flags
            .database
            .clone()
            .or_else(|| env.path("MODELCTL_DB"))
            .or_else(|| file.database.as_deref().map(from_file))
            .unwrap_or_else(|| env.default_database());

        let named = file.scan.stores.iter().flat_map(|(store, paths)| paths.iter().map(move |path| (path, *store)));
        let named = named.map(|(path, store)| Root::store(from_file(path), store));
        let roots = if let Some(list) = env.path_list("MODEL_SCAN_PATH") {
            Roots { paths: list.into_iter().map(Root::folder).collect(), from: RootsFrom::Environment }
        } else if let Some(paths) = &file.scan.paths {
            let paths = paths.iter().map(|p| Root::folder(from_file(p))).chain(named).collect();
            Roots { paths, from: RootsFrom::File }
        } else {
            Roots { paths: env.default_roots().into_iter().chain(named).collect(), from: RootsFrom::Default }
        };

        let keep = KeepLists { environment: env.list("KEEP_LOCAL_MODELS"), file: file.keep.clone() };

        let mut worker = file.worker.settings();
        if env.is_set("MODELCTL_REPRODUCIBLE") {
            worker.reproducible = env.says_yes("MODELCTL_REPRODUCIBLE");
        }

        let color = match flags.color {
            Color::Auto if env.is_set("NO_COLOR") || env.text("TERM").as_deref() == Some("dumb") => Color::Never,
            chosen => chosen,
        };
        Ok(Config {
            source,
            database,
            roots,
            keep,
            tiers: file.tiers.limits(),
            worker,
            offload: OffloadConfig {
                max_tasks: env.number("OFFLOAD_MAX_TASKS", 1..=1_000_000)?.unwrap_or(5),
                max_attempts: env
                    .number("OFFLOAD_MAX_ATTEMPTS", 1..=100)?
                    .and_then(|n| u32::try_from(n).ok())
                    .unwrap_or(3),
                poll: Duration::from_secs(env.number("OFFLOAD_POLL_S", 1..=86_400)?.unwrap_or(30)),
            },
            prune: PruneConfig::settle(env, file.prune.ollama.as_deref(), &file.prune.endpoints)?,
            auto_prune: AutoPrune {
                days: env.number("AUTO_PRUNE_DAYS", 0..=36_500)?.unwrap_or(0),
                confirm: env.says_yes("AUTO_PRUNE_CONFIRM"),
                min_keep: env.number("AUTO_PRUNE_MIN_KEEP", 0..=1_000_000)?.unwrap_or(0),
            },
            runtime_dir: env.runtime_dir(),
            color,
            sudo_user: env.text("SUDO_USER").or_else(|| env.text("SUDO_UID").map(|uid| format!("uid {uid}"))),
            columns: env.text("COLUMNS").and_then(|c| c.parse().ok()).filter(|c| *c > 0),
        })
    }
}

/// The config file to read: the one named by flag or `MODELCTL_CONFIG`, else the first that exists.
fn config_path(flags: &Flags, env: &Env) -> Option<PathBuf> {
    if let Some(named) = flags.config.clone().or_else(|| env.path("MODELCTL_CONFIG")) {
        return Some(named);
    }
    let places = [env.config_home().map(|d| d.join("modelctl/config.toml")), Some("/etc/modelctl/config.toml".into())];
    // `symlink_metadata`: a file that is there and cannot be followed or read must be reported, not passed over.
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
            Roots { paths: ["/srv/models", "/home/u/m"].map(Root::folder).to_vec(), from: RootsFrom::File }
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
        assert_eq!(c.roots, Roots { paths: ["/a", "/b"].map(Root::folder).to_vec(), from: RootsFrom::Environment });
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
    fn the_database_lies_in_the_state_folder_of_whoever_runs_it() {
        let db = |env: &[(&str, &str)]| load(env, None).unwrap().database;
        assert_eq!(db(&[("HOME", "/home/u")]), Path::new("/home/u/.local/state/modelctl/modelctl.db"));
        assert_eq!(db(&[("HOME", "/h"), ("XDG_STATE_HOME", "/s")]), Path::new("/s/modelctl/modelctl.db"));
        assert_eq!(db(&[("HOME", "/h"), ("XDG_STATE_HOME", "rel")]), Path::new("/h/.local/state/modelctl/modelctl.db"));
        assert_eq!(db(&[("STATE_DIRECTORY", "/var/lib/modelctl")]), Path::new("/var/lib/modelctl/modelctl.db"));
        assert_eq!(db(&[]), Path::new("/var/lib/modelctl/modelctl.db"));
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
