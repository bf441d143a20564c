use crate::display::Document;
use crate::failure::{Candidate, ErrorReport};
use schemars::JsonSchema;
use serde::Serialize;

/// What stderr gets in place of an error in words, with `--json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ErrorDocument<'a> {
    error: ErrorMembers<'a>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ErrorMembers<'a> {
    /// `not_found`, `ambiguous`, `bad_config`, or the kind: `negative`, `usage`, `cannot_meet`, `busy`, `engine`, `bug`,
    /// `interrupted`, `terminated`.
    code: &'a str,
    /// The exit code.
    exit: u8,
    message: &'a str,
    /// Each the reason for the one before it.
    causes: &'a [String],
    hint: Option<&'a str>,
    /// What could have been meant.
    candidates: &'a [Candidate],
}

impl ErrorDocument<'_> {
    pub(super) fn of(error: &ErrorReport) -> ErrorDocument<'_> {
        let ErrorReport { code, exit_code, message, causes, hint, candidates } = error;
        let hint = hint.as_deref();
        ErrorDocument { error: ErrorMembers { code, exit: *exit_code, message, causes, hint, candidates } }
    }
}

impl Document for ErrorDocument<'_> {
    const SCHEMA: &'static str = "modelctl.error/1";
}
