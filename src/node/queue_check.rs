//! Who polls a queue, asked by a command or a URL of the configuration.

use super::program::QueueAnswer;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The first file or folder that somebody besides root and `uid` can write, on the way from the root to `path`. A
/// command that others can change is never run. Sticky folders (`/tmp`) count as writable for what is in them only
/// where the file itself belongs to another.
///
/// # Errors
/// A part of the path cannot be read.
pub fn writable_by_others(path: &Path, uid: u32) -> std::io::Result<Option<PathBuf>> {
    let resolved = std::fs::canonicalize(path)?;
    for part in resolved.ancestors() {
        let about = std::fs::symlink_metadata(part)?;
        let is_foreign = about.uid() != 0 && about.uid() != uid;
        let is_sticky_folder = about.is_dir() && about.mode() & 0o1000 != 0;
        let others_write = about.mode() & 0o022 != 0 && !is_sticky_folder;
        if is_foreign || others_write {
            return Ok(Some(part.to_path_buf()));
        }
    }
    Ok(None)
}

/// Parses the answer of a check.
///
/// # Errors
/// It is no JSON object of the shape `{"queue", "pollers": [{"identity", "last_seen_s"}], "backlog", "done", "failed"}`.
pub fn parse(text: &[u8]) -> Result<QueueAnswer, String> {
    serde_json::from_slice(text).map_err(|error| format!("the output is not what `queue.check` should print: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_command_that_others_can_change_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let uid = std::fs::metadata(dir.path()).unwrap().uid();
        let file = dir.path().join("pollers");
        std::fs::write(&file, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(writable_by_others(&file, uid).unwrap(), None);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o775)).unwrap();
        assert_eq!(writable_by_others(&file, uid).unwrap(), Some(file.canonicalize().unwrap()));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(writable_by_others(&file, uid).unwrap().is_some());
        assert!(writable_by_others(&dir.path().join("none"), uid).is_err());
    }

    #[test]
    fn keys_may_be_absent_and_garbage_is_said() {
        let answer = parse(br#"{"pollers":[{"identity":"a@gpu"}],"more":1}"#).unwrap();
        assert_eq!(answer.pollers.unwrap()[0].identity.as_deref(), Some("a@gpu"));
        assert_eq!(parse(b"{}").unwrap(), QueueAnswer::default());
        assert!(parse(b"no").is_err());
    }
}
