//! The programs of a config file, with supervisor's defaults.

use super::config::{Config, Placed};
use super::expand::{Names, expand, is_open};
use super::types::{AutoRestart, ProgramSettings};
use std::path::PathBuf;

/// The most processes that one section, and a whole config file, is taken to ask for.
const MOST_PROCESSES: u32 = 1_000;
const MOST_PROGRAMS: usize = 5_000;

/// One process that the config file asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileProgram {
    pub name: String,
    pub group: String,
    pub settings: ProgramSettings,
    /// Whether supervisord chooses the log file (`AUTO`): standard output, standard error.
    pub is_log_chosen: (bool, bool),
}

/// Returns the programs of a config file, in its order.
pub(super) fn programs(config: &Config) -> Vec<FileProgram> {
    let groups: Vec<(&str, Vec<String>)> = config
        .sections
        .iter()
        .filter_map(|placed| {
            let group = placed.section.name.strip_prefix("group:")?;
            let members = config.value(&placed.section.name, "programs")?;
            Some((group, members.split(',').map(|name| name.trim().to_owned()).collect()))
        })
        .collect();
    let mut found = Vec::new();
    for placed in &config.sections {
        let Some((kind, program)) = placed.section.name.split_once(':') else { continue };
        if !matches!(kind, "program" | "fcgi-program" | "eventlistener") || found.len() >= MOST_PROGRAMS {
            continue;
        }
        let group = groups.iter().find(|(_, members)| members.iter().any(|member| member == program));
        processes(config, placed, program, group.map_or(program, |(group, _)| group), &mut found);
    }
    found
}

fn processes(config: &Config, placed: &Placed, program: &str, group: &str, found: &mut Vec<FileProgram>) {
    let mut names = config.names.clone();
    names.insert("program_name".into(), program.into());
    names.insert("group_name".into(), group.into());
    let number = |key, default| get(placed, key, &names).and_then(|text| text.parse().ok()).unwrap_or(default);
    let (first, count): (u32, u32) = (number("numprocs_start", 0), number("numprocs", 1));
    names.insert("numprocs".into(), count.to_string());
    for process in first..first.saturating_add(count.min(MOST_PROCESSES)) {
        names.insert("process_num".into(), process.to_string());
        let own = config.environment(&placed.section.name, &names);
        let mut all = names.clone();
        all.extend(own.iter().map(|(name, value)| (format!("ENV_{name}"), value.clone())));
        let name = get(placed, "process_name", &all).unwrap_or_else(|| program.to_owned());
        let mut environment = config.environment("supervisord", &config.names);
        environment.retain(|(name, _)| own.iter().all(|(other, _)| other != name));
        environment.extend(own);
        found.push(one(placed, name, group.to_owned(), &all, environment));
    }
}

fn one(placed: &Placed, name: String, group: String, names: &Names, environment: Vec<(String, String)>) -> FileProgram {
    let text = |key| get(placed, key, names);
    let number = |key, default| text(key).and_then(|text| text.parse().ok()).unwrap_or(default);
    let switch = |key, default| text(key).map_or(default, |text| is_true(&text));
    let (stdout_log, is_stdout_chosen) = log(text("stdout_logfile"));
    let (stderr_log, is_stderr_chosen) = log(text("stderr_logfile"));
    let redirect_stderr = switch("redirect_stderr", false);
    let bytes = |key| text(key).and_then(|text| byte_size(&text)).or(Some(DEFAULT_MAX_BYTES));
    let codes = text("exitcodes").unwrap_or_else(|| "0".to_owned());
    let settings = ProgramSettings {
        place: Some((placed.file.clone(), placed.section.line)),
        command: text("command").unwrap_or_default(),
        directory: text("directory").map(PathBuf::from),
        user: text("user"),
        autostart: switch("autostart", true),
        autorestart: match text("autorestart").as_deref() {
            None => AutoRestart::Unexpected,
            Some(text) if text.eq_ignore_ascii_case("unexpected") => AutoRestart::Unexpected,
            Some(text) if is_true(text) => AutoRestart::Always,
            Some(_) => AutoRestart::Never,
        },
        start_seconds: number("startsecs", 1),
        start_retries: number("startretries", 3),
        exit_codes: codes.split(',').filter_map(|code| code.trim().parse().ok()).collect(), // others are refused by it
        stop_wait_seconds: number("stopwaitsecs", 10),
        stdout_log,
        stderr_log: stderr_log.filter(|_| !redirect_stderr),
        stdout_max_bytes: bytes("stdout_logfile_maxbytes"),
        stderr_max_bytes: bytes("stderr_logfile_maxbytes"),
        redirect_stderr,
        environment,
    };
    FileProgram { name, group, settings, is_log_chosen: (is_stdout_chosen, is_stderr_chosen && !redirect_stderr) }
}

