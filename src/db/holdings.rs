//! What stores hold beside and behind models.

use super::Db;
use super::cells::{Cells, bits, bytes, count};
use super::error::DbResult;
use crate::model::{Class, FileIdentity, Holding, StoreKind, Surveyed};
use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

impl Db {
    /// Every holding, by root and path.
    pub fn holdings(&self) -> anyhow::Result<Vec<Holding>> {
        self.read(|tx| {
            let mut all = tx.prepare_cached(
                "SELECT number, store, root, owner, path, files, dev, ino, size, mtime_ns, ctime_ns, allocated, links,
                     class, why, expected_sha256
                 FROM holding ORDER BY root, path, number",
            )?;
            let mut rows = all.query([])?;
            let mut holdings = Vec::new();
            while let Some(row) = rows.next()? {
                let mut cells = Cells::new(row, "holding");
                cells.take::<i64>()?;
                let store = cells.name(StoreKind::from_name)?;
                let (root, owner, path, files) = (cells.path()?, cells.take()?, cells.path()?, cells.count()?);
                let inode = (cells.bits_or_null()?, cells.bits_or_null()?);
                let size = cells.count()?;
                let times = (cells.take::<Option<i64>>()?, cells.take::<Option<i64>>()?);
                let identity = match (inode, times) {
                    ((Some(dev), Some(ino)), (Some(mtime_ns), Some(ctime_ns))) => {
                        Some(FileIdentity { dev, ino, size, mtime_ns, ctime_ns })
                    }
                    _ => None,
                };
                holdings.push(Holding {
                    store,
                    root,
                    owner,
                    path,
                    files,
                    identity,
                    size,
                    allocated: cells.count()?,
                    links: cells.count()?,
                    class: cells.name(Class::from_name)?,
                    why: cells.take()?,
                    expected_sha256: cells.take()?,
                });
            }
            Ok(holdings)
        })
    }
}

/// Replaces what is known of a folder by what was found in it now.
pub(super) fn record(conn: &Connection, survey: &Surveyed) -> DbResult<()> {
    let digest = digest(survey);
    let known: Option<Vec<u8>> = conn
        .prepare_cached("SELECT digest FROM survey WHERE folder = ?1")?
        .query_one([bytes(&survey.folder)], |row| row.get(0))
        .map(Some)
        .or_else(|e| if e == rusqlite::Error::QueryReturnedNoRows { Ok(None) } else { Err(e) })?;
    if known.as_deref() == Some(digest.as_slice()) {
        return Ok(());
    }
    forget(conn, survey)?;
    for holding in &survey.holdings {
        insert(conn, holding)?;
    }
    // What other surveys saw of the same files may not be true any more.
    let mut all = conn.prepare_cached("SELECT folder, folder FROM survey")?;
    let mut rows = all.query([])?;
    let mut stale = Vec::new();
    while let Some(row) = rows.next()? {
        let mut cells = Cells::new(row, "survey");
        cells.path()?;
        let folder = cells.path()?;
        if folder.starts_with(&survey.folder) || survey.folder.starts_with(&folder) {
            stale.push(folder);
        }
    }
    for folder in stale {
        conn.prepare_cached("DELETE FROM survey WHERE folder = ?1")?.execute([bytes(&folder)])?;
    }
    // A folder that was not read to its end must be looked at in full the next time.
    if survey.unread.is_empty() {
        conn.prepare_cached("INSERT INTO survey (folder, digest) VALUES (?1, ?2)")?
            .execute(params![bytes(&survey.folder), digest])?;
    }
    Ok(())
}

/// Removes the rows under the folder, except those of places that could not be read now.
fn forget(conn: &Connection, survey: &Surveyed) -> DbResult<()> {
    let mut stale = Vec::new();
    let mut all = conn.prepare_cached("SELECT number, path FROM holding")?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        let mut cells = Cells::new(row, "holding");
        let number: i64 = cells.take()?;
        let path = cells.path()?;
        let is_kept = |unread: &std::path::PathBuf| path.starts_with(unread);
        if path.starts_with(&survey.folder) && !survey.unread.iter().any(is_kept) {
            stale.push(number);
        }
    }
    for number in stale {
        conn.prepare_cached("DELETE FROM holding WHERE number = ?1")?.execute([number])?;
    }
    Ok(())
}

fn insert(conn: &Connection, h: &Holding) -> DbResult<()> {
    conn.prepare_cached(
        "INSERT INTO holding (store, root, owner, path, files, dev, ino, size, mtime_ns, ctime_ns, allocated, links,
             class, why, expected_sha256)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    )?
    .execute(params![
        h.store.name(),
        bytes(&h.root),
        h.owner,
        bytes(&h.path),
        count(h.files, "the number of files")?,
        h.identity.map(|i| bits(i.dev)),
        h.identity.map(|i| bits(i.ino)),
        count(h.size, "the size of a file")?,
        h.identity.map(|i| i.mtime_ns),
        h.identity.map(|i| i.ctime_ns),
        count(h.allocated, "the allocated size of a file")?,
        count(h.links, "the number of links of a file")?,
        h.class.name(),
        h.why,
        h.expected_sha256,
    ])?;
    Ok(())
}

/// Of everything that a row holds.
fn digest(survey: &Surveyed) -> Vec<u8> {
    let mut hash = Sha256::new();
    let mut text = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    let path = |p: &Path| p.as_os_str().as_bytes().to_vec();
    for h in &survey.holdings {
        text(h.store.name().as_bytes());
        text(&path(&h.root));
        text(h.owner.as_deref().unwrap_or("\0").as_bytes());
        text(&path(&h.path));
        text(h.class.name().as_bytes());
        text(h.why.as_bytes());
        text(h.expected_sha256.as_deref().unwrap_or("").as_bytes());
        let i = h.identity.unwrap_or(FileIdentity { dev: 0, ino: 0, size: 0, mtime_ns: 0, ctime_ns: 0 });
        for n in [h.files, h.size, h.allocated, h.links, i.dev, i.ino, bits_of(i.mtime_ns), bits_of(i.ctime_ns)] {
            text(&n.to_le_bytes());
        }
    }
    hash.finalize().to_vec()
}

fn bits_of(n: i64) -> u64 {
    n.cast_unsigned()
}
