//! Verification of real files in real folders; only the broken disk and the passing of time are simulated.

use super::hash::{Job, Read, Readers, hash_all};
use super::look::{Structure, Trouble};
use super::*;
use crate::clock::Timestamp;
use crate::failure::{Kind as Exit, classify};
use crate::gguf;
use crate::gguf::fixture::{Gguf, small_model};
use crate::inventory::inode::allocated_of;
use crate::model::{Kind, ModelId, Settings, State, StoreKind, Usage};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// Returns a model of one file as a scan would have recorded it now.
fn scanned(path: &Path, expected: Option<String>) -> Model {
    let meta = fs::metadata(path).unwrap();
    let header = gguf::read_path(path).map(|read| read.facts).map_err(|e| e.fault());
    let artifact = Artifact {
        path: path.to_owned(),
        target: None,
        also: vec![],
        identity: FileIdentity::of(&meta),
        allocated: allocated_of(&meta),
        role: Role::Main,
        shard_no: None,
        expected_sha256: expected,
        header,
    };
    Model {
        id: ModelId("aaaaaaaaaaaa".into()),
        name: "m".into(),
        store: StoreKind::Dir,
        root: "/".into(),
        repo: None,
        kind: Kind::Generative,
        state: State::Ready,
        reason: None,
        content: None,
        artifacts: vec![artifact],
        whole: None,
        shards_expected: 1,
        first_seen: Timestamp(0),
        settings: Settings::default(),
        usage: Usage::default(),
    }
}

fn outcome(model: &Model, depth: Depth) -> Outcome {
    let reports = verify(VerifyRequest {
        models: std::slice::from_ref(model),
        depth,
        before: &HashMap::new(),
        threads: 2,
        max_rate: None,
        pause: Duration::ZERO,
        wait: &|_| {},
        progress: &|_| {},
        cancel: &AtomicBool::new(false),
        record: &mut |_, _| Ok(()),
    });
    reports.unwrap().remove(0).files.remove(0).outcome
}

const FULL: Depth = Depth::Full { hash: false, again: false };
const ALL: Depth = Depth::Full { hash: true, again: true };

#[test]
fn holes_are_undecided_unless_the_promised_hash_says_whether_zeros_belong_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.gguf");
    let whole = Gguf::new("llama").fill(0).tensor("token_embd.weight", &[1 << 18, 4], "F32").build();
    let file = File::create(&path).unwrap();
    file.write_all_at(&whole[..4096], 0).unwrap();
    file.set_len(whole.len() as u64).unwrap();
    let sound = scanned(&path, Some(sha256(&whole)));
    assert_eq!(outcome(&sound, FULL), Outcome::Ok(Proof::Hash { sha256: sha256(&whole) }));
    let other = scanned(&path, Some(sha256(b"what was promised")));
    assert!(matches!(outcome(&other, FULL), Outcome::Mismatch { .. }));
    // Nothing proves the zeros right or wrong, and that is no finding: sparse copies are sound.
    for (model, depth) in [(&sound, Depth::Quick), (&scanned(&path, None), FULL), (&scanned(&path, None), ALL)] {
        let told = outcome(model, depth);
        assert!(told.word() == "unverifiable" && !told.is_finding(), "{depth:?}: {told:?}");
        assert!(told.sentence().contains("read as zeros: only a hash can tell"), "{told:?}");
    }
}

#[test]
fn what_is_not_known_is_no_finding_and_a_hash_speaks_for_it_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let long = "model.diffusion_model.transformer_blocks.0.attn.".to_owned() + &"x".repeat(40);
    let five = Gguf::new("wan").tensor_raw(b"patch_embedding.weight", &[2, 2, 1, 16, 4], 0, None).build();
    let files = [
        ("five dimensions", five),
        ("a long name", Gguf::new("flux").tensor(&long, &[32, 4], "F32").build()),
        ("a newer version", Gguf::new("llama").version(4).tensor("a", &[32], "F32").build()),
        ("a type of a fork", Gguf::new("llama").tensor_raw(b"a", &[32], 139, None).build()),
    ];
    for (what, bytes) in files {
        let path = dir.path().join("m.gguf");
        fs::write(&path, &bytes).unwrap();
        let plain = outcome(&scanned(&path, None), FULL);
        assert!(plain.word() == "unsupported" && !plain.is_finding(), "{what}: {plain:?}");
        let promised = outcome(&scanned(&path, Some(sha256(&bytes))), FULL);
        assert_eq!(promised.word(), "ok", "{what}");
        let other = outcome(&scanned(&path, Some("0".repeat(64))), FULL);
        assert!(other.word() == "mismatch" && other.is_finding(), "{what}: {other:?}");
    }
}

