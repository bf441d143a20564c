//! The worker process itself.

use super::api::{Shared, routes};
use super::args::{Listen, WorkerSpec};
use super::runtime_dir;
use super::status::Status;
use crate::engine::{Engine, EngineError};
use crate::failure::Failure;
use crate::supervise::{Interrupt, Stop};
use anyhow::Context as _;
use rustix::process::{Pid, Signal};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::{TcpListener, UnixListener};

/// Loads the model and serves it until it is told to stop.
///
/// # Errors
/// What keeps it from serving, after telling it on stdout too.
pub fn serve(spec: WorkerSpec) -> anyhow::Result<()> {
    let socket = match &spec.listen {
        Listen::Socket(path) => Some(path.clone()),
        Listen::Port(_) => None,
    };
    if let Some(parent) = spec.parent {
        die_with(parent, socket.clone())?;
    }
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

async fn run(spec: WorkerSpec, stop: Interrupt) -> anyhow::Result<()> {
    let shared = Arc::new(Shared::default());
    let app = routes(Arc::clone(&shared));
    let (close, closed) = tokio::sync::oneshot::channel::<()>();
    // Dropping `close` closes too, so both outcomes mean the same.
    let until = async { drop(closed.await) };
    let (mut server, port) = match &spec.listen {
        Listen::Socket(path) => {
            let listener =
                UnixListener::bind(path).with_context(|| format!("cannot listen on `{}`", path.display()))?;
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
        log("what still ran was cancelled: the time to finish it was over");
        // The cancelled answers still want to be written; their clients may be gone as well.
        let _ = tokio::time::timeout(Duration::from_millis(500), server).await;
    }
    Ok(())
}

/// Loads on a thread of its own, so that `/health` answers meanwhile.
fn load(
    spec: &WorkerSpec,
    stop: Interrupt,
) -> anyhow::Result<tokio::sync::oneshot::Receiver<Result<Engine, EngineError>>> {
    let (done, loading) = tokio::sync::oneshot::channel();
    let load = spec.load.clone();
    let mut told = 0.0_f32;
    let progress = move |fraction: f32| {
        // Told in steps of 2 %: a parent has better things to read.
        if fraction >= told + 0.02 || fraction >= 1.0 {
            told = fraction;
            Status::Loading { fraction }.tell();
        }
        stop.thrown().is_none()
    };
    std::thread::Builder::new()
        .name("load".into())
        .spawn(move || {
            // The receiver waits for this; should it have gone, so has the program.
            let _ = done.send(Engine::load(&load, log, progress));
        })
        .context("cannot start the load thread")?;
    Ok(loading)
}

/// Sees to it that we end when the parent does, however it ends.
///
/// The lifeline is what counts: the kernel closes it with the parent, whichever thread started us. The parent-death
/// signal covers the time before its thread runs and a parent whose descriptors leaked into a child; it is tied to the
/// thread that started us, which lives as long as the parent (see `supervise::spawn`).
fn die_with(parent: u32, socket: Option<PathBuf>) -> anyhow::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).context("cannot ask for a death signal")?;
    // The parent may have died before the request; then the signal never comes.
    let now = rustix::process::getppid().map(Pid::as_raw_nonzero);
    if now.is_none_or(|pid| u32::try_from(pid.get()) != Ok(parent)) {
        anyhow::bail!(Failure::engine("the process that started this worker has gone"));
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
            // Nobody is left to tell; the next worker's start sweeps what stays.
            let _ = runtime_dir::remove(&socket);
        }
        // A kill cannot fail for ourselves. Nothing gentler ends a process in the middle of a decode.
        let _ = rustix::process::kill_process(rustix::process::getpid(), Signal::KILL);
    };
    std::thread::Builder::new().name("lifeline".into()).spawn(watch).context("cannot watch the lifeline")?;
    Ok(())
}

/// A switch that SIGTERM throws. SIGINT is taken and left alone: a Ctrl-C is the parent's business.
fn stop_on_sigterm() -> std::io::Result<Interrupt> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
    let stop = Interrupt::new();
    let thrower = stop.clone();
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever().filter(|&signal| signal == SIGTERM) {
            debug_assert_eq!(signal, SIGTERM);
            thrower.throw(Stop::Terminated);
        }
    })?;
    Ok(stop)
}

/// Our log is stderr, which the parent keeps.
fn log(line: &str) {
    // A log that nobody reads is no reason to stop.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
