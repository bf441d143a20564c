//! Taking tasks: one transaction for a group that one model can serve.

use super::row::{COLUMNS, apply, read_ticket, ticket, whole};
use super::{finish, ids, toggle};
use crate::clock::Timestamp;
use crate::db::Db;
use crate::db::error::DbResult;
use crate::model::Tier;
use crate::model::task::machine::{self, End, Owner, Refusal};
use crate::model::task::order::{ClaimAsk, Claimed, Turn, place, turn};
use crate::model::task::{Hold, Moment, Task, TaskState, Ticket, Wish};
use rusqlite::Connection;

/// Waiting tasks made due in one claim.
const PROMOTED: u32 = 1_000;

impl Db {
    /// Takes up to `ask.limit` tasks that are due and that one model can serve, in one commit. Which those are is
    /// decided by [`turn`].
    pub fn claim_tasks(&mut self, ask: &ClaimAsk, at: Moment) -> anyhow::Result<Claimed> {
        // An empty queue is asked often and by everybody: without the write lock.
        if !self.read(|tx| may_claim(tx, at.now))? {
            return self.read(|tx| Ok(if toggle::is_on(tx)? { Claimed::Nothing } else { Claimed::Off }));
        }
        self.write(|tx| claim(tx, ask, at))
    }

    /// Ends attempts and claims the next tasks in one commit: half the waiting for the disk where tasks are short.
    /// The ends are recorded whether or not there is anything to claim.
    pub fn exchange_tasks(
        &mut self,
        ends: Vec<(Hold, End)>,
        ask: &ClaimAsk,
        at: Moment,
    ) -> anyhow::Result<(Vec<Result<TaskState, Refusal>>, Claimed)> {
        self.write(|tx| Ok((finish(tx, ends, at)?, claim(tx, ask, at)?)))
    }

    /// Whether any task is due that has one of these wishes, or any at all where none are given: what keeps a model in
    /// memory.
    pub fn any_task_due(&self, wishes: Option<&[Wish]>, now: Timestamp) -> anyhow::Result<bool> {
        self.read(|tx| {
            let Some(wishes) = wishes else { return may_claim(tx, now) };
            for wish in wishes {
                if !first(tx, wish, 1)?.is_empty() {
                    return Ok(true);
                }
            }
            let mut find = tx.prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM task WHERE state = 'scheduled' AND until <= ?1
                 AND wish_model IS ?2 AND wish_tier IS ?3)",
            )?;
            for wish in wishes {
                let due = (now.millis(), wish.model(), wish.tier().map(Tier::name));
                if find.query_row(due, |row| row.get(0))? {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }

    /// When the next task that is not due yet will be.
    pub fn next_task_due(&self) -> anyhow::Result<Option<Timestamp>> {
        self.read(|tx| {
            let mut find = tx.prepare_cached("SELECT min(until) FROM task WHERE state = 'scheduled'")?;
            Ok(find.query_row([], |row| row.get::<_, Option<i64>>(0))?.map(Timestamp))
        })
    }
}

fn may_claim(tx: &Connection, now: Timestamp) -> DbResult<bool> {
    let mut find = tx.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM task WHERE state = 'queued')
             OR EXISTS (SELECT 1 FROM task WHERE state = 'scheduled' AND until <= ?1)",
    )?;
    Ok(find.query_row([now.millis()], |row| row.get(0))?)
}

fn claim(tx: &Connection, ask: &ClaimAsk, at: Moment) -> DbResult<Claimed> {
    if !toggle::is_on(tx)? {
        return Ok(Claimed::Off);
    }
    promote(tx, at)?;
    loop {
        let firsts = firsts(tx)?;
        let Some(head) = firsts.first() else { return Ok(Claimed::Nothing) };
        let is_served = |ticket: &&Ticket| ask.loaded.iter().any(|l| l.serves.contains(&ticket.wish));
        let wishes = match turn(head, firsts.iter().find(is_served), ask, at) {
            Turn::Serve(wishes) => wishes,
            Turn::Yield => return Ok(Claimed::Yield),
        };
        let taken = take(tx, firsts, &wishes, ask, at)?;
        // Every candidate may have passed its deadline, and then it has left the queue.
        if !taken.is_empty() || ask.limit == 0 {
            return Ok(Claimed::Tasks(taken));
        }
    }
}

