//! `make install` and `make uninstall`.

use super::{built, packaged};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Every file below a folder.
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(dir) else { return found };
    for entry in entries {
        let path = entry.unwrap().path();
        match path.is_dir() && !path.is_symlink() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found
}

/// A completion or a page that is made and never installed helps nobody; one that stays after an uninstall completes
/// what is gone.
#[test]
fn what_make_installs_is_complete_and_goes_again() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    let make = |target: &str| {
        let made = Command::new("make")
            .args([target, "PREFIX=/opt/x"])
            .arg(format!("DESTDIR={}", root.display()))
            // Without cargo what is built is installed as it is.
            .env("PATH", "/usr/bin:/bin")
            .env("CARGO_TARGET_DIR", built(dir.path()))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
    };
    make("install");
    let installed = files(&root);
    let names: BTreeSet<&str> = installed.iter().map(|file| file.file_name().unwrap().to_str().unwrap()).collect();
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = [top.join("man"), packaged("systemd"), packaged("cron"), packaged("prometheus"), packaged("grafana")];
    let mut expected: Vec<PathBuf> = sources.iter().flat_map(|folder| files(folder)).collect();
    expected.extend(files(&top.join("completions")).into_iter().filter(|file| !file.ends_with("modelctl.bash")));
    for file in expected {
        let name = file.file_name().unwrap().to_str().unwrap();
        assert!(names.contains(name), "{name} is not installed");
    }
    for file in [
        "bin/modelctl",
        "sbin/modelctl-admin",
        "share/bash-completion/completions/modelctl",
        "share/man/man5/modelctl.toml.5",
    ] {
        assert!(root.join("opt/x").join(file).is_file(), "{file}");
    }
    let unit = fs::read_to_string(root.join("opt/x/lib/systemd/system/modelctl-run-once.service")).unwrap();
    assert!(unit.contains("ExecStart=/opt/x/bin/modelctl run-once"), "{unit}");
    make("uninstall");
    assert!(files(&root).is_empty(), "{:?}", files(&root));
    assert!(!root.join("opt/x/share/modelctl").exists());
}
