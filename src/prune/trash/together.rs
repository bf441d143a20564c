//! Handles several orders, or several items, at a time. Syncing one rename takes a disk as long as hundreds of renames,
//! so the changes of many are synced together: their journals before anything is moved, the moves before any item is
//! marked as complete.

use super::Point;
use super::confined_dir::ConfinedDir;
use super::discard::{Holds, Outcome, compare_with_seen, forward};
use super::empty::{Emptied, purge};
use super::fault::Fault;
use super::item::{Hook, Item, Mark, at, sync};
use super::lock::Held;
use super::order::Order;
use super::put_back;
use super::restore::recovered_item;
use super::times::Times;

/// An order, and a check that the other copy, which is to stay, is still there after the moves.
pub struct Ask<'a> {
    pub order: Order,
    pub holds: Holds<'a>,
}

/// The results of several orders or items, in the order of the input.
pub type Each<T> = Vec<anyhow::Result<T>>;

/// Moves each order to the trash, whole or not at all. The orders must be independent of each other.
///
/// # Errors
/// Only when the hook returns one. The fault of an order is its own result: everything of it is as it was then, except
/// for what the message says.
pub fn discard_all(held: &Held, asks: Vec<Ask<'_>>, hook: Hook<'_>) -> anyhow::Result<Each<Outcome>> {
    let lasts = Lasts::of(held, asks.len());
    let mut all = Vec::with_capacity(asks.len());
    for ask in asks {
        all.push(match begin(held, ask, lasts, hook) {
            Ok(open) => State::Open(Box::new(open)),
            Err(Fault::Stopped(error)) => return Err(error),
            Err(why) if why.is_change() => State::Over(Ok(Outcome::Skipped { why })),
            Err(why) => State::Over(Err(why)),
        });
    }
    if let Err(error) = lasts.together(held) {
        for state in &mut all {
            state.fail(held, &error, |open| open.item.abandon(&held.place));
        }
    }
    each(held, &mut all, hook, |open, hook| {
        forward(&open.item, &open.root, &mut open.times, hook)?;
        (open.holds)().map_err(|path| Fault::WentAlong { path })?;
        open.times.calm(&open.root)?;
        at(hook, Point::Times)?;
        if lasts == Lasts::Alone {
            sync(&open.item, &open.root)?;
        }
        at(hook, Point::Synced)
    })?;
    if let Err(error) = lasts.together(held) {
        each(held, &mut all, hook, |_, _| Err(Fault::io("sync", held.place.path(), copy(&error))))?;
    }
    each(held, &mut all, hook, |open, hook| {
        match lasts {
            Lasts::Alone => open.item.mark(Mark::Complete)?,
            Lasts::Together => open.item.mark_for_now(Mark::Complete)?,
        }
        at(hook, Point::Marked)
    })?;
    // A mark that is lost in a power failure makes the next run put the item back, which is no loss.
    let _ = lasts.together(held);
    Ok(all.into_iter().map(|state| state.outcome().map_err(Fault::into_error)).collect())
}

/// Deletes several items for good.
///
/// # Errors
/// Only when the hook returns one. Each item has a result of its own, as of [`super::empty`].
pub fn empty_all(held: &Held, ids: &[String], hook: Hook<'_>) -> anyhow::Result<Each<Emptied>> {
    let lasts = Lasts::of(held, ids.len());
    let mut all: Vec<Result<Item, Fault>> = Vec::with_capacity(ids.len());
    for id in ids {
        let turned = recovered_item(held, id).and_then(|item| {
            match lasts {
                Lasts::Alone => item.turn(Mark::Complete, Mark::Purging)?,
                Lasts::Together => item.turn_for_now(Mark::Complete, Mark::Purging)?,
            }
            at(hook, Point::Marked)?;
            Ok(item)
        });
        match turned {
            Err(Fault::Stopped(error)) => return Err(error),
            turned => all.push(turned),
        }
    }
    if let Err(error) = lasts.together(held) {
        for slot in &mut all {
            let Ok(item) = slot else { continue };
            // A deletion whose mark may not be on the disk is not started.
            let back = item.turn_for_now(Mark::Purging, Mark::Complete);
            *slot = Err(back.err().unwrap_or_else(|| Fault::io("sync", held.place.path(), copy(&error))));
        }
    }
    let mut done = Vec::with_capacity(all.len());
    for item in all {
        done.push(match item.and_then(|item| purge(held, &item, hook)) {
            Err(Fault::Stopped(error)) => return Err(error),
            result => result.map_err(Fault::into_error),
        });
    }
    Ok(done)
}

/// The way in which changes are synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lasts {
    /// By each item, file by file.
    Alone,
    /// For all of them at once.
    Together,
}

