//! Names of the counters that a baseline keeps and that rules compare with.

/// The `oom_kill` counter of a control group. It only grows, for as long as the group (its inode) and the boot last.
pub fn oom_kills(path: &str, inode: Option<u64>) -> String {
    match inode {
        Some(inode) => format!("oom_kills {path} {inode}"),
        None => format!("oom_kills {path}"),
    }
}

/// Layers of the model on GPUs.
pub fn offloaded_layers(service: &str) -> String {
    format!("offloaded_layers {service}")
}

/// Tokens that a server generates per second.
pub fn tokens_per_second(service: &str) -> String {
    format!("tokens_per_second {service}")
}
