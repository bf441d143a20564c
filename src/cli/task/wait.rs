use super::view::{TicketJson, tone};
use super::{Access, Ctx, Exit, named};
use crate::clock::{self, Timestamp};
use crate::db::{Db, TaskFilter};
use crate::failure::{Failure, Kind};
use crate::model::task::{Phase, TaskId, TaskState, Ticket};
use crate::ui::{Ui, units};
use clap::{ArgGroup, Args};
use std::collections::BTreeMap;
use std::time::Duration;

/// So many tasks are looked at one by one.
const FEW: usize = 20;

/// One wait for a commit. Every so often the state is looked at without one, for what no commit tells.
const LOOK: Duration = Duration::from_secs(10);

/// Wait until tasks have ended
///
/// Exits with 0 when all are done, with 1 when one has failed or was cancelled, with 4 when the time is over.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").required(true))]
pub struct WaitArgs {
    /// Numbers, keys, or BATCH/KEY
    #[arg(value_name = "TASK", group = "which")]
    tasks: Vec<String>,
    /// Every task of this batch
    #[arg(long, value_name = "BATCH", group = "which")]
    batch: Option<String>,
    /// Every task that has not ended yet
    #[arg(long, group = "which")]
    all: bool,
    /// Wait so long at most (`10m`)
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    timeout: Option<Duration>,
    /// Print the tasks as a JSON array when they have ended
    #[arg(long)]
    json: bool,
}

/// Print what happens to tasks, as it happens
///
/// A line for each start and each end. Ends when the tasks that were named have; exits with 1 when one of them has
/// failed or was cancelled. Without any, goes on until it is interrupted.
#[derive(Debug, Args)]
pub struct FollowArgs {
    /// Numbers, keys, or BATCH/KEY; none follows all
    #[arg(value_name = "TASK")]
    tasks: Vec<String>,
    /// Every task of this batch
    #[arg(long, value_name = "BATCH", conflicts_with = "tasks")]
    batch: Option<String>,
    /// Print a JSON object for each event, one a line
    #[arg(long)]
    json: bool,
}

pub fn wait(ctx: &mut Ctx, args: &WaitArgs) -> anyhow::Result<Exit> {
    let started = clock::instant();
    let mut pending =
        if args.tasks.is_empty() { chosen(ctx, args.batch.as_deref())? } else { named(ctx, &args.tasks)? };
    if let Some(batch) = args.batch.as_ref().filter(|_| pending.is_empty()) {
        return Err(Failure::cannot_meet(format!("no task is in the batch `{batch}`"))
            .hint("`modelctl task list` shows the batches of tasks")
            .into());
    }
    tell_if_off(ctx)?;
    let mut ended = Vec::new();
    pending.reverse();
    // One after the other: of fifty thousand only one is looked at with every commit.
    while let Some(id) = pending.last() {
        let db = ctx.db(Access::ReadOnly)?;
        let version = db.version()?;
        match db.ticket(*id)? {
            Some(ticket) if !ticket.state().is_finished() => {}
            Some(ticket) => {
                ended.push(ticket);
                pending.pop();
                continue;
            }
            // Retention took it away, so it had ended; how, nobody knows any more.
            None => {
                pending.pop();
                continue;
            }
        }
        let limit = match args.timeout {
            None => LOOK,
            Some(timeout) => match timeout.checked_sub(started.elapsed()) {
                Some(rest) if !rest.is_zero() => rest.min(LOOK),
                _ => return Err(not_yet(&unfinished(db, &pending)?, timeout).into()),
            },
        };
        db.wait_for_change(version, limit)?;
    }
    ended.sort_by_key(|ticket| ticket.id);
    if args.json {
        let shown: Vec<TicketJson> = ended.iter().map(TicketJson::of).collect();
        ctx.ui.json(&shown)?;
    } else {
        ctx.ui.note(&sum(&ended));
    }
    Ok(exit(&ended))
}

fn unfinished(db: &Db, ids: &[TaskId]) -> anyhow::Result<Vec<TaskId>> {
    let mut left = Vec::new();
    for id in ids {
        left.extend(db.ticket(*id)?.filter(|ticket| !ticket.state().is_finished()).map(|ticket| ticket.id));
    }
    Ok(left)
}

fn not_yet(pending: &[TaskId], timeout: Duration) -> Failure {
    let noun = if pending.len() == 1 { "task has" } else { "tasks have" };
    Failure::new(Kind::Busy, format!("{} {noun} not ended within {}", pending.len(), units::took(timeout)))
        .hint("they go on; `modelctl task list --pending` shows them")
}

/// All of a batch, or all that have not ended.
fn chosen(ctx: &mut Ctx, batch: Option<&str>) -> anyhow::Result<Vec<TaskId>> {
    let states = match batch {
        Some(_) => Vec::new(),
        None => vec![TaskState::Queued, TaskState::Scheduled, TaskState::Running],
    };
    let filter = TaskFilter { states, batch: batch.map(str::to_owned) };
    let db = ctx.db(Access::ReadOnly)?;
    let mut ids = Vec::new();
    loop {
        let page = db.next_tickets(&filter, ids.last().copied().unwrap_or(TaskId(0)), 5_000)?;
        if page.is_empty() {
            return Ok(ids);
        }
        ids.extend(page.iter().map(|ticket| ticket.id));
    }
}

fn tell_if_off(ctx: &mut Ctx) -> anyhow::Result<()> {
    if !ctx.db(Access::ReadOnly)?.inference()?.on {
        ctx.ui.warn("inference is off: waiting tasks do not start");
        ctx.ui.hint("`modelctl inference on` lets them");
    }
    Ok(())
}

