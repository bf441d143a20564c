use super::*;
use crate::model::{DeviceMemory, FileIdentity};

#[test]
fn a_measured_figure_is_that_of_the_file_and_the_settings_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("db"));
    let file = FileIdentity { dev: u64::MAX, ino: 7, size: 42, mtime_ns: -1, ctime_ns: 9 };
    let devices = vec![DeviceMemory { device: "CPU".into(), weights: 1, kv_cache: 2, compute: 3 }];
    db.record_measured(&file, "ctx=1", &devices).unwrap();
    db.record_measured(&file, "ctx=2", &[]).unwrap();
    assert_eq!(db.measured(&file, "ctx=1").unwrap(), Some(devices.clone()));
    assert_eq!(db.measured(&file, "ctx=3").unwrap(), None);
    let touched = FileIdentity { ctime_ns: 10, ..file };
    assert_eq!(db.measured(&touched, "ctx=1").unwrap(), None);
    db.record_measured(&touched, "ctx=1", &devices).unwrap();
    assert_eq!(db.measured(&file, "ctx=2").unwrap(), None, "the inode holds another file now");
}
