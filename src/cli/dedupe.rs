//! `modelctl dedupe [MODEL…]`: makes copies of one content share their space on the disk.

use super::{Ctx, Exit};
use crate::failure::Failure;
use crate::model::{Selector, ShareHow};
use crate::ops::dedupe::{Outcome, Pair, Request, Undone, plan, share, undo};
use crate::ui::{Cell, Column, Table, Tone, text, units};
use clap::Args;
use serde::Serialize;
use std::collections::BTreeMap;

/// Make identical files share their space on the disk (dry run unless --confirm)
///
/// Every file stays where it is. Where the file system can share blocks (btrfs, XFS), the kernel compares the bytes and
/// shares the blocks (a reflink); each file can still be changed on its own. Elsewhere, --hard-link replaces files by hard
/// links: only between stores whose tools never write into a file (hf, ollama, lmstudio, llamacpp, ramalama, docker), and
/// only where owner and mode are equal. Plain folders are left alone then.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  modelctl dedupe
  modelctl dedupe --confirm
  modelctl dedupe smollm2:135m --hard-link --confirm
  modelctl dedupe --undo --confirm")]
pub struct DedupeArgs {
    /// Only copies of these models: an id, a name, an alias or a path
    #[arg(value_name = "MODEL")]
    pub models: Vec<String>,
    /// Use hard links where the file system cannot share blocks
    #[arg(long)]
    pub hard_link: bool,
    /// Give the files of a run space of their own again [default: the latest run]
    #[arg(long, value_name = "RUN", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ["models", "hard_link"])]
    pub undo: Option<String>,
    /// Do it; without this, only what would be done is shown
    #[arg(long, short = 'y', visible_alias = "yes")]
    pub confirm: bool,
    /// Show what would be done and change nothing; this is the default
    #[arg(long, short = 'n', conflicts_with = "confirm")]
    pub dry_run: bool,
    /// Print a JSON object
    #[arg(long)]
    pub json: bool,
}

pub fn run(ctx: &mut Ctx, args: &DedupeArgs) -> anyhow::Result<Exit> {
    if let Some(run) = &args.undo {
        return take_back(ctx, args, Some(run.as_str()).filter(|run| !run.is_empty()));
    }
    let request = Request { models: args.models.iter().cloned().map(Selector).collect(), hard_link: args.hard_link };
    let pairs = plan(&mut ctx.session, &request)?;
    let possible: Vec<Pair> = pairs.iter().filter(|pair| pair.how.is_ok()).cloned().collect();
    if !args.confirm {
        return show(ctx, args, &pairs);
    }
    let stop = super::stop_on_signals()?;
    if possible.is_empty()
        && let Some(Err(why)) = pairs.first().map(|pair| &pair.how)
    {
        let failure = Failure::cannot_meet(format!("nothing was shared: {why}"));
        let hint = "--hard-link links the files of stores that never write in place";
        return Err(if args.hard_link { failure } else { failure.hint(hint) }.into());
    }
    let report = ctx.run(|session, on| share(session, &request, &possible, &stop, on))?;
    let shared = report.outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Shared(_))).count();
    let is_bad = shared < report.outcomes.len();
    if args.json {
        let done = possible.iter().zip(&report.outcomes).map(|(pair, outcome)| PairReport::of(pair, Some(outcome)));
        let rest = pairs.iter().filter(|pair| pair.how.is_err()).map(|pair| PairReport::of(pair, None));
        ctx.ui.json(&Document {
            schema: "modelctl.dedupe/1",
            dry_run: false,
            run: Some(&report.run),
            freed_bytes: report.freed,
            files: done.chain(rest).collect(),
        })?;
    } else {
        for (pair, outcome) in possible.iter().zip(&report.outcomes) {
            if let Outcome::Kept(why) = outcome {
                let path = text::path(pair.other.path());
                ctx.ui.warn(&format!("`{path}` is left as it is: {}", text::clean(why)));
            }
        }
        if shared > 0 {
            let files = units::plural(shared as u64, "file");
            ctx.ui.line(&format!("{files} share their space now; freed {}", units::bytes(report.freed)))?;
            ctx.ui.hint(&format!("to undo: `modelctl dedupe --undo {} --confirm`", report.run));
        } else if pairs.is_empty() {
            ctx.ui.note("no two files could share their space");
        }
    }
    Ok(if is_bad { Exit::Bad } else { Exit::Done })
}

