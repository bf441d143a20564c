use super::{Damage, Kind, ModelId, ModelRow, State, StoreKind, Tier, TierLimits};
use serde::Serialize;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// One model as `list --json` and the HTTP API show it. Part of the public interface: keys are added, never renamed
/// or dropped. Unknown values are `null`.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Listed<'a> {
    pub id: &'a ModelId,
    pub name: &'a str,
    pub alias: Option<&'a str>,
    pub store: StoreKind,
    /// The root of the store, lossily decoded.
    pub root: String,
    /// As `path_bytes_hex`, of the root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_bytes_hex: Option<String>,
    /// The repository on the Hugging Face hub, `org/name`.
    pub repo: Option<&'a str>,
    pub kind: Kind,
    pub state: State,
    /// The reason why the state is not `ready`.
    pub reason: Option<&'a str>,
    /// The proof that it is damaged: `structure` or `hash`; null when there is none.
    pub damage: Option<Damage>,
    /// The path of the main file or first shard, lossily decoded.
    pub path: String,
    /// The bytes of the path in hexadecimal, only when they are not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_bytes_hex: Option<String>,
    /// The content identity; equal for two copies of one model.
    pub content: Option<&'a str>,
    pub architecture: Option<&'a str>,
    pub family: Option<&'a str>,
    pub quant: Option<&'a str>,
    pub bits_per_weight: Option<f64>,
    pub parameters: Option<u64>,
    /// The context length in tokens.
    pub context_length: Option<u64>,
    /// Apparent bytes of all files.
    pub size_bytes: u64,
    /// Bytes of disk in use by all files.
    pub allocated_bytes: u64,
    /// Bytes of tensor data without the projector.
    pub weights_bytes: u64,
    /// Whether the file carries a chat template.
    pub chat_template: bool,
    /// The number of files, without the projector.
    pub shards: u32,
    /// Whether a multimodal projector belongs to it.
    pub mmproj: bool,
    /// The tier; null for a model that is not served or has no readable header.
    pub tier: Option<Tier>,
    /// Whether the tier was set by a person and not computed.
    pub tier_is_set: bool,
    pub enabled: bool,
    pub pinned: bool,
    /// The time when it was first seen, as RFC 3339 in UTC.
    pub first_seen: String,
    /// The time of the last use through this program, as RFC 3339 in UTC; null when there was none.
    pub last_used: Option<String>,
    pub use_count: u64,
}

impl<'a> Listed<'a> {
    pub fn of(row: &'a ModelRow, limits: &TierLimits) -> Listed<'a> {
        Listed {
            id: &row.id,
            name: &row.name,
            alias: row.alias.as_deref(),
            store: row.store,
            root: row.root.to_string_lossy().into_owned(),
            root_bytes_hex: path_bytes_hex(&row.root),
            repo: row.repo.as_deref(),
            kind: row.kind,
            state: row.state,
            reason: row.reason.as_deref(),
            damage: row.damage,
            path: row.path.to_string_lossy().into_owned(),
            path_bytes_hex: path_bytes_hex(&row.path),
            content: row.content.as_deref(),
            architecture: row.architecture.as_deref(),
            family: row.family.as_deref(),
            quant: row.quant.as_deref(),
            bits_per_weight: row.bits_per_weight,
            parameters: row.parameters,
            context_length: row.context_length,
            size_bytes: row.size,
            allocated_bytes: row.allocated,
            weights_bytes: row.weights,
            chat_template: row.chat_template,
            shards: row.shards,
            mmproj: row.mmproj,
            tier: row.tier(limits),
            tier_is_set: row.tier_override.is_some(),
            enabled: row.enabled,
            pinned: row.pinned,
            first_seen: row.first_seen.rfc3339(),
            last_used: row.last_used.map(|t| t.rfc3339()),
            use_count: row.use_count,
        }
    }
}

/// Returns the bytes of a path as lower-case hex when a JSON string cannot hold it (it is not UTF-8), so that a script
/// can still open the file.
pub fn path_bytes_hex(path: &Path) -> Option<String> {
    if path.to_str().is_some() {
        return None;
    }
    Some(hex(path.as_os_str().as_bytes()))
}

/// As [`path_bytes_hex`] for several paths: the bytes of all of them, when one is not UTF-8.
pub fn paths_bytes_hex<P: AsRef<Path>>(paths: &[P]) -> Option<Vec<String>> {
    let is_text = |path: &P| path.as_ref().to_str().is_some();
    let all = || paths.iter().map(|path| hex(path.as_ref().as_os_str().as_bytes())).collect();
    (!paths.iter().all(is_text)).then(all)
}

/// Formats bytes as lower-case hex, two digits for each byte.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        // Writing to a String cannot fail.
        write!(text, "{byte:02x}").unwrap_or(());
    }
    text
}
