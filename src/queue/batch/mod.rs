//! Files in OpenAI's Batch format (JSONL): one request a line in, one answer a line out.
//!
//! A file is looked at whole before anything of it is queued, and read a second time for that: at no time is more
//! than a line of it in memory. The second reading checks that it is the same file still.

mod output;
#[cfg(test)]
mod tests;

pub use output::{OutputLine, is_error, output_line};

use crate::engine::Form;
use crate::failure::Failure;
use crate::model::hex;
use crate::model::task::{Endpoint, TaskRequest};
use crate::worker::{ChatRequest, CompletionRequest};
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::{self, BufRead};

/// Lines in one file, at most: OpenAI's limit.
pub const MAX_LINES: u64 = 50_000;
/// Bytes of one file, at most: OpenAI's limit.
pub const MAX_BYTES: u64 = 200_000_000;
/// Bytes of one line, at most. No context holds more text.
const MAX_LINE: u64 = 32 << 20;
/// Bytes of one `custom_id` or name of a model, at most.
const MAX_KEY: usize = 512;
/// Different schemas and grammars of one file that are kept.
const MAX_FORMS: usize = 1_000;
/// Bytes of them, in all.
const MAX_FORM_BYTES: usize = 8 << 20;
/// Problems that are told in full.
const TOLD: usize = 20;

/// One request of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its `custom_id`.
    pub key: String,
    pub request: TaskRequest,
    /// The `model` in its body.
    pub model: Option<String>,
}

/// What a good file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    pub lines: u64,
    /// Lower-case hex, of the whole file.
    pub sha256: String,
    /// The models that its lines name.
    pub models: BTreeSet<String>,
    /// What answers have to fit, each with the lines that ask for it: as many as [`MAX_FORMS`] and [`MAX_FORM_BYTES`]
    /// allow. Whether they can be followed only llama.cpp knows.
    pub forms: BTreeMap<Form, Vec<u64>>,
}

/// Something wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// From 1; None for what concerns the file.
    pub line: Option<u64>,
    pub what: String,
}

/// What is wrong with a file: the first problems, and how many there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems {
    pub first: Vec<Problem>,
    pub count: u64,
}

impl Problems {
    /// What is wrong with the forms of a file: for each in their order, why it cannot be followed.
    pub fn of_forms(checked: &Checked, refused: &[Option<String>]) -> Problems {
        let refused = checked.forms.values().zip(refused).filter_map(|(lines, why)| Some((lines, why.as_ref()?)));
        let mut all: Vec<(u64, &String)> =
            refused.flat_map(|(lines, why)| lines.iter().map(move |at| (*at, why))).collect();
        all.sort_unstable();
        let mut problems = Problems::default();
        for (line, why) in all {
            problems.add(Some(line), why);
        }
        problems
    }

    fn add(&mut self, line: Option<u64>, what: impl Into<String>) {
        self.count = self.count.saturating_add(1);
        if self.first.len() < TOLD {
            self.first.push(Problem { line, what: what.into() });
        }
    }

    /// As a person is told: cannot be met (3), a line for each.
    pub fn failure(&self, name: &str) -> Failure {
        let noun = if self.count == 1 { "problem" } else { "problems" };
        let mut text = format!("`{name}` has {} {noun}, and nothing of it was queued:", self.count);
        for problem in &self.first {
            match problem.line {
                Some(line) => text.push_str(&format!("\n  line {line}: {}", problem.what)),
                None => text.push_str(&format!("\n  {}", problem.what)),
            }
        }
        let more = self.count.saturating_sub(self.first.len() as u64);
        if more > 0 {
            text.push_str(&format!("\n  and {more} more"));
        }
        Failure::cannot_meet(text).hint(
            "each line is {\"custom_id\": …, \"method\": \"POST\", \"url\": \"/v1/chat/completions\", \"body\": {…}}",
        )
    }
}

