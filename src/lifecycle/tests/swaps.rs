//! Servers that give way and come back, and memory for other programs.

use super::super::{Answer, Class, Event, Phase, Profile, Report, ServerKey, Unload, Why};
use super::world::{Outcome, World, cpu, key, profile};
use std::time::Duration;

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn phase(world: &World, key: &ServerKey) -> Phase {
    world.state.views().into_iter().find(|view| view.key == *key).map_or(Phase::Stopped, |view| view.phase)
}

fn of(n: u64, bytes: u64) -> Profile {
    Profile { idle_timeout: Some(seconds(1_000)), ..profile(n, bytes) }
}

fn ask(world: &mut World, waiter: u64, n: u64, profile: Profile) {
    world.ask(waiter, key(n), Class::Normal, profile);
    world.run_until(world.now + seconds(30));
}

fn world() -> World {
    let mut world = World::new(1, 60);
    world.answer = (100, 101);
    world
}

/// The small model of every day stayed away after one question to the large one.
#[test]
fn one_that_gave_way_comes_back_when_the_other_one_is_idle() {
    let mut world = world();
    ask(&mut world, 1, 1, of(1, 40));
    ask(&mut world, 2, 2, Profile { idle_timeout: Some(seconds(400)), ..of(2, 40) });
    let queue = world.overview().swaps;
    assert_eq!((queue.len(), &*queue[0].name, &*queue[0].by_name), (1, "model-1", "model-2"));
    world.run_until(world.now + seconds(100));
    assert_eq!(phase(&world, &key(2)), Phase::Ready, "it is still warm");
    assert_eq!(world.overview().swaps[0].waits_for, "model-2 is in use");
    world.run_until(world.now + seconds(150));
    assert_eq!((phase(&world, &key(1)), phase(&world, &key(2))), (Phase::Ready, Phase::Stopped));
    assert!(world.overview().swaps.is_empty(), "the other one does not come back for it");
    let words: Vec<&str> = world.decisions(&key(1)).into_iter().map(|decided| decided.what).collect();
    assert_eq!(words, ["load", "evict", "restore", "load"]);
    let why = world.decisions(&key(1))[1].reason.clone();
    assert!(why.starts_with("model-2 needed 20 B more on CPU; it was warm"), "{why}");
    // Nothing goes to and fro.
    world.run_until(world.now + seconds(900));
    assert_eq!(world.launches.len(), 3);
}

#[test]
fn it_comes_back_at_once_when_the_other_one_is_gone_but_not_within_a_minute() {
    let mut world = world();
    ask(&mut world, 1, 1, of(1, 40));
    ask(&mut world, 2, 2, of(2, 40));
    world.stop(9, key(2), true);
    world.run_until(world.now + seconds(15));
    assert_eq!(phase(&world, &key(1)), Phase::Stopped);
    world.run_until(world.now + seconds(60));
    assert_eq!(phase(&world, &key(1)), Phase::Ready);
    // What a person stops stays away.
    ask(&mut world, 3, 2, of(2, 40));
    world.stop(10, key(1), true);
    world.stop(11, key(2), true);
    world.run_until(world.now + seconds(900));
    assert_eq!((phase(&world, &key(1)), phase(&world, &key(2))), (Phase::Stopped, Phase::Stopped));
}

#[test]
fn what_does_not_fit_yet_is_tried_seldom_and_comes_in_the_end() {
    let mut world = world();
    ask(&mut world, 1, 1, of(1, 40));
    ask(&mut world, 2, 2, of(2, 40));
    world.stop(9, key(2), true);
    world.run_until(world.now + seconds(15));
    world.others = 30;
    world.run_until(world.now + seconds(3_000));
    assert_eq!(phase(&world, &key(1)), Phase::Stopped);
    let tries = world.decisions(&key(1)).iter().filter(|decided| decided.what == "restore").count();
    assert!((3..12).contains(&tries), "{tries}");
    world.others = 0;
    world.run_until(world.now + seconds(700));
    assert_eq!(phase(&world, &key(1)), Phase::Ready);
}

