//! The recipes of `modelctl tune`: the next setting to change, and a record of changes with what they brought.

use super::Session;
use crate::db::Access;
use crate::failure::{Failure, Kind};
use crate::model::tuning::{Done, NewTuning, Snapshot, Tuning, compare};
use crate::triage::facts::Facts;

/// A change to be recorded.
#[derive(Debug, Clone)]
pub struct RecordRequest {
    pub knob: String,
    pub service: Option<String>,
    pub from: String,
    pub to: String,
    pub why: String,
}

impl RecordRequest {
    /// Checks that a change is one that can be understood later.
    ///
    /// # Errors
    /// `Usage` for a change from a value to the same one, or without a name or a reason.
    pub fn check(&self) -> Result<(), Failure> {
        let usage = |message: &str| Err(Failure::new(Kind::Usage, message));
        let is_blank = |text: &str| text.trim().is_empty();
        match () {
            () if is_blank(&self.knob) || is_blank(self.knob.trim_start_matches('-')) => usage("KNOB is empty"),
            () if is_blank(&self.why) => usage("--why is empty"),
            () if self.from.trim() == self.to.trim() => usage("--from and --to have the same value"),
            () => Ok(()),
        }
    }
}

/// Records a change with the snapshot of before.
///
/// # Errors
/// The database cannot be used; those of [`RecordRequest::check`].
pub fn record(session: &mut Session, request: RecordRequest, before: Snapshot) -> anyhow::Result<Tuning> {
    request.check()?;
    let by = session.actor().user.clone().unwrap_or_else(|| session.actor().uid.to_string());
    let RecordRequest { knob, service, from, to, why } = request;
    let new = NewTuning { knob, service, from, to, why, at: session.now, by, before };
    let db = session.db(Access::ReadWrite)?;
    let id = db.record_tuning(&new)?;
    find(session, id)
}

/// Returns the recorded changes, oldest first.
///
/// # Errors
/// The database cannot be used.
pub fn list(session: &mut Session) -> anyhow::Result<Vec<Tuning>> {
    session.db(Access::Observe)?.tunings(None)
}

/// Returns one recorded change.
///
/// # Errors
/// `CannotMeet` where there is none with this number.
pub fn find(session: &mut Session, id: i64) -> anyhow::Result<Tuning> {
    let found = session.db(Access::Observe)?.tunings(Some(id))?.pop();
    found.ok_or_else(|| {
        Failure::cannot_meet(format!("no recorded change has the id {id}"))
            .hint("run `modelctl tune list` to see all changes")
            .into()
    })
}

/// Records the end of a change by the facts of after, which are redacted: whether it is better, the same or worse, and
/// whether the new value is in use at all. Asked again, it judges anew.
///
/// # Errors
/// As [`find`].
pub fn done(session: &mut Session, id: i64, facts: &Facts) -> anyhow::Result<Tuning> {
    let tuning = find(session, id)?;
    let after = facts.snapshot();
    let (verdict, reason) = compare(&tuning.before, &after, tuning.service.as_deref());
    let setting = facts.applied(tuning.service.as_deref(), &tuning.knob, &tuning.to);
    let done = Done { time: session.now, after, verdict, reason, setting };
    session.db(Access::ReadWrite)?.finish_tuning(id, &done)?;
    find(session, id)
}

/// Returns how to go back from a change.
pub fn rollback(tuning: &Tuning) -> String {
    let of = tuning.service.as_deref().map(|service| format!(" of {service}")).unwrap_or_default();
    format!("set {}{of} from {} back to {}", tuning.knob, tuning.to, tuning.from)
}
