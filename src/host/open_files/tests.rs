#![expect(clippy::disallowed_methods, reason = "tests need processes that hold files")]

use super::*;
use rustix::thread::{CapabilitySet, CapabilitySets};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::process::{Child, Command, Stdio};

const LIMIT: Duration = Duration::from_secs(20);

/// A process that has done something with a file and waits. Killed when dropped.
struct Holder(Child);

impl Holder {
    /// `does` is Python that has the path of the file as `path`.
    fn new(does: &str, path: &Path) -> Holder {
        let script = format!(
            "import mmap, os, sys, threading\npath = sys.argv[1]\n{does}\nprint('ready', flush=True)\nsys.stdin.read()"
        );
        let mut command = Command::new("python3");
        command.args(["-c", &script]).arg(path);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "{does}");
        Holder(child)
    }

    /// Another user's, which only root can start. It has the file as its stdin.
    fn nobody(path: &Path) -> Holder {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "sleep", "600"]);
        let holder = Holder(command.stdin(File::open(path).unwrap()).spawn().unwrap());
        let name = || fs::read_to_string(format!("/proc/{}/comm", holder.pid())).unwrap();
        let end = clock::instant() + LIMIT;
        while name() != "sleep\n" {
            assert!(clock::instant() < end, "{}", name());
            std::thread::yield_now();
        }
        holder
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // One that has ended by itself is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Scene {
    folder: tempfile::TempDir,
    file: PathBuf,
    wanted: Wanted,
}

fn scene() -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a model.gguf");
    fs::write(&file, vec![7; 8192]).unwrap();
    let meta = fs::metadata(&file).unwrap();
    let wanted = Wanted { dev: meta.dev(), ino: meta.ino(), paths: vec![file.clone()] };
    Scene { folder, file, wanted }
}

impl Scene {
    fn look(&self) -> OpenFiles {
        match look(vec![self.wanted.clone()], LIMIT) {
            Reading::Known(found) => found,
            Reading::Unavailable(why) => panic!("{why}"),
        }
    }

    fn users(&self) -> Vec<(u32, Held)> {
        self.look().users(self.wanted.dev, self.wanted.ino).iter().map(|user| (user.pid, user.how)).collect()
    }
}

const MAP: &str = "f = open(path, 'rb'); m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)";

#[test]
fn a_file_that_somebody_has_open_is_in_use_until_they_let_go() {
    let scene = scene();
    assert_eq!(scene.users(), []);
    let holder = Holder::new("f = open(path, 'rb')", &scene.file);
    assert_eq!(scene.users(), [(holder.pid(), Held::Open)]);
    let found = scene.look();
    assert!(found.users(scene.wanted.dev, scene.wanted.ino)[0].command.starts_with("python"));
    assert_eq!(found.users(scene.wanted.dev, scene.wanted.ino + 1), []);
    assert!(found.looked >= 1);
    drop(holder);
    assert_eq!(scene.users(), []);
}

#[test]
fn a_mapping_alone_is_a_use_whatever_became_of_the_name() {
    let scene = scene();
    // `mmap` keeps a descriptor of its own unless it is closed with all others.
    let holder = Holder::new(&format!("{MAP}; os.closerange(3, 100)"), &scene.file);
    let expected = [(holder.pid(), Held::Mapped)];
    assert_eq!(scene.users(), expected);
    let elsewhere = scene.folder.path().join("renamed\nand split.gguf");
    fs::rename(&scene.file, &elsewhere).unwrap();
    assert_eq!(scene.users(), expected);
    fs::remove_file(&elsewhere).unwrap();
    assert_eq!(scene.users(), expected);
}

#[test]
fn our_own_process_is_no_other_user() {
    let scene = scene();
    let _open = File::open(&scene.file).unwrap();
    assert_eq!(scene.users(), []);
}

#[test]
fn a_file_held_by_the_threads_that_outlive_the_first_one_is_in_use() {
    let scene = scene();
    let does = format!(
        "{MAP}\nimport ctypes\ndef stay():\n  print('ready', flush=True)\n  threading.Event().wait()\n\
         threading.Thread(target=stay).start()\nctypes.CDLL(None).pthread_exit(None)"
    );
    let holder = Holder::new(&does, &scene.file);
    // The first thread ends only after it has let the other one say so.
    let stat = || fs::read_to_string(format!("/proc/{}/stat", holder.pid())).unwrap();
    let end = clock::instant() + LIMIT;
    while !stat().contains(") Z ") {
        assert!(clock::instant() < end, "{}", stat());
        std::thread::yield_now();
    }
    assert!(scene.users().iter().any(|(pid, _)| *pid == holder.pid()));
}

/// Looks as root without the right to look into processes of others, which is what any other user is.
fn without_rights<T: Send>(look: impl FnOnce() -> T + Send) -> Option<T> {
    if !rustix::process::geteuid().is_root() {
        crate::testing::skip("only root can start a process of another user");
        return None;
    }
    // Rights are those of a thread.
    let looked = std::thread::scope(|scope| {
        scope
            .spawn(|| {
                let held = rustix::thread::capabilities(None).unwrap();
                let no = CapabilitySet::SYS_PTRACE;
                let less = CapabilitySets {
                    effective: held.effective - no,
                    permitted: held.permitted - no,
                    inheritable: held.inheritable - no,
                };
                rustix::thread::set_capabilities(None, less).unwrap();
                look()
            })
            .join()
            .unwrap()
    });
    Some(looked)
}

