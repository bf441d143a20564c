#![expect(clippy::disallowed_methods, reason = "tests need processes to read")]

use super::super::{Fact, Outcome, Place};
use super::read::read_with;
use super::*;
use crate::clock::{self, Timestamp};
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const NOW: Timestamp = Timestamp(1_800_000_000_000);

/// A folder that stands for `/`, with one server and what belongs to it.
fn node() -> (tempfile::TempDir, Place) {
    let root = tempfile::tempdir().unwrap();
    let proc = root.path().join("proc");
    fs::create_dir_all(proc.join("net")).unwrap();
    fs::create_dir_all(proc.join("self/ns")).unwrap();
    symlink("mnt:[1]", proc.join("self/ns/mnt")).unwrap();
    fs::write(proc.join("uptime"), "5000.00 9000.00\n").unwrap();
    let place = Place::new(root.path());
    process(&place, 17, 1, "llama-server", 100_000);
    (root, place)
}

/// Makes a process whose start is `start` ticks after the boot.
fn process(place: &Place, pid: u32, parent: u32, name: &str, start: u64) {
    let folder = place.at(format!("/proc/{pid}"));
    for name in ["fd", "ns"] {
        fs::create_dir_all(folder.join(name)).unwrap();
    }
    let stat = format!("{pid} ({name}) S {parent} 9 9 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 {start} 0 0");
    let status = "Name:\tx\nUid:\t1000\t1001\t1000\t1000\nGid:\t100\t101\t100\t100\nGroups:\t44 101 992 \n\
        VmRSS:\t    2048 kB\nVmSwap:\t       4 kB\n";
    fs::write(folder.join("stat"), stat).unwrap();
    fs::write(folder.join("status"), status).unwrap();
    fs::write(folder.join("cmdline"), format!("/opt/{name}\0-m\0/m/a.gguf\0")).unwrap();
    fs::write(folder.join("environ"), "CUDA_VISIBLE_DEVICES=\0API_KEY=hunter2\0").unwrap();
    fs::write(folder.join("wchan"), "futex_wait_queue").unwrap();
    fs::write(folder.join("io"), "rchar: 9\nread_bytes: 4096\n").unwrap();
    fs::write(folder.join("cgroup"), "4:memory:/svc/llama\n0::/svc\n").unwrap();
    fs::write(
        folder.join("limits"),
        "Limit                     Soft Limit           Hard Limit           Units     \n\
         Max open files            1024                 524288               files     \n",
    )
    .unwrap();
    fs::write(
        folder.join("maps"),
        "1-2 r--p 0 08:02 7                          /m/a.gguf\n1-2 r--p 0 00:00 0   [heap]\n\
         1-2 r-xp 0 08:02 8                          /usr/lib/libcuda.so.1\n\
         2-3 r-xp 0 08:02 8                          /usr/lib/libcuda.so.1\n",
    )
    .unwrap();
    symlink("mnt:[2]", folder.join("ns/mnt")).unwrap();
    for (n, target) in ["/dev/nvidiactl", "socket:[700]", "/m/b.gguf (deleted)", "/m/log"].iter().enumerate() {
        symlink(target, folder.join(format!("fd/{n}"))).unwrap();
    }
}

#[test]
fn everything_that_rules_ask_of_a_process_is_read() {
    let (_root, place) = node();
    let fact = read(&place, 17, NOW);
    let process = fact.known().unwrap();
    assert_eq!((fact.source.as_str(), process.pid, process.parent, process.state), ("/proc/17", 17, 1, 'S'));
    assert_eq!(process.started, Some(Timestamp(NOW.0 - 4_000_000)));
    assert_eq!(process.argv, ["/opt/llama-server", "-m", "/m/a.gguf"]);
    assert_eq!((process.uid, process.groups.as_slice()), (Some(1001), [101, 44, 992].as_slice()));
    assert_eq!((process.rss, process.swap, process.read_bytes), (Some(2 << 20), Some(4096), Some(4096)));
    assert_eq!((process.open_files.known(), process.open_files_limit), (Some(&4), Some(1024)));
    assert_eq!((process.wchan.as_deref(), process.cgroup.as_deref()), (Some("futex_wait_queue"), Some("/svc/llama")));
    let environment = process.environment.known().unwrap();
    assert_eq!((environment["CUDA_VISIBLE_DEVICES"].as_deref(), &environment["API_KEY"]), (Some(""), &None));
    assert_eq!(process.libraries.known().unwrap(), &[PathBuf::from("/usr/lib/libcuda.so.1")]);
    assert_eq!(process.models.known().unwrap(), &["/m/a.gguf", "/m/b.gguf"].map(PathBuf::from));
    assert_eq!(process.other_mounts, Some(true));
    assert_eq!(process.gpu_nodes, [PathBuf::from("/dev/nvidiactl")]);
}

