//! Examples and exit codes of the commands, for `--help` and the manual pages. Commands that carry an `after_help` of
//! their own are not listed.

/// Examples of a command, by its path below `modelctl`; the empty path is modelctl itself.
pub(super) const EXAMPLES: &[(&str, &[&str])] = &[
    ("", &["modelctl scan", "modelctl list --sort size", "modelctl prune --unused-for 90d", "modelctl serve"]),
    ("scan", &["modelctl scan", "modelctl scan /srv/models ~/gguf", "modelctl scan --store ollama=/srv/ollama"]),
    (
        "list",
        &["modelctl list --sort size", "modelctl list 'qwen*' --tier fast", "modelctl list --files --class orphan"],
    ),
    ("version", &["modelctl version"]),
    ("show", &["modelctl show smollm2", "modelctl show smollm2 --ctx 8192 --fit", "modelctl show 68e7 --json"]),
    (
        "set",
        &[
            "modelctl set smollm2 --alias small --pin",
            "modelctl set small --context 8192 --parallel 4",
            "modelctl set small --context auto",
        ],
    ),
    ("keep", &["modelctl keep add 'qwen*'", "modelctl keep list", "modelctl keep rm 'qwen*'"]),
    ("keep add", &["modelctl keep add small", "modelctl keep add '*-Q4_K_M' 'qwen*'"]),
    ("keep rm", &["modelctl keep rm small", "modelctl keep rm 'qwen*'"]),
    ("keep list", &["modelctl keep list", "modelctl keep list --json"]),
    ("verify", &["modelctl verify smollm2", "modelctl verify --all --max-rate 100MB", "modelctl verify --all --quick"]),
    (
        "duplicates",
        &[
            "modelctl duplicates",
            "modelctl duplicates --wasteful",
            "modelctl verify --all --hash && modelctl duplicates",
        ],
    ),
    (
        "prune",
        &[
            "modelctl prune --unused-for 90d",
            "modelctl prune --unused-for 90d --superseded --partials --confirm",
            "modelctl prune --free 50GiB --empty-trash --confirm",
            "modelctl prune --unused-for 90d --plan plan.json",
            "modelctl prune --apply plan.json --confirm",
        ],
    ),
    ("rm", &["modelctl rm tinyllama", "modelctl rm tinyllama phi-3 --yes", "modelctl rm --dry-run 68e7"]),
    ("dedupe", &["modelctl dedupe", "modelctl dedupe gemma3:270m --confirm", "modelctl dedupe --undo"]),
    ("doctor", &["modelctl doctor", "modelctl doctor --json"]),
    ("schema", &["modelctl schema", "modelctl schema list"]),
    (
        "trash",
        &["modelctl trash list", "modelctl trash restore tinyllama", "modelctl trash empty --older-than 7d --confirm"],
    ),
    ("trash list", &["modelctl trash list", "modelctl trash list --in /mnt/old/models", "modelctl trash list --json"]),
    ("trash restore", &["modelctl trash restore tinyllama", "modelctl trash restore 4k7m"]),
    (
        "trash empty",
        &["modelctl trash empty", "modelctl trash empty --confirm", "modelctl trash empty --older-than 30d --confirm"],
    ),
    (
        "run-once",
        &[
            "modelctl run-once --model small --prompt 'Name three colors.'",
            "git diff | modelctl run-once --prompt -",
            "modelctl run-once --max-tasks 20",
        ],
    ),
    (
        "batch",
        &[
            "modelctl batch requests.jsonl -o answers.jsonl",
            "modelctl batch requests.jsonl -o answers.jsonl --model small",
            "modelctl batch requests.jsonl -o answers.jsonl --errors errors.jsonl",
        ],
    ),
    (
        "serve",
        &[
            "modelctl serve",
            "modelctl serve --listen 127.0.0.1:4848 --listen 127.0.0.1:11434",
            "modelctl serve --listen 0.0.0.0:4848 --api-key-file keys",
        ],
    ),
    (
        "task",
        &[
            "modelctl task add 'Summarize: …' --key report-7",
            "modelctl task list --pending",
            "modelctl task show report-7",
        ],
    ),
    (
        "task add",
        &[
            "modelctl task add 'Name three colors.' --model small",
            "modelctl task add --file prompt.txt --key report-7",
            "modelctl task add 'Extract the date: …' --json-schema date.json",
        ],
    ),
    (
        "task import",
        &["modelctl task import requests.jsonl", "modelctl task import requests.jsonl --batch june --tier fast"],
    ),
    (
        "task export",
        &["modelctl task export > answers.jsonl", "modelctl task export --batch june --output answers.jsonl"],
    ),
    (
        "task list",
        &["modelctl task list --pending", "modelctl task list --state failed", "modelctl task list --batch june"],
    ),
    ("task show", &["modelctl task show 17", "modelctl task show report-7", "modelctl task show june/line-4 --text"]),
    ("task cancel", &["modelctl task cancel 17", "modelctl task cancel --batch june"]),
    ("task retry", &["modelctl task retry 17", "modelctl task retry --failed", "modelctl task retry --batch june"]),
    (
        "task wait",
        &["modelctl task wait 17", "modelctl task wait --batch june --timeout 1h", "modelctl task wait --all"],
    ),
    ("task follow", &["modelctl task follow", "modelctl task follow --batch june --json"]),
    ("task stats", &["modelctl task stats", "modelctl task stats --json"]),
    ("inference", &["modelctl inference off", "modelctl inference on", "modelctl inference status"]),
    ("history", &["modelctl history --since 30d", "modelctl history --what prune", "modelctl history --model smollm2"]),
    (
        "completions",
        &[
            "echo 'source <(modelctl completions bash)' >> ~/.bashrc",
            "modelctl completions zsh > ~/.zfunc/_modelctl",
            "modelctl completions fish > ~/.config/fish/completions/modelctl.fish",
        ],
    ),
    ("man", &["modelctl man | man -l -", "modelctl man --dir ~/.local/share/man/man1"]),
];

