//! The TCP sockets that listen, and the processes that hold them: `/proc/net/tcp`, `/proc/net/tcp6` and the links below
//! `/proc/PID/fd` (proc_pid_net(5), proc_pid_fd(5)).

use super::super::endpoint::Owner;
use super::super::{Fact, Outcome, Place, proc_file};
use super::parents::{is_below, pids};
use super::read::{MOST_ARGUMENTS, stat};
use super::types::Listener;
use crate::clock;
use crate::host::commands;
use procfs::FromReadSI;
use procfs::net::{TcpNetEntries, TcpState};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt;

/// Bytes of a table of sockets that are read. Those that listen come first.
const MOST_BYTES: u64 = 8 << 20;
/// Links of descriptors that are looked at.
const MOST_LINKS: usize = 500_000;
/// Processes that hold the sockets of the programs that they start.
const MANAGERS: &[&str] = &["systemd", "supervisord", "init"];

/// Returns the TCP sockets that listen in our network.
pub fn listeners(place: &Place) -> Fact<Vec<Listener>> {
    of_folder(place, "/proc/net")
}

/// Returns the TCP sockets that listen in the network of a process: in a container its own.
pub fn listeners_seen_by(place: &Place, pid: u32) -> Fact<Vec<Listener>> {
    of_folder(place, &format!("/proc/{pid}/net"))
}

fn of_folder(place: &Place, folder: &str) -> Fact<Vec<Listener>> {
    let now = clock::now();
    let source = format!("{folder}/tcp and {folder}/tcp6");
    let mut sockets = match table(place, &format!("{folder}/tcp")) {
        Ok(sockets) => sockets,
        Err(error) => return Fact::io_error(source, now, &error, proc_file::OWNER),
    };
    match table(place, &format!("{folder}/tcp6")) {
        Ok(more) => sockets.extend(more),
        // A kernel without IPv6.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Fact::io_error(source, now, &error, proc_file::OWNER),
    }
    let holders = holders(place, &sockets.iter().map(|(_, inode)| *inode).collect());
    let mut all: Vec<Listener> = Vec::new();
    for (address, inode) in sockets {
        let holder = holders.get(&inode).and_then(|pids| holder(place, pids));
        let (pid, name) = holder.unzip();
        let listener = Listener { address: address.to_string(), port: address.port(), pid, name };
        if !all.contains(&listener) {
            all.push(listener);
        }
    }
    all.sort_by(|a, b| (a.port, &a.address).cmp(&(b.port, &b.address)));
    Fact::ok(source, now, all)
}

/// Returns where a process listens, by its own descriptors and the sockets of its network.
///
/// # Errors
/// It has ended, or belongs to another user.
pub fn listening(place: &Place, pid: u32) -> io::Result<Vec<SocketAddr>> {
    let mut inodes = BTreeSet::new();
    for entry in std::fs::read_dir(place.at(format!("/proc/{pid}/fd")))?.take(MOST_LINKS) {
        // One that is closed meanwhile leads nowhere.
        let target = std::fs::read_link(entry?.path()).unwrap_or_default();
        inodes.extend(socket(target.as_os_str().as_bytes()));
    }
    if inodes.is_empty() {
        return Ok(Vec::new());
    }
    let mut sockets = table(place, &format!("/proc/{pid}/net/tcp"))?;
    // A kernel without IPv6 has no such table.
    sockets.extend(table(place, &format!("/proc/{pid}/net/tcp6")).unwrap_or_default());
    Ok(sockets.into_iter().filter(|(_, inode)| inodes.contains(inode)).map(|(address, _)| address).collect())
}

