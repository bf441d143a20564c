//! `prune --free` from cron, night after night: a target costs no more models than it needs, whatever becomes of the trash
//! in between, and a target that is not reached is said.

use super::samples::*;
use crate::model::Class;
use crate::prune::candidate::{Candidate, Piece};
use crate::prune::policy::Policy;
use crate::prune::target::{Freeing, Limited, Pool, Reach, Space, limit};
use crate::prune::{decide::Verdict, in_use::Use, plan};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// What becomes of what a night removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ResolvedSteps {
    /// It stays in the trash.
    Trash,
    /// It is deleted at once.
    Purge,
    /// The trash is emptied for the target, the oldest first.
    EmptyTrash,
    /// What was in the trash for three nights expires.
    Expire,
}

const WAYS: [ResolvedSteps; 4] =
    [ResolvedSteps::Trash, ResolvedSteps::Purge, ResolvedSteps::EmptyTrash, ResolvedSteps::Expire];

/// A machine with one or two file systems.
#[derive(Debug, Clone)]
struct Machine {
    free: Vec<u64>,
    models: Vec<Candidate>,
    /// Device, bytes, the night in which it came.
    trash: Vec<(usize, u64, usize)>,
    gone: BTreeSet<String>,
}

impl Machine {
    fn new(free: &[u64], models: Vec<Candidate>) -> Machine {
        Machine { free: free.to_vec(), models, trash: Vec::new(), gone: BTreeSet::new() }
    }

    fn space(&self) -> Space {
        let pool = |at: usize| {
            let trash = self.trash.iter().filter(|(dev, ..)| *dev == at).map(|(_, bytes, _)| bytes).sum();
            Pool { path: format!("/{at}").into(), free: self.free[at], trash }
        };
        Space {
            pools: (0..self.free.len()).map(pool).collect(),
            of: (0..self.free.len()).map(|at| (at as u64 + 1, at)).collect(),
        }
    }

    fn night(&mut self, policy: &Policy, way: ResolvedSteps, night: usize) -> Limited {
        if way == ResolvedSteps::Expire {
            self.empty(&|_, came| came + 3 <= night);
        }
        let mut verdicts: Vec<Verdict> =
            plan::judge(policy, &self.models, NOW, &mut |asked| vec![Use::Free; asked.len()]);
        let limited = limit(policy, &self.models, &mut verdicts, &self.space());
        let wanted = policy.free.unwrap();
        if way == ResolvedSteps::EmptyTrash {
            self.empty_for(wanted);
        }
        let mut freeing = Freeing::default();
        for at in &limited.going {
            for (dev, freed) in freeing.take(&self.models[*at]) {
                match way {
                    ResolvedSteps::Purge => self.free[dev as usize - 1] += freed,
                    _ => self.trash.push((dev as usize - 1, freed, night)),
                }
            }
            self.gone.insert(self.models[*at].name.clone());
        }
        let going: BTreeSet<&usize> = limited.going.iter().collect();
        let left = self.models.iter().enumerate().filter(|(at, _)| !going.contains(at)).map(|(_, c)| c.clone());
        let mut left: Vec<Candidate> = left.collect();
        // A name of a hard link went.
        for piece in left.iter_mut().flat_map(|c| &mut c.pieces) {
            let gone = limited.going.iter().flat_map(|at| &self.models[*at].pieces);
            piece.links -= gone.filter(|p| p.file == piece.file).map(|p| p.own_links).sum::<u64>();
        }
        self.models = left;
        if way == ResolvedSteps::EmptyTrash {
            self.empty_for(wanted);
        }
        limited
    }

    fn empty(&mut self, which: &dyn Fn(usize, usize) -> bool) {
        for (dev, bytes, came) in std::mem::take(&mut self.trash) {
            match which(dev, came) {
                true => self.free[dev] += bytes,
                false => self.trash.push((dev, bytes, came)),
            }
        }
    }

    fn empty_for(&mut self, wanted: u64) {
        for dev in 0..self.free.len() {
            while self.free[dev] < wanted {
                let Some(at) = self.trash.iter().position(|(on, ..)| *on == dev) else { break };
                self.free[dev] += self.trash.remove(at).1;
            }
        }
    }
}

