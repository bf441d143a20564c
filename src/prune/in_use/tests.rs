#![expect(clippy::disallowed_methods, reason = "tests need processes that hold files")]

use super::*;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

/// A server that gives one answer for each path, or none at all. Its thread ends with the test's process.
struct Fake(ServerAddress);

type FakeOllama = Fake;
type FakeLlamaServer = Fake;

impl Fake {
    fn answering(answers: &'static [(&'static str, u16, &'static str)]) -> Fake {
        Fake::serving(move |stream| {
            let mut lines = BufReader::new(&*stream).lines().map(Result::unwrap);
            let request = lines.next().unwrap();
            lines.find(String::is_empty);
            drop(lines);
            let found = answers.iter().find(|(path, ..)| request.starts_with(&format!("GET {path} ")));
            let (_, status, body) = found.copied().unwrap_or(("", 404, "no such page"));
            let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        })
    }

    /// Accepts the request and does not answer.
    fn hanging() -> Fake {
        Fake::serving(|stream| {
            // Until the client gives up.
            let _ = stream.read_to_end(&mut Vec::new());
        })
    }

    fn serving(each: impl Fn(&mut TcpStream) + Send + 'static) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                each(&mut stream.unwrap());
            }
        });
        Fake(ServerAddress { host: "127.0.0.1".to_owned(), port, base: String::new() })
    }

    /// No server listens there.
    fn gone() -> Fake {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Fake(ServerAddress { host: "127.0.0.1".to_owned(), port, base: String::new() })
    }
}

struct Scene {
    folder: tempfile::TempDir,
    servers: PruneConfig,
    store: StoreKind,
    name: Option<&'static str>,
    path: PathBuf,
    entries: Vec<PathBuf>,
    answer_limit: Duration,
}

fn scene(store: StoreKind, file: &str) -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, "weights").unwrap();
    let servers = PruneConfig { ollama: Reading::Known(Fake::gone().0), endpoints: vec![] };
    Scene { folder, servers, store, name: None, path, entries: vec![], answer_limit: Duration::from_secs(20) }
}

impl Scene {
    fn asked(&self) -> Asked<'_> {
        let identity = FileIdentity::of(&fs::metadata(&self.path).unwrap());
        let (root, path) = (self.folder.path(), self.path.as_path());
        Asked { store: self.store, root, name: self.name, path, entries: &self.entries, identity, seen: None }
    }

    fn look(&self) -> InUse {
        let limit = Duration::from_secs(20);
        let settings = Settings { servers: Some(&self.servers), limit, answer_limit: self.answer_limit };
        without_strangers(InUse::look(&settings, &[self.asked()]))
    }

    fn answer(&self) -> Use {
        self.look().of(&self.asked())
    }

    fn unknown(&self) -> String {
        match self.answer() {
            Use::Unknown(why) => why,
            other => panic!("{other:?}"),
        }
    }

    fn used(&self) -> String {
        match self.answer() {
            Use::Used(by) => by.join("; "),
            other => panic!("{other:?}"),
        }
    }
}

/// Ignores processes that cannot be inspected: a machine may have some that do not belong to the test.
fn without_strangers(mut look: InUse) -> InUse {
    if let Reading::Known(found) = &mut look.processes {
        (found.closed, found.is_hiding, found.is_contained) = (Vec::new(), false, false);
    }
    look
}

/// A process that waits with the file as its stdin. Killed when dropped.
struct Reader(Child);

