//! Methods of Python's strings, lists and dicts that minijinja's own set lacks, or does not have with all arguments.

use minijinja::value::{Kwargs, Value, ValueKind, from_args};
use minijinja::{Error, ErrorKind, State};

/// Bytes that padding may write.
const MOST_PADDED: usize = 1 << 20;

/// Calls a method.
pub fn call(state: &mut State, value: &Value, name: &str, args: &[Value]) -> Result<Value, Error> {
    let found = match (value.kind(), value.as_str()) {
        (_, Some(text)) => of_string(text, name, args)?,
        (ValueKind::Seq | ValueKind::Iterable, _) => of_list(value, name, args)?,
        (ValueKind::Map, _) if name == "copy" && args.is_empty() => Some(value.clone()),
        _ => None,
    };
    match found {
        Some(result) => Ok(result),
        None => minijinja_contrib::pycompat::unknown_method_callback(state, value, name, args),
    }
}

fn wrong(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, what.into())
}

/// Calls a method of a string. Returns `None` for methods that are not ours.
fn of_string(text: &str, name: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    let value = match name {
        "split" | "rsplit" => split(text, name == "rsplit", args)?,
        "find" | "rfind" | "index" | "rindex" => {
            let (what, start, end): (&str, Option<i64>, Option<i64>) = from_args(args)?;
            match (find(text, what, (start, end), name.starts_with('r')), name) {
                (Some(at), _) => Value::from(at),
                (None, "find" | "rfind") => Value::from(-1),
                (None, _) => return Err(wrong("substring not found")),
            }
        }
        "count" => {
            let (what, start, end): (&str, Option<i64>, Option<i64>) = from_args(args)?;
            let (_, part) = part(text, (start, end));
            Value::from(part.matches(what).count())
        }
        "startswith" | "endswith" if args.len() > 1 => {
            let (what, start, end): (&str, Option<i64>, Option<i64>) = from_args(args)?;
            let (_, part) = part(text, (start, end));
            Value::from(if name == "startswith" { part.starts_with(what) } else { part.ends_with(what) })
        }
        "partition" | "rpartition" => {
            let (separator,): (&str,) = from_args(args)?;
            let cut = if name == "partition" { text.split_once(separator) } else { text.rsplit_once(separator) };
            let three = match (cut, name) {
                (Some((before, after)), _) => [before, separator, after],
                (None, "partition") => [text, "", ""],
                (None, _) => ["", "", text],
            };
            Value::from(minijinja::value::Tuple::from(three.map(Value::from).to_vec()))
        }
        "removeprefix" => {
            let (prefix,): (&str,) = from_args(args)?;
            Value::from(text.strip_prefix(prefix).unwrap_or(text))
        }
        "removesuffix" => {
            let (suffix,): (&str,) = from_args(args)?;
            Value::from(text.strip_suffix(suffix).unwrap_or(text))
        }
        "casefold" => {
            let () = from_args(args)?;
            Value::from(text.to_lowercase())
        }
        "swapcase" => {
            let () = from_args(args)?;
            let swapped = |c: char| -> String {
                if c.is_uppercase() { c.to_lowercase().collect() } else { c.to_uppercase().collect() }
            };
            Value::from(text.chars().map(swapped).collect::<String>())
        }
        "ljust" | "rjust" | "center" | "zfill" => {
            let (width, fill): (i64, Option<&str>) = from_args(args)?;
            Value::from(padded(text, name, (width, fill))?)
        }
        _ => return Ok(None),
    };
    Ok(Some(value))
}

fn of_list(value: &Value, name: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    if name != "index" {
        return Ok(None);
    }
    let (what,): (Value,) = from_args(args)?;
    match value.try_iter()?.position(|item| item == what) {
        Some(at) => Ok(Some(Value::from(at))),
        None => Err(wrong(format!("{what} is not in list"))),
    }
}