const BUSY: (u8, &str) = (4, "busy: another process holds what is needed");
const USAGE: (u8, &str) = (2, "usage error");
const NOT_FOUND: (u8, &str) = (3, "not found, ambiguous, bad config, unreadable");
const ENGINE: (u8, &str) = (5, "the engine failed: llama.cpp or its worker process");
const NO_DAEMON: (u8, &str) = (3, "no daemon is running, no such model, or bad config");
const DAEMON_BUSY: (u8, &str) = (4, "the daemon does not answer, or is stopping");

/// The codes of commands that ask the daemon.
const ASKING: &[(u8, &str)] = &[(0, "done"), USAGE, NO_DAEMON, DAEMON_BUSY];
/// The codes of commands that need neither a database nor a daemon.
const ALONE: &[(u8, &str)] = &[(0, "done"), USAGE, (3, "bad config")];
/// The codes of commands that start servers.
const STARTING: &[(u8, &str)] = &[
    (0, "ready"),
    USAGE,
    (3, "no daemon is running, no such model, its file cannot be loaded, or bad config"),
    (4, "not enough memory, no free port, or the daemon does not answer"),
    (5, "the server failed"),
];

/// Exit codes of commands whose codes say more than those of modelctl itself.
pub(super) const EXITS: &[(&str, &[(u8, &str)])] = &[
    ("scan", &[(0, "done"), USAGE, (3, "a named folder cannot be read, or bad config"), BUSY]),
    ("verify", &[(0, "no findings"), (1, "a file is bad, unreadable or has changed"), USAGE, NOT_FOUND, BUSY]),
    (
        "prune",
        &[
            (0, "done, or nothing to do"),
            (1, "a target was not reached, a part of the plan failed or could not be examined, or the clock jumped"),
            (2, "usage error; with --confirm, also no rule"),
            (3, "a named model is kept or not found; more than half of a store without --allow-large; bad config"),
            (4, "a named model is in use, or another prune is running"),
            (10, "with --exit-code: something was removed, or would be"),
        ],
    ),
    (
        "rm",
        &[
            (0, "removed; with --dry-run, shown"),
            (1, "not confirmed, or not all could be removed"),
            (2, "usage error, or no terminal to ask on and no --yes"),
            (3, "not found, ambiguous, pinned or kept; with --yes, only a part of a name; bad config"),
            (4, "a model is in use, or another prune is running"),
        ],
    ),
    ("trash list", &[(0, "done"), (1, "a trash could not be read"), USAGE, NOT_FOUND]),
    (
        "trash empty",
        &[
            (0, "done, or nothing to delete"),
            (1, "not all could be deleted, or a trash not read"),
            USAGE,
            NOT_FOUND,
            BUSY,
        ],
    ),
    (
        "dedupe",
        &[
            (0, "done, or nothing to do"),
            (1, "some files were left as they are"),
            USAGE,
            (3, "nothing could be shared, no such model or run, or bad config"),
            BUSY,
        ],
    ),
    ("doctor", &[(0, "no problem"), (1, "a problem was found"), USAGE, (3, "bad config")]),
    (
        "health",
        &[
            (0, "ok; a warning, unless --strict or --exit-style nagios"),
            (1, "critical or unknown; with nagios: a warning; with docker and kubernetes also 2 and 3"),
            (2, "usage error; with nagios: critical"),
            (3, "bad config, or nothing to check; with nagios: unknown, also for usage errors"),
        ],
    ),
    ("trash restore", &[(0, "all restored"), (1, "some were not restored"), USAGE, (3, "nothing was restored"), BUSY]),
    (
        "run-once",
        &[
            (0, "answered, or all due tasks are done"),
            (1, "a task failed"),
            USAGE,
            (3, "no such model, or all due tasks wait for something"),
            (4, "another process has a model in memory"),
            ENGINE,
        ],
    ),
    ("batch", &[(0, "all requests answered"), (1, "requests without an answer"), USAGE, NOT_FOUND, BUSY, ENGINE]),
    ("task wait", &[(0, "all done"), (1, "a task failed or was canceled"), USAGE, NOT_FOUND, (4, "timeout")]),
    ("task follow", &[(0, "all done"), (1, "a named task failed or was canceled"), USAGE, NOT_FOUND]),
    (
        "serve",
        &[(0, "stopped"), USAGE, (3, "bad config, or an address cannot be used"), (4, "another daemon is running")],
    ),
    ("start", STARTING),
    ("restart", STARTING),
    ("start-all", &[(0, "all are ready"), (1, "some were not started"), USAGE, NO_DAEMON, DAEMON_BUSY]),
    ("stop", ASKING),
    ("stop-all", ASKING),
    ("why", ASKING),
    ("priority", ASKING),
    (
        "offload",
        &[
            (0, "done"),
            USAGE,
            (3, "no daemon is running, no such model or not loaded, or bad config"),
            (4, "not enough memory, or the daemon does not answer"),
            (5, "the server failed"),
        ],
    ),
    ("lifecycle pause", ASKING),
    ("lifecycle resume", ASKING),
    ("lifecycle status", ASKING),
    ("logs", ASKING),
    ("events", ASKING),
    ("ps", &[(0, "done, also without a daemon"), USAGE, NOT_FOUND, DAEMON_BUSY]),
    ("status", &[(0, "done, also without a daemon"), USAGE, NOT_FOUND, DAEMON_BUSY]),
    ("top", &[(0, "done, also without a daemon"), USAGE, NOT_FOUND, DAEMON_BUSY]),
    ("task cancel", &[(0, "done"), (1, "a named task could not be canceled"), USAGE, NOT_FOUND, BUSY]),
    ("task retry", &[(0, "done"), (1, "a named task could not be queued again"), USAGE, NOT_FOUND, BUSY]),
    (
        "triage",
        &[
            (0, "no problem"),
            (1, "a finding, a difference from the baseline, or something could not be checked"),
            USAGE,
            (3, "bad config or bundle"),
        ],
    ),
    ("version", ALONE),
    ("completions", ALONE),
    ("man", &[(0, "done"), USAGE, (3, "a page cannot be written, or bad config")]),
    ("schema", &[(0, "done"), USAGE, (3, "no such document, or bad config")]),
];

