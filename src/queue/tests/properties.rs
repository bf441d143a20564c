//! Random lives of a queue with several workers, led through the reference and through SQLite side by side. Every
//! answer must be the same, and after every step the promises must hold, judged by an observer who shares no code
//! with either.

use super::reference::Reference;
use super::*;
use crate::model::task::machine::Refusal;
use crate::model::task::order::Claimed;
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone)]
enum Op {
    Enqueue(Vec<NewTask>, OnFinished),
    Claim {
        worker: u64,
        limit: usize,
        loaded: Option<u64>,
        only: bool,
        /// Pass over tasks for this model, or but those that may fall back.
        skip: Option<(u64, bool)>,
        /// Only this model and any, and no tier.
        has: Option<u64>,
    },
    Assign(Index),
    Renew(Index),
    Done(Index),
    Exchange(Index),
    Fail {
        which: Index,
        jitter: u64,
        for_good: bool,
    },
    GiveBack(Index),
    Swap {
        which: Index,
        crashed: bool,
    },
    /// With the first token that was ever given for it.
    Stale(Index),
    /// With the token of a claim that runs, by another owner.
    Foreign(Index),
    Crash {
        which: Index,
        jitter: u64,
    },
    Recover {
        dead: Option<u64>,
        left: Option<u64>,
    },
    Cancel(Index),
    Retry(Index),
    Toggle(bool),
    Retain,
    Jump(i64),
}

fn task() -> impl Strategy<Value = NewTask> {
    let key =
        prop_oneof![3 => Just((None, false)), 1 => Just((None, true)), 4 => (0..4u8).prop_map(|k| (Some(k), false))];
    let wish = prop_oneof![
        3 => Just(Wish::Any),
        2 => (1..3u64).prop_map(|n| Wish::Model(model(n).0)),
        1 => Just(Wish::Tier(crate::model::Tier::Fast))
    ];
    let soon = |most: i64| proptest::option::weighted(0.3, (0..most).prop_map(Timestamp));
    (key, -1..2i32, wish, soon(300_000), soon(900_000), 1..4u32, 0..3u8).prop_map(
        |((key, fallback), priority, wish, not_before, deadline, max_attempts, text)| NewTask {
            fallback,
            key: key.map(|k| format!("key-{k}")),
            priority,
            wish,
            not_before,
            deadline,
            max_attempts,
            ..new_task(&format!("{text}"))
        },
    )
}

fn op() -> impl Strategy<Value = Op> {
    let which = any::<Index>;
    let on_finished = prop_oneof![Just(OnFinished::Keep), Just(OnFinished::Replace)];
    prop_oneof![
        4 => (proptest::collection::vec(task(), 1..4), on_finished).prop_map(|(tasks, how)| Op::Enqueue(tasks, how)),
        8 => (0..3u64, 1..4usize, proptest::option::of(1..3u64), any::<bool>(),
              proptest::option::weighted(0.3, (1..3u64, any::<bool>())), proptest::option::weighted(0.4, 1..3u64))
            .prop_map(|(worker, limit, loaded, only, skip, has)| Op::Claim { worker, limit, loaded, only, skip, has }),
        1 => which().prop_map(Op::Assign),
        2 => which().prop_map(Op::Renew),
        3 => which().prop_map(Op::Done),
        2 => which().prop_map(Op::Exchange),
        3 => (which(), any::<u64>(), proptest::bool::weighted(0.1))
            .prop_map(|(which, jitter, for_good)| Op::Fail { which, jitter, for_good }),
        1 => which().prop_map(Op::GiveBack),
        2 => (which(), any::<bool>()).prop_map(|(which, crashed)| Op::Swap { which, crashed }),
        2 => (which(), any::<u64>()).prop_map(|(which, jitter)| Op::Crash { which, jitter }),
        2 => which().prop_map(Op::Stale),
        2 => which().prop_map(Op::Foreign),
        3 => (proptest::option::of(0..3u64), proptest::option::weighted(0.2, 0..3u64))
            .prop_map(|(dead, left)| Op::Recover { dead, left }),
        1 => which().prop_map(Op::Cancel),
        1 => which().prop_map(Op::Retry),
        1 => any::<bool>().prop_map(Op::Toggle),
        1 => Just(Op::Retain),
        4 => prop_oneof![4 => 0..30_000i64, 2 => 30_000..200_000i64, 1 => -400_000..0i64].prop_map(Op::Jump),
    ]
}

