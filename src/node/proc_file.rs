//! Small files of `/proc` and `/sys`, or of a folder that stands for them.

use super::Place;
use crate::clock::Timestamp;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

/// Bytes of a file that are read where nothing else is said.
pub const MOST: u64 = 1 << 20;
/// The right that is missing where a process of another user cannot be read.
pub const OWNER: &str = "the user of the process, or root";

/// Opens without waiting for a writer where the file is a FIFO.
pub fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed()).open(path)
}

/// Reads the first `most` bytes.
pub fn bytes(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads a text of at most [`MOST`] bytes. Bytes that are no UTF-8 are replaced.
pub fn text(path: &Path) -> io::Result<String> {
    Ok(String::from_utf8_lossy(&bytes(path, MOST)?).into_owned())
}

/// Returns the number behind `key` in a text of lines `key value` or `key: value kB`, without its unit.
pub fn number(text: &str, key: &str) -> Option<u64> {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(key));
    let value = lines.find_map(|rest| rest.strip_prefix(':').or_else(|| rest.strip_prefix(char::is_whitespace)))?;
    value.split_ascii_whitespace().next()?.parse().ok() // text that is no number says nothing
}

/// Returns the number of kibibytes behind `key`, in bytes.
pub fn kibibytes(text: &str, key: &str) -> Option<u64> {
    number(text, key)?.checked_mul(1024)
}

/// Returns the time since boot, as `/proc/uptime` has it, to the hundredth of a second.
pub fn uptime(place: &Place) -> Option<Duration> {
    let text = text(&place.at("/proc/uptime")).ok()?; // without /proc the time is unknown
    let seconds: f64 = text.split_ascii_whitespace().next()?.parse().ok()?; // as above
    Duration::try_from_secs_f64(seconds).ok() // as above
}

/// Returns the time of the boot.
pub fn booted(place: &Place, now: Timestamp) -> Option<Timestamp> {
    let up = i64::try_from(uptime(place)?.as_millis()).ok()?; // more than the calendar has
    Some(Timestamp(now.millis().checked_sub(up)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_by_its_whole_key() {
        let text = "Max 1\nMaxOpen:   7 kB\nMaxOpen x\nbad: x\n";
        assert_eq!((number(text, "Max"), number(text, "MaxOpen"), number(text, "bad")), (Some(1), Some(7), None));
        assert_eq!(kibibytes(text, "MaxOpen"), Some(7168));
        assert_eq!(number("huge: 99999999999999999999999", "huge"), None);
    }

    #[test]
    fn a_pipe_in_the_place_of_a_file_is_no_reason_to_wait() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
        assert_eq!(bytes(&pipe, 10).unwrap(), b"");
    }
}
