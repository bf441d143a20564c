//! Which models are on this machine: stores and their rules, walking, grouping files into models, the diff of a scan.
//!
//! [`scan()`] ties it together. What decides is pure and takes plain data ([`group()`], [`diff()`], the choices inside
//! a store); what touches the disk is thin: `roots`, `walk`, `looks`, the files under `stores/`, `headers`.
//!
//! Adding a store: a variant of [`StoreKind`](crate::model::StoreKind), a file under `stores/`, and the arms the
//! compiler then asks for in `stores/mod.rs`.

mod bytes;
mod coverage;
mod diff;
mod found;
mod group;
mod headers;
mod ids;
mod judge;
mod known;
mod looks;
mod names;
mod pairing;
mod projectors;
mod roots;
mod scan;
mod shards;
mod stamps;
mod stores;
#[cfg(test)]
pub(crate) mod tests;
mod verify;
mod walk;
mod weigh;

pub use bytes::{ClassSum, RootSum, SameContent, Sureness, root_sums, same_content, stored};
pub use coverage::Coverage;
pub use diff::{Diff, DiffInput, diff};
pub(crate) use found::{Entity, Stamp};
pub use found::{Found, Repo, Skipped};
pub use group::{Entry, group};
pub use headers::Header;
pub use ids::{content_of_set, model_id};
pub(crate) use roots::contains;
pub use roots::{RootSource, RootSpec};
pub use scan::{Change, ChangeKind, RootReport, ScanEvent, ScanReport, ScanRequest, scan};
pub use stores::{Part, PartRole, Wish, detect, name_all, parts};
pub(crate) use stores::{place_of, virtual_models};
pub use verify::{Depth, FileReport, ModelReport, Outcome, Proof, VerifyEvent, VerifyRequest, identities, verify};
pub use weigh::{Mass, Weight, masses, weigh};
