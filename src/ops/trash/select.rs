//! The items of a trash that a person means.

use crate::display::text;
use crate::failure::Failure;
use crate::prune::trash::{Order, State, Trashed};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The least number of characters of an id that compete with a whole name.
const TELLING: usize = 4;

/// A selection of items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// Ids of items or the beginnings of them, or names of models.
    Ids(Vec<String>),
    /// Everything that the latest run moved.
    Last,
    /// Everything that one run moved: its id, or the beginning of it.
    Run(String),
    /// Everything.
    All,
    /// Everything that was in this folder, or this file.
    From(PathBuf),
}

impl Which {
    /// Returns the selection with the latest run by its id: the answer must not change while items are recovered.
    pub fn settled(self, all: &[Trashed]) -> Which {
        match self {
            Which::Last => latest(all).map_or(Which::Last, |order| Which::Run(order.run())),
            other => other,
        }
    }

    /// Returns whether a person means the item of that id and order.
    pub fn means(&self, id: &str, order: &Order) -> bool {
        match self {
            Which::Ids(ids) => ids.iter().any(|asked| id.starts_with(asked.as_str()) || is_called(order, asked)),
            Which::Last => false,
            Which::Run(run) => order.run().starts_with(run.as_str()),
            Which::All => true,
            Which::From(path) => is_from(order, &spellings(path)),
        }
    }

    /// Returns the items that are meant, in the order of `all`.
    ///
    /// # Errors
    /// Cannot be met (3) when there is none, and for a text that fits several.
    pub fn of(&self, all: Vec<Trashed>) -> anyhow::Result<Vec<Trashed>> {
        let none = |what: String| Failure::cannot_meet(what).hint("`modelctl trash list` shows what is there");
        let none = match self {
            Which::Ids(ids) => return select(all, ids),
            Which::Last | Which::All => none("the trash is empty".to_owned()),
            Which::Run(run) => {
                let runs: BTreeSet<String> = all.iter().filter_map(|t| Some(t.order.as_ref()?.run())).collect();
                let runs: Vec<String> = runs.into_iter().filter(|id| id.starts_with(run.as_str())).collect();
                if runs.len() > 1 {
                    let message = format!("`{}` is ambiguous: runs {}", text::clean(run), runs.join(", "));
                    return Err(Failure::cannot_meet(message).hint("give more of the id of the run").into());
                }
                none(format!("nothing in the trash is of a run `{}`", text::clean(run)))
            }
            Which::From(path) => none(format!("nothing in the trash is from `{}`", text::path(path))),
        };
        // What is damaged cannot be restored; a person who names an item is told why.
        let is_meant = |t: &Trashed| {
            !matches!(t.state, State::Damaged(_)) && t.order.as_ref().is_some_and(|order| self.means(&t.id, order))
        };
        let chosen: Vec<Trashed> = all.into_iter().filter(is_meant).collect();
        if chosen.is_empty() { Err(none.into()) } else { Ok(chosen) }
    }
}

/// Returns the order of the item that was moved last.
fn latest(all: &[Trashed]) -> Option<&Order> {
    let whole = all.iter().filter(|t| !matches!(t.state, State::Damaged(_)));
    whole.filter_map(|t| t.order.as_ref()).max_by_key(|order| order.at)
}

/// Returns a path as it is written and as it is found when links are followed, as far as it exists.
fn spellings(path: &Path) -> Vec<PathBuf> {
    let written = std::path::absolute(path).unwrap_or_else(|_| path.to_owned()); // without a working directory
    let found = written.ancestors().find_map(|above| {
        let rest = written.strip_prefix(above).ok()?; // always below its ancestors
        Some(above.canonicalize().ok()?.join(rest)) // the next one above may exist
    });
    // Joining an empty rest adds a slash, which a path compares without.
    std::iter::once(written.clone()).chain(found).collect()
}

fn is_from(order: &Order, folders: &[PathBuf]) -> bool {
    let mut paths = order.steps.iter().map(|step| order.root.join(step.path()));
    folders.iter().any(|folder| order.root.starts_with(folder))
        || paths.any(|path| folders.iter().any(|folder| path.starts_with(folder)))
}

