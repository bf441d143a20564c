//! Finds the models on this machine: stores and their rules, walking, grouping files into models, the diff of a scan.
//!
//! [`scan()`] combines these. The decisions are pure and take plain data ([`group()`], [`diff()`], the choices inside a
//! store); the code that reads the disk is thin: `roots`, `walk`, `stat_pool`, the files under `stores/`, `headers`.
//!
//! Adding a store: a variant of [`StoreKind`](crate::model::StoreKind), a file under `stores/`, and the arms that the
//! compiler then requires in `stores/mod.rs`.

mod bytes;
mod changes;
mod classify;
mod collector;
mod coverage;
mod diff;
mod folder;
mod found;
mod group;
mod headers;
mod ids;
mod inode;
mod kept;
mod known;
mod names;
mod one;
mod pairing;
mod paths;
mod progress;
mod projectors;
mod roots;
mod scan;
mod shards;
mod stamping;
mod stamps;
mod stat_pool;
mod stores;
#[cfg(test)]
pub(crate) mod tests;
mod unfinished;
mod verify;
mod walk;
mod weigh;

pub use bytes::{ClassSum, RootSum, SameContent, Sureness, root_sums, same_content, stored};
pub use changes::{Change, ChangeKind};
pub use coverage::Coverage;
pub use diff::{Diff, DiffInput, diff};
pub use found::{Found, Repo, Skipped};
pub use group::{Entry, group};
pub use headers::Header;
pub use ids::{content_of_set, model_id};
pub(crate) use inode::{Entity, Stamp};
pub use one::read_one;
pub(crate) use paths::contains;
pub use progress::ScanEvent;
pub use projectors::pairing;
pub use roots::{RootSource, RootSpec, folder_of, is_model_file};
pub use scan::{RootReport, ScanReport, ScanRequest, scan};
pub use stores::{Download, Part, PartRole, Wish, detect, name_all, parts};
pub(crate) use stores::{place_of, virtual_models};
pub use verify::{
    Depth, FileReport, Learned, ModelReport, Outcome, Proof, VerifyEvent, VerifyRequest, identities, sha256, verify,
};
pub use weigh::{Mass, Weight, masses, weigh};
