//! Restores items of a trash.

use super::places::{Holds, everything};
use super::recover::recover_interrupted_except;
use super::select::Which;
use crate::display::text;
use crate::failure::{Failure, classify};
use crate::model::Action;
use crate::ops::history_events::{self, Item, record};
use crate::ops::known_roots::rescan;
use crate::ops::{OpEvent, Session, Sink};
use crate::prune::trash::{self, Order, Trashed};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A selection of items to restore.
#[derive(Debug, Clone)]
pub struct Request {
    pub which: Which,
    /// Folders whose trash is included.
    pub dirs: Vec<PathBuf>,
}

/// The result of a restore.
#[derive(Debug, Default)]
pub struct Report {
    /// The restored items, and what their models still lack.
    pub restored: Vec<(Trashed, Option<String>)>,
    pub failed: Vec<(Trashed, anyhow::Error)>,
}

/// Restores items; one that cannot be restored does not stop the others.
///
/// # Errors
/// Cannot be met (3) when the selection fits nothing, and for an id that fits several items; busy (4) where another
/// process holds a trash.
pub fn restore(session: &mut Session, request: &Request, on: &mut Sink<'_>) -> anyhow::Result<Report> {
    let mut dirs = request.dirs.clone();
    if let Which::From(path) = &request.which {
        // The trash of a root that no database knows is beside the root, which is the path or above it.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.clone()); // without a working directory
        dirs.extend(path.ancestors().filter(|above| above.parent().is_some()).map(Path::to_owned));
    }
    let dirs = &dirs;
    let which = match request.which {
        Which::Last => request.which.clone().settled(&everything(session, dirs, on)?.0),
        _ => request.which.clone(),
    };
    // Recovery must not delete the items that a person wants to restore.
    recover_interrupted_except(session, dirs, &|id, order| which.means(id, order), on)?;
    let items = which.of(everything(session, dirs, on)?.0)?;
    let event = session.event(Action::Restore);
    let mut holds = Holds::of(session, dirs)?;
    let mut touched = BTreeSet::new();
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    // The item removed last is restored first: an item removed earlier may need what was removed with it.
    for item in items.into_iter().rev() {
        let what = Item { id: &item.id, order: item.order.as_ref(), root: item.root.as_deref(), bytes: item.bytes };
        // Record while the item is still there: a run that ends in between is completed by the next one, which records
        // it.
        let mut at_point = |point: trash::Point| {
            if point == trash::Point::Synced {
                record(session, &[history_events::trash_item(&event, &what, 0)], &[], on);
            }
            Ok(())
        };
        let root = match holds.get(&item).and_then(|held| trash::restore(held, &item.id, &mut at_point)) {
            Ok(root) => root,
            Err(error) => {
                // The cause has the hint.
                let (kind, hint) = classify(&error);
                let hint = hint.map(str::to_owned);
                let failure = Failure { hint, ..Failure::new(kind, format!("`{}` was not restored", item.id)) };
                failed.push((item, error.context(failure)));
                continue;
            }
        };
        if let Some(order) = &item.order {
            on(OpEvent::Restored { id: item.id.clone(), name: order.name.clone(), root: text::path(&root) });
            touched.insert(root.clone());
        }
        done.push((item, root));
    }
    drop(holds);
    let mut restored = Vec::new();
    for (item, root) in done {
        let lack = item.order.as_ref().map(|order| lack(session, dirs, (order, &root), on)).transpose()?.flatten();
        restored.push((item, lack));
    }
    rescan(session, &touched, on)?;
    Ok(Report { restored, failed })
}

/// Reports files of a restored model that are still missing: the model had more files than its item.
fn lack(
    session: &mut Session,
    dirs: &[PathBuf],
    (order, root): (&Order, &Path),
    on: &mut Sink<'_>,
) -> anyhow::Result<Option<String>> {
    let missing: Vec<&Path> = order.needs().filter(|path| root.join(path).symlink_metadata().is_err()).collect();
    if missing.is_empty() {
        return Ok(None);
    }
    let items = everything(session, dirs, on)?.0;
    let mut whys = Vec::new();
    for path in missing {
        let takes = |t: &&Trashed| t.order.as_ref().is_some_and(|o| o.root == order.root && o.takes(path));
        let (name, path) = (text::clean(&order.name), text::path(path));
        let (where_, hint) = match items.iter().find(takes) {
            Some(t) => {
                let with = t.order.as_ref().map_or("", |o| o.name.as_str());
                let hint = format!("restore it with `modelctl trash restore {}`", t.id);
                (format!("which is in the trash with `{}`", text::clean(with)), Some(hint))
            }
            None => ("which no longer exists".to_owned(), None),
        };
        let why = format!("`{name}` also needs `{path}`, {where_}");
        on(OpEvent::warning(why.as_str()));
        hint.iter().for_each(|hint| on(OpEvent::hint(hint)));
        whys.push(why);
    }
    Ok(Some(whys.join("; ")))
}
