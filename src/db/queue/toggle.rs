//! Whether inference is on: two rows of `meta`, read inside every claim.

use crate::clock::Timestamp;
use crate::db::error::{DbError, DbResult};
use crate::db::{Db, history};
use crate::model::Event;
use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;

/// The switch that a person throws.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Inference {
    pub on: bool,
    /// When it was last thrown; None when it never was.
    pub since: Option<Timestamp>,
}

impl Db {
    pub fn inference(&self) -> anyhow::Result<Inference> {
        self.read(|tx| inference(tx))
    }

    /// Throws the switch. While it is off nothing is claimed; what runs goes on.
    pub fn set_inference(&mut self, on: bool, now: Timestamp) -> anyhow::Result<Inference> {
        self.write(|tx| Ok(throw(tx, on, now)?.1))
    }

    /// [`Db::set_inference`] for a person: `event` goes into the history with it, when the switch was thrown at all.
    pub fn throw_inference(&mut self, on: bool, now: Timestamp, event: &Event) -> anyhow::Result<Inference> {
        self.write(|tx| {
            let (before, after) = throw(tx, on, now)?;
            if before != after {
                history::add(tx, event)?;
            }
            Ok(after)
        })
    }
}

/// The switch before and after.
fn throw(tx: &Connection, on: bool, now: Timestamp) -> DbResult<(Inference, Inference)> {
    let before = inference(tx)?;
    if before.on == on {
        return Ok((before, before));
    }
    set(tx, "inference", if on { "on" } else { "off" })?;
    set(tx, "inference_since", &now.millis().to_string())?;
    Ok((before, Inference { on, since: Some(now) }))
}

pub(super) fn is_on(tx: &Connection) -> DbResult<bool> {
    match get(tx, "inference")?.as_deref() {
        None | Some("on") => Ok(true),
        Some("off") => Ok(false),
        Some(other) => Err(bad("inference", other)),
    }
}

fn inference(tx: &Connection) -> DbResult<Inference> {
    let on = is_on(tx)?;
    Ok(Inference { on, since: time(tx, "inference_since")? })
}

/// A time in `meta`.
pub(super) fn time(tx: &Connection, name: &str) -> DbResult<Option<Timestamp>> {
    let Some(text) = get(tx, name)? else { return Ok(None) };
    Ok(Some(Timestamp(text.parse().map_err(|_| bad(name, &text))?)))
}

pub(super) fn get(tx: &Connection, name: &str) -> DbResult<Option<String>> {
    let mut find = tx.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
    Ok(find.query_row([name], |row| row.get(0)).optional()?)
}

pub(super) fn set(tx: &Connection, name: &str, value: &str) -> DbResult<()> {
    tx.prepare_cached(
        "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )?
    .execute([name, value])?;
    Ok(())
}

pub(super) fn forget(tx: &Connection, name: &str) -> DbResult<()> {
    tx.prepare_cached("DELETE FROM meta WHERE name = ?1")?.execute([name])?;
    Ok(())
}

pub(super) fn bad(name: &str, value: &str) -> DbError {
    DbError::BadValue {
        table: "meta",
        column: "value".to_owned(),
        row: name.to_owned(),
        why: format!("`{}` is not one of its values", value.escape_debug()),
    }
}