#[test]
fn a_number_that_goes_to_another_process_while_it_is_read_is_not_taken_for_the_service() {
    let (_root, place) = node();
    let fact = read_with(&place, 17, NOW, || process_again(&place));
    assert!(matches!(&fact.outcome, Outcome::Absent { why } if why.contains("its pid was reused")), "{fact:?}");
    assert!(matches!(read(&place, 18, NOW).outcome, Outcome::Absent { .. }));
    fs::write(place.at("/proc/17/stat"), b"\xff\xff").unwrap();
    assert!(matches!(read(&place, 17, NOW).outcome, Outcome::Failed { .. }));
}

fn process_again(place: &Place) {
    fs::remove_dir_all(place.at("/proc/17")).unwrap();
    process(place, 17, 1, "other", 400_000);
}

#[test]
fn what_cannot_be_read_of_a_process_is_unknown_and_not_empty() {
    let (_root, place) = node();
    for name in ["maps", "environ"] {
        fs::remove_file(place.at("/proc/17").join(name)).unwrap();
    }
    let fact = read(&place, 17, NOW);
    let process = fact.known().unwrap();
    assert!(process.environment.known().is_none() && process.libraries.known().is_none());
    assert_eq!(process.models.known().unwrap(), &[PathBuf::from("/m/b.gguf")], "what is open is known");
}

#[test]
fn a_service_is_read_with_its_descendants_and_every_process_is_found() {
    let (_root, place) = node();
    process(&place, 20, 17, "child", 100_001);
    process(&place, 21, 20, "grandchild", 100_002);
    process(&place, 30, 1, "stranger", 100_003);
    let kernel = "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 6 0 0 20 0 1 0 5 0 0";
    fs::create_dir(place.at("/proc/2")).unwrap();
    fs::write(place.at("/proc/2/stat"), kernel).unwrap();
    let tree: Vec<u32> =
        tree(&place, 17, &Parents::read(&place), NOW).iter().map(|fact| fact.known().unwrap().pid).collect();
    assert_eq!(tree, [17, 20, 21]);
    let all = all(&place);
    let briefs = all.known().unwrap();
    assert_eq!(briefs.iter().map(|brief| brief.pid).collect::<Vec<_>>(), [17, 20, 21, 30]);
    assert_eq!((briefs[0].uid, briefs[0].argv.len(), briefs[0].name.as_str()), (Some(1001), 3, "llama-server"));
}

#[test]
fn a_tree_is_never_endless() {
    let (_root, place) = node();
    for pid in 100..300 {
        process(&place, pid, 17, "many", 5);
    }
    fs::remove_dir_all(place.at("/proc/17")).unwrap();
    process(&place, 17, 299, "circle", 5);
    assert_eq!(tree(&place, 17, &Parents::read(&place), NOW).len(), 64);
    assert_eq!(tree(&place, 999, &Parents::read(&place), NOW).len(), 1);
}

/// A line of a table of sockets.
fn socket(address: &str, state: &str, inode: u64) -> String {
    format!(
        "   0: {address} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000  1000        0 {inode} 1 0 100\n"
    )
}

#[test]
fn the_owner_of_a_port_is_the_service_only_where_it_is_below_it() {
    let (_root, place) = node();
    let table = ["header\n".to_owned(), socket("0100007F:1F90", "0A", 700), socket("0100007F:1F91", "0A", 701)];
    let table = table.concat() + &socket("0100007F:1F92", "01", 700);
    fs::write(place.at("/proc/net/tcp"), table).unwrap();
    process(&place, 20, 17, "child", 100_001);
    let found = listeners(&place);
    let expected = [("127.0.0.1:8080", Some(17)), ("127.0.0.1:8081", None)];
    let seen: Vec<_> = found.known().unwrap().iter().map(|l| (l.address.as_str(), l.pid)).collect();
    assert_eq!(seen, expected);
    let owner = |port, pids: &[u32]| owner_of(&place, port, &found, pids);
    let ours = owner(8080, &[17]);
    assert!(ours.known().unwrap().as_ref().is_some_and(|owner| owner.is_service && owner.pid == 17));
    assert!(owner(8080, &[30]).known().unwrap().as_ref().is_some_and(|owner| !owner.is_service));
    assert_eq!(owner(9999, &[17]).known(), Some(&None));
    assert!(matches!(owner(8081, &[17]).outcome, Outcome::Denied { .. }), "somebody listens who cannot be seen");
}

#[test]
fn a_table_of_sockets_that_makes_no_sense_is_unknown() {
    let (_root, place) = node();
    fs::write(place.at("/proc/net/tcp"), "header\nwhat is this\n").unwrap();
    assert!(matches!(listeners(&place).outcome, Outcome::Failed { .. }));
    assert!(listeners_seen_by(&place, 17).known().is_none());
}

