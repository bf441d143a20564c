use crate::model::{KeepHint, Kind, ModelRow, State, Tier, TierLimits};
use std::cmp::Reverse;

/// Why a model is offered for a task that names none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// This keep hint means it.
    Hint(String),
    /// It is in the smallest tier that has one.
    Tier(Tier),
}

/// One candidate: an index into the rows, and why it stands where it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranked {
    pub row: usize,
    pub why: Why,
}

/// The models that may answer a task, best first: what the keep hints mean, in their order, then the tiers from the
/// smallest up. The caller takes the first that fits in memory.
///
/// Within one hint or tier, models that have a chat template come first (a task is an instruction), then those with
/// more parameters, then those with more bits per weight; the id decides what is left, so that two machines agree.
pub fn rank(rows: &[ModelRow], hints: &[KeepHint], limits: &TierLimits) -> Vec<Ranked> {
    let mut usable: Vec<(usize, Tier)> = rows
        .iter()
        .enumerate()
        .filter(|(_, r)| r.kind == Kind::Generative && r.state == State::Ready && r.enabled)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::model::{ModelId, StoreKind};

    fn row(id: &str, name: &str, parameters: u64) -> ModelRow {
        ModelRow {
            id: ModelId(id.into()),
            name: name.into(),
            store: StoreKind::Dir,
            root: "/m".into(),
            repo: None,
            kind: Kind::Generative,
            state: State::Ready,
            reason: None,
            path: format!("/m/{name}.gguf").into(),
            content: None,
            architecture: None,
            family: None,
            quant: None,
            bits_per_weight: Some(4.5),
            parameters: Some(parameters),
            context_length: None,
            size: parameters / 2,
            allocated: parameters / 2,
            weights: parameters / 2,
            chat_template: true,
            shards: 1,
            mmproj: false,
            enabled: true,
            pinned: false,
            tier_override: None,
            alias: None,
            first_seen: Timestamp(0),
            last_used: None,
            use_count: 0,
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
}
