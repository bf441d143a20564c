//! Settings of a model that a person makes: its tier, its alias, whether it may be chosen, and how
//! its server runs.

use super::{Session, history_events, resolve_model};
use crate::db::Access;
use crate::failure::Failure;
use crate::model::server;
use crate::model::{Action, ModelRow, Selector, Settings, Tier};

/// New settings; None leaves a setting as it is.
#[derive(Debug, Clone, Default)]
pub struct Change {
    pub pinned: Option<bool>,
    pub enabled: Option<bool>,
    pub tier: Option<TierChoice>,
    /// An empty text removes the alias.
    pub alias: Option<String>,
    /// An empty text removes the note.
    pub note: Option<String>,
    /// The choices for its server.
    pub server: server::Change,
}

/// The tier of a model.
#[derive(Debug, Clone, Copy)]
pub enum TierChoice {
    /// The computed tier.
    Auto,
    Fixed(Tier),
}

/// Changes the settings of a model and records the change. Returns the model and its settings now.
///
/// # Errors
/// Cannot be met (3) for a model that does not exist, for an alias that another model has, and for a setting of its server
/// that cannot be used.
pub fn change_settings(
    session: &mut Session,
    model: &Selector,
    change: &Change,
) -> anyhow::Result<(ModelRow, Settings)> {
    let row = resolve_model::resolve(session, model)?;
    let event = session.event(Action::Set);
    let recorded = |before: &Settings, after: &Settings| history_events::set(event, &row, before, after);
    let mut refused = None;
    let apply = |settings: Settings| {
        changed(settings.clone(), change).unwrap_or_else(|error| {
            refused = Some(error);
            settings
        })
    };
    let settings = session.db(Access::ReadWrite)?.change_settings(&row.id, apply, recorded)?;
    match refused {
        Some(error) => Err(Failure::cannot_meet(error.to_string()).into()),
        None => Ok((row, settings)),
    }
}

fn changed(mut settings: Settings, change: &Change) -> Result<Settings, server::ChoiceError> {
    settings.server = settings.server.changed(&change.server)?;
    settings.pinned = change.pinned.unwrap_or(settings.pinned);
    settings.enabled = change.enabled.unwrap_or(settings.enabled);
    match change.tier {
        Some(TierChoice::Auto) => settings.tier = None,
        Some(TierChoice::Fixed(tier)) => settings.tier = Some(tier),
        None => {}
    }
    for (new, old) in [(&change.alias, &mut settings.alias), (&change.note, &mut settings.note)] {
        if let Some(text) = new {
            *old = Some(text.clone()).filter(|t| !t.is_empty());
        }
    }
    Ok(settings)
}
