//! A run that dies at any point of a real plan, in every kind of store: what the next run finds is as before, or gone
//! whole.

use super::disk::{policies, worlds};
use super::run::*;
use super::worlds::{Deed, ROOTS, World};
use crate::prune::candidate::Candidate;
use crate::prune::plan::{Plan, Row};
use crate::prune::policy::Policy;
use crate::prune::trash::tests::{below, dies_at};
use crate::prune::trash::{self, Ending, Place, Point, State, Trashed};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

/// A small world of each store, in which things are shared and something else stays.
pub const STORES: [(&str, &[Deed]); 7] = [
    // A split set, a model, a projector between them, a second name and a link.
    ("plain", &[(1, 0, 1, 0, 0), (0, 0, 1, 1, 1), (2, 0, 1, 0, 0), (3, 1, 0, 0, 0), (4, 1, 0, 1, 0), (0, 1, 2, 2, 2)]),
    // Two snapshots with one blob, what a reference moved away from, a description.
    ("hub", &[(7, 0, 0, 0, 0), (7, 0, 1, 0, 0), (7, 0, 1, 1, 1), (9, 0, 1, 0, 0), (11, 0, 1, 0, 0), (7, 1, 0, 2, 0)]),
    // Payloads that two repositories share.
    ("shared", &[(12, 0, 0, 0, 0), (12, 1, 0, 0, 0), (12, 1, 0, 1, 0), (9, 0, 0, 0, 0), (9, 1, 0, 0, 0)]),
    // Names with one model, one of them with a projector.
    ("ollama", &[(15, 0, 0, 0, 0), (15, 0, 1, 0, 2), (18, 1, 0, 0, 1), (15, 1, 2, 1, 1), (17, 0, 0, 1, 2)]),
    ("lmstudio", &[(19, 0, 0, 3, 0), (19, 0, 0, 1, 1), (19, 1, 1, 2, 0), (20, 1, 0, 0, 0)]),
    ("llama.cpp", &[(21, 0, 1, 0, 0), (21, 0, 2, 0, 0), (21, 1, 1, 1, 1), (21, 1, 0, 2, 2)]),
    // Two tags of one blob, hard links and a link.
    ("ramalama", &[(22, 0, 0, 0, 0), (22, 0, 1, 0, 1), (22, 1, 0, 1, 3), (23, 1, 0, 2, 0), (22, 1, 1, 2, 1)]),
];

/// All but the model that was used last, and what is waste.
pub fn most(world: &World, all: &[Candidate]) -> Plan {
    let policy = Policy {
        unused_for: Some(Duration::ZERO),
        partials: true,
        superseded: true,
        orphans: true,
        min_keep: 1,
        grace: Duration::ZERO,
        ..Policy::default()
    };
    let plan = planned(world, all, &policy, 0);
    assert!(plan.going().next().is_some() && plan.staying().next().is_some(), "{:?}", plan.rows);
    plan
}

/// The one model that takes the most along.
fn largest(world: &World, all: &[Candidate]) -> Plan {
    let alone = |c: &Candidate| {
        let models = Some(vec![c.id.clone()?]);
        Some(planned(world, all, &Policy { models, grace: Duration::ZERO, ..Policy::default() }, 0))
    };
    let plans = all.iter().filter_map(alone).filter(|plan| plan.going().count() == 1);
    plans.max_by_key(|plan| plan.going().map(|row| row.steps.len()).sum::<usize>()).unwrap()
}

fn places(world: &World) -> Vec<Place> {
    let places = ROOTS.iter().flat_map(|(_, root)| Place::all(&world.tree().path(root)));
    let mut seen = BTreeSet::new();
    places.map(Result::unwrap).filter(|place| seen.insert(place.path().to_owned())).collect()
}

/// What the next run does first.
fn recover(world: &World) {
    for place in places(world) {
        for done in trash::recover(&place.hold(world.now).unwrap(), &mut trash::go_on).unwrap() {
            assert!(!matches!(done.ending, Ending::Failed(_) | Ending::Kept | Ending::NotRestored(_)), "{done:?}");
        }
    }
}

/// The same, killed at its first point, then at its second, and so on until it comes to its end.
fn recover_killed_everywhere(world: &World) {
    for place in places(world) {
        let held = place.hold(world.now).unwrap();
        for n in 0.. {
            if dies_at(n, |hook| trash::recover(&held, hook)).is_none() {
                break;
            }
        }
    }
}

