//! The view of `scan`: what is wrong or gone, the changes by store, and the figures; with `--verbose` every change, and
//! every skipped file with its reason.

use super::super::Exit;
use crate::failure::Failure;
use crate::inventory::{Change, ChangeKind, ScanReport};
use crate::model::RootState;
use crate::ops::scan_report::change_name;
use crate::ui::{Cell, Column, Table, Tone, Ui, text, units};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Number of changes up to which a person sees each of them: one new model has a name.
const FEW: usize = 5;

const COLUMNS: &[Column] = &[
    Column::left("CHANGE", 0),
    Column::id("ID", 1),
    Column::name("NAME", 0, 20),
    Column::left("WHAT", 1).shrink_to(20),
    Column::path("PATH", 2, 20).extra(),
];

/// Prints the changes and the figures.
pub fn print(ui: &mut Ui, report: &ScanReport, is_verbose: bool, took: Duration) -> anyhow::Result<()> {
    for (path, _, state) in &report.outcome.roots {
        if let RootState::Unavailable { reason } = state {
            let path = ui.path(path);
            ui.warn(&format!("{path} is unavailable: {}; its models are kept", text::clean(reason)));
        }
    }
    let is_few = report.changes.len() <= FEW && !ui.is_quiet();
    let table = table(report, is_verbose, |change| is_verbose || is_few || change.is_problem);
    let has_rows = !table.is_empty();
    if has_rows {
        ui.table(&table)?;
    }
    if ui.is_quiet() {
        return Ok(());
    }
    if !is_verbose && !is_few {
        for line in by_store(ui, report) {
            ui.line(&line)?;
        }
    }
    ui.line(&summary(report, took))?;
    let hidden = report.changes.iter().any(|change| !change.is_problem) && !is_few || !report.skipped.is_empty();
    if hidden && !is_verbose && ui.out_is_terminal() {
        ui.hint("-v lists every change and what was skipped");
    }
    Ok(())
}

