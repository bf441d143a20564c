//! One model file by its path, without a scan.

use super::found::Found;
use super::group::{Entry, group};
use super::headers::Header;
use super::ids::model_id;
use super::inode::{allocated_of, identity_of};
use super::shards::shard_name;
use crate::clock::Timestamp;
use crate::model::{Fault, Model, StoreKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Reads the model that a file belongs to: the file, or the split set that its name promises. `path` is absolute.
/// Returns `None` where there is no such file.
pub fn read_one(path: &Path, read: &dyn Fn(&Path) -> Result<Header, Fault>, now: Timestamp) -> Option<Model> {
    let (folder, name) = (path.parent()?, path.file_name()?);
    let others = shard_name(name).filter(|set| set.count <= 10_000).map(|set| {
        (1..=set.count).map(move |no| {
            let mut name = set.prefix.to_owned();
            name.push(format!("-{no:05}-of-{:05}.gguf", set.count));
            folder.join(name)
        })
    });
    let mut paths: Vec<PathBuf> = others.into_iter().flatten().filter(|other| other != path).collect();
    paths.insert(0, path.to_owned());
    let root: Arc<Path> = folder.into();
    let entry = |path: PathBuf| {
        // A part that is missing makes the set incomplete.
        let meta = std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file)?;
        let header = read(&path);
        let found = Found {
            store: StoreKind::Dir,
            root: Arc::clone(&root),
            repo: None,
            name: None,
            set: None,
            target: path.canonicalize().ok().filter(|target| *target != path), // the path is good enough to open it
            path,
            also: Vec::new(),
            identity: identity_of(&meta),
            allocated: allocated_of(&meta),
            expected_sha256: None,
            fault: None,
        };
        Some(Entry::new(found, header))
    };
    let first = entry(paths.remove(0))?;
    let entries = std::iter::once(first).chain(paths.into_iter().filter_map(entry)).collect();
    let mut model = group(entries).into_iter().find(|model| model.artifacts.iter().any(|a| a.path == path))?;
    model.id = model_id(model.content.as_deref().ok_or(path.as_os_str()), 0);
    model.first_seen = now;
    Some(model)
}
