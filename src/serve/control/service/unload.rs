//! A service gives its memory back in place.

use crate::clock;
use crate::host::budget::MAIN_MEMORY;
use crate::host::process_memory;
use crate::host::self_child::OURSELVES;
use crate::http::{Endpoint, Request, Whole, fetch};
use crate::model::DeviceBytes;
use std::path::Path;
use std::time::Duration;

/// The time that the answer may take, and after it the release.
const LIMIT: Duration = Duration::from_secs(10);
/// The time between two looks at what it holds.
const LOOK: Duration = Duration::from_millis(250);

/// Asks a service to give its memory back, and waits until it has. Returns what it still holds.
///
/// # Errors
/// It did not: a sentence without a full stop.
pub async fn unload(
    endpoint: &Endpoint,
    (path, body): (&str, &str),
    (pid, is_on_gpu): (u32, bool),
) -> Result<Vec<DeviceBytes>, String> {
    let before = held(pid, is_on_gpu).await;
    if on(&before, is_on_gpu) == 0 {
        return Err("its memory cannot be measured".to_owned());
    }
    let request = Request::post(endpoint.clone(), path, body.to_owned());
    match fetch(request, LIMIT).await {
        Ok(Whole { status: 200..=299, .. }) => {}
        Ok(Whole { status, .. }) => return Err(format!("it answered {path} with {status}")),
        Err(error) => return Err(format!("{path}: {error}")),
    }
    let until = clock::instant().checked_add(LIMIT);
    let what = |held: &[DeviceBytes]| on(held, is_on_gpu);
    loop {
        let now = held(pid, is_on_gpu).await;
        // Less than half of what it held: a context of the driver, or a runtime, stays.
        if what(&now) < what(&before) / 2 {
            return Ok(now);
        }
        if until.is_none_or(|at| clock::instant() >= at) {
            return Err(format!("it held {} bytes before, and {} after {LIMIT:?}", what(&before), what(&now)));
        }
        // The driver gives no event for memory that is free again.
        tokio::time::sleep(LOOK).await;
    }
}

fn on(held: &[DeviceBytes], is_on_gpu: bool) -> u64 {
    let counts = held.iter().filter(|held| (held.device != MAIN_MEMORY) == is_on_gpu);
    counts.fold(0, |sum, held| sum.saturating_add(held.bytes))
}

async fn held(pid: u32, is_on_gpu: bool) -> Vec<DeviceBytes> {
    let modelctl = is_on_gpu.then_some(Path::new(OURSELVES));
    let measured = tokio::task::spawn_blocking(move || process_memory::held_by_group(pid, modelctl)).await;
    measured.unwrap_or_default() // nothing is known to be held
}