fn listed(world: &World) -> Vec<Trashed> {
    trash::list(&places(world)).unwrap()
}

/// The row that an item is of: no entry is in two rows.
fn row_of<'p>(plan: &'p Plan, item: &Trashed) -> (usize, &'p Row) {
    let order = item.order.as_ref().unwrap();
    let is_its = |row: &&Row| {
        row.base.as_ref().is_some_and(|base| base.path == order.root)
            && order.steps.iter().all(|step| row.steps.contains(step))
    };
    plan.going().enumerate().find(|(_, row)| is_its(row)).expect("an item is one row of the plan")
}

/// What is in the trash by now, in the order of the plan: whole rows, and each of them whole.
fn moved<'p>(world: &World, plan: &'p Plan, when: &str) -> Vec<(&'p Row, Trashed)> {
    let mut all: BTreeMap<usize, (&Row, Trashed)> = BTreeMap::new();
    for item in listed(world) {
        assert!(matches!(item.state, State::Complete), "{when}: {item:?}");
        let (at, row) = row_of(plan, &item);
        for step in &item.order.as_ref().unwrap().steps {
            let path = row.base.as_ref().unwrap().path.join(step.path());
            let is_folder = matches!(step, trash::Step::RemoveDir { .. });
            assert!(is_folder || path.symlink_metadata().is_err(), "{when}: {path:?} is in both places");
        }
        assert!(all.insert(at, (row, item)).is_none(), "{when}: one row is there twice");
    }
    all.into_values().collect()
}

/// Nothing but whole rows has gone, nothing leads to nothing, and every byte is counted once.
fn check(world: &World, before: &Before, (plan, all): (&Plan, &[Candidate]), when: &str) {
    let moved = moved(world, plan, when);
    let rows: Vec<&Row> = moved.iter().map(|(row, _)| *row).collect();
    before.check(all, &rows);
    let (files, folders) = before.freed();
    let told: u64 = rows.iter().map(|row| row.freed_bytes).sum();
    // A description that stays after all is a block or two; see the test on what comes free.
    assert!(told >= files + folders && told - files - folders <= 4 * 4096, "{when}: {told} of {files} + {folders}");
    let mut inodes: BTreeMap<u64, u64> = BTreeMap::new();
    for (_, item) in &moved {
        let top = item.folder.join("files");
        let looks = below(&top).into_iter().skip(1).map(|path| top.join(path).symlink_metadata().unwrap());
        inodes.extend(looks.map(|meta| (meta.ino(), meta.blocks() * 512)));
    }
    let sum: u64 = moved.iter().map(|(_, item)| item.bytes).sum();
    assert!(sum >= inodes.values().sum(), "{when}");
}

/// Puts everything back, the last first.
fn put_back(world: &World, plan: &Plan, before: &Before, when: &str) {
    for (row, item) in moved(world, plan, when).into_iter().rev() {
        let place = Place::of(&row.base.as_ref().unwrap().path).unwrap().unwrap();
        trash::restore(&place.hold(world.now).unwrap(), &item.id, &mut trash::go_on).unwrap();
    }
    before.same(world);
    assert!(world.is_clean(), "{when}");
}

fn scanned(deeds: &[Deed]) -> (World, Vec<Candidate>) {
    let mut world = World::of(deeds);
    world.scan();
    let all = world.candidates();
    (world, all)
}

#[test]
fn a_kill_at_any_point_of_a_prune_leaves_every_store_as_it_was_or_without_whole_models() {
    for (store, deeds) in STORES {
        let (world, all) = scanned(deeds);
        let before = Before::look(&world);
        let mut points = 0;
        for n in 0.. {
            // What came back was moved since it was planned.
            let plan = most(&world, &all);
            let died = dies_at(n, |hook| act(&world, &plan, &all, (0, false), hook));
            let when = format!("{store}: killed at {n}, {died:?}");
            if n % 2 == 0 {
                recover(&world)
            } else {
                recover_killed_everywhere(&world)
            }
            check(&world, &before, (&plan, &all), &when);
            put_back(&world, &plan, &before, &when);
            points = n;
            if died.is_none() {
                break;
            }
        }
        assert!(points > 20, "{store}: {points} points");
    }
}

