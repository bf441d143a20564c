use super::super::list::named as one_of;
use super::view::{TicketJson, preview, tone};
use super::{Access, Ctx, Exit};
use crate::clock::Timestamp;
use crate::db::{Db, TaskFilter};
use crate::model::task::{Task, TaskState, Ticket};
use crate::ui::{Cell, Column, Table, units};
use clap::Args;

/// Longest preview of a prompt in a list that is not on a terminal, characters.
const PREVIEW: usize = 200;

/// Tasks read at once.
const PAGE: u32 = 2_000;

/// List tasks, newest first
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only tasks in this state; may be given several times
    #[arg(long, value_parser = one_of(TaskState::ALL, TaskState::name))]
    state: Vec<TaskState>,
    /// Only tasks that have not ended
    #[arg(long, conflicts_with = "state")]
    pending: bool,
    /// Only tasks of this batch
    #[arg(long, value_name = "BATCH")]
    batch: Option<String>,
    /// So many at most; 0 is all
    #[arg(long, short = 'n', value_name = "N", default_value_t = 50)]
    limit: u32,
    /// Print a JSON array of objects
    #[arg(long)]
    json: bool,
}

pub fn run(ctx: &mut Ctx, args: &ListArgs) -> anyhow::Result<Exit> {
    let states = if args.pending {
        vec![TaskState::Queued, TaskState::Scheduled, TaskState::Running]
    } else {
        args.state.clone()
    };
    let filter = TaskFilter { states, batch: args.batch.clone() };
    let limit = if args.limit == 0 { u32::MAX } else { args.limit };
    let now = ctx.now;
    let db = ctx.db(Access::ReadOnly)?;
    let tickets = newest(db, &filter, limit)?;
    if args.json {
        let shown: Vec<TicketJson> = tickets.iter().map(TicketJson::of).collect();
        ctx.ui.json(&shown)?;
        return Ok(Exit::Done);
    }
    // Each text in a read of its own: a list of long prompts is no long transaction.
    let mut tasks = Vec::with_capacity(tickets.len());
    for ticket in &tickets {
        tasks.extend(db.task(ticket.id)?);
    }
    if tasks.is_empty() {
        ctx.ui.note(if filter == TaskFilter::default() { "no tasks" } else { "no task fits" });
        return Ok(Exit::Done);
    }
    ctx.ui.table(&table(&tasks, now))?;
    if tickets.len() as u64 == u64::from(limit) {
        ctx.ui.note(&format!("the newest {limit}; `-n 0` shows all"));
    }
    Ok(Exit::Done)
}

/// Page by page, so that no read of the database is long.
fn newest(db: &Db, filter: &TaskFilter, limit: u32) -> anyhow::Result<Vec<Ticket>> {
    let mut tickets: Vec<Ticket> = Vec::new();
    loop {
        let left = limit.saturating_sub(u32::try_from(tickets.len()).unwrap_or(u32::MAX)).min(PAGE);
        let page = db.newest_tasks(filter, tickets.last().map(|ticket| ticket.id), left)?;
        if page.is_empty() {
            return Ok(tickets);
        }
        tickets.extend(page);
    }
}

fn table<'a>(tasks: &[Task], now: Timestamp) -> Table<'a> {
    let mut table = Table::new(&[
        Column::right("ID", 0),
        Column::left("STATE", 0),
        Column::right("AGE", 2),
        Column::right("TRIES", 4),
        Column::right("PRIO", 5),
        Column::left("KEY", 1).shrink_to(8),
        Column::left("BATCH", 6).shrink_to(8),
        Column::left("MODEL", 3).shrink_to(8),
        Column::left("PROMPT", 0).shrink_to(12),
    ]);
    for task in tasks {
        let ticket = &task.ticket;
        let model = task.result.as_ref().map(|r| r.model_name.clone()).or_else(|| wanted(ticket));
        table.row(vec![
            Cell::new(ticket.id.to_string()),
            Cell::new(ticket.state().name()).tone(tone(ticket.state())),
            Cell::new(units::ago(ticket.created.age(now))),
            Cell::new(format!("{}/{}", ticket.attempts, ticket.max_attempts)),
            Cell::new(ticket.priority.to_string()),
            Cell::new(ticket.key.clone().unwrap_or_default()),
            Cell::new(ticket.batch.clone()),
            Cell::new(model.unwrap_or_default()),
            Cell::new(preview(&task.request).chars().take(PREVIEW).collect::<String>()),
        ]);
    }
    table
}

fn wanted(ticket: &Ticket) -> Option<String> {
    let model = ticket.model.as_ref().map(|m| m.0.clone()).or_else(|| ticket.wish.model().map(str::to_owned));
    model.or_else(|| ticket.wish.tier().map(|t| t.name().to_owned()))
}
