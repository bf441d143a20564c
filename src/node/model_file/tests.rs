//! Model files in real folders; a folder stands for the root of a node, and one in it for the root of a service.

use super::*;
use crate::clock::Timestamp;
use crate::gguf::fixture::{lora, shard, small_model};
use crate::supervise::{SpawnSpec, spawn};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

const NOW: Timestamp = Timestamp(1_700_000_000_000);

struct Node(tempfile::TempDir);

impl Node {
    fn new() -> Node {
        Node(tempfile::tempdir().unwrap())
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file below the root of the node.
    fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn link(&self, path: &str, target: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
    }

    fn read(&self, path: &str) -> ModelFile {
        self.read_of(path, None)
    }

    /// Reads as the process 17 sees it, whose root is `proc/17/root`.
    fn read_of(&self, path: &str, pid: Option<u32>) -> ModelFile {
        let request = ModelFileRequest { pid, root: self.root().to_owned(), ..ModelFileRequest::new(path, 0.0) };
        read(&request, NOW).known().unwrap().clone()
    }
}

/// The commonest report of all: "the path is right", and it is one letter off.
#[test]
fn a_path_that_does_not_exist_is_compared_with_what_does() {
    let node = Node::new();
    for name in ["Qwen3-8B-Q4_K_M.gguf", "qwen3-8b-q5_k_m.gguf", "unlike.txt"] {
        node.write(&format!("models/llm/{name}"), b"x");
    }
    let file = node.read("/models/llm/qwen3-8b-q4_k_m.gguf");
    assert!(matches!(file.service.outcome, Outcome::Absent { .. }));
    let names = ["Qwen3-8B-Q4_K_M.gguf", "qwen3-8b-q5_k_m.gguf"].map(str::to_owned);
    assert_eq!(file.nearest, Some(("/models/llm".into(), names.to_vec())));
    assert_eq!(file.neighbours, names.map(|name| (name, 1)).to_vec());
    assert!(matches!(file.content.outcome, Outcome::Absent { .. }));
    let folder = node.read("/model/llm/x.gguf");
    assert_eq!(folder.nearest, Some(("/".into(), vec!["models".into()])));
    // A file is no folder.
    assert_eq!(node.read("/models/llm/unlike.txt/x").nearest, Some(("/models/llm/unlike.txt".into(), vec![])));
}

#[test]
fn a_link_that_leads_nowhere_and_a_circle_are_told_apart() {
    let node = Node::new();
    node.write("blobs/b", &small_model("m"));
    node.link("models/good.gguf", "../blobs/b");
    node.link("models/gone.gguf", "/blobs/none");
    node.link("models/via.gguf", "gone.gguf");
    node.link("models/circle.gguf", "circle.gguf");
    let good = node.read("/models/good.gguf");
    assert_eq!(good.service.known().unwrap().resolved, Path::new("/blobs/b"));
    assert_eq!(good.content.known().unwrap().format, "gguf");
    assert_eq!(node.read("/models/gone.gguf").dangling.as_deref(), Some("/blobs/none"));
    assert_eq!(node.read("/models/via.gguf").dangling.as_deref(), Some("gone.gguf"));
    let circle = node.read("/models/circle.gguf");
    assert_eq!((circle.dangling.as_deref(), circle.nearest), (Some("loop"), None));
}

/// "Sync says ok, the file is not visible": each side must be looked at with its own eyes, links included.
#[test]
fn a_service_sees_its_own_root_and_we_see_ours() {
    let node = Node::new();
    node.write("data/m.gguf", &small_model("ours"));
    node.write("models/m.gguf", &small_model("ours"));
    node.write("proc/17/root/data/m.gguf", &small_model("theirs-is-longer"));
    node.link("proc/17/root/models", "/data");
    node.write(
        "proc/17/mountinfo",
        b"31 1 0:41 / / rw - overlay overlay rw\n32 31 0:42 /x /data rw - nfs4 box:/models rw\n",
    );
    let file = node.read_of("/models/m.gguf", Some(17));
    let (ours, theirs) = (file.ours.known().unwrap(), file.service.known().unwrap());
    assert_eq!(
        (ours.resolved.as_path(), theirs.resolved.as_path()),
        (Path::new("/models/m.gguf"), Path::new("/data/m.gguf"))
    );
    assert_ne!(ours.inode, theirs.inode);
    assert_eq!(theirs.mount, Some(("box:/models".into(), "/data".into(), "nfs4".into())));
    assert_ne!(file.service_folder.known().unwrap().inode, file.our_folder.known().unwrap().inode);
    node.write("models/late.gguf", b"x");
    let late = node.read_of("/models/late.gguf", Some(17));
    assert!(late.ours.known().is_some() && late.service.known().is_none());
    assert_eq!(late.nearest.map(|(folder, _)| folder), Some("/data".into()));
    // A process that has ended does not make its file absent.
    let gone = node.read_of("/models/m.gguf", Some(18));
    assert!(gone.service.is_unknown() && gone.ours.known().is_some(), "{gone:?}");
    assert_eq!((gone.nearest, gone.content.known().map(|content| content.format.as_str())), (None, Some("gguf")));
}

/// A file that is still being written loads as damaged, and its damage is gone a minute later.
#[test]
fn a_file_that_grows_is_not_stable_and_its_writer_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.gguf");
    fs::write(&path, small_model("m")).unwrap();
    let read = |pause_s| read(&ModelFileRequest::new(&path, pause_s), NOW).known().unwrap().clone();
    let calm = read(0.05);
    assert!(calm.stable.is_some_and(|stable| stable.is_stable && stable.seconds >= 0.05));
    assert_eq!(calm.writer, None);
    let script = format!("exec 3>>'{}'; echo open; while read line; do echo more >&3; done", path.display());
    let mut child = spawn(&SpawnSpec::new("/bin/sh", ["-c", &script])).unwrap();
    std::io::Read::read_exact(&mut child.take_stdout().unwrap(), &mut [0; 5]).unwrap();
    let mut stdin = child.take_stdin().unwrap();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let feeder = std::thread::spawn(move || {
        while stopped.recv_timeout(std::time::Duration::from_millis(1)).is_err() {
            writeln!(stdin, "x").unwrap();
        }
    });
    let growing = read(0.3);
    stop.send(()).unwrap();
    feeder.join().unwrap();
    let stable = growing.stable.unwrap();
    assert!(!stable.is_stable && stable.sizes.1 > stable.sizes.0, "{stable:?}");
    assert_eq!(growing.writer.map(|(pid, _)| pid), Some(child.id()));
    child.kill().unwrap();
}

