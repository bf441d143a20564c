//! How servers are loaded when memory is scarce, and who gives way.

use super::super::{Class, EndClass, Event, Offloaded, Phase, Profile, Report, ServerKey, Unload};
use super::world::{GPU, Outcome, World, cpu, key, on, profile, with_ladder};
use crate::model::Reading;
use crate::model::lifecycle::{Mode, PressureKind, Rung};
use std::time::Duration;

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn phase(world: &World, key: &ServerKey) -> Phase {
    world.state.views().into_iter().find(|view| view.key == *key).map_or(Phase::Stopped, |view| view.phase)
}

fn world(gpu: u64) -> World {
    let mut world = World::new(1, 400);
    world.gpu = gpu;
    world.answer = (100, 101);
    world
}

fn on_gpu(n: u64, bytes: u64) -> Profile {
    Profile { needs: super::world::on(GPU, bytes), ..profile(n, bytes) }
}

/// Looks at the machine every 15 s for a while.
fn watch(world: &mut World, time: Duration) {
    let end = world.now + time;
    while world.now < end {
        world.read();
        let next = (world.now + seconds(15)).min(end);
        world.run_until(next);
    }
}

fn ask(world: &mut World, waiter: u64, n: u64, profile: Profile) {
    world.ask(waiter, key(n), Class::Normal, profile);
    let until = world.now + seconds(30);
    world.run_until(until);
}

/// A model that does not fit any more would be killed again and again, or would be slow without a word.
#[test]
fn each_lack_of_memory_is_one_step_down_and_is_told() {
    let mut world = world(100);
    let of = with_ladder(1, 40);
    ask(&mut world, 1, 1, of.clone());
    for (waiter, mode) in [(2, Mode::CpuOffload), (3, Mode::CpuOnly)] {
        world.die(&key(1), EndClass::Oom);
        world.run_until(world.now + seconds(15));
        ask(&mut world, waiter, 1, of.clone());
        assert_eq!((world.outcome(waiter), world.modes[&key(1)]), (Outcome::Done, mode));
        let shown = world.overview().servers.remove(0);
        assert!(shown.downgraded && shown.mode_reason.unwrap().starts_with("memory ran out"));
    }
    let steps = world.reports.iter().filter(|report| matches!(report, Report::Rung { is_lower: true, .. }));
    assert_eq!(steps.count(), 2);
    assert!(world.decisions(&key(1)).iter().any(|d| d.what == "downgrade" && d.reason.contains("gpu → cpu_offload")));
    // There is nothing below.
    world.die(&key(1), EndClass::Oom);
    world.run_until(world.now + seconds(60));
    ask(&mut world, 9, 1, of);
    assert_eq!(world.modes[&key(1)], Mode::CpuOnly);
}

/// Who waits for a model whose load ran out of memory gets its answer from the lesser load.
#[test]
fn who_waits_for_a_load_that_runs_out_of_memory_is_served_by_the_next_one() {
    let mut world = world(100);
    world.ask(1, key(1), Class::Normal, with_ladder(1, 40));
    while world.launches.is_empty() {
        world.advance(seconds(10));
    }
    world.die(&key(1), EndClass::Oom);
    world.run_until(seconds(40));
    assert_eq!((world.outcome(1), world.modes[&key(1)]), (Outcome::Done, Mode::CpuOffload));
    let restarted =
        |report: &Report| matches!(report, Report::Restarted { downgraded: true, mode: Mode::CpuOffload, .. });
    assert!(world.reports.iter().any(restarted));
}

/// Conversations that were answered before would be refused as too long from one moment to the next.
#[test]
fn the_context_is_never_made_smaller_than_what_requests_have_used() {
    let mut world = world(100);
    let contexts = [16_384, 8_192, 4_096];
    let rung = |context: u32| Rung { mode: Mode::CpuOnly, context, gpu_layers: None, needs: Vec::new() };
    let of = Profile { rungs: contexts.map(rung).to_vec(), ..profile(1, 40) };
    ask(&mut world, 1, 1, of.clone());
    world.happens(Event::Used { key: key(1), tokens: 6_000 });
    world.happens(Event::Used { key: key(1), tokens: 5_000 });
    let context = |world: &World| world.overview().servers.remove(0).rung.rung.context;
    for waiter in [2, 3] {
        world.die(&key(1), EndClass::Oom);
        world.run_until(world.now + seconds(60));
        ask(&mut world, waiter, 1, of.clone());
        assert_eq!((world.outcome(waiter), context(&world)), (Outcome::Done, 8_192));
    }
}

