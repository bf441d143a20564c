use super::view::{preview, tone};
use super::{Ctx, Exit};
use crate::clock::Timestamp;
use crate::failure::Failure;
use crate::model::task::{Attempt, Phase, Standing, Task, Wish};
use crate::ops::tasks::Lens;
use crate::ops::tasks::show::{Shown, estimated_start, show};
use crate::ui::{Section, units};
use clap::Args;
use std::time::Duration;

/// Show a task: its state, attempts and answer
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Number, key, or BATCH/KEY
    #[arg(value_name = "TASK")]
    task: String,
    /// Print only the answer, unchanged
    #[arg(long, conflicts_with = "json")]
    text: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(ctx: &mut Ctx, args: &ShowArgs) -> anyhow::Result<Exit> {
    let now = ctx.session.now;
    let shown = show(&mut ctx.session, &args.task)?;
    let Shown { task, attempts, standing, is_inference_on, lens, .. } = &shown;
    if args.text {
        let Some(result) = &task.result else {
            let state = task.ticket.state();
            return Err(Failure::cannot_meet(format!("task {} has no answer: it is {state}", task.ticket.id)).into());
        };
        ctx.ui.raw(result.text.as_bytes())?;
        return Ok(Exit::Done);
    }
    if args.json {
        ctx.ui.document(&shown.report(now))?;
        return Ok(Exit::Done);
    }
    let mut sections = vec![about(task, standing.as_ref(), now, (*is_inference_on, lens))];
    if !attempts.is_empty() {
        sections.push(history(attempts, now));
    }
    ctx.ui.sections(&sections)?;
    if let Some(result) = &task.result {
        ctx.ui.line("")?;
        ctx.ui.heading("answer")?;
        ctx.ui.line(result.text.trim_end_matches('\n'))?;
    }
    Ok(Exit::Done)
}

fn about(task: &Task, standing: Option<&Standing>, now: Timestamp, (on, lens): (bool, &Lens)) -> Section {
    let ticket = &task.ticket;
    let mut section = Section::new(format!("task {}", ticket.id));
    section.toned("state", state(task, standing, now, on), tone(ticket.state()));
    section.some("waits for", lens.waits_for(ticket));
    section.some("error", ticket.error.as_ref().map(|e| format!("{} ({})", e.message, e.kind.name())));
    section.some("key", ticket.key.as_ref());
    section.some("batch", Some(&ticket.batch).filter(|b| !b.is_empty()));
    section.add("prompt", preview(&task.request).chars().take(200).collect::<String>());
    match &ticket.wish {
        Wish::Any => section.add("wants", "any model"),
        Wish::Tier(tier) => section.add("wants", format!("a {tier} model")),
        Wish::Model(model) => {
            let fallback = if ticket.fallback { ", else another model" } else { "" };
            section.add("wants", format!("{} ({model}){fallback}", lens.name(model)));
        }
    }
    section.add("priority", ticket.priority.to_string());
    section.add("added", format!("{}, {} ago", ticket.created.rfc3339(), units::ago(ticket.created.age(now))));
    section.some("not before", ticket.not_before.map(Timestamp::rfc3339));
    section.some("deadline", ticket.deadline.map(Timestamp::rfc3339));
    section.some("time limit", ticket.timeout_ms.map(|ms| units::took(Duration::from_millis(ms))));
    section.add(
        "attempts",
        format!(
            "{} of {}, crashes {}, interruptions {}, second models {}",
            ticket.attempts, ticket.max_attempts, ticket.crashes, ticket.interruptions, ticket.swaps
        ),
    );
    if let Some(result) = &task.result {
        section.add("model", format!("{} ({})", result.model_name, result.model));
        section.add(
            "tokens",
            format!("{} in, {} out, ended by {}", result.prompt_tokens, result.completion_tokens, result.finish_reason),
        );
        let (prompt, generate) = (Duration::from_millis(result.prompt_ms), Duration::from_millis(result.generate_ms));
        section.add(
            "time",
            format!(
                "{} to the first token, then {} ({})",
                units::took(prompt),
                units::took(generate),
                units::tokens_per_second(result.completion_tokens, generate)
            ),
        );
    }
    section
}

fn state(task: &Task, standing: Option<&Standing>, now: Timestamp, on: bool) -> String {
    let name = task.ticket.state().name();
    let until = |time: Timestamp| units::ago(now.age(time));
    match &task.ticket.phase {
        Phase::Queued => {
            let ahead = standing.map_or(0, |s| s.ahead);
            let place =
                if ahead == 0 { "next".to_owned() } else { format!("{} before it", units::plural(ahead, "task")) };
            match estimated_start(task, standing, now) {
                _ if !on => format!("{name}, {place}, and inference is off"),
                Some(at) => format!("{name}, {place}, starts in about {}", until(at)),
                None => format!("{name}, {place}"),
            }
        }
        Phase::Scheduled { until: due } => format!("{name}, due in {} ({})", until(*due), due.rfc3339()),
        Phase::Running(lease) => format!("{name} for {}", units::ago(lease.since.age(now))),
        Phase::Done { at } | Phase::Failed { at } | Phase::Cancelled { at } => {
            format!("{name}, {} ago", units::ago(at.age(now)))
        }
    }
}

fn history(attempts: &[Attempt], now: Timestamp) -> Section {
    let mut section = Section::new("attempts");
    for attempt in attempts {
        let end = attempt.end.map_or("running", |end| end.name()).replace('_', " ");
        let took = attempt.started.age(attempt.ended.unwrap_or(now));
        let mut text = format!("{end} after {}", units::took(took));
        if let Some(model) = &attempt.model {
            text.push_str(&format!(", model {model}"));
        }
        if let Some(error) = &attempt.error {
            text.push_str(&format!(": {}", error.message));
        }
        section.add(&attempt.started.rfc3339(), text);
    }
    section
}
