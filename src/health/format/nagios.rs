//! The output of a Monitoring Plugin: a line with performance data, then long text.
//! <https://github.com/monitoring-plugins/monitoring-plugin-guidelines>

use super::super::check::{Check, number};
use super::super::{Report, Status};
use crate::display::text;

/// Formats a report as a plugin does.
pub fn nagios(report: &Report) -> String {
    let status = report.status.name().to_ascii_uppercase();
    let mut out = format!("MODELCTL {status} - {}", words(&report.summary()));
    let data: Vec<String> = report.checks.iter().filter_map(performance).collect();
    if !data.is_empty() {
        out.push_str(" | ");
        out.push_str(&data.join(" "));
    }
    out.push('\n');
    for check in &report.checks {
        let reason = check.reason.as_deref().map_or_else(String::new, |reason| format!(": {reason}"));
        let right = check.right.as_deref().map_or_else(String::new, |right| format!(" (needs {right})"));
        let line = format!("{} {}: {}{reason}{right}", check.name.name(), check.target, check.what);
        out.push_str(&format!("[{}] {}\n", check.status.name().to_ascii_uppercase(), words(&line)));
    }
    if report.left_out > 0 {
        out.push_str(&format!("and {} more\n", report.left_out));
    }
    out
}

/// Formats a run without a result: bad usage, a bad config.
pub fn nagios_failure(message: &str) -> String {
    let line = message.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no reason known");
    let line = line.strip_prefix("error: ").unwrap_or(line);
    format!("MODELCTL {} - {}\n", Status::Unknown.name().to_ascii_uppercase(), words(line))
}

/// Returns a text that fits in a line: a `|` would begin performance data.
fn words(text: &str) -> String {
    text::clean(text).replace('|', "/").replace('\n', " ")
}

/// Returns `'label'=value[UOM];[warn];[crit];[min];[max]`, without the semicolons at its end.
fn performance(check: &Check) -> Option<String> {
    let (value, unit) = (check.value?, check.unit?);
    let label: String = text::clean(&check.label()?)
        .chars()
        .map(|c| if matches!(c, '\'' | '=' | '|') || c.is_whitespace() { '_' } else { c })
        .collect();
    let range = |range: Option<crate::model::health::Range>| range.map_or_else(String::new, |range| range.to_string());
    let (least, most) = match unit {
        "%" => ("0", "100"),
        // A difference of clocks has no least value.
        "s" if check.metric == Some("clock_skew") => ("", ""),
        _ => ("0", ""),
    };
    let data = format!("{};{};{least};{most}", range(check.warning), range(check.critical));
    Some(format!("'{label}'={}{unit};{}", number(value), data).trim_end_matches(';').to_owned())
}
