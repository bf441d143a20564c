//! The view of `scan`: changes, skipped entries with their reasons, and the figures.

use super::super::Exit;
use crate::failure::Failure;
use crate::inventory::{Change, ChangeKind, ScanReport};
use crate::model::RootState;
use crate::ops::scan_report::change_name;
use crate::ui::{Cell, Column, Table, Tone, Ui, text, units};
use std::path::Path;
use std::time::Duration;

/// Number of lines of changes printed on a terminal; a pipe gets all.
const LINES: usize = 40;

const COLUMNS: &[Column] = &[
    Column::left("CHANGE", 0),
    Column::left("NAME", 0).shrink_to(20),
    Column::left("ID", 3),
    Column::left("WHAT", 1).shrink_to(20),
    Column::left("PATH", 2).shrink_to(20),
];

/// Prints one line for each change and each skipped entry, then the figures.
pub fn print(ui: &mut Ui, report: &ScanReport, took: Duration) -> anyhow::Result<()> {
    for (path, _, state) in &report.outcome.roots {
        if let RootState::Unavailable { reason } = state {
            ui.warn(&format!("`{}` is unavailable: {}; its models are kept", text::path(path), text::clean(reason)));
        }
    }
    if ui.is_quiet() {
        return Ok(());
    }
    let limit = if ui.out_is_terminal() { LINES } else { usize::MAX };
    let lines = report.changes.len().saturating_add(report.skipped.len());
    if lines > 0 {
        ui.table(&table(report, limit))?;
    }
    if let Some(more) = lines.checked_sub(limit).filter(|more| *more > 0) {
        ui.line(&format!("… and {more} more"))?;
    }
    ui.line(&summary(report, took))
}

/// Returns the changes, sorted by kind, then the skipped entries; at most `limit` lines.
pub fn table(report: &ScanReport, limit: usize) -> Table<'_> {
    let mut changes: Vec<&Change> = report.changes.iter().collect();
    changes.sort_by_key(|change| rank(&change.kind));
    let mut table = Table::new(COLUMNS);
    for change in changes.iter().take(limit) {
        let what = match (&change.kind, &change.detail) {
            (ChangeKind::Moved { from }, None) => Some(format!("from {}", text::path(from))),
            (ChangeKind::Moved { from }, Some(detail)) => Some(format!("from {}; {detail}", text::path(from))),
            (_, detail) => detail.clone(),
        };
        table.row(vec![
            Cell::new(change_name(&change.kind)).tone(tone(&change.kind)),
            Cell::new(change.name.as_str()),
            Cell::new(change.id.as_str()),
            what.map_or_else(Cell::none, Cell::new),
            Cell::new(text::path(&change.path)),
        ]);
    }
    for skipped in report.skipped.iter().take(limit.saturating_sub(changes.len())) {
        let name = skipped.path.file_name().map_or_else(String::new, |name| text::path(Path::new(name)));
        table.row(vec![
            Cell::new("skipped").tone(Tone::Dim),
            Cell::new(name),
            Cell::none(),
            Cell::new(skipped.reason.as_str()),
            Cell::new(text::path(&skipped.path)),
        ]);
    }
    table
}

fn rank(kind: &ChangeKind) -> u8 {
    match kind {
        ChangeKind::Added => 0,
        ChangeKind::Changed => 1,
        ChangeKind::Moved { .. } => 2,
        ChangeKind::Gone => 3,
        ChangeKind::Unavailable => 4,
    }
}

fn tone(kind: &ChangeKind) -> Tone {
    match kind {
        ChangeKind::Added | ChangeKind::Changed | ChangeKind::Moved { .. } => Tone::Plain,
        ChangeKind::Gone | ChangeKind::Unavailable => Tone::Warn,
    }
}

/// Returns, for example, `2 roots in 1s 200ms: 3 added, 1 gone, 12 unchanged, 2 skipped`; figures of 0 are left out.
pub fn summary(report: &ScanReport, took: Duration) -> String {
    let counts = report.outcome.counts;
    let parts: Vec<String> = [
        (counts.added, "added"),
        (counts.changed, "changed"),
        (counts.moved, "moved"),
        (counts.gone, "gone"),
        (counts.unavailable, "unavailable"),
        (counts.unchanged, "unchanged"),
        (counts.skipped, "skipped"),
    ]
    .into_iter()
    .filter(|(n, _)| *n > 0)
    .map(|(n, word)| format!("{n} {word}"))
    .collect();
    let found = if parts.is_empty() { "no models".to_owned() } else { parts.join(", ") };
    format!("{} in {}: {found}", units::plural(report.outcome.roots.len() as u64, "root"), units::took(took))
}

