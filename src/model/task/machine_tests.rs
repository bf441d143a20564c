use super::super::{Endpoint, Policy, TaskRequest, Wish};
use super::*;
use crate::clock::Timestamp;

fn at(now: i64) -> Moment {
    Moment { now: Timestamp(now), policy: Policy::default() }
}

fn new_task() -> NewTask {
    NewTask::new(TaskRequest { endpoint: Endpoint::Chat, body: "{}".into() })
}

fn owner() -> OwnerId {
    OwnerId::new(1, 2, 3)
}

fn queued() -> Ticket {
    enqueue(TaskId(7), &new_task(), at(1000))
}

fn running() -> Ticket {
    claim(&queued(), &owner(), at(2000)).unwrap().ticket
}

fn hold(ticket: &Ticket) -> Hold {
    ticket.into()
}

fn result() -> TaskResult {
    TaskResult {
        text: "yes".into(),
        finish_reason: "stop".into(),
        prompt_tokens: 3,
        completion_tokens: 1,
        prompt_ms: 5,
        generate_ms: 6,
        model: ModelId("aaaaaaaaaaaa".into()),
        model_name: "smol".into(),
    }
}

fn error() -> TaskError {
    TaskError::new(ErrorKind::Model, "empty answer")
}

fn fail(ticket: &Ticket, now: i64) -> Ticket {
    finish(ticket, hold(ticket), End::Failed { error: error(), jitter: Jitter::default() }, at(now)).unwrap().ticket
}

#[test]
fn a_late_answer_never_overwrites_what_came_after() {
    let first = running();
    let crashed = on_time_passed(&first, Owner::Crashed, at(2001)).unwrap().ticket;
    let second = claim(&crashed, &owner(), at(2002)).unwrap().ticket;
    assert!(second.token > first.token);
    for ticket in [&crashed, &second] {
        let late = finish(ticket, hold(&first), End::Done(result()), at(2003));
        assert!(matches!(late, Err(Refusal::Stale { .. })), "{late:?}");
        assert!(renew(ticket, hold(&first), at(2003)).is_err());
        assert!(swap(ticket, hold(&first), &result().model, &error(), at(2003)).is_err());
    }
    let done = finish(&second, hold(&second), End::Done(result()), at(2004)).unwrap().ticket;
    assert!(finish(&done, hold(&second), End::Done(result()), at(2005)).is_err(), "recorded once");
    assert!(on_time_passed(&done, Owner::Crashed, at(i64::MAX)).is_none(), "recovery leaves the finished alone");
}

#[test]
fn attempts_are_waited_for_and_end() {
    let mut ticket = running();
    let mut now = 2000;
    for attempt in 1..=2 {
        ticket = fail(&ticket, now);
        let Phase::Scheduled { until } = ticket.phase else { panic!("{ticket:?}") };
        assert_eq!((ticket.attempts, until.0 - now), (attempt, 10_000 << (attempt - 1)));
        assert!(on_time_passed(&ticket, Owner::MayLive, at(until.0 - 1)).is_none());
        now = until.0;
        let due = on_time_passed(&ticket, Owner::MayLive, at(now)).unwrap().ticket;
        ticket = claim(&due, &owner(), at(now)).unwrap().ticket;
    }
    ticket = fail(&ticket, now);
    assert_eq!((ticket.state(), ticket.attempts, ticket.error.clone()), (TaskState::Failed, 3, Some(error())));
    let again = retry(&ticket, at(now)).unwrap().ticket;
    assert_eq!((again.state(), again.attempts, again.round, again.token), (TaskState::Queued, 0, 1, 3));
}

fn crash(ticket: &Ticket, now: i64) -> Ticket {
    let error = TaskError::new(ErrorKind::KilledWorker, "smol: SIGSEGV");
    finish(ticket, hold(ticket), End::Crashed { error, jitter: Jitter::default() }, at(now)).unwrap().ticket
}

