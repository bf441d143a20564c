//! The command lines of the running processes, from `/proc`. See proc_pid_cmdline(5).

use std::io::Read;
use std::path::Path;

/// Bytes of a command line that are read; the rest of a longer one does not identify the program.
const MOST_BYTES: u64 = 64 << 10;

/// Returns the number and words of every process whose command line can be read, except our own. Words are decoded
/// lossily. The list is never complete: processes that hide their command line are left out, and so are kernel threads,
/// which have none.
pub fn running() -> Vec<(u32, Vec<String>)> {
    running_in(Path::new("/proc"))
}

fn running_in(proc: &Path) -> Vec<(u32, Vec<String>)> {
    let Ok(entries) = std::fs::read_dir(proc) else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let others = pids.filter(|pid| *pid != std::process::id());
    others.filter_map(|pid| Some((pid, words(&proc.join(format!("{pid}/cmdline")))?))).collect()
}

fn words(file: &Path) -> Option<Vec<String>> {
    let mut bytes = Vec::new();
    // The process ended meanwhile, or belongs to another user where those are hidden.
    std::fs::File::open(file).ok()?.take(MOST_BYTES).read_to_end(&mut bytes).ok()?;
    let words: Vec<String> = split(&bytes).into_iter().filter(|word| !word.is_empty()).collect();
    (!words.is_empty()).then_some(words)
}

/// Returns the words of a command line as the kernel writes it: each ends in a NUL. They are decoded lossily.
pub fn split(bytes: &[u8]) -> Vec<String> {
    let ended = bytes.strip_suffix(b"\0").unwrap_or(bytes);
    if ended.is_empty() {
        return Vec::new();
    }
    ended.split(|b| *b == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_command_line_are_read_and_odd_processes_are_left_out() {
        let proc = tempfile::tempdir().unwrap();
        for (pid, line) in [("7", b"ollama\0pull\0a b\0".as_slice()), ("8", b""), ("self", b"x\0")] {
            std::fs::create_dir(proc.path().join(pid)).unwrap();
            std::fs::write(proc.path().join(pid).join("cmdline"), line).unwrap();
        }
        std::fs::create_dir(proc.path().join("9")).unwrap();
        assert_eq!(running_in(proc.path()), [(7, ["ollama", "pull", "a b"].map(str::to_owned).to_vec())]);
        assert!(running_in(&proc.path().join("none")).is_empty());
    }
}
