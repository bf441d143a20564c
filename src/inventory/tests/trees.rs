//! Trees of stand-in files, a reader for them that counts, and a stand-in for the database.
//!
//! A stand-in file is one line, `GGUF key=value …`: it carries just what grouping and pairing look at.

use crate::clock::Timestamp;
use crate::inventory::inode::{allocated_of, identity_of};
use crate::inventory::{Header, RootSource, RootSpec, ScanReport, ScanRequest, model_id, scan};
use crate::model::{
    Attention, Class, Evidence, Facts, Fault, FolderStamp, Holding, Integrity, Kind, KnownFile, Model, Quant,
    QuantSource, Role, ScanOutcome, Split, State, StoreKind,
};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

pub struct Tree {
    dir: tempfile::TempDir,
}

impl Tree {
    pub fn new() -> Tree {
        Tree { dir: tempfile::tempdir().unwrap() }
    }

    /// On a file system in memory where there is one, for tests that write much and often.
    pub fn light() -> Tree {
        Tree { dir: tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap() }
    }

    pub fn within(folder: &Path) -> Tree {
        Tree { dir: tempfile::tempdir_in(folder).unwrap() }
    }

    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(relative)
    }

    pub fn dir(&self, relative: &str) -> PathBuf {
        let path = self.path(relative);
        std::fs::create_dir_all(&path).unwrap();
        path
    }

    /// A stand-in model; `about` is its `key=value` line.
    pub fn gguf(&self, relative: impl AsRef<Path>, about: &str) -> PathBuf {
        self.text(relative, &format!("GGUF {about}"))
    }

    pub fn text(&self, relative: impl AsRef<Path>, content: &str) -> PathBuf {
        let path = self.path(relative);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    pub fn link(&self, relative: &str, to: impl AsRef<Path>) -> PathBuf {
        let path = self.path(relative);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(to, &path).unwrap();
        path
    }

    pub fn fifo(&self, relative: &str) -> PathBuf {
        let path = self.path(relative);
        let kind = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, &path, kind, rustix::fs::Mode::from(0o600), 0).unwrap();
        path
    }

    /// A snapshot entry with its blob; gives the entry. The blob's name is made from `blob`.
    pub fn snapshot(&self, repo: &str, commit: &str, file: &str, blob: &str, about: &str) -> PathBuf {
        self.gguf(format!("{repo}/blobs/{}", sha(blob)), about);
        let up = "../".repeat(2 + file.matches('/').count());
        self.link(&format!("{repo}/snapshots/{commit}/{file}"), format!("{up}blobs/{}", sha(blob)))
    }
}

/// 64 hex digits that stand for `name`.
pub fn sha(name: &str) -> String {
    let short = model_id(Ok(name), 0).0;
    short.repeat(6)[..64].to_owned()
}

/// A commit name from one hex digit.
pub fn commit(digit: char) -> String {
    digit.to_string().repeat(40)
}

pub fn facts(about: &str) -> Facts {
    let values: BTreeMap<&str, &str> = about.split_whitespace().filter_map(|pair| pair.split_once('=')).collect();
    let number = |key: &str| values.get(key).map(|v| v.parse::<u64>().unwrap());
    let text = |key: &str| values.get(key).map(|v| (*v).to_owned());
    let split = values.get("split").map(|v| {
        let (no, count) = v.split_once('/').unwrap();
        Split { no: no.parse().unwrap(), count: count.parse().unwrap(), tensors: number("promised") }
    });
    let integrity = match number("need") {
        Some(need) => {
            Integrity::Truncated { need, have: number("have").unwrap(), first_missing: "blk.1.ffn_up.weight".into() }
        }
        None => Integrity::Complete,
    };
    Facts {
        kind: values.get("kind").map_or(Kind::Generative, |k| Kind::from_name(k).unwrap()),
        gguf_version: 3,
        big_endian: false,
        architecture: Some(text("arch").unwrap_or_else(|| "llama".into())),
        family: Some("llama".into()),
        name: text("name"),
        basename: text("basename"),
        size_label: None,
        finetune: None,
        organization: None,
        license: None,
        base_model: None,
        parameters: 1000,
        quant: Quant {
            label: text("quant").unwrap_or_else(|| "unknown".into()),
            source: QuantSource::Tensors,
            bits_per_weight: number("bits").map(|b| b as f64),
            histogram: vec![],
            claimed: None,
        },
        context_length: Some(2048),
        layers: Some(2),
        embedding_length: number("width"),
        feed_forward_length: None,
        vocab_size: None,
        experts: None,
        experts_used: None,
        attention: Attention::default(),
        recurrent: None,
        chat_template: false,
        extra_templates: vec![],
        projection_dim: number("out"),
        side_type: None,
        split,
        n_tensors: number("tensors").unwrap_or(1),
        tied_output: false,
        tensor_bytes: 10,
        token_embd_bytes: 1,
        data_offset: 0,
        integrity,
        unsupported: vec![],
        evidence: Evidence { width: number("norm"), ..Evidence::default() },
        fingerprint: model_id(Ok(about), 0).0,
    }
}

/// Reads a stand-in file.
pub fn read(path: &Path) -> Result<Header, Fault> {
    let broken = |e: std::io::Error| Fault::damaged(e.to_string());
    let bytes = std::fs::read(path).map_err(broken)?;
    let about = bytes.strip_prefix(b"GGUF").ok_or(Fault::damaged("not a GGUF file"))?;
    let meta = std::fs::metadata(path).map_err(broken)?;
    let facts = facts(&String::from_utf8_lossy(about));
    Ok(Header { identity: identity_of(&meta), allocated: allocated_of(&meta), facts })
}

