//! The view of `verify`: a line for each file and each fault of a set, then the figures.

use crate::inventory::{Depth, FileReport, ModelReport, Outcome};
use crate::model::{ModelId, Role, path_bytes_hex};
use crate::ui::{Cell, Column, Table, Tone, Ui, text, units};
use serde::Serialize;
use std::time::Duration;

/// The order in which outcomes are counted.
const WORDS: &[&str] = &["ok", "mismatch", "damaged", "missing", "unreadable", "changed", "unverifiable"];

const COLUMNS: &[Column] = &[
    Column::left("RESULT", 0),
    Column::left("NAME", 0).shrink_to(16),
    Column::left("FILE", 1).shrink_to(12),
    Column::right("SIZE", 3),
    Column::left("WHAT", 0).shrink_to(24),
    Column::left("ID", 4),
];

/// What is wrong comes first, what could not be verified next, the rest last.
pub fn print(ui: &mut Ui, reports: &[ModelReport], took: Duration) -> anyhow::Result<()> {
    ui.table(&table(reports))?;
    // A terminal shortens the sentences of the table; what is wrong is told whole.
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

fn count(reports: &[ModelReport], word: &str) -> u64 {
    reports.iter().flat_map(|r| &r.files).filter(|f| f.outcome.word() == word).count() as u64
}

/// `12 files in 3s: 10 ok, 1 mismatch, 1 unverifiable; 1 split set is faulty`; figures of 0 are left out.
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

/// `verify --json`. Part of the public interface: keys are added, never renamed or dropped. Unknown values are `null`.
#[derive(Debug, Serialize)]
pub struct Document<'a> {
    /// `quick` or `full`.
    depth: &'static str,
    /// Something is wrong with a file or a set: the exit code is 1.
    findings: bool,
    counts: Counts,
    models: Vec<ModelEntry<'a>>,
}

/// Files by result.
#[derive(Debug, Serialize)]
struct Counts {
    files: u64,
    ok: u64,
    mismatch: u64,
    damaged: u64,
    missing: u64,
    unreadable: u64,
    changed: u64,
    unverifiable: u64,
}

#[derive(Debug, Serialize)]
struct ModelEntry<'a> {
    id: &'a ModelId,
    name: &'a str,
    findings: bool,
    /// What is wrong with its split set as such: sentences.
    faults: &'a [String],
    files: Vec<FileEntry<'a>>,
}

#[derive(Debug, Serialize)]
struct FileEntry<'a> {
    /// Lossily decoded.
    path: String,
    /// The bytes of the path in hexadecimal, only when they are not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes_hex: Option<String>,
    role: Role,
    /// Place in its split set, from 1.
    shard: Option<u32>,
    size_bytes: u64,
    /// One of the keys of `counts`.
    result: &'static str,
    /// A sentence.
    detail: String,
    /// What the store promises, lower-case hex.
    expected_sha256: Option<&'a str>,
    /// What the content has, where it was read now or before.
    sha256: Option<&'a str>,
    /// RFC 3339, UTC: when the content was read, where that was an earlier run.
    read_before: Option<String>,
}

pub fn document(depth: Depth, reports: &[ModelReport]) -> Document<'_> {
    let count = |word| count(reports, word);
    Document {
        depth: if depth == Depth::Quick { "quick" } else { "full" },
        findings: reports.iter().any(ModelReport::is_finding),
        counts: Counts {
            files: reports.iter().fold(0, |sum, r| sum.saturating_add(r.files.len() as u64)),
            ok: count("ok"),
            mismatch: count("mismatch"),
            damaged: count("damaged"),
            missing: count("missing"),
            unreadable: count("unreadable"),
            changed: count("changed"),
            unverifiable: count("unverifiable"),
        },
        models: reports
            .iter()
            .map(|report| ModelEntry {
                id: &report.id,
                name: &report.name,
                findings: report.is_finding(),
                faults: &report.faults,
                files: report.files.iter().map(file_entry).collect(),
            })
            .collect(),
    }
}

fn file_entry(file: &FileReport) -> FileEntry<'_> {
    FileEntry {
        path: file.artifact.path.to_string_lossy().into_owned(),
        path_bytes_hex: path_bytes_hex(&file.artifact.path),
        role: file.artifact.role,
        shard: file.artifact.shard_no,
        size_bytes: file.artifact.identity.size,
        result: file.outcome.word(),
        detail: file.outcome.sentence(),
        expected_sha256: file.artifact.expected_sha256.as_deref(),
        sha256: file.outcome.sha256(),
        read_before: file.outcome.read_before().map(|at| at.rfc3339()),
    }
}
