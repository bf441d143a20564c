use super::*;
use crate::clock::Timestamp;
use crate::db::HashRecord;
use crate::model::FileIdentity;

#[test]
fn a_hash_speaks_only_of_the_file_it_was_taken_of() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("db"));
    let file = FileIdentity { dev: u64::MAX, ino: 7, size: 42, mtime_ns: -1, ctime_ns: 9 };
    let record = HashRecord { sha256: "ab".repeat(32), at: Timestamp(5) };
    db.record_verified(&file, &record).unwrap();
    let touched = FileIdentity { ctime_ns: 10, ..file };
    let other = FileIdentity { ino: 8, ..file };
    let found = db.verified(&[file, touched, other]).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found.get(&file), Some(&record));
    // The inode has other bytes now; one row per inode keeps the table as small as the disk.
    let newer = HashRecord { sha256: "cd".repeat(32), at: Timestamp(6) };
    db.record_verified(&touched, &newer).unwrap();
    let found = db.verified(&[file, touched]).unwrap();
    assert_eq!((found.len(), found.get(&touched)), (1, Some(&newer)));
}
