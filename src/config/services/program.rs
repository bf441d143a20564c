//! The program of a service: found, and safe from others.

use crate::model::Reading;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Bits of a mode.
const EXECUTE: u32 = 0o111;
const WRITE_BY_OTHERS: u32 = 0o002;
const STICKY: u32 = 0o1000;

/// Finds the program that a command names, in `path` where it is a bare name.
pub(in crate::config) fn find_program(named: &str, path: &[PathBuf]) -> Reading<PathBuf> {
    let found = match named.starts_with('/') {
        true => Some(PathBuf::from(named)),
        // An entry that is not absolute would mean another file in each folder.
        false => path.iter().filter(|dir| dir.is_absolute()).map(|dir| dir.join(named)).find(|file| is_program(file)),
    };
    let Some(found) = found else {
        return Reading::Unavailable(format!("`{}` is not in PATH", named.escape_debug()));
    };
    match check_program(&found) {
        Ok(()) => Reading::Known(found),
        Err(why) => Reading::Unavailable(why),
    }
}

fn is_program(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & EXECUTE != 0)
}

/// Checks that a program is there, and that not everybody may change it.
///
/// # Errors
/// A sentence without a full stop.
pub fn check_program(file: &Path) -> Result<(), String> {
    let shown = file.display();
    let meta = std::fs::metadata(file).map_err(|error| format!("the program {shown} cannot be used: {error}"))?;
    if !meta.is_file() {
        return Err(format!("the program {shown} is not a file"));
    }
    let mode = meta.permissions().mode();
    if mode & EXECUTE == 0 {
        return Err(format!("the program {shown} is not executable"));
    }
    if mode & WRITE_BY_OTHERS != 0 {
        return Err(format!("the program {shown} is writable by everyone: `chmod o-w` it"));
    }
    let dir = file.parent().and_then(|dir| std::fs::metadata(dir).ok()); // a program that can be used has a folder
    let dir = dir.map_or(0, |meta| meta.permissions().mode());
    if dir & WRITE_BY_OTHERS != 0 && dir & STICKY == 0 {
        return Err(format!("the folder of the program {shown} is writable by everyone: `chmod o-w` it"));
    }
    Ok(())
}