/// Reads a file to its end and says what is wrong with it, all of it at once.
///
/// # Errors
/// The outer one when it cannot be read, the inner one when it is no good.
pub fn check(reader: impl BufRead) -> io::Result<Result<Checked, Problems>> {
    let mut lines = Lines::new(reader, Judging::All);
    let mut problems = Problems::default();
    let mut keys = HashSet::new();
    let mut models = BTreeSet::new();
    let (mut forms, mut form_bytes) = (BTreeMap::<Form, Vec<u64>>::new(), 0_usize);
    loop {
        match lines.next_line()? {
            Next::End => break,
            Next::TooMuch(what) => {
                problems.add(None, what);
                break;
            }
            Next::Line(Err(what)) => problems.add(Some(lines.number), what),
            Next::Line(Ok((line, form))) => {
                let kept = form.filter(|form| {
                    let more = form_bytes.saturating_add(form.text().len());
                    let is_new = !forms.contains_key(form);
                    let fits = forms.len() < MAX_FORMS && more <= MAX_FORM_BYTES;
                    form_bytes = if is_new && fits { more } else { form_bytes };
                    fits || !is_new
                });
                if let Some(form) = kept {
                    forms.entry(form).or_default().push(lines.number);
                }
                if let Some(key) = keys.replace(line.key) {
                    problems.add(Some(lines.number), format!("the custom_id {} is used before", quoted(&key)));
                }
                models.extend(line.model);
            }
        }
    }
    if lines.number == 0 && problems.count == 0 {
        problems.add(None, "it is empty");
    }
    let number = lines.number;
    Ok(if problems.count == 0 {
        Ok(Checked { lines: number, sha256: lines.digest(), models, forms })
    } else {
        Err(problems)
    })
}

/// Reads a checked file a second time. The last item is an error when it is another file by now.
pub fn read<R: BufRead>(reader: R, checked: &Checked) -> impl Iterator<Item = anyhow::Result<Line>> + use<R> {
    let mut lines = Some(Lines::new(reader, Judging::Envelope));
    let expected = checked.sha256.clone();
    std::iter::from_fn(move || {
        let reading = lines.as_mut()?;
        let changed = || Failure::cannot_meet("the file was changed while it was read: nothing of it was queued");
        match reading.next_line() {
            Ok(Next::Line(Ok((line, _)))) => Some(Ok(line)),
            Ok(Next::End) => {
                let same = lines.take().is_some_and(|l| l.digest() == expected);
                if same { None } else { Some(Err(changed().into())) }
            }
            Ok(Next::TooMuch(_) | Next::Line(Err(_))) => {
                lines = None;
                Some(Err(changed().into()))
            }
            Err(error) => {
                lines = None;
                Some(Err(anyhow::Error::new(error).context(Failure::cannot_meet("cannot read the file"))))
            }
        }
    })
}

enum Next {
    Line(Result<(Line, Option<Form>), String>),
    /// Over a limit; nothing more is read.
    TooMuch(String),
    End,
}

struct Lines<R> {
    reader: R,
    hash: Sha256,
    bytes: u64,
    /// Of the line read last, from 1.
    number: u64,
    buffer: Vec<u8>,
    judging: Judging,
}

/// How much of a line is looked at. The same bytes need not be judged twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Judging {
    All,
    Envelope,
}

impl<R: BufRead> Lines<R> {
    fn new(reader: R, judging: Judging) -> Self {
        Lines { reader, hash: Sha256::new(), bytes: 0, number: 0, buffer: Vec::new(), judging }
    }

    fn next_line(&mut self) -> io::Result<Next> {
        self.buffer.clear();
        let mut limited = io::Read::take(&mut self.reader, MAX_LINE);
        let read = limited.read_until(b'\n', &mut self.buffer)? as u64;
        if read == 0 {
            return Ok(Next::End);
        }
        self.number = self.number.saturating_add(1);
        self.bytes = self.bytes.saturating_add(read);
        self.hash.update(&self.buffer);
        if self.number > MAX_LINES {
            return Ok(Next::TooMuch(format!("it has more than {MAX_LINES} lines: split it")));
        }
        if self.bytes > MAX_BYTES {
            return Ok(Next::TooMuch(format!("it has more than {} MB: split it", MAX_BYTES / 1_000_000)));
        }
        if read == MAX_LINE && !self.buffer.ends_with(b"\n") {
            return Ok(Next::TooMuch(format!("line {} is longer than {} MiB", self.number, MAX_LINE >> 20)));
        }
        let mut text = self.buffer.as_slice();
        if self.number == 1 {
            text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        }
        Ok(Next::Line(parse(text, self.judging)))
    }

