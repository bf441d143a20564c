//! Sections of the manual pages that do not follow from the command line.

use super::super::examples::{self, EXITS, RELATED, row};
use super::texts::{self, Part};
use crate::failure::EXIT_CODES;
use crate::serve::api::METRICS;

/// The variables that modelctl reads, and what they do.
const VARIABLES: &[(&str, &str)] = &[
    ("MODELCTL_CONFIG", "the config file, see modelctl.toml(5) [default: the first in FILES that exists]"),
    ("MODELCTL_DB", "the model database [default: the one in FILES]"),
    (
        "MODEL_SCAN_PATH",
        "folders to scan, separated by colons [default: `scan.paths` of the config file, else the known places]",
    ),
    ("KEEP_LOCAL_MODELS", "keep hints, separated by commas; they come before those of the config file"),
    (
        "MODELCTL_LISTEN",
        "where serve listens, separated by commas; `none`: only on its socket [default: 127.0.0.1:4848]",
    ),
    ("MODELCTL_LLAMA_SERVER", "the program for models with that engine [default: llama-server in PATH]"),
    (
        "MODELCTL_RAM_BUDGET, MODELCTL_VRAM_BUDGET",
        "limits for all loaded models together, of main memory and of each GPU, such as 8GiB [default: all but 1 GiB \
         or 5 %, whichever is less]",
    ),
    (
        "MODELCTL_LIFECYCLE_INTERVAL",
        "how often the machine is checked, with a unit or in seconds [default: 15s; 2min with `lifecycle.static`]",
    ),
    (
        "MODELCTL_IDLE_TIMEOUT",
        "the time without a request after which a server is stopped, with a unit or in seconds [default: 5m for text \
         and speech input, 3m for vectors, 15m for images as input, 10m for images and speech as output; 20 times the \
         load time if that is longer, at most 30m]",
    ),
    ("MODELCTL_VRAM_PRESSURE_PCT", "the percentage of GPU memory in use at which pressure begins [default: 85]"),
    ("MODELCTL_RAM_PRESSURE_PCT", "the same for main memory [default: 90]"),
    ("MODELCTL_CPU_PRESSURE_PCT", "the same for all cores, over 30 seconds [default: 80]"),
    ("MODELCTL_DISK_FREE_MIN_GB", "the free space below which a disk is full, in gigabytes, such as 0.5 [default: 2]"),
    ("MODEL_PORT_RANGE_START", "the first port of model servers [default: 8080]"),
    ("MODEL_PORT_RANGE_END", "the last port of model servers [default: the first one plus 19]"),
    ("MODELCTL_LOAD_TIMEOUT", "the time limit for loading a model, with a unit [default: 10m]"),
    (
        "MODELCTL_REPRODUCIBLE",
        "1 or true: the same text for the same task and seed, whatever else is answered at the same time; slower \
         [default: 0]",
    ),
    ("OFFLOAD_MAX_TASKS", "the most tasks that one run-once runs [default: 5]"),
    ("OFFLOAD_MAX_ATTEMPTS", "attempts of a task [default: 3]"),
    ("OFFLOAD_POLL_S", "how often serve checks for tasks at least, in seconds [default: 30]"),
    ("OFFLOAD_FALLBACK", "1 or true: another model may answer if the one that a task names fails [default: 0]"),
    ("AUTO_PRUNE_DAYS", "days without use after which run-once and serve prune a model [default: 0, never]"),
    ("AUTO_PRUNE_CONFIRM", "1 or true: they move it to the trash; otherwise they only name it [default: 0]"),
    ("AUTO_PRUNE_MIN_KEEP", "the number of usable models that are always kept [default: 0]"),
    (
        "MODELCTL_ENDPOINTS",
        "servers like llama-server, separated by commas; prune asks them what they have loaded [default: \
         `prune.endpoints` of the config file]",
    ),
    ("OLLAMA_HOST", "the address of Ollama's server; prune asks it too [default: 127.0.0.1:11434]"),
    (
        "HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME",
        "where the cache of the Hugging Face hub is; HF_HOME has it in `hub` [default: ~/.cache/huggingface/hub]",
    ),
    ("HF_XET_CACHE", "where hf_xet keeps its chunks [default: `xet` in HF_HOME, else ~/.cache/huggingface/xet]"),
    ("LLAMA_CACHE", "where llama.cpp keeps its downloads [default: ~/.cache/llama.cpp]"),
    (
        "OLLAMA_MODELS",
        "where Ollama keeps its models [default: ~/.ollama/models]; those of its system service are found as well",
    ),
    ("MODELS_PATH", "where Docker Model Runner keeps its models [default: ~/.docker/models]"),
    ("HOME", "the home folder, written as `~`"),
    (
        "XDG_CONFIG_HOME, XDG_STATE_HOME, XDG_DATA_HOME, XDG_CACHE_HOME",
        "where config, database and stores of this user are [default: ~/.config, ~/.local/state, ~/.local/share, \
         ~/.cache]",
    ),
    (
        "XDG_RUNTIME_DIR, TMPDIR",
        "where sockets are made: in `modelctl` in the first, else in `modelctl-UID` in the second [default: /tmp]",
    ),
    (
        "STATE_DIRECTORY, RUNTIME_DIRECTORY, JOURNAL_STREAM",
        "set by systemd: the folders of database and sockets, and whether the log is its journal",
    ),
    ("PATH", "where llama-server and the programs of services are found"),
    ("SUDO_USER, SUDO_UID", "who called sudo, for the history"),
    ("LC_ALL, LC_CTYPE, LANG", "top uses ASCII only unless the first that is set names UTF-8"),
    ("MODELCTL_PAGER, PAGER", "the command that shows a table longer than the screen [default: less]"),
    ("NO_COLOR, TERM, COLUMNS", "no color (also with TERM=dumb), and the width of tables"),
];

