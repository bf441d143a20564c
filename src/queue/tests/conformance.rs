use super::reference::Reference;
use super::*;
use crate::model::task::machine::Refusal;
use crate::model::task::order::Claimed;

/// Runs a test on every store.
fn each(test: impl Fn(&mut dyn Queue)) {
    test(&mut Reference::default());
    let dir = tempfile::tempdir().unwrap();
    test(&mut open(&dir.path().join("db")));
}

fn add(store: &mut dyn Queue, tasks: Vec<NewTask>, now: i64) -> Vec<Enqueued> {
    store.enqueue(&mut tasks.into_iter().map(Ok), OnFinished::Keep, at(now)).unwrap()
}

#[track_caller]
fn take(store: &mut dyn Queue, ask: &ClaimAsk, now: i64) -> Vec<Task> {
    match store.claim(ask, at(now)).unwrap() {
        Claimed::Tasks(tasks) => tasks,
        other => panic!("{other:?}"),
    }
}

fn ids(tasks: &[Task]) -> Vec<u64> {
    tasks.iter().map(|t| t.ticket.id.0).collect()
}

fn hold(task: &Task) -> Hold {
    (&task.ticket).into()
}

fn state(store: &dyn Queue, id: u64) -> TaskState {
    store.task(TaskId(id)).unwrap().unwrap().ticket.state()
}

#[test]
fn a_task_goes_from_the_queue_to_its_result_with_every_attempt_on_record() {
    each(|store| {
        assert_eq!(add(store, vec![new_task("why?")], 0), [Enqueued { id: TaskId(1), how: Accepted::New }]);
        let first = take(store, &ask(1, 5), 1000).remove(0);
        assert_eq!(first.request, request("why?"));
        assert_eq!(store.owners().unwrap(), [owner(1)]);
        store.assign(&[hold(&first)], &model(7), at(1001)).unwrap()[0].as_ref().unwrap();
        let states = store.finish(vec![(hold(&first), failed("empty answer"))], at(2000)).unwrap();
        assert_eq!(states, [Ok(TaskState::Scheduled)]);
        assert_eq!(store.claim(&ask(1, 5), at(11_999)).unwrap(), Claimed::Nothing);
        let second = take(store, &ask(2, 5), 12_000).remove(0);
        let third = store.swap(hold(&second), &model(8), &TaskError::new(ErrorKind::Model, "x"), at(12_001));
        let third = third.unwrap().unwrap();
        assert_eq!(store.finish(vec![(third, done("because"))], at(13_000)).unwrap(), [Ok(TaskState::Done)]);
        let task = store.task(TaskId(1)).unwrap().unwrap();
        assert_eq!(task.result.unwrap().text, "because");
        assert_eq!((task.ticket.attempts, task.ticket.swaps, task.ticket.error), (2, 1, None));
        let attempts = store.attempts(TaskId(1)).unwrap();
        let told: Vec<_> = attempts.iter().map(|a| (a.token, a.end.unwrap(), a.model.clone())).collect();
        let (failed, swapped, done) = (AttemptEnd::Failed, AttemptEnd::Swapped, AttemptEnd::Done);
        assert_eq!(told, [(1, failed, Some(model(7))), (2, swapped, None), (3, done, Some(model(1)))]);
        assert_eq!(attempts[0].error.as_ref().unwrap().message, "empty answer");
        assert_eq!(attempts[2].started, Timestamp(12_001));
    });
}

