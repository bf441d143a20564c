/// What the daemon does with requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It reconciles what an earlier run left: requests are refused (503).
    Starting,
    Serving,
    /// Running requests are answered, new ones are refused (503).
    Stopping,
}
