//! Incidents of other managers, each written out.

use super::super::{
    Class, Effect, End, EndClass, Event, Hint, Phase, Profile, Report, Seen, ServerKey, State, Unload, Why,
};
use super::super::{IdleKind, Policy};
use super::world::{GPU, Outcome, World, cpu, end, key, profile, with_ladder};
use crate::model::lifecycle::{External, Mode, Priority};
use crate::model::{ModelId, Reading};
use std::time::Duration;

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn phase(world: &World, key: &ServerKey) -> Phase {
    world.state.views().into_iter().find(|view| view.key == *key).map_or(Phase::Stopped, |view| view.phase)
}

fn launched(world: &World, key: &ServerKey) -> usize {
    world.launches.iter().filter(|(_, of)| of == key).count()
}

/// A world with a model that was loaded by a request, which is answered.
fn loaded(mut world: World, profile: Profile) -> World {
    world.answer = (100, 101);
    world.ask(1, key(1), Class::Normal, profile);
    while world.outcome(1) != Outcome::Done {
        world.advance(seconds(60));
    }
    world
}

/// A model of which a person depends was killed after five minutes without a request, and took a minute to come back.
#[test]
fn the_idle_main_model_is_not_killed_after_five_minutes() {
    let main = |pinned, pressure_evict_only| Profile {
        idle_kind: Some(IdleKind::Generating),
        pinned,
        pressure_evict_only,
        ..profile(1, 40)
    };
    for profile in [main(true, false), main(false, true)] {
        let mut world = World::new(1, 100);
        if profile.pinned {
            world.pinned.insert(key(1));
        }
        let mut world = loaded(world, profile);
        for minute in 1..600 {
            world.read();
            world.run_until(seconds(60 * minute));
        }
        assert_eq!((phase(&world, &key(1)), launched(&world, &key(1))), (Phase::Ready, 1));
        assert_eq!(world.state.deadline(), None, "nothing is waited for");
    }
    // Another one has its time, which is no less than twenty of its loads.
    let mut world = loaded(World::new(1, 100), main(false, false));
    let expires = world.overview().servers[0].view.expires.unwrap();
    world.run_until(expires - seconds(1));
    assert_eq!(phase(&world, &key(1)), Phase::Ready);
    world.run_until(expires + seconds(20));
    assert_eq!(phase(&world, &key(1)), Phase::Stopped);
    assert!(
        world.decisions(&key(1)).iter().any(|d| d.what == "unload" && d.reason == "it had nothing to do for 5 min")
    );
}

/// A restart was queued again at every look, each time further away: 220 times queued in 7.5 hours, and never started.
#[test]
fn a_restart_has_one_time_which_no_later_look_moves() {
    let mut world = World::new(2, 100);
    let of = Profile { essential: true, ..profile(1, 40) };
    world.start(1, key(1), true, of.clone());
    world.run_until(seconds(20));
    world.die(&key(1), EndClass::Crash);
    world.run_until(seconds(21));
    let Phase::Backoff { until } = phase(&world, &key(1)) else { panic!("{:?}", phase(&world, &key(1))) };
    for n in 0..200 {
        world.happens(Event::Tick);
        world.read();
        world.happens(Event::Changed { key: key(1), profile: of.clone() });
        world.ask(100 + n, key(1), Class::Normal, of.clone());
        assert_eq!(phase(&world, &key(1)), Phase::Backoff { until });
        assert_eq!(world.state.deadline(), Some(until));
        let at = world.now + Duration::from_millis(20);
        world.run_until(at.min(until - Duration::from_millis(1)));
    }
    world.run_until(until + seconds(20));
    assert_eq!((phase(&world, &key(1)), launched(&world, &key(1))), (Phase::Ready, 2));
    // Looks while it is queued or loads queue it no second time.
    world.die(&key(1), EndClass::Crash);
    let begin = world.now;
    while world.now < begin + seconds(60) {
        world.happens(Event::Tick);
        let at = world.now + Duration::from_millis(50);
        world.run_until(at);
    }
    assert_eq!(launched(&world, &key(1)), 3);
}