/// Two programs that always want something had two models loaded in turn all day.
#[test]
fn two_models_swap_four_times_in_ten_minutes_and_then_the_higher_class_stays() {
    let mut world = world();
    world.answer = (8_000, 8_001);
    let (mut waiter, mut waits) = (0, Duration::ZERO);
    let mut asked: Vec<(u64, Duration)> = Vec::new();
    while world.now < seconds(1_800) {
        for (n, class) in [(1, Class::Interactive), (2, Class::Batch)] {
            waiter += 1;
            world.ask(waiter, key(n), class, of(n, 40));
            if n == 1 {
                asked.push((waiter, world.now));
            }
        }
        world.run_until(world.now + seconds(5));
        asked.retain(|(waiter, since)| {
            waits = waits.max(world.now - *since);
            world.outcome(*waiter) == Outcome::Waits
        });
    }
    let held: Vec<_> = world.reports.iter().filter(|report| matches!(report, Report::SwapHeld { .. })).collect();
    assert!(held.iter().all(|report| matches!(report, Report::SwapHeld { waits, .. } if *waits == key(2))), "{held:?}");
    assert!(!held.is_empty() && held.len() <= 3, "told, and not each time: {}", held.len());
    assert!(waits < seconds(120), "a person's model stays: {waits:?}");
    world.run_until(world.now + seconds(4_000));
    assert!((1..=waiter).all(|waiter| world.outcome(waiter) == Outcome::Done), "who waits is served in the end");
}

/// A chat program asks one model for the answer and another one for its title, every few seconds: with the limit alone
/// its user would wait for ten minutes at the third message, for memory that nobody needs.
#[test]
fn a_request_never_waits_for_the_memory_of_a_model_that_has_nothing_to_do() {
    let mut world = world();
    for waiter in 1..=40 {
        let asked = world.now;
        world.ask(waiter, key(waiter % 2), Class::Normal, of(waiter % 2, 40));
        world.run_until(asked + seconds(20));
        assert_eq!(world.outcome(waiter), Outcome::Done, "request {waiter}");
    }
    assert!(world.launches.len() >= 40);
    // By itself nothing comes back any more.
    let launches = world.launches.len();
    world.run_until(world.now + seconds(500));
    assert_eq!(world.launches.len(), launches);
}

#[test]
fn memory_for_another_program_is_freed_kept_and_given_back() {
    let mut world = world();
    ask(&mut world, 1, 1, of(1, 40));
    world.headroom(2, "comfy", cpu(50), seconds(120));
    world.run_until(world.now + seconds(20));
    assert_eq!(world.answers.last(), Some(&Answer::Headroom(Ok(vec!["model-1".into()]))));
    assert_eq!(world.used("CPU"), 50);
    // It is nobody's to take.
    ask(&mut world, 3, 2, of(2, 20));
    assert_eq!(world.outcome(3), Outcome::Denied);
    // Renewed: it lasts from now on.
    world.headroom(4, "comfy", cpu(50), seconds(120));
    assert_eq!(world.answers.last(), Some(&Answer::Headroom(Ok(Vec::new()))));
    world.headroom(5, "comfy", cpu(55), seconds(120));
    assert_eq!(world.outcome(5), Outcome::Denied, "other bytes are another reservation");
    let renewed = world.now;
    world.run_until(renewed + seconds(115));
    assert_eq!(world.used("CPU"), 50);
    // The program has died: its time ends, and the model comes back.
    world.run_until(renewed + seconds(150));
    assert_eq!((phase(&world, &key(1)), world.used("CPU")), (Phase::Ready, 40));
    assert!(world.reports.iter().any(|report| matches!(report, Report::Unloaded { why: Unload::Expired, .. })));
    assert_eq!(world.state.views().len(), 2, "the reservation is forgotten, the models are not");
    // Released by itself, and unknown after that.
    world.headroom(6, "tts", cpu(20), seconds(9_999));
    world.run_until(world.now + seconds(10));
    world.release(7, "tts");
    assert_eq!(world.answers.last(), Some(&Answer::Released(true)));
    world.run_until(world.now + seconds(10));
    world.release(8, "tts");
    assert_eq!(world.answers.last(), Some(&Answer::Released(false)));
    // What can never be free is refused at once, with who holds it.
    world.pinned.insert(key(1));
    world.happens(Event::Changed { key: key(1), profile: Profile { pinned: true, ..of(1, 40) } });
    world.headroom(9, "huge", cpu(50), seconds(60));
    world.run_until(world.now + seconds(10));
    let Some(Answer::Headroom(Err(denial))) = world.answers.last() else { panic!("{:?}", world.answers) };
    assert_eq!((denial.why, &*denial.holders[0].name), (Why::PinnedMemory, "model-1"));
}

#[test]
fn a_reservation_lasts_for_an_hour_at_most() {
    let mut world = world();
    world.headroom(1, "comfy", cpu(50), seconds(1_000_000));
    world.run_until(seconds(3_500));
    assert_eq!(world.used("CPU"), 50);
    world.run_until(seconds(3_700));
    assert_eq!(world.used("CPU"), 0);
}