fn on(dev: u64, c: Candidate) -> Candidate {
    let pieces = c.pieces.into_iter().map(|mut p| {
        p.identity.dev = dev;
        p.file = (dev, p.file.1);
        p
    });
    Candidate { pieces: pieces.collect(), ..c }
}

/// So many models of one size, the first one used least recently.
fn models(n: usize, size: u64) -> Vec<Candidate> {
    let one = |at: usize| {
        let name = format!("m{at:02}");
        Candidate {
            pieces: vec![piece(at as u64 + 1, &format!("/m/{name}.gguf"), size)],
            ..model(&name, 200 - at as i64)
        }
    };
    (0..n).map(one).collect()
}

fn free(wanted: u64) -> Policy {
    Policy { free: Some(wanted), ..Policy::default() }
}

/// Twenty nights; gives the machine and how the last night's targets were.
fn twenty(mut machine: Machine, policy: &Policy, way: ResolvedSteps) -> (Machine, Vec<Reach>) {
    let mut reach = Vec::new();
    for night in 0..20 {
        let limited = machine.night(policy, way, night);
        reach = limited.targets.iter().map(|t| t.reach()).collect();
        // Whatever is short is said in that very night.
        for (free, target) in machine.free.iter().zip(&limited.targets) {
            assert!(*free >= target.wanted || target.reach() != Reach::Free, "night {night}: nothing was said");
        }
    }
    (machine, reach)
}

fn gone(machine: &Machine) -> Vec<&str> {
    machine.gone.iter().map(String::as_str).collect()
}

#[test]
fn a_small_target_costs_one_model_in_twenty_nights() {
    for way in WAYS {
        let (machine, reach) = twenty(Machine::new(&[70], models(12, 20)), &free(80), way);
        assert_eq!(gone(&machine), ["m00"], "{way:?}");
        let expected = if way == ResolvedSteps::Trash { Reach::Trash } else { Reach::Free };
        assert_eq!(reach, [expected], "{way:?}");
        assert_eq!(machine.free, [if way == ResolvedSteps::Trash { 70 } else { 90 }], "{way:?}");
    }
}

#[test]
fn what_is_free_or_in_the_trash_already_costs_nothing() {
    for way in WAYS {
        let (machine, reach) = twenty(Machine::new(&[90], models(12, 20)), &free(80), way);
        assert_eq!((gone(&machine).len(), reach.as_slice()), (0, &[Reach::Free][..]), "{way:?}");
        let mut full = Machine::new(&[10], models(12, 20));
        full.trash = vec![(0, 30, 0), (0, 50, 0), (0, 40, 0)];
        let (machine, reach) = twenty(full, &free(80), way);
        assert!(machine.gone.is_empty(), "{way:?}");
        match way {
            ResolvedSteps::Trash | ResolvedSteps::Purge => {
                assert_eq!((machine.trash.len(), reach[0]), (3, Reach::Trash))
            }
            // The two oldest were enough.
            ResolvedSteps::EmptyTrash => assert_eq!((machine.trash.len(), machine.free[0]), (1, 90)),
            ResolvedSteps::Expire => assert_eq!((machine.trash.len(), machine.free[0]), (0, 130)),
        }
    }
}

#[test]
fn a_target_that_cannot_be_reached_takes_what_it_may_once_and_says_by_how_much() {
    for way in WAYS {
        let mut models = models(12, 20);
        models[3].pinned = true;
        models[7].tasks = 1;
        let (machine, reach) = twenty(Machine::new(&[10], models), &free(1_000), way);
        assert_eq!(machine.gone.len(), 10, "{way:?}");
        assert_eq!(reach, [Reach::Missed(1_000 - 210)], "{way:?}");
    }
}

#[test]
fn pinned_models_are_passed_over() {
    for way in WAYS {
        let mut models = models(6, 20);
        models[..3].iter_mut().for_each(|c| c.pinned = true);
        let (machine, _) = twenty(Machine::new(&[50], models), &free(80), way);
        assert_eq!(gone(&machine), ["m03", "m04"], "{way:?}");
    }
}