/// Shows what would be done.
fn show(ctx: &mut Ctx, args: &DedupeArgs, pairs: &[Pair]) -> anyhow::Result<Exit> {
    let saved = pairs.iter().filter(|pair| pair.how.is_ok()).fold(0u64, |sum, pair| sum.saturating_add(pair.saved));
    if args.json {
        ctx.ui.json(&Document {
            schema: "modelctl.dedupe/1",
            dry_run: true,
            run: None,
            freed_bytes: saved,
            files: pairs.iter().map(|pair| PairReport::of(pair, None)).collect(),
        })?;
        return Ok(Exit::Done);
    }
    if pairs.is_empty() {
        ctx.ui.note("no two files could share their space");
        return Ok(Exit::Done);
    }
    let (possible, rest): (Vec<&Pair>, Vec<&Pair>) = pairs.iter().partition(|pair| pair.how.is_ok());
    if !possible.is_empty() {
        ctx.ui.table(&table(&possible))?;
    }
    let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
    for why in rest.iter().filter_map(|pair| pair.how.as_ref().err()) {
        let count = reasons.entry(why.as_str()).or_default();
        *count = count.saturating_add(1);
    }
    for (why, files) in reasons {
        ctx.ui.note(&format!("{} cannot share space: {}", units::plural(files, "file"), text::clean(why)));
    }
    let count = possible.len();
    if count > 0 {
        let files = units::plural(count as u64, "file");
        ctx.ui.note(&format!("{files} would share space with an equal one; {} would be freed", units::bytes(saved)));
        ctx.ui.hint("nothing was changed: --confirm does it");
    } else if !args.hard_link {
        ctx.ui.hint("--hard-link links the files of stores that never write in place");
    }
    Ok(Exit::Done)
}

const COLUMNS: &[Column] = &[
    Column::left("NAME", 0).shrink_to(16),
    Column::right("SAVES", 0),
    Column::left("HOW", 0).shrink_to(12),
    Column::left("STORE", 1),
    Column::left("PATH", 2).shrink_to(24),
    Column::left("SAME AS", 3).shrink_to(24),
];

fn table<'p>(pairs: &[&'p Pair]) -> Table<'p> {
    let mut table = Table::new(COLUMNS);
    for pair in pairs {
        let stores: Vec<&str> = pair.other.stores.iter().map(|store| store.name()).collect();
        let how = match &pair.how {
            Ok(how) => Cell::new(how.name()),
            Err(why) => Cell::new(why.as_str()).tone(Tone::Dim),
        };
        table.row(vec![
            Cell::new(pair.name.as_str()),
            Cell::new(units::bytes(if pair.how.is_ok() { pair.saved } else { 0 })),
            how,
            Cell::new(stores.join(", ")),
            Cell::new(text::path(pair.other.path())),
            Cell::new(text::path(pair.kept.path())).tone(Tone::Dim),
        ]);
    }
    table
}

