use super::config::Config;
use super::processes::{self, Running, USUAL};
use super::programs::programs;
use super::types::{Program, SupervisordSearch};
use crate::clock::Timestamp;
use crate::node::{Fact, Outcome, Place};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Finds the supervisords of the node: one for each that runs, and one for `config`, or for a config file at a usual
/// place, that none of them has. Empty: nothing says that there should be one.
pub fn find(place: &Place, config: Option<&Path>) -> Vec<SupervisordSearch> {
    let running = processes::running(place);
    let exists = |path: &PathBuf| std::fs::metadata(place.at(path)).is_ok();
    let mut searches: Vec<(Option<PathBuf>, Option<&Running>)> = running
        .iter()
        .map(|process| {
            let named = process.option("-c", "--configuration").is_some();
            let mut candidates = process.config_files().into_iter();
            let found = candidates.find(|path| named || exists(path));
            (found.or_else(|| likely(process, config, &exists)), Some(process))
        })
        .collect();
    match config {
        Some(config) => {
            let same = |path: &Path| same_file(&place.at(path), &place.at(config));
            // The one that is named counts; others are among the processes of its search.
            searches.retain(|(path, _)| path.as_deref().is_some_and(same));
            if searches.is_empty() {
                searches.push((Some(config.to_owned()), None));
            }
        }
        None if searches.is_empty() => {
            searches.extend(USUAL.iter().map(PathBuf::from).find(exists).map(|path| (Some(path), None)));
        }
        None => {}
    }
    searches.into_iter().map(|(path, process)| search(place, path, process, &running)).collect()
}

/// Returns the config file of a process of another user, whose folder is not known: the expected one, or one at a usual
/// place, if it has the name that the command line gives.
fn likely(process: &Running, config: Option<&Path>, exists: &dyn Fn(&PathBuf) -> bool) -> Option<PathBuf> {
    let named = process.option("-c", "--configuration").map(Path::new).and_then(Path::file_name);
    let usual = USUAL.iter().map(PathBuf::from).filter(exists);
    let mut candidates = config.map(Path::to_owned).into_iter().chain(usual);
    candidates.find(|path| named.is_none_or(|name| path.file_name() == Some(name)))
}

fn same_file(a: &Path, b: &Path) -> bool {
    match (std::fs::metadata(a), std::fs::metadata(b)) {
        (Ok(first), Ok(second)) => (first.dev(), first.ino()) == (second.dev(), second.ino()),
        _ => a == b,
    }
}

fn search(place: &Place, path: Option<PathBuf>, process: Option<&Running>, running: &[Running]) -> SupervisordSearch {
    let environment = process.map(|process| processes::environment(place, process.pid)).unwrap_or_default();
    let config = path.as_ref().map(|path| Config::read(place, path, environment)).unwrap_or_default();
    let value = |section: &str, key: &str| config.value(section, key);
    // A relative path is relative to the folder in which supervisord was started.
    let resolve = |path: String| match process {
        Some(process) => process.resolve(path),
        None => Some(PathBuf::from(path)).filter(|path| path.is_absolute()),
    };
    let of_process = |short, long| process.and_then(|process| process.option(short, long)).map(str::to_owned);
    let has_config = config.section("supervisord").is_some();
    let default = |name: &str| has_config.then(|| name.to_owned());
    let client = value("supervisorctl", "serverurl");
    let client_socket = client.as_deref().and_then(|url| url.strip_prefix("unix://")).map(str::to_owned);
    let socket = value("unix_http_server", "file").or(client_socket).and_then(resolve);
    let others = running.iter().filter(|other| process.is_none_or(|process| process.pid != other.pid));
    let main_log = of_process("-l", "--logfile")
        .or_else(|| value("supervisord", "logfile"))
        .or_else(|| default("supervisord.log"))
        .and_then(resolve);
    SupervisordSearch {
        config_error: config.error(),
        http: value("inet_http_server", "port")
            .map(|port| address(&port))
            .or_else(|| client.filter(|url| url.starts_with("http://") && !url.contains('@'))),
        main_log_folder: main_log.as_ref().and_then(|log| access(&place.at(log.parent()?))),
        main_log,
        pid_file: of_process("-j", "--pidfile")
            .or_else(|| value("supervisord", "pidfile"))
            .or_else(|| default("supervisord.pid"))
            .and_then(resolve),
        refusal: None,
        process_state: process.and_then(|process| processes::state(place, process.pid)),
        socket_access: socket.as_ref().and_then(|socket| access(&place.at(socket))),
        socket,
        processes: process.into_iter().chain(others).map(|process| (process.pid, process.argv.clone())).collect(),
        configured: programs(&config).iter().map(|program| full_name(&program.group, &program.name)).collect(),
        config_file: path,
    }
}

/// Returns mode, owner and group of a socket file; None: it is not there, or its folder may not be entered.
fn access(path: &Path) -> Option<(u32, u32, u32)> {
    let metadata = std::fs::symlink_metadata(path).ok()?; // as above
    Some((metadata.mode() & 0o7777, metadata.uid(), metadata.gid()))
}

/// Converts `port=` of `[inet_http_server]` into a URL that this machine can ask: `*:9001` is every address.
fn address(port: &str) -> String {
    let (host, port) = port.rsplit_once(':').unwrap_or(("", port));
    match host {
        "" | "*" | "0.0.0.0" => format!("http://127.0.0.1:{port}"),
        host => format!("http://{host}:{port}"),
    }
}

pub(super) fn full_name(group: &str, name: &str) -> String {
    if group == name { name.to_owned() } else { format!("{group}:{name}") }
}

/// Returns the programs of the config file, for a node where supervisord does not answer: their states are unknown.
pub fn configured(place: &Place, search: &SupervisordSearch, now: Timestamp) -> Fact<Vec<Program>> {
    let Some(config) = Config::of_search(place, search) else {
        return Fact::absent("the config file of supervisord", now, "no config file was found");
    };
    let source = config.path.display().to_string();
    if config.sections.is_empty() {
        let why = config.error().unwrap_or_else(|| "it has no sections".to_owned());
        return Fact::new(source, now, Outcome::Failed { why });
    }
    let unknown = programs(&config).into_iter().map(|program| Program {
        stdout_log: program.settings.stdout_log.clone(),
        stderr_log: program.settings.stderr_log.clone(),
        settings: Some(program.settings),
        ..Program::new(program.name, program.group)
    });
    Fact::ok(source, now, unknown.collect())
}
