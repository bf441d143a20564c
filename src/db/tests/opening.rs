use super::samples::*;
use super::*;
use crate::db::place::network_file_system;
use crate::db::schema::{APPLICATION_ID, VERSION};
use crate::testing::skip;
use rusqlite::Connection;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

#[test]
fn a_list_before_the_first_scan_is_empty_and_makes_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("not/there/db");
    let mut db = Db::open(&path, Access::ReadOnly).unwrap();
    assert!(db.is_fresh());
    assert_eq!(db.rows().unwrap(), []);
    assert_eq!(db.roots().unwrap(), []);
    assert_eq!(complaint(db.record_scan(&added(vec![model("a", "a")]), NOW)).1, Exit::CannotMeet);
    assert!(contents(dir.path()).is_empty());
}

#[test]
fn the_first_scan_makes_the_database_and_private_folders() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state/modelctl/db");
    assert!(open(&path).is_fresh());
    assert!(!open(&path).is_fresh());
    for folder in ["state", "state/modelctl"] {
        let mode = fs::metadata(dir.path().join(folder)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{folder}");
    }
    // Closed in good order, it is one file.
    assert_eq!(contents(path.parent().unwrap()).into_keys().collect::<Vec<_>>(), [path]);
}

fn modes(folder: &Path) -> Vec<u32> {
    contents(folder).into_keys().map(|file| fs::metadata(file).unwrap().permissions().mode() & 0o777).collect()
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Prompts and answers are in it: whoever prepared the folder, they are for their owner.
#[test]
fn the_database_and_its_log_are_private_in_a_folder_that_is_not() {
    let dir = tempfile::tempdir().unwrap();
    set_mode(dir.path(), 0o755);
    let db = open(&dir.path().join("db"));
    assert_eq!(modes(dir.path()), [0o600; 3]);
    assert!(!db.was_exposed());
}

#[test]
fn a_database_that_others_could_read_becomes_private_and_that_is_reported_once() {
    for access in [Access::ReadOnly, Access::ReadWrite] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        let other = open(&path);
        for file in contents(dir.path()).into_keys() {
            set_mode(&file, 0o644);
        }
        set_mode(dir.path(), 0o755);
        assert!(Db::open(&path, access).unwrap().was_exposed());
        assert!(!Db::open(&path, access).unwrap().was_exposed());
        assert_eq!(modes(dir.path()), [0o600; 3]);
        drop(other);
        // Nobody else can enter the folder, so nothing was exposed.
        set_mode(dir.path(), 0o700);
        set_mode(&path, 0o644);
        assert!(!Db::open(&path, access).unwrap().was_exposed());
        assert_eq!(modes(dir.path())[0], 0o600);
    }
}

/// Triage is told to change nothing, and it runs as root beside a database of somebody else.
#[test]
fn an_observer_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    drop(open(&path));
    set_mode(dir.path(), 0o755);
    set_mode(&path, 0o644);
    let before = contents(dir.path());
    let db = Db::open(&path, Access::Observe).unwrap();
    assert_eq!(db.rows().unwrap(), []);
    assert!(!db.was_exposed() && !db.is_fresh());
    assert_eq!((contents(dir.path()), modes(dir.path())), (before, vec![0o644]));
    // Beside a daemon, the log has what is new.
    let mut other = open(&path);
    other.record_scan(&added(vec![model("a", "a")]), NOW).unwrap();
    assert_eq!(Db::open(&path, Access::Observe).unwrap().rows().unwrap().len(), 1);
}

#[test]
fn any_name_will_do() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(OsStr::from_bytes(b"a b?x=%41#\xff&.db"));
    open(&path).record_scan(&added(vec![model("aaaaaaaaaaaa", "a")]), NOW).unwrap();
    assert_eq!(contents(dir.path()).into_keys().collect::<Vec<_>>(), std::slice::from_ref(&path));
    assert_eq!(Db::open(&path, Access::ReadOnly).unwrap().rows().unwrap().len(), 1);
}

