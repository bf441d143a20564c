//! The search for model servers among all processes. It is repeated every few seconds, so what costs time is read again
//! only of processes that have changed.

use super::ModelServer;
use super::family::merged;
use super::files::ModelFiles;
use super::program::{OTHER, program};
use crate::host::budget::MAIN_MEMORY;
use crate::host::commands;
use crate::host::open_files::maps::{self, Line};
use crate::model::{DeviceBytes, ModelId};
use crate::node::discover::named_port;
use crate::node::process::{Parents, effective_user, listening, model_path, pids, stat};
use crate::node::{Place, proc_file};
use std::collections::{BTreeSet, HashMap};
use std::io::{self, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

/// Resident bytes below which a process has no model: smaller ones are not worth a look at their mappings.
const LEAST: u64 = 48 << 20;
/// Bytes of a GPU below which a process is not listed unless it is a known server: a desktop has some for every window.
const LEAST_VRAM: u64 = 64 << 20;
/// Bytes of the mappings of a process that are looked through.
const MOST_MAPS: u64 = 32 << 20;
/// Bytes of a command line that are read.
const MOST_ARGUMENTS: u64 = 64 << 10;
/// Searches after which everything is read again, whether it seems to have changed or not.
const AFRESH: u32 = 40;

/// Searches for model servers again and again.
#[derive(Debug)]
pub struct Scanner {
    place: Place,
    files: Arc<ModelFiles>,
    seen: HashMap<u32, Seen>,
    searches: u32,
}

/// What was read of a process.
#[derive(Debug)]
struct Seen {
    start: u64,
    /// Changes when the process runs another program.
    name: String,
    argv: Vec<String>,
    uid: Option<u32>,
    program: Option<&'static str>,
    /// The resident bytes when the mappings were looked through.
    looked_at: Option<u64>,
    mapped: Option<ModelId>,
    /// The resident bytes when its share was read, and that.
    share: Option<(u64, u64)>,
    listens: Option<SocketAddr>,
}

impl Scanner {
    pub fn new(place: Place) -> Scanner {
        Scanner { place, files: Arc::default(), seen: HashMap::new(), searches: 0 }
    }

    /// Searches. `vram` has what processes hold of GPUs, `ours` the processes that are ours, with all below them.
    ///
    /// # Errors
    /// There is no `/proc`.
    pub fn search(
        &mut self,
        files: &Arc<ModelFiles>,
        vram: &HashMap<u32, Vec<DeviceBytes>>,
        ours: &[u32],
    ) -> io::Result<Vec<ModelServer>> {
        self.searches = self.searches.saturating_add(1);
        if !Arc::ptr_eq(files, &self.files) || self.searches > AFRESH {
            self.files = Arc::clone(files);
            self.seen.clear();
            self.searches = 0;
        }
        let (mut parents, mut running) = (Vec::new(), Vec::new());
        for pid in pids(&self.place)? {
            // One that has ended meanwhile holds nothing.
            let Ok(stat) = stat(&self.place.at(format!("/proc/{pid}"))) else { continue };
            parents.push((pid, stat.parent));
            if !stat.has_no_files() {
                running.push((pid, stat));
            }
        }
        let parents: Parents = parents.into_iter().collect();
        let alive: BTreeSet<u32> = running.iter().map(|(pid, _)| *pid).collect();
        self.seen.retain(|pid, _| alive.contains(pid));
        let mut found = Vec::new();
        for (pid, stat) in running.into_iter().filter(|(pid, _)| !parents.is_below(*pid, ours)) {
            self.note(pid, stat.start, stat.command);
            found.extend(self.look(pid, vram.get(&pid).map(Vec::as_slice).unwrap_or_default()));
        }
        Ok(merged(found, &parents))
    }

    /// Reads what is read once of each program of a process.
    fn note(&mut self, pid: u32, start: u64, name: String) {
        if self.seen.get(&pid).is_some_and(|seen| seen.start == start && seen.name == name) {
            return;
        }
        let at = |file: &str| self.place.at(format!("/proc/{pid}/{file}"));
        // A process of another user may keep its words from us: it is then known by its memory of a GPU alone.
        let argv = commands::split(&proc_file::bytes(&at("cmdline"), MOST_ARGUMENTS).unwrap_or_default());
        let uid = effective_user(&proc_file::text(&at("status")).unwrap_or_default()); // as above
        let program = program(&argv);
        let (looked_at, mapped, share, listens) = (None, None, None, None);
        self.seen.insert(pid, Seen { start, name, argv, uid, program, looked_at, mapped, share, listens });
    }

    fn look(&mut self, pid: u32, vram: &[DeviceBytes]) -> Option<ModelServer> {
        let (resident, shared) = resident(&self.place, pid)?;
        let seen = self.seen.get_mut(&pid)?;
        let at = |file: &str| self.place.at(format!("/proc/{pid}/{file}"));
        let named = || {
            let cwd = std::fs::read_link(at("cwd")).ok(); // of another user: a relative path leads nowhere then
            model_path(&seen.argv, cwd.as_deref())
        };
        let named =
            seen.argv.iter().any(|word| word.starts_with("-m") || word.starts_with("--model")).then(named).flatten();
        let by_command = named.as_deref().and_then(|path| self.files.by_path(path)).cloned();
        let has_grown = seen.looked_at.is_none_or(|before| resident > before.saturating_add(LEAST));
        if (resident >= LEAST || seen.program.is_some()) && has_grown {
            seen.looked_at = Some(resident);
            // Of another user: it is known by its command.
            seen.mapped = mapped(&at("maps"), &self.files).unwrap_or(None);
        }
        let on_gpus = vram.iter().map(|bytes| bytes.bytes).fold(0, u64::saturating_add);
        let is_on_gpu = on_gpus >= LEAST_VRAM || (on_gpus > 0 && seen.program.is_some());
        let is_server = seen.program.is_some() || by_command.is_some();
        if !is_server && seen.mapped.is_none() && !is_on_gpu {
            return None;
        }
        if seen.listens.is_none() {
            // Of another user, or it does not listen yet.
            seen.listens = listening(&self.place, pid).unwrap_or_default().into_iter().min_by_key(nearness);
        }
        let mut known_by = Vec::new();
        for (how, is_so) in [
            ("command", is_server),
            ("maps", seen.mapped.is_some()),
            ("nvml", is_on_gpu),
            ("listener", seen.listens.is_some()),
        ] {
            if is_so {
                known_by.push(how);
            }
        }
        let is_reachable =
            match (std::fs::read_link(at("ns/net")), std::fs::read_link(self.place.at("/proc/self/ns/net"))) {
                (Ok(theirs), Ok(ours)) => theirs == ours,
                // Whether it answers shows.
                _ => true,
            };
        let held = seen.held(resident, shared, &at("smaps_rollup"));
        let mut bytes = vec![DeviceBytes { device: MAIN_MEMORY.to_owned(), bytes: held }];
        bytes.extend_from_slice(vram);
        let name = || value_of(&seen.argv, &["--alias", "-a", "--served-model-name", "--model", "-hf", "-hfr"]);
        Some(ModelServer {
            pid,
            start: seen.start,
            uid: seen.uid,
            program: seen.program.unwrap_or(OTHER),
            address: seen.listens,
            named_port: named_port(&seen.argv),
            is_reachable,
            model: by_command.or_else(|| seen.mapped.clone()),
            model_name: named.map(|path| path.display().to_string()).or_else(name),
            known_by,
            bytes,
        })
    }
}

impl Seen {
    /// Returns the bytes of main memory that a process holds: its own pages, and its share of those that others have
    /// mapped too. The kernel adds that up over all pages, so it is read again only when their number has changed.
    fn held(&mut self, resident: u64, shared: u64, rollup: &Path) -> u64 {
        let is_near = |before: u64| resident.abs_diff(before) <= before / 64;
        if let Some((_, share)) = self.share.filter(|(before, _)| is_near(*before)) {
            return share;
        }
        // Of another user the share is not told. What is shared is the file of the model, which this process may have
        // alone: where nothing else is known of it, it counts as a whole.
        let share = proc_file::text(rollup).ok().and_then(|text| proc_file::kibibytes(&text, "Pss"));
        let share = share.unwrap_or_else(|| match self.mapped.is_some() || self.program.is_some() {
            true => resident,
            false => resident.saturating_sub(shared),
        });
        self.share = Some((resident, share));
        share
    }
}

/// Returns the resident bytes of a process, and those of them that are files or shared: the second and third field of
/// `statm`, in pages (proc_pid_statm(5)).
fn resident(place: &Place, pid: u32) -> Option<(u64, u64)> {
    let text = proc_file::text(&place.at(format!("/proc/{pid}/statm"))).ok()?; // it has ended
    let mut pages = text.split_ascii_whitespace().skip(1).map(str::parse::<u64>);
    let mut next = || pages.next()?.ok()?.checked_mul(procfs::page_size()); // not written by the kernel
    Some((next()?, next()?))
}

/// Returns the model whose file is mapped.
fn mapped(maps: &Path, files: &ModelFiles) -> io::Result<Option<ModelId>> {
    let mut found = None;
    maps::each_line(proc_file::open(maps)?.take(MOST_MAPS), &mut Vec::new(), |line| {
        if found.is_none()
            && let Some(Line::File(mapping)) = maps::parse(line)
        {
            found = files.of_mapping(&mapping).cloned();
        }
        Ok(())
    })?;
    Ok(found)
}

/// Returns how late an address comes when one is wanted that this machine reaches.
fn nearness(address: &SocketAddr) -> (u8, u16) {
    let ip = address.ip();
    let rank = match () {
        () if ip.is_loopback() && ip.is_ipv4() => 0,
        () if ip.is_unspecified() => 1,
        () if ip.is_loopback() => 2,
        () => 3,
    };
    (rank, address.port())
}

/// Returns the value of the first of these options that a command line has.
fn value_of(argv: &[String], options: &[&str]) -> Option<String> {
    options.iter().find_map(|option| {
        let at = argv.iter().position(|word| word == option);
        let next = at.and_then(|at| argv.get(at.saturating_add(1))).filter(|word| !word.starts_with('-'));
        let joined = || argv.iter().find_map(|word| word.strip_prefix(option)?.strip_prefix('=').map(str::to_owned));
        next.cloned().or_else(joined).filter(|value| !value.is_empty())
    })
}
