//! Short lists of names, for the completion of a command line.

use super::Db;
use super::cells::Cells;

/// Number of tasks that are offered, the newest first.
const TASKS: i64 = 200;

impl Db {
    /// Returns the names and aliases of the models that are here, each once.
    pub fn model_names(&self) -> anyhow::Result<Vec<String>> {
        self.texts(
            "SELECT name FROM model WHERE state <> 'gone'
             UNION SELECT alias FROM setting WHERE alias IS NOT NULL ORDER BY 1",
        )
    }

    /// Returns the ids of the models that are here.
    pub fn model_ids(&self) -> anyhow::Result<Vec<String>> {
        self.texts("SELECT id FROM model WHERE state <> 'gone' ORDER BY 1")
    }

    /// Returns the ids of the newest tasks, and the keys that were given to them: those of a batch name its lines only.
    pub fn task_names(&self) -> anyhow::Result<Vec<String>> {
        let ids = self.texts(&format!("SELECT CAST(id AS TEXT) FROM task ORDER BY id DESC LIMIT {TASKS}"))?;
        let keys = self.texts(&format!(
            "SELECT key FROM (SELECT id, key FROM task WHERE key IS NOT NULL AND batch = '' ORDER BY id DESC LIMIT {TASKS})"
        ))?;
        Ok(ids.into_iter().chain(keys).collect())
    }

    /// Returns the names of the batches.
    pub fn batch_names(&self) -> anyhow::Result<Vec<String>> {
        self.texts("SELECT DISTINCT batch FROM task WHERE batch <> '' ORDER BY 1")
    }

    fn texts(&self, sql: &str) -> anyhow::Result<Vec<String>> {
        self.read(|tx| {
            let mut all = tx.prepare(sql)?;
            let mut rows = all.query([])?;
            let mut texts = Vec::new();
            while let Some(row) = rows.next()? {
                texts.push(Cells::new(row, "names").take()?);
            }
            Ok(texts)
        })
    }
}
