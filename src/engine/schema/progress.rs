//! A growing JSON text: when a value is complete, and which parts are still open.
//!
//! The token grammar ensures that the text is JSON, so this module only tracks its state.

use super::check::{Check, Open};
use super::walk::escaped;
use std::collections::HashSet;

/// A text and its state.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    text: Vec<u8>,
    state: State,
}

#[derive(Debug, Clone, Default)]
struct State {
    frames: Vec<Frame>,
    string: Option<Text>,
    /// The position where a number or a word begins.
    scalar: Option<usize>,
    /// The position where the incomplete part begins: a name without its value, or a value.
    cut: Option<usize>,
    /// The name whose value follows: its start and end in the text.
    name: Option<(usize, usize)>,
    /// Whether the whole value is complete.
    done: bool,
}

#[derive(Debug, Clone, Copy)]
struct Text {
    start: usize,
    is_name: bool,
    escaped: bool,
}

#[derive(Debug, Clone)]
enum Frame {
    Object { names: HashSet<Vec<u8>>, last: Vec<u8>, before_name: bool },
    Array { items: usize },
}

/// The effect of some bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Change {
    /// Whether a value or a name became complete.
    complete: bool,
    /// Whether a member or an item was announced.
    more: bool,
    /// Whether a name came twice in one object, or a number exceeded the range of doubles.
    wrong: bool,
}

impl Progress {
    /// Returns whether the text with these bytes can still become a value that fits, and takes the bytes if so.
    pub fn push(&mut self, bytes: &[u8], check: &Check) -> bool {
        let before = self.text.len();
        // Most bytes change nothing that would have to be undone.
        let saved = self.state.changes_with(bytes).then(|| self.state.clone());
        let change = self.take(bytes);
        let fits =
            !change.wrong && (!change.complete || self.fits(check, false)) && (!change.more || self.fits(check, true));
        if !fits {
            self.text.truncate(before);
            if let Some(saved) = saved {
                self.state = saved;
            }
        }
        fits
    }

    /// Returns whether the text may end here.
    pub fn may_end(&self, check: &Check) -> bool {
        let mut ended = self.clone();
        // A number ends when nothing follows.
        ended.state.end_scalar();
        ended.state.done && ended.fits(check, false)
    }

    fn take(&mut self, bytes: &[u8]) -> Change {
        let mut change = Change::default();
        for &byte in bytes {
            let at = self.text.len();
            self.text.push(byte);
            self.state.byte(byte, at, &self.text, &mut change);
        }
        if let Some(start) = self.state.scalar {
            let number = self.text.get(start..).and_then(|bytes| std::str::from_utf8(bytes).ok());
            // A prefix such as `1e` is no number yet.
            change.wrong |= number.and_then(|text| text.parse::<f64>().ok()).is_some_and(f64::is_infinite);
        }
        change
    }

    fn fits(&self, check: &Check, more: bool) -> bool {
        if more && !check.counts_members() {
            return true;
        }
        let Some(text) = self.closed(more) else { return true };
        // The grammar admits texts that no parser reads: a lone surrogate, a number out of range.
        let Ok(value) = serde_json::from_slice(&text) else { return false };
        !check.is_lost(&value, &Open { containers: &self.state.open(), more })
    }