    fn digest(self) -> String {
        hex(&self.hash.finalize())
    }
}

/// As it stands in a file; what is missing or of another type is told in our own words.
#[derive(Deserialize)]
struct Raw {
    custom_id: Option<Value>,
    method: Option<Value>,
    url: Option<Value>,
    body: Option<Value>,
}

fn parse(bytes: &[u8], judging: Judging) -> Result<(Line, Option<Form>), String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())?.trim();
    if text.is_empty() {
        return Err("is blank".to_owned());
    }
    if !text.starts_with('{') {
        return Err("is not a JSON object".to_owned());
    }
    // Only the column of the error counts: every text is one line.
    let raw: Raw = serde_json::from_str(text).map_err(|e| format!("is not valid JSON (column {})", e.column()))?;
    let key = match raw.custom_id {
        None | Some(Value::Null) => return Err("has no custom_id".to_owned()),
        Some(Value::String(key)) if key.is_empty() => return Err("has an empty custom_id".to_owned()),
        Some(Value::String(key)) if key.len() > MAX_KEY => {
            return Err(format!("has a custom_id longer than {MAX_KEY} bytes"));
        }
        Some(Value::String(key)) => key,
        Some(_) => return Err("has a custom_id that is not a string".to_owned()),
    };
    if raw.method.as_ref().and_then(Value::as_str) != Some("POST") {
        return Err("must have the method \"POST\"".to_owned());
    }
    let url = raw.url.as_ref().and_then(Value::as_str).unwrap_or("");
    let endpoint = Endpoint::from_url(url).ok_or_else(|| {
        let known: Vec<&str> = Endpoint::ALL.iter().map(|e| e.url()).collect();
        format!("has the url {}; known are {}", quoted(url), known.join(" and "))
    })?;
    let Some(Value::Object(body)) = raw.body else { return Err("has no body, or one that is no object".to_owned()) };
    let form = if judging == Judging::All { check_body(endpoint, &body)? } else { None };
    let model = body.get("model").and_then(Value::as_str).filter(|m| !m.is_empty()).map(str::to_owned);
    if model.as_ref().is_some_and(|model| model.len() > MAX_KEY) {
        return Err(format!("names a model in more than {MAX_KEY} bytes"));
    }
    let body = Value::Object(body).to_string();
    Ok((Line { key, request: TaskRequest { endpoint, body }, model }, form))
}

/// Whether a worker would answer it: the shape, told in the words of batch files, and then all that the worker itself
/// asks of a body. What depends on the model is left to it, and the form that the answer has to fit to llama.cpp.
pub fn check_body(endpoint: Endpoint, body: &Map<String, Value>) -> Result<Option<Form>, String> {
    match endpoint {
        Endpoint::Completions => match body.get("prompt") {
            Some(Value::String(_)) => CompletionRequest::read(body)?.options.form(),
            _ => Err("must have a `prompt` in its body that is a string".to_owned()),
        },
        Endpoint::Chat => match body.get("messages") {
            Some(Value::Array(messages)) if !messages.is_empty() => {
                let is_good = |m: &Value| m.get("role").is_some_and(Value::is_string) && m.get("content").is_some();
                match messages.iter().position(|m| !is_good(m)) {
                    Some(at) => Err(format!("has a message without role or content (number {})", at.saturating_add(1))),
                    None => ChatRequest::read(body)?.options.form(),
                }
            }
            _ => Err("must have `messages` in its body, at least one".to_owned()),
        },
    }
}

/// Short enough for a line of an error.
fn quoted(text: &str) -> String {
    let short: String = text.chars().take(60).collect();
    let rest = if short.len() < text.len() { "…" } else { "" };
    format!("`{}{rest}`", short.escape_debug())
}
