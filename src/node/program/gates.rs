//! Limits on the time of a start: where they stand and how long they are.

use super::types::GateFound;
use crate::model::service::Gate;
use regex::Regex;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

/// Most bytes of a launcher script that are searched.
pub const MOST_BYTES: usize = 256 << 10;

/// A name with WAIT or TIMEOUT in it that is given a number: `LLAMA_WAIT_SECONDS=120`, `${X_TIMEOUT:-60}`.
static ASSIGNED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"([A-Za-z_][A-Za-z0-9_]*(?:WAIT|TIMEOUT|wait|timeout)[A-Za-z0-9_]*)(?:=|:-|:=)["']?(?:\$\{[A-Za-z0-9_]+:-)?([0-9]+(?:\.[0-9]+)?)([a-z]*)"#).ok()
});
/// `timeout 120 program`, `timeout -k 5 2m program`.
static TIMEOUT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?:^|[\s;&|(/])timeout\s+(?:-[a-z-]+(?:[= ][0-9A-Z]+)?\s+)*([0-9]+(?:\.[0-9]+)?)([smhd]?)\b").ok()
});

/// Returns the gates that the text of a launcher has. `name` is how the file is called in a report.
pub fn of_script(name: &str, text: &str) -> Vec<GateFound> {
    let mut found = Vec::new();
    for (number, line) in (1u64..).zip(text.lines()) {
        if line.trim_start().starts_with('#') {
            continue;
        }
        let place = format!("{name}:{number}");
        for captures in ASSIGNED.iter().flat_map(|regex| regex.captures_iter(line)) {
            let [Some(gate), Some(value), unit] = [captures.get(1), captures.get(2), captures.get(3)] else { continue };
            let unit = unit.map_or("", |unit| unit.as_str());
            let milliseconds = gate.as_str().to_ascii_uppercase().ends_with("_MS");
            if let Some(seconds) = seconds(value.as_str(), if milliseconds { "ms" } else { unit }) {
                found.push(GateFound { name: gate.as_str().to_owned(), seconds, place: place.clone() });
            }
        }
        found.extend(timeouts(line, &place));
    }
    found
}

/// Returns the gates of `timeout N` in a command or a line.
pub fn timeouts(line: &str, place: &str) -> Vec<GateFound> {
    let captures = TIMEOUT.iter().flat_map(|regex| regex.captures_iter(line));
    let gate = |captures: regex::Captures<'_>| {
        let unit = captures.get(2).map_or("", |unit| unit.as_str());
        let seconds = seconds(captures.get(1)?.as_str(), unit)?;
        Some(GateFound { name: "timeout".to_owned(), seconds, place: place.to_owned() })
    };
    captures.filter_map(gate).collect()
}

/// Returns the gates of the environment of a process: names with WAIT or TIMEOUT that have a time.
pub fn of_environment(pid: u32, environment: &BTreeMap<String, Option<String>>) -> Vec<GateFound> {
    let is_gate = |name: &str| name.contains("WAIT") || name.contains("TIMEOUT");
    let gates = environment.iter().filter(|(name, _)| is_gate(name));
    gates
        .filter_map(|(name, value)| {
            let seconds = time(value.as_deref()?)?;
            Some(GateFound { name: name.clone(), seconds, place: format!("environment of process {pid}") })
        })
        .collect()
}

/// Returns the times that the configuration names by themselves. Names are to be found in a launcher or an environment.
pub fn of_config(gates: &[Gate]) -> Vec<GateFound> {
    let of = |gate: &Gate| match gate {
        Gate::Time(time) => Some(GateFound {
            name: humantime::format_duration(*time).to_string(),
            seconds: time.as_secs_f64(),
            place: "configuration".to_owned(),
        }),
        Gate::Name(_) => None,
    };
    gates.iter().filter_map(of).collect()
}

/// Returns the seconds of a time as people write it in variables: `120`, `2m`, `1.5`.
fn time(text: &str) -> Option<f64> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    seconds(text.get(..end)?, text.get(end..)?)
}

fn seconds(number: &str, unit: &str) -> Option<f64> {
    let number: f64 = number.parse().ok()?; // a word that is no number is no time
    let scale = match unit {
        "" | "s" | "sec" | "seconds" => 1.0,
        "ms" => 0.001,
        "m" | "min" | "minutes" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return None,
    };
    let seconds = number * scale;
    (seconds > 0.0 && seconds < Duration::from_secs(7 * 86_400).as_secs_f64()).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_found_with_the_line_where_it_can_be_raised() {
        let script = "#!/bin/sh\n# LLAMA_WAIT_SECONDS=5\nLLAMA_WAIT_SECONDS=\"${LLAMA_WAIT_SECONDS:-120}\"\nexec timeout -k 5 2m ./x\nREADY_TIMEOUT_MS=1500\nWAITING=yes\n";
        let found = of_script("start-llama.sh", script);
        let short: Vec<_> = found.iter().map(|g| (g.name.as_str(), g.seconds, g.place.as_str())).collect();
        assert_eq!(
            short,
            [
                ("LLAMA_WAIT_SECONDS", 120.0, "start-llama.sh:3"),
                ("timeout", 120.0, "start-llama.sh:4"),
                ("READY_TIMEOUT_MS", 1.5, "start-llama.sh:5")
            ]
        );
    }

    #[test]
    fn variables_of_a_process_are_gates_when_they_are_times() {
        let pair = |name: &str, value: Option<&str>| (name.to_owned(), value.map(str::to_owned));
        let environment = BTreeMap::from([
            pair("A_TIMEOUT", Some("5m")),
            pair("B_WAIT", None),
            pair("C_WAIT", Some("yes")),
            pair("D", Some("3")),
        ]);
        let found = of_environment(7, &environment);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].seconds, found[0].place.as_str()), (300.0, "environment of process 7"));
    }

    #[test]
    fn the_patterns_are_valid() {
        assert!(ASSIGNED.is_some() && TIMEOUT.is_some());
    }
}
