//! Checks made when a plan is acted on, whatever it was made from: the models that servers have loaded by now, and
//! whether more than half of a store would be removed.

use crate::clock;
use crate::config::PruneConfig;
use crate::prune::apply::places;
use crate::prune::candidate::Candidate;
use crate::prune::in_use::{Asked, InUse, Settings, Use};
use crate::prune::plan::Plan;
use crate::prune::target::{self, Large};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::time::{Duration, Instant};

/// Returns the first store of which more than half would be removed, by its present contents.
pub fn large(plan: &Plan, found: &[Candidate]) -> Option<Large> {
    let going: Vec<usize> = places(plan, found).into_iter().flatten().collect();
    target::large(&plan.policy, found, &going).into_iter().next()
}

/// Use of the candidates: read before acting, and again for each model just before it is removed.
pub struct Uses<'a> {
    servers: &'a PruneConfig,
    files: Vec<Asked<'a>>,
    /// Candidates that a server will delete, which cannot be undone.
    foreign: Vec<&'a Candidate>,
    before: InUse,
    /// Candidates to remove, in the order of the plan; `position`: the index of each in `going`.
    going: Vec<&'a Candidate>,
    position: HashMap<*const Candidate, usize>,
    /// The last scan of processes and downloads, its start, and the positions of the candidates that it covers.
    last: RefCell<Option<(InUse, Instant, Range<usize>)>>,
}

/// Number of candidates that one scan of all processes covers: as many as are removed while it is fresh.
const AHEAD: usize = 64;
/// Time for which a scan of all processes is fresh.
const FRESH: Duration = Duration::from_millis(100);

impl<'a> Uses<'a> {
    /// Reads the use from all sources.
    pub fn ask(servers: &'a PruneConfig, plan: &Plan, found: &'a [Candidate]) -> Uses<'a> {
        let places = places(plan, found);
        let of = |at: &Option<usize>| found.get((*at)?);
        let going = places.iter().filter_map(of);
        // A server may report no more than a name, which may be that of a model that stays.
        let files: Vec<Asked<'_>> = match servers.endpoints.is_empty() {
            true => going.flat_map(Candidate::asked).collect(),
            false => found.iter().flat_map(Candidate::asked).collect(),
        };
        let foreign =
            plan.going().zip(&places).filter(|(row, _)| row.is_foreign).filter_map(|(_, at)| of(at)).collect();
        let before = InUse::look(&Settings::new(servers), &files);
        let going: Vec<&Candidate> = places.iter().filter_map(of).collect();
        let position = going.iter().enumerate().map(|(at, c)| (std::ptr::from_ref(*c), at)).collect();
        Uses { servers, files, foreign, before, going, position, last: RefCell::new(None) }
    }

    /// Returns the use by processes and downloads, at most [`FRESH`] old.
    fn now(&self, c: &Candidate) -> Use {
        let Some(position) = self.position.get(&std::ptr::from_ref(c)).copied() else {
            return c.used(&InUse::look_again(&c.asked().collect::<Vec<_>>()));
        };
        let mut last = self.last.borrow_mut();
        let fresh =
            last.take().filter(|(_, since, positions)| positions.contains(&position) && since.elapsed() < FRESH);
        let (in_use, ..) = last.insert(fresh.unwrap_or_else(|| {
            let (since, positions) = (clock::instant(), position..position.saturating_add(AHEAD).min(self.going.len()));
            let asked = self.going.get(positions.clone()).unwrap_or_default().iter().flat_map(|c| c.asked());
            (InUse::look_again(&asked.collect::<Vec<_>>()), since, positions)
        }));
        c.used(in_use)
    }

    /// Returns the use of a candidate. Processes and downloads are scanned again. Servers are asked again only when one
    /// of them will delete the candidate, since a server on this machine that has loaded a file meanwhile is found as a
    /// process.
    pub fn of(&self, c: &Candidate) -> Use {
        let is_foreign = self.foreign.iter().any(|foreign| std::ptr::eq(*foreign, c));
        let now = match is_foreign {
            true => c.used(&InUse::look(&Settings::new(self.servers), &self.files)),
            false => self.now(c),
        };
        match (now, c.used(&self.before)) {
            (used @ Use::Used(_), _) | (_, used @ Use::Used(_)) => used,
            (unknown @ Use::Unknown(_), _) | (_, unknown @ Use::Unknown(_)) => unknown,
            (Use::Free, Use::Free) => Use::Free,
        }
    }
}