/// Nothing was decided for an hour; then all that was due in it came at once.
#[test]
fn after_an_hour_without_a_step_one_step_does_what_is_sane() {
    let mut world = World::new(3, 200);
    for n in 1..=3 {
        let of = Profile { idle_timeout: (n == 1).then_some(seconds(30)), essential: n == 2, ..profile(n, 40) };
        world.start(n, key(n), true, of);
    }
    world.answer = (9_000_000, 9_000_001);
    world.ask(9, key(3), Class::Normal, profile(3, 40));
    world.run_until(seconds(20));
    world.die(&key(2), EndClass::Crash);
    world.run_until(seconds(21));
    let mut state = world.state.clone();
    let effects = state.step(seconds(3_621), Event::Tick);
    let stops: Vec<_> = effects.iter().filter(|effect| matches!(effect, Effect::Stop { .. })).collect();
    assert!(matches!(stops[..], [Effect::Stop { key: of, .. }] if *of == key(1)), "{stops:?}");
    let admits: Vec<_> = effects.iter().filter(|effect| matches!(effect, Effect::Admit { .. })).collect();
    assert!(matches!(admits[..], [Effect::Admit { key: of, .. }] if *of == key(2)), "{admits:?}");
    // The answer that runs is not cut, and the next look finds nothing more.
    assert!(state.step(seconds(3_621), Event::Tick).is_empty());
    assert!(state.deadline().is_none_or(|at| at > seconds(3_621)));
}

fn external(model: u64, attached: bool) -> External {
    External {
        id: "pid:77:1".into(),
        program: "llama-server".into(),
        pid: Some(77),
        user: Some("somebody".into()),
        port: Some(8_080),
        url: Some("http://127.0.0.1:8080".into()),
        model: Some(ModelId(format!("model-{model}"))),
        model_name: Some(format!("model-{model}")),
        known_by: vec!["listener".into()],
        bytes: cpu(40),
        healthy: Reading::Known(true),
        attached,
    }
}

/// An adopted server died and stayed in the list: requests were sent to nobody for hours.
#[test]
fn an_attached_server_that_is_gone_is_detached_at_once_and_never_touched() {
    let mut world = World::new(4, 100);
    world.happens(Event::Externals(vec![external(1, true)]));
    assert_eq!(world.state.attached(&key(1).model).map(|one| one.id.clone()), Some("pid:77:1".to_owned()));
    let told = |world: &World| -> Vec<Seen> {
        let seen = |report: &Report| match report {
            Report::External { what, .. } => Some(*what),
            _ => None,
        };
        world.reports.iter().filter_map(seen).collect()
    };
    assert_eq!(told(&world), [Seen::New, Seen::Attached]);
    world.happens(Event::Externals(vec![external(1, true)]));
    assert_eq!(told(&world).len(), 2, "a second look tells nothing new");
    // One that serves another model does not answer for the first one.
    world.happens(Event::Externals(vec![external(2, true)]));
    assert_eq!(told(&world)[2..], [Seen::Detached, Seen::Attached]);
    assert!(world.state.attached(&key(1).model).is_none());
    world.happens(Event::Externals(Vec::new()));
    assert_eq!(told(&world)[4..], [Seen::Detached, Seen::Gone]);
    assert!(world.state.attached(&key(2).model).is_none());
    assert!(world.launches.is_empty(), "nothing was started or ended for it");
    // What it holds is named when nothing else could make room.
    world.happens(Event::Externals(vec![external(1, false)]));
    world.others = 40;
    let denied = world.state.clone().step(
        world.now,
        Event::Acquire { waiter: 1, key: key(3), class: Class::Normal, is_retry: false, profile: profile(3, 90) },
    );
    assert!(matches!(denied[..], [Effect::Admit { .. }]), "{denied:?}");
    let refusal = super::super::Refusal { short: cpu(30), capacity: cpu(60), ..super::super::Refusal::default() };
    let Effect::Admit { generation, .. } = denied[0] else { panic!() };
    let mut state = world.state.clone();
    state.step(
        world.now,
        Event::Acquire { waiter: 1, key: key(3), class: Class::Normal, is_retry: false, profile: profile(3, 90) },
    );
    let effects = state.step(world.now, Event::Refused { key: key(3), generation, refusal });
    let Some(Effect::Deny { denial, .. }) = effects.first() else { panic!("{effects:?}") };
    assert_eq!(denial.holders[0].name, "llama-server with model-1 (pid 77)");
}

