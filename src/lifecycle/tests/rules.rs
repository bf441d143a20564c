//! The rules one by one, and the deadlocks that other managers had.

use super::super::{Class, EndClass, Event, Phase, Report, Unload};
use super::world::{Outcome, World, key, profile};
use std::time::Duration;

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Two models that do not fit together.
fn two() -> World {
    World::new(1, 60)
}

fn ask(world: &mut World, waiter: u64, model: u64, class: Class) {
    world.ask(waiter, key(model), class, profile(model, 40));
}

#[test]
fn two_first_requests_load_a_model_once() {
    let mut world = two();
    ask(&mut world, 1, 1, Class::Normal);
    ask(&mut world, 2, 1, Class::Normal);
    world.run_until(seconds(30));
    assert_eq!(world.launches.len(), 1);
    assert_eq!((world.outcome(1), world.outcome(2)), (Outcome::Done, Outcome::Done));
}

#[test]
fn a_queued_model_does_not_evict_one_whose_first_request_is_not_served_yet() {
    let mut world = two();
    ask(&mut world, 1, 1, Class::Batch);
    world.run_until(seconds(1));
    ask(&mut world, 2, 2, Class::Interactive);
    world.run_until(seconds(60));
    assert_eq!((world.outcome(1), world.outcome(2)), (Outcome::Done, Outcome::Done));
    assert_eq!(world.launches.iter().map(|(_, key)| key.clone()).collect::<Vec<_>>(), [key(1), key(2)]);
}

#[test]
fn a_stop_that_races_a_request_leaves_no_server_that_is_never_started_again() {
    let mut world = two();
    ask(&mut world, 1, 1, Class::Normal);
    world.run_until(seconds(30));
    world.stop(2, key(1), false);
    ask(&mut world, 3, 1, Class::Normal);
    world.run_until(seconds(90));
    assert_eq!((world.outcome(2), world.outcome(3)), (Outcome::Done, Outcome::Done));
}

#[test]
fn a_load_does_not_hold_up_requests_for_a_loaded_model() {
    let mut world = World::new(3, 100);
    ask(&mut world, 1, 1, Class::Normal);
    world.run_until(seconds(30));
    ask(&mut world, 2, 2, Class::Normal);
    ask(&mut world, 3, 1, Class::Normal);
    assert_eq!(world.outcome(3), Outcome::Runs);
}

#[test]
fn who_waits_for_a_server_that_ends_before_it_is_ready_is_told_at_once() {
    let mut world = two();
    world.fails_at_start.insert(key(1));
    ask(&mut world, 1, 1, Class::Normal);
    world.run_until(seconds(1));
    assert_eq!(world.outcome(1), Outcome::Denied);
}

#[test]
fn a_client_that_asks_again_and_again_starts_a_broken_model_at_most_four_times_in_twenty_seconds_and_then_never() {
    let mut world = two();
    world.fails_at_start.insert(key(1));
    for n in 0..200 {
        ask(&mut world, n, 1, Class::Normal);
        let until = world.now + Duration::from_millis(100);
        world.run_until(until);
    }
    assert!(world.launches.len() <= 4, "{:?}", world.launches);
    for n in 200..2_000 {
        ask(&mut world, n, 1, Class::Normal);
        let until = world.now + seconds(1);
        world.run_until(until);
    }
    assert_eq!(world.launches.len(), 4, "the first start and three more");
    assert!(world.reports.iter().any(|report| matches!(report, Report::RestartExhausted { count: 4, .. })));
    // A person tries at once.
    world.fails_at_start.clear();
    world.start(9_000, key(1), true, profile(1, 40));
    let until = world.now + seconds(30);
    world.run_until(until);
    assert_eq!(world.outcome(9_000), Outcome::Done);
}

#[test]
fn a_bad_file_is_not_tried_again_until_it_changes() {
    let mut world = two();
    ask(&mut world, 1, 1, Class::Normal);
    while world.launches.is_empty() {
        world.advance(seconds(10));
    }
    world.die(&key(1), EndClass::Refused);
    world.run_until(seconds(5));
    assert_eq!(world.outcome(1), Outcome::Denied);
    let is_reported = |report: &Report| matches!(report, Report::Crash { will_restart: false, .. });
    assert_eq!(world.reports.iter().filter(|report| is_reported(report)).count(), 1);
    ask(&mut world, 2, 1, Class::Normal);
    assert_eq!(world.outcome(2), Outcome::Denied);
    let mut other = profile(1, 40);
    other.files = 7;
    world.ask(3, key(1), Class::Normal, other);
    world.run_until(seconds(60));
    assert_eq!((world.outcome(3), world.launches.len()), (Outcome::Done, 2));
}

