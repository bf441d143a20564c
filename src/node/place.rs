use std::path::{Path, PathBuf};

/// Where the files of the node are: `/`, or a folder that stands for it in tests (`--sysroot`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    root: PathBuf,
}

impl Default for Place {
    fn default() -> Place {
        Place { root: PathBuf::from("/") }
    }
}

impl Place {
    pub fn new(root: impl Into<PathBuf>) -> Place {
        Place { root: root.into() }
    }

    /// Returns the path below the root: `/proc/1` is `ROOT/proc/1`.
    pub fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// Returns whether this is the machine itself.
    pub fn is_machine(&self) -> bool {
        self.root == Path::new("/")
    }
}
