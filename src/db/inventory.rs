//! Reading of the inventory: roots, models with their files, and the short form that a rescan compares with.

use super::Db;
use super::cells::{Cells, bytes};
use super::error::DbResult;
use super::verdict::Verdicts;
use super::{settings, usage};
use crate::clock::Timestamp;
use crate::gguf;
use crate::model::{
    Artifact, Fault, FileIdentity, Kind, KnownFile, Model, ModelId, Nature, Role, RootState, State, StoreKind,
};
use rusqlite::{Connection, Params};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// A root that was scanned at least once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownRoot {
    pub path: PathBuf,
    pub store: StoreKind,
    /// The result of the last scan.
    pub state: RootState,
    /// The time of the last scan, successful or not.
    pub last_scan: Timestamp,
    /// Whether a person or a known place named it; otherwise it was found inside of a root that was named.
    pub is_named: bool,
    /// Whether it was named on a command line: a scan that names no root looks in it again.
    pub is_remembered: bool,
}

const MODEL_COLUMNS: &str = "SELECT id, number, subject, name, store, root, repo, kind, state, reason, content, \
                             shards_expected, first_seen FROM model";

impl Db {
    /// Returns every file of every model in every state, with the fields that a rescan needs.
    pub fn known_files(&self) -> anyhow::Result<Vec<KnownFile>> {
        self.read(|tx| {
            let mut stale = HashSet::new();
            let mut again = tx.prepare_cached("SELECT artifact FROM artifact_header WHERE again = 1")?;
            let mut rows = again.query([])?;
            while let Some(row) = rows.next()? {
                stale.insert(Cells::new(row, "artifact_header").take::<i64>()?);
            }
            let mut all = tx.prepare_cached(
                "SELECT a.number, m.root, a.path, a.target, a.dev, a.ino, a.size, a.mtime_ns, a.ctime_ns, m.id, m.state,
                        CASE WHEN a.role = 'main' AND m.store IN ('ollama', 'docker') THEN m.name END
                 FROM artifact AS a JOIN model AS m ON m.number = a.model",
            )?;
            let mut rows = all.query([])?;
            let mut files = Vec::new();
            while let Some(row) = rows.next()? {
                let mut cells = Cells::new(row, "artifact");
                let again = stale.contains(&cells.take::<i64>()?);
                files.push(KnownFile {
                    again,
                    root: cells.path()?,
                    path: cells.path()?,
                    target: cells.path_or_null()?,
                    identity: identity(&mut cells)?,
                    model: ModelId(cells.take()?),
                    present: !matches!(cells.name(State::from_name)?, State::Gone | State::Unavailable),
                    name_in_store: cells.take()?,
                });
            }
            Ok(files)
        })
    }

    /// Returns whole models, with the findings of `verify` applied: all of them, or those with the given ids. An
    /// unknown id is skipped.
    pub fn models(&self, ids: Option<&[ModelId]>) -> anyhow::Result<Vec<Model>> {
        self.read(|tx| {
            let mut found = match ids {
                None => models_where(tx, "ORDER BY number", [])?,
                Some(ids) => {
                    let mut found = Vec::with_capacity(ids.len());
                    for id in ids {
                        found.extend(models_where(tx, "WHERE id = ?1", [id.as_str()])?);
                    }
                    found
                }
            };
            let only = match found.as_slice() {
                [(number, _)] => Some(*number),
                _ => None,
            };
            let verdicts = Verdicts::read(tx, only)?;
            for (number, model) in &mut found {
                verdicts.apply(tx, *number, &mut model.state, &mut model.reason)?;
            }
            Ok(found.into_iter().map(|(_, model)| model).collect())
        })
    }

    /// Returns whole models of these roots, in every state, as the last scan recorded them.
    pub fn models_in(&self, roots: &[PathBuf]) -> anyhow::Result<Vec<Model>> {
        self.read(|tx| {
            let mut found = Vec::new();
            for root in roots {
                found.extend(models_where(tx, "WHERE root = ?1 ORDER BY number", [bytes(root)])?);
            }
            Ok(found.into_iter().map(|(_, model)| model).collect())
        })
    }

