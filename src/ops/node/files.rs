//! The files of a service: logs, launcher, libraries, gates, Python, and where its parts are.

use crate::clock::Timestamp;
use crate::inventory::sha256;
use crate::model::service::{Gate, Service};
use crate::node::log::{self, Life, LogFacts, LogKind};
use crate::node::model_file::{FileView, modified};
use crate::node::process::Process;
use crate::node::program::launcher::{self, LauncherRequest};
use crate::node::program::{GateFound, HubFacts, Launcher, Library, PythonFacts};
use crate::node::program::{command, gates, hub, libraries, python};
use crate::node::reach::{self, Stalled};
use crate::node::read_start;
use crate::node::supervisord::ProgramSettings;
use crate::node::{Fact, Outcome, Place};
use crate::triage::facts::Mapped;
use crate::triage::rules::is_known;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Largest file that is hashed.
const MOST_HASHED: u64 = 64 << 20;
/// Bytes of a key.
const MOST_KEY: u64 = 8 << 10;
/// Files of an application that are listed.
const MOST_APP_FILES: usize = 50;
/// Names of files that list the packages of an application.
const REQUIREMENTS: &[&str] =
    &["requirements.txt", "pyproject.toml", "poetry.lock", "uv.lock", "Pipfile.lock", "environment.yml", "setup.py"];

/// What is known of a service before its files are read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FilesRead {
    pub root: PathBuf,
    pub service: Service,
    pub settings: Option<ProgramSettings>,
    /// Logs that its manager names.
    pub logs: Vec<(PathBuf, LogKind)>,
    /// Its main process, where it runs.
    pub process: Option<Process>,
    /// The command of its unit, where systemd manages it.
    pub unit_command: Vec<String>,
    pub unit_directory: Option<PathBuf>,
    pub unit_path: Option<PathBuf>,
    /// Its lives, as its manager counts them.
    pub lives: Vec<Life>,
    /// File systems that give no answer: nothing on them is touched.
    pub stalled: Vec<Stalled>,
}

/// What the files say.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ServiceFiles {
    /// The lives with their first errors.
    pub lives: Vec<Life>,
    pub logs: Vec<Fact<LogFacts>>,
    pub launcher: Option<Launcher>,
    pub libraries: Option<Fact<Vec<Library>>>,
    pub gates: Vec<GateFound>,
    pub python: Option<Fact<PythonFacts>>,
    pub hub: Option<HubFacts>,
    pub files: Vec<(PathBuf, Fact<FileView>)>,
    pub map: Vec<Mapped>,
    pub app_files: Vec<Mapped>,
    /// What is in its key file.
    pub secrets: Vec<String>,
}

/// Reads the files of a service.
pub fn read(read: &FilesRead, now: Timestamp) -> ServiceFiles {
    let place = Place::new(&read.root);
    let named = read.service.logs.iter().map(|path| (path.clone(), LogKind::Extra));
    let mut paths: Vec<(PathBuf, LogKind)> = Vec::new();
    for (path, kind) in read.logs.iter().cloned().chain(named) {
        if !paths.iter().any(|(known, _)| *known == path) {
            paths.push((path, kind));
        }
    }
    let seen = View { place: &place, stalled: &read.stalled };
    let read_log = |(path, kind): &(PathBuf, LogKind)| match seen.behind(path) {
        Some(outcome) => Fact::new(path.display().to_string(), now, outcome),
        None => log::read(&place, path, *kind, &is_known, log::Limits::default(), now),
    };
    let mut logs: Vec<Fact<LogFacts>> = paths.iter().map(read_log).collect();
    let mut lives = read.lives.clone();
    log::assign(&mut lives, &mut logs);
    let environment = environment(read);
    let request = request(read, &environment);
    let secrets = read.service.key_file.iter().filter_map(|file| seen.key(file)).collect();
    if seen.is_stuck(read, &request) {
        let gates = gates::of_config(&read.service.gates);
        let (files, map) = (seen.files(read, now), map(read, seen, None, &request, &paths));
        let (launcher, libraries, python, hub, app_files) = (None, None, None, None, Vec::new());
        return ServiceFiles { lives, logs, launcher, libraries, gates, python, hub, files, map, app_files, secrets };
    }
    let launcher = launcher::read(&place, &request, now);
    let inner = command::beyond_wrappers(&request.command);
    let program = program(read, &inner, &place, &request);
    let library_path = environment.get("LD_LIBRARY_PATH").cloned().flatten();
    let libraries = program.as_ref().map(|path| libraries::needed(&place, path, library_path.as_deref(), now));
    let python = interpreter(read, &inner, launcher.as_ref()).map(|path| python::read(&place, &path, now));
    let hub = hub::repository(&inner).map(|repository| hub::look(&place, &repository, &environment));
    let gates = gates(read, &place, launcher.as_ref(), &environment);
    let files = seen.files(read, now);
    let (map, app_files) = (map(read, seen, launcher.as_ref(), &request, &paths), app_files(seen, &request));
    ServiceFiles { lives, logs, launcher, libraries, gates, python, hub, files, map, app_files, secrets }
}

