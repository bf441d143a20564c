use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// The name of the folder for trashed models, next to the root of their store or inside it. If another user's trash has
/// this name, it is `.model_trash-UID`, and if that name is taken too, `.model_trash-UID.HEX`.
pub const TRASH_FOLDER: &str = ".model_trash";

/// Returns whether a folder of that name is a trash. Files in it are no models any more.
pub fn is_trash(name: &OsStr) -> bool {
    match name.as_bytes().strip_prefix(TRASH_FOLDER.as_bytes()) {
        Some([]) => true,
        Some([b'-', rest @ ..]) => {
            let mut parts = rest.splitn(2, |b| *b == b'.');
            let is_uid = |uid: &[u8]| !uid.is_empty() && uid.iter().all(u8::is_ascii_digit);
            let is_hex = |hex: &[u8]| !hex.is_empty() && hex.iter().all(u8::is_ascii_hexdigit);
            parts.next().is_some_and(is_uid) && parts.next().is_none_or(is_hex)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_names_of_trash_are_taken_for_it() {
        for name in [".model_trash", ".model_trash-0", ".model_trash-1000", ".model_trash-0.1f"] {
            assert!(is_trash(OsStr::new(name)), "{name}");
        }
        for name in [
            "model_trash",
            ".model_trash-",
            ".model_trash-me",
            ".model_trash2",
            ".model_trash-0.",
            ".model_trash-0.x",
            ".model_trash.1f",
            "",
        ] {
            assert!(!is_trash(OsStr::new(name)), "{name}");
        }
    }
}
