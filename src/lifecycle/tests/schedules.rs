//! Random days of a daemon, ten thousand of them in a release build.

use super::super::{Class, EndClass, Event};
use super::world::{World, key, profile};
use std::time::Duration;

/// The release build of `make test` runs all; one without optimization runs the first of them.
const SCHEDULES: u64 = if cfg!(debug_assertions) { 500 } else { 10_000 };
const MODELS: u64 = 4;

/// Sizes of the four models: any of them fits alone, not all of them together.
const SIZES: [u64; 4] = [10, 25, 40, 60];
const BUDGET: u64 = 70;

fn schedule(seed: u64) {
    let mut world = World::new(seed, BUDGET);
    world.slots = 1 + world.random.below(3) as u32;
    let mut waiter = 0;
    let steps = 20 + world.random.below(60);
    for _ in 0..steps {
        let pause = if world.random.one_in(12) { world.random.ms(1_000, 60_000) } else { world.random.ms(0, 900) };
        let until = world.now + pause;
        world.run_until(until);
        waiter += 1;
        let n = world.random.below(MODELS);
        let mut of = profile(n, SIZES[n as usize]);
        of.pinned = world.pinned.contains(&key(n));
        match world.random.below(40) {
            0..=22 => {
                let class = Class::ALL[world.random.below(3) as usize];
                world.ask(waiter, key(n), class, of);
            }
            23..=26 => {
                let gone = world.random.below(waiter) + 1;
                world.leave(gone);
            }
            27..=29 => {
                let class = [EndClass::Crash, EndClass::Oom, EndClass::Disappeared][world.random.below(3) as usize];
                world.die(&key(n), class);
            }
            30 => world.die(&key(n), EndClass::Refused),
            31 => world.wedge(&key(n)),
            32..=33 => {
                let now = world.random.one_in(3);
                world.stop(waiter, key(n), now);
            }
            34..=35 => {
                let may_evict = world.random.one_in(2);
                world.start(waiter, key(n), may_evict, of);
            }
            36 if world.random.one_in(3) => world.happens(Event::Reload { key: key(n) }),
            36 => {
                // Settings are read again.
                if !world.pinned.remove(&key(n)) {
                    world.pinned.insert(key(n));
                }
                of.pinned = world.pinned.contains(&key(n));
                world.happens(Event::Changed { key: key(n), profile: of });
            }
            37 if world.random.one_in(2) => {
                let at_once = world.random.one_in(3);
                let idle = if at_once { Duration::ZERO } else { world.random.ms(0, 20_000) };
                world.keep(&key(n), idle);
            }
            37 => {
                if !world.fails_at_start.remove(&key(n)) {
                    world.fails_at_start.insert(key(n));
                }
            }
            _ => {
                // What others hold only grows into what is free.
                let reserved: u64 = world.ledger.values().sum();
                let free = BUDGET - reserved;
                world.others = world.random.below(free.min(30) + 1);
                world.others_end_soon = world.random.one_in(2);
            }
        }
    }
    // Whatever happened: in the end everybody has an answer.
    world.others = 0;
    let limit = world.now + Duration::from_secs(7_200);
    while !world.open().is_empty() && world.advance(limit) {}
    assert!(world.open().is_empty(), "schedule {seed}: no answer for {:?}\n{:#?}", world.open(), world.state.views());
    waiter += 1;
    world.ask(waiter, key(0), Class::Normal, profile(0, SIZES[0]));
    world.happens(Event::Shutdown { grace: Duration::from_secs(60) });
    let limit = world.now + Duration::from_secs(120);
    while !world.is_over && world.advance(limit) {}
    assert!(world.is_over, "schedule {seed}: the shutdown does not end\n{:#?}", world.state.views());
    assert!(world.open().is_empty() && world.ledger.is_empty(), "schedule {seed}");
}

/// No waiter is forgotten, nothing busy or pinned is evicted, and the memory is never above its budget, in whatever
/// order requests, leaving clients, deaths, slow releases, stops and changed settings come. A failure names its seed.
#[test]
fn every_waiter_is_answered_and_the_budget_holds_in_many_schedules() {
    (0..SCHEDULES).for_each(schedule);
}
