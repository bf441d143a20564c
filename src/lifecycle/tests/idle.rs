//! How long a server stays that has nothing to do.

use super::super::{Class, Phase, Report, Unload};
use super::world::{Outcome, World, key, profile};
use std::time::Duration;

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A world with a model that was loaded by a request, which is answered.
fn loaded() -> World {
    let mut world = World::new(5, 100);
    world.answer = (100, 101);
    world.ask(1, key(1), Class::Normal, profile(1, 40));
    while world.outcome(1) != Outcome::Done {
        world.advance(seconds(60));
    }
    world
}

fn phase(world: &World) -> Phase {
    world.state.views().remove(0).phase
}

fn is_unloaded(world: &World) -> bool {
    world.reports.iter().any(|report| matches!(report, Report::Unloaded { why: Unload::Idle, .. }))
}

#[test]
fn without_a_wish_a_model_stays_and_with_one_it_goes_that_long_after_its_last_request() {
    let mut world = loaded();
    let until = world.now + seconds(100_000);
    world.run_until(until);
    assert_eq!(phase(&world), Phase::Ready);
    world.keep(&key(1), seconds(200_000));
    world.ask(2, key(1), Class::Normal, profile(1, 40));
    let used = world.now;
    world.keep(&key(1), seconds(60));
    world.run_until(used + seconds(60));
    assert_eq!(phase(&world), Phase::Ready, "a second wish replaces the first, and counts from the last answer");
    assert_eq!(world.state.views()[0].expires, Some(used + Duration::from_millis(100) + seconds(60)));
    world.run_until(used + seconds(80));
    assert!(is_unloaded(&world) && phase(&world) == Phase::Stopped);
    assert!(world.ledger.is_empty(), "its memory is free");
}

#[test]
fn a_wish_for_nothing_waits_for_running_answers_and_for_those_who_wait() {
    let mut world = loaded();
    (world.answer, world.slots) = ((20_000, 20_001), 1);
    for waiter in 2..=4 {
        world.ask(waiter, key(1), Class::Normal, profile(1, 40));
    }
    world.keep(&key(1), Duration::ZERO);
    let began = world.now;
    world.run_until(began + seconds(19));
    assert!((2..=4).all(|waiter| matches!(world.outcome(waiter), Outcome::Runs | Outcome::Waits)));
    world.run_until(began + seconds(90));
    assert!((2..=4).all(|waiter| world.outcome(waiter) == Outcome::Done), "{:?}", world.outcomes);
    assert!(is_unloaded(&world));
    // The wish went with the server.
    world.answer = (100, 101);
    world.ask(9, key(1), Class::Normal, profile(1, 40));
    let until = world.now + seconds(5_000);
    world.run_until(until);
    assert_eq!((world.outcome(9), phase(&world)), (Outcome::Done, Phase::Ready));
}

/// A client that unloads what is not loaded would have the next load of another client unloaded at once.
#[test]
fn a_wish_to_unload_what_is_not_loaded_is_none_for_the_next_load() {
    let mut world = World::new(5, 60);
    world.answer = (100, 101);
    world.ask(1, key(1), Class::Normal, profile(1, 40));
    world.run_until(seconds(30));
    world.stop(2, key(1), true);
    world.run_until(seconds(60));
    assert_eq!(phase(&world), Phase::Stopped);
    world.keep(&key(1), Duration::ZERO);
    world.ask(3, key(1), Class::Normal, profile(1, 40));
    world.run_until(seconds(100));
    assert_eq!((world.outcome(3), phase(&world)), (Outcome::Done, Phase::Ready));
}

#[test]
fn a_wish_pins_nothing_and_unloads_nothing_that_a_person_has_pinned() {
    let mut world = World::new(5, 60);
    world.ask(1, key(1), Class::Normal, profile(1, 40));
    world.run_until(seconds(30));
    world.keep(&key(1), seconds(1_000_000));
    world.ask(2, key(2), Class::Normal, profile(2, 40));
    world.run_until(seconds(90));
    assert_eq!(world.outcome(2), Outcome::Done, "memory pressure comes before a wish");
    let mut world = World::new(5, 60);
    let mut pinned = profile(1, 40);
    pinned.pinned = true;
    world.pinned.insert(key(1));
    world.start(1, key(1), true, pinned);
    world.run_until(seconds(30));
    world.keep(&key(1), Duration::ZERO);
    world.run_until(seconds(90));
    assert_eq!((phase(&world), world.state.views()[0].expires), (Phase::Ready, None));
}

#[test]
fn the_setting_of_a_model_counts_where_no_request_wished_for_anything() {
    let mut world = World::new(5, 100);
    world.answer = (100, 101);
    let mut of = profile(1, 40);
    of.idle_timeout = Some(seconds(30));
    world.ask(1, key(1), Class::Normal, of);
    world.run_until(seconds(25));
    assert_eq!(phase(&world), Phase::Ready);
    world.run_until(seconds(60));
    assert!(is_unloaded(&world));
}
