//! The one redactor: everything that leaves, on the screen, as JSON or in a bundle, is made of facts that went through it.
//!
//! Secrets are found by their names (arguments, variables, keys of JSON that is escaped any number of times, headers,
//! parts of URLs), by their form (tokens of known services, PEM blocks, JWTs) and by looking random. A secret that was
//! found once is replaced wherever else it occurs. Prompts, answers and lists of tokens are replaced too. A replacement
//! names the length and a keyed hash, so that the same value can be recognized within one run: `[redacted 24 chars #1a2b]`.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable, clippy::indexing_slicing)
)]

mod names;
mod patterns;
#[cfg(test)]
mod tests;
mod words;

use super::facts::Facts;
use crate::node::Outcome;
use crate::node::log::LogLine;
use crate::node::process::{is_allowed, is_secret_name};
use names::is_secret_flag;
use patterns::{Patterns, Span};
use regex::bytes::Regex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};

/// What was replaced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Redactions {
    /// Number of replacements.
    pub count: u64,
    /// Number of different values.
    pub values: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum RedactError {
    /// Facts that cannot be written are not shown at all: nobody can say what is in them.
    #[error("the facts cannot be written as text")]
    Facts(#[from] serde_json::Error),
    #[error("a pattern of the redactor is wrong")]
    Pattern(#[from] regex::Error),
}

/// Takes secrets and private texts out of all facts.
///
/// # Errors
/// When the facts hold a path that is not UTF-8.
pub fn redact(facts: Facts) -> Result<(Facts, Redactions), RedactError> {
    redact_with(facts, &[])
}

/// Does what [`redact`] does, with secrets that are known from elsewhere: passwords and keys that were read from files and
/// environments and are not among the facts.
///
/// # Errors
/// Those of [`redact`].
pub fn redact_with(mut facts: Facts, secrets: &[String]) -> Result<(Facts, Redactions), RedactError> {
    let mut redactor = Redactor::new(Patterns::new()?);
    secrets.iter().for_each(|secret| redactor.learn(secret));
    // Part by part: as a document, facts take many times their size.
    let services = std::mem::take(&mut facts.services);
    let logs: Vec<Vec<LogLine>> = lines_of_supervisords(&mut facts).into_iter().map(std::mem::take).collect();
    redactor.learn_from(&facts)?;
    logs.iter().flat_map(|lines| lines.chunks(LINES)).try_for_each(|lines| redactor.learn_from(&lines))?;
    services.iter().try_for_each(|service| redactor.learn_from(service))?;
    redactor.know()?;
    let mut facts = redactor.replaced_in(facts)?;
    for (place, mut lines) in lines_of_supervisords(&mut facts).into_iter().zip(logs) {
        while !lines.is_empty() {
            let part: Vec<LogLine> = lines.drain(..LINES.min(lines.len())).collect();
            place.extend(redactor.replaced_in(part)?);
        }
    }
    facts.services = services.into_iter().map(|service| redactor.replaced_in(service)).collect::<Result<_, _>>()?;
    let redactions = Redactions { count: redactor.count, values: redactor.tags.len() as u64 };
    Ok((facts, redactions))
}

/// Returns the lines of the logs of supervisords: with many programs, the largest part of all facts.
fn lines_of_supervisords(facts: &mut Facts) -> Vec<&mut Vec<LogLine>> {
    let logs = facts.supervisords.iter_mut().flat_map(|supervisord| &mut supervisord.logs);
    let lines = logs.filter_map(|log| match &mut log.outcome {
        Outcome::Ok { value } => Some(&mut value.marked),
        _ => None,
    });
    lines.collect()
}

/// Takes secrets out of texts that are made of what others said: answers of servers, lines of programs.
///
/// # Errors
/// None in practice: the patterns are constant.
pub fn redact_texts<'a>(texts: impl IntoIterator<Item = &'a mut String>) -> Result<(), RedactError> {
    let mut texts: Vec<&mut String> = texts.into_iter().collect();
    let mut redactor = Redactor::new(Patterns::new()?);
    texts.iter_mut().for_each(|text| redactor.string(text, Mode::Learn));
    redactor.know()?;
    texts.iter_mut().for_each(|text| redactor.string(text, Mode::Replace));
    Ok(())
}

/// Lines of a log that are one part.
const LINES: usize = 256;
/// Shortest secret that is looked for elsewhere.
const SHORTEST: usize = 6;
/// Shortest secret that could be a word and is looked for all the same: `server` as a password must not take the word out
/// of the lines that rules read.
const SHORTEST_WORD: usize = 8;
/// Most different secrets that are looked for elsewhere; a node has a few dozen.
const MOST: usize = 2_000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Looks for secrets and changes nothing.
    Learn,
    Replace,
}

