//! The recipe of `health`: finds what is to be checked, has everything read side by side within one time limit, and
//! judges it.

mod checks;
mod own;
mod request;
mod run;
mod state;
mod targets;

pub use request::Request;

use super::Session;
use crate::clock;
use crate::health::{Report, Status};
use crate::supervise::StopSignal;
use request::{Outcome, interrupted};
use std::time::Duration;

/// The time between two runs of `--wait`.
const PAUSE: Duration = Duration::from_millis(500);
/// The shortest time limit of a run of `--wait`: the end of the wait must not make a service look dead.
const LEAST: Duration = Duration::from_millis(500);

/// Checks the health of this node.
///
/// # Errors
/// Cannot be met (3): nothing to check, no such service. Interrupted (130), terminated (143).
pub fn health(session: &mut Session, request: &Request, stop: &StopSignal) -> anyhow::Result<Report> {
    let end = request.wait.and_then(|wait| clock::instant().checked_add(wait));
    let left = || end.map(|end| end.saturating_duration_since(clock::instant()));
    let mut before: Option<Outcome> = None;
    loop {
        let limit = left().map_or(request.timeout, |left| request.timeout.min(left.max(LEAST)));
        let outcome = run::once(session, request, limit, stop)?;
        let is_cut = limit < request.timeout;
        let outcome = match (outcome, before.take()) {
            (Outcome::Checked(report), _) if report.status == Status::Ok => return Ok(report),
            // A run that had less time than it should says less than the one before.
            (_, Some(before)) if is_cut => before,
            (outcome, _) => outcome,
        };
        let pause = match left() {
            Some(left) if !left.is_zero() => PAUSE.min(left),
            _ => return report_of(outcome),
        };
        if let Some(why) = stop.wait_timeout(pause) {
            return Err(interrupted(why));
        }
        before = Some(outcome);
    }
}

fn report_of(outcome: Outcome) -> anyhow::Result<Report> {
    match outcome {
        Outcome::Checked(report) => Ok(report),
        Outcome::Nothing(failure) => Err(failure.into()),
    }
}