    /// Returns the text with the open parts closed; `None` while there is no value.
    fn closed(&self, more: bool) -> Option<Vec<u8>> {
        let end = self.state.cut.unwrap_or(self.text.len());
        let mut text = self.text.get(..end)?.to_vec();
        while text.last().is_some_and(|byte| b" \t\r\n,".contains(byte)) {
            text.pop();
        }
        let is_empty = text.last().is_none_or(|byte| b"{[".contains(byte));
        if text.is_empty() {
            return None;
        }
        let in_object = matches!(self.state.frames.last(), Some(Frame::Object { .. }));
        let comma: &[u8] = if is_empty { b"" } else { b"," };
        match self.state.name {
            Some((start, end)) if in_object && !self.state.done => {
                text.extend_from_slice(comma);
                text.extend_from_slice(self.text.get(start..end)?);
                text.extend_from_slice(b":null");
            }
            _ if more && in_object => {
                text.extend_from_slice(comma);
                text.extend_from_slice(br#""\u0000":null"#);
            }
            _ => {}
        }
        let closing =
            self.state.frames.iter().rev().map(|frame| if matches!(frame, Frame::Object { .. }) { b'}' } else { b']' });
        text.extend(closing);
        Some(text)
    }
}

impl State {
    /// Returns whether these bytes can change more than the text they are appended to.
    fn changes_with(&self, bytes: &[u8]) -> bool {
        self.string.is_none_or(|text| text.escaped)
            || self.scalar.is_some()
            || bytes.iter().any(|byte| b"\"\\".contains(byte))
    }

    fn byte(&mut self, byte: u8, at: usize, text: &[u8], change: &mut Change) {
        if let Some(string) = &mut self.string {
            match byte {
                _ if string.escaped => string.escaped = false,
                b'\\' => string.escaped = true,
                b'"' => {
                    let Text { start, is_name, .. } = *string;
                    self.string = None;
                    change.complete = true;
                    match is_name {
                        true => change.wrong |= !self.end_name(start, text.get(start..).unwrap_or_default()),
                        false => self.complete(),
                    }
                }
                _ => {}
            }
            return;
        }
        match byte {
            b'{' | b'[' => {
                self.cut = None;
                self.name = None;
                self.frames.push(match byte {
                    b'{' => Frame::Object { names: HashSet::new(), last: Vec::new(), before_name: true },
                    _ => Frame::Array { items: 0 },
                });
            }
            b'}' | b']' => {
                self.end_scalar();
                self.frames.pop();
                self.complete();
                change.complete = true;
            }
            b',' => {
                change.complete |= self.end_scalar();
                change.more = true;
                if let Some(Frame::Object { before_name, .. }) = self.frames.last_mut() {
                    *before_name = true;
                }
            }
            b'"' => {
                let is_name = matches!(self.frames.last(), Some(Frame::Object { before_name: true, .. }));
                self.cut.get_or_insert(at);
                self.string = Some(Text { start: at, is_name, escaped: false });
            }
            b':' | b' ' | b'\t' | b'\r' | b'\n' => change.complete |= self.end_scalar(),
            _ => {
                self.cut.get_or_insert(at);
                self.scalar.get_or_insert(at);
            }
        }
    }

    /// Ends a name. Returns false when its object already has it.
    fn end_name(&mut self, start: usize, name: &[u8]) -> bool {
        let Some(Frame::Object { names, last, before_name }) = self.frames.last_mut() else { return true };
        *before_name = false;
        *last = name.to_vec();
        self.name = Some((start, start.saturating_add(name.len())));
        names.insert(name.to_vec())
    }

    fn end_scalar(&mut self) -> bool {
        let ended = self.scalar.take().is_some();
        if ended {
            self.complete();
        }
        ended
    }

    /// Ends a value.
    fn complete(&mut self) {
        self.cut = None;
        self.name = None;
        match self.frames.last_mut() {
            None => self.done = true,
            Some(Frame::Array { items }) => *items = items.saturating_add(1),
            Some(Frame::Object { .. }) => {}
        }
    }