struct Redactor {
    patterns: Patterns,
    key: RandomState,
    secrets: BTreeSet<String>,
    /// The secrets as one pattern, and those that could be a plain word as another.
    known: Option<Regex>,
    known_words: Option<Regex>,
    is_in_pem: bool,
    count: u64,
    tags: BTreeSet<String>,
}

impl Redactor {
    fn new(patterns: Patterns) -> Redactor {
        Redactor {
            patterns,
            key: RandomState::new(),
            secrets: BTreeSet::new(),
            known: None,
            known_words: None,
            is_in_pem: false,
            count: 0,
            tags: BTreeSet::new(),
        }
    }

    fn learn(&mut self, secret: &str) {
        let secret = secret.trim();
        let is_number = secret.bytes().all(|b| b.is_ascii_digit()) && secret.len() < 10;
        let is_common = secret.len() < SHORTEST_WORD && is_plain_word(secret);
        let is_full = self.secrets.len() >= MOST;
        // A folder is where things are, and rules and people need it; where it stands as a secret it is replaced.
        let is_path = secret.starts_with('/') && !secret.contains(['+', '=']);
        if secret.len() < SHORTEST || is_number || is_common || is_path || secret.starts_with("[redacted") || is_full {
            return;
        }
        self.secrets.insert(secret.to_owned());
        let encoded = percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC).to_string();
        self.secrets.insert(encoded);
        // As JSON writes it, with its quotes escaped.
        let escaped = Value::from(secret).to_string();
        self.secrets
            .insert(escaped.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(secret).to_owned());
    }

    /// Learns the secrets of a part of the facts.
    fn learn_from(&mut self, part: &impl Serialize) -> Result<(), RedactError> {
        self.walk(&mut serde_json::to_value(part)?, Mode::Learn);
        Ok(())
    }

    /// Replaces all secrets in a part of the facts.
    fn replaced_in<T: Serialize + DeserializeOwned>(&mut self, part: T) -> Result<T, RedactError> {
        let mut document = serde_json::to_value(part)?;
        self.walk(&mut document, Mode::Replace);
        Ok(serde_json::from_value(document)?)
    }

    /// Makes patterns of what was learned.
    fn know(&mut self) -> Result<(), regex::Error> {
        let mut secrets: Vec<&String> = self.secrets.iter().collect();
        // A secret may be the beginning of another one.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        let one_of = |secrets: Vec<&String>| {
            let escaped: Vec<String> = secrets.into_iter().map(|secret| regex::escape(secret)).collect();
            let is_any = !escaped.is_empty();
            is_any.then(|| Regex::new(&escaped.join("|"))).transpose()
        };
        let (words, others) = secrets.into_iter().partition(|secret| is_plain_word(secret));
        self.known = one_of(others)?;
        self.known_words = one_of(words)?;
        Ok(())
    }

    fn walk(&mut self, value: &mut Value, mode: Mode) {
        match value {
            Value::String(text) => self.string(text, mode),
            Value::Array(items) => self.list(items, mode),
            Value::Object(map) => self.object(map, mode),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Handles a list; in a command line the word after a secret's flag is secret, whatever it looks like.
    fn list(&mut self, items: &mut [Value], mode: Mode) {
        let mut is_next_secret = false;
        for item in items {
            let is_secret = std::mem::take(&mut is_next_secret);
            match item {
                Value::String(text) if is_secret && !text.starts_with('-') && !text.starts_with('/') => {
                    self.whole(text, mode);
                }
                Value::String(text) => {
                    is_next_secret = is_secret_flag(text);
                    self.string(text, mode);
                }
                item => self.walk(item, mode),
            }
        }
    }

    fn object(&mut self, map: &mut Map<String, Value>, mode: Mode) {
        for (key, value) in map {
            match (key.as_str(), value) {
                // Of a process: a fact with the names and values of its variables.
                ("environment", Value::Object(fact)) => match fact.get_mut("value") {
                    Some(Value::Object(variables)) => {
                        for (name, value) in variables {
                            match value {
                                Value::String(text) if is_secret_name(name) => self.whole(text, mode),
                                value => self.walk(value, mode),
                            }
                        }
                    }
                    _ => fact.values_mut().for_each(|value| self.walk(value, mode)),
                },
                // Of a program of supervisord: pairs.
                ("environment", Value::Array(pairs)) => pairs.iter_mut().for_each(|pair| self.pair(pair, mode)),
                ("text", Value::String(text)) => self.line(text, mode),
                // What files and this boot are recognized by looks random and is none of anybody's secrets.
                ("sha256" | "boot_id", Value::String(text)) if is_digest(text) => {}
                (_, value) => self.walk(value, mode),
            }
        }
    }

    fn pair(&mut self, pair: &mut Value, mode: Mode) {
        let Some([Value::String(name), Value::String(value)]) = pair.as_array_mut().map(Vec::as_mut_slice) else {
            return self.walk(pair, mode);
        };
        match () {
            () if is_allowed(name, value) => self.string(value, mode),
            // Not secret by its name, and not on the list: `LOG_LEVEL=warning` must not take the word out of every line.
            () if mode == Mode::Learn && is_plain_word(value) && !is_secret_name(name) => {}
            () => self.whole(value, mode),
        }
    }

    /// Handles a line of a log; a PEM block goes over several.
    fn line(&mut self, text: &mut String, mode: Mode) {
        let is_begin = text.contains("-----BEGIN") && !text.contains("-----END");
        if self.is_in_pem {
            let is_end = text.contains("-----END");
            let is_inside = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=-: ,\t".contains(&b));
            self.is_in_pem = is_inside && !is_end;
            if is_inside && mode == Mode::Replace && !text.is_empty() {
                *text = self.replacement(text);
                return;
            }
        }
        self.is_in_pem |= is_begin;
        self.string(text, mode);
    }

    /// Replaces a whole value.
    fn whole(&mut self, text: &mut String, mode: Mode) {
        if text.is_empty() || text.starts_with("[redacted") {
            return;
        }
        match mode {
            Mode::Learn => self.learn(text),
            Mode::Replace => *text = self.replacement(text),
        }
    }

    fn string(&mut self, text: &mut String, mode: Mode) {
        let mut spans = self.patterns.spans(text);
        if mode == Mode::Learn {
            for span in spans.iter().filter(|span| span.is_named) {
                if let Some(secret) = text.get(span.range.clone()) {
                    self.learn(secret);
                }
            }
            return;
        }
        self.add_known(text, &mut spans);
        if spans.is_empty() {
            return;
        }
        spans.sort_by_key(|span| span.range.start);
        let mut redacted = String::with_capacity(text.len());
        let mut at = 0;
        let mut spans = spans.into_iter().peekable();
        while let Some(Span { mut range, .. }) = spans.next() {
            while let Some(next) = spans.next_if(|next| next.range.start <= range.end) {
                range.end = range.end.max(next.range.end);
            }
            let (Some(before), Some(secret)) = (text.get(at..range.start), text.get(range.clone())) else { continue };
            redacted.push_str(before);
            redacted.push_str(&self.replacement(secret));
            at = range.end;
        }
        redacted.push_str(text.get(at..).unwrap_or_default());
        *text = redacted;
    }

    /// Adds the places of secrets that were found somewhere.
    fn add_known(&self, text: &str, spans: &mut Vec<Span>) {
        let places = |known: &Option<Regex>| -> Vec<Span> {
            let found = known.iter().flat_map(|known| known.find_iter(text.as_bytes()));
            found.map(|found| Span { range: found.range(), is_named: true }).collect()
        };
        spans.extend(places(&self.known));
        // A password that is a plain word must not tear paths and names apart: it counts as a word of a sentence only.
        if text.contains(' ') {
            let is_word = |span: &Span| {
                let is_apart = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && !"/._-".contains(c));
                let before = text.get(..span.range.start).and_then(|before| before.chars().next_back());
                let after = text.get(span.range.end..).and_then(|after| after.chars().next());
                is_apart(before) && is_apart(after)
            };
            spans.extend(places(&self.known_words).into_iter().filter(is_word));
        }
    }

    fn replacement(&mut self, secret: &str) -> String {
        self.count += 1;
        // Sixteen bits of a keyed hash: the same value looks the same, and nothing can be computed from it.
        let tag = format!("{:04x}", self.key.hash_one(secret) & 0xffff);
        let replacement = format!("[redacted {} chars #{tag}]", secret.chars().count());
        self.tags.insert(replacement.clone());
        replacement
    }
}

/// Returns whether a text is the digest of a file, or an id of the kernel's.
fn is_digest(text: &str) -> bool {
    matches!(text.len(), 36 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

/// Returns whether a secret could be a word or a name of something: letters of one case with signs between them, and
/// digits in a short one.
fn is_plain_word(secret: &str) -> bool {
    let is_of_word = |b: u8| b.is_ascii_lowercase() || b"-_./ ".contains(&b) || b.is_ascii_digit() && secret.len() < 10;
    secret.len() < 16 && secret.bytes().all(is_of_word)
}
