//! The mounts of this machine, as `/proc/PID/mountinfo` lists them (proc_pid_mountinfo(5)).

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// One mount, with the fields that are needed here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// The number of the mount, as statx(2) reports it (STATX_MNT_ID).
    pub id: u64,
    /// Major and minor number of the file system's device.
    pub device: (u32, u32),
    /// The folder of the file system that is mounted; `/` for all of it.
    pub root: PathBuf,
    pub point: PathBuf,
    /// Options of the mount, then those of the file system.
    pub options: Vec<String>,
    /// Options of the mount alone, and of the file system alone.
    pub own_options: Vec<String>,
    pub system_options: Vec<String>,
    /// The type of the file system.
    pub kind: String,
    /// The device, or the server and its path.
    pub source: String,
}

/// Returns the mounts that this process sees, in the order of mounting.
///
/// # Errors
/// There is no `/proc`.
pub fn read() -> io::Result<Vec<Mount>> {
    Ok(parse(&std::fs::read("/proc/self/mountinfo")?))
}

/// Parses the text of a mountinfo. Malformed lines are left out.
pub fn parse(text: &[u8]) -> Vec<Mount> {
    text.split(|byte| *byte == b'\n').filter_map(mount).collect()
}

fn mount(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|byte| *byte == b' ');
    let text = |field: &[u8]| String::from_utf8_lossy(field).into_owned();
    let id = text(fields.next()?).parse().ok()?; // a line without it is not a line of mountinfo
    let device = text(fields.nth(1)?);
    let (major, minor) = device.split_once(':')?;
    // A line without these numbers is not a line of mountinfo.
    let device = (major.parse().ok()?, minor.parse().ok()?);
    let root = unescaped(fields.next()?);
    let point = unescaped(fields.next()?);
    let of_mount = text(fields.next()?);
    // Optional fields are between the options and a lone dash.
    let mut system = fields.skip_while(|field| *field != b"-").skip(1);
    let kind = text(system.next()?);
    let source = unescaped(system.next().unwrap_or_default()).to_string_lossy().into_owned();
    let of_system = text(system.next().unwrap_or_default());
    let list = |options: &str| options.split(',').map(str::to_owned).collect::<Vec<String>>();
    let (own_options, system_options) = (list(&of_mount), list(&of_system));
    let options = [own_options.clone(), system_options.clone()].concat();
    Some(Mount { id, device, root, point, options, own_options, system_options, kind, source })
}

/// Decodes a path, in which blanks and backslashes are written as three octal digits.
fn unescaped(mut rest: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(rest.len());
    while let Some((first, after)) = rest.split_first() {
        let escaped = after.get(..3).filter(|_| *first == b'\\').and_then(|d| std::str::from_utf8(d).ok());
        match escaped.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(3..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    PathBuf::from(OsString::from_vec(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_is_read_with_its_optional_fields_and_the_blanks_of_its_path() {
        let line = br"31 27 0:41 / /my\040models/a\134b rw,nosuid shared:5 master:1 - tmpfs a\040share rw,size=1k";
        let expected = Mount {
            id: 31,
            device: (0, 41),
            root: "/".into(),
            point: r"/my models/a\b".into(),
            options: ["rw", "nosuid", "rw", "size=1k"].map(str::to_owned).to_vec(),
            own_options: ["rw", "nosuid"].map(str::to_owned).to_vec(),
            system_options: ["rw", "size=1k"].map(str::to_owned).to_vec(),
            kind: "tmpfs".into(),
            source: "a share".into(),
        };
        assert_eq!(parse(line), [expected]);
        let at = |line: &str| parse(line.as_bytes()).pop().map(|mount| mount.point);
        assert_eq!(at(r"31 27 0:41 / /end\04 rw - x x rw"), Some(r"/end\04".into()));
        assert_eq!(at(r"31 27 0:41 / /odd\999x rw - x x rw"), Some(r"/odd\999x".into()));
        for odd in ["31 27", "31 27 x:y / /a rw - x x", "31 27 0:41 / /a rw x x"] {
            assert_eq!(at(odd), None, "{odd}");
        }
    }

    #[test]
    fn the_mounts_of_this_machine_are_read() {
        assert!(read().unwrap().iter().any(|mount| mount.point.as_os_str() == "/"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(text in proptest::collection::vec(any::<u8>(), 0..300)) {
            parse(&text);
        }
    }
}
