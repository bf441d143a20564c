//! Keep hints: the models that a person wants to keep, and prefers for tasks.

use super::{Session, history_events};
use crate::db::Access;
use crate::display::{Document, text};
use crate::failure::{Failure, Kind};
use crate::inventory;
use crate::model::{Action, HintSource, KeepHint, ModelId, ModelRow, State, path_bytes_hex};
use serde::Serialize;

/// Longest hint in bytes: the longest path that Linux accepts.
const LONGEST: usize = 4096;

/// Returns all hints, including those of the database, in order of preference. All decisions by hints use this
/// function.
pub fn hints(session: &mut Session) -> anyhow::Result<Vec<(HintSource, KeepHint)>> {
    let kept = session.db(Access::ReadOnly)?.keep_hints()?;
    Ok(session.config.keep.with(&kept))
}

/// The result of adding a hint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Added {
    /// The hint as it is kept.
    pub hint: String,
    /// False when the hint was already added.
    pub is_new: bool,
    /// Number of models that match the hint now.
    pub models: u64,
}

/// The document of `keep add --json`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct AddReport {
    pub hints: Vec<Added>,
}

impl Document for AddReport {
    const SCHEMA: &'static str = "modelctl.keep-add/1";
}

/// Adds keep hints.
///
/// # Errors
/// Usage (2) for a hint that is invalid, and for a broken glob that is not a name either; nothing is added then.
pub fn add(session: &mut Session, given: &[String]) -> anyhow::Result<Vec<Added>> {
    let hints = given.iter().map(|hint| checked(hint)).collect::<Result<Vec<String>, Failure>>()?;
    let now = session.now;
    let event = session.event(Action::Keep);
    let db = session.db(Access::ReadWrite)?;
    let rows = present(db.rows()?);
    for hint in hints.iter().map(|hint| KeepHint::new(hint)) {
        if let Some(fault) = hint.fault().filter(|_| matching(&rows, &hint).is_empty()) {
            return Err(no_glob(None, &hint, fault).into());
        }
    }
    let new = db.add_keep_hints(&hints, now, |new| history_events::kept(event, "added", &hints, new))?;
    let models = |hint: &str| matching(&rows, &KeepHint::new(hint)).len() as u64;
    Ok(hints.into_iter().zip(new).map(|(hint, is_new)| Added { models: models(&hint), hint, is_new }).collect())
}

/// Returns the failure for a hint that is neither a glob nor the name of anything, and would silently keep nothing.
/// Without a source, the hint was just typed.
pub fn no_glob(source: Option<HintSource>, hint: &KeepHint, fault: &str) -> Failure {
    let what = format!(
        "`{}` is not a valid glob, and no model has this name: {fault}",
        text::shorten(&text::clean(&hint.text), 60)
    );
    match source {
        None => Failure::new(Kind::Usage, what).hint("write a literal bracket as `[[]`"),
        Some(HintSource::Environment) => Failure::cannot_meet(format!("KEEP_LOCAL_MODELS: {what}")),
        Some(HintSource::File) => Failure::cannot_meet(format!("`keep` of the config file: {what}")),
        Some(HintSource::Database) => {
            Failure::cannot_meet(format!("a keep hint: {what}")).hint("remove it with `modelctl keep rm`")
        }
    }
}

/// Returns the hint as it is kept: a path that starts with `./` or `../` is made absolute. Refuses an invalid hint.
fn checked(hint: &str) -> Result<String, Failure> {
    let refuse = |why: &str| {
        Failure::new(
            Kind::Usage,
            format!("`{}` is not a valid keep hint: {why}", text::shorten(&text::clean(hint), 60)),
        )
    };
    if hint.trim().is_empty() {
        return Err(refuse("it is empty"));
    }
    if hint.chars().any(char::is_control) {
        return Err(refuse("it has control characters"));
    }
    if hint.len() > LONGEST {
        return Err(refuse("it is longer than any path"));
    }
    if hint.starts_with("./") || hint.starts_with("../") {
        // A path that does not exist, or is a glob, has no canonical form.
        let found = std::fs::canonicalize(hint).or_else(|_| std::path::absolute(hint));
        let path = found.map_err(|e| refuse(&format!("it cannot be made absolute: {e}")))?;
        let path = path.into_os_string().into_string().map_err(|_| refuse("its folder is not UTF-8"))?;
        return if path.chars().any(char::is_control) {
            Err(refuse("its folder has control characters"))
        } else {
            Ok(path)
        };
    }
    Ok(hint.to_owned())
}

