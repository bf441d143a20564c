use crate::display::units;
use crate::gguf;
use crate::gguf::estimate::{Settings, Shape, estimate};
use crate::model::task::Wish;
use crate::model::{KeepHint, Kind, Model, ModelId, ModelRow, Pick, Reading, Selector, State, Tier, TierLimits, pick};
use std::cmp::Reverse;

/// The reason why a model is offered for a task that names none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// This keep hint matches the model.
    Hint(String),
    /// The model is in this tier, the smallest one that has a model.
    Tier(Tier),
}

/// One candidate: an index into the rows, and the reason for its rank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranked {
    pub row: usize,
    pub why: Why,
}

/// The reason why a model cannot answer prompts, known before it is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// The rest of a sentence that starts with the name of the model. Not escaped for terminals.
    pub why: String,
    /// The hint: what to do about it.
    pub hint: String,
}

/// Returns why this model cannot answer prompts, apart from memory; None when it can.
pub fn unfit(row: &ModelRow) -> Option<Unfit> {
    let reason = row.reason.as_deref().unwrap_or_default();
    let (why, hint) = match row.state {
        State::Gone => {
            let why = format!("is gone: {} did not exist at the last scan", row.path.display());
            (why, "run `modelctl scan` to check again".to_owned())
        }
        State::Unavailable => {
            (format!("is unavailable: {reason}"), "mount its folder, then run `modelctl scan`".to_owned())
        }
        State::Damaged | State::Truncated | State::Incomplete => {
            (format!("cannot be run: {reason}"), "download it again, then run `modelctl scan`".to_owned())
        }
        State::Unsupported => {
            let hint = "the file is not damaged: another program may read it; to run it here, download a file that llama.cpp supports";
            (format!("cannot be run: {reason}"), hint.to_owned())
        }
        State::Unreadable => {
            let hint = "give this user read permission, or check the disk, then run `modelctl scan`";
            (format!("cannot be run: {reason}"), hint.to_owned())
        }
        State::Ready => not_answering(row)?,
    };
    Some(Unfit { why, hint })
}

/// Returns the reason and the hint for a ready model.
fn not_answering(row: &ModelRow) -> Option<(String, String)> {
    let others = || "`modelctl list --kind generative` shows the models that generate text".to_owned();
    if row.kind == Kind::Unknown {
        let why = gguf::of_no_kind(row.architecture.as_deref());
        return Some((format!("has an unknown kind: {why}"), others()));
    }
    if row.kind != Kind::Generative {
        return Some((format!("does not generate text: its kind is {}", row.kind.name()), others()));
    }
    if !row.enabled {
        return Some(("is disabled".to_owned(), format!("enable it with `modelctl set {} --enable`", row.id)));
    }
    let why = gguf::unanswered(row.architecture.as_deref())?;
    Some((format!("cannot be run: {why}"), others()))
}

/// Returns the models that may answer a task, best first: the models that the keep hints match, in the order of the
/// hints, then the tiers from the smallest up. The caller takes the first model that fits in memory.
///
/// Within one hint or tier, models with a chat template come first (a task is an instruction), then those with more
/// parameters, then those with more bits per weight; the id breaks ties, so that two machines agree.
pub fn rank(rows: &[ModelRow], hints: &[KeepHint], limits: &TierLimits) -> Vec<Ranked> {
    let mut usable: Vec<(usize, Tier)> = rows
        .iter()
        .enumerate()
        .filter(|(_, r)| unfit(r).is_none())
        .filter_map(|(i, r)| Some((i, r.tier(limits)?)))
        .collect();
    usable.sort_by_key(|(i, _)| {
        rows.get(*i).map(|r| {
            let bits = (r.bits_per_weight.unwrap_or(0.0) * 100.0) as u64;
            (Reverse(r.chat_template), Reverse(r.parameters), Reverse(bits), r.id.clone())
        })
    });

    let mut order = Vec::new();
    for hint in hints {
        for (i, _) in &usable {
            let hit = rows.get(*i).is_some_and(|r| hint.matches(r));
            if hit && !order.iter().any(|r: &Ranked| r.row == *i) {
                order.push(Ranked { row: *i, why: Why::Hint(hint.text.clone()) });
            }
        }
    }
    usable.sort_by_key(|(_, tier)| *tier);
    for (i, tier) in usable {
        if !order.iter().any(|r| r.row == i) {
            order.push(Ranked { row: i, why: Why::Tier(tier) });
        }
    }
    order
}

/// The models for a wish, as indices into the rows, best first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Candidates {
    /// The models that the wish selects: the named one, those of the tier, or any.
    pub own: Vec<usize>,
    /// All other models that can answer, for a task that failed through its model: a larger tier before a smaller one.
    pub others: Vec<usize>,
}

