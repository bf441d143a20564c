use super::super::{Fact, Outcome, Place, proc_file, reach};
use crate::clock::Timestamp;
use std::path::Path;
use std::time::Duration;

/// Bytes of a pid file that are read.
const MOST_BYTES: u64 = 64;

/// Reads the process number in a pid file, within `limit` where the file is on a network. Absent where the file does not
/// exist or holds no number.
pub fn read_pid_file(place: &Place, path: &Path, limit: Duration, now: Timestamp) -> Fact<u32> {
    let source = path.display().to_string();
    if let Err(why) = reach::answers(&place.at(path), limit) {
        return Fact::new(source, now, Outcome::TimedOut { why });
    }
    match proc_file::bytes(&place.at(path), MOST_BYTES) {
        Ok(bytes) => match String::from_utf8_lossy(&bytes).trim().parse() {
            Ok(pid) => Fact::ok(source, now, pid),
            Err(_) => Fact::absent(source, now, "it holds no process number"),
        },
        Err(error) => Fact::io_error(source, now, &error, "the user of the service, or root"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn a_pid_file_holds_a_number_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let read = |text: &str| {
            std::fs::write(root.path().join("x.pid"), text).unwrap();
            read_pid_file(&Place::new(root.path()), Path::new("/x.pid"), Duration::ZERO, clock::now())
        };
        assert_eq!(read(" 17\n").known(), Some(&17));
        for text in ["", "-1", "17 18", "4294967296", "\u{fffd}"] {
            assert_eq!(read(text).why(), Some("it holds no process number"), "{text}");
        }
        let none = read_pid_file(&Place::new(root.path()), Path::new("/none.pid"), Duration::ZERO, clock::now());
        assert!(!none.is_unknown() && none.known().is_none());
    }

    /// A FIFO in the place of a pid file would stop the whole triage.
    #[test]
    fn a_fifo_is_not_waited_for() {
        let root = tempfile::tempdir().unwrap();
        let fifo = root.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
        let read = read_pid_file(&Place::new(root.path()), Path::new("/fifo"), Duration::ZERO, clock::now());
        assert_eq!(read.why(), Some("it holds no process number"));
    }
}
