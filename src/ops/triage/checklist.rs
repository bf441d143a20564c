//! What must hold after a fix.

use super::{Request, Source, baseline, not_redacted};
use crate::clock;
use crate::failure::{Failure, OrFail};
use crate::ops::Session;
use crate::ops::node::{CollectRequest, collect_until};
use crate::supervise::StopSignal;
use crate::triage::checklist::{Checklist, check};
use crate::triage::facts::Facts;
use crate::triage::redact_with;
use std::time::Duration;

/// Looks at the node, waits for `watch`, looks again and compares both.
///
/// # Errors
/// Cannot be met (3); interrupted (130) or terminated (143).
pub fn checklist(
    session: &mut Session,
    request: &Request,
    watch: Duration,
    stop: &StopSignal,
) -> anyhow::Result<Checklist> {
    let Source::Node(collected) = &request.source else {
        return Err(Failure::cannot_meet("a bundle cannot be watched").into());
    };
    let first = redacted(session, collected, stop)?;
    if let Some(why) = stop.wait_timeout(watch) {
        return Err(Failure::new(why.kind(), "stopped before the second sample").into());
    }
    session.now = clock::now();
    let second = redacted(session, collected, stop)?;
    if let Some(why) = stop.reason() {
        return Err(Failure::new(why.kind(), "stopped during the second sample").into());
    }
    Ok(check(&first, &second, baseline::load(session)?.as_ref()))
}

fn redacted(session: &Session, request: &CollectRequest, stop: &StopSignal) -> anyhow::Result<Facts> {
    let collected = collect_until(session, request, stop)?;
    Ok(redact_with(collected.facts, &collected.secrets).or_fail(not_redacted)?.0)
}
