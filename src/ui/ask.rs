//! Questions to a person at a terminal.

use super::{Tone, Ui};
use crate::failure::{Failure, Kind, OrFail};
use std::io::{self, IsTerminal};

impl Ui {
    /// Returns whether a person can be asked: they see the question, and can answer it.
    pub fn can_ask(&self) -> bool {
        self.err_is_terminal && io::stdin().is_terminal()
    }

    /// Asks a question, and returns whether the answer is yes. Everything else, the end of the input too, is a no.
    ///
    /// # Errors
    /// The answer cannot be read.
    pub fn ask(&mut self, question: &str) -> anyhow::Result<bool> {
        // What was printed before belongs above the question.
        self.flush()?;
        self.say("", Tone::Bold, &format!("{question} [y/N]"));
        let mut answer = String::new();
        io::stdin()
            .read_line(&mut answer)
            .or_fail(|| Failure::new(Kind::CannotMeet, "the answer cannot be read: nothing was changed"))?;
        Ok(is_yes(&answer))
    }
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_a_yes() {
        assert!(["y", "Yes\n", " Y \r\n"].iter().all(|answer| is_yes(answer)));
        assert!(["", "\n", "n", "yep", "y n", "ja"].iter().all(|answer| !is_yes(answer)));
    }
}