/// Returns the models that may serve a wish: the named one; otherwise the loaded one if it is allowed, then the models
/// by [`rank`]. None at all for a name that is not here or a tier without a model: another model would answer another
/// question. Models in `failed` are left out, but still count as being here.
pub fn candidates(
    wish: &Wish,
    rows: &[ModelRow],
    hints: &[KeepHint],
    limits: &TierLimits,
    (loaded, failed): (Option<&ModelId>, &[ModelId]),
) -> Candidates {
    let ranked: Vec<usize> = rank(rows, hints, limits).into_iter().map(|r| r.row).collect();
    let named = match wish {
        Wish::Model(name) => match pick(&Selector(name.clone()), None, rows) {
            Pick::One(one) => Some(one),
            Pick::None | Pick::Ambiguous(_) => None,
        },
        Wish::Any | Wish::Tier(_) => None,
    };
    let tier = |i: &usize| rows.get(*i).and_then(|r| r.tier(limits));
    let fits = |i: &usize| match wish {
        Wish::Model(_) => Some(*i) == named,
        Wish::Tier(wanted) => tier(i) == Some(*wanted),
        Wish::Any => true,
    };
    let (mut own, mut others): (Vec<usize>, Vec<usize>) = ranked.into_iter().partition(fits);
    // A named model that cannot run is tried nevertheless: the attempt reports the reason.
    own.extend(named.filter(|i| !own.contains(i)));
    if own.is_empty() {
        return Candidates::default();
    }
    let is_loaded = |i: &usize| rows.get(*i).is_some_and(|r| Some(&r.id) == loaded);
    own.sort_by_key(|i| !is_loaded(i));
    if let Wish::Tier(wanted) = wish {
        others.sort_by_key(|i| tier(i).is_none_or(|t| t < *wanted));
    }
    for order in [&mut own, &mut others] {
        order.retain(|i| rows.get(*i).is_some_and(|r| !failed.contains(&r.id)));
    }
    Candidates { own, others }
}

/// Returns every wish that a model serves: its id, its names, its tier, and any.
pub fn serves(row: &ModelRow, limits: &TierLimits) -> Vec<Wish> {
    let names = [Some(row.id.as_str()), Some(row.name.as_str()), row.alias.as_deref()];
    let names = names.into_iter().flatten().map(|name| Wish::Model(name.to_owned()));
    [Wish::Any].into_iter().chain(row.tier(limits).map(Wish::Tier)).chain(names).collect()
}

/// Returns why a model with this context does not fit in memory now; None when it fits, or when that is unknown.
/// Weights are mapped, not copied, but a model whose weights do not fit is read from disk again for every token.
///
/// `contexts` is the number of whole contexts in memory.
pub fn too_large(model: &Model, (context, contexts): (u32, u32), available: &Reading<u64>) -> Option<String> {
    let (need, n_ctx) = need(model, (context, contexts))?;
    match available {
        Reading::Known(have) if need > *have => {
            let (need, have) = (units::bytes(need), units::bytes(*have));
            Some(format!("needs {need} at a context of {n_ctx} tokens, and {have} are available"))
        }
        _ => None,
    }
}

