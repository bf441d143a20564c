use super::*;
use std::fs::{self, File};
use std::io::Write;

fn mountinfo(root: &Path, text: &str) {
    fs::create_dir_all(root.join("proc/self")).unwrap();
    fs::write(root.join("proc/self/mountinfo"), text).unwrap();
}

const MOUNTS: &str = "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n\
    30 27 0:40 / /models ro,relatime - nfs4 server:/models rw,vers=4.2\n\
    31 27 8:16 / /data rw,relatime - ext4 /dev/sdb ro,errors=remount-ro\n";

#[test]
fn a_disk_is_named_by_its_mount_and_says_how_it_is_read_only() {
    let root = tempfile::tempdir().unwrap();
    mountinfo(root.path(), MOUNTS);
    fs::create_dir_all(root.path().join("models/llm")).unwrap();
    let place = Place::new(root.path());
    let wanted = [
        (PathBuf::from("/models/llm/not/yet.gguf"), "models".to_owned()),
        (PathBuf::from("/models"), "more models".to_owned()),
        (PathBuf::from("/data/x"), "database".to_owned()),
    ];
    fs::create_dir_all(root.path().join("data")).unwrap();
    let all = disks(&place, &wanted, true);
    let known: Vec<&Disk> = all.iter().filter_map(Fact::known).collect();
    assert_eq!(known.len(), 2, "{all:?}");
    assert_eq!((known[0].mount_point.as_path(), known[0].source.as_str()), (Path::new("/models"), "server:/models"));
    assert_eq!(known[0].holds, ["models", "more models"]);
    assert!(known[0].is_network && known[0].is_read_only && !known[0].is_super_read_only);
    assert!(!known[1].is_network && !known[1].is_read_only && known[1].is_super_read_only);
    assert!(known[0].total >= known[0].available && known[0].total > 0);
}

#[test]
fn paths_are_grouped_by_mounts_without_a_look_at_the_disks() {
    let mounts = mounts::parse(MOUNTS.as_bytes());
    let wanted = ["/models/a", "/var/log", "/models/b", "/modelsx"].map(|path| (PathBuf::from(path), "x".to_owned()));
    let groups = by_mount(&mounts, &wanted);
    let shape: Vec<_> =
        groups.iter().map(|(m, w)| (m.as_ref().unwrap().point.display().to_string(), w.len())).collect();
    assert_eq!(shape, [("/models".to_owned(), 2), ("/".to_owned(), 2)]);
    assert_eq!(by_mount(&[], &wanted).len(), 1);
}

#[test]
fn a_child_that_hangs_or_crashes_is_a_fact_about_that_disk_alone() {
    let root = tempfile::tempdir().unwrap();
    mountinfo(root.path(), MOUNTS);
    let place = Place::new(root.path());
    let wanted = [(PathBuf::from("/models/a"), "models".to_owned()), (PathBuf::from("/data"), "logs".to_owned())];
    let program = root.path().join("asked");
    // It answers for one disk and hangs for the other.
    let script = "#!/bin/sh\ncase \"$(cat)\" in */models/*) exec sleep 600;; esac\necho '[]'\n";
    let mut file = File::create(&program).unwrap();
    file.write_all(script.as_bytes()).unwrap();
    drop(file);
    fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let all = ask(&program, &place, &wanted, false, Duration::from_secs(3));
    assert_eq!(all.len(), 1, "{all:?}");
    assert!(all[0].source.contains("/models (nfs4 of server:/models)"), "{all:?}");
    assert!(matches!(&all[0].outcome, Outcome::TimedOut { why } if why.contains("3.0 s")), "{all:?}");
    let none = ask(Path::new("/nonexistent"), &place, &wanted, false, Duration::from_secs(20));
    assert!(none.len() == 2 && none.iter().all(|fact| matches!(fact.outcome, Outcome::Failed { .. })), "{none:?}");
}

#[test]
fn what_fills_a_folder_is_found_largest_first() {
    let root = tempfile::tempdir().unwrap();
    let many = root.path().join("many");
    fs::create_dir(&many).unwrap();
    for n in 0..50 {
        fs::write(many.join(n.to_string()), "").unwrap();
    }
    for (name, kib) in [("small", 8), ("large", 256), ("middle", 64)] {
        fs::write(root.path().join(name), vec![1; kib << 10]).unwrap();
    }
    std::os::unix::fs::symlink("/", root.path().join("link")).unwrap();
    let found = walk::walk(root.path(), &std::collections::HashSet::new());
    let names: Vec<_> = found.largest.iter().take(3).map(|(path, _)| path.file_name().unwrap().to_owned()).collect();
    assert_eq!(names, ["large", "middle", "small"]);
    assert_eq!(found.crowded, Some((many, 50)));
}

