//! The text of `/proc/PID/maps`, see proc_pid_maps(5): `start-end perms offset major:minor inode   path`.

use std::borrow::Cow;
use std::io::{self, Read};

/// Bytes of one read. The kernel returns one page at a time, whatever the size of the request.
const CHUNK: usize = 8 << 10;
/// Bytes of the longest line: a path of the kernel has 4 KiB, of which every byte can be escaped into four.
const LONGEST: usize = 64 << 10;

/// One line about a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mapping<'a> {
    /// `start-end`, which is the name of the mapping in `map_files`.
    pub range: &'a str,
    /// The device of the file system; not always the one that stat reports for a file on it.
    pub major: u32,
    pub minor: u32,
    pub ino: u64,
    /// The path, with line feeds escaped and followed by ` (deleted)` when no such entry is left.
    pub path: &'a [u8],
}

/// Parses a line; None for text that the kernel does not write.
pub fn parse(line: &[u8]) -> Option<Line<'_>> {
    let (range, rest) = cut(line)?;
    let (_permissions, rest) = cut(rest)?;
    let (_offset, rest) = cut(rest)?;
    let (device, rest) = cut(rest)?;
    let (ino, rest) = cut(rest).unwrap_or((rest, &[]));
    if ino == b"0" {
        return Some(Line::Memory);
    }
    let ino = std::str::from_utf8(ino).ok()?.parse().ok()?;
    let (major, minor) = std::str::from_utf8(device).ok()?.split_once(':')?;
    let hex = |text| u32::from_str_radix(text, 16).ok(); // not a line of maps
    let blanks = rest.iter().take_while(|b| **b == b' ').count();
    let range = std::str::from_utf8(range).ok()?;
    let path = rest.get(blanks..)?;
    Some(Line::File(Mapping { range, major: hex(major)?, minor: hex(minor)?, ino, path }))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    /// Memory without a file behind it.
    Memory,
    File(Mapping<'a>),
}

impl<'a> Mapping<'a> {
    /// Returns the path without what the kernel adds to it, and whether the entry was deleted. A file may really be
    /// called `x (deleted)`, so the caller checks both answers.
    pub fn entry(&self) -> (Cow<'a, [u8]>, bool) {
        match self.path.strip_suffix(b" (deleted)") {
            Some(path) => (unescaped(path), true),
            None => (unescaped(self.path), false),
        }
    }
}

/// Decodes a path. The kernel writes a line feed as `\012` and everything else, a backslash too, as it is.
fn unescaped(path: &[u8]) -> Cow<'_, [u8]> {
    if !path.windows(4).any(|w| w == b"\\012") {
        return Cow::Borrowed(path);
    }
    let mut plain = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((first, others)) = rest.split_first() {
        match rest.strip_prefix(b"\\012") {
            Some(others) => {
                plain.push(b'\n');
                rest = others;
            }
            None => {
                plain.push(*first);
                rest = others;
            }
        }
    }
    Cow::Owned(plain)
}

/// Splits at the next blank, which is dropped.
fn cut(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|b| *b == b' ')?;
    Some((bytes.get(..at)?, bytes.get(at.checked_add(1)?..)?))
}