fn take_back(ctx: &mut Ctx, args: &DedupeArgs, run: Option<&str>) -> anyhow::Result<Exit> {
    let stop = super::stop_on_signals()?;
    let all = ctx.run(|session, on| undo(session, run, args.confirm, &stop, on))?;
    let kept: Vec<&Undone> = all.iter().filter(|undone| undone.kept.is_some()).collect();
    let done = all.len().saturating_sub(kept.len());
    let needed = all.iter().fold(0u64, |sum, undone| sum.saturating_add(undone.share.size));
    if args.json {
        ctx.ui.json(&UndoDocument {
            schema: "modelctl.dedupe-undo/1",
            dry_run: !args.confirm,
            files: all.iter().map(UndoneReport::of).collect(),
        })?;
    } else if args.confirm {
        for Undone { share, kept } in &kept {
            let why = kept.as_deref().unwrap_or_default();
            ctx.ui.warn(&format!("`{}` still shares its space: {}", text::path(&share.path), text::clean(why)));
        }
        if done > 0 {
            let have = if done == 1 { "has space of its own" } else { "have space of their own" };
            ctx.ui.line(&format!("{} {have} again", units::plural(done as u64, "file")))?;
        }
    } else {
        for Undone { share, .. } in &all {
            ctx.ui.line(&format!("{}  {}", share.how.name(), text::path(&share.path)))?;
        }
        let files = units::plural(all.len() as u64, "file");
        ctx.ui.note(&format!("{files} would get space of their own again, at most {}", units::bytes(needed)));
        ctx.ui.hint("nothing was changed: --confirm does it");
    }
    Ok(if args.confirm && !kept.is_empty() { Exit::Bad } else { Exit::Done })
}

/// The document of `dedupe --json`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct Document<'a> {
    schema: &'static str,
    dry_run: bool,
    run: Option<&'a str>,
    /// Bytes that are freed, or would be.
    freed_bytes: u64,
    files: Vec<PairReport<'a>>,
}

#[derive(Debug, Serialize, schemars::JsonSchema)]
struct PairReport<'a> {
    name: &'a str,
    /// Lossily decoded, as the other paths.
    path: String,
    /// The equal file whose space is used.
    kept: String,
    stores: Vec<&'static str>,
    size_bytes: u64,
    freed_bytes: u64,
    /// `reflink` or `hard-link`; null where neither is possible.
    how: Option<ShareHow>,
    /// `shared` or `kept`; null in a dry run.
    outcome: Option<&'static str>,
    /// Why it is left as it is.
    reason: Option<&'a str>,
}

impl<'a> PairReport<'a> {
    fn of(pair: &'a Pair, outcome: Option<&'a Outcome>) -> PairReport<'a> {
        let (how, why) = match &pair.how {
            Ok(how) => (Some(*how), None),
            Err(why) => (None, Some(why.as_str())),
        };
        let (how, word, reason) = match outcome {
            Some(Outcome::Shared(how)) => (Some(*how), Some("shared"), None),
            Some(Outcome::Kept(why)) => (how, Some("kept"), Some(why.as_str())),
            None => (how, None, why),
        };
        PairReport {
            name: &pair.name,
            path: pair.other.path().to_string_lossy().into_owned(),
            kept: pair.kept.path().to_string_lossy().into_owned(),
            stores: pair.other.stores.iter().map(|store| store.name()).collect(),
            size_bytes: pair.other.looked.size,
            freed_bytes: if reason.is_some() { 0 } else { pair.saved },
            how,
            outcome: word,
            reason,
        }
    }
}

/// The document of `dedupe --undo --json`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct UndoDocument<'a> {
    schema: &'static str,
    dry_run: bool,
    files: Vec<UndoneReport<'a>>,
}

#[derive(Debug, Serialize, schemars::JsonSchema)]
struct UndoneReport<'a> {
    name: &'a str,
    path: String,
    run: &'a str,
    how: ShareHow,
    size_bytes: u64,
    /// Why it still shares its space.
    reason: Option<&'a str>,
}

impl<'a> UndoneReport<'a> {
    fn of(undone: &'a Undone) -> UndoneReport<'a> {
        let share = &undone.share;
        UndoneReport {
            name: &share.name,
            path: share.path.to_string_lossy().into_owned(),
            run: &share.run,
            how: share.how,
            size_bytes: share.size,
            reason: undone.kept.as_deref(),
        }
    }
}