/// Returns address and inode of every socket of a table that listens.
fn table(place: &Place, path: &str) -> io::Result<Vec<(SocketAddr, u64)>> {
    let bytes = proc_file::bytes(&place.at(path), MOST_BYTES)?;
    // A line that is cut is not one.
    let end = bytes.iter().rposition(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let whole = bytes.get(..end).unwrap_or_default();
    let entries = TcpNetEntries::from_read(whole, procfs::current_system_info());
    let entries =
        entries.map_err(|error| io::Error::other(format!("`{path}` is not a valid socket table: {error}")))?;
    let listening = entries.0.into_iter().filter(|entry| entry.state == TcpState::Listen);
    Ok(listening.map(|entry| (entry.local_address, entry.inode)).collect())
}

/// Returns the processes that hold each of the sockets, in the order of their numbers.
fn holders(place: &Place, wanted: &BTreeSet<u64>) -> BTreeMap<u64, Vec<u32>> {
    let mut all: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
    let mut left = MOST_LINKS;
    // Without /proc no table could be read.
    for pid in pids(place).unwrap_or_default() {
        // A process of another user keeps its descriptors from us; one that has ended has none.
        let Ok(entries) = std::fs::read_dir(place.at(format!("/proc/{pid}/fd"))) else { continue };
        for entry in entries.flatten() {
            let Some(rest) = left.checked_sub(1) else { return all };
            left = rest;
            let Ok(target) = std::fs::read_link(entry.path()) else { continue };
            let inode = socket(target.as_os_str().as_bytes());
            if let Some(inode) = inode.filter(|inode| wanted.contains(inode)) {
                let pids = all.entry(inode).or_default();
                if pids.last() != Some(&pid) {
                    pids.push(pid);
                }
            }
        }
    }
    all
}

/// `socket:[1234]`
fn socket(target: &[u8]) -> Option<u64> {
    let number = target.strip_prefix(b"socket:[")?.strip_suffix(b"]")?;
    std::str::from_utf8(number).ok()?.parse().ok() // not written by the kernel
}

/// Returns the process that counts as the holder, with its name: the first of a family, not one that only passes sockets
/// on to what it starts.
fn holder(place: &Place, pids: &[u32]) -> Option<(u32, String)> {
    // One that has ended meanwhile holds nothing.
    let stats: BTreeMap<u32, _> =
        pids.iter().filter_map(|pid| Some((*pid, stat(&place.at(format!("/proc/{pid}"))).ok()?))).collect();
    let is_manager = |pid: &u32| *pid == 1 || stats.get(pid).is_some_and(|s| MANAGERS.contains(&s.command.as_str()));
    let is_first =
        |pid: &u32| stats.get(pid).is_some_and(|stat| !stats.contains_key(&stat.parent) || is_manager(&stat.parent));
    let own = stats.keys().find(|pid| !is_manager(pid) && is_first(pid));
    let pid = own.or_else(|| stats.keys().find(|pid| is_first(pid))).or_else(|| stats.keys().next())?;
    Some((*pid, stats.get(pid)?.command.clone()))
}

/// Returns who listens on a port. Known and None: nobody. Denied: somebody whom we may not look into. A process below
/// one of `service_pids` counts as the service. Where several sockets have the port, the one that a client of this
/// machine reaches counts.
pub fn owner_of(
    place: &Place,
    port: u16,
    listeners: &Fact<Vec<Listener>>,
    service_pids: &[u32],
) -> Fact<Option<Owner>> {
    let source = format!("listeners on port {port}");
    let all = match &listeners.outcome {
        Outcome::Ok { value } => value,
        _ => return listeners.clone().map(|_| None),
    };
    let mut on_port: Vec<&Listener> = all.iter().filter(|listener| listener.port == port).collect();
    on_port.sort_by_key(|listener| {
        let is_service = listener.pid.is_some_and(|pid| is_below(place, pid, service_pids));
        (distance(&listener.address), !is_service)
    });
    let Some(nearest) = on_port.first() else { return Fact::ok(source, listeners.time, None) };
    let Some(pid) = nearest.pid else {
        let outcome = Outcome::Denied {
            why: format!(
                "{} has a listener whose process is not visible: it belongs to another user or runs in another \
                 container",
                nearest.address
            ),
            right: proc_file::OWNER.to_owned(),
            command: Some(["sudo", "ss", "-ltnp", "sport", "=", &format!(":{port}")].map(str::to_owned).to_vec()),
        };
        return Fact::new(source, listeners.time, outcome);
    };
    // A process that ended meanwhile has no words.
    let argv = proc_file::bytes(&place.at(format!("/proc/{pid}/cmdline")), MOST_ARGUMENTS).unwrap_or_default();
    let owner = Owner {
        pid,
        name: nearest.name.clone().unwrap_or_default(),
        argv: commands::split(&argv),
        is_service: is_below(place, pid, service_pids),
    };
    Fact::ok(source, listeners.time, Some(owner))
}

/// Returns how late a client that connects to 127.0.0.1 would come to a socket of this address.
fn distance(address: &str) -> u8 {
    match address.parse::<SocketAddr>().map(|address| address.ip()) {
        Ok(ip) if ip.is_loopback() && ip.is_ipv4() => 0,
        Ok(ip) if ip.is_unspecified() && ip.is_ipv4() => 1,
        Ok(ip) if ip.is_unspecified() => 2,
        Ok(ip) if ip.is_loopback() => 3,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_socket_is_known_by_its_number() {
        assert_eq!(socket(b"socket:[77]"), Some(77));
        assert_eq!((socket(b"socket:[x]"), socket(b"pipe:[77]"), socket(b"/a")), (None, None, None));
        assert!(distance("127.0.0.1:1") < distance("0.0.0.0:1") && distance("[::]:1") < distance("10.0.0.1:1"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let folder = tempfile::tempdir().unwrap();
            std::fs::create_dir_all(folder.path().join("proc/net")).unwrap();
            let text = [b"header\n0: ".as_slice(), &bytes, b"\n"].concat();
            std::fs::write(folder.path().join("proc/net/tcp"), text).unwrap();
            listeners(&Place::new(folder.path()));
        }
    }
}
