//! Which other lines of the kernel log concern a node that runs models.

/// What a line is about, as far as it matters how long it stays true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// It may hold until the next boot or repair: a file system that was remounted, a driver that does not fit.
    Condition,
    /// It happened then, to one process or one request.
    Event,
}

/// Parts of a line that must all be there.
const CONDITIONS: &[&[&str]] = &[
    &["NVRM", "API mismatch"],
    &["fallen off the bus"],
    &["NVRM", "RmInitAdapter failed"],
    &["NVRM", "failed to"],
    &["NVRM", "GPU", "lost"],
    &["amdgpu", "GPU reset"],
    &["amdgpu", "wedged"],
    &["amdgpu", "failed to"],
    &["nfs: server", "not responding"],
    &["nfs: server", "OK"],
    &["nfs4: server", "not responding"],
    &["CIFS", "has not responded"],
    &["CIFS", "reconnect"],
    &["Remounting filesystem read-only"],
    &["EXT4-fs error"],
    &["EXT4-fs", "Remounting"],
    &["XFS", "orruption"],
    &["XFS", "Internal error"],
    &["XFS", "hut down"],
    &["XFS", "shutting down"],
    &["XFS", "I/O error"],
    &["BTRFS", "error"],
    &["BTRFS", "forced readonly"],
];

const EVENTS: &[&[&str]] = &[
    &["I/O error"],
    &["critical medium error"],
    &["blocked for more than", "seconds"],
    &["soft lockup"],
    &["segfault at "],
    &["traps: ", " trap "],
    &["traps: ", "general protection"],
    &["amdgpu", "timeout"],
    &["amdgpu", "page fault"],
    &["NVRM", "imed out"],
    &["are going to be killed due to memory.oom.group"],
    &["Killed process "],
    &["Kill process "],
    &["killed as a result of limit of"],
];

/// Returns what a line is about; None for one that no rule knows.
pub(super) fn of(text: &str) -> Option<Sign> {
    let has = |parts: &&[&str]| parts.iter().all(|part| text.contains(part));
    if CONDITIONS.iter().any(&has) {
        return Some(Sign::Condition);
    }
    EVENTS.iter().any(has).then_some(Sign::Event)
}

/// Returns whether a message of the driver goes on in the next record.
pub(super) fn goes_on(text: &str) -> bool {
    let is_known = text.contains("API mismatch") || text.starts_with("NVRM: The NVIDIA GPU");
    text.starts_with("NVRM:") && is_known && !text.ends_with('.')
}

/// Returns whether a record can be such a piece: it begins no message of its own.
pub(super) fn is_piece(text: &str) -> bool {
    let begins = ["NVRM: Xid", "NVRM: API", "NVRM: GPU", "NVRM: The NVIDIA", "NVRM: loading"];
    text.starts_with("NVRM:") && !begins.iter().any(|start| text.starts_with(start))
}
