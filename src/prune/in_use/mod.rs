//! Whether somebody uses a file now: a process that has it open or mapped, a server that has it loaded, a download that
//! is writing it.
//!
//! Every source is read once for all files, at the same time as the others and with a limit. One that cannot be read
//! and could know of a file makes that file unknown, never free.

mod endpoints;
mod locks;
mod ollama;
#[cfg(test)]
mod tests;

pub use locks::{Holding, LockPlace, lock_places};

use crate::config::{PruneConfig, ServerAddress};
use crate::host::in_time;
use crate::host::open_files::{self, Held, OpenFiles, User, Wanted};
use crate::model::{FileIdentity, Reading, StoreKind};
use crate::supervise::{Lease, lease};
use crate::worker::{Question, Verb, ask_all};
use endpoints::{Candidate, Running};
use ollama::Loaded;
use std::collections::{BTreeSet, HashMap};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long all sources together may take.
const LIMIT: Duration = Duration::from_secs(10);
/// How long a server may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);
/// Processes that a sentence names; the rest is a number.
const NAMED: usize = 5;

/// A file of which somebody wants to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked<'a> {
    pub store: StoreKind,
    pub root: &'a Path,
    /// What the inventory calls its model.
    pub name: Option<&'a str>,
    /// Where the bytes are.
    pub path: &'a Path,
    /// Every directory entry that is known to lead to them.
    pub entries: &'a [PathBuf],
    pub identity: FileIdentity,
    /// Device and inode of what is at `path`, by a look of this very run. None: nobody has looked.
    pub seen: Option<Inode>,
}

/// The answer. Its sentences have no full stop and are not disarmed for terminals: they name processes and paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Use {
    /// Every source was read, and none knows of a user.
    Free,
    /// By whom; at least one.
    Used(Vec<String>),
    /// Why nobody can say.
    Unknown(String),
}

/// Who is asked, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a> {
    /// None asks no servers.
    pub servers: Option<&'a PruneConfig>,
    /// For everything together.
    pub limit: Duration,
    /// For each server.
    pub answer_limit: Duration,
}

impl<'a> Settings<'a> {
    pub fn new(servers: &'a PruneConfig) -> Settings<'a> {
        Settings { servers: Some(servers), limit: LIMIT, answer_limit: ANSWER_LIMIT }
    }
}

/// What all sources said, at one time.
#[derive(Debug)]
pub struct InUse {
    /// What each identity that was asked for is now: itself, and what stat says of its path when that is another one.
    /// A btrfs may have another device number since it was recorded.
    asked: Reading<Now>,
    processes: Reading<OpenFiles>,
    locks: Reading<HashMap<LockPlace, locks::Held>>,
    /// None when nobody asked for a model of Ollama.
    ollama: Option<Reading<Loaded>>,
    servers: Vec<Server>,
}

/// What a server that the config names has loaded.
#[derive(Debug)]
struct Server {
    address: String,
    running: Reading<Vec<Running>>,
    /// A running model that only has a name, which is that of no file: it may be any.
    nameless: Option<String>,
}

/// Device and inode.
pub type Inode = (u64, u64);
/// What each inode that was asked for is now.
type Now = HashMap<Inode, Vec<Inode>>;

impl InUse {
    /// Asks everybody about all files.
    pub fn look(settings: &Settings<'_>, files: &[Asked<'_>]) -> InUse {
        let limit = settings.limit;
        let has_ollama = files.iter().any(|file| file.store == StoreKind::Ollama);
        let roots = files.iter().filter(|file| file.store == StoreKind::Ollama).map(|file| file.root.to_owned());
        let asked = settings.servers.map(|servers| ask(servers, has_ollama, settings.answer_limit, roots.collect()));
        let (servers, answers) = asked.unzip();
        let answers = answers.map(|ask| in_time::start(limit, "what servers answer", move |_| Ok(ask())));
        let places: Vec<LockPlace> = files.iter().flat_map(places_of).collect();
        let locks = in_time::start(limit, "the locks of downloads", move |_| Ok(locks::check(places)));
        let files_now: Vec<_> = files
            .iter()
            .map(|f| Sought { recorded: (f.identity.dev, f.identity.ino), seen: f.seen, paths: paths_of(f) })
            .collect();
        let processes = in_time::start(limit, "/proc", move |_| Ok(processes(files_now, limit)));

        let (asked, processes) = match processes.wait() {
            Reading::Known((asked, processes)) => (Reading::Known(asked), processes),
            Reading::Unavailable(why) => (Reading::Unavailable(why.clone()), Reading::Unavailable(why)),
        };
        let mut in_use = InUse { asked, processes, locks: locks.wait(), ollama: None, servers: Vec::new() };
        if let (Some(servers), Some(answers)) = (servers, answers) {
            in_use.hear(&servers, has_ollama, answers.wait());
        }
        in_use.find_nameless(files);
        in_use
    }

