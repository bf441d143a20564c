//! Others who work in the same store.

use super::places::Shut;
use super::*;

fn skipped(shop: &Shop, order: Order, why: &str) {
    let before = shop.picture();
    match discard(&shop.hold(), order, &mut go_on).unwrap() {
        Outcome::Skipped { why: said } => assert!(said.to_string().contains(why), "{said}"),
        other => panic!("{other:?}"),
    }
    same(&before, &shop.picture(), why);
    assert!(shop.is_clean());
}

#[test]
fn what_was_written_to_since_the_plan_is_left_alone() {
    let shop = Shop::new();
    let order = shop.model();
    fs::write(shop.root.join("blobs/two"), "new content").unwrap();
    skipped(&shop, order, "was written to");
    let order = shop.model();
    fs::remove_file(shop.root.join("blobs").join(strange())).unwrap();
    skipped(&shop, order, "no longer exists");
    let order = shop.order(vec![shop.mv("blobs/two"), shop.mv("refs/deep/er/main")]);
    let link = shop.root.join("refs/deep/er/main");
    fs::remove_file(&link).unwrap();
    symlink("../../../blobs/two", &link).unwrap();
    skipped(&shop, order, "refs/deep/er/main");
}

#[test]
fn a_folder_that_something_came_into_is_left_alone_with_it() {
    let shop = Shop::new();
    let order = shop.model();
    fs::write(shop.root.join("whole/a/b/four"), "a download").unwrap();
    skipped(&shop, order, "is new");
    let order = shop.order(vec![shop.mv("blobs/one"), shop.tree("whole")]);
    fs::write(shop.root.join("whole/a/b/three"), "more").unwrap();
    skipped(&shop, order, "was written to");
    let order = shop.order(vec![shop.mv("blobs/one"), shop.tree("whole")]);
    fs::remove_file(shop.root.join("whole/link")).unwrap();
    skipped(&shop, order, "no longer exists");
}

#[test]
fn a_file_that_changes_during_the_run_undoes_what_was_moved() {
    let shop = Shop::new();
    let before = shop.picture();
    let order = shop.model();
    let two = shop.root.join("blobs/two");
    let outcome = discard(&shop.hold(), order, &mut |point| {
        if point == Point::Before(6) {
            set_mtime(&two, 99);
        }
        Ok(())
    });
    assert!(matches!(outcome.unwrap(), Outcome::Skipped { .. }));
    set_mtime(&two, before[Path::new("blobs/two")].2);
    same(&before, &shop.picture(), "undone");
    assert!(shop.is_clean());
}

#[test]
fn what_came_into_a_trashed_folder_is_not_deleted_with_it() {
    let shop = Shop::new();
    let before = shop.picture();
    let id = shop.discard(shop.order(vec![shop.mv("blobs/one"), shop.tree("whole")]));
    let folder = shop.listed()[0].folder.clone();
    fs::write(folder.join("files/1/a/late"), "by somebody who had it open").unwrap();
    let emptied = empty(&shop.hold(), &id, &mut go_on).unwrap();
    assert_eq!(emptied.left, [folder.join("files/1/a/late")]);
    let [item] = &shop.listed()[..] else { panic!() };
    assert!(matches!(item.state, State::Partly));
    shop.restore(&id);
    assert_eq!(fs::read(shop.root.join("whole/a/late")).unwrap(), b"by somebody who had it open");
    assert!(!shop.root.join("whole/a/b").exists() && shop.is_clean());
    assert!(before.len() > shop.picture().len());
}

#[test]
fn nothing_that_is_there_again_is_overwritten() {
    for occupied in ["blobs/two", "whole", "refs"] {
        let shop = Shop::new();
        let before = shop.picture();
        let id = shop.discard(shop.model());
        fs::create_dir_all(shop.root.join(occupied).parent().unwrap()).unwrap();
        fs::write(shop.root.join(occupied), "again").unwrap();
        let now = shop.picture();
        let error = restore(&shop.hold(), &id, &mut go_on).unwrap_err();
        assert!(
            matches!(error.downcast_ref(), Some(Fault::Occupied { path }) if path.ends_with(occupied)),
            "{error:?}"
        );
        assert_eq!(crate::failure::classify(&error).0, crate::failure::Kind::CannotMeet);
        same(&now, &shop.picture(), occupied);
        fs::remove_file(shop.root.join(occupied)).unwrap();
        shop.restore(&id);
        let content = |p: Picture| p.into_iter().map(|(p, (m, _, _, i, c))| (p, m, i, c)).collect::<Vec<_>>();
        assert_eq!(content(before), content(shop.picture()));
    }
}