/// A check that could not be made counted as a good one, and a dead server as healthy.
#[test]
fn a_health_check_that_fails_to_run_is_neither_fine_nor_dead() {
    let mut world = loaded(World::new(5, 100), profile(1, 40));
    let healthy = |world: &World| world.overview().servers[0].healthy;
    let late = || Reading::Unavailable("the probe was late".to_owned());
    world.health(&key(1), Reading::Known(true));
    assert_eq!(healthy(&world), Some(true));
    world.health(&key(1), late());
    assert_eq!(healthy(&world), None, "unknown is not fine");
    let told = |world: &World| world.reports.iter().filter(|r| matches!(r, Report::HealthUnknown { .. })).count();
    assert_eq!(told(&world), 0);
    (0..5).for_each(|_| world.health(&key(1), late()));
    assert_eq!((told(&world), phase(&world, &key(1))), (1, Phase::Ready), "told once, and not taken for dead");
    world.health(&key(1), Reading::Known(false));
    assert_eq!(healthy(&world), Some(false));
    (0..2).for_each(|_| world.health(&key(1), late()));
    assert_eq!(told(&world), 2);
}

/// The CPU was busy with the answer of one model, and another one that was to stay was killed for it.
#[test]
fn a_busy_cpu_ends_nothing_that_is_to_stay() {
    let mut world = World::new(6, 400);
    for n in 1..=5 {
        let pinned = n == 1;
        if pinned {
            world.pinned.insert(key(n));
        }
        world.start(n, key(n), true, Profile { pinned, pressure_evict_only: n == 2, ..profile(n, 40) });
    }
    world.run_until(seconds(30));
    world.answer = (9_000_000, 9_000_001);
    world.ask(9, key(3), Class::Normal, profile(3, 40));
    let busy = |world: &mut World| {
        let mut readings = world.readings();
        readings.cpu = Reading::Known(99.0);
        world.happens(Event::Readings(readings));
    };
    busy(&mut world);
    assert!(world.reports.iter().all(|report| !matches!(report, Report::Unloaded { .. })), "what is warm stays");
    // After two minutes and a half they are idle: one goes, and the next one not before its effect can be seen.
    world.run_until(seconds(200));
    let mut gone = Vec::new();
    for n in 0..20 {
        busy(&mut world);
        let until = seconds(200 + 10 * (n + 1));
        world.run_until(until);
        gone.push((1..=5).filter(|n| phase(&world, &key(*n)) == Phase::Stopped).count());
    }
    assert_eq!(gone[..5], [1, 1, 1, 2, 2], "{gone:?}");
    let left: Vec<u64> = (1..=5).filter(|n| phase(&world, &key(*n)) == Phase::Ready).collect();
    assert_eq!(left, [1, 2, 3], "the pinned one, the one that gives way to bytes alone, and the one that answers");
    let why = |report: &&Report| matches!(report, Report::Unloaded { why: Unload::Pressure { .. }, .. });
    assert_eq!(world.reports.iter().filter(why).count(), 2);
}