/// Files, but for those on file systems that give no answer.
#[derive(Clone, Copy)]
struct View<'a> {
    place: &'a Place,
    stalled: &'a [Stalled],
}

impl View<'_> {
    /// Returns why a path may not be touched.
    fn behind<T>(&self, path: &Path) -> Option<Outcome<T>> {
        let stalled = reach::behind(self.place, self.stalled, path)?;
        let why = format!("its file system hangs: {}: {}", stalled.mount.display(), stalled.why);
        Some(Outcome::TimedOut { why })
    }

    /// Returns whether the program of a service, or where it works, may not be touched.
    fn is_stuck(&self, read: &FilesRead, request: &LauncherRequest) -> bool {
        let words = request.command.iter().map(PathBuf::from).filter(|word| word.is_absolute());
        let program = read.process.as_ref().and_then(|process| process.exe.clone());
        let mut paths = words.chain(request.directory.clone()).chain(program);
        paths.any(|path| self.behind::<()>(&path).is_some())
    }

    /// Returns the key in a file; None: there is none that can be read.
    fn key(&self, file: &Path) -> Option<String> {
        if self.behind::<()>(file).is_some() {
            return None;
        }
        let bytes = read_start(&self.place.at(file), MOST_KEY).ok()?; // as above
        Some(String::from_utf8_lossy(&bytes).trim().to_owned())
    }

    fn files(&self, read: &FilesRead, now: Timestamp) -> Vec<(PathBuf, Fact<FileView>)> {
        let view = |path: &PathBuf| match self.behind(path) {
            Some(outcome) => Fact::new(path.display().to_string(), now, outcome),
            None => launcher::view(self.place, path, now),
        };
        read.service.files.iter().map(|path| (path.clone(), view(path))).collect()
    }
}

fn environment(read: &FilesRead) -> BTreeMap<String, Option<String>> {
    let running = read.process.as_ref().and_then(|process| process.environment.known().cloned());
    running.unwrap_or_else(|| {
        let named = read.settings.iter().flat_map(|settings| &settings.environment);
        named.map(|(name, value)| (name.clone(), Some(value.clone()))).collect()
    })
}

fn request(read: &FilesRead, environment: &BTreeMap<String, Option<String>>) -> LauncherRequest {
    let (command, directory) = match (&read.settings, &read.process) {
        (Some(settings), process) => {
            let cwd = process.as_ref().and_then(|process| process.cwd.clone());
            (command::words(&settings.command), settings.directory.clone().or(cwd))
        }
        (None, _) if !read.unit_command.is_empty() => (read.unit_command.clone(), read.unit_directory.clone()),
        (None, Some(process)) => (process.argv.clone(), process.cwd.clone()),
        (None, None) => (Vec::new(), None),
    };
    let variable = |name: &str| environment.get(name).cloned().flatten();
    LauncherRequest { command, directory, path: variable("PATH"), python_path: variable("PYTHONPATH") }
}

/// Returns the program whose libraries count: what runs, else what the command names behind its wrappers.
fn program(read: &FilesRead, inner: &[String], place: &Place, request: &LauncherRequest) -> Option<PathBuf> {
    let running = read.process.as_ref().and_then(|process| process.exe.clone());
    let is_ours = |path: &PathBuf| inner.first().is_none_or(|word| path.file_name() == Path::new(word).file_name());
    if let Some(exe) = running.filter(is_ours) {
        return Some(exe);
    }
    let request = LauncherRequest { command: inner.to_vec(), ..request.clone() };
    let launcher = launcher::read(place, &request, Timestamp(0))?;
    launcher.format.as_deref().is_some_and(|format| format.starts_with("elf")).then_some(launcher.program)
}

fn interpreter(read: &FilesRead, inner: &[String], launcher: Option<&Launcher>) -> Option<PathBuf> {
    let process = read.process.as_ref();
    let running = process.and_then(|process| python::interpreter(&process.argv, process.exe.as_deref()));
    let named = || python::interpreter(inner, None);
    let of_script = || {
        let (path, _) = launcher?.interpreter.clone()?;
        path.file_name()?.to_str()?.starts_with("python").then_some(path)
    };
    running.or_else(named).or_else(of_script)
}

