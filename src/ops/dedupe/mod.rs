//! Makes copies of one content share their space, and gives them space of their own again.

mod plan;
mod undo;

pub use plan::Pair;
pub use undo::{Undone, undo};

use super::known_roots::rescan;
use super::stored_files::stored;
use super::{OpEvent, Progress, Session, Sink, Step, history_events, resolve_model};
use crate::clock;
use crate::db::Access;
use crate::display::text;
use crate::failure::Failure;
use crate::host::replace_file::{self, Looked, look};
use crate::host::share_blocks::{Sharing, is_unsupported, share_blocks};
use crate::model::{Action, Event, ModelId, Selector, Share, ShareHow, Subject};
use crate::prune::trash::run_id;
use crate::supervise::StopSignal;
use serde_json::json;
use std::collections::BTreeSet;
use std::io;
use std::path::Path;

/// A selection of copies.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Models whose copies are meant; all when empty.
    pub models: Vec<Selector>,
    /// Whether files become hard links where the file system cannot share blocks.
    pub hard_link: bool,
}

/// What became of one pair.
#[derive(Debug)]
pub enum Outcome {
    Shared(ShareHow),
    /// It was left alone, for this reason.
    Kept(String),
}

/// The result of a run.
#[derive(Debug)]
pub struct Report {
    pub run: String,
    /// The outcome of each pair that was worked on, in order.
    pub outcomes: Vec<Outcome>,
    /// Bytes of disk that are free now, as far as nobody has one of the files open.
    pub freed: u64,
}

/// Returns the pairs of equal files that could share their space. Changes nothing.
///
/// # Errors
/// Cannot be met (3) for a model that does not exist or is ambiguous.
pub fn plan(session: &mut Session, request: &Request) -> anyhow::Result<Vec<Pair>> {
    let mut ids: Vec<ModelId> = Vec::new();
    for model in &request.models {
        ids.push(resolve_model::resolve(session, model)?.id);
    }
    let all = stored(session)?;
    let ids = (!request.models.is_empty()).then_some(ids.as_slice());
    Ok(plan::pairs(&all, ids, request.hard_link))
}

/// Makes the files of these pairs share their space, one pair after the other. Their bytes are compared again.
///
/// # Errors
/// Cannot be met (3) when the file system refuses all of them; interrupted (130) or terminated (143) with what is done
/// recorded.
pub fn share(
    session: &mut Session,
    request: &Request,
    pairs: &[Pair],
    stop: &StopSignal,
    on: &mut Sink<'_>,
) -> anyhow::Result<Report> {
    let run = run_id(session.now, session.actor().pid);
    let mut report = Report { run, outcomes: Vec::new(), freed: 0 };
    let mut progress = Progress::new(Step::Sharing, Some(pairs.len() as u64));
    let (mut touched, mut unsupported) = (BTreeSet::new(), None);
    for pair in pairs {
        if stop.reason().is_some() {
            break;
        }
        progress.about = Some(text::clean(&pair.name).into_owned());
        on(progress.clone().into());
        let folders: BTreeSet<&Path> = pair.other.paths.iter().filter_map(|path| path.parent()).collect();
        for folder in folders {
            // A folder that cannot be read fails the pair below.
            let _ = replace_file::remove_leftovers(folder);
        }
        let outcome = match share_pair(session, request, pair, &report.run, &mut || stop.reason().is_none(), on) {
            Ok(how) => {
                report.freed = report.freed.saturating_add(pair.saved);
                touched.extend(pair.other.paths.iter().chain(&pair.kept.paths).cloned());
                record_shared(session, pair, how, &report.run, on);
                Outcome::Shared(how)
            }
            Err(Refused::Unsupported(error)) => {
                let why = format!("the file system cannot share blocks: {error}");
                unsupported = Some(why.clone());
                Outcome::Kept(why)
            }
            Err(Refused::Why(why)) => Outcome::Kept(why),
        };
        report.outcomes.push(outcome);
        progress.done = progress.done.saturating_add(1);
    }
    on(OpEvent::StepEnded { step: Step::Sharing });
    rescan(session, &touched, on)?;
    if let Some(why) = stop.reason() {
        let done = report.outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Shared(_))).count();
        return Err(Failure::new(
            why.kind(),
            format!("interrupted: {done} of {} files share their space", pairs.len()),
        )
        .into());
    }
    let is_none = report.outcomes.iter().all(|outcome| matches!(outcome, Outcome::Kept(_)));
    match unsupported.filter(|_| is_none) {
        Some(why) if !request.hard_link => Err(Failure::cannot_meet(why)
            .hint("--hard-link links the files of stores that never write in place")
            .into()),
        _ => Ok(report),
    }
}

/// Why a pair was left alone.
enum Refused {
    Unsupported(io::Error),
    Why(String),
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Refused {
        if is_unsupported(&error) { Refused::Unsupported(error) } else { Refused::Why(error.to_string()) }
    }
}