const FILES: &[(&str, &str)] = &[
    (
        "~/.config/modelctl/config.toml, /etc/modelctl/config.toml",
        "the config file: the first that exists; see modelctl.toml(5)",
    ),
    ("~/.local/state/modelctl/modelctl.db", "the model database of a user; locks are in modelctl.db-run next to it"),
    ("/var/lib/modelctl/modelctl.db", "that of the systemd units, which run as the user modelctl"),
];

/// Where what was pruned is, for the commands that it concerns.
const TRASH: (&str, &str) = (
    ".model_trash",
    "the trash: a folder next to each scanned folder, and always on its disk, so that nothing is copied and no space \
     is freed before it is emptied. It is in the scanned folder itself where that is a mount point or the folder above \
     it cannot be written to, and its name is .model_trash-UID where another user has that one.",
);

/// The systemd units and their figure of `systemd-analyze security`: 0 is closed, 10 is open.
const EXPOSURE: &[(&str, &str)] =
    &[("modelctl-serve.service", "2.2"), ("modelctl-run-once.service", "2.2"), ("modelctl-prune.service", "3.3")];

/// Variables of every command.
const COMMON: &[&str] = &["MODELCTL_CONFIG", "MODELCTL_DB", "NO_COLOR"];

/// Returns what a command does: paragraphs of its help, and what only the page says.
pub fn description(path: &str, of_help: &[String]) -> String {
    let more = row(texts::DESCRIPTIONS, path).unwrap_or_default();
    let all: Vec<&str> = of_help.iter().map(String::as_str).chain(more.iter().copied()).collect();
    if all.is_empty() { String::new() } else { format!(".SH DESCRIPTION\n{}", paragraphs(&all)) }
}

/// Returns where the options are that every command has.
pub fn global_options() -> String {
    let line = "Global options (--config, --db, --color, --quiet, --wide): see modelctl(1).";
    format!(".PP\n{}\n", escaped(line))
}

/// Returns the list of the commands below one, each with its other names.
pub fn commands(name: &str, below: &[&clap::Command]) -> String {
    let mut text = ".SH SUBCOMMANDS\n".to_owned();
    for sub in below {
        let about = sub.get_about().map(ToString::to_string).unwrap_or_default();
        let aliases: Vec<&str> = sub.get_visible_aliases().collect();
        let aliases = if aliases.is_empty() { String::new() } else { format!(" [also: {}]", aliases.join(", ")) };
        let page = escaped(&format!("{name}-{}", sub.get_name()));
        text.push_str(&format!(".TP\n\\fB{page}\\fR(1)\n{}\n", escaped(&format!("{about}{aliases}"))));
    }
    text
}

