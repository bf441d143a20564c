//! The worker process itself.

use super::api::{Shared, routes};
use super::args::{Listen, WorkerSpec};
use super::limits;
use super::runtime_dir;
use super::status::{FailedKind, Status};
use crate::clock;
use crate::engine::{Engine, EngineError};
use crate::failure::Failure;
use crate::supervise::{Stop, StopSignal};
use anyhow::Context as _;
use rustix::process::{Pid, Signal};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::{TcpListener, UnixListener};

/// Loads the model and serves it until a stop is requested.
///
/// # Errors
/// The reason why it cannot serve, which is also reported on stdout.
pub fn serve(spec: WorkerSpec) -> anyhow::Result<()> {
    let socket = match &spec.listen {
        Listen::Socket(path) => Some(path.clone()),
        Listen::Port(_) => None,
    };
    if let Some(parent) = spec.parent {
        die_with(parent, socket.clone())?;
    }
    limits::volunteer_for_oom(log);
    if let Err(error) = rustix::process::setpriority_process(None, spec.nice) {
        log(&format!("cannot set our priority to {}: {error}", spec.nice));
    }
    let stop = stop_on_sigterm().context("cannot handle signals")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")?;
    let served = runtime.block_on(run(spec, stop));
    if let Some(socket) = socket {
        runtime_dir::remove(&socket).context("cannot remove our socket")?;
    }
    served
}

async fn run(spec: WorkerSpec, stop: StopSignal) -> anyhow::Result<()> {
    let shared = Arc::new(Shared::default());
    let app = routes(Arc::clone(&shared));
    let (close, closed) = tokio::sync::oneshot::channel::<()>();
    // Dropping `close` closes as well, so both outcomes mean the same.
    let until = async { drop(closed.await) };
    let (mut server, port) = match &spec.listen {
        Listen::Socket(path) => {
            let listener =
                UnixListener::bind(path).with_context(|| format!("cannot listen on `{}`", path.display()))?;
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
                .with_context(|| format!("cannot set the mode of `{}`", path.display()))?;
            (tokio::spawn(axum::serve(listener, app).with_graceful_shutdown(until).into_future()), None)
        }
        Listen::Port(port) => {
            let listener = TcpListener::bind(("127.0.0.1", *port)).await;
            let listener = listener.with_context(|| format!("cannot listen on port {port}"))?;
            let port = listener.local_addr().context("a listener without an address")?.port();
            (tokio::spawn(axum::serve(listener, app).with_graceful_shutdown(until).into_future()), Some(port))
        }
    };
    Status::Listening { port }.tell();

    if spec.device.as_ref().is_some_and(|device| !device.is_current()) {
        let reason = "another process has taken the device".to_owned();
        Status::Failed { kind: FailedKind::Device, reason: reason.clone() }.tell();
        return Err(anyhow::Error::new(Failure::busy(reason)));
    }
    if spec.load.pooling.is_none() {
        let warming = Arc::clone(&shared);
        // Runs while the model loads. Nothing waits for it: where it fails, the first chat starts the child.
        drop(tokio::task::spawn_blocking(move || warming.renderer.warm_up()));
    }
    let loading = load(&spec, stop.clone())?;
    let engine = match loading.await.unwrap_or(Err(EngineError::Stopped)) {
        Ok(engine) => Arc::new(engine),
        Err(EngineError::Cancelled) => return Ok(()),
        Err(error) => {
            Status::failed(&error).tell();
            return Err(anyhow::Error::new(Failure::engine(error.to_string())));
        }
    };
    let info = engine.info().clone();
    if info.pooling.is_some() || !info.chat_template {
        shared.renderer.stop();
    }
    limits::bound_memory(log);
    if shared.engine.set(Arc::clone(&engine)).is_err() {
        anyhow::bail!("two engines in one worker");
    }
    Status::Ready(info).tell();

    tokio::select! {
        _ = stop.wait() => {}
        ended = &mut server => return ended.context("the server ended")?.context("the server failed"),
    }
    shared.stopping.store(true, Ordering::Relaxed);
    drop(close);
    let finished = tokio::time::timeout(spec.grace, &mut server).await;
    engine.stop();
    if finished.is_err() {
        log("canceled running requests: the time to finish was over");
        // The canceled answers still have to be written; their clients may have disconnected as well.
        let _ = tokio::time::timeout(Duration::from_millis(500), server).await;
    }
    Ok(())
}

/// Loads the model on a thread of its own, so that `/health` answers meanwhile.
fn load(
    spec: &WorkerSpec,
    stop: StopSignal,
) -> anyhow::Result<tokio::sync::oneshot::Receiver<Result<Engine, EngineError>>> {
    let (done, loading) = tokio::sync::oneshot::channel();
    let load = spec.load.clone();
    let (mut told, mut at) = (0.0_f32, clock::instant());
    let progress = move |fraction: f32| {
        // Reported in steps of 2 %, or every second: a parent takes silence for a hang.
        if fraction >= told + 0.02 || fraction >= 1.0 || at.elapsed() >= Duration::from_secs(1) {
            (told, at) = (fraction, clock::instant());
            Status::Loading { fraction }.tell();
        }
        stop.reason().is_none()
    };
    std::thread::Builder::new()
        .name("load".into())
        .spawn(move || {
            // The receiver waits for this; without a receiver the program is ending.
            let _ = done.send(Engine::load(&load, log, progress));
        })
        .context("cannot start the load thread")?;
    Ok(loading)
}

/// Ends this process when the parent ends, however that happens.
///
/// The lifeline is the main mechanism: the kernel closes it with the parent, whichever thread started us. The
/// parent-death signal covers the time before the lifeline's thread runs, and a parent whose descriptors leaked into a
/// child; the signal is tied to the thread that started us, which lives as long as the parent (see `supervise::spawn`).
fn die_with(parent: u32, socket: Option<PathBuf>) -> anyhow::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).context("cannot ask for a death signal")?;
    // The parent may have ended before the request; then the signal never comes.
    let now = rustix::process::getppid().map(Pid::as_raw_nonzero);
    if now.is_none_or(|pid| u32::try_from(pid.get()) != Ok(parent)) {
        anyhow::bail!(Failure::engine("the process that started this worker is gone"));
    }
    let watch = move || {
        let mut stdin = std::io::stdin().lock();
        let mut byte = [0_u8; 64];
        loop {
            match stdin.read(&mut byte) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        if let Some(socket) = socket {
            // The error cannot be reported any more; the next worker's start removes what stays.
            let _ = runtime_dir::remove(&socket);
        }
        // A kill of ourselves cannot fail. Nothing gentler ends a process in the middle of a decode.
        let _ = rustix::process::kill_process(rustix::process::getpid(), Signal::KILL);
    };
    std::thread::Builder::new().name("lifeline".into()).spawn(watch).context("cannot watch the lifeline")?;
    Ok(())
}

/// Returns a signal that SIGTERM sets. SIGINT is caught and ignored: a Ctrl-C is for the parent.
fn stop_on_sigterm() -> std::io::Result<StopSignal> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
    let stop = StopSignal::new();
    let requester = stop.clone();
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever().filter(|&signal| signal == SIGTERM) {
            debug_assert_eq!(signal, SIGTERM);
            requester.request(Stop::Terminated);
        }
    })?;
    Ok(stop)
}

/// Writes to our log, which is stderr; the parent keeps it.
fn log(line: &str) {
    // A log without a reader is no reason to stop.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
