//! Triage: collects the facts of the node, or takes those of a bundle, redacts and judges them.

pub mod baseline;
pub mod checklist;

use super::node::{CollectRequest, Collected, collect_until};
use super::{Session, Sink};
use crate::clock;
use crate::display::text;
use crate::failure::{Failure, Kind, OrFail};
use crate::supervise::StopSignal;
use crate::triage::bundle::{self, Contents, ReadError, Target, WriteError};
use crate::triage::facts::Facts;
use crate::triage::report::Report;
use crate::triage::show::{Layout, show};
use crate::triage::{JudgeOptions, judge, redact_with};
use std::path::{Path, PathBuf};

/// Columns of `report.txt` in a bundle.
const TEXT_WIDTH: usize = 100;

#[derive(Debug, Clone)]
pub struct Request {
    /// Where the facts come from.
    pub source: Source,
    pub options: JudgeOptions,
    /// A new file for the bundle.
    pub bundle: Option<PathBuf>,
}

#[derive(Debug, Clone)]
pub enum Source {
    /// This node, as of the time of the session.
    Node(CollectRequest),
    /// A bundle; options that are not given are those of the bundle.
    Bundle(PathBuf),
}

/// The answer, and the redacted facts that it was made of.
#[derive(Debug)]
pub struct Triage {
    pub facts: Facts,
    pub report: Report,
}

/// Looks at the node or a bundle, and judges. Changes nothing; writes the bundle, where one is asked for.
///
/// # Errors
/// Cannot be met (3) for a bundle that cannot be read or written; interrupted (130) or terminated (143), with no bundle.
pub fn triage(
    session: &mut Session,
    request: &Request,
    stop: &StopSignal,
    on: &mut Sink<'_>,
) -> anyhow::Result<Triage> {
    // Before the look, which can take half a minute.
    let target = request.bundle.as_deref().map(|path| Target::new(path).map_err(|error| not_written(path, error)));
    let target = target.transpose()?;
    let mut options = request.options.clone();
    let (facts, took_ms, redacted) = match &request.source {
        Source::Bundle(path) => {
            let read = bundle::read(path).map_err(|error| not_read(path, error))?;
            options = options.or_those_of(read.manifest.options);
            (read.facts, read.manifest.took_ms, read.manifest.redacted)
        }
        Source::Node(request) => {
            let started = clock::instant();
            let Collected { facts, secrets } = collect_until(session, request, stop)?;
            let took = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            let (mut facts, redactions) = redact_with(facts, &secrets).or_fail(not_redacted)?;
            baseline::compare(session, &mut facts, on);
            (facts, took, redactions.count)
        }
    };
    if let Some(why) = stop.reason() {
        return Err(Failure::new(why.kind(), "stopped before everything was checked").into());
    }
    let mut report = judge(&facts, &options);
    (report.took_ms, report.redacted) = (took_ms, redacted);
    if let Some((target, path)) = target.zip(request.bundle.as_deref()) {
        let lines = show(&report, Layout { width: TEXT_WIDTH, all: true });
        let text: String = lines.into_iter().map(|line| line.text + "\n").collect();
        let contents = Contents { facts: &facts, report: &report, options: &options, text: &text };
        target.write(&contents).map_err(|error| not_written(path, error))?;
    }
    Ok(Triage { facts, report })
}

fn not_redacted() -> Failure {
    Failure::new(Kind::Bug, "cannot redact the facts, so none are shown")
}

fn not_written(path: &Path, error: WriteError) -> anyhow::Error {
    let hint = match &error {
        WriteError::Name => Some("use a name such as node.tar.zst"),
        WriteError::Exists => Some("use another name, or remove the old file first"),
        WriteError::TooLarge | WriteError::Io(_) | WriteError::Json(_) => None,
    };
    let failure = Failure::cannot_meet(format!("cannot write the bundle `{}`", text::path(path)));
    let failure = match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    };
    anyhow::Error::from(error).context(failure)
}

fn not_read(path: &Path, error: ReadError) -> anyhow::Error {
    let failure = Failure::cannot_meet(format!("cannot read the bundle `{}`", text::path(path)));
    let failure = match &error {
        ReadError::Newer { .. } => failure.hint("use the modelctl version that wrote it, or a newer one"),
        ReadError::Altered(_) | ReadError::NotABundle(_) => failure.hint("copy it from its node again"),
        _ => failure,
    };
    anyhow::Error::from(error).context(failure)
}
