//! Those who want a prune to write or delete where it should not.

use super::*;

fn refused(shop: &Shop, order: Order) -> Fault {
    let before = picture(&shop.above);
    let fault = match discard(&shop.hold(), order, &mut go_on) {
        Ok(Outcome::Skipped { why }) => why,
        Ok(other) => panic!("{other:?}"),
        Err(error) => error.downcast::<Fault>().unwrap(),
    };
    let mut after = picture(&shop.above);
    // The trash came and went.
    after.get_mut(Path::new("")).unwrap().2 = before[Path::new("")].2;
    same(&before, &after, &fault.to_string());
    fault
}

#[test]
fn a_path_that_is_not_plainly_inside_is_refused_whatever_is_there() {
    let shop = Shop::new();
    let precious = shop.above.join("precious");
    fs::write(&precious, "x").unwrap();
    let seen = Seen::at(&precious).unwrap();
    let inside = Seen::at(&shop.root.join("blobs/one")).unwrap();
    for path in [
        "../precious",
        "blobs/../../precious",
        "blobs/../blobs/one",
        "./blobs/one",
        "",
        "/etc/passwd",
        "blobs//one",
        "blobs/",
        "blobs/\0one",
        ".model_trash/x/files/0",
    ] {
        for seen in [seen.clone(), inside.clone()] {
            let fault = refused(&shop, shop.order(vec![Step::Move { path: path.into(), seen }]));
            assert!(matches!(fault, Fault::Path { .. }), "{path}: {fault}");
        }
        let fault = refused(&shop, shop.order(vec![Step::RemoveDir { path: path.into() }]));
        assert!(matches!(fault, Fault::Path { .. }), "{path}: {fault}");
        let Step::Tree { seen, mut listing, .. } = shop.tree("whole") else { panic!() };
        listing[0].path = path.into();
        let fault = refused(&shop, shop.order(vec![Step::Tree { path: "whole".into(), seen, listing }]));
        assert!(matches!(fault, Fault::Path { .. }), "{path}: {fault}");
    }
    for step in [shop.mv("whole/link"), Step::RemoveDir { path: "whole".into() }, shop.tree("whole")] {
        assert!(matches!(refused(&shop, shop.order(vec![shop.tree("whole"), step])), Fault::Path { .. }));
    }
    for root in ["store", "", "/../etc", "/tmp/./x", "/tmp//x"] {
        let order = Order { root: root.into(), ..shop.model() };
        assert!(matches!(refused(&shop, order), Fault::Path { .. }), "{root}");
    }
}

#[test]
fn a_link_in_place_of_a_folder_is_never_followed() {
    let shop = Shop::new();
    let order = shop.model();
    // The same files, elsewhere: only the way there tells.
    fs::rename(shop.root.join("blobs"), shop.above.join("elsewhere")).unwrap();
    symlink(shop.above.join("elsewhere"), shop.root.join("blobs")).unwrap();
    assert!(matches!(refused(&shop, order), Fault::Leaves { .. }));
    assert!(shop.above.join("elsewhere/one").exists());
}

#[test]
fn a_link_swapped_in_between_two_steps_undoes_the_first() {
    let shop = Shop::new();
    let order = shop.order(vec![shop.mv("refs/deep/er/main"), shop.mv("blobs/one")]);
    let (blobs, away) = (shop.root.join("blobs"), shop.above.join("away"));
    let outcome = discard(&shop.hold(), order, &mut |point| {
        if point == Point::Before(1) && !away.exists() {
            fs::rename(&blobs, &away).unwrap();
            symlink(&away, &blobs).unwrap();
        }
        Ok(())
    });
    assert!(matches!(outcome.unwrap(), Outcome::Skipped { why: Fault::Leaves { .. } }));
    assert!(shop.root.join("refs/deep/er/main").is_symlink() && away.join("one").exists());
    assert!(shop.listed().is_empty());
}

#[test]
fn a_link_swapped_in_before_a_restore_gets_nothing() {
    let shop = Shop::new();
    let id = shop.discard(shop.order(vec![shop.mv("blobs/one")]));
    let (blobs, away) = (shop.root.join("blobs"), shop.above.join("away"));
    fs::rename(&blobs, &away).unwrap();
    symlink(&away, &blobs).unwrap();
    let before = picture(&away);
    let error = restore(&shop.hold(), &id, &mut go_on).unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(Fault::Leaves { .. } | Fault::Occupied { .. })), "{error:?}");
    same(&before, &picture(&away), "elsewhere");
    fs::remove_file(&blobs).unwrap();
    fs::rename(&away, &blobs).unwrap();
    shop.restore(&id);
}

#[test]
fn a_root_that_became_a_link_or_another_folder_is_refused() {
    let shop = Shop::new();
    let order = shop.model();
    let real = shop.above.join("real");
    fs::rename(&shop.root, &real).unwrap();
    symlink(&real, &shop.root).unwrap();
    assert!(matches!(Place::open_or_create(&shop.root), Err(Fault::Leaves { .. })));
    fs::remove_file(&shop.root).unwrap();
    fs::create_dir_all(shop.root.join("blobs")).unwrap();
    fs::hard_link(real.join("blobs/one"), shop.root.join("blobs/one")).unwrap();
    let step = Step::Move { path: "blobs/one".into(), seen: Seen::at(&real.join("blobs/one")).unwrap() };
    assert!(matches!(refused(&shop, Order { steps: vec![step], ..order }), Fault::RootChanged { .. }));
    assert_eq!(picture(&real).len(), Shop::new().picture().len());
}

