//! The history for a person: one line for each run of a command.

use super::view::{Times, details, who, without_folder};
use crate::model::{Event, Recorded};
use crate::ui::{Cell, Column, Table, units};

/// Number of models that are named in one line.
const NAMED: usize = 2;

/// Groups events that one process recorded one after the other, of one kind.
pub fn group(events: &[Recorded]) -> Vec<&[Recorded]> {
    events.chunk_by(|a, b| is_same_run(&a.event, &b.event)).collect()
}

fn is_same_run(a: &Event, b: &Event) -> bool {
    // A number of a process is used again some day, by another command as a rule.
    let process = |event: &Event| (event.actor.pid, event.actor.uid, event.actor.command.clone());
    a.action == b.action && a.actor.pid != 0 && process(a) == process(b)
}

/// Returns the columns; `when` is the title of the times.
const fn columns(when: &'static str) -> [Column; 10] {
    [
        Column::left(when, 0),
        Column::left("WHAT", 0),
        Column::left("WHO", 1).shrink_to(12),
        Column::right("ITEMS", 2),
        Column::right("SIZE", 3),
        Column::left("DETAILS", 0).shrink_to(24),
        Column::left("RUN", 4).extra().unless("-"),
        Column::left("UNIT", 6).extra().unless("-"),
        Column::left("COMMAND", 5).shrink_to(14).extra(),
        Column::left("PARENT", 7).extra(),
    ]
}

/// Returns a row for each run.
pub fn table<'a>(runs: &[&'a [Recorded]], times: &Times) -> Table<'a> {
    let mut table = Table::new(&columns(times.title()));
    for run in runs {
        let Some(first) = run.first().map(|recorded| &recorded.event) else { continue };
        let sizes = run.iter().filter_map(|recorded| recorded.event.allocated);
        let size = sizes.reduce(u64::saturating_add);
        table.row(vec![
            Cell::new(times.shown(first.at)),
            Cell::new(first.action.name()),
            Cell::new(who(&first.actor)),
            first.subject.as_ref().map_or_else(Cell::none, |_| Cell::new(run.len().to_string())),
            size.map_or_else(Cell::none, |bytes| Cell::new(units::bytes(bytes))),
            Cell::new(summary(run)),
            Cell::or_none(first.run()),
            Cell::or_none(first.actor.unit.as_deref()),
            Cell::or_none(first.actor.command.as_deref().map(without_folder)),
            Cell::or_none(first.actor.parent.as_deref()),
        ]);
    }
    table
}

/// Returns, for example, `TinyLlama-1.1B: unused 6mo (atime)`, or `TinyLlama-1.1B, Phi-3-mini and 5 more`.
fn summary(run: &[Recorded]) -> String {
    let names: Vec<&str> =
        run.iter().filter_map(|recorded| recorded.event.subject.as_ref()).map(|s| s.name.as_str()).collect();
    if let [Recorded { event, .. }] = run {
        let details = details(event);
        return match names.as_slice() {
            [name] if details.is_empty() => (*name).to_owned(),
            [name] => format!("{name}: {details}"),
            _ => details,
        };
    }
    let named = names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(NAMED) {
        Some(more) if more > 0 => format!("{named} and {more} more"),
        _ => named,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::model::{Action, Actor, Subject};

    fn event(number: i64, action: Action, pid: u32, name: &str) -> Recorded {
        let actor = Actor { pid, command: Some("modelctl prune --confirm".into()), ..Actor::default() };
        let subject = Some(Subject { id: None, name: name.to_owned(), path: None });
        let reason = Some("unused 6mo (atime)".to_owned());
        let at = Timestamp(number);
        Recorded { number, event: Event { subject, reason, allocated: Some(1 << 20), ..Event::new(at, actor, action) } }
    }

    /// The run is what `trash restore --run` takes.
    #[test]
    fn a_run_that_moved_something_is_named() {
        let mut pruned = event(1, Action::Prune, 41, "m0");
        pruned.event.detail = serde_json::json!({"run": "a9d2pf"});
        let events = [event(0, Action::Scan, 40, "m0"), pruned];
        let mut out = Vec::new();
        table(&group(&events), &Times::Whole).write(&mut out, crate::ui::Medium::Stream).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("RUN") && text.contains("a9d2pf"), "{text}");
    }

    /// A prune of 743 items would push everything else off the screen.
    #[test]
    fn a_run_is_one_line_with_its_sum() {
        let mut events: Vec<Recorded> = (0..7).map(|n| event(n, Action::Prune, 41, &format!("m{n}"))).collect();
        events.push(event(7, Action::Restore, 41, "m0"));
        events.push(event(8, Action::Prune, 42, "m0"));
        let runs = group(&events);
        assert_eq!(runs.iter().map(|run| run.len()).collect::<Vec<_>>(), [7, 1, 1]);
        assert_eq!(summary(runs[0]), "m0, m1 and 5 more");
        assert_eq!(summary(runs[2]), "m0: unused 6mo (atime)");
        let mut out = Vec::new();
        table(&runs, &Times::Whole).write(&mut out, crate::ui::Medium::Stream).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.lines().count() == 4 && text.contains("7.0 MiB"), "{text}");
    }
}
