//! Detects whether a file is in use now: by a process that has it open or mapped, a server that has it loaded, or a
//! download that is writing it.
//!
//! Every source is read once for all files, concurrently with the others and with a time limit. A source that cannot be
//! read and could know of a file makes that file unknown, never free.

mod endpoints;
mod holders;
mod locks;
mod ollama;
#[cfg(test)]
mod tests;

pub use holders::Holder;
pub use locks::{Holding, LockPlace, lock_places};

use super::download::{Client, client_of};
use super::servers::{Method, Query, ask_all};
use crate::clock::Timestamp;
use crate::config::{PruneConfig, ServerAddress};
use crate::host::commands;
use crate::host::file_lease::{Lease, lease};
use crate::host::in_time;
use crate::host::open_files::{self, Held, OpenFiles, User, Wanted};
use crate::model::{FileIdentity, Reading, StoreKind};
use endpoints::{Candidate, Running};
use ollama::Loaded;
use std::collections::{BTreeSet, HashMap};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

/// Time limit for all sources together.
const LIMIT: Duration = Duration::from_secs(10);
/// Time limit for the answer of a server.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);
/// The number of processes that a sentence names; the rest is counted.
const NAMED: usize = 5;

/// A file whose use is to be determined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked<'a> {
    pub store: StoreKind,
    pub root: &'a Path,
    /// Name of its model in the inventory.
    pub name: Option<&'a str>,
    /// Path of the bytes.
    pub path: &'a Path,
    /// Every directory entry that is known to lead to the bytes.
    pub entries: &'a [PathBuf],
    pub identity: FileIdentity,
    /// Device and inode of the entry at `path`, read by this very run. None when it was not read.
    pub seen: Option<Inode>,
}

/// Use of a file. The sentences have no full stop, and name processes and paths without escaping for terminals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Use {
    /// Every source was read, and none knows of a user.
    Free,
    /// The users; at least one.
    Used(Vec<String>),
    /// Reason why the use is unknown.
    Unknown(String),
}

/// The sources to ask, and the time limits.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a> {
    /// Addresses of the servers. None: no server is asked.
    pub servers: Option<&'a PruneConfig>,
    /// Time limit for everything together.
    pub limit: Duration,
    /// Time limit for each server.
    pub answer_limit: Duration,
}

impl<'a> Settings<'a> {
    pub fn new(servers: &'a PruneConfig) -> Settings<'a> {
        Settings { servers: Some(servers), limit: LIMIT, answer_limit: ANSWER_LIMIT }
    }
}

/// The answers of all sources at one time.
#[derive(Debug)]
pub struct InUse {
    /// The present inodes of each identity that was asked for: the recorded one, and the one at its path when that
    /// differs. The device number of a btrfs may have changed since it was recorded.
    asked: Reading<Now>,
    processes: Reading<OpenFiles>,
    locks: Reading<HashMap<LockPlace, locks::Held>>,
    /// None when no model of Ollama was asked for.
    ollama: Option<Reading<Loaded>>,
    servers: Vec<Server>,
    /// Running programs that download models, read on first use.
    clients: OnceLock<Vec<(u32, String, Client)>>,
}

/// The loaded models of a server that the config names.
#[derive(Debug)]
struct Server {
    address: String,
    running: Reading<Vec<Running>>,
    /// A running model of which only a name is known that matches no file: it may be any file.
    nameless: Option<String>,
}

/// Device and inode.
pub type Inode = (u64, u64);
/// The present inodes of each inode that was asked for.
type Now = HashMap<Inode, Vec<Inode>>;

impl InUse {
    /// Asks all sources about all files.
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
        let (locks, clients) = (locks.wait(), OnceLock::new());
        let mut in_use = InUse { asked, processes, locks, ollama: None, servers: Vec::new(), clients };
        if let (Some(servers), Some(answers)) = (servers, answers) {
            in_use.hear(&servers, has_ollama, answers.wait());
        }
        in_use.find_nameless(files);
        in_use
    }

    /// Checks a few files again just before they are changed: processes and downloads, which show every visible use on
    /// this machine. Servers are not asked again: one that has loaded a file since is a process.
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

    /// Finds, for each server, a name that matches no file.
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

    /// Returns, in words, the program that may be downloading a file of this store, or other files of its download.
    /// `is_unfinished`: something of that download is not finished.
    pub fn client(&self, store: StoreKind, path: &Path, is_unfinished: bool) -> Option<String> {
        let clients = self.clients.get_or_init(|| {
            let all = commands::running().into_iter();
            all.filter_map(|(pid, words)| Some((pid, words.join(" "), client_of(&words)?))).collect()
        });
        let (pid, line, _) = clients.iter().find(|(_, _, client)| client.may_write(store, path, is_unfinished))?;
        Some(format!("it may be part of a download in progress: process {pid} (`{line}`) is running"))
    }

