//! LM Studio: `<models>/<publisher>/<repository>/<file>.gguf`, exactly two folders deep. LM Studio does not show files
//! elsewhere. `lms import` may leave a link or a hard link to a file that belongs to another store.

use super::lmstudio_hub::{Needs, needs};
use super::owned;
use crate::inventory::collector::StoreCollector;
use crate::inventory::found::{Found, Repo};
use crate::inventory::kept::{Kept, Sum};
use crate::inventory::names::{plain_name, tag_of};
use crate::inventory::paths::is_partial;
use crate::model::{Class, StoreKind};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Returns whether a folder is the models folder of an installation, by its name and its parent.
pub(super) fn is_models(folder: &Path) -> bool {
    let Some(home) = folder.parent() else { return false };
    home.file_name().is_some_and(|n| n == ".lmstudio" || n == "lm-studio") || home.join(".internal").is_dir()
}

/// Returns the models folder that `path` is in, if its path alone identifies it.
pub(super) fn enclosing(path: &Path) -> Option<&Path> {
    path.ancestors().find(|p| {
        let home = p.parent().and_then(Path::file_name);
        p.file_name().is_some_and(|n| n == "models") && home.is_some_and(|n| n == ".lmstudio" || n == "lm-studio")
    })
}

/// Returns whether `path` is at the level of a publisher or a repository.
pub(super) fn is_folder_of(root: &Path, path: &Path) -> bool {
    path.strip_prefix(root).is_ok_and(|inside| matches!(inside.components().count(), 1 | 2))
}

/// Names the models and adds the holdings of the store. Called after everything under `root` was scanned.
pub(super) fn conclude(root: &Path, collector: &mut StoreCollector<'_>) -> anyhow::Result<()> {
    let needs = needs(root, collector)?;
    let mut found = owned::take(StoreKind::LmStudio, root, collector);
    name_all(root, &mut found);
    for file in &found {
        let Some(meta) = owned::entry_of(&file.path, collector) else { continue };
        let repo = file.repo.as_ref().map(|r| r.name.as_str());
        let kept = Kept { store: StoreKind::LmStudio, root, owner: repo };
        let mut why = standing(root, file, &needs);
        if meta.is_symlink() {
            let to = file.target.as_deref().unwrap_or(&file.path).display();
            why = format!("{why}; a link, as `lms import` leaves: the bytes are {to}");
        }
        collector.holdings.push(kept.file(&file.path, &meta, Class::Referenced, why));
    }
    collector.found.extend(found);
    rest(root, collector)
}

/// Returns the reason why LM Studio keeps a file, and the virtual models that need it.
fn standing(root: &Path, file: &Found, needs: &Needs) -> String {
    let Some(repo) = &file.repo else {
        let deep = folders(root, &file.path);
        let place = match deep {
            0 => "not in a folder of its own".to_owned(),
            1 => "1 folder deep".to_owned(),
            n => format!("{n} folders deep"),
        };
        return format!("LM Studio does not show it: it is {place}, and only <publisher>/<repository>/<file> counts");
    };
    let shown = format!("LM Studio shows it in {}", repo.name);
    match needs.get(&repo.name.to_lowercase()).map(Vec::as_slice) {
        None | Some([]) => shown,
        Some([one]) => format!("{shown}; the virtual model {one} refers to that repository"),
        Some(many) => format!("{shown}; the virtual models {} refer to that repository", many.join(", ")),
    }
}

fn folders(root: &Path, file: &Path) -> usize {
    file.strip_prefix(root).map_or(0, |inside| inside.components().count().saturating_sub(1))
}

/// Names the models that LM Studio shows as llama.cpp would: `publisher/repository:Q4_K_M`, and by the file name where
/// a tag would mean several files.
fn name_all(root: &Path, found: &mut [Found]) {
    /// The files that each tag of a repository would mean.
    type Tags = BTreeMap<String, BTreeSet<String>>;
    let mut repos: BTreeMap<PathBuf, (Arc<Repo>, Tags)> = BTreeMap::new();
    for file in found.iter_mut().filter(|f| folders(root, &f.path) == 2) {
        let Some(folder) = file.path.parent() else { continue };
        let (repo, tags) = repos.entry(folder.to_owned()).or_insert_with(|| {
            let name = folder.strip_prefix(root).unwrap_or(folder).to_string_lossy().into_owned();
            (Arc::new(Repo { folder: folder.to_owned(), name, current: None }), BTreeMap::new())
        });
        file.repo = Some(Arc::clone(repo));
        if let Some(tag) = own_tag(&file.path) {
            tags.entry(tag).or_default().insert(plain_name(&file.path));
        }
    }
    for file in found {
        let Some((repo, tags)) = file.path.parent().and_then(|folder| repos.get(folder)) else { continue };
        let tag = own_tag(&file.path).filter(|tag| tags.get(tag).is_some_and(|files| files.len() == 1));
        file.name = Some(format!("{}:{}", repo.name, tag.unwrap_or_else(|| plain_name(&file.path))));
    }
}

fn own_tag(path: &Path) -> Option<String> {
    let is_projector = path.file_name().is_some_and(owned::names_projector);
    if is_projector { None } else { tag_of(&plain_name(path)) }
}

/// Adds unfinished downloads, and weights in other formats with their configurations, by repository.
fn rest(root: &Path, collector: &mut StoreCollector<'_>) -> anyhow::Result<()> {
    let kept = Kept { store: StoreKind::LmStudio, root, owner: None };
    let mut sums: BTreeMap<PathBuf, Sum> = BTreeMap::new();
    owned::beside(root, collector, &mut |path, meta, collector| {
        let is_download = path.file_name().is_some_and(|n| is_partial(n) || is_download(n));
        if is_download {
            collector.holdings.push(kept.file(path, meta, Class::Partial, "unfinished download"));
        } else {
            let inside = path.strip_prefix(root).unwrap_or(path).parent().unwrap_or(Path::new(""));
            let folder = root.join(inside.components().take(2).collect::<PathBuf>());
            sums.entry(folder).or_default().add(meta);
        }
    })?;
    for (folder, sum) in sums {
        let owner = folder.strip_prefix(root).ok().map(|p| p.to_string_lossy().into_owned()); // the folder is below it
        let kept = Kept { owner: owner.as_deref().filter(|o| !o.is_empty()), ..kept };
        let why = "files that are not GGUF: weights in another format, configurations";
        collector.holdings.push(kept.sum(&folder, sum, Class::Referenced, why));
    }
    Ok(())
}

fn is_download(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("downloading_") && name.ends_with(".part")
}