/// Asks both stores and compares.
macro_rules! both {
    ($pair:expr, $store:ident => $call:expr) => {{
        let of_reference = {
            let $store = &mut $pair.0;
            $call.unwrap()
        };
        let of_sqlite = {
            let $store = &mut $pair.1;
            $call.unwrap()
        };
        assert_eq!(of_sqlite, of_reference);
        of_reference
    }};
}

/// What an outsider has seen.
#[derive(Debug, Default)]
struct Observer {
    known: BTreeSet<TaskId>,
    tokens: BTreeMap<TaskId, u64>,
    first_token: BTreeMap<TaskId, u64>,
    /// Results by task and round.
    results: BTreeMap<(TaskId, u32), String>,
}

impl Observer {
    fn check(&mut self, pair: &(Reference, Db), removed: bool) {
        let mut keys = BTreeSet::new();
        for id in self.known.clone() {
            let sqlite = pair.1.task(id).unwrap();
            assert_eq!(sqlite, Queue::task(&pair.0, id).unwrap());
            assert_eq!(pair.1.attempts(id).unwrap(), Queue::attempts(&pair.0, id).unwrap());
            let Some(task) = sqlite else {
                assert!(removed, "task {id} has vanished");
                self.known.remove(&id);
                continue;
            };
            let ticket = &task.ticket;
            assert!(ticket.key.is_none() || keys.insert(ticket.key.clone()), "two tasks for one key");
            assert!(ticket.attempts <= ticket.max_attempts, "{ticket:?}");
            assert!(ticket.swaps <= 1 && ticket.crashes <= 3 && ticket.interruptions <= 11, "{ticket:?}");
            let token = self.tokens.entry(id).or_default();
            assert!(ticket.token >= *token, "a token went down");
            *token = ticket.token;
            assert_eq!(task.result.is_some(), ticket.state() == TaskState::Done);
            if let Some(result) = task.result {
                let first = self.results.entry((id, ticket.round)).or_insert_with(|| result.text.clone());
                assert_eq!(first, &result.text, "a result was written twice");
            }
            let open = pair.1.attempts(id).unwrap().iter().filter(|a| a.end.is_none()).count();
            assert_eq!(open, usize::from(ticket.state() == TaskState::Running));
            // Every counter is told by the attempts on record.
            let attempts = pair.1.attempts(id).unwrap();
            let count = |end| attempts.iter().filter(|a| a.round == ticket.round && a.end == Some(end)).count() as u32;
            assert_eq!(count(AttemptEnd::Crashed), ticket.crashes, "{ticket:?}");
            assert_eq!(count(AttemptEnd::Interrupted), ticket.interruptions, "{ticket:?}");
            assert!(count(AttemptEnd::Swapped) <= ticket.swaps, "{ticket:?}");
        }
    }
}

/// Everything that is only read.
fn compare_queries(pair: &mut (Reference, Db), now: Timestamp) {
    both!(pair, store => store.due_wishes(now).map(|wishes| wishes.into_iter().collect::<BTreeMap<_, _>>()));
    both!(pair, store => store.may_any_fall_back(&Wish::Model(model(1).0)));
    both!(pair, store => store.next_due());
    both!(pair, store => store.next_deadline());
    both!(pair, store => store.inference());
    both!(pair, store => store.by_key("", "key-1"));
    both!(pair, store => store.running());
    both!(pair, store => store.counts(Some("")));
    both!(pair, store => store.stats());
    let some = TaskFilter { states: vec![TaskState::Queued, TaskState::Failed], batch: None };
    both!(pair, store => store.newest(&some, Some(TaskId(9)), 3));
    both!(pair, store => store.tasks_after(&some, TaskId(2), 3));
    both!(pair, store => store.tickets_after(&TaskFilter::default(), TaskId(0), 100));
    let ended = both!(pair, store => store.finished_after((Timestamp(i64::MIN), TaskId(0)), 100));
    if let Some((first, at)) = ended.first().and_then(|first| Some((first, first.phase.finished()?))) {
        both!(pair, store => store.finished_after((at, first.id), 2));
    }
    if let Some(ticket) = both!(pair, store => store.newest(&TaskFilter::default(), None, 1)).first() {
        both!(pair, store => store.standing(ticket));
        both!(pair, store => store.ticket(ticket.id));
    }
}

