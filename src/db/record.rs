//! Writing of the result of a scan, all of it or nothing.

use super::cells::{bits, bytes, count};
use super::error::{DbError, DbResult};
use super::holdings::Surveys;
use super::settings::known_subject;
use super::{Db, hints, history, usage, verified};
use crate::clock::Timestamp;
use crate::model::{Artifact, Event, Model, Nature, Role, RootState, ScanCounts, ScanOutcome, StoreKind};
use rusqlite::{Connection, params};
use std::collections::HashSet;
use std::path::PathBuf;

/// The number of scans whose counts are kept. Older ones are removed as new ones are added.
const SCANS_KEPT: i64 = 1_000;

impl Db {
    /// Records a scan in one transaction. If nothing changed, only the scan and its roots are written.
    ///
    /// A model in `outcome.write` replaces the one with its id, except for its `settings` and `usage`, which a scan
    /// does not change, and for `first_seen`, which keeps the earlier time.
    pub fn record_scan(&mut self, outcome: &ScanOutcome, now: Timestamp) -> anyhow::Result<()> {
        self.write(|tx| write_scan(tx, outcome, now))
    }

    /// Records a scan as [`Db::record_scan`] does, and adds its result to the history in the same transaction.
    pub fn record_scan_told(
        &mut self,
        outcome: &ScanOutcome,
        now: Timestamp,
        event: Option<Event>,
    ) -> anyhow::Result<()> {
        self.write(|tx| {
            write_scan(tx, outcome, now)?;
            history::add_told(tx, event)
        })
    }
}

fn write_scan(tx: &Connection, outcome: &ScanOutcome, now: Timestamp) -> DbResult<()> {
    for root in &outcome.roots {
        let how = (outcome.named.contains(&root.0), outcome.remembered.contains(&root.0));
        write_root(tx, root, how, now)?;
        if root.2 == RootState::Read {
            verified::forget_changed(tx, &root.0)?;
        }
    }
    let mut seen = HashSet::with_capacity(outcome.write.len());
    for model in &outcome.write {
        if !seen.insert(&model.id) {
            return Err(DbError::Contradiction(format!("a scan has the model `{}` twice", model.id)));
        }
        write_model(tx, model)?;
    }
    let mut gone = tx.prepare_cached("UPDATE model SET state = 'gone', reason = NULL WHERE id = ?1")?;
    for id in &outcome.gone {
        gone.execute([id.as_str()])?;
    }
    let mut unavailable = tx.prepare_cached(
        "UPDATE model SET state = 'unavailable', reason = (SELECT reason FROM root WHERE path = model.root)
         WHERE id = ?1",
    )?;
    for id in &outcome.unavailable {
        unavailable.execute([id.as_str()])?;
    }
    // A new survey of a folder that is apart removes the surveys around it, which must therefore be recorded later.
    let (apart, around): (Vec<_>, Vec<_>) = outcome.surveys.iter().partition(|s| s.is_apart);
    let mut surveys = Surveys::of(tx)?;
    for survey in apart.into_iter().chain(around) {
        surveys.record(survey)?;
    }
    write_counts(tx, &outcome.counts, now)
}

/// Writes one root. A root that was named or remembered once stays so.
fn write_root(
    conn: &Connection,
    root: &(PathBuf, StoreKind, RootState),
    (is_named, is_remembered): (bool, bool),
    now: Timestamp,
) -> DbResult<()> {
    let (path, store, state) = root;
    let (state, reason) = match state {
        RootState::Read => ("read", None),
        RootState::Unavailable { reason } => ("unavailable", Some(reason)),
    };
    conn.prepare_cached(
        "INSERT INTO root (path, store, state, reason, last_scan, named, remembered)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (path) DO UPDATE SET store = excluded.store, state = excluded.state, reason = excluded.reason,
             last_scan = excluded.last_scan, named = max(named, excluded.named),
             remembered = max(remembered, excluded.remembered)",
    )?
    .execute(params![bytes(path), store.name(), state, reason, now.millis(), is_named, is_remembered])?;
    Ok(())
}

fn write_counts(conn: &Connection, counts: &ScanCounts, now: Timestamp) -> DbResult<()> {
    conn.prepare_cached(
        "INSERT INTO scan (at, added, changed, moved, gone, unchanged, unavailable, skipped)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        now.millis(),
        count(counts.added, "the number of models added")?,
        count(counts.changed, "the number of models changed")?,
        count(counts.moved, "the number of models moved")?,
        count(counts.gone, "the number of models gone")?,
        count(counts.unchanged, "the number of models unchanged")?,
        count(counts.unavailable, "the number of models unavailable")?,
        count(counts.skipped, "the number of entries skipped")?,
    ])?;
    let oldest = conn.last_insert_rowid().saturating_sub(SCANS_KEPT);
    conn.prepare_cached("DELETE FROM scan WHERE number <= ?1")?.execute([oldest])?;
    Ok(())
}