#[test]
fn a_task_that_kills_its_workers_is_put_away() {
    let once = crash(&running(), 3000);
    assert_eq!((once.attempts, once.crashes), (0, 1));
    assert_eq!(once.phase, Phase::Scheduled { until: Timestamp(13_000) }, "what ate the memory may be gone by then");
    assert_eq!(retry(&once, at(3001)).unwrap().ticket.crashes, 1, "made due by a person");
    let claimed = |ticket: &Ticket, now| {
        claim(&on_time_passed(ticket, Owner::MayLive, at(now)).unwrap().ticket, &owner(), at(now)).unwrap().ticket
    };
    // An operator who kills a worker twice loses nothing that happened to be running.
    let twice = crash(&claimed(&once, 13_000), 13_001);
    assert_eq!((twice.state(), twice.attempts, twice.crashes), (TaskState::Scheduled, 0, 2));
    let third = claimed(&twice, 60_000);
    let why = TaskError::new(ErrorKind::KilledWorker, "x");
    let too_often = swap(&third, hold(&third), &result().model, &why, at(60_000));
    assert_eq!(too_often, Err(Refusal::Crashed(TaskId(7))), "no further worker is risked");
    let dead = crash(&third, 60_001);
    assert_eq!((dead.state(), dead.crashes), (TaskState::Failed, 3));
    assert_eq!(dead.error.unwrap().message, "killed its worker, 3 times: smol: SIGSEGV");
}

#[test]
fn a_crash_that_leads_to_a_second_model_is_counted_in_the_same_step() {
    let first = running();
    let why = TaskError::new(ErrorKind::KilledWorker, "smol: SIGSEGV");
    let change = swap(&first, hold(&first), &result().model, &why, at(3000)).unwrap();
    assert_eq!(change.ends_attempt.unwrap().0, AttemptEnd::Crashed);
    assert_eq!((change.ticket.crashes, change.ticket.swaps, change.ticket.attempts), (1, 1, 1));
}

#[test]
fn reboots_are_no_crashes_and_have_an_end_all_the_same() {
    let mut ticket = queued();
    let mut now = 2000;
    for death in 1..=11 {
        ticket = claim(&ticket, &owner(), at(now)).unwrap().ticket;
        let change = on_time_passed(&ticket, Owner::Crashed, at(now + 1)).unwrap();
        assert_eq!(change.ends_attempt.as_ref().unwrap().0, AttemptEnd::Interrupted);
        ticket = change.ticket;
        assert_eq!((ticket.attempts, ticket.crashes, ticket.interruptions), (0, 0, death));
        match ticket.phase {
            Phase::Queued => assert!(death <= 2),
            Phase::Scheduled { until } => {
                assert_eq!(until.0 - now - 1, (10_000 << (death - 3)).min(900_000));
                now = until.0;
                ticket = on_time_passed(&ticket, Owner::MayLive, at(now)).unwrap().ticket;
            }
            _ => assert_eq!((ticket.state(), death), (TaskState::Failed, 11)),
        }
    }
    let silent = on_time_passed(&running(), Owner::MayLive, at(62_000)).unwrap().ticket;
    assert_eq!(silent.interruptions, 1, "a lease that ran out is no more than that");
    let left = on_time_passed(&running(), Owner::Unreleased, at(2001)).unwrap();
    assert_eq!(
        (left.ticket, left.ends_attempt),
        (Ticket { token: 1, ..queued() }, Some((AttemptEnd::GivenBack, None)))
    );
}

#[test]
fn giving_back_costs_nothing_and_keeps_the_place() {
    let back = finish(&running(), hold(&running()), End::GivenBack, at(9000)).unwrap().ticket;
    let expected = Ticket { token: 1, ..queued() };
    assert_eq!(back, expected);
}

