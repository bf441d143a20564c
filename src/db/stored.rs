//! The files of models with everything known about their bytes.

use super::Db;
use super::cells::Cells;
use super::error::DbResult;
use super::inventory::fault;
use crate::model::{FileIdentity, Found, Integrity, ModelFile, ModelId, State, StoreKind, fault_of};
use std::collections::HashMap;
use std::path::PathBuf;

impl Db {
    /// Returns every file of every model that is not gone, or of the given one, by model and position.
    pub fn model_files(&self, of: Option<&ModelId>) -> anyhow::Result<Vec<ModelFile>> {
        self.read(|tx| {
            let mut also: HashMap<i64, Vec<PathBuf>> = HashMap::new();
            let mut entries =
                tx.prepare_cached("SELECT artifact, path FROM artifact_entry ORDER BY artifact, position")?;
            let mut rows = entries.query([])?;
            while let Some(row) = rows.next()? {
                let mut cells = Cells::new(row, "artifact_entry");
                let artifact: i64 = cells.take()?;
                also.entry(artifact).or_default().push(cells.path()?);
            }
            let mut all = tx.prepare_cached(
                "SELECT a.number, m.id, m.name, m.store, m.root, m.state, a.path, a.target, a.dev, a.ino, a.size,
                     a.mtime_ns, a.ctime_ns, a.allocated, h.problem, h.nature, h.facts ->> '$.fingerprint',
                     h.facts -> '$.integrity', h.facts -> '$.unsupported', a.expected_sha256, v.sha256, f.what, f.detail
                 FROM artifact AS a
                 JOIN model AS m ON m.number = a.model
                 LEFT JOIN artifact_header AS h ON h.artifact = a.number
                 LEFT JOIN verified AS v ON v.dev = a.dev AND v.ino = a.ino AND v.size = a.size
                     AND v.mtime_ns = a.mtime_ns AND v.ctime_ns = a.ctime_ns
                 LEFT JOIN finding AS f ON f.dev = a.dev AND f.ino = a.ino AND f.size = a.size
                     AND f.mtime_ns = a.mtime_ns AND f.ctime_ns = a.ctime_ns
                 WHERE m.state <> 'gone' AND (?1 IS NULL OR m.id = ?1) ORDER BY m.number, a.position",
            )?;
            let mut rows = all.query([of.map(ModelId::as_str)])?;
            let mut files = Vec::new();
            while let Some(row) = rows.next()? {
                let mut cells = Cells::new(row, "artifact");
                files.push(file(&mut cells, &mut also)?);
            }
            Ok(files)
        })
    }
}

fn file(cells: &mut Cells<'_, '_>, also: &mut HashMap<i64, Vec<PathBuf>>) -> DbResult<ModelFile> {
    let number: i64 = cells.take()?;
    let (model, name) = (ModelId(cells.take()?), cells.take()?);
    let (store, root) = (cells.name(StoreKind::from_name)?, cells.path()?);
    let state = cells.name(State::from_name)?;
    let (entry, target) = (cells.path()?, cells.path_or_null()?);
    let identity = FileIdentity {
        dev: cells.bits()?,
        ino: cells.bits()?,
        size: cells.count()?,
        mtime_ns: cells.take()?,
        ctime_ns: cells.take()?,
    };
    let allocated = cells.count()?;
    let problem = fault(cells)?;
    let fingerprint = cells.take()?;
    let integrity: Option<String> = cells.take()?;
    let integrity: Option<Integrity> = match integrity {
        Some(json) => Some(serde_json::from_str(&json).map_err(|error| cells.bad(error.to_string()))?),
        None => None,
    };
    let unsupported: Option<String> = cells.take()?;
    let unsupported: Vec<String> = match unsupported {
        Some(json) => serde_json::from_str(&json).map_err(|error| cells.bad(error.to_string()))?,
        None => Vec::new(),
    };
    let (expected_sha256, verified_sha256): (Option<String>, Option<String>) = (cells.take()?, cells.take()?);
    let finding = match (cells.take::<Option<String>>()?, cells.take::<Option<String>>()?, &verified_sha256) {
        (Some(what), Some(found), Some(recorded)) if what == "other" => {
            Some(Found::NotAsRecorded { recorded: recorded.clone(), found })
        }
        (Some(what), Some(why), _) if what == "changed" => Some(Found::Changed(why)),
        (Some(_), Some(why), _) => Some(Found::Unreadable(why)),
        _ => None,
    };
    let path = target.unwrap_or_else(|| entry.clone());
    let mut entries = also.remove(&number).unwrap_or_default();
    entries.push(entry);
    entries.push(path.clone());
    entries.sort();
    entries.dedup();
    Ok(ModelFile {
        model,
        name,
        store,
        root,
        state,
        path,
        entries,
        identity,
        allocated,
        fault: problem.or_else(|| fault_of(&integrity?, &unsupported)),
        finding,
        fingerprint,
        expected_sha256,
        verified_sha256,
    })
}