/// Returns the sections that end the page of a command. `below`: the commands below it.
pub fn of_command(path: &str, examples: &[String], below: &[String]) -> String {
    let mut text = String::new();
    text.extend(texts::SECTIONS.iter().filter(|(of, ..)| *of == path).map(|(_, title, parts)| section(title, parts)));
    if path == "serve" {
        text.push_str(&of_serve());
    }
    text.push_str(&exit_status(path));
    text.push_str(&environment(path));
    text.push_str(&list("FILES", "", &files(path)));
    if !examples.is_empty() {
        text.push_str(".SH EXAMPLES\n.nf\n");
        text.extend(examples.iter().map(|line| format!("{}\n", escaped(line))));
        text.push_str(".fi\n");
    }
    text + &see_also(path, below)
}

fn files(path: &str) -> Vec<(&'static str, &'static str)> {
    let first = path.split(' ').next().unwrap_or_default();
    let has_trash = matches!(first, "" | "prune" | "rm" | "trash");
    FILES.iter().copied().chain(has_trash.then_some(TRASH)).collect()
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
    let mut names: Vec<String> = names.iter().map(|name| format!("\\fB{}\\fR(1)", escaped(name))).collect();
    if matches!(path, "" | "serve") {
        names.push("\\fBmodelctl.toml\\fR(5)".to_owned());
    }
    format!(".SH SEE ALSO\n{}\n", names.join(", "))
}

/// Returns the sections that the page of `serve` has in addition.
fn of_serve() -> String {
    let figures = "GET /metrics has these figures for Prometheus, at most 2,000 series in all. Their names are stable.";
    let units = "Each runs as the user modelctl and is off until it is enabled; SCHEDULING in modelctl(1) says how. \
                 modelctl-admin(8), part of the Debian package and of `make install`, runs modelctl on their \
                 database, for root. The figure of `systemd-analyze security` (0 closed, 10 open) of each is:";
    list("METRICS", figures, METRICS) + &list("UNITS", units, EXPOSURE)
}

/// Returns a section of its own.
fn section(title: &str, parts: &[Part]) -> String {
    let mut text = format!(".SH {title}\n");
    for part in parts {
        match part {
            Part::Text(paragraph) => text.push_str(&format!(".PP\n{}\n", escaped(paragraph))),
            Part::Item(name, what) => text.push_str(&item(name, what)),
            Part::Lines(lines) => {
                let lines: String = lines.iter().map(|line| format!("{}\n", escaped(line))).collect();
                text.push_str(&format!(".PP\n.RS 4\n.nf\n{lines}.fi\n.RE\n"));
            }
        }
    }
    text
}

/// Returns paragraphs, one below the other.
pub fn paragraphs(texts: &[impl AsRef<str>]) -> String {
    let paragraph = |text: &str| text.lines().map(|line| format!("{}\n", escaped(line))).collect::<String>();
    texts.iter().map(|text| paragraph(text.as_ref())).collect::<Vec<_>>().join(".PP\n")
}

/// Returns a line in the language of manual pages, with every character as it is: a formatter turns some that a shell
/// needs into typographic ones.
pub fn escaped(line: &str) -> String {
    let mut text = String::new();
    // A dot or a quote at the start of a line is a request.
    if line.starts_with('.') {
        text.push_str("\\&");
    }
    for c in line.chars() {
        match c {
            '\\' => text.push_str("\\e"),
            '-' => text.push_str("\\-"),
            '\'' => text.push_str("\\(aq"),
            '`' => text.push_str("\\(ga"),
            '~' => text.push_str("\\(ti"),
            '^' => text.push_str("\\(ha"),
            c => text.push(c),
        }
    }
    text
}

/// Returns a section with a list of names and what they are.
pub fn list(title: &str, head: &str, rows: &[(&str, &str)]) -> String {
    let mut text = format!(".SH {title}\n");
    if !head.is_empty() {
        text.push_str(&format!("{}\n", escaped(head)));
    }
    text.extend(rows.iter().map(|(name, what)| item(name, what)));
    text
}

fn item(name: &str, what: &str) -> String {
    format!(".TP\n\\fB{}\\fR\n{}\n", escaped(name), escaped(what))
}