/// A person's priority was computed anew at the next tick.
#[test]
fn what_a_person_set_holds_until_its_end() {
    let mut world = loaded(World::new(7, 100), Profile { idle_timeout: Some(seconds(60)), ..profile(1, 40) });
    let priority = |world: &World| world.overview().servers[0].priority;
    let until = world.now + seconds(3_600);
    world.happens(Event::Override { key: key(1), priority: Some(Priority::Warm), until: Some(until) });
    for _ in 0..200 {
        world.happens(Event::Tick);
        world.read();
        world.happens(Event::Popularity(Vec::new()));
        let next = (world.now + seconds(15)).min(until - seconds(1));
        world.run_until(next);
        assert_eq!((priority(&world), phase(&world, &key(1))), (Some(Priority::Warm), Phase::Ready));
    }
    assert_eq!(world.overview().servers[0].by_person, Some((Priority::Warm, Some(until))));
    world.run_until(until + seconds(30));
    assert_eq!(phase(&world, &key(1)), Phase::Stopped, "then it counts as any other one");
    // One that has no end holds for ever, also for a server that is not loaded yet.
    world.happens(Event::Override { key: key(2), priority: Some(Priority::Active), until: None });
    world.ask(2, key(2), Class::Normal, profile(2, 80));
    world.run_until(world.now + seconds(30));
    world.ask(3, key(3), Class::Normal, profile(3, 80));
    world.run_until(world.now + seconds(30));
    assert_eq!((phase(&world, &key(2)), world.outcome(3)), (Phase::Ready, Outcome::Denied));
}

/// Flags that were set before a model was loaded were gone after a restart of the manager.
#[test]
fn flags_and_hints_hold_at_the_first_load_after_a_restart() {
    let mut world = World::new(8, 100);
    let hint = Hint { last_access: Some(seconds(600)), access_count: 41, load_time: Some(seconds(9)) };
    world.happens(Event::Hints(vec![(key(1), hint), (key(2), Hint { access_count: 7, ..Hint::default() })]));
    world.happens(Event::Override { key: key(1), priority: Some(Priority::Warm), until: None });
    let flags = Profile { essential: true, pressure_evict_only: true, ..profile(1, 40) };
    world.happens(Event::Preload(vec![(key(1), flags)]));
    world.run_until(seconds(20));
    let shown = world.overview().servers.remove(0);
    assert_eq!((shown.view.phase, shown.essential, shown.pressure_evict_only), (Phase::Ready, true, true));
    assert_eq!((shown.by_person, shown.access_count), (Some((Priority::Warm, None)), 41), "counts go on");
    assert_eq!(shown.idle_timeout, None);
    world.ask(1, key(1), Class::Normal, profile(1, 40));
    world.run_until(seconds(60));
    // The next daemon gets what this one was told and what it has seen.
    let hints = world.state.hints(world.now);
    let of = |n: u64| hints.iter().find(|(of, _)| *of == key(n)).map(|(_, hint)| *hint).unwrap();
    assert_eq!((of(1).access_count, of(2).access_count), (42, 7));
    assert!(of(1).last_access.unwrap() < seconds(60) && of(1).load_time.unwrap() < seconds(9));
}

/// The manager killed a server that did not answer, took the signal for the kernel's, and loaded it on the CPU from then on.
#[test]
fn a_kill_of_our_own_is_no_lack_of_memory() {
    let of = with_ladder(1, 40);
    let mut world = World::new(9, 100);
    world.gpu = 100;
    world.ask(1, key(1), Class::Normal, of.clone());
    world.run_until(seconds(20));
    let killed =
        |generation| Event::Ended { key: key(1), generation, end: End { exit_code: Some(137), ..end(EndClass::Oom) } };
    let mut state = world.state.clone();
    state.step(world.now, Event::Wedged { key: key(1), generation: 1, reason: "it does not decode".into() });
    let effects = state.step(world.now, killed(1));
    let Some(Effect::Report(Report::Crash { end, .. })) = effects.first() else { panic!("{effects:?}") };
    assert_eq!(end.class, EndClass::Wedged);
    let shown = state.overview(world.now).servers.remove(0);
    assert_eq!((shown.rung.rung.mode, shown.next_mode, shown.last_exit_code), (Mode::Gpu, None, Some(137)));
    // One that was to end and was killed because it did not has not crashed at all.
    let mut state = world.state.clone();
    state.step(world.now, Event::Stop { waiter: 9, key: key(1), now: true });
    let effects = state.step(world.now, killed(1));
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Report(Report::Crash { .. } | Report::Rung { .. }))));
    assert_eq!(state.overview(world.now).servers[0].next_mode, None);
    // The kernel's is.
    let mut state = world.state.clone();
    state.step(world.now, killed(1));
    assert_eq!(state.overview(world.now).servers[0].next_mode, Some(Mode::CpuOffload));
    assert_eq!(world.used(GPU), 40);
}

