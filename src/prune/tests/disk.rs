//! Random stores on a real disk and random policies: what is kept is not touched, what goes comes back the same.

use super::run::*;
use super::samples::days;
use super::worlds::{DEEDS, Deed, World, deeds};
use crate::prune::candidate::Candidate;
use crate::prune::decide::Rule;
use crate::prune::fate::Fate;
use crate::prune::plan::Row;
use crate::prune::policy::Policy;
use crate::prune::trash;
use crate::prune::trash::tests::places::Mount;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

prop_compose! {
    pub(super) fn policies()(
        kinds in any::<[bool; 5]>(),
        (unused, older) in (prop::option::of(0..120u64), prop::option::of(50..350u64)),
        min_keep in prop_oneof![2 => Just(0), 1 => 0..3u64],
    ) -> Policy {
        Policy {
            unused_for: unused.map(days),
            older_than: older.map(days),
            superseded: kinds[0],
            orphans: kinds[1],
            partials: kinds[2],
            damaged: kinds[3],
            duplicates: kinds[4],
            min_keep,
            grace: Duration::ZERO,
            ..Policy::default()
        }
    }
}

/// One store on its own most of the time, and all of them.
pub(super) fn worlds() -> impl Strategy<Value = Vec<Deed>> {
    let [plain, hub, ollama, lmstudio, llamacpp, ramalama] = DEEDS;
    prop_oneof![
        3 => deeds(plain, 14),
        4 => deeds(hub, 16),
        2 => deeds(ollama, 10),
        1 => deeds(lmstudio, 8),
        1 => deeds(llamacpp, 8),
        2 => deeds(ramalama, 8),
        // Links from plain folders into the hub.
        2 => deeds(0..15, 16),
        1 => deeds(0..24, 24),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, max_shrink_iters: 600, ..ProptestConfig::default() })]

    #[test]
    fn what_stays_is_untouched_and_what_went_comes_back_the_same(
        deeds in worlds(), policy in policies(), busy in prop_oneof![2 => Just(0), 1 => any::<u16>()],
    ) {
        let mut world = World::of(&deeds);
        world.scan();
        let all = world.candidates();
        let before = Before::look(&world);
        let plan = planned(&world, &all, &policy, busy);
        prop_assert!(plan.sums.freed <= plan.sums.allocated, "{:?}", plan.sums);
        let done = act(&world, &plan, &all, (busy, false), &mut trash::go_on).unwrap();
        for d in &done {
            prop_assert!(is_gone(&d.fate), "{}: {:?}", d.row.name, d.fate);
        }
        let gone: Vec<&Row> = done.iter().map(|d| d.row).collect();
        before.check(&all, &gone);
        world.scan();
        let left = world.candidates();
        let again = planned(&world, &left, &policy, busy);
        // Bytes that no store leads to are a model's while a link from elsewhere leads there; they are an orphan when that has gone.
        let led_to: BTreeSet<PathBuf> = all.iter().filter(|c| c.id.is_some()).flat_map(Candidate::paths).collect();
        let is_new = |row: &&Row| row.id.is_some() || !led_to.contains(&row.path);
        let more: Vec<_> = again.going().filter(is_new).map(|row| (&row.name, &row.why)).collect();
        let went: Vec<_> = gone.iter().map(|row| (&row.name, &row.why)).collect();
        prop_assert!(more.is_empty(), "{more:#?} after {went:#?}");
        restore_all(&world, &done);
        before.same(&world);
        prop_assert!(world.is_clean());
    }

    #[test]
    fn what_is_said_to_come_free_comes_free(deeds in worlds(), policy in policies()) {
        let mut world = World::of(&deeds);
        world.scan();
        let all = world.candidates();
        let before = Before::look(&world);
        let plan = planned(&world, &all, &policy, 0);
        let done = act(&world, &plan, &all, (0, true), &mut trash::go_on).unwrap();
        let mut told = 0;
        for d in &done {
            match &d.fate {
                Fate::Purged { freed, left, .. } if left.is_empty() => told += freed,
                other => prop_assert!(false, "{}: {other:?}", d.row.name),
            }
        }
        before.check(&all, &done.iter().map(|d| d.row).collect::<Vec<_>>());
        let (files, folders) = before.freed();
        let rows: u64 = plan.going().map(|row| row.freed_bytes).sum();
        prop_assert_eq!((told, rows), (files, plan.sums.freed));
        // A description that stays after all, as nothing tells any more that it is of no use, is a block or two.
        let all = files + folders;
        prop_assert!(rows >= all && rows - all <= 4 * 4096, "{rows} promised, {all} came free");
        prop_assert!(world.is_clean());
    }
}

