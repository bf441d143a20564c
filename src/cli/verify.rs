//! `modelctl verify [MODEL…|--all]`: whether the files of models are whole and are what their stores promise.

use super::{Access, Ctx, Exit, select, verify_report};
use crate::clock;
use crate::db::{Db, HashRecord};
use crate::failure::Failure;
use crate::host::cpu;
use crate::inventory::{Depth, ModelReport, VerifyEvent, VerifyRequest, identities, verify};
use crate::model::{FileIdentity, Model, ModelId, Selector, State};
use crate::supervise::Interrupt;
use crate::ui::Progress;
use bytesize::ByteSize;
use clap::{ArgGroup, Args};
use rustix::event::{Timespec, poll};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Between two looks at the size of a file: a download writes many times in it.
const PAUSE: Duration = Duration::from_millis(300);

/// Check that the files of models are whole and are what their store promises
///
/// Reads every byte of each file whose store knows its sha256, and compares. What was read before and has not been
/// touched since is not read again, so a run that was interrupted goes on where it stopped. Exits with 1 when
/// something is wrong with a file, also when it is not the file of the last scan (run `modelctl scan`, then verify
/// again); says what could not be verified, and why.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").required(true))]
pub struct VerifyArgs {
    /// Ids or starts of ids, names, parts of names, aliases, or paths
    #[arg(value_name = "MODEL", group = "which")]
    pub models: Vec<String>,
    /// Verify every model that is not gone
    #[arg(long, group = "which")]
    pub all: bool,
    /// Structure only: headers, lengths, split sets, sizes at rest; no data is read
    #[arg(long, conflicts_with_all = ["hash", "again", "max_rate"])]
    pub quick: bool,
    /// Also hash files for which no store promises a hash, and record that
    #[arg(long)]
    pub hash: bool,
    /// Read what was verified before as well
    #[arg(long)]
    pub again: bool,
    /// Read at most so much per second over all files (`50MB`, `1GiB`)
    #[arg(long, value_name = "SIZE", value_parser = rate)]
    pub max_rate: Option<u64>,
    /// Print the report as a JSON object
    #[arg(long)]
    pub json: bool,
}

/// Bytes per second, more than 0; a trailing `/s` is taken as said.
fn rate(text: &str) -> Result<u64, String> {
    let size = text.strip_suffix("/s").unwrap_or(text);
    match size.parse::<ByteSize>().map(|size| size.as_u64()) {
        Ok(0) => Err("nothing can be read at a rate of 0".into()),
        Ok(rate) => Ok(rate),
        Err(why) => Err(format!("not a size: {why}")),
    }
}

pub fn run(ctx: &mut Ctx, args: &VerifyArgs) -> anyhow::Result<Exit> {
    let started = clock::instant();
    let interrupt = super::listen()?;
    let ids = chosen(ctx, args)?;
    let depth = if args.quick { Depth::Quick } else { Depth::Full { hash: args.hash, again: args.again } };
    let progress = ctx.ui.progress("verifying", None);
    let now = ctx.now;
    let db = ctx.db(if args.quick { Access::ReadOnly } else { Access::ReadWrite })?;
    let models = db.models(Some(&ids))?;
    let mut ledger = Ledger { db, now, done: AtomicU64::new(0) };
    let reports = read(&models, depth, args.max_rate, &mut ledger, (&progress, &interrupt))?;
    drop(progress);
    if args.json {
        ctx.ui.json(&verify_report::document(depth, &reports))?;
    } else if reports.is_empty() {
        ctx.ui.note("no models are known yet");
        ctx.ui.hint("`modelctl scan` looks for them");
    } else {
        verify_report::print(&mut ctx.ui, &reports, started.elapsed())?;
    }
    Ok(if reports.iter().any(ModelReport::is_finding) { Exit::Bad } else { Exit::Done })
}

/// The models meant, each once, in the order in which they were named or recorded.
fn chosen(ctx: &mut Ctx, args: &VerifyArgs) -> anyhow::Result<Vec<ModelId>> {
    if args.all {
        let rows = ctx.db(Access::ReadOnly)?.rows()?;
        return Ok(rows.into_iter().filter(|row| row.state != State::Gone).map(|row| row.id).collect());
    }
    let mut named = HashSet::new();
    let mut ids = Vec::new();
    for selector in &args.models {
        let id = select::resolve(ctx, &Selector(selector.clone()))?.id;
        if named.insert(id.clone()) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// Where hashes are kept.
struct Ledger<'a> {
    db: &'a mut Db,
    now: clock::Timestamp,
    /// Hashes that this run recorded.
    done: AtomicU64,
}

fn read(
    models: &[Model],
    depth: Depth,
    max_rate: Option<u64>,
    ledger: &mut Ledger<'_>,
    (progress, interrupt): (&Progress, &Interrupt),
) -> anyhow::Result<Vec<ModelReport>> {
    let before = match depth {
        Depth::Quick => HashMap::new(),
        Depth::Full { .. } => ledger.db.verified(&identities(models))?,
    };
    let outcome = verify(VerifyRequest {
        models,
        depth,
        before: &before,
        threads: cpu::usable_cores(),
        max_rate,
        pause: PAUSE,
        wait: &wait,
        progress: &|event| match event {
            VerifyEvent::Total(bytes) => progress.set_total_bytes(bytes),
            VerifyEvent::Bytes(more) => progress.add(more),
        },
        cancel: interrupt.raised(),
        record: &mut |file: &FileIdentity, sha256: String| {
            ledger.db.record_verified(file, &HashRecord { sha256, at: ledger.now })?;
            ledger.done.fetch_add(1, Ordering::Relaxed);
            Ok(())
        },
    });
    outcome.map_err(|error| match interrupt.thrown() {
        Some(why) => {
            let done = crate::ui::units::plural(ledger.done.load(Ordering::Relaxed), "file");
            Failure::new(why.kind(), format!("interrupted: {done} read whole and recorded"))
                .hint("the same command goes on with the others")
                .into()
        }
        None => error,
    })
}

/// Waits for nothing but the time, or a signal.
fn wait(time: Duration) {
    let timeout = Timespec::try_from(time).ok(); // a time that does not fit is never asked for
    if timeout.is_some() {
        // A signal ends it early, which is what it is for.
        let _ = poll(&mut [], timeout.as_ref());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_size_and_not_zero() {
        assert_eq!(rate("50MB"), Ok(50_000_000));
        assert_eq!(rate("1GiB/s"), Ok(1 << 30));
        assert!(rate("0").is_err_and(|why| why.contains("rate of 0")));
        assert!(rate("fast").is_err());
    }
}