/// Makes due what has become so. The earliest first, and a bounded number: the next claim takes the next.
fn promote(tx: &Connection, at: Moment) -> DbResult<()> {
    let due = ids(
        tx,
        "SELECT id FROM task WHERE state = 'scheduled' AND until <= ?1 ORDER BY until LIMIT ?2",
        (at.now.millis(), PROMOTED),
    )?;
    for id in due {
        let Some(before) = ticket(tx, id)? else { continue };
        if let Some(change) = machine::tidy(&before, Owner::MayLive, at) {
            apply(tx, &before, &change, at)?;
        }
    }
    Ok(())
}

/// The first due ticket of each wish, best first. A leap through the index for each wish there is: the models that are
/// asked for by name, the tiers, and any.
fn firsts(tx: &Connection) -> DbResult<Vec<Ticket>> {
    let mut firsts = Vec::new();
    let mut next = leap(tx, "", ())?;
    while let Some(found) = next {
        next = match (found.wish.model(), found.wish.tier().map(Tier::name)) {
            // A model or a tier: no ticket has both.
            (Some(model), _) => leap(tx, "AND wish_model > ?1", [model])?,
            (None, Some(tier)) => leap(tx, "AND wish_model IS NULL AND wish_tier > ?1", [tier])?,
            (None, None) => leap(tx, "AND wish_model IS NULL AND wish_tier IS NOT NULL", ())?,
        };
        if next.is_none() && found.wish.model().is_none() {
            next = leap(tx, "AND wish_model IS NOT NULL", ())?;
        }
        firsts.push(found);
    }
    firsts.sort_by_key(place);
    Ok(firsts)
}

fn leap(tx: &Connection, past: &str, from: impl rusqlite::Params) -> DbResult<Option<Ticket>> {
    let mut find = tx.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM task WHERE state = 'queued' {past}
         ORDER BY wish_model, wish_tier, priority DESC, ready, id LIMIT 1"
    ))?;
    let mut rows = find.query(from)?;
    rows.next()?.map(read_ticket).transpose()
}

/// The first due tickets of one wish in the order of the claim.
fn first(tx: &Connection, wish: &Wish, limit: usize) -> DbResult<Vec<Ticket>> {
    let mut find = tx.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM task WHERE state = 'queued' AND wish_model IS ?2 AND wish_tier IS ?3
         ORDER BY priority DESC, ready, id LIMIT ?1"
    ))?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = find.query((limit, wish.model(), wish.tier().map(Tier::name)))?;
    let mut tickets = Vec::new();
    while let Some(row) = rows.next()? {
        tickets.push(read_ticket(row)?);
    }
    Ok(tickets)
}

/// Claims the best of several wishes, of whose tickets `firsts` are the first. Those whose deadline has passed fail on
/// the way and are not among the taken.
fn take(tx: &Connection, firsts: Vec<Ticket>, wishes: &[Wish], ask: &ClaimAsk, at: Moment) -> DbResult<Vec<Task>> {
    let mut candidates = Vec::new();
    for best in firsts.into_iter().filter(|best| wishes.contains(&best.wish)) {
        if ask.limit == 1 {
            candidates.push(best);
        } else {
            candidates.extend(first(tx, &best.wish, ask.limit)?);
        }
    }
    candidates.sort_by_key(place);
    let mut taken = Vec::new();
    for before in candidates.into_iter().take(ask.limit) {
        // What was read under this lock is queued; a refusal cannot come, and would leave it to others.
        let Ok(change) = machine::claim(&before, &ask.owner, at) else { continue };
        apply(tx, &before, &change, at)?;
        if change.ticket.state() == TaskState::Running {
            taken.push(whole(tx, change.ticket)?);
        }
    }
    Ok(taken)
}
