//! What the first bytes and the header of a file say.

use super::Content;
use crate::gguf::{self, GgufError, file_name};
use crate::host::extents;
use crate::model::{Facts, Integrity, Kind, damage};
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Bytes that are looked at to tell formats apart.
const HEAD: usize = 512;
/// Parts of a set that are named as missing.
const PARTS: usize = 20;

/// Reads the content of an open regular file. `is_beside` says whether a file of that name is in its folder.
///
/// # Errors
/// The first bytes cannot be read.
pub fn read(file: &File, name: &OsStr, size: u64, is_beside: impl Fn(&str) -> bool) -> io::Result<Content> {
    let mut head = [0u8; HEAD];
    let mut filled = 0usize;
    while let Some(room) = head.get_mut(filled..).filter(|room| !room.is_empty()) {
        match file.read_at(room, filled as u64) {
            Ok(0) => break,
            Ok(read) => filled = filled.saturating_add(read),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let mut content = first_bytes(head.get(..filled).unwrap_or_default());
    if content.format != "gguf" {
        return Ok(content);
    }
    let header = gguf::read_file(file, name).map(|read| read.facts);
    if let Ok(facts) = &header {
        add_facts(&mut content, facts, size);
        if matches!(facts.integrity, Integrity::Sparse { .. }) {
            // A file system that cannot be asked leaves the doubt that the blocks raise.
            content.holes = extents::holes(file, facts.data_offset, size).ok();
        }
    }
    let header = header.map_err(|error: GgufError| error.fault());
    content.damage = damage(&header, None, None).map(|(_, why)| why);
    let split = header.ok().and_then(|facts| facts.split); // a damaged header promises nothing
    content.shards = shards(&name.to_string_lossy(), split.map(|split| (split.no, split.count)), is_beside);
    Ok(content)
}

/// Tells formats apart by the first bytes of a file.
pub fn first_bytes(head: &[u8]) -> Content {
    let four = head.get(..4).unwrap_or(head);
    let text = String::from_utf8_lossy(head).trim_start().to_lowercase();
    let format = match () {
        () if head.is_empty() => "empty",
        () if head.starts_with(b"GGUF") => "gguf",
        () if head.starts_with(b"PK\x03\x04") => "zip",
        () if text.starts_with("version https://git-lfs") => "git-lfs pointer",
        () if ["<!doctype html", "<html", "<?xml", "<head", "<body"].iter().any(|tag| text.starts_with(tag)) => "html",
        // The length of a JSON object in eight bytes, then the object.
        () if head.get(8..10) == Some(b"{\"") && head.get(5..8) == Some(&[0, 0, 0]) => "safetensors",
        () => "other",
    };
    let number = head.get(4..8).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes);
    let version = number.filter(|_| format == "gguf");
    // A version with its bytes the wrong way round is a very large number.
    let is_big_endian = version.is_some_and(|version| version > 0xFFFF && version.swap_bytes() <= 0xFFFF);
    Content {
        format: format.to_owned(),
        magic: four.escape_ascii().to_string(),
        version: version.map(|version| if is_big_endian { version.swap_bytes() } else { version }),
        is_big_endian,
        ..Content::default()
    }
}

fn add_facts(content: &mut Content, facts: &Facts, size: u64) {
    let has_embeddings = facts.token_embd_bytes > 0 || facts.tied_output;
    content.version = Some(facts.gguf_version);
    content.is_big_endian = facts.big_endian;
    content.architecture = facts.architecture.clone();
    // Another part of a set may have them.
    content.has_token_embeddings = (has_embeddings || facts.split.is_none()).then_some(has_embeddings);
    content.kind = Some(kind(facts.kind).to_owned());
    content.context = facts.context_length;
    content.needed = match &facts.integrity {
        Integrity::Truncated { need, .. } => Some(*need),
        Integrity::Trailing { extra } => Some(size.saturating_sub(*extra)),
        Integrity::Complete | Integrity::Sparse { .. } => Some(facts.data_offset.saturating_add(facts.tensor_bytes)),
        Integrity::Unknown { .. } => None,
    };
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Generative | Kind::Embedding | Kind::Reranker | Kind::Speech | Kind::Diffusion | Kind::Encoder => "model",
        Kind::Draft => "draft model",
        Kind::Adapter => "adapter",
        Kind::Control => "control vector",
        Kind::Imatrix => "imatrix",
        Kind::Mmproj => "projector",
        Kind::Vocab => "vocabulary",
        Kind::Unknown => "unknown",
    }
}

