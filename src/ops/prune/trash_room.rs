//! The trash in a run of prune: it counts for `--free`, is emptied for it on request, and its items expire.

use crate::clock::Timestamp;
use crate::display::units;
use crate::failure::Failure;
use crate::model::Age;
use crate::ops::known_roots::roots;
use crate::ops::trash::empty::{Outcome, empty_until};
use crate::ops::trash::places;
use crate::ops::{Session, Sink};
use crate::prune::candidate::Candidate;
use crate::prune::room::{self, Content};
use crate::prune::target::{Space, Target};
use crate::prune::trash::{self, State, Trashed};
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The items of the trash that can be emptied, the oldest first.
pub struct TrashRoom {
    items: Vec<(Trashed, Content)>,
    faults: BTreeSet<String>,
}

impl TrashRoom {
    /// Reads the items of every trash. Nothing is locked.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn read(session: &mut Session) -> anyhow::Result<TrashRoom> {
        let (places, mut faults) = places(session, &[])?;
        let mut items = Vec::new();
        for place in &places {
            let found = match trash::list([place]) {
                Ok(found) => found,
                Err(error) => {
                    faults.insert(format!("{error:#}"));
                    continue;
                }
            };
            // An item that is damaged, or that another run is working on, may free nothing.
            for item in found.into_iter().filter(|t| matches!(t.state, State::Complete | State::Partly)) {
                match Content::of(&item.folder) {
                    Ok(content) => items.push((item, content)),
                    Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                    Err(e) => drop(faults.insert(format!("cannot read `{}`: {e}", item.folder.display()))),
                }
            }
        }
        let moved = |item: &Trashed| item.order.as_ref().map_or(Timestamp(i64::MAX), |order| order.at);
        items.sort_by(|(a, _), (b, _)| moved(a).cmp(&moved(b)).then_with(|| a.by_age(b)));
        Ok(TrashRoom { items, faults })
    }

    /// Returns the space on the file systems of candidates, roots and trashes.
    ///
    /// # Errors
    /// Cannot be met (3) where a trash cannot be read: the space that it holds would be taken from models instead.
    pub fn space(&self, session: &mut Session, found: &[Candidate]) -> anyhow::Result<Space> {
        if let Some(fault) = self.faults.first() {
            let what = format!("the trash counts for --free, and it cannot be read: {fault}");
            return Err(Failure::cannot_meet(what).into());
        }
        let roots: Vec<PathBuf> = roots(session)?.into_iter().map(|(_, root)| root).collect();
        let trash = self.items.iter().map(|(item, content)| (item.folder.as_path(), content));
        Ok(room::space(found, roots.iter().map(PathBuf::as_path), trash))
    }

    /// Empties the trash for targets that are not reached: the oldest items on their file systems first, and no more
    /// than needed.
    pub fn empty_for(&self, session: &mut Session, targets: &[Target], on: &mut Sink<'_>) -> anyhow::Result<Emptied> {
        let mut emptied = Emptied::default();
        for target in targets {
            let Some(dev) = device(&target.path) else { continue };
            let on_it = self
                .items
                .iter()
                .filter(|(item, content)| content.dev == dev || target.trash > 0 && shares(&item.folder, &target.path));
            let items: Vec<&Trashed> = on_it.map(|(item, _)| item).collect();
            let Some(before) = room::free_at(&target.path) else { continue };
            let mut is_enough = |freed: u64| {
                // The file system may free the space later; count what was deleted too.
                let now = room::free_at(&target.path).unwrap_or(0);
                now.max(before.saturating_add(freed)) >= target.wanted
            };
            emptied.add(empty_until(session, &items, &mut is_enough, on)?);
        }
        Ok(emptied)
    }

    /// Returns the items that have been in the trash for this long, and their bytes.
    pub fn expired(&self, limit: Age, now: Timestamp) -> (Vec<&Trashed>, u64) {
        let until = limit.before(now);
        let is_old = |t: &Trashed| t.order.as_ref().is_some_and(|order| order.at <= until);
        let items: Vec<&Trashed> = self.items.iter().map(|(item, _)| item).filter(|t| is_old(t)).collect();
        let bytes = items.iter().fold(0u64, |sum, t| sum.saturating_add(t.bytes));
        (items, bytes)
    }
}

fn device(path: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|meta| meta.dev()) // a path that is no longer mounted has none
}

/// Returns whether two paths are on mounts that share their space.
fn shares(a: &Path, b: &Path) -> bool {
    room::space(&[], [a, b], []).pools.len() == 1
}

/// Items deleted from the trash by a run of prune.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Emptied {
    pub items: u64,
    pub freed: u64,
    /// Whether something could not be deleted; the reason was reported.
    pub is_bad: bool,
}

impl Emptied {
    pub fn add(&mut self, outcomes: Vec<Outcome>) {
        for outcome in outcomes {
            self.items += u64::from(outcome.word != "failed");
            self.freed = self.freed.saturating_add(outcome.freed);
            self.is_bad |= outcome.word != "deleted";
        }
    }

    pub fn join(&mut self, other: &Emptied) {
        self.items += other.items;
        self.freed = self.freed.saturating_add(other.freed);
        self.is_bad |= other.is_bad;
    }

    /// Returns, for example, `deleted 2 items from the trash (…); freed 1.0 GiB`; None when nothing was deleted.
    pub fn line(&self, which: &str) -> Option<String> {
        let items = units::plural(self.items, "item");
        let freed = units::bytes(self.freed);
        (self.items > 0).then(|| format!("deleted {items} from the trash ({which}); freed {freed}"))
    }
}

/// Deletes items that have been in the trash for `limit` for good.
///
/// # Errors
/// Busy (4) where another process holds a trash.
pub fn expire(session: &mut Session, limit: Age, on: &mut Sink<'_>) -> anyhow::Result<Emptied> {
    let room = TrashRoom::read(session)?;
    let (items, _) = room.expired(limit, session.now);
    let mut emptied = Emptied::default();
    emptied.add(empty_until(session, &items, &mut |_| false, on)?);
    Ok(emptied)
}
