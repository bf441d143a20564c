//! Over stores that nobody thought of.

use super::*;
use proptest::prelude::*;

const FOLDERS: [&str; 6] = ["", "a", "a/b", "a/b/c", "d", "d/e"];

/// (folder, kind, what it is about)
fn entries() -> impl Strategy<Value = Vec<(usize, u8, u8)>> {
    proptest::collection::vec((0..FOLDERS.len(), 0..4u8, any::<u8>()), 1..14)
}

fn build(entries: &[(usize, u8, u8)]) -> (Shop, Vec<PathBuf>) {
    let shop = Shop::empty();
    let mut paths: Vec<PathBuf> = Vec::new();
    for (n, (folder, kind, about)) in entries.iter().enumerate() {
        let folder = shop.root.join(FOLDERS[*folder]);
        fs::create_dir_all(&folder).unwrap();
        let name = [format!("{n}-").as_bytes(), &[*about, b'x'][usize::from(matches!(about, 0 | b'/'))..]].concat();
        let path = folder.join(OsStr::from_bytes(&name));
        match (kind, paths.get(usize::from(*about) % paths.len().max(1))) {
            (1, Some(first)) if !first.is_symlink() => fs::hard_link(first, &path).unwrap(),
            (2, _) => symlink(format!("../{about}"), &path).unwrap(),
            _ => fs::write(&path, vec![*about; usize::from(*about) * 97]).unwrap(),
        }
        paths.push(path);
    }
    let paths = paths.into_iter().map(|p| p.strip_prefix(&shop.root).unwrap().to_owned()).collect();
    shop.age();
    (shop, paths)
}

/// A tree now and then, the rest one by one, then the folders.
fn order(shop: &Shop, paths: &[PathBuf], picks: &[bool], tree: Option<usize>) -> Order {
    let tree = tree.map(|t| FOLDERS[t]).filter(|t| !t.is_empty() && shop.root.join(t).is_dir());
    let mut steps: Vec<Step> = tree.map(|t| shop.tree(t)).into_iter().collect();
    let outside = |p: &Path| tree.is_none_or(|t| !p.starts_with(t));
    let picked = paths
        .iter()
        .zip(picks)
        .filter(|(p, pick)| **pick && outside(p) && shop.root.join(p).symlink_metadata().is_ok());
    steps.extend(picked.map(|(p, _)| Step::Move { path: p.clone(), seen: Seen::at(&shop.root.join(p)).unwrap() }));
    steps.extend(
        FOLDERS
            .iter()
            .rev()
            .filter(|f| !f.is_empty() && outside(Path::new(f)))
            .map(|f| Step::RemoveDir { path: f.into() }),
    );
    shop.order(steps)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_taken_comes_back_the_same(
        entries in entries(),
        picks in proptest::collection::vec(any::<[bool; 14]>(), 1..4),
        tree in proptest::option::of(0..FOLDERS.len()),
        kill in 0..60usize,
        shuffle in any::<u64>(),
    ) {
        let (shop, paths) = build(&entries);
        let before = shop.picture();
        let mut ids = Vec::new();
        for (n, picks) in picks.iter().enumerate() {
            let order = order(&shop, &paths, picks, tree.filter(|_| n == 0));
            if n == 1 {
                let now = shop.picture();
                let held = shop.hold();
                let known = ids.len();
                dies_at(kill, |hook| discard(&held, order, hook).map(drop));
                recover(&held, &mut go_on).unwrap();
                drop(held);
                let all = shop.listed();
                if all.len() == known {
                    same(&now, &shop.picture(), "undone");
                }
                ids = all.into_iter().map(|t| t.id).collect();
            } else {
                ids.push(shop.discard(order));
            }
        }
        let len = ids.len();
        ids.rotate_left(usize::try_from(shuffle % 97).unwrap() % len.max(1));
        for id in &ids {
            shop.restore(id);
        }
        same(&before, &shop.picture(), "restored");
        prop_assert!(shop.is_clean());
    }
}
