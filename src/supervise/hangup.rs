use signal_hook::consts::SIGHUP;
use tokio::sync::watch;

/// Catches SIGHUP from now on. The receiver changes with every one; its value is their number.
///
/// # Errors
/// The handler or its thread cannot be started.
pub fn on_hangup() -> std::io::Result<watch::Receiver<u64>> {
    let mut signals = signal_hook::iterator::Signals::new([SIGHUP])?;
    let (count, counted) = watch::channel(0);
    std::thread::Builder::new().name("hangups".into()).spawn(move || {
        for _ in signals.forever() {
            count.send_modify(|count: &mut u64| *count = count.saturating_add(1));
        }
    })?;
    Ok(counted)
}
