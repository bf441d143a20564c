//! Who listens on a port of this machine.

use super::super::Place;
use super::super::process::is_below;
use super::{Fact, Outcome, Owner};
use crate::clock::Timestamp;
use crate::host::proc_stat;
use procfs::net::{TcpNetEntry, TcpState, tcp, tcp6};
use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::path::Path;

/// Bytes of a command line that are read.
const ARGV_BYTES: u64 = 64 << 10;
/// Programs that only pass a port on to a container (the kernel cuts a name at 15 bytes).
const FORWARDERS: &[&str] = &["docker-proxy", "rootlessport", "rootlesskit", "slirp4netns", "pasta", "passt"];

/// A server whose owner is wanted.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub is_asked: bool,
    pub host: String,
    pub port: u16,
    /// The processes that should own it.
    pub service: Vec<u32>,
}

/// Returns the owners of the sockets, in the order of `wanted`. Takes one pass over the processes.
pub(super) fn owners(wanted: &[Wanted], now: Timestamp) -> Vec<Fact<Option<Owner>>> {
    if !wanted.iter().any(|one| one.is_asked) {
        return wanted.iter().map(|one| fact(one, now, not_asked())).collect();
    }
    // Where IPv6 is off its list does not exist.
    let listed: Vec<TcpNetEntry> = match tcp() {
        Ok(entries) => entries.into_iter().chain(tcp6().unwrap_or_default()).collect(),
        Err(error) => {
            let why = format!("/proc/net/tcp cannot be read: {error}");
            return wanted.iter().map(|one| fact(one, now, Outcome::Failed { why: why.clone() })).collect();
        }
    };
    let inodes: Vec<Option<Vec<u64>>> =
        wanted.iter().map(|one| local_address(&one.host).map(|address| sockets(&listed, address, one.port))).collect();
    let all: HashSet<u64> = inodes.iter().flatten().flatten().copied().collect();
    let holders = if all.is_empty() { HashMap::new() } else { holders(&all) };
    let one = |(one, inodes): (&Wanted, Option<Vec<u64>>)| {
        let outcome = match inodes {
            _ if !one.is_asked => not_asked(),
            None => Outcome::Absent { why: format!("{} is not an address of this machine", one.host) },
            Some(inodes) => owner(&inodes, &holders, &one.service),
        };
        fact(one, now, outcome)
    };
    wanted.iter().zip(inodes).map(one).collect()
}

fn not_asked() -> Outcome<Option<Owner>> {
    Outcome::Absent { why: "not looked up".to_owned() }
}

fn fact(wanted: &Wanted, now: Timestamp, outcome: Outcome<Option<Owner>>) -> Fact<Option<Owner>> {
    Fact::new(format!("owner of port {}", wanted.port), now, outcome)
}

/// Returns the address behind a host that is this machine by its address.
fn local_address(host: &str) -> Option<IpAddr> {
    if host.eq_ignore_ascii_case("localhost") {
        return Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    let address: IpAddr = host.parse().ok()?; // another name may lead anywhere
    // An address can be bound exactly where it is one of this machine.
    let is_ours = address.is_loopback() || address.is_unspecified() || UdpSocket::bind((address, 0)).is_ok();
    is_ours.then_some(address)
}

/// Returns the inodes of the sockets that a connection to the address reaches: those of the address itself, else those
/// of any address.
fn sockets(listed: &[TcpNetEntry], address: IpAddr, port: u16) -> Vec<u64> {
    let listening =
        || listed.iter().filter(|entry| entry.state == TcpState::Listen && entry.local_address.port() == port);
    let of = |is: &dyn Fn(IpAddr) -> bool| {
        listening().filter(|entry| is(entry.local_address.ip().to_canonical())).map(|entry| entry.inode).collect()
    };
    let exact: Vec<u64> = of(&|ip| ip == address);
    if !exact.is_empty() && !address.is_unspecified() {
        return exact;
    }
    let any: Vec<u64> = of(&|ip| ip.is_unspecified());
    // `localhost` may be either loopback address.
    if any.is_empty() { of(&|ip| ip.is_loopback() && address.is_loopback()) } else { any }
}

/// Returns the processes that have one of the sockets open, by its inode.
fn holders(inodes: &HashSet<u64>) -> HashMap<u64, Vec<u32>> {
    let mut found: HashMap<u64, Vec<u32>> = HashMap::new();
    let Ok(entries) = std::fs::read_dir("/proc") else { return found };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    for pid in pids {
        // A process of another user, or one that has ended.
        let Ok(descriptors) = std::fs::read_dir(format!("/proc/{pid}/fd")) else { continue };
        for link in descriptors.flatten().filter_map(|entry| std::fs::read_link(entry.path()).ok()) {
            let inode = link.to_str().and_then(|link| link.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok());
            if let Some(inode) = inode.filter(|inode| inodes.contains(inode)) {
                let pids = found.entry(inode).or_default();
                if !pids.contains(&pid) {
                    pids.push(pid);
                }
            }
        }
    }
    found
}

fn owner(inodes: &[u64], holders: &HashMap<u64, Vec<u32>>, service: &[u32]) -> Outcome<Option<Owner>> {
    let pids: Vec<u32> = inodes.iter().filter_map(|inode| holders.get(inode)).flatten().copied().collect();
    let of_service = pids.iter().copied().find(|pid| is_below(&Place::default(), *pid, service));
    // Several processes share a socket that was inherited; one that systemd opened is the service's too.
    let Some(pid) = of_service.or_else(|| pids.iter().copied().max()) else {
        if !inodes.is_empty() && !rustix::process::geteuid().is_root() {
            return Outcome::Denied {
                why: "a process listens, but the open files of other users' processes cannot be read".to_owned(),
                right: "the user of the service, or root".to_owned(),
                command: None,
            };
        }
        return Outcome::Ok { value: None };
    };
    let name = proc_stat::read(&pid.to_string()).map(|stat| stat.command).unwrap_or_default();
    if of_service.is_none() && FORWARDERS.contains(&name.as_str()) {
        return Outcome::Failed { why: format!("{name} (process {pid}) forwards the port to a container") };
    }
    Outcome::Ok { value: Some(Owner { pid, name, argv: argv(pid), is_service: of_service.is_some() }) }
}

fn argv(pid: u32) -> Vec<String> {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(Path::new("/proc").join(pid.to_string()).join("cmdline"))
        .and_then(|file| file.take(ARGV_BYTES).read_to_end(&mut bytes));
    // A process that has ended has no words any more.
    if read.is_err() {
        return Vec::new();
    }
    let words = bytes.split(|byte| *byte == 0).filter(|word| !word.is_empty());
    words.map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}
