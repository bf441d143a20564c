use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// The folder that trashed models wait in, beside the root of their store or inside it. Another user's trash of the same
/// name makes it `.model_trash-UID`.
pub const TRASH_FOLDER: &str = ".model_trash";

/// Whether a folder of that name holds trash. What lies in it is no model any more.
pub fn is_trash(name: &OsStr) -> bool {
    match name.as_bytes().strip_prefix(TRASH_FOLDER.as_bytes()) {
        Some([]) => true,
        Some([b'-', uid @ ..]) => !uid.is_empty() && uid.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_names_of_trash_are_taken_for_it() {
        for name in [".model_trash", ".model_trash-0", ".model_trash-1000"] {
            assert!(is_trash(OsStr::new(name)), "{name}");
        }
        for name in ["model_trash", ".model_trash-", ".model_trash-me", ".model_trash2", ""] {
            assert!(!is_trash(OsStr::new(name)), "{name}");
        }
    }
}