#[test]
fn what_comes_in_the_way_of_a_restore_sends_it_back_to_the_trash() {
    let shop = Shop::new();
    let before = shop.picture();
    let id = shop.discard(shop.order(vec![shop.mv("blobs/one"), shop.mv("blobs/two")]));
    let mut is_written = false;
    let one = shop.root.join("blobs/one");
    let error = restore(&shop.hold(), &id, &mut |point| {
        if point == Point::Before(0) && !is_written {
            is_written = true;
            fs::write(&one, "again").unwrap();
        }
        Ok(())
    });
    assert!(matches!(error.unwrap_err().downcast_ref(), Some(Fault::Occupied { .. })));
    assert!(!shop.root.join("blobs/two").exists());
    assert!(matches!(shop.listed()[..], [Trashed { state: State::Complete, .. }]));
    fs::remove_file(&one).unwrap();
    shop.restore(&id);
    assert_eq!(before.keys().collect::<Vec<_>>(), shop.picture().keys().collect::<Vec<_>>());
}

#[test]
fn emptying_tells_what_the_disk_gains() {
    let shop = Shop::new();
    let blocks = |p: &str| fs::metadata(shop.root.join(p)).unwrap().blocks() * 512;
    let expected = blocks("blobs/one") + blocks("whole/a/b/three");
    let odd = fs::metadata(shop.root.join("blobs").join(strange())).unwrap().blocks() * 512;
    let id = shop.discard(shop.model());
    assert!(shop.listed()[0].bytes > expected);
    let emptied = empty(&shop.hold(), &id, &mut go_on).unwrap();
    // The other name of `two` is still in the store.
    assert_eq!((emptied.freed_bytes, emptied.left.len()), (expected + odd, 0));
    assert_eq!(fs::metadata(shop.root.join("other/two-again")).unwrap().nlink(), 1);
    assert!(shop.is_clean());
}

#[test]
fn an_item_that_lost_something_is_not_restored_by_half() {
    let shop = Shop::new();
    let id = shop.discard(shop.order(vec![shop.mv("blobs/one"), shop.mv("blobs/two")]));
    fs::remove_file(shop.listed()[0].folder.join("files/1")).unwrap();
    let error = restore(&shop.hold(), &id, &mut go_on).unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(Fault::Missing { path }) if path.ends_with("blobs/two")), "{error:?}");
    let error = restore(&shop.hold(), "zzzzzzzzzzzz", &mut go_on).unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(Fault::NoItem { .. })));
}

#[test]
fn an_item_of_which_nothing_could_be_deleted_can_be_restored() {
    let shop = Shop::new();
    let before = shop.picture();
    let id = shop.discard(shop.order(vec![shop.mv("blobs/one"), shop.mv("blobs/two")]));
    let Some(stuck) = Shut::of(&shop.listed()[0].folder.join("files/0")) else { return };
    let error = empty(&shop.hold(), &id, &mut go_on).unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(Fault::Io { .. })), "{error:?}");
    drop(stuck);
    assert!(matches!(shop.listed()[0].state, State::Complete), "nothing of it was begun");
    assert!(recover(&shop.hold(), &mut go_on).unwrap().is_empty(), "there is nothing to complete");
    shop.restore(&id);
    same(&before, &shop.picture(), "restored");
}

