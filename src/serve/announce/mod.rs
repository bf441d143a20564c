//! Says what happens to servers beside the API: in the log or the journal of systemd, and to a program of the operator.

mod hooks;
mod journal;

pub use hooks::Hooks;
pub use journal::Journal;

use super::control::{EventReader, Numbered};
use crate::ops::daemon::event_line;

/// Progress that is interesting only while somebody watches it.
const TRANSIENT: &str = "scan.progress";

/// How much an event matters, as syslog counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error = 3,
    Warning = 4,
    Notice = 5,
    Info = 6,
}

impl Severity {
    pub fn of(event: &str) -> Severity {
        let (_, what) = event.split_once('.').unwrap_or(("", event));
        match what {
            "failed" | "restart_exhausted" => Severity::Error,
            "crash" | "pressure" | "health_unknown" | "downgraded" | "lost" | "swap_dropped" | "below_tier" => {
                Severity::Warning
            }
            "loaded" | "unloaded" | "swapped" | "restarted" | "upgraded" | "attached" | "detached" => Severity::Notice,
            _ => Severity::Info,
        }
    }
}

/// Writes every event to the journal, or to the log where there is none, until the daemon ends.
pub async fn follow(mut events: EventReader, journal: Option<Journal>, log: impl Fn(Severity, String)) {
    loop {
        let event = events.next().await;
        if event.happening.event == TRANSIENT {
            continue;
        }
        let severity = Severity::of(event.happening.event);
        let line = line(&event);
        if journal.as_ref().is_none_or(|journal| journal.send(severity, &line, &event).is_err()) {
            log(severity, line);
        }
    }
}

fn line(event: &Numbered) -> String {
    event_line(event.happening.event, &event.happening.fields)
}
