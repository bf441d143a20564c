//! Random days of a daemon, ten thousand of them in a release build.

use super::super::{Class, EndClass, Event, Hint, Profile, ServerKey};
use super::world::{GPU, World, cpu, key, on, profile, with_ladder};
use crate::model::lifecycle::{External, Priority};
use crate::model::{ModelId, Reading};
use std::time::Duration;

/// The release build of `make test` runs all; one without optimization runs the first of them.
const SCHEDULES: u64 = if cfg!(debug_assertions) { 500 } else { 10_000 };

/// Sizes of six models and a service: any of them fits alone, not all of them together. Two are alike.
const SIZES: [u64; 7] = [10, 25, 40, 60, 25, 20, 10];
const MODELS: u64 = 7;
const SERVICE: u64 = 6;
const BUDGET: u64 = 70;
const VRAM: u64 = 50;

fn server(n: u64) -> ServerKey {
    if n == SERVICE { ServerKey::service("whisper") } else { key(n) }
}

/// What is set for a model: those with odd numbers have a ladder when there is a GPU.
fn of(world: &World, n: u64) -> Profile {
    let bytes = SIZES[n as usize];
    let profile = if world.gpu > 0 && n % 2 == 1 && bytes <= VRAM { with_ladder(n, bytes) } else { profile(n, bytes) };
    Profile {
        pinned: world.pinned.contains(&server(n)),
        pressure_evict_only: n == 4,
        essential: n == 2,
        idle_timeout: (n == 5).then_some(Duration::from_secs(30)),
        ..profile
    }
}

fn schedule(seed: u64) -> World {
    let mut world = World::new(seed, BUDGET);
    world.slots = 1 + world.random.below(3) as u32;
    world.gpu = if world.random.one_in(2) { VRAM } else { 0 };
    world.is_rough = world.random.one_in(2);
    let cores = 1 + world.random.below(8) as u32;
    world.set_cores(cores);
    let mut waiter = 0;
    let steps = 20 + world.random.below(80);
    for _ in 0..steps {
        let pause = if world.random.one_in(12) { world.random.ms(1_000, 60_000) } else { world.random.ms(0, 900) };
        let until = world.now + pause;
        world.run_until(until);
        waiter += 1;
        let n = world.random.below(MODELS);
        match world.random.below(3) {
            0 => of_the_machine(&mut world, n),
            _ => of_people(&mut world, waiter, n),
        }
    }
    // Whatever happened: in the end everybody has an answer.
    (world.others, world.others_on_gpu) = (0, 0);
    let limit = world.now + Duration::from_secs(7_200);
    while !world.open().is_empty() && world.advance(limit) {}
    assert!(world.open().is_empty(), "schedule {seed}: no answer for {:?}\n{:#?}", world.open(), world.overview());
    waiter += 1;
    world.ask(waiter, key(0), Class::Normal, profile(0, SIZES[0]));
    world.happens(Event::Shutdown { grace: Duration::from_secs(60) });
    let limit = world.now + Duration::from_secs(120);
    while !world.is_over && world.advance(limit) {}
    assert!(world.is_over, "schedule {seed}: the shutdown does not end\n{:#?}", world.state.views());
    assert!(world.open().is_empty(), "schedule {seed}");
    assert!(world.ledger.keys().all(|start| world.stuck.contains(start)), "schedule {seed}: {:?}", world.ledger);
    world
}

/// What requests, people and their programs do.
fn of_people(world: &mut World, waiter: u64, n: u64) {
    let set = of(world, n);
    match world.random.below(48) {
        0..=25 => {
            let class = Class::ALL[world.random.below(3) as usize];
            world.ask(waiter, server(n), class, set);
        }
        26..=28 => {
            let gone = world.random.below(waiter) + 1;
            world.leave(gone);
        }
        29..=30 => {
            let now = world.random.one_in(3);
            world.stop(waiter, server(n), now);
        }
        31..=33 => {
            let may_evict = world.random.one_in(2);
            world.start(waiter, server(n), may_evict, set);
        }
        34 if world.random.one_in(3) => world.happens(Event::Reload { key: server(n) }),
        34..=35 => {
            // Settings are read again.
            if !world.pinned.remove(&server(n)) {
                world.pinned.insert(server(n));
            }
            let profile = of(world, n);
            world.happens(Event::Changed { key: server(n), profile });
        }
        36 => {
            let at_once = world.random.one_in(3);
            let idle = if at_once { Duration::ZERO } else { world.random.ms(0, 20_000) };
            world.keep(&server(n), idle);
        }
        37..=39 => {
            let device = if world.gpu > 0 && world.random.one_in(2) { GPU } else { "CPU" };
            let (bytes, ttl) = (1 + world.random.below(40), world.random.ms(1_000, 90_000));
            let id = format!("{}", n % 3);
            world.headroom(waiter, &id, on(device, bytes), ttl);
        }
        40..=41 => world.release(waiter, &format!("{}", n % 3)),
        42..=43 => {
            let evict = if world.random.one_in(3) { Vec::new() } else { vec![server((n + 1) % MODELS)] };
            world.swap(waiter, server(n), set, evict);
        }
        44 => {
            use crate::model::lifecycle::Mode::{CpuOffload, CpuOnly, Gpu};
            let to = [None, Some(Gpu), Some(CpuOffload), Some(CpuOnly)][world.random.below(4) as usize];
            world.offload(waiter, &server(n), to);
        }
        45 => {
            let paused = world.random.one_in(3);
            world.happens(Event::Pause { paused });
        }
        46 => {
            let priority = Priority::ALL.get(world.random.below(5) as usize).copied();
            // One that is active for ever would be a pin that this test does not know of.
            let until = Some(world.now + world.random.ms(1_000, 60_000));
            world.happens(Event::Override { key: server(n), priority, until });
        }
        _ => {
            let popularity = (0..MODELS).map(|n| (server(n).model, world.random.below(11) as f64 / 10.0)).collect();
            world.happens(Event::Popularity(popularity));
            let hint = Hint { last_access: Some(world.random.ms(0, 200_000_000)), access_count: 3, load_time: None };
            world.happens(Event::Hints(vec![(server(n), hint)]));
            if world.random.one_in(3) {
                world.happens(Event::Preload(vec![(server(n), set)]));
            }
        }
    }
}