#[test]
fn our_own_process_and_its_socket_are_read() {
    let place = Place::default();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let now = clock::now();
    let us = std::process::id();
    let fact = read(&place, us, now);
    let process = fact.known().unwrap();
    let age = process.started.unwrap().age(now);
    assert!(age < Duration::from_secs(24 * 3600) && process.started.unwrap() < Timestamp(now.0 + 1000), "{age:?}");
    assert!(process.libraries.known().unwrap().iter().any(|path| path.to_string_lossy().contains("libc.so")));
    assert!(process.environment.known().unwrap().contains_key("PATH"));
    assert_eq!(process.other_mounts, Some(false));
    assert!(process.rss.unwrap() > 1 << 20 && *process.open_files.known().unwrap() > 3);
    for listeners in [listeners(&place), listeners_seen_by(&place, us)] {
        let owner = owner_of(&place, port, &listeners, &[us]);
        assert!(owner.known().unwrap().as_ref().is_some_and(|owner| owner.is_service && owner.pid == us), "{owner:?}");
    }
    let all = all(&place);
    assert!(all.known().unwrap().iter().any(|brief| brief.pid == us && !brief.argv.is_empty()));
}

/// Starts a child that waits, and is killed when dropped.
struct Waiting(Child);

impl Waiting {
    fn new() -> Waiting {
        let child = Waiting(Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().unwrap());
        // spawn returns when the old memory of the child is gone, which is before its arguments are in the new one.
        read_until(child.0.id(), |fact| fact.known().is_some_and(|process| !process.argv.is_empty()));
        child
    }

    fn pid(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.0)
    }

    fn end(&mut self) {
        // One that has ended by itself is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.end();
    }
}

/// Reads until it is as wanted.
fn read_until(pid: u32, wanted: impl Fn(&Fact<Process>) -> bool) -> Fact<Process> {
    let end = clock::instant() + Duration::from_secs(20);
    loop {
        let fact = read(&Place::default(), pid, clock::now());
        if wanted(&fact) {
            return fact;
        }
        assert!(clock::instant() < end, "{fact:?}");
        std::thread::yield_now();
    }
}

#[test]
fn a_stopped_process_shows_as_stopped() {
    let child = Waiting::new();
    rustix::process::kill_process(child.pid(), rustix::process::Signal::STOP).unwrap();
    let fact = read_until(child.0.id(), |fact| fact.known().is_some_and(|process| process.state == 'T'));
    assert_eq!(fact.known().unwrap().parent, std::process::id());
    let below = tree(&Place::default(), std::process::id(), &Parents::read(&Place::default()), clock::now());
    assert!(below.iter().filter_map(Fact::known).any(|process| process.pid == child.0.id()));
}

#[test]
fn a_process_that_is_killed_while_it_is_read_is_absent() {
    let mut child = Waiting::new();
    let pid = child.0.id();
    let fact = read_with(&Place::default(), pid, clock::now(), || child.end());
    assert!(matches!(&fact.outcome, Outcome::Absent { why } if why.contains("while it was read")), "{fact:?}");
    assert!(matches!(read(&Place::default(), pid, clock::now()).outcome, Outcome::Absent { .. }));
}

#[test]
fn a_process_that_nobody_has_waited_for_has_nothing_to_read_rather_than_nothing_open() {
    let child = Waiting::new();
    rustix::process::kill_process(child.pid(), rustix::process::Signal::KILL).unwrap();
    read_until(child.0.id(), |fact| fact.known().is_some_and(|process| process.state == 'Z'));
    // The first read that sees the end may have begun before it.
    let fact = read(&Place::default(), child.0.id(), clock::now());
    let process = fact.known().unwrap();
    assert!(matches!(process.environment.outcome, Outcome::Absent { .. }), "{fact:?}");
    assert!(matches!(process.libraries.outcome, Outcome::Absent { .. }), "{fact:?}");
    assert!(matches!(process.open_files.outcome, Outcome::Absent { .. }), "{fact:?}");
}

#[test]
fn another_users_process_is_read_as_far_as_rights_go() {
    if !rustix::process::geteuid().is_root() || !Path::new("/usr/bin/setpriv").exists() {
        crate::testing::skip("only root can give up its rights");
        return;
    }
    let child = Waiting::new();
    let pid = child.0.id();
    let looked = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            // Of this thread alone.
            let nobody = rustix::process::Uid::from_raw(65534);
            rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
            read(&Place::default(), pid, clock::now())
        });
        reader.join().unwrap()
    });
    let process = looked.known().unwrap();
    assert_eq!((process.uid, process.argv.first().map(String::as_str)), (Some(0), Some("sleep")));
    for denied in [&process.libraries, &process.models] {
        assert!(matches!(&denied.outcome, Outcome::Denied { right, .. } if right.contains("root")), "{denied:?}");
    }
    assert!(matches!(process.environment.outcome, Outcome::Denied { .. }));
    assert!(matches!(process.open_files.outcome, Outcome::Denied { .. }));
}
