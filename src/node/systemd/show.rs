//! The output of `systemctl show` as values.

use super::Unit;
use crate::clock::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, SpanRelativeTo};

/// The properties that are asked for.
pub const PROPERTIES: &str = "Id,LoadState,ActiveState,SubState,Result,NRestarts,MainPID,ExecMainStatus,\
ExecMainStartTimestamp,MemoryCurrent,ControlGroup,FragmentPath,ExecStart,WorkingDirectory,User,TimeoutStartUSec,\
ProtectHome,ProtectSystem";

/// Words of a command line that are kept.
const WORDS: usize = 500;

/// Reads the output of `systemctl show` of one unit: `NAME=VALUE` lines (systemctl(1)), with times in UTC. Lines that
/// are none are left out. None for a unit that is not loaded from anywhere.
pub fn parse_show(text: &str) -> Option<Unit> {
    let mut unit = Unit::default();
    for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
        // What is not set has no value.
        let value = Some(value.trim()).filter(|value| !value.is_empty() && *value != "[not set]");
        let Some(value) = value else { continue };
        let text = || Some(value.to_owned());
        match name.trim() {
            "LoadState" if value == "not-found" => return None,
            "Id" => unit.name = value.to_owned(),
            "ActiveState" => unit.active = text(),
            "SubState" => unit.sub = text(),
            "Result" => unit.result = text(),
            "NRestarts" => unit.restarts = value.parse().ok(), // a number, or unknown
            "MainPID" => unit.main_pid = value.parse().ok().filter(|pid| *pid != 0),
            "ExecMainStatus" => unit.exit_status = value.parse().ok(), // as above
            "ExecMainStartTimestamp" => unit.started = time(value),
            // The largest number stands for "not known".
            "MemoryCurrent" => unit.memory = value.parse().ok().filter(|bytes| *bytes != u64::MAX),
            "ControlGroup" => unit.cgroup = text(),
            "FragmentPath" => unit.path = text(),
            // A unit may have several; the first is what it begins with.
            "ExecStart" if unit.command.is_empty() => unit.command = command(value),
            // A `!` marks a folder that may be missing.
            "WorkingDirectory" => unit.directory = Some(value.trim_start_matches('!').to_owned()),
            "User" => unit.user = text(),
            "TimeoutStartUSec" => unit.start_timeout_s = span(value),
            "ProtectHome" => unit.protect_home = text(),
            "ProtectSystem" => unit.protect_system = text(),
            _ => {}
        }
    }
    (!unit.name.is_empty()).then_some(unit)
}

/// Reads the output for several units: a blank line is between two of them.
pub fn parse_shows(text: &str) -> Vec<Unit> {
    text.split("\n\n").filter_map(parse_show).collect()
}

/// Reads the words of `{ path=/usr/bin/x ; argv[]=/usr/bin/x -m a b ; ignore_errors=no ; … }`. systemd joins them with
/// blanks, so that a word with a blank falls apart.
fn command(value: &str) -> Vec<String> {
    let Some((_, rest)) = value.split_once("argv[]=") else { return Vec::new() };
    let words = rest.split(" ; ignore_errors=").next().unwrap_or_default();
    words.split_whitespace().take(WORDS).map(str::to_owned).collect()
}

/// Reads `Sun 2026-11-29 12:07:40 UTC`, or `@SECONDS`.
fn time(value: &str) -> Option<Timestamp> {
    if let Some(seconds) = value.strip_prefix('@') {
        return seconds.parse::<i64>().ok()?.checked_mul(1_000).map(Timestamp); // other text is no time
    }
    let text = value.strip_suffix(" UTC")?;
    let text = text.split_once(' ').map_or(text, |(_, date)| date);
    let civil: DateTime = text.parse().ok()?; // as above
    Some(Timestamp(TimeZone::UTC.to_timestamp(civil).ok()?.as_millisecond()))
}

/// Reads a span as systemd.time(7) writes it, `1min 30s`, in seconds. None for `infinity`.
fn span(value: &str) -> Option<f64> {
    let span: Span = value.parse().ok()?; // `infinity`, or words that no span has
    let seconds = span.total((jiff::Unit::Second, SpanRelativeTo::days_are_24_hours()));
    seconds.ok().filter(|seconds| *seconds >= 0.0) // a span with months has no length
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SHOWN: &str = include_str!("../../../fixtures/triage/systemctl-show.txt");

    #[test]
    fn units_are_read_as_systemctl_shows_them() {
        let units = parse_shows(SHOWN);
        let [llama, ollama] = units.as_slice() else { panic!("{units:?}") };
        let expected = Unit {
            name: "llama.service".into(),
            active: Some("activating".into()),
            sub: Some("auto-restart".into()),
            result: Some("exit-code".into()),
            restarts: Some(17),
            main_pid: None,
            exit_status: Some(203),
            started: Some(Timestamp(1_795_954_060_000)),
            memory: None,
            cgroup: Some("/system.slice/llama.service".into()),
            path: Some("/etc/systemd/system/llama.service".into()),
            command: ["/opt/llama/llama-server", "-m", "/models/x.gguf", "--port", "8081"].map(str::to_owned).to_vec(),
            directory: Some("/srv/llama".into()),
            user: Some("llama".into()),
            start_timeout_s: Some(90.0),
            protect_home: Some("yes".into()),
            protect_system: Some("full".into()),
        };
        assert_eq!(llama, &expected);
        assert_eq!((ollama.main_pid, ollama.memory), (Some(812), Some(5_368_709_120)));
        assert_eq!((ollama.start_timeout_s, ollama.exit_status, &ollama.directory), (None, Some(0), &None));
        assert_eq!(parse_show("Id=x.service\nLoadState=not-found\nActiveState=inactive\n"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "(?s).{0,200}", value in ".{0,60}") {
            parse_shows(&text);
            for name in ["ExecStart", "TimeoutStartUSec", "ExecMainStartTimestamp", "WorkingDirectory"] {
                parse_show(&format!("Id=x\n{name}={value}"));
            }
            time(&format!("Sun {value} UTC"));
            command(&format!("{{ argv[]={value}"));
        }
    }
}