#[test]
fn a_second_model_is_tried_once_and_a_crash_does_not_forget_it() {
    let first = running();
    let change = swap(&first, hold(&first), &result().model, &error(), at(3000)).unwrap();
    assert!(change.starts_attempt && change.ends_attempt.is_some());
    let second = change.ticket;
    assert!(finish(&second, hold(&first), End::Done(result()), at(3001)).is_err(), "the first model comes too late");
    assert_eq!(swap(&second, hold(&second), &result().model, &error(), at(3001)), Err(Refusal::SwapUsed(TaskId(7))));
    let crashed = on_time_passed(&second, Owner::Crashed, at(3002)).unwrap().ticket;
    let third = claim(&crashed, &owner(), at(3003)).unwrap().ticket;
    assert!(swap(&third, hold(&third), &result().model, &error(), at(3004)).is_err());
}

#[test]
fn a_clock_that_is_set_back_strands_nothing() {
    let running = claim(&queued(), &owner(), at(1_000_000_000)).unwrap().ticket;
    let drawn_in = on_time_passed(&running, Owner::MayLive, at(0)).unwrap().ticket;
    assert_eq!(drawn_in.lease().unwrap().until, Timestamp(60_000));
    assert_eq!(drawn_in.interruptions, 0);
    let waiting = fail(&running, 1_000_000_000);
    let drawn_in = on_time_passed(&waiting, Owner::MayLive, at(0)).unwrap().ticket;
    assert_eq!(drawn_in.phase, Phase::Scheduled { until: Timestamp(990_000) });
    assert!(on_time_passed(&drawn_in, Owner::MayLive, at(0)).is_none());
    let asked_for = NewTask { not_before: Some(Timestamp(1_000_000_000)), ..new_task() };
    assert!(on_time_passed(&enqueue(TaskId(1), &asked_for, at(0)), Owner::MayLive, at(0)).is_none());
}

#[test]
fn a_deadline_ends_what_waits_and_not_what_runs() {
    let with = |deadline| NewTask { deadline: Some(Timestamp(deadline)), ..new_task() };
    let ticket = enqueue(TaskId(1), &with(5000), at(0));
    assert_eq!(
        on_time_passed(&ticket, Owner::MayLive, at(5000)).unwrap().ticket.error.unwrap().kind,
        ErrorKind::Expired
    );
    assert_eq!(claim(&ticket, &owner(), at(5000)).unwrap().ticket.state(), TaskState::Failed);
    let running = claim(&ticket, &owner(), at(4000)).unwrap().ticket;
    assert!(on_time_passed(&running, Owner::MayLive, at(6000)).is_none());
    assert_eq!(fail(&running, 4500).state(), TaskState::Failed, "the next attempt would come too late");
    let expired = on_time_passed(&ticket, Owner::MayLive, at(5000)).unwrap().ticket;
    assert_eq!(retry(&expired, at(6000)).unwrap().ticket.deadline, None);
}

#[test]
fn cancelling_a_running_task_shuts_its_worker_out() {
    let running = running();
    let cancelled = cancel(&running, at(2500)).unwrap();
    assert_eq!(cancelled.ends_attempt.as_ref().unwrap().0, AttemptEnd::Cancelled);
    let late = finish(&cancelled.ticket, hold(&running), End::Done(result()), at(2600)).unwrap_err();
    assert_eq!(late, Refusal::Stale { id: TaskId(7), state: TaskState::Cancelled });
    assert!(cancel(&cancelled.ticket, at(2700)).is_err());
    assert!(retry(&running, at(2700)).is_err());
}

#[test]
fn what_waits_after_an_error_can_be_made_due_and_what_is_asked_for_later_cannot() {
    let waiting = fail(&running(), 2000);
    assert_eq!(retry(&waiting, at(2001)).unwrap().ticket.attempts, 1);
    let later = NewTask { not_before: Some(Timestamp(9000)), ..new_task() };
    assert!(retry(&enqueue(TaskId(1), &later, at(0)), at(1)).is_err());
    assert_eq!(queued().wish, Wish::Any);
}
