//! The rules over candidates that nobody thought of.

use super::samples::*;
use crate::clock::Timestamp;
use crate::model::{Class, Damage, ModelId, State, StoreKind};
use crate::prune::candidate::{Candidate, Evidence, LastUse};
use crate::prune::decide::Rule;
use crate::prune::in_use::Use;
use crate::prune::policy::Policy;
use proptest::prelude::*;

const CLASSES: [Class; 6] =
    [Class::Referenced, Class::Superseded, Class::Orphan, Class::Partial, Class::Damaged, Class::Missing];
const STATES: [State; 4] = [State::Ready, State::Incomplete, State::Damaged, State::Truncated];

/// Around now, and now and then at the ends of the calendar.
fn time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        20 => (-3..12i64).prop_map(|n| Timestamp(NOW.0 - n * DAY)),
        1 => Just(Timestamp(i64::MIN)),
        1 => Just(Timestamp(i64::MAX)),
    ]
}

prop_compose! {
    fn candidate()(
        (is_model, state, class) in (any::<bool>(), 0..4usize, 0..6usize),
        (used, written, changed) in (time(), time(), time()),
        evidence in 0..3usize,
        inos in prop::collection::vec((0..6u64, 1..3u64), 1..3),
        (keep, content, is_read, store) in (0..30u8, prop::option::of(0..2u8), any::<bool>(), 0..2usize),
    ) -> Candidate {
        let state = is_model.then_some(STATES[state]);
        let evidence = [Evidence::Journal, Evidence::AccessTime, Evidence::Appeared][evidence];
        Candidate {
            id: None,
            state,
            class: CLASSES[class],
            damage: (CLASSES[class] == Class::Damaged).then_some(Damage::Structure),
            last_use: LastUse { at: used, evidence },
            written,
            changed,
            pinned: keep == 0,
            kept_by: if keep == 1 { vec!["*".into()] } else { vec![] },
            tasks: u64::from(keep == 2),
            stale: (keep == 3).then(|| "it has changed".into()),
            is_usable: state == Some(State::Ready),
            content: content.filter(|_| state == Some(State::Ready)).map(|c| c.to_string()),
            is_read,
            store: [StoreKind::Dir, StoreKind::Ollama][store],
            // An inode of number n has n % 3 + 1 names.
            pieces: inos.iter().map(|(ino, own)| {
                let links = ino % 3 + 1;
                crate::prune::candidate::Piece { links, own_links: (*own).min(links), ..piece(*ino, "/m/x", 100 + ino) }
            }).collect(),
            ..model("x", 1)
        }
    }
}

prop_compose! {
    fn world()(mut all in prop::collection::vec(candidate(), 0..9)) -> Vec<Candidate> {
        for (n, c) in all.iter_mut().enumerate() {
            c.name = format!("c{n}");
            c.path = format!("/m/{n}.gguf").into();
            c.id = c.state.map(|_| ModelId(format!("c{n}")));
        }
        all
    }
}

prop_compose! {
    fn policy()(
        (unused, older) in (prop::option::of(0..9u64), prop::option::of(0..9u64)),
        kinds in any::<[bool; 5]>(),
        named in prop::option::weighted(0.2, prop::collection::vec(0..9u8, 0..5)),
        min_keep in prop_oneof![3 => Just(0), 1 => 0..5u64],
        grace in 0..2u64,
    ) -> Policy {
        Policy {
            unused_for: unused.map(days),
            older_than: older.map(days),
            superseded: kinds[0],
            orphans: kinds[1],
            partials: kinds[2],
            damaged: kinds[3],
            duplicates: kinds[4],
            models: named.map(|all| all.iter().map(|n| ModelId(format!("c{n}"))).collect()),
            min_keep,
            grace: days(grace),
            ..Policy::default()
        }
    }
}

fn target() -> impl Strategy<Value = (Option<u64>, Option<u64>)> {
    (prop::option::of(0..1500u64), prop::option::of(0..900u64))
}

/// Some are in use, and it is the same ones whenever anybody asks.
fn busy(asked: &[&Candidate], seed: u16) -> Vec<Use> {
    let is_used =
        |c: &&Candidate| c.name.get(1..).and_then(|n| n.parse::<u32>().ok()).is_some_and(|n| seed >> n & 1 == 1);
    asked.iter().map(|c| if is_used(c) { Use::Used(vec!["somebody".into()]) } else { Use::Free }).collect()
}

