//! The rules alone and together, over candidates out of thin air.

use super::samples::*;
use crate::clock::Timestamp;
use crate::model::{Class, Damage, ModelId, State, StoreKind};
use crate::prune::candidate::{Candidate, Evidence, LastUse};
use crate::prune::decide::Rule;
use crate::prune::in_use::Use;
use crate::prune::policy::Policy;
use crate::prune::target::Space;
use std::time::Duration;

/// The rule that decided on each.
fn rules(policy: &Policy, all: &[Candidate]) -> Vec<Rule> {
    decided(policy, all, &Space::default(), NOW).0.iter().map(|v| v.rule).collect()
}

fn zoo() -> Vec<Candidate> {
    let broken = |name: &str, state| Candidate {
        state: Some(state),
        damage: matches!(state, State::Damaged | State::Truncated).then_some(Damage::Structure),
        class: if state == State::Incomplete { Class::Referenced } else { Class::Damaged },
        is_usable: false,
        ..model(name, 100)
    };
    vec![
        model("old", 100),
        model("new", 2),
        broken("damaged", State::Damaged),
        broken("truncated", State::Truncated),
        broken("incomplete", State::Incomplete),
        Candidate { class: Class::Superseded, ..model("revision", 90) },
        waste("orphan", Class::Orphan, 80),
        waste("partial", Class::Partial, 70),
        waste("superseded", Class::Superseded, 60),
        waste("torn", Class::Damaged, 50),
        Candidate { content: Some("c".into()), ..model("copy", 45) },
        Candidate { content: Some("c".into()), ..model("first", 44) },
    ]
}

#[test]
fn without_a_rule_nothing_goes() {
    for policy in [
        Policy::default(),
        Policy { min_keep: 3, ..Policy::default() },
        Policy { assume_unused: true, allow_large: true, grace: Duration::ZERO, ..Policy::default() },
    ] {
        assert!(policy.is_empty());
        assert!(gone(&policy, &zoo()).is_empty());
    }
}

#[test]
fn every_rule_takes_what_it_names_and_nothing_else() {
    let only = |change: fn(&mut Policy)| {
        let mut policy = Policy::default();
        change(&mut policy);
        let mut names = gone(&policy, &zoo());
        names.sort();
        names.join(" ")
    };
    assert_eq!(only(|p| p.superseded = true), "revision superseded");
    assert_eq!(only(|p| p.orphans = true), "orphan");
    assert_eq!(only(|p| p.partials = true), "incomplete partial");
    assert_eq!(only(|p| p.damaged = true), "damaged torn truncated");
    assert_eq!(only(|p| p.duplicates = true), "copy");
    assert_eq!(only(|p| p.models = Some(vec![ModelId("new".into())])), "new");
    assert_eq!(only(|p| p.models = Some(vec![])), "");
    let models = "copy damaged first incomplete old revision truncated";
    assert_eq!(only(|p| p.unused_for = Some(days(30))), models);
    assert_eq!(only(|p| p.older_than = Some(days(30))), models);
}

#[test]
fn a_second_rule_on_models_narrows_and_one_on_bytes_adds() {
    let named = || Some(vec![ModelId("old".into()), ModelId("new".into())]);
    let policy = Policy { models: named(), ..month() };
    assert_eq!(gone(&policy, &zoo()), ["old"]);
    let policy = Policy { models: named(), orphans: true, superseded: true, ..Policy::default() };
    assert_eq!(gone(&policy, &zoo()), ["revision", "orphan", "superseded", "old", "new"]);
    let policy = Policy { models: named(), duplicates: true, ..Policy::default() };
    assert_eq!(gone(&policy, &zoo()), ["old", "copy", "new"]);
    // Ages hold for bytes, too.
    let policy = Policy { unused_for: Some(days(75)), orphans: true, partials: true, ..Policy::default() };
    let gone = gone(&policy, &zoo());
    assert!(gone.contains(&"orphan".into()) && !gone.contains(&"partial".into()), "{gone:?}");
}

