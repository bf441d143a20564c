//! The outlook of a task on this machine now, and the reason if it must wait. Pure.
//!
//! If this machine lacks something (a model, a disk that is not mounted, memory, an engine), that is no fault of a task
//! and costs it no attempt: it waits. A faulty model is different: the task is tried and fails because of it.

use super::candidates;
use crate::display::text;
use crate::model::task::Wish;
use crate::model::{KeepHint, ModelRow, Pick, Selector, State, TierLimits, pick};

/// The resources of this machine.
pub struct Place<'a> {
    pub rows: &'a [ModelRow],
    /// The keep hints in order of preference.
    pub hints: &'a [KeepHint],
    pub limits: &'a TierLimits,
    /// The error if no model at all can be run.
    pub engine: Result<(), String>,
    /// Returns why a ready and enabled model cannot be run now.
    pub refused: &'a dyn Fn(&ModelRow) -> Option<Refused>,
}

/// The reason why a model cannot be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub why: String,
    /// Whether this machine lacks something; if not, the model has failed, and tasks fail because of it.
    pub is_place: bool,
}

/// The outlook of a due task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outlook {
    /// A model is available for it, or it will fail because of the model that it names.
    Served,
    /// A model is available, but not the one that the task names: only for tasks that may fall back. Contains the
    /// reason why the named model cannot answer.
    Fallback(String),
    /// It waits, for this reason.
    Waits(String),
}

/// The maximum number of models that a reason names.
const NAMED: usize = 3;

/// Returns the outlook of tasks with this wish.
pub fn outlook(wish: &Wish, place: &Place<'_>) -> Outlook {
    if let Err(why) = &place.engine {
        return Outlook::Waits(why.clone());
    }
    let Wish::Model(name) = wish else {
        return any(wish, place).map_or(Outlook::Served, Outlook::Waits);
    };
    match named(name, place) {
        None => Outlook::Served,
        // Another machine may have the model: its tasks are left for that machine, including those that may fall back.
        Some(why) if pick(&Selector(name.to_owned()), None, place.rows) == Pick::None => Outlook::Waits(why),
        // Any available model can answer the tasks that may fall back.
        Some(why) if any(&Wish::Any, place).is_none() => Outlook::Fallback(why),
        Some(why) => Outlook::Waits(why),
    }
}

/// Returns why the named model cannot be tried here now.
fn named(name: &str, place: &Place<'_>) -> Option<String> {
    let shown = text::clean(name);
    let row = match pick(&Selector(name.to_owned()), None, place.rows) {
        Pick::One(at) => place.rows.get(at)?,
        Pick::None => return Some(format!("the model `{shown}` is not known here")),
        Pick::Ambiguous(_) => return Some(format!("`{shown}` matches several models")),
    };
    let shown = text::clean(&row.name);
    match row.state {
        State::Ready if !row.enabled => Some(format!("{shown} is disabled")),
        State::Ready => (place.refused)(row).filter(|r| r.is_place).map(|r| format!("{shown} {}", r.why)),
        State::Gone => Some(format!("{shown} is gone: {} does not exist", text::path(&row.path))),
        State::Unavailable | State::Incomplete | State::Unreadable => {
            let why = row.reason.as_deref().map(text::clean).unwrap_or_default();
            Some(format!("{shown} is {}: {why}", row.state.name()))
        }
        // The model is here but faulty: the task fails because of it.
        _ => None,
    }
}

