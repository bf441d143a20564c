//! Disks and file systems.

mod hung;
mod shared_memory;
mod space;
#[cfg(test)]
mod tests;

use super::Rule;
use crate::node::Fact;
use crate::node::log::LogLine;
use crate::node::machine::Disk;
use crate::triage::facts::{Facts, ServiceFacts};
use crate::triage::finding::{Evidence, Hit};
use std::path::{Path, PathBuf};

pub const RULES: &[Rule] =
    &[space::FS_01, space::FS_02, space::FS_03, space::FS_04, hung::FS_05, hung::FS_06, shared_memory::FS_07];

/// What a full or broken disk does to the services on it.
macro_rules! storage_symptoms {
    ($($more:literal),*) => {
        super::super::manage::symptoms!["PY-03", "SUP-19", "SUP-20", "MDL-08", "MDL-09", "MDL-10" $(, $more)*]
    };
}
use storage_symptoms;

/// Asks a rule about each disk that was read and that holds something of ours.
fn each_disk(facts: &Facts, check: fn(&Facts, &Disk, Evidence) -> Option<Hit>) -> Vec<Hit> {
    let disks = facts.machine.disks.iter().filter_map(|fact| Some((fact, fact.known()?)));
    disks
        .filter(|(_, disk)| !disk.holds.is_empty())
        .filter_map(|(fact, disk)| {
            let text = format!(
                "{}: {} of {} available, {} of {} inodes available, {} on {}",
                disk.mount_point.display(),
                super::manage::bytes(disk.available),
                super::manage::bytes(disk.total),
                disk.inodes_available,
                disk.inodes,
                disk.kind,
                disk.source
            );
            check(facts, disk, Evidence::of_fact(fact, text))
        })
        .collect()
}

/// What a disk does to the services on it.
struct Symptoms {
    /// Lines of services with trouble.
    lines: Vec<Evidence>,
    /// The services that have something on it, or say so.
    services: Vec<String>,
}

/// Returns the lines of services with trouble that contain one of `signs` and are about this disk, and the services that
/// it touches. The same error with the path of another disk is about that one.
fn symptoms_of(facts: &Facts, disk: &Disk, signs: &[&str]) -> Symptoms {
    let is_on = |path: &Path, disk: &Disk| path.starts_with(&disk.mount_point);
    let others =
        || facts.machine.disks.iter().filter_map(Fact::known).filter(|other| other.mount_point != disk.mount_point);
    let is_nearest = |path: &Path| {
        let depth = disk.mount_point.components().count();
        is_on(path, disk) && !others().any(|other| is_on(path, other) && other.mount_point.components().count() > depth)
    };
    let has_part = |disk: &Disk, name: &str| disk.holds.iter().any(|what| what.ends_with(&format!(" of {name}")));
    let is_short = |disk: &Disk| disk.available == 0 || disk.inodes > 0 && disk.inodes_available == 0;
    let (mut lines, mut services) = (Vec::new(), Vec::new());
    for service in &facts.services {
        let name = service.name();
        let is_here = |line: &&&LogLine| match path_in(&line.text) {
            Some(path) => is_nearest(Path::new(path)),
            None => has_part(disk, name) || !others().any(|other| is_short(other) && has_part(other, name)),
        };
        let line = service.refusals(signs).into_iter().rev().find(|line| is_here(&line));
        if line.is_some() || has_part(disk, name) {
            services.push(name.to_owned());
        }
        lines.extend(line.map(Evidence::of_line));
    }
    lines.truncate(3);
    Symptoms { lines, services }
}

impl ServiceFacts {
    /// Returns the lines of the present trouble that contain one of `signs`.
    fn refusals(&self, signs: &[&str]) -> Vec<&LogLine> {
        let has_sign = |line: &&LogLine| signs.iter().any(|sign| line.text.contains(sign));
        self.lines_of_trouble().into_iter().filter(has_sign).collect()
    }

    /// Returns the paths on whose disks the service could not write, by its log; where the log names none, the folders
    /// that it writes to without a name.
    pub fn refused_paths(&self) -> Vec<PathBuf> {
        let lines = self.refusals(&[space::NO_SPACE, space::READ_ONLY].concat());
        let mut paths: Vec<PathBuf> = lines.iter().filter_map(|line| path_in(&line.text)).map(PathBuf::from).collect();
        if lines.iter().any(|line| path_in(&line.text).is_none()) {
            let running = self.process().and_then(|process| process.cwd.clone());
            paths.extend(running.or_else(|| self.settings().and_then(|settings| settings.directory.clone())));
            paths.push(self.variable("TMPDIR").map_or_else(|| "/tmp".into(), PathBuf::from));
        }
        paths.sort();
        paths.dedup();
        paths
    }
}

/// Returns the absolute path that an error names: `…: '/srv/x'`, `write /srv/x: no space left on device`.
fn path_in(text: &str) -> Option<&str> {
    let is_before = |c: char| c.is_whitespace() || "'\"`(=[".contains(c);
    let starts = text.char_indices().zip(std::iter::once(' ').chain(text.chars()));
    let (start, before) =
        starts.filter(|((_, c), before)| *c == '/' && is_before(*before)).map(|((at, _), b)| (at, b)).last()?;
    let rest = text.get(start..)?;
    let is_quote = "'\"`".contains(before);
    let end = |c: char| if is_quote { c == before } else { c.is_whitespace() || ",;:)]".contains(c) };
    let path = rest.get(..rest.find(end).unwrap_or(rest.len()))?;
    (path.len() > 1).then_some(path)
}

fn holds(disk: &Disk) -> String {
    disk.holds.join(", ")
}