#[test]
fn a_fifo_in_the_place_of_a_file_is_told_and_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.gguf");
    fs::write(&path, small_model("m")).unwrap();
    let model = scanned(&path, Some("0".repeat(64)));
    fs::remove_file(&path).unwrap();
    mknodat(CWD, &path, FileType::Fifo, Mode::from(0o600), 0).unwrap();
    for depth in [Depth::Quick, FULL, ALL] {
        assert!(matches!(outcome(&model, depth), Outcome::Damaged(why) if why.contains("FIFO")), "{depth:?}");
    }
    // Replaced between the check of the file and the reading of it.
    assert_eq!(read_with(&model, &FileExt::read_at, &|_| {}), Read::Changed);
}

#[test]
fn a_file_that_is_not_the_scanned_one_is_a_finding_with_the_next_step() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.gguf");
    fs::write(&path, small_model("one")).unwrap();
    let model = scanned(&path, None);
    fs::write(&path, small_model("another")).unwrap();
    for depth in [Depth::Quick, FULL, ALL] {
        let found = outcome(&model, depth);
        assert!(matches!(&found, Outcome::Changed(_)) && found.is_finding(), "{depth:?}: {found:?}");
        assert!(found.sentence().contains("`modelctl scan`"), "{found:?}");
    }
}

/// Reads the file of a model with the given function, and reports the bytes to `progress`.
fn read_with(model: &Model, read_at: super::hash::ReadAt<'_>, progress: &(dyn Fn(u64) + Sync)) -> Read {
    let artifact = model.main().unwrap();
    let jobs = [Job { path: &artifact.path, identity: artifact.identity }];
    let cancel = AtomicBool::new(false);
    let readers = Readers { threads: 1, max_rate: None, wait: &|_| {}, progress, cancel: &cancel, read_at };
    let mut end = None;
    hash_all(&jobs, &readers, |_, read| {
        end = Some(read);
        Ok(())
    })
    .unwrap();
    end.unwrap()
}

/// Returns a model of slightly more than 3 MiB: four chunks.
fn large(dir: &Path) -> (PathBuf, Model) {
    let path = dir.join("m.gguf");
    fs::write(&path, Gguf::new("llama").tensor("token_embd.weight", &[1 << 18, 3], "F32").build()).unwrap();
    let model = scanned(&path, None);
    (path, model)
}

#[test]
fn a_file_that_grows_or_shrinks_while_it_is_read_has_no_hash() {
    let dir = tempfile::tempdir().unwrap();
    for new_length in [100, 2 << 20, 1 << 23] {
        let (path, model) = large(dir.path());
        let resize = |_: u64| File::options().write(true).open(&path).unwrap().set_len(new_length).unwrap();
        assert_eq!(read_with(&model, &FileExt::read_at, &resize), Read::Changed, "{new_length}");
    }
    let (path, model) = large(dir.path());
    assert_eq!(read_with(&model, &FileExt::read_at, &|_| {}), Read::Sha256(sha256(&fs::read(path).unwrap())));
}

/// A disk that fails to read from an offset on.
struct FakeBadDisk {
    bad_from: u64,
}

impl FakeBadDisk {
    fn read_at(&self, file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        if at >= self.bad_from {
            return Err(rustix::io::Errno::IO.into());
        }
        file.read_at(buffer, at)
    }
}

#[test]
fn a_disk_error_in_the_middle_of_a_file_is_a_finding_and_the_bar_still_ends_full() {
    let dir = tempfile::tempdir().unwrap();
    let (path, model) = large(dir.path());
    let disk = FakeBadDisk { bad_from: 1 << 20 };
    let seen = AtomicU64::new(0);
    let count = |bytes| {
        seen.fetch_add(bytes, Ordering::Relaxed);
    };
    let end = read_with(&model, &|file, buffer, at| disk.read_at(file, buffer, at), &count);
    assert_eq!(seen.into_inner(), fs::metadata(path).unwrap().len());
    let found = conclude(model.main().unwrap(), Promise::None, Some(&end));
    assert!(found.is_finding() && found.word() == "unreadable", "{found:?}");
    assert!(found.sentence().starts_with("cannot be read to its end: Input/output error"), "{found:?}");
}

#[test]
fn an_interrupt_ends_the_reading_as_interrupted() {
    let dir = tempfile::tempdir().unwrap();
    let (_, model) = large(dir.path());
    let artifact = model.main().unwrap();
    let jobs = [Job { path: &artifact.path, identity: artifact.identity }];
    let cancel = AtomicBool::new(false);
    let progress = |_| cancel.store(true, Ordering::Relaxed);
    let readers = Readers {
        threads: 1,
        max_rate: None,
        wait: &|_| {},
        progress: &progress,
        cancel: &cancel,
        read_at: &FileExt::read_at,
    };
    let error = hash_all(&jobs, &readers, |_, read| panic!("{read:?} of a file that was not read whole")).unwrap_err();
    assert_eq!(classify(&error).0, Exit::Interrupted);
}