    /// Looks again at a few files just before something is done to them: at processes and downloads, which tell of every
    /// use on this machine that can be seen. Servers are not asked again: one that has loaded a file since is a process.
    pub fn look_again(files: &[Asked<'_>]) -> InUse {
        let files: Vec<Asked<'_>> = files.iter().map(|file| Asked { seen: None, ..*file }).collect();
        InUse::look(&Settings { servers: None, limit: LIMIT, answer_limit: ANSWER_LIMIT }, &files)
    }

    fn hear(&mut self, servers: &[ServerAddress], has_ollama: bool, answers: Reading<Answers>) {
        let (ollama, running) = match answers {
            Reading::Known(answers) => (answers.ollama, answers.servers),
            Reading::Unavailable(why) => {
                (has_ollama.then(|| Reading::Unavailable(why.clone())), vec![Reading::Unavailable(why); servers.len()])
            }
        };
        self.ollama = ollama;
        let server =
            |(address, running): (&ServerAddress, _)| Server { address: address.to_string(), running, nameless: None };
        self.servers = servers.iter().zip(running).map(server).collect();
    }

    /// Names that no file goes by.
    fn find_nameless(&mut self, files: &[Asked<'_>]) {
        let mut servers = std::mem::take(&mut self.servers);
        for server in &mut servers {
            let all = server.running.known().map(Vec::as_slice).unwrap_or_default();
            let is_any = |running: &Running| {
                files.iter().any(|file| self.now(file).is_some_and(|now| running.is(&candidate(file, now))))
            };
            let nameless = all.iter().filter(|running| running.only_name().is_some()).find(|running| !is_any(running));
            server.nameless = nameless.and_then(Running::only_name).map(str::to_owned);
        }
        self.servers = servers;
    }

    /// Who uses it. A file that was not asked for is unknown.
    pub fn of(&self, file: &Asked<'_>) -> Use {
        let now = match &self.asked {
            Reading::Known(_) => match self.now(file) {
                Some(now) => now,
                None => return Use::Unknown("nobody has looked for it".to_owned()),
            },
            Reading::Unavailable(why) => return Use::Unknown(why.clone()),
        };
        let mut verdict = Verdict::default();
        self.ask_processes(file, now, &mut verdict);
        self.ask_locks(file, &mut verdict);
        self.ask_servers(file, now, &mut verdict);
        verdict.sum()
    }

    fn now(&self, file: &Asked<'_>) -> Option<&[Inode]> {
        self.asked.known()?.get(&(file.identity.dev, file.identity.ino)).map(Vec::as_slice)
    }

    /// Where not every process can be looked into, the kernel is asked whether anybody has the file open.
    fn ask_processes(&self, file: &Asked<'_>, now: &[Inode], verdict: &mut Verdict) {
        let hidden = match &self.processes {
            Reading::Unavailable(why) => Some(why.clone()),
            Reading::Known(found) => {
                for (dev, ino) in now {
                    verdict.used.extend(found.users(*dev, *ino).iter().map(sentence));
                }
                not_looked_into(found)
            }
        };
        let Some(why) = hidden.filter(|_| verdict.used.is_empty()) else { return };
        let answers = now.iter().map(|inode| lease(file.path, *inode));
        match answers.reduce(|a, b| if a == Lease::Granted || b == Lease::Refused { b } else { a }) {
            Some(Lease::Granted) => {}
            Some(Lease::Refused) => verdict.used.push("a process that cannot be looked into has it open".to_owned()),
            Some(Lease::Unavailable(_)) | None => verdict.unknown(why),
        }
    }

    fn ask_locks(&self, file: &Asked<'_>, verdict: &mut Verdict) {
        for place in places_of(file) {
            match self.locks.known().map(|locks| locks.get(&place)) {
                Some(Some(locks::Held::No)) => {}
                Some(Some(locks::Held::Yes(by))) => verdict.used.push(format!("a download is writing it: {by}")),
                Some(Some(locks::Held::Unknown(why))) => verdict.unknown(why.clone()),
                Some(None) => verdict.unknown("nobody has looked for downloads of it".to_owned()),
                None => {}
            }
        }
        if let Reading::Unavailable(why) = &self.locks {
            verdict.unknown(why.clone());
        }
    }

    fn ask_servers(&self, file: &Asked<'_>, now: &[Inode], verdict: &mut Verdict) {
        if file.store == StoreKind::Ollama {
            match &self.ollama {
                Some(Reading::Known(loaded)) => {
                    let model = loaded.needs(file.name, paths(file));
                    verdict.used.extend(model.map(|name| format!("Ollama has `{name}` loaded")));
                }
                Some(Reading::Unavailable(why)) => verdict.unknown(why.clone()),
                None => {}
            }
        }
        let candidate = candidate(file, now);
        for server in &self.servers {
            match &server.running {
                Reading::Known(running) if running.iter().any(|running| running.is(&candidate)) => {
                    verdict.used.push(format!("{} has it loaded", server.address));
                }
                Reading::Known(_) => {
                    if let Some(name) = &server.nameless {
                        let why = format!("{} has `{name}` loaded and does not say which file that is", server.address);
                        verdict.unknown(why);
                    }
                }
                Reading::Unavailable(why) => verdict.unknown(why.clone()),
            }
        }
    }

    /// What could not be read, and what that means: sentences for the operator, not disarmed for terminals.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        match &self.processes {
            Reading::Unavailable(why) => notes.push(why.clone()),
            Reading::Known(found) => {
                notes.extend(not_looked_into(found));
                if found.is_contained {
                    notes.push("only the processes of this container can be seen".to_owned());
                }
            }
        }
        notes.extend(unavailable(&self.locks));
        notes.extend(self.ollama.as_ref().and_then(unavailable));
        for server in &self.servers {
            notes.extend(unavailable(&server.running));
            if let Some(name) = &server.nameless {
                notes.push(format!("{} has `{name}` loaded and does not say which file that is", server.address));
            }
        }
        notes.dedup();
        notes
    }
}