/// Commands that a manual page refers to, in addition to modelctl itself and those above and below it.
pub(super) const RELATED: &[(&str, &[&str])] = &[
    ("scan", &["list", "verify", "duplicates"]),
    ("list", &["scan", "show", "prune"]),
    ("show", &["list", "set"]),
    ("set", &["show", "keep", "start"]),
    ("keep", &["set", "prune"]),
    ("verify", &["scan", "prune"]),
    ("duplicates", &["verify", "dedupe", "prune"]),
    ("dedupe", &["duplicates", "prune", "df"]),
    ("df", &["list", "prune", "trash", "duplicates"]),
    ("doctor", &["health", "triage"]),
    ("prune", &["rm", "trash", "duplicates", "keep", "list", "history"]),
    ("rm", &["prune", "trash", "keep"]),
    ("trash", &["prune", "rm", "history"]),
    ("run-once", &["task", "batch", "serve"]),
    ("batch", &["task", "run-once"]),
    ("task", &["run-once", "batch", "inference"]),
    ("inference", &["task", "lifecycle"]),
    ("serve", &["start", "ps", "top", "status"]),
    ("start", &["stop", "ps", "logs"]),
    ("stop", &["start", "ps"]),
    ("restart", &["start", "set"]),
    ("start-all", &["start", "stop-all"]),
    ("stop-all", &["stop", "start-all"]),
    ("ps", &["top", "status", "why"]),
    ("top", &["ps", "status"]),
    ("status", &["ps", "why", "lifecycle"]),
    ("why", &["status", "events"]),
    ("lifecycle", &["status", "priority"]),
    ("priority", &["offload", "lifecycle"]),
    ("offload", &["priority", "status"]),
    ("logs", &["events", "ps"]),
    ("events", &["logs", "history"]),
    ("history", &["prune", "trash"]),
    ("health", &["triage", "tune"]),
    ("triage", &["health", "tune"]),
    ("tune", &["health", "triage"]),
];

