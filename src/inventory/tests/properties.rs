use super::trees::{apply, facts};
use crate::clock::Timestamp;
use crate::inventory::{Coverage, DiffInput, Entry, diff, group};
use crate::model::{Artifact, Fault, FileIdentity, Model, ModelId, Role, ScanOutcome, State, StoreKind};
use proptest::prelude::*;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A small world: a file is a place and what lies there. Few values, so that collisions, moves and swaps are common.
#[derive(Debug, Clone)]
struct File {
    dir: u8,
    name: u8,
    content: u8,
    ino: u8,
}

fn files() -> impl Strategy<Value = Vec<File>> {
    let file = (0u8..3, 0u8..6, 0u8..4, 0u8..8).prop_map(|(dir, name, content, ino)| File { dir, name, content, ino });
    prop::collection::vec(file, 0..12)
}

/// Names 4 and 5 are parts of a set.
fn path(file: &File) -> PathBuf {
    let name = match file.name {
        n @ 0..4 => format!("m{n}.gguf"),
        n => format!("s-0000{}-of-00002.gguf", n - 3),
    };
    PathBuf::from(format!("/r/{}/{name}", file.dir))
}

fn found(files: &[File]) -> Vec<Model> {
    let root: Arc<Path> = Arc::from(Path::new("/r"));
    let mut paths = HashSet::new();
    let mut inodes = HashSet::new();
    let entry = |file: &File| {
        let fresh = paths.insert(path(file)) && inodes.insert(file.ino);
        let split = if file.name > 3 { format!(" split={}/2", file.name - 4) } else { String::new() };
        let header = match file.content {
            0 => Err(Fault::damaged("not a GGUF file")),
            n => Ok(facts(&format!("c={n}{split}"))),
        };
        fresh.then(|| Entry {
            name: None,
            set: None,
            store: StoreKind::Dir,
            root: Arc::clone(&root),
            repo: None,
            artifact: Artifact {
                path: path(file),
                target: None,
                also: vec![],
                identity: FileIdentity {
                    dev: 1,
                    ino: file.ino.into(),
                    size: file.content.into(),
                    mtime_ns: 0,
                    ctime_ns: 0,
                },
                allocated: 0,
                role: Role::Main,
                shard_no: None,
                expected_sha256: None,
                header,
            },
        })
    };
    group(files.iter().filter_map(entry).collect())
}

fn compare(known: &[Model], found: Vec<Model>, coverage: &dyn Fn(&Path) -> Coverage) -> crate::inventory::Diff {
    diff(DiffInput { known: known.to_vec(), found, coverage, taken: HashSet::new(), now: Timestamp(7) })
}

fn keep(known: &mut Vec<Model>, diff: &crate::inventory::Diff) {
    let outcome = ScanOutcome {
        write: diff.write.clone(),
        gone: diff.gone.clone(),
        unavailable: diff.unavailable.clone(),
        ..ScanOutcome::default()
    };
    apply(known, &outcome);
}

/// Folders by their number: 0 is read, 1 and 2 as told.
fn coverage(of: [u8; 2]) -> impl Fn(&Path) -> Coverage {
    move |path: &Path| {
        let dir = path.strip_prefix("/r").ok().and_then(|p| p.components().next()).map(|c| c.as_os_str().to_owned());
        let how = match dir.as_ref().and_then(|d| d.to_str()) {
            Some("1") => of[0],
            Some("2") => of[1],
            _ => 0,
        };
        match how {
            0 => Coverage::Read,
            1 => Coverage::Unavailable("not mounted".into()),
            _ => Coverage::Outside,
        }
    }
}

/// What a scan with that coverage can find.
fn visible(files: &[File], of: [u8; 2]) -> Vec<File> {
    files.iter().filter(|f| f.dir == 0 || of[usize::from(f.dir) - 1] == 0).cloned().collect()
}

fn by_id(models: &[Model]) -> HashMap<ModelId, State> {
    models.iter().map(|m| (m.id.clone(), m.state)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn after_any_history_a_second_look_finds_nothing_new(
        history in prop::collection::vec((files(), [0u8..3, 0u8..3]), 1..5),
    ) {
        let mut known: Vec<Model> = Vec::new();
        for (files, of) in history {
            let coverage = coverage(of);
            let seen = found(&visible(&files, of));
            let first = compare(&known, seen.clone(), &coverage);
            keep(&mut known, &first);
            prop_assert_eq!(by_id(&known).len(), known.len(), "ids are unique");
            let second = compare(&known, seen.clone(), &coverage);
            prop_assert!(second.write.is_empty() && second.changes.is_empty(), "{:?}", second.changes);
            prop_assert_eq!(second.counts.unchanged, seen.len() as u64);
        }
    }

    #[test]
    fn nothing_in_an_unavailable_or_unvisited_place_is_gone_or_moved(
        before in files(),
        after in files(),
        of in [0u8..3, 0u8..3],
    ) {
        let mut known = Vec::new();
        keep(&mut known, &compare(&[], found(&before), &|_| Coverage::Read));
        let coverage = coverage(of);
        let result = compare(&known, found(&visible(&after, of)), &coverage);
        for id in &result.gone {
            let model = known.iter().find(|m| m.id == *id).unwrap();
            let hidden = model.artifacts.iter().any(|a| coverage(&a.path) != Coverage::Read);
            prop_assert!(!hidden, "{:?}", model.name);
        }
        // Nor has it moved away: only the very inode tells that from a place that cannot be seen, and nothing does
        // from one that nobody looked at.
        for new in &result.write {
            let Some(old) = known.iter().find(|m| m.id == new.id) else { continue };
            let inodes = |m: &Model| m.artifacts.iter().map(|a| a.identity.ino).collect::<HashSet<_>>();
            let place = coverage(&old.artifacts[0].path);
            prop_assert!(place != Coverage::Outside, "{:?}", old.name);
            prop_assert!(place == Coverage::Read || !inodes(old).is_disjoint(&inodes(new)), "{:?}", old.name);
        }
    }

    #[test]
    fn every_known_model_has_exactly_one_fate_and_order_does_not_matter(before in files(), after in files()) {
        let mut known = Vec::new();
        keep(&mut known, &compare(&[], found(&before), &|_| Coverage::Read));
        let result = compare(&known, found(&after), &|_| Coverage::Read);
        let c = result.counts;
        prop_assert_eq!(c.changed + c.moved + c.unchanged + c.gone, known.len() as u64);
        prop_assert_eq!(c.added + c.changed + c.moved + c.unchanged, found(&after).len() as u64);
        let mut backwards = found(&after);
        backwards.reverse();
        known.reverse();
        prop_assert_eq!(compare(&known, backwards, &|_| Coverage::Read), result);
    }
}