    /// Returns the JSON pointers of the open parts.
    fn open(&self) -> Vec<String> {
        let mut all = Vec::new();
        let mut place = String::new();
        let (inner, outer) = match self.frames.split_last() {
            Some((inner, outer)) => (Some(inner), outer),
            None => (None, [].as_slice()),
        };
        for frame in outer {
            all.push(place.clone());
            place.push('/');
            match frame {
                // The open item is not counted yet.
                Frame::Array { items } => place.push_str(&items.to_string()),
                Frame::Object { last, .. } => place.push_str(&escaped(&plain(last))),
            }
        }
        if inner.is_some() {
            all.push(place.clone());
        }
        if let (Some(Frame::Object { last, .. }), Some(_)) = (inner, self.name) {
            all.push(format!("{place}/{}", escaped(&plain(last))));
        }
        all
    }
}

/// Returns a name without its quotes and escapes.
fn plain(quoted: &[u8]) -> String {
    // The grammar writes names as JSON; another text would have been refused.
    serde_json::from_slice(quoted).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The first byte that cannot stay, taken byte by byte.
    fn stuck(schema: serde_json::Value, text: &str) -> Option<usize> {
        let check = Check::new(&schema, jsonschema::Draft::default()).unwrap();
        let mut progress = Progress::default();
        let at = text.bytes().position(|byte| !progress.push(&[byte], &check));
        at.or_else(|| (!progress.may_end(&check)).then_some(text.len()))
    }

    #[test]
    fn a_value_is_held_against_its_schema_when_it_is_complete() {
        let schema = json!({"properties": {"a": {"not": {"const": 5}}, "b": {"type": "array", "uniqueItems": true}}});
        assert_eq!(stuck(schema.clone(), r#"{"a": 51, "b": [1, 2]}"#), None);
        assert_eq!(stuck(schema.clone(), r#"{"a": 5, "b": []}"#), Some(7));
        assert_eq!(stuck(schema.clone(), r#"{"b": [1, 1, 2]}"#), Some(11));
        assert_eq!(stuck(schema, r#"{"b": ["x", "x"]}"#), Some(14));
        assert_eq!(stuck(json!({"not": {"const": 5}}), "5"), Some(1));
    }

    #[test]
    fn what_can_still_become_right_is_left_alone() {
        let schema = json!({"required": ["a", "b"], "contains": {"const": 1}, "minProperties": 2});
        assert_eq!(stuck(schema.clone(), r#"{"a": {"x": 1}, "b": 1}"#), None);
        assert_eq!(stuck(schema.clone(), r#"{"a": 1}"#), Some(7));
        assert_eq!(stuck(schema.clone(), "[2, 1]"), None);
        assert_eq!(stuck(schema, "[2]"), Some(2));
        let schema = json!({"if": {"required": ["b"]}, "then": true, "else": {"properties": {"a": {"const": 1}}}});
        assert_eq!(stuck(schema.clone(), r#"{"a": 2, "b": 1}"#), None);
        assert_eq!(stuck(schema, r#"{"a": 2}"#), Some(7));
    }

    #[test]
    fn one_member_too_many_is_not_begun() {
        let schema = json!({"maxProperties": 1, "propertyNames": {"maxLength": 2}});
        assert_eq!(stuck(schema.clone(), r#"{"a": 1, "b": 2}"#), Some(7));
        assert_eq!(stuck(schema.clone(), r#"{"abc": 1}"#), Some(5));
        assert_eq!(stuck(schema, r#"{"ab": {}}"#), None);
    }

    #[test]
    fn a_name_twice_and_a_number_without_end_are_no_answer() {
        assert_eq!(stuck(json!({}), r#"{"a": 1, "a": 2}"#), Some(11));
        assert_eq!(stuck(json!({}), r#"{"a": {"a": 1}, "b": "a"}"#), None);
        assert_eq!(stuck(json!({}), "[1e99, 1e999]"), Some(11));
        assert_eq!(stuck(json!({}), r#"{"a\"b": "\\"}"#), None);
    }

    #[test]
    fn a_refused_token_leaves_no_trace() {
        let schema = json!({"properties": {"a": {"const": "yes"}}});
        let check = Check::new(&schema, jsonschema::Draft::default()).unwrap();
        let mut progress = Progress::default();
        assert!(progress.push(br#"{"a": "ye"#, &check));
        assert!(!progress.push(br#"" "#, &check) && !progress.push(br#"t","b""#, &check));
        assert!(progress.push(br#"s"}"#, &check) && progress.may_end(&check));
    }
}
