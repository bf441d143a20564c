//! The result of a plan, in sentences.

use crate::display::{text, units};
use crate::failure::{Failure, classify};
use crate::ops::OpEvent;
use crate::prune::apply::{Done, Fate};
use crate::prune::plan::Row;

/// Returns events about rows that were not removed as planned.
pub fn exceptions(done: &[Done<'_>]) -> Vec<OpEvent> {
    let mut events = Vec::new();
    for Done { row, fate } in done {
        let name = text::clean(&row.name);
        match fate {
            Fate::Ready | Fate::Trashed { .. } => {}
            Fate::Purged { left, .. } if left.is_empty() => {}
            Fate::Purged { left, .. } => {
                let what = units::plural(left.len() as u64, "file");
                events
                    .push(OpEvent::warning(format!("{name}: kept {what} in the trash that the plan did not include")));
            }
            Fate::Skipped { why } => events.push(OpEvent::warning(format!("left alone: {name}: {why}"))),
            Fate::Failed { error } | Fate::Partly { error, .. } => {
                events.push(OpEvent::error(&about(&name, error).into()))
            }
        }
    }
    events
}

/// Returns the error with the name before it; keeps its kind and its hint.
fn about(name: &str, error: &anyhow::Error) -> Failure {
    let (kind, hint) = classify(error);
    let failure = Failure::new(kind, format!("{name}: {error:#}"));
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// Returns, for example, `moved 2 models to the trash (1.0 GiB)`; None when nothing was moved.
pub fn moved(done: &[Done<'_>]) -> Option<String> {
    let rows: Vec<&Row> = done.iter().filter(|d| matches!(d.fate, Fate::Trashed { .. })).map(|d| d.row).collect();
    let freed = units::bytes(rows.iter().fold(0u64, |sum, row| sum.saturating_add(row.freed_bytes)));
    (!rows.is_empty()).then(|| format!("moved {} to the trash ({freed})", in_words(&rows)))
}

/// Returns, for example, `deleted 2 models; freed 1.0 GiB`; None when nothing was deleted.
pub fn deleted(done: &[Done<'_>]) -> Option<String> {
    let purged = done.iter().filter_map(|d| match &d.fate {
        Fate::Purged { freed, .. } => Some((d.row, *freed)),
        _ => None,
    });
    let (rows, freed): (Vec<&Row>, Vec<u64>) = purged.unzip();
    let freed = units::bytes(freed.into_iter().fold(0u64, u64::saturating_add));
    (!rows.is_empty()).then(|| format!("deleted {}; freed {freed}", in_words(&rows)))
}

/// Returns, for example, `2 models and 1 file`.
pub fn in_words(rows: &[&Row]) -> String {
    let models = rows.iter().filter(|row| row.id.is_some()).count() as u64;
    let files = rows.len() as u64 - models;
    match (models, files) {
        (_, 0) => units::plural(models, "model"),
        (0, _) => units::plural(files, "file"),
        _ => format!("{} and {}", units::plural(models, "model"), units::plural(files, "file")),
    }
}
