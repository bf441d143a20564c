use super::{Model, ModelId};
use std::path::{Path, PathBuf};

/// The text that a person typed to name a model: an id or its prefix, an alias, a name, or a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector(pub String);

/// The result of resolving a selector. Indices refer to the slice that was searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pick {
    One(usize),
    /// More than one model matches equally well.
    Ambiguous(Vec<usize>),
    None,
}

/// The fields of a model that [`pick`] needs; rows of a list have them without loading the whole model.
pub trait Named {
    fn id(&self) -> &ModelId;
    fn name(&self) -> &str;
    fn alias(&self) -> Option<&str>;
    /// Returns whether the path leads to one of its files.
    fn has_path(&self, path: &Path) -> bool;
    /// Returns further names of the model in its store, where they are known.
    fn also_named(&self) -> &[String] {
        &[]
    }
}

impl Named for Model {
    fn id(&self) -> &ModelId {
        &self.id
    }
    fn name(&self) -> &str {
        &self.name
    }
    fn alias(&self) -> Option<&str> {
        self.settings.alias.as_deref()
    }
    fn has_path(&self, path: &Path) -> bool {
        self.artifacts
            .iter()
            .any(|a| a.path == path || a.target.as_deref() == Some(path) || a.also.iter().any(|p| p == path))
    }
}

/// Returns whether a selector names a model in full: by its id or the beginning of it, its alias, its whole name
/// or the last part of that, in any case. A part of a name is not enough where files are removed without a question.
pub fn is_named_in_full<M: Named>(selector: &Selector, model: &M) -> bool {
    let lower = selector.0.to_lowercase();
    let is_hex = lower.len() >= 4 && lower.bytes().all(|b| b.is_ascii_hexdigit());
    let is_name = |name: &str| {
        let name = name.to_lowercase();
        name == lower || name.rsplit('/').next() == Some(lower.as_str())
    };
    (is_hex && model.id().as_str().starts_with(&lower))
        || model.alias() == Some(selector.0.as_str())
        || is_name(model.name())
        || model.also_named().iter().any(|name| is_name(name))
}

/// Finds the model that a selector names. `absolute` is the selector read as a path from the working directory.
///
/// The first of these rules with a match decides: exact id or alias; path; exact name; exact further name; id prefix (4
/// digits or more); name without regard to case, then a further name; part of a name without regard to case, then of a
/// further name.
pub fn pick<M: Named>(selector: &Selector, absolute: Option<&PathBuf>, models: &[M]) -> Pick {
    let text = selector.0.as_str();
    if text.is_empty() {
        return Pick::None;
    }
    let lower = text.to_lowercase();
    let is_hex = text.len() >= 4 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let rules: [&dyn Fn(&M) -> bool; 9] = [
        &|m| m.id().as_str() == lower || m.alias() == Some(text),
        &|m| absolute.is_some_and(|p| m.has_path(p)),
        &|m| m.name() == text,
        &|m| m.also_named().iter().any(|name| name == text),
        &|m| is_hex && m.id().as_str().starts_with(&lower),
        &|m| m.name().to_lowercase() == lower,
        &|m| m.also_named().iter().any(|name| name.to_lowercase() == lower),
        &|m| m.name().to_lowercase().contains(&lower),
        &|m| m.also_named().iter().any(|name| name.to_lowercase().contains(&lower)),
    ];
    for rule in rules {
        let hits: Vec<usize> = models.iter().enumerate().filter(|(_, m)| rule(m)).map(|(i, _)| i).collect();
        match hits.as_slice() {
            [] => {}
            [one] => return Pick::One(*one),
            _ => return Pick::Ambiguous(hits),
        }
    }
    Pick::None
}
