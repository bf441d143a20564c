//! Sections of the manual pages that do not follow from the command line.

use crate::serve::api::METRICS;

/// The variables that modelctl reads, and what they do.
const VARIABLES: &[(&str, &str)] = &[
    ("MODELCTL_CONFIG", "the config file"),
    ("MODELCTL_DB", "the model database"),
    ("MODEL_SCAN_PATH", "folders to scan, separated by colons; replaces those of the config file"),
    ("KEEP_LOCAL_MODELS", "keep hints, separated by commas; come before those of the config file"),
    ("MODELCTL_LISTEN", "where serve listens, separated by commas; none: on its socket alone"),
    ("MODELCTL_LLAMA_SERVER", "llama-server, for models with that engine"),
    (
        "MODELCTL_RAM_BUDGET, MODELCTL_VRAM_BUDGET",
        "what all loaded models together may take of main memory, and of each GPU: 8GiB",
    ),
    ("MODELCTL_LIFECYCLE_INTERVAL", "the time between two looks at the machine: 15s, or seconds"),
    ("MODELCTL_IDLE_TIMEOUT", "the time without a request after which a server is stopped: 10m, or seconds"),
    (
        "MODELCTL_VRAM_PRESSURE_PCT, MODELCTL_RAM_PRESSURE_PCT, MODELCTL_CPU_PRESSURE_PCT",
        "the use from which on there is too little, 1 to 100",
    ),
    ("MODELCTL_DISK_FREE_MIN_GB", "the free space below which a disk is full, in gigabytes: 2, 0.5"),
    ("MODEL_PORT_RANGE_START, MODEL_PORT_RANGE_END", "the ports that model servers get (8080 to 8099)"),
    ("MODELCTL_LOAD_TIMEOUT", "the longest time that a model may take to load: 10m"),
    ("MODELCTL_REPRODUCIBLE", "1 or true: one text for one task and seed, whatever else is answered at the same time"),
    ("OFFLOAD_MAX_TASKS, OFFLOAD_MAX_ATTEMPTS", "tasks that one run-once takes (5), and attempts of a task (3)"),
    ("OFFLOAD_POLL_S", "how often serve looks for tasks in any case, in seconds (30)"),
    ("OFFLOAD_FALLBACK", "1 or true: another model may answer where the one that a task names fails"),
    ("AUTO_PRUNE_DAYS", "days without use after which run-once and serve prune a model (0: none)"),
    ("AUTO_PRUNE_CONFIRM", "1 or true: they move it to the trash; otherwise they only name it"),
    ("AUTO_PRUNE_MIN_KEEP", "the number of usable models that stay in any case"),
    ("MODELCTL_ENDPOINTS", "servers like llama-server that prune asks what they have loaded, separated by commas"),
    ("OLLAMA_HOST", "where the server of Ollama is, which prune asks as well"),
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
    ("PATH", "where llama-server and the programs of services are looked for"),
    ("SUDO_USER, SUDO_UID", "who called sudo, for the history"),
    ("LC_ALL, LC_CTYPE, LANG", "top draws with ASCII alone where these name no UTF-8"),
    ("MODELCTL_PAGER, PAGER", "the command that shows a table longer than the screen [default: less]"),
    ("NO_COLOR, TERM, COLUMNS", "no color (also with TERM=dumb), and the width of tables"),
];

const FILES: &[(&str, &str)] = &[
    ("~/.config/modelctl/config.toml, /etc/modelctl/config.toml", "the config file: the first that exists"),
    ("~/.local/state/modelctl/modelctl.db", "the model database of a user; locks are in modelctl.db-run beside it"),
    ("/var/lib/modelctl/modelctl.db", "that of the systemd units, which run as the user modelctl"),
];

/// The systemd units and their figure of `systemd-analyze security`: 0 is closed, 10 is open.
const EXPOSURE: &[(&str, &str)] =
    &[("modelctl-serve.service", "2.2"), ("modelctl-run-once.service", "2.2"), ("modelctl-prune.service", "3.3")];

/// Returns the sections that end the page `modelctl.1`.
pub fn of_program() -> String {
    let environment =
        list("ENVIRONMENT", "Flags win over these variables, and they win over the config file.", VARIABLES);
    environment + &list("FILES", "", FILES)
}

/// Returns the sections that end the page of `serve`.
pub fn of_serve() -> String {
    let figures = "GET /metrics has these figures for Prometheus, at most 2,000 series in all. Their names are stable.";
    let units = "Each runs as the user modelctl and is off until it is enabled. modelctl\\-admin(8), for root, runs \
                 modelctl on their database. In a unit, the figure of `systemd\\-analyze security` (0 closed, 10 open) is:";
    list("METRICS", figures, METRICS) + &list("UNITS", units, EXPOSURE)
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
