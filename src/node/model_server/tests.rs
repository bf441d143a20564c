use super::*;
use crate::model::{FileIdentity, PlacedFile, Role};
use crate::node::Place;
use crate::node::process::Parents;
use crate::testing::sample_row;
use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;

/// The one file of a model.
fn sample_file(name: &str) -> PlacedFile {
    let row = sample_row(name);
    PlacedFile {
        model: row.id,
        role: Role::Main,
        entries: vec![row.path.clone()],
        path: row.path,
        identity: FileIdentity { dev: 0xfe00, ino: 4711, size: 3, mtime_ns: 0, ctime_ns: 0 },
        allocated: 3,
        expected_sha256: None,
        verified_sha256: None,
    }
}

const MIB: u64 = 1 << 20;
/// A page of these machines.
const PAGE: u64 = 4096;

/// A folder that stands for `/`.
struct Node {
    root: tempfile::TempDir,
    place: Place,
}

struct Process<'a> {
    pid: u32,
    parent: u32,
    name: &'a str,
    argv: &'a str,
    resident: u64,
    maps: &'a str,
    pss: Option<u64>,
}

impl Default for Process<'_> {
    fn default() -> Self {
        Process { pid: 10, parent: 1, name: "x", argv: "x", resident: 500 * MIB, maps: "", pss: Some(400 * MIB) }
    }
}

impl Node {
    fn new() -> Node {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("proc/self/ns")).unwrap();
        symlink("net:[1]", root.path().join("proc/self/ns/net")).unwrap();
        let place = Place::new(root.path());
        Node { root, place }
    }

    fn add(&self, process: &Process<'_>) {
        let Process { pid, parent, name, argv, resident, maps, pss } = process;
        let folder = self.root.path().join(format!("proc/{pid}"));
        for name in ["fd", "ns", "net"] {
            fs::create_dir_all(folder.join(name)).unwrap();
        }
        let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
        write("stat", &format!("{pid} ({name}) S {parent} 9 9 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 77 0 0"));
        write("status", "Name:\tx\nUid:\t1000\t1001\t1000\t1000\n");
        write("cmdline", &(argv.replace(' ', "\0") + "\0"));
        write("statm", &format!("999999 {} {} 1 0 9 0\n", resident / PAGE, resident / 2 / PAGE));
        write("maps", maps);
        match pss {
            Some(pss) => {
                write("smaps_rollup", &format!("0-1 ---p 0 00:00 0 [rollup]\nRss: 1 kB\nPss: {} kB\n", pss >> 10))
            }
            None => drop(fs::remove_file(folder.join("smaps_rollup"))),
        }
        drop(fs::remove_file(folder.join("ns/net")));
        symlink("net:[1]", folder.join("ns/net")).unwrap();
    }

    /// Has a process listen on a port of 127.0.0.1.
    fn listen(&self, pid: u32, port: u16) {
        let folder = self.root.path().join(format!("proc/{pid}"));
        symlink("socket:[4242]", folder.join("fd/3")).unwrap();
        let header =
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
        let line = format!(
            "   0: 0100007F:{port:04X} 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4242 1 0 100 0 0 10 0\n"
        );
        fs::write(folder.join("net/tcp"), format!("{header}{line}")).unwrap();
    }

    fn scanner(&self) -> Scanner {
        Scanner::new(self.place.clone())
    }
}

fn files() -> Arc<ModelFiles> {
    Arc::new(ModelFiles::of(vec![sample_file("a")]))
}

fn path() -> String {
    sample_file("a").path.display().to_string()
}

fn search(scanner: &mut Scanner, files: &Arc<ModelFiles>) -> Vec<ModelServer> {
    scanner.search(files, &HashMap::new(), &[]).unwrap()
}

/// Memory would be given out that somebody else's server holds, and nobody could say whose it is.
#[test]
fn a_server_of_somebody_else_is_known_by_its_command_with_user_port_and_bytes() {
    let node = Node::new();
    let line = format!("/opt/llama-server -m {} --port 8081", path());
    node.add(&Process { argv: &line, ..Process::default() });
    node.listen(10, 8081);
    let found = search(&mut node.scanner(), &files());
    let [server] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((server.pid, server.start, server.uid, server.program), (10, 77, Some(1001), "llama-server"));
    assert_eq!((server.address.map(|a| a.to_string()), server.named_port), (Some("127.0.0.1:8081".into()), Some(8081)));
    assert_eq!((&server.model, &server.model_name), (&Some(sample_file("a").model), &Some(path())));
    assert_eq!(server.known_by, ["command", "listener"]);
    assert_eq!(
        server.bytes,
        [DeviceBytes { device: "CPU".into(), bytes: 400 * MIB }],
        "its share, not all it has mapped"
    );
}

/// A script with the bindings of llama.cpp has no command line that says so.
#[test]
fn a_program_with_a_known_model_file_mapped_is_found_when_it_has_loaded_it() {
    let node = Node::new();
    let python = Process { name: "python3", argv: "python3 app.py", resident: 60 * MIB, ..Process::default() };
    node.add(&python);
    let (mut scanner, files) = (node.scanner(), files());
    assert_eq!(search(&mut scanner, &files), []);
    let maps = format!("1-2 r--p 0 08:02 7   /usr/lib/x.so\n2-3 r--s 0 08:02 8   {}\n", path());
    node.add(&Process { resident: 61 * MIB, maps: &maps, ..python });
    assert_eq!(search(&mut scanner, &files), [], "its memory has not grown, so it is not looked at again");
    node.add(&Process { resident: 400 * MIB, maps: &maps, ..python });
    let found = search(&mut scanner, &files);
    assert_eq!((found[0].known_by.as_slice(), found[0].program), (["maps"].as_slice(), OTHER));
    assert_eq!(found[0].model, Some(sample_file("a").model));
}