/// A machine with a thousand models: a look at all of them must not hold up requests.
#[test]
fn a_thousand_servers_are_looked_at_quickly() {
    let mut state = State::new(Policy::default());
    let of = |n: u64| Profile { disk: n, idle_kind: Some(IdleKind::Generating), ..profile(n, 1) };
    let acquire = |waiter, n| {
        let (class, profile) = (Class::Normal, of(n));
        Event::Acquire { waiter, key: key(n), class, is_retry: false, profile }
    };
    let (mut slowest, mut ready) = (Duration::ZERO, 0);
    let mut events: Vec<Event> = (0..1_000)
        .map(|n| Event::Start { waiter: n, key: key(n), may_evict: true, profile: of(n) })
        .chain((0..400).map(|n| acquire(5_000 + n, n)))
        .rev()
        .collect();
    while let Some(event) = events.pop() {
        let began = crate::clock::instant();
        let effects = state.step(seconds(2), event);
        state.deadline();
        slowest = slowest.max(began.elapsed());
        for effect in effects {
            match effect {
                Effect::Admit { key, generation, .. } => events.push(Event::Admitted { key, generation }),
                Effect::Launch { key, generation, .. } => events.push(Event::Ready { key, generation, slots: 1 }),
                Effect::Started { .. } => ready += 1,
                _ => {}
            }
        }
    }
    assert_eq!(ready, 1_000);
    // A large one needs the memory of many.
    let effects = state.step(seconds(2), acquire(9_000, 5_000));
    let [Effect::Admit { generation, .. }] = effects[..] else { panic!("{effects:?}") };
    let refusal = super::super::Refusal { short: cpu(300), capacity: cpu(1_000), ..Default::default() };
    let began = crate::clock::instant();
    let effects = state.step(seconds(2), Event::Refused { key: key(5_000), generation, refusal });
    slowest = slowest.max(began.elapsed());
    assert_eq!(effects.iter().filter(|effect| matches!(effect, Effect::Stop { .. })).count(), 300);
    // Without optimization, and beside other tests, it may take longer.
    assert!(slowest < Duration::from_millis(if cfg!(debug_assertions) { 2_000 } else { 100 }), "{slowest:?}");
    println!("the slowest step: {slowest:?}");
}

/// Without a person's start, what needs a larger machine is not started, and everybody is told why.
#[test]
fn a_model_for_a_larger_machine_is_started_by_a_person_alone() {
    use crate::model::lifecycle::NodeTier::{Full, Lite};
    let mut world = World::new(10, 100);
    world.state = State::new(Policy { tier: Some(Lite), ..Policy::default() });
    let large = Profile { min_tier: Some(Full), pinned: true, ..profile(1, 40) };
    world.happens(Event::Preload(vec![(key(1), large.clone())]));
    world.run_until(seconds(20));
    assert!(world.launches.is_empty());
    let effects = world.state.clone().step(
        world.now,
        Event::Acquire { waiter: 1, key: key(1), class: Class::Normal, is_retry: false, profile: large.clone() },
    );
    assert!(matches!(&effects[..], [Effect::Deny { denial, .. }] if denial.why == Why::BelowTier), "{effects:?}");
    world.start(2, key(1), true, large.clone());
    world.run_until(seconds(60));
    assert!(world.reports.iter().any(|report| matches!(report, Report::BelowTier { tier: Lite, needed: Full, .. })));
    world.ask(3, key(1), Class::Normal, large);
    world.run_until(seconds(90));
    assert_eq!((world.outcome(2), world.outcome(3)), (Outcome::Done, Outcome::Done), "then requests are answered");
}
