//! The prompt of `run-once` and `task add`.

use crate::failure::{Failure, Kind, OrFail};
use std::io::Read;

/// Longest prompt read from standard input or a file, in bytes; no context holds more.
pub(super) const MAX_PROMPT: u64 = 16 << 20;

/// Returns the prompt, from the command line or from standard input.
pub(super) fn prompt(argument: &str) -> anyhow::Result<String> {
    let text = if argument == "-" {
        let mut bytes = Vec::new();
        std::io::stdin()
            .lock()
            .take(MAX_PROMPT + 1)
            .read_to_end(&mut bytes)
            .or_fail(|| Failure::cannot_meet("cannot read the prompt from standard input"))?;
        if bytes.len() as u64 > MAX_PROMPT {
            return Err(Failure::cannot_meet("the prompt on standard input is over 16 MiB").into());
        }
        String::from_utf8(bytes).or_fail(|| Failure::cannot_meet("the prompt on standard input is not UTF-8 text"))?
    } else {
        argument.to_owned()
    };
    if text.trim().is_empty() {
        return Err(Failure::new(Kind::Usage, "the prompt is empty").into());
    }
    Ok(text)
}