/// Returns the exit of a scan. A scan of configured places succeeds even when one of them is unavailable; a place that
/// was named must be readable.
///
/// # Errors
/// A failure when `is_named` is true and a root was unavailable.
pub fn verdict(report: &ScanReport, is_named: bool) -> anyhow::Result<Exit> {
    let is_away = |state: &RootState| matches!(state, RootState::Unavailable { .. });
    let away = report.outcome.roots.iter().filter(|(_, _, state)| is_away(state)).count();
    if !is_named || away == 0 {
        return Ok(Exit::Done);
    }
    Err(Failure::cannot_meet(format!(
        "{} of {} could not be read",
        away,
        units::plural(report.outcome.roots.len() as u64, "root")
    ))
    .hint("see the warnings above; everything else was recorded")
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Kind, classify};
    use crate::inventory::Skipped;
    use crate::model::ScanOutcome;
    use crate::model::{ModelId, ScanCounts, StoreKind};
    use crate::ops::scan_report::document;
    use crate::ui::UiOptions;
    use std::path::PathBuf;

    fn change(kind: ChangeKind, name: &str, detail: Option<&str>) -> Change {
        Change {
            kind,
            id: ModelId("3f2a1b4c5d6e".into()),
            name: name.into(),
            path: PathBuf::from(format!("/models/{name}.gguf")),
            detail: detail.map(str::to_owned),
        }
    }

    fn report() -> ScanReport {
        ScanReport {
            outcome: ScanOutcome {
                roots: vec![
                    ("/models".into(), StoreKind::Dir, RootState::Read),
                    ("/mnt/nfs".into(), StoreKind::Dir, RootState::Unavailable { reason: "it is empty".into() }),
                ],
                counts: ScanCounts { added: 1, moved: 1, gone: 1, unchanged: 12, skipped: 1, ..ScanCounts::default() },
                ..ScanOutcome::default()
            },
            changes: vec![
                change(ChangeKind::Gone, "old", None),
                change(ChangeKind::Moved { from: "/models/a.gguf".into() }, "b", None),
                change(ChangeKind::Added, "evil\x1b[2J\nname", Some("damaged: no GGUF magic")),
            ],
            skipped: vec![Skipped { path: "/models/x.part".into(), reason: "a download in progress".into() }],
            roots: Vec::new(),
        }
    }

    fn printed(terminal: bool, report: &ScanReport) -> (String, String) {
        let options = UiOptions { width: Some(100), ..UiOptions::default() };
        let (mut ui, out, err) = Ui::for_test(options, terminal);
        print(&mut ui, report, Duration::from_millis(1200)).unwrap();
        (out.text(), err.text())
    }

    #[test]
    fn a_person_reads_what_changed_and_why_something_was_left_out() {
        let (out, err) = printed(true, &report());
        assert_eq!(
            out,
            "\
CHANGE   NAME               ID            WHAT                    PATH
added    evil\\x1b[2J\\nname  3f2a1b4c5d6e  damaged: no GGUF magic  /models/evil\\x1b[2J\\nname.gguf
moved    b                  3f2a1b4c5d6e  from /models/a.gguf     /models/b.gguf
gone     old                3f2a1b4c5d6e  -                       /models/old.gguf
skipped  x.part             -             a download in progress  /models/x.part
2 roots in 1s 200ms: 1 added, 1 moved, 1 gone, 12 unchanged, 1 skipped
"
        );
        assert_eq!(err, "warning: `/mnt/nfs` is unavailable: it is empty; its models are kept\n");
    }

    #[test]
    fn a_quiet_scan_is_one_line() {
        let report = ScanReport {
            outcome: ScanOutcome {
                roots: vec![("/models".into(), StoreKind::Dir, RootState::Read)],
                counts: ScanCounts { unchanged: 3, ..ScanCounts::default() },
                ..ScanOutcome::default()
            },
            ..ScanReport::default()
        };
        assert_eq!(printed(true, &report).0, "1 root in 1s 200ms: 3 unchanged\n");
        assert_eq!(printed(true, &ScanReport::default()).0, "0 roots in 1s 200ms: no models\n");
    }

    #[test]
    fn ten_thousand_new_models_do_not_flood_a_terminal_but_reach_a_pipe() {
        let many = ScanReport {
            changes: (0..10_000).map(|n| change(ChangeKind::Added, &format!("m{n}"), None)).collect(),
            ..report()
        };
        let (out, _) = printed(true, &many);
        assert_eq!(out.lines().count(), LINES + 3);
        assert!(out.contains("… and 9961 more\n"));
        assert_eq!(printed(false, &many).0.lines().count(), 10_003);
    }

    #[test]
    fn a_root_that_was_named_must_be_readable() {
        assert_eq!(verdict(&report(), false).unwrap(), Exit::Done);
        let error = verdict(&report(), true).unwrap_err();
        assert_eq!(error.to_string(), "1 of 2 roots could not be read");
        assert_eq!(classify(&error).0, Kind::CannotMeet);
    }

    #[test]
    fn the_json_of_a_scan_keeps_its_shape() {
        let value = serde_json::to_value(document(&report(), Duration::from_millis(7))).unwrap();
        assert_eq!(
            value,
            serde_json::json!({
                "roots": [
                    {"path": "/models", "store": "dir", "state": "read"},
                    {"path": "/mnt/nfs", "store": "dir", "state": "unavailable", "reason": "it is empty"},
                ],
                "counts": {
                    "added": 1, "changed": 0, "moved": 1, "gone": 1, "unchanged": 12, "unavailable": 0, "skipped": 1
                },
                "changes": [
                    {"change": "gone", "id": "3f2a1b4c5d6e", "name": "old", "path": "/models/old.gguf",
                     "from": null, "detail": null},
                    {"change": "moved", "id": "3f2a1b4c5d6e", "name": "b", "path": "/models/b.gguf",
                     "from": "/models/a.gguf", "detail": null},
                    {"change": "added", "id": "3f2a1b4c5d6e", "name": "evil\x1b[2J\nname",
                     "path": "/models/evil\x1b[2J\nname.gguf", "from": null, "detail": "damaged: no GGUF magic"},
                ],
                "skipped": [{"path": "/models/x.part", "reason": "a download in progress"}],
                "took_ms": 7,
            })
        );
    }
}
