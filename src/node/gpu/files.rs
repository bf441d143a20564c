//! What files say of GPUs: versions of driver and library, device nodes. Nothing here talks to a driver.

use super::Node;
use crate::node::Place;
use rustix::fs::{Access, AtFlags, CWD, accessat};
use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Bytes of a file of `/proc` or `/sys` that are read.
const MOST_BYTES: u64 = 64 << 10;
/// Folders that the library of the driver is in, beside those of a machine's architecture.
const LIBRARY_FOLDERS: &[&str] = &[
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
    "/lib/x86_64-linux-gnu",
    "/lib/aarch64-linux-gnu",
    "/lib64",
    "/usr/local/nvidia/lib64",
    "/usr/local/nvidia/lib",
    "/usr/lib/wsl/lib",
    "/run/opengl-driver/lib",
];
/// Device nodes that are listed: more GPUs are in no machine.
const MOST_NODES: usize = 256;

/// Reads a small file as text. None where it cannot be read.
pub fn text(path: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    // Not there, or not for us: the fact is unknown either way.
    std::fs::File::open(path).ok()?.take(MOST_BYTES).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Returns the version of the loaded kernel module of NVIDIA. None where none is loaded.
pub fn module_version(place: &Place) -> Option<String> {
    let of_proc = text(&place.at("/proc/driver/nvidia/version")).and_then(|text| version_in(&text));
    of_proc.or_else(|| {
        let version = text(&place.at("/sys/module/nvidia/version"))?;
        Some(version.trim().to_owned()).filter(|version| is_version(version))
    })
}

/// Reads the version of `NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar …`, and of the open module,
/// which has more words.
fn version_in(text: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with("NVRM version"))?;
    line.split_whitespace().find(|word| is_version(word)).map(str::to_owned)
}

/// Returns whether a word is two or three numbers with dots between them.
fn is_version(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    (2..=3).contains(&parts.len()) && parts.iter().all(is_number)
}

/// Returns the version in the name of the file that `libnvidia-ml.so.1` leads to, in the first folder that has it.
pub fn library_version(place: &Place) -> Option<String> {
    LIBRARY_FOLDERS.iter().find_map(|folder| {
        let folder = place.at(folder);
        // A folder without the link does not have the library.
        let target = std::fs::read_link(folder.join("libnvidia-ml.so.1")).ok()?;
        version_of_name(target.file_name()?).or_else(|| {
            // A link to another link of the same folder.
            let next = std::fs::read_link(folder.join(target.file_name()?)).ok()?;
            version_of_name(next.file_name()?)
        })
    })
}

fn version_of_name(name: &OsStr) -> Option<String> {
    let version = name.to_str()?.strip_prefix("libnvidia-ml.so.")?;
    is_version(version).then(|| version.to_owned())
}

/// Returns whether the nouveau driver is loaded, which keeps NVIDIA's from being loaded.
pub fn has_nouveau(place: &Place) -> bool {
    let modules = || text(&place.at("/proc/modules")).unwrap_or_default();
    place.at("/sys/module/nouveau").exists() || modules().lines().any(|line| line.starts_with("nouveau "))
}

/// Returns the device nodes of GPUs. Whether they can be opened is asked without opening them: opening one can wake a
/// card, or block on a driver that hangs. The kernel asks permission bits and the control group of devices alike.
pub fn nodes(place: &Place) -> Vec<Node> {
    let is_nvidia = |name: &str| name.starts_with("nvidia") && name != "nvidia-caps";
    let is_render = |name: &str| name.starts_with("renderD");
    let mut paths = entries(place, "/dev", is_nvidia);
    paths.extend(entries(place, "/dev", |name| name == "kfd"));
    paths.extend(entries(place, "/dev/dri", is_render));
    let node = |path: PathBuf| {
        let at = place.at(&path);
        let meta = std::fs::metadata(&at).ok()?; // gone meanwhile
        let errno = match accessat(CWD, &at, Access::READ_OK | Access::WRITE_OK, AtFlags::empty()) {
            Ok(()) => 0,
            Err(errno) => errno.raw_os_error(),
        };
        (!meta.is_dir()).then(|| Node { path, mode: meta.mode() & 0o7777, gid: meta.gid(), errno })
    };
    paths.into_iter().filter_map(node).take(MOST_NODES).collect()
}

/// Returns the entries of a folder whose names fit, in order.
pub fn entries(place: &Place, folder: &str, fits: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(place.at(folder)) else { return Vec::new() };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut paths: Vec<PathBuf> = names.filter(|name| fits(name)).map(|name| Path::new(folder).join(name)).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn place(files: &[(&str, &str)]) -> (tempfile::TempDir, Place) {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::new(dir.path());
        for (path, text) in files {
            let path = place.at(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        (dir, place)
    }

    /// An unattended upgrade changes one of the two: the mismatch is to be seen without asking the driver.
    #[test]
    fn the_versions_of_module_and_library_are_read_without_the_driver() {
        let closed = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\nGCC version: 12.2.0\n";
        let open = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  565.57.01  Release Build  (a@b)\n";
        assert_eq!(version_in(closed).as_deref(), Some("550.54.15"));
        assert_eq!(version_in(open).as_deref(), Some("565.57.01"));
        let (_dir, place) = place(&[("/proc/driver/nvidia/version", closed), ("/usr/lib64/x", "")]);
        assert_eq!((module_version(&place).as_deref(), library_version(&place)), (Some("550.54.15"), None));
        symlink("libnvidia-ml.so.535.104.05", place.at("/usr/lib64/libnvidia-ml.so.1")).unwrap();
        assert_eq!(library_version(&place).as_deref(), Some("535.104.05"));
        assert!(!has_nouveau(&place));
    }

    #[test]
    fn a_node_that_may_not_be_opened_has_its_error() {
        let files =
            ["/dev/nvidia0", "/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/kfd", "/dev/dri/renderD128", "/dev/null"];
        let (_dir, place) = place(&files.map(|path| (path, "")));
        std::fs::create_dir(place.at("/dev/nvidia-caps")).unwrap();
        std::fs::set_permissions(place.at("/dev/kfd"), std::fs::Permissions::from_mode(0o000)).unwrap();
        // The kernel goes by the rights that root may have, not by those that it has: a thread gives them up for good.
        let ordinary = || {
            let held = capabilities(None).unwrap();
            let less = CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH;
            let (effective, permitted) = (held.effective - less, held.permitted - less);
            set_capabilities(None, CapabilitySets { effective, permitted, ..held }).unwrap();
            nodes(&place).into_iter().map(|node| (node.path.display().to_string(), node.errno)).collect()
        };
        let found: Vec<(String, i32)> = std::thread::scope(|scope| scope.spawn(ordinary).join().unwrap());
        let expected = [
            ("/dev/nvidia-uvm", 0),
            ("/dev/nvidia0", 0),
            ("/dev/nvidiactl", 0),
            ("/dev/kfd", libc::EACCES),
            ("/dev/dri/renderD128", 0),
        ];
        assert_eq!(found, expected.map(|(path, errno)| (path.to_owned(), errno)));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in ".{0,120}") {
            version_in(&text);
            version_in(&format!("NVRM version{text}"));
            version_of_name(OsStr::new(&format!("libnvidia-ml.so.{text}")));
        }
    }
}
