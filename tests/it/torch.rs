//! `triage --deep`: the torch of a service, imported by the service's own Python. The torch here is a fake one, in a
//! folder that looks like a virtual environment; Python is the real one.

use modelctl::clock::Timestamp;
use modelctl::node::process::{self, Process};
use modelctl::node::program::torch::{self, TORCH_LIMIT};
use modelctl::node::program::{TorchFacts, python};
use modelctl::node::{Fact, Outcome, Place};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_modelctl");
const NOW: Timestamp = Timestamp(1_700_000_000_000);

/// Answers what its variables say, as the real one answers what it finds.
const FAKE_TORCH: &str = r#"
import os, signal
from . import version
__version__ = version.__version__
if "FAKE_TORCH_HANGS" in os.environ:
    signal.pause()
if "FAKE_TORCH_ERROR" in os.environ:
    raise ImportError(os.environ["FAKE_TORCH_ERROR"])
print("modelctl-torch: a fake one talks while it is imported")
class cuda:
    is_available = staticmethod(lambda: "FAKE_TORCH_GPUS" in os.environ)
    device_count = staticmethod(lambda: int(os.environ["FAKE_TORCH_GPUS"]))
    @staticmethod
    def init():
        raise RuntimeError("Found no NVIDIA driver on your system.\nSecond line")
"#;

/// A folder like a virtual environment, with the fake torch.
struct Venv {
    dir: tempfile::TempDir,
    packages: PathBuf,
}

impl Venv {
    fn new() -> Venv {
        let script =
            "import os, sys; print(os.path.realpath(sys.executable)); print('python%d.%d' % sys.version_info[:2])";
        let output = Command::new("python3").args(["-c", script]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let (real, version) = text.trim().split_once('\n').unwrap();
        let dir = tempfile::tempdir().unwrap();
        let packages = dir.path().join("lib").join(version).join("site-packages");
        std::fs::create_dir_all(packages.join("torch")).unwrap();
        std::fs::create_dir_all(dir.path().join("bin")).unwrap();
        symlink(real, dir.path().join("bin/python3")).unwrap();
        let home = Path::new(real).parent().unwrap().display();
        std::fs::write(dir.path().join("pyvenv.cfg"), format!("home = {home}\n")).unwrap();
        std::fs::write(packages.join("torch/__init__.py"), FAKE_TORCH).unwrap();
        std::fs::write(packages.join("torch/version.py"), "__version__ = '2.5.1+fake'\ncuda = '12.4'\n").unwrap();
        Venv { dir, packages }
    }

    fn python(&self) -> PathBuf {
        self.dir.path().join("bin/python3")
    }
}

/// A process of a service, which ends with the test.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Service {
    /// Starts a service that waits for its input, and returns once it runs.
    fn start(command: &mut Command) -> Service {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "up\n");
        Service(child)
    }

    fn of(venv: &Venv, variables: &[(&str, &str)]) -> Service {
        let mut command = Command::new(venv.python());
        command.args(["-c", "import sys; print('up', flush=True); sys.stdin.read()"]);
        Service::start(command.env_clear().envs(variables.iter().copied()))
    }

    fn process(&self) -> Process {
        process::read(&Place::default(), self.0.id(), NOW).known().unwrap().clone()
    }

    fn torch(&self, interpreter: &Path, limit: Duration) -> Fact<TorchFacts> {
        torch::ask(Path::new(PROGRAM), &Place::default(), &self.process(), interpreter, limit, NOW)
    }
}

/// A worker that runs on the CPU would be sent to the wrong repair: its own torch, with its own variables, decides.
#[test]
fn the_torch_of_a_service_answers_with_the_environment_of_the_service() {
    let venv = Venv::new();
    let read = python::read(&Place::default(), &venv.python(), NOW);
    assert_eq!(read.known().unwrap().torch_version.as_deref(), Some("2.5.1+fake"), "{read:?}");

    let seeing = Service::of(&venv, &[("FAKE_TORCH_GPUS", "2")]).torch(&venv.python(), TORCH_LIMIT);
    let facts = seeing.known().unwrap_or_else(|| panic!("{seeing:?}"));
    assert_eq!((facts.version.as_deref(), facts.cuda.as_deref()), (Some("2.5.1+fake"), Some("12.4")));
    assert_eq!((facts.is_available, facts.devices, &facts.error), (Some(true), 2, &None));

    let blind = Service::of(&venv, &[]).torch(&venv.python(), TORCH_LIMIT);
    let facts = blind.known().unwrap_or_else(|| panic!("{blind:?}"));
    assert_eq!(facts.is_available, Some(false));
    assert_eq!(facts.error.as_deref(), Some("RuntimeError: Found no NVIDIA driver on your system."));

    let broken = Service::of(&venv, &[("FAKE_TORCH_ERROR", "libcudnn.so.9")]).torch(&venv.python(), TORCH_LIMIT);
    let facts = broken.known().unwrap_or_else(|| panic!("{broken:?}"));
    assert_eq!((&facts.version, facts.error.as_deref()), (&None, Some("ImportError: libcudnn.so.9")));

    assert!(!venv.packages.join("torch/__pycache__").exists(), "the import left files behind");
}

/// A driver that hangs would hang triage.
#[test]
fn an_import_that_does_not_end_costs_its_limit() {
    let venv = Venv::new();
    let service = Service::of(&venv, &[("FAKE_TORCH_HANGS", "1")]);
    let began = Instant::now();
    let fact = service.torch(&venv.python(), Duration::from_secs(2));
    assert!(matches!(fact.outcome, Outcome::TimedOut { .. }), "{fact:?}");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    let recorded = torch::ask(
        Path::new(PROGRAM),
        &Place::new(venv.dir.path()),
        &service.process(),
        &venv.python(),
        TORCH_LIMIT,
        NOW,
    );
    assert!(matches!(recorded.outcome, Outcome::Absent { .. }), "{recorded:?}");
}

/// Whoever can write the packages of a service would become root by a triage of root.
#[test]
fn the_python_of_another_user_runs_as_that_user() {
    const NOBODY: u32 = 65_534;
    if !rustix::process::geteuid().is_root() {
        assert!(std::env::var_os("MODELCTL_TESTS_MUST_RUN").is_none(), "only root becomes another user");
        eprintln!("skipped: only root becomes another user");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let fake = dir.path().join("fake-python");
    let script = "#!/bin/sh\nprintf 'modelctl-torch {\"version\": \"%s\", \"cuda\": \"%s\"}\\n' \"$(id -u):$(id -g):$(id -G)\" \"$MARK\"\n";
    std::fs::write(&fake, script).unwrap();
    for path in [dir.path(), &fake] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "echo up; read line"]).env("MARK", "of the service").current_dir("/");
    let service = Service::start(command.uid(NOBODY).gid(NOBODY));
    let fact = service.torch(&fake, TORCH_LIMIT);
    let facts = fact.known().unwrap_or_else(|| panic!("{fact:?}"));
    assert_eq!(facts.version.as_deref(), Some("65534:65534:65534"));
    assert_eq!(facts.cuda.as_deref(), Some("of the service"));
}
