//! Files in OpenAI's Batch format (JSONL): the input has one request per line, the output one answer per line.
//!
//! A file is checked completely before any of it is queued, and is read a second time for queueing: never more than one
//! line is in memory. The second reading checks that the file is unchanged.

mod output;
#[cfg(test)]
mod tests;

pub use output::{OutputLine, is_error, output_line};

use crate::failure::Failure;
use crate::model::hex;
use crate::model::task::{Endpoint, TaskRequest};
use crate::openai::{ChatRequest, CompletionRequest, Constraint};
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::{self, BufRead};

/// The maximum number of lines in one file: OpenAI's limit.
pub const MAX_LINES: u64 = 50_000;
/// The maximum size of one file in bytes: OpenAI's limit.
pub const MAX_BYTES: u64 = 200_000_000;
/// The maximum size of one line in bytes. No context holds more text.
const MAX_LINE: u64 = 32 << 20;
/// The maximum size of one `custom_id` or model name in bytes.
const MAX_KEY: usize = 512;
/// The maximum number of different schemas and grammars of one file that are kept.
const MAX_FORMS: usize = 1_000;
/// The maximum size of all of them in bytes.
const MAX_FORM_BYTES: usize = 8 << 20;
/// The number of different problems that are reported.
const TOLD: usize = 20;
/// The number of lines that are named for one problem.
const NAMED: usize = 5;

/// One request of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The `custom_id` of the request.
    pub key: String,
    pub request: TaskRequest,
    /// The `model` in the body.
    pub model: Option<String>,
}

/// The contents of a valid file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The number of requests: lines that are not blank.
    pub lines: u64,
    /// The sha256 of the whole file, lower-case hex.
    pub sha256: String,
    /// The models that the lines name.
    pub models: BTreeSet<String>,
    /// The constraints of the answers, each with the lines that ask for it: as many as [`MAX_FORMS`] and
    /// [`MAX_FORM_BYTES`] allow. Only llama.cpp can say whether it supports a constraint.
    pub forms: BTreeMap<Constraint, Vec<u64>>,
}

/// A problem in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The numbers of the first lines that have it, from 1; empty for a problem of the whole file.
    pub lines: Vec<u64>,
    /// How many lines have it.
    pub count: u64,
    pub what: String,
}

/// The problems of a file: the first different ones, and the total number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems {
    pub first: Vec<Problem>,
    pub count: u64,
    /// The number of those that `first` does not have.
    pub more: u64,
}

impl Problems {
    /// Collects the problems with the constraints of a file. `refused` has, for each constraint in order, the reason
    /// why it cannot be used.
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
        let what = what.into();
        let has_room = self.first.len() < TOLD;
        match self.first.iter_mut().find(|known| known.what == what && line.is_some()) {
            Some(known) => {
                known.count = known.count.saturating_add(1);
                if known.lines.len() < NAMED {
                    known.lines.extend(line);
                }
            }
            None if has_room => {
                self.first.push(Problem { lines: line.into_iter().collect(), count: 1, what });
            }
            None => self.more = self.more.saturating_add(1),
        }
    }

    /// Creates the failure for people: cannot be met (3), one line for each problem.
    pub fn failure(&self, name: &str) -> Failure {
        let noun = if self.count == 1 { "problem" } else { "problems" };
        let mut text = format!("`{name}` has {} {noun}, and nothing of it was queued:", self.count);
        for problem in &self.first {
            text.push_str("\n  ");
            let named: Vec<String> = problem.lines.iter().map(u64::to_string).collect();
            match (named.as_slice(), problem.count.saturating_sub(named.len() as u64)) {
                ([], _) => {}
                ([line], 0) => text.push_str(&format!("line {line}: ")),
                ([first @ .., last], 0) => text.push_str(&format!("lines {} and {last}: ", first.join(", "))),
                (lines, more) => text.push_str(&format!("lines {} and {more} more: ", lines.join(", "))),
            }
            text.push_str(&problem.what);
        }
        if self.more > 0 {
            text.push_str(&format!("\n  and {} more", self.more));
        }
        Failure::cannot_meet(text).hint(
            "each line is {\"custom_id\": …, \"method\": \"POST\", \"url\": \"/v1/chat/completions\", \"body\": {…}}",
        )
    }
}

/// Reads a file to its end and reports all its problems at once.
///
/// # Errors
/// The outer error when the file cannot be read, the inner one when it is invalid.
pub fn check(reader: impl BufRead) -> io::Result<Result<Checked, Problems>> {
    let mut lines = Lines::new(reader, Judging::All);
    let mut problems = Problems::default();
    let mut keys = HashSet::new();
    let mut models = BTreeSet::new();
    let (mut forms, mut form_bytes) = (BTreeMap::<Constraint, Vec<u64>>::new(), 0_usize);
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
    if lines.requests == 0 && problems.count == 0 {
        problems.add(None, "it is empty");
    }
    let requests = lines.requests;
    Ok(if problems.count == 0 {
        Ok(Checked { lines: requests, sha256: lines.digest(), models, forms })
    } else {
        Err(problems)
    })
}