/// A stand-in for the database, and the count of opened files.
#[derive(Default)]
pub struct Shelf {
    pub models: Vec<Model>,
    pub stamps: Vec<FolderStamp>,
    pub opened: Mutex<Vec<PathBuf>>,
    pub loads: usize,
}

impl Shelf {
    pub fn known(&self) -> Vec<KnownFile> {
        let known = |m: &Model| -> Vec<KnownFile> {
            let present = !matches!(m.state, State::Gone | State::Unavailable);
            m.artifacts
                .iter()
                .map(|a| KnownFile {
                    root: m.root.clone(),
                    path: a.path.clone(),
                    target: a.target.clone(),
                    identity: a.identity,
                    model: m.id.clone(),
                    present,
                    again: false,
                    name_in_store: match m.store {
                        StoreKind::Ollama | StoreKind::Docker if a.role == Role::Main => Some(m.name.clone()),
                        _ => None,
                    },
                })
                .collect()
        };
        self.models.iter().flat_map(known).collect()
    }

    pub fn apply(&mut self, outcome: &ScanOutcome) {
        apply(&mut self.models, outcome);
        for survey in &outcome.surveys {
            self.stamps.retain(|s| s.folder != survey.folder);
            self.stamps.extend(survey.stamp.clone());
        }
    }

    /// Scans these roots as arguments of the command and keeps the outcome.
    pub fn scan(&mut self, roots: &[&Path]) -> ScanReport {
        self.try_scan(roots, RootSource::Argument).unwrap()
    }

    /// Scans one root that a person says is a store of that kind.
    pub fn scan_as(&mut self, root: &Path, store: StoreKind) -> ScanReport {
        let spec = RootSpec { path: root.to_owned(), store: Some(store), named_by: RootSource::Argument };
        self.scan_specs(&[spec]).unwrap()
    }

    pub fn try_scan(&mut self, roots: &[&Path], named_by: RootSource) -> anyhow::Result<ScanReport> {
        let roots: Vec<RootSpec> =
            roots.iter().map(|p| RootSpec { path: p.to_path_buf(), store: None, named_by }).collect();
        self.scan_specs(&roots)
    }

    /// Scans a folder that a person says to be of `store`.
    pub fn claim(&mut self, root: &Path, store: StoreKind) -> ScanReport {
        let named_by = RootSource::Argument;
        self.scan_specs(&[RootSpec { path: root.to_owned(), store: Some(store), named_by }]).unwrap()
    }

    fn scan_specs(&mut self, roots: &[RootSpec]) -> anyhow::Result<ScanReport> {
        self.opened.lock().unwrap().clear();
        let read = |path: &Path| {
            self.opened.lock().unwrap().push(path.to_owned());
            read(path)
        };
        let mut loads = 0;
        let models = &self.models;
        let mut load = |wanted: &[PathBuf]| {
            loads += 1;
            Ok(models.iter().filter(|m| wanted.contains(&m.root)).cloned().collect())
        };
        let report = scan(ScanRequest {
            roots,
            known: &self.known(),
            stamps: &self.stamps,
            now: Timestamp(1),
            threads: 2,
            read: &read,
            load: &mut load,
            progress: &|_| {},
            cancel: &AtomicBool::new(false),
        })?;
        self.loads = loads;
        self.apply(&report.outcome);
        Ok(report)
    }

    pub fn opened(&self) -> usize {
        self.opened.lock().unwrap().len()
    }

    /// The one model with this name.
    #[track_caller]
    pub fn named(&self, name: &str) -> &Model {
        let hits: Vec<&Model> = self.models.iter().filter(|m| m.name == name).collect();
        assert_eq!(hits.len(), 1, "{name} among {:?}", self.names());
        hits[0]
    }

    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.models.iter().map(|m| m.name.as_str()).collect();
        names.sort_unstable();
        names
    }
}

/// What the database does with an outcome.
pub fn apply(models: &mut Vec<Model>, outcome: &ScanOutcome) {
    for written in &outcome.write {
        models.retain(|m| m.id != written.id);
        models.push(written.clone());
    }
    for model in models {
        if outcome.gone.contains(&model.id) {
            model.state = State::Gone;
        } else if outcome.unavailable.contains(&model.id) {
            model.state = State::Unavailable;
        }
    }
}

/// Everything that a scan saw held, by path.
pub fn held(report: &ScanReport) -> Vec<Holding> {
    let mut held: Vec<Holding> = report.outcome.surveys.iter().flat_map(|s| &s.holdings).cloned().collect();
    held.sort_by(|a, b| (&a.path, a.class).cmp(&(&b.path, b.class)));
    held
}

/// The reason for which `path` was skipped.
#[track_caller]
pub fn skipped<'a>(report: &'a ScanReport, path: &Path) -> &'a str {
    let hit = report.skipped.iter().find(|s| s.path == path);
    hit.map(|s| s.reason.as_str()).unwrap_or_else(|| panic!("{} not in {:?}", path.display(), report.skipped))
}

/// The class and the reason of the one holding at `path`.
#[track_caller]
pub fn held_at<'a>(report: &'a ScanReport, path: &Path) -> (Class, &'a str) {
    let all: Vec<&Holding> = report.outcome.surveys.iter().flat_map(|s| &s.holdings).collect();
    let mut hits = all.iter().filter(|h| h.path == path);
    let hit = hits.next().unwrap_or_else(|| panic!("{} not in {all:#?}", path.display()));
    assert!(hits.next().is_none(), "{} is held twice", path.display());
    (hit.class, &hit.why)
}

pub fn not_utf8(name: &[u8]) -> &OsStr {
    OsStr::from_bytes(name)
}
