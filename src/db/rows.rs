//! The short rows of a list: one pass over one table, nothing parsed.

use super::Db;
use super::cells::Cells;
use super::error::DbResult;
use super::settings;
use super::verdict::Verdicts;
use crate::clock::Timestamp;
use crate::model::{Kind, ModelId, ModelRow, State, StoreKind, Tier};
use rusqlite::{Connection, OptionalExtension, Params};
use std::collections::HashMap;

impl Db {
    /// Returns every model in every state, in the order in which they were first recorded.
    pub fn rows(&self) -> anyhow::Result<Vec<ModelRow>> {
        self.read(|tx| rows_where(tx, "ORDER BY m.number", [], None))
    }

    /// Returns the model with this id, in every state.
    pub fn row(&self, id: &ModelId) -> anyhow::Result<Option<ModelRow>> {
        self.read(|tx| {
            let mut find = tx.prepare_cached("SELECT number FROM model WHERE id = ?1")?;
            let number: Option<i64> = find.query_row([id.as_str()], |row| row.get(0)).optional()?;
            match number {
                Some(number) => Ok(rows_where(tx, "WHERE m.number = ?1", [number], Some(number))?.pop()),
                None => Ok(None),
            }
        })
    }

    /// Returns the time of the last write of each model's main file, or of its shards.
    pub fn written(&self) -> anyhow::Result<HashMap<ModelId, Timestamp>> {
        self.read(|tx| {
            let mut all = tx.prepare_cached(
                "SELECT m.id, max(a.mtime_ns) FROM model AS m JOIN artifact AS a ON a.model = m.number
                 WHERE a.role IN ('main', 'shard') GROUP BY m.number",
            )?;
            let mut rows = all.query([])?;
            let mut times = HashMap::new();
            while let Some(row) = rows.next()? {
                let mut cells = Cells::new(row, "artifact");
                let id = ModelId(cells.take()?);
                times.insert(id, Timestamp(cells.take::<i64>()?.div_euclid(1_000_000)));
            }
            Ok(times)
        })
    }
}

/// Reads the rows that fit a clause. `only` is the number of the model where it leads to one.
fn rows_where(
    conn: &Connection,
    clause: &'static str,
    values: impl Params,
    only: Option<i64>,
) -> DbResult<Vec<ModelRow>> {
    let mut find = conn.prepare_cached(&format!(
        "SELECT m.id, m.number, m.name, m.store, m.root, m.repo, m.kind, m.state, m.reason, m.path, m.content,
             m.architecture, m.family, m.quant, m.bits_per_weight, m.parameters, m.context_length, m.size,
             m.allocated, m.weights, m.chat_template, m.shards, m.mmproj, m.first_seen,
             s.enabled, s.pinned, s.tier, s.alias, s.server, u.last_used, u.use_count
         FROM model AS m
         LEFT JOIN setting AS s ON s.subject = m.subject
         LEFT JOIN use_total AS u ON u.subject = m.subject
         {clause}"
    ))?;
    let verdicts = Verdicts::read(conn, only)?;
    let mut rows = find.query(values)?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        let mut cells = Cells::new(row, "model");
        // Fields are read in the order of the columns.
        let (id, number) = (ModelId(cells.take()?), cells.take::<i64>()?);
        let mut row = ModelRow {
            id,
            damage: None,
            name: cells.take()?,
            store: cells.name(StoreKind::from_name)?,
            root: cells.path()?,
            repo: cells.take()?,
            kind: cells.name(Kind::from_name)?,
            state: cells.name(State::from_name)?,
            reason: cells.take()?,
            path: cells.path()?,
            content: cells.take()?,
            architecture: cells.take()?,
            family: cells.take()?,
            quant: cells.take()?,
            bits_per_weight: cells.take()?,
            parameters: cells.bits_or_null()?,
            context_length: cells.bits_or_null()?,
            size: cells.count()?,
            allocated: cells.count()?,
            weights: cells.bits()?,
            chat_template: cells.take()?,
            shards: cells.take()?,
            mmproj: cells.take()?,
            first_seen: Timestamp(cells.take()?),
            enabled: cells.take::<Option<bool>>()?.unwrap_or(true),
            pinned: cells.take::<Option<bool>>()?.unwrap_or(false),
            tier_override: cells.name_or_null(Tier::from_name)?,
            alias: cells.take()?,
            server: settings::server(&mut cells)?,
            last_used: cells.take::<Option<i64>>()?.map(Timestamp),
            use_count: cells.count_or_null()?.unwrap_or(0),
            also_named: Vec::new(),
        };
        row.damage = verdicts.apply(conn, number, &mut row.state, &mut row.reason)?;
        list.push(row);
    }
    Ok(list)
}
