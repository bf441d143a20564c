//! Whether what is enabled, and what is pinned, fits on this machine together: told at the start.

use super::catalog::Catalogs;
use super::control::Sessions;
use crate::db::Access;
use crate::display::units;
use crate::failure::Failure;
use crate::host::budget::{self, MAIN_MEMORY};
use crate::host::gpu;
use crate::host::self_child::OURSELVES;
use crate::model::ledger::{DeviceBudget, Purpose};
use crate::model::{DeviceBytes, ModelRow};
use crate::ops::{OpEvent, Session, needs};
use std::path::Path;
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
    let rows: Vec<ModelRow> = catalogs.current().offered().map(|(_, entry)| entry.row.clone()).collect();
    let mut sums = Sums::default();
    for service in &sessions.config().run_services {
        sums.add(service.vram.saturating_add(service.ram), service.pinned);
    }
    for some in rows.chunks(SOME) {
        let some = some.to_vec();
        for (bytes, is_pinned) in sessions.run(move |session| of_models(session, &some)).await? {
            sums.add(bytes, is_pinned);
        }
        tokio::time::sleep(REST).await;
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

/// Returns the bytes that the servers of models need, by their headers or else the sizes of their files, and whether each
/// is pinned.
fn of_models(session: &mut Session, rows: &[ModelRow]) -> anyhow::Result<Vec<(u64, bool)>> {
    let ids: Vec<_> = rows.iter().map(|row| row.id.clone()).collect();
    let models = session.db(Access::ReadOnly)?.models(Some(&ids))?;
    let of = |row: &ModelRow| {
        let model = models.iter().find(|model| model.id == row.id);
        let by_formula = model.and_then(|model| {
            let settings = session.config.server_settings(row, model.trained_context());
            needs::by_formula(model, &settings, Purpose::Main)
        });
        (by_formula.unwrap_or(row.size), row.pinned)
    };
    Ok(rows.iter().map(of).collect())
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
        let message = format!("what is pinned needs {pinned_told} together, and {names} can give {room_told}");
        let error =
            Failure::cannot_meet(message).hint("pinned models and services stay: some of them cannot be loaded");
        return Some(OpEvent::error(&error.into()));
    }
    (all > room).then(|| {
        OpEvent::warning(format!(
            "all that is enabled needs {all_told} together ({pinned_told} of it pinned), and {names} can give {room_told}: \
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
            "all that is enabled needs 11.0 GiB together (3.0 GiB of it pinned), and CPU can give 10.0 GiB: models take turns"
        );
        let Some(OpEvent::Error { error }) = judge(sums(20, 9), &gpus) else { panic!("nothing was told") };
        assert_eq!(error.message, "what is pinned needs 9.0 GiB together, and CUDA0, CUDA1 can give 8.0 GiB");
    }
}
