//! Resolves what a person asks for to the models that may answer a task.

use super::{Session, Sink, resolve_model, runnable};
use crate::model::task::Wish;
use crate::model::{Selector, Tier};

/// A choice of model as it is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    Model(Selector),
    Tier(Tier),
    Any,
}

impl Asked {
    /// Returns the choice given by `--model`, `--tier` and `--any-model`, of which at most one may be given.
    pub fn of(model: Option<&str>, tier: Option<Tier>, any: bool) -> Option<Asked> {
        let model = model.map(|model| Asked::Model(Selector(model.to_owned())));
        model.or(tier.map(Asked::Tier)).or_else(|| any.then_some(Asked::Any))
    }
}

/// Returns the wish of a task.
///
/// # Errors
/// Cannot be met (3) for a model that is not known, or that can never run and that no other model may replace.
pub fn wish(session: &mut Session, asked: &Asked, fallback: bool, on: &mut Sink<'_>) -> anyhow::Result<Wish> {
    match asked {
        Asked::Model(selector) => {
            let fallback = fallback || session.config.offload.fallback;
            let row = resolve_model::resolve(session, selector)?;
            runnable::check_for_task(session, &row, fallback, on)?;
            Ok(Wish::Model(row.id.0))
        }
        Asked::Tier(tier) => Ok(Wish::Tier(*tier)),
        Asked::Any => Ok(Wish::Any),
    }
}