#[test]
fn a_deleted_file_that_is_still_open_is_found_with_its_holder() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("old.log");
    let mut file = File::create(&path).unwrap();
    file.write_all(&vec![1; 1 << 20]).unwrap();
    file.sync_all().unwrap();
    let ours = || {
        let all = deleted::find(&Place::default(), root.path()).unwrap();
        all.into_iter().find(|(pid, _, held, _)| *pid == std::process::id() && held.ends_with("old.log"))
    };
    assert_eq!(ours(), None);
    fs::remove_file(&path).unwrap();
    // Five larger ones of others may be on the same disk, and then this one is not named.
    if let Some((_, _, _, bytes)) = ours() {
        assert!(bytes >= 1 << 20);
    } else {
        assert_eq!(deleted::find(&Place::default(), root.path()).unwrap().len(), 5);
    }
    drop(file);
}

/// Mounts a small file system; None where that is not permitted.
fn mounted(options: &str) -> Option<Mounted> {
    let folder = tempfile::tempdir().unwrap();
    let flags = rustix::mount::MountFlags::empty();
    let options = std::ffi::CString::new(options).unwrap();
    let mounted = rustix::mount::mount("tmpfs", folder.path(), "tmpfs", flags, options.as_c_str());
    if let Err(error) = mounted {
        crate::testing::skip(format!("a file system cannot be mounted here: {error}"));
        return None;
    }
    Some(Mounted(folder))
}

struct Mounted(tempfile::TempDir);

impl Drop for Mounted {
    fn drop(&mut self) {
        // One that cannot be unmounted is left to the system.
        let _ = rustix::mount::unmount(self.0.path(), rustix::mount::UnmountFlags::DETACH);
    }
}

#[test]
fn a_full_disk_names_its_largest_files_and_one_without_inodes_its_crowded_folder() {
    let Some(full) = mounted("size=1m") else { return };
    let path = full.0.path();
    fs::create_dir(path.join("logs")).unwrap();
    // The disk ends before the data does.
    assert!(fs::write(path.join("logs/large.log"), vec![1; 2 << 20]).is_err());
    let of = |path: &Path| {
        let all = disks(&Place::default(), &[(path.to_owned(), "logs".to_owned())], true);
        all.into_iter().next().unwrap().known().cloned().unwrap()
    };
    let disk = of(path);
    assert_eq!((disk.mount_point.as_path(), disk.kind.as_str(), disk.available), (path, "tmpfs", 0));
    assert_eq!(disk.largest.first().map(|(path, _)| path.clone()), Some(path.join("logs/large.log")));
    assert!(disk.crowded.is_none() && disk.deleted_open.is_empty());

    let held = File::open(path.join("logs/large.log")).unwrap();
    fs::remove_file(path.join("logs/large.log")).unwrap();
    let disk = of(path);
    assert!(disk.largest.is_empty(), "{disk:?}");
    assert_eq!(disk.deleted_open.iter().map(|(pid, ..)| *pid).collect::<Vec<_>>(), [std::process::id()]);
    drop(held);

    let Some(crowded) = mounted("size=1m,nr_inodes=20") else { return };
    let path = crowded.0.path();
    fs::create_dir(path.join("many")).unwrap();
    for n in 0.. {
        if File::create(path.join("many").join(n.to_string())).is_err() {
            break;
        }
    }
    let disk = of(path);
    assert_eq!((disk.inodes, disk.inodes_available), (20, 0));
    assert!(disk.available > 0);
    assert_eq!(disk.crowded, Some((path.join("many"), 18)));
}

#[test]
fn a_request_survives_the_way_to_the_child() {
    let request = Request { root: "/x".into(), wanted: vec![("/a b".into(), "logs of llama".into())], details: true };
    let json = serde_json::to_string(&request).unwrap();
    assert_eq!(serde_json::from_str::<Request>(&json).unwrap(), request);
    assert!(read::is_network("nfs4") && read::is_network("fuse.sshfs") && !read::is_network("fuse.lxcfs"));
    assert!(!read::is_network("ext4") && !read::is_network("fuseblk"));
}