/// Number of changes by kind, with its place in the order of the table.
type Counts = BTreeMap<(u8, &'static str), u64>;

/// Returns a line for each store in which something changed: `hf  ~/.cache/huggingface/hub  6 added, 1 gone`.
fn by_store(ui: &Ui, report: &ScanReport) -> Vec<String> {
    let mut roots: Vec<(&PathBuf, &str)> =
        report.outcome.roots.iter().map(|(path, store, _)| (path, store.name())).collect();
    // A change belongs to the innermost of nested roots.
    roots.sort_by_key(|(path, _)| std::cmp::Reverse(path.components().count()));
    let mut counts: BTreeMap<(&str, &Path), Counts> = BTreeMap::new();
    for change in &report.changes {
        let root = roots.iter().find(|(root, _)| change.path.starts_with(root));
        let (path, store) = root.map_or((Path::new(""), "elsewhere"), |(path, store)| (path.as_path(), *store));
        let count = counts.entry((store, path)).or_default().entry((rank(&change.kind), change_name(&change.kind)));
        let count = count.or_default();
        *count = count.saturating_add(1);
    }
    let line = |((store, path), counts): ((&str, &Path), Counts)| {
        let counts: Vec<String> = counts.iter().map(|((_, word), n)| format!("{n} {word}")).collect();
        format!("{store:9} {}  {}", ui.path(path), counts.join(", "))
    };
    counts.into_iter().map(line).collect()
}

/// Returns the changes that are shown, sorted by kind, then, with `has_skipped`, the skipped entries.
pub fn table<'a>(report: &'a ScanReport, has_skipped: bool, is_shown: impl Fn(&Change) -> bool) -> Table<'a> {
    let mut changes: Vec<&Change> = report.changes.iter().filter(|change| is_shown(change)).collect();
    changes.sort_by_key(|change| rank(&change.kind));
    let mut table = Table::new(COLUMNS);
    for change in changes {
        let what = match (&change.kind, &change.detail) {
            (ChangeKind::Moved { from }, None) => Some(format!("from {}", text::path(from))),
            (ChangeKind::Moved { from }, Some(detail)) => Some(format!("from {}; {detail}", text::path(from))),
            (_, detail) => detail.clone(),
        };
        table.row(vec![
            Cell::new(change_name(&change.kind)).tone(tone(&change.kind)),
            Cell::new(change.id.as_str()),
            Cell::new(change.name.as_str()),
            what.map_or_else(Cell::none, Cell::new),
            Cell::path(&change.path),
        ]);
    }
    for skipped in report.skipped.iter().filter(|_| has_skipped) {
        let name = skipped.path.file_name().map_or_else(String::new, |name| text::path(Path::new(name)));
        table.row(vec![
            Cell::new("skipped").tone(Tone::Dim),
            Cell::none(),
            Cell::new(name),
            Cell::new(skipped.reason.as_str()),
            Cell::path(&skipped.path),
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
            is_problem: detail.is_some() || kind == ChangeKind::Gone,
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

    fn printed(terminal: bool, verbose: bool, report: &ScanReport) -> (String, String) {
        let options = UiOptions { width: Some(100), ..UiOptions::default() };
        let (mut ui, out, err) = Ui::for_test(options, terminal);
        print(&mut ui, report, verbose, Duration::from_millis(1200)).unwrap();
        (out.text(), err.text())
    }

    #[test]
    fn a_person_reads_what_changed_and_why_something_was_left_out() {
        let (out, err) = printed(false, true, &report());
        assert_eq!(
            out,
            "\
CHANGE   ID            NAME               WHAT                    PATH
added    3f2a1b4c5d6e  evil\\x1b[2J\\nname  damaged: no GGUF magic  /models/evil\\x1b[2J\\nname.gguf
moved    3f2a1b4c5d6e  b                  from /models/a.gguf     /models/b.gguf
gone     3f2a1b4c5d6e  old                -                       /models/old.gguf
skipped  -             x.part             a download in progress  /models/x.part
2 roots in 1s 200ms: 1 added, 1 moved, 1 gone, 12 unchanged, 1 skipped
"
        );
        assert_eq!(err, "warning: /mnt/nfs is unavailable: it is empty; its models are kept\n");
        let (out, _) = printed(true, false, &report());
        assert!(out.contains("gone") && !out.contains("x.part"), "{out}");
    }

    #[test]
    fn a_scan_without_changes_is_one_line() {
        let report = ScanReport {
            outcome: ScanOutcome {
                roots: vec![("/models".into(), StoreKind::Dir, RootState::Read)],
                counts: ScanCounts { unchanged: 3, ..ScanCounts::default() },
                ..ScanOutcome::default()
            },
            ..ScanReport::default()
        };
        assert_eq!(printed(true, false, &report).0, "1 root in 1s 200ms: 3 unchanged\n");
        assert_eq!(printed(true, false, &ScanReport::default()).0, "0 roots in 1s 200ms: no models\n");
    }

    /// The few models that are damaged would be buried by the many that are not.
    #[test]
    fn many_new_models_are_counted_by_store_and_the_problems_are_shown() {
        let mut many = ScanReport {
            changes: (0..10_000).map(|n| change(ChangeKind::Added, &format!("m{n}"), None)).collect(),
            ..report()
        };
        many.changes.push(change(ChangeKind::Added, "broken", Some("damaged: no GGUF magic")));
        for terminal in [true, false] {
            let (out, _) = printed(terminal, false, &many);
            let lines: Vec<&str> = out.lines().collect();
            assert_eq!(lines.len(), 4, "{out}");
            assert!(lines[1].starts_with("added") && lines[1].contains("broken"), "{out}");
            assert_eq!(lines[2], "dir       /models  10001 added");
        }
        assert_eq!(printed(false, true, &many).0.lines().count(), 10_004);
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
                    {"path": "/models", "store": "dir", "state": "read", "reason": null},
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