/// Returns the bytes that a model needs with `contexts` contexts, and the tokens of one context; None where its header
/// does not say.
pub fn need(model: &Model, (context, contexts): (u32, u32)) -> Option<(u64, u32)> {
    let shape = Shape::of(model)?;
    let n_ctx = model.trained_context().map_or(context, |n| n.min(context)).saturating_mul(contexts.max(1));
    Some((estimate(&shape, &Settings { n_ctx, ..Settings::default() }).total(), n_ctx))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::clock::Timestamp;

    pub(crate) fn row(id: &str, name: &str, parameters: u64) -> ModelRow {
        ModelRow {
            id: ModelId(id.into()),
            root: "/m".into(),
            path: format!("/m/{name}.gguf").into(),
            content: None,
            family: None,
            quant: None,
            bits_per_weight: Some(4.5),
            parameters: Some(parameters),
            context_length: None,
            size: parameters / 2,
            allocated: parameters / 2,
            weights: parameters / 2,
            first_seen: Timestamp(0),
            ..crate::testing::sample_row(name)
        }
    }

    fn check(rows: &[ModelRow], hints: &[&str], expected: &[&str]) {
        let hints: Vec<KeepHint> = hints.iter().map(|h| KeepHint::new(h)).collect();
        let got: Vec<&str> =
            rank(rows, &hints, &TierLimits::default()).iter().map(|r| rows[r.row].name.as_str()).collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn hints_come_first_in_their_order_then_the_small_tiers() {
        let rows = [
            row("a", "big-70b", 70_000_000_000),
            row("b", "mid-8b", 8_000_000_000),
            row("c", "small-1b", 1_000_000_000),
        ];
        check(&rows, &[], &["small-1b", "mid-8b", "big-70b"]);
        check(&rows, &["big-*", "mid-8B"], &["big-70b", "mid-8b", "small-1b"]);
        check(&rows, &["/m/mid-8b.gguf"], &["mid-8b", "small-1b", "big-70b"]);
        check(&rows, &["[", "nothing"], &["small-1b", "mid-8b", "big-70b"]);
    }

    #[test]
    fn what_must_not_be_chosen_is_not_chosen_even_by_a_hint() {
        let mut rows = [row("a", "off", 1), row("b", "broken", 1), row("c", "embed", 1), row("d", "good", 1)];
        rows[0].enabled = false;
        rows[1].state = State::Truncated;
        rows[2].kind = Kind::Embedding;
        check(&rows, &["*"], &["good"]);
    }

    #[test]
    fn only_what_the_engine_can_answer_with_is_chosen_and_the_others_say_why_not() {
        let unfit_of = |change: fn(&mut ModelRow)| {
            let mut rows = [row("a", "odd", 1), row("b", "good", 1)];
            change(&mut rows[0]);
            check(&rows, &["*"], &["good"]);
            unfit(&rows[0]).map(|unfit| unfit.why).unwrap()
        };
        assert_eq!(unfit_of(|r| r.kind = Kind::Draft), "does not generate text: its kind is draft");
        assert_eq!(unfit_of(|r| r.kind = Kind::Diffusion), "does not generate text: its kind is diffusion");
        let told = unfit_of(|r| (r.kind, r.architecture) = (Kind::Unknown, Some("brand-new".into())));
        assert!(told.contains("does not know its architecture `brand-new`"), "{told}");
        assert!(unfit_of(|r| r.architecture = None).contains("names no architecture"));
        assert!(unfit_of(|r| r.architecture = Some("gptoss".into())).contains("`gptoss` is not one"));
        let told = unfit_of(|r| (r.state, r.reason) = (State::Unsupported, Some("not supported: big-endian".into())));
        assert_eq!(told, "cannot be run: not supported: big-endian");
        assert!(unfit_of(|r| (r.state, r.reason) = (State::Unreadable, Some("no".into()))).contains("no"));
        assert_eq!(unfit(&row("a", "good", 1)), None);
    }

    #[test]
    fn in_one_tier_an_instruct_model_answers_before_a_larger_base_model() {
        let mut rows = [
            row("a", "base-2b", 2_000_000_000),
            row("b", "chat-1b", 1_000_000_000),
            row("c", "chat-3b", 3_000_000_000),
        ];
        rows[0].chat_template = false;
        check(&rows, &[], &["chat-3b", "chat-1b", "base-2b"]);
    }

    #[test]
    fn a_tier_set_by_hand_counts() {
        let mut rows = [row("a", "tiny", 1_000_000), row("b", "mid-8b", 8_000_000_000)];
        rows[0].tier_override = Some(Tier::Powerful);
        check(&rows, &[], &["mid-8b", "tiny"]);
    }

    #[test]
    fn a_wish_is_served_by_its_model_then_by_the_loaded_one_then_by_what_else_there_is() {
        let rows = [row("aaaaaaaaaaaa", "small", 1_000), row("bbbbbbbbbbbb", "large", 10_000_000_000)];
        let limits = TierLimits::default();
        let order = |wish: Wish, loaded: Option<&str>, failed: &[&str]| {
            let loaded = loaded.map(|id| ModelId(id.into()));
            let failed: Vec<ModelId> = failed.iter().map(|id| ModelId((*id).into())).collect();
            let found = candidates(&wish, &rows, &[], &limits, (loaded.as_ref(), &failed));
            (found.own, found.others)
        };
        let large = "bbbbbbbbbbbb";
        assert_eq!(order(Wish::Any, None, &[]), (vec![0, 1], vec![]));
        assert_eq!(order(Wish::Any, Some(large), &[]), (vec![1, 0], vec![]));
        assert_eq!(order(Wish::Model("large".into()), Some("aaaaaaaaaaaa"), &[]), (vec![1], vec![0]));
        assert_eq!(order(Wish::Tier(Tier::Balanced), None, &[]), (vec![1], vec![0]));
        // One that failed is not tried again; what else there is stays what it was, the second choice.
        assert_eq!(order(Wish::Model("large".into()), None, &[large]), (vec![], vec![0]));
        assert_eq!(order(Wish::Tier(Tier::Balanced), None, &[large]), (vec![], vec![0]));
        assert_eq!(order(Wish::Any, None, &[large]), (vec![0], vec![]));
        for wish in [Wish::Model("not here".into()), Wish::Tier(Tier::Powerful)] {
            assert_eq!(order(wish.clone(), None, &[]), (vec![], vec![]), "{wish:?}");
        }
    }
}
