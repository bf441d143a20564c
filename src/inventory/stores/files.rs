//! Visits the files below a folder of a store, one by one or as a sum.

use crate::inventory::collector::StoreCollector;
use crate::inventory::folder::{Entry, Folder, Step, Visit};
use crate::inventory::inode::{Entity, Stamp, vanished};
use crate::inventory::kept::Sum;
use crate::model::is_trash;
use std::ffi::OsStr;
use std::path::Path;

/// One regular file below a folder.
pub(crate) struct Inside<'a> {
    pub path: &'a Path,
    pub name: &'a OsStr,
    /// 1 for files directly in the folder.
    pub depth: usize,
    pub look: Stamp,
}

/// Calls `on` for all regular files below `top`; links are not followed. What cannot be read is reported to
/// `collector`.
pub(crate) fn each_file(
    top: &Path,
    collector: &mut StoreCollector<'_>,
    on: &mut dyn FnMut(Inside<'_>, &mut StoreCollector<'_>),
) -> anyhow::Result<()> {
    let top = match Folder::open(top) {
        Ok(top) => top,
        Err(e) => {
            if !vanished(&e) {
                collector.cannot_read(top, &e);
            }
            return Ok(());
        }
    };
    top.walk(&mut |visit| {
        match visit {
            Visit::Open(folder) => collector.stamping.folder(folder),
            Visit::Unread(path, e) => collector.cannot_read(path, &e),
            Visit::Entry(entry) => {
                collector.progress.entry()?;
                if entry.entity == Entity::Folder && is_trash(entry.name) {
                    return Ok(Step::Past);
                }
                if entry.entity == Entity::File {
                    let Entry { folder, path, name, depth, .. } = entry;
                    match folder.look(name) {
                        Ok(look) if look.entity == Entity::File => on(Inside { path, name, depth, look }, collector),
                        Ok(_) => {}
                        Err(e) if vanished(&e) => {}
                        Err(e) => collector.cannot_read(path, &e),
                    }
                }
            }
        }
        Ok(Step::Into)
    })
}

/// Returns the sum of all files below `folder`, without links and folders. What cannot be read is reported to
/// `collector`.
pub(crate) fn sum_of(folder: &Path, collector: &mut StoreCollector<'_>) -> anyhow::Result<Sum> {
    let mut sum = Sum::default();
    each_file(folder, collector, &mut |file, _| sum.add(file.look))?;
    Ok(sum)
}
