//! Candidates out of thin air.

use crate::clock::Timestamp;
use crate::model::{Class, Damage, FileIdentity, ModelId, State, StoreKind};
use crate::prune::candidate::{Candidate, Evidence, LastUse, Piece};
use crate::prune::decide::Verdict;
use crate::prune::in_use::Use;
use crate::prune::plan;
use crate::prune::policy::Policy;
use crate::prune::target::{self, Pool, Space};
use std::time::Duration;

pub const DAY: i64 = 86_400_000;
pub const NOW: Timestamp = Timestamp(1_700_000_000_000);

pub fn days(n: u64) -> Duration {
    Duration::from_secs(n * 86_400)
}

/// A policy that takes whatever was not used for a month.
pub fn month() -> Policy {
    Policy { unused_for: Some(days(30)), ..Policy::default() }
}

/// A sound model of that name, used so many days ago and written the day before. Its inode is made from its name.
pub fn model(name: &str, used: i64) -> Candidate {
    let at = Timestamp(NOW.0 - used * DAY);
    let ino = name.bytes().fold(7u64, |n, b| n.wrapping_mul(31).wrapping_add(u64::from(b)));
    Candidate {
        id: Some(ModelId(name.to_owned())),
        name: name.to_owned(),
        store: StoreKind::Dir,
        root: "/m".into(),
        path: format!("/m/{name}.gguf").into(),
        state: Some(State::Ready),
        class: Class::Referenced,
        why: "a file of a folder that is scanned".into(),
        damage: None,
        pieces: vec![piece(ino, &format!("/m/{name}.gguf"), 100)],
        last_use: LastUse { at, evidence: Evidence::AccessTime },
        written: Timestamp(at.0 - DAY),
        changed: Timestamp(at.0 - DAY),
        pinned: false,
        kept_by: Vec::new(),
        tasks: 0,
        is_usable: true,
        content: None,
        stood_for_by: Vec::new(),
        is_read: true,
        download: None,
        stale: None,
        barred: None,
        also_named: Vec::new(),
    }
}

/// Bytes of that class without a model.
pub fn waste(name: &str, class: Class, used: i64) -> Candidate {
    let damage = (class == Class::Damaged).then_some(Damage::Structure);
    let why = "nothing leads to it".into();
    Candidate { id: None, state: None, class, damage, is_usable: false, why, ..model(name, used) }
}

pub fn piece(ino: u64, path: &str, allocated: u64) -> Piece {
    Piece {
        identity: FileIdentity { dev: 1, ino, size: allocated, mtime_ns: 0, ctime_ns: 0 },
        file: (1, ino),
        entries: vec![path.into()],
        allocated,
        links: 1,
        own_links: 1,
        is_projector: false,
        here: None,
    }
}

/// So many bytes are free on the one device that there is.
pub fn room(free: u64) -> Space {
    with_trash(free, 0)
}

/// The same with so many bytes in the trash there.
pub fn with_trash(free: u64, trash: u64) -> Space {
    Space { pools: vec![Pool { path: "/m".into(), free, trash }], of: [(1, 0)].into() }
}

/// What all rules together say, and what goes in its order.
pub fn decided(policy: &Policy, all: &[Candidate], space: &Space, now: Timestamp) -> (Vec<Verdict>, Vec<usize>) {
    used(policy, all, space, now, &mut |asked| vec![Use::Free; asked.len()])
}

pub fn used(
    policy: &Policy,
    all: &[Candidate],
    space: &Space,
    now: Timestamp,
    uses: plan::Uses<'_>,
) -> (Vec<Verdict>, Vec<usize>) {
    let mut verdicts = plan::judge(policy, all, now, uses);
    let going = target::limit(policy, all, &mut verdicts, space).going;
    (verdicts, going)
}

/// The names of what goes, in the order in which it goes.
pub fn gone(policy: &Policy, all: &[Candidate]) -> Vec<String> {
    let (_, going) = decided(policy, all, &Space::default(), NOW);
    going.into_iter().map(|at| all[at].name.clone()).collect()
}