fn share_pair(
    session: &mut Session,
    request: &Request,
    pair: &Pair,
    run: &str,
    may_go_on: &mut dyn FnMut() -> bool,
    on: &mut Sink<'_>,
) -> Result<ShareHow, Refused> {
    let how = pair.how.clone().map_err(Refused::Why)?;
    let stopped = || Refused::Why("interrupted".to_owned());
    let differs = || Refused::Why("the bytes differ".to_owned());
    if how == ShareHow::Reflink {
        let kept = replace_file::open(pair.kept.path(), &pair.kept.looked)?;
        let other = replace_file::open(pair.other.path(), &pair.other.looked)?;
        let number = note(session, pair, pair.other.path(), (how, run))?;
        match share_blocks(&kept, &other, pair.other.looked.size, &mut |_| may_go_on()) {
            Ok(Sharing::Shared) => {
                // A file system that frees blocks late is asked to do so now; df follows in any case.
                let _ = rustix::fs::syncfs(&other);
                return Ok(how);
            }
            // Blocks before the difference may be shared, which does no harm; there is nothing to undo.
            Ok(Sharing::Differs) => return forget(session, &[number], differs(), on),
            // What is shared so far stays recorded.
            Ok(Sharing::Stopped) => return Err(stopped()),
            Err(error) if is_unsupported(&error) && request.hard_link => {
                forget(session, &[number], Refused::Unsupported(error), on).or_else(|refused| match refused {
                    Refused::Unsupported(_) => Ok(ShareHow::HardLink),
                    other => Err(other),
                })?;
            }
            Err(error) => return forget(session, &[number], error.into(), on),
        }
    }
    if let Some(why) = &pair.no_link {
        return Err(Refused::Why(why.clone()));
    }
    link_pair(session, pair, run, may_go_on, on)
}

/// Replaces every name of the other file by a link to the kept one.
fn link_pair(
    session: &mut Session,
    pair: &Pair,
    run: &str,
    may_go_on: &mut dyn FnMut() -> bool,
    on: &mut Sink<'_>,
) -> Result<ShareHow, Refused> {
    let (kept, other) = (&pair.kept, &pair.other);
    for file in [kept, other] {
        if replace_file::is_open(file.path(), &file.looked) {
            return Err(Refused::Why(format!("in use: a process has `{}` open", text::path(file.path()))));
        }
    }
    let mut of_kept = replace_file::open(kept.path(), &kept.looked)?;
    let mut of_other = replace_file::open(other.path(), &other.looked)?;
    match replace_file::is_equal(&mut of_kept, &mut of_other, &mut |_| may_go_on())? {
        Some(true) => {}
        Some(false) => return Err(Refused::Why("the bytes differ".to_owned())),
        None => return Err(Refused::Why("interrupted".to_owned())),
    }
    drop((of_kept, of_other));
    for (at, path) in other.paths.iter().enumerate() {
        // Each link that is replaced changes the time of the inode; before the first one it must be as it was compared.
        let now = look(path)?;
        let is_same = (now.dev, now.ino, now.size, now.mtime_ns)
            == (other.looked.dev, other.looked.ino, other.looked.size, other.looked.mtime_ns);
        if !is_same || (at == 0 && now != other.looked) {
            return Err(Refused::Why(format!("`{}` has changed meanwhile", text::path(path))));
        }
        let number = note(session, pair, path, (ShareHow::HardLink, run))?;
        if let Err(error) = replace_file::link_over((kept.path(), &kept.looked), (path, &now)) {
            return forget(session, &[number], Refused::Why(error.to_string()), on);
        }
    }
    Ok(ShareHow::HardLink)
}

/// Records how a file is before it is touched.
fn note(session: &mut Session, pair: &Pair, path: &Path, (how, run): (ShareHow, &str)) -> Result<i64, Refused> {
    let Looked { size, mode, uid, gid, mtime_ns, .. } = pair.other.looked;
    let share = Share {
        number: 0,
        run: run.to_owned(),
        at: session.now,
        how,
        name: pair.name.clone(),
        kept: pair.kept.path().to_owned(),
        path: path.to_owned(),
        size,
        mode,
        uid,
        gid,
        mtime_ns,
    };
    let added = session.db(Access::ReadWrite).and_then(|db| db.add_share(&share));
    added.map_err(|error| Refused::Why(format!("it cannot be recorded: {error:#}")))
}

/// Removes the records of files that were left alone.
fn forget(session: &mut Session, numbers: &[i64], why: Refused, on: &mut Sink<'_>) -> Result<ShareHow, Refused> {
    for number in numbers {
        if let Err(error) = session.db(Access::ReadWrite).and_then(|db| db.remove_share(*number)) {
            // An undo finds that nothing was done.
            on(OpEvent::warning(format!("a record of a file that was left alone stays: {error:#}")));
        }
    }
    Err(why)
}

fn record_shared(session: &mut Session, pair: &Pair, how: ShareHow, run: &str, on: &mut Sink<'_>) {
    let kept = pair.kept.path().to_string_lossy();
    let event = Event {
        at: clock::now(),
        subject: Some(Subject {
            id: pair.models.first().cloned(),
            name: pair.name.clone(),
            path: Some(pair.other.path().to_owned()),
        }),
        others: pair.models.iter().skip(1).cloned().collect(),
        reason: Some(format!("the same bytes as {kept}")),
        apparent: Some(pair.other.looked.size),
        allocated: Some(pair.other.looked.allocated),
        freed: Some(pair.saved),
        detail: json!({ "run": run, "how": how.name(), "kept": kept }),
        ..session.event(Action::Dedupe)
    };
    history_events::record(session, &[event], &[], on);
}