fn going(policy: &Policy, all: &[Candidate], free: u64, now: Timestamp, seed: u16) -> Vec<usize> {
    used(policy, all, &room(free), now, &mut |asked| busy(asked, seed)).1
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn with_a_clock_set_back_never_more_goes(
        mut all in world(), policy in policy(), back in prop_oneof![1..20i64, Just(i64::MAX / DAY)], seed in 0..64u16,
    ) {
        // Where the one whose bytes were read goes by its age, copies stay that would have gone for it.
        all.iter_mut().for_each(|c| c.is_read = true);
        let earlier = Timestamp(NOW.0.saturating_sub(back * DAY));
        // A copy that stays may be another one at another time.
        let sets = |p: &Policy| (going(p, &all, 0, earlier, seed), going(p, &all, 0, NOW, seed));
        let plain = Policy { min_keep: 0, duplicates: false, ..policy.clone() };
        let (before, after) = sets(&plain);
        prop_assert!(before.iter().all(|at| after.contains(at)), "{before:?} {after:?}");
        let (before, after) = sets(&policy);
        prop_assert!(before.len() <= after.len(), "{before:?} {after:?}");
    }

    #[test]
    fn what_a_rule_keeps_stays_and_without_a_rule_everything(
        all in world(), policy in policy(), target in target(), free in 0..900u64, seed in 0..64u16,
    ) {
        let policy = Policy { free: target.0, max_total: target.1, ..policy };
        let (verdicts, taken) = used(&policy, &all, &room(free), NOW, &mut |asked| busy(asked, seed));
        prop_assert!(taken.is_empty() || !policy.is_empty());
        for at in &taken {
            let c = &all[*at];
            prop_assert!(!c.pinned && c.kept_by.is_empty() && c.tasks == 0 && c.stale.is_none());
            prop_assert!(seed >> at & 1 == 0);
            let grace = i64::try_from(policy.grace.as_millis()).unwrap();
            prop_assert!(NOW.0.saturating_sub(c.changed.0.max(c.written.0)).max(0) >= grace);
            let is_by_name = matches!(verdicts[*at].rule, Rule::Unused | Rule::Old | Rule::Named | Rule::Space);
            if let Some(named) = policy.models.as_ref().filter(|_| is_by_name) {
                prop_assert!(c.id.as_ref().is_some_and(|id| named.contains(id)));
            }
        }
        let left = (0..).zip(&all).filter(|(at, c)| c.counts() && !taken.contains(at)).count() as u64;
        let had = all.iter().filter(|c| c.counts()).count() as u64;
        prop_assert!(left >= policy.min_keep.min(had));
    }

    #[test]
    fn no_content_goes_for_having_a_copy_that_does_not_stay(
        all in world(), policy in policy(), target in target(), free in 0..900u64, seed in 0..64u16,
    ) {
        let policy = Policy { free: target.0, max_total: target.1, duplicates: true, ..policy };
        let (verdicts, taken) = used(&policy, &all, &room(free), NOW, &mut |asked| busy(asked, seed));
        for at in taken.iter().filter(|at| verdicts[**at].rule == Rule::Duplicate) {
            let stays = (0..).zip(&all).any(|(other, c)| {
                !taken.contains(&other) && c.content == all[*at].content && c.is_read && c.stale.is_none() && c.inodes() != all[*at].inodes()
            });
            prop_assert!(stays, "{at} of {taken:?}: {verdicts:?}");
        }
    }

    #[test]
    fn a_target_takes_no_more_than_it_needs_and_a_second_run_nothing(
        all in world(), policy in policy(), target in target(), free in 0..900u64, seed in 0..64u16,
    ) {
        let policy = Policy { free: target.0, max_total: target.1, ..policy };
        let taken = going(&policy, &all, free, NOW, seed);
        let rest = |gone: &[usize]| -> (Vec<Candidate>, u64) {
            let mut freed = crate::prune::target::Freeing::default();
            let mut room = free;
            for at in gone {
                room += freed.take(&all[*at]).into_values().sum::<u64>();
            }
            let mut left: Vec<Candidate> =
                (0..).zip(&all).filter(|(at, _)| !gone.contains(at)).map(|(_, c)| c.clone()).collect();
            for piece in left.iter_mut().flat_map(|c| &mut c.pieces) {
                let own = gone.iter().flat_map(|at| &all[*at].pieces).filter(|p| p.inode() == piece.inode());
                // Names that two candidates claim are not two.
                piece.links = piece.links.saturating_sub(own.map(|p| p.own_links).sum()).max(piece.own_links);
            }
            (left, room)
        };
        let total = |left: &[Candidate]| {
            let inodes: std::collections::BTreeMap<_, _> = left.iter().filter(|c| c.id.is_some() && c.stale.is_none())
                .flat_map(|c| &c.pieces).map(|p| (p.inode(), p.allocated)).collect();
            inodes.into_values().sum::<u64>()
        };
        if policy.has_target() && let Some((last, before)) = taken.split_last() {
            let (left, room) = rest(before);
            let is_short = target.0.is_some_and(|wanted| room < wanted);
            let is_too_much = target.1.is_some_and(|most| total(&left) > most);
            prop_assert!(is_short || is_too_much, "{last} went for nothing");
        }
        let (left, room) = rest(&taken);
        // A rule that asks for more than is there takes what had no room before: only the sums may say otherwise.
        if !policy.has_target() {
            prop_assert_eq!(going(&policy, &left, room, NOW, seed), Vec::<usize>::new());
        }
    }
}
