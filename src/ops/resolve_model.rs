//! Resolves what a person typed to one model.

use super::Session;
use crate::db::Access;
use crate::display::{text, units};
use crate::failure::{self, Failure};
use crate::inventory;
use crate::model::{ModelId, ModelRow, Named, Pick, Selector, State, best_copies, is_named_in_full, pick};
use std::path::{Path, PathBuf};

/// Number of candidates that the failure of an ambiguous selector lists.
const CANDIDATES: usize = 10;
/// Number of similar names that the failure of an unknown selector lists.
const SIMILAR: usize = 3;

/// Finds the model that `selector` names. Of one content in several places it is the best copy.
///
/// # Errors
/// A [`Failure`] that lists the candidates when there are several, or the most similar names when there is none.
pub fn resolve(session: &mut Session, selector: &Selector) -> anyhow::Result<ModelRow> {
    find(session, selector, Copies::Best)
}

/// Finds the model whose files `selector` names: for what is done to the files of one copy.
///
/// # Errors
/// As [`resolve`], and for a content in several places.
pub fn resolve_copy(session: &mut Session, selector: &Selector) -> anyhow::Result<ModelRow> {
    find(session, selector, Copies::Each)
}

/// Finds the model as [`resolve_copy`] does, and refuses a part of a name: for what cannot be asked about.
///
/// # Errors
/// As [`resolve_copy`]; ambiguous for a part of a name.
pub fn resolve_in_full(session: &mut Session, selector: &Selector) -> anyhow::Result<ModelRow> {
    let row = resolve_copy(session, selector)?;
    let paths = paths_meant(selector);
    let mut is_at_path = || -> anyhow::Result<bool> {
        let db = session.db(Access::ReadOnly)?;
        for path in &paths {
            if db.ids_by_path(path)?.contains(&row.id) {
                return Ok(true);
            }
        }
        Ok(false)
    };
    let mut named = vec![row.clone()];
    inventory::name_all(&mut named);
    if named.iter().any(|row| is_named_in_full(selector, row)) || is_at_path()? {
        return Ok(row);
    }
    let (text, name) = (text::clean(&selector.0), text::clean(&row.name));
    let failure = Failure::cannot_meet(format!("`{text}` is only a part of the name `{name}`"));
    let hint = format!("to remove it without a question, name it in full, or by its id: {}", row.id);
    Err(failure.code("ambiguous").candidates(vec![candidate(&row)]).hint(hint).into())
}

/// Returns whether a text is the id, the alias or the whole name of a model that is known.
///
/// # Errors
/// The database cannot be read.
pub fn is_name_of_model(session: &mut Session, text: &str) -> anyhow::Result<bool> {
    // A prompt of several words is none, and costs no reading of stores.
    if text.contains(char::is_whitespace) {
        return Ok(false);
    }
    // Without a database no model is known.
    let Ok(mut rows) = session.db(Access::ReadOnly).and_then(|db| db.rows()) else { return Ok(false) };
    inventory::name_all(&mut rows);
    let selector = Selector(text.to_owned());
    Ok(rows.iter().any(|row| is_named_in_full(&selector, row)))
}

/// What several copies of one content are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copies {
    /// One model, for which the best copy stands.
    Best,
    /// Models of their own.
    Each,
}

fn find(session: &mut Session, selector: &Selector, copies: Copies) -> anyhow::Result<ModelRow> {
    let db = session.db(Access::ReadOnly)?;
    let mut rows = db.rows()?;
    let paths = paths_meant(selector);
    let mut by_path = Vec::new();
    for path in &paths {
        by_path.extend(db.ids_by_path(path)?);
    }
    by_path = own_path(&paths, &rows).map_or(by_path, |id| vec![id]);
    // An exact id, name or alias in the database wins over other names that stores use.
    let text = selector.0.as_str();
    let is_told = |row: &ModelRow| row.id.as_str() == text || row.name == text || row.alias.as_deref() == Some(text);
    if by_path.is_empty() && !rows.iter().any(|row| row.state != State::Gone && is_told(row)) {
        inventory::name_all(&mut rows);
    }
    let at = choose(selector, (&rows, copies), &by_path)?;
    Ok(rows.swap_remove(at))
}

/// Returns the one model whose own path was typed; other models whose links lead there do not count.
fn own_path(paths: &[PathBuf], rows: &[ModelRow]) -> Option<ModelId> {
    paths.iter().find_map(|path| {
        let mut own = rows.iter().filter(|row| row.path == *path && row.state != State::Gone);
        own.next().filter(|_| own.next().is_none()).map(|row| row.id.clone())
    })
}

