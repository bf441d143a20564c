//! Packages and what they bring: the units and cron lines run what this program understands, systemd understands the
//! units.

mod config;
mod deb;
mod install;
mod manual;
mod monitoring;
mod rights;
mod wheel;

use modelctl::cli::{Cli, command};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn packaged(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging").join(name)
}

/// Returns a folder as cargo's target folder, with the program under test where a release build is.
fn built(dir: &Path) -> PathBuf {
    let (target, program) = (dir.join("target"), env!("CARGO_BIN_EXE_modelctl"));
    let release = target.join("release");
    fs::create_dir_all(&release).unwrap();
    let place = release.join("modelctl");
    // A build for tests may have half a gigabyte of debugging information, which takes minutes to be compressed.
    let strip = || Command::new("strip").args(["--strip-debug", "-o"]).arg(&place).arg(program).output();
    if !place.exists() && !strip().is_ok_and(|ran| ran.status.success()) {
        fs::copy(program, &place).unwrap();
    }
    target
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
    for (name, count) in [
        ("systemd/modelctl-prune.service", 2),
        ("systemd/modelctl-run-once.service", 1),
        ("systemd/modelctl-serve.service", 1),
        ("cron/modelctl-prune", 2),
        ("cron/modelctl-health", 1),
    ] {
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
    let units: Vec<PathBuf> = fs::read_dir(packaged("systemd"))
        .unwrap()
        .map(|entry| {
            let unit = entry.unwrap().path();
            let path = dir.path().join(unit.file_name().unwrap());
            let text = fs::read_to_string(unit).unwrap();
            fs::write(&path, text.replace("/usr/bin/modelctl", env!("CARGO_BIN_EXE_modelctl"))).unwrap();
            path
        })
        .collect();
    assert_eq!(units.len(), 5);
    let verdict = Command::new("systemd-analyze").args(["verify", "--man=no"]).args(&units).output().unwrap();
    let said = String::from_utf8_lossy(&verdict.stderr);
    // It also tells of faults in units that these refer to.
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("modelctl-")).collect();
    assert!(ours.is_empty(), "{said}");
}

/// `systemctl enable` of a service without an [Install] section does nothing but warn.
#[test]
fn what_an_operator_enables_can_be_enabled() {
    for name in ["modelctl-serve.service", "modelctl-run-once.timer", "modelctl-prune.timer"] {
        let unit = fs::read_to_string(packaged("systemd").join(name)).unwrap();
        assert!(unit.contains("\n[Install]\nWantedBy="), "{name}");
    }
}

/// Units that share a database need one user, and a folder of sockets that stays when one of them ends.
#[test]
fn the_units_share_user_database_and_sockets() {
    for name in ["modelctl-serve.service", "modelctl-run-once.service", "modelctl-prune.service"] {
        let unit = fs::read_to_string(packaged("systemd").join(name)).unwrap();
        for line in
            ["User=modelctl", "StateDirectory=modelctl", "RuntimeDirectory=modelctl", "RuntimeDirectoryPreserve=yes"]
        {
            assert!(unit.lines().any(|of| of == line), "{name} lacks {line}");
        }
    }
    let admin = fs::read_to_string(packaged("modelctl-admin")).unwrap();
    let unit = fs::read_to_string(packaged("systemd/modelctl-prune.service")).unwrap();
    let rights = unit.lines().find_map(|line| line.strip_prefix("AmbientCapabilities=")).unwrap();
    let rights: Vec<String> = rights.split(' ').map(|cap| cap.to_lowercase().replace("cap_", "+")).collect();
    assert!(admin.contains(&format!("caps={}\n", rights.join(","))), "modelctl-admin has other rights than the unit");
}