#[test]
fn a_worker_that_lost_its_task_can_write_nothing() {
    each(|store| {
        add(store, vec![new_task("a")], 0);
        let slow = take(store, &ask(1, 1), 0).remove(0);
        assert_eq!(store.recover(&DeadOwners::default(), at(59_999)).unwrap().requeued, []);
        assert_eq!(store.recover(&DeadOwners::default(), at(60_000)).unwrap().requeued, [TaskId(1)]);
        let fast = take(store, &ask(2, 1), 60_001).remove(0);
        let late = Refusal::Stale { id: TaskId(1), state: TaskState::Running };
        assert_eq!(store.finish(vec![(hold(&slow), done("late"))], at(60_002)).unwrap(), [Err(late.clone())]);
        assert_eq!(store.renew(&[hold(&slow), hold(&fast)], at(60_002)).unwrap(), [Err(late.clone()), Ok(())]);
        assert_eq!(store.assign(&[hold(&slow)], &model(1), at(60_002)).unwrap(), [Err(late)]);
        store.finish(vec![(hold(&fast), done("in time"))], at(60_003)).unwrap()[0].as_ref().unwrap();
        assert!(store.finish(vec![(hold(&fast), done("twice"))], at(60_004)).unwrap()[0].is_err());
        assert_eq!(store.task(TaskId(1)).unwrap().unwrap().result.unwrap().text, "in time");
        let unknown = Hold { id: TaskId(99), ..hold(&fast) };
        assert_eq!(store.renew(&[unknown], at(0)).unwrap(), [Err(Refusal::Unknown(TaskId(99)))]);
    });
}

#[test]
fn a_claim_of_before_a_restored_backup_writes_nothing_although_its_token_is_given_again() {
    each(|store| {
        add(store, vec![new_task("a")], 0);
        let ours = take(store, &ask(2, 1), 1).remove(0);
        // What another executor was given under the same number and token, in the time that the backup does not know.
        let theirs = Hold { nonce: owner(1).nonce(), ..hold(&ours) };
        let late = Refusal::Stale { id: TaskId(1), state: TaskState::Running };
        for end in [done("theirs"), failed("x"), End::GivenBack] {
            assert_eq!(store.finish(vec![(theirs, end)], at(2)).unwrap(), [Err(late.clone())]);
        }
        assert_eq!(store.renew(&[theirs], at(2)).unwrap(), [Err(late.clone())]);
        assert_eq!(store.assign(&[theirs], &model(1), at(2)).unwrap(), [Err(late.clone())]);
        let why = TaskError::new(ErrorKind::Model, "x");
        assert_eq!(store.swap(theirs, &model(2), &why, at(2)).unwrap(), Err(late.clone()));
        let nobody = Hold { nonce: None, ..theirs };
        assert_eq!(store.finish(vec![(nobody, done("nobody's"))], at(2)).unwrap(), [Err(late)]);
        assert_eq!(store.finish(vec![(hold(&ours), done("ours"))], at(3)).unwrap(), [Ok(TaskState::Done)]);
        assert_eq!(store.task(TaskId(1)).unwrap().unwrap().result.unwrap().text, "ours");
    });
}

#[test]
fn a_nul_in_a_key_a_batch_or_a_model_is_refused_with_all_that_came_with_it() {
    each(|store| {
        for bad in [
            keyed("a\0b"),
            NewTask { batch: "\0".into(), ..keyed("k") },
            NewTask { wish: Wish::Model("m\0".into()), ..new_task("x") },
        ] {
            let mut tasks = [Ok(new_task("good")), Ok(bad)].into_iter();
            let error = store.enqueue(&mut tasks, OnFinished::Keep, at(0)).unwrap_err();
            assert!(error.to_string().contains("NUL character"), "{error}");
        }
        assert_eq!(store.claim(&ask(1, 9), at(0)).unwrap(), Claimed::Nothing, "nothing was queued");
    });
}

