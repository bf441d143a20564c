//! Prunes: makes a plan of what can be removed and why, and acts on it.

mod act;
mod auto;
mod gather;
mod recheck;
mod report;
mod request;
mod saved_plan;
mod summary;
mod trash_room;

pub use act::too_large;
pub use auto::auto;
pub use gather::candidates;
pub use report::{PruneReport, report, roots, since};
pub use request::{Request, Selection};
pub use saved_plan::{encode, read, save};
pub use summary::{deleted, exceptions, in_words, moved};
pub use trash_room::Emptied;

use super::trash::recover_interrupted;
use super::{OpEvent, Session, Sink, clock_check};
use crate::clock::Timestamp;
use crate::display::{text, units};
use crate::model::{Age, ModelId, State, StoreKind};
use crate::prune::apply::{Done, Fate};
use crate::prune::candidate::Candidate;
use crate::prune::decide::Rule;
use crate::prune::leap::Leap;
use crate::prune::plan::{Plan, plan};
use crate::prune::room;
use crate::prune::target::Space;
use crate::supervise::StopSignal;
use act::Manner;
use gather::{gather, keeps_something, uses};
use saved_plan::{revalidate, without_needless};
use std::collections::{HashMap, HashSet};
use std::path::Path;
use trash_room::{TrashRoom, expire};

/// A plan that was made, or read and checked, and not acted on yet.
pub struct Prepared {
    pub plan: Plan,
    /// Notes to print with the plan.
    pub notes: Vec<String>,
    /// The leap of the clock ahead of the time that can be trusted.
    pub leap: Option<Leap>,
    /// Expired items of the trash that were deleted.
    pub expired: Emptied,
    found: Vec<Candidate>,
    trash: Option<TrashRoom>,
}

/// The result of a run.
pub struct Acted<'p> {
    pub done: Vec<Done<'p>>,
    /// Items deleted from the trash to reach the target; `expired`: items that had expired.
    pub emptied: Emptied,
    pub expired: Emptied,
    /// Bytes that are free now on the file system of each target; None where that is not known.
    pub free: Vec<Option<u64>>,
}

impl Acted<'_> {
    /// Returns the number of rows that were moved to the trash or deleted.
    pub fn removed(&self) -> usize {
        self.done.iter().filter(|d| matches!(d.fate, Fate::Trashed { .. } | Fate::Purged { .. })).count()
    }

    /// Returns the number of rows that were skipped.
    pub fn skipped(&self) -> usize {
        self.done.iter().filter(|d| matches!(d.fate, Fate::Skipped { .. })).count()
    }

    /// Returns whether a row failed, completely or in part.
    pub fn has_failed(&self) -> bool {
        self.done.iter().any(|d| matches!(d.fate, Fate::Failed { .. } | Fate::Partly { .. }))
    }
}

/// Makes the plan. With [`Request::confirm`], recovers interrupted runs first, and deletes expired items of the trash.
///
/// # Errors
/// Cannot be met (3) for a model, a glob or a trash that is invalid; busy (4) where another process holds a trash.
pub fn prepare(session: &mut Session, request: &Request, on: &mut Sink<'_>) -> anyhow::Result<Prepared> {
    let leap = clock_check::check(session, request.now_is_right, on)?;
    if request.confirm {
        recover_interrupted(session, on)?;
    }
    let mut notes = Vec::new();
    let limit = session.config.trash.expire.or(request.expire_trash);
    let expired = limit.map(|limit| expire_or_say(session, limit, request.confirm, &mut notes, on)).transpose()?;
    let mut saved = request.saved.clone();
    if let Some(plan) = &mut saved {
        // The current configuration applies to a saved plan too.
        plan.policy.min_keep = plan.policy.min_keep.max(session.config.auto_prune.min_keep);
    }
    let policy = request.policy(session)?;
    let globs = saved.as_ref().map_or(&request.keep, |plan| &plan.keep).clone();
    let found = gather(session, &globs)?;
    for glob in request.keep.iter().filter(|glob| !keeps_something(&found, glob)) {
        on(OpEvent::warning(format!("--keep {}: matches no model", text::clean(glob))));
    }
    let trash = if policy.free.is_some() { Some(TrashRoom::read(session)?) } else { None };
    let space = trash.as_ref().map_or_else(|| Ok(Space::default()), |trash| trash.space(session, &found))?;
    let plan = match saved {
        Some(saved) => {
            let made = units::ago(saved.made.age(session.now));
            let saved = without_needless(saved, &found, &space, &mut notes);
            if request.confirm {
                saved
            } else {
                notes.insert(0, format!("the plan was made {made} ago"));
                revalidate(session, saved, &found, &mut notes)?
            }
        }
        None => {
            let servers = &session.config.prune;
            plan(&policy, &request.keep, &found, &space, session.now, &mut |asked| uses(servers, asked, &mut notes))
        }
    };
    notes.extend(duplicates_note(&plan, &found));
    Ok(Prepared { plan, notes, leap, expired: expired.unwrap_or_default(), found, trash })
}

