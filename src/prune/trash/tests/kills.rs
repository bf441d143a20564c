//! What a kill leaves.

use super::*;

/// Recovers, killed at its first point, then at its second, and so on until it comes to its end.
fn recover_killed_everywhere(shop: &Shop) {
    for n in 0.. {
        if dies_at(n, |hook| recover(&shop.hold(), hook)).is_none() {
            return;
        }
    }
}

fn recover_at_once(shop: &Shop) {
    for done in recover(&shop.hold(), &mut go_on).unwrap() {
        assert!(!matches!(done.ending, Ending::Failed(_) | Ending::Kept), "{done:?}");
    }
}

#[test]
fn a_kill_while_moving_leaves_everything_as_it_was_or_in_the_trash() {
    for again in [recover_at_once, recover_killed_everywhere] {
        for n in 0.. {
            let shop = Shop::new();
            let before = shop.picture();
            let died = dies_at(n, |hook| discard(&shop.hold(), shop.model(), hook));
            again(&shop);
            let Some(point) = died else { break };
            if let [item] = shop.listed().as_slice() {
                assert_eq!(point, Point::Marked);
                assert!(matches!(item.state, State::Complete));
                shop.restore(&item.id);
            }
            same(&before, &shop.picture(), &format!("killed at {n}, {point:?}"));
            assert!(shop.is_clean(), "{point:?}: {:?}", below(&shop.above));
        }
    }
}

#[test]
fn a_kill_while_restoring_leaves_it_restored_or_in_the_trash() {
    for again in [recover_at_once, recover_killed_everywhere] {
        for n in 0.. {
            let shop = Shop::new();
            let before = shop.picture();
            let id = shop.discard(shop.model());
            let gone = shop.picture();
            let died = dies_at(n, |hook| restore(&shop.hold(), &id, hook));
            again(&shop);
            let Some(point) = died else { break };
            if let [item] = shop.listed().as_slice() {
                assert!(matches!(item.state, State::Complete), "{item:?}");
                same(&gone, &shop.picture(), &format!("killed at {n}, {point:?}"));
                shop.restore(&item.id);
            }
            same(&before, &shop.picture(), &format!("killed at {n}, {point:?}"));
            assert!(shop.is_clean());
        }
    }
}

#[test]
fn a_kill_while_emptying_deletes_nothing_else_and_comes_to_its_end() {
    for again in [recover_at_once, recover_killed_everywhere] {
        for n in 0.. {
            let shop = Shop::new();
            let id = shop.discard(shop.model());
            let gone = shop.picture();
            let died = dies_at(n, |hook| empty(&shop.hold(), &id, hook));
            again(&shop);
            same(&gone, &shop.picture(), "the store");
            if died.is_none() {
                break;
            }
            assert!(shop.is_clean(), "{died:?}: {:?}", below(&shop.above));
        }
    }
}

#[test]
fn a_kill_in_an_undo_that_a_change_caused_loses_nothing() {
    for n in 0.. {
        let shop = Shop::new();
        let order = shop.model();
        // Taken while the steps before it are done.
        let late = shop.root.join("blobs").join(strange());
        let before = shop.picture();
        let mut is_written = false;
        let died = dies_at(n, |hook| {
            discard(&shop.hold(), order, &mut |point| {
                if point == Point::Before(6) && !is_written {
                    is_written = true;
                    set_mtime(&late, 5);
                }
                hook(point)
            })
        });
        recover_at_once(&shop);
        if is_written {
            set_mtime(&late, before[&Path::new("blobs").join(strange())].2);
        }
        for item in shop.listed() {
            shop.restore(&item.id);
        }
        same(&before, &shop.picture(), &format!("killed at {n}"));
        if died.is_none() {
            break;
        }
    }
}

#[test]
fn nothing_left_half_done_costs_a_settled_item() {
    let shop = Shop::new();
    let one = shop.order(vec![shop.mv("blobs/one")]);
    let id = shop.discard(one);
    let before = shop.picture();
    dies_at(6, |hook| discard(&shop.hold(), shop.order(vec![shop.tree("whole")]), hook)).unwrap();
    let done = recover(&shop.hold(), &mut go_on).unwrap();
    assert!(matches!(done.as_slice(), [Recovered { ending: Ending::Undone, .. }]), "{done:?}");
    assert!(recover(&shop.hold(), &mut go_on).unwrap().is_empty());
    same(&before, &shop.picture(), "undone");
    assert_eq!(shop.listed().iter().map(|t| t.id.as_str()).collect::<Vec<_>>(), [id]);
}

#[test]
fn what_cannot_be_undone_is_kept_as_an_item() {
    let shop = Shop::new();
    let order = shop.order(vec![shop.mv("blobs/one"), shop.mv("blobs/two"), shop.tree("whole")]);
    let n = (0..).find(|n| {
        let shop = Shop::new();
        let order = shop.order(
            order
                .steps
                .iter()
                .map(|s| match s {
                    Step::Tree { .. } => shop.tree("whole"),
                    other => shop.mv(other.path()),
                })
                .collect(),
        );
        dies_at(*n, |hook| discard(&shop.hold(), order, hook)) == Some(Point::After(2))
    });
    dies_at(n.unwrap(), |hook| discard(&shop.hold(), order, hook)).unwrap();
    fs::write(shop.root.join("blobs/one"), "downloaded again").unwrap();
    let done = recover(&shop.hold(), &mut go_on).unwrap();
    assert!(matches!(done.as_slice(), [Recovered { ending: Ending::Kept, .. }]), "{done:?}");
    assert_eq!(fs::read(shop.root.join("blobs/one")).unwrap(), b"downloaded again");
    assert!(shop.root.join("blobs/two").exists() && shop.root.join("whole/a/b/three").exists());
    let [item] = &shop.listed()[..] else { panic!() };
    assert!(matches!(item.state, State::Partly));
    let error = restore(&shop.hold(), &item.id, &mut go_on).unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(Fault::Occupied { path }) if path.ends_with("blobs/one")), "{error:?}");
    fs::remove_file(shop.root.join("blobs/one")).unwrap();
    shop.restore(&item.id);
    assert_eq!(fs::read(shop.root.join("blobs/one")).unwrap().len(), 5_000);
    assert!(shop.is_clean());
}

#[test]
fn an_item_without_a_journal_is_swept_if_it_is_empty_and_kept_if_not() {
    let shop = Shop::new();
    let held = shop.hold();
    let place = held.place().path().to_owned();
    fs::create_dir_all(place.join("0123456789ab/files")).unwrap();
    fs::write(place.join("0123456789ab/item.json.new"), "{\"for").unwrap();
    fs::create_dir_all(place.join("0123456789ac/files")).unwrap();
    fs::write(place.join("0123456789ac/files/0"), "bytes").unwrap();
    assert!(recover(&held, &mut go_on).unwrap().is_empty());
    let all = shop.listed();
    assert!(matches!(&all[..], [Trashed { state: State::Damaged(_), .. }]), "{all:?}");
    assert_eq!(fs::read(place.join("0123456789ac/files/0")).unwrap(), b"bytes");
}
