use super::super::{Fact, Outcome, Place, proc_file, reach};
use crate::clock::Timestamp;
use std::path::Path;
use std::time::Duration;

/// Bytes that are read of a file with one number.
const BYTES: u64 = 64;

/// Reads the number of a process from its pid file, within `limit` where the file is on a network.
pub fn pid_in(place: &Place, file: &Path, limit: Duration, now: Timestamp) -> Fact<u32> {
    let source = file.display().to_string();
    if let Err(why) = reach::answers(&place.at(file), limit) {
        return Fact::new(source, now, Outcome::TimedOut { why });
    }
    match proc_file::bytes(&place.at(file), BYTES) {
        Ok(bytes) => match String::from_utf8_lossy(&bytes).trim().parse() {
            Ok(pid) => Fact::ok(source, now, pid),
            Err(_) => Fact::absent(source, now, "its pid file holds no number"),
        },
        Err(error) => Fact::io_error(source, now, &error, proc_file::OWNER),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A FIFO in the place of a pid file would stop the whole look.
    #[test]
    fn a_pid_file_that_is_none_is_said_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(folder.path());
        let read = |name: &str| pid_in(&place, Path::new(name), Duration::ZERO, Timestamp(0));
        std::fs::write(folder.path().join("good"), " 42\n").unwrap();
        std::fs::write(folder.path().join("word"), "x").unwrap();
        let fifo = folder.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
        assert_eq!(read("good").known(), Some(&42));
        for name in ["word", "fifo", "none"] {
            assert!(matches!(read(name).outcome, Outcome::Absent { .. }), "{name}");
        }
    }
}
