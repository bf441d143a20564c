//! Classifies names of files that are not, or not yet, a whole model: unfinished downloads, the control files of
//! downloaders, pieces of a file that was cut for a size limit, second copies that no program loads. Pure: only the
//! name is read.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The kind of an unfinished file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfinished {
    /// The bytes of a download so far.
    Download,
    /// The progress of the download of the file next to it.
    Control,
    /// A piece of a file that was cut, or of an archive in volumes.
    Piece,
    /// A second download of the same file, or an editor's copy: `.gguf.1`, `.gguf~`.
    Copy,
    /// A whole file, as far as the name shows, under a name that no program loads: `.gguf.bak`, `.gguf.zst`.
    Spare,
}

impl Unfinished {
    /// Classifies a name that contains `.gguf` and continues after it. None for any other name, and for the small files
    /// that are kept next to models (`.gguf.json`, `.gguf.etag`, `.gguf.sha256`).
    pub fn of(name: &OsStr) -> Option<Unfinished> {
        let (stem, rest) = parts(name)?;
        let rest = rest.to_ascii_lowercase();
        let ends = |end: &&str| rest.ends_with(end.as_bytes());
        let word = rest.iter().position(|b| !SEPARATORS.contains(b)).and_then(|at| rest.get(at..)).unwrap_or_default();
        let digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
        let is_hidden = stem.first() == Some(&b'.');
        Some(if CONTROLS.iter().any(&ends) {
            Unfinished::Control
        } else if DOWNLOADS.iter().any(ends) || rest.starts_with(b".~") {
            Unfinished::Download
        } else if is_hidden && rest.len() == 7 && word.len() == 6 && word.iter().all(u8::is_ascii_alphanumeric) {
            // rsync(1): `.x.gguf.a1B2c3`.
            Unfinished::Download
        } else if word.is_empty() || (digits(word) && word.len() < 3) {
            Unfinished::Copy
        } else if is_piece(word) {
            Unfinished::Piece
        } else if is_beside(word) {
            return None;
        } else {
            Unfinished::Spare
        })
    }

    /// Returns the reason for a holding of this kind, for use in a sentence.
    pub fn why(self) -> &'static str {
        match self {
            Unfinished::Download => "unfinished download",
            Unfinished::Control => "progress of a download whose file is elsewhere",
            Unfinished::Piece => "a piece of a model: it must be joined with the others before it can be loaded",
            Unfinished::Copy => "a second copy, or part of one, under a name that no program loads",
            Unfinished::Spare => "a model under a name that no program loads",
        }
    }
}

/// Returns the name of the model that an unfinished file belongs to: up to and including its last `.gguf`, without the
/// prefixes of downloaders. Files with the same result are one download.
pub(crate) fn belongs_to(name: &OsStr) -> Option<&OsStr> {
    let (mut stem, _) = parts(name)?;
    for start in [b".syncthing.".as_slice(), b"~syncthing~", b"downloading_", b"incomplete-", b"."] {
        stem = stem.strip_prefix(start).unwrap_or(stem);
    }
    Some(OsStr::from_bytes(stem))
}

/// Returns the file whose progress a control file records: `x.gguf` of `x.gguf.aria2`.
pub(crate) fn payload_of(control: &Path) -> Option<PathBuf> {
    let name = control.file_name()?;
    let bytes = name.as_bytes();
    let lower = bytes.to_ascii_lowercase();
    let end = CONTROLS.iter().find(|c| lower.ends_with(c.as_bytes()))?;
    let stem = bytes.get(..bytes.len().checked_sub(end.len())?)?;
    Some(control.with_file_name(OsStr::from_bytes(stem)))
}

/// Returns the control files that a file may have.
pub(crate) fn controls_of(file: &Path) -> impl Iterator<Item = PathBuf> {
    CONTROLS.iter().map(move |end| {
        let mut name = file.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    })
}

