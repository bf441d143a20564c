//! Which component of a path refuses a user, by permission bits.

use super::Refusing;
use super::walk::Passed;
use std::path::Path;

/// Returns the first of `folders` that the user may not enter, else the file where it may not be read. None for root,
/// and where all lets it pass. `has_acl` says whether more than the bits counts for a path: such a component is not
/// judged.
pub fn refusing(
    folders: &[Passed],
    file: Option<&Passed>,
    (uid, groups): (u32, &[u32]),
    has_acl: impl Fn(&Path) -> bool,
) -> Option<Refusing> {
    if uid == 0 {
        return None;
    }
    let refuses = |passed: &Passed, bit: u32| {
        let shift = if passed.uid == uid {
            6
        } else if groups.contains(&passed.gid) {
            3
        } else {
            0
        };
        (passed.mode >> shift) & bit == 0 && !has_acl(&passed.path)
    };
    let folder = folders.iter().find(|passed| refuses(passed, 1)).map(|passed| (passed, "enter"));
    let (passed, what) = folder.or_else(|| file.filter(|file| refuses(file, 4)).map(|file| (file, "read")))?;
    Some(Refusing {
        path: passed.path.clone(),
        mode: passed.mode,
        uid: passed.uid,
        gid: passed.gid,
        what: what.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(path: &str, mode: u32, uid: u32, gid: u32) -> Passed {
        Passed { path: path.into(), mode, uid, gid }
    }

    /// People chown the folder again and again while a parent refuses.
    #[test]
    fn the_first_component_that_refuses_is_named() {
        let folders = [passed("/", 0o755, 0, 0), passed("/mnt", 0o702, 0, 0), passed("/mnt/models", 0o777, 7, 7)];
        let file = passed("/mnt/models/x", 0o640, 1, 9);
        let refused =
            |uid, groups: &[u32]| refusing(&folders, Some(&file), (uid, groups), |_| false).map(|r| (r.path, r.what));
        assert_eq!(refused(7, &[7]), Some(("/mnt".into(), "enter".into())));
        assert_eq!(refused(0, &[]), None);
        let read = |groups: &[u32]| refusing(&folders[..1], Some(&file), (7, groups), |_| false);
        assert_eq!(read(&[7]).map(|r| (r.what, r.mode)), Some(("read".into(), 0o640)));
        assert_eq!(read(&[9]), None);
        // The owner's bits count for the owner, even where the group may more.
        let own = passed("/x", 0o070, 7, 7);
        assert!(refusing(std::slice::from_ref(&own), None, (7, &[7]), |_| false).is_some());
        // A list of more users may let it pass.
        assert!(refusing(&[own], None, (7, &[7]), |_| true).is_none());
    }
}