fn write_model(conn: &Connection, model: &Model) -> DbResult<()> {
    let known = known_subject(conn, &model.id)?;
    // A header that has become unreadable must not cost the model its pin: without content it keeps the key it had.
    let before = known.as_deref().unwrap_or(model.id.as_str());
    let subject = model.content.as_deref().unwrap_or(before);
    if before == model.id.as_str() && subject != before {
        usage::adopt(conn, before, subject)?;
        hints::adopt(conn, before, subject)?;
    }
    let number = write_row(conn, model, subject)?;
    if known.is_some() {
        // Deleting an artifact also deletes its header and further entries.
        conn.prepare_cached("DELETE FROM artifact WHERE model = ?1")?.execute([number])?;
    }
    for (position, artifact) in (0i64..).zip(&model.artifacts) {
        write_artifact(conn, number, position, artifact)?;
    }
    Ok(())
}

/// Writes the row of a model and returns its number.
fn write_row(conn: &Connection, model: &Model, subject: &str) -> DbResult<i64> {
    let Some(first) = model.main().or_else(|| model.artifacts.first()) else {
        return Err(DbError::Contradiction(format!("the model `{}` has no file", model.id)));
    };
    let facts = model.facts();
    let quant = facts.map(|f| &f.quant);
    let shards = model.artifacts.iter().filter(|a| a.role != Role::Mmproj).count();
    Ok(conn
        .prepare_cached(
            "INSERT INTO model (id, subject, name, store, root, repo, kind, state, reason, content, shards_expected,
                 first_seen, path, architecture, family, quant, bits_per_weight, parameters, context_length, size,
                 allocated, weights, chat_template, shards, mmproj)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21,
                 ?22, ?23, ?24, ?25)
             ON CONFLICT (id) DO UPDATE SET subject = excluded.subject, name = excluded.name, store = excluded.store,
                 root = excluded.root, repo = excluded.repo, kind = excluded.kind, state = excluded.state,
                 reason = excluded.reason, content = excluded.content, shards_expected = excluded.shards_expected,
                 first_seen = min(first_seen, excluded.first_seen), path = excluded.path,
                 architecture = excluded.architecture, family = excluded.family, quant = excluded.quant,
                 bits_per_weight = excluded.bits_per_weight, parameters = excluded.parameters,
                 context_length = excluded.context_length, size = excluded.size, allocated = excluded.allocated,
                 weights = excluded.weights, chat_template = excluded.chat_template,
                 shards = excluded.shards, mmproj = excluded.mmproj
             RETURNING number",
        )?
        .query_one(
            params![
                model.id.as_str(),
                subject,
                model.name,
                model.store.name(),
                bytes(&model.root),
                model.repo,
                model.kind.name(),
                model.state.name(),
                model.reason,
                model.content,
                model.shards_expected,
                model.first_seen.millis(),
                bytes(&first.path),
                facts.and_then(|f| f.architecture.as_deref()),
                facts.and_then(|f| f.family.as_deref()),
                quant.map(|q| q.label.as_str()),
                quant.and_then(|q| q.bits_per_weight),
                model.parameters().map(bits),
                facts.and_then(|f| f.context_length).map(bits),
                sum(&model.artifacts, |a| a.identity.size),
                sum(&model.artifacts, |a| a.allocated),
                bits(model.weights()),
                facts.is_some_and(|f| f.chat_template),
                i64::try_from(shards).unwrap_or(i64::MAX),
                model.mmproj().is_some(),
            ],
            |row| row.get(0),
        )?)
}

/// Sums the bytes over all files. Sparse files can each claim nearly 2^63 bytes, and a few of them must not stop a
/// scan.
fn sum(artifacts: &[Artifact], of: impl Fn(&Artifact) -> u64) -> i64 {
    let total = artifacts.iter().map(of).fold(0, u64::saturating_add);
    i64::try_from(total).unwrap_or(i64::MAX)
}

fn write_artifact(conn: &Connection, model: i64, position: i64, artifact: &Artifact) -> DbResult<()> {
    let identity = &artifact.identity;
    conn.prepare_cached(
        "INSERT INTO artifact (model, position, path, target, dev, ino, size, mtime_ns, ctime_ns, allocated, role,
             shard_no, expected_sha256)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?
    .execute(params![
        model,
        position,
        bytes(&artifact.path),
        artifact.target.as_deref().map(bytes),
        bits(identity.dev),
        bits(identity.ino),
        count(identity.size, "the size of a file")?,
        identity.mtime_ns,
        identity.ctime_ns,
        count(artifact.allocated, "the allocated size of a file")?,
        artifact.role.name(),
        artifact.shard_no,
        artifact.expected_sha256,
    ])?;
    let number = conn.last_insert_rowid();
    let (facts, fault) = match &artifact.header {
        Ok(facts) => {
            let json = serde_json::to_string(facts).map_err(|error| DbError::Contradiction(error.to_string()))?;
            (Some(json), None)
        }
        Err(fault) => (None, Some(fault)),
    };
    // The permission to read a file can change without the file.
    let again = fault.is_some_and(|f| f.nature == Nature::Unreadable);
    let (problem, nature) = (fault.map(|f| f.why.as_str()), fault.map(|f| f.nature.name()));
    conn.prepare_cached(
        "INSERT INTO artifact_header (artifact, facts, problem, nature, again) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![number, facts, problem, nature, again])?;
    for (position, entry) in (0i64..).zip(&artifact.also) {
        conn.prepare_cached("INSERT INTO artifact_entry (artifact, position, path) VALUES (?1, ?2, ?3)")?
            .execute(params![number, position, bytes(entry)])?;
    }
    Ok(())
}
