//! The wheel for pip.

use super::built;
use crate::sandbox::skip;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

fn succeeded(output: Output) -> String {
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// A stand-in for cargo: says that it built the program under test, and compiles nothing. Everything else is answered by
/// cargo. maturin runs `cargo rustc --profile release`, which finds all that `cargo build --release` has compiled.
fn stand_in(dir: &Path) {
    let manifest = format!("{}/Cargo.toml", env!("CARGO_MANIFEST_DIR"));
    let program = built(dir).join("release/modelctl");
    let artifact = serde_json::json!({
        "reason": "compiler-artifact",
        "package_id": format!("path+file://{}#modelctl@{}", env!("CARGO_MANIFEST_DIR"), env!("CARGO_PKG_VERSION")),
        "manifest_path": manifest,
        "target": {
            "kind": ["bin"], "crate_types": ["bin"], "name": "modelctl", "edition": "2024",
            "src_path": format!("{}/src/main.rs", env!("CARGO_MANIFEST_DIR")),
            "doc": true, "doctest": false, "test": true,
        },
        "profile": {
            "opt_level": "3", "debuginfo": 0, "debug_assertions": false, "overflow_checks": true, "test": false,
        },
        "features": [], "filenames": [program], "executable": program, "fresh": true,
    });
    let said = dir.join("said");
    fs::write(&said, format!("{artifact}\n{}\n", serde_json::json!({ "reason": "build-finished", "success": true })))
        .unwrap();
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = rustc ] || exec '{}' \"$@\"\ncase \" $* \" in *' --profile release '*) exec cat '{}' ;; esac\n\
         echo \"another profile would compile llama.cpp again: $*\" >&2\nexit 1\n",
        env!("CARGO"),
        said.display()
    );
    let cargo = dir.join("cargo");
    fs::write(&cargo, script).unwrap();
    fs::set_permissions(&cargo, Permissions::from_mode(0o755)).unwrap();
}

/// People without a compiler get the program by pip.
#[test]
fn the_wheel_is_installed_by_pip_and_runs() {
    let is_there = |module: &str| {
        let run = Command::new("python3").args(["-m", module, "--help"]).output();
        run.is_ok_and(|run| run.status.success())
    };
    if !is_there("maturin") || !is_there("venv") {
        skip("there is no maturin or venv for python3: packaging/setup.sh test");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    stand_in(dir.path());
    let path = format!("{}:{}", dir.path().display(), std::env::var("PATH").unwrap());
    let built = Command::new("python3")
        .args(["-m", "maturin", "build", "--release", "--compatibility", "linux", "--out"])
        .arg(dir.path().join("wheels"))
        .env("PATH", path)
        .env("CARGO", dir.path().join("cargo"))
        .env("CARGO_TARGET_DIR", dir.path().join("target"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    succeeded(built);
    let mut wheels = fs::read_dir(dir.path().join("wheels")).unwrap();
    let wheel = wheels.next().unwrap().unwrap().path();
    let version = env!("CARGO_PKG_VERSION");
    assert!(wheel.file_name().unwrap().to_str().unwrap().starts_with(&format!("modelctl-{version}-py3-none-linux_")));

    let clean = dir.path().join("clean");
    succeeded(Command::new("python3").args(["-m", "venv"]).arg(&clean).output().unwrap());
    let pip = clean.join("bin/pip");
    let install = ["install", "--quiet", "--no-index", "--disable-pip-version-check"];
    succeeded(Command::new(&pip).args(install).arg(&wheel).output().unwrap());
    let said = succeeded(Command::new(clean.join("bin/modelctl")).arg("--version").env_clear().output().unwrap());
    assert_eq!(said, format!("modelctl {version}\n"));
    succeeded(Command::new(&pip).args(["uninstall", "--quiet", "--yes", "modelctl"]).output().unwrap());
    assert!(!clean.join("bin/modelctl").exists());
}