#[test]
fn a_task_that_kills_its_worker_is_put_away_and_two_deaths_are_forgiven() {
    each(|store| {
        add(store, vec![new_task("bad")], 0);
        let crashed = |message: &str| {
            let error = TaskError::new(ErrorKind::KilledWorker, message);
            End::Crashed { error, jitter: Jitter::default() }
        };
        // The first one spoke against its model as well.
        let first = take(store, &ask(1, 1), 0).remove(0);
        let why = TaskError::new(ErrorKind::KilledWorker, "smol: SIGSEGV");
        let second = store.swap(hold(&first), &model(2), &why, at(1)).unwrap().unwrap();
        assert_eq!(store.finish(vec![(second, crashed("big: SIGSEGV"))], at(2)).unwrap(), [Ok(TaskState::Scheduled)]);
        let third = take(store, &ask(1, 1), 20_002).remove(0);
        assert_eq!((third.ticket.attempts, third.ticket.crashes, third.ticket.swaps), (1, 2, 1));
        let ends = vec![(hold(&third), crashed("smol: SIGSEGV"))];
        assert_eq!(store.finish(ends, at(20_003)).unwrap(), [Ok(TaskState::Failed)]);
        let task = store.task(TaskId(1)).unwrap().unwrap().ticket;
        assert_eq!((task.attempts, task.crashes, task.interruptions), (0, 3, 0));
        assert_eq!(task.error.unwrap().message, "killed its worker, 3 times: smol: SIGSEGV");
        let ends: Vec<_> = store.attempts(TaskId(1)).unwrap().iter().map(|a| a.end.unwrap()).collect();
        assert_eq!(ends, [AttemptEnd::Crashed; 3]);
        assert_eq!(store.retry(&[TaskId(1)], at(20_004)).unwrap(), [Ok(TaskState::Failed)]);
        assert_eq!(take(store, &ask(4, 9), 20_005)[0].ticket.crashes, 0);
    });
}

#[test]
fn an_executor_that_dies_costs_its_tasks_nothing_until_it_is_plain_that_one_of_them_kills_it() {
    each(|store| {
        add(store, vec![new_task("reboots"), new_task("good")], 0);
        let mut now = 0;
        for death in 1..=11 {
            let task = take(store, &ask(death, 1), now).remove(0);
            assert_eq!((task.ticket.id, task.ticket.attempts), (TaskId(1), 1));
            let found = store.recover(&died(death), at(now + 1)).unwrap();
            match death {
                11 => assert_eq!((found.requeued, found.failed), (vec![], vec![TaskId(1)])),
                _ => assert_eq!((found.requeued, found.failed), (vec![TaskId(1)], vec![])),
            }
            // The first two are taken up at once, whatever their leases say; then others are let past.
            match death {
                1 | 2 => now += 1,
                3 => {
                    let other = take(store, &ask(99, 1), now + 1).remove(0);
                    assert_eq!(other.ticket.id, TaskId(2));
                    assert_eq!(store.renew(&[hold(&other)], at(now + 2)).unwrap(), [Ok(())], "the living goes on");
                    assert_eq!(
                        store.finish(vec![(hold(&other), done("x"))], at(now + 3)).unwrap(),
                        [Ok(TaskState::Done)]
                    );
                    now += 1_000_000;
                }
                _ => now += 1_000_000,
            }
        }
        let task = store.task(TaskId(1)).unwrap().unwrap().ticket;
        assert_eq!((task.state(), task.crashes, task.interruptions), (TaskState::Failed, 0, 11));
        assert_eq!(task.error.unwrap().kind, ErrorKind::Interrupted);
    });
}

#[test]
fn what_an_executor_could_not_give_back_has_cost_nothing() {
    each(|store| {
        add(store, vec![new_task("a")], 0);
        for n in 0..30 {
            let task = take(store, &ask(n, 1), 5).remove(0);
            assert_eq!((task.ticket.attempts, task.ticket.crashes, task.ticket.interruptions), (1, 0, 0));
            let left = DeadOwners { unreleased: vec![owner(n)], crashed: vec![] };
            assert_eq!(store.recover(&left, at(6)).unwrap().requeued, [TaskId(1)]);
        }
    });
}