/// Returns whether a folder holds the file of an unfinished download, under its own name: Safari's `x.gguf.download`,
/// ModelScope's `._____temp`.
pub(crate) fn is_download_folder(name: &OsStr) -> bool {
    let name = name.as_bytes();
    name == b"._____temp" || (name.len() > 9 && name.to_ascii_lowercase().ends_with(b".download"))
}

/// Returns the name up to and including its last `.gguf`, and the rest after a separator. None when there is no rest.
fn parts(name: &OsStr) -> Option<(&[u8], &[u8])> {
    let bytes = name.as_bytes();
    let at = bytes.windows(5).rposition(|w| w.eq_ignore_ascii_case(b".gguf"))?;
    let (stem, rest) = bytes.split_at_checked(at.checked_add(5)?)?;
    let goes_on = rest.first().is_some_and(|b| SEPARATORS.contains(b));
    (stem.len() > 5 && goes_on).then_some((stem, rest))
}

const SEPARATORS: &[u8] = b".-_~!# (";

/// Returns whether a word marks a piece: `part1of2`, `part01.rar`, `split-a`, `chunk_3`, `1of2`, `001`, `aa`, `7z.001`,
/// `z01`.
fn is_piece(word: &[u8]) -> bool {
    let starts = |start: &&str| word.starts_with(start.as_bytes());
    let tail = word.rsplit(|b| *b == b'.').next().unwrap_or_default();
    let digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let is_count = word.windows(2).any(|w| w == b"of") && word.first().is_some_and(u8::is_ascii_digit);
    // split(1) counts aa, ab, …: few get beyond the first letter.
    let is_split = matches!(word, [b'a', b'a'..=b'z'] | [b'a', b'a', b'a'..=b'z']);
    let is_volume = matches!(tail, [b'r' | b'z', rest @ ..] if digits(rest) && rest.len() >= 2);
    ["part", "split", "chunk", "piece", "shard", "vol"].iter().any(starts)
        || is_count
        || is_split
        || is_volume
        || (digits(tail) && tail.len() >= 3)
}

/// Returns whether a word is the end of a small file that people and programs keep next to a model.
fn is_beside(word: &[u8]) -> bool {
    const BESIDE: [&str; 43] = [
        "json",
        "etag",
        "metadata",
        "lock",
        "md",
        "txt",
        "sha",
        "sha1",
        "sha256",
        "sha256sum",
        "sha512",
        "md5",
        "b3",
        "torrent",
        "meta",
        "meta4",
        "metalink",
        "magnet",
        "yaml",
        "yml",
        "toml",
        "xml",
        "log",
        "cfg",
        "conf",
        "ini",
        "html",
        "htm",
        "png",
        "jpg",
        "jpeg",
        "webp",
        "sig",
        "asc",
        "url",
        "webloc",
        "desktop",
        "lnk",
        "info",
        "py",
        "jinja",
        "trashinfo",
        "nfo",
    ];
    let tail = word.rsplit(|b| *b == b'.').next().unwrap_or_default();
    BESIDE.iter().any(|b| b.as_bytes() == tail)
}

/// The suffixes of files that downloaders are writing, in lower case.
const DOWNLOADS: [&str; 32] = [
    ".incomplete",
    ".downloadinprogress",
    ".part",
    ".partial",
    "-partial",
    ".crdownload",
    ".download",
    ".downloading",
    ".opdownload",
    ".fdmdownload",
    ".drivedownload",
    ".tmp",
    ".temp",
    ".!qb",
    ".!ut",
    ".ut!",
    ".!bt",
    ".bt!",
    ".bt",
    ".bc!",
    ".td",
    ".xltd",
    ".filepart",
    ".unconfirmed",
    ".dltmp",
    ".jc!",
    ".ob!",
    ".idm",
    ".dtapart",
    ".unfinished",
    ".in_progress",
    ".pending",
];

