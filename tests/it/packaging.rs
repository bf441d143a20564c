//! The units and the cron line run what this program understands, and systemd understands the units.

use modelctl::cli::{Cli, command};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn packaged(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging").join(name)
}

/// The words of every command line of ours in a text, from `modelctl` to the next thing that is a shell's.
fn calls(text: &str) -> Vec<Vec<OsString>> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let calls = lines.flat_map(|line| line.split("/usr/bin/modelctl ").skip(1));
    calls
        .map(|rest| {
            let rest = rest.split([';', '|', '&', '>']).next().unwrap();
            std::iter::once("modelctl").chain(rest.split_whitespace()).map(OsString::from).collect()
        })
        .collect()
}

#[test]
fn what_units_and_cron_run_is_understood() {
    for (name, count) in
        [("systemd/modelctl-prune.service", 2), ("systemd/modelctl-serve.service", 1), ("cron/modelctl-prune", 2)]
    {
        let calls = calls(&fs::read_to_string(packaged(name)).unwrap());
        assert_eq!(calls.len(), count, "{name}");
        for words in calls {
            let subcommand = words[1].to_str().unwrap().to_owned();
            if command().find_subcommand(&subcommand).is_none() {
                assert_eq!(subcommand, "prune", "{name} runs what there is not");
                continue;
            }
            if let Err(refusal) = Cli::parse_args(words.clone()) {
                panic!("{name}: {words:?}: {refusal}");
            }
        }
    }
}

#[test]
fn the_units_leave_the_processes_of_others_in_sight() {
    let unit = fs::read_to_string(packaged("systemd/modelctl-prune.service")).unwrap();
    let settings: Vec<&str> = unit.lines().filter(|line| !line.starts_with('#')).collect();
    for hides in [
        "ProtectProc=",
        "ProcSubset=",
        "PrivateUsers=",
        "ProtectSystem=",
        "ProtectHome=",
        "PrivateTmp=",
        "DynamicUser=",
    ] {
        assert!(!settings.iter().any(|line| line.starts_with(hides)), "{hides}");
    }
    assert!(settings.contains(&"IOSchedulingClass=idle") && settings.contains(&"Nice=19"));
    let timer = fs::read_to_string(packaged("systemd/modelctl-prune.timer")).unwrap();
    assert!(timer.lines().any(|line| line == "Persistent=true"));
}

#[test]
fn systemd_finds_no_fault_with_the_units() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        crate::sandbox::skip("there is no systemd-analyze");
        return;
    }
    // It looks whether the program is there.
    let dir = tempfile::tempdir().unwrap();
    let units = ["modelctl-prune.service", "modelctl-prune.timer", "modelctl-serve.service"].map(|name| {
        let text = fs::read_to_string(packaged("systemd").join(name)).unwrap();
        let path = dir.path().join(name);
        fs::write(&path, text.replace("/usr/bin/modelctl", env!("CARGO_BIN_EXE_modelctl"))).unwrap();
        path
    });
    let verdict = Command::new("systemd-analyze").args(["verify", "--man=no"]).args(&units).output().unwrap();
    let said = String::from_utf8_lossy(&verdict.stderr);
    // It also tells of faults in units that these refer to.
    let ours: Vec<&str> =
        said.lines().filter(|line| line.contains("modelctl-prune") || line.contains("modelctl-serve")).collect();
    assert!(ours.is_empty(), "{said}");
}
