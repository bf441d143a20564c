//! Machines that nobody thought of: every kind of store with whatever may lie in it, and what a scan makes of them.

use crate::clock::Timestamp;
use crate::db::{Access, Db};
use crate::inventory::tests::registries::{LIBRARY, Ollama, image, sha256};
use crate::inventory::tests::trees::{self, Tree, commit, sha};
use crate::inventory::{RootSource, RootSpec, ScanRequest, scan};
use crate::model::StoreKind;
use crate::prune::candidate::Candidate;
use crate::prune::gather::{Known, candidates};
use crate::prune::trash::tests::{Picture, below, picture, set_mtime};
use proptest::prelude::*;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// The roots, each in a folder of its own, where its trash will be; two of plain folders share one.
pub const ROOTS: [(StoreKind, &str); 7] = [
    (StoreKind::Dir, "plain/one"),
    (StoreKind::Dir, "plain/two"),
    (StoreKind::Hf, "h/hub"),
    (StoreKind::Ollama, "models"),
    (StoreKind::LmStudio, ".lmstudio/models"),
    (StoreKind::LlamaCpp, ".cache/llama.cpp"),
    (StoreKind::RamaLama, ".local/share/ramalama"),
];
/// What no root holds.
const OUTSIDE: &str = "outside";
const DAY: i64 = 86_400_000;

/// One thing that somebody did: what, and four small numbers that say how.
pub type Deed = (u8, u8, u8, u8, u8);

pub fn deeds(kinds: std::ops::Range<u8>, most: usize) -> impl Strategy<Value = Vec<Deed>> {
    prop::collection::vec((kinds, 0..4u8, 0..4u8, 0..4u8, 0..4u8), 1..most)
}

/// Deeds of plain folders, of the hub, of Ollama, LM Studio, llama.cpp and RamaLama.
pub const DEEDS: [std::ops::Range<u8>; 6] = [0..7, 7..15, 15..19, 19..21, 21..22, 22..24];

pub struct World {
    pub ollama: Ollama,
    _base: tempfile::TempDir,
    db: Db,
    /// Long after everything was written.
    pub now: Timestamp,
}

impl World {
    pub fn of(deeds: &[Deed]) -> World {
        World::within(Tree::light(), deeds)
    }

    /// With its stores in that tree.
    pub fn within(tree: Tree, deeds: &[Deed]) -> World {
        let base = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let db = Db::open(&base.path().join("db"), Access::ReadWrite).unwrap();
        let now = Timestamp(crate::clock::now().0 + 100 * DAY);
        let world = World { ollama: Ollama::within(tree), _base: base, db, now };
        for (_, root) in ROOTS {
            world.tree().dir(root);
        }
        world.tree().dir(OUTSIDE);
        world.tree().text(format!("{OUTSIDE}/notes.txt"), "mine");
        for (number, deed) in deeds.iter().enumerate() {
            world.act(number, *deed);
        }
        world.age(deeds);
        world
    }

    pub fn tree(&self) -> &Tree {
        &self.ollama.tree
    }

