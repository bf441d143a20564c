//! Where the trash is, and whose.

use super::*;
use crate::testing::skip;
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_bind, unmount};
use std::os::unix::fs::{PermissionsExt, chown};

fn refused(shop: &Shop) -> Fault {
    match Place::open_or_create(&shop.root) {
        Err(fault) => fault,
        Ok(place) => panic!("{:?} was trusted", place.path()),
    }
}

#[test]
fn the_trash_is_beside_the_root_and_for_its_owner_alone() {
    let shop = Shop::new();
    assert!(Place::of(&shop.root).unwrap().is_none());
    let before = shop.picture();
    let held = shop.hold();
    assert_eq!(held.place().path(), shop.above.join(".model_trash"));
    assert_eq!(fs::metadata(held.place().path()).unwrap().mode() & 0o7777, 0o700);
    drop(held);
    assert!(shop.is_clean());
    same(&before, &shop.picture(), "nothing was moved");
}

#[test]
fn the_second_one_is_told_who_moves_things_and_since_when() {
    let shop = Shop::new();
    let held = shop.hold();
    let error = Place::open_or_create(&shop.root).unwrap().hold(Timestamp(2)).err().unwrap();
    let Fault::Busy { holder, .. } = &error else { panic!("{error}") };
    assert_eq!(*holder, Holder { pid: Some(std::process::id()), since: Some(Timestamp(1)) });
    let error = error.into_error();
    assert_eq!(crate::failure::classify(&error).0, crate::failure::Kind::Busy);
    assert!(format!("{error:#}").contains("since 1970-01-01T00:00:00Z"), "{error:#}");
    for nonsense in [&b""[..], b"\xff\xfe", b"-1 99999999999999999999999", &[b'9'; 4_000]] {
        fs::write(held.place().path().join("lock"), nonsense).unwrap();
        let error = Place::open_or_create(&shop.root).unwrap().hold(Timestamp(2)).err().unwrap();
        assert!(matches!(error, Fault::Busy { .. }));
    }
    let waiting = Place::open_or_create(&shop.root).unwrap();
    drop(held);
    // Its folder has gone with the lock: it does not work in one that nobody finds.
    assert!(waiting.hold(Timestamp(3)).is_err());
    drop(shop.hold());
}

#[test]
fn a_trash_that_others_could_have_written_to_is_not_trusted() {
    let shop = Shop::new();
    let place = shop.above.join(".model_trash");
    symlink("elsewhere", &place).unwrap();
    assert!(matches!(refused(&shop), Fault::Untrusted { .. }));
    assert!(matches!(Place::all(&shop.root).as_slice(), [Err(Fault::Untrusted { .. })]));
    fs::remove_file(&place).unwrap();
    fs::write(&place, "").unwrap();
    assert!(matches!(refused(&shop), Fault::Untrusted { .. }));
    fs::remove_file(&place).unwrap();
    fs::create_dir(&place).unwrap();
    for mode in [0o770, 0o702, 0o777] {
        fs::set_permissions(&place, fs::Permissions::from_mode(mode)).unwrap();
        assert!(matches!(refused(&shop), Fault::Untrusted { .. }), "{mode:o}");
    }
    fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).unwrap();
    drop(shop.hold());
    assert!(shop.is_clean());
}

#[test]
fn the_trash_of_another_user_is_left_to_them() {
    let shop = Shop::new();
    let place = shop.above.join(".model_trash");
    fs::create_dir(&place).unwrap();
    if chown(&place, Some(12_345), None).is_err() {
        skip("giving a folder away takes root");
        return;
    }
    let before = shop.picture();
    let id = shop.discard(shop.model());
    let own = format!(".model_trash-{}", rustix::process::geteuid().as_raw());
    assert_eq!(shop.listed()[0].folder, shop.above.join(&own).join(&id));
    shop.restore(&id);
    same(&before, &shop.picture(), "restored");
    // Theirs, for both names that anybody knows: one that nobody could take beforehand is left.
    fs::create_dir(shop.above.join(&own)).unwrap();
    chown(shop.above.join(&own), Some(12_345), None).unwrap();
    let ids = [shop.mv("blobs/one"), shop.mv("blobs/two")].map(|step| shop.discard(shop.order(vec![step])));
    let [one, two] = &shop.listed()[..] else { panic!("{:?}", shop.listed()) };
    assert_eq!(one.folder.parent(), two.folder.parent());
    let name = one.folder.parent().unwrap().file_name().unwrap();
    assert!(crate::model::is_trash(name) && name.to_str().unwrap().starts_with(&format!("{own}.")), "{name:?}");
    // Also when they give a name back.
    fs::remove_dir(shop.above.join(&own)).unwrap();
    assert_eq!(shop.listed().len(), 2);
    ids.iter().for_each(|id| shop.restore(id));
    same(&before, &shop.picture(), "restored");
    assert!(fs::read_dir(&place).unwrap().next().is_none());
}