#[test]
fn a_program_asks_for_one_swap_and_gets_it_or_hears_why_not() {
    let mut world = world();
    ask(&mut world, 1, 1, of(1, 40));
    world.swap(2, key(2), of(2, 40), vec![key(1)]);
    world.run_until(world.now + seconds(30));
    assert_eq!(world.answers.last(), Some(&Answer::Swap(Ok(vec!["model-1".into()]))));
    assert_eq!((phase(&world, &key(1)), phase(&world, &key(2))), (Phase::Stopped, Phase::Ready));
    assert_eq!(world.overview().swaps.len(), 1, "it comes back");
    world.swap(3, key(2), of(2, 40), Vec::new());
    assert_eq!(world.answers.last(), Some(&Answer::Swap(Ok(Vec::new()))), "it is there");
    // One that answers stays, and so does a pinned one.
    world.answer = (60_000, 60_001);
    world.ask(4, key(2), Class::Normal, of(2, 40));
    world.swap(5, key(1), of(1, 40), vec![key(2)]);
    let why = |world: &World| match world.answers.last() {
        Some(Answer::Swap(Err(denial))) => (denial.why, denial.message.clone()),
        other => panic!("{other:?}"),
    };
    assert_eq!(why(&world), (Why::NoMemory, "model-2 is in use".into()));
    world.run_until(world.now + seconds(70));
    world.pinned.insert(key(2));
    world.happens(Event::Changed { key: key(2), profile: Profile { pinned: true, ..of(2, 40) } });
    world.swap(6, key(1), of(1, 40), vec![key(2)]);
    assert_eq!(why(&world).0, Why::PinnedMemory);
    // Named ones that are not enough: no others go instead.
    world.swap(7, key(3), of(3, 61), vec![key(9)]);
    world.run_until(world.now + seconds(10));
    assert_eq!(world.outcome(7), Outcome::Denied);
}

/// Models were loaded at the start in an order that left no room for the one that mattered.
#[test]
fn the_start_loads_in_order_and_evicts_nothing() {
    let mut world = world();
    let all = [(1, 20), (2, 30), (3, 40), (4, 10)].map(|(n, bytes)| (key(n), of(n, bytes)));
    world.happens(Event::Preload(all.to_vec()));
    world.run_until(seconds(60));
    let up: Vec<u64> = (1..=4).filter(|n| phase(&world, &key(*n)) == Phase::Ready).collect();
    assert_eq!(up, [1, 2, 4]);
    let refused = world.decisions(&key(3));
    assert!(
        refused.iter().any(|d| d.what == "refuse" && d.reason.contains("no request is waiting for it")),
        "{refused:?}"
    );
    world.run_until(seconds(900));
    assert_eq!(world.launches.len(), 3, "it is not tried again and again");
}

/// A model that takes two minutes to load went for one that would have fitted in the place of a small idle one.
#[test]
fn of_equal_ones_the_longest_unused_goes_and_of_others_the_cheapest() {
    let mut world = World::new(3, 100);
    world.answer = (100, 101);
    (1..=3).for_each(|n| ask(&mut world, n, n, of(n, 30)));
    ask(&mut world, 4, 1, of(1, 30));
    ask(&mut world, 5, 4, of(4, 30));
    assert_eq!(phase(&world, &key(2)), Phase::Stopped);
    assert!([1, 3, 4].iter().all(|n| phase(&world, &key(*n)) == Phase::Ready), "none goes for nothing");
}

/// A process in state D holds its memory. Who needs it waited for ever.
#[test]
fn what_cannot_be_ended_keeps_its_memory_and_nobody_waits_for_it() {
    let mut world = World::new(3, 60);
    ask(&mut world, 1, 1, of(1, 40));
    let generation = 1;
    let effects = world.state.clone().step(world.now, Event::Stop { waiter: 2, key: key(1), now: true });
    assert!(!effects.is_empty());
    let mut state = world.state.clone();
    state.step(world.now, Event::Stop { waiter: 2, key: key(1), now: true });
    state.step(world.now, Event::Stuck { key: key(1), generation, reason: "it is in state D".into() });
    assert_eq!(state.views()[0].reserved, cpu(40));
    let profile = of(2, 40);
    let asked = state
        .step(world.now, Event::Acquire { waiter: 3, key: key(2), class: Class::Normal, is_retry: false, profile });
    assert_eq!(asked.len(), 1);
    let refusal = super::super::Refusal { short: cpu(20), capacity: cpu(60), ..Default::default() };
    let effects = state.step(world.now, Event::Refused { key: key(2), generation: 2, refusal });
    let [super::super::Effect::Deny { denial, .. }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((denial.why, denial.holders[0].why), (Why::PinnedMemory, "stuck"));
    assert_eq!(state.deadline(), None, "nothing loops on it");
    // It ends after all.
    state.step(world.now, Event::Stopped { key: key(1), generation });
    assert_eq!((state.views()[0].phase.clone(), state.views()[0].reserved.len()), (Phase::Stopped, 0));
}