/// Returns the last known use of each model, by the evidence that a plan goes by.
///
/// # Errors
/// Cannot be met (3) for a keep hint that is not a valid glob.
pub fn last_uses(session: &mut Session) -> anyhow::Result<HashMap<ModelId, Timestamp>> {
    Ok(gather(session, &[])?.into_iter().filter_map(|found| Some((found.id?, found.last_use.at))).collect())
}

/// Acts on a plan.
///
/// # Errors
/// Cannot be met (3) where more than half of a store would be removed and that is not allowed; busy (4) where another
/// process holds a trash.
pub fn act<'p>(
    session: &mut Session,
    prepared: &'p Prepared,
    request: &Request,
    stop: &StopSignal,
    on: &mut Sink<'_>,
) -> anyhow::Result<Acted<'p>> {
    let plan = &prepared.plan;
    if let Some(large) = plan.large.first().filter(|_| !request.allow_large && request.saved.is_none()) {
        return Err(too_large(large).into());
    }
    let mut emptied = Emptied::default();
    if let Some(trash) = prepared.trash.as_ref().filter(|_| request.empty_trash) {
        emptied.join(&trash.empty_for(session, &plan.targets, on)?);
    }
    let manner = Manner { purge: request.purge, allow_large: request.allow_large };
    let done = act::act(session, manner, (plan, &prepared.found), stop, on)?;
    if request.empty_trash && !request.purge && stop.reason().is_none() {
        // Items that were moved just now are the youngest, and are deleted last.
        emptied.join(&TrashRoom::read(session)?.empty_for(session, &plan.targets, on)?);
    }
    let free = plan.targets.iter().map(|target| room::free_at(&target.path)).collect();
    if prepared.leap.is_none()
        && let Err(error) = clock_check::note(session)
    {
        on(OpEvent::warning(format!("cannot record the time of this run: {error:#}")));
    }
    Ok(Acted { done, emptied, expired: prepared.expired, free })
}

/// Deletes items that have been in the trash for `limit`, or adds to `notes` which items that would be.
fn expire_or_say(
    session: &mut Session,
    limit: Age,
    confirm: bool,
    notes: &mut Vec<String>,
    on: &mut Sink<'_>,
) -> anyhow::Result<Emptied> {
    if confirm {
        let emptied = expire(session, limit, on)?;
        if emptied.items > 0 {
            on(OpEvent::TrashExpired { items: emptied.items, freed_bytes: emptied.freed, limit: limit.text() });
        }
        return Ok(emptied);
    }
    let trash = TrashRoom::read(session)?;
    let (items, bytes) = trash.expired(limit, session.now);
    if !items.is_empty() {
        let items = units::plural(items.len() as u64, "item");
        let (bytes, limit) = (units::bytes(bytes), limit.text());
        notes.push(format!("{items} in the trash ({bytes}) older than {limit}: --confirm deletes them permanently"));
    }
    Ok(Emptied::default())
}

/// Returns a note on what --duplicates needs when it finds nothing: hashes, or the copies in other stores.
fn duplicates_note(plan: &Plan, found: &[Candidate]) -> Option<String> {
    if !plan.policy.duplicates || plan.going().any(|row| row.rule == Rule::Duplicate) {
        return None;
    }
    let models = || found.iter().filter(|c| c.id.is_some() && c.stale.is_none());
    let unread = models().filter(|c| !c.is_read && c.state == Some(State::Ready)).count() as u64;
    if unread > 0 {
        let models = units::plural(unread, "model");
        return Some(format!(
            "{models} without a computed sha256, which --duplicates needs: run `modelctl verify --all --hash`"
        ));
    }
    let mut stores: HashMap<&str, HashSet<(StoreKind, &Path)>> = HashMap::new();
    for c in models() {
        if let Some(content) = c.content.as_deref() {
            stores.entry(content).or_default().insert((c.store, c.root.as_path()));
        }
    }
    let shared = stores.values().filter(|stores| stores.len() > 1).count() as u64;
    let is_open = !plan.policy.across_stores && shared > 0;
    is_open
        .then(|| format!("{} in several stores: use --across-stores to include them", units::plural(shared, "content")))
}
