//! The name of this machine.

/// Returns the host name as the kernel reports it. Two machines may have the same name: it is for people, and proves
/// nothing.
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
