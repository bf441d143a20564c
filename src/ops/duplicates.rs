//! Copies of the same content, and the space that sharing it would save.

use crate::display::Document;
use crate::inventory::{Mass, SameContent, Sureness, masses, same_content, weigh};
use crate::model::{Class, StoreKind, Stored, path_bytes_hex, paths_bytes_hex};
use serde::Serialize;
use std::collections::BTreeMap;

/// Copies of one content.
pub struct Group<'a> {
    pub same: SameContent<'a>,
    pub masses: Vec<Mass>,
    /// Bytes that sharing would save.
    pub saved: u64,
}

impl Group<'_> {
    /// Returns whether the content still has several entries. Copies that no longer exist are left to the next scan.
    pub fn is_here_twice(&self) -> bool {
        self.masses.iter().map(|mass| mass.own_links).sum::<u64>() > 1
    }
}

/// Groups files by their content, as far as it is known.
pub fn duplicates(files: &[Stored]) -> Vec<Group<'_>> {
    same_content(files)
        .into_iter()
        .map(|same| {
            let (masses, _) = masses(&same.copies);
            Group { saved: saved(&masses), masses, same }
        })
        .collect()
}

/// Returns the bytes that sharing saves. On each device one inode stays; the own blocks of the others are saved, unless
/// they have entries elsewhere.
fn saved(masses: &[Mass]) -> u64 {
    let mut devices: BTreeMap<u64, Vec<&Mass>> = BTreeMap::new();
    for mass in masses {
        devices.entry(mass.dev).or_default().push(mass);
    }
    let mut saved = 0u64;
    for mut here in devices.into_values() {
        // The inode with the most entries elsewhere stays.
        here.sort_by_key(|m| (m.own_links >= m.links, std::cmp::Reverse(m.links)));
        let rest: Vec<Mass> = here.into_iter().skip(1).cloned().collect();
        saved = saved.saturating_add(weigh(&rest).freed);
    }
    saved
}

/// One group in `duplicates --json`. Keys are added, never renamed or dropped.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct GroupReport<'a> {
    /// `verified`, `promised` or `header`.
    sure: Sureness,
    sha256: Option<&'a str>,
    /// Apparent bytes of one copy.
    size_bytes: u64,
    /// Apparent bytes of all inodes.
    apparent_bytes: u64,
    /// Bytes of disk used by all copies; shared blocks count once.
    allocated_bytes: u64,
    /// Bytes that are freed at least when all copies are deleted.
    freed_bytes: u64,
    /// Bytes saved when the copies on each file system become one inode with hard links, or share blocks where the file
    /// system can do that.
    saved_bytes: u64,
    copies: Vec<CopyReport<'a>>,
}

#[derive(Debug, Serialize, schemars::JsonSchema)]
struct CopyReport<'a> {
    store: StoreKind,
    root: String,
    class: Class,
    name: Option<&'a str>,
    models: Vec<&'a str>,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes_hex: Option<String>,
    entries: Vec<String>,
    /// The bytes of all entries, when one is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    entries_bytes_hex: Option<Vec<String>>,
    device: Option<u64>,
    inode: Option<u64>,
}

/// The document of `duplicates --json`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct DuplicatesReport<'a> {
    /// Bytes saved when all groups are shared.
    saved_bytes: u64,
    groups: Vec<GroupReport<'a>>,
}

impl Document for DuplicatesReport<'_> {
    const SCHEMA: &'static str = "modelctl.duplicates/1";
}

/// Returns the groups for a client.
pub fn report<'a>(groups: &'a [Group<'a>]) -> DuplicatesReport<'a> {
    let saved_bytes = groups.iter().fold(0u64, |sum, group| sum.saturating_add(group.saved));
    DuplicatesReport { saved_bytes, groups: groups.iter().map(group_report).collect() }
}

fn group_report<'a>(group: &'a Group<'a>) -> GroupReport<'a> {
    let weight = weigh(&group.masses);
    let copies = group.same.copies.iter().map(|copy| CopyReport {
        store: copy.holding.store,
        root: copy.holding.root.to_string_lossy().into_owned(),
        class: copy.holding.class,
        name: copy.name(),
        models: copy.models.iter().map(|(id, _)| id.as_str()).collect(),
        path: copy.holding.path.to_string_lossy().into_owned(),
        path_bytes_hex: path_bytes_hex(&copy.holding.path),
        entries: copy.entries.iter().map(|e| e.to_string_lossy().into_owned()).collect(),
        entries_bytes_hex: paths_bytes_hex(&copy.entries),
        device: copy.holding.identity.map(|i| i.dev),
        inode: copy.holding.identity.map(|i| i.ino),
    });
    GroupReport {
        sure: group.same.sureness,
        sha256: group.same.sha256,
        size_bytes: group.same.size,
        apparent_bytes: weight.apparent,
        allocated_bytes: weight.allocated,
        freed_bytes: weight.freed,
        saved_bytes: group.saved,
        copies: copies.collect(),
    }
}
