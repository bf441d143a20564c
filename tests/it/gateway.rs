//! The gateway with real processes and real models, as its clients use it.

use crate::fixtures;
use crate::sandbox::Sandbox;
use crate::serving::Serving;
use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// For the start of the daemon, on a machine that does much else.
const LIMIT: Duration = Duration::from_secs(120);

/// A daemon with both real models that listens on a port; killed at the end of the test.
pub struct Daemon {
    _serving: Serving,
    pub url: String,
    _turn: File,
    _sandbox: Sandbox,
}

impl Daemon {
    pub fn start() -> Daemon {
        let turn = fixtures::engine_turn();
        let sandbox = Sandbox::new();
        sandbox.place(&fixtures::smollm2(), "SmolLM2-135M-Instruct.Q4_1.gguf");
        sandbox.place(&fixtures::gemma(), "gemma-3-270m-q4_k_m.gguf");
        sandbox.run(["scan"]).ok();
        sandbox.run(["set", "smollm", "--alias", "org/small"]).ok();
        sandbox.run(["set", "gemma", "--alias", "base"]).ok();
        // Free a moment ago. The daemon says which address is taken, should another program be faster.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let mut command = sandbox.command(["serve", "--no-executor", "--listen", &address]);
        let serving = Serving::ready(&mut command, LIMIT);
        Daemon { _serving: serving, url: format!("http://{address}"), _turn: turn, _sandbox: sandbox }
    }

    /// Runs a script that uses a client as it is published.
    #[track_caller]
    pub fn serves(&self, script: &str, package: &Path, models: &[&str]) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/owners").join(script);
        let output = Command::new("python3")
            .arg(script)
            .arg(&self.url)
            .args(models)
            .env("PYTHONPATH", package)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("NO_PROXY", "*")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// The script has the whole list of what a user of the package would lose.
#[test]
fn the_openai_package_works_without_options_but_the_address() {
    Daemon::start().serves("openai_client.py", &fixtures::openai(), &["org/small", "base"]);
}
