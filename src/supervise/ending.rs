use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// The way a child ended, as waitpid(2) reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Exited(i32),
    Signalled { signal: i32, core_dumped: bool },
}

impl Ending {
    /// Converts the status of a child that has ended. A plain wait reports only exits and signals; any other status
    /// counts as exit code -1.
    pub fn of(status: ExitStatus) -> Ending {
        match status.signal() {
            Some(signal) => Ending::Signalled { signal, core_dumped: status.core_dumped() },
            None => Ending::Exited(status.code().unwrap_or(-1)),
        }
    }

    pub fn is_clean(self) -> bool {
        self == Ending::Exited(0)
    }

    /// Returns whether SIGKILL ended the child.
    pub fn is_kill(self) -> bool {
        matches!(self, Ending::Signalled { signal: 9, .. })
    }

    /// Returns what a person can do about this end, where there is something.
    pub fn hint(self) -> Option<&'static str> {
        let Ending::Signalled { signal, .. } = self else { return None };
        match signal_name(signal) {
            "SIGKILL" => Some("if it was not killed by hand, check for the kernel's OOM killer in `dmesg`"),
            "SIGILL" => Some("this build of llama.cpp needs a CPU with AVX2, FMA, F16C and BMI2"),
            "SIGBUS" => Some("was the model file cut or replaced while it was in use, or is its disk failing?"),
            "SIGABRT" | "SIGSEGV" | "SIGFPE" => Some("the model file may be damaged; try another one"),
            "SIGXCPU" => Some("a CPU time limit ended it: see `ulimit -t`"),
            _ => None,
        }
    }
}

impl fmt::Display for Ending {
    /// Writes the predicate of a sentence: "the worker …".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Ending::Exited(0) => f.write_str("exited (exit code 0)"),
            Ending::Exited(code) => write!(f, "failed with exit code {code}"),
            Ending::Signalled { signal, core_dumped } => {
                let name = signal_name(signal);
                match name {
                    "SIGKILL" => f.write_str("was killed (SIGKILL; the kernel's OOM killer sends it too)")?,
                    "SIGTERM" => f.write_str("was terminated (SIGTERM)")?,
                    "SIGABRT" => f.write_str("gave up on a failed assertion (SIGABRT)")?,
                    "SIGSEGV" => f.write_str("crashed on a bad memory access (SIGSEGV)")?,
                    "SIGBUS" => f.write_str("crashed on a page it could not read (SIGBUS)")?,
                    "SIGILL" => f.write_str("used an instruction that this CPU does not have (SIGILL)")?,
                    "SIGFPE" => f.write_str("crashed on an arithmetic error (SIGFPE)")?,
                    "" => write!(f, "was ended by signal {signal}")?,
                    other => write!(f, "was ended by {other}")?,
                }
                if core_dumped { f.write_str(", core dumped") } else { Ok(()) }
            }
        }
    }
}

/// Returns the name of a signal number, empty for a number without a name.
fn signal_name(signal: i32) -> &'static str {
    signal_hook::low_level::signal_name(signal).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(raw_status: i32, sentence: &str) {
        assert_eq!(Ending::of(ExitStatus::from_raw(raw_status)).to_string(), sentence);
    }

    #[test]
    fn an_ending_reads_as_a_sentence() {
        check(0, "exited (exit code 0)");
        check(5 << 8, "failed with exit code 5");
        check(9, "was killed (SIGKILL; the kernel's OOM killer sends it too)");
        check(6 | 0x80, "gave up on a failed assertion (SIGABRT), core dumped");
        check(4, "used an instruction that this CPU does not have (SIGILL)");
        check(40, "was ended by signal 40");
    }

    #[test]
    fn an_illegal_instruction_names_what_the_cpu_lacks() {
        let ending = Ending::Signalled { signal: 4, core_dumped: false };
        assert!(ending.hint().is_some_and(|hint| hint.contains("AVX2")));
    }
}
