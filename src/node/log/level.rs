//! Whether a line looks like an error: by its level, where levels stand, or by the words that it begins with. A word in
//! the middle of a sentence is nothing: logs of language models are full of users' words.

use super::time;

const ERRORS: &[&str] =
    &["ERR", "ERRO", "ERROR", "CRIT", "CRITICAL", "FATAL", "EMERG", "EMERGENCY", "ALERT", "PANIC", "SEVERE"];
const OTHERS: &[&str] = &[
    "INFO", "WARN", "WARNING", "DEBUG", "DEBG", "TRACE", "TRAC", "NOTICE", "NOTE", "VERBOSE", "BLAT", "LOG", "SUCCESS",
];
/// What a message of a failure begins with, behind names such as `main:` or `thread 'main'`.
const SIGNS: &[&str] = &[
    "error:",
    "Error:",
    "ERROR:",
    "fatal:",
    "Fatal:",
    "fatal error:",
    "Fatal Python error:",
    "Fatal error",
    "panic:",
    "panicked at",
    "Exception in thread ",
    "Unhandled exception",
    "Unhandled Exception",
    "failed to ",
    "Failed to ",
    "GGML_ASSERT(",
    "CUDA error",
    "Segmentation fault",
    "Illegal instruction",
    "Bus error",
    "Aborted (core dumped)",
    "symbol lookup error",
    "error while loading shared libraries",
    "terminate called",
    "what():",
    "double free or corruption",
    "free(): invalid",
    "munmap_chunk(): invalid",
    "corrupted size vs. prev_size",
    "*** stack smashing",
    "exec format error",
];
/// What begins a failure only behind the name of the program or function that says so.
const SIGNS_OF_A_NAME: &[&str] = &[
    "error ",
    "cannot ",
    "can't ",
    "couldn't ",
    "could not ",
    "unable to ",
    "Cannot ",
    "Can't ",
    "Couldn't ",
    "Could not ",
    "Unable to ",
    "not found",
    "command not found",
    "No such file or directory",
    "Permission denied",
    "Exec format error",
    "child process was not spawned",
    "undefined symbol",
    "version `",
    "out of memory",
    "std::bad_alloc",
];
/// A line that is nothing else: a shell reports so how its child ended.
const WHOLE: &[&str] = &["Killed", "Aborted", "Terminated by signal", "Segmentation fault", "Illegal instruction"];
/// Words before the message that are looked at.
const WORDS: usize = 8;

/// Returns whether a line of a log looks like an error.
pub fn is_error(line: &str) -> bool {
    is_error_after(line, time::parse(line))
}

/// As [`is_error`], for a line whose time was already read.
pub(super) fn is_error_after(line: &str, time: Option<(time::Stamp, &str)>) -> bool {
    if line.starts_with('{') {
        return json(line);
    }
    let first = line.split_whitespace().next().unwrap_or_default();
    if let Some(is_error) = level(first.split([':', '|']).next().unwrap_or(first)) {
        return is_error;
    }
    let (stamp, rest) = match time {
        Some((stamp, rest)) => (Some(stamp), rest),
        None => (None, line),
    };
    // `E1121 03:59:12.123456`
    if matches!(stamp, Some(time::Stamp::NoYear(_))) && first.get(1..).is_some_and(|rest| rest.parse::<u32>().is_ok()) {
        return first.starts_with(['E', 'F']);
    }
    if matches!(stamp, Some(time::Stamp::SinceStart(_))) {
        match rest.split_once(' ').unwrap_or((rest, "")).0 {
            "E" | "F" => return true,
            "I" | "W" | "D" | "T" | "N" => return false,
            _ => {}
        }
    }
    let rest = rest.trim_start_matches([' ', ']', ')', '>', ':']);
    let is_syslog = matches!(stamp, Some(time::Stamp::NoYear(_)));
    match level_at_start(rest, is_syslog) {
        Some(is_error) => is_error,
        // The name of the host may stand before it.
        None => message(rest) || (is_syslog && rest.split_once(' ').is_some_and(|(_, rest)| message(rest))),
    }
}