    fn act(&self, number: usize, (kind, a, b, c, d): Deed) {
        let tree = self.tree();
        let about = format!("x={} quant=Q4_0 width=8 pad={}", c % 3, "p".repeat(usize::from(c % 3) * 5_000));
        let plain = ["plain/one", "plain/two"][usize::from(a % 2)];
        let sub = ["", "sub/", "sub/deep/"][usize::from(b % 3)];
        match kind {
            0 => drop(tree.gguf(format!("{plain}/{sub}m{d}-Q4_0.gguf"), &about)),
            1 => {
                let (have, count) = if d == 3 { (1, 2) } else { (2 + usize::from(d % 2), 2 + usize::from(d % 2)) };
                for n in 0..have {
                    let about = format!("x={c}{n} split={n}/{count}");
                    tree.gguf(format!("{plain}/{sub}s{c}-{:05}-of-{count:05}.gguf", n + 1), &about);
                }
            }
            2 => drop(tree.gguf(format!("{plain}/{sub}mmproj-{c}.gguf"), &format!("kind=mmproj out=8 y={d}"))),
            3 => {
                let files = self.files(&["plain", OUTSIDE]);
                if let Some(file) = pick(&files, c) {
                    let to = [format!("{plain}/{sub}"), format!("{OUTSIDE}/")][usize::from(d == 3)].clone();
                    let to = tree.path(format!("{to}h{number}.gguf"));
                    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
                    std::fs::hard_link(file, to).unwrap();
                }
            }
            4 => {
                let files = if d == 3 { self.blobs() } else { self.files(&["plain", OUTSIDE]) };
                if let Some(file) = pick(&files, c) {
                    tree.link(&format!("{plain}/{sub}l{number}.gguf"), file);
                }
            }
            5 => match d {
                0 => drop(tree.text(format!("{plain}/{sub}m{c}.gguf.part"), "half")),
                1 => drop(tree.gguf(format!("{plain}/{sub}t{c}.gguf"), "x=9 need=900 have=100")),
                2 => drop(tree.text(format!("{plain}/{sub}torn{c}.gguf"), "no header")),
                _ => drop(tree.text(format!("{plain}/{sub}readme{c}.md"), "mine")),
            },
            6 => {
                tree.gguf(format!("{plain}/{sub}m{d}-Q4_0.gguf"), &about);
                let folder = format!("{plain}/{sub}.cache/huggingface/download");
                tree.text(format!("{folder}/m{d}-Q4_0.gguf.metadata"), "commit\netag\n1.0\n");
            }
            7..15 => self.hub(kind, (a, b, c, d)),
            15 => {
                let tag = format!("{LIBRARY}/m{a}/t{b}");
                let model = format!("GGUF {about}");
                let eye = format!("GGUF kind=mmproj out=8 y={}", d % 2);
                let mut layers = vec![("model", model.as_str()), ("license", "MIT")];
                if d < 2 {
                    layers.push(("projector", eye.as_str()));
                }
                self.pull(&tag, &layers);
            }
            16 => drop(self.ollama.blob(&format!("GGUF left={c}"))),
            17 => {
                let hex = sha256(format!("to come {c}"));
                tree.text(format!("models/blobs/sha256-{hex}-partial"), "half");
                for n in 0..d {
                    let note = serde_json::json!({"N": n, "Offset": 0, "Size": 9, "Completed": 4}).to_string();
                    tree.text(format!("models/blobs/sha256-{hex}-partial-{n}"), &note);
                }
            }
            18 => {
                // Two names for one model with different words around it.
                let model = format!("GGUF {about}");
                let template = format!("template {d}");
                self.pull(&format!("hf.co/org/r{a}/Q{b}"), &[("model", &model), ("template", &template)]);
            }
            19 => {
                let folder = format!(".lmstudio/models/p{}/r{}", a % 2, b % 2);
                tree.gguf(format!("{folder}/m{d}-Q4_0.gguf"), &about);
                if c == 3 {
                    tree.gguf(format!("{folder}/mmproj-F16.gguf"), "kind=mmproj out=8");
                    tree.text(format!("{folder}/config.json"), "{}");
                }
            }
            20 => drop(tree.text(format!(".lmstudio/models/p{}/r{}/downloading_m{d}.gguf.part", a % 2, b % 2), "half")),
            21 => {
                let (repo, file) = (format!("org/r{}-GGUF", a % 2), format!("m{d}-Q4_0.gguf"));
                let path = tree.gguf(format!(".cache/llama.cpp/org_r{}-GGUF_{file}", a % 2), &about);
                if b > 0 {
                    tree.text(format!(".cache/llama.cpp/{}.etag", path.file_name().unwrap().to_str().unwrap()), "e");
                    let json = serde_json::json!({"ggufFile": {"rfilename": file, "size": 1}});
                    let name = format!("manifest={}=t{b}.json", repo.replace('/', "="));
                    tree.text(format!(".cache/llama.cpp/{name}"), &json.to_string());
                }
            }
            _ => self.ramalama(kind, (a, b, c, d), &about),
        }
    }

    fn pull(&self, tag: &str, layers: &[(&str, &str)]) {
        let config = serde_json::json!({"model_format": "gguf", "tag": tag.len() % 2}).to_string();
        self.ollama.blob(&config);
        layers.iter().for_each(|(_, content)| drop(self.ollama.blob(content)));
        self.ollama.manifest(tag, &image(&config, layers));
    }

