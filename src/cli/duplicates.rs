//! `modelctl duplicates`: the same content in several places, and what sharing it would save.

use super::list_files::stored;
use super::{Ctx, Exit};
use crate::inventory::{Mass, SameContent, Sureness, masses, same_content, weigh};
use crate::model::{Class, StoreKind};
use crate::ui::{Tone, text, units};
use clap::Args;
use serde::Serialize;
use std::collections::BTreeMap;

/// Show files that are on this machine more than once
///
/// Compares the hashes that stores promise and that `verify` computed; a file without one joins by its header and size.
/// Hard links and shared blocks (reflinks) count once. Nothing is changed.
#[derive(Debug, Args)]
pub struct DuplicatesArgs {
    /// Only groups of which sharing would save something: not those that are hard links already
    #[arg(long)]
    pub wasteful: bool,
    /// Print a JSON array of groups
    #[arg(long)]
    pub json: bool,
}

/// One group as a script sees it. Keys are added, never renamed or dropped.
#[derive(Debug, Serialize)]
struct GroupDocument<'a> {
    /// `verified`, `promised` or `header`.
    sure: Sureness,
    sha256: Option<&'a str>,
    /// Apparent bytes of one copy.
    size_bytes: u64,
    /// Apparent bytes of all inodes.
    apparent_bytes: u64,
    /// Bytes of disk in use by all of them, shared blocks once.
    allocated_bytes: u64,
    /// What comes free at least when all of them are deleted.
    freed_bytes: u64,
    /// What one inode with hard links on each file system would save, or shared blocks where it can do that.
    saved_bytes: u64,
    copies: Vec<CopyDocument<'a>>,
}

#[derive(Debug, Serialize)]
struct CopyDocument<'a> {
    store: StoreKind,
    root: String,
    class: Class,
    name: Option<&'a str>,
    models: Vec<&'a str>,
    path: String,
    entries: Vec<String>,
    device: Option<u64>,
    inode: Option<u64>,
}

struct Group<'a> {
    same: SameContent<'a>,
    masses: Vec<Mass>,
    saved: u64,
}

pub fn run(ctx: &mut Ctx, args: &DuplicatesArgs) -> anyhow::Result<Exit> {
    let all = stored(ctx)?;
    let same = same_content(&all);
    let needs_hashes = same.iter().any(|g| g.sureness == Sureness::Header);
    let groups: Vec<Group<'_>> = same
        .into_iter()
        .map(|same| {
            let (masses, _) = masses(&same.copies);
            Group { saved: saved(&masses), masses, same }
        })
        // Copies that are not there any more are for the next scan to tell.
        .filter(|g| g.masses.iter().map(|m| m.own_links).sum::<u64>() > 1)
        .filter(|g| !args.wasteful || g.saved > 0)
        .collect();
    if args.json {
        ctx.ui.json(&groups.iter().map(document).collect::<Vec<_>>())?;
        return Ok(Exit::Done);
    }
    if groups.is_empty() {
        ctx.ui.note("no content is here twice");
        return Ok(Exit::Done);
    }
    for (at, group) in groups.iter().enumerate() {
        if at > 0 {
            ctx.ui.line("")?;
        }
        print(ctx, group)?;
    }
    let saved = groups.iter().fold(0u64, |n, g| n.saturating_add(g.saved));
    let groups = units::plural(groups.len() as u64, "group");
    ctx.ui.note(&format!("{groups}; sharing would save {}", units::bytes(saved)));
    if needs_hashes {
        ctx.ui.hint("`modelctl verify --all --hash` computes the hashes that would make this sure");
    }
    Ok(Exit::Done)
}

/// On each device one inode stays; of the others their own blocks are saved, provided that no entry of theirs is
/// elsewhere.
fn saved(masses: &[Mass]) -> u64 {
    let mut devices: BTreeMap<u64, Vec<&Mass>> = BTreeMap::new();
    for mass in masses {
        devices.entry(mass.dev).or_default().push(mass);
    }
    let mut saved = 0u64;
    for mut here in devices.into_values() {
        // The one with the most entries elsewhere stays.
        here.sort_by_key(|m| (m.own_links >= m.links, std::cmp::Reverse(m.links)));
        let rest: Vec<Mass> = here.into_iter().skip(1).cloned().collect();
        saved = saved.saturating_add(weigh(&rest).freed);
    }
    saved
}

fn print(ctx: &mut Ctx, group: &Group<'_>) -> anyhow::Result<()> {
    let same = &group.same;
    let weight = weigh(&group.masses);
    let what = match (same.sureness, same.sha256) {
        (Sureness::Verified, Some(hash)) => format!("sha256 {}", short(hash)),
        (Sureness::Promised, Some(hash)) => format!("sha256 {} as promised by stores", short(hash)),
        (_, Some(hash)) => format!("sha256 {} for some, the same header for the others", short(hash)),
        (_, None) => "the same header and size, not hashed yet".to_owned(),
    };
    ctx.ui.heading(&format!("{} in {}: {what}", units::bytes(same.size), copies(group)))?;
    for copy in &same.copies {
        for entry in &copy.entries {
            let name = copy.name().map_or_else(String::new, |n| format!("  {}", text::clean(n)));
            ctx.ui.line(&format!("  {:9} {}{name}", copy.holding.store.name(), text::path(entry)))?;
        }
    }
    let figures = format!(
        "  apparent {}, on disk {}, freed if deleted {}; hard links or reflinks would save {}",
        units::bytes(weight.apparent),
        units::bytes(weight.allocated),
        units::bytes(weight.freed),
        units::bytes(group.saved)
    );
    let tone = if group.saved > 0 { Tone::Warn } else { Tone::Dim };
    ctx.ui.painted_line(&figures, tone)
}

/// `3 copies`, `2 copies (4 entries)`, `1 copy (2 entries)`.
fn copies(group: &Group<'_>) -> String {
    let inodes = group.masses.len() as u64;
    let entries: u64 = group.masses.iter().map(|m| m.own_links).sum();
    let copies = if inodes == 1 { "1 copy".to_owned() } else { format!("{inodes} copies") };
    if entries == inodes { copies } else { format!("{copies} ({entries} hard links)") }
}

fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

fn document<'a>(group: &'a Group<'a>) -> GroupDocument<'a> {
    let weight = weigh(&group.masses);
    let copies = group.same.copies.iter().map(|copy| CopyDocument {
        store: copy.holding.store,
        root: copy.holding.root.to_string_lossy().into_owned(),
        class: copy.holding.class,
        name: copy.name(),
        models: copy.models.iter().map(|(id, _)| id.as_str()).collect(),
        path: copy.holding.path.to_string_lossy().into_owned(),
        entries: copy.entries.iter().map(|e| e.to_string_lossy().into_owned()).collect(),
        device: copy.holding.identity.map(|i| i.dev),
        inode: copy.holding.identity.map(|i| i.ino),
    });
    GroupDocument {
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
