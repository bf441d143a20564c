use super::{Ctx, Exit, PIPED, WIDEST, known, print};
use crate::triage::catalog;
use crate::triage::finding::Severity;
use crate::triage::rules::Rule;
use crate::triage::show::{Lines, Tone};
use crate::ui::{Cell, Column, Table};

const COLUMNS: &[Column] = &[
    Column::left("RULE", 0),
    Column::left("SEVERITY", 1),
    Column::left("PLAYBOOK", 3),
    Column::left("LAYER", 2),
    Column::left("RECOGNIZES", 0).shrink_to(30),
];

fn word(value: impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// Lists all rules.
pub fn list(ctx: &mut Ctx, json: bool) -> anyhow::Result<Exit> {
    let rules = catalog();
    if json {
        let documents: Vec<_> = rules.iter().map(|rule| document(rule)).collect();
        ctx.ui.json(&serde_json::json!({"schema": 1, "rules": documents}))?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(COLUMNS);
    for rule in rules {
        table.row(vec![
            Cell::new(rule.id),
            Cell::new(word(rule.severity)).tone(super::tone(severity_tone(rule.severity))),
            Cell::new(word(rule.playbook)),
            Cell::new(word(rule.layer)),
            Cell::new(rule.title),
        ]);
    }
    ctx.ui.table(&table)?;
    Ok(Exit::Done)
}

fn document(rule: &Rule) -> serde_json::Value {
    serde_json::json!({
        "rule": rule.id, "version": rule.version, "severity": rule.severity, "playbook": rule.playbook, "layer": rule.layer,
        "title": rule.title, "why": rule.why, "explains": rule.explains, "needs": needs(rule),
    })
}

fn needs(rule: &Rule) -> Vec<String> {
    let words = |name: String| {
        let mut words = String::new();
        for c in name.chars() {
            if c.is_ascii_uppercase() && !words.is_empty() {
                words.push(' ');
            }
            words.push(c.to_ascii_lowercase());
        }
        words
    };
    rule.needs.iter().map(|need| words(format!("{need:?}"))).collect()
}

fn severity_tone(severity: Severity) -> Tone {
    match severity {
        Severity::Critical => Tone::Bad,
        Severity::Warning => Tone::Warn,
        Severity::Info | Severity::Unknown => Tone::Plain,
    }
}

/// Shows one rule.
pub fn explain(ctx: &mut Ctx, id: &str) -> anyhow::Result<Exit> {
    known(id)?;
    let width = if ctx.ui.out_is_terminal() { ctx.ui.width().min(WIDEST) } else { PIPED };
    let mut lines = Lines::new(width);
    for rule in catalog().into_iter().filter(|rule| rule.id.eq_ignore_ascii_case(id)) {
        lines.wrapped(Tone::Bold, "", &format!("{} {}", rule.id, rule.title));
        lines.wrapped(Tone::Plain, "  ", rule.why);
        lines.field("severity", &word(rule.severity));
        lines.field("playbook", &word(rule.playbook));
        lines.field("layer", &word(rule.layer));
        for (label, words) in [
            ("needs", needs(rule)),
            ("explains", rule.explains.iter().map(|id| (*id).to_owned()).collect()),
            ("reads", rule.signs.iter().map(|sign| format!("“{sign}”")).collect()),
        ] {
            if !words.is_empty() {
                lines.field(label, &words.join(", "));
            }
        }
        lines.field("version", &rule.version.to_string());
    }
    print(&mut ctx.ui, lines.into_vec())?;
    Ok(Exit::Done)
}
