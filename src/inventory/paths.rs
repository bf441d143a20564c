//! Properties of paths and file names that need no access to the disk.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Returns whether `inner` is `outer` or below it. Compares bytes: both are normal, absolute paths, and this runs once
/// for each known file.
pub(crate) fn contains(outer: &Path, inner: &Path) -> bool {
    let (outer, inner) = (outer.as_os_str().as_bytes(), inner.as_os_str().as_bytes());
    let outer = outer.strip_suffix(b"/").unwrap_or(outer);
    match inner.strip_prefix(outer) {
        Some(rest) => rest.is_empty() || rest.first() == Some(&b'/'),
        None => false,
    }
}

/// Returns the name without `.gguf` in any case. None when the name has another end or would be empty.
pub(crate) fn gguf_stem(name: &OsStr) -> Option<&[u8]> {
    let bytes = name.as_bytes();
    let (stem, extension) = bytes.split_at_checked(bytes.len().checked_sub(5)?)?;
    (!stem.is_empty() && extension.eq_ignore_ascii_case(b".gguf")).then_some(stem)
}

/// Returns whether a name is that of an unfinished download, as the usual tools write it.
pub(crate) fn is_partial(name: &OsStr) -> bool {
    const SUFFIXES: [&[u8]; 6] =
        [b".incomplete", b".downloadInProgress", b".part", b".partial", b".crdownload", b".aria2"];
    SUFFIXES.iter().any(|s| name.as_bytes().ends_with(s))
}
