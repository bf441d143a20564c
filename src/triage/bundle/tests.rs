use super::*;
use crate::node::log::LifeEnd;
use crate::triage::facts::{FACTS_SCHEMA, Facts};
use crate::triage::judge;
use crate::triage::report::Report;
use crate::triage::testing::{fails, healthy_facts};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

fn broken_node() -> Facts {
    let mut facts = healthy_facts();
    fails(&mut facts.services[0], LifeEnd::Exited { code: 1, expected: false }, &["E the moon is full"]);
    facts.services[0].python = Some(crate::triage::testing::known(
        "python",
        crate::triage::facts::PythonFacts { torch_cuda: Some(None), ..Default::default() },
    ));
    facts
}

fn judged(facts: &Facts) -> Report {
    let mut report = judge(facts, &JudgeOptions::default());
    (report.took_ms, report.redacted) = (1234, 5);
    report
}

fn write(path: &Path) -> (Facts, Report) {
    let (facts, options) = (broken_node(), JudgeOptions::default());
    let report = judged(&facts);
    let contents = Contents { facts: &facts, report: &report, options: &options, text: "llama is down\n" };
    Target::new(path).unwrap().write(&contents).unwrap();
    (facts, report)
}

/// Without it an incident cannot be looked at again.
#[test]
fn a_bundle_gives_the_same_answer_again() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["x.tar", "x.tar.zst"] {
        let path = folder.path().join(name);
        let (facts, report) = write(&path);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let read = read(&path).unwrap();
        assert_eq!(read.facts, facts);
        let mut again = judge(&read.facts, &read.manifest.options);
        (again.took_ms, again.redacted) = (read.manifest.took_ms, read.manifest.redacted);
        assert_eq!(again, report);
        assert_eq!(serde_json::to_value(&report).unwrap(), read.report);
        let names: Vec<&str> = read.manifest.files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names[..3], ["facts.json", "report.json", "report.txt"]);
        assert!(names.iter().any(|name| name.ends_with("-llama.txt")), "{names:?}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "no temporary file is left");
}

#[test]
fn a_bundle_replaces_nothing_and_follows_no_link() {
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("a.tar");
    std::fs::write(&taken, "mine").unwrap();
    assert!(matches!(Target::new(&taken), Err(WriteError::Exists)));
    let link = folder.path().join("b.tar");
    symlink(folder.path().join("target"), &link).unwrap();
    assert!(matches!(Target::new(&link), Err(WriteError::Exists)));
    let late = folder.path().join("c.tar");
    let target = Target::new(&late).unwrap();
    symlink(folder.path().join("target"), &late).unwrap();
    let (facts, options) = (broken_node(), JudgeOptions::default());
    let report = judged(&facts);
    let outcome = target.write(&Contents { facts: &facts, report: &report, options: &options, text: "" });
    assert!(matches!(outcome, Err(WriteError::Exists)), "{outcome:?}");
    assert!(!folder.path().join("target").exists());
    assert_eq!(std::fs::read_to_string(&taken).unwrap(), "mine");
    assert!(matches!(Target::new(&folder.path().join("x.zip")), Err(WriteError::Name)));
    assert!(matches!(Target::new(&folder.path().join("no/x.tar")), Err(WriteError::Io(_))));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3, "no temporary file is left");
}

/// Builds an archive of any entries.
fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_entry_type(tar::EntryType::Regular);
        // Straight into the header: the library refuses names that lead out.
        let field = &mut header.as_gnu_mut().unwrap().name;
        field[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        tar.append(&header, *bytes).unwrap();
    }
    tar.into_inner().unwrap()
}

fn read_bytes(bytes: &[u8]) -> Result<Bundle, ReadError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.tar");
    std::fs::write(&path, bytes).unwrap();
    read(&path)
}

/// Returns the entries of a good bundle.
fn good() -> Vec<(String, Vec<u8>)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.tar");
    write(&path);
    let bytes = std::fs::read(&path).unwrap();
    let mut archive = tar::Archive::new(bytes.as_slice());
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut content).unwrap();
        (String::from_utf8(entry.path_bytes().into_owned()).unwrap(), content)
    });
    entries.collect()
}

fn packed(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
    archive(&entries.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect::<Vec<_>>())
}

/// Changes one file and, with `signed`, its hash in the manifest.
fn changed(name: &str, signed: bool, change: impl Fn(&str) -> String) -> Vec<u8> {
    let mut entries = good();
    let at = entries.iter().position(|(of, _)| of == name).unwrap();
    let text = change(std::str::from_utf8(&entries[at].1).unwrap());
    entries[at].1 = text.into_bytes();
    if signed && at > 0 {
        let mut manifest: Manifest = serde_json::from_slice(&entries[0].1).unwrap();
        let file = manifest.files.iter_mut().find(|file| file.name == name).unwrap();
        (file.size, file.sha256) = (entries[at].1.len() as u64, sha256(&entries[at].1));
        entries[0].1 = serde_json::to_vec(&manifest).unwrap();
    }
    packed(&entries)
}

