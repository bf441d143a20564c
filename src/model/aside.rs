use super::Class;
use std::ffi::OsStr;
use std::path::Path;

/// The kind of a folder whose files are no models any more, or none to rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aside {
    /// Files that were thrown away: the trash of a desktop or of a file server, or what a file system check found.
    Trash,
    /// A snapshot or a backup. It cannot be changed, or it is removed when it expires.
    Snapshot,
}

impl Aside {
    /// Classifies a folder by its name; None for any other folder. `parent` is the name of the folder that contains it.
    pub fn of_name(parent: Option<&OsStr>, name: &OsStr) -> Option<Aside> {
        let name = name.as_encoded_bytes();
        // This check runs for every folder of a disk, and nearly all of their names start with another character.
        let first = name.first()?;
        if !matches!(first, b'.' | b'#' | b'@' | b'$' | b'~' | b'_') && !first.is_ascii_alphabetic() {
            return None;
        }
        let is = |text: &&str| name.eq_ignore_ascii_case(text.as_bytes());
        let within = |text: &str| parent.is_some_and(|p| p.as_encoded_bytes().eq_ignore_ascii_case(text.as_bytes()));
        let is_old_windows = matches!(name, b"RECYCLER" | b"RECYCLED");
        if TRASH.iter().any(&is) || is_of_user(name) || is_old_windows {
            return Some(Aside::Trash);
        }
        // The trash of a home has these folders below one with a common name, `Trash` (trash specification 1.0).
        if ["files", "expunged"].iter().any(&is) && within("Trash") {
            return Some(Aside::Trash);
        }
        if is(&"Archive") && within(".sync") {
            return Some(Aside::Trash);
        }
        if SNAPSHOTS.iter().any(&is) || (is(&"snapshots") && within("timeshift")) {
            return Some(Aside::Snapshot);
        }
        None
    }

    /// Returns the kind of the outermost such folder on `path`, which may be `path`. Decides by names alone: the path
    /// need not exist.
    pub fn of(path: &Path) -> Option<Aside> {
        let mut parent = None;
        for part in path.iter() {
            if let Some(aside) = Aside::of_name(parent, part) {
                return Some(aside);
            }
            parent = Some(part);
        }
        None
    }

    pub fn class(self) -> Class {
        match self {
            Aside::Trash => Class::Trash,
            Aside::Snapshot => Class::Snapshot,
        }
    }

    /// Returns the words for a sentence about a file in such a folder.
    pub fn why(self) -> &'static str {
        match self {
            Aside::Trash => "in a trash: not counted as a model or a copy",
            Aside::Snapshot => "in a snapshot or a backup: not counted as a model or a copy",
        }
    }
}

/// Returns whether the name is the trash of one user: `.Trash-1000` of the specification, `.Trash-me` of older
/// desktops.
fn is_of_user(name: &[u8]) -> bool {
    name.len() > 7 && name.get(..7).is_some_and(|start| start.eq_ignore_ascii_case(b".Trash-"))
}

/// Names of folders for thrown-away files, compared without regard to case.
const TRASH: [&str; 22] = [
    // Desktops: freedesktop.org, macOS, Windows.
    ".Trash",
    ".Trashes",
    "$RECYCLE.BIN",
    "Network Trash Folder",
    // File servers: Synology (with the previews that it creates), QNAP, Samba, Unraid, TrueNAS, Nextcloud.
    "#recycle",
    "@eaDir",
    "@Recycle",
    ".@__thumb",
    ".recycle",
    ".Recycle.Bin",
    ".recyclebin",
    "files_trashbin",
    "files_versions",
    // Synchronization: Syncthing, Dropbox, Seafile.
    ".stversions",
    ".dropbox.cache",
    ".seafile-trash",
    // File systems: GlusterFS, files found by fsck.
    ".trashcan",
    "lost+found",
    "FOUND.000",
    // Notebooks and Android.
    ".ipynb_checkpoints",
    ".globalTrash",
    ".trashed",
];

/// Names of folders for snapshots and backups, compared without regard to case.
const SNAPSHOTS: [&str; 21] = [
    // snapper and rsnapshot; ZFS; NetApp; CephFS; WAFL and others over SMB.
    ".snapshots",
    ".snapshot",
    ".zfs",
    "~snapshot",
    ".snap",
    "#snapshot",
    "@Recently-Snapshot",
    // btrbk, timeshift, Back In Time, snap-sync, yabsnap, bees.
    "btrbk_snapshots",
    ".btrbk_snapshots",
    "_btrbk_snap",
    ".btrbk",
    "btrbk-snapshots",
    "timeshift-btrfs",
    ".timeshift",
    "backintime",
    ".yabsnap",
    ".beeshome",
    // Time Machine, Windows.
    "Backups.backupdb",
    ".MobileBackups",
    ".backupdb",
    "System Volume Information",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_thrown_away_or_frozen_is_known_by_where_it_lies() {
        for path in [
            "/m/.Trash-1000/files/x.gguf",
            "/m/.Trash-me/x.gguf",
            "/m/.Trash/1000/files/x.gguf",
            "/home/u/.local/share/Trash/files/x.gguf",
            "/home/u/.local/share/Trash/expunged/1",
            "/Users/u/.Trash/x.gguf",
            "/Volumes/D/.Trashes/501/x.gguf",
            "/mnt/win/$Recycle.Bin/S-1-5/x.gguf",
            "/nas/#recycle/x.gguf",
            "/nas/@eaDir/x.gguf/SYNO@.part",
            "/nas/@Recycle/x.gguf",
            "/srv/share/.recycle/u/x.gguf",
            "/sync/.stversions/x~20260101.gguf",
            "/sync/.sync/Archive/x.gguf",
            "/lost+found/#123/x.gguf",
        ] {
            assert_eq!(Aside::of(Path::new(path)), Some(Aside::Trash), "{path}");
        }
        for path in [
            "/.snapshots/1/snapshot/m/x.gguf",
            "/tank/.zfs/snapshot/daily/x.gguf",
            "/vol/.snapshot/hourly.0/x.gguf",
            "/vol/~snapshot/x.gguf",
            "/run/timeshift/backup/timeshift/snapshots/2026/x.gguf",
            "/mnt/btrbk_snapshots/m.2026/x.gguf",
            "/Volumes/B/Backups.backupdb/x.gguf",
        ] {
            assert_eq!(Aside::of(Path::new(path)), Some(Aside::Snapshot), "{path}");
        }
        for path in [
            "/m/trash/x.gguf",
            "/m/Trash/x.gguf",
            "/m/files/x.gguf",
            "/m/.Trash-",
            "/hub/models--a--b/snapshots/c/x.gguf",
            "/m/snapshot/x.gguf",
            "/m/Archive/x.gguf",
            "/m/.model_trash/x",
            "/",
        ] {
            assert_eq!(Aside::of(Path::new(path)), None, "{path}");
        }
    }
}