/// The answers that have come in so far.
#[derive(Default)]
struct Verdict {
    used: Vec<String>,
    unknown: Vec<String>,
}

impl Verdict {
    fn unknown(&mut self, why: String) {
        if !self.unknown.contains(&why) {
            self.unknown.push(why);
        }
    }

    /// A user that is known says more than a source that is not.
    fn sum(self) -> Use {
        match (self.used.is_empty(), self.unknown.is_empty()) {
            (true, true) => Use::Free,
            (true, false) => Use::Unknown(self.unknown.join("; ")),
            (false, _) => Use::Used(self.used),
        }
    }
}

fn unavailable<T>(reading: &Reading<T>) -> Option<String> {
    match reading {
        Reading::Known(_) => None,
        Reading::Unavailable(why) => Some(why.clone()),
    }
}

fn sentence(user: &User) -> String {
    let how = match user.how {
        Held::Open => "has it open",
        Held::Mapped => "has it mapped",
        Held::Perhaps => "may have it mapped",
    };
    format!("process {} ({}) {how}", user.pid, user.command)
}

/// Why there may be users that were not seen.
fn not_looked_into(found: &OpenFiles) -> Option<String> {
    let closed = found.closed.len();
    let names: Vec<_> = found.closed.iter().take(NAMED).map(|c| format!("{} {}", c.pid, c.command)).collect();
    let more = match closed.saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let told = match closed {
        0 => None,
        1 => Some(format!("1 process cannot be looked into: {}", names.join(", "))),
        n => Some(format!("{n} processes cannot be looked into: {}{more}", names.join(", "))),
    };
    let hidden = found.is_hiding.then(|| "/proc hides the processes of other users (hidepid)".to_owned());
    let all: Vec<String> = hidden.into_iter().chain(told).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

fn paths<'a>(file: &Asked<'a>) -> impl Iterator<Item = &'a Path> + use<'a> {
    std::iter::once(file.path).chain(file.entries.iter().map(PathBuf::as_path))
}

/// Each of them once.
fn paths_of(file: &Asked<'_>) -> Vec<PathBuf> {
    let others = file.entries.iter().filter(|entry| **entry != *file.path);
    std::iter::once(file.path.to_owned()).chain(others.cloned()).collect()
}

/// A file to find among the processes.
struct Sought {
    recorded: Inode,
    seen: Option<Inode>,
    paths: Vec<PathBuf>,
}

/// Holds the locks of downloads of these files until it is dropped.
///
/// # Errors
/// Who has one of them, in words.
pub fn hold<'a>(files: impl Iterator<Item = Asked<'a>>) -> Result<Holding, String> {
    locks::hold(files.flat_map(|file| places_of(&file)))
}

