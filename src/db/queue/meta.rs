//! The rows of `meta`: names and values, including whether inference is on, which every claim reads.

use crate::clock::Timestamp;
use crate::db::error::{DbError, DbResult};
use crate::model::task::Inference;
use rusqlite::{Connection, OptionalExtension};

/// Turns inference on or off. Returns the switch before and after.
pub(super) fn set_inference(tx: &Connection, on: bool, now: Timestamp) -> DbResult<(Inference, Inference)> {
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

/// Returns the state of the switch.
pub(super) fn inference(tx: &Connection) -> DbResult<Inference> {
    let on = is_on(tx)?;
    Ok(Inference { on, since: time(tx, "inference_since")? })
}

/// Reads a time from `meta`.
pub(super) fn time(tx: &Connection, name: &str) -> DbResult<Option<Timestamp>> {
    let Some(text) = get(tx, name)? else { return Ok(None) };
    Ok(Some(Timestamp(text.parse().map_err(|_| bad(name, &text))?)))
}

pub(in crate::db) fn get(tx: &Connection, name: &str) -> DbResult<Option<String>> {
    let mut find = tx.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
    Ok(find.query_row([name], |row| row.get(0)).optional()?)
}

pub(in crate::db) fn set(tx: &Connection, name: &str, value: &str) -> DbResult<()> {
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

pub(in crate::db) fn bad(name: &str, value: &str) -> DbError {
    DbError::BadValue {
        table: "meta",
        column: "value".to_owned(),
        row: name.to_owned(),
        why: format!("`{}` is not one of its values", value.escape_debug()),
    }
}
