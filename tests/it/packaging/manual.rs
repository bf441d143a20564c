//! What the manual pages say besides the command line.

use super::packaged;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn page(name: &str) -> String {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("man").join(name)).unwrap();
    text.replace("\\-", "-").replace("\\fB", "").replace("\\fR", "")
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => sources(&path, found),
            false => found.push(path),
        }
    }
}

/// Somebody whose variable has an effect must be able to find out which.
#[test]
fn every_variable_that_is_read_is_in_the_manual_page() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config"), &mut files);
    files.retain(|file| !file.to_string_lossy().ends_with("tests.rs"));
    let mut read = BTreeSet::new();
    for file in &files {
        let text = fs::read_to_string(file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        let code = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        let is_name = |word: &&str| {
            word.len() > 3 && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
        };
        read.extend(code.split('"').skip(1).step_by(2).filter(is_name).map(str::to_owned));
    }
    assert!(read.len() > 40 && read.contains("MODEL_PORT_RANGE_END"), "{read:?}");
    let page = page("modelctl.1");
    let (_, section) = page.split_once(".SH ENVIRONMENT\n").unwrap();
    let told: BTreeSet<&str> =
        section.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')).collect();
    let missing: Vec<&String> = read.iter().filter(|name| !told.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "src/cli/man/sections.rs lacks {missing:?}");
}

/// A figure that is not that of the unit would be trusted in an audit.
#[test]
fn the_exposure_of_each_unit_is_the_one_of_the_manual_page() {
    let Ok(version) = Command::new("systemd-analyze").arg("--version").output() else {
        crate::sandbox::skip("there is no systemd-analyze");
        return;
    };
    // Other versions count other settings.
    let is_same = String::from_utf8_lossy(&version.stdout).starts_with("systemd 252 ");
    let page = page("modelctl-serve.1");
    for name in ["modelctl-serve.service", "modelctl-run-once.service", "modelctl-prune.service"] {
        let (_, rest) = page.split_once(&format!("\n{name}\n")).unwrap_or_else(|| panic!("{name} is not in the page"));
        let told: f32 = rest.lines().next().unwrap().parse().unwrap();
        let unit = packaged("systemd").join(name);
        let looked = Command::new("systemd-analyze").args(["security", "--offline=true"]).arg(unit).output().unwrap();
        let text = String::from_utf8_lossy(&looked.stdout);
        let (_, figure) = text.rsplit_once(": ").unwrap_or_else(|| panic!("{looked:?}"));
        let figure: f32 = figure.split_whitespace().next().unwrap().parse().unwrap();
        assert!(figure == told || (!is_same && figure < 4.0), "{name} has {figure}, the manual page says {told}");
    }
}