/// A small file system of its own at a folder; None, said, where this process may not mount.
pub(in crate::prune) struct Mount(PathBuf);

impl Mount {
    pub fn tmpfs(at: &Path, options: &std::ffi::CStr) -> Option<Mount> {
        Mount::done(at, mount("none", at, "tmpfs", MountFlags::empty(), options))
    }

    pub fn bind(from: &Path, at: &Path) -> Option<Mount> {
        Mount::done(at, mount_bind(from, at))
    }

    /// An ext4 in a file beside the folder.
    #[expect(clippy::disallowed_methods, reason = "a test needs a file system that only other programs make")]
    pub fn ext4(at: &Path, bytes: u64) -> Option<Mount> {
        let image = at.with_extension("img");
        fs::File::create(&image).unwrap().set_len(bytes).unwrap();
        let run = |program: &str, args: &[&std::ffi::OsStr]| {
            let status = std::process::Command::new(program).args(args).status();
            let why = match status {
                Ok(status) if status.success() => return Some(()),
                Ok(status) => status.to_string(),
                Err(e) => e.to_string(),
            };
            skip(format_args!("cannot make an ext4: {program}: {why}"));
            None
        };
        let lazy = "lazy_itable_init=0,lazy_journal_init=0";
        run("mkfs.ext4", &["-q".as_ref(), "-F".as_ref(), "-E".as_ref(), lazy.as_ref(), image.as_ref()])?;
        run("mount", &["-o".as_ref(), "loop".as_ref(), image.as_ref(), at.as_ref()])?;
        Some(Mount(at.to_owned()))
    }

    fn done(at: &Path, done: rustix::io::Result<()>) -> Option<Mount> {
        done.map_err(|e| skip(format_args!("cannot mount: {e}"))).ok().map(|()| Mount(at.to_owned()))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        unmount(&self.0, UnmountFlags::DETACH).unwrap();
    }
}

#[test]
fn a_root_that_is_a_mount_point_has_its_trash_inside() {
    let shop = Shop::empty();
    let Some(_mount) = Mount::tmpfs(&shop.root, c"size=1m,mode=755") else { return };
    for file in ["a", "b"] {
        fs::write(shop.root.join(file), file).unwrap();
    }
    shop.age();
    let before = shop.picture();
    let a = shop.discard(shop.order(vec![shop.mv("a")]));
    assert_eq!(shop.listed()[0].folder, shop.root.join(".model_trash").join(&a));
    let b = shop.discard(shop.order(vec![shop.mv("b")]));
    shop.restore(&a);
    shop.restore(&b);
    same(&before, &shop.picture(), "restored");
}

#[test]
fn a_root_that_is_mounted_from_the_same_file_system_has_its_trash_inside() {
    let shop = Shop::new();
    let at = shop.above.join("bound");
    fs::create_dir(&at).unwrap();
    let Some(_mount) = Mount::bind(&shop.root, &at) else { return };
    let place = Place::open_or_create(&at).unwrap();
    assert_eq!(place.path(), at.join(".model_trash"));
    drop(place.hold(Timestamp(1)).unwrap());
}

#[test]
fn a_mount_inside_a_store_is_not_entered() {
    let shop = Shop::new();
    let Some(_mount) = Mount::tmpfs(&shop.root.join("whole/a"), c"size=1m") else { return };
    fs::write(shop.root.join("whole/a/precious"), "of somebody").unwrap();
    let before = shop.picture();
    for order in
        [shop.order(vec![shop.mv("whole/a/precious")]), shop.order(vec![shop.mv("blobs/one"), shop.tree("whole")])]
    {
        let outcome = discard(&shop.hold(), order, &mut go_on).unwrap();
        assert!(matches!(&outcome, Outcome::Skipped { .. }), "{outcome:?}");
        same(&before, &shop.picture(), "a mount");
    }
}