/// Returns why no model of a tier, or no model at all, can be tried now.
fn any(wish: &Wish, place: &Place<'_>) -> Option<String> {
    let own = candidates(wish, place.rows, place.hints, place.limits, (None, &[])).own;
    if own.is_empty() {
        let tier = wish.tier().map(|tier| format!(" of the tier `{tier}`")).unwrap_or_default();
        let absent = place.rows.iter().filter(|row| matches!(row.state, State::Gone | State::Unavailable)).count();
        let absent = if absent > 0 { format!("; {absent} known before cannot be reached") } else { String::new() };
        return Some(format!("no model{tier} is known that generates text, is intact and enabled{absent}"));
    }
    let mut lacking = Vec::new();
    for row in own.iter().filter_map(|at| place.rows.get(*at)) {
        let refused = (place.refused)(row)?;
        if refused.is_place {
            lacking.push(format!("{} {}", text::clean(&row.name), refused.why));
        }
    }
    if lacking.is_empty() {
        // All models have failed: a task that is tried reports the reason.
        return None;
    }
    let more = lacking.len().saturating_sub(NAMED);
    lacking.truncate(NAMED);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    Some(format!("no model can be run now: {}{more}", lacking.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::super::choose::tests::row;
    use super::*;
    use crate::model::Tier;

    fn look(rows: &[ModelRow], wish: &Wish, refused: &dyn Fn(&ModelRow) -> Option<Refused>) -> Outlook {
        let limits = TierLimits::default();
        outlook(wish, &Place { rows, hints: &[], limits: &limits, engine: Ok(()), refused })
    }

    fn waits(outlook: Outlook) -> String {
        match outlook {
            Outlook::Waits(why) => why,
            other => panic!("{other:?}"),
        }
    }

    fn place(why: &str) -> Option<Refused> {
        Some(Refused { why: why.into(), is_place: true })
    }

    #[test]
    fn a_place_without_models_or_engine_lets_every_task_wait_and_says_for_what() {
        let fine = |_: &ModelRow| None;
        assert!(waits(look(&[], &Wish::Any, &fine)).starts_with("no model is known"));
        let here = [row("aaaaaaaaaaaa", "small", 1_000)];
        assert!(waits(look(&here, &Wish::Tier(Tier::Powerful), &fine)).contains("of the tier `powerful`"));
        assert_eq!(look(&here, &Wish::Any, &fine), Outlook::Served);
        let limits = TierLimits::default();
        let engine = Err("no engine".to_owned());
        let none = Place { rows: &here, hints: &[], limits: &limits, engine, refused: &fine };
        assert_eq!(outlook(&Wish::Any, &none), Outlook::Waits("no engine".into()));
    }

    #[test]
    fn a_named_model_that_cannot_be_reached_is_waited_for_and_one_that_is_broken_is_tried() {
        let fine = |_: &ModelRow| None;
        let wish = Wish::Model("aaaaaaaaaaaa".into());
        for (state, waits_for_it) in [
            (State::Ready, false),
            (State::Gone, true),
            (State::Unavailable, true),
            (State::Incomplete, true),
            (State::Unreadable, true),
            (State::Unsupported, false),
            (State::Damaged, false),
            (State::Truncated, false),
        ] {
            let mut rows = [row("aaaaaaaaaaaa", "mine", 1_000)];
            rows[0].state = state;
            assert_eq!(matches!(look(&rows, &wish, &fine), Outlook::Waits(_)), waits_for_it, "{state:?}");
        }
        let mut rows = [row("aaaaaaaaaaaa", "mine", 1_000), row("bbbbbbbbbbbb", "other", 1_000)];
        rows[0].enabled = false;
        assert_eq!(look(&rows, &wish, &fine), Outlook::Fallback("mine is disabled".into()));
        assert!(waits(look(&[], &wish, &fine)).contains("not known here"));
        let elsewhere = Wish::Model("cccccccccccc".into());
        assert!(waits(look(&rows, &elsewhere, &fine)).contains("not known here"), "another machine may have it");
    }

    #[test]
    fn memory_that_is_short_for_all_is_waited_for_and_a_model_that_failed_is_no_reason_to_wait() {
        let rows = [row("aaaaaaaaaaaa", "one", 1_000), row("bbbbbbbbbbbb", "two", 1_000)];
        let short = |_: &ModelRow| place("needs 9 GB");
        let why = waits(look(&rows, &Wish::Any, &short));
        assert!(why.contains("one needs 9 GB") && why.contains("two needs 9 GB"), "{why}");
        let one = |row: &ModelRow| if row.name == "one" { place("needs 9 GB") } else { None };
        assert_eq!(look(&rows, &Wish::Any, &one), Outlook::Served);
        assert!(matches!(look(&rows, &Wish::Model("one".into()), &one), Outlook::Fallback(_)));
        let failed = |_: &ModelRow| Some(Refused { why: "refused by llama.cpp".into(), is_place: false });
        assert_eq!(look(&rows, &Wish::Any, &failed), Outlook::Served, "tasks fail by them");
        assert_eq!(look(&rows, &Wish::Model("one".into()), &failed), Outlook::Served);
    }
}
