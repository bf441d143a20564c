//! The models of one RamaLama model folder by name, and the class of each of its files with the reason.

use super::ramalama_model::{Entry, Leads, Reader};
use crate::inventory::collector::StoreCollector;
use crate::inventory::found::{Found, Repo};
use crate::inventory::inode::{Entity, Stamp};
use crate::inventory::kept::Sum;
use crate::inventory::names::plain_name;
use crate::inventory::paths::is_partial;
use crate::inventory::stores::hf::promised_sha256;
use crate::model::{Class, Holding, StoreKind, hex};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

/// The sources whose blobs are named by their content, if by any.
const BY_CONTENT: [&str; 8] = ["huggingface", "hf", "ollama", "oci", "docker", "modelscope", "ms", "rlcr"];

impl Reader<'_> {
    /// Returns the sha256 that a blob's name promises. None if it is the hash of one of the blob's names.
    fn promise(&self, blob: &OsStr) -> Option<String> {
        if !BY_CONTENT.contains(&self.model.source.as_str()) {
            return None;
        }
        let text = blob.to_str()?;
        let promised = promised_sha256(OsStr::new(text.strip_prefix("sha256-")?))?;
        let names =
            self.entries_of(blob).map(|e| e.inside.as_str()).chain(self.named(blob).map(|(_, f)| f.name.as_str()));
        let own = self.folder.file_name().and_then(OsStr::to_str);
        let last = |name: &str| name.rsplit('/').next().map(str::to_owned).unwrap_or_default();
        let is_hash_of = |name: &str| hex(&Sha256::digest(name.as_bytes())) == promised;
        let is_of_a_name = names.flat_map(|n| [n.to_owned(), last(n)]).chain(own.map(str::to_owned));
        let is_of_a_name = is_of_a_name.collect::<BTreeSet<_>>().iter().any(|n| is_hash_of(n));
        (!is_of_a_name).then_some(promised)
    }

    /// Adds the models: each inode once, preferably by an entry that a reference leads to.
    pub(super) fn hand_over(&self, collector: &mut StoreCollector<'_>) {
        let repo = Arc::new(Repo { folder: self.folder.to_owned(), name: self.model.name.clone(), current: None });
        let mut models: Vec<&Entry> = self.entries.iter().filter(|e| e.is_model).collect();
        models.sort_by_key(|e| (!self.is_live(&e.snapshot), &e.path));
        let mut files: Vec<Found> = Vec::new();
        let mut by_inode: HashMap<(u64, u64), usize> = HashMap::new();
        for entry in models {
            let (look, target) = match &entry.leads {
                Leads::Blob(name) => {
                    let Some(blob) = self.blobs.entries.get(name) else { continue };
                    (blob.look, Some(self.blobs.folder.join(name)))
                }
                Leads::Elsewhere(at, look) => (*look, Some(at.clone())),
                Leads::Itself | Leads::Nowhere => (entry.look, None),
            };
            if let Some(file) = by_inode.get(&look.inode()).and_then(|i| files.get_mut(*i)) {
                file.also.push(entry.path.clone());
                continue;
            }
            by_inode.insert(look.inode(), files.len());
            let is_lost = matches!(entry.leads, Leads::Nowhere);
            let expected_sha256 = match &entry.leads {
                Leads::Blob(name) => self.promise(name),
                _ => None,
            };
            files.push(Found {
                store: StoreKind::RamaLama,
                root: Arc::clone(self.model.root),
                repo: Some(Arc::clone(&repo)),
                name: self.name_of(entry),
                set: None,
                path: entry.path.clone(),
                target,
                also: Vec::new(),
                identity: look.identity,
                allocated: if is_lost { 0 } else { look.allocated },
                expected_sha256,
                fault: is_lost.then(|| "a link to a missing blob".to_owned()),
            });
        }
        collector.found.extend(files);
    }

    /// Returns the name in `ramalama ls` of a model that is the only one of its tag. None for any other.
    fn name_of(&self, entry: &Entry) -> Option<String> {
        let units = self.index.models.get(&entry.snapshot)?;
        if units.len() != 1 || !units.contains(&plain_name(Path::new(&entry.inside))) {
            return None;
        }
        let tag = self.tags_of_snapshot(&entry.snapshot).min_by_key(|t| (*t == "latest", *t))?;
        Some(self.tagged(tag))
    }

    /// Returns the name with its tag, as `ramalama ls` writes it.
    fn tagged(&self, tag: &str) -> String {
        let keeps_latest = matches!(self.model.source.as_str(), "ollama" | "oci");
        if tag == "latest" && !keeps_latest { self.model.name.clone() } else { format!("{}:{tag}", self.model.name) }
    }

    /// Adds all holdings of the model, each inode once.
    pub(super) fn account(&mut self, collector: &mut StoreCollector<'_>) {
        let mut out: Vec<Holding> = Vec::new();
        let mut sums: BTreeMap<(Class, String), Sum> = BTreeMap::new();
        let mut files: Vec<(bool, Stamp, Holding)> = Vec::new();
        for (name, blob) in &self.blobs.entries {
            let (class, why) = self.judge(name, blob.look);
            let mut leads = self.entries_of(name).map(|e| e.is_model).chain(self.named(name).map(|(_, f)| f.is_model));
            // A file that nothing leads to may be a model.
            let alone = !matches!(class, Class::Referenced | Class::Superseded)
                || leads.next().is_none_or(|first| first || leads.any(|is_model| is_model));
            let why = match self.named(name).next().filter(|_| !alone) {
                Some((reference, _)) => format!("`{}` names them", reference.tag),
                None => why,
            };
            let held = self.kept().file(&self.blobs.folder.join(name), blob.look, class, why);
            files.push((alone, blob.look, Holding { expected_sha256: self.promise(name), ..held }));
        }
        for entry in &self.entries {
            let (class, why) = match &entry.leads {
                Leads::Blob(_) => continue,
                // The missing blob is reported for the reference that names it.
                Leads::Nowhere => continue,
                Leads::Itself => self.judge_snapshot(&entry.snapshot),
                Leads::Elsewhere(at, _) => {
                    let why = format!("a link to bytes that are not RamaLama's: {}", at.display());
                    (Class::Referenced, why)
                }
            };
            files.push((entry.is_model, entry.look, self.kept().file(&entry.path, entry.look, class, why)));
        }
        files.sort_by(|(_, _, a), (_, _, b)| a.path.cmp(&b.path));
        let mut again = HashSet::new();
        for (alone, look, held) in files {
            let inode = look.inode();
            if look.links > 1 && (self.model.seen.contains(&inode) || again.contains(&inode)) {
                continue;
            }
            again.extend((look.links > 1).then_some(inode));
            if alone {
                out.push(held);
            } else {
                sums.entry((held.class, format!("files next to models: {}", held.why))).or_default().add(look);
            }
        }
        out.extend(sums.into_iter().map(|((class, why), sum)| self.kept().sum(self.folder, sum, class, why)));
        out.extend(self.missing());
        self.model.seen.extend(again);
        collector.holdings.extend(out);
    }

    fn judge(&self, name: &OsStr, look: Stamp) -> (Class, String) {
        if is_partial(name) {
            let blob = name.to_str().and_then(|n| n.strip_suffix(".partial"));
            let reference = blob.and_then(|b| self.named(OsStr::new(b)).next());
            let of = reference.map(|(r, _)| format!(", of {}", self.tagged(&r.tag))).unwrap_or_default();
            return (Class::Partial, format!("unfinished download{of}"));
        }
        if look.entity != Entity::File {
            return (Class::Damaged, format!("{} among the blobs", look.entity.not_regular_reason()));
        }
        if let Some((reference, file)) = self.named(name).next() {
            let is_linked = self.index.there.contains(&(reference.snapshot.clone(), file.name.clone()));
            let lack = if is_linked { "" } else { ", though its snapshot lacks it" };
            return (Class::Referenced, format!("`{}` names it as {}{lack}", reference.tag, file.name));
        }
        match self.entries_of(name).min_by_key(|e| !self.is_live(&e.snapshot)) {
            Some(entry) => self.judge_snapshot(&entry.snapshot),
            None if !self.whole => self.unclear(),
            None => (Class::Orphan, "no reference and no snapshot references it".to_owned()),
        }
    }

    fn judge_snapshot(&self, snapshot: &str) -> (Class, String) {
        let tags: Vec<&str> = self.tags_of_snapshot(snapshot).collect();
        let short: String = snapshot.chars().take(14).collect();
        if !tags.is_empty() {
            (Class::Referenced, format!("in snapshot {short} ({})", tags.join(", ")))
        } else if !self.whole {
            self.unclear()
        } else if self.refs.is_empty() {
            (Class::Orphan, format!("in snapshot {short}; the model no longer has a reference"))
        } else {
            (
                Class::Superseded,
                format!("old revision: only snapshot {short} uses it, and no reference names that snapshot"),
            )
        }
    }

    fn unclear(&self) -> (Class, String) {
        (Class::Referenced, "may be needed: not all references of the model could be read".to_owned())
    }

    /// Returns a holding for each file that a reference names and that is missing.
    fn missing(&self) -> Vec<Holding> {
        let mut out = Vec::new();
        for (path, reference) in &self.refs {
            for file in &reference.files {
                let has_entry = self.index.there.contains(&(reference.snapshot.clone(), file.name.clone()));
                let has_blob = file.blob.as_ref().is_some_and(|blob| {
                    let partial = format!("{blob}.partial");
                    [blob.as_str(), &partial].iter().any(|name| self.blobs.entries.contains_key(OsStr::new(name)))
                });
                if !has_entry && !has_blob && self.whole {
                    let why = format!("`{}` names {}, which is not here", reference.tag, file.name);
                    out.push(self.kept().missing(path, why));
                }
            }
        }
        out
    }
}