/// Returns the absolute paths that a selector can stand for: as it is written, and with links resolved.
fn paths_meant(selector: &Selector) -> Vec<PathBuf> {
    let typed = Path::new(&selector.0);
    let written = std::path::absolute(typed);
    let followed = std::fs::canonicalize(typed);
    let mut paths: Vec<PathBuf> = [written, followed].into_iter().flatten().collect();
    // A path that is not UTF-8, as it is shown.
    if let Some(bytes) = text::path_of_shown(&selector.0) {
        paths.extend(std::path::absolute(bytes));
    }
    paths.dedup();
    paths
}

/// A row, and whether the typed path leads to one of its files.
struct Candidate<'a> {
    row: &'a ModelRow,
    is_at_path: bool,
}

impl Named for Candidate<'_> {
    fn id(&self) -> &ModelId {
        &self.row.id
    }
    fn name(&self) -> &str {
        &self.row.name
    }
    fn alias(&self) -> Option<&str> {
        self.row.alias.as_deref()
    }
    fn has_path(&self, _: &Path) -> bool {
        self.is_at_path
    }
    fn also_named(&self) -> &[String] {
        &self.row.also_named
    }
}

/// Returns the index in `rows` of the model that is meant. `by_path` are the models that the selector, read as a path,
/// leads to. A model that is present is preferred over one that is gone.
///
/// # Errors
/// Those of [`resolve`].
pub fn choose(
    selector: &Selector,
    (rows, copies): (&[ModelRow], Copies),
    by_path: &[ModelId],
) -> anyhow::Result<usize> {
    let candidates: Vec<Candidate> =
        rows.iter().map(|row| Candidate { row, is_at_path: by_path.contains(&row.id) }).collect();
    let path = PathBuf::from(&selector.0);
    let hits = match pick(selector, Some(&path), &candidates) {
        Pick::One(at) => return Ok(at),
        Pick::Ambiguous(hits) => hits,
        Pick::None => return Err(unknown(selector, rows).into()),
    };
    let is_there = |at: &usize| rows.get(*at).is_some_and(|row| row.state != State::Gone);
    let present: Vec<usize> = hits.iter().copied().filter(is_there).collect();
    let distinct = match copies {
        Copies::Best => best_copies(&present, |at| rows.get(at)),
        Copies::Each => present.clone(),
    };
    match distinct.as_slice() {
        [one] => Ok(*one),
        [] => Err(ambiguous(selector, rows, &hits).into()),
        _ => Err(ambiguous(selector, rows, &present).into()),
    }
}

fn ambiguous(selector: &Selector, rows: &[ModelRow], hits: &[usize]) -> Failure {
    let mut message = format!("`{}` is ambiguous: {} models match", text::clean(&selector.0), hits.len());
    for row in hits.iter().take(CANDIDATES).filter_map(|at| rows.get(*at)) {
        let (name, size, store) = (text::clean(&row.name), units::bytes(row.size), row.store.name());
        message.push_str(&format!("\n  {}  {name}  {size}  {store}  {}", row.id, text::path(&row.path)));
    }
    if let Some(more) = hits.len().checked_sub(CANDIDATES).filter(|more| *more > 0) {
        message.push_str(&format!("\n  and {more} more"));
    }
    let meant = hits.iter().filter_map(|at| rows.get(*at)).map(candidate).collect();
    Failure::cannot_meet(message).code("ambiguous").candidates(meant).hint("use the id, the full name or the path")
}

fn candidate(row: &ModelRow) -> failure::Candidate {
    failure::Candidate {
        id: Some(row.id.to_string()),
        name: row.name.clone(),
        path: Some(row.path.to_string_lossy().into_owned()),
    }
}

