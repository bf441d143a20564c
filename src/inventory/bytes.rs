//! Every byte with its reason: the holdings of the stores joined with the known models, and the sums over them. Pure.

use crate::model::{
    Class, Found, Holding, ModelFile, Nature, OneFile, RootState, State, StoreKind, Stored, other_hash,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// Joins holdings and files by inode: each inode of a root is one row. Rows are sorted by root and path.
///
/// The final class is decided here: a file that a store refers to is damaged nevertheless if its header or its hash
/// shows it.
pub fn stored(holdings: Vec<Holding>, files: Vec<ModelFile>) -> Vec<Stored> {
    let mut rows: Vec<Stored> = Vec::with_capacity(holdings.len() + files.len());
    let mut by_inode: HashMap<(PathBuf, u64, u64), usize> = HashMap::new();
    let row = |holding: Holding| Stored {
        entries: vec![holding.path.clone()],
        holding,
        models: Vec::new(),
        fingerprint: None,
        verified_sha256: None,
        is_reachable: true,
    };
    for holding in holdings {
        if let Some(identity) = holding.identity {
            by_inode.insert((holding.root.clone(), identity.dev, identity.ino), rows.len());
        }
        rows.push(row(holding));
    }
    for file in files {
        let key = (file.root.clone(), file.identity.dev, file.identity.ino);
        let index = *by_inode.entry(key).or_insert_with(|| {
            rows.push(row(plain(&file)));
            rows.len() - 1
        });
        if let Some(stored) = rows.get_mut(index) {
            join(stored, file);
        }
    }
    rows.sort_by(|a, b| (&a.holding.root, &a.holding.path).cmp(&(&b.holding.root, &b.holding.path)));
    rows
}

/// The reason of a file that no store speaks of.
const SCANNED: &str = "a file of a folder that is scanned";

/// Returns the holding of a model's file for which its store added none: the folder itself is the reference.
fn plain(file: &ModelFile) -> Holding {
    let (class, why) = match file.state {
        // The fault of a link without bytes behind it.
        State::Damaged
            if file.allocated == 0 && file.fault.as_ref().is_some_and(|f| f.why == "a link to a missing blob") =>
        {
            (Class::Missing, "a link points to it, but it does not exist")
        }
        _ => (Class::Referenced, SCANNED),
    };
    Holding {
        store: file.store,
        root: file.root.clone(),
        owner: None,
        path: file.path.clone(),
        files: 1,
        identity: Some(file.identity),
        size: file.identity.size,
        allocated: file.allocated,
        links: 1,
        class,
        why: why.to_owned(),
        expected_sha256: file.expected_sha256.clone(),
    }
}

fn join(stored: &mut Stored, file: ModelFile) {
    let ModelFile {
        model, name, state, entries, fault, finding, fingerprint, expected_sha256, verified_sha256, ..
    } = file;
    stored.is_reachable &= state != State::Unavailable;
    if !stored.models.iter().any(|(id, _)| *id == model) {
        stored.models.push((model, name));
    }
    let all: BTreeSet<PathBuf> = stored.entries.drain(..).chain(entries).collect();
    stored.entries = all.into_iter().collect();
    let holding = &mut stored.holding;
    holding.expected_sha256 = holding.expected_sha256.take().or(expected_sha256);
    // The result of reading every byte outweighs the header.
    let by_hash = match (&verified_sha256, &holding.expected_sha256) {
        (Some(read), Some(promised)) => {
            Some((!read.eq_ignore_ascii_case(promised)).then(|| other_hash(promised, read)))
        }
        _ => None,
    };
    match (by_hash, fault) {
        (Some(Some(why)), _) => say(holding, &why, true),
        (Some(None), Some(fault)) => say(holding, &fault.why, false),
        (None, Some(fault)) => say(holding, &fault.why, fault.nature == Nature::Damaged),
        (Some(None) | None, None) => {}
    }
    match finding {
        Some(Found::Unreadable(why) | Found::Changed(why)) => say(holding, &why, false),
        Some(Found::NotAsRecorded { recorded, found }) => {
            say(holding, &format!("its sha256 is {found}, but was {recorded} before"), true);
        }
        Some(Found::OtherHash { .. }) | None => {}
    }
    stored.fingerprint = stored.fingerprint.take().or(fingerprint);
    stored.verified_sha256 = stored.verified_sha256.take().or(verified_sha256);
}

/// Puts the fault of a file before the reason why it is kept.
fn say(holding: &mut Holding, what: &str, is_damage: bool) {
    if holding.class == Class::Missing || holding.why.starts_with(what) {
        return;
    }
    holding.why = match holding.why.as_str() {
        // It says nothing that a fault leaves open.
        SCANNED => what.to_owned(),
        before => format!("{what}; {before}"),
    };
    if is_damage {
        holding.class = Class::Damaged;
    }
}

/// The sums over one root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootSum {
    pub root: PathBuf,
    pub store: StoreKind,
    pub state: RootState,
    /// The number of different models with bytes in it.
    pub models: u64,
    pub files: u64,
    /// Apparent bytes; each inode once.
    pub apparent: u64,
    /// Bytes of disk in use; each inode once.
    pub allocated: u64,
    /// The sums by class; only classes that occur.
    pub classes: BTreeMap<Class, ClassSum>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct ClassSum {
    pub files: u64,
    /// Bytes of disk in use.
    #[serde(rename = "allocated_bytes")]
    pub allocated: u64,
}

/// Returns one sum for each root, sorted by path. A known root without any bytes has a sum of 0.
pub fn root_sums(rows: &[Stored], roots: &[(PathBuf, StoreKind, RootState)]) -> Vec<RootSum> {
    let empty = |root: &Path, store: StoreKind, state: &RootState| RootSum {
        root: root.to_owned(),
        store,
        state: state.clone(),
        models: 0,
        files: 0,
        apparent: 0,
        allocated: 0,
        classes: BTreeMap::new(),
    };
    let mut sums: BTreeMap<&Path, RootSum> =
        roots.iter().map(|(root, store, state)| (root.as_path(), empty(root, *store, state))).collect();
    let mut models: HashMap<&Path, BTreeSet<&str>> = HashMap::new();
    for row in rows {
        let holding = &row.holding;
        let sum = sums.entry(&holding.root).or_insert_with(|| empty(&holding.root, holding.store, &RootState::Read));
        sum.files = sum.files.saturating_add(holding.files);
        sum.apparent = sum.apparent.saturating_add(holding.size);
        sum.allocated = sum.allocated.saturating_add(holding.allocated);
        let class = sum.classes.entry(holding.class).or_default();
        class.files = class.files.saturating_add(holding.files.max(u64::from(holding.class == Class::Missing)));
        class.allocated = class.allocated.saturating_add(holding.allocated);
        models.entry(&holding.root).or_default().extend(row.models.iter().map(|(id, _)| id.as_str()));
    }
    let count = |root: &Path| models.get(root).map_or(0, |m| m.len() as u64);
    sums.into_values().map(|sum| RootSum { models: count(&sum.root), ..sum }).collect()
}

/// The certainty that files have the same content; the most certain first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sureness {
    /// The hash of every file was computed.
    Verified,
    /// Stores promise the same hash.
    Promised,
    /// Header and size are equal: very likely the same content, but the weights were not compared.
    Header,
}