/// A model whose config makes contexts smaller first, and whose requests use most of it, would only fail.
#[test]
fn where_a_smaller_context_is_not_enough_the_layers_leave_the_gpu() {
    let mut world = world(100);
    let rung = |mode, context, gpu: u64, main: u64| Rung {
        mode,
        context,
        gpu_layers: None,
        needs: [on(GPU, gpu), cpu(main)].concat().into_iter().filter(|need| need.bytes > 0).collect(),
    };
    let rungs = vec![
        rung(Mode::Gpu, 16_384, 40, 0),
        rung(Mode::Gpu, 8_192, 30, 0),
        rung(Mode::CpuOnly, 8_192, 0, 30),
        rung(Mode::CpuOffload, 16_384, 20, 20),
        rung(Mode::CpuOnly, 16_384, 0, 40),
    ];
    let of = Profile { rungs, ..with_ladder(1, 40) };
    ask(&mut world, 1, 1, of.clone());
    world.happens(Event::Used { key: key(1), tokens: 12_000 });
    let now = |world: &World| world.overview().servers.remove(0).rung.rung;
    for (waiter, mode) in [(2, Mode::CpuOffload), (3, Mode::CpuOnly)] {
        world.die(&key(1), EndClass::Oom);
        world.run_until(world.now + seconds(60));
        ask(&mut world, waiter, 1, of.clone());
        assert_eq!((world.outcome(waiter), now(&world).mode, now(&world).context), (Outcome::Done, mode, 16_384));
    }
}

/// A person who would rather have an error than a slow answer gets it.
#[test]
fn a_model_that_must_not_be_degraded_stays_what_it_is() {
    let mut world = world(100);
    let of = Profile { no_degrade: true, ..with_ladder(1, 40) };
    ask(&mut world, 1, 1, of.clone());
    world.die(&key(1), EndClass::Oom);
    world.run_until(world.now + seconds(15));
    ask(&mut world, 2, 1, of.clone());
    assert_eq!(world.modes[&key(1)], Mode::Gpu);
    world.others_on_gpu = 70;
    world.die(&key(1), EndClass::Crash);
    world.run_until(world.now + seconds(60));
    ask(&mut world, 3, 1, of);
    assert_eq!(world.outcome(3), Outcome::Denied);
}

#[test]
fn what_does_not_fit_on_the_gpu_is_loaded_as_far_as_it_fits() {
    let mut world = world(30);
    ask(&mut world, 1, 1, with_ladder(1, 40));
    assert_eq!((world.outcome(1), world.modes[&key(1)]), (Outcome::Done, Mode::CpuOffload));
    assert_eq!(world.used(GPU), 20);
    assert!(world.decisions(&key(1)).iter().any(|d| d.what == "downgrade" && d.reason.contains("does not fit")));
}

/// A model would stay slow for ever after one bad moment, or be loaded again every few minutes.
#[test]
fn a_better_way_is_tried_after_ten_quiet_minutes_and_at_most_every_thirty() {
    let mut world = world(100);
    let of = Profile { idle_timeout: Some(seconds(20_000)), ..with_ladder(1, 40) };
    ask(&mut world, 1, 1, of.clone());
    world.die(&key(1), EndClass::Oom);
    world.run_until(world.now + seconds(15));
    ask(&mut world, 2, 1, of.clone());
    let lowered = world.now;
    watch(&mut world, seconds(500));
    assert_eq!(world.modes[&key(1)], Mode::CpuOffload);
    watch(&mut world, seconds(200));
    assert_eq!((world.modes[&key(1)], phase(&world, &key(1))), (Mode::Gpu, Phase::Ready), "loaded again by itself");
    // It runs out of memory again: the next try is half an hour after the last one.
    let raised = world.now;
    world.die(&key(1), EndClass::Oom);
    world.run_until(world.now + seconds(15));
    ask(&mut world, 3, 1, of.clone());
    watch(&mut world, seconds(1_500));
    assert_eq!(world.modes[&key(1)], Mode::CpuOffload);
    watch(&mut world, seconds(400));
    assert_eq!(world.modes[&key(1)], Mode::Gpu);
    assert!(world.now - raised > seconds(1_700) && raised - lowered > seconds(550));
    // Not while others have the memory.
    world.die(&key(1), EndClass::Oom);
    world.run_until(world.now + seconds(15));
    ask(&mut world, 4, 1, of);
    world.others_on_gpu = 70;
    watch(&mut world, seconds(4_000));
    assert_eq!(world.modes[&key(1)], Mode::CpuOffload);
    world.others_on_gpu = 0;
    watch(&mut world, seconds(60));
    assert_eq!(world.modes[&key(1)], Mode::Gpu);
}