#[test]
fn a_grant_to_a_client_that_has_left_does_not_keep_its_model_for_ever() {
    let mut world = two();
    world.answer = (600_000, 600_001);
    ask(&mut world, 1, 1, Class::Normal);
    world.run_until(seconds(20));
    assert_eq!(world.outcome(1), Outcome::Runs);
    world.leave(1);
    ask(&mut world, 2, 2, Class::Normal);
    world.run_until(seconds(60));
    assert_eq!(world.outcome(2), Outcome::Runs);
}

#[test]
fn nothing_cuts_a_running_answer_and_a_model_that_waits_is_served_after_it() {
    let mut world = two();
    world.answer = (100_000, 100_001);
    ask(&mut world, 1, 1, Class::Batch);
    world.run_until(seconds(20));
    world.answer = (100, 200);
    ask(&mut world, 2, 2, Class::Interactive);
    world.run_until(seconds(90));
    assert_eq!((world.outcome(1), world.outcome(2)), (Outcome::Runs, Outcome::Waits));
    world.run_until(seconds(200));
    assert_eq!((world.outcome(1), world.outcome(2)), (Outcome::Done, Outcome::Done));
}

/// ABCABC would be five swaps.
#[test]
fn requests_of_one_model_are_gathered_before_the_next_swap() {
    let mut world = two();
    (0..12).for_each(|n| ask(&mut world, n, 1 + n % 2, Class::Normal));
    world.run_until(seconds(300));
    assert!((0..12).all(|n| world.outcome(n) == Outcome::Done), "{:?}", world.outcomes);
    assert!(world.launches.len() <= 3, "{:?}", world.launches);
}

/// With answers that overlap, one model was never without work, and got new requests at each try of the other one.
#[test]
fn answers_that_overlap_for_ever_do_not_starve_another_model() {
    for slots in [1, 2, 4] {
        let mut world = two();
        (world.slots, world.answer) = (slots, (7_000, 9_000));
        let mut waiter = 100;
        ask(&mut world, 1, 1, Class::Interactive);
        ask(&mut world, 2, 2, Class::Normal);
        while world.outcome(2) != Outcome::Done && world.now < seconds(300) {
            waiter += 1;
            ask(&mut world, waiter, 1, Class::Interactive);
            world.run_until(world.now + Duration::from_millis(8_100 / u64::from(slots)));
        }
        // The wait, the answers that run, and a load.
        assert!(world.now < seconds(30 + 9 + 8 + 9 + 9), "{slots} slots: {:?}", world.now);
    }
}

#[test]
fn a_steady_stream_for_one_model_does_not_starve_another() {
    let mut world = two();
    world.slots = 1;
    let mut waiter = 100;
    for _ in 0..400 {
        waiter += 1;
        ask(&mut world, waiter, 1, Class::Normal);
        if waiter == 110 {
            ask(&mut world, 1, 2, Class::Normal);
        }
        let until = world.now + Duration::from_millis(500);
        world.run_until(until);
        if world.outcome(101) == Outcome::Done && world.outcomes.get(&1) == Some(&Outcome::Done) {
            break;
        }
    }
    assert_eq!(world.outcome(1), Outcome::Done);
    assert!(world.longest_wait < seconds(120), "{:?}", world.longest_wait);
}

#[test]
fn a_pinned_model_stays_and_what_needs_its_memory_is_refused_at_once() {
    let mut world = two();
    let mut pinned = profile(1, 40);
    pinned.pinned = true;
    world.pinned.insert(key(1));
    world.start(1, key(1), true, pinned);
    world.run_until(seconds(20));
    ask(&mut world, 2, 2, Class::Interactive);
    world.run_until(seconds(21));
    assert_eq!(world.outcome(2), Outcome::Denied);
}

#[test]
fn what_can_never_fit_is_refused_at_once_and_what_another_program_gives_back_soon_is_waited_for() {
    let mut world = two();
    world.ask(1, key(3), Class::Normal, profile(3, 61));
    world.run_until(seconds(1));
    assert_eq!(world.outcome(1), Outcome::Denied);
    (world.others, world.others_end_soon) = (30, true);
    ask(&mut world, 2, 1, Class::Normal);
    world.run_until(seconds(5));
    assert_eq!(world.outcome(2), Outcome::Waits);
    world.others = 0;
    world.run_until(seconds(30));
    assert_eq!(world.outcome(2), Outcome::Done);
}

#[test]
fn starting_all_evicts_nothing() {
    let mut world = two();
    world.start(1, key(1), false, profile(1, 40));
    world.start(2, key(2), false, profile(2, 40));
    world.run_until(seconds(60));
    assert_eq!((world.outcome(1), world.outcome(2)), (Outcome::Done, Outcome::Denied));
    assert_eq!(world.launches.len(), 1);
}

