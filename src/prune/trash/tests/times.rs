//! The times of folders, for backups and for those who sort by them.

use super::*;

fn three(shop: &Shop) -> [String; 3] {
    let one = shop.discard(shop.order(vec![shop.mv("blobs/one")]));
    let two = shop.discard(shop.order(vec![shop.mv("refs/deep/er/main"), shop.mv("blobs/two")]));
    let rest = ["refs/deep/er", "refs/deep", "refs", "blobs"].map(|d| Step::RemoveDir { path: d.into() });
    let mut steps = vec![shop.mv(strange()), shop.tree("whole")];
    steps.extend(rest);
    let three = shop.discard(shop.order(steps));
    assert!(!shop.root.join("blobs").exists() && !shop.root.join("refs").exists());
    [one, two, three]
}

#[test]
fn models_of_one_folder_go_back_in_any_order_and_leave_no_trace() {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let shop = Shop::new();
        let before = shop.picture();
        let ids = three(&shop);
        for n in order {
            shop.restore(&ids[n]);
        }
        same(&before, &shop.picture(), &format!("{order:?}"));
        assert!(shop.is_clean());
    }
}

#[test]
fn a_folder_that_somebody_else_changed_keeps_the_time_of_that() {
    let shop = Shop::new();
    let id = shop.discard(shop.order(vec![shop.mv("blobs/one"), shop.tree("whole")]));
    fs::write(shop.root.join("blobs/new"), "").unwrap();
    let changed = fs::metadata(shop.root.join("blobs")).unwrap().mtime();
    shop.restore(&id);
    assert!(fs::metadata(shop.root.join("blobs")).unwrap().mtime() >= changed);
    assert_eq!(fs::metadata(&shop.root).unwrap().mtime(), 1_600_000_000);
}

#[test]
fn what_is_left_in_a_folder_is_as_old_as_it_was() {
    let shop = Shop::new();
    let before = fs::metadata(shop.root.join("blobs")).unwrap().mtime();
    let [one, two, three] = three(&shop);
    empty(&shop.hold(), &two, &mut go_on).unwrap();
    shop.restore(&three);
    shop.restore(&one);
    assert_eq!(fs::metadata(shop.root.join("blobs")).unwrap().mtime(), before);
    assert!(shop.is_clean());
}

#[test]
fn a_log_full_of_nonsense_costs_times_and_nothing_else() {
    let shop = Shop::new();
    let before = shop.picture();
    let id = shop.discard(shop.model());
    let log = shop.listed()[0].folder.join("log");
    fs::write(&log, b"after 999999999999999999999 1\nafter 0 x\nmade\nwant 1 9\xff\n\n \nchain 2 gone 5\nafter 0")
        .unwrap();
    shop.restore(&id);
    let plain = |p: Picture| {
        p.into_iter().map(|(path, (mode, _, _, ino, content))| (path, mode, ino, content)).collect::<Vec<_>>()
    };
    assert_eq!(plain(before), plain(shop.picture()));
}

/// As on a disk that is full when half of it is back.
#[test]
fn a_restore_that_is_given_up_leaves_the_times_of_folders_as_they_were() {
    let shop = Shop::new();
    let before = shop.picture();
    let id = shop.discard(shop.order(vec![shop.mv("refs/deep/er/main"), shop.mv("blobs/one")]));
    let way = shop.root.join("refs/deep/er/main");
    let given_up = restore(&shop.hold(), &id, &mut |point| {
        if point == Point::Before(0) && way.symlink_metadata().is_err() {
            assert!(shop.root.join("blobs/one").exists(), "half of it is back");
            fs::write(&way, "in the way").unwrap();
        }
        Ok(())
    });
    assert!(given_up.is_err() && !shop.root.join("blobs/one").exists());
    let time = |path: &str| (path.to_owned(), shop.picture()[Path::new(path)].2);
    for path in ["", "blobs", "refs"] {
        assert_eq!(time(path), (path.to_owned(), before[Path::new(path)].2), "given up");
    }
    fs::remove_file(&way).unwrap();
    shop.restore(&id);
    for path in ["", "blobs", "blobs/one", "refs"] {
        assert_eq!(time(path), (path.to_owned(), before[Path::new(path)].2), "restored");
    }
}

#[test]
fn many_items_go_back_into_a_folder_that_has_changed_since() {
    let shop = Shop::empty();
    let name = |n: usize| format!("m{n}");
    (0..40).for_each(|n| fs::write(shop.root.join(name(n)), "bytes").unwrap());
    shop.age();
    let ids: Vec<String> = (0..40).map(|n| shop.discard(shop.order(vec![shop.mv(name(n))]))).collect();
    fs::write(shop.root.join("new"), "").unwrap();
    let held = shop.hold();
    for id in ids.iter().rev() {
        restore(&held, id, &mut go_on).unwrap();
    }
    drop(held);
    assert_eq!(fs::read_dir(&shop.root).unwrap().count(), 41);
    assert!(shop.is_clean());
}

/// As on a machine that is so busy that a run waits for long between its note and its move, and is killed after that.
#[test]
fn a_move_long_after_its_note_is_known_as_ours() {
    let note_long_ago = |shop: &Shop| {
        below(&shop.above).iter().filter(|p| p.ends_with("log")).for_each(|log| set_mtime(&shop.above.join(log), 1));
    };
    for restores in [false, true] {
        for n in 0.. {
            let shop = Shop::new();
            let before = shop.picture();
            let order = shop.order(vec![shop.mv("refs/deep/er/main"), shop.mv("blobs/one"), shop.tree("whole")]);
            let died = if restores {
                let id = shop.discard(order);
                dies_at(n, |hook| restore(&shop.hold(), &id, hook))
            } else {
                dies_at(n, |hook| discard(&shop.hold(), order, hook))
            };
            note_long_ago(&shop);
            recover(&shop.hold(), &mut go_on).unwrap();
            for item in shop.listed() {
                shop.restore(&item.id);
            }
            same(&before, &shop.picture(), &format!("killed at {n}, {died:?}"));
            if died.is_none() {
                break;
            }
        }
    }
}
