//! What is said to come free against what the file system has more of afterwards.

use super::kills::{STORES, most};
use super::run::*;
use super::worlds::World;
use crate::inventory::tests::trees::Tree;
use crate::prune::trash;
use crate::prune::trash::tests::places::Mount;
use rustix::fs::{CWD, Mode, OFlags, openat, statvfs, syncfs};
use std::path::Path;

/// Free bytes and the size of a block, after everything that is under way came to its end.
fn free(at: &Path) -> (u64, u64) {
    syncfs(openat(CWD, at, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap()).unwrap();
    let fs = statvfs(at).unwrap();
    (fs.f_bfree * fs.f_frsize, fs.f_frsize)
}

/// Nobody else writes there: each store on its own is pruned and deleted for good.
fn gains_what_was_promised(at: &Path) {
    for (store, deeds) in STORES {
        let mut world = World::within(Tree::within(at), deeds);
        world.scan();
        let all = world.candidates();
        let plan = most(&world, &all);
        assert!(plan.sums.freed > 0, "{store}");
        let (before, block) = free(at);
        let done = act(&world, &plan, &all, (0, true), &mut trash::go_on).unwrap();
        assert!(done.iter().all(|d| is_gone(&d.fate)), "{store}");
        let gain = free(at).0.checked_sub(before).unwrap();
        assert!(gain.abs_diff(plan.sums.freed) <= block, "{store}: promised {}, df gains {gain}", plan.sums.freed);
        println!("{store}: promised {}, df gains {gain}", plan.sums.freed);
    }
}

#[test]
fn df_gains_what_the_plan_says_on_a_tmpfs_of_its_own_if_root() {
    let dir = tempfile::tempdir().unwrap();
    let Some(_mount) = Mount::tmpfs(dir.path(), c"size=16m,mode=755") else { return };
    gains_what_was_promised(dir.path());
}

#[test]
fn df_gains_what_the_plan_says_on_an_ext4_of_its_own_if_root() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("volume");
    std::fs::create_dir(&at).unwrap();
    let Some(_mount) = Mount::ext4(&at, 64 << 20) else { return };
    gains_what_was_promised(&at);
}
