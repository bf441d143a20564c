//! All names of all models, for a lookup in constant time.

use crate::model::{ModelId, ModelRow, State};
use std::collections::HashMap;

/// The tag that Ollama and its clients add to a name without one.
const LATEST: &str = ":latest";

/// The kind of a name, in the order in which they decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    IdOrAlias,
    Name,
    AlsoNamed,
    Repository,
    FileName,
}

#[derive(Debug)]
struct Hit {
    rank: Rank,
    row: usize,
    /// The name as it is written, without `:latest`, where that is not in lower case.
    name: Option<Box<str>>,
}

#[derive(Debug, Default)]
pub struct Index {
    /// By the name in lower case, without `:latest`.
    names: HashMap<Box<str>, Vec<Hit>>,
    ids: HashMap<ModelId, usize>,
}

impl Index {
    pub fn new(rows: &[ModelRow]) -> Index {
        let mut index = Index::default();
        for (at, row) in rows.iter().enumerate() {
            index.ids.insert(row.id.clone(), at);
            // A model that is gone keeps only its id: its names may be those of its successor.
            if row.state != State::Gone {
                index.add_names(row, at);
            }
        }
        index
    }

    fn add_names(&mut self, row: &ModelRow, at: usize) {
        self.add(Rank::IdOrAlias, row.id.as_str(), at);
        row.alias.iter().for_each(|alias| self.add(Rank::IdOrAlias, alias, at));
        self.add(Rank::Name, &row.name, at);
        row.also_named.iter().for_each(|name| self.add(Rank::AlsoNamed, name, at));
        if let Some(repo) = &row.repo {
            self.add(Rank::Repository, repo, at);
            // The form that llama.cpp's `-hf` takes.
            row.quant.iter().for_each(|quant| self.add(Rank::Repository, &format!("{repo}:{quant}"), at));
        }
        if let Some(file) = row.path.file_name().and_then(|name| name.to_str()) {
            self.add(Rank::FileName, file, at);
            file.strip_suffix(".gguf").iter().for_each(|stem| self.add(Rank::FileName, stem, at));
        }
    }

    fn add(&mut self, rank: Rank, name: &str, row: usize) {
        let name = without_latest(name);
        let lower = name.to_lowercase();
        let written = (name != lower).then(|| Box::from(name));
        let hits = self.names.entry(lower.into()).or_insert_with(|| Vec::with_capacity(1));
        // The name and the stem of the file are often one.
        if !hits.iter().any(|hit| hit.row == row && hit.rank <= rank && hit.name == written) {
            hits.push(Hit { rank, row, name: written });
        }
    }

    /// Returns the models that a name fits best, in the order in which they were recorded.
    pub fn best(&self, name: &str) -> Vec<usize> {
        let name = without_latest(name);
        let lower = name.to_lowercase();
        let Some(hits) = self.names.get(&*lower) else { return Vec::new() };
        let rank = |hit: &Hit| (hit.name.as_deref().unwrap_or(&lower) != name, hit.rank);
        let Some(best) = hits.iter().map(rank).min() else { return Vec::new() };
        hits.iter().filter(|hit| rank(hit) == best).map(|hit| hit.row).collect()
    }

    pub fn by_id(&self, id: &ModelId) -> Option<usize> {
        self.ids.get(id).copied()
    }
}

fn without_latest(name: &str) -> &str {
    match name.strip_suffix(LATEST) {
        Some(rest) if !rest.is_empty() => rest,
        _ => name,
    }
}