    /// Returns the models with a file at that path: as its entry, as its target, or as a further entry. Models that are
    /// present come before those that are gone or unavailable.
    pub fn ids_by_path(&self, path: &Path) -> anyhow::Result<Vec<ModelId>> {
        self.read(|tx| {
            let mut find = tx.prepare_cached(
                "SELECT id FROM model WHERE number IN (
                     SELECT model FROM artifact WHERE path = ?1
                     UNION SELECT model FROM artifact WHERE target = ?1
                     UNION SELECT a.model FROM artifact_entry AS e JOIN artifact AS a ON a.number = e.artifact
                         WHERE e.path = ?1)
                 ORDER BY state IN ('gone', 'unavailable'), number",
            )?;
            let mut rows = find.query([bytes(path)])?;
            let mut ids = Vec::new();
            while let Some(row) = rows.next()? {
                ids.push(ModelId(Cells::new(row, "model").take()?));
            }
            Ok(ids)
        })
    }

    /// Returns every root that was ever scanned, by path.
    pub fn roots(&self) -> anyhow::Result<Vec<KnownRoot>> {
        self.read(|tx| {
            let mut all = tx.prepare_cached(
                "SELECT path, path, store, reason, last_scan, named, remembered FROM root ORDER BY path",
            )?;
            let mut rows = all.query([])?;
            let mut roots = Vec::new();
            while let Some(row) = rows.next()? {
                let mut cells = Cells::new(row, "root");
                cells.path()?;
                roots.push(KnownRoot {
                    path: cells.path()?,
                    store: cells.name(StoreKind::from_name)?,
                    state: match cells.take::<Option<String>>()? {
                        None => RootState::Read,
                        Some(reason) => RootState::Unavailable { reason },
                    },
                    last_scan: Timestamp(cells.take()?),
                    is_named: cells.take()?,
                    is_remembered: cells.take()?,
                });
            }
            Ok(roots)
        })
    }
}

/// Returns models with their numbers. `clause` is one of the constants above, never input.
fn models_where(conn: &Connection, clause: &'static str, values: impl Params) -> DbResult<Vec<(i64, Model)>> {
    let mut find = conn.prepare_cached(&format!("{MODEL_COLUMNS} {clause}"))?;
    let mut rows = find.query(values)?;
    let mut models = Vec::new();
    while let Some(row) = rows.next()? {
        let mut cells = Cells::new(row, "model");
        let id = ModelId(cells.take()?);
        let number: i64 = cells.take()?;
        let subject: String = cells.take()?;
        let model = Model {
            id,
            name: cells.take()?,
            store: cells.name(StoreKind::from_name)?,
            root: cells.path()?,
            repo: cells.take()?,
            kind: cells.name(Kind::from_name)?,
            state: cells.name(State::from_name)?,
            reason: cells.take()?,
            content: cells.take()?,
            artifacts: artifacts(conn, number)?,
            whole: None,
            shards_expected: cells.take()?,
            first_seen: Timestamp(cells.take()?),
            settings: settings::of_subject(conn, &subject)?,
            usage: usage::of_subject(conn, &subject)?,
        };
        let whole = gguf::facts_of_set(&model.artifacts).map(Box::new);
        models.push((number, Model { whole, ..model }));
    }
    Ok(models)
}

fn artifacts(conn: &Connection, model: i64) -> DbResult<Vec<Artifact>> {
    let mut find = conn.prepare_cached(
        "SELECT a.number, a.path, a.target, a.dev, a.ino, a.size, a.mtime_ns, a.ctime_ns, a.allocated, a.role,
             a.shard_no, a.expected_sha256, h.problem, h.nature, h.facts
         FROM artifact AS a LEFT JOIN artifact_header AS h ON h.artifact = a.number
         WHERE a.model = ?1 ORDER BY a.position",
    )?;
    let mut rows = find.query([model])?;
    let mut artifacts = Vec::new();
    while let Some(row) = rows.next()? {
        let mut cells = Cells::new(row, "artifact");
        let number: i64 = cells.take()?;
        artifacts.push(Artifact {
            path: cells.path()?,
            target: cells.path_or_null()?,
            also: entries(conn, number)?,
            identity: identity(&mut cells)?,
            allocated: cells.count()?,
            role: cells.name(Role::from_name)?,
            shard_no: cells.take()?,
            expected_sha256: cells.take()?,
            header: match (fault(&mut cells)?, cells.take::<Option<String>>()?) {
                (Some(fault), _) => Err(fault),
                (None, Some(facts)) => Ok(serde_json::from_str(&facts).map_err(|error| cells.bad(error.to_string()))?),
                (None, None) => return Err(cells.bad("its row in `artifact_header` is missing")),
            },
        });
    }
    Ok(artifacts)
}

/// Reads a fault from `problem` and `nature`. Older versions wrote no nature; they classified every fault as damage.
pub(super) fn fault(cells: &mut Cells<'_, '_>) -> DbResult<Option<Fault>> {
    let problem: Option<String> = cells.take()?;
    let nature = cells.name_or_null(Nature::from_name)?.unwrap_or(Nature::Unsupported);
    Ok(problem.map(|why| Fault { nature, why }))
}

fn entries(conn: &Connection, artifact: i64) -> DbResult<Vec<PathBuf>> {
    let mut find =
        conn.prepare_cached("SELECT position, path FROM artifact_entry WHERE artifact = ?1 ORDER BY position")?;
    let mut rows = find.query([artifact])?;
    let mut paths = Vec::new();
    while let Some(row) = rows.next()? {
        let mut cells = Cells::new(row, "artifact_entry");
        cells.take::<i64>()?;
        paths.push(cells.path()?);
    }
    Ok(paths)
}

fn identity(cells: &mut Cells<'_, '_>) -> DbResult<FileIdentity> {
    Ok(FileIdentity {
        dev: cells.bits()?,
        ino: cells.bits()?,
        size: cells.count()?,
        mtime_ns: cells.take()?,
        ctime_ns: cells.take()?,
    })
}
