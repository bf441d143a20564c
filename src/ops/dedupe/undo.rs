//! Gives files that share their space space of their own again.

use crate::clock;
use crate::db::Access;
use crate::display::{text, units};
use crate::failure::Failure;
use crate::host::extents;
use crate::host::replace_file::{self, Looked, look};
use crate::model::{Action, Event, Reading, Share, ShareHow, Subject};
use crate::ops::known_roots::rescan;
use crate::ops::{OpEvent, Progress, Session, Sink, Step, history_events};
use crate::supervise::StopSignal;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// What became of one file.
#[derive(Debug)]
pub struct Undone {
    pub share: Share,
    /// None when it has space of its own now; else why it was left alone.
    pub kept: Option<String>,
}

/// Returns the files of a run that share their space, or of the latest run. With `confirm`, gives each a copy of its own
/// first.
///
/// # Errors
/// Cannot be met (3) when no such run is recorded; interrupted (130) or terminated (143).
pub fn undo(
    session: &mut Session,
    run: Option<&str>,
    confirm: bool,
    stop: &StopSignal,
    on: &mut Sink<'_>,
) -> anyhow::Result<Vec<Undone>> {
    let mut all = session.db(Access::ReadOnly)?.shares()?;
    let wanted = run.or_else(|| all.first().map(|share| share.run.as_str())).unwrap_or_default().to_owned();
    all.retain(|share| !wanted.is_empty() && share.run.starts_with(&wanted));
    let runs: BTreeSet<&str> = all.iter().map(|share| share.run.as_str()).collect();
    if runs.len() > 1 {
        let runs: Vec<&str> = runs.into_iter().collect();
        return Err(
            Failure::cannot_meet(format!("`{}` is ambiguous: runs {}", text::clean(&wanted), runs.join(", "))).into()
        );
    }
    if all.is_empty() {
        return Err(Failure::cannot_meet("no such run of dedupe is recorded, or it is undone already")
            .hint("`modelctl history --what dedupe` shows the runs")
            .into());
    }
    let mut progress = Progress::new(Step::Sharing, Some(all.len() as u64));
    let (mut done, mut touched) = (Vec::new(), BTreeSet::<PathBuf>::new());
    for share in all {
        if !confirm {
            done.push(Undone { kept: Some("nothing was changed".to_owned()), share });
            continue;
        }
        if stop.reason().is_some() {
            break;
        }
        progress.about = Some(text::clean(&share.name).into_owned());
        on(progress.clone().into());
        let kept = match unshare(&share, &mut |_| stop.reason().is_none()) {
            Ok(is_changed) => {
                session.db(Access::ReadWrite)?.note_share_undone(share.number, clock::now())?;
                if is_changed {
                    touched.insert(share.path.clone());
                    record_undone(session, &share, on);
                }
                None
            }
            Err(why) => Some(why),
        };
        done.push(Undone { share, kept });
        progress.done = progress.done.saturating_add(1);
    }
    on(OpEvent::StepEnded { step: Step::Sharing });
    rescan(session, &touched, on)?;
    match stop.reason() {
        Some(why) => Err(Failure::new(why.kind(), "interrupted: what was undone is recorded").into()),
        None => Ok(done),
    }
}

/// Gives the file a copy of its own. Returns false when it has one already; else a reason why it was left alone.
fn unshare(share: &Share, go_on: &mut dyn FnMut(u64) -> bool) -> Result<bool, String> {
    let now = match look(&share.path) {
        Ok(now) => now,
        // A file that was removed or replaced shares nothing.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error.to_string()),
    };
    match share.how {
        ShareHow::HardLink => {
            let kept = look(&share.kept);
            let is_linked = kept.is_ok_and(|kept| (kept.dev, kept.ino) == (now.dev, now.ino));
            if !is_linked && now.links < 2 {
                return Ok(false);
            }
            if !is_linked {
                return Err("it is not the link that was made".to_owned());
            }
        }
        ShareHow::Reflink => {
            let file = replace_file::open(&share.path, &now).map_err(|error| error.to_string())?;
            if matches!(extents::shared(&file), Reading::Known(shared) if shared.is_empty()) {
                return Ok(false);
            }
            if now.links > 1 {
                return Err("it has further hard links".to_owned());
            }
        }
    }
    if replace_file::is_open(&share.path, &now) {
        return Err("a process has it open".to_owned());
    }
    let free = share.path.parent().and_then(crate::prune::room::free_at).unwrap_or(u64::MAX);
    if free < now.size {
        return Err(format!("{} are needed, and {} are free", units::bytes(now.size), units::bytes(free)));
    }
    // A file that was written since keeps the time of that.
    let mtime_ns = if now.size == share.size { share.mtime_ns } else { now.mtime_ns };
    let with = match share.how {
        ShareHow::HardLink => Looked { mode: share.mode, uid: share.uid, gid: share.gid, mtime_ns, ..now },
        ShareHow::Reflink => now,
    };
    match replace_file::copy_over(&share.path, &now, &with, go_on) {
        Ok(Some(())) => Ok(true),
        Ok(None) => Err("interrupted".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn record_undone(session: &mut Session, share: &Share, on: &mut Sink<'_>) {
    let event = Event {
        at: clock::now(),
        subject: Some(Subject { id: None, name: share.name.clone(), path: Some(share.path.clone()) }),
        reason: Some("undone: it has space of its own again".to_owned()),
        apparent: Some(share.size),
        detail: json!({ "run": share.run, "how": share.how.name(), "undone": true }),
        ..session.event(Action::Dedupe)
    };
    history_events::record(session, &[event], &[], on);
}
