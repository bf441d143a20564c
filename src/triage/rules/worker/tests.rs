use crate::model::service::{QueueCheck, Role};
use crate::node::log::LifeEnd;
use crate::triage::facts::{Facts, Poller, PythonFacts, QueueAnswer, ServiceFacts, TorchFacts};
use crate::triage::finding::{Confidence, Severity};
use crate::triage::rules::samples::*;
use crate::triage::testing::*;

fn worker(change: impl FnOnce(&mut ServiceFacts)) -> Facts {
    with_role(Role::Worker, "worker", |service| {
        service.endpoint = None;
        service.service.queue = Some(QueueCheck {
            name: "transcribe@gpu".into(),
            identity: Some("@gpu".into()),
            check: vec!["/usr/local/bin/pollers".into()],
        });
        change(service);
    })
}

fn polled_by(service: &mut ServiceFacts, pollers: &[(&str, f64)]) {
    let pollers = pollers
        .iter()
        .map(|(identity, seen)| Poller { identity: Some((*identity).into()), last_seen_s: Some(*seen) })
        .collect();
    let answer = QueueAnswer { pollers: Some(pollers), backlog: Some(12), ..QueueAnswer::default() };
    service.queue = Some(known("/usr/local/bin/pollers", answer));
}

fn none(id: &str, facts: &Facts) {
    assert_eq!(hits(id, facts), [], "{id}");
}

#[test]
fn a_queue_without_a_poller_is_a_fact_at_once() {
    let facts = worker(|service| polled_by(service, &[]));
    let found = hit("WRK-01", &facts);
    says_all(&found, &["`transcribe@gpu` has no poller", "12 tasks are waiting", "supervisorctl"]);
    assert_eq!(found.confidence, Confidence::Proven);
    // One that is gone, and one of another device.
    says_all(
        &hit("WRK-01", &worker(|service| polled_by(service, &[("17@gpu", 900.0), ("9@cpu", 1.0)]))),
        &["2 others, or gone"],
    );
    none("WRK-01", &worker(|service| polled_by(service, &[("17@gpu", 3.0)])));
    // It was just started.
    none(
        "WRK-01",
        &worker(|service| {
            polled_by(service, &[]);
            with_process(service, |process| process.started = Some(ago(5)));
        }),
    );
    // Nobody could be asked.
    none("WRK-01", &worker(|service| service.queue = Some(denied("/usr/local/bin/pollers"))));
}

#[test]
fn a_suffix_that_differs_is_one_variable() {
    let of = |queue: &'static str| {
        worker(move |service| {
            polled_by(service, &[]);
            with_variable(service, "TASK_QUEUE", queue);
        })
    };
    let found = hit("WRK-02", &of("transcribe@cpu"));
    says_all(&found, &["`transcribe@cpu` instead of `transcribe@gpu`", "TASK_QUEUE"]);
    assert!(rule("WRK-02").explains.contains(&"WRK-01"));
    none("WRK-02", &of("transcribe@gpu"));
    none("WRK-02", &of("mail"));
    none("WRK-02", &worker(|_| {}));
}

#[test]
fn a_worker_without_a_gpu_is_seen_by_its_maps() {
    let found = hit("WRK-03", &worker(|_| {}));
    says_all(&found, &["has not mapped libcuda", "--deep"]);
    assert_eq!(found.confidence, Confidence::Likely);
    none("WRK-03", &worker(|service| with_process(service, |process| process.gpu_nodes = vec!["/dev/nvidia0".into()])));
    none("WRK-03", &worker(|service| service.service.gpu = Some(false)));
    none("WRK-03", &worker(|service| with_process(service, |process| process.libraries = denied("maps"))));
    none("WRK-03", &worker(|service| service.service.queue = None));
}

// The step must lead on, and not to the same question again.
#[test]
fn what_torch_says_when_it_is_imported_decides_the_step() {
    let of = |torch: TorchFacts| {
        let torch = TorchFacts { interpreter: "/opt/worker/venv/bin/python".into(), ..torch };
        worker(|service| service.torch = Some(known("torch of /opt/worker/venv/bin/python", torch)))
    };
    let version = || Some("2.5.1+cu124".to_owned());
    let error = || Some("RuntimeError: Found no NVIDIA driver".to_owned());
    let blind =
        of(TorchFacts { version: version(), is_available: Some(false), error: error(), ..TorchFacts::default() });
    says_all(&hit("WRK-05", &blind), &["torch 2.5.1+cu124", "cannot use CUDA: RuntimeError: Found no NVIDIA driver"]);
    assert!(rule("WRK-05").explains.contains(&"WRK-03") && rule("GPU-03").explains.contains(&"WRK-05"));
    let broken = of(TorchFacts { error: Some("ImportError: libcudnn.so.9".into()), ..TorchFacts::default() });
    says_all(&hit("WRK-05", &broken), &["cannot import torch: ImportError: libcudnn.so.9"]);
    let seeing = of(TorchFacts { version: version(), is_available: Some(true), devices: 2, ..TorchFacts::default() });
    none("WRK-05", &seeing);
    says_all(&hit("WRK-03", &seeing), &["restart worker: its torch sees 2 GPUs now", "supervisorctl"]);
    none("WRK-05", &worker(|_| {}));
    let mut not_meant = blind;
    not_meant.services[0].service.gpu = Some(false);
    none("WRK-05", &not_meant);
}

#[test]
fn torch_without_cuda_is_read_from_its_version_file() {
    let python = |cuda: Option<Option<String>>, version: &str| PythonFacts {
        interpreter: "/opt/worker/venv/bin/python".into(),
        torch_version: Some(version.into()),
        torch_cuda: cuda,
        ..PythonFacts::default()
    };
    let of = |value: PythonFacts| {
        let mut facts = worker(|service| service.python = Some(known("torch/version.py", value)));
        with_gpu(&mut facts, |_| {});
        facts
    };
    let found = hit("WRK-04", &of(python(Some(None), "2.4.0+cpu")));
    says_all(&found, &["torch 2.4.0+cpu", "/opt/worker/venv/bin/python", "torch==2.4.0", "whl/cu128", "whl/cpu"]);
    none("WRK-04", &of(python(Some(Some("12.8".into())), "2.4.0+cu128")));
    none("WRK-04", &of(python(None, "2.4.0")));
    // The log says it, and the file is right now: installed anew since.
    let line = "AssertionError: Torch not compiled with CUDA enabled";
    let mut facts = of(python(Some(Some("12.8".into())), "2.4.0+cu128"));
    fails(&mut facts.services[0], LifeEnd::Exited { code: 1, expected: false }, &[line]);
    none("WRK-04", &facts);
    facts.services[0].python = None;
    says_all(&hit("WRK-04", &facts), &["without CUDA"]);
    assert_eq!(rule("WRK-04").severity, Severity::Critical);
}
