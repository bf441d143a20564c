use std::path::PathBuf;

/// What a folder with models looked like when it was read to its end: while it still looks so, everything that is
/// recorded of it is true and it need not be read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderStamp {
    pub folder: PathBuf,
    /// The rules that it was read and stamped by. A stamp of other rules says nothing.
    pub format: u32,
    /// How many models' files were found in it.
    pub files: u64,
    /// Digest of those files, as the database must have them for the stamp to hold.
    pub known: Vec<u8>,
    /// Digest of everything that was found out of them: when it is the same again, so are the models.
    pub found: Vec<u8>,
    /// Every entry that was looked at, as `inventory` packs it. Empty when looks cannot tell that nothing has changed.
    pub entries: Vec<u8>,
}
