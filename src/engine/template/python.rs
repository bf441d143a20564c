//! Python's behavior where minijinja differs.

use minijinja::value::{Kwargs, Rest, Value, ValueKind};
use minijinja::{Error, ErrorKind};

/// Returns the length of a value; 0 for an undefined one.
pub fn length(value: &Value) -> Result<usize, Error> {
    if value.is_undefined() {
        return Ok(0);
    }
    let unsized_ = || format!("cannot calculate the length of a value of type {}", value.kind());
    value.len().ok_or_else(|| Error::new(ErrorKind::InvalidOperation, unsized_()))
}

/// Returns the text of a value, as Python's `str`.
pub fn string(value: &Value) -> String {
    match value.kind() {
        ValueKind::Number if !value.is_integer() => {
            f64::try_from(value.clone()).map_or_else(|_| value.to_string(), float)
        }
        _ => value.to_string(),
    }
}

/// Returns whether Python could loop over a value; an undefined one gives no items.
pub fn is_iterable(value: &Value) -> bool {
    !value.is_none() && value.try_iter().is_ok()
}

/// Returns whether a value has a length and numbered items in Python: jinja2 checks for `__len__` and `__getitem__`.
pub fn is_sequence(value: &Value) -> bool {
    let is_sized = matches!(value.kind(), ValueKind::String | ValueKind::Seq | ValueKind::Map | ValueKind::Undefined);
    // A slice of a list is a list in Python.
    is_sized || (value.kind() == ValueKind::Iterable && value.len().is_some())
}

/// Returns whether a value is callable, which only functions and macros are here.
pub fn is_callable(value: &Value) -> bool {
    value.kind() == ValueKind::Plain
}

/// Returns the first item; undefined where there is none.
pub fn first(value: &Value) -> Result<Value, Error> {
    if value.is_undefined() { Ok(Value::UNDEFINED) } else { minijinja::filters::first(value) }
}

/// Returns the last item; undefined where there is none.
pub fn last(value: &Value) -> Result<Value, Error> {
    if value.is_undefined() { Ok(Value::UNDEFINED) } else { minijinja::filters::last(value.clone()) }
}

/// Returns the pairs of a dict; none for an undefined value.
pub fn items(value: &Value) -> Result<Value, Error> {
    if value.is_undefined() { Ok(Value::from(Vec::<Value>::new())) } else { minijinja::filters::items(value) }
}

/// Converts a value to a whole number, or returns the default.
pub fn int(value: &Value, default: Option<Value>) -> Value {
    let text = value.as_str().map(str::trim);
    let number = match text {
        Some(text) => {
            let truncated = || text.parse::<f64>().ok().filter(|n| n.is_finite()).map(|n| n.trunc() as i64);
            text.replace('_', "").parse::<i64>().ok().or_else(truncated).map(Value::from)
        }
        None if value.is_integer() => Some(value.clone()),
        None => f64::try_from(value.clone()).ok().filter(|n| n.is_finite()).map(|n| Value::from(n.trunc() as i64)),
    };
    number.unwrap_or_else(|| default.unwrap_or_else(|| Value::from(0)))
}

/// Escapes a text for HTML as MarkupSafe does.
pub fn escape(value: &Value) -> String {
    let mut out = String::new();
    for c in value.to_string().chars() {
        match escaped(c) {
            Some(text) => out.push_str(text),
            None => out.push(c),
        }
    }
    out
}

/// Returns MarkupSafe's escape for a character that has a meaning in HTML.
pub fn escaped(c: char) -> Option<&'static str> {
    match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '\'' => Some("&#39;"),
        '"' => Some("&#34;"),
        _ => None,
    }
}

/// Returns the number of words.
pub fn wordcount(text: &str) -> usize {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).count()
}

/// The largest number of bytes that `indent` may write.
const MOST_INDENTED: usize = 64 << 20;

/// Implements Jinja's `indent`: indents all lines except the first and empty ones by `width` blanks, or by a text.
pub fn indent(text: &str, places: Rest<Value>, options: Kwargs) -> Result<String, Error> {
    let option = |name: &str, place: usize| -> Result<Option<Value>, Error> {
        Ok(options.get::<Option<Value>>(name)?.or_else(|| places.get(place).cloned()))
    };
    let is_on = |value: Option<Value>| value.is_some_and(|v| v.is_true());
    let (width, first, blank) = (option("width", 0)?, is_on(option("first", 1)?), is_on(option("blank", 2)?));
    options.assert_all_used()?;
    let wrong = |why: &str| Error::new(ErrorKind::InvalidOperation, format!("indent: {why}"));
    let (margin, times) = match &width {
        None => (" ".to_owned(), 4),
        Some(width) => match width.as_str() {
            Some(margin) => (margin.to_owned(), 1),
            None => {
                let width = width.as_i64().ok_or_else(|| wrong("`width` must be a number or a string"))?;
                (" ".to_owned(), usize::try_from(width).unwrap_or(0))
            }
        },
    };
    // With the line end that Python adds, a text that ends with one has an empty last line.
    let lines: Vec<&str> = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).collect();
    let margin_bytes = margin.len().saturating_mul(times);
    if margin_bytes.saturating_mul(lines.len()).saturating_add(text.len()) > MOST_INDENTED {
        return Err(wrong("the text is too long"));
    }
    let margin = margin.repeat(times);
    let mut out = String::with_capacity(text.len());
    for (number, line) in lines.iter().enumerate() {
        if number > 0 {
            out.push('\n');
        }
        if if number == 0 { first } else { blank || !line.is_empty() } {
            out.push_str(&margin);
        }
        out.push_str(line);
    }
    Ok(out)
}

/// Formats a float as Python's `repr`: with an exponent below 1e-4 and from 1e16 on.
pub fn float(value: f64) -> String {
    if !value.is_finite() {
        return if value.is_nan() {
            "NaN"
        } else if value > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        }
        .to_owned();
    }
    let shortest = format!("{value:e}");
    let (digits, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..16).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
        }
        _ => {
            let plain = value.to_string();
            if plain.contains('.') { plain } else { format!("{plain}.0") }
        }
    }
}
