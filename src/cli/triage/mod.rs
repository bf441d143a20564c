//! `modelctl triage`: what is wrong with the services of this node, what proves it, the smallest next step and its undo.

mod args;
pub mod checklist_view;
mod look;
mod map;
mod rules;

pub use args::TriageArgs;

use super::{Ctx, Exit};
use crate::failure::{Failure, Kind};
use crate::ops::triage::{Triage, baseline, checklist, triage};
use crate::triage::catalog;
use crate::triage::show::{Layout, Line, Tone, show};
use crate::ui::{self, Ui};
use args::Baseline;

/// Width of output that is not a terminal.
const PIPED: usize = 80;
/// Widest text: longer lines are hard to read.
const WIDEST: usize = 110;

pub fn run(ctx: &mut Ctx, args: &TriageArgs) -> anyhow::Result<Exit> {
    if args.rules {
        return rules::list(ctx, args.json);
    }
    if let Some(id) = &args.explain {
        return rules::explain(ctx, id);
    }
    let ids = args.only.iter().chain(&args.skip);
    ids.map(String::as_str).try_for_each(known)?;
    let stop = super::stop_on_signals()?;
    ctx.session.now = args.now.unwrap_or(ctx.session.now);
    let request = args.request(&ctx.session.config.triage);
    if args.checklist {
        let list = ctx.run(|session, _| checklist::checklist(session, &request, args.watch, &stop))?;
        return checklist_view::print(ctx, &list, args.json);
    }
    let seen = ctx.run(|session, on| triage(session, &request, &stop, on))?;
    match args.baseline {
        Some(Baseline::Save) => {
            let path = ctx.run(|session, _| baseline::save(session, &seen))?;
            ctx.ui.note(&format!("saved {}", ui::text::path(&path)));
        }
        Some(Baseline::Diff) => {
            let changed = ctx.run(|session, _| baseline::diff(session, &seen))?;
            return checklist_view::changes(ctx, &changed, args.json);
        }
        None => {}
    }
    if let Some(path) = &args.bundle {
        ctx.ui.note(&format!(
            "wrote {} ({} redacted)",
            ui::text::path(path),
            ui::units::plural(seen.report.redacted, "text")
        ));
    }
    view(ctx, args, &seen)
}

fn view(ctx: &mut Ctx, args: &TriageArgs, seen: &Triage) -> anyhow::Result<Exit> {
    let Triage { facts, report } = seen;
    let width = if ctx.ui.out_is_terminal() { ctx.ui.width().min(WIDEST) } else { PIPED };
    let is_selected = |name: &str| report.services.iter().any(|service| service.name == name);
    if args.look || args.map {
        match (args.json, args.map) {
            (true, false) => ctx.ui.json(facts)?,
            (true, true) => ctx.ui.json(&map::document(facts, &is_selected))?,
            (false, true) => print(&mut ctx.ui, map::lines(facts, &is_selected, width))?,
            (false, false) => print(&mut ctx.ui, look::lines(facts, &is_selected, width))?,
        }
        return Ok(Exit::Done);
    }
    if args.json {
        ctx.ui.json(report)?;
    } else {
        print(&mut ctx.ui, show(report, Layout { width, all: args.all }))?;
    }
    Ok(if report.is_bad() { Exit::Bad } else { Exit::Done })
}

fn print(ui: &mut Ui, lines: Vec<Line>) -> anyhow::Result<()> {
    lines.into_iter().try_for_each(|line| ui.painted_line(&line.text, tone(line.tone)))
}

fn tone(tone: Tone) -> ui::Tone {
    match tone {
        Tone::Plain => ui::Tone::Plain,
        Tone::Bad => ui::Tone::Bad,
        Tone::Warn => ui::Tone::Warn,
        Tone::Dim => ui::Tone::Dim,
        Tone::Bold => ui::Tone::Bold,
    }
}

/// Checks that there is a rule of this name.
fn known(id: &str) -> anyhow::Result<()> {
    if catalog().iter().any(|rule| rule.id.eq_ignore_ascii_case(id)) {
        return Ok(());
    }
    let failure = Failure::new(Kind::Usage, format!("no rule is named `{}`", ui::text::clean(id)));
    Err(failure.hint("run `modelctl triage --rules` to list all rules").into())
}