impl Lasts {
    fn of(held: &Held, count: usize) -> Lasts {
        if count > 1 && held.can_sync_all() { Lasts::Together } else { Lasts::Alone }
    }

    fn together(self, held: &Held) -> std::io::Result<()> {
        match self {
            Lasts::Alone => Ok(()),
            Lasts::Together => held.sync_all(),
        }
    }
}

/// State of one of several orders.
enum State<'a> {
    Open(Box<Open<'a>>),
    Over(Result<Outcome, Fault>),
}

/// An order whose journal is written.
struct Open<'a> {
    item: Item,
    root: ConfinedDir,
    times: Times,
    holds: Holds<'a>,
}

impl State<'_> {
    fn fail(&mut self, held: &Held, error: &std::io::Error, undo: impl FnOnce(&mut Open<'_>)) {
        if let State::Open(open) = self {
            undo(open);
            *self = State::Over(Err(Fault::io("sync", held.place.path(), copy(error))));
        }
    }

    fn outcome(self) -> Result<Outcome, Fault> {
        match self {
            State::Open(open) => Ok(Outcome::Trashed { id: open.item.id }),
            State::Over(outcome) => outcome,
        }
    }
}

/// Compares the disk with the order, and writes its journal.
fn begin<'a>(held: &Held, ask: Ask<'a>, lasts: Lasts, hook: Hook<'_>) -> Result<Open<'a>, Fault> {
    let Ask { order, holds } = ask;
    order.check()?;
    let root = held.place.root(&order.root)?;
    if (root.dev, root.ino) != (order.root_is.dev, order.root_is.ino) {
        return Err(Fault::RootChanged { path: order.root });
    }
    let dirs = compare_with_seen(&root, &order)?;
    let item = Item::create(held, order, dirs, lasts == Lasts::Alone, hook)?;
    match Times::open(&item.folder, &item.journal.dirs) {
        Ok(times) => Ok(Open { item, root, times, holds }),
        Err(why) => {
            item.remove(&held.place, hook)?;
            Err(why)
        }
    }
}

/// Runs a step for each order that is open; an order for which it fails is undone at once.
fn each(
    held: &Held,
    all: &mut [State<'_>],
    hook: Hook<'_>,
    mut step: impl FnMut(&mut Open<'_>, Hook<'_>) -> Result<(), Fault>,
) -> anyhow::Result<()> {
    for state in all {
        let State::Open(open) = state else { continue };
        let why = match step(open, hook) {
            Ok(()) => continue,
            Err(Fault::Stopped(error)) => return Err(error),
            Err(why) => why,
        };
        let outcome = match put_back::undo(held, &open.item, &open.root, &mut open.times, hook) {
            Ok(true) => Ok(Outcome::Kept { id: open.item.id.clone(), why }),
            Ok(false) if why.is_change() => Ok(Outcome::Skipped { why }),
            Ok(false) => Err(why),
            Err(Fault::Stopped(error)) => return Err(error),
            Err(undo) => Err(Fault::HalfDone { id: open.item.id.clone(), why: Box::new(why), source: Box::new(undo) }),
        };
        *state = State::Over(outcome);
    }
    Ok(())
}

/// Copies an error.
fn copy(error: &std::io::Error) -> std::io::Error {
    error.raw_os_error().map_or_else(|| error.kind().into(), std::io::Error::from_raw_os_error)
}

/// Moves everything in `order` to the trash, or nothing.
///
/// # Errors
/// [`Fault`]s with their failure. Everything is as it was then, too, except for what the message says.
pub fn discard(held: &Held, order: Order, hook: Hook<'_>) -> anyhow::Result<Outcome> {
    discard_while(held, order, &|| Ok(()), hook)
}

/// Moves everything in `order` to the trash, if `holds` succeeds after the moves; else everything is put back at once.
/// Its error is a path where the entry is no longer what it was.
///
/// # Errors
/// As [`discard`].
pub fn discard_while(held: &Held, order: Order, holds: Holds<'_>, hook: Hook<'_>) -> anyhow::Result<Outcome> {
    let mut done = discard_all(held, vec![Ask { order, holds }], hook)?;
    // One order was given.
    done.pop().unwrap_or_else(|| Err(anyhow::anyhow!("nothing was done")))
}

/// Deletes an item for good.
///
/// # Errors
/// [`Fault`]s with their failure. When nothing was deleted until then, the item is as it was. Deleted entries are lost
/// ([`Fault::HalfDeleted`]), and the next recovery deletes the rest.
pub fn empty(held: &Held, id: &str, hook: Hook<'_>) -> anyhow::Result<Emptied> {
    let mut done = empty_all(held, &[id.to_owned()], hook)?;
    // One item was given.
    done.pop().unwrap_or_else(|| Err(anyhow::anyhow!("nothing was done")))
}