/// What happens by itself.
fn of_the_machine(world: &mut World, n: u64) {
    match world.random.below(24) {
        0..=2 => {
            let class = [EndClass::Crash, EndClass::Oom, EndClass::Oom, EndClass::Disappeared];
            let class = class[world.random.below(4) as usize];
            world.die(&server(n), class);
        }
        3 if world.random.one_in(3) => world.die(&server(n), EndClass::Refused),
        3 => {
            if !world.fails_at_start.remove(&server(n)) {
                world.fails_at_start.insert(server(n));
            }
        }
        4 => world.wedge(&server(n)),
        5..=7 => {
            // What others hold only grows into what is free.
            let free = BUDGET.saturating_sub(world.used("CPU") - world.others);
            world.others = world.random.below(free.min(30) + 1);
            world.others_end_soon = world.random.one_in(2);
        }
        8..=10 => {
            // A game asks nobody.
            world.others_on_gpu = if world.random.one_in(2) { 0 } else { world.random.below(VRAM) };
        }
        11..=16 => {
            // A day of readings every few seconds, as long as nothing else happens.
            for _ in 0..world.random.below(6) {
                world.read();
                let until = world.now + world.random.ms(100, 15_000);
                world.run_until(until);
            }
        }
        17..=18 => {
            let late = world.random.ms(1, 20_000);
            world.read_late(late);
        }
        19 => {
            let mut readings = world.readings();
            let lost = || "it is late".to_owned();
            match world.random.below(3) {
                0 => readings.devices = Reading::Unavailable(lost()),
                1 => readings.memory = Reading::Unavailable(lost()),
                _ => readings.cpu = Reading::Unavailable(lost()),
            }
            world.happens(Event::Readings(readings));
        }
        20..=21 => {
            let mut readings = world.readings();
            readings.cpu = Reading::Known(world.random.below(101) as f64);
            readings.stalls = Reading::Known(world.random.below(40) as f64);
            world.happens(Event::Readings(readings));
        }
        22 => {
            let external = |n: u64| External {
                id: format!("pid:{n}:1"),
                program: "llama-server".into(),
                pid: Some(n as u32),
                user: None,
                port: Some(8_080),
                url: None,
                model: Some(ModelId(format!("model-{n}"))),
                model_name: None,
                known_by: vec!["listener".into()],
                bytes: cpu(n),
                healthy: Reading::Known(true),
                attached: n.is_multiple_of(2),
            };
            let seen = (0..world.random.below(4)).map(external).collect();
            world.happens(Event::Externals(seen));
        }
        _ => {
            let known = world.random.one_in(2);
            world.health(&server(n), if known { Reading::Known(true) } else { Reading::Unavailable("late".into()) });
        }
    }
}

/// No waiter is forgotten, nothing busy or pinned is evicted, the longest unused goes first among equals, memory is never
/// above its budget, no pair swaps more than four times in ten minutes while the one that is loaded is needed, the cores
/// are given out once, and every decision has a reason: in whatever order requests, leaving clients, deaths, slow releases, stops, changed settings, readings
/// that are late or missing, programs that take memory, reservations, swaps and pauses come. A failure names its seed.
#[test]
fn every_waiter_is_answered_and_the_budget_holds_in_many_schedules() {
    let (mut evicted, mut lowered, mut restored, mut held) = (0, 0, 0, 0);
    for seed in 0..SCHEDULES {
        let world = schedule(seed);
        evicted += world.watch.evicted;
        lowered += world.watch.lowered;
        restored += world.watch.restored;
        held += world.watch.held;
    }
    // A schedule in which nothing happens would hold as well.
    let all = (evicted, lowered, restored, held);
    assert!(evicted > 1_000 && lowered > 20 && restored > 50 && held > 5, "{all:?}");
}