fn sum(ended: &[Ticket]) -> String {
    let mut counts: BTreeMap<TaskState, u64> = BTreeMap::new();
    for ticket in ended {
        *counts.entry(ticket.state()).or_default() += 1;
    }
    let words: Vec<String> = counts.iter().map(|(state, number)| format!("{number} {state}")).collect();
    if words.is_empty() { "nothing to wait for".to_owned() } else { words.join(", ") }
}

fn exit(ended: &[Ticket]) -> Exit {
    if ended.iter().all(|ticket| ticket.state() == TaskState::Done) { Exit::Done } else { Exit::Bad }
}

pub fn follow(ctx: &mut Ctx, args: &FollowArgs) -> anyhow::Result<Exit> {
    if ctx.db(Access::ReadOnly)?.is_fresh() {
        return Err(Failure::cannot_meet("there is no queue yet: no task was ever added").into());
    }
    let ids = match (&args.batch, args.tasks.is_empty()) {
        (Some(batch), _) => Some(chosen(ctx, Some(batch))?),
        (None, false) => Some(named(ctx, &args.tasks)?),
        (None, true) => None,
    };
    tell_if_off(ctx)?;
    let mut seen = Seen { shown: BTreeMap::new(), end: (ctx.now, TaskId(u64::MAX >> 1)) };
    // The state of few is told at the beginning; of many, what stands is no event.
    let few = ids.as_ref().filter(|ids| ids.len() <= FEW).cloned();
    let mut pending = ids.clone();
    loop {
        let db = ctx.db(Access::ReadOnly)?;
        let version = db.version()?;
        let changed = match &few {
            Some(ids) => seen.of(db, ids)?,
            None => seen.all(db)?,
        };
        let mut over = false;
        if let Some(left) = &mut pending {
            while let Some(id) = left.last() {
                if db.ticket(*id)?.is_some_and(|ticket| !ticket.state().is_finished()) {
                    break;
                }
                left.pop();
            }
            over = left.is_empty();
        }
        for ticket in changed.iter().filter(|t| ids.as_ref().is_none_or(|ids| ids.contains(&t.id))) {
            say(&mut ctx.ui, ticket, args.json)?;
        }
        ctx.ui.flush()?;
        if over {
            return ended(ctx.db(Access::ReadOnly)?, ids.as_deref().unwrap_or_default());
        }
        ctx.db(Access::ReadOnly)?.wait_for_change(version, LOOK)?;
    }
}

fn ended(db: &Db, ids: &[TaskId]) -> anyhow::Result<Exit> {
    let mut tickets = Vec::new();
    for id in ids {
        tickets.extend(db.ticket(*id)?);
    }
    Ok(exit(&tickets))
}

/// What was told already.
struct Seen {
    /// State, token and round of those that have not ended.
    shown: BTreeMap<TaskId, (TaskState, u64, u32)>,
    /// The end that was told last.
    end: (Timestamp, TaskId),
}

impl Seen {
    fn is_new(&mut self, ticket: &Ticket) -> bool {
        let now = (ticket.state(), ticket.token, ticket.round);
        self.shown.insert(ticket.id, now) != Some(now)
    }

    /// What is new of a few.
    fn of(&mut self, db: &Db, ids: &[TaskId]) -> anyhow::Result<Vec<Ticket>> {
        let mut changed = Vec::new();
        for id in ids {
            changed.extend(db.ticket(*id)?.filter(|ticket| self.is_new(ticket)));
        }
        Ok(changed)
    }

    /// The starts and ends since the last look, from the two small sets that are kept by an index: what runs, and what
    /// ended latest.
    fn all(&mut self, db: &Db) -> anyhow::Result<Vec<Ticket>> {
        let mut changed = Vec::new();
        loop {
            let page = db.finished_after(self.end, 1_000)?;
            let Some(last) = page.last() else { break };
            self.end = (last.phase.finished().unwrap_or(self.end.0), last.id);
            changed.extend(page);
        }
        let running = db.running_tasks()?;
        // One that ran and neither runs nor has ended waits again.
        let gone: Vec<TaskId> = self.shown.keys().copied().filter(|id| !running.iter().any(|t| t.id == *id)).collect();
        for id in gone {
            self.shown.remove(&id);
            if !changed.iter().any(|ticket| ticket.id == id) {
                changed.extend(db.ticket(id)?.filter(|ticket| !ticket.state().is_finished()));
            }
        }
        changed.extend(running.into_iter().filter(|ticket| self.is_new(ticket)));
        Ok(changed)
    }
}

fn say(ui: &mut Ui, ticket: &Ticket, json: bool) -> anyhow::Result<()> {
    if json {
        let mut line = serde_json::to_vec(&TicketJson::of(ticket))?;
        line.push(b'\n');
        return ui.raw(&line);
    }
    let name = ticket.key.as_ref().map(|key| format!(" `{key}`")).unwrap_or_default();
    let more = match &ticket.phase {
        Phase::Queued => String::new(),
        Phase::Scheduled { until } => format!(" until {}", until.rfc3339()),
        Phase::Running(_) => format!(", attempt {} of {}", ticket.attempts, ticket.max_attempts),
        Phase::Done { .. } | Phase::Failed { .. } | Phase::Cancelled { .. } => String::new(),
    };
    let why = ticket.error.as_ref().map(|error| format!(": {}", error.message)).unwrap_or_default();
    ui.painted_line(&format!("task {}{name} is {}{more}{why}", ticket.id, ticket.state()), tone(ticket.state()))
}