impl Reader {
    fn new(path: &Path) -> Reader {
        Reader(Command::new("sleep").arg("600").stdin(fs::File::open(path).unwrap()).spawn().unwrap())
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_file_that_nobody_has_is_free_and_one_that_a_process_has_is_not() {
    let scene = scene(StoreKind::Dir, "a.gguf");
    assert_eq!(scene.answer(), Use::Free);
    let again = |asked: Asked<'_>| without_strangers(InUse::look_again(&[asked])).of(&asked);
    assert_eq!(again(scene.asked()), Use::Free);
    let reader = Reader::new(&scene.path);
    let expected = format!("process {} (sleep) has it open", reader.0.id());
    assert!(scene.used().contains(&expected), "{}", scene.used());
    assert!(matches!(again(scene.asked()), Use::Used(_)));
    // As recorded before the device number changed.
    let mut older = scene.asked();
    older.identity.dev += 1;
    assert!(matches!(again(older), Use::Used(_)));
}

#[test]
fn a_file_that_nobody_looked_for_is_unknown() {
    let scene = scene(StoreKind::Dir, "a.gguf");
    let mut other = scene.asked();
    other.identity.ino += 1;
    assert!(matches!(scene.look().of(&other), Use::Unknown(why) if why.contains("was not checked")));
}

const LOADED: &str = r#"{"models":[{"name":"llama3:latest","model":"llama3:latest","size":1,"digest":"0"}]}"#;

#[test]
fn a_model_that_ollama_has_loaded_is_in_use() {
    let mut scene = scene(StoreKind::Ollama, "blobs/sha256-aa");
    scene.servers.ollama = Reading::Known(FakeOllama::answering(&[("/api/ps", 200, LOADED)]).0);
    scene.name = Some("llama3:latest");
    assert_eq!(scene.used(), "Ollama has `llama3:latest` loaded");
    scene.name = Some("other:latest");
    assert_eq!(scene.answer(), Use::Free);
    scene.servers.ollama = Reading::Known(FakeOllama::gone().0);
    assert_eq!(scene.answer(), Use::Free, "nothing is loaded where nothing runs");
}

#[test]
fn an_ollama_that_does_not_answer_as_it_should_leaves_its_models_unknown() {
    let mut scene = scene(StoreKind::Ollama, "blobs/sha256-aa");
    let mut why = |server: Reading<ServerAddress>| {
        scene.servers.ollama = server;
        scene.unknown()
    };
    let garbage = FakeOllama::answering(&[("/api/ps", 200, "<html>")]);
    assert!(why(Reading::Known(garbage.0)).contains("sent an invalid answer: not valid JSON (line 1, column 1)"));
    let broken = FakeOllama::answering(&[("/api/ps", 500, LOADED)]);
    assert!(why(Reading::Known(broken.0)).contains("status 500"));
    assert!(why(Reading::Unavailable("https".to_owned())).contains("https"));
    scene.answer_limit = Duration::from_millis(200);
    scene.servers.ollama = Reading::Known(FakeOllama::hanging().0);
    assert!(scene.unknown().contains("did not answer within 200ms"));
    scene.store = StoreKind::Dir;
    assert_eq!(scene.answer(), Use::Free, "it knows nothing of other stores");
}

#[test]
fn a_model_that_a_named_server_runs_is_in_use() {
    let mut scene = scene(StoreKind::Dir, "a model.gguf");
    let at = |answers| vec![FakeLlamaServer::answering(answers).0];
    scene.servers.endpoints = at(&[("/props", 200, r#"{"model_path":"/in/a/container/a model.gguf"}"#)]);
    assert!(scene.used().ends_with("has it loaded"));
    scene.servers.endpoints = at(&[("/v1/models", 200, r#"{"data":[{"id":"a model"}]}"#)]);
    assert!(scene.used().ends_with("has it loaded"));
    scene.servers.endpoints = at(&[("/v1/models", 200, r#"{"data":[{"id":"gpt-4"}]}"#)]);
    assert!(scene.unknown().contains("has `gpt-4` loaded and does not say which file that is"));
    scene.servers.endpoints = at(&[("/props", 200, r#"{"model_path":"/in/a/container/b.gguf"}"#)]);
    assert_eq!(scene.answer(), Use::Free);
    scene.servers.endpoints = vec![FakeLlamaServer::gone().0];
    assert_eq!(scene.answer(), Use::Free);
}

#[test]
fn a_named_server_that_does_not_answer_as_it_should_leaves_every_model_unknown() {
    let mut scene = scene(StoreKind::Dir, "a.gguf");
    let mut why = |server: Fake| {
        scene.servers.endpoints = vec![FakeLlamaServer::gone().0, server.0];
        let why = scene.unknown();
        assert!(scene.look().notes().contains(&why), "{why}");
        why
    };
    assert!(
        why(FakeLlamaServer::answering(&[("/props", 200, "<html>")]))
            .contains("sent an invalid answer: not valid JSON (line 1, column 1)")
    );
    assert!(why(FakeLlamaServer::answering(&[("/props", 503, "{}")])).contains("status 503"));
    assert!(why(FakeLlamaServer::answering(&[])).contains("status 404"));
    scene.answer_limit = Duration::from_millis(200);
    scene.servers.endpoints = vec![FakeLlamaServer::hanging().0];
    assert!(scene.unknown().contains("did not answer within 200ms"));
}

#[test]
fn a_blob_that_is_being_downloaded_is_in_use() {
    let mut scene = scene(StoreKind::Hf, "models--a--b/blobs/e1.incomplete");
    scene.entries = vec![scene.folder.path().join("models--a--b/snapshots/c/a.gguf")];
    let lock = scene.folder.path().join(".locks/models--a--b/e1.lock");
    fs::create_dir_all(lock.parent().unwrap()).unwrap();
    let mut command = Command::new("flock");
    command.arg(&lock).args(["sh", "-c", "echo; exec cat"]);
    let mut holder = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    holder.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    let used = scene.used();
    assert!(used.starts_with("a download is writing to it: process ") && used.contains("e1.lock"), "{used}");
    drop(holder.stdin.take());
    holder.wait().unwrap();
    assert_eq!(scene.answer(), Use::Free);
}

#[test]
fn what_cannot_be_seen_is_unknown_and_said_once() {
    let mut scene = scene(StoreKind::Dir, "a.gguf");
    // The kernel would know, but is not asked through a link.
    let link = scene.folder.path().join("link.gguf");
    std::os::unix::fs::symlink(&scene.path, &link).unwrap();
    scene.path = link;
    let mut look = scene.look();
    let closed = |pid| open_files::Closed { pid, uid: 70, command: "postgres".to_owned() };
    let with = |change: &dyn Fn(&mut OpenFiles)| {
        let mut found = OpenFiles::default();
        change(&mut found);
        Reading::Known(found)
    };
    look.processes = with(&|found| found.closed = (1..=7).map(closed).collect());
    let is_root = rustix::process::geteuid().is_root();
    let advice = if is_root { "" } else { " (run as root to check their open files)" };
    let names = "1 postgres, 2 postgres, 3 postgres, 4 postgres, 5 postgres and 2 more";
    let why = format!("cannot inspect 7 processes{advice}: {names}");
    assert_eq!(look.of(&scene.asked()), Use::Unknown(why.clone()));
    assert_eq!(look.notes(), [why]);
    look.processes = with(&|found| found.is_hiding = true);
    assert!(matches!(look.of(&scene.asked()), Use::Unknown(why) if why.contains("hidepid")));
    look.processes = with(&|found| found.is_contained = true);
    assert_eq!(look.of(&scene.asked()), Use::Free);
    assert_eq!(look.notes(), ["only the processes of this container can be seen"]);
    look.processes = Reading::Unavailable("no /proc".to_owned());
    assert_eq!(look.of(&scene.asked()), Use::Unknown("no /proc".to_owned()));
    let gone = InUse::look(&Settings { servers: None, limit: Duration::ZERO, answer_limit: LIMIT }, &[scene.asked()]);
    assert!(matches!(gone.of(&scene.asked()), Use::Unknown(_)));
}

#[test]
fn where_processes_are_hidden_the_kernel_tells_whether_a_file_is_open() {
    let scene = scene(StoreKind::Dir, "a.gguf");
    let mut look = scene.look();
    let mut found = OpenFiles::default();
    found.is_hiding = true;
    look.processes = Reading::Known(found);
    assert_eq!(look.of(&scene.asked()), Use::Free);
    let open = std::fs::File::open(&scene.path).unwrap();
    assert_eq!(look.of(&scene.asked()), Use::Used(vec!["a process that cannot be inspected has it open".to_owned()]));
    drop(open);
    assert_eq!(look.of(&scene.asked()), Use::Free);
}