/// Reads a checked file a second time. The last item is an error if the file has changed since.
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
    Line(Result<(Line, Option<Constraint>), String>),
    /// A limit is exceeded; reading stops.
    TooMuch(String),
    End,
}

struct Lines<R> {
    reader: R,
    hash: Sha256,
    bytes: u64,
    /// The number of the line that was read last, from 1.
    number: u64,
    /// The number of lines so far that are not blank.
    requests: u64,
    buffer: Vec<u8>,
    judging: Judging,
}

/// The extent of the checks of a line. The second reading of the same bytes need not repeat all checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Judging {
    All,
    Envelope,
}

impl<R: BufRead> Lines<R> {
    fn new(reader: R, judging: Judging) -> Self {
        Lines { reader, hash: Sha256::new(), bytes: 0, number: 0, requests: 0, buffer: Vec::new(), judging }
    }

    /// Returns the next line that is not blank.
    fn next_line(&mut self) -> io::Result<Next> {
        loop {
            self.buffer.clear();
            let mut limited = io::Read::take(&mut self.reader, MAX_LINE);
            let read = limited.read_until(b'\n', &mut self.buffer)? as u64;
            if read == 0 {
                return Ok(Next::End);
            }
            self.number = self.number.saturating_add(1);
            self.bytes = self.bytes.saturating_add(read);
            self.hash.update(&self.buffer);
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
            // An editor or `echo >>` leaves blank lines, which are no requests.
            if text.trim_ascii().is_empty() {
                continue;
            }
            self.requests = self.requests.saturating_add(1);
            if self.requests > MAX_LINES {
                return Ok(Next::TooMuch(format!("it has more than {MAX_LINES} requests: split it")));
            }
            return Ok(Next::Line(parse(text, self.judging)));
        }
    }

    fn digest(self) -> String {
        hex(&self.hash.finalize())
    }
}

/// A line as it is in the file; missing fields and wrong types are reported with messages of our own.
#[derive(Deserialize)]
struct Raw {
    custom_id: Option<Value>,
    method: Option<Value>,
    url: Option<Value>,
    body: Option<Value>,
}

fn parse(bytes: &[u8], judging: Judging) -> Result<(Line, Option<Constraint>), String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())?.trim();
    if !text.starts_with('{') {
        return Err("is not a JSON object".to_owned());
    }
    // Only the column of the error is useful: each text has one line.
    let raw: Raw = serde_json::from_str(text).map_err(|e| format!("is not valid JSON (column {})", e.column()))?;
    let key = match raw.custom_id {
        None | Some(Value::Null) => return Err("has no custom_id".to_owned()),
        Some(Value::String(key)) if key.is_empty() => return Err("has an empty custom_id".to_owned()),
        Some(Value::String(key)) if key.contains('\0') => {
            return Err("has a custom_id with a NUL character".to_owned());
        }
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
    let Some(Value::Object(body)) = raw.body else {
        return Err("has no body, or one that is not an object".to_owned());
    };
    let form = if judging == Judging::All { check_body(endpoint, &body)? } else { None };
    let model = body.get("model").and_then(Value::as_str).filter(|m| !m.is_empty()).map(str::to_owned);
    if model.as_ref().is_some_and(|model| model.len() > MAX_KEY) {
        return Err(format!("names a model in more than {MAX_KEY} bytes"));
    }
    let body = Value::Object(body).to_string();
    Ok((Line { key, request: TaskRequest { endpoint, body }, model }, form))
}

/// Checks whether a worker would answer this body: first its shape, with messages for batch files, then everything else
/// that the worker itself requires of a body. The worker checks what depends on the model, and llama.cpp checks the
/// constraint.
pub fn check_body(endpoint: Endpoint, body: &Map<String, Value>) -> Result<Option<Constraint>, String> {
    match endpoint {
        Endpoint::Completions => match body.get("prompt") {
            Some(Value::String(_) | Value::Array(_)) => CompletionRequest::read(body)?.options.constraint(),
            _ => Err("must have a `prompt` in its body that is a string".to_owned()),
        },
        Endpoint::Chat => match body.get("messages") {
            Some(Value::Array(messages)) if !messages.is_empty() => {
                // A tool call replaces the content.
                let has_content =
                    |m: &Value| ["content", "tool_calls", "reasoning_content"].iter().any(|k| m.get(k).is_some());
                let is_good = |m: &Value| m.get("role").is_some_and(Value::is_string) && has_content(m);
                match messages.iter().position(|m| !is_good(m)) {
                    Some(at) => Err(format!("has a message without role or content (number {})", at.saturating_add(1))),
                    None => ChatRequest::read(body)?.options.constraint(),
                }
            }
            _ => Err("must have `messages` in its body, at least one".to_owned()),
        },
    }
}

/// Shortens a text for a line of an error.
fn quoted(text: &str) -> String {
    let short: String = text.chars().take(60).collect();
    let rest = if short.len() < text.len() { "…" } else { "" };
    format!("`{}{rest}`", short.escape_debug())
}