#[test]
fn one_key_is_one_task_within_its_batch() {
    each(|store| {
        let in_batch = NewTask { batch: "b".into(), ..keyed("k") };
        let added = add(store, vec![keyed("k"), keyed("k"), in_batch.clone(), new_task("x"), new_task("x")], 0);
        let told: Vec<_> = added.iter().map(|e| (e.id.0, e.how)).collect();
        let (new, existing) = (Accepted::New, Accepted::Existing);
        assert_eq!(told, [(1, new), (1, existing), (2, new), (3, new), (4, new)]);
        let other = NewTask { request: request("another"), ..keyed("k") };
        assert_eq!(add(store, vec![other.clone()], 1)[0].how, Accepted::ExistingDiffers);
        let replace = |store: &mut dyn Queue, now| {
            store.enqueue(&mut [Ok(other.clone())].into_iter(), OnFinished::Replace, at(now)).unwrap()[0].how
        };
        assert_eq!(replace(store, 2), Accepted::ExistingDiffers, "it has not ended");
        let same = keyed("k");
        for other in [
            NewTask { wish: Wish::Model("another".into()), ..same.clone() },
            NewTask { priority: 1, ..same.clone() },
            NewTask { timeout_ms: Some(1), ..same.clone() },
        ] {
            assert_eq!(add(store, vec![other], 2)[0].how, Accepted::ExistingDiffers, "what is asked for is not there");
        }
        let first = take(store, &ask(1, 1), 3).remove(0);
        store.finish(vec![(hold(&first), done("one"))], at(4)).unwrap()[0].as_ref().unwrap();
        assert_eq!(add(store, vec![keyed("k")], 5)[0].how, Accepted::Existing);
        assert_eq!(replace(store, 6), Accepted::Replaced);
        let task = store.task(TaskId(1)).unwrap().unwrap();
        assert_eq!((task.result, task.request, task.ticket.round), (None, other.request.clone(), 1));
        let again = take(store, &ask(1, 9), 7);
        assert_eq!(ids(&again), [2, 3, 4, 1]);
        assert!(again[3].ticket.token > first.ticket.token);
        store.finish(vec![(hold(&again[3]), done("two"))], at(8)).unwrap()[0].as_ref().unwrap();
        assert_eq!(store.attempts(TaskId(1)).unwrap().len(), 2, "earlier rounds stay on record");
    });
}

#[test]
fn a_file_that_breaks_off_leaves_nothing_behind() {
    each(|store| {
        let mut broken = vec![Ok(keyed("a")), Err(anyhow::anyhow!("line 2 is cut off")), Ok(keyed("c"))].into_iter();
        let error = store.enqueue(&mut broken, OnFinished::Keep, at(0)).unwrap_err();
        assert_eq!(error.to_string(), "line 2 is cut off");
        assert_eq!(store.claim(&ask(1, 9), at(0)).unwrap(), Claimed::Nothing);
        assert_eq!(add(store, vec![keyed("c")], 0)[0].id, TaskId(1));
    });
}

#[test]
fn while_inference_is_off_nothing_starts_and_what_runs_ends() {
    each(|store| {
        assert!(store.inference().unwrap().on);
        add(store, vec![new_task("a"), new_task("b")], 0);
        let running = take(store, &ask(1, 1), 1).remove(0);
        let (before, off) = store.set_inference(false, Timestamp(2)).unwrap();
        assert_eq!((before.on, before.since), (true, None));
        assert_eq!((off.on, off.since), (false, Some(Timestamp(2))));
        assert_eq!(store.set_inference(false, Timestamp(3)).unwrap(), (off, off), "it was off already");
        assert_eq!(store.claim(&ask(1, 1), at(4)).unwrap(), Claimed::Off);
        assert_eq!(store.renew(&[hold(&running)], at(5)).unwrap(), [Ok(())]);
        assert_eq!(store.finish(vec![(hold(&running), done("a"))], at(6)).unwrap(), [Ok(TaskState::Done)]);
        assert_eq!(add(store, vec![new_task("c")], 7)[0].how, Accepted::New);
        store.set_inference(true, Timestamp(8)).unwrap();
        assert_eq!(ids(&take(store, &ask(1, 9), 9)), [2, 3]);
    });
}

#[test]
fn priority_then_waiting_time_then_number_decide() {
    each(|store| {
        let with = |priority, not_before: Option<i64>| NewTask {
            priority,
            not_before: not_before.map(Timestamp),
            ..new_task("x")
        };
        add(store, vec![with(0, None), with(5, Some(100)), with(0, Some(50)), with(0, None), with(-1, None)], 10);
        assert!(store.any_due(None, Timestamp(10)).unwrap());
        assert_eq!(ids(&take(store, &ask(1, 1), 10)), [1]);
        assert_eq!(ids(&take(store, &ask(1, 9), 100)), [2, 4, 3, 5]);
        assert!(!store.any_due(None, Timestamp(i64::MAX)).unwrap());
    });
}

