//! Events of the history as scripts and people see them.

use crate::clock::Timestamp;
use crate::model::{Action, Actor, Event, Recorded};
use crate::ui::{Cell, Column, Table, units};
use jiff::tz::TimeZone;
use serde_json::Value;
use std::time::Duration;

/// Returns the columns; `when` is the title of the times, which are shorter on a terminal.
const fn columns(when: &'static str) -> [Column; 12] {
    [
        Column::left(when, 0),
        Column::left("WHAT", 0),
        Column::left("WHO", 1).shrink_to(12),
        Column::left("RUN", 5).extra().unless("-"),
        Column::left("UNIT", 6).extra().unless("-"),
        Column::name("MODEL", 2, 14),
        Column::right("FREED", 3),
        Column::right("ON DISK", 4).extra(),
        Column::left("DETAILS", 0).shrink_to(24),
        Column::left("PARENT", 9).extra(),
        Column::path("PATH", 7, 16).extra(),
        Column::left("COMMAND", 8).shrink_to(14).extra(),
    ]
}

/// Format of times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Times {
    /// Short, for a person at a terminal, who reads it now.
    Short { now: Timestamp, zone: TimeZone },
    /// RFC 3339, for programs that read a pipe.
    Whole,
}

impl Times {
    /// Returns `11-21 13:06`, or `2025-01-31` for an old time, as `ls -l` does; never an age, since after an incident
    /// times are compared with other logs.
    pub fn shown(&self, at: Timestamp) -> String {
        let Times::Short { now, zone } = self else { return at.rfc3339() };
        let is_old = at.age(*now) > Duration::from_secs(300 * 86_400);
        match jiff::Timestamp::from_millisecond(at.millis()) {
            Ok(time) => {
                let format = if is_old { "%Y-%m-%d" } else { "%m-%d %H:%M" };
                time.to_zoned(zone.clone()).strftime(format).to_string()
            }
            // The time is out of the range of the calendar.
            Err(_) => at.rfc3339(),
        }
    }

    /// Returns the title of the column.
    pub fn title(&self) -> &'static str {
        match self {
            Times::Short { zone, .. } if *zone == TimeZone::UTC => "WHEN (UTC)",
            Times::Short { .. } | Times::Whole => "WHEN",
        }
    }
}

/// Returns a row for each event.
pub fn table<'a>(events: &'a [Recorded], times: &Times) -> Table<'a> {
    let mut table = Table::new(&columns(times.title()));
    for Recorded { event, .. } in events {
        let Event { actor, subject, .. } = event;
        let size = |bytes: Option<u64>| bytes.map_or_else(Cell::none, |n| Cell::new(units::bytes(n)));
        let path = subject.as_ref().and_then(|s| s.path.as_deref());
        table.row(vec![
            Cell::new(times.shown(event.at)),
            Cell::new(event.action.name()),
            Cell::new(who(actor)),
            Cell::or_none(event.run()),
            Cell::or_none(actor.unit.as_deref()),
            Cell::or_none(subject.as_ref().map(|s| s.name.as_str())),
            size(event.freed),
            size(event.allocated),
            Cell::new(details(event)),
            Cell::or_none(actor.parent.as_deref()),
            path.map_or_else(Cell::none, Cell::path),
            Cell::or_none(actor.command.as_deref().map(without_folder)),
        ]);
    }
    table
}

/// Returns, for example, `root (ann)`: the user whose rights were used, and the login behind it.
pub fn who(actor: &Actor) -> String {
    let user = actor.user.clone().unwrap_or_else(|| actor.uid.to_string());
    match &actor.login {
        Some(login) => format!("{user} ({login})"),
        None => user,
    }
}

/// Returns a command line without the folder of its program. A quoted program stays as it is.
pub fn without_folder(command: &str) -> &str {
    let program = command.split(' ').next().unwrap_or_default();
    let folder = program.rfind('/').filter(|_| !program.contains(['\'', '"', '\\']));
    folder.and_then(|at| command.get(at.saturating_add(1)..)).unwrap_or(command)
}

/// Returns the reason, else the detail of this action in a few words.
pub fn details(event: &Event) -> String {
    if let Some(reason) = &event.reason {
        return reason.clone();
    }
    let detail = &event.detail;
    match event.action {
        Action::Scan => counts(detail),
        Action::Set => differences(detail),
        Action::Keep => hints(detail),
        Action::Inference => format!("{} → {}", shown(detail.get("before")), shown(detail.get("after"))),
        Action::Prune | Action::Purge | Action::Restore | Action::Empty | Action::Dedupe => String::new(),
    }
}

fn counts(detail: &Value) -> String {
    let count =
        |key: &str| detail.get("counts").and_then(|counts| counts.get(key)).and_then(Value::as_u64).unwrap_or(0);
    let words = ["added", "changed", "moved", "gone"].map(|key| (count(key), key));
    words.iter().filter(|(n, _)| *n > 0).map(|(n, key)| format!("{n} {key}")).collect::<Vec<_>>().join(", ")
}