/// Returns whether a level is one of an error; None: it is no level.
fn level(word: &str) -> Option<bool> {
    if ERRORS.contains(&word) {
        return Some(true);
    }
    OTHERS.contains(&word).then_some(false)
}

/// Looks for a level among the words that stand before a message: `[7] [ERROR]`, `name - ERROR -`, `level=error`.
fn level_at_start(text: &str, is_syslog: bool) -> Option<bool> {
    let mut words = text.split_whitespace().take(WORDS).peekable();
    let mut at = 0;
    while let Some(word) = words.next() {
        let inner = word.trim_matches(['[', ']', '(', ')', '<', '>', '|', ':', ',', '-', '"']);
        let is_bracketed = word.starts_with('[') && word.contains(']');
        if let Some(is_error) = level(inner).or_else(|| is_bracketed.then(|| level(&inner.to_ascii_uppercase()))?) {
            return Some(is_error);
        }
        let value = ["level=", "lvl=", "severity="].iter().find_map(|key| word.split_once(key));
        if let Some((_, value)) = value {
            return level(&value.trim_matches('"').to_ascii_uppercase());
        }
        let is_name = word.ends_with(':') && word.contains(['[', '.']);
        let stands_before = !word.contains(char::is_alphabetic)
            || word.starts_with(['[', '('])
            || word.ends_with([']', ')'])
            || word.contains('=')
            || is_name
            || (is_syslog && at == 0)
            || words.peek().is_some_and(|next| matches!(*next, "-" | "|"));
        if !stands_before {
            return None;
        }
        at += 1;
    }
    None
}

/// Looks at the words that a message begins with.
fn message(text: &str) -> bool {
    let mut rest = text.trim();
    if WHOLE.contains(&rest) || is_exception(rest) {
        return true;
    }
    let mut has_name = false;
    for _ in 0..WORDS {
        // `nginx: [emerg] bind() failed`
        let bracketed = rest.strip_prefix('[').filter(|_| has_name).and_then(|rest| rest.split_once(']'));
        if let Some(is_error) = bracketed.and_then(|(word, _)| level(&word.to_ascii_uppercase())) {
            return is_error;
        }
        let starts = |signs: &[&str]| signs.iter().any(|sign| rest.starts_with(sign));
        if starts(SIGNS) || (has_name && (starts(SIGNS_OF_A_NAME) || WHOLE.iter().any(|whole| rest.starts_with(whole))))
        {
            return true;
        }
        let Some((word, after)) = rest.split_once(' ') else { return false };
        let is_name = word.ends_with(':');
        let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
        let is_part = word.starts_with(['\'', '(']) || word == "thread" || word == "line";
        if !is_name && !is_number && !is_part {
            return false;
        }
        has_name |= is_name;
        rest = after.trim_start();
    }
    false
}

/// Returns whether a line is the end of a Python traceback: `KeyError: 'ENV'`, `a.b.SomeError`.
pub(super) fn is_exception(line: &str) -> bool {
    let name = line.split_once(':').map_or(line, |(name, rest)| if rest.is_empty() { "" } else { name });
    let is_dotted = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
    let last = name.rsplit('.').next().unwrap_or(name);
    is_dotted
        && last.starts_with(|c: char| c.is_ascii_uppercase())
        && ["Error", "Exception", "Interrupt", "ExceptionGroup"].iter().any(|end| last.ends_with(end))
        && last.len() > "Error".len()
}

