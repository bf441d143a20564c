//! Reading the inventory: roots, models with their files, and the lean view that a rescan compares with.

use super::Db;
use super::cells::{Cells, bytes};
use super::error::DbResult;
use super::{settings, usage};
use crate::clock::Timestamp;
use crate::model::{Artifact, FileIdentity, Kind, KnownFile, Model, ModelId, Role, RootState, State, StoreKind};
use rusqlite::{Connection, Params};
use std::path::{Path, PathBuf};

/// A place that was scanned at least once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownRoot {
    pub path: PathBuf,
    pub store: StoreKind,
    /// How the last look went.
    pub state: RootState,
    /// When it was last looked at, successfully or not.
    pub last_scan: Timestamp,
    /// Models in it that are not gone.
    pub models: u64,
}

const MODEL_COLUMNS: &str = "SELECT id, number, subject, name, store, root, repo, kind, state, reason, content, \
                             shards_expected, first_seen FROM model";

impl Db {
    /// Every file of every model in every state, as much of it as a rescan needs.
    pub fn known_files(&self) -> anyhow::Result<Vec<KnownFile>> {
        self.read(|tx| {
            let mut all = tx.prepare_cached(
                "SELECT a.number, m.root, a.path, a.target, a.dev, a.ino, a.size, a.mtime_ns, a.ctime_ns, m.id, m.state,
                        CASE WHEN a.role = 'main' AND m.store IN ('ollama', 'docker') THEN m.name END
                 FROM artifact AS a JOIN model AS m ON m.number = a.model",
            )?;
            let mut rows = all.query([])?;
            let mut files = Vec::new();
            while let Some(row) = rows.next()? {
                let mut cells = Cells::new(row, "artifact");
                cells.take::<i64>()?;
                files.push(KnownFile {
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

    /// Whole models: all of them, or those of the given ids. An id that is not there gives nothing.
    pub fn models(&self, ids: Option<&[ModelId]>) -> anyhow::Result<Vec<Model>> {
        self.read(|tx| match ids {
            None => models_where(tx, "ORDER BY number", []),
            Some(ids) => {
                let mut found = Vec::with_capacity(ids.len());
                for id in ids {
                    found.extend(models_where(tx, "WHERE id = ?1", [id.as_str()])?);
                }
                Ok(found)
            }
        })
    }

    /// Whole models of those roots, in every state.
    pub fn models_in(&self, roots: &[PathBuf]) -> anyhow::Result<Vec<Model>> {
        self.read(|tx| {
            let mut found = Vec::new();
            for root in roots {
                found.extend(models_where(tx, "WHERE root = ?1 ORDER BY number", [bytes(root)])?);
            }
            Ok(found)
        })
    }

    /// The models one of whose files has that path: as its entry, as its target, or as a further entry. Those that
    /// are there come before those that are gone or unavailable.
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

    /// Every place that was ever scanned, by path.
    pub fn roots(&self) -> anyhow::Result<Vec<KnownRoot>> {
        self.read(|tx| {
            let mut all = tx.prepare_cached(
                "SELECT path, path, store, reason, last_scan,
                     (SELECT count(*) FROM model WHERE model.root = root.path AND model.state <> 'gone')
                 FROM root ORDER BY path",
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
                    models: cells.count()?,
                });
            }
            Ok(roots)
        })
    }
}

/// `clause` is one of the constants above, never input.
fn models_where(conn: &Connection, clause: &'static str, values: impl Params) -> DbResult<Vec<Model>> {
    let mut find = conn.prepare_cached(&format!("{MODEL_COLUMNS} {clause}"))?;
    let mut rows = find.query(values)?;
    let mut models = Vec::new();
    while let Some(row) = rows.next()? {
        let mut cells = Cells::new(row, "model");
        let id = ModelId(cells.take()?);
        let number: i64 = cells.take()?;
        let subject: String = cells.take()?;
        models.push(Model {
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
            shards_expected: cells.take()?,
            first_seen: Timestamp(cells.take()?),
            settings: settings::of_subject(conn, &subject)?,
            usage: usage::of_subject(conn, &subject)?,
        });
    }
    Ok(models)
}

fn artifacts(conn: &Connection, model: i64) -> DbResult<Vec<Artifact>> {
    let mut find = conn.prepare_cached(
        "SELECT a.number, a.path, a.target, a.dev, a.ino, a.size, a.mtime_ns, a.ctime_ns, a.allocated, a.role,
             a.shard_no, a.expected_sha256, h.problem, h.facts
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
            header: match (cells.take::<Option<String>>()?, cells.take::<Option<String>>()?) {
                (Some(problem), _) => Err(problem),
                (None, Some(facts)) => Ok(serde_json::from_str(&facts).map_err(|error| cells.bad(error.to_string()))?),
                (None, None) => return Err(cells.bad("its row in `artifact_header` is missing")),
            },
        });
    }
    Ok(artifacts)
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
