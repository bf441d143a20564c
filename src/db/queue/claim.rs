//! Claiming of tasks: one transaction for a group that one model can serve.

use super::meta;
use super::row::{COLUMNS, apply, read_ticket, ticket, whole, wish};
use super::transition::ids;
use crate::clock::Timestamp;
use crate::db::cells::Cells;
use crate::db::error::DbResult;
use crate::model::Tier;
use crate::model::task::machine::{self, Owner};
use crate::model::task::order::{Admission, ClaimAsk, ClaimChoice, Claimed, choose_wishes, place};
use crate::model::task::{Moment, Task, TaskState, Ticket, Wish};
use rusqlite::Connection;

/// The maximum number of waiting tasks that become due in one claim.
const PROMOTED: u32 = 1_000;

/// Returns whether a task with one of these wishes is due, or any task at all for `None`. Such tasks keep a model in
/// memory.
pub(super) fn any_due(tx: &Connection, wishes: Option<&[Wish]>, now: Timestamp) -> DbResult<bool> {
    let Some(wishes) = wishes else { return may_claim(tx, now) };
    for wish in wishes {
        if !first(tx, wish, (1, false))?.is_empty() {
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
}

/// Returns every wish of due tasks, with the number of those tasks.
pub(super) fn due_wishes(tx: &Connection, now: Timestamp) -> DbResult<Vec<(Wish, u64)>> {
    let mut find = tx.prepare_cached(
        "SELECT wish_model, wish_tier, sum(n) FROM (
             SELECT wish_model, wish_tier, count(*) AS n FROM task WHERE state = 'queued'
             GROUP BY wish_model, wish_tier
             UNION ALL
             SELECT wish_model, wish_tier, 1 FROM task WHERE state = 'scheduled' AND until <= ?1)
         GROUP BY wish_model, wish_tier",
    )?;
    let mut rows = find.query([now.millis()])?;
    let mut wishes = Vec::new();
    while let Some(row) = rows.next()? {
        let mut cells = Cells::new(row, "task");
        wishes.push((wish(&mut cells)?, cells.count()?));
    }
    Ok(wishes)
}

/// Returns whether a task with this wish is due that may be answered by another model.
pub(super) fn may_any_fall_back(tx: &Connection, wish: &Wish) -> DbResult<bool> {
    Ok(!first(tx, wish, (1, true))?.is_empty())
}

/// Returns the earliest deadline of a waiting task.
pub(super) fn next_deadline(tx: &Connection) -> DbResult<Option<Timestamp>> {
    let mut find = tx.prepare_cached(
        "SELECT min(deadline) FROM task WHERE deadline IS NOT NULL AND state IN ('queued', 'scheduled')",
    )?;
    Ok(find.query_row([], |row| row.get::<_, Option<i64>>(0))?.map(Timestamp))
}

/// Returns the time when the next scheduled task is due.
pub(super) fn next_due(tx: &Connection) -> DbResult<Option<Timestamp>> {
    let mut find = tx.prepare_cached("SELECT min(until) FROM task WHERE state = 'scheduled'")?;
    Ok(find.query_row([], |row| row.get::<_, Option<i64>>(0))?.map(Timestamp))
}

/// Returns whether any task is due.
pub(super) fn may_claim(tx: &Connection, now: Timestamp) -> DbResult<bool> {
    let mut find = tx.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM task WHERE state = 'queued')
             OR EXISTS (SELECT 1 FROM task WHERE state = 'scheduled' AND until <= ?1)",
    )?;
    Ok(find.query_row([now.millis()], |row| row.get(0))?)
}

/// Claims up to `ask.limit` due tasks that one model can serve.
pub(super) fn claim(tx: &Connection, ask: &ClaimAsk, at: Moment) -> DbResult<Claimed> {
    if !meta::is_on(tx)? {
        return Ok(Claimed::Off);
    }
    promote(tx, at)?;
    loop {
        let firsts = admitted(tx, firsts(tx)?, ask)?;
        let Some(head) = firsts.first() else { return Ok(Claimed::Nothing) };
        let is_served = |ticket: &&Ticket| ask.loaded.iter().any(|l| l.serves.contains(&ticket.wish));
        let wishes = match choose_wishes(head, firsts.iter().find(is_served), ask, at) {
            ClaimChoice::Serve(wishes) => wishes,
            ClaimChoice::Yield => return Ok(Claimed::Yield),
        };
        let taken = take(tx, firsts, &wishes, ask, at)?;
        // Every candidate may have passed its deadline, and has then left the queue.
        if !taken.is_empty() || ask.limit == 0 {
            return Ok(Claimed::Tasks(taken));
        }
    }
}

