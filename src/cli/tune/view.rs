use super::Ctx;
use crate::clock::Timestamp;
use crate::model::tuning::{Tuning, Verdict};
use crate::triage::tune::Suggestion;
use crate::ui::{Cell, Column, Section, Table, Tone, text, units};

const COLUMNS: &[Column] = &[
    Column::right("ID", 0),
    Column::left("SERVICE", 3).shrink_to(16),
    Column::left("KNOB", 1).shrink_to(20),
    Column::left("FROM", 4).shrink_to(12),
    Column::left("TO", 5).shrink_to(12),
    Column::left("RESULT", 2),
    Column::right("RECORDED", 6),
    Column::left("WHY", 7).shrink_to(24),
];

/// Lays out the recorded changes.
pub fn table(changes: &[Tuning], now: Timestamp) -> Table<'_> {
    let mut table = Table::new(COLUMNS);
    let clean = |text: &str| text::clean(text).into_owned();
    for change in changes {
        let verdict = change.done.as_ref().map(|done| done.verdict);
        let tone = if verdict == Some(Verdict::Worse) { Tone::Bad } else { Tone::Plain };
        table.row(vec![
            Cell::new(change.id.to_string()),
            change.service.as_deref().map_or_else(Cell::none, |service| Cell::new(clean(service))),
            Cell::new(clean(&change.knob)),
            Cell::new(clean(&change.from)),
            Cell::new(clean(&change.to)),
            Cell::new(verdict.map_or("open", Verdict::name)).tone(tone),
            Cell::new(units::ago(change.recorded.age(now))),
            Cell::new(clean(&change.why)),
        ]);
    }
    table
}

/// Prints what to change next.
pub fn suggestion(ctx: &mut Ctx, suggestion: &Suggestion) -> anyhow::Result<()> {
    let clean = |text: &str| text::clean(text).into_owned();
    let Suggestion { service, knob, from, to, .. } = suggestion;
    let mut section = Section::new(clean(&format!("{service}: {knob} {from} → {to}")));
    section.add("why", clean(&suggestion.why));
    for evidence in &suggestion.evidence {
        section.add("proof", clean(&format!("{}: {}", evidence.source, evidence.text)));
    }
    section.some("where", suggestion.place.as_deref().map(clean));
    section.add("undo", clean(&suggestion.undo));
    ctx.ui.sections(&[section])?;
    let record = format!("modelctl tune record {knob} --service {service} --from {from} --to {to} --why '…'");
    ctx.ui.hint(&format!("before the change: `{}`", clean(&record)));
    Ok(())
}

/// Prints what a change brought.
pub fn outcome(ctx: &mut Ctx, tuning: &Tuning, rollback: &str) -> anyhow::Result<()> {
    let clean = |text: &str| text::clean(text).into_owned();
    if let Some(done) = &tuning.done {
        ctx.ui.line(&format!("{}: {}", done.verdict, clean(&done.reason)))?;
        let setting = clean(&done.setting.reason);
        match done.setting.applied {
            Some(true) => ctx.ui.line(&setting)?,
            Some(false) => ctx.ui.warn(&format!("the change is not in effect: {setting}")),
            None if setting.is_empty() => {}
            None => ctx.ui.note(&setting),
        }
        if done.verdict == Verdict::Worse {
            ctx.ui.hint(&format!("to go back: {}", clean(rollback)));
        }
    }
    Ok(())
}