#[test]
fn a_person_chooses_the_way_and_it_stays() {
    let mut world = world(100);
    let of = with_ladder(1, 40);
    assert_eq!(world.offload(90, &key(1), None), Offloaded::NotLoaded);
    ask(&mut world, 1, 1, of.clone());
    world.answer = (20_000, 20_001);
    world.ask(2, key(1), Class::Normal, of.clone());
    assert_eq!(world.offload(91, &key(1), Some(Mode::Gpu)), Offloaded::AlreadyThere);
    assert_eq!(world.offload(92, &key(1), Some(Mode::CpuOnly)), Offloaded::Done);
    assert_eq!(world.outcome(2), Outcome::Runs, "no answer is cut");
    world.run_until(world.now + seconds(40));
    assert_eq!(
        (world.modes[&key(1)], phase(&world, &key(1)), world.outcome(2)),
        (Mode::CpuOnly, Phase::Ready, Outcome::Done)
    );
    watch(&mut world, seconds(4_000));
    assert_eq!(world.modes[&key(1)], Mode::CpuOnly, "what a person chose is not undone");
    assert_eq!(world.offload(93, &key(1), None), Offloaded::AlreadyThere, "nothing is below");
    assert_eq!(world.offload(94, &key(1), Some(Mode::Gpu)), Offloaded::Done);
    world.run_until(world.now + seconds(40));
    assert_eq!(world.modes[&key(1)], Mode::Gpu);
    world.stop(95, key(1), true);
    assert_eq!(world.offload(96, &key(1), None), Offloaded::NotLoaded);
    world.start(3, key(2), true, profile(2, 10));
    world.run_until(world.now + seconds(40));
    assert_eq!(world.offload(97, &key(2), Some(Mode::Gpu)), Offloaded::Unknown, "it has no such mode");
}

/// A game wants the GPU: models give way one after the other, each after the memory of the last one was seen to be free.
#[test]
fn what_others_take_is_answered_by_the_least_needed_one_after_the_other() {
    let mut world = world(1_000);
    let of = |n: u64| Profile { pressure_evict_only: true, ..on_gpu(n, 200) };
    (1..=3).for_each(|n| ask(&mut world, n, n, of(n)));
    world.read();
    assert_eq!(world.overview().pressures[0].value, Some(60.0));
    // The game takes all that is free: 250 bytes have to go.
    world.run_until(seconds(2_000));
    world.others_on_gpu = 450;
    world.read();
    assert_eq!(phase(&world, &key(1)), Phase::Stopping, "the longest unused one");
    assert_eq!((phase(&world, &key(2)), phase(&world, &key(3))), (Phase::Ready, Phase::Ready));
    (0..10).for_each(|_| world.read());
    assert_eq!(phase(&world, &key(2)), Phase::Ready, "the first one has not given its memory back yet");
    world.run_until(world.now + seconds(30));
    assert_eq!(phase(&world, &key(2)), Phase::Ready, "nothing was read since");
    world.read();
    assert_eq!(phase(&world, &key(2)), Phase::Stopping);
    world.run_until(world.now + seconds(30));
    watch(&mut world, seconds(600));
    assert_eq!(phase(&world, &key(3)), Phase::Ready, "it is enough");
    assert!(world.overview().pressures.iter().all(|pressure| !pressure.is_high));
    let told = |report: &&Report| matches!(report, Report::Pressure { kind: PressureKind::Vram, .. });
    assert_eq!(world.reports.iter().filter(told).count(), 1);
    let why = world.decisions(&key(1)).into_iter().find(|decided| decided.what == "evict").unwrap().reason;
    assert!(why.contains("vram") && why.contains("of 1000 B free") && why.contains("idle for 33 min"), "{why}");
}

