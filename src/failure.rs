//! The kinds of failure that a person and a script see, their hints, and the only table of exit codes.
//!
//! Modules return `anyhow::Result` and attach a [`Failure`] where they know the kind. `main` looks for the outermost
//! `Failure` in the chain; an error without one is a bug in modelctl and exits with 70.

use schemars::JsonSchema;
use serde::Serialize;
use std::fmt;

/// The reason why the program ends, which decides its exit code. Exit codes are defined only here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The question was answered and the answer is negative (a finding, a failed check).
    Answer,
    /// The command line is invalid. clap reports most of these errors.
    Usage,
    /// The request cannot be met: no such model, ambiguous, bad config, unreadable root, unusable database.
    CannotMeet,
    /// Another process holds what is needed.
    Busy,
    /// The engine (llama.cpp or its worker process) failed.
    Engine,
    /// A bug in modelctl.
    Bug,
    /// SIGINT.
    Interrupted,
    /// SIGTERM.
    Terminated,
}

/// The exit code of `prune --exit-code` when something was removed or would be.
pub const CHANGED: u8 = 10;

/// The exit codes that the README and `--help` print: code, meaning.
pub const EXIT_CODES: &[(u8, &str)] = &[
    (0, "done"),
    (1, "the answer is bad: a finding, or a check failed"),
    (2, "usage error"),
    (3, "not found, ambiguous, bad config, unreadable"),
    (4, "busy: another process holds what is needed"),
    (5, "the engine failed: llama.cpp or its worker process"),
    (CHANGED, "with `prune --exit-code`: something was removed, or would be"),
    (70, "a bug in modelctl"),
    (130, "interrupted (SIGINT)"),
    (143, "terminated (SIGTERM)"),
];

impl Kind {
    /// Returns the name of this kind for scripts.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Answer => "negative",
            Kind::Usage => "usage",
            Kind::CannotMeet => "cannot_meet",
            Kind::Busy => "busy",
            Kind::Engine => "engine",
            Kind::Bug => "bug",
            Kind::Interrupted => "interrupted",
            Kind::Terminated => "terminated",
        }
    }

    /// Returns the process exit code of this kind.
    pub fn code(self) -> u8 {
        match self {
            Kind::Answer => 1,
            Kind::Usage => 2,
            Kind::CannotMeet => 3,
            Kind::Busy => 4,
            Kind::Engine => 5,
            Kind::Bug => 70,
            Kind::Interrupted => 130,
            Kind::Terminated => 143,
        }
    }
}

/// An error whose kind is known, with a hint where there is one.
#[derive(Debug)]
pub struct Failure {
    pub kind: Kind,
    /// The name of this failure for scripts; None for that of its kind.
    pub code: Option<&'static str>,
    pub message: String,
    pub hint: Option<String>,
    /// What could have been meant.
    pub candidates: Vec<Candidate>,
}

/// One of several things that a name could mean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Candidate {
    pub id: Option<String>,
    pub name: String,
    /// Lossily decoded.
    pub path: Option<String>,
}

impl Failure {
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Failure { kind, code: None, message: message.into(), hint: None, candidates: Vec::new() }
    }

    /// Creates a failure for a request that cannot be met (exit 3).
    pub fn cannot_meet(message: impl Into<String>) -> Self {
        Failure::new(Kind::CannotMeet, message)
    }

    /// Creates a failure for something that another process holds (exit 4).
    pub fn busy(message: impl Into<String>) -> Self {
        Failure::new(Kind::Busy, message)
    }

    /// Creates a failure of llama.cpp or its worker (exit 5).
    pub fn engine(message: impl Into<String>) -> Self {
        Failure::new(Kind::Engine, message)
    }

    /// Creates a failure for something that does not exist (exit 3, `not_found`).
    pub fn not_found(message: impl Into<String>) -> Self {
        Failure::cannot_meet(message).code("not_found")
    }

    /// Gives the failure a name of its own for scripts.
    #[must_use]
    pub fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// Adds what could have been meant.
    #[must_use]
    pub fn candidates(mut self, candidates: Vec<Candidate>) -> Self {
        self.candidates = candidates;
        self
    }

    /// Adds a hint: what to do about the error, printed on its own line.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Attaches a [`Failure`] to any error, keeping the cause below it.