#[test]
fn every_connection_has_the_settings_it_relies_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let writer = open(&path);
    let reader = Db::open(&path, Access::ReadOnly).unwrap();
    for db in [&writer, &reader] {
        let number = |name: &str| db.conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(number("synchronous"), 2);
        assert_eq!(number("foreign_keys"), 1);
        assert_eq!(number("busy_timeout"), 5_000);
        assert_eq!(number("journal_size_limit"), 64 << 20);
        assert_eq!(number("application_id"), i64::from(APPLICATION_ID));
        assert_eq!(number("user_version"), i64::from(VERSION));
        let mode: String = db.conn.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
    }
    assert!(reader.conn.is_readonly(rusqlite::MAIN_DB).unwrap());
}

#[test]
fn a_newer_database_is_refused_and_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    open(&path).conn.pragma_update(None, "user_version", VERSION + 8).unwrap();
    let before = contents(dir.path());
    check_refused(&path, &format!("format version {}", VERSION + 8), "it was not touched");
    check_refused(&path, &format!("versions up to {VERSION}"), "newer modelctl");
    assert_eq!(contents(dir.path()), before);
}

#[test]
fn a_newer_version_that_stands_in_the_log_alone_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    open(&path).record_scan(&added(vec![model("aaaaaaaaaaaa", "a")]), NOW).unwrap();
    // As after a crash of the newer program: its last transaction was never moved into the main file.
    let copy = tempfile::tempdir().unwrap();
    let newer = Connection::open(&path).unwrap();
    newer.pragma_update(None, "user_version", VERSION + 1).unwrap();
    for name in ["db", "db-wal"] {
        fs::copy(dir.path().join(name), copy.path().join(name)).unwrap();
    }
    let before = contents(copy.path());
    check_refused(&copy.path().join("db"), "format version", "it was not touched");
    let after = contents(copy.path());
    for (name, bytes) in before {
        assert_eq!(after[&name], bytes, "{name:?}");
    }
}

#[test]
fn the_database_of_another_program_is_refused_and_not_touched() {
    for foreign in [
        "CREATE TABLE bookmark (url TEXT)",
        "PRAGMA application_id = 77; CREATE TABLE bookmark (url TEXT)",
        "PRAGMA user_version = 1; CREATE TABLE bookmark (url TEXT)",
        "PRAGMA journal_mode = WAL; CREATE TABLE bookmark (url TEXT)",
        "PRAGMA user_version = 3",
    ] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("places.sqlite");
        Connection::open(&path).unwrap().execute_batch(foreign).unwrap();
        let before = contents(dir.path());
        check_refused(&path, "is an SQLite database of another program", "MODELCTL_DB");
        assert_eq!(contents(dir.path()), before, "{foreign}");
    }
}

#[test]
fn what_is_no_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    check_refused(dir.path(), "is not a regular file", "");
    check_refused(Path::new("/dev/null"), "is not a regular file", "");
    fs::write(dir.path().join("file"), "x").unwrap();
    let below = dir.path().join("file/db");
    for access in [Access::ReadOnly, Access::ReadWrite] {
        assert_eq!(complaint(Db::open(&below, access)).1, Exit::CannotMeet);
    }
}

#[test]
fn network_file_systems_are_named_and_local_ones_pass() {
    for (magic, name) in [(0x6969, "NFS"), (0xff53_4d42, "SMB"), (0xfe53_4d42, "SMB"), (0x0102_1997, "9p")] {
        assert_eq!(network_file_system(magic), Some(name));
    }
    // ext4, xfs, btrfs, tmpfs, overlay, zfs, f2fs
    for magic in [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994, 0x794c_7630, 0x2fc1_2fc1, 0xf2f5_2010] {
        assert_eq!(network_file_system(magic), None, "{magic:x}");
    }
}

/// Makes a folder read-only for everybody, root included, while it lives.
struct Sealed<'a>(&'a Path);

impl<'a> Sealed<'a> {
    /// None with a reason printed where neither permission bits nor the immutable flag bind this user.
    fn new(folder: &'a Path) -> Option<Self> {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o555)).unwrap();
        let sealed = Sealed(folder);
        if fs::write(folder.join("probe"), "").is_err() {
            return Some(sealed);
        }
        fs::remove_file(folder.join("probe")).unwrap();
        if let Err(error) = sealed.immutable(true) {
            skip(format_args!("root may write everywhere here, and the immutable flag cannot be set: {error}"));
            return None;
        }
        Some(sealed)
    }