#[test]
fn what_was_moved_together_with_its_trash_comes_back_to_where_its_root_is_now() {
    let shop = Shop::empty();
    let (inner, moved) = (shop.above.join("a/store"), shop.above.join("b"));
    fs::create_dir_all(&inner).unwrap();
    let shop = Shop { root: inner.clone(), ..shop };
    for file in ["one", "two"] {
        fs::write(inner.join(file), file).unwrap();
    }
    let [one, two] = ["one", "two"].map(|file| shop.discard(shop.order(vec![shop.mv(file)])));
    fs::rename(shop.above.join("a"), &moved).unwrap();
    let hold = || Place::open_or_create(&moved.join("store")).unwrap().hold(Timestamp(1)).unwrap();
    assert_eq!(restore(&hold(), &one, &mut go_on).unwrap(), moved.join("store"));
    fs::rename(moved.join("store"), moved.join("renamed")).unwrap();
    let hold = || Place::all(&moved.join("store")).remove(0).unwrap().hold(Timestamp(1)).unwrap();
    assert_eq!(restore(&hold(), &two, &mut go_on).unwrap(), moved.join("renamed"));
    assert_eq!(fs::read(moved.join("renamed/one")).unwrap(), b"one");
    assert_eq!(fs::read(moved.join("renamed/two")).unwrap(), b"two");
}

#[test]
fn a_full_disk_loses_nothing_and_can_be_emptied() {
    let shop = Shop::empty();
    let Some(_mount) = Mount::tmpfs(&shop.root, c"size=256k,mode=755") else { return };
    fs::write(shop.root.join("model"), vec![1; 60_000]).unwrap();
    fs::write(shop.root.join("other"), vec![1; 60_000]).unwrap();
    let id = shop.discard(shop.order(vec![shop.mv("model")]));
    let mut fill = 0;
    while fs::write(shop.root.join(format!("fill-{fill}")), [0; 4_096]).is_ok() {
        fill += 1;
    }
    let before = shop.picture();
    let error = discard(&shop.hold(), shop.order(vec![shop.mv("other")]), &mut go_on).unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(Fault::Io { .. })), "{error:?}");
    assert_eq!(crate::failure::classify(&error).0, crate::failure::Kind::CannotMeet);
    let left: Vec<_> =
        before.keys().filter(|p| p.starts_with("other") || p.to_string_lossy().starts_with("fill")).collect();
    let now = shop.picture();
    assert!(left.iter().all(|p| now.contains_key(*p)));
    assert!(empty(&shop.hold(), &id, &mut go_on).unwrap().freed_bytes >= 60_000);
    assert!(shop.listed().is_empty());
}

#[test]
fn what_is_deleted_without_the_trash_goes_references_first_and_nothing_else_with_it() {
    let whole = Shop::new();
    let before = whole.picture();
    let Deleted::Whole(done) = delete(&whole.model(), &mut go_on).unwrap() else { panic!() };
    assert!(done.freed_bytes >= 14_000 && done.left.is_empty(), "{done:?}");
    let after = whole.picture();
    let stays = |path: &Path| path == Path::new("") || path.starts_with("other");
    let expected: Picture = before.into_iter().filter(|(path, _)| stays(path)).collect();
    same(&expected, &after, "what stays is as old as it was");
    assert!(whole.is_clean());
    // Wherever it is killed, no link is there without what it leads to.
    for n in 0.. {
        let shop = Shop::new();
        if dies_at(n, |hook| delete(&shop.model(), hook)).is_none() {
            break;
        }
        let link = shop.root.join("refs/deep/er/main");
        assert!(!link.is_symlink() || link.exists(), "killed at {n}");
    }
}

#[test]
fn what_has_changed_is_not_deleted_without_the_trash_either() {
    let shop = Shop::new();
    let order = shop.model();
    fs::write(shop.root.join("whole/new"), "of somebody").unwrap();
    let before = shop.picture();
    assert!(matches!(delete(&order, &mut go_on).unwrap(), Deleted::Skipped { .. }));
    same(&before, &shop.picture(), "untouched");
    fs::remove_file(shop.root.join("whole/new")).unwrap();
    // In the middle: what has gone is told, and what was changed is there.
    let order = shop.model();
    let two = shop.root.join("blobs/two");
    let done = delete(&order, &mut |point| {
        if point == Point::Before(6) {
            set_mtime(&two, 5);
        }
        Ok(())
    });
    let Deleted::Partly { gone, why, .. } = done.unwrap() else { panic!() };
    assert!(gone.contains(&shop.root.join("blobs/one")) && why.is_change(), "{gone:?}");
    assert!(two.exists());
}