fn unknown(selector: &Selector, rows: &[ModelRow]) -> Failure {
    let typed = text::clean(&selector.0);
    let failure = Failure::not_found(format!("no model matches `{typed}`"));
    if selector.0.contains(['*', '?']) {
        return failure
            .hint(format!("a name is wanted here, not a pattern: `modelctl list '{typed}'` shows what matches"));
    }
    if selector.0.contains('/') && selector.0.starts_with(['/', '.', '~']) {
        return match Path::new(&selector.0).exists() {
            true => failure.hint("it is there, and no model of a scan: `modelctl scan PATH` scans it"),
            false => Failure::not_found(format!("no model matches `{typed}`: there is no such file"))
                .hint("`modelctl list --columns name,path` shows the paths of all models"),
        };
    }
    if rows.is_empty() {
        return failure.hint("no models known: run `modelctl scan` first");
    }
    let typed = selector.0.to_lowercase();
    let mut scored: Vec<(f64, &str)> =
        rows.iter().map(|row| (strsim::jaro_winkler(&typed, &row.name.to_lowercase()), row.name.as_str())).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    scored.dedup_by(|a, b| a.1 == b.1);
    // Below this score, names that Jaro-Winkler proposes have nothing to do with the typed text.
    scored.retain(|(score, _)| *score >= 0.7);
    scored.truncate(SIMILAR);
    let similar: Vec<String> = scored.iter().map(|(_, name)| format!("`{}`", text::clean(name))).collect();
    let is_similar = |row: &&ModelRow| scored.iter().any(|(_, name)| *name == row.name);
    let failure = failure.candidates(rows.iter().filter(is_similar).map(candidate).collect());
    if similar.is_empty() {
        failure.hint("`modelctl list` shows all models; `modelctl scan` checks again")
    } else {
        failure.hint(format!("did you mean {}? `modelctl list` shows all", similar.join(" or ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Kind, classify};
    use crate::testing::sample_row;

    fn rows() -> Vec<ModelRow> {
        let mut gone = sample_row("SmolLM2-135M-Instruct-Q4_1");
        gone.id = ModelId("aaaabbbbcccc".into());
        gone.state = State::Gone;
        let mut rows = vec![
            sample_row("SmolLM2-135M-Instruct-Q4_1"),
            sample_row("gemma-3-270m-q4_k_m"),
            sample_row("gemma-3-1b\x1b[2J"),
            gone,
        ];
        for (at, row) in rows.iter_mut().enumerate() {
            row.content = Some(format!("content {at}"));
        }
        rows
    }

    fn chosen(text: &str) -> anyhow::Result<usize> {
        choose(&Selector(text.into()), (&rows(), Copies::Best), &[])
    }

    /// `start`, `run-once` and `stop` would refuse the alias that a person gave, and the gateway answer by it.
    #[test]
    fn a_name_means_a_content_and_the_best_copy_of_it_stands_for_all() {
        let mut rows = rows();
        rows.truncate(3);
        for row in &mut rows {
            (row.alias, row.content) = (Some("mine".into()), Some("same".into()));
        }
        rows[0].state = State::Damaged;
        let chosen = |rows: &[ModelRow], copies| choose(&Selector("mine".into()), (rows, copies), &[]);
        assert_eq!(chosen(&rows, Copies::Best).unwrap(), 1, "the first that is whole");
        let error = chosen(&rows, Copies::Each).unwrap_err().to_string();
        assert!(error.starts_with("`mine` is ambiguous: 3 models match"), "{error}");
        rows[2].content = None;
        let error = chosen(&rows, Copies::Best).unwrap_err().to_string();
        assert!(
            error.starts_with("`mine` is ambiguous: 3 models match"),
            "a content that is not known is no copy: {error}"
        );
    }

    #[test]
    fn an_ambiguous_selector_lists_its_candidates_with_their_ids() {
        let error = chosen("gemma").unwrap_err();
        let text = error.to_string();
        assert_eq!(text.lines().next(), Some("`gemma` is ambiguous: 2 models match"));
        assert_eq!(text.lines().count(), 3);
        assert!(text.contains(&format!("{}  gemma-3-270m-q4_k_m  ", rows()[1].id)));
        assert!(!text.contains('\x1b'));
        assert_eq!(classify(&error).0, Kind::CannotMeet);
    }

    #[test]
    fn a_model_that_is_gone_gives_way_to_its_successor() {
        assert_eq!(chosen("smollm2").unwrap(), 0);
        assert_eq!(chosen("aaaabbbbcccc").unwrap(), 3);
    }

    #[test]
    fn a_slip_of_the_finger_gets_the_nearest_names() {
        let error = chosen("gema-3-270m").unwrap_err();
        assert_eq!(error.to_string(), "no model matches `gema-3-270m`");
        assert!(
            classify(&error)
                .1
                .is_some_and(|hint| hint.starts_with("did you mean") && hint.contains("`gemma-3-270m-q4_k_m`"))
        );
        assert!(classify(&chosen("zzz").unwrap_err()).1.is_some_and(|hint| hint.contains("modelctl list")));
    }

    #[test]
    fn a_path_to_any_file_of_a_model_finds_it() {
        let rows = rows();
        let at = choose(&Selector("./mmproj.gguf".into()), (&rows, Copies::Best), &[rows[1].id.clone()]).unwrap();
        assert_eq!(at, 1);
    }
}