#[test]
fn what_a_client_has_finished_is_young_as_long_as_its_download_is() {
    use crate::prune::download::Together;
    let with = |age: i64| Candidate {
        download: Some(std::sync::Arc::new(Together {
            unfinished: Vec::new(),
            newest: Some((Timestamp(NOW.0 - age), "/o/blobs/sha256-b-partial".into())),
        })),
        ..waste("layer", Class::Orphan, 90)
    };
    let policy = Policy { orphans: true, ..Policy::default() };
    assert_eq!(gone(&policy, &[with(3_599_000)]), [""; 0]);
    assert_eq!(gone(&policy, &[with(3_601_000)]), ["layer"]);
    let now = Policy { grace: Duration::ZERO, ..policy };
    assert_eq!(gone(&now, &[with(0)]), ["layer"]);
}

#[test]
fn any_one_rule_that_keeps_wins_over_all_that_select() {
    type Keeps = fn(&mut Candidate);
    let ways: [(Rule, Keeps); 8] = [
        (Rule::Pinned, |c| c.pinned = true),
        (Rule::KeepHint, |c| c.kept_by = vec!["*".into()]),
        (Rule::Task, |c| c.tasks = 1),
        (Rule::Changed, |c| c.stale = Some("it has changed".into())),
        (Rule::Grace, |c| c.changed = NOW),
        (Rule::Grace, |c| c.changed = Timestamp(NOW.0 + DAY)),
        (Rule::Grace, |c| c.changed = Timestamp(i64::MAX)),
        (Rule::Grace, |c| c.changed = Timestamp(NOW.0 - 3_599_999)),
    ];
    let greedy = Policy {
        unused_for: Some(days(1)),
        older_than: Some(days(1)),
        free: Some(u64::MAX),
        max_total: Some(0),
        superseded: true,
        orphans: true,
        partials: true,
        damaged: true,
        duplicates: true,
        assume_unused: true,
        allow_large: true,
        ..Policy::default()
    };
    let target = Policy { max_total: Some(0), ..Policy::default() };
    for policy in [greedy, target] {
        for (rule, keep) in ways {
            let mut all = zoo();
            all.iter_mut().for_each(keep);
            let (verdicts, going) = decided(&policy, &all, &room(0), NOW);
            assert!(going.is_empty(), "{rule:?}");
            assert!(verdicts.iter().any(|v| v.rule == rule), "{rule:?}: {verdicts:?}");
        }
    }
}

#[test]
fn a_use_keeps_and_an_unknown_one_too_unless_told_otherwise() {
    let all = [model("a", 100), model("b", 100), model("c", 100)];
    let mut uses = |asked: &[&Candidate]| {
        let answer = |c: &&Candidate| match c.name.as_str() {
            "a" => Use::Used(vec!["llama-server (7)".into()]),
            "b" => Use::Unknown("the processes of root cannot be seen".into()),
            _ => Use::Free,
        };
        asked.iter().map(answer).collect()
    };
    let (verdicts, going) = used(&month(), &all, &Space::default(), NOW, &mut uses);
    assert_eq!(verdicts.iter().map(|v| v.rule).collect::<Vec<_>>(), [Rule::InUse, Rule::UseUnknown, Rule::Unused]);
    assert_eq!(going, [2]);
    let bold = Policy { assume_unused: true, ..month() };
    let (_, going) = used(&bold, &all, &Space::default(), NOW, &mut uses);
    assert_eq!(going, [1, 2]);
}

#[test]
fn nobody_is_asked_about_what_stays_anyway() {
    let all = [Candidate { pinned: true, ..model("a", 100) }, model("b", 1), model("c", 100)];
    let mut about = Vec::new();
    used(&month(), &all, &Space::default(), NOW, &mut |asked| {
        about.extend(asked.iter().map(|c| c.name.clone()));
        vec![Use::Free; asked.len()]
    });
    assert_eq!(about, ["c"]);
    let none = used(&Policy::default(), &all, &Space::default(), NOW, &mut |_| panic!("asked for nothing"));
    assert!(none.1.is_empty());
}

