//! Tickets as any executor would find them now: the tasks of a dead executor are not running, and a task that waits has
//! a reason.

use crate::db::Access;
use crate::host::daemon;
use crate::model::task::{Counts, DeadOwners, Moment, TaskState, Ticket, Wish, machine};
use crate::ops::{Session, keep_hints};
use crate::queue::executor::{Here, LoadFailures, Waits, waits_of};
use crate::queue::executor_lock;
use std::collections::BTreeMap;

pub struct Lens {
    gone: DeadOwners,
    at: Moment,
    waits: Waits,
    /// Names of models by their ids.
    names: BTreeMap<String, String>,
}

impl Lens {
    /// Reads the state of these tickets.
    pub fn new(session: &mut Session, tickets: &[Ticket]) -> anyhow::Result<Lens> {
        let at = session.moment(Access::ReadOnly)?;
        let hints: Vec<_> = keep_hints::hints(session)?.into_iter().map(|(_, hint)| hint).collect();
        let (limits, locks) = (session.config.tiers, session.config.lock_dir.clone());
        let (context, fallback) = (session.config.worker.context, session.config.offload.fallback);
        let db = &*session.db(Access::ReadOnly)?;
        let mut owners: Vec<_> = tickets.iter().filter_map(|t| Some(t.lease()?.owner.clone())).collect();
        owners.sort();
        owners.dedup();
        // A folder that cannot be read proves no owner dead; the leases decide then.
        let gone = executor_lock::dead_owners(&locks, &owners).unwrap_or_default();
        let mut lens = Lens { gone, at, waits: Waits::default(), names: BTreeMap::new() };
        let mut wishes: BTreeMap<Wish, u64> = BTreeMap::new();
        for ticket in tickets.iter().map(|ticket| lens.ticket(ticket)).filter(|t| t.state() == TaskState::Queued) {
            *wishes.entry(ticket.wish).or_default() += 1;
        }
        let is_shared = daemon::find(&locks).is_some_and(|daemon| daemon.runs_tasks);
        let here = Here { hints: &hints, limits: &limits, context, fallback, is_shared };
        lens.waits = waits_of((db, db), here, wishes.into_iter().collect(), &LoadFailures::default(), None)?;
        if tickets.iter().any(|t| t.model.is_some() || t.wish.model().is_some()) {
            lens.names = db.rows()?.into_iter().map(|row| (row.id.0, row.name)).collect();
        }
        Ok(lens)
    }

    /// Returns the counts of states. A task that is recorded as running and whose owner is dead counts in the state
    /// that recovery would give it.
    pub fn counts(session: &mut Session, mut counts: Counts) -> anyhow::Result<Counts> {
        let running = session.queue(Access::ReadOnly)?.running()?;
        let lens = Lens::new(session, &running)?;
        for state in running.iter().map(|ticket| lens.ticket(ticket).state()).filter(|s| *s != TaskState::Running) {
            let recorded = counts.entry(TaskState::Running).or_default();
            *recorded = recorded.saturating_sub(1);
            *counts.entry(state).or_default() += 1;
        }
        counts.retain(|_, number| *number > 0);
        Ok(counts)
    }

    /// Returns the ticket in the state that recovery would give it.
    pub fn ticket(&self, ticket: &Ticket) -> Ticket {
        let Some(lease) = ticket.lease() else { return ticket.clone() };
        let owner = self.gone.owner(Some(&lease.owner));
        machine::on_time_passed(ticket, owner, self.at).map_or_else(|| ticket.clone(), |change| change.ticket)
    }

    /// Returns the reason why a due task waits.
    pub fn waits_for(&self, ticket: &Ticket) -> Option<&str> {
        self.waits.of(ticket)
    }

    pub fn waits(&self) -> &Waits {
        &self.waits
    }

    /// Returns the name of a model, or the given text if there is none.
    pub fn name<'n>(&'n self, model: &'n str) -> &'n str {
        self.names.get(model).map_or(model, String::as_str)
    }

    /// Returns the model of a task for a person: the one that was asked for, or `asked -> used` where another one
    /// replaced it. `first`: the model of the attempt that was swapped, where the task names no model.
    pub fn model(&self, ticket: &Ticket, answered: Option<&str>, first: Option<&str>) -> Option<String> {
        let asked = ticket.wish.model().or(first);
        let now = ticket.model.as_ref().map(|model| model.as_str());
        let shown = |id: &str| self.name(id).to_owned();
        match (asked, now) {
            (Some(asked), Some(now)) if asked != now && self.name(asked) != self.name(now) => {
                Some(format!("{} -> {}", shown(asked), answered.map_or_else(|| shown(now), str::to_owned)))
            }
            _ => {
                let known = answered.map(str::to_owned).or_else(|| now.or(asked).map(shown));
                known.or_else(|| ticket.wish.tier().map(|tier| tier.name().to_owned()))
            }
        }
    }
}
