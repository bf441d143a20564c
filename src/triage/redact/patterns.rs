//! Where in a text something secret or private is.

use super::names::{PRIVATE_NAMES, SECRET_ENDS, SECRET_VARIABLE_ENDS, is_no_value};
use super::words::random_words;
use regex::bytes::Regex;
use std::ops::Range;

/// A part of a text that must not leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    pub range: Range<usize>,
    /// Whether the same text is secret wherever else it occurs.
    pub is_named: bool,
}

/// The patterns, compiled once for a run. They match bytes and treat every byte that is not ASCII alike, so that their
/// ends are ends of characters.
pub struct Patterns {
    named: Regex,
    flag: Regex,
    scheme: Regex,
    user_info: Regex,
    query: Regex,
    token: Regex,
    hook: Regex,
    pem: Regex,
    private: Regex,
    spoken: Regex,
    numbers: Regex,
    said: Regex,
}

impl Patterns {
    /// # Errors
    /// None in practice: the patterns are constant, and a test compiles them.
    pub fn new() -> Result<Patterns, regex::Error> {
        let regex = |pattern: &str| Regex::new(&format!("(?-u){pattern}"));
        Ok(Patterns {
            named: regex(&format!(
                r#"(?:(?i:[a-z0-9_.-]*(?:{SECRET_ENDS})(?:[_-]?(?:value|hash))?)|[A-Z0-9_]*(?:{SECRET_VARIABLE_ENDS}))\\*["']?[ \t]*(?:=>|:=|[:=])[ \t]*"#
            ))?,
            flag: regex(&format!(r#"(?:^|[\s"'])--?(?i:[a-z0-9_-]*(?:{SECRET_ENDS}|[_-]key)|key|pass)[ \t]+"#))?,
            scheme: regex(r"(?i:\b(?:bearer|basic)[ \t]+)([a-zA-Z0-9._~+/=:-]{6,})")?,
            user_info: regex(r#"[a-zA-Z][a-zA-Z0-9+.-]*://([^\s"'<>/]*)@"#)?,
            query: regex(
                r#"[?&;](?i:[a-z0-9_.-]*(?:key|token|sig|signature|secret|password|passwd|pwd|auth|credential|code|session|jwt))=([^\s&"'<>#\\]+)"#,
            )?,
            token: regex(concat!(
                r"\bhf_[A-Za-z0-9]{12,}|\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{12,}|\bgh[pousr]_[A-Za-z0-9]{12,}|\bgithub_pat_[A-Za-z0-9_]{16,}",
                r"|\bxox[a-z]-[A-Za-z0-9-]{8,}|\bxapp-[A-Za-z0-9-]{8,}|\b(?:AKIA|ASIA|AGPA|AIDA|AROA)[A-Z0-9]{12,}|\bAIza[A-Za-z0-9_-]{20,}",
                r"|\bglpat-[A-Za-z0-9_-]{12,}|\bgsk_[A-Za-z0-9]{12,}|\bnvapi-[A-Za-z0-9_-]{12,}|\br8_[A-Za-z0-9]{16,}|\bnpm_[A-Za-z0-9]{16,}",
                r"|\bpypi-[A-Za-z0-9_-]{16,}|\bdckr_pat_[A-Za-z0-9_-]{12,}|\bya29\.[A-Za-z0-9_-]{12,}|\bwhsec_[A-Za-z0-9]{12,}",
                r"|\bSG\.[A-Za-z0-9_-]{12,}\.[A-Za-z0-9_-]{12,}|\bAGE-SECRET-KEY-1[A-Z0-9]{12,}|\b\d{8,10}:[A-Za-z0-9_-]{30,}",
                r"|\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*)?",
            ))?,
            hook: regex(
                r"(?:hooks\.slack\.com/|discord(?:app)?\.com/api/webhooks/|webhook\.office\.com/)([A-Za-z0-9/_@-]{8,})",
            )?,
            pem: regex(r"-----BEGIN [A-Z0-9 ]+-----(?s:.*?)(?:-----END [A-Z0-9 ]+-----|$)")?,
            private: regex(&format!(r#"\b(?i:{PRIVATE_NAMES})(\\*["']?)[ \t]*[:=][ \t]*(?:\\*["']|<\||\[|\{{)"#))?,
            spoken: regex(r"\[[0-9:.]+ --> [0-9:.]+\][ \t]*(.+)$")?,
            said: regex(
                r#"(?i:\b(?:passwords?|passwd|passphrase|passcode|pwd|secrets?|token|api[ _-]?key|access[ _-]?key|private[ _-]?key|key|credentials?))(?:[ \t]+(?i:is|was|of|for|value|with))?[ \t]+[`'"(\[]*([^\s`'"()\[\]{},;<>]{8,})"#,
            )?,
            numbers: regex(r"\[[ \t]*(-?[0-9][0-9.e-]*(?:[ \t]*,[ \t]*-?[0-9][0-9.e-]*){11,})")?,
        })
    }

    /// Returns the parts of a text that must not leave, in order and without overlaps.
    pub fn spans(&self, text: &str) -> Vec<Span> {
        let mut spans = Vec::new();
        if text.len() < 6 {
            return spans;
        }
        let has = |byte: u8| text.as_bytes().contains(&byte);
        let lower = text.to_ascii_lowercase();
        let has_any = |words: &[&str]| words.iter().any(|word| lower.contains(word));
        let speaks_of_secrets = has_any(&[
            "pass",
            "pwd",
            "secret",
            "token",
            "key",
            "cred",
            "webhook",
            "dsn",
            "connection",
            "auth",
            "cookie",
            "session",
            "bearer",
            "_pw",
            "_pat",
            "_salt",
            "_sid",
            "_seed",
            "_pin",
            "_conn",
        ]);
        if speaks_of_secrets && (has(b':') || has(b'=')) {
            self.named(text, &mut spans);
        }
        if speaks_of_secrets && has(b'-') {
            self.flags(text, &mut spans);
        }
        if speaks_of_secrets {
            self.said(text, &mut spans);
        }
        if has_any(&["bearer", "basic"]) {
            self.schemes(text, &mut spans);
        }
        if lower.contains("://") && has(b'@') {
            for found in self.user_info.captures_iter(text.as_bytes()).filter_map(|found| found.get(1)) {
                let user = text.get(found.range()).unwrap_or_default();
                if !user.is_empty() && user != "git" {
                    spans.push(Span { range: found.range(), is_named: false });
                    // The password by itself may be somewhere else too.
                    if let Some((name, password)) = user.split_once(':') {
                        let start = found.start() + name.len() + 1;
                        spans.push(Span { range: start..start + password.len(), is_named: true });
                    }
                }
            }
        }
        if has(b'=') && (has(b'?') || has(b'&') || has(b';')) {
            let found = self.query.captures_iter(text.as_bytes()).filter_map(|found| found.get(1));
            spans.extend(found.map(|found| Span { range: found.range(), is_named: true }));
        }
        spans.extend(self.token.find_iter(text.as_bytes()).map(|found| Span { range: found.range(), is_named: true }));
        if has_any(&["hooks.", "webhook"]) {
            let found = self.hook.captures_iter(text.as_bytes()).filter_map(|found| found.get(1));
            spans.extend(found.map(|found| Span { range: found.range(), is_named: false }));
        }
        if text.contains("-----BEGIN") {
            spans.extend(
                self.pem.find_iter(text.as_bytes()).map(|found| Span { range: found.range(), is_named: false }),
            );
        }
        if has(b'"') || has(b'\'') || has(b'|') || has(b'[') {
            self.private(text, &mut spans);
        }
        if text.contains(" --> ") {
            let found = self.spoken.captures_iter(text.as_bytes()).filter_map(|found| found.get(1));
            spans.extend(found.map(|found| Span { range: found.range(), is_named: false }));
        }
        if has(b'[') && has(b',') {
            let found = self.numbers.captures_iter(text.as_bytes()).filter_map(|found| found.get(1));
            spans.extend(found.map(|found| Span { range: found.range(), is_named: false }));
        }
        spans.extend(random_words(text).into_iter().map(|range| Span { range, is_named: false }));
        // What was replaced already stays as it is: a bundle of a bundle has the same texts.
        let is_replaced = |at: usize| text.get(at..).is_some_and(|rest| rest.starts_with("[redacted "));
        spans.retain(|span| span.range.start < span.range.end && !is_replaced(span.range.start));
        spans
    }

    /// Finds `name = value` and `"name": "value"`, however often its quotes are escaped.
    fn named(&self, text: &str, spans: &mut Vec<Span>) {
        for found in self.named.find_iter(text.as_bytes()) {
            let name = text.get(found.range()).unwrap_or_default().to_ascii_lowercase();
            let is_header = name.contains("authorization") || name.contains("cookie");
            let Some(range) = value(text, found.end(), is_header) else { continue };
            let word = text.get(range.clone()).unwrap_or_default();
            // `token` and `auth` name other things too: the number of a token, a mode.
            let is_weak = !["pass", "pwd", "secret", "key", "credential", "authorization", "cookie"]
                .iter()
                .any(|strong| name.contains(strong));
            let is_other = is_weak
                && (word.len() < 5 || word.starts_with('<') || word.bytes().all(|b| b.is_ascii_digit() || b == b'.'));
            if word.is_empty() || is_no_value(word) || is_other || is_path_of_a_file(&name, word) {
                continue;
            }
            // A word of a language after such a name (`unexpected token: identifier`) is not looked for elsewhere.
            let is_word = word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b == b'-');
            let is_named = !(is_weak && is_word);
            spans.push(Span { range: range.clone(), is_named });
            if let Some((_, rest)) = word.split_once(' ').filter(|_| is_header) {
                spans.push(Span { range: range.end - rest.len()..range.end, is_named: true });
            }
        }
    }

    /// Finds `--api-key value` in a command line.
    fn flags(&self, text: &str, spans: &mut Vec<Span>) {
        for found in self.flag.find_iter(text.as_bytes()) {
            let Some(range) = value(text, found.end(), false) else { continue };
            let word = text.get(range.clone()).unwrap_or_default();
            if !word.is_empty() && !word.starts_with('-') && !is_no_value(word) && !word.starts_with('/') {
                spans.push(Span { range, is_named: true });
            }
        }
    }

    /// Finds the secret in a sentence: `login with token abc123XYZ failed`. A word of a language, a number, a path and the
    /// name of a file are none.
    fn said(&self, text: &str, spans: &mut Vec<Span>) {
        for found in self.said.captures_iter(text.as_bytes()).filter_map(|found| found.get(1)) {
            let word = text.get(found.range()).unwrap_or_default().trim_end_matches(['.', ':', '!', '?']);
            let has = |is: fn(&u8) -> bool| word.bytes().any(|b| is(&b));
            let is_mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic);
            if is_mixed && word.len() >= 8 && !word.contains(['/', '=']) && !is_name_of_something(word) {
                spans.push(Span { range: found.start()..found.start() + word.len(), is_named: true });
            }
        }
    }

    /// Finds `Bearer …` and `Basic …` wherever they occur, unless the next word is one of a language.
    fn schemes(&self, text: &str, spans: &mut Vec<Span>) {
        for found in self.scheme.captures_iter(text.as_bytes()).filter_map(|found| found.get(1)) {
            let word = text.get(found.range()).unwrap_or_default();
            let has = |is: fn(&u8) -> bool| word.bytes().any(|b| is(&b));
            if has(u8::is_ascii_digit)
                || word.ends_with('=')
                || has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase)
                || word.len() >= 24
            {
                spans.push(Span { range: found.range(), is_named: true });
            }
        }
    }

    /// Finds what users wrote and models answered.
    fn private(&self, text: &str, spans: &mut Vec<Span>) {
        for found in self.private.captures_iter(text.as_bytes()) {
            let (Some(whole), Some(quote)) = (found.get(0), found.get(1)) else { continue };
            let opening = text
                .get(whole.range())
                .unwrap_or_default()
                .trim_end_matches(['"', '\'', '\\', '[', '{', '|', '<'])
                .len();
            let start = whole.start() + opening;
            let is_key = !quote.as_bytes().is_empty();
            let rest = text.get(start..).unwrap_or_default();
            let range = if rest.starts_with("<|") {
                Some(start..text.len())
            } else if rest.starts_with(['[', '{']) {
                // `input[0]` and `tokens = {}` of code are no texts; a list under a key is.
                is_key.then(|| start + 1..end_of_bracket(text, start))
            } else {
                value(text, start, false)
            };
            let is_text = |range: &Range<usize>| {
                !text.get(range.clone()).unwrap_or_default().starts_with("[redacted") && range.len() > 1
            };
            spans.extend(range.filter(is_text).map(|range| Span { range, is_named: false }));
        }
    }
}

/// Returns whether a word with digits is a name as those of files, models and kernels are: words with signs between them,
/// of which each is letters or digits alone, or letters with a number of one or two digits behind them.
fn is_name_of_something(word: &str) -> bool {
    let is_numbered = |part: &str| {
        let letters = part.trim_end_matches(|c: char| c.is_ascii_digit());
        part.len() - letters.len() <= 2 && letters.bytes().all(|b| b.is_ascii_lowercase())
    };
    let is_plain = |part: &str| {
        part.bytes().all(|b| b.is_ascii_digit())
            || is_numbered(part)
            || part.bytes().all(|b| b.is_ascii_uppercase())
            || part.len() <= 4
    };
    word.contains(['-', '.', '_', ':']) && word.split(['-', '.', '_', ':']).all(is_plain)
}

/// Returns whether a value is the place of a secret: `key_file=/run/key`, `ssl_key: /etc/x.pem`.
fn is_path_of_a_file(name: &str, word: &str) -> bool {
    word.starts_with('/') && !name.contains("pass") && !name.contains("secret") && !name.contains("webhook")
}

/// Returns the place of a value that begins at `start`: in quotes, which may be escaped, up to the same quotes; else up to
/// a space or a sign that ends a value. A header's goes up to the end of the line or of the quotes around it.
fn value(text: &str, start: usize, is_header: bool) -> Option<Range<usize>> {
    let rest = text.get(start..)?;
    let slashes = rest.bytes().take_while(|b| *b == b'\\').count();
    let quote = rest.get(slashes..)?.chars().next()?;
    if matches!(quote, '"' | '\'') {
        let opening = rest.get(..slashes + 1)?;
        let inside = rest.get(slashes + 1..)?;
        let end = end_of_quoted(inside, opening, quote);
        let from = start + slashes + 1;
        return Some(from..from + end);
    }
    let ends = |c: char| match c {
        '"' | '\'' | '\\' | '\n' | '\r' => true,
        ',' | ';' | '}' | ']' | ')' | '&' | '<' | '`' | '|' => !is_header,
        c => !is_header && c.is_whitespace(),
    };
    let mut end = rest.find(ends).unwrap_or(rest.len());
    // `Bearer abc` after a name that is no header.
    let word = rest.get(..end).unwrap_or_default();
    if ["bearer", "basic", "token", "digest"].contains(&word.to_ascii_lowercase().as_str())
        && rest.get(end..)?.starts_with(' ')
    {
        let more = rest.get(end + 1..)?;
        end += 1 + more.find(ends).unwrap_or(more.len());
    }
    Some(start..start + end)
}

/// Returns where a quoted value ends: at the quotes that opened it, as often escaped. Without them, at the end.
fn end_of_quoted(inside: &str, opening: &str, quote: char) -> usize {
    let slashes = opening.len() - quote.len_utf8();
    let mut before = 0;
    for (at, c) in inside.char_indices() {
        if c == quote && before == slashes {
            return at.saturating_sub(before);
        }
        before = if c == '\\' { before + 1 } else { 0 };
    }
    inside.len()
}

fn end_of_bracket(text: &str, start: usize) -> usize {
    let mut depth = 0usize;
    for (at, c) in text.get(start..).unwrap_or_default().char_indices() {
        match c {
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return start + at;
        }
    }
    text.len()
}