/// Files with the same content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SameContent<'a> {
    pub sureness: Sureness,
    /// The sha256 in lower-case hex, if it is known.
    pub sha256: Option<&'a str>,
    /// Apparent bytes of one copy.
    pub size: u64,
    /// The copies, sorted by path; one for each inode of a root. Several of them may be views of one file, see
    /// [`OneFile`].
    pub copies: Vec<&'a Stored>,
}

/// Returns groups of files with the same content, the largest first: several inodes, or one with several entries.
/// Damaged, unfinished and unreachable files are copies of nothing.
///
/// Hashes decide. A file without one joins by its header and size, unless files with that header have different hashes.
pub fn same_content(rows: &[Stored]) -> Vec<SameContent<'_>> {
    let sound = |r: &&Stored| {
        let is_one_file = r.holding.identity.is_some();
        let is_whole = !matches!(r.holding.class, Class::Damaged | Class::Missing | Class::Partial);
        r.is_reachable && is_one_file && is_whole
    };
    let size = |r: &Stored| r.holding.size;
    let mut by_hash: BTreeMap<&str, Vec<&Stored>> = BTreeMap::new();
    let mut hashes: HashMap<(&str, u64), BTreeSet<&str>> = HashMap::new();
    for row in rows.iter().filter(sound) {
        let Some(hash) = row.sha256() else { continue };
        by_hash.entry(hash).or_default().push(row);
        if let Some(print) = &row.fingerprint {
            hashes.entry((print, size(row))).or_default().insert(hash);
        }
    }
    let mut by_header: BTreeMap<(&str, u64), Vec<&Stored>> = BTreeMap::new();
    for row in rows.iter().filter(sound).filter(|r| r.sha256().is_none()) {
        let Some(print) = row.fingerprint.as_deref() else { continue };
        let known = hashes.get(&(print, size(row)));
        match known.filter(|all| all.len() == 1).and_then(|all| all.first()).and_then(|hash| by_hash.get_mut(*hash)) {
            Some(group) => group.push(row),
            None => by_header.entry((print, size(row))).or_default().push(row),
        }
    }
    let hashed = by_hash.into_iter().map(|(hash, copies)| (Some(hash), copies));
    let others = by_header.into_values().map(|copies| (None, copies));
    let mut groups: Vec<SameContent<'_>> =
        hashed.chain(others).filter_map(|(hash, copies)| group(hash, copies)).collect();
    groups.sort_by(|a, b| b.size.cmp(&a.size).then_with(|| a.sha256.cmp(&b.sha256)));
    groups
}

fn group<'a>(sha256: Option<&'a str>, mut copies: Vec<&'a Stored>) -> Option<SameContent<'a>> {
    copies.sort_by(|a, b| a.holding.path.cmp(&b.holding.path));
    let mut one = OneFile::default();
    let files: BTreeSet<(u64, u64)> = copies.iter().filter_map(|c| c.holding.identity).map(|i| one.key(&i)).collect();
    let entries: usize = copies.iter().map(|c| c.entries.len()).sum();
    // One file that is visible on several mounts has one entry and exists once.
    let several = files.len() > 1 || entries > 1 && copies.iter().any(|c| c.holding.links > 1);
    let size = copies.first().filter(|_| several)?.holding.size;
    let sureness = |c: &&Stored| match (&c.verified_sha256, c.sha256()) {
        (Some(_), _) => Sureness::Verified,
        (None, Some(_)) => Sureness::Promised,
        (None, None) => Sureness::Header,
    };
    let sureness = copies.iter().map(sureness).max()?;
    (size > 0).then_some(SameContent { sureness, sha256, size, copies })
}
