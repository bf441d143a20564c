//! Where the contenders play: programs, folders, and an environment that is the same on every machine.

use crate::real_models;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub const TREE_FILES: usize = 10_000;
/// Changes when the generated files do.
const TREE_STAMP: &str = "10000 small models, 1\n";

pub struct Stage {
    /// `target/bench`.
    pub bench: PathBuf,
    /// Where criterion leaves its figures.
    pub criterion: PathBuf,
}

impl Stage {
    pub fn set() -> Stage {
        // cargo's folder for temporary files of tests and benchmarks lies in the target folder, wherever that is.
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a folder in the target folder");
        let bench = target.join("bench");
        for sub in ["home", "run"] {
            fs::create_dir_all(bench.join(sub)).expect("the target folder takes folders");
        }
        Stage { criterion: target.join("criterion"), bench }
    }

    pub fn db(&self, name: &str) -> PathBuf {
        self.bench.join(format!("{name}.db"))
    }

    /// Removes a database with its side files.
    pub fn forget(&self, db: &Path) {
        for suffix in ["", "-wal", "-shm"] {
            let mut name = db.as_os_str().to_owned();
            name.push(suffix);
            // Absent is what is wanted.
            let _ = fs::remove_file(name);
        }
    }

    /// The real program with that database and nothing of the user's settings. Its output goes to `/dev/null`.
    pub fn modelctl(&self, db: &Path, args: &[&str]) -> Command {
        let mut command = self.program(env!("CARGO_BIN_EXE_modelctl"), args);
        command.env("MODELCTL_DB", db);
        command
    }

    /// This program in another role.
    pub fn role(&self, args: &[&str]) -> Command {
        let own = std::env::current_exe().expect("this program has a path");
        let mut command = self.program(own, &["--as"]);
        command.args(args);
        command
    }

    pub fn program(&self, program: impl AsRef<OsStr>, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.bench.join("home"))
            .env("XDG_RUNTIME_DIR", self.bench.join("run"))
            .env("XDG_CACHE_HOME", real_models::folder().join("../.."))
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// PyPI's `gguf`, as `make bench` installed it; None when it did not.
    pub fn python_reader(&self, path: &Path) -> Option<Command> {
        let packages = self.bench.join("python");
        packages.join("gguf").is_dir().then(|| {
            let code = "import sys; from gguf import GGUFReader; print(len(GGUFReader(sys.argv[1]).tensors))";
            let mut command = self.program("python3", &["-c", code]);
            command.arg(path).env("PYTHONPATH", &packages);
            command
        })
    }

    /// `hf` of PyPI's huggingface_hub, offline, as `make bench` installed it; None when it did not.
    pub fn hub_tool(&self, args: &[&str]) -> Option<Command> {
        let packages = self.bench.join("python-hub");
        packages.join("huggingface_hub").is_dir().then(|| {
            let code = "from huggingface_hub.cli.hf import main; main()";
            let mut command = self.program("python3", &["-c", code]);
            command.args(args).env("PYTHONPATH", &packages).env("HF_HUB_OFFLINE", "1");
            command
        })
    }

    /// huey_queue.py with PyPI's Huey, as `make bench` installed it; None when it did not.
    pub fn huey(&self, args: &[&str]) -> Option<Command> {
        let packages = self.bench.join("python-huey");
        packages.join("huey").is_dir().then(|| {
            let mut command =
                self.program("python3", &[concat!(env!("CARGO_MANIFEST_DIR"), "/benches/ratios/huey_queue.py")]);
            command.args(args).env("PYTHONPATH", &packages);
            command
        })
    }

    /// The script that answers one request after the other, where llama-cpp-python is.
    pub fn llama_cpp_python(&self, args: &[&str]) -> Option<Command> {
        let packages = self.bench.join("python-llama-cpp");
        packages.join("llama_cpp").is_dir().then(|| {
            let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/ratios/llama_cpp_python.py");
            let mut command = self.program("python3", &[script]);
            command.args(args).env("PYTHONPATH", &packages);
            command
        })
    }

    /// A nested tree of 10,000 small models: 10 folders of 10 folders of 100 files.
    pub fn tree(&self) -> PathBuf {
        let tree = self.bench.join("tree");
        let stamp = self.bench.join("tree.stamp");
        if fs::read_to_string(&stamp).is_ok_and(|s| s == TREE_STAMP) {
            return tree;
        }
        eprintln!("  writing {TREE_FILES} small models …");
        if tree.exists() {
            fs::remove_dir_all(&tree).expect("the old tree can be removed");
        }
        for number in 0..TREE_FILES {
            let name = format!("model-{number:05}");
            let folder = tree.join(format!("org-{}/repo-{}", number / 1000, number / 100 % 10));
            if number % 100 == 0 {
                fs::create_dir_all(&folder).expect("the target folder takes folders");
            }
            let bytes = crate::gguf::fixture::small_model(&name);
            fs::write(folder.join(format!("{name}.gguf")), bytes).expect("the target folder takes files");
        }
        fs::write(&stamp, TREE_STAMP).expect("the target folder takes files");
        tree
    }
}