    fn immutable(&self, on: bool) -> rustix::io::Result<()> {
        let folder = fs::File::open(self.0).unwrap();
        let mut flags = rustix::fs::ioctl_getflags(&folder)?;
        flags.set(rustix::fs::IFlags::IMMUTABLE, on);
        rustix::fs::ioctl_setflags(&folder, flags)
    }
}

impl Drop for Sealed<'_> {
    fn drop(&mut self) {
        // It may never have been set.
        let _ = self.immutable(false);
        fs::set_permissions(self.0, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[test]
fn a_read_only_folder_can_still_be_listed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    open(&path).record_scan(&added(vec![model("aaaaaaaaaaaa", "a")]), NOW).unwrap();
    let Some(_sealed) = Sealed::new(dir.path()) else { return };
    assert_eq!(Db::open(&path, Access::ReadOnly).unwrap().rows().unwrap().len(), 1);
    assert!(Db::open(&dir.path().join("other"), Access::ReadOnly).unwrap().is_fresh());
    for name in ["db", "other", "new/other"] {
        let (said, kind, _) = complaint(Db::open(&dir.path().join(name), Access::ReadWrite));
        assert_eq!(kind, Exit::CannotMeet);
        assert!(said.contains("is read-only") || said.contains("cannot make the folder"), "{said}");
    }
}

#[test]
fn changes_that_a_read_only_folder_hides_are_not_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let copy = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("db"));
    db.record_scan(&added(vec![model("aaaaaaaaaaaa", "a")]), NOW).unwrap();
    for name in ["db", "db-wal"] {
        fs::copy(dir.path().join(name), copy.path().join(name)).unwrap();
    }
    let Some(_sealed) = Sealed::new(copy.path()) else { return };
    let path = copy.path().join("db");
    match Db::open(&path, Access::ReadOnly) {
        Ok(db) => assert_eq!(db.rows().unwrap().len(), 1),
        Err(error) => {
            let (said, _, hint) = complaint::<()>(Err(error));
            assert!(said.contains("holds changes") && hint.contains("copy it with its `-wal`"), "{said}");
        }
    }
}

#[test]
fn a_place_where_nothing_can_be_made_is_named() {
    // procfs takes no files from anybody, root included.
    let (said, kind, _) = complaint(Db::open(Path::new("/proc/modelctl/db"), Access::ReadWrite));
    assert_eq!(kind, Exit::CannotMeet);
    assert!(said.contains("/proc/modelctl"), "{said}");
}

/// The daemon goes on with a database that has taken the place of its own, and would otherwise serve a file that nobody
/// else sees, for ever.
#[test]
fn a_file_that_is_replaced_while_it_is_opened_is_known_to_be() {
    use std::os::unix::fs::MetadataExt;
    for round in 0..20_u32 {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("db"), dir.path().join("other"));
        [&path, &other].into_iter().for_each(|file| drop(open(file)));
        let begin = std::sync::Barrier::new(2);
        let opened = std::thread::scope(|scope| {
            scope.spawn(|| {
                begin.wait();
                // At one moment or another of the opening.
                (0..round * 20).for_each(|_| drop(fs::metadata(&path)));
                fs::rename(&other, &path).unwrap();
            });
            begin.wait();
            Db::open(&path, Access::ReadWrite)
        });
        // An opening that has seen something of both may fail, and is repeated.
        let Ok(db) = opened else { continue };
        let links = fs::read_dir("/proc/self/fd").unwrap().flatten().map(|entry| entry.path());
        let name = path.to_str().unwrap();
        let is_ours = |fd: &PathBuf| {
            let target = fs::read_link(fd).unwrap_or_default();
            [name.to_owned(), format!("{name} (deleted)")].iter().any(|name| target == Path::new(name))
        };
        let held: Vec<u64> = links.filter(is_ours).filter_map(|fd| Some(fs::metadata(fd).ok()?.ino())).collect();
        assert!(!held.is_empty());
        let now = fs::metadata(&path).unwrap().ino();
        assert!(held.iter().all(|ino| *ino == now) || db.is_file_replaced(), "round {round}: {held:?} {now}");
    }
}