/// A model that is used now and then would be lost to a game although a smaller load of it would do.
#[test]
fn one_that_is_idle_is_loaded_in_a_lesser_way_and_the_last_one_stays() {
    let mut world = world(1_000);
    let of = |n: u64| Profile { idle_timeout: Some(seconds(1_000)), ..with_ladder(n, 400) };
    world.budget = 4_000;
    ask(&mut world, 1, 1, of(1));
    ask(&mut world, 2, 2, of(2));
    world.run_until(seconds(600));
    world.others_on_gpu = 150;
    world.read();
    world.run_until(world.now + seconds(30));
    assert_eq!((world.modes[&key(1)], phase(&world, &key(1))), (Mode::CpuOffload, Phase::Ready));
    assert_eq!(world.modes[&key(2)], Mode::Gpu);
    assert!(
        world.reports.iter().all(|report| !matches!(report, Report::Unloaded { why: Unload::Pressure { .. }, .. }))
    );
    // What a program takes that holds nearly everything cannot be given to it: what is not past its timeout stays.
    let mut world = World::new(2, 400);
    world.gpu = 1_000;
    let of = |n: u64| Profile { idle_timeout: Some(seconds(2_000)), ..on_gpu(n, 50) };
    (1..=2).for_each(|n| ask(&mut world, n, n, of(n)));
    world.run_until(seconds(600));
    world.others_on_gpu = 900;
    watch(&mut world, seconds(1_200));
    assert!((1..=2).all(|n| phase(&world, &key(n)) == Phase::Ready));
    watch(&mut world, seconds(2_500));
    assert!((1..=2).all(|n| phase(&world, &key(n)) == Phase::Stopped), "past it they go");
}

/// The driver hangs: nothing is ended for a number that nobody has, and loads go on with a wider margin.
#[test]
fn a_driver_that_does_not_answer_ends_nothing_and_doubles_the_margin() {
    let mut world = world(100);
    let of = |n: u64| Profile { pressure_evict_only: true, ..on_gpu(n, 45) };
    (1..=2).for_each(|n| ask(&mut world, n, n, of(n)));
    world.run_until(seconds(2_000));
    let mut lost = world.readings();
    lost.devices = Reading::Unavailable("NVML did not answer within 10 s".into());
    for _ in 0..50 {
        world.happens(Event::Readings(lost.clone()));
        world.run_until(world.now + seconds(15));
    }
    assert!((1..=2).all(|n| phase(&world, &key(n)) == Phase::Ready));
    let overview = world.overview();
    assert_eq!(overview.margin_factor, 2);
    assert_eq!(overview.decisions.iter().filter(|decided| decided.what == "margin").count(), 1, "said once");
    world.read();
    assert_eq!(world.overview().margin_factor, 1);
    assert_eq!(phase(&world, &key(1)), Phase::Stopping, "known again");
}

#[test]
fn in_a_pause_nothing_is_started_or_ended_and_requests_are_answered() {
    let mut world = world(100);
    let of = Profile { idle_timeout: Some(seconds(60)), ..with_ladder(1, 45) };
    ask(&mut world, 1, 1, of.clone());
    world.happens(Event::Pause { paused: true });
    world.others_on_gpu = 55;
    watch(&mut world, seconds(3_000));
    assert_eq!(phase(&world, &key(1)), Phase::Ready);
    assert_eq!(world.state.deadline(), None);
    ask(&mut world, 2, 1, of);
    ask(&mut world, 3, 2, profile(2, 10));
    assert_eq!((world.outcome(2), world.outcome(3)), (Outcome::Done, Outcome::Done));
    world.happens(Event::Pause { paused: false });
    world.run_until(world.now + seconds(100));
    assert_eq!(phase(&world, &key(1)), Phase::Stopped);
}

/// The main model must come back however often it dies, and a person must hear of it each time.
#[test]
fn an_essential_server_is_restarted_for_ever_at_the_longest_wait() {
    let mut world = World::new(1, 100);
    world.fails_at_start.insert(key(1));
    let of = Profile { essential: true, ..profile(1, 40) };
    world.start(1, key(1), true, of.clone());
    world.run_until(seconds(86_400));
    assert_eq!(world.outcome(1), Outcome::Denied);
    let launches: Vec<Duration> = world.launches.iter().map(|(at, _)| *at).collect();
    assert!(launches.len() > 250 && launches.len() < 300, "{}", launches.len());
    let told = world.reports.iter().filter(|report| matches!(report, Report::EssentialDown { .. })).count();
    assert_eq!(told, launches.len() - 3, "each further one");
    world.fails_at_start.clear();
    world.run_until(world.now + seconds(400));
    assert_eq!(phase(&world, &key(1)), Phase::Ready);
    // Five healthy minutes without an answer reset nothing, with one they do.
    let crashes = |world: &World| world.overview().servers[0].crashes;
    world.run_until(world.now + seconds(400));
    assert!(crashes(&world) > 250);
    ask(&mut world, 2, 1, of);
    assert_eq!(crashes(&world), 0);
}
