//! The filter `tojson` as transformers has it: Python's `json.dumps` with `ensure_ascii=False`.

use super::limited::Limited;
use crate::engine::control;
use minijinja::value::{Kwargs, Rest, Value, ValueKind};
use minijinja::{Error, ErrorKind};
use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, Serializer};
use std::io::{self, Write};

/// The largest number of bytes of one value written as JSON.
const MOST: usize = 64 << 20;
/// The largest number of blanks of one level of indentation.
const MOST_INDENT: usize = 64;

/// Writes a value as JSON. Takes Python's options `ensure_ascii`, `indent`, `separators` and `sort_keys`, by name or in
/// this order.
pub fn tojson(value: &Value, places: Rest<Value>, options: Kwargs) -> Result<String, Error> {
    let option = |name: &str, place: usize| -> Result<Option<Value>, Error> {
        let named: Option<Value> = options.get(name)?;
        Ok(named.or_else(|| places.get(place).cloned()).filter(|v| !v.is_none() && !v.is_undefined()))
    };
    let is_on = |value: Option<Value>| value.is_some_and(|v| v.is_true());
    let ascii = is_on(option("ensure_ascii", 0)?);
    let indent = option("indent", 1)?.map(|value| indentation(&value)).transpose()?;
    let separators = option("separators", 2)?.map(|value| pair(&value)).transpose()?;
    let sorted = is_on(option("sort_keys", 3)?);
    options.assert_all_used()?;
    if value.is_undefined() {
        return Err(wrong("an undefined value is not JSON serializable"));
    }
    let (item, key) = separators.unwrap_or_else(|| {
        // Python omits the blank where a new line follows.
        (if indent.is_some() { "," } else { ", " }.to_owned(), ": ".to_owned())
    });
    let style = Python { ascii, indent, item, key, depth: 0, has_value: false };
    let mut out = Limited { bytes: Vec::new(), most: MOST };
    let mut serializer = Serializer::with_formatter(&mut out, style);
    let sorted_value = if sorted { Some(sort_keys(value)?) } else { None };
    sorted_value.as_ref().unwrap_or(value).serialize(&mut serializer).map_err(|error| wrong(&error.to_string()))?;
    String::from_utf8(out.bytes).map_err(|error| wrong(&error.to_string()))
}

fn wrong(why: &str) -> Error {
    Error::new(ErrorKind::BadSerialization, format!("tojson: {why}"))
}

/// Returns the text of one level, from a number of blanks or as it is.
fn indentation(value: &Value) -> Result<String, Error> {
    match (value.as_str(), value.as_i64()) {
        (Some(text), _) => Ok(text.to_owned()),
        (None, Some(width)) => Ok(" ".repeat(usize::try_from(width).unwrap_or(0).min(MOST_INDENT))),
        _ => Err(wrong("`indent` must be a number or a string")),
    }
}

/// Returns the separators of items, and of a key and its value.
fn pair(value: &Value) -> Result<(String, String), Error> {
    let both: Vec<Value> = value.try_iter()?.take(3).collect();
    match both.as_slice() {
        [item, key] => Ok((item.to_string(), key.to_string())),
        _ => Err(wrong("`separators` must be two strings")),
    }
}

/// Returns the value with the keys of all objects sorted. Only types of JSON occur: the value comes from a request or a
/// literal.
fn sort_keys(value: &Value) -> Result<Value, Error> {
    match value.kind() {
        ValueKind::Map => {
            let mut keys: Vec<Value> = value.try_iter()?.collect();
            keys.sort();
            let pairs: Result<Vec<(Value, Value)>, Error> =
                keys.into_iter().map(|key| Ok((key.clone(), sort_keys(&value.get_item(&key)?)?))).collect();
            Ok(Value::from_pairs(pairs?))
        }
        ValueKind::Seq | ValueKind::Iterable => value.try_iter()?.map(|item| sort_keys(&item)).collect(),
        _ => Ok(value.clone()),
    }
}

/// Python's style of JSON.
struct Python {
    ascii: bool,
    /// The text of one level; `None` writes one line.
    indent: Option<String>,
    item: String,
    key: String,
    depth: usize,
    has_value: bool,
}

impl Python {
    fn new_line<W: ?Sized + Write>(&self, out: &mut W) -> io::Result<()> {
        let Some(indent) = &self.indent else { return Ok(()) };
        out.write_all(b"\n")?;
        (0..self.depth).try_for_each(|_| out.write_all(indent.as_bytes()))
    }

    fn open<W: ?Sized + Write>(&mut self, out: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth = self.depth.saturating_add(1);
        self.has_value = false;
        out.write_all(bracket)
    }

    fn close<W: ?Sized + Write>(&mut self, out: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth = self.depth.saturating_sub(1);
        if self.has_value {
            self.new_line(out)?;
        }
        out.write_all(bracket)
    }

    fn begin<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if !first {
            out.write_all(self.item.as_bytes())?;
        }
        self.new_line(out)
    }
}

impl Formatter for Python {
    fn write_f64<W: ?Sized + Write>(&mut self, out: &mut W, value: f64) -> io::Result<()> {
        out.write_all(super::python::float(value).as_bytes())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.open(out, b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.close(out, b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.begin(out, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_value = true;
        Ok(())
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.open(out, b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.close(out, b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.begin(out, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(self.key.as_bytes())
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_value = true;
        Ok(())
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        if !self.ascii {
            return out.write_all(fragment.as_bytes());
        }
        let mut units = [0_u16; 2];
        for c in fragment.chars() {
            // The mark inside of a control token is no part of the text.
            if c.is_ascii() || c == control::MARK {
                write!(out, "{c}")?;
            } else {
                c.encode_utf16(&mut units).iter().try_for_each(|unit| write!(out, "\\u{unit:04x}"))?;
            }
        }
        Ok(())
    }

    fn write_char_escape<W: ?Sized + Write>(&mut self, out: &mut W, escape: CharEscape) -> io::Result<()> {
        serde_json::ser::CompactFormatter.write_char_escape(out, escape)
    }
}
