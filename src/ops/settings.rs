//! Settings of a model that a person makes: its tier, its alias, whether it may be chosen, and how
//! its server runs.

use super::{Session, history_events, resolve_model};
use crate::db::Access;
use crate::display::{Document, text};
use crate::failure::Failure;
use crate::inventory;
use crate::model::server;
use crate::model::{Action, ModelId, ModelRow, Selector, Settings, State, StoreKind, Tier, path_bytes_hex};
use schemars::JsonSchema;
use serde::Serialize;

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
/// Cannot be met (3) for a model that does not exist, for an alias that is a name of another model, and for a setting of its
/// server that cannot be used.
pub fn change_settings(
    session: &mut Session,
    model: &Selector,
    change: &Change,
) -> anyhow::Result<(ModelRow, Settings)> {
    let row = resolve_model::resolve(session, model)?;
    if let Some(alias) = change.alias.as_deref().filter(|alias| !alias.is_empty()) {
        let mut rows = session.db(Access::ReadOnly)?.rows()?;
        inventory::name_all(&mut rows);
        check_alias(&rows, &row, alias)?;
    }
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

/// The document of `set --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SetReport<'a> {
    /// The model that was named.
    id: &'a ModelId,
    name: &'a str,
    /// All copies of its content, which the settings are of.
    models: Vec<Copy>,
    settings: &'a Settings,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Copy {
    id: ModelId,
    name: String,
    store: StoreKind,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes_hex: Option<String>,
}

impl Document for SetReport<'_> {
    const SCHEMA: &'static str = "modelctl.set/1";
}

/// Returns the settings of a model for a client.
///
/// # Errors
/// The database cannot be read.
pub fn report<'a>(session: &mut Session, row: &'a ModelRow, settings: &'a Settings) -> anyhow::Result<SetReport<'a>> {
    let rows = session.db(Access::ReadOnly)?.rows()?;
    let is_meant = |other: &&ModelRow| other.id == row.id || other.state != State::Gone && other.is_copy_of(row);
    let models = rows.iter().filter(is_meant).map(|copy| Copy {
        id: copy.id.clone(),
        name: copy.name.clone(),
        store: copy.store,
        path: copy.path.to_string_lossy().into_owned(),
        path_bytes_hex: path_bytes_hex(&copy.path),
    });
    Ok(SetReport { id: &row.id, name: &row.name, models: models.collect(), settings })
}

/// Returns the stores that have a copy of that content, one entry for each copy that is not gone: settings apply to all of
/// them.
///
/// # Errors
/// The database cannot be read.
pub fn copies(session: &mut Session, row: &ModelRow) -> anyhow::Result<Vec<StoreKind>> {
    let rows = session.db(Access::ReadOnly)?.rows()?;
    let others = rows.iter().filter(|other| other.id != row.id && other.state != State::Gone && other.is_copy_of(row));
    let mut stores: Vec<StoreKind> = std::iter::once(row.store).chain(others.map(|other| other.store)).collect();
    stores.sort();
    Ok(stores)
}

/// Refuses an alias that leads to another model already: requests for that one would reach this one. A name that both have
/// may become the alias of one of them, which it then leads to.
fn check_alias(rows: &[ModelRow], row: &ModelRow, alias: &str) -> Result<(), Failure> {
    let own = rows.iter().find(|other| other.id == row.id).unwrap_or(row);
    if own.alias.as_deref() == Some(alias) {
        return Ok(());
    }
    let is_own = named(own, alias).is_some();
    let others = rows.iter().filter(|other| other.id != row.id && !other.is_copy_of(row));
    let mut taken = others.filter_map(|other| Some((other, named(other, alias)?)));
    // An alias wins over all names but an id and another alias.
    match taken.find(|(_, what)| !is_own || matches!(*what, "id" | "alias")) {
        None => Ok(()),
        Some((other, what)) => {
            let (id, name) = (&other.id, text::clean(&other.name));
            let message = format!("`{}` is the {what} of another model: {id} {name}", text::clean(alias));
            Err(Failure::cannot_meet(message).hint("choose an alias that is not the name of another model"))
        }
    }
}