fn gates(
    read: &FilesRead,
    place: &Place,
    launcher: Option<&Launcher>,
    environment: &BTreeMap<String, Option<String>>,
) -> Vec<GateFound> {
    let mut found = gates::of_config(&read.service.gates);
    if let Some(settings) = &read.settings {
        let section = format!("[program:{}]", read.service.name);
        let place = match &settings.place {
            Some((path, line)) => format!("{section} at {}:{line}", path.display()),
            None => section,
        };
        if settings.start_seconds > 1 {
            let seconds = f64::from(settings.start_seconds);
            found.push(GateFound { name: "startsecs".to_owned(), seconds, place: place.clone() });
        }
        found.extend(gates::timeouts(&settings.command, &place));
    }
    if let Some(process) = &read.process {
        found.extend(gates::of_environment(process.pid, environment));
        found.extend(gates::timeouts(&process.argv.join(" "), &format!("command line of process {}", process.pid)));
    }
    let is_script =
        launcher.is_some_and(|one| one.format.as_deref().is_some_and(|format| format.starts_with("script")));
    if let Some(launcher) = launcher.filter(|_| is_script) {
        // Why a script cannot be read is said by its view.
        if let Ok(text) = std::fs::read(place.at(&launcher.program)) {
            let text = String::from_utf8_lossy(text.get(..gates::MOST_BYTES).unwrap_or(&text)).into_owned();
            found.extend(gates::of_script(&launcher.program.display().to_string(), &text));
        }
    }
    let wanted: Vec<&String> = read
        .service
        .gates
        .iter()
        .filter_map(|gate| match gate {
            Gate::Name(name) => Some(name),
            Gate::Time(_) => None,
        })
        .collect();
    // A gate that the configuration names comes first: it is the one that a person knows.
    found.sort_by_key(|gate| !wanted.contains(&&gate.name));
    found.dedup();
    found
}

fn map(
    read: &FilesRead,
    seen: View<'_>,
    launcher: Option<&Launcher>,
    request: &LauncherRequest,
    logs: &[(PathBuf, LogKind)],
) -> Vec<Mapped> {
    let mut map = Vec::new();
    if let Some((path, line)) = read.settings.as_ref().and_then(|settings| settings.place.clone()) {
        map.push(mapped(seen, "supervisor config", &path, Some(line)));
    }
    if let Some(path) = &read.unit_path {
        map.push(mapped(seen, "unit", path, None));
    }
    if let Some(launcher) = launcher {
        map.push(mapped(seen, "launcher", &launcher.program, None));
        if let Some((_, Some(module))) = &launcher.application {
            map.push(mapped(seen, "entry file", module, None));
        }
    }
    let folder = request.directory.clone();
    let script = request.command.iter().skip(1).find(|word| word.ends_with(".py") || word.ends_with(".sh"));
    if let Some(script) = script {
        let path = folder.clone().unwrap_or_else(|| PathBuf::from("/")).join(script);
        map.push(mapped(seen, "entry file", &path, None));
    }
    if let Some(folder) = &folder {
        map.push(mapped(seen, "working directory", folder, None));
        for name in REQUIREMENTS {
            let path = folder.join(name);
            if seen.behind::<()>(&path).is_none() && seen.place.at(&path).is_file() {
                map.push(mapped(seen, "requirements", &path, None));
            }
        }
    }
    map.extend(logs.iter().map(|(path, _)| mapped(seen, "log", path, None)));
    map
}

fn app_files(seen: View<'_>, request: &LauncherRequest) -> Vec<Mapped> {
    let Some(folder) = request.directory.as_ref().filter(|folder| folder.parent().is_some()) else { return Vec::new() };
    // A folder that cannot be read has no list; its own entry in the map says why.
    let Ok(entries) = std::fs::read_dir(seen.place.at(folder)) else { return Vec::new() };
    let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).take(2_000).collect();
    names.sort();
    names.iter().take(MOST_APP_FILES).map(|name| about(seen, "file", &folder.join(name), None)).collect()
}

/// Describes a file, with its hash where it is a part that makes the service what it is.
fn mapped(seen: View<'_>, what: &str, path: &Path, line: Option<u32>) -> Mapped {
    let mut mapped = about(seen, what, path, line);
    if what != "log" && mapped.size.is_some_and(|size| size <= MOST_HASHED) {
        // Its entry says elsewhere why it cannot be read.
        mapped.sha256 = sha256(&seen.place.at(path)).ok().flatten();
    }
    mapped
}

fn about(seen: View<'_>, what: &str, path: &Path, line: Option<u32>) -> Mapped {
    let mut mapped = Mapped {
        what: what.to_owned(),
        path: path.to_path_buf(),
        line,
        size: None,
        modified: None,
        why: None,
        sha256: None,
    };
    if let Some(Outcome::TimedOut { why }) = seen.behind::<()>(path) {
        mapped.why = Some(why);
        return mapped;
    }
    match std::fs::metadata(seen.place.at(path)) {
        Ok(meta) => {
            mapped.size = meta.is_file().then_some(meta.len());
            mapped.modified = Some(modified(&meta));
        }
        Err(error) => mapped.why = Some(error.to_string()),
    }
    mapped
}
