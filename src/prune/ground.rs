//! Whether steps can be done where they are: in folders that this process may change, on one file system, with a trash
//! for what is moved. Nothing is written to find out; what cannot be told now is told by the act.

use super::plan::Base;
use super::trash::{Place, Step};
use crate::inventory::Stamp;
use crate::model::StoreKind;
use rustix::fs::{Access, access};
use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// What is known of folders; each is asked about once.
#[derive(Debug, Default)]
pub(super) struct Ground {
    closed: HashMap<PathBuf, bool>,
    /// Roots that can have no trash.
    trashless: HashMap<PathBuf, bool>,
    /// Of each root, the mount points in it.
    mounts: HashMap<PathBuf, Vec<PathBuf>>,
}

impl Ground {
    /// Whether the steps are in folders that we cannot change, of a store whose owner can be asked to.
    pub fn is_foreign(&mut self, store: StoreKind, base: &Path, steps: &[Step]) -> bool {
        store == StoreKind::Ollama && self.closed(base, steps)
    }

    /// Why the steps cannot be done, in words that go on after the name. `looks` stand beside `steps`.
    pub fn refuses(&mut self, store: StoreKind, base: &Base, steps: &[Step], looks: &[Stamp]) -> Option<String> {
        let mounts = self.mounts.entry(base.path.clone()).or_insert_with_key(|base| mounts_in(base));
        // A folder that is another file system stays when it is empty.
        let is_beyond = |(step, look): &(&Step, &Stamp)| {
            let is_below = || mounts.iter().any(|point| base.path.join(step.path()).starts_with(point));
            matches!(step, Step::Move { .. }) && (look.identity.dev != base.is.dev || is_below())
        };
        if let Some((step, _)) = steps.iter().zip(looks).find(is_beyond) {
            return Some(format!("`{}` lies on another file system than its store", step.path().display()));
        }
        if self.is_foreign(store, &base.path, steps) {
            return None;
        }
        let trashless = self.trashless.entry(base.path.clone()).or_insert_with_key(|base| !Place::is_possible(base));
        (*trashless || self.closed(&base.path, steps)).then(|| "its store cannot be written".to_owned())
    }

    fn closed(&mut self, base: &Path, steps: &[Step]) -> bool {
        let mut last: Option<(&Path, bool)> = None;
        steps.iter().filter_map(|step| step.path().parent()).any(|folder| match last {
            Some((same, closed)) if same == folder => closed,
            _ => {
                let closed = |folder: &PathBuf| access(folder, Access::WRITE_OK).is_err();
                let closed = *self.closed.entry(base.join(folder)).or_insert_with_key(closed);
                last = Some((folder, closed));
                closed
            }
        })
    }
}

/// The mount points below a folder. Where nobody tells, moving out of one fails.
fn mounts_in(base: &Path) -> Vec<PathBuf> {
    let text = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
    let points = text.split(|b| *b == b'\n').filter_map(point);
    points.filter(|point| point != base && point.starts_with(base)).collect()
}

/// The fifth field of a line of mountinfo, in which blanks and backslashes stand as three octal digits.
fn point(line: &[u8]) -> Option<PathBuf> {
    let mut rest = line.split(|b| *b == b' ').nth(4)?;
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
    Some(PathBuf::from(OsString::from_vec(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_point_is_read_with_its_blanks() {
        let of = |line: &str| point(line.as_bytes());
        let line = r"31 27 0:41 / /my\040models/a\134b rw - tmpfs tmpfs rw";
        assert_eq!(of(line), Some(r"/my models/a\b".into()));
        assert_eq!(of(r"31 27 0:41 / /end\04"), Some(r"/end\04".into()));
        assert_eq!(of(r"31 27 0:41 / /odd\999x rw"), Some(r"/odd\999x".into()));
        assert_eq!(of("31 27"), None);
        assert_eq!(mounts_in(Path::new("/")).iter().filter(|p| p.starts_with("/proc")).count().min(1), 1);
    }
}
