//! Disks and file systems.

mod hung;
mod shared_memory;
mod space;
#[cfg(test)]
mod tests;

use super::Rule;
use crate::node::machine::Disk;
use crate::triage::facts::Facts;
use crate::triage::finding::{Evidence, Hit};

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

/// Returns the lines of services with trouble that contain one of `signs`, as evidence of what a disk does to them.
fn lines_of_services(facts: &Facts, signs: &[&str]) -> Vec<Evidence> {
    let lines = facts.services.iter().filter_map(|service| {
        service.lines_of_trouble().into_iter().rev().find(|line| signs.iter().any(|sign| line.text.contains(sign)))
    });
    lines.take(3).map(Evidence::of_line).collect()
}

fn holds(disk: &Disk) -> String {
    disk.holds.join(", ")
}
