//! The wishes that a machine can serve, for the claims of its executors. Pure.

use super::unfit;
use crate::model::task::Wish;
use crate::model::task::order::CanServe;
use crate::model::{ModelRow, Pick, Selector, TierLimits, pick};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Lists the wishes that the models of this machine can serve: every model by its names, even a faulty one (its tasks
/// wait or fail because of it, and the reason is useful to a person), and the tiers of the models that can run. `named`
/// are the wishes of tasks, which may name a model in another way.
pub fn can_serve<'w>(rows: &[ModelRow], limits: &TierLimits, named: impl IntoIterator<Item = &'w Wish>) -> CanServe {
    let mut wishes = BTreeSet::new();
    for row in rows {
        let names = [Some(row.id.as_str()), Some(row.name.as_str()), row.alias.as_deref()];
        wishes.extend(names.into_iter().flatten().map(|name| Wish::Model(name.to_owned())));
        if unfit(row).is_none() {
            wishes.extend([Wish::Any].into_iter().chain(row.tier(limits).map(Wish::Tier)));
        }
    }
    for wish in named {
        let means = |name: &str| matches!(pick(&Selector(name.to_owned()), None, rows), Pick::One(_));
        if !wishes.contains(wish) && wish.model().is_some_and(means) {
            wishes.insert(wish.clone());
        }
    }
    CanServe::Only(Arc::new(wishes))
}

#[cfg(test)]
mod tests {
    use super::super::choose::tests::row;
    use super::*;
    use crate::model::task::OwnerId;
    use crate::model::task::order::{Admission, ClaimAsk};
    use crate::model::{State, Tier};

    #[test]
    fn a_machine_serves_what_its_models_are_called_and_the_tiers_that_it_can_run() {
        let mut broken = row("bbbbbbbbbbbb", "large", 70_000_000_000);
        broken.state = State::Damaged;
        let rows = [row("aaaaaaaaaaaa", "small", 1_000), broken];
        let named = ["aaaaaa", "SMALL", "elsewhere", "large"].map(|name| Wish::Model(name.into()));
        let can_serve = can_serve(&rows, &TierLimits::default(), &named);
        let ask = ClaimAsk { can_serve, ..ClaimAsk::new(OwnerId::new(1, 2, 3), 1) };
        let is_served = |wish: Wish| ask.admits(&wish) == Admission::All;
        let model = |name: &str| Wish::Model(name.into());
        assert!(is_served(Wish::Any) && is_served(Wish::Tier(Tier::Fast)));
        assert!(!is_served(Wish::Tier(Tier::Powerful)), "the one of that tier cannot be run");
        for name in ["aaaaaaaaaaaa", "small", "aaaaaa", "SMALL", "bbbbbbbbbbbb", "large"] {
            assert!(is_served(model(name)), "{name}");
        }
        assert!(!is_served(model("elsewhere")) && !is_served(model("cccccccccccc")));
    }

    #[test]
    fn a_machine_without_models_takes_no_task_from_others() {
        let can_serve = can_serve(&[], &TierLimits::default(), &[Wish::Model("a".into())]);
        assert_eq!(can_serve, CanServe::Only(Arc::default()));
    }
}
