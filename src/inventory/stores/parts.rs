//! Finds everything that is removed with a model or with bytes, by the rules of its store: the references that lead to
//! it, the files that are useless without it, and the folders that would be empty. Read from the disk on each call;
//! nothing is changed.

use super::part::{Part, PartRole, Wish};
use super::{hf_parts, loose_parts, ollama_parts, ramalama_parts};
use crate::model::StoreKind;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

/// Returns the parts of each wish, references first; or the reason why it cannot be removed, in words that continue a
/// sentence after its name. Each part belongs to one wish only: if several need it, to the last. The wishes are
/// considered together: parts that only they need are removed.
pub fn parts(wishes: &[Wish]) -> Vec<Result<Vec<Part>, String>> {
    let mut places: BTreeMap<(StoreKind, PathBuf), Vec<usize>> = BTreeMap::new();
    for (at, wish) in wishes.iter().enumerate() {
        let place = super::place_of(wish.store, &wish.root, &wish.paths).to_owned();
        places.entry((wish.store, place)).or_default().push(at);
    }
    let mut all: Vec<Result<Vec<Part>, String>> = wishes.iter().map(|_| Ok(Vec::new())).collect();
    let mut linked: HashMap<PathBuf, HashMap<PathBuf, PathBuf>> = HashMap::new();
    for ((store, place), these) in places {
        let own: Vec<&Wish> = these.iter().filter_map(|at| wishes.get(*at)).collect();
        let found = match store {
            StoreKind::Hf => {
                let root = place.parent().unwrap_or(&place).to_owned();
                let linked = linked.entry(root).or_insert_with_key(|root| hf_parts::linked_blobs(root));
                let user = if linked.is_empty() { None } else { hf_parts::user_of(&place, linked) };
                match user {
                    Some(user) => {
                        own.iter().map(|_| Err(format!("`{}` is a link to its blobs", user.display()))).collect()
                    }
                    None => hf_parts::parts(&place, &own),
                }
            }
            StoreKind::Ollama => ollama_parts::parts(&place, &own),
            StoreKind::RamaLama => ramalama_parts::parts(&place, &own),
            StoreKind::Dir | StoreKind::LmStudio | StoreKind::LlamaCpp => loose_parts::parts(store, &place, &own),
            StoreKind::Docker => own
                .iter()
                .map(|wish| {
                    let name = wish.name.strip_prefix("docker.io/").unwrap_or(&wish.name);
                    Err(format!("only Docker Model Runner may change its index: use `docker model rm {name}`"))
                })
                .collect(),
        };
        for (at, parts) in these.into_iter().zip(found) {
            if let Some(slot) = all.get_mut(at) {
                *slot = parts;
            }
        }
    }
    hf_parts::payloads(wishes, &mut all);
    let mut folders: HashMap<PathBuf, PathBuf> = HashMap::new();
    for found in all.iter_mut().flatten() {
        for part in found.iter_mut() {
            real(&mut part.path, &mut folders);
        }
        // Deepest folders first; everything else sorted by role and path.
        found.sort_by(|a, b| {
            let depth = |p: &Part| p.path.components().count();
            let deepest =
                || if a.role == PartRole::Folder { depth(b).cmp(&depth(a)) } else { std::cmp::Ordering::Equal };
            a.role.cmp(&b.role).then_with(deepest).then_with(|| a.path.cmp(&b.path))
        });
        found.dedup_by(|a, b| (a.role, &a.path) == (b.role, &b.path));
    }
    all
}

/// Replaces the folder of a path by its real path, without links: an entry behind a link of a store may be elsewhere,
/// and belong to another owner.
fn real(path: &mut PathBuf, folders: &mut HashMap<PathBuf, PathBuf>) {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return };
    if !folders.contains_key(folder) {
        // A folder that vanished is reported by the stat of its entries.
        let real = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        folders.insert(folder.to_owned(), real);
    }
    if let Some(real) = folders.get(folder).filter(|real| real.as_os_str() != folder.as_os_str()) {
        *path = real.join(name);
    }
}