    fn hub(&self, kind: u8, (a, b, c, d): (u8, u8, u8, u8)) {
        let tree = self.tree();
        let repo = format!("h/hub/models--org--R{}-GGUF", a % 2);
        let at = commit(char::from(b'a' + b % 3));
        let about = format!("x={c} quant=Q4_0 width=8");
        let snapshot = format!("{repo}/snapshots/{at}");
        let is_free = |name: &str| tree.path(format!("{snapshot}/{name}")).symlink_metadata().is_err();
        let entry = |name: &str, blob: &str, about: &str| {
            if is_free(name) {
                tree.snapshot(&repo, &at, name, blob, about);
            }
        };
        let beside = |name: &str, content: String| {
            if is_free(name) {
                tree.text(format!("{repo}/blobs/{}", sha(&content)), &content);
                tree.link(&format!("{snapshot}/{name}"), format!("../../blobs/{}", sha(&content)));
            }
        };
        match kind {
            7 | 8 => entry(&format!("m{}-Q4_0.gguf", d % 2), &format!("blob{c}"), &about),
            9 => drop(tree.text(format!("{repo}/refs/{}", ["main", "main", "v1", "refs/pr/1"][usize::from(d)]), &at)),
            10 => match d {
                0 => drop(tree.gguf(format!("{repo}/blobs/{}", sha(&format!("lost{c}"))), &about)),
                1 => drop(tree.text(format!("{repo}/blobs/{}.incomplete", sha(&format!("late{c}"))), "half")),
                2 => drop(tree.text(format!("{repo}/.no_exist/{at}/x.json"), "")),
                _ => drop(tree.text(format!("h/hub/.locks/R{}/x.lock", a % 2), "")),
            },
            11 => match d {
                0 | 1 => {
                    beside("config.json", "config".into());
                    beside("README.md", format!("readme{c}"));
                }
                2 => beside("model.safetensors", format!("WEIGHTS {c}")),
                _ => entry("mmproj-F16.gguf", &format!("eye{}", c % 2), &format!("kind=mmproj out=8 y={}", c % 2)),
            },
            12 => {
                tree.text("h/hub/blobs/.huggingface-shared-blobs", "1\n");
                let (payload, blob) = (sha(&format!("xet{c}")), sha(&format!("lfs{c}")));
                tree.gguf(format!("h/hub/blobs/ab/{payload}"), &about);
                let list = tree.path(format!("h/hub/blobs/ab/{payload}.refs"));
                let line = format!("models--org--R{}-GGUF/blobs/{blob}\n", a % 2);
                let said = std::fs::read_to_string(&list).unwrap_or_default();
                std::fs::write(&list, said.clone() + if said.contains(&line) { "" } else { &line }).unwrap();
                let name = format!("x{c}-Q8_0.gguf");
                if d != 3 && is_free(&name) {
                    let link = format!("{repo}/blobs/{blob}");
                    if tree.path(&link).symlink_metadata().is_err() {
                        tree.link(&link, format!("../../blobs/ab/{payload}"));
                    }
                    tree.link(&format!("{snapshot}/{name}"), format!("../../blobs/{blob}"));
                }
            }
            13 if is_free("own-Q4_0.gguf") => drop(tree.gguf(format!("{snapshot}/own-Q4_0.gguf"), &about)),
            _ => {
                for n in 0..2 {
                    let about = format!("x={c}{n} split={n}/2");
                    entry(&format!("s-{:05}-of-00002.gguf", n + 1), &format!("part{c}{n}"), &about);
                }
            }
        }
    }

    fn ramalama(&self, kind: u8, (a, b, c, d): (u8, u8, u8, u8), about: &str) {
        let tree = self.tree();
        let folder = format!(".local/share/ramalama/store/huggingface/org/r{}", a % 2);
        for part in ["blobs", "refs", "snapshots"] {
            tree.dir(&format!("{folder}/{part}"));
        }
        if kind == 23 && d == 0 {
            tree.text(format!("{folder}/blobs/sha256-{}.partial", sha(&format!("late{c}"))), "half");
            return;
        }
        let (hash, snap) = (sha(&format!("blob{c}")), sha(&format!("snap{c}{}", d % 2)));
        let blob = tree.gguf(format!("{folder}/blobs/sha256-{hash}"), about);
        let entry = tree.path(format!("{folder}/snapshots/sha256-{snap}/m{c}-Q4_0.gguf"));
        std::fs::create_dir_all(entry.parent().unwrap()).unwrap();
        if entry.symlink_metadata().is_err() {
            match d {
                3 => symlink(Path::new("../../blobs").join(format!("sha256-{hash}")), &entry).unwrap(),
                _ => std::fs::hard_link(&blob, &entry).unwrap(),
            }
        }
        let files =
            [serde_json::json!({"hash": format!("sha256:{hash}"), "name": format!("m{c}-Q4_0.gguf"), "type": "gguf"})];
        let body =
            serde_json::json!({"hash": format!("sha256:{snap}"), "path": "/x", "version": "v1.0.1", "files": files});
        tree.text(format!("{folder}/refs/t{b}-{c}.json"), &body.to_string());
    }