/// Our own workers are in the ledger: counted twice they would leave no memory for anything.
#[test]
fn what_is_ours_is_left_out_with_everything_below_it() {
    let node = Node::new();
    let line = format!("llama-server -m {}", path());
    node.add(&Process { pid: 7, name: "modelctl", argv: "modelctl serve", ..Process::default() });
    node.add(&Process { pid: 8, parent: 7, argv: &line, ..Process::default() });
    node.add(&Process { pid: 9, parent: 8, argv: &line, ..Process::default() });
    node.add(&Process { pid: 20, argv: &line, ..Process::default() });
    let found = node.scanner().search(&files(), &HashMap::new(), &[7]).unwrap();
    assert_eq!(found.iter().map(|server| server.pid).collect::<Vec<_>>(), [20]);
    assert!(node.scanner().search(&files(), &HashMap::new(), &[7, 20]).unwrap().is_empty());
}

/// A game or an image generator holds memory of a GPU that no model can have.
#[test]
fn a_holder_of_a_gpu_is_listed_by_what_the_driver_says() {
    let node = Node::new();
    node.add(&Process { pid: 30, argv: "/games/x", pss: None, ..Process::default() });
    node.add(&Process { pid: 31, argv: "Xorg", ..Process::default() });
    let on_gpu = |bytes| vec![DeviceBytes { device: "CUDA0".into(), bytes }];
    let vram = HashMap::from([(30, on_gpu(3 << 30)), (31, on_gpu(20 * MIB)), (4711, on_gpu(9 << 30))]);
    let found = node.scanner().search(&files(), &vram, &[]).unwrap();
    let [server] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((server.pid, server.known_by.as_slice()), (30, ["nvml"].as_slice()));
    let main = DeviceBytes { device: "CPU".into(), bytes: 250 * MIB };
    assert_eq!(server.bytes, [vec![main], on_gpu(3 << 30)].concat(), "without its share: what it does not share");
}

#[test]
fn the_processes_of_one_server_are_one_and_the_servers_of_a_router_are_several() {
    let node = Node::new();
    node.add(&Process { pid: 40, argv: "vllm serve org/name --port 8000", ..Process::default() });
    node.add(&Process { pid: 41, parent: 40, argv: "VLLM::EngineCore", ..Process::default() });
    node.add(&Process { pid: 50, argv: "llama-server --port 1", ..Process::default() });
    let line = format!("llama-server -m {} --port 2", path());
    node.add(&Process { pid: 51, parent: 50, argv: &line, ..Process::default() });
    let vram = HashMap::from([(41, vec![DeviceBytes { device: "CUDA0".into(), bytes: 1 << 30 }])]);
    let found = node.scanner().search(&files(), &vram, &[]).unwrap();
    assert_eq!(found.iter().map(|server| server.pid).collect::<Vec<_>>(), [40, 50, 51]);
    assert_eq!(found[0].bytes.iter().map(|b| b.bytes).collect::<Vec<_>>(), [800 * MIB, 1 << 30]);
    assert_eq!((found[0].program, found[0].known_by.as_slice()), ("vllm", ["command", "nvml"].as_slice()));
}

#[test]
fn a_number_that_goes_to_another_process_is_that_of_another_server() {
    let node = Node::new();
    let line = format!("llama-server -m {}", path());
    node.add(&Process { name: "llama-server", argv: &line, ..Process::default() });
    let (mut scanner, files) = (node.scanner(), files());
    assert_eq!(search(&mut scanner, &files).len(), 1);
    node.add(&Process { name: "bash", argv: "bash", ..Process::default() });
    assert_eq!(search(&mut scanner, &files), [], "it runs another program now");
    fs::remove_dir_all(node.root.path().join("proc/10")).unwrap();
    assert_eq!(search(&mut scanner, &files), []);
    fs::remove_dir_all(node.root.path().join("proc")).unwrap();
    assert!(scanner.search(&files, &HashMap::new(), &[]).is_err(), "without /proc nobody is known");
}

#[test]
fn files_are_known_by_path_and_by_inode() {
    use crate::host::open_files::maps::{Line, parse};
    let file = sample_file("a");
    let files = ModelFiles::of(vec![file.clone()]);
    assert_eq!(files.by_path(&file.path), Some(&file.model));
    assert_eq!(files.by_path(Path::new("/nowhere")), None);
    let (major, minor) = (rustix::fs::major(file.identity.dev), rustix::fs::minor(file.identity.dev));
    let line = format!("1-2 r--p 0 {major:02x}:{minor:02x} {} /in/a/container.gguf", file.identity.ino);
    let Some(Line::File(mapping)) = parse(line.as_bytes()) else { panic!("{line}") };
    assert_eq!(files.of_mapping(&mapping), Some(&file.model));
}

#[test]
fn parents_that_make_a_circle_end() {
    let parents: Parents = [(1, 2), (2, 1)].into_iter().collect();
    assert!(!parents.is_below(1, &[7]) && parents.is_below(1, &[2]));
}