#[test]
fn a_claim_keeps_to_one_model_and_stays_with_the_loaded_one_until_others_have_waited_enough() {
    each(|store| {
        let wants = |n: u64| NewTask { wish: Wish::Model(model(n).0), ..new_task("x") };
        let any = || new_task("x");
        // 1 and 4 want A, 2 and 5 want B, 3 takes any.
        add(store, vec![wants(1), wants(2), any(), wants(1), wants(2)], 0);
        let with_b = |scope| ClaimAsk { loaded: Some(loaded(2, 0)), scope, ..ask(1, 1) };
        assert_eq!(ids(&take(store, &with_b(Scope::All), 1)), [2], "B is loaded, though A came first");
        assert_eq!(store.claim(&with_b(Scope::LoadedOnly), at(120_001)).unwrap(), Claimed::Yield, "A has waited");
        let many = ClaimAsk { limit: 9, ..with_b(Scope::All) };
        assert_eq!(ids(&take(store, &many, 120_001)), [1, 4], "all that wish as the first does");
        let since_now = ClaimAsk { loaded: Some(loaded(2, 120_002)), ..many };
        assert!(store.any_due(Some(&[Wish::Model(model(2).0)]), Timestamp(0)).unwrap());
        assert_eq!(ids(&take(store, &since_now, 120_003)), [3, 5]);
        assert!(!store.any_due(Some(&[Wish::Any]), Timestamp(0)).unwrap());
        let urgent = NewTask { priority: 9, ..wants(1) };
        add(store, vec![any(), urgent], 120_004);
        assert_eq!(ids(&take(store, &since_now, 120_005)), [7], "priority is a person's word");
    });
}

#[test]
fn tasks_that_nothing_here_can_answer_hold_nobody_up_and_keep_their_place() {
    each(|store| {
        let wants = |n: u64, fallback| NewTask { wish: Wish::Model(model(n).0), fallback, ..new_task("x") };
        add(store, vec![wants(1, false), wants(1, true), new_task("any"), wants(1, false)], 0);
        let skip = |but_fallback| vec![Skip { wish: Wish::Model(model(1).0), but_fallback }];
        let without = |but_fallback| ClaimAsk { skip: skip(but_fallback), ..ask(1, 9) };
        assert_eq!(ids(&take(store, &without(false), 1)), [3]);
        assert_eq!(ids(&take(store, &without(true), 2)), [2], "another model is there for it");
        assert_eq!(store.claim(&without(true), at(3)).unwrap(), Claimed::Nothing);
        let untouched = store.task(TaskId(1)).unwrap().unwrap().ticket;
        assert_eq!((untouched.state(), untouched.attempts, untouched.token), (TaskState::Queued, 0, 0));
        assert_eq!(ids(&take(store, &ask(1, 9), 4)), [1, 4]);
    });
}

#[test]
fn a_task_for_a_model_that_a_claimer_lacks_is_left_for_others_and_costs_it_nothing() {
    each(|store| {
        let wants = |n: u64, fallback| NewTask { wish: Wish::Model(model(n).0), fallback, ..new_task("x") };
        let large = NewTask { wish: Wish::Tier(crate::model::Tier::Powerful), priority: 9, ..new_task("x") };
        add(store, vec![wants(1, false), wants(2, false), large, new_task("any"), wants(1, true)], 0);
        let only = |wishes: Vec<Wish>| CanServe::Only(Arc::new(wishes.into_iter().collect()));
        let small = only(vec![Wish::Model(model(2).0), Wish::Any]);
        let second = ClaimAsk { can_serve: small.clone(), ..ask(2, 9) };
        assert_eq!(ids(&take(store, &second, 1)), [2], "whatever comes before it or is more urgent");
        assert_eq!(ids(&take(store, &second, 2)), [4]);
        assert_eq!(store.claim(&second, at(3)).unwrap(), Claimed::Nothing);
        // A model in memory that others ask for is no reason to yield to those whom this claimer cannot serve.
        let busy = ClaimAsk { loaded: Some(loaded(2, 0)), scope: Scope::LoadedOnly, ..second.clone() };
        add(store, vec![wants(2, false)], 4);
        assert_eq!(ids(&take(store, &busy, 130_000)), [6]);
        assert_eq!(store.exchange(vec![], &second, at(130_001)).unwrap().1, Claimed::Nothing);
        for id in [1, 3, 5] {
            let left = store.task(TaskId(id)).unwrap().unwrap().ticket;
            assert_eq!((left.state(), left.attempts, left.token), (TaskState::Queued, 0, 0));
        }
        assert_eq!(store.claim(&ClaimAsk { can_serve: only(vec![]), ..ask(3, 9) }, at(5)).unwrap(), Claimed::Nothing);
        // The executor that has them takes them, in their order.
        assert_eq!(ids(&take(store, &ask(1, 1), 130_002)), [3]);
        let first = ClaimAsk { can_serve: only(vec![Wish::Model(model(1).0)]), ..ask(1, 9) };
        assert_eq!(ids(&take(store, &first, 130_003)), [1, 5]);
    });
}

