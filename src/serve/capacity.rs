//! What the models need: whether what is enabled, and what is pinned, fits on this machine together is told at the start.

use super::catalog::{Catalog, Catalogs, Entry};
use super::control::Sessions;
use crate::db::Access;
use crate::display::units;
use crate::failure::Failure;
use crate::host::budget::{self, MAIN_MEMORY};
use crate::host::gpu;
use crate::host::self_child::OURSELVES;
use crate::model::DeviceBytes;
use crate::model::ledger::{DeviceBudget, Purpose};
use crate::model::server::ServerSettings;
use crate::ops::{OpEvent, Session, needs};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The models of one read, and the rest after it.
const SOME: usize = 200;
const REST: Duration = Duration::from_millis(200);

/// Bytes of all that is enabled, and of what is pinned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sums {
    all: u64,
    pinned: u64,
}

/// Adds up what models and services need, and returns what a person has to know about it.
///
/// # Errors
/// The database cannot be read.
pub async fn check(sessions: &Sessions, catalogs: &Catalogs) -> anyhow::Result<Option<OpEvent>> {
    let catalog = catalogs.current();
    compute(sessions, catalogs, &catalog).await?;
    let config = sessions.config();
    let mut sums = Sums::default();
    for service in &config.run_services {
        sums.add(service.vram.saturating_add(service.ram), service.pinned);
    }
    for (_, entry) in catalog.offered() {
        let bytes = catalogs.needs().of(entry, &config.recorded_settings(&entry.row)).unwrap_or(entry.row.size);
        sums.add(bytes, entry.row.pinned);
    }
    let budgets = sessions
        .run(|session| {
            // One byte of a GPU asks for all of them.
            let wanted = DeviceBytes { device: "CUDA0".to_owned(), bytes: 1 };
            let wanted = if gpu::is_driver_there() { vec![wanted] } else { Vec::new() };
            Ok(budget::budgets(session.config.memory, Path::new(OURSELVES), &wanted))
        })
        .await?;
    Ok(judge(sums, &budgets))
}

impl Sums {
    fn add(&mut self, bytes: u64, is_pinned: bool) {
        self.all = self.all.saturating_add(bytes);
        self.pinned = self.pinned.saturating_add(if is_pinned { bytes } else { 0 });
    }
}

/// Computes what new and changed models need, until the daemon ends.
pub async fn follow(sessions: Sessions, catalogs: Catalogs) {
    let mut changes = catalogs.watch();
    while changes.changed().await.is_ok() {
        let catalog = Arc::clone(&changes.borrow_and_update());
        // What cannot be read now is tried with the next change; the catalog itself tells of a database that is gone.
        let _ = compute(&sessions, &catalogs, &catalog).await;
    }
}

/// Computes what offered models need, where it is not known yet, some at a time.
async fn compute(sessions: &Sessions, catalogs: &Catalogs, catalog: &Catalog) -> anyhow::Result<()> {
    let config = sessions.config();
    let entries = catalog.offered().map(|(_, entry)| (Arc::clone(entry), config.recorded_settings(&entry.row)));
    let unknown: Vec<_> = entries.filter(|(entry, settings)| catalogs.needs().of(entry, settings).is_none()).collect();
    for some in unknown.chunks(SOME) {
        let wanted = some.to_vec();
        for (entry, settings, bytes) in sessions.run(move |session| of_models(session, wanted)).await? {
            catalogs.needs().keep(&entry, &settings, bytes);
        }
        tokio::time::sleep(REST).await;
    }
    Ok(())
}

/// Returns the bytes that the servers of models need, by their headers or else the sizes of their files.
fn of_models(
    session: &mut Session,
    wanted: Vec<(Arc<Entry>, ServerSettings)>,
) -> anyhow::Result<Vec<(Arc<Entry>, ServerSettings, u64)>> {
    let ids: Vec<_> = wanted.iter().map(|(entry, _)| entry.row.id.clone()).collect();
    let models = session.db(Access::ReadOnly)?.models(Some(&ids))?;
    let with_bytes = |(entry, settings): (Arc<Entry>, ServerSettings)| {
        let model = models.iter().find(|model| model.id == entry.row.id);
        let by_formula = model.and_then(|model| needs::by_formula(model, &settings, Purpose::Main));
        let bytes = by_formula.unwrap_or(entry.row.size);
        (entry, settings, bytes)
    };
    Ok(wanted.into_iter().map(with_bytes).collect())
}

/// Returns what is told: an error where not even the pinned ones fit, a note where the enabled ones take turns. Models
/// are on the GPUs where there are some.
fn judge(Sums { all, pinned }: Sums, budgets: &[DeviceBudget]) -> Option<OpEvent> {
    let on_gpus: Vec<&DeviceBudget> = budgets.iter().filter(|budget| budget.device != MAIN_MEMORY).collect();
    let devices = if on_gpus.is_empty() { budgets.iter().collect() } else { on_gpus };
    let room = devices.iter().map(|budget| budget.budget).fold(0, u64::saturating_add);
    let names: Vec<&str> = devices.iter().map(|budget| budget.device.as_str()).collect();
    // What is not known is no room of 0.
    let names = Some(names.join(", ")).filter(|names| !names.is_empty())?;
    let [all_told, pinned_told, room_told] = [all, pinned, room].map(units::bytes);
    if pinned > room {
        let message =
            format!("pinned models and services need {pinned_told} together, but {names} can provide {room_told}");
        let error = Failure::cannot_meet(message)
            .hint("pinned models and services are never evicted: some of them cannot be loaded");
        return Some(OpEvent::error(&error.into()));
    }
    (all > room).then(|| {
        OpEvent::warning(format!(
            "all enabled models need {all_told} together ({pinned_told} pinned), but {names} can provide {room_told}: \
             models take turns"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine would swap models all day, or never load one that must always be there, and nobody know why.
    #[test]
    fn what_does_not_fit_together_is_told_with_both_sums() {
        const GIB: u64 = 1 << 30;
        let budget = |device: &str, budget| DeviceBudget { device: device.to_owned(), budget, available: None };
        let cpu = [budget(MAIN_MEMORY, 10 * GIB)];
        let gpus = [budget(MAIN_MEMORY, 99 * GIB), budget("CUDA0", 4 * GIB), budget("CUDA1", 4 * GIB)];
        let sums = |all, pinned| Sums { all: all * GIB, pinned: pinned * GIB };
        assert_eq!(judge(sums(10, 10), &cpu), None);
        assert_eq!(judge(sums(99, 99), &[]), None, "nobody knows how much there is");
        let Some(OpEvent::Warning { message }) = judge(sums(11, 3), &cpu) else { panic!("nothing was told") };
        assert_eq!(
            message,
            "all enabled models need 11.0 GiB together (3.0 GiB pinned), but CPU can provide 10.0 GiB: models take turns"
        );
        let Some(OpEvent::Error { error }) = judge(sums(20, 9), &gpus) else { panic!("nothing was told") };
        assert_eq!(
            error.message,
            "pinned models and services need 9.0 GiB together, but CUDA0, CUDA1 can provide 8.0 GiB"
        );
    }
}