#[test]
fn a_file_system_that_may_not_be_written_is_said_and_nothing_moves() {
    let shop = Shop::new();
    let Some(_mount) = Mount::bind(&shop.above, &shop.above) else { return };
    let read_only = MountFlags::BIND | MountFlags::RDONLY;
    rustix::mount::mount_remount(&shop.above, read_only, c"").unwrap();
    let before = shop.picture();
    let error = refused(&shop).into_error();
    assert_eq!(crate::failure::classify(&error).0, crate::failure::Kind::CannotMeet);
    assert!(format!("{error:#}").contains("Read-only"), "{error:#}");
    same(&before, &shop.picture(), "read-only");
}

/// Nothing in a folder, or a file, can be changed while this lives, not by root either. None, said, where that cannot be done.
pub(super) struct Shut(fs::File);

impl Shut {
    pub fn of(folder: &Path) -> Option<Shut> {
        let folder = fs::File::open(folder).unwrap();
        // Added to what is set: a file system refuses to take away how a file is stored.
        let done = rustix::fs::ioctl_getflags(&folder)
            .and_then(|flags| rustix::fs::ioctl_setflags(&folder, flags | rustix::fs::IFlags::IMMUTABLE));
        done.map_err(|e| skip(format_args!("nothing can be made immutable here: {e}"))).ok().map(|()| Shut(folder))
    }
}

impl Drop for Shut {
    fn drop(&mut self) {
        let flags = rustix::fs::ioctl_getflags(&self.0).unwrap();
        rustix::fs::ioctl_setflags(&self.0, flags - rustix::fs::IFlags::IMMUTABLE).unwrap();
    }
}

#[test]
fn a_folder_that_refuses_in_the_middle_undoes_the_rest() {
    let shop = Shop::new();
    let before = shop.picture();
    let mut shut = None;
    let result = discard(&shop.hold(), shop.model(), &mut |point| {
        if point == Point::Before(5) && shut.is_none() {
            shut = Some(Shut::of(&shop.root.join("blobs")));
        }
        Ok(())
    });
    let Some(Some(shut)) = shut else { return };
    drop(shut);
    let error = result.unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(Fault::Io { doing: "move", .. })), "{error:?}");
    assert_eq!(crate::failure::classify(&error).0, crate::failure::Kind::CannotMeet);
    same(&before, &shop.picture(), "undone");
    assert!(shop.is_clean());
}

#[test]
fn what_cannot_be_undone_now_is_said_and_undone_by_the_next_run() {
    let shop = Shop::new();
    let before = shop.picture();
    let mut shut = None;
    let result = discard(&shop.hold(), shop.model(), &mut |point| {
        if point == Point::Before(6) && shut.is_none() {
            shut = Some(Shut::of(&shop.root.join("blobs")));
        }
        Ok(())
    });
    let Some(Some(shut)) = shut else { return };
    let error = result.unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(Fault::HalfDone { .. })), "{error:?}");
    let done = recover(&shop.hold(), &mut go_on).unwrap();
    assert!(matches!(done.as_slice(), [Recovered { ending: Ending::Failed(_), .. }]), "{done:?}");
    drop(shut);
    let done = recover(&shop.hold(), &mut go_on).unwrap();
    assert!(matches!(done.as_slice(), [Recovered { ending: Ending::Undone, .. }]), "{done:?}");
    same(&before, &shop.picture(), "undone");
    assert!(shop.is_clean());
}

#[test]
fn a_restore_into_a_folder_that_refuses_leaves_the_item_whole() {
    let shop = Shop::new();
    let before = shop.picture();
    let id = shop.discard(shop.order(vec![shop.mv("refs/deep/er/main"), shop.mv("blobs/one")]));
    let Some(shut) = Shut::of(&shop.root.join("refs/deep/er")) else { return };
    let error = restore(&shop.hold(), &id, &mut go_on).unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(Fault::Io { .. })), "{error:?}");
    assert!(matches!(shop.listed()[..], [Trashed { state: State::Complete, .. }]));
    assert!(!shop.root.join("blobs/one").exists());
    drop(shut);
    shop.restore(&id);
    same(&before, &shop.picture(), "restored");
}