/// Returns, for example, `pinned no → yes, alias - → small`.
fn differences(detail: &Value) -> String {
    let before = detail.get("before");
    let Some(after) = detail.get("after").and_then(Value::as_object) else { return String::new() };
    let old = |key: &str| before.and_then(|before| before.get(key));
    let changed = after.iter().filter(|(key, new)| old(key) != Some(new));
    changed.map(|(key, new)| format!("{key} {} → {}", shown(old(key)), shown(Some(new)))).collect::<Vec<_>>().join(", ")
}

fn hints(detail: &Value) -> String {
    let of = |key: &str| {
        let hints = detail.get(key)?.as_array()?.iter().map(|hint| shown(Some(hint)));
        Some(format!("{key} {}", hints.collect::<Vec<_>>().join(", ")))
    };
    ["added", "removed"].into_iter().filter_map(of).collect::<Vec<_>>().join("; ")
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::Bool(true)) => "yes".to_owned(),
        Some(Value::Bool(false)) => "no".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Subject;
    use crate::ui::{Medium, text};
    use serde_json::json;

    fn event(action: Action, detail: Value) -> Event {
        Event { detail, ..Event::new(Timestamp(0), Actor::default(), action) }
    }

    #[test]
    fn each_kind_of_event_says_what_it_changed() {
        for (action, detail, expected) in [
            (Action::Scan, json!({"counts": {"added": 2, "changed": 0, "gone": 1}}), "2 added, 1 gone"),
            (
                Action::Set,
                json!({"before": {"pinned": false, "alias": null, "note": "x"}, "after": {"pinned": true, "alias": "a", "note": "x"}}),
                "pinned no → yes, alias - → a",
            ),
            (Action::Keep, json!({"added": ["*-Q4", "b"]}), "added *-Q4, b"),
            (Action::Inference, json!({"before": "on", "after": "off"}), "on → off"),
            (Action::Prune, json!({"plan": 7}), ""),
            // Details that another version wrote.
            (Action::Scan, json!([]), ""),
            (Action::Set, json!({"after": {"x": {}}}), "x - → {}"),
            (Action::Keep, json!({"added": "x"}), ""),
        ] {
            assert_eq!(details(&event(action, detail)), expected);
        }
        let with_reason = Event { reason: Some("unused for 90 days".into()), ..event(Action::Prune, Value::Null) };
        assert_eq!(details(&with_reason), "unused for 90 days");
    }

    #[test]
    fn a_command_is_shown_without_the_folder_of_its_program() {
        for (command, shown) in [
            ("/usr/bin/modelctl scan /srv", "modelctl scan /srv"),
            ("modelctl scan /srv", "modelctl scan /srv"),
            ("'/a b/modelctl' scan", "'/a b/modelctl' scan"),
            ("/", ""),
            ("", ""),
        ] {
            assert_eq!(without_folder(command), shown);
        }
    }

    #[test]
    fn the_person_behind_root_is_named() {
        let actor = Actor { user: Some("root".into()), login: Some("ann".into()), ..Actor::default() };
        assert_eq!(who(&actor), "root (ann)");
        assert_eq!(who(&Actor { uid: 4711, ..Actor::default() }), "4711");
    }

    /// A person compares what happened with the clock on the wall.
    #[test]
    fn a_time_is_shown_in_the_zone_of_the_machine() {
        let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(2));
        let times = Times::Short { now: Timestamp(0), zone };
        assert_eq!((times.shown(Timestamp(0)).as_str(), times.title()), ("01-01 02:00", "WHEN"));
    }

    #[test]
    fn a_terminal_of_80_columns_shows_who_what_when_why_and_how_much() {
        let now = Timestamp(1_795_000_000_123);
        let pruned = |at, name: &str| {
            let subject = Subject { id: None, name: name.to_owned(), path: Some("/models/some/where.gguf".into()) };
            let actor =
                Actor { user: Some("root".into()), unit: Some("modelctl-prune.service".into()), ..Actor::default() };
            let event =
                Event { subject: Some(subject), freed: Some(98_365_440), ..Event::new(at, actor, Action::Prune) };
            let reason = Some("unused for 97 days; last use 2026-08-13 by run-once".to_owned());
            Recorded { number: 1, event: Event { reason, ..event } }
        };
        let year = 365 * 86_400_000;
        let events = [
            pruned(now, "Meta-Llama-3.1-70B-Instruct-Q4_K_M"),
            pruned(Timestamp(now.0 - year), "evil\u{1b}[2J"),
            pruned(Timestamp(i64::MAX), "future"),
        ];
        let mut out = Vec::new();
        let times = Times::Short { now, zone: TimeZone::UTC };
        table(&events[..2], &times).write(&mut out, Medium::Terminal { width: 80, color: false, home: None }).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.lines().all(|line| text::width(line) <= 80), "{text}");
        let words =
            ["WHEN (UTC)", "11-18 11:06", "2025-11-18", "root", "Meta-Ll…", "93.8 MiB", "unused for", "evil\\x1b[2J"];
        for word in words {
            assert!(text.contains(word), "{word} is not in\n{text}");
        }
        let mut out = Vec::new();
        table(&events, &Times::Whole).write(&mut out, Medium::Stream).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("2026-11-18T11:06:40Z") && text.contains("modelctl-prune.service"), "{text}");
    }
}