#[test]
fn a_process_that_cannot_be_looked_into_is_told_by_number_and_name() {
    let scene = scene();
    if !rustix::process::geteuid().is_root() {
        crate::testing::skip("only root can start a process of another user");
        return;
    }
    let holder = Holder::nobody(&scene.file);
    assert_eq!(scene.users(), [(holder.pid(), Held::Open)], "root sees it");
    let found = without_rights(|| scene.look()).unwrap();
    assert_eq!(found.users(scene.wanted.dev, scene.wanted.ino), []);
    assert!(!found.is_complete());
    let closed = found.closed.iter().find(|closed| closed.pid == holder.pid()).unwrap();
    assert_eq!(closed.uid, 65534);
    assert_eq!(closed.command, "sleep");
    // Kernel threads have no files; there are some on a machine, and none in a container.
    assert!(found.closed.iter().all(|closed| closed.command != "kthreadd" && !closed.command.starts_with("kworker")));
}

#[test]
fn a_folder_that_is_no_proc_of_ours_is_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    assert!(pass(folder.path(), &[], None).is_err());
    std::os::unix::fs::symlink("self-made", folder.path().join("self")).unwrap();
    assert!(pass(folder.path(), &[], None).is_err());
}

#[test]
fn a_reading_that_takes_too_long_is_unknown() {
    let scene = scene();
    let late = look(vec![scene.wanted.clone()], Duration::ZERO);
    assert!(matches!(late, Reading::Unavailable(why) if why.contains("not read within")));
}

/// A made-up `/proc` with one process, whose mapping is as `maps` says.
fn made_up(maps: &str) -> tempfile::TempDir {
    let proc = tempfile::tempdir().unwrap();
    let at = |name: &str| proc.path().join(name);
    fs::create_dir_all(at("1/ns")).unwrap();
    fs::create_dir_all(at("77/fd")).unwrap();
    std::os::unix::fs::symlink("1", at("self")).unwrap();
    fs::write(at("1/mountinfo"), "30 27 0:40 / /models rw - btrfs /dev/sdb rw\n").unwrap();
    fs::write(at("77/stat"), "77 (llama-server) S 1 9 9 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0").unwrap();
    fs::write(at("77/maps"), maps).unwrap();
    proc
}

#[test]
fn a_device_that_mappings_tell_differently_does_not_hide_a_use() {
    let scene = scene();
    let path = scene.file.to_str().unwrap();
    let odd = rustix::fs::makedev(0, 40);
    let wanted = Wanted { dev: odd, ino: scene.wanted.ino, paths: vec![scene.file.clone()] };
    let how = |line: &str| {
        let found = pass(made_up(&format!("{line}\n")).path(), std::slice::from_ref(&wanted), None).unwrap();
        found.users(odd, wanted.ino).first().map(|user| user.how)
    };
    let ino = wanted.ino;
    // The same entry; the same number under a name that leads nowhere; another number under the same name.
    assert_eq!(how(&format!("1-2 r--p 0 00:21 {ino}   {path}")), Some(Held::Mapped));
    assert_eq!(how(&format!("1-2 r--p 0 00:21 {ino}   /not/there.gguf")), Some(Held::Perhaps));
    assert_eq!(how(&format!("1-2 r--p 0 00:21 {ino}   /not/there.gguf (deleted)")), Some(Held::Perhaps));
    assert_eq!(how(&format!("1-2 r--p 0 00:21 {}   {path}", ino + 1)), Some(Held::Mapped));
    assert_eq!(how(&format!("1-2 r--p 0 00:21 {}   {path} (deleted)", ino + 1)), None);
    assert_eq!(how(&format!("1-2 r--p 0 00:21 {}   /not/there.gguf", ino + 1)), None);
    // Its own name leads to that number on the device that stat tells of it: it is another file.
    let link = scene.folder.path().join("linked.gguf");
    fs::hard_link(&scene.file, &link).unwrap();
    assert_eq!(how(&format!("1-2 r--p 0 00:21 {ino}   {}", link.display())), None);

    // On a block device there is nothing to guess.
    let plain = Wanted { dev: rustix::fs::makedev(8, 1), ..wanted.clone() };
    let found = pass(made_up(&format!("1-2 r--p 0 08:02 {ino} {path}\n")).path(), std::slice::from_ref(&plain), None);
    assert_eq!(found.unwrap().users(plain.dev, ino), []);
}

#[test]
fn text_of_a_process_that_makes_no_sense_leaves_it_unknown() {
    let proc = made_up("what is this\n");
    let found = pass(proc.path(), &[], None).unwrap();
    assert_eq!(found.closed.len(), 1);
    assert_eq!(found.closed[0].command, "llama-server");
}
