//! The completions and manual pages in the repository are those of this version. Where a file is stale the test
//! writes the new one and fails once: commit it.

use modelctl::cli::generated;
use std::fs;
use std::path::Path;

#[test]
fn completions_and_manual_pages_are_up_to_date() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut stale = Vec::new();
    for (name, text) in generated().unwrap() {
        let path = top.join(&name);
        if fs::read(&path).ok().as_deref() != Some(&text) {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            stale.push(name);
        }
    }
    assert!(stale.is_empty(), "these were stale and are written anew, commit them: {stale:?}");
}