/// A hint that was removed from the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Removed {
    pub hint: String,
    /// The other source of the same hint, in words.
    pub remains_in: Option<String>,
}

/// The document of `keep rm --json`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct RemoveReport {
    pub hints: Vec<Removed>,
}

impl Document for RemoveReport {
    const SCHEMA: &'static str = "modelctl.keep-rm/1";
}

/// Removes hints that [`add`] added.
///
/// # Errors
/// Cannot be met (3) for a hint that does not exist; nothing is removed then.
pub fn remove(session: &mut Session, given: &[String]) -> anyhow::Result<Vec<Removed>> {
    let kept = session.db(Access::ReadOnly)?.keep_hints()?;
    let mut hints = Vec::new();
    for hint in given {
        // The hint as it was typed, or as `add` would have written it.
        let spelled = checked(hint).unwrap_or_else(|_| hint.clone());
        match [hint, &spelled].into_iter().find(|hint| kept.contains(hint)) {
            Some(hint) => hints.push(hint.clone()),
            None => return Err(not_here(session, hint).into()),
        }
    }
    let event = session.event(Action::Keep);
    let removed = |gone: &[bool]| history_events::kept(event, "removed", &hints, gone);
    session.db(Access::ReadWrite)?.remove_keep_hints(&hints, removed)?;
    let remains = |hint: &String| elsewhere(session, hint);
    Ok(hints.iter().map(|hint| Removed { hint: hint.clone(), remains_in: remains(hint) }).collect())
}

/// Returns the source of a hint that is not in the database.
fn elsewhere(session: &Session, hint: &str) -> Option<String> {
    let is = |texts: &[String]| texts.iter().any(|text| text == hint);
    if is(&session.config.keep.environment) {
        return Some("the environment, KEEP_LOCAL_MODELS".to_owned());
    }
    let file = session.config.source.as_deref().map_or_else(String::new, |path| format!(" `{}`", text::path(path)));
    is(&session.config.keep.file).then(|| format!("the config file{file}"))
}

fn not_here(session: &Session, hint: &str) -> Failure {
    let shown = text::clean(hint);
    match elsewhere(session, hint) {
        Some(place) => Failure::cannot_meet(format!("keep hint `{shown}` comes from {place}"))
            .hint("remove it there: `modelctl keep rm` only removes what `modelctl keep add` added"),
        None => Failure::not_found(format!("there is no keep hint `{shown}`"))
            .hint("`modelctl keep list` shows the exact spelling of all hints"),
    }
}

/// Returns the rows of models that are not gone, with all names that their stores have for them.
pub fn present(rows: Vec<ModelRow>) -> Vec<ModelRow> {
    let mut rows: Vec<ModelRow> = rows.into_iter().filter(|row| row.state != State::Gone).collect();
    inventory::name_all(&mut rows);
    rows
}

/// Returns the rows that a hint matches.
pub fn matching<'a>(rows: &'a [ModelRow], hint: &KeepHint) -> Vec<&'a ModelRow> {
    rows.iter().filter(|row| hint.matches(row)).collect()
}

/// An element of `keep list --json`. Part of the public interface: keys are added, never renamed or dropped.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct Entry<'a> {
    pub hint: &'a str,
    /// `environment`, `database` or `file`.
    pub source: HintSource,
    /// The config file, for a hint that comes from it. Lossily decoded.
    pub file: Option<String>,
    /// The models that match the hint and are not gone; empty when none does.
    pub models: Vec<Meant<'a>>,
}

#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct Meant<'a> {
    pub id: &'a ModelId,
    pub name: &'a str,
    /// Lossily decoded.
    pub path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_bytes_hex: Option<String>,
}

/// The document of `keep list --json`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct HintsReport<'a> {
    /// In order of preference.
    pub hints: Vec<Entry<'a>>,
}

impl Document for HintsReport<'_> {
    const SCHEMA: &'static str = "modelctl.keep-list/1";
}

/// Returns the hint with its source and the rows that it matches.
pub fn entry<'a>(session: &Session, source: HintSource, hint: &'a KeepHint, rows: &'a [ModelRow]) -> Entry<'a> {
    let file = session.config.source.as_deref().filter(|_| source == HintSource::File);
    let models = matching(rows, hint)
        .into_iter()
        .map(|row| Meant {
            id: &row.id,
            name: &row.name,
            path: row.path.to_string_lossy().into_owned(),
            path_bytes_hex: path_bytes_hex(&row.path),
        })
        .collect();
    Entry { hint: &hint.text, source, file: file.map(|path| path.to_string_lossy().into_owned()), models }
}
