use super::super::{Fact, Place, proc_file};
use crate::clock::Timestamp;
use std::path::Path;

/// Bytes of a pid file that are read.
const MOST_BYTES: u64 = 64;

/// Reads the process number in a pid file. Absent where the file does not exist or holds no number.
pub fn read_pid_file(place: &Place, path: &Path, now: Timestamp) -> Fact<u32> {
    let source = path.display().to_string();
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
            read_pid_file(&Place::new(root.path()), Path::new("/x.pid"), clock::now())
        };
        assert_eq!(read(" 17\n").known(), Some(&17));
        for text in ["", "-1", "17 18", "4294967296", "\u{fffd}"] {
            assert_eq!(read(text).why(), Some("it holds no process number"), "{text}");
        }
        let none = read_pid_file(&Place::new(root.path()), Path::new("/none.pid"), clock::now());
        assert!(!none.is_unknown() && none.known().is_none());
    }
}