const DEFAULT_MAX_BYTES: u64 = 50 << 20;

fn get(placed: &Placed, key: &str, names: &Names) -> Option<String> {
    let value = placed.section.values.get(key)?;
    Some(expand(value.trim(), names)).filter(|value| !value.is_empty())
}

fn is_true(text: &str) -> bool {
    ["true", "on", "yes", "1", "t", "y"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Returns the path of a log, and whether supervisord chooses one.
fn log(value: Option<String>) -> (Option<PathBuf>, bool) {
    let is = |text: &str, words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    match value {
        None => (None, true),
        Some(text) if is(&text, &["auto"]) => (None, true),
        Some(text) if is(&text, &["none", "off", "syslog"]) => (None, false),
        Some(text) => (Some(text.into()), false),
    }
}

fn byte_size(text: &str) -> Option<u64> {
    let upper = text.to_ascii_uppercase();
    let (digits, unit) = match upper.strip_suffix("KB") {
        Some(digits) => (digits, 1 << 10),
        None => match (upper.strip_suffix("MB"), upper.strip_suffix("GB")) {
            (Some(digits), _) => (digits, 1 << 20),
            (None, Some(digits)) => (digits, 1 << 30),
            (None, None) => (upper.as_str(), 1),
        },
    };
    digits.trim().parse::<u64>().ok()?.checked_mul(unit) // no number: supervisord refuses it
}

impl FileProgram {
    /// Completes the settings that supervisord reported by what it does not report.
    pub fn complete(&self, reported: &mut ProgramSettings) {
        reported.place.clone_from(&self.settings.place);
        reported.autorestart = self.settings.autorestart;
        reported.environment.clone_from(&self.settings.environment);
        if self.settings.user.is_some() {
            reported.user.clone_from(&self.settings.user);
        }
    }

    /// Returns the settings of the file if they differ from those that supervisord runs with. A value that refers to
    /// something unknown here is taken as the same.
    pub fn difference(&self, running: &ProgramSettings) -> Option<ProgramSettings> {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let is_open_path = |path: &Option<PathBuf>| path.as_ref().is_some_and(|path| is_open(&path.to_string_lossy()));
        let mut file = self.settings.clone();
        if is_open(&file.command) || words(&file.command) == words(&running.command) {
            file.command.clone_from(&running.command);
        }
        if is_open_path(&file.directory) {
            file.directory.clone_from(&running.directory);
        }
        let relative = |path: &Option<PathBuf>| path.as_ref().is_some_and(|path| !path.is_absolute());
        if self.is_log_chosen.0 || is_open_path(&file.stdout_log) || relative(&file.stdout_log) {
            file.stdout_log.clone_from(&running.stdout_log);
        }
        if self.is_log_chosen.1 || is_open_path(&file.stderr_log) || relative(&file.stderr_log) {
            file.stderr_log.clone_from(&running.stderr_log);
        }
        file.place.clone_from(&running.place);
        file.user.clone_from(&running.user);
        if file == *running {
            return None;
        }
        file.place.clone_from(&self.settings.place);
        Some(file)
    }
}
