//! What must hold after a fix.

use super::{Request, Source, baseline, collect};
use crate::clock;
use crate::failure::{Failure, OrFail};
use crate::ops::Session;
use crate::ops::node::Collected;
use crate::supervise::StopSignal;
use crate::triage::checklist::{Checklist, check};
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
    let redacted = || Failure::new(crate::failure::Kind::Bug, "cannot redact the facts, and shows none of them");
    let Collected { facts: first, secrets } = collect(session, collected, stop)?;
    let (first, _) = redact_with(first, &secrets).or_fail(redacted)?;
    if let Some(why) = stop.wait_timeout(watch) {
        return Err(Failure::new(why.kind(), "stopped before the second look").into());
    }
    session.now = clock::now();
    let Collected { facts: second, secrets } = collect(session, collected, stop)?;
    let (second, _) = redact_with(second, &secrets).or_fail(redacted)?;
    if let Some(why) = stop.reason() {
        return Err(Failure::new(why.kind(), "stopped during the second look").into());
    }
    Ok(check(&first, &second, baseline::load(session)?.as_ref()))
}
