//! Where the trash of a root is: beside the root, so that its owner never sees it, or in the root where that is a file
//! system of its own.
//!
//! Whoever can write there decides what a later run puts where. So a place is a real folder of this very user that nobody
//! else can write to, or it is not used.

use super::beneath::Base;
use super::fault::Fault;
use super::order::{Inode, Kind, Order};
use crate::model::TRASH_FOLDER;
use rustix::process::geteuid;
use std::path::{Path, PathBuf};

/// A trash that exists and can be trusted.
pub struct Place {
    pub(super) base: Base,
    /// The folder that it is in.
    pub(super) around: Base,
    path: PathBuf,
}

impl Place {
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The trash for `root`, an absolute path without links; None when there is none yet. Makes nothing.
    ///
    /// # Errors
    /// [`Fault::Untrusted`] when it is this user's and others can write to it, or is no folder.
    pub fn of(root: &Path) -> Result<Option<Place>, Fault> {
        let around = around(root)?;
        for name in names() {
            if let Some(place) = Place::in_folder(&around, &name)? {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    /// The same; makes it, for its owner alone, where it is missing.
    pub fn open_or_create(root: &Path) -> Result<Place, Fault> {
        let around = around(root)?;
        let before = around.look(Path::new(""))?;
        for name in names() {
            let is_new = around.make_dir(Path::new(&name))?;
            if is_new && let Some(before) = &before {
                // Nothing of anybody's did change.
                around.set_mtime(before.seen.mtime_ns)?;
            }
            if let Some(place) = Place::in_folder(&around, &name)? {
                if is_new {
                    // Whatever the umask says.
                    let (uid, gid) = (geteuid().as_raw(), rustix::process::getegid().as_raw());
                    place.base.set_owner(0o700, uid, gid)?;
                }
                return Ok(place);
            }
        }
        let place = around.path.join(TRASH_FOLDER);
        Err(Fault::Untrusted { place, why: "others took every name that it could have".to_owned() })
    }

    /// Whether [`Place::open_or_create`] may succeed for a root. True where that cannot be told.
    pub fn is_possible(root: &Path) -> bool {
        around(root).map_or(true, |around| around.is_writable() || has_place(&around))
    }

    /// Every place that may hold something of `root`; those that cannot be looked at, each with the reason.
    pub fn all(root: &Path) -> Vec<Result<Place, Fault>> {
        let mut places = Vec::new();
        let parent = root.parent().map(Base::absolute);
        for around in parent.into_iter().chain([Base::absolute(root)]) {
            match around {
                Ok(around) => {
                    places.extend(names().into_iter().filter_map(|name| Place::in_folder(&around, &name).transpose()))
                }
                Err(Fault::Io { source, .. }) if super::beneath::absent(&source) => {}
                Err(e) => places.push(Err(e)),
            }
        }
        places
    }

    /// None when there is none, or it is another user's.
    fn in_folder(around: &Base, name: &str) -> Result<Option<Place>, Fault> {
        let path = around.path.join(name);
        let Some(entry) = around.look_in(name.as_ref())? else { return Ok(None) };
        if entry.uid != geteuid().as_raw() {
            return Ok(None);
        }
        let untrusted = |why: &str| Fault::Untrusted { place: path.clone(), why: why.to_owned() };
        if entry.seen.kind != Kind::Folder {
            return Err(untrusted("it is no folder"));
        }
        // What was looked at need not be what is opened now.
        let base = around.inner(Path::new(name))?;
        let opened = base.look(Path::new(""))?.ok_or_else(|| untrusted("it has gone"))?;
        if opened.uid != geteuid().as_raw() {
            return Ok(None);
        }
        if opened.mode & 0o022 != 0 {
            return Err(untrusted(&format!("others can write to it (mode {:o})", opened.mode)));
        }
        Ok(Some(Place { base, around: around.inner(Path::new(""))?, path }))
    }

    /// Opens the root of an item: where it was, or where that very folder is now, when it or the folder around it was
    /// moved and the trash with it.
    pub(super) fn root_of(&self, order: &Order) -> Result<Base, Fault> {
        let path = order.root.as_path();
        match self.root(path) {
            Err(Fault::Io { source, .. }) if super::beneath::absent(&source) => {
                self.moved(order.root_is)?.ok_or_else(|| Fault::NoRoot { path: path.to_owned() })
            }
            // What is at that path now is another's.
            Err(why @ Fault::Path { .. }) if path.symlink_metadata().is_err() => self.moved(order.root_is)?.ok_or(why),
            root => root,
        }
    }

    /// The folder with that inode, around this place or beside it.
    fn moved(&self, is: Inode) -> Result<Option<Base>, Fault> {
        // The number of the device can be another one after the next mount.
        if self.around.ino == is.ino {
            return self.around.inner(Path::new("")).map(Some);
        }
        for name in self.around.names()? {
            let here = self.around.look_in(&name)?.map(|look| look.seen);
            if here.is_some_and(|s| s.kind == Kind::Folder && (s.dev, s.ino) == (self.base.dev, is.ino)) {
                return self.around.inner(Path::new(&name)).map(Some);
            }
        }
        Ok(None)
    }

    /// Opens a root, which must be one that this is the trash of.
    pub(super) fn root(&self, path: &Path) -> Result<Base, Fault> {
        // The folder around a place can be a root and the folder of another one.
        let around = self.around.path.as_path();
        if path != around && path.parent() != Some(around) {
            let why = "the trash that it is in is not that of its root";
            return Err(Fault::Path { path: path.to_owned(), why });
        }
        let root = Base::absolute(path)?;
        let here = match path.file_name().filter(|_| path != around) {
            Some(name) => self.around.look_in(name)?.map(|l| (l.seen.dev, l.seen.ino)),
            None => Some((self.around.dev, self.around.ino)),
        };
        if here != Some((root.dev, root.ino)) {
            return Err(Fault::RootChanged { path: path.to_owned() });
        }
        // A folder, or no trash of it: another mount than when things were moved.
        if root.dev != self.base.dev {
            return Err(Fault::Elsewhere { path: path.to_owned() });
        }
        Ok(root)
    }
}

/// Its own name first: another user, or root, may have been here before.
fn names() -> [String; 2] {
    [TRASH_FOLDER.to_owned(), format!("{TRASH_FOLDER}-{}", geteuid().as_raw())]
}

/// The folder that the trash of `root` is to be in: the one around it, else the root itself.
fn around(root: &Path) -> Result<Base, Fault> {
    let open = Base::absolute(root)?;
    if let Some(parent) = root.parent()
        && let Ok(parent) = Base::absolute(parent)
        && open.can_rename_to(&parent)
        && (parent.is_writable() || has_place(&parent))
    {
        return Ok(parent);
    }
    Ok(open)
}

/// A place that is there can be used where no other could be made.
fn has_place(parent: &Base) -> bool {
    names().iter().any(|name| matches!(Place::in_folder(parent, name), Ok(Some(_))))
}
