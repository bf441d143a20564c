//! Every file that a store holds, with its class and the reason.

use super::Session;
use crate::db::Access;
use crate::display::Document;
use crate::inventory;
use crate::model::{Class, StoreKind, Stored, path_bytes_hex, paths_bytes_hex};
use serde::Serialize;

/// One row of `list --files --json`. Keys are added, never renamed or dropped.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct FileReport<'a> {
    class: Class,
    why: &'a str,
    store: StoreKind,
    root: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    root_bytes_hex: Option<String>,
    /// The repository or model in the words of the store.
    owner: Option<&'a str>,
    /// Ids of the models that have the file.
    models: Vec<&'a str>,
    /// The path of the bytes; the reference when they are missing; a folder for a sum of several files.
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes_hex: Option<String>,
    /// Directory entries that lead to the file, including its path.
    entries: Vec<String>,
    /// The bytes of all entries, when one is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    entries_bytes_hex: Option<Vec<String>>,
    /// Number of files that this row stands for.
    files: u64,
    size_bytes: u64,
    allocated_bytes: u64,
    /// Directory entries of the inode, wherever they are.
    links: u64,
    expected_sha256: Option<&'a str>,
    /// Computed from exactly these bytes by `verify`.
    verified_sha256: Option<&'a str>,
    /// False when the last scan could not read its root.
    reachable: bool,
}

/// The document of `list --files --json`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct FilesReport<'a> {
    files: Vec<FileReport<'a>>,
}

impl Document for FilesReport<'_> {
    const SCHEMA: &'static str = "modelctl.list-files/1";
}

/// Returns the files for a client.
pub fn report<'a>(files: &[&'a Stored]) -> FilesReport<'a> {
    FilesReport { files: files.iter().map(|row| FileReport::of(row)).collect() }
}

impl<'a> FileReport<'a> {
    pub fn of(row: &'a Stored) -> FileReport<'a> {
        let holding = &row.holding;
        FileReport {
            class: holding.class,
            why: &holding.why,
            store: holding.store,
            root: holding.root.to_string_lossy().into_owned(),
            root_bytes_hex: path_bytes_hex(&holding.root),
            owner: holding.owner.as_deref(),
            models: row.models.iter().map(|(id, _)| id.as_str()).collect(),
            path: holding.path.to_string_lossy().into_owned(),
            path_bytes_hex: path_bytes_hex(&holding.path),
            entries: row.entries.iter().map(|e| e.to_string_lossy().into_owned()).collect(),
            entries_bytes_hex: paths_bytes_hex(&row.entries),
            files: holding.files,
            size_bytes: holding.size,
            allocated_bytes: holding.allocated,
            links: holding.links,
            expected_sha256: holding.expected_sha256.as_deref(),
            verified_sha256: row.verified_sha256.as_deref(),
            reachable: row.is_reachable,
        }
    }
}

/// Returns everything that is stored, from the database.
pub fn stored(session: &mut Session) -> anyhow::Result<Vec<Stored>> {
    let db = session.db(Access::ReadOnly)?;
    Ok(inventory::stored(db.holdings()?, db.model_files(None)?))
}
