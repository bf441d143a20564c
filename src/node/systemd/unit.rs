//! Asks systemd for units, by `systemctl show` in a bounded child.

use super::show::{PROPERTIES, parse_show, parse_shows};
use super::{Fact, Outcome, Unit};
use crate::clock::Timestamp;
use crate::node::Place;
use crate::supervise::{Bounded, SpawnSpec, run_bounded};
use std::path::Path;
use std::time::Duration;

/// The folder that exists where systemd is the init (sd_booted(3)).
const BOOTED: &str = "/run/systemd/system";
/// Programs whose units are LLM services.
const SERVERS: &[&str] = &["llama-server", "ollama", "modelctl"];

/// Reads one unit. Takes at most half a second longer than `limit`.
pub fn unit(place: &Place, name: &str, limit: Duration, now: Timestamp) -> Fact<Unit> {
    let source = format!("systemctl show {name}");
    let shown = match show(place, name, limit) {
        Ok(text) => text,
        Err(outcome) => return Fact::new(source, now, outcome),
    };
    match parse_show(&shown) {
        Some(unit) => Fact::ok(source, now, unit),
        None => Fact::absent(source, now, format!("systemd has no unit {name}")),
    }
}

/// Reads the loaded services that run llama-server, Ollama or modelctl. Takes at most half a second longer than `limit`.
pub fn units(place: &Place, limit: Duration, now: Timestamp) -> Fact<Vec<Unit>> {
    let source = "systemctl show *.service";
    match show(place, "*.service", limit) {
        Ok(text) => Fact::ok(source, now, parse_shows(&text).into_iter().filter(is_server).collect()),
        Err(outcome) => Fact::new(source, now, outcome),
    }
}

fn is_server(unit: &Unit) -> bool {
    let name = unit.command.first().and_then(|program| Path::new(program).file_name()?.to_str());
    name.is_some_and(|name| SERVERS.contains(&name))
}

/// Returns whether systemd runs this node.
pub(super) fn is_booted(place: &Place) -> bool {
    place.at(BOOTED).is_dir()
}

/// Describes a child that speaks English, in UTC, without a pager and without colours.
pub(super) fn plain(program: &str, args: impl IntoIterator<Item = String>) -> SpawnSpec {
    let variables = [("LC_ALL", "C.UTF-8"), ("TZ", "UTC"), ("SYSTEMD_COLORS", "0"), ("SYSTEMD_PAGER", "cat")];
    let env = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
    SpawnSpec { env, ..SpawnSpec::new(program, args) }
}

fn show<T>(place: &Place, pattern: &str, limit: Duration) -> Result<String, Outcome<T>> {
    if !is_booted(place) {
        return Err(Outcome::Absent { why: format!("systemd is not running here: {BOOTED} does not exist") });
    }
    let args = ["show", "--no-pager", "--property", PROPERTIES, "--", pattern].map(str::to_owned);
    match run_bounded(&plain("systemctl", args), limit) {
        Bounded::Finished { ending, stdout, .. } if ending.is_clean() => {
            Ok(String::from_utf8_lossy(&stdout).into_owned())
        }
        Bounded::Finished { ending, stderr, .. } => Err(Outcome::Failed { why: failed("systemctl", ending, &stderr) }),
        other => Err(not_finished("systemctl", other)),
    }
}

/// Says why a child was of no use.
pub(super) fn failed(program: &str, ending: impl std::fmt::Display, stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let said = text.lines().map(str::trim).find(|line| !line.is_empty());
    match said {
        Some(line) => {
            format!("{program} {ending}: {}", line.chars().filter(|c| !c.is_control()).take(300).collect::<String>())
        }
        None => format!("{program} {ending}"),
    }
}

pub(super) fn not_finished<T>(program: &str, bounded: Bounded) -> Outcome<T> {
    match bounded {
        Bounded::TimedOut { limit, .. } => {
            Outcome::TimedOut { why: format!("{program} did not finish within {:.1} s", limit.as_secs_f64()) }
        }
        Bounded::Abandoned { limit, pid, .. } => Outcome::TimedOut {
            why: format!(
                "{program} (process {pid}) did not finish within {:.1} s and cannot be killed",
                limit.as_secs_f64()
            ),
        },
        Bounded::NotStarted { why } => Outcome::Absent { why: format!("cannot run {program}: {why}") },
        Bounded::Finished { ending, stderr, .. } => Outcome::Failed { why: failed(program, ending, &stderr) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_systemd_units_are_absent_and_nothing_is_run() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::new(dir.path());
        let fact = unit(&place, "x.service", Duration::from_secs(30), Timestamp(0));
        assert!(matches!(fact.outcome, Outcome::Absent { .. }), "{fact:?}");
        assert!(units(&place, Duration::from_secs(30), Timestamp(0)).known().is_none());
    }

    #[test]
    fn only_servers_of_models_are_services_by_themselves() {
        let unit = |program: &str| Unit { command: vec![program.to_owned(), "serve".to_owned()], ..Unit::default() };
        assert!(is_server(&unit("/usr/local/bin/ollama")) && is_server(&unit("/opt/x/llama-server")));
        assert!(!is_server(&unit("/usr/bin/python3")) && !is_server(&Unit::default()));
    }
}
