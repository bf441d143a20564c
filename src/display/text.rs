//! Text that others wrote (file names, header strings, messages of drivers) made safe to print, measured and shortened.
//!
//! Characters that a terminal or a log reader would act on are written as an ASCII escape (`\x1b`, `\n`, `\u{202e}`),
//! not as a pictogram such as `␛`: an escape survives `LANG=C`, a log file and grep, has a known width, can name the
//! bidi controls, which have no pictogram, and shows a person which character it is. A backslash itself stays single:
//! names that contain one are rarer than people who copy a name from the screen.

use std::borrow::Cow;
use std::ffi::OsString;
use std::fmt::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use unicode_width::UnicodeWidthStr;

/// The mark where characters were left out; one column wide.
pub const ELLIPSIS: char = '…';

/// Returns whether a character would move the cursor, change the terminal, break the line, or make text look like other
/// text: C0 and C1 controls, line and paragraph separators, bidi marks, embeddings, overrides and isolates, and
/// invisible characters without a use in a name. The two joiners are allowed: emoji and several scripts need them.
pub(crate) fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Returns the text with every hostile character escaped. Borrowed when there is none, which is nearly always.
pub fn clean(text: &str) -> Cow<'_, str> {
    let plain = |b: u8| (0x20..0x7f).contains(&b);
    if text.bytes().all(plain) || !text.chars().any(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        push_clean(&mut safe, c);
    }
    Cow::Owned(safe)
}

/// Like [`clean`], for running text: keeps line breaks and tabs.
pub fn clean_text(text: &str) -> Cow<'_, str> {
    let kept = |c: char| matches!(c, '\n' | '\t');
    if !text.chars().any(|c| is_hostile(c) && !kept(c)) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if kept(c) {
            safe.push(c);
        } else {
            push_clean(&mut safe, c);
        }
    }
    Cow::Owned(safe)
}

fn push_clean(safe: &mut String, c: char) {
    match c {
        '\n' => safe.push_str("\\n"),
        '\r' => safe.push_str("\\r"),
        '\t' => safe.push_str("\\t"),
        // Writing to a String cannot fail.
        c if is_hostile(c) && u32::from(c) < 0x80 => write!(safe, "\\x{:02x}", u32::from(c)).unwrap_or(()),
        c if is_hostile(c) => write!(safe, "\\u{{{:x}}}", u32::from(c)).unwrap_or(()),
        c => safe.push(c),
    }
}

/// Returns a path for a person: cleaned, and with bytes that are not UTF-8 as `\xNN`, so that two different names look
/// different (a lossy decoding shows both as `�`).
pub fn path(path: &Path) -> String {
    bytes_as_text(path.as_os_str().as_bytes())
}

/// Returns bytes that are probably UTF-8 as text, in the same form as [`path`].
pub fn bytes_as_text(bytes: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return clean(text).into_owned();
    }
    let mut safe = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            push_clean(&mut safe, c);
        }
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            write!(safe, "\\x{byte:02x}").unwrap_or(());
        }
    }
    safe
}

/// Returns the path that [`path`] shows as this text, where it has bytes that are not UTF-8; None where it has none.
pub fn path_of_shown(shown: &str) -> Option<PathBuf> {
    let mut rest = shown;
    let mut bytes: Vec<u8> = Vec::with_capacity(shown.len());
    while let Some((before, after)) = rest.split_once("\\x") {
        bytes.extend_from_slice(before.as_bytes());
        // What does not follow the form was written so.
        rest = match after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                after.get(2..).unwrap_or_default()
            }
            None => {
                bytes.extend_from_slice(b"\\x");
                after
            }
        };
    }
    bytes.extend_from_slice(rest.as_bytes());
    std::str::from_utf8(&bytes).is_err().then(|| PathBuf::from(OsString::from_vec(bytes)))
}

/// Returns the number of terminal columns that the text takes.
pub fn width(text: &str) -> usize {
    // Nearly every cell is plain ASCII, one column per character.
    if text.bytes().all(|b| (0x20..0x7f).contains(&b)) { text.len() } else { text.width() }
}

