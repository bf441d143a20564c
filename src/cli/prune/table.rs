//! The rows of a plan of prune: those that are removed as a table, those that stay as counts by reason.

use crate::clock::Timestamp;
use crate::prune::candidate::Evidence;
use crate::prune::decide::Rule;
use crate::prune::plan::{Plan, Row};
use crate::prune::policy::Policy;
use crate::ui::{Cell, Column, Table, Tone, units};
use std::cmp::Reverse;
use std::collections::HashMap;

/// At 80 columns the first six are there, and a reason of the usual length is whole.
const COLUMNS: &[Column] = &[
    Column::left("ACTION", 0),
    Column::id("ID", 0),
    Column::name("NAME", 0, 10),
    Column::right("SIZE", 1),
    Column::left("STORE", 2),
    Column::left("WHY", 0).shrink_to(29),
    Column::right("FREED", 3).extra(),
    Column::right("USED", 4).extra(),
    Column::path("PATH", 5, 24).extra(),
];

/// Returns the table of some rows. `is_purge`: whether they are deleted for good.
pub fn table<'p>(rows: impl Iterator<Item = &'p Row>, is_purge: bool, now: Timestamp) -> Table<'p> {
    let mut table = Table::new(COLUMNS);
    for row in rows {
        let (word, tone) = match row.goes {
            false => ("keep", Tone::Dim),
            true if is_purge || row.is_foreign => ("delete", Tone::Bad),
            true => ("trash", Tone::Warn),
        };
        let freed = if row.goes { Cell::new(units::bytes(row.freed_bytes)) } else { Cell::none() };
        let used = match row.last_use.evidence {
            Evidence::Appeared => Cell::none(),
            _ => Cell::new(units::ago(row.last_use.at.age(now))),
        };
        table.row(vec![
            Cell::new(word).tone(tone),
            row.id.as_ref().map_or_else(Cell::none, |id| Cell::new(id.as_str())),
            Cell::new(row.name.as_str()),
            Cell::new(units::bytes(row.apparent_bytes)),
            Cell::new(row.store.name()),
            Cell::new(row.why.as_str()),
            freed,
            used,
            Cell::path(&row.path).tone(Tone::Dim),
        ]);
    }
    table
}

/// Returns, for example, `kept 24: 20 used within 30d, 3 pinned, 1 in use`; None when nothing stays.
pub fn kept(plan: &Plan) -> Option<String> {
    let mut counts: HashMap<String, u64> = HashMap::new();
    // Of models that were named nobody asks why the others stay.
    let is_by_name = plan.policy.models.is_some();
    let staying = || plan.staying().filter(|row| !(is_by_name && row.rule == Rule::NotSelected));
    for row in staying() {
        let count = counts.entry(reason(row, &plan.policy)).or_default();
        *count = count.saturating_add(1);
    }
    let mut counts: Vec<(String, u64)> = counts.into_iter().collect();
    counts.sort_by(|a, b| (Reverse(a.1), &a.0).cmp(&(Reverse(b.1), &b.0)));
    let reasons: Vec<String> = counts.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
    let all = staying().count();
    (all > 0).then(|| format!("kept {all}: {}", reasons.join(", ")))
}

/// Returns why a row stays, in words that are the same for all rows of that reason.
fn reason(row: &Row, policy: &Policy) -> String {
    let words = match row.rule {
        Rule::NotSelected => return not_selected(row, policy),
        Rule::Grace => return format!("used or written within {}", units::ago(policy.grace)),
        Rule::Pinned => "pinned",
        Rule::KeepHint => "matching a keep rule",
        Rule::Task => "needed by a task",
        Rule::InUse => "in use",
        Rule::UseUnknown => "maybe in use",
        Rule::MinKeep => "for --min-keep",
        Rule::Enough => "not needed for the target",
        Rule::Changed => "changed since the scan",
        Rule::Store => "held by their store",
        Rule::WideRoot => "in a root that is too wide",
        Rule::SameFile => "removed with another model",
        Rule::Unused
        | Rule::Old
        | Rule::Named
        | Rule::Superseded
        | Rule::Orphan
        | Rule::Partial
        | Rule::Damaged
        | Rule::Duplicate
        | Rule::Space => "not selected",
    };
    words.to_owned()
}

/// Returns which age a row lacks, if it lacks one.
fn not_selected(row: &Row, policy: &Policy) -> String {
    let limits = [
        ("used ", policy.unused_for, "used"),
        ("no known use", policy.unused_for, "added"),
        ("written ", policy.older_than, "written"),
    ];
    let limit = limits.iter().find(|(begin, limit, _)| limit.is_some() && row.why.starts_with(begin));
    match limit {
        Some((_, Some(limit), word)) => format!("{word} within {}", units::ago(*limit)),
        _ => "not selected".to_owned(),
    }
}
