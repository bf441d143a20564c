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
    let toml =
        "database = \"/srv/a.db\"\nkeep = [\"b\"]\n[scan]\npaths = [\"/srv/models\", \"~/m\"]\n[worker]\nthreads = 3\n";
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

    let env =
        [("HOME", "/home/u"), ("MODELCTL_DB", "/x/y.db"), ("MODEL_SCAN_PATH", "/a::/b"), ("KEEP_LOCAL_MODELS", "a, c")];
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
        ("[tiers.fast]\nweights = [4]\n", "`tiers.fast.weights`", "expected a string with a unit"),
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