#[test]
fn a_time_to_come_keeps_whatever_it_is_the_time_of() {
    for at in [NOW.0 + 1, NOW.0 + 10 * DAY, i64::MAX] {
        let future = Timestamp(at);
        for evidence in [Evidence::Journal, Evidence::AccessTime, Evidence::Appeared] {
            let used = Candidate { last_use: LastUse { at: future, evidence }, ..model("a", 100) };
            assert!(gone(&month(), &[used]).is_empty(), "{evidence:?} {at}");
        }
        let written = Candidate { written: future, ..model("a", 100) };
        for policy in [month(), Policy { older_than: Some(days(1)), ..Policy::default() }] {
            assert!(gone(&policy, std::slice::from_ref(&written)).is_empty(), "{at}");
        }
    }
}

#[test]
fn the_limits_of_the_calendar_take_nothing_and_break_nothing() {
    for now in [i64::MIN, -1, 0, NOW.0, i64::MAX] {
        for at in [i64::MIN, -1, 0, NOW.0, i64::MAX] {
            let odd = Candidate {
                last_use: LastUse { at: Timestamp(at), evidence: Evidence::AccessTime },
                written: Timestamp(at),
                changed: Timestamp(at),
                ..model("a", 1)
            };
            let endless = Policy { unused_for: Some(Duration::MAX), ..Policy::default() };
            for policy in [month(), endless, Policy { max_total: Some(0), ..Policy::default() }] {
                let (verdicts, going) = decided(&policy, std::slice::from_ref(&odd), &room(0), Timestamp(now));
                assert!(at < now || going.is_empty(), "{at} at {now}: {verdicts:?}");
            }
        }
    }
}

#[test]
fn so_many_models_stay_over_all_stores_and_only_those_that_answer_count() {
    let other = Candidate { store: StoreKind::Ollama, root: "/o".into(), ..model("ollama", 60) };
    let all = [
        model("b", 50),
        other,
        model("a", 70),
        Candidate { is_usable: false, state: Some(State::Damaged), ..model("bad", 90) },
    ];
    let keep = |n| gone(&Policy { min_keep: n, ..month() }, &all);
    assert_eq!(keep(0), ["bad", "a", "ollama", "b"]);
    assert_eq!(keep(1), ["bad", "a", "ollama"]);
    assert_eq!(keep(2), ["bad", "a"]);
    assert_eq!(keep(3), ["bad"]);
    assert_eq!(keep(u64::MAX), ["bad"]);
    // Those that stay for another reason count as well.
    let mut all = all.to_vec();
    all.push(model("young", 1));
    assert_eq!(gone(&Policy { min_keep: 2, ..month() }, &all), ["bad", "a", "ollama"]);
}

#[test]
fn a_model_that_is_not_there_any_more_is_none_of_those_that_stay() {
    let vanished = Candidate { stale: Some("it cannot be looked at".into()), ..model("vanished", 90) };
    let policy = Policy { min_keep: 1, ..month() };
    assert!(gone(&policy, &[vanished, model("last", 50)]).is_empty());
}