fn record(sha256: &str) -> HashRecord {
    HashRecord { sha256: sha256.into(), at: Timestamp(7) }
}

#[test]
fn every_way_to_plan_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.gguf");
    fs::write(&path, small_model("m")).unwrap();
    let file = |expected: Option<&str>| scanned(&path, expected.map(str::to_owned)).artifacts.remove(0);
    let (promised, plain) = (file(Some("aa")), file(None));
    let (yes, no) = (record("aa"), record("bb"));
    let hash = Depth::Full { hash: true, again: false };
    let again = Depth::Full { hash: false, again: true };
    let sound = || Structure::Sound;
    let word = |step: &Step| match step {
        Step::Done(outcome) => outcome.word().to_owned(),
        Step::Hash(Promise::Store(_)) => "hash for the store".to_owned(),
        Step::Hash(Promise::Record(_)) => "hash for the record".to_owned(),
        Step::Hash(Promise::None) => "hash".to_owned(),
    };
    let unsized_ = || Structure::Unsized("a new type".into());
    let holes = || Structure::Holes("holes".into());
    let cases: Vec<(Step, &str)> = vec![
        (plan(&promised, sound(), None, Depth::Quick), "ok"),
        (plan(&promised, sound(), None, FULL), "hash for the store"),
        (plan(&promised, sound(), Some(&yes), FULL), "ok"),
        (plan(&promised, sound(), Some(&no), FULL), "mismatch"),
        (plan(&promised, sound(), Some(&no), again), "hash for the store"),
        (plan(&plain, sound(), None, FULL), "unverifiable"),
        (plan(&plain, sound(), None, hash), "hash"),
        (plan(&plain, sound(), Some(&yes), FULL), "ok"),
        (plan(&plain, sound(), Some(&yes), again), "hash for the record"),
        (plan(&promised, unsized_(), None, Depth::Quick), "unverifiable"),
        (plan(&promised, unsized_(), None, FULL), "hash for the store"),
        (plan(&plain, unsized_(), None, FULL), "unverifiable"),
        (plan(&promised, holes(), None, Depth::Quick), "unverifiable"),
        (plan(&promised, holes(), None, FULL), "hash for the store"),
        (plan(&plain, holes(), None, hash), "unverifiable"),
        (plan(&plain, holes(), Some(&yes), again), "hash for the record"),
        (plan(&promised, Structure::Unsupported("s".into()), None, Depth::Quick), "unsupported"),
        (plan(&promised, Structure::Unsupported("s".into()), None, FULL), "hash for the store"),
        (plan(&plain, Structure::Unsupported("s".into()), None, FULL), "unsupported"),
        (plan(&plain, Structure::Unsupported("s".into()), None, hash), "hash"),
        (plan(&promised, Structure::Changed("c"), Some(&yes), FULL), "changed"),
        (plan(&promised, Structure::Trouble(Trouble::Missing), Some(&yes), FULL), "missing"),
        (plan(&promised, Structure::Trouble(Trouble::Unreadable("u".into())), None, ALL), "unreadable"),
        (plan(&promised, Structure::Trouble(Trouble::Damaged("d".into())), Some(&yes), ALL), "damaged"),
    ];
    for (no, (step, expected)) in cases.iter().enumerate() {
        assert_eq!(word(step), *expected, "case {no}: {step:?}");
    }
}

#[test]
fn what_the_end_of_a_reading_means() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.gguf");
    fs::write(&path, small_model("m")).unwrap();
    let file = scanned(&path, None).artifacts.remove(0);
    let store = || Promise::Store("AA".into());
    let got = |hash: &str| Read::Sha256(hash.into());
    let end = |promise, read: &Read| conclude(&file, promise, Some(read));
    assert_eq!(end(store(), &got("aa")), Outcome::Ok(Proof::Hash { sha256: "aa".into() }));
    assert_eq!(end(store(), &got("bb")).word(), "mismatch");
    let recorded = || Promise::Record(record("aa"));
    assert_eq!(end(recorded(), &got("aa")), Outcome::Ok(Proof::Again { sha256: "aa".into(), at: Timestamp(7) }));
    assert_eq!(end(recorded(), &got("bb")).word(), "mismatch");
    assert_eq!(end(Promise::None, &got("bb")), Outcome::Ok(Proof::Recorded { sha256: "bb".into() }));
    let words = [Read::Missing, Read::Changed, Read::Unreadable("e".into())].map(|read| end(store(), &read));
    assert_eq!(words.each_ref().map(Outcome::word), ["missing", "changed", "unreadable"]);
    assert!(words.iter().all(Outcome::is_finding));
    assert_eq!(conclude(&file, store(), None).word(), "unreadable");
}