#[test]
fn a_virtual_model_of_lm_studio_that_would_miss_a_file_is_named_in_the_plan() {
    let mut world = World::of(&[(19, 0, 0, 0, 0), (19, 1, 0, 1, 1)]);
    let yaml = "model: qwen/q\nbase:\n  - key: p0/r0\n    sources: [{type: huggingface, user: P0, repo: R0}]\n";
    world.tree().text(".lmstudio/hub/models/qwen/q/model.yaml", yaml);
    world.scan();
    let policy = Policy { unused_for: Some(days(1)), grace: Duration::ZERO, ..Policy::default() };
    let plan = planned(&world, &world.candidates(), &policy, 0);
    let why = |repository: &str| {
        let path = world.tree().path(".lmstudio/models").join(repository);
        plan.going().find(|row| row.path.starts_with(&path)).map(|row| row.why.as_str()).unwrap()
    };
    assert!(
        why("p0/r0").ends_with("; the virtual model `qwen/q` of LM Studio refers to its repository"),
        "{}",
        why("p0/r0")
    );
    assert!(!why("p1/r0").contains("virtual"), "{}", why("p1/r0"));
}

/// What stays in a plain folder leads to the bytes themselves, past every reference of the store that has them.
#[test]
fn bytes_of_a_store_that_a_link_from_elsewhere_leads_to_stay() {
    let link_to_a_blob = (4, 0, 0, 0, 3);
    for of_store in
        [[(7, 0, 0, 0, 0), (9, 0, 0, 0, 0)], [(15, 0, 0, 0, 3), (15, 1, 0, 1, 3)], [(22, 0, 0, 0, 3), (22, 1, 1, 1, 1)]]
    {
        let mut world = World::of(&[of_store[0], link_to_a_blob, of_store[1], (7, 1, 0, 1, 1)]);
        world.scan();
        let link = world.tree().path("plain/one/l1.gguf");
        let blob = link.canonicalize().unwrap();
        let mut all = world.candidates();
        all.iter_mut().find(|c| c.path == link).unwrap().pinned = true;
        let before = Before::look(&world);
        let policy = Policy { unused_for: Some(Duration::ZERO), grace: Duration::ZERO, ..Policy::default() };
        let plan = planned(&world, &all, &policy, 0);
        let owner = plan.rows.iter().find(|row| row.path != link && row.path.canonicalize().is_ok_and(|p| p == blob));
        assert!(!owner.unwrap().goes, "{owner:#?}");
        assert!(plan.going().next().is_some(), "what nothing leads to goes");
        let done = act(&world, &plan, &all, (0, true), &mut trash::go_on).unwrap();
        before.check(&all, &done.iter().map(|d| d.row).collect::<Vec<_>>());
        assert!(link.exists());
    }
}

