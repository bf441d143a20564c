//! Reads the headers of the models that are offered, for what they can do: some at a time, beside everything else, and
//! each again only when its file has changed.

use super::catalog::{Catalogs, Entry};
use super::control::Sessions;
use crate::clock;
use crate::ops::model_header::capabilities_of;
use std::sync::Arc;

/// The models of one read.
const SOME: usize = 20;
/// A read is followed by a rest of this many times its duration.
const REST_FACTOR: u32 = 10;

/// Follows the catalog until the daemon ends.
pub async fn follow(catalogs: Catalogs, sessions: Sessions) {
    let mut changes = catalogs.watch();
    loop {
        let catalog = Arc::clone(&changes.borrow_and_update());
        let offered = catalog.offered().map(|(_, entry)| entry);
        let unread: Vec<&Arc<Entry>> = offered.filter(|entry| catalogs.capabilities().read(entry).is_none()).collect();
        for some in unread.chunks(SOME) {
            let began = clock::instant();
            let wanted = some.iter().map(|entry| (entry.row.id.clone(), entry.row.kind)).collect();
            // What cannot be read now is tried with the next change; the catalog itself tells of a database that is gone.
            let read = sessions.run(move |session| capabilities_of(session, wanted)).await.unwrap_or_default();
            for (id, found) in read {
                if let Some(entry) = some.iter().find(|entry| entry.row.id == id) {
                    catalogs.capabilities().keep(entry, found);
                }
            }
            tokio::time::sleep(began.elapsed().saturating_mul(REST_FACTOR)).await;
        }
        if changes.changed().await.is_err() {
            return;
        }
    }
}
