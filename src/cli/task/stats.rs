use super::{Access, Ctx, Exit};
use crate::clock::Timestamp;
use crate::model::task::{AttemptEnd, ModelStats, Stats, TaskState};
use crate::ops::inference::InferenceReport;
use crate::ops::tasks::Lens;
use crate::ui::{Document, Section, units};
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// Show queue statistics
#[derive(Debug, Args)]
pub struct StatsArgs {
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Shown<'a> {
    inference: InferenceReport,
    tasks: BTreeMap<&'static str, u64>,
    oldest_due: Option<String>,
    next_due: Option<String>,
    finished_bytes: u64,
    attempts: &'a BTreeMap<AttemptEnd, u64>,
    models: &'a [ModelStats],
}

impl Document for Shown<'_> {
    const SCHEMA: &'static str = "modelctl.task-stats/1";
}

pub fn run(ctx: &mut Ctx, args: &StatsArgs) -> anyhow::Result<Exit> {
    let now = ctx.session.now;
    let queue = ctx.queue(Access::ReadOnly)?;
    let (mut stats, inference) = (queue.stats()?, queue.inference()?);
    stats.counts = Lens::counts(&mut ctx.session, stats.counts)?;
    let word = if inference.on { "on" } else { "off" };
    if args.json {
        let count = |state: &TaskState| (state.name(), stats.counts.get(state).copied().unwrap_or(0));
        ctx.ui.document(&Shown {
            inference: InferenceReport::of(&inference),
            tasks: TaskState::ALL.iter().map(count).collect(),
            oldest_due: stats.oldest_due.map(Timestamp::rfc3339),
            next_due: stats.next_due.map(Timestamp::rfc3339),
            finished_bytes: stats.finished_bytes,
            attempts: &stats.attempts,
            models: &stats.models,
        })?;
    } else {
        ctx.ui.sections(&sections(&stats, word, now))?;
    }
    Ok(Exit::Done)
}

fn sections(stats: &Stats, inference: &str, now: Timestamp) -> Vec<Section> {
    let mut queue = Section::new("queue");
    queue.add("inference", inference);
    for state in TaskState::ALL {
        queue.add(state.name(), stats.counts.get(state).copied().unwrap_or(0).to_string());
    }
    queue.some("waiting longest", stats.oldest_due.map(|at| units::ago(at.age(now))));
    queue.some("next due", stats.next_due.map(|at| format!("in {}", units::ago(now.age(at)))));
    queue.add("kept texts", units::bytes(stats.finished_bytes));
    let mut sections = vec![queue];
    if !stats.attempts.is_empty() {
        let mut attempts = Section::new("attempts");
        for (end, number) in &stats.attempts {
            attempts.add(&end.name().replace('_', " "), number.to_string());
        }
        sections.push(attempts);
    }
    if !stats.models.is_empty() {
        let mut models = Section::new("answered");
        for model in &stats.models {
            let time = Duration::from_millis(model.generate_ms);
            models.add(
                &model.name,
                format!(
                    "{}, {} tokens in, {} out, {}",
                    units::plural(model.tasks, "task"),
                    units::count(model.prompt_tokens),
                    units::count(model.completion_tokens),
                    units::tokens_per_second(model.completion_tokens, time)
                ),
            );
        }
        sections.push(models);
    }
    sections
}