/// Another file system, and a folder from elsewhere on the same one: nothing can be moved out of either.
#[test]
fn what_lies_on_a_mount_in_a_store_is_not_said_to_go() {
    let mut world = World::of(&[(0, 0, 0, 0, 0), (0, 0, 0, 1, 1)]);
    let of = |name: &str| world.tree().path("plain/one").join(name);
    let from = world.tree().path("elsewhere");
    [of("disk"), of("bound"), from.clone()].iter().for_each(|folder| std::fs::create_dir(folder).unwrap());
    let Some(_disk) = Mount::tmpfs(&of("disk"), c"size=1m") else { return };
    let Some(_bound) = Mount::bind(&from, &of("bound")) else { return };
    for name in ["disk", "bound"] {
        world.tree().gguf(format!("plain/one/{name}/{name}-Q4_0.gguf"), &format!("x={}", name.len()));
    }
    world.scan();
    let all = world.candidates();
    let policy = Policy { older_than: Some(Duration::ZERO), grace: Duration::ZERO, ..Policy::default() };
    let plan = planned(&world, &all, &policy, 0);
    assert_eq!(plan.going().count(), 2, "{:?}", plan.rows.iter().map(|r| (&r.name, &r.why)).collect::<Vec<_>>());
    for row in plan.staying() {
        assert_eq!(row.rule, Rule::Store);
        assert!(row.why.ends_with("is on another file system than its store"), "{}", row.why);
    }
    assert_eq!(plan.staying().count(), 2);
    let done = act(&world, &plan, &all, (0, false), &mut trash::go_on).unwrap();
    assert!(done.iter().all(|d| is_gone(&d.fate)), "{done:?}");
    restore_all(&world, &done);
}

/// A run may be killed between any two rows.
#[test]
fn a_link_goes_before_what_it_leads_to() {
    let mut world = World::of(&[(0, 0, 0, 0, 0), (4, 1, 0, 0, 0)]);
    world.scan();
    let policy = Policy { unused_for: Some(Duration::ZERO), grace: Duration::ZERO, ..Policy::default() };
    let plan = planned(&world, &world.candidates(), &policy, 0);
    let going: Vec<_> = plan.going().map(|row| row.path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(going, ["l1.gguf", "m0-Q4_0.gguf"]);
}

/// The link is beside the file, and leads to another hard link of it, which goes as well.
#[test]
fn a_link_beside_its_file_goes_before_the_name_that_it_leads_to() {
    for c in 0..4 {
        let mut world = World::of(&[(0, 0, 0, 2, 0), (3, 1, 0, 0, 0), (4, 2, 0, c, 0)]);
        world.scan();
        let policy = Policy { unused_for: Some(Duration::ZERO), grace: Duration::ZERO, ..Policy::default() };
        let plan = planned(&world, &world.candidates(), &policy, 0);
        let link = world.tree().path("plain/one/l2.gguf");
        let end = std::fs::read_link(&link).unwrap();
        let takes = |path: &std::path::Path| {
            let has = |row: &&crate::prune::plan::Row| {
                row.steps.iter().any(|step| row.base.as_ref().is_some_and(|base| base.path.join(step.path()) == path))
            };
            plan.going().position(|row| has(&row))
        };
        assert!(takes(&link).is_some() && takes(&link) <= takes(&end), "{c}: {:?}", plan.rows);
    }
}

/// A link in one root leads to a model of another one, which has a projector that others have as well.
#[test]
fn what_a_link_elsewhere_leads_to_stays_whole() {
    let deeds = [
        (2, 1, 3, 0, 0),
        (2, 1, 0, 0, 0),
        (0, 0, 0, 0, 0),
        (2, 1, 0, 1, 0),
        (6, 1, 0, 2, 0),
        (0, 1, 1, 0, 0),
        (2, 1, 0, 3, 0),
        (0, 0, 0, 0, 1),
        (6, 1, 3, 0, 1),
        (4, 2, 0, 2, 0),
        (0, 0, 1, 0, 0),
    ];
    let policy = Policy { unused_for: Some(days(28)), grace: Duration::ZERO, ..Policy::default() };
    let mut world = World::of(&deeds);
    world.scan();
    let all = world.candidates();
    let plan = planned(&world, &all, &policy, 0);
    let led_to = world.tree().path("plain/two/m0-Q4_0.gguf");
    let row = plan.staying().find(|row| row.path == led_to).unwrap();
    assert!(row.why.ends_with(", which is kept, needs its files"), "{}", row.why);
    act(&world, &plan, &all, (0, false), &mut trash::go_on).unwrap();
    world.scan();
    let again = planned(&world, &world.candidates(), &policy, 0);
    assert_eq!(again.going().map(|row| &row.name).collect::<Vec<_>>(), Vec::<&String>::new());
}
