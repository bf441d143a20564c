//! The latest time that was trusted: one row of `meta`.

use super::Db;
use super::queue::{bad, get, set};

/// The name of the row. The queue has a memory of its own (`clock_seen` in `queue/retention.rs`): the ages of tasks are
/// computed with the clock of their store, the ages of models with the clock of this machine.
const NAME: &str = "prune_clock";

impl Db {
    /// Returns the value that [`Db::note_clock`] stored last; None when there is none.
    pub fn clock_seen<T: serde::de::DeserializeOwned>(&self) -> anyhow::Result<Option<T>> {
        self.read(|tx| {
            let Some(text) = get(tx, NAME)? else { return Ok(None) };
            Ok(Some(serde_json::from_str(&text).map_err(|_| bad(NAME, &text))?))
        })
    }

    /// Stores `seen` in place of the earlier value.
    pub fn note_clock(&mut self, seen: &impl serde::Serialize) -> anyhow::Result<()> {
        let text = serde_json::to_string(seen)?;
        self.write(|tx| set(tx, NAME, &text))
    }
}