/// The suffixes of the control files of downloaders: aria2, axel (also Jan), lftp, Thunder.
const CONTROLS: [&str; 6] = [".aria2", ".aria2__temp", ".st", ".lftp-pget-status", ".td.cfg", ".ggdownload"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_names_what_it_has_not_finished() {
        let of = |name: &str| Unfinished::of(OsStr::new(name));
        for name in [
            "a.gguf.tmp",
            "b.gguf.download",
            "c.gguf.downloading",
            "d.GGUF.!qB",
            "e.gguf.!ut",
            "f.gguf.bt",
            "g.gguf.part",
            "h.gguf.0a1b2c3d.partial",
            "i.gguf.crdownload",
            "j.gguf-partial",
            "downloading_k.gguf.part",
            ".l.gguf.a1B2c3",
            ".syncthing.m.gguf.tmp",
            ".n.gguf.~1f2e",
            "o.gguf.incomplete",
            "p.gguf.xltd",
        ] {
            assert_eq!(of(name), Some(Unfinished::Download), "{name}");
        }
        for name in ["a.gguf.aria2", "b.gguf.st", "c.gguf.lftp-pget-status", "D.GGUF.ARIA2"] {
            assert_eq!(of(name), Some(Unfinished::Control), "{name}");
        }
        for name in [
            "Tess.Q8_0.gguf.part1of2",
            "a.gguf.part01.rar",
            "b.Q6_K.gguf-split-a",
            "c.gguf.001",
            "d.gguf.aa",
            "e.gguf.1of3",
            "f.gguf.7z.002",
            "g.gguf.z01",
            "h.gguf_chunk_2",
            "i.gguf.part-aa",
            "j.gguf-part-b",
        ] {
            assert_eq!(of(name), Some(Unfinished::Piece), "{name}");
        }
        for name in ["a.gguf.1", "b.gguf~", "c.gguf.12"] {
            assert_eq!(of(name), Some(Unfinished::Copy), "{name}");
        }
        for name in ["a.gguf.bak", "b.gguf.zst", "c.gguf.disabled", "d.gguf (1)"] {
            assert!(matches!(of(name), Some(Unfinished::Spare)), "{name}: {:?}", of(name));
        }
        for name in [
            "a.gguf",
            "a.gguf.json",
            "a.gguf.etag",
            "a.gguf.sha256",
            "a.gguf.torrent",
            "a.gguf.metadata",
            "x.part",
            ".gguf.part",
            "ggufs.tmp",
            "a.ggufx",
            "note.gguf.md",
            "",
        ] {
            assert_eq!(of(name), None, "{name}");
        }
    }

    #[test]
    fn the_files_of_one_download_are_told_by_their_names() {
        let of = |name: &str| belongs_to(OsStr::new(name)).map(|n| n.to_str().unwrap().to_owned());
        for name in
            ["x.gguf.aria2", "x.gguf.part2of2", "downloading_x.gguf.part", ".x.gguf.a1B2c3", ".syncthing.x.gguf.tmp"]
        {
            assert_eq!(of(name).as_deref(), Some("x.gguf"), "{name}");
        }
        assert_eq!(payload_of(Path::new("/m/x.gguf.aria2")), Some("/m/x.gguf".into()));
        assert!(controls_of(Path::new("/m/x.gguf")).any(|c| c == Path::new("/m/x.gguf.st")));
        assert!(is_download_folder(OsStr::new("x.gguf.download")) && is_download_folder(OsStr::new("._____temp")));
        assert!(!is_download_folder(OsStr::new("download")) && !is_download_folder(OsStr::new(".download")));
    }

    proptest::proptest! {
        #[test]
        fn any_name_is_read_without_a_panic(name in "[.a-z~!0-9-]{0,12}(.gguf)?[.~!a-z0-9(-]{0,12}") {
            let name = OsStr::new(&name);
            let _ = (Unfinished::of(name), belongs_to(name), is_download_folder(name), payload_of(Path::new(name)));
        }
    }
}
