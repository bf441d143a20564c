//! The settings that a person made for a model. They are stored by the model's content, so that they outlive the file
//! and apply again when it comes back.

use super::cells::Cells;
use super::error::{DbError, DbResult};
use super::{Db, history};
use crate::model::server::Choices;
use crate::model::{Event, ModelId, Settings, Tier};
use rusqlite::{Connection, OptionalExtension, params};

impl Db {
    /// Returns the settings of a model; the defaults where none were set.
    ///
    /// # Errors
    /// Cannot be met (3) when no model has that id.
    pub fn settings(&self, model: &ModelId) -> anyhow::Result<Settings> {
        self.read(|tx| of_subject(tx, &subject_of(tx, model)?))
    }

    /// Sets all settings of a model, and of every copy of it.
    ///
    /// # Errors
    /// Cannot be met (3) when no model has that id.
    pub fn set(&mut self, model: &ModelId, settings: &Settings) -> anyhow::Result<()> {
        self.write(|tx| put(tx, &subject_of(tx, model)?, settings))
    }

    /// Changes the settings of a model, and of every copy of it, with `change`, and returns the new ones. The event
    /// that `tell` makes of the settings before and after is added to the history in the same transaction; when nothing
    /// changes, nothing is written.
    ///
    /// # Errors
    /// Cannot be met (3) when no model has that id.
    pub fn change_settings(
        &mut self,
        model: &ModelId,
        change: impl FnOnce(Settings) -> Settings,
        tell: impl FnOnce(&Settings, &Settings) -> Event,
    ) -> anyhow::Result<Settings> {
        self.write(|tx| {
            let subject = subject_of(tx, model)?;
            let before = of_subject(tx, &subject)?;
            let after = change(before.clone());
            if after != before {
                put(tx, &subject, &after)?;
                history::add(tx, &tell(&before, &after))?;
            }
            Ok(after)
        })
    }
}

fn put(tx: &Connection, subject: &str, settings: &Settings) -> DbResult<()> {
    let server = match &settings.server {
        none if none.is_empty() => None,
        chosen => Some(serde_json::to_string(chosen).map_err(|e| DbError::Contradiction(e.to_string()))?),
    };
    tx.prepare_cached(
        "INSERT INTO setting (subject, enabled, pinned, tier, alias, note, server) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (subject) DO UPDATE SET enabled = excluded.enabled, pinned = excluded.pinned,
             tier = excluded.tier, alias = excluded.alias, note = excluded.note, server = excluded.server",
    )?
    .execute(params![
        subject,
        settings.enabled,
        settings.pinned,
        settings.tier.map(Tier::name),
        settings.alias,
        settings.note,
        server
    ])?;
    Ok(())
}

/// Returns the key for settings and uses of a model, if the model is known.
pub(super) fn known_subject(conn: &Connection, model: &ModelId) -> DbResult<Option<String>> {
    let mut find = conn.prepare_cached("SELECT subject FROM model WHERE id = ?1")?;
    Ok(find.query_row([model.as_str()], |row| row.get(0)).optional()?)
}

fn subject_of(conn: &Connection, model: &ModelId) -> DbResult<String> {
    known_subject(conn, model)?.ok_or_else(|| DbError::NoModel(model.clone()))
}

pub(super) fn of_subject(conn: &Connection, subject: &str) -> DbResult<Settings> {
    let mut find = conn
        .prepare_cached("SELECT subject, enabled, pinned, tier, alias, note, server FROM setting WHERE subject = ?1")?;
    let mut rows = find.query([subject])?;
    let Some(row) = rows.next()? else { return Ok(Settings::default()) };
    let mut cells = Cells::new(row, "setting");
    cells.take::<String>()?;
    Ok(Settings {
        enabled: cells.take()?,
        pinned: cells.take()?,
        tier: cells.name_or_null(Tier::from_name)?,
        alias: cells.take()?,
        note: cells.take()?,
        server: server(&mut cells)?,
    })
}

/// Reads the column `server`.
pub(super) fn server(cells: &mut Cells<'_, '_>) -> DbResult<Choices> {
    match cells.take::<Option<String>>()? {
        None => Ok(Choices::default()),
        Some(text) => serde_json::from_str(&text).map_err(|error| cells.bad(error.to_string())),
    }
}