#[test]
fn a_load_that_nobody_waits_for_gives_way() {
    let mut world = two();
    ask(&mut world, 1, 1, Class::Normal);
    while world.launches.is_empty() {
        world.advance(seconds(10));
    }
    world.leave(1);
    let asked = world.now;
    ask(&mut world, 2, 2, Class::Normal);
    world.run_until(asked + seconds(40));
    assert_eq!(world.outcome(2), Outcome::Done);
    assert!(
        world.reports.iter().any(|report| matches!(report, Report::Swapped { evicted, .. } if *evicted == [key(1)]))
    );
}

#[test]
fn the_queue_is_bounded() {
    let mut world = two();
    world.answer = (900_000, 900_001);
    (0..520).for_each(|n| ask(&mut world, n, 1, Class::Normal));
    let denied = (0..520).filter(|n| world.outcome(*n) == Outcome::Denied).count();
    assert_eq!(denied, 520 - 512);
}

/// A client would lose its answer, or its place, because another one sent a longer prompt.
#[test]
fn a_server_that_is_loaded_again_with_other_settings_cuts_no_answer_and_refuses_nobody() {
    let mut world = two();
    world.answer = (60_000, 60_001);
    ask(&mut world, 1, 1, Class::Normal);
    world.run_until(seconds(20));
    world.happens(Event::Reload { key: key(1) });
    ask(&mut world, 2, 1, Class::Normal);
    world.run_until(seconds(50));
    assert_eq!((world.outcome(1), world.outcome(2), world.launches.len()), (Outcome::Runs, Outcome::Waits, 1));
    world.run_until(seconds(200));
    assert_eq!((world.outcome(1), world.outcome(2), world.launches.len()), (Outcome::Done, Outcome::Done, 2));
    assert!(world.reports.iter().any(|report| matches!(report, Report::Unloaded { why: Unload::Reload, .. })));
    world.happens(Event::Reload { key: key(2) });
    world.run_until(seconds(260));
    assert_eq!(world.launches.len(), 2, "nothing is loaded for it alone");
}

/// A task would be blamed for a crash that the request of somebody else has caused.
#[test]
fn a_request_is_alone_on_its_server_only_when_no_other_ran_or_has_just_left() {
    let alone = |others: u64, leave_after: Option<u64>| {
        let mut world = two();
        world.answer = (900_000, 900_001);
        (0..=others).for_each(|n| ask(&mut world, n, 1, Class::Normal));
        world.run_until(seconds(20));
        if let Some(after) = leave_after {
            (1..=others).for_each(|n| world.leave(n));
            world.run_until(seconds(20 + after));
        }
        world.wedge(&key(1));
        world.losses
    };
    assert_eq!(alone(0, None), [true]);
    assert_eq!(alone(1, None), [false]);
    assert_eq!(alone(1, Some(1)), [false], "its connection may have broken first");
    assert_eq!(alone(1, Some(10)), [true]);
}

#[test]
fn a_wedged_server_is_replaced_and_its_clients_are_told() {
    let mut world = two();
    world.answer = (900_000, 900_001);
    ask(&mut world, 1, 1, Class::Normal);
    world.run_until(seconds(20));
    world.wedge(&key(1));
    assert_eq!(world.outcome(1), Outcome::Lost);
    world.answer = (10, 20);
    world.run_until(seconds(21));
    let phase = world.state.views().remove(0).phase;
    assert!(matches!(phase, Phase::Backoff { .. }), "{phase:?}");
    world.happens(Event::Acquire {
        waiter: 2,
        key: key(1),
        class: Class::Normal,
        is_retry: true,
        profile: profile(1, 40),
    });
    world.outcomes.insert(2, Outcome::Waits);
    world.run_until(seconds(40));
    assert_eq!(world.outcome(2), Outcome::Done, "the retry of a lost request does not wait for the backoff");
}

#[test]
fn a_pinned_server_that_crashed_is_started_again_by_itself_and_another_one_by_the_next_request() {
    let mut world = World::new(7, 200);
    for n in [1, 2] {
        let mut of = profile(n, 40);
        of.pinned = n == 1;
        world.start(n, key(n), true, of);
    }
    world.pinned.insert(key(1));
    world.run_until(seconds(20));
    world.die(&key(1), EndClass::Crash);
    world.die(&key(2), EndClass::Crash);
    world.run_until(seconds(60));
    let launched = |world: &World, n| world.launches.iter().filter(|(_, launched)| *launched == key(n)).count();
    assert_eq!((launched(&world, 1), launched(&world, 2)), (2, 1));
    ask(&mut world, 9, 2, Class::Normal);
    world.run_until(seconds(90));
    assert_eq!((world.outcome(9), launched(&world, 2)), (Outcome::Done, 2));
}