/// All locks of all its entries. A lock of its repository is of interest only when no entry tells which one it is.
fn places_of(file: &Asked<'_>) -> Vec<LockPlace> {
    let others = file.entries.iter().map(PathBuf::as_path).filter(|entry| *entry != file.path);
    let all = std::iter::once(file.path).chain(others);
    let mut places: Vec<LockPlace> = all.flat_map(|path| lock_places(file.store, file.root, path)).collect();
    if places.len() > 1 {
        places.sort();
        places.dedup();
    }
    if places.iter().all(|place| matches!(place, LockPlace::File(_))) {
        return places;
    }
    let told: BTreeSet<PathBuf> = places.iter().filter_map(|place| Some(place.file()?.parent()?.to_owned())).collect();
    places.retain(|place| !matches!(place, LockPlace::Folder(folder) if told.contains(folder)));
    places
}

fn candidate<'a>(file: &Asked<'a>, identities: &'a [Inode]) -> Candidate<'a> {
    Candidate { name: file.name, paths: paths(file).collect(), identities }
}

/// Finds out what the files are now, and who has them.
fn processes(files: Vec<Sought>, limit: Duration) -> (Now, Reading<OpenFiles>) {
    let mut asked: Now = HashMap::with_capacity(files.len());
    let mut wanted = Vec::with_capacity(files.len());
    for Sought { recorded, seen, mut paths } in files {
        let look = || {
            // One that is not there any more has at most users of what it was.
            let found = paths.first().and_then(|path| path.symlink_metadata().ok());
            found.filter(|meta| meta.is_file()).map(|meta| (meta.dev(), meta.ino()))
        };
        let found = seen.or_else(look).filter(|found| *found != recorded);
        let now = asked.entry(recorded).or_default();
        for identity in std::iter::once(recorded).chain(found) {
            if !now.contains(&identity) {
                now.push(identity);
            }
            let paths = if found.is_none() { std::mem::take(&mut paths) } else { paths.clone() };
            wanted.push(Wanted { dev: identity.0, ino: identity.1, paths });
        }
    }
    wanted.dedup_by(|a, b| (a.dev, a.ino) == (b.dev, b.ino) && a.paths == b.paths);
    (asked, open_files::look(wanted, limit))
}

/// What all servers answered.
#[derive(Debug, Clone)]
struct Answers {
    ollama: Option<Reading<Loaded>>,
    /// In the order of their addresses.
    servers: Vec<Reading<Vec<Running>>>,
}

/// The servers that will be asked, and the asking itself: everything but Ollama's first.
fn ask(
    config: &PruneConfig,
    has_ollama: bool,
    limit: Duration,
    roots: BTreeSet<PathBuf>,
) -> (Vec<ServerAddress>, impl FnOnce() -> Answers + Send + use<>) {
    let servers = config.endpoints.clone();
    let ollama = has_ollama.then(|| config.ollama.clone());
    let asked = servers.clone();
    let ask = move || {
        let question = |server: &ServerAddress, path| Question { server: server.clone(), path, verb: Verb::Get };
        let of_server = |server| [question(server, "/props"), question(server, "/v1/models")];
        let mut questions: Vec<Question> = asked.iter().flat_map(of_server).collect();
        if let Some(Reading::Known(server)) = &ollama {
            questions.push(question(server, "/api/ps"));
        }
        let answers = ask_all(&questions, limit);
        let reading = |understood| match understood {
            Ok(value) => Reading::Known(value),
            Err(why) => Reading::Unavailable(why),
        };
        let mut told = answers.iter();
        let servers = asked.iter().map(|server| match (told.next(), told.next()) {
            (Some(props), Some(models)) => reading(endpoints::understand(&server.to_string(), props, models)),
            _ => Reading::Unavailable(format!("{server} was not asked")),
        });
        let servers = servers.collect();
        let ollama = ollama.map(|server| match (server, answers.last()) {
            (Reading::Unavailable(why), _) => Reading::Unavailable(why),
            (Reading::Known(_), Some(answer)) => match ollama::understand(answer) {
                Ok(names) => Reading::Known(Loaded::new(names, &roots)),
                Err(why) => Reading::Unavailable(why),
            },
            (Reading::Known(_), None) => Reading::Unavailable("Ollama's server was not asked".to_owned()),
        });
        Answers { ollama, servers }
    };
    (servers, ask)
}
