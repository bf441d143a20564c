use super::super::args::named as one_of;
use super::view::{preview, tone};
use super::{Ctx, Exit};
use crate::clock::Timestamp;
use crate::model::task::{Task, TaskFilter, TaskState};
use crate::ops::tasks::Lens;
use crate::ops::tasks::list::{self, Listing};
use crate::ui::{Cell, Column, Table, Tone, text, units};
use clap::Args;

/// Longest preview of a prompt in a list, in characters.
const PREVIEW: usize = 200;

/// List tasks, newest first
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only tasks in this state; repeatable
    #[arg(long, value_parser = one_of(TaskState::ALL, TaskState::name))]
    state: Vec<TaskState>,
    /// Only unfinished tasks
    #[arg(long, conflicts_with = "state")]
    pending: bool,
    /// Only tasks of this batch
    #[arg(long, value_name = "BATCH")]
    batch: Option<String>,
    /// Maximum number to show; 0 shows all
    #[arg(long, short = 'n', value_name = "N", default_value_t = 50)]
    limit: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(ctx: &mut Ctx, args: &ListArgs) -> anyhow::Result<Exit> {
    let states = if args.pending {
        vec![TaskState::Queued, TaskState::Scheduled, TaskState::Running]
    } else {
        args.state.clone()
    };
    let limit = if args.limit == 0 { u32::MAX } else { args.limit };
    let now = ctx.session.now;
    let filter = TaskFilter { states, batch: args.batch.clone() };
    let listing = list::newest(&mut ctx.session, &filter, limit)?;
    if args.json {
        ctx.ui.document(&listing.report())?;
        return Ok(Exit::Done);
    }
    let tasks = listing.tasks(&mut ctx.session)?;
    let Listing { lens, is_full, .. } = &listing;
    if tasks.is_empty() {
        ctx.ui.note(if filter == TaskFilter::default() { "no tasks" } else { "no task matches" });
        return Ok(Exit::Done);
    }
    ctx.ui.table(&table(&tasks, now, lens))?;
    if let Some(why) = lens.waits().why() {
        ctx.ui.note(&format!("{} waiting: {}", units::plural(lens.waits().tasks(), "task"), text::clean(&why)));
    }
    if *is_full {
        ctx.ui.note(&format!("showing the newest {limit}; `-n 0` shows all"));
    }
    Ok(Exit::Done)
}

fn table<'a>(tasks: &[(Task, Option<String>)], now: Timestamp, lens: &Lens) -> Table<'a> {
    let mut table = Table::new(&[
        Column::right("ID", 0),
        Column::left("STATE", 0),
        Column::right("AGE", 2),
        Column::right("TRIES", 4).extra(),
        Column::right("PRIO", 5).unless("0").extra(),
        Column::left("KEY", 1).shrink_to(8),
        Column::left("BATCH", 6).shrink_to(8).extra(),
        Column::name("MODEL", 3, 16),
        Column::left("PROMPT", 0).shrink_to(12),
    ]);
    for (task, model) in tasks {
        let ticket = &task.ticket;
        let state = match lens.waits_for(ticket) {
            Some(_) => Cell::new("waiting").tone(Tone::Warn),
            None => Cell::new(ticket.state().name()).tone(tone(ticket.state())),
        };
        table.row(vec![
            Cell::new(ticket.id.to_string()),
            state,
            Cell::new(units::ago(ticket.created.age(now))),
            Cell::new(format!("{}/{}", ticket.attempts, ticket.max_attempts)),
            Cell::new(ticket.priority.to_string()),
            Cell::new(ticket.key.clone().unwrap_or_default()),
            Cell::new(ticket.batch.clone()),
            Cell::new(model.clone().unwrap_or_default()),
            Cell::new(preview(&task.request).chars().take(PREVIEW).collect::<String>()),
        ]);
    }
    table
}