/// Returns the items with these ids or names, in the order of `all`.
///
/// # Errors
/// Cannot be met (3) for one that does not exist or fits several items.
pub fn select(all: Vec<Trashed>, ids: &[String]) -> anyhow::Result<Vec<Trashed>> {
    let mut chosen: BTreeSet<usize> = BTreeSet::new();
    for id in ids {
        let hits = |fits: &dyn Fn(&Trashed) -> bool| -> Vec<usize> {
            all.iter().enumerate().filter(|(_, t)| fits(t)).map(|(at, _)| at).collect()
        };
        let starts = |t: &Trashed| !id.is_empty() && t.id.starts_with(id.as_str());
        let named = |t: &Trashed| t.order.as_ref().is_some_and(|o| is_called(o, id));
        let found = match (hits(&|t| t.id == *id), hits(&named)) {
            (exact, _) if exact.len() == 1 => exact,
            // A short name is more likely meant than the one in 32 ids that happens to begin with it.
            (_, named) if !named.is_empty() && id.len() < TELLING => named,
            _ => hits(&|t| starts(t) || named(t)),
        };
        match found.as_slice() {
            [one] => {
                chosen.insert(*one);
            }
            [] => {
                return Err(Failure::cannot_meet(format!("nothing in the trash matches `{}`", text::clean(id)))
                    .hint("`modelctl trash list` shows what is there")
                    .into());
            }
            several => {
                let mut message = format!("`{}` is ambiguous: {} items match", text::clean(id), several.len());
                for t in several.iter().filter_map(|at| all.get(*at)) {
                    let name = t.order.as_ref().map_or("", |order| order.name.as_str());
                    message.push_str(&format!("\n  {}  {}", t.id, text::clean(name)));
                }
                return Err(Failure::cannot_meet(message).hint("name one by its id").into());
            }
        }
    }
    Ok(all.into_iter().enumerate().filter(|(at, _)| chosen.contains(at)).map(|(_, t)| t).collect())
}

/// Returns whether the item has that name, or the id of one of its models.
fn is_called(order: &Order, name: &str) -> bool {
    order.name == name || order.models.iter().any(|m| m.as_str() == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::model::{Actor, ModelId, StoreKind};
    use crate::prune::trash::{Inode, Step};

    fn item(id: &str, name: &str, at: i64, root: &str) -> Trashed {
        let order = Order {
            root: root.into(),
            root_is: Inode { dev: 1, ino: 1 },
            store: StoreKind::Dir,
            name: name.to_owned(),
            models: vec![ModelId("aaaabbbbcccc".into())],
            why: Vec::new(),
            at: Timestamp(at),
            who: "op".to_owned(),
            command: String::new(),
            actor: Some(Actor { pid: 7, ..Actor::default() }),
            freed_bytes: 0,
            allocated_bytes: 0,
            apparent_bytes: 0,
            steps: vec![Step::RemoveDir { path: format!("sub/{name}").into() }],
            shared: Vec::new(),
        };
        let root = Some(order.root.clone());
        Trashed { id: id.to_owned(), folder: id.into(), state: State::Complete, order: Some(order), root, bytes: 1 }
    }

    fn chosen(which: Which) -> Vec<String> {
        let all = || {
            vec![
                item("a1b2100000001", "small", 1, "/srv/a"),
                item("a1c3100000002", "a", 2, "/srv/b"),
                item("x9y8100000003", "large", 2, "/srv/a"),
            ]
        };
        match which.settled(&all()).of(all()) {
            Ok(items) => items.into_iter().map(|t| t.order.unwrap().name).collect(),
            Err(error) => vec![error.to_string().lines().next().unwrap().to_owned()],
        }
    }

    /// After a prune of 700 models nobody types 700 ids.
    #[test]
    fn a_run_a_folder_or_everything_is_selected_at_once() {
        let run = item("a", "a", 2, "/").order.unwrap().run();
        assert_eq!(chosen(Which::Last), ["a", "large"]);
        assert_eq!(chosen(Which::Run(run[..4].to_owned())), ["a", "large"]);
        assert_eq!(chosen(Which::Run("nope".into())), ["nothing in the trash is of a run `nope`"]);
        assert_eq!(chosen(Which::All).len(), 3);
        assert_eq!(chosen(Which::From("/srv/a".into())), ["small", "large"]);
        assert_eq!(chosen(Which::From("/srv/b/sub/a".into())), ["a"]);
        assert_eq!(chosen(Which::From("/srv/b/su".into())), ["nothing in the trash is from `/srv/b/su`"]);
        assert_ne!(run, item("a", "a", 3, "/").order.unwrap().run());
    }

    #[test]
    fn the_beginning_of_an_id_is_enough_and_a_short_name_is_a_name() {
        assert_eq!(chosen(Which::Ids(vec!["a1b2".into(), "large".into()])), ["small", "large"]);
        assert_eq!(chosen(Which::Ids(vec!["a".into()])), ["a"]);
        assert_eq!(chosen(Which::Ids(vec!["a1".into()])), ["`a1` is ambiguous: 2 items match"]);
        assert_eq!(chosen(Which::Ids(vec!["zz".into()])), ["nothing in the trash matches `zz`"]);
    }
}