#[test]
fn a_kill_at_any_point_of_a_restore_brings_a_whole_model_back_or_none_of_it() {
    for (store, deeds) in STORES {
        let (world, all) = scanned(deeds);
        let before = Before::look(&world);
        for n in 0.. {
            let plan = largest(&world, &all);
            act(&world, &plan, &all, (0, false), &mut trash::go_on).unwrap();
            let [(row, item)] = &moved(&world, &plan, store)[..] else { panic!("{store}") };
            let base = &row.base.as_ref().unwrap().path;
            let place = || Place::of(base).unwrap().unwrap().hold(world.now).unwrap();
            let died = dies_at(n, |hook| trash::restore(&place(), &item.id, hook));
            let when = format!("{store}: killed at {n}, {died:?}");
            if n % 2 == 0 {
                recover(&world)
            } else {
                recover_killed_everywhere(&world)
            }
            check(&world, &before, (&plan, &all), &when);
            put_back(&world, &plan, &before, &when);
            if died.is_none() {
                break;
            }
        }
    }
}

#[test]
fn a_kill_at_any_point_of_a_purge_touches_nothing_that_stays_and_leaves_nothing_behind() {
    for (store, deeds) in STORES {
        let mut is_over = false;
        let mut n = 0;
        while !is_over {
            let (world, all) = scanned(deeds);
            let before = Before::look(&world);
            // A world in which it was not deleted serves again.
            loop {
                let plan = largest(&world, &all);
                let died = dies_at(n, |hook| act(&world, &plan, &all, (0, true), hook));
                let when = format!("{store}: killed at {n}, {died:?}");
                if n % 2 == 0 {
                    recover(&world)
                } else {
                    recover_killed_everywhere(&world)
                }
                n += 1;
                is_over = died.is_none();
                if is_over || has_gone(&world, &plan) {
                    purged(&world, &before, (&plan, &all), &when);
                    break;
                }
                check(&world, &before, (&plan, &all), &when);
                put_back(&world, &plan, &before, &when);
            }
        }
    }
}

/// Its one row is neither where it was nor in the trash.
fn has_gone(world: &World, plan: &Plan) -> bool {
    let is_there = |row: &Row| {
        let base = &row.base.as_ref().unwrap().path;
        row.steps
            .iter()
            .any(|step| matches!(step, trash::Step::Move { .. }) && base.join(step.path()).symlink_metadata().is_ok())
    };
    listed(world).is_empty() && !plan.going().any(is_there)
}

fn purged(world: &World, before: &Before, (plan, all): (&Plan, &[Candidate]), when: &str) {
    let rows: Vec<&Row> = plan.going().collect();
    before.check(all, &rows);
    let (files, folders) = before.freed();
    assert_eq!(plan.sums.freed, files + folders, "{when}");
    assert!(world.is_clean(), "{when}: {:?}", below(&world.tree().path("")));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, max_shrink_iters: 400, ..ProptestConfig::default() })]

    /// The next run looks at the stores anew, makes its own plan and carries it out.
    #[test]
    fn a_run_after_a_kill_anywhere_ends_what_the_first_one_began(
        deeds in worlds(), policy in policies(), n in 0..160usize, purge in any::<bool>(), kills in any::<bool>(),
    ) {
        let (mut world, all) = scanned(&deeds);
        let before = Before::look(&world);
        let plan = planned(&world, &all, &policy, 0);
        let died: Option<Point> = dies_at(n, |hook| act(&world, &plan, &all, (0, purge), hook));
        let when = format!("killed at {n}, {died:?}");
        if kills { recover_killed_everywhere(&world) } else { recover(&world) }
        let first = listed(&world).len();
        if !purge {
            check(&world, &before, (&plan, &all), &when);
        }
        world.scan();
        let left = world.candidates();
        let next = planned(&world, &left, &policy, 0);
        let between = Before::look(&world);
        let done = act(&world, &next, &left, (0, false), &mut trash::go_on).unwrap();
        for d in &done {
            prop_assert!(is_gone(&d.fate), "{}: {:?} {when}", d.row.name, d.fate);
        }
        between.check(&left, &done.iter().map(|d| d.row).collect::<Vec<_>>());
        restore_all(&world, &done);
        between.same(&world);
        prop_assert_eq!(listed(&world).len(), first);
        if !purge {
            put_back(&world, &plan, &before, &when);
        }
    }
}
