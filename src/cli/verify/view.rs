//! The view of `verify`: a line for each file and each fault of a set, then the figures.

use crate::inventory::{FileReport, ModelReport, Outcome};
use crate::ops::verify::count;
use crate::ui::{Cell, Column, Table, Tone, Ui, text, units};
use std::time::Duration;

/// Words of outcomes, in the order of the summary.
const WORDS: &[&str] =
    &["ok", "mismatch", "damaged", "missing", "unreadable", "changed", "unsupported", "unverifiable"];

const COLUMNS: &[Column] = &[
    Column::left("RESULT", 0),
    Column::left("NAME", 0).shrink_to(16),
    Column::left("FILE", 1).shrink_to(12),
    Column::right("SIZE", 3),
    Column::left("WHAT", 0).shrink_to(24),
    Column::left("ID", 4),
];

/// Prints the report: findings first, then files that could not be verified, then the rest.
pub fn print(ui: &mut Ui, reports: &[ModelReport], took: Duration) -> anyhow::Result<()> {
    ui.table(&table(reports))?;
    // The table shortens its texts on a terminal; findings are printed in full.
    if ui.out_is_terminal() {
        for report in reports {
            for file in report.files.iter().filter(|file| file.outcome.is_finding()) {
                ui.line(&format!("`{}`: {}", text::path(&file.artifact.path), file.outcome.sentence()))?;
            }
            for fault in &report.faults {
                ui.line(&format!("{}: {}", text::clean(&report.name), text::clean(fault)))?;
            }
        }
    }
    ui.line(&summary(reports, took))
}

fn table(reports: &[ModelReport]) -> Table<'_> {
    let mut table = Table::new(COLUMNS);
    for report in reports {
        for fault in &report.faults {
            table.row(vec![
                Cell::new("damaged").tone(Tone::Bad),
                Cell::new(report.name.as_str()),
                Cell::none(),
                Cell::none(),
                Cell::new(fault.as_str()),
                Cell::new(report.id.as_str()),
            ]);
        }
    }
    let mut files: Vec<(&ModelReport, &FileReport)> =
        reports.iter().flat_map(|report| report.files.iter().map(move |file| (report, file))).collect();
    files.sort_by_key(|(_, file)| rank(&file.outcome));
    for (report, file) in files {
        let path = &file.artifact.path;
        let name = path.file_name().map_or_else(|| text::path(path), |name| text::path(name.as_ref()));
        table.row(vec![
            Cell::new(file.outcome.word()).tone(tone(&file.outcome)),
            Cell::new(report.name.as_str()),
            Cell::new(name),
            Cell::new(units::bytes(file.artifact.identity.size)),
            Cell::new(file.outcome.sentence()),
            Cell::new(report.id.as_str()),
        ]);
    }
    table
}

fn rank(outcome: &Outcome) -> u8 {
    match outcome {
        outcome if outcome.is_finding() => 0,
        Outcome::Ok(_) => 2,
        _ => 1,
    }
}

fn tone(outcome: &Outcome) -> Tone {
    match rank(outcome) {
        0 => Tone::Bad,
        1 => Tone::Warn,
        _ => Tone::Plain,
    }
}

/// Returns, for example, `12 files in 3s: 10 ok, 1 mismatch, 1 unverifiable; 1 set with faults`; figures of 0 are left
/// out.
fn summary(reports: &[ModelReport], took: Duration) -> String {
    let files = reports.iter().fold(0u64, |sum, r| sum.saturating_add(r.files.len() as u64));
    let parts: Vec<String> = WORDS
        .iter()
        .map(|word| (count(reports, word), word))
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| format!("{n} {word}"))
        .collect();
    let mut text = format!("{} in {}: {}", units::plural(files, "file"), units::took(took), parts.join(", "));
    let faulty = reports.iter().filter(|r| !r.faults.is_empty()).count() as u64;
    if faulty > 0 {
        text.push_str(&format!("; {} with faults", units::plural(faulty, "set")));
    }
    text
}
