//! What keeps the file of a model from being loaded, in the same words for everybody who asks.

use crate::display::text;
use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

/// Returns whether a file of a model is missing, unreadable or, with `is_gone`, not in any scanned place, as a sentence.
pub fn file_problem(path: &Path, is_gone: bool) -> Option<String> {
    let shown = text::path(path);
    match File::open(path) {
        Ok(_) if is_gone => Some(format!(
            "the model file is outside all scanned folders: {shown} exists, but no scanned root contains it; `modelctl \
             scan` finds it again"
        )),
        Ok(_) => None,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Some(format!("the model file is missing: {shown}"))
        }
        Err(error) => Some(format!("the model file cannot be read: {shown}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_missing_unreadable_or_outside_of_all_scanned_places_is_named_as_such() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("m.gguf");
        std::fs::write(&file, "x").unwrap();
        assert_eq!(file_problem(&file, false), None);
        let said = |path: &Path, is_gone| file_problem(path, is_gone).unwrap();
        assert!(said(&file, true).starts_with("the model file is outside all scanned folders: "));
        assert!(said(&dir.path().join("n.gguf"), true).starts_with("the model file is missing: "));
        assert!(said(&file.join("n.gguf"), false).starts_with("the model file is missing: "));
        let circle = dir.path().join("circle");
        std::os::unix::fs::symlink(&circle, &circle).unwrap();
        assert!(said(&circle, true).starts_with("the model file cannot be read: "));
    }
}
