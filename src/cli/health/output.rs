use crate::failure::{Failure, OrFail};
use crate::ui::text;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Replaces a file as a whole: whoever reads it finds the old text or the new one. Others may read it, since a
/// collector of metrics has a user of its own.
///
/// # Errors
/// `CannotMeet`: the path is no regular file, or nothing can be written beside it. The old file is still there then.
pub fn replace(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let failure = || Failure::cannot_meet(format!("cannot write `{}`", text::path(path)));
    let target = match fs::metadata(path) {
        Ok(there) if !there.is_file() => {
            let message = format!("`{}` is not a regular file", text::path(path));
            return Err(Failure::cannot_meet(message).hint("without --output it is printed").into());
        }
        // A link stays one.
        Ok(_) => fs::canonicalize(path).or_fail(failure)?,
        Err(_) => path.to_owned(),
    };
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        // The textfile collector reads `*.prom` alone, so it never finds the temporary file.
        let mut file = tempfile::Builder::new().prefix(".modelctl-health-").tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
        file.as_file().sync_all()?;
        file.persist(&target)?;
        Ok(())
    };
    write().or_fail(failure)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A half-written textfile makes a collector drop all of its metrics.
    #[test]
    fn a_file_is_replaced_whole_and_can_be_read_by_others() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.prom");
        replace(&path, b"old\n").unwrap();
        replace(&path, b"new\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
        assert!(replace(dir.path(), b"x").unwrap_err().to_string().contains("not a regular file"));
        assert!(replace(&dir.path().join("no/x"), b"x").unwrap_err().to_string().contains("cannot write"));
    }
}
