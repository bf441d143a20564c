//! The pager of a person at a terminal.

use std::io::{self, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Shell code before the command of the pager: `less` then ends by itself when everything fits on the screen, shows
/// colors, cuts long lines, and leaves the text on the screen.
const PREPARED: &str = r#"LESS="${LESS-FRSX}"; export LESS; "#;

/// The command of the pager when none is set. Says nothing where `less` is not installed.
const LESS: &str = "command -v less >/dev/null || exit 127; less";

/// Shows text in a pager, and waits until the person closes it. The pager reads keys from our terminal, so unlike other
/// children it stays in our process group, and a Ctrl-C is for the pager alone.
///
/// # Errors
/// The pager cannot be started.
#[expect(clippy::disallowed_methods, reason = "the pager needs our terminal, which other children do not have")]
pub fn page(command: Option<&str>, text: &[u8]) -> io::Result<()> {
    let has_ended = Arc::new(AtomicBool::new(false));
    // From the end of the pager on, a Ctrl-C ends this program again.
    signal_hook::flag::register_conditional_default(signal_hook::consts::SIGINT, Arc::clone(&has_ended))?;
    let outcome = (|| {
        let shell = format!("{PREPARED}{}", command.unwrap_or(LESS));
        let mut pager = Command::new("/bin/sh").arg("-c").arg(shell).stdin(Stdio::piped()).spawn()?;
        if let Some(mut stdin) = pager.stdin.take()
            && let Err(error) = stdin.write_all(text)
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            pager.kill()?;
            pager.wait()?;
            return Err(error);
        }
        // A person who has read enough closes the pager before it has read everything.
        match pager.wait()?.code() {
            Some(126 | 127) => Err(io::Error::from(io::ErrorKind::NotFound)),
            _ => Ok(()),
        }
    })();
    has_ended.store(true, Ordering::Relaxed);
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where no pager is installed, a person would see nothing of a long table.
    #[test]
    fn a_pager_that_is_missing_is_reported_and_one_that_is_closed_is_not() {
        assert!(page(Some("exec no-such-pager-here 2>/dev/null"), b"x").is_err());
        assert!(page(Some("exec 0<&-; true"), &vec![b'x'; 1 << 20]).is_ok());
        assert!(page(Some("cat >/dev/null"), b"x").is_ok());
    }
}