    /// Every file that is no link, in order.
    fn files(&self, tops: &[&str]) -> Vec<PathBuf> {
        let all = tops.iter().flat_map(|top| {
            let top = self.tree().path(top);
            below(&top).into_iter().map(move |path| top.join(path))
        });
        all.filter(|p| p.symlink_metadata().unwrap().is_file() && p.extension().is_some_and(|e| e == "gguf")).collect()
    }

    /// The bytes of stores that name them by their hash.
    fn blobs(&self) -> Vec<PathBuf> {
        let is_blob = |path: &Path| path.ancestors().skip(1).any(|p| p.ends_with("blobs"));
        let tops =
            ROOTS.iter().filter(|(store, _)| !matches!(store, StoreKind::Dir)).map(|(_, root)| self.tree().path(root));
        let all = tops.flat_map(|top| below(&top).into_iter().map(move |path| top.join(path)));
        all.filter(|p| is_blob(p) && std::fs::read(p).is_ok_and(|bytes| bytes.starts_with(b"GGUF"))).collect()
    }

    /// Every entry has a time of its own, most of them long ago.
    fn age(&self, deeds: &[Deed]) {
        let top = self.tree().path("");
        let seed = deeds.iter().fold(7i64, |n, d| (n * 31 + i64::from(d.1) * 4 + i64::from(d.3)) % 1009);
        for (n, path) in below(&top).into_iter().enumerate().skip(1) {
            let n = i64::try_from(n).unwrap();
            let age = (n * seed) % 200 * DAY;
            set_mtime(&top.join(path), (self.now.0 - 100 * DAY - age) * 1_000_000 + n * 1_000_003);
        }
    }

    /// Looks at all roots and keeps what is there.
    pub fn scan(&mut self) {
        let named_by = RootSource::Argument;
        let spec = |(store, root): &(StoreKind, &str)| RootSpec {
            path: self.tree().path(root),
            store: Some(*store),
            named_by,
        };
        let roots: Vec<RootSpec> = ROOTS.iter().map(spec).collect();
        let (known, stamps) = (self.db.known_files().unwrap(), self.db.stamps().unwrap());
        let report = scan(ScanRequest {
            roots: &roots,
            known: &known,
            stamps: &stamps,
            now: self.now,
            threads: 1,
            read: &trees::read,
            load: &mut |roots| self.db.models_in(roots),
            progress: &|_| {},
            cancel: &AtomicBool::new(false),
        })
        .unwrap();
        self.db.record_scan(&report.outcome, self.now).unwrap();
    }

    /// Everything that could go. Of some the journal knows a use, by the names of their files.
    pub fn candidates(&self) -> Vec<Candidate> {
        let mut known = Known::read(&self.db).unwrap();
        for row in &mut known.rows {
            let n =
                row.path.file_name().unwrap().as_encoded_bytes().iter().fold(0i64, |n, b| (n * 7 + i64::from(*b)) % 97);
            row.last_used = (n % 3 == 0).then_some(Timestamp(self.now.0 - n * DAY));
        }
        candidates(&known, &[], self.now)
    }

    /// Every root and what is outside of them, to the last bit.
    pub fn pictures(&self) -> Vec<(PathBuf, Picture)> {
        let tops = ROOTS.iter().map(|(_, root)| *root).chain([OUTSIDE]);
        tops.map(|top| (self.tree().path(top), picture(&self.tree().path(top)))).collect()
    }

    /// Whether a trash holds anything.
    pub fn is_clean(&self) -> bool {
        below(&self.tree().path(""))
            .iter()
            .all(|p| !p.components().any(|c| c.as_os_str() == crate::model::TRASH_FOLDER))
    }
}

fn pick(files: &[PathBuf], n: u8) -> Option<&PathBuf> {
    files.get(usize::from(n) * 5 % files.len().max(1))
}
