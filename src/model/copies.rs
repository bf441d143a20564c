use super::{ModelRow, State};

/// Returns one model for each content, the best copy of it: ready before not ready, pinned before not pinned, with alias
/// before without one, then the one that was recorded first. A name means a content, wherever its files are.
pub fn best_copies<'r>(hits: &[usize], row: impl Fn(usize) -> Option<&'r ModelRow>) -> Vec<usize> {
    let mut ranked: Vec<(usize, &ModelRow)> = hits.iter().filter_map(|at| Some((*at, row(*at)?))).collect();
    ranked.sort_by_key(|(at, row)| (row.state != State::Ready, !row.pinned, row.alias.is_none(), *at));
    let mut kept: Vec<(usize, &ModelRow)> = Vec::new();
    for (at, row) in ranked {
        if !kept.iter().any(|(_, other)| row.is_copy_of(other)) {
            kept.push((at, row));
        }
    }
    kept.into_iter().map(|(at, _)| at).collect()
}

impl ModelRow {
    /// Returns whether two models have the same content. One that is not known is equal to none.
    pub fn is_copy_of(&self, other: &ModelRow) -> bool {
        self.content.is_some() && self.content == other.content
    }
}
