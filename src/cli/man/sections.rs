//! Sections of the manual pages that do not follow from the command line.

use super::super::examples::{self, EXITS, RELATED, row};
use crate::failure::EXIT_CODES;
use crate::serve::api::METRICS;

/// The variables that modelctl reads, and what they do.
const VARIABLES: &[(&str, &str)] = &[
    ("MODELCTL_CONFIG", "the config file"),
    ("MODELCTL_DB", "the model database"),
    ("MODEL_SCAN_PATH", "folders to scan, separated by colons; replaces those of the config file"),
    ("KEEP_LOCAL_MODELS", "keep hints, separated by commas; come before those of the config file"),
    ("MODELCTL_LISTEN", "where serve listens, separated by commas; none: only on its socket"),
    ("MODELCTL_LLAMA_SERVER", "llama-server, for models with that engine"),
    (
        "MODELCTL_RAM_BUDGET, MODELCTL_VRAM_BUDGET",
        "limits for all loaded models together, of main memory and of each GPU: 8GiB",
    ),
    ("MODELCTL_LIFECYCLE_INTERVAL", "how often the machine is checked: 15s, or seconds"),
    ("MODELCTL_IDLE_TIMEOUT", "the time without a request after which a server is stopped: 10m, or seconds"),
    (
        "MODELCTL_VRAM_PRESSURE_PCT, MODELCTL_RAM_PRESSURE_PCT, MODELCTL_CPU_PRESSURE_PCT",
        "the usage at which pressure begins, 1 to 100",
    ),
    ("MODELCTL_DISK_FREE_MIN_GB", "the free space below which a disk is full, in gigabytes: 2, 0.5"),
    ("MODEL_PORT_RANGE_START, MODEL_PORT_RANGE_END", "the ports of model servers (8080 to 8099)"),
    ("MODELCTL_LOAD_TIMEOUT", "the time limit for loading a model: 10m"),
    (
        "MODELCTL_REPRODUCIBLE",
        "1 or true: the same text for the same task and seed, whatever else is answered at the same time",
    ),
    ("OFFLOAD_MAX_TASKS, OFFLOAD_MAX_ATTEMPTS", "tasks that one run-once runs (5), and attempts of a task (3)"),
    ("OFFLOAD_POLL_S", "how often serve checks for tasks at least, in seconds (30)"),
    ("OFFLOAD_FALLBACK", "1 or true: another model may answer if the one that a task names fails"),
    ("AUTO_PRUNE_DAYS", "days without use after which run-once and serve prune a model (0: none)"),
    ("AUTO_PRUNE_CONFIRM", "1 or true: they move it to the trash; otherwise they only name it"),
    ("AUTO_PRUNE_MIN_KEEP", "the number of usable models that are always kept"),
    ("MODELCTL_ENDPOINTS", "servers like llama-server, separated by commas; prune asks them what they have loaded"),
    ("OLLAMA_HOST", "the address of Ollama's server; prune asks it too"),
    ("HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME", "where the cache of the Hugging Face hub is"),
    ("HF_XET_CACHE", "where hf_xet keeps its chunks"),
    ("LLAMA_CACHE", "where llama.cpp keeps its downloads"),
    ("OLLAMA_MODELS", "where Ollama keeps its models"),
    ("MODELS_PATH", "where Docker Model Runner keeps its models"),
    (
        "HOME, XDG_CONFIG_HOME, XDG_STATE_HOME, XDG_DATA_HOME, XDG_CACHE_HOME",
        "where config, database and stores of this user are",
    ),
    ("XDG_RUNTIME_DIR, TMPDIR", "where sockets are made"),
    (
        "STATE_DIRECTORY, RUNTIME_DIRECTORY, JOURNAL_STREAM",
        "set by systemd: the folders of database and sockets, and whether the log is its journal",
    ),
    ("PATH", "where llama-server and the programs of services are found"),
    ("SUDO_USER, SUDO_UID", "who called sudo, for the history"),
    ("LC_ALL, LC_CTYPE, LANG", "top uses ASCII only unless these name UTF-8"),
    ("MODELCTL_PAGER, PAGER", "the command that shows a table longer than the screen [default: less]"),
    ("NO_COLOR, TERM, COLUMNS", "no color (also with TERM=dumb), and the width of tables"),
];

const FILES: &[(&str, &str)] = &[
    ("~/.config/modelctl/config.toml, /etc/modelctl/config.toml", "the config file: the first that exists"),
    ("~/.local/state/modelctl/modelctl.db", "the model database of a user; locks are in modelctl.db-run next to it"),
    ("/var/lib/modelctl/modelctl.db", "that of the systemd units, which run as the user modelctl"),
];

