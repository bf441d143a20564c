//! The handle of a worker in asynchronous code, with a real model.

use crate::fixtures::{engine_turn, smollm2};
use modelctl::engine::LoadSpec;
use modelctl::http::{Endpoint, Request, fetch};
use modelctl::supervise::{CrashClass, Ending};
use modelctl::worker::{At, Handle, StartSpec, WorkerError};
use rustix::process::{Pid, Signal, kill_process};
use std::path::Path;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(120);

fn spec(model: &Path, dir: &Path) -> StartSpec {
    let (program, runtime_dir) = (env!("CARGO_BIN_EXE_modelctl").into(), dir.join("run"));
    let mut load = LoadSpec::new(model);
    load.context = 512;
    StartSpec::new(program, runtime_dir, load, LIMIT)
}

/// A daemon that routes requests by port must know it, and must not stand still while a model loads.
#[tokio::test]
async fn a_worker_on_a_port_is_started_beside_other_work_and_its_end_is_awaited() {
    let _turn = engine_turn();
    let dir = tempfile::tempdir().unwrap();
    let (ticks, mut ticked) = tokio::sync::mpsc::unbounded_channel();
    let beside = tokio::spawn(async move {
        let mut interval = tokio::time::interval(Duration::from_millis(5));
        while ticks.send(()).is_ok() {
            interval.tick().await;
        }
    });
    let mut worker = Handle::start(&spec(&smollm2(), dir.path()), At::Port(0), |_| {}).await.unwrap();
    ticked.close();
    assert!(ticked.len() > 2, "nothing else ran while the model was loaded");
    beside.await.unwrap();
    let port = worker.port().unwrap();
    assert_eq!(worker.endpoint(), &Endpoint::port(port));
    assert_eq!(fetch(Request::get(worker.endpoint().clone(), "/health"), LIMIT).await.unwrap().status, 200);
    let early = tokio::time::timeout(Duration::from_millis(20), worker.ended()).await;
    assert!(early.is_err(), "it runs");
    kill_process(Pid::from_raw(worker.id().try_into().unwrap()).unwrap(), Signal::KILL).unwrap();
    let ended = tokio::time::timeout(LIMIT, worker.ended()).await.unwrap().unwrap();
    assert_eq!(ended.ending, Ending::Signalled { signal: 9, core_dumped: false });
    assert_eq!(ended.class, CrashClass::Disappeared, "somebody killed it, and it was not the kernel");
}

#[tokio::test]
async fn a_refused_model_is_told_and_a_stop_leaves_no_socket() {
    let _turn = engine_turn();
    let dir = tempfile::tempdir().unwrap();
    let odd = dir.path().join("odd.gguf");
    std::fs::write(&odd, "no model").unwrap();
    let refused = Handle::start(&spec(&odd, dir.path()), At::Socket, |_| {}).await.unwrap_err();
    assert!(matches!(refused, WorkerError::Refused { .. }), "{refused:?}");
    let worker = Handle::start(&spec(&smollm2(), dir.path()), At::Socket, |_| {}).await.unwrap();
    let Endpoint::Unix(socket) = worker.endpoint().clone() else { panic!("it listens on a socket") };
    assert!(socket.exists() && worker.port().is_none());
    assert_eq!(worker.stop(LIMIT).await.unwrap(), Ending::Exited(0));
    assert!(!socket.exists());
}
