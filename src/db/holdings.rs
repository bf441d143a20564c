//! The holdings of stores: files next to models, and the bytes behind models.

use super::Db;
use super::cells::{Cells, bits, bytes, count};
use super::error::DbResult;
use super::stamps;
use crate::model::{Class, FileIdentity, Holding, StoreKind, Surveyed};
use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

impl Db {
    /// Returns the bytes of disk that the files of each class take.
    pub fn class_sizes(&self) -> anyhow::Result<Vec<(Class, u64)>> {
        self.read(|tx| {
            let mut all =
                tx.prepare_cached("SELECT class, sum(allocated) FROM holding GROUP BY class ORDER BY class")?;
            let mut rows = all.query([])?;
            let mut sizes = Vec::new();
            while let Some(row) = rows.next()? {
                let mut cells = Cells::new(row, "holding");
                sizes.push((cells.name(Class::from_name)?, cells.count()?));
            }
            Ok(sizes)
        })
    }

    /// Returns every holding, by root and path.
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

/// Records surveys, starting with those that are apart.
pub(super) struct Surveys<'c> {
    conn: &'c Connection,
    /// Whether holdings and surveys were recorded before: a first scan has nothing to replace.
    had_holdings: bool,
    had_surveys: bool,
    /// Folders above surveys that are apart, whose own surveys were all removed.
    cleared: HashSet<PathBuf>,
}

impl<'c> Surveys<'c> {
    pub fn of(conn: &'c Connection) -> DbResult<Surveys<'c>> {
        let some = |sql: &str| -> DbResult<bool> { Ok(conn.prepare_cached(sql)?.query_one([], |row| row.get(0))?) };
        Ok(Surveys {
            conn,
            had_holdings: some("SELECT EXISTS (SELECT 1 FROM holding)")?,
            had_surveys: some("SELECT EXISTS (SELECT 1 FROM survey)")?,
            cleared: HashSet::new(),
        })
    }

    /// Replaces the recorded holdings of a folder by those found in it now.
    pub fn record(&mut self, survey: &Surveyed) -> DbResult<()> {
        let conn = self.conn;
        let digest = digest(survey);
        let folder = bytes(&survey.folder);
        let known: Option<Vec<u8>> = if self.had_surveys {
            conn.prepare_cached("SELECT digest FROM survey WHERE folder = ?1")?
                .query_one([folder], |row| row.get(0))
                .map(Some)
                .or_else(|e| if e == rusqlite::Error::QueryReturnedNoRows { Ok(None) } else { Err(e) })?
        } else {
            None
        };
        let whole = survey.unread.is_empty();
        if known.as_deref() != Some(digest.as_slice()) {
            if self.had_holdings {
                forget(conn, survey)?;
            }
            for holding in &survey.holdings {
                insert(conn, holding)?;
            }
            if self.had_surveys {
                self.distrust(survey, known.is_some())?;
            }
            // A folder that was not read to its end must be read completely the next time.
            if whole {
                conn.prepare_cached("INSERT INTO survey (folder, digest) VALUES (?1, ?2)")?
                    .execute(params![folder, digest])?;
            }
        }
        stamps::replace(conn, &survey.folder, survey.stamp.as_ref().filter(|_| whole))
    }

    /// Removes other surveys that cover the same folders: their findings may be outdated. `again` says whether the
    /// folder had a survey before.
    fn distrust(&mut self, survey: &Surveyed, again: bool) -> DbResult<()> {
        let (first, last) = below(&survey.folder);
        let mut inside =
            self.conn.prepare_cached("SELECT folder, folder FROM survey WHERE folder > ?1 AND folder < ?2")?;
        let mut rows = inside.query([first, last])?;
        let mut stale = Vec::new();
        while let Some(row) = rows.next()? {
            let mut cells = Cells::new(row, "survey");
            cells.path()?;
            let folder = cells.path()?;
            if !lies_in(&survey.apart, &folder) {
                stale.push(folder);
            }
        }
        if again {
            stale.push(survey.folder.clone());
        }
        // The surveys around a folder that is apart and had a survey before already leave it out; otherwise its survey
        // would have been removed.
        if !(survey.is_apart && again) {
            let above = survey.folder.ancestors().skip(1).map(Path::to_owned);
            stale.extend(above.filter(|folder| self.cleared.insert(folder.clone()) || !survey.is_apart));
        }
        for folder in stale {
            self.conn.prepare_cached("DELETE FROM survey WHERE folder = ?1")?.execute([bytes(&folder)])?;
        }
        Ok(())
    }
}

/// Removes the rows under the folder, except those of paths that could not be read now or that have surveys of their
/// own.
fn forget(conn: &Connection, survey: &Surveyed) -> DbResult<()> {
    let mut stale = Vec::new();
    let (first, last) = below(&survey.folder);
    let mut all = conn.prepare_cached(
        "SELECT number, path FROM holding WHERE path = ?1 UNION ALL
         SELECT number, path FROM holding WHERE path > ?2 AND path < ?3",
    )?;
    let mut rows = all.query([bytes(&survey.folder), &first, &last])?;
    while let Some(row) = rows.next()? {
        let mut cells = Cells::new(row, "holding");
        let number: i64 = cells.take()?;
        let path = cells.path()?;
        let is_kept = |unread: &PathBuf| path.starts_with(unread);
        if !survey.unread.iter().any(is_kept) && !lies_in(&survey.apart, &path) {
            stale.push(number);
        }
    }
    for number in stale {
        conn.prepare_cached("DELETE FROM holding WHERE number = ?1")?.execute([number])?;
    }
    Ok(())
}

/// Returns the bounds between which the bytes of exactly those paths are that are below `folder`.
pub(super) fn below(folder: &Path) -> (Vec<u8>, Vec<u8>) {
    let folder = bytes(folder);
    let folder = folder.strip_suffix(b"/").unwrap_or(folder);
    // `0` is the byte after `/`.
    ([folder, b"/"].concat(), [folder, b"0"].concat())
}

/// Returns whether one of the sorted folders is `path` or contains it.
fn lies_in(folders: &[PathBuf], path: &Path) -> bool {
    !folders.is_empty()
        && path.ancestors().any(|above| folders.binary_search_by(|f| f.as_os_str().cmp(above.as_os_str())).is_ok())
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

/// Returns a digest of everything that a row stores.
fn digest(survey: &Surveyed) -> Vec<u8> {
    let mut hash = Sha256::new();
    let mut text = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    let path = |p: &Path| p.as_os_str().as_bytes().to_vec();
    for folder in &survey.apart {
        text(folder.as_os_str().as_bytes());
    }
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