pub trait OrFail<T> {
    /// Converts an error; `failure` is called only when there is one.
    fn or_fail(self, failure: impl FnOnce() -> Failure) -> anyhow::Result<T>;
}

impl<T, E> OrFail<T> for Result<T, E>
where
    E: Into<anyhow::Error>,
{
    fn or_fail(self, failure: impl FnOnce() -> Failure) -> anyhow::Result<T> {
        self.map_err(|e| e.into().context(failure()))
    }
}

/// Returns the kind and hint of the outermost [`Failure`] in an error; without one, a bug without a hint.
pub fn classify(error: &anyhow::Error) -> (Kind, Option<&str>) {
    match error.downcast_ref::<Failure>() {
        Some(f) => (f.kind, f.hint.as_deref()),
        None => (Kind::Bug, None),
    }
}

/// An error as a person and a client read it: the message, its causes and a hint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct ErrorReport {
    /// `not_found`, `ambiguous`, `bad_config`, or the kind: `negative`, `usage`, `cannot_meet`, `busy`, `engine`, `bug`,
    /// `interrupted`, `terminated`.
    pub code: &'static str,
    /// The exit code of a command.
    pub exit_code: u8,
    pub message: String,
    /// The causes, each the reason for the one before it. A cause that the previous text already quotes is left out.
    pub causes: Vec<String>,
    pub hint: Option<String>,
    /// What could have been meant.
    pub candidates: Vec<Candidate>,
}

impl ErrorReport {
    pub fn of(error: &anyhow::Error) -> ErrorReport {
        let mut above = error.to_string();
        let mut causes = Vec::new();
        for cause in error.chain().skip(1) {
            let text = cause.to_string();
            // Some errors repeat their source in their own text.
            if !above.contains(&text) {
                causes.push(text.clone());
            }
            above = text;
        }
        let (kind, hint) = classify(error);
        let of_bug = || "this is a bug in modelctl: please report it with the command you ran";
        let hint = hint.or_else(|| (kind == Kind::Bug).then(of_bug)).map(str::to_owned);
        let failure = error.downcast_ref::<Failure>();
        ErrorReport {
            code: failure.and_then(|failure| failure.code).unwrap_or_else(|| kind.name()),
            exit_code: kind.code(),
            message: error.to_string(),
            causes,
            hint,
            candidates: failure.map(|failure| failure.candidates.clone()).unwrap_or_default(),
        }
    }
}

/// Says what is wrong with a JSON text, without a full stop.
pub fn json_fault(error: &serde_json::Error) -> String {
    match error.classify() {
        serde_json::error::Category::Data | serde_json::error::Category::Io => error.to_string(),
        serde_json::error::Category::Eof => "not valid JSON: it ends too early".to_owned(),
        serde_json::error::Category::Syntax => {
            format!("not valid JSON (line {}, column {})", error.line(), error.column())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_in_the_printed_table() {
        for kind in [
            Kind::Answer,
            Kind::Usage,
            Kind::CannotMeet,
            Kind::Busy,
            Kind::Engine,
            Kind::Bug,
            Kind::Interrupted,
            Kind::Terminated,
        ] {
            assert!(EXIT_CODES.iter().any(|(code, _)| *code == kind.code()), "{kind:?}");
        }
    }

    #[test]
    fn a_cause_under_a_failure_keeps_its_kind() {
        let io = std::io::Error::other("disk on fire");
        let error = Err::<(), _>(io)
            .or_fail(|| Failure::cannot_meet("cannot read `x`").hint("check the disk"))
            .unwrap_err()
            .context("while scanning");
        assert_eq!(classify(&error), (Kind::CannotMeet, Some("check the disk")));
        assert_eq!(format!("{error:#}"), "while scanning: cannot read `x`: disk on fire");
    }

    #[test]
    fn an_unclassified_error_is_our_bug() {
        assert_eq!(classify(&anyhow::anyhow!("what?")).0, Kind::Bug);
    }
}