/// Returns the place of a file in its set, and the names of the parts that are not there. None for a file of its own.
/// `split`: the number from 0 and the count of the header.
fn shards(name: &str, split: Option<(u32, u32)>, is_beside: impl Fn(&str) -> bool) -> Option<(u32, u32, Vec<String>)> {
    let parts = file_name::parse(name);
    let (no, count) = match (parts.shard, split) {
        (Some(shard), _) => shard,
        // A part whose name was changed: its siblings have no names that could be known.
        (None, Some((no, count))) => return Some((no.saturating_add(1), count, Vec::new())),
        (None, None) => return None,
    };
    let sibling = |no: u32| format!("{}-{no:05}-of-{count:05}.gguf", parts.stem);
    let missing = (1..=count.min(100_000)).filter(|other| *other != no).map(sibling);
    Some((no, count, missing.filter(|name| !is_beside(name)).take(PARTS).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Each of these is what really was downloaded, and each has another remedy.
    #[test]
    fn what_is_not_a_model_is_recognised_by_its_first_bytes() {
        for (bytes, format, magic) in [
            (b"".as_slice(), "empty", ""),
            (b"<!DOCTYPE html><html>", "html", "<!DO"),
            (b"\n<html>", "html", "\\n<ht"),
            (b"version https://git-lfs.github.com/spec/v1\noid", "git-lfs pointer", "vers"),
            (b"PK\x03\x04abcd", "zip", "PK\\x03\\x04"),
            (b"\x40\x01\0\0\0\0\0\0{\"__metadata__\"", "safetensors", "@\\x01\\x00\\x00"),
            (b"\0\0\0\0\0\0\0\0\0\0\0\0", "other", "\\x00\\x00\\x00\\x00"),
        ] {
            let content = first_bytes(bytes);
            assert_eq!((content.format.as_str(), content.magic.as_str()), (format, magic));
        }
        let version = |bytes: &[u8]| {
            let content = first_bytes(bytes);
            (content.version, content.is_big_endian)
        };
        assert_eq!(version(b"GGUF\x03\0\0\0"), (Some(3), false));
        assert_eq!(version(b"GGUF\0\0\0\x03"), (Some(3), true));
        assert_eq!(version(b"GGUF\x09\0\0\0"), (Some(9), false));
        assert_eq!(version(b"GGUF"), (None, false));
    }

    #[test]
    fn the_missing_parts_of_a_set_are_named() {
        let beside = |name: &str| name == "m-00002-of-00003.gguf";
        let missing = vec!["m-00003-of-00003.gguf".to_owned()];
        assert_eq!(shards("m-00001-of-00003.gguf", None, beside), Some((1, 3, missing)));
        assert_eq!(shards("m.gguf", None, beside), None);
        assert_eq!(shards("blob", Some((0, 2)), beside), Some((1, 2, vec![])));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600), tail in proptest::collection::vec(any::<u8>(), 0..64)) {
            first_bytes(&bytes);
            let file = tempfile::tempfile().unwrap();
            for bytes in [bytes, [b"GGUF\x03\0\0\0".as_slice(), &tail].concat()] {
                file.set_len(0).unwrap();
                file.write_all_at(&bytes, 0).unwrap();
                read(&file, OsStr::new("x-00001-of-99999.gguf"), bytes.len() as u64, |_| false).unwrap();
            }
        }
    }
}