/// Returns what a name is of a model: its id, alias and so on. Upper and lower case are the same, and `:latest` is no part
/// of a name. A model that is gone has only its id.
fn named(row: &ModelRow, name: &str) -> Option<&'static str> {
    let plain = |name: &str| name.strip_suffix(":latest").unwrap_or(name).to_lowercase();
    let name = plain(name);
    let is_it = |of: &str| plain(of) == name;
    if is_it(row.id.as_str()) {
        return Some("id");
    }
    if row.state == State::Gone {
        return None;
    }
    let file = row.path.file_name().map(|file| file.to_string_lossy()).unwrap_or_default();
    let of_repo =
        |repo: &String| is_it(repo) || row.quant.as_ref().is_some_and(|quant| is_it(&format!("{repo}:{quant}")));
    let all = [
        ("alias", row.alias.as_deref().is_some_and(is_it)),
        ("name", is_it(&row.name)),
        ("name", row.also_named.iter().any(|name| is_it(name))),
        ("repository", row.repo.as_ref().is_some_and(of_repo)),
        ("file name", is_it(&file) || file.strip_suffix(".gguf").is_some_and(is_it)),
    ];
    all.into_iter().find(|(_, is_so)| *is_so).map(|(what, _)| what)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Kind;
    use crate::testing::sample_row;

    fn rows() -> Vec<ModelRow> {
        let row = |name: &str, content: &str| {
            let mut row = sample_row(name);
            (row.content, row.repo) = (Some(content.into()), Some("Org/Repo".into()));
            row
        };
        let mut rows = vec![row("small", "a"), row("large", "b"), row("copy", "a"), row("gone", "c")];
        rows[1].alias = Some("mine".into());
        rows[1].path = "/models/Large.Q8_0.gguf".into();
        rows[1].also_named = vec!["library/large:8b".into()];
        rows[3].state = State::Gone;
        rows[0].repo = None;
        rows
    }

    /// Whoever asks for the other model by its name would be answered by this one.
    #[test]
    fn an_alias_that_is_a_name_of_another_model_is_refused_with_that_model() {
        let rows = rows();
        let id = rows[1].id.as_str();
        let gone = rows[3].id.as_str();
        for (alias, what, of) in [
            (id, "id", "large"),
            ("mine", "alias", "large"),
            ("LARGE", "name", "large"),
            ("large:latest", "name", "large"),
            ("library/large:8b", "name", "large"),
            ("org/repo", "repository", "large"),
            ("Org/Repo:Q4_1", "repository", "large"),
            ("Large.Q8_0.gguf", "file name", "large"),
            ("large.q8_0", "file name", "large"),
            (gone, "id", "gone"),
        ] {
            let failure = check_alias(&rows, &rows[0], alias).unwrap_err();
            assert_eq!((failure.kind, failure.hint.is_some()), (Kind::CannotMeet, true));
            let expected = format!("`{alias}` is the {what} of another model: ");
            assert!(failure.message.starts_with(&expected) && failure.message.ends_with(of), "{}", failure.message);
        }
    }

    #[test]
    fn an_alias_of_its_own_and_one_that_tells_two_models_of_one_name_apart_are_taken() {
        let mut rows = rows();
        for alias in ["new", "small", "copy", "gone"] {
            assert!(check_alias(&rows, &rows[0], alias).is_ok(), "{alias}");
        }
        rows[0].repo = Some("Org/Repo".into());
        assert!(check_alias(&rows, &rows[0], "org/repo").is_ok(), "both have it: an alias says which one is meant");
        rows[1].alias = Some("small".into());
        assert!(check_alias(&rows, &rows[0], "small").is_err(), "two aliases would tell nothing apart");
    }
}