#[test]
fn what_a_header_promises_is_compared_with_the_file() {
    let node = Node::new();
    let whole = small_model("m");
    node.write("m.gguf", &whole);
    node.write("cut.gguf", &whole[..whole.len() - 64]);
    node.write("lora.gguf", &lora());
    node.write("s-00001-of-00003.gguf", &shard("s", 0, 3));
    node.write("s-00003-of-00003.gguf", &shard("s", 2, 3));
    node.write("empty.gguf", b"");
    node.write("page.gguf", b"<!DOCTYPE html>\n");
    let content = |path: &str| node.read(path).content.known().unwrap().clone();
    let good = content("/m.gguf");
    assert_eq!((good.kind.as_deref(), good.has_token_embeddings, good.damage), (Some("model"), Some(true), None));
    assert!(good.needed.unwrap() <= whole.len() as u64 && good.version == Some(3) && good.holes.is_none());
    let cut = content("/cut.gguf");
    assert!(cut.needed.unwrap() > whole.len() as u64 - 64 && cut.damage.is_some(), "{cut:?}");
    assert_eq!(content("/lora.gguf").kind.as_deref(), Some("adapter"));
    assert_eq!(content("/s-00001-of-00003.gguf").shards, Some((1, 3, vec!["s-00002-of-00003.gguf".into()])));
    assert_eq!(content("/empty.gguf").format, "empty");
    assert_eq!(content("/page.gguf").format, "html");
}

/// A preallocated download has its full size from the first second on.
#[test]
fn a_file_with_holes_is_told_from_one_that_is_whole() {
    let node = Node::new();
    let bytes = small_model("m");
    node.write("m.gguf", &bytes);
    let file = fs::File::options().write(true).open(node.root().join("m.gguf")).unwrap();
    let big = crate::gguf::fixture::Gguf::new("llama").tensor("token_embd.weight", &[1024, 4096], "F32").build();
    file.set_len(0).unwrap();
    // The header and nothing of the data.
    std::os::unix::fs::FileExt::write_all_at(&file, &big[..4096], 0).unwrap();
    file.set_len(big.len() as u64).unwrap();
    let read = node.read("/m.gguf");
    let view = read.service.known().unwrap();
    assert!(view.allocated < view.size / 2, "{view:?}");
    assert!(read.content.known().unwrap().holes.is_some_and(|holes| holes > 1 << 20), "{read:?}");
}

/// A path in a configuration may name anything: reading must not hang on it.
#[test]
fn a_fifo_and_a_folder_are_named_and_not_read() {
    let node = Node::new();
    mknodat(CWD, node.root().join("pipe.gguf"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    fs::create_dir(node.root().join("folder.gguf")).unwrap();
    for (path, kind) in [("/pipe.gguf", "fifo"), ("/folder.gguf", "folder")] {
        let file = node.read(path);
        assert_eq!(file.service.known().unwrap().kind, kind);
        assert!(matches!(file.content.outcome, Outcome::Absent { .. }) && file.stable.is_none());
    }
}

#[test]
fn the_folder_that_refuses_the_user_of_the_service_is_named() {
    let node = Node::new();
    node.write("mnt/private/models/m.gguf", &small_model("m"));
    fs::set_permissions(node.root(), fs::Permissions::from_mode(0o755)).unwrap();
    let private = node.root().join("mnt/private");
    fs::set_permissions(&private, fs::Permissions::from_mode(0o701)).unwrap();
    let uid = std::os::unix::fs::MetadataExt::uid(&fs::metadata(&private).unwrap());
    let gid = std::os::unix::fs::MetadataExt::gid(&fs::metadata(&private).unwrap());
    let request = ModelFileRequest {
        user: Some((uid + 1, vec![gid])),
        root: node.root().to_owned(),
        ..ModelFileRequest::new("/mnt/private/models/m.gguf", 0.0)
    };
    let refusing = read(&request, NOW).known().unwrap().refusing.clone().unwrap();
    assert_eq!(
        (refusing.path.as_path(), refusing.what.as_str(), refusing.mode),
        (Path::new("/mnt/private"), "enter", 0o701)
    );
    let other = ModelFileRequest { user: Some((uid + 1, vec![gid + 1])), ..request };
    assert_eq!(read(&other, NOW).known().unwrap().refusing, None);
}

#[test]
fn a_child_that_gives_no_answer_is_said_so() {
    let request = ModelFileRequest::new("/x", 0.0);
    let fact = read_in_child(Path::new("/bin/echo"), &request, std::time::Duration::from_secs(30), NOW);
    assert!(matches!(fact.outcome, Outcome::Failed { .. }), "{fact:?}");
    let text = serde_json::to_string(&request).unwrap();
    assert_eq!(serde_json::from_str::<ModelFileRequest>(&text).unwrap(), request);
}