/// Makes scheduled tasks due whose time has come. The earliest first, and a bounded number: the next claim continues.
fn promote(tx: &Connection, at: Moment) -> DbResult<()> {
    let due = ids(
        tx,
        "SELECT id FROM task WHERE state = 'scheduled' AND until <= ?1 ORDER BY until LIMIT ?2",
        (at.now.millis(), PROMOTED),
    )?;
    for id in due {
        let Some(before) = ticket(tx, id)? else { continue };
        if let Some(change) = machine::on_time_passed(&before, Owner::MayLive, at) {
            apply(tx, &before, &change, at)?;
        }
    }
    Ok(())
}

/// Returns the first due ticket of each wish, best first. A skip scan (loose index scan): one seek for each existing
/// wish: the models that are asked for by name, the tiers, and any.
fn firsts(tx: &Connection) -> DbResult<Vec<Ticket>> {
    let mut firsts = Vec::new();
    let mut next = skip_scan(tx, "", ())?;
    while let Some(found) = next {
        next = match (found.wish.model(), found.wish.tier().map(Tier::name)) {
            // No ticket has both a model and a tier.
            (Some(model), _) => skip_scan(tx, "AND wish_model > ?1", [model])?,
            (None, Some(tier)) => skip_scan(tx, "AND wish_model IS NULL AND wish_tier > ?1", [tier])?,
            (None, None) => skip_scan(tx, "AND wish_model IS NULL AND wish_tier IS NOT NULL", ())?,
        };
        if next.is_none() && found.wish.model().is_none() {
            next = skip_scan(tx, "AND wish_model IS NOT NULL", ())?;
        }
        firsts.push(found);
    }
    firsts.sort_by_key(place);
    Ok(firsts)
}

fn skip_scan(tx: &Connection, past: &str, from: impl rusqlite::Params) -> DbResult<Option<Ticket>> {
    let mut find = tx.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM task WHERE state = 'queued' {past}
         ORDER BY wish_model, wish_tier, priority DESC, ready, id LIMIT 1"
    ))?;
    let mut rows = find.query(from)?;
    rows.next()?.map(read_ticket).transpose()
}

/// Keeps the first tickets of the wishes that `ask` admits.
fn admitted(tx: &Connection, firsts: Vec<Ticket>, ask: &ClaimAsk) -> DbResult<Vec<Ticket>> {
    if ask.admits_all() {
        return Ok(firsts);
    }
    let mut left = Vec::new();
    for found in firsts {
        match ask.admits(&found.wish) {
            Admission::All => left.push(found),
            Admission::FallbackOnly => left.extend(first(tx, &found.wish, (1, true))?),
            Admission::None => {}
        }
    }
    left.sort_by_key(place);
    Ok(left)
}

/// Returns the first due tickets of one wish in the order of the claim: all of them, or those that may fall back.
fn first(tx: &Connection, wish: &Wish, (limit, fallback): (usize, bool)) -> DbResult<Vec<Ticket>> {
    let only = if fallback { "AND fallback" } else { "" };
    let mut find = tx.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM task WHERE state = 'queued' AND wish_model IS ?2 AND wish_tier IS ?3 {only}
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

/// Claims the best tickets of several wishes; `firsts` are the first tickets of each wish. Tickets whose deadline has
/// passed fail meanwhile and are not returned.
fn take(tx: &Connection, firsts: Vec<Ticket>, wishes: &[Wish], ask: &ClaimAsk, at: Moment) -> DbResult<Vec<Task>> {
    let mut candidates = Vec::new();
    for best in firsts.into_iter().filter(|best| wishes.contains(&best.wish)) {
        if ask.limit == 1 {
            candidates.push(best);
        } else {
            let is_fallback = ask.admits(&best.wish) == Admission::FallbackOnly;
            candidates.extend(first(tx, &best.wish, (ask.limit, is_fallback))?);
        }
    }
    candidates.sort_by_key(place);
    let mut taken = Vec::new();
    for before in candidates.into_iter().take(ask.limit) {
        // A ticket read under this lock is queued, so no refusal is possible; if there were one, the ticket would be
        // left to others.
        let Ok(change) = machine::claim(&before, &ask.owner, at) else { continue };
        apply(tx, &before, &change, at)?;
        if change.ticket.state() == TaskState::Running {
            taken.push(whole(tx, change.ticket)?);
        }
    }
    Ok(taken)
}