#[test]
fn each_file_system_has_its_own_target() {
    for way in WAYS {
        let mut all: Vec<Candidate> = models(6, 20).into_iter().map(|c| on(1, c)).collect();
        all.extend(models(6, 20).into_iter().map(|c| on(2, Candidate { name: format!("n{}", c.name), ..c })));
        let (machine, _) = twenty(Machine::new(&[90, 50], all), &free(80), way);
        assert_eq!(gone(&machine), ["nm00", "nm01"], "{way:?}");
    }
}

#[test]
fn models_that_share_a_file_go_together_or_not_at_all() {
    for way in WAYS {
        let mut all = models(6, 20);
        // The two oldest have one file, which frees nothing until both are gone.
        let shared = Piece { links: 2, ..piece(99, "/m/shared", 20) };
        all[0].pieces = vec![shared.clone()];
        all[1].pieces = vec![shared];
        let (machine, _) = twenty(Machine::new(&[70], all.clone()), &free(80), way);
        assert_eq!(gone(&machine), ["m00", "m01"], "{way:?}");
        // With one of them pinned the file stays.
        all[1].pinned = true;
        let (machine, _) = twenty(Machine::new(&[70], all), &free(80), way);
        assert_eq!(gone(&machine), ["m02"], "{way:?}");
    }
}

#[test]
fn a_model_that_a_larger_one_makes_unnecessary_stays() {
    let mut all = models(4, 5);
    all[2].pieces[0].allocated = 200;
    for way in WAYS {
        let (machine, _) = twenty(Machine::new(&[70], all.clone()), &free(100), way);
        assert_eq!(gone(&machine), ["m02"], "{way:?}");
    }
    // Waste goes first all the same: nobody needs it.
    all[0] = waste("m00", Class::Orphan, 100);
    let (machine, _) = twenty(Machine::new(&[70], all), &free(180), ResolvedSteps::Purge);
    assert_eq!(gone(&machine), ["m00", "m02"]);
}

prop_compose! {
    fn machine()(
        room in prop::collection::vec(0..100u64, 1..3),
        sizes in prop::collection::vec((1..60u64, 0..2usize, 0..8u64, 0..10u8), 0..14),
        trash in prop::collection::vec((0..2usize, 1..60u64), 0..4),
    ) -> Machine {
        let devices = room.len();
        let models = sizes.iter().enumerate().map(|(at, (size, dev, shared, keep))| {
            let name = format!("m{at:02}");
            // Some have a second file with one of eight others.
            let dev = (*dev % devices) as u64 + 1;
            let mut pieces = vec![piece(100 + at as u64, &name, *size)];
            if *shared < 3 {
                let others = sizes.iter().filter(|(_, d, s, _)| s == shared && (*d % devices) as u64 + 1 == dev).count();
                pieces.push(Piece { links: others as u64, ..piece(*shared + 1, "shared", 10) });
            }
            on(dev, Candidate { pieces, pinned: *keep == 0, ..model(&name, 100 + at as i64) })
        });
        let mut machine = Machine::new(&room, models.collect());
        machine.trash = trash.into_iter().map(|(dev, bytes)| (dev % devices, bytes, 0)).collect();
        machine
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_one_model_too_many_and_the_target_reached_or_said(
        machine in machine(), wanted in 0..300u64, way in 0..4usize,
    ) {
        let before = machine.clone();
        let (after, reach) = twenty(machine, &free(wanted), WAYS[way]);
        // Whatever was removed in all those nights: without any single one of them a target would be missed.
        let room = |without: Option<&str>| -> Vec<u64> {
            let mut room = before.free.clone();
            for (dev, bytes, _) in &before.trash {
                room[*dev] += bytes;
            }
            let mut freeing = Freeing::default();
            for c in before.models.iter().filter(|c| after.gone.contains(&c.name) && Some(c.name.as_str()) != without) {
                for (dev, freed) in freeing.take(c) {
                    room[dev as usize - 1] += freed;
                }
            }
            room
        };
        let all = room(None);
        for name in &after.gone {
            let rest = room(Some(name));
            let is_needed = rest.iter().zip(&all).any(|(rest, all)| rest < all && *rest < wanted);
            prop_assert!(is_needed, "{name} was not needed: {rest:?} of {all:?} for {wanted}");
        }
        for (at, reach) in reach.iter().enumerate() {
            prop_assert_eq!(*reach == Reach::Missed(wanted.saturating_sub(all[at])), all[at] < wanted);
        }
    }
}
