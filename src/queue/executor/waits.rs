//! The reasons why due tasks wait. They are checked before a task is claimed or the device is taken, so that a task
//! which nothing here can answer is left untouched.

use super::{LoadFailures, Setup};
use crate::clock;
use crate::db::Db;
use crate::engine;
use crate::host::{in_time, memory};
use crate::model::task::order::{CanServe, Skip};
use crate::model::task::{Queue, TaskState, Ticket, Wish};
use crate::model::{KeepHint, Model, ModelRow, Reading, TierLimits};
use crate::queue::place::{Outlook, Place, Refused, outlook};
use crate::queue::{can_serve, need, too_large};
use std::cell::Cell;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// The configuration of this machine for choosing and running models.
#[derive(Debug, Clone, Copy)]
pub struct Here<'a> {
    /// The keep hints in order of preference.
    pub hints: &'a [KeepHint],
    pub limits: &'a TierLimits,
    /// The maximum number of context tokens of one task.
    pub context: u32,
    /// Whether every task may fall back.
    pub fallback: bool,
    /// Whether the servers of a daemon answer: it frees memory for a model where it can.
    pub is_shared: bool,
}

/// The result of a check of wishes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waits {
    entries: Vec<Entry>,
    /// The wishes that this machine can serve.
    can_serve: CanServe,
    /// Whether there are tasks that need not wait.
    pub is_any_served: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    wish: Wish,
    /// Whether tasks that may fall back need not wait.
    but_fallback: bool,
    tasks: u64,
    why: String,
}

impl Waits {
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the number of waiting tasks.
    pub fn tasks(&self) -> u64 {
        self.entries.iter().map(|entry| entry.tasks).sum()
    }

    /// Returns the reasons, each once.
    pub fn why(&self) -> Option<String> {
        let mut texts: Vec<&str> = Vec::new();
        for entry in &self.entries {
            if !texts.contains(&entry.why.as_str()) {
                texts.push(&entry.why);
            }
        }
        (!texts.is_empty()).then(|| texts.join("; "))
    }

    /// Returns the reason why a due task waits.
    pub fn of(&self, ticket: &Ticket) -> Option<&str> {
        let entry = self.entries.iter().find(|entry| entry.wish == ticket.wish)?;
        let waits = ticket.state() == TaskState::Queued && !(entry.but_fallback && ticket.fallback);
        waits.then_some(entry.why.as_str())
    }

    /// Returns the wishes that a claim must skip.
    pub(super) fn skip(&self) -> Vec<Skip> {
        let skip = |entry: &Entry| Skip { wish: entry.wish.clone(), but_fallback: entry.but_fallback };
        self.entries.iter().map(skip).collect()
    }

    /// Returns the wishes that this machine can serve, for a claim.
    pub(super) fn can_serve(&self) -> CanServe {
        self.can_serve.clone()
    }

    pub(super) fn add(&mut self, wish: &Wish, but_fallback: bool, tasks: u64, why: String) {
        self.entries.retain(|entry| entry.wish != *wish);
        self.entries.push(Entry { wish: wish.clone(), but_fallback, tasks, why });
    }
}

/// Checks every wish of due tasks. `loaded` is the model in memory, whose memory another model would get.
pub(super) fn waits(
    (queue, inventory): (&dyn Queue, &Db),
    setup: &Setup,
    failures: &LoadFailures,
    loaded: Option<&Model>,
) -> anyhow::Result<Waits> {
    let here = Here {
        hints: &setup.hints,
        limits: &setup.limits,
        context: setup.worker.context,
        fallback: setup.fallback,
        is_shared: setup.shared.is_some(),
    };
    let wishes = queue.due_wishes(queue.now()?)?;
    let can_serve = can_serve(&inventory.rows()?, &setup.limits, wishes.iter().map(|(wish, _)| wish));
    Ok(Waits { can_serve, ..waits_of((queue, inventory), here, wishes, failures, loaded)? })
}

impl Waits {
    /// Updates the wishes that this machine can serve: models are added and removed while a run continues.
    pub(super) fn refresh_can_serve(
        &mut self,
        (queue, inventory): (&dyn Queue, &Db),
        limits: &TierLimits,
    ) -> anyhow::Result<()> {
        let wishes = queue.due_wishes(queue.now()?)?;
        self.can_serve = can_serve(&inventory.rows()?, limits, wishes.iter().map(|(wish, _)| wish));
        Ok(())
    }
}

/// Returns why the files of a model cannot be read: a disk that is not mounted, or does not answer.
fn unreadable(model: &Model) -> Option<String> {
    let paths: Vec<PathBuf> = model.artifacts.iter().map(|artifact| artifact.path.clone()).collect();
    let open = move |_| {
        paths.iter().try_for_each(|path| {
            let told = |error: io::Error| io::Error::new(error.kind(), format!("`{}`: {error}", path.display()));
            File::open(path).map(drop).map_err(told)
        })
    };
    match in_time::start(ANSWER, "its file", open).wait() {
        Reading::Known(()) => None,
        Reading::Unavailable(why) => Some(format!("cannot be loaded: {why}")),
    }
}

/// The time that a disk may take to answer whether a file exists.
const ANSWER: Duration = Duration::from_secs(2);

/// Checks some wishes, each given with the number of its tasks.
///
/// # Errors
/// When queue or inventory cannot be read.
pub fn waits_of(
    (queue, inventory): (&dyn Queue, &Db),
    here: Here<'_>,
    wishes: Vec<(Wish, u64)>,
    failures: &LoadFailures,
    loaded: Option<&Model>,
) -> anyhow::Result<Waits> {
    let mut found = Waits::default();
    if wishes.is_empty() {
        return Ok(found);
    }
    let rows = inventory.rows()?;
    let given_back = loaded.and_then(|model| need(model, (here.context, 1))).map_or(0, |(bytes, _)| bytes);
    let available = memory::memory().map(|memory| match here.is_shared {
        true => memory.total,
        false => memory.available.saturating_add(given_back),
    });
    let broken = Cell::new(None);
    let refused = |row: &ModelRow| -> Option<Refused> {
        if loaded.is_some_and(|model| model.id == row.id) {
            return None;
        }
        if let Some(refused) = failures.resting(row, clock::instant()) {
            return Some(refused.clone());
        }
        match inventory.models(Some(std::slice::from_ref(&row.id))) {
            Ok(models) => {
                let model = models.first()?;
                let why = unreadable(model).or_else(|| too_large(model, (here.context, 1), &available))?;
                Some(Refused { why, is_place: true })
            }
            Err(error) => {
                broken.set(Some(error));
                None
            }
        }
    };
    let engine = engine::available().map_err(|error| error.to_string());
    let place = Place { rows: &rows, hints: here.hints, limits: here.limits, engine, refused: &refused };
    for (wish, tasks) in wishes {
        match outlook(&wish, &place) {
            Outlook::Served => found.is_any_served = true,
            Outlook::Fallback(_) if here.fallback => found.is_any_served = true,
            Outlook::Fallback(why) => {
                // Only the claim finds out which of the tasks may fall back.
                found.is_any_served |= queue.may_any_fall_back(&wish)?;
                found.add(&wish, true, tasks, why);
            }
            Outlook::Waits(why) => found.add(&wish, false, tasks, why),
        }
    }
    match broken.take() {
        Some(error) => Err(error),
        None => Ok(found),
    }
}