#[test]
fn tasks_for_two_models_by_turns_do_not_make_the_models_flutter() {
    each(|store| {
        let wants = |n: u64| NewTask { wish: Wish::Model(model(n).0), ..new_task("x") };
        add(store, (0..200).map(|i| wants(1 + i % 2)).collect(), 0);
        let (mut now, mut in_memory, mut switches) = (0, loaded(1, 0), 0);
        // One task a time, ten seconds each.
        for _ in 0..200 {
            let ask = ClaimAsk { loaded: Some(in_memory.clone()), ..ask(1, 1) };
            let task = take(store, &ask, now).remove(0);
            if !in_memory.serves.contains(&task.ticket.wish) {
                let n = if task.ticket.wish == Wish::Model(model(1).0) { 1 } else { 2 };
                in_memory = loaded(n, now);
                switches += 1;
            }
            now += 10_000;
            store.finish(vec![(hold(&task), done("x"))], at(now)).unwrap()[0].as_ref().unwrap();
        }
        assert!((2..=20).contains(&switches), "{switches} switches in 2000 s with a patience of 120 s");
    });
}

#[test]
fn cancelled_and_too_late_tasks_never_run() {
    each(|store| {
        let late = NewTask { deadline: Some(Timestamp(100)), ..new_task("late") };
        add(store, vec![new_task("a"), late.clone(), new_task("c"), late], 0);
        assert_eq!(store.cancel(&[TaskId(1), TaskId(9)], at(1)).unwrap()[0], Ok(TaskState::Queued));
        let running = take(store, &ask(1, 1), 2).remove(0);
        assert_eq!(running.ticket.id, TaskId(2));
        assert_eq!(ids(&take(store, &ask(1, 2), 100)), [3], "4 failed on the way");
        assert_eq!(state(store, 4), TaskState::Failed);
        assert_eq!(store.cancel(&[TaskId(2)], at(101)).unwrap(), [Ok(TaskState::Running)]);
        assert!(store.renew(&[hold(&running)], at(102)).unwrap()[0].is_err());
        let finished = Refusal::Finished { id: TaskId(1), state: TaskState::Cancelled };
        assert_eq!(store.cancel(&[TaskId(1)], at(103)).unwrap(), [Err(finished)]);
        assert_eq!(store.attempts(TaskId(2)).unwrap()[0].end, Some(AttemptEnd::Cancelled));
        assert_eq!(store.claim(&ask(1, 9), at(104)).unwrap(), Claimed::Nothing);
    });
}

#[test]
fn giving_back_is_free_and_keeps_the_place() {
    each(|store| {
        add(store, vec![new_task("a"), new_task("b")], 0);
        for now in 1..20 {
            let task = take(store, &ask(1, 1), now).remove(0);
            assert_eq!((task.ticket.id.0, task.ticket.attempts), (1, 1));
            store.finish(vec![(hold(&task), End::GivenBack)], at(now)).unwrap()[0].as_ref().unwrap();
        }
        assert_eq!(store.attempts(TaskId(1)).unwrap().len(), 19);
    });
}

