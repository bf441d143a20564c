//! The steps that remove a row with everything that its store keeps in addition to it.

use super::trash::{Inode, Step, lossless};
use crate::inventory::Stamp;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The folder that contains everything of a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseDir {
    #[serde(with = "lossless")]
    pub path: PathBuf,
    pub is: Inode,
}

/// The steps of one candidate.
#[derive(Debug)]
pub(super) struct ResolvedSteps {
    pub base: BaseDir,
    /// References first, payload last.
    pub steps: Vec<Step>,
    /// The state of the entry of each step.
    pub looks: Vec<Stamp>,
}
