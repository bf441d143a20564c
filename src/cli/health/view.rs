//! The forms of a report.

use crate::health::format::{health_json, nagios, prometheus};
use crate::health::{Check, Report, Status};
use crate::ui::{Cell, Column, Medium, Table, Tone, Ui, text, units};
use std::time::Duration;

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Table,
    Json,
    Nagios,
    Prometheus,
    HealthJson,
}

impl Format {
    pub const ALL: &[Format] = &[Format::Table, Format::Json, Format::Nagios, Format::Prometheus, Format::HealthJson];

    pub fn name(self) -> &'static str {
        match self {
            Format::Table => "table",
            Format::Json => "json",
            Format::Nagios => "nagios",
            Format::Prometheus => "prometheus",
            Format::HealthJson => "health+json",
        }
    }
}

const COLUMNS: &[Column] = &[
    Column::left("STATUS", 0),
    Column::left("CHECK", 2),
    Column::left("TARGET", 1).shrink_to(12),
    Column::left("WHAT", 0).shrink_to(24),
    Column::right("TIME", 3),
];

/// Prints a report on standard output.
pub fn print(ui: &mut Ui, report: &Report, format: Format, most: Option<usize>) -> anyhow::Result<()> {
    if format != Format::Table || most.is_some() {
        return ui.raw(&bytes(report, format, most)?);
    }
    ui.table(&table(report))?;
    // The table shortens its texts on a terminal; what is wrong is printed in full.
    if ui.out_is_terminal() {
        for check in report.checks.iter().filter(|check| check.status != Status::Ok) {
            ui.line(&format!("{}: {}", text::clean(&check.target), text::clean(&what(check))))?;
        }
    }
    ui.painted_line(&last(report), tone(report.status))
}

/// Returns a report as it is written to a file, to a pipe or for a probe: at most `most` bytes, the worst checks first
/// to stay.
pub fn bytes(report: &Report, format: Format, most: Option<usize>) -> anyhow::Result<Vec<u8>> {
    let whole = render(report, format)?;
    let Some(most) = most.filter(|most| whole.len() > *most) else { return Ok(whole) };
    let mut kept = report.checks.len();
    while kept > 0 {
        kept /= 2;
        let short = render(&report.shortened(kept), format)?;
        if short.len() <= most {
            return Ok(short);
        }
    }
    // One text is longer than all that is taken.
    let text = String::from_utf8_lossy(&whole).into_owned();
    let end = text.floor_char_boundary(most);
    Ok(text.get(..end).unwrap_or_default().as_bytes().to_vec())
}

fn render(report: &Report, format: Format) -> anyhow::Result<Vec<u8>> {
    Ok(match format {
        Format::Table => {
            let mut out = Vec::new();
            table(report).write(&mut out, Medium::Stream)?;
            out.extend_from_slice(last(report).as_bytes());
            out.push(b'\n');
            out
        }
        Format::Json => Ui::json_document(report)?,
        Format::HealthJson => Ui::json_document(&health_json(report))?,
        Format::Nagios => nagios(report).into_bytes(),
        Format::Prometheus => prometheus(report).into_bytes(),
    })
}

fn table(report: &Report) -> Table<'_> {
    let mut table = Table::new(COLUMNS);
    for check in &report.checks {
        table.row(vec![
            Cell::new(check.status.name()).tone(tone(check.status)),
            Cell::new(check.name.name()),
            Cell::new(check.target.as_str()),
            Cell::new(what(check)),
            Cell::new(units::took(Duration::from_millis(check.ms))),
        ]);
    }
    table
}

fn what(check: &Check) -> String {
    let reason = check.reason.as_deref().map_or_else(String::new, |reason| format!(": {reason}"));
    let right = check.right.as_deref().map_or_else(String::new, |right| format!(" (needs {right})"));
    format!("{}{reason}{right}", check.what)
}

fn last(report: &Report) -> String {
    let took = units::took(Duration::from_millis(report.took_ms));
    let more = if report.left_out > 0 { format!(", {} checks left out", report.left_out) } else { String::new() };
    format!("{}: {} ({took}{more})", report.status.name(), text::clean(&report.summary()))
}

fn tone(status: Status) -> Tone {
    match status {
        Status::Ok => Tone::Plain,
        Status::Warning | Status::Unknown => Tone::Warn,
        Status::Critical => Tone::Bad,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::health::{CheckName, MOST_OUTPUT};
    use crate::model::health::Level;

    /// Docker cuts what is longer: the worst must be in what is left, and a document must stay one.
    #[test]
    fn output_for_a_probe_fits_and_keeps_the_worst() {
        let mut checks: Vec<Check> =
            (0..500).map(|n| Check::ok(CheckName::Services, &format!("service-{n}"), "RUNNING")).collect();
        checks.push(Check::critical(CheckName::Endpoints, "llama", "does not answer", "x".repeat(300)));
        let report = Report::new(Level::Ready, Timestamp(0), 1, checks);
        for format in Format::ALL {
            let text = String::from_utf8(bytes(&report, *format, Some(MOST_OUTPUT)).unwrap()).unwrap();
            assert!(text.len() <= MOST_OUTPUT, "{}: {}", format.name(), text.len());
            assert!(text.contains("llama"), "{text}");
            if matches!(format, Format::Json | Format::HealthJson) {
                serde_json::from_str::<serde_json::Value>(&text).unwrap();
            }
        }
        let endless = Check::critical(CheckName::Services, "a", "b", "é".repeat(5_000));
        let report = Report::new(Level::Ready, Timestamp(0), 1, vec![endless]);
        assert!(bytes(&report, Format::Nagios, Some(MOST_OUTPUT)).unwrap().len() <= MOST_OUTPUT);
    }
}