/// Implements `str.split` and `str.rsplit`, with the separator and the largest number of cuts by position or by name.
fn split(text: &str, from_right: bool, args: &[Value]) -> Result<Value, Error> {
    let (separator, most, options): (Option<Value>, Option<Value>, Kwargs) = from_args(args)?;
    let separator = options.get::<Option<Value>>("sep")?.or(separator).filter(|s| !s.is_none());
    let most = options.get::<Option<Value>>("maxsplit")?.or(most).and_then(|most| most.as_i64());
    options.assert_all_used()?;
    // A negative number is no limit.
    let parts = most.and_then(|most| usize::try_from(most).ok()).map(|most| most.saturating_add(1));
    let Some(separator) = separator else {
        return Ok(split_blanks(text, from_right, parts));
    };
    let separator = separator.as_str().ok_or_else(|| wrong("a separator must be a string"))?;
    if separator.is_empty() {
        return Err(wrong("empty separator"));
    }
    let all: Vec<Value> = match (parts, from_right) {
        (None, _) => text.split(separator).map(Value::from).collect(),
        (Some(parts), false) => text.splitn(parts, separator).map(Value::from).collect(),
        (Some(parts), true) => {
            let mut all: Vec<Value> = text.rsplitn(parts, separator).map(Value::from).collect();
            all.reverse();
            all
        }
    };
    Ok(Value::from(all))
}

/// Splits at blanks; the last part is all the rest where there are more than `parts`.
fn split_blanks(text: &str, from_right: bool, parts: Option<usize>) -> Value {
    let Some(parts) = parts else { return text.split_whitespace().map(Value::from).collect() };
    let mut all = Vec::new();
    let mut rest = text.trim();
    while all.len().saturating_add(1) < parts {
        let cut = if from_right { rest.rsplit_once(char::is_whitespace) } else { rest.split_once(char::is_whitespace) };
        let Some((before, after)) = cut else { break };
        let (word, left) = if from_right { (after, before.trim_end()) } else { (before, after.trim_start()) };
        all.push(word);
        rest = left;
    }
    if !rest.is_empty() {
        all.push(rest);
    }
    if from_right {
        all.reverse();
    }
    all.into_iter().map(Value::from).collect()
}

/// Returns the part of a text between two positions, counted in characters as Python counts them, and the number of
/// characters before it.
fn part(text: &str, (start, end): (Option<i64>, Option<i64>)) -> (usize, &str) {
    if start.is_none() && end.is_none() {
        return (0, text);
    }
    let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let place = |at: i64| usize::try_from(if at < 0 { at.saturating_add(length) } else { at }).unwrap_or(0);
    let byte = |at: usize| text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte);
    let from = place(start.unwrap_or(0));
    let part = text.get(byte(from)..byte(place(end.unwrap_or(length)))).unwrap_or("");
    (from, part)
}

/// Returns the position of a text in another, in characters.
fn find(text: &str, what: &str, places: (Option<i64>, Option<i64>), last: bool) -> Option<usize> {
    let (before, part) = part(text, places);
    let at = if last { part.rfind(what) } else { part.find(what) }?;
    Some(before.saturating_add(part.get(..at)?.chars().count()))
}

fn padded(text: &str, name: &str, (width, fill): (i64, Option<&str>)) -> Result<String, Error> {
    let fill = if name == "zfill" { "0" } else { fill.unwrap_or(" ") };
    let missing = usize::try_from(width).unwrap_or(0).saturating_sub(text.chars().count());
    if missing.saturating_mul(fill.len()) > MOST_PADDED {
        return Err(wrong(format!("{name}: the text is too long")));
    }
    // Python's own rule for an odd number of blanks.
    let width_is_odd = usize::try_from(width).unwrap_or(0) % 2;
    let left = match name {
        "ljust" => 0,
        "center" => missing / 2 + (missing & width_is_odd & 1),
        _ => missing,
    };
    let (sign, digits) = match text.strip_prefix(['-', '+']) {
        Some(digits) if name == "zfill" => text.split_at(text.len().saturating_sub(digits.len())),
        _ => ("", text),
    };
    let right = missing.saturating_sub(left);
    Ok(format!("{sign}{}{digits}{}", fill.repeat(left), fill.repeat(right)))
}