#[test]
fn room_is_made_with_waste_first_then_with_what_was_used_least_recently() {
    let policy = |free| Policy { free: Some(free), ..Policy::default() };
    let all = [model("b", 50), model("a", 60), waste("orphan", Class::Orphan, 3), waste("torn", Class::Damaged, 100)];
    let taken = |free, has| {
        let (_, going) = decided(&policy(free), &all, &room(has), NOW);
        going.iter().map(|at| all[*at].name.clone()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(taken(1000, 1000), "");
    assert_eq!(taken(1000, 999), "orphan");
    assert_eq!(taken(1000, 900), "orphan");
    assert_eq!(taken(1000, 899), "orphan a");
    assert_eq!(taken(1000, 700), "orphan a b");
    assert_eq!(taken(1000, 0), "orphan a b");
    // The room of that device is not known.
    let (_, going) = decided(&policy(1000), &all, &Space::default(), NOW);
    assert!(going.is_empty());
}

#[test]
fn a_target_ends_what_other_rules_take() {
    let all = [model("b", 50), model("a", 60), model("young", 1)];
    let policy = Policy { max_total: Some(250), ..month() };
    assert_eq!(gone(&policy, &all), ["a"]);
    assert_eq!(rules(&policy, &all), [Rule::Enough, Rule::Unused, Rule::NotSelected]);
    assert_eq!(gone(&Policy { max_total: Some(300), ..month() }, &all), [""; 0]);
    assert_eq!(gone(&Policy { max_total: Some(0), ..month() }, &all), ["a", "b"]);
    // Bytes of no model count for no total, and to take them lowers none; where they are asked for they go first.
    let with = [all.to_vec(), vec![waste("orphan", Class::Orphan, 20)]].concat();
    let most = |n| gone(&Policy { max_total: Some(n), ..Policy::default() }, &with);
    assert_eq!(most(300), [""; 0]);
    assert_eq!(most(299), ["a"]);
    assert_eq!(gone(&Policy { max_total: Some(299), orphans: true, ..Policy::default() }, &with), ["orphan"]);
}

#[test]
fn only_what_is_proven_damaged_goes_as_damage_and_the_row_says_by_what() {
    let damaged = Policy { damaged: true, ..Policy::default() };
    let with = |state, damage| Candidate {
        state: Some(state),
        damage,
        is_usable: false,
        why: "version 4 is not known".into(),
        ..model("a", 90)
    };
    for state in [State::Unsupported, State::Unreadable, State::Incomplete, State::Ready] {
        assert!(gone(&damaged, &[with(state, None)]).is_empty(), "{state:?}");
    }
    for (by, said) in [(Damage::Structure, "damaged: version 4"), (Damage::Hash, "wrong checksum: ")] {
        let (verdicts, going) = decided(&damaged, &[with(State::Damaged, Some(by))], &Space::default(), NOW);
        assert!(going == [0] && verdicts[0].why.contains(said), "{verdicts:?}");
    }
}

#[test]
fn below_a_root_that_is_too_wide_a_model_goes_when_it_is_named_and_not_by_a_rule() {
    let wide = |name: &str| Candidate { barred: Some("its root `/` is the whole machine".into()), ..model(name, 90) };
    let all = [wide("a"), wide("b"), model("c", 80)];
    assert_eq!(gone(&month(), &all), ["c"]);
    assert_eq!(rules(&month(), &all)[..2], [Rule::WideRoot, Rule::WideRoot]);
    assert_eq!(gone(&Policy { free: Some(u64::MAX), ..month() }, &all), [""; 0], "no room is known");
    assert_eq!(gone(&Policy { models: Some(vec![ModelId("a".into())]), ..Policy::default() }, &all), ["a"]);
    let waste = [Candidate { barred: wide("x").barred, ..waste("x", Class::Orphan, 90) }];
    assert!(gone(&Policy { orphans: true, ..Policy::default() }, &waste).is_empty());
}

#[test]
fn the_half_of_a_store_is_a_limit_on_rules_and_not_on_names() {
    let all = [model("a", 90), model("b", 80)];
    let large = |policy: &Policy| {
        let (_, going) = decided(policy, &all, &Space::default(), NOW);
        assert!(!going.is_empty());
        !crate::prune::target::large(policy, &all, &going).is_empty()
    };
    let named = |names: &[&str]| Some(names.iter().map(|n| ModelId((*n).into())).collect());
    assert!(large(&month()));
    assert!(!large(&Policy { models: named(&["a", "b"]), ..Policy::default() }));
    assert!(!large(&Policy { models: named(&["a", "b"]), ..month() }));
}

/// Two entries of one inode.
fn shared(name: &str, used: i64, ino: u64, links: u64) -> Candidate {
    let mut c = model(name, used);
    c.pieces[0].identity.ino = ino;
    c.pieces[0].file = (1, ino);
    c.pieces[0].links = links;
    c
}

#[test]
fn bytes_with_another_name_elsewhere_are_never_taken_to_make_room() {
    let all = [shared("linked", 90, 5, 2), model("own", 60), model("other", 50)];
    let (_, going) = decided(&Policy { free: Some(100), ..Policy::default() }, &all, &room(0), NOW);
    assert_eq!(going, [1]);
}

#[test]
fn hard_linked_models_make_room_together_and_not_before() {
    let all = [shared("a", 90, 5, 2), shared("b", 80, 5, 2), model("c", 70)];
    let taken = |free| decided(&Policy { free: Some(free), ..Policy::default() }, &all, &room(0), NOW).1;
    assert_eq!(taken(100), [0, 1]);
    assert_eq!(taken(101), [0, 1, 2]);
}

#[test]
fn a_total_is_that_of_the_models_that_are_left() {
    // What is linked from outside would not come free.
    let all = [shared("linked", 90, 5, 2), model("other", 50)];
    assert_eq!(gone(&Policy { max_total: Some(100), ..Policy::default() }, &all), ["other"]);
    // What cannot be found is no reason to take what can.
    let away = Candidate { stale: Some("its root could not be read".into()), ..model("away", 90) };
    let all = [away, model("here", 60), model("there", 50)];
    assert_eq!(gone(&Policy { max_total: Some(200), ..Policy::default() }, &all), [""; 0]);
    assert_eq!(gone(&Policy { max_total: Some(199), ..Policy::default() }, &all), ["here"]);
    // What another model has as well is still a model's.
    let all = [shared("a", 90, 5, 2), shared("b", 80, 5, 2), model("c", 70)];
    assert_eq!(gone(&Policy { max_total: Some(100), ..Policy::default() }, &all), ["a", "b"]);
}

mod copies {
    use super::*;

    fn copy(name: &str, used: i64) -> Candidate {
        Candidate { content: Some("one".into()), ..model(name, used) }
    }

    fn policy() -> Policy {
        Policy { duplicates: true, ..Policy::default() }
    }

    #[test]
    fn the_one_used_last_stays() {
        assert_eq!(gone(&policy(), &[copy("a", 60), copy("b", 50), copy("c", 70)]), ["c", "a"]);
        assert!(
            gone(&policy(), &[copy("a", 60), Candidate { content: Some("two".into()), ..copy("b", 50) }]).is_empty()
        );
        assert!(gone(&policy(), &[model("a", 60), model("b", 50)]).is_empty(), "nothing is known of their content");
    }

    /// `cp model.gguf backup.gguf`: the file that programs know by its name is the one that was there first.
    #[test]
    fn of_those_that_were_used_alike_the_oldest_file_stays() {
        let at = |name: &str, written| Candidate { written: Timestamp(written), ..copy(name, 60) };
        assert_eq!(gone(&policy(), &[at("a", 20), at("b", 10), at("c", 30)]), ["a", "c"]);
        assert_eq!(gone(&policy(), &[at("a", 10), at("b", 20)]), ["b"]);
    }

    #[test]
    fn a_copy_goes_only_where_the_bytes_of_one_that_stays_were_read() {
        let promised = |name: &str, used| Candidate { is_read: false, ..copy(name, used) };
        let two = [promised("a", 60), promised("b", 50)];
        assert!(gone(&policy(), &two).is_empty(), "a store that rotted would have been the last to have it");
        let (verdicts, _) = decided(&policy(), &two, &Space::default(), NOW);
        assert!(verdicts[0].why.contains("check it with `modelctl verify --hash`"), "{verdicts:?}");
        assert_eq!(gone(&policy(), &[copy("a", 60), promised("b", 50)]), ["b"]);
        let pinned = Candidate { pinned: true, ..promised("a", 60) };
        assert_eq!(gone(&policy(), &[pinned.clone(), copy("b", 50), promised("c", 40)]), ["c"]);
        assert!(gone(&policy(), &[pinned, promised("b", 50)]).is_empty());
    }

    #[test]
    fn a_copy_in_another_store_goes_only_when_that_is_said_and_who_then_lacks_it_is_said_too() {
        let ollama = Candidate {
            store: StoreKind::Ollama,
            root: "/o".into(),
            also_named: vec!["copy:8b".into()],
            ..copy("nomic-embed-text:latest", 90)
        };
        let all = [copy("a", 50), ollama, copy("b", 70)];
        assert_eq!(gone(&policy(), &all), ["b"], "the one in the same folder");
        let across = Policy { across_stores: true, ..policy() };
        let (verdicts, going) = decided(&across, &all, &Space::default(), NOW);
        assert_eq!(going, [1, 2]);
        let said = "Ollama will no longer have nomic-embed-text:latest, copy:8b";
        assert!(verdicts[1].why.contains(said) && !verdicts[2].why.contains("no longer"), "{verdicts:?}");
        let prefer = Policy { prefer: Some(StoreKind::Ollama), ..across };
        let (verdicts, going) = decided(&prefer, &all, &Space::default(), NOW);
        assert_eq!(going, [2, 0]);
        assert!(verdicts[0].why.contains("`/m` will no longer have a"), "{verdicts:?}");
        // The one that is to stay was never read: nothing goes for it.
        let unread = [copy("a", 50), Candidate { is_read: false, ..all[1].clone() }];
        assert!(gone(&prefer, &unread).is_empty());
    }

    #[test]
    fn one_that_is_kept_stays_rather_than_one_that_is_not() {
        assert_eq!(gone(&policy(), &[Candidate { pinned: true, ..copy("a", 60) }, copy("b", 50)]), ["b"]);
        assert_eq!(gone(&policy(), &[Candidate { changed: NOW, ..copy("a", 60) }, copy("b", 50)]), ["b"]);
        let both = [Candidate { pinned: true, ..copy("a", 60) }, Candidate { tasks: 1, ..copy("b", 50) }];
        assert!(gone(&policy(), &both).is_empty());
    }

    #[test]
    fn a_copy_that_goes_by_another_rule_is_none_that_stays() {
        let old = Candidate { class: Class::Superseded, ..copy("a", 50) };
        let both = Policy { superseded: true, ..policy() };
        assert_eq!(gone(&both, &[old.clone(), copy("b", 60)]), ["a"]);
        assert_eq!(gone(&both, &[old, copy("b", 60), copy("c", 70)]), ["a", "c"]);
    }

    #[test]
    fn a_copy_that_is_not_there_is_none_that_stays() {
        let vanished = Candidate { stale: Some("it cannot be looked at".into()), ..copy("a", 50) };
        assert!(gone(&policy(), &[vanished, copy("b", 60)]).is_empty());
    }

    #[test]
    fn the_same_bytes_under_another_name_are_no_copy() {
        let again = |name: &str, used| Candidate { pieces: copy("a", 50).pieces, ..copy(name, used) };
        assert!(gone(&policy(), &[copy("a", 50), again("b", 60)]).is_empty());
        assert_eq!(gone(&policy(), &[copy("a", 50), again("b", 60), copy("c", 90)]), ["c"]);
    }

    #[test]
    fn ages_hold_for_copies_too() {
        let policy = Policy { older_than: Some(days(55)), ..policy() };
        assert_eq!(gone(&policy, &[copy("a", 20), copy("b", 30), copy("c", 60)]), ["c"]);
    }
}
