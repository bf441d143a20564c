//! What a user would lose if the database did not keep its word.

mod damage;
mod fit;
mod hints;
mod history;
mod holdings;
mod inventory;
mod keep;
mod ledger;
mod opening;
mod queue;
mod samples;
mod settings;
mod together;
mod upgrade;
mod usage;
mod verified;
mod watch;

use super::{Access, Db};
use crate::failure::{Kind as Exit, classify};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Short enough for a test that is meant to give up.
const SHORT: Duration = Duration::from_millis(30);

fn open(path: &Path) -> Db {
    Db::open(path, Access::ReadWrite).unwrap()
}

/// The message with its causes, the exit code and the hint of an error that a user can cause.
#[track_caller]
fn complaint<T>(result: anyhow::Result<T>) -> (String, Exit, String) {
    let Err(error) = result else { panic!("this must fail") };
    let (kind, hint) = classify(&error);
    assert_ne!(kind, Exit::Bug, "{error:#}");
    (format!("{error:#}"), kind, hint.unwrap_or_default().to_owned())
}

#[track_caller]
fn check_refused(path: &Path, message: &str, hint: &str) {
    for access in [Access::ReadOnly, Access::ReadWrite] {
        let (said, kind, hinted) = complaint(Db::open_patiently(path, access, SHORT));
        assert_eq!(kind, Exit::CannotMeet, "{access:?}: {said}");
        assert!(said.contains(message), "{access:?}: {said}");
        assert!(said.contains(&path.display().to_string()), "{access:?}: {said}");
        assert!(hinted.contains(hint), "{access:?}: {hinted}");
    }
}

/// Every file of a folder with its bytes. Not while a connection of this process is open: see `place::look`.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}