/// The systemd units and their figure of `systemd-analyze security`: 0 is closed, 10 is open.
const EXPOSURE: &[(&str, &str)] =
    &[("modelctl-serve.service", "2.2"), ("modelctl-run-once.service", "2.2"), ("modelctl-prune.service", "3.3")];

/// Variables of every command.
const COMMON: &[&str] = &["MODELCTL_CONFIG", "MODELCTL_DB", "NO_COLOR"];

/// Returns the sections that end the page of a command. `below`: the commands below it.
pub fn of_command(path: &str, examples: &[String], below: &[String]) -> String {
    let mut text = String::new();
    if path == "serve" {
        text.push_str(&of_serve());
    }
    text.push_str(&exit_status(path));
    text.push_str(&environment(path));
    text.push_str(&list("FILES", "", FILES));
    if !examples.is_empty() {
        text.push_str(".SH EXAMPLES\n.nf\n");
        text.extend(examples.iter().map(|line| format!("{}\n", escaped(line))));
        text.push_str(".fi\n");
    }
    text + &see_also(path, below)
}

fn exit_status(path: &str) -> String {
    let general = |code: &u8| path.is_empty() || matches!(code, 0 | 2 | 3 | 4);
    let codes: Vec<(u8, &str)> = match row(EXITS, path) {
        Some(codes) => codes.to_vec(),
        None => EXIT_CODES.iter().filter(|(code, _)| general(code)).copied().collect(),
    };
    let rows: Vec<(String, &str)> = codes.iter().map(|(code, meaning)| (code.to_string(), *meaning)).collect();
    let rows: Vec<(&str, &str)> = rows.iter().map(|(code, meaning)| (code.as_str(), *meaning)).collect();
    list("EXIT STATUS", "", &rows)
}

fn environment(path: &str) -> String {
    const HEAD: &str = "Flags override these variables, and these override the config file.";
    if path.is_empty() {
        return list("ENVIRONMENT", HEAD, VARIABLES);
    }
    let first = path.split(' ').next().unwrap_or_default();
    let names = row(examples::VARIABLES, path).or_else(|| row(examples::VARIABLES, first)).unwrap_or_default();
    let is_named = |names: &[&str], listed: &str| names.iter().any(|name| listed.split(", ").any(|one| one == *name));
    let rows: Vec<(&str, &str)> =
        VARIABLES.iter().filter(|(listed, _)| is_named(names, listed) || is_named(COMMON, listed)).copied().collect();
    list("ENVIRONMENT", "The page modelctl(1) lists all variables.", &rows)
}

fn see_also(path: &str, below: &[String]) -> String {
    let mut names = vec!["modelctl".to_owned()];
    let page = |path: &str| format!("modelctl-{}", path.replace(' ', "-"));
    if let Some((above, _)) = path.rsplit_once(' ') {
        names.push(page(above));
    }
    names.extend(below.iter().map(|name| page(&format!("{path} {name}"))).map(|name| name.replace("--", "-")));
    names.extend(row(RELATED, path).unwrap_or_default().iter().map(|name| page(name)));
    if path.is_empty() {
        names.remove(0);
    }
    let names: Vec<String> = names.iter().map(|name| format!("\\fB{}\\fR(1)", escaped(name))).collect();
    format!(".SH SEE ALSO\n{}\n", names.join(", "))
}

/// Returns the sections that the page of `serve` has in addition.
fn of_serve() -> String {
    let figures = "GET /metrics has these figures for Prometheus, at most 2,000 series in all. Their names are stable.";
    let units = "Each runs as the user modelctl and is off until it is enabled. modelctl\\-admin(8), for root, runs \
                 modelctl on their database. In a unit, the figure of `systemd\\-analyze security` (0 closed, 10 open) is:";
    list("METRICS", figures, METRICS) + &list("UNITS", units, EXPOSURE)
}

/// Returns a line in the language of manual pages.
fn escaped(line: &str) -> String {
    let line = line.replace('\\', "\\e").replace('-', "\\-");
    // A dot or a quote at the start of a line is a request.
    if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line }
}

/// Returns a section with a list of names and what they are.
fn list(title: &str, head: &str, rows: &[(&str, &str)]) -> String {
    let mut text = format!(".SH {title}\n");
    if !head.is_empty() {
        text.push_str(head);
        text.push('\n');
    }
    text.extend(rows.iter().map(|(name, what)| format!(".TP\n\\fB{}\\fR\n{what}\n", name.replace('-', "\\-"))));
    text
}