#[test]
fn what_is_kept_is_bounded_by_age_and_by_size_and_only_the_finished_go() {
    each(|store| {
        add(store, (0..6).map(|i| new_task(&format!("{i}"))).collect(), 0);
        for now in [10, 20, 30, 40] {
            let task = take(store, &ask(1, 1), now).remove(0);
            store.finish(vec![(hold(&task), done(&"x".repeat(1000)))], at(now)).unwrap()[0].as_ref().unwrap();
        }
        take(store, &ask(1, 1), 50);
        let keep = |max_age_ms, max_bytes| Retention { max_age_ms, max_bytes };
        let all = keep(i64::MAX, u64::MAX);
        assert_eq!(store.retain(&all, at(50)).unwrap().tasks, 0);
        let old = store.retain(&keep(35, u64::MAX), at(50)).unwrap();
        assert_eq!((old.tasks, old.more), (1, false));
        assert_eq!(store.task(TaskId(1)).unwrap(), None);
        assert_eq!(store.retain(&keep(i64::MAX, 2000), at(50)).unwrap().tasks, 2);
        assert_eq!(store.attempts(TaskId(3)).unwrap(), []);
        assert_eq!(store.retain(&keep(-1, 0), at(i64::MAX)).unwrap().tasks, 1);
        assert_eq!([state(store, 5), state(store, 6)], [TaskState::Running, TaskState::Queued]);
        assert_eq!(add(store, vec![new_task("new")], 60)[0].id, TaskId(7), "numbers are never used twice");
    });
}

#[test]
fn a_clock_that_is_set_back_strands_nothing() {
    each(|store| {
        add(store, vec![new_task("a"), new_task("b")], 1_000_000_000);
        let dead = take(store, &ask(1, 1), 1_000_000_000).remove(0);
        let failing = take(store, &ask(2, 1), 1_000_000_000).remove(0);
        store.finish(vec![(hold(&failing), failed("x"))], at(1_000_000_000)).unwrap()[0].as_ref().unwrap();
        // The clock goes back to the beginning; nobody renews.
        assert_eq!(store.recover(&DeadOwners::default(), at(0)).unwrap(), Recovered::default());
        assert_eq!(store.recover(&DeadOwners::default(), at(60_000)).unwrap().requeued, [dead.ticket.id]);
        assert_eq!(ids(&take(store, &ask(3, 9), 990_000)), [2, 1]);
    });
}

#[test]
fn a_clock_that_jumps_ahead_between_claim_and_renewal_takes_nothing_from_who_lives_and_back_again_strands_nothing() {
    const YEAR: i64 = 365 * 86_400_000;
    each(|store| {
        add(store, vec![new_task("a"), new_task("b"), new_task("c")], 1000);
        let tasks = take(store, &ask(1, 3), 1000);
        let [a, b, c] = [hold(&tasks[0]), hold(&tasks[1]), hold(&tasks[2])];
        // Ahead by a year, before anybody looked: the holder's own renewal comes first, and holds.
        assert_eq!(store.renew(&[a], at(YEAR)).unwrap(), [Ok(())]);
        // The others look like a year without a word. Their answers are late, not recorded twice.
        let mut taken = store.recover(&DeadOwners::default(), at(YEAR)).unwrap().requeued;
        taken.sort();
        assert_eq!(taken, [b.id, c.id]);
        let again = take(store, &ask(2, 1), YEAR).remove(0);
        assert_eq!(again.ticket.id, b.id);
        assert!(store.finish(vec![(b, done("late"))], at(YEAR)).unwrap()[0].is_err());
        let error = store.finish(vec![(hold(&again), failed("x"))], at(YEAR)).unwrap();
        assert_eq!(error, [Ok(TaskState::Scheduled)]);
        // And back. The lease and the second attempt of a year ahead are drawn in to what the policy allows.
        assert_eq!(store.renew(&[a], at(2000)).unwrap(), [Ok(())]);
        assert_eq!(store.recover(&DeadOwners::default(), at(2000)).unwrap(), Recovered::default());
        assert_eq!(store.finish(vec![(a, done("a"))], at(3000)).unwrap(), [Ok(TaskState::Done)]);
        let soon = 3000 + at(0).policy.longest_backoff();
        let mut left = ids(&take(store, &ask(3, 9), soon));
        left.sort_unstable();
        assert_eq!(left, [2, 3]);
    });
}