#[test]
fn a_bundle_that_was_altered_is_not_used() {
    assert!(read_bytes(&packed(&good())).is_ok());
    let outcome = read_bytes(&changed(FACTS, false, |text| text.replace("node1", "node2")));
    assert!(matches!(outcome, Err(ReadError::Altered(name)) if name == FACTS));
    let log = good().into_iter().find(|(name, _)| name.starts_with(LOGS)).unwrap().0;
    assert!(matches!(read_bytes(&changed(&log, false, |text| format!("{text}x"))), Err(ReadError::Altered(_))));
    let without: Vec<_> = good().into_iter().filter(|(name, _)| *name != log).collect();
    assert!(matches!(read_bytes(&packed(&without)), Err(ReadError::Altered(_))));
    let without: Vec<_> = good().into_iter().filter(|(name, _)| *name != MANIFEST).collect();
    assert!(matches!(read_bytes(&packed(&without)), Err(ReadError::Missing(MANIFEST))));
    let mut twice = good();
    twice.push(twice[1].clone());
    assert!(matches!(read_bytes(&packed(&twice)), Err(ReadError::Entry(_))));
}

#[test]
fn a_bundle_of_a_newer_version_says_so() {
    let schema = |of: u32| (format!("\"schema\":{of}"), format!("\"schema\":{}", of + 1));
    let (old, new) = schema(FACTS_SCHEMA);
    let outcome = read_bytes(&changed(FACTS, true, |text| text.replacen(&old, &new, 1)));
    assert!(matches!(&outcome, Err(ReadError::Newer { what: "facts", schema: 2, .. })), "{outcome:?}");
    let outcome = read_bytes(&changed(MANIFEST, false, |text| {
        // A newer shape: nothing but the version is understood.
        let _ = text;
        "{\"schema\": 9, \"modelctl\": \"7.0.0\", \"files\": 3}".to_owned()
    }));
    let words = outcome.unwrap_err().to_string();
    assert!(words.contains("newer modelctl (7.0.0)") && words.contains("schema 9"), "{words}");
}

#[test]
fn entries_that_no_bundle_has_are_refused() {
    for name in ["../x", "/etc/passwd", "logs/../../x.txt", "logs/a/b.txt", "x.sh", "logs/.txt"] {
        let mut entries = good();
        entries.push((name.to_owned(), b"x".to_vec()));
        assert!(matches!(read_bytes(&packed(&entries)), Err(ReadError::Entry(_))), "{name}");
    }
    for kind in [
        tar::EntryType::Symlink,
        tar::EntryType::Link,
        tar::EntryType::Fifo,
        tar::EntryType::Directory,
        tar::EntryType::GNUSparse,
    ] {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(0);
        header.set_path(FACTS).unwrap();
        if matches!(kind, tar::EntryType::Symlink | tar::EntryType::Link) {
            header.set_link_name("/etc/passwd").unwrap();
        }
        header.set_cksum();
        tar.append(&header, std::io::empty()).unwrap();
        let outcome = read_bytes(&tar.into_inner().unwrap());
        // The library itself refuses a sparse file without its map.
        assert!(matches!(outcome, Err(ReadError::Entry(_) | ReadError::NotABundle(_))), "{kind:?}: {outcome:?}");
    }
}

#[test]
fn bombs_cuts_and_other_files_are_refused_quickly() {
    let mut bomb = zstd::Encoder::new(Vec::new(), 3).unwrap();
    let zeros = vec![0u8; 1 << 20];
    for _ in 0..80 {
        bomb.write_all(&zeros).unwrap();
    }
    assert!(matches!(read_bytes(&bomb.finish().unwrap()), Err(ReadError::TooLarge)));
    let whole = packed(&good());
    for end in [0, 100, 511, 512, 700, whole.len() / 2, whole.len() - 2000] {
        assert!(read_bytes(&whole[..end]).is_err(), "cut at {end}");
    }
    let packed = zstd::encode_all(whole.as_slice(), 3).unwrap();
    assert!(read_bytes(&packed).is_ok());
    assert!(read_bytes(&packed[..packed.len() / 2]).is_err());
    for other in [&b"hello"[..], &[0x1f, 0x8b, 8, 0], &[0; 4096], &[0xff; 4096]] {
        assert!(read_bytes(other).is_err());
    }
    // A header that promises more than there is.
    let mut header = tar::Header::new_gnu();
    header.set_path(MANIFEST).unwrap();
    header.set_size(1 << 60);
    header.set_entry_type(tar::EntryType::Regular);
    header.set_cksum();
    assert!(read_bytes(header.as_bytes()).is_err());
    let deep = format!("{{\"schema\":1,\"x\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(matches!(read_bytes(&archive(&[(MANIFEST, deep.as_bytes())])), Err(ReadError::Content { .. })));
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(read(folder.path()), Err(ReadError::NotAFile)));
    let fifo = folder.path().join("fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    assert!(matches!(read(&fifo), Err(ReadError::NotAFile)), "it is not waited for");
    assert!(matches!(read(&folder.path().join("none")), Err(ReadError::Io(_))));
}

/// A full disk must leave neither a half bundle nor a temporary file.
#[test]
fn a_disk_that_is_full_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let Ok(()) =
        rustix::mount::mount("tmpfs", folder.path(), "tmpfs", rustix::mount::MountFlags::empty(), Some(c"size=16k"))
    else {
        return crate::testing::skip("may not mount");
    };
    let (facts, options) = (broken_node(), JudgeOptions::default());
    let report = judged(&facts);
    let text = "x".repeat(100_000);
    let target = Target::new(&folder.path().join("x.tar")).unwrap();
    let outcome = target.write(&Contents { facts: &facts, report: &report, options: &options, text: &text });
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    rustix::mount::unmount(folder.path(), rustix::mount::UnmountFlags::DETACH).unwrap();
    assert!(matches!(outcome, Err(WriteError::Io(_))), "{outcome:?}");
    assert_eq!(left, 0);
}