/// Passes the lines of `from` to `each` without their ends, in a buffer that is reused. Returns the number of lines.
///
/// # Errors
/// Errors of reading and of `each`, and `InvalidData` for a line that is longer than any path makes it.
pub fn each_line(
    mut from: impl Read,
    buffer: &mut Vec<u8>,
    mut each: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<usize> {
    buffer.clear();
    let mut lines = 0usize;
    loop {
        let kept = buffer.len();
        buffer.resize(kept.saturating_add(CHUNK), 0);
        let read = from.read(buffer.get_mut(kept..).unwrap_or_default());
        buffer.truncate(kept.saturating_add(*read.as_ref().unwrap_or(&0)));
        let is_end = match read {
            Ok(n) => n == 0,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        let mut rest = buffer.as_slice();
        while let Some(at) = rest.iter().position(|b| *b == b'\n') {
            each(rest.get(..at).unwrap_or_default())?;
            lines = lines.saturating_add(1);
            rest = rest.get(at.saturating_add(1)..).unwrap_or_default();
        }
        if is_end {
            if !rest.is_empty() {
                each(rest)?;
                lines = lines.saturating_add(1);
            }
            return Ok(lines);
        }
        if rest.len() > LONGEST {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a line without an end"));
        }
        let done = buffer.len().saturating_sub(rest.len());
        buffer.drain(..done);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(line: &str) -> Mapping<'_> {
        match parse(line.as_bytes()) {
            Some(Line::File(mapping)) => mapping,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn the_lines_of_a_real_process_are_understood() {
        let line = "7f0c8a000000-7f0c8a021000 r--p 00000000 fe:00 6012947                    /srv/a model.gguf";
        let m = file(line);
        assert_eq!((m.major, m.minor, m.ino), (0xfe, 0, 6_012_947));
        assert_eq!((m.range, m.path), ("7f0c8a000000-7f0c8a021000", b"/srv/a model.gguf".as_slice()));
        assert_eq!(parse(b"7ffd-7fff rw-p 00000000 00:00 0                          [stack]"), Some(Line::Memory));
        assert_eq!(parse(b"7ffd-7fff rw-p 00000000 00:00 0 "), Some(Line::Memory));
        assert_eq!(parse(b"7ffd-7fff rw-p 00000000 00:00 0"), Some(Line::Memory));
    }

    #[test]
    fn a_file_without_an_entry_and_one_with_a_line_feed_keep_their_names() {
        let at = |path: &str| {
            let line = format!("1-2 r--p 0 08:02 12 {path}");
            let (path, is_gone) = file(&line).entry();
            (String::from_utf8(path.into_owned()).unwrap(), is_gone)
        };
        assert_eq!(at("/a b"), ("/a b".to_owned(), false));
        assert_eq!(at("/a (deleted)"), ("/a".to_owned(), true));
        assert_eq!(at("/a\\012b\\x\\012"), ("/a\nb\\x\n".to_owned(), false));
    }

    #[test]
    fn text_that_is_none_of_the_kernels_is_told() {
        for odd in ["", "x", "1-2 r--p 0 0802 12 /a", "1-2 r--p 0 08:02 1x /a", "1-2 r--p 0 zz:02 12 /a", "1-2 r--p"] {
            assert_eq!(parse(odd.as_bytes()), None, "{odd}");
        }
        assert_eq!(parse(b"1-2 r--p 0 08:02 99999999999999999999999 /a"), None);
    }

    /// Gives its bytes in small pieces.
    struct Dripping<'a>(&'a [u8], usize);

    impl Read for Dripping<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let n = self.1.min(self.0.len()).min(into.len());
            let (now, later) = self.0.split_at(n);
            into[..n].copy_from_slice(now);
            self.0 = later;
            Ok(n)
        }
    }

    #[test]
    fn a_line_that_never_ends_does_not_fill_the_memory() {
        let endless = vec![b'x'; 1 << 20];
        let error = each_line(endless.as_slice(), &mut Vec::new(), |_| Ok(())).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            if let Some(Line::File(m)) = parse(&bytes) {
                m.entry();
            }
        }

        #[test]
        fn what_the_kernel_would_write_is_read_back(
            (start, len, major, minor, ino) in (any::<u32>(), any::<u16>(), 0u32..4096, 0u32..1 << 20, 1u64..),
            path in "/[ -~\u{e9}]{0,60}",
        ) {
            let line = format!("{start:08x}-{:08x} r--p 00000000 {major:02x}:{minor:02x} {ino}    {path}",
                u64::from(start) + u64::from(len));
            let m = file(&line);
            prop_assert_eq!((m.major, m.minor, m.ino), (major, minor, ino));
            prop_assert_eq!(m.path, path.as_bytes());
        }

        #[test]
        fn lines_are_the_same_however_they_arrive(
            text in proptest::collection::vec("[a-z ]{0,30}", 0..40), step in 1usize..50,
        ) {
            let joined: String = text.iter().map(|l| format!("{l}\n")).collect();
            let mut seen = Vec::new();
            let mut buffer = Vec::new();
            each_line(Dripping(joined.as_bytes(), step), &mut buffer, |l| {
                seen.push(String::from_utf8(l.to_vec()).unwrap());
                Ok(())
            }).unwrap();
            prop_assert_eq!(seen, text);
        }
    }
}
