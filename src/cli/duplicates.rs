//! `modelctl duplicates`: content that is in several places, and the space that sharing it would save.

use super::{Ctx, Exit};
use crate::inventory::{Sureness, weigh};
use crate::ops::duplicates::{Group, duplicates, report};
use crate::ops::stored_files::stored;
use crate::ui::{Tone, text, units};
use clap::Args;

/// Find identical files
///
/// Compares the sha256 that stores declare and that `verify` computed; files without one are compared by header and
/// size. Hard links and shared blocks (reflinks) count once. Nothing is changed.
#[derive(Debug, Args)]
pub struct DuplicatesArgs {
    /// Only groups where sharing would save space, not those that are hard links already
    #[arg(long)]
    pub wasteful: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

pub fn run(ctx: &mut Ctx, args: &DuplicatesArgs) -> anyhow::Result<Exit> {
    let all = stored(&mut ctx.session)?;
    let groups = duplicates(&all);
    let needs_hashes = groups.iter().any(|group| group.same.sureness == Sureness::Header);
    let groups: Vec<Group<'_>> =
        groups.into_iter().filter(|g| g.is_here_twice()).filter(|g| !args.wasteful || g.saved > 0).collect();
    if args.json {
        ctx.ui.document(&report(&groups))?;
        return Ok(Exit::Done);
    }
    if groups.is_empty() {
        ctx.ui.note("no duplicates");
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
    if saved > 0 {
        ctx.ui.hint("`modelctl dedupe` lets copies share their space; `modelctl prune --duplicates` removes copies");
    }
    if needs_hashes {
        ctx.ui.hint("`modelctl verify --all --hash` computes the missing hashes");
    }
    Ok(Exit::Done)
}

fn print(ctx: &mut Ctx, group: &Group<'_>) -> anyhow::Result<()> {
    let same = &group.same;
    let weight = weigh(&group.masses);
    let what = match (same.sureness, same.sha256) {
        (Sureness::Verified, Some(hash)) => format!("sha256 {}", short(hash)),
        (Sureness::Promised, Some(hash)) => format!("sha256 {} as declared by stores", short(hash)),
        (_, Some(hash)) => format!("sha256 {} for some, the same header for the others", short(hash)),
        (_, None) => "same header and size, not hashed yet".to_owned(),
    };
    ctx.ui.heading(&format!("{} in {}: {what}", units::bytes(same.size), copies(group)))?;
    for copy in &same.copies {
        for entry in &copy.entries {
            let name = copy.name().map_or_else(String::new, |n| format!("  {}", text::clean(n)));
            ctx.ui.line(&format!("  {:9} {}{name}", copy.holding.store.name(), text::path(entry)))?;
        }
    }
    let figures = format!(
        "  {} apparent, {} on disk; one copy instead saves {}",
        units::bytes(weight.apparent),
        units::bytes(weight.allocated),
        units::bytes(group.saved)
    );
    let tone = if group.saved > 0 { Tone::Warn } else { Tone::Dim };
    ctx.ui.painted_line(&figures, tone)
}

/// Returns, for example, `3 copies`, `2 copies (4 hard links)`, or `1 copy (2 hard links, seen at 4 paths on several
/// mounts)`.
fn copies(group: &Group<'_>) -> String {
    let files = group.masses.len() as u64;
    let links: u64 = group.masses.iter().map(|m| m.own_links).sum();
    let paths: u64 = group.masses.iter().map(|m| m.paths).sum();
    let copies = if files == 1 { "1 copy".to_owned() } else { format!("{files} copies") };
    let about = [
        (links > files).then(|| format!("{links} hard links")),
        (paths > links).then(|| format!("seen at {paths} paths on several mounts")),
    ];
    let about: Vec<String> = about.into_iter().flatten().collect();
    if about.is_empty() { copies } else { format!("{copies} ({})", about.join(", ")) }
}

fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}
