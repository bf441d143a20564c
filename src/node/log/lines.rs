//! Lines of a file of any kind and size: bounded, and safe to show.

use anstream::adapter::strip_str;
use std::io::{self, BufRead};

/// Characters of a line that are kept.
pub(super) const LINE_CHARS: usize = 2_000;
/// Bytes of a line that are collected: more than its characters can take, and some escapes.
const LINE_BYTES: usize = 16 << 10;

/// One line, and how many line ends were read up to and including its own.
pub(super) struct Line {
    pub text: String,
    pub number: u64,
}

/// Reads all lines. A carriage return ends one too, without counting: a progress bar writes over itself. However long a
/// line is, only its beginning is in memory. With `is_cut` the reader begins inside of a line, which is left out.
///
/// # Errors
/// The reader's. The lines before it were delivered.
pub(super) fn each(mut reader: impl BufRead, is_cut: bool, mut deliver: impl FnMut(Line)) -> io::Result<()> {
    let mut bytes = Vec::new();
    let mut number = 1;
    let mut is_cut = is_cut;
    let mut emit = |bytes: &mut Vec<u8>, number: u64| {
        if !std::mem::take(&mut is_cut) && !bytes.trim_ascii().is_empty() {
            let text = clean(&String::from_utf8_lossy(bytes));
            if !text.is_empty() {
                deliver(Line { text, number });
            }
        }
        bytes.clear();
    };
    loop {
        let buffer = match reader.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                emit(&mut bytes, number);
                return Err(error);
            }
        };
        if buffer.is_empty() {
            emit(&mut bytes, number);
            return Ok(());
        }
        let read = buffer.len();
        for part in buffer.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            let end = part.last().filter(|byte| matches!(byte, b'\n' | b'\r'));
            let content = part.len().saturating_sub(usize::from(end.is_some()));
            // A hole that a truncation left is full of NUL.
            let room = LINE_BYTES.saturating_sub(bytes.len());
            let content = part.get(..content).unwrap_or(part);
            match content.contains(&0) {
                true => bytes.extend(content.iter().filter(|byte| **byte != 0).take(room)),
                false => bytes.extend_from_slice(content.get(..room).unwrap_or(content)),
            }
            if end.is_some() {
                emit(&mut bytes, number);
            }
            number += u64::from(end == Some(&b'\n'));
        }
        reader.consume(read);
    }
}

/// Removes what a terminal would act on (escape sequences, controls, marks that change the direction of text) and cuts
/// the line at 2,000 characters. A tab becomes a space.
pub fn clean(text: &str) -> String {
    // Nearly every line.
    if text.len() <= LINE_CHARS && text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return text.trim_end().to_owned();
    }
    let is_hidden = |c: char| matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let plain = strip_str(text);
    let parts = plain.flat_map(str::chars);
    let shown = parts.map(|c| if c == '\t' { ' ' } else { c }).filter(|c| !c.is_control() && !is_hidden(*c));
    let mut line: String = shown.take(LINE_CHARS).collect();
    line.truncate(line.trim_end().len());
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::{BufReader, Read};

    fn lines(bytes: &[u8]) -> Vec<(u64, String)> {
        let mut found = Vec::new();
        each(BufReader::with_capacity(7, bytes), false, |line| found.push((line.number, line.text))).unwrap();
        found
    }

    /// A log could otherwise change the terminal of who reads the report.
    #[test]
    fn lines_are_safe_to_show() {
        let found = lines(b"\0\0a\0b\x1b[31mred\x1b[0m\n\xff\xfe\n10%\r20%\rdone\r\n\x1b]0;title\x07x\n\n\tlast");
        let expected =
            [(1, "abred"), (2, "\u{fffd}\u{fffd}"), (3, "10%"), (3, "20%"), (3, "done"), (4, "x"), (6, " last")];
        assert_eq!(found, expected.map(|(number, text)| (number, text.to_owned())));
        assert_eq!(clean("a\u{202e}b\u{200b}c"), "abc");
    }

    /// One line of a gigabyte must not take a gigabyte.
    #[test]
    fn a_line_without_an_end_is_cut() {
        let endless = std::io::repeat(b'x').take(16 << 20);
        let mut found = Vec::new();
        each(BufReader::new(endless), false, |line| found.push(line.text)).unwrap();
        assert_eq!(found.iter().map(String::len).collect::<Vec<_>>(), [LINE_CHARS]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            for (_, text) in lines(&bytes) {
                prop_assert!(!text.contains(|c: char| c.is_control()));
            }
        }
    }
}
