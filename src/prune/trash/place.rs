//! Location of the trash of a root: next to the root, where its owner's tool never sees it, or inside the root where
//! the root is a file system of its own.
//!
//! A user who can write to a trash decides what a later run restores, and where. So only a real folder is used that
//! belongs to this user and that nobody else can write to.

use super::confined_dir::ConfinedDir;
use super::entry::{Inode, Kind};
use super::fault::Fault;
use super::order::Order;
use crate::model::{TRASH_FOLDER, is_trash};
use rustix::process::geteuid;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};

/// A trash that exists and can be trusted.
pub struct Place {
    pub(super) base: ConfinedDir,
    /// The folder that contains the trash.
    pub(super) around: ConfinedDir,
    path: PathBuf,
}

impl Place {
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the trash of `root`, an absolute path without links; None when there is none yet. Creates nothing.
    ///
    /// # Errors
    /// [`Fault::Untrusted`] when the trash belongs to this user but it is writable by others, or it is not a folder.
    pub fn of(root: &Path) -> Result<Option<Place>, Fault> {
        Place::own(&around(root)?)
    }

    /// Returns the first trash of this user in a folder.
    fn own(around: &ConfinedDir) -> Result<Option<Place>, Fault> {
        for name in names() {
            if let Some(place) = Place::in_folder(around, &name)? {
                return Ok(Some(place));
            }
        }
        for name in further_names(around)? {
            if let Some(place) = Place::in_folder(around, &name)? {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    /// Returns the trash of `root`. Creates it where it is missing, accessible to its owner alone.
    pub fn open_or_create(root: &Path) -> Result<Place, Fault> {
        let around = around(root)?;
        if let Some(place) = Place::own(&around)? {
            return Ok(place);
        }
        let before = around.look(Path::new(""))?;
        // Another user who can create folders here can take the predictable names, but not the random ones.
        let random = RandomState::new();
        let further = (0..8).map(|n| format!("{}.{:016x}", own_name(), random.hash_one(n)));
        for name in names().into_iter().chain(further) {
            let is_new = around.make_dir(Path::new(&name))?;
            if is_new && let Some(before) = &before {
                // No entry of anybody else changed.
                around.set_mtime(before.seen.mtime_ns)?;
            }
            if let Some(place) = Place::in_folder(&around, &name)? {
                if is_new {
                    // Independent of the umask.
                    let (uid, gid) = (geteuid().as_raw(), rustix::process::getegid().as_raw());
                    place.base.set_owner(0o700, uid, gid)?;
                }
                return Ok(place);
            }
        }
        let place = around.path.join(TRASH_FOLDER);
        Err(Fault::Untrusted { place, why: "all candidate names are taken".to_owned() })
    }

    /// Returns whether [`Place::open_or_create`] may succeed for a root. True where that is unknown.
    pub fn is_possible(root: &Path) -> bool {
        around(root).map_or(true, |around| around.is_writable() || has_place(&around))
    }

    /// Returns every place that may hold something of `root`; for a place that cannot be inspected, the reason.
    pub fn all(root: &Path) -> Vec<Result<Place, Fault>> {
        let mut places = Vec::new();
        let parent = root.parent().map(ConfinedDir::absolute);
        for around in parent.into_iter().chain([ConfinedDir::absolute(root)]) {
            match around {
                Ok(around) => {
                    // In a folder that cannot be read, the known names are tried nevertheless.
                    let further = further_names(&around).unwrap_or_default();
                    let all = names().into_iter().chain(further);
                    places.extend(all.filter_map(|name| Place::in_folder(&around, &name).transpose()));
                }
                Err(Fault::Io { source, .. }) if super::confined_dir::absent(&source) => {}
                Err(e) => places.push(Err(e)),
            }
        }
        places
    }

    /// Returns the trashes of other users that may hold something of `root`, with the user's number. They are not
    /// opened.
    pub fn of_others(root: &Path) -> Vec<(PathBuf, u32)> {
        let mut found = Vec::new();
        // A folder that cannot be read shows nothing.
        for around in root.parent().into_iter().chain([root]).filter_map(|dir| ConfinedDir::absolute(dir).ok()) {
            for name in around.names().unwrap_or_default().into_iter().filter(|name| is_trash(name)) {
                match around.look_in(&name) {
                    Ok(Some(entry)) if entry.uid != geteuid().as_raw() && entry.seen.kind == Kind::Folder => {
                        found.push((around.path.join(name), entry.uid));
                    }
                    _ => {}
                }
            }
        }
        found
    }

    /// Opens the trash with this name in a folder. None when there is none, or it belongs to another user.
    fn in_folder(around: &ConfinedDir, name: &str) -> Result<Option<Place>, Fault> {
        let path = around.path.join(name);
        let Some(entry) = around.look_in(name.as_ref())? else { return Ok(None) };
        if entry.uid != geteuid().as_raw() {
            return Ok(None);
        }
        let untrusted = |why: &str| Fault::Untrusted { place: path.clone(), why: why.to_owned() };
        if entry.seen.kind != Kind::Folder {
            return Err(untrusted("it is not a folder"));
        }
        // The entry may have been replaced since it was inspected.
        let base = around.inner(Path::new(name))?;
        let opened = base.look(Path::new(""))?.ok_or_else(|| untrusted("it no longer exists"))?;
        if opened.uid != geteuid().as_raw() {
            return Ok(None);
        }
        if opened.mode & 0o022 != 0 {
            return Err(untrusted(&format!("it is writable by others (mode {:o})", opened.mode)));
        }
        Ok(Some(Place { base, around: around.inner(Path::new(""))?, path }))
    }

    /// Returns the root of an order as far as this place itself confirms it: the folder that is opened for it, or the
    /// path of a folder that was here and no longer exists. None for every other path: the text of an order can be
    /// written by anybody.
    pub(super) fn confirmed(&self, order: &Order) -> Option<PathBuf> {
        match self.root_of(order) {
            Ok(root) => Some(root.path),
            Err(Fault::NoRoot { path }) => Some(path),
            Err(_) => None,
        }
    }

    /// Opens the root of an item: at its path, or where the same folder is now, when it or the folder around it was
    /// moved together with the trash.
    pub(super) fn root_of(&self, order: &Order) -> Result<ConfinedDir, Fault> {
        let path = order.root.as_path();
        match self.root(path) {
            Err(Fault::Io { source, .. }) if super::confined_dir::absent(&source) => {
                self.moved(order.root_is)?.ok_or_else(|| Fault::NoRoot { path: path.to_owned() })
            }
            // The folder at that path now is a different one.
            Err(why @ Fault::Path { .. }) if path.symlink_metadata().is_err() => self.moved(order.root_is)?.ok_or(why),
            root => root,
        }
    }

    /// Returns the folder with that inode: the one around this place, or one next to it.
    fn moved(&self, is: Inode) -> Result<Option<ConfinedDir>, Fault> {
        // The device number can change with the next mount.
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

    /// Opens a root, which must be one whose trash this is.
    pub(super) fn root(&self, path: &Path) -> Result<ConfinedDir, Fault> {
        // The folder around a place can be a root itself, and the parent of another root.
        let around = self.around.path.as_path();
        if path != around && path.parent() != Some(around) {
            let why = "it is in the trash of another root";
            return Err(Fault::Path { path: path.to_owned(), why });
        }
        let root = ConfinedDir::absolute(path)?;
        let here = match path.file_name().filter(|_| path != around) {
            Some(name) => self.around.look_in(name)?.map(|l| (l.seen.dev, l.seen.ino)),
            None => Some((self.around.dev, self.around.ino)),
        };
        if here != Some((root.dev, root.ino)) {
            return Err(Fault::RootChanged { path: path.to_owned() });
        }
        // Root and trash are on different devices: the mounts have changed since things were moved.
        if root.dev != self.base.dev {
            return Err(Fault::Elsewhere { path: path.to_owned() });
        }
        Ok(root)
    }
}

/// The names that are tried first. The second one is of this user alone: another user, or root, may have taken the
/// first.
fn names() -> [String; 2] {
    [TRASH_FOLDER.to_owned(), own_name()]
}

fn own_name() -> String {
    format!("{TRASH_FOLDER}-{}", geteuid().as_raw())
}

/// Returns the names in a folder that a trash of this user has when others took the first two.
fn further_names(around: &ConfinedDir) -> Result<Vec<String>, Fault> {
    let start = format!("{}.", own_name());
    let names = around.names()?.into_iter().filter(|name| is_trash(name)).filter_map(|name| name.into_string().ok()); // all ASCII
    Ok(names.filter(|name| name.starts_with(&start)).collect())
}

/// Returns the folder that is to contain the trash of `root`: its parent, else the root itself.
fn around(root: &Path) -> Result<ConfinedDir, Fault> {
    let open = ConfinedDir::absolute(root)?;
    if let Some(parent) = root.parent()
        && let Ok(parent) = ConfinedDir::absolute(parent)
        && open.can_rename_to(&parent)
        && (parent.is_writable() || has_place(&parent))
    {
        return Ok(parent);
    }
    Ok(open)
}

/// Returns whether `parent` has a trash of this user: an existing one can be used where none can be created.
fn has_place(parent: &ConfinedDir) -> bool {
    matches!(Place::own(parent), Ok(Some(_)))
}
