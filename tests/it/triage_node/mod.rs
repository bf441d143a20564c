//! `triage`, `health` and `tune` on a node whose parts really hang, fill up, are killed, flap and hold secrets.

mod baseline;
mod disks;
mod healthy;
mod hung;
mod interrupted;
mod logs;
mod many;
pub mod oom;
mod queue_check;
mod secrets;
mod silent_files;
mod tune;

use crate::sandbox::{Run, Sandbox};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};

/// Writes the config file and returns its path.
fn config(sandbox: &Sandbox, toml: &str) -> String {
    let path = sandbox.path("config.toml");
    std::fs::write(&path, toml).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Runs the program with the config file of the sandbox, and returns how long it took.
fn timed(sandbox: &Sandbox, args: &[&str]) -> (Run, Duration) {
    let config = sandbox.path("config.toml");
    let began = Instant::now();
    let run = sandbox.run(["--config", config.to_str().unwrap()].iter().chain(args));
    (run, began.elapsed())
}

/// Returns the processes that have the environment of this sandbox: ours, and those that they started.
fn ours(sandbox: &Sandbox) -> Vec<u32> {
    let mark = format!("HOME={}", sandbox.path("home").display());
    let is_ours = |path: &Path| {
        std::fs::read(path.join("environ"))
            .is_ok_and(|text| text.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes()))
    };
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter(|entry| is_ours(&entry.path()))
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

fn is_alive(pid: u32) -> bool {
    // One that nobody has waited for yet has ended.
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), signal).unwrap();
}

/// Waits for something, for at most `limit`.
#[track_caller]
fn within(limit: Duration, what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < limit, "{what}: not within {limit:?}");
        std::thread::yield_now();
    }
}

/// The rules of all findings that are critical or a warning, in their order.
fn problems(report: &Value) -> Vec<(String, Option<String>)> {
    let findings = report["findings"].as_array().unwrap();
    let is_problem = |finding: &&Value| matches!(finding["severity"].as_str(), Some("critical" | "warning"));
    let name = |value: &Value| value.as_str().map(str::to_owned);
    findings.iter().filter(is_problem).map(|one| (name(&one["rule"]).unwrap(), name(&one["service"]))).collect()
}

fn finding<'a>(report: &'a Value, rule: &str) -> &'a Value {
    let findings = report["findings"].as_array().unwrap();
    findings.iter().find(|finding| finding["rule"] == rule).unwrap_or_else(|| panic!("no {rule} in {report:#}"))
}
