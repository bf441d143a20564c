use std::path::PathBuf;

/// The state of a folder with models when it was last read to its end. While the folder still has this state,
/// everything recorded about it is valid and it need not be read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderStamp {
    pub folder: PathBuf,
    /// The version of the rules that the folder was read and stamped by. A stamp of other rules proves nothing.
    pub format: u32,
    /// The number of model files found in it.
    pub files: u64,
    /// A digest of those files, which must match the files in the database for the stamp to be valid.
    pub known: Vec<u8>,
    /// A digest of all findings about those files: when it is unchanged, so are the models.
    pub found: Vec<u8>,
    /// Every entry that was checked, as `inventory` packs it. Empty when checking entries cannot prove that nothing has
    /// changed.
    pub entries: Vec<u8>,
}