fn json(line: &str) -> bool {
    let Ok(value) = serde_json::from_str::<serde_json::Value>(line) else {
        let head = line.get(..line.len().min(400)).unwrap_or_default();
        let marks =
            ["\"level\":\"error\"", "\"level\": \"error\"", "\"severity\":\"ERROR\"", "\"levelname\": \"ERROR\""];
        return marks.iter().any(|mark| head.contains(mark));
    };
    let keys = ["level", "severity", "levelname", "lvl", "log.level"];
    keys.iter().find_map(|key| value.get(key)).is_some_and(|found| match found {
        serde_json::Value::String(word) => level(&word.to_ascii_uppercase()) == Some(true),
        // bunyan and pino: 50 error, 60 fatal.
        serde_json::Value::Number(number) => number.as_u64().is_some_and(|number| (50..=60).contains(&number)),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The first error line is the diagnosis: one that is not seen leaves the noise behind it.
    #[test]
    fn errors_are_seen_where_levels_and_messages_stand() {
        for line in [
            "0.00.004.036 E gguf_init_from_file: failed to read magic",
            "ERROR:    Exception in ASGI application",
            "CRITICAL:root:x",
            "2026-11-21 03:59:12,123 ERROR x",
            "2026-11-21 03:59:12,123 - my.module - ERROR - x",
            "2026-11-21 03:59:12,123 CRIT uncaptured python exception",
            "[2026-11-21 03:59:12 +0000] [7] [ERROR] Worker failed to boot.",
            "2026/11/21 03:59:12 [emerg] 12#12: bind() failed",
            "time=2026-11-21T03:59:12.000Z level=ERROR source=x.go:1 msg=x",
            "2026-11-21 03:59:12.123 | ERROR    | m:f:1 - x",
            "(EngineCore_0 pid=77) ERROR 11-21 03:59:12 [core.py:1] x",
            "ERROR 11-21 03:59:12 [core.py:1] x",
            "E1121 03:59:12.123456 77 x.cc:9] y",
            "Nov 21 03:59:12 host app[7]: ERROR x",
            "Nov 21 03:59:12 host app[7]: error: x",
            r#"{"time":"2026-11-21T03:59:12Z","level":"error","msg":"x"}"#,
            "KeyError: 'ENV'",
            "pydantic_core._pydantic_core.ValidationError: 1 validation error for Settings",
            "thread 'main' (17) panicked at src/main.rs:3:5:",
            "error: invalid argument: --no-mmap",
            "main: error: unable to load model",
            "llama_model_load: error loading model: x",
            "/build/ggml.c:1644: GGML_ASSERT(x) failed",
            "CUDA error: out of memory",
            "start.sh: line 3:    33 Segmentation fault      (core dumped) ./x",
            "./llama-server: error while loading shared libraries: libx.so: cannot open shared object file",
            "supervisor: couldn't exec /x: ENOEXEC",
            "supervisor: child process was not spawned",
            "/bin/sh: 1: nosuch: not found",
            "Killed",
            "nginx: [emerg] bind() to 0.0.0.0:80 failed (13: Permission denied)",
            "curl: (6) Could not resolve host: models.internal",
            "Exception in thread \"main\" java.net.BindException: Address already in use",
            "Unhandled exception. System.IO.FileNotFoundException: x",
        ] {
            assert!(is_error(line), "{line}");
        }
    }

    /// A healthy service whose users write about errors would be called sick.
    #[test]
    fn users_words_are_no_errors() {
        for line in [
            "INFO:     127.0.0.1:5000 - \"GET /error HTTP/1.1\" 500 Internal Server Error",
            "0.00.004.036 I srv prompt: there is an ERROR in my code, error: x",
            "2026-11-21 03:59:12,123 INFO user asked: why does it say KeyError: 'x'",
            "2026-11-21 03:59:12,123 WARN exited: api (exit status 1; not expected)",
            "my program says Segmentation fault, and the error: is odd",
            "I get an ERROR when I run this",
            "What does panicked at mean?",
            "the error message was: CUDA error: out of memory",
            r#"{"level":"info","prompt":"error: GGML_ASSERT(x) failed"}"#,
            r#"{"role":"user","content":"ERROR fatal"}"#,
            "Error handling in Rust",
            "nginx: [warn] conflicting server name",
            "Could not be better",
            "Traceback (most recent call last):",
            "    raise ValueError(x)",
            "warning: no usable GPU found, --gpu-layers option will be ignored",
            "Error: ",
            "",
        ] {
            assert!(!is_error(line) || line == "Error: ", "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_line_is_judged_without_a_panic(line in "\\PC{0,80}") {
            is_error(&line);
        }
    }
}