fn live(ops: Vec<Op>) {
    let dir = tempfile::tempdir().unwrap();
    let mut pair = (Reference::default(), open(&dir.path().join("db")));
    let mut seen = Observer::default();
    let mut holds: Vec<Hold> = Vec::new();
    let (mut now, mut texts) = (1_000_000i64, 0);
    for op in ops {
        let at = at(now);
        let known: Vec<TaskId> = seen.known.iter().copied().collect();
        let pick = |which: &Index, holds: &[Hold]| (!holds.is_empty()).then(|| *which.get(holds));
        match &op {
            Op::Jump(by) => now += by,
            Op::Toggle(on) => {
                both!(pair, store => Queue::set_inference(store, *on, at.now));
            }
            Op::Enqueue(tasks, how) => {
                let given = both!(pair, store => store.enqueue(&mut tasks.iter().cloned().map(Ok), *how, at));
                seen.known.extend(given.iter().map(|e| e.id));
            }
            Op::Claim { worker, limit, loaded: with, only, skip, has } => {
                let on = pair.1.inference().unwrap().on;
                let scope = if *only { Scope::LoadedOnly } else { Scope::All };
                let loaded = with.map(|n| loaded(n, now - 60_000));
                let named = |(n, but_fallback): (u64, bool)| Skip { wish: Wish::Model(model(n).0), but_fallback };
                let skip = skip.map(named).into_iter().collect();
                let has = has.map(|n| BTreeSet::from([Wish::Model(model(n).0), Wish::Any]));
                let can_serve = has.clone().map_or(CanServe::Anything, |has| CanServe::Only(Arc::new(has)));
                let ask = ClaimAsk { loaded, scope, can_serve, skip, ..ask(*worker, *limit) };
                if let Claimed::Tasks(tasks) = both!(pair, store => store.claim(&ask, at)) {
                    assert!(on, "off means off");
                    assert!(tasks.len() <= *limit && !tasks.is_empty());
                    for task in tasks {
                        assert!(task.ticket.token > seen.tokens[&task.ticket.id], "a claim raises the token");
                        assert!(has.as_ref().is_none_or(|has| has.contains(&task.ticket.wish)), "it cannot serve that");
                        seen.first_token.entry(task.ticket.id).or_insert(task.ticket.token);
                        holds.push((&task.ticket).into());
                    }
                }
            }
            Op::Assign(which) => {
                if let Some(hold) = pick(which, &holds) {
                    both!(pair, store => store.assign(&[hold], &model(3), at));
                }
            }
            Op::Renew(which) => {
                if let Some(hold) = pick(which, &holds) {
                    both!(pair, store => store.renew(&[hold, hold], at));
                }
            }
            Op::Done(which) => {
                if let Some(hold) = pick(which, &holds) {
                    texts += 1;
                    both!(pair, store => store.finish(vec![(hold, done(&texts.to_string()))], at));
                }
            }
            Op::Exchange(which) => {
                if let Some(hold) = pick(which, &holds) {
                    texts += 1;
                    let end = || vec![(hold, done(&texts.to_string())), (hold, done("twice"))];
                    let (ends, next) = both!(pair, store => store.exchange(end(), &ask(1, 2), at));
                    assert!(ends[1].is_err(), "one commit is no way to write twice");
                    if let Claimed::Tasks(tasks) = next {
                        for task in tasks {
                            seen.first_token.entry(task.ticket.id).or_insert(task.ticket.token);
                            holds.push((&task.ticket).into());
                        }
                    }
                }
            }
            Op::Fail { which, jitter, for_good } => {
                if let Some(hold) = pick(which, &holds) {
                    let error = TaskError::new(ErrorKind::Timeout, "x");
                    let jitter = Jitter::from_random(*jitter);
                    let end = if *for_good { End::FailedForGood(error) } else { End::Failed { error, jitter } };
                    both!(pair, store => store.finish(vec![(hold, end.clone())], at));
                }
            }
            Op::GiveBack(which) => {
                if let Some(hold) = pick(which, &holds) {
                    both!(pair, store => store.finish(vec![(hold, End::GivenBack)], at));
                }
            }
            Op::Crash { which, jitter } => {
                if let Some(hold) = pick(which, &holds) {
                    let (error, jitter) = (TaskError::new(ErrorKind::KilledWorker, "x"), Jitter::from_random(*jitter));
                    both!(pair, store => store.finish(vec![(hold, End::Crashed { error: error.clone(), jitter })], at));
                }
            }
            Op::Swap { which, crashed } => {
                if let Some(hold) = pick(which, &holds) {
                    let kind = if *crashed { ErrorKind::KilledWorker } else { ErrorKind::Model };
                    let why = TaskError::new(kind, "y");
                    if let Ok(hold) = both!(pair, store => store.swap(hold, &model(9), &why, at)) {
                        holds.push(hold);
                    }
                }
            }
            Op::Stale(which) => {
                let old: Vec<Hold> = seen
                    .first_token
                    .iter()
                    .filter(|(id, token)| seen.tokens.get(id).is_some_and(|now| now > token))
                    .map(|(id, token)| Hold { id: *id, token: *token, nonce: owner(0).nonce() })
                    .collect();
                if let Some(hold) = pick(which, &old) {
                    let answers = both!(pair, store => store.finish(vec![(hold, done("stale"))], at));
                    assert!(matches!(answers[0], Err(Refusal::Stale { .. } | Refusal::Unknown(_))), "{answers:?}");
                }
            }
            Op::Foreign(which) => {
                if let Some(hold) = pick(which, &holds) {
                    let hold = Hold { nonce: owner(7).nonce(), ..hold };
                    let answers = both!(pair, store => store.finish(vec![(hold, done("foreign"))], at));
                    assert!(matches!(answers[0], Err(Refusal::Stale { .. } | Refusal::Unknown(_))), "{answers:?}");
                    both!(pair, store => store.renew(&[hold], at));
                }
            }
            Op::Recover { dead, left } => {
                let all = |of: &Option<u64>| of.iter().map(|n| owner(*n)).collect();
                let gone = DeadOwners { crashed: all(dead), unreleased: all(left) };
                both!(pair, store => {
                    let mut found = store.recover(&gone, at);
                    if let Ok(found) = &mut found {
                        found.failed.sort();
                    }
                    found
                });
                both!(pair, store => store.owners().map(|o| o.into_iter().collect::<BTreeSet<_>>()));
            }
            Op::Cancel(which) if !known.is_empty() => {
                both!(pair, store => store.cancel(&[*which.get(&known)], at));
            }
            Op::Retry(which) if !known.is_empty() => {
                both!(pair, store => store.retry(&[*which.get(&known)], at));
            }
            Op::Cancel(_) | Op::Retry(_) => {}
            Op::Retain => {
                let keep = Retention { max_age_ms: 500_000, max_bytes: 400 };
                both!(pair, store => store.retain(&keep, at));
            }
        }
        both!(pair, store => store.any_due(None, Timestamp(now)));
        both!(pair, store => store.any_due(Some(&[Wish::Any]), Timestamp(now)));
        compare_queries(&mut pair, Timestamp(now));
        seen.check(&pair, matches!(op, Op::Retain));
    }
    // In the end everything can be brought to an end: nothing is stuck.
    pair.1.set_inference(true, Timestamp(now)).unwrap();
    for _ in 0..200 {
        now += 1_000_000;
        pair.1.recover(&DeadOwners::default(), at(now)).unwrap();
        match pair.1.claim(&ask(9, 100), at(now)).unwrap() {
            Claimed::Tasks(tasks) => {
                let ends = tasks.iter().map(|t| (Hold::from(&t.ticket), done("end"))).collect();
                assert!(pair.1.finish(ends, at(now)).unwrap().iter().all(Result::is_ok));
            }
            // What was just interrupted too often waits before it is due again.
            Claimed::Nothing => {}
            other => panic!("{other:?}"),
        }
        if pair.1.counts(None).unwrap().keys().all(|state| state.is_finished()) {
            break;
        }
    }
    for id in seen.known {
        let state = pair.1.ticket(id).unwrap().unwrap().state();
        assert!(state.is_finished(), "task {id} is stuck in {state}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_workers_people_and_clocks_do_the_promises_hold(ops in proptest::collection::vec(op(), 1..70)) {
        live(ops);
    }
}
