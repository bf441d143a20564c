//! What the machine is: its name, kernel, container, processor and addresses.

use super::super::{Fact, Place, proc_file};
use crate::clock;
use crate::host::node;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Returns the host name. It is for people and proves nothing.
pub fn host_name(place: &Place) -> String {
    line(place, "/proc/sys/kernel/hostname").unwrap_or_else(node::host_name)
}

/// Returns the release of the kernel: `6.1.0-26-amd64`. Empty: unknown.
pub fn kernel_release(place: &Place) -> String {
    line(place, "/proc/sys/kernel/osrelease").unwrap_or_default()
}

fn line(place: &Place, path: &str) -> Option<String> {
    let text = proc_file::text(&place.at(path)).ok()?; // without /proc it is unknown
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Parts of paths of control groups that engines of containers make.
const GROUPS: &[(&str, &str)] = &[
    ("kubepods", "kubernetes"),
    ("/docker", "docker"),
    ("libpod", "podman"),
    ("cri-containerd", "kubernetes"),
    ("/lxc", "lxc"),
    (":/lxc.payload", "lxc"),
    ("/machine.slice/machine-", "systemd-nspawn"),
];

/// Returns which kind of container we are in, by the marks that engines leave; None: none that shows.
pub fn container(place: &Place) -> Option<String> {
    let exists = |path: &str| place.at(path).exists();
    if exists("/var/run/secrets/kubernetes.io/serviceaccount") || exists("/run/secrets/kubernetes.io/serviceaccount") {
        return Some("kubernetes".to_owned());
    }
    if exists("/run/.containerenv") {
        return Some("podman".to_owned());
    }
    if exists("/.dockerenv") {
        return Some("docker".to_owned());
    }
    // `container=` in the environment of the first process, where systemd puts it for all to read.
    if let Some(name) = line(place, "/run/systemd/container") {
        return Some(name);
    }
    let groups = ["/proc/1/cgroup", "/proc/self/cgroup"].map(|path| line(place, path).unwrap_or_default());
    let of_group =
        |(part, name): &(&str, &str)| groups.iter().any(|text| text.contains(part)).then(|| (*name).to_owned());
    GROUPS.iter().find_map(of_group)
}

/// Returns the features of the first processor (`flags`, on ARM `Features`).
pub fn cpu_flags(place: &Place) -> Fact<Vec<String>> {
    let source = "/proc/cpuinfo";
    let now = clock::now();
    let text = match proc_file::text(&place.at(source)) {
        Ok(text) => text,
        Err(error) => return Fact::io_error(source, now, &error, "root"),
    };
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    match lines.find(|(key, _)| matches!(key.trim(), "flags" | "Features")) {
        Some((_, flags)) => Fact::ok(source, now, flags.split_ascii_whitespace().map(str::to_owned).collect()),
        None => Fact::absent(source, now, "it does not list the CPU features"),
    }
}

/// Returns the addresses of our interfaces, by the local routes (`/proc/net/fib_trie`) and `/proc/net/if_inet6`.
pub fn addresses(place: &Place) -> Vec<String> {
    // A kernel without one of the two protocols has no addresses of it.
    let text = |path: &str| proc_file::text(&place.at(path)).unwrap_or_default();
    let mut all = v4(&text("/proc/net/fib_trie"));
    all.extend(v6(&text("/proc/net/if_inet6")));
    all
}

/// Returns the leaves of the trie that are addresses of this host: `|-- 10.0.0.5`, then `/32 host LOCAL`.
fn v4(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut leaf = None;
    for line in text.lines() {
        let line = line.trim_start();
        match line.strip_prefix("|-- ") {
            Some(address) => leaf = address.trim().parse::<Ipv4Addr>().ok(), // a line that is no leaf
            None if line.starts_with("/32 host LOCAL") => {
                let address = leaf.map(|address| address.to_string());
                all.extend(address.filter(|address| !all.contains(address)));
            }
            None => {}
        }
    }
    all
}

/// Returns the addresses of a table of `32 hex digits, index, prefix, scope, flags, interface`.
fn v6(text: &str) -> Vec<String> {
    let address = |line: &str| {
        let digits = line.split_ascii_whitespace().next().filter(|digits| digits.len() == 32)?;
        Some(Ipv6Addr::from_bits(u128::from_str_radix(digits, 16).ok()?).to_string()) // not written by the kernel
    };
    text.lines().filter_map(address).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn addresses_of_both_protocols_are_found_once() {
        let trie = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 10.0.0.0\n        /24 link UNICAST\n     |-- 10.0.0.5\n        /32 host LOCAL\n\
            Local:\n     |-- 10.0.0.5\n        /32 host LOCAL\n     |-- 127.0.0.1\n        /32 host LOCAL\n";
        assert_eq!(v4(trie), ["10.0.0.5", "127.0.0.1"]);
        let table = "00000000000000000000000000000001 01 80 10 80       lo\nfe80 02 40\n";
        assert_eq!(v6(table), ["::1"]);
        assert_eq!(v6("\u{e9}0000000000000000000000000000001 01"), [""; 0]);
        assert!(addresses(&Place::default()).iter().any(|address| address == "127.0.0.1"));
    }

    #[test]
    fn a_container_is_known_by_the_marks_of_its_engine() {
        let root = tempfile::tempdir().unwrap();
        let place = Place::new(root.path());
        assert_eq!(container(&place), None);
        fs::create_dir_all(root.path().join("proc/self")).unwrap();
        fs::write(root.path().join("proc/self/cgroup"), "4:memory:/kubepods/burstable/pod1/abc\n").unwrap();
        assert_eq!(container(&place).as_deref(), Some("kubernetes"));
        fs::create_dir_all(root.path().join("run/systemd")).unwrap();
        fs::write(root.path().join("run/systemd/container"), "lxc\n").unwrap();
        assert_eq!(container(&place).as_deref(), Some("lxc"));
        fs::write(root.path().join(".dockerenv"), "").unwrap();
        assert_eq!(container(&place).as_deref(), Some("docker"));
    }

    #[test]
    fn the_features_of_a_processor_are_read_on_both_architectures() {
        let root = tempfile::tempdir().unwrap();
        let place = Place::new(root.path());
        assert!(matches!(cpu_flags(&place).outcome, crate::node::Outcome::Absent { .. }));
        fs::create_dir_all(root.path().join("proc")).unwrap();
        for key in ["flags\t\t", "Features\t"] {
            fs::write(root.path().join("proc/cpuinfo"), format!("processor\t: 0\n{key}: fpu avx2\n")).unwrap();
            assert_eq!(cpu_flags(&place).known().unwrap(), &["fpu", "avx2"]);
        }
        assert!(!host_name(&Place::default()).is_empty() && !kernel_release(&Place::default()).is_empty());
    }
}