#[test]
fn the_way_down_by_names_follows_no_link_either() {
    use std::os::fd::AsFd;
    let shop = Shop::new();
    symlink("blobs", shop.root.join("alias")).unwrap();
    let top = fs::File::open(&shop.root).unwrap();
    let dev = Some(top.metadata().unwrap().dev());
    let down = |path: &str, dev| super::super::open_beneath::by_names(top.as_fd(), Path::new(path), dev).err();
    use rustix::io::Errno;
    assert_eq!(down("whole/a/b", dev), None);
    assert_eq!(down("alias", dev), Some(Errno::LOOP));
    assert_eq!(down("alias/x", dev), Some(Errno::LOOP));
    assert_eq!(down("whole/../..", dev), Some(Errno::LOOP));
    assert_eq!(down("blobs/one", dev), Some(Errno::NOTDIR));
    assert_eq!(down("none", dev), Some(Errno::NOENT));
    assert_eq!(down("whole", dev.map(|d| d + 1)), Some(Errno::XDEV));
}

/// Everything that could be done with it refuses, and nothing changes.
fn is_damaged(shop: &Shop, id: &str, text: &[u8]) {
    let place = shop.above.join(".model_trash");
    fs::write(place.join(id).join("item.json"), text).unwrap();
    let before = shop.picture();
    let held = shop.hold();
    let told = String::from_utf8_lossy(&text[..text.len().min(200)]).into_owned();
    for error in [restore(&held, id, &mut go_on).unwrap_err(), empty(&held, id, &mut go_on).unwrap_err()] {
        let fault: &Fault = error.downcast_ref().unwrap();
        assert!(matches!(fault, Fault::Damaged { .. } | Fault::Path { .. }), "{fault}: {told}");
        assert_eq!(crate::failure::classify(&error).0, crate::failure::Kind::CannotMeet);
    }
    for mark in ["complete", "purging", "restoring"] {
        fs::remove_file(place.join(id).join(mark)).unwrap_or(());
        let done = recover(&held, &mut go_on).unwrap();
        assert!(done.iter().all(|d| matches!(d.ending, Ending::Failed(_))), "{done:?}");
    }
    fs::write(place.join(id).join("complete"), "").unwrap();
    drop(held);
    assert_eq!(shop.listed().len(), 1);
    same(&before, &shop.picture(), &told);
    assert!(place.join(id).join("files/0").exists());
}

#[test]
fn a_forged_journal_is_listed_and_never_acted_on() {
    let shop = Shop::new();
    let id = shop.discard(shop.order(vec![shop.mv("blobs/one"), Step::RemoveDir { path: "refs".into() }]));
    let good = fs::read_to_string(shop.listed()[0].folder.join("item.json")).unwrap();
    let forged = |from: &str, to: &str| {
        assert!(good.contains(from), "{from} in {good}");
        good.replace(from, to).into_bytes()
    };
    let root = format!("\"root\":\"{}\"", shop.root.display());
    for text in [
        forged("\"blobs/one\"", "\"/etc/cron.d/x\""),
        forged("\"blobs/one\"", "\"../x\""),
        forged("\"blobs/one\"", "{\"hex\":\"2e2e2f78\"}"),
        forged("\"blobs/one\"", "{\"hex\":\"2e2\"}"),
        forged("\"blobs/one\"", "{\"hex\":\"zz\"}"),
        forged("\"path\":\"refs\"", "\"path\":\"../../refs\""),
        forged("\"format\":1", "\"format\":2"),
        forged(&id, "000000000000"),
        forged(&root, "\"root\":\"relative\""),
        forged(&root, "\"root\":\"/etc/..\""),
        b"".to_vec(),
        b"null".to_vec(),
        b"\xff\xfe\x00".to_vec(),
        "[".repeat(100_000).into_bytes(),
        good.as_bytes()[..good.len() / 2].to_vec(),
    ] {
        is_damaged(&shop, &id, &text);
    }
    // A true one, of another root: this is not its trash.
    is_damaged_elsewhere(&shop, &id, &forged(&root, "\"root\":\"/etc\""));
    // Far too long, and taking no room.
    let journal = shop.listed()[0].folder.join("item.json");
    fs::File::options().write(true).open(&journal).unwrap().set_len(1 << 40).unwrap();
    assert!(matches!(shop.listed()[0].state, State::Damaged(_)));
    fs::write(&journal, good).unwrap();
    shop.restore(&id);
}

fn is_damaged_elsewhere(shop: &Shop, id: &str, text: &[u8]) {
    let before = shop.picture();
    fs::write(shop.listed()[0].folder.join("item.json"), text).unwrap();
    let error = restore(&shop.hold(), id, &mut go_on).unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(Fault::Path { .. })), "{error:?}");
    same(&before, &shop.picture(), "another root");
}

#[test]
fn ids_that_are_no_ids_name_nothing() {
    let shop = Shop::new();
    let held = shop.hold();
    for id in
        ["", "..", ".", "lock", "../store", "/etc", "0123456789a", "0123456789abc", "01234 6789ab", "0123456789AB"]
    {
        let error = restore(&held, id, &mut go_on).unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(Fault::NoItem { .. })), "{id}: {error:?}");
        assert!(empty(&held, id, &mut go_on).is_err());
    }
}