/// Shortens the text to at most `room` columns. Leaves out the middle, because the start of a model's name identifies
/// it and its end holds the quantization or part. Empty for a room of 0.
pub fn shorten(text: &str, room: usize) -> Cow<'_, str> {
    if width(text) <= room {
        return Cow::Borrowed(text);
    }
    let Some(keep) = room.checked_sub(1) else {
        return Cow::Borrowed("");
    };
    let head = head_within(text, keep.div_ceil(2));
    let tail = tail_within(text.get(head.len()..).unwrap_or(""), keep.saturating_sub(width(head)));
    Cow::Owned(format!("{head}{ELLIPSIS}{tail}"))
}

/// Returns the longest start of the text that fits. Measured as a whole string: the width of a joined emoji is not the
/// sum of the widths of its characters.
pub(crate) fn head_within(text: &str, room: usize) -> &str {
    let mut end = 0;
    // A character has at most two columns, so the scan is bounded by the room, not by the text, unless the text
    // consists of characters without width; the limit ends the scan for those too.
    for (start, c) in text.char_indices().take(room.saturating_mul(4).saturating_add(4)) {
        let next = start + c.len_utf8();
        match text.get(..next) {
            Some(head) if width(head) <= room => end = next,
            _ => break,
        }
    }
    text.get(..end).unwrap_or("")
}

fn tail_within(text: &str, room: usize) -> &str {
    let mut begin = text.len();
    for (start, _) in text.char_indices().rev().take(room.saturating_mul(4).saturating_add(4)) {
        match text.get(start..) {
            Some(tail) if width(tail) <= room => begin = start,
            _ => break,
        }
    }
    text.get(begin..).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    /// A name that a table shows must be one that can be typed.
    #[test]
    fn a_path_as_it_is_shown_leads_back_to_the_file() {
        let odd = PathBuf::from(OsStr::from_bytes(b"/m/bad\xffname \xc3\xa9.gguf"));
        assert_eq!(path_of_shown(&path(&odd)), Some(odd));
        assert_eq!(path_of_shown("/m/plain.gguf"), None);
        assert_eq!(path_of_shown("/m/\\x1b\\xzz\\x"), None);
        assert_eq!(path_of_shown("\\xzz\\xff"), Some(PathBuf::from(OsStr::from_bytes(b"\\xzz\xff"))));
    }

    #[test]
    fn a_name_cannot_drive_the_terminal() {
        assert_eq!(clean("a\x1b[31mred\x07\r\n\tb"), "a\\x1b[31mred\\x07\\r\\n\\tb");
        assert_eq!(clean("\u{9b}31m\u{85}"), "\\u{9b}31m\\u{85}");
        assert_eq!(clean("evil\u{202e}fugg.exe\u{2066}"), "evil\\u{202e}fugg.exe\\u{2066}");
        assert_eq!(clean("two\u{2028}lines"), "two\\u{2028}lines");
    }

    #[test]
    fn ordinary_names_are_not_copied() {
        for name in ["SmolLM2-135M", "模型-7B", "modèle", "👩‍🔬-3B"] {
            assert!(matches!(clean(name), Cow::Borrowed(n) if n == name), "{name}");
        }
    }

    #[test]
    fn two_names_that_are_not_utf8_stay_apart() {
        assert_eq!(path(Path::new(OsStr::from_bytes(b"/m/\xff\x1b.gguf"))), "/m/\\xff\\x1b.gguf");
        assert_ne!(path(Path::new(OsStr::from_bytes(b"\xfe"))), path(Path::new(OsStr::from_bytes(b"\xff"))));
    }

    #[test]
    fn a_long_name_keeps_its_start_and_its_end() {
        assert_eq!(shorten("Meta-Llama-3.1-70B-Instruct-Q4_K_M", 16), "Meta-Lla…-Q4_K_M");
        assert_eq!(shorten("short", 5), "short");
        assert_eq!(shorten("shorter", 1), "…");
        assert_eq!(shorten("shorter", 0), "");
    }

    #[test]
    fn shortening_never_exceeds_its_room() {
        for text in ["模型模型模型模型", "👩‍🔬👩‍🔬👩‍🔬👩‍🔬", "a\u{301}\u{301}\u{301}bcdefgh", "mixed 模 and 👩‍🔬 text"]
        {
            for room in 0..=width(text) {
                assert!(width(&shorten(text, room)) <= room, "{text} in {room}: {}", shorten(text, room));
            }
        }
    }
}
