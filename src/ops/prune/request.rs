use crate::display::text;
use crate::failure::{Failure, Kind};
use crate::model::{Age, ModelRow, Selector, State, StoreKind};
use crate::ops::trash::Whereabouts;
use crate::ops::{Session, resolve_model};
use crate::prune::plan::Plan;
use crate::prune::policy::Policy;

/// A selection to prune, and options for the run.
#[derive(Debug, Clone)]
pub struct Request {
    pub selection: Selection,
    /// A plan that was saved earlier, instead of the selection.
    pub saved: Option<Plan>,
    /// Globs over names, ids and paths of models to keep.
    pub keep: Vec<String>,
    /// Whether to act; otherwise the plan is made and nothing is changed.
    pub confirm: bool,
    /// Whether to delete at once, without the trash.
    pub purge: bool,
    /// Whether more than half of a store may be removed.
    pub allow_large: bool,
    /// Whether to empty the trash as far as the target of free space needs.
    pub empty_trash: bool,
    /// Age at which items of the trash are deleted; the configuration takes precedence.
    pub expire_trash: Option<Age>,
    /// Whether a person confirms the clock although it leapt ahead.
    pub now_is_right: bool,
}

/// The rules of a prune, with ages that count from the time of the request.
#[derive(Debug, Clone)]
pub struct Selection {
    pub unused_for: Option<Age>,
    pub older_than: Option<Age>,
    /// Free bytes to reach on the file system.
    pub free: Option<u64>,
    /// Bytes that all models may take together.
    pub max_total: Option<u64>,
    pub superseded: bool,
    pub orphans: bool,
    pub partials: bool,
    pub damaged: bool,
    pub duplicates: bool,
    pub across_stores: bool,
    pub prefer: Option<StoreKind>,
    pub models: Vec<Selector>,
    /// Smallest number of usable models that stay; None uses the configured number.
    pub min_keep: Option<u64>,
    pub grace: Age,
    pub assume_unused: bool,
}

impl Request {
    /// Returns the policy of this request.
    ///
    /// # Errors
    /// Cannot be met (3) for a selector that fits no model or several; usage (2) when the trash is to be emptied
    /// without a target.
    pub(super) fn policy(&self, session: &mut Session) -> anyhow::Result<Policy> {
        let policy = match &self.saved {
            Some(plan) => plan.policy.clone(),
            None => self.selection.policy(session, (self.allow_large, self.confirm))?,
        };
        if self.empty_trash && policy.free.is_none() {
            let failure = Failure::new(Kind::Usage, "--empty-trash needs a target: --free SIZE");
            return Err(failure.hint("`modelctl trash empty --confirm` empties all of it").into());
        }
        Ok(policy)
    }
}

impl Selection {
    fn policy(&self, session: &mut Session, (allow_large, is_acting): (bool, bool)) -> anyhow::Result<Policy> {
        let mut models = Vec::new();
        for selector in &self.models {
            let row = match is_acting {
                true => resolve_model::resolve_in_full(session, selector)?,
                false => resolve_model::resolve_copy(session, selector)?,
            };
            if row.state == State::Gone {
                return Err(gone(session, &row)?.into());
            }
            models.push(row.id);
        }
        let now = session.now;
        let until = |age: Age| age.until(now);
        Ok(Policy {
            unused_for: self.unused_for.map(until),
            older_than: self.older_than.map(until),
            free: self.free,
            max_total: self.max_total,
            superseded: self.superseded,
            orphans: self.orphans,
            partials: self.partials,
            damaged: self.damaged,
            duplicates: self.duplicates,
            across_stores: self.across_stores,
            prefer: self.prefer,
            models: (!models.is_empty()).then_some(models),
            min_keep: self.min_keep.unwrap_or(session.config.auto_prune.min_keep),
            grace: until(self.grace),
            assume_unused: self.assume_unused,
            allow_large,
        })
    }
}

/// Returns the failure of a model that is not there any more, with where it went.
fn gone(session: &mut Session, row: &ModelRow) -> anyhow::Result<Failure> {
    let name = text::clean(&row.name);
    // A trash that cannot be read is told by the commands for it.
    Ok(match Whereabouts::read(session, &mut |_| ())?.of(&row.path) {
        Some(place) => Failure::cannot_meet(format!("`{name}` is gone: {place}")),
        None => Failure::cannot_meet(format!("`{name}` is gone: the last scan did not find it"))
            .hint("`modelctl scan` checks again"),
    })
}