    /// Returns the use of a file. A file that was not asked for is unknown.
    pub fn of(&self, file: &Asked<'_>) -> Use {
        let now = match &self.asked {
            Reading::Known(_) => match self.now(file) {
                Some(now) => now,
                None => return Use::Unknown("its use was not checked".to_owned()),
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

    /// Adds the uses by processes. Where not every process can be inspected, asks the kernel whether anybody has the
    /// file open.
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
            Some(Lease::Refused) => verdict.used.push("a process that cannot be inspected has it open".to_owned()),
            Some(Lease::Unavailable(_)) | None => verdict.unknown(why),
        }
    }

    fn ask_locks(&self, file: &Asked<'_>, verdict: &mut Verdict) {
        for place in places_of(file) {
            match self.locks.known().map(|locks| locks.get(&place)) {
                Some(Some(locks::Held::No)) => {}
                Some(Some(locks::Held::Yes(by))) => verdict.used.push(format!("a download is writing to it: {by}")),
                Some(Some(locks::Held::Unknown(why))) => verdict.unknown(why.clone()),
                Some(None) => verdict.unknown("downloads were not checked".to_owned()),
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

    /// Returns the sources that could not be read, and the consequences: sentences for the operator, not escaped for
    /// terminals.
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

/// The answers that have been collected so far.
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

    /// Sums up the answers. A known user takes precedence over an unknown source.
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

/// Returns the reason why there may be users that were not seen.
fn not_looked_into(found: &OpenFiles) -> Option<String> {
    let closed = found.closed.len();
    let names: Vec<_> = found.closed.iter().take(NAMED).map(|c| format!("{} {}", c.pid, c.command)).collect();
    let more = match closed.saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    // Root has all rights that there are; what it cannot inspect is kept from it by other means.
    let advice = |its: &str| match rustix::process::geteuid().is_root() {
        true => String::new(),
        false => format!(" (run as root to check {its} open files)"),
    };
    let told = match closed {
        0 => None,
        1 => Some(format!("cannot inspect 1 process{}: {}", advice("its"), names.join(", "))),
        n => Some(format!("cannot inspect {n} processes{}: {}{more}", advice("their"), names.join(", "))),
    };
    let hidden = found.is_hiding.then(|| "/proc hides the processes of other users (hidepid)".to_owned());
    let all: Vec<String> = hidden.into_iter().chain(told).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

fn paths<'a>(file: &Asked<'a>) -> impl Iterator<Item = &'a Path> + use<'a> {
    std::iter::once(file.path).chain(file.entries.iter().map(PathBuf::as_path))
}

/// Returns the paths of a file, each once.
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
/// The holder of one of them, in words.
pub fn hold<'a>(files: impl Iterator<Item = Asked<'a>>) -> Result<Holding, String> {
    locks::hold(files.flat_map(|file| places_of(&file)))
}

/// Returns whether something is being downloaded into a repository of these files.
pub fn is_downloading<'a>(files: impl Iterator<Item = Asked<'a>>, now: Timestamp) -> bool {
    locks::is_downloading(files.flat_map(|file| places_of(&file)), now)
}

/// Returns all locks of all entries of a file. The locks of a repository as a whole matter only when no entry
/// determines the one lock.
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

/// Returns the present inodes of the files, and the processes that have them open.
fn processes(files: Vec<Sought>, limit: Duration) -> (Now, Reading<OpenFiles>) {
    let mut asked: Now = HashMap::with_capacity(files.len());
    let mut wanted = Vec::with_capacity(files.len());
    for Sought { recorded, seen, mut paths } in files {
        let look = || {
            // A missing file has at most users of its former inode.
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

/// The answers of all servers.
#[derive(Debug, Clone)]
struct Answers {
    ollama: Option<Reading<Loaded>>,
    /// Loaded models of each server, in the order of the addresses.
    servers: Vec<Reading<Vec<Running>>>,
}

/// Returns the servers to ask, and a function that asks them: all others before Ollama's.
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
        let query = |server: &ServerAddress, path| Query { server: server.clone(), path, method: Method::Get };
        let of_server = |server| [query(server, "/props"), query(server, "/v1/models")];
        let mut queries: Vec<Query> = asked.iter().flat_map(of_server).collect();
        if let Some(Reading::Known(server)) = &ollama {
            queries.push(query(server, "/api/ps"));
        }
        let answers = ask_all(&queries, limit);
        let reading = |understood| match understood {
            Ok(value) => Reading::Known(value),
            Err(why) => Reading::Unavailable(why),
        };
        let mut told = answers.iter();
        let servers = asked.iter().map(|server| match (told.next(), told.next()) {
            (Some(props), Some(models)) => reading(endpoints::understand(&server.to_string(), props, models)),
            _ => Reading::Unavailable(format!("{server} was not queried")),
        });
        let servers = servers.collect();
        let ollama = ollama.map(|server| match (server, answers.last()) {
            (Reading::Unavailable(why), _) => Reading::Unavailable(why),
            (Reading::Known(_), Some(answer)) => match ollama::understand(answer) {
                Ok(names) => Reading::Known(Loaded::new(names, &roots)),
                Err(why) => Reading::Unavailable(why),
            },
            (Reading::Known(_), None) => Reading::Unavailable("Ollama's server was not queried".to_owned()),
        });
        Answers { ollama, servers }
    };
    (servers, ask)
}