#[test]
fn what_is_deleted_by_half_is_told_and_a_restore_does_not_delete_the_rest() {
    let shop = Shop::new();
    let id = shop.discard(shop.order(vec![shop.mv("blobs/one"), shop.mv("blobs/two")]));
    let rest = shop.listed()[0].folder.join("files/1");
    let Some(stuck) = Shut::of(&rest) else { return };
    let error = empty(&shop.hold(), &id, &mut go_on).unwrap_err();
    let only = [shop.root.join("blobs/one")];
    assert!(matches!(error.downcast_ref(), Some(Fault::HalfDeleted { gone, .. }) if *gone == only), "{error:?}");
    drop(stuck);
    assert!(matches!(shop.listed()[0].state, State::Purging));
    assert!(
        recover_within(
            &shop.hold(),
            &Scope { is_spared: &|asked, _| asked == id, may_restore: &|_, _, _| true },
            &mut go_on
        )
        .unwrap()
        .is_empty()
    );
    let error = restore(&shop.hold(), &id, &mut go_on).unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(Fault::BeingDeleted { gone, .. }) if *gone == only), "{error:?}");
    assert!(rest.exists());
    let done = recover(&shop.hold(), &mut go_on).unwrap();
    assert!(matches!(done.as_slice(), [Recovered { ending: Ending::Deleted(_), .. }]), "{done:?}");
    assert!(!rest.exists());
}

#[test]
fn a_kill_before_anything_was_deleted_leaves_what_can_be_restored() {
    let shop = Shop::new();
    let before = shop.picture();
    let id = shop.discard(shop.model());
    assert_eq!(dies_at(0, |hook| empty(&shop.hold(), &id, hook)), Some(Point::Marked));
    assert!(matches!(shop.listed()[0].state, State::Purging));
    shop.restore(&id);
    same(&before, &shop.picture(), "restored");
    let id = shop.discard(shop.model());
    assert_eq!(dies_at(1, |hook| empty(&shop.hold(), &id, hook)), Some(Point::Deleted));
    let error = restore(&shop.hold(), &id, &mut go_on).unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(Fault::BeingDeleted { gone, .. }) if gone.len() == 1), "{error:?}");
}

#[test]
fn one_of_several_that_has_changed_keeps_none_of_the_others_back() {
    let shop = Shop::new();
    let orders = ["blobs/one", "blobs/two", "other/kept"].map(|path| shop.order(vec![shop.mv(path)]));
    fs::write(shop.root.join("blobs/two"), "written meanwhile").unwrap();
    let asks = orders.into_iter().map(|order| Ask { order, holds: &|| Ok(()) });
    let held = shop.hold();
    let done = discard_all(&held, asks.collect(), &mut go_on).unwrap();
    let ids: Vec<Option<String>> = done
        .into_iter()
        .map(|outcome| match outcome.unwrap() {
            Outcome::Trashed { id } => Some(id),
            _ => None,
        })
        .collect();
    assert!(ids[0].is_some() && ids[1].is_none() && ids[2].is_some(), "{ids:?}");
    assert!(shop.root.join("blobs/two").exists() && !shop.root.join("blobs/one").exists());
    let mut ids: Vec<String> = ids.into_iter().flatten().collect();
    ids.push("0123456789ab".to_owned());
    let emptied = empty_all(&held, &ids, &mut go_on).unwrap();
    assert_eq!(emptied.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, true, false]);
    drop(held);
    assert!(shop.listed().is_empty());
}

/// As when the copy that was to stay is the same file through another mount.
#[test]
fn what_goes_because_something_else_stays_comes_back_at_once_when_that_went_along() {
    let shop = Shop::new();
    let before = shop.picture();
    let stays = shop.root.join("other/two-again");
    let holds = || if stays.exists() { Ok(()) } else { Err(stays.clone()) };
    let order = || shop.order(vec![shop.mv("blobs/two"), shop.mv("other/two-again")]);
    let outcome = discard_while(&shop.hold(), order(), &holds, &mut go_on).unwrap();
    assert!(matches!(outcome, Outcome::Skipped { why: Fault::WentAlong { .. } }), "{outcome:?}");
    same(&before, &shop.picture(), "undone");
    assert!(shop.is_clean());
    // A kill before it was found out.
    for n in 0.. {
        let died = dies_at(n, |hook| discard_while(&shop.hold(), order(), &holds, hook));
        recover(&shop.hold(), &mut go_on).unwrap();
        same(&before, &shop.picture(), &format!("killed at {n}"));
        if died.is_none() {
            break;
        }
    }
}
