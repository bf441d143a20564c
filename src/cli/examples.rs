//! Examples and exit codes of the commands, for `--help` and the manual pages. Commands that carry an `after_help` of
//! their own are not listed.

/// Examples of a command, by its path below `modelctl`; the empty path is modelctl itself.
pub(super) const EXAMPLES: &[(&str, &[&str])] = &[
    ("", &["modelctl scan", "modelctl list --sort size", "modelctl prune --unused-for 90d", "modelctl serve"]),
    ("scan", &["modelctl scan", "modelctl scan /srv/models ~/gguf", "modelctl scan --store ollama=/srv/ollama"]),
    ("list", &["modelctl list --sort size", "modelctl list 'qwen*' --tier fast", "modelctl list --stores"]),
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
    ("rm", &["modelctl rm tinyllama", "modelctl rm tinyllama phi-3 --yes", "modelctl rm 68e7"]),
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
            "modelctl completions bash > ~/.local/share/bash-completion/completions/modelctl",
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

/// Exit codes of commands whose codes say more than those of modelctl itself.
pub(super) const EXITS: &[(&str, &[(u8, &str)])] = &[
    ("scan", &[(0, "done"), USAGE, (3, "a named folder cannot be read, or bad config"), BUSY]),
    ("verify", &[(0, "no findings"), (1, "a file is bad, unreadable or has changed"), USAGE, NOT_FOUND, BUSY]),
    (
        "prune",
        &[
            (0, "done, or nothing to do"),
            (1, "a target was not reached, or a row failed"),
            USAGE,
            (3, "a named model was kept, not found, bad config"),
            (4, "a named model is in use, or another prune is running"),
            (10, "with --exit-code: something was removed, or would be"),
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
    (
        "triage",
        &[(0, "no problem"), (1, "a finding, or something could not be checked"), USAGE, (3, "bad config or bundle")],
    ),
];

/// Commands that a manual page refers to, in addition to modelctl itself and those above and below it.
pub(super) const RELATED: &[(&str, &[&str])] = &[
    ("scan", &["list", "verify", "duplicates"]),
    ("list", &["scan", "show"]),
    ("show", &["list", "set"]),
    ("set", &["show", "keep", "start"]),
    ("keep", &["set", "prune"]),
    ("verify", &["scan", "prune"]),
    ("duplicates", &["verify", "prune"]),
    ("prune", &["trash", "keep", "history"]),
    ("trash", &["prune", "history"]),
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
            "OFFLOAD_FALLBACK",
            "MODELCTL_RAM_BUDGET",
            "MODELCTL_LOAD_TIMEOUT",
            "MODELCTL_REPRODUCIBLE",
            "AUTO_PRUNE_DAYS",
            "AUTO_PRUNE_CONFIRM",
        ],
    ),
    ("batch", &["OFFLOAD_MAX_TASKS", "OFFLOAD_FALLBACK", "MODELCTL_RAM_BUDGET", "MODELCTL_LOAD_TIMEOUT"]),
    ("task", &["OFFLOAD_MAX_TASKS", "OFFLOAD_FALLBACK"]),
    (
        "serve",
        &[
            "MODELCTL_LISTEN",
            "MODELCTL_LLAMA_SERVER",
            "MODELCTL_RAM_BUDGET",
            "MODELCTL_LIFECYCLE_INTERVAL",
            "MODELCTL_IDLE_TIMEOUT",
            "MODEL_PORT_RANGE_START",
            "OFFLOAD_POLL_S",
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