/// Environment variables that matter for a command, in addition to those of every command.
pub(super) const VARIABLES: &[(&str, &[&str])] = &[
    ("scan", &["MODEL_SCAN_PATH", "HF_HUB_CACHE", "HF_XET_CACHE", "LLAMA_CACHE", "OLLAMA_MODELS", "MODELS_PATH"]),
    ("keep", &["KEEP_LOCAL_MODELS"]),
    ("prune", &["KEEP_LOCAL_MODELS", "AUTO_PRUNE_MIN_KEEP", "MODELCTL_ENDPOINTS", "OLLAMA_HOST", "SUDO_USER"]),
    (
        "run-once",
        &[
            "KEEP_LOCAL_MODELS",
            "OFFLOAD_MAX_TASKS",
            "OFFLOAD_MAX_ATTEMPTS",
            "OFFLOAD_FALLBACK",
            "MODELCTL_RAM_BUDGET",
            "MODELCTL_LOAD_TIMEOUT",
            "MODELCTL_REPRODUCIBLE",
            "AUTO_PRUNE_DAYS",
            "AUTO_PRUNE_CONFIRM",
            "AUTO_PRUNE_MIN_KEEP",
        ],
    ),
    ("batch", &["OFFLOAD_MAX_TASKS", "OFFLOAD_FALLBACK", "MODELCTL_RAM_BUDGET", "MODELCTL_LOAD_TIMEOUT"]),
    ("task", &["OFFLOAD_MAX_TASKS", "OFFLOAD_MAX_ATTEMPTS", "OFFLOAD_FALLBACK"]),
    (
        "serve",
        &[
            "MODELCTL_LISTEN",
            "MODELCTL_LLAMA_SERVER",
            "MODELCTL_RAM_BUDGET",
            "MODELCTL_LIFECYCLE_INTERVAL",
            "MODELCTL_IDLE_TIMEOUT",
            "MODELCTL_LOAD_TIMEOUT",
            "MODELCTL_VRAM_PRESSURE_PCT",
            "MODELCTL_RAM_PRESSURE_PCT",
            "MODELCTL_CPU_PRESSURE_PCT",
            "MODELCTL_DISK_FREE_MIN_GB",
            "MODEL_PORT_RANGE_START",
            "MODEL_PORT_RANGE_END",
            "OFFLOAD_POLL_S",
            "AUTO_PRUNE_DAYS",
            "AUTO_PRUNE_CONFIRM",
            "XDG_RUNTIME_DIR",
        ],
    ),
    ("history", &["SUDO_USER"]),
    ("top", &["LC_ALL"]),
];

/// Returns the row of a command.
pub(super) fn row<T: Copy>(table: &[(&str, T)], path: &str) -> Option<T> {
    table.iter().find(|(name, _)| *name == path).map(|(_, value)| *value)
}
