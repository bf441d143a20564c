//! What is asked once more when a plan is acted on, whatever it was made from: which servers have what loaded by now,
//! and whether more than half of a store would go.

use crate::config::PruneConfig;
use crate::prune::apply::places;
use crate::prune::candidate::Candidate;
use crate::prune::decide::{self, Large};
use crate::prune::in_use::{Asked, InUse, Settings, Use};
use crate::prune::plan::Plan;

/// The first store of which more than half would go, by what is there now.
pub(super) fn large(plan: &Plan, found: &[Candidate]) -> Option<Large> {
    let going: Vec<usize> = places(plan, found).into_iter().flatten().collect();
    decide::large(found, &going).into_iter().next()
}

/// Who uses what, at the beginning of acting and then at the turn of each model.
pub(super) struct Uses<'a> {
    servers: &'a PruneConfig,
    files: Vec<Asked<'a>>,
    /// Those that a server is to delete, of which nothing comes back.
    foreign: Vec<&'a Candidate>,
    before: InUse,
}

impl<'a> Uses<'a> {
    /// Asks everybody.
    pub fn ask(servers: &'a PruneConfig, plan: &Plan, found: &'a [Candidate]) -> Uses<'a> {
        let places = places(plan, found);
        let of = |at: &Option<usize>| found.get((*at)?);
        let going = places.iter().filter_map(of);
        // A server may tell no more than the name of a model that stays.
        let files: Vec<Asked<'_>> = match servers.endpoints.is_empty() {
            true => going.flat_map(Candidate::asked).collect(),
            false => found.iter().flat_map(Candidate::asked).collect(),
        };
        let foreign =
            plan.going().zip(&places).filter(|(row, _)| row.is_foreign).filter_map(|(_, at)| of(at)).collect();
        let before = InUse::look(&Settings::new(servers), &files);
        Uses { servers, files, foreign, before }
    }

    /// Processes and downloads are looked at again; servers only when one of them is to delete it, as a server on this
    /// machine that has loaded a file since is a process.
    pub fn of(&self, c: &Candidate) -> Use {
        let is_foreign = self.foreign.iter().any(|foreign| std::ptr::eq(*foreign, c));
        let now = match is_foreign {
            true => InUse::look(&Settings::new(self.servers), &self.files),
            false => InUse::look_again(&c.asked().collect::<Vec<_>>()),
        };
        match (c.used(&now), c.used(&self.before)) {
            (used @ Use::Used(_), _) | (_, used @ Use::Used(_)) => used,
            (unknown @ Use::Unknown(_), _) | (_, unknown @ Use::Unknown(_)) => unknown,
            (Use::Free, Use::Free) => Use::Free,
        }
    }
}
