//! The view of `verify`: what is wrong, in full, then the figures; with `--verbose` a row for each file before that.

use crate::inventory::{FileReport, ModelReport, Outcome};
use crate::ops::verify::count;
use crate::ui::{Cell, Column, Table, Tone, Ui, text, units};
use std::time::Duration;

/// Words of outcomes, in the order of the summary.
const WORDS: &[&str] =
    &["ok", "mismatch", "damaged", "missing", "unreadable", "changed", "unsupported", "unverifiable"];

const COLUMNS: &[Column] = &[
    Column::left("RESULT", 0),
    Column::id("ID", 1),
    Column::name("NAME", 0, 16),
    Column::right("SIZE", 2),
    Column::left("WHAT", 0).shrink_to(24),
    Column::left("FILE", 3).shrink_to(12).extra(),
];

/// Prints what is wrong, with the path, and the figures. `is_verbose`: a row for each file before that.
pub fn print(ui: &mut Ui, reports: &[ModelReport], is_verbose: bool, took: Duration) -> anyhow::Result<()> {
    if is_verbose {
        ui.table(&table(reports))?;
    }
    for report in reports {
        let model = format!("{}  {}", report.id, text::clean(&report.name));
        for file in report.files.iter().filter(|file| file.outcome.is_finding()) {
            let path = ui.path(&file.artifact.path);
            ui.painted_line(&format!("{}  {model}", file.outcome.word()), Tone::Bad)?;
            ui.line(&format!("  {path}\n  {}", text::clean(&file.outcome.sentence())))?;
        }
        for fault in &report.faults {
            ui.painted_line(&format!("damaged  {model}"), Tone::Bad)?;
            ui.line(&format!("  {}", text::clean(fault)))?;
        }
    }
    if ui.is_quiet() && !reports.iter().any(ModelReport::is_finding) {
        return Ok(());
    }
    ui.line(&summary(reports, took))
}

fn table(reports: &[ModelReport]) -> Table<'_> {
    let mut table = Table::new(COLUMNS);
    for report in reports {
        for fault in &report.faults {
            table.row(vec![
                Cell::new("damaged").tone(Tone::Bad),
                Cell::new(report.id.as_str()),
                Cell::new(report.name.as_str()),
                Cell::none(),
                Cell::new(fault.as_str()),
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
            Cell::new(shown(file.outcome.word())).tone(tone(&file.outcome)),
            Cell::new(report.id.as_str()),
            Cell::new(report.name.as_str()),
            Cell::new(units::bytes(file.artifact.identity.size)),
            Cell::new(file.outcome.sentence()),
            Cell::new(name),
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
        1 => Tone::Dim,
        _ => Tone::Plain,
    }
}

/// Returns the word for a person: that no store promises a checksum is no alarm.
fn shown(word: &'static str) -> &'static str {
    if word == "unverifiable" { "no checksum" } else { word }
}

/// Returns, for example, `12 files in 3s: 10 ok, 1 mismatch, 1 no checksum; 1 set with faults`; figures of 0 are left
/// out.
fn summary(reports: &[ModelReport], took: Duration) -> String {
    let files = reports.iter().fold(0u64, |sum, r| sum.saturating_add(r.files.len() as u64));
    let parts: Vec<String> = WORDS
        .iter()
        .map(|word| (count(reports, word), word))
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| format!("{n} {}", shown(word)))
        .collect();
    let mut text = format!("{} in {}: {}", units::plural(files, "file"), units::took(took), parts.join(", "));
    let faulty = reports.iter().filter(|r| !r.faults.is_empty()).count() as u64;
    if faulty > 0 {
        text.push_str(&format!("; {} with faults", units::plural(faulty, "set")));
    }
    text
}
