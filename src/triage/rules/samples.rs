//! Models, GPUs and changes for the tests of these rules.

use crate::node::Outcome;
use crate::node::gpu::{Device, Gpus, Node, Nvml};
use crate::node::kernel::{KernelLog, OomKill, Xid};
use crate::node::log::LogLine;
use crate::node::model_file::{Content, FileView, ModelFile};
use crate::node::process::{Listener, Process};
use crate::triage::facts::{Facts, ServiceFacts};
use crate::triage::testing::*;

pub(super) const PATH: &str = "/srv/models/a.gguf";
pub(super) const SIZE: u64 = 98_362_432;

pub(super) fn view(size: u64) -> FileView {
    FileView {
        resolved: PATH.into(),
        device: 1,
        inode: 2,
        kind: "file".into(),
        size,
        allocated: size,
        mode: 0o644,
        uid: 0,
        gid: 0,
        modified: Some(ago(100_000)),
        mount: Some(("/dev/vda1".into(), "/srv".into(), "ext4".into())),
    }
}

/// A whole model of [`SIZE`] bytes.
pub(super) fn model() -> ModelFile {
    let folder = || FileView { kind: "folder".into(), resolved: "/srv/models".into(), ..view(4096) };
    ModelFile {
        path: PATH.into(),
        service: known("/proc/100/root/srv/models/a.gguf", view(SIZE)),
        ours: known(PATH, view(SIZE)),
        service_folder: known("/proc/100/root/srv/models", folder()),
        our_folder: known("/srv/models", folder()),
        refusing: None,
        dangling: None,
        nearest: None,
        neighbours: vec![("a.gguf".into(), SIZE)],
        stable: None,
        writer: None,
        content: known(
            PATH,
            Content {
                format: "gguf".into(),
                magic: "GGUF".into(),
                version: Some(3),
                architecture: Some("llama".into()),
                has_token_embeddings: Some(true),
                kind: Some("model".into()),
                needed: Some(SIZE),
                context: Some(8192),
                ..Content::default()
            },
        ),
    }
}

/// A healthy node whose service is changed.
pub(super) fn node(change: impl FnOnce(&mut ServiceFacts)) -> Facts {
    let mut facts = healthy_facts();
    facts.services.iter_mut().take(1).for_each(|service| service.model = Some(known("model", model())));
    if let Some(service) = facts.services.first_mut() {
        change(service);
    }
    facts
}

/// Changes the main process of a service.
pub(super) fn with_process(service: &mut ServiceFacts, change: impl FnOnce(&mut Process)) {
    if let Some(Outcome::Ok { value }) = service.processes.first_mut().map(|fact| &mut fact.outcome) {
        change(value);
    }
}

/// Gives the process and the configured command these further words.
pub(super) fn with_words(service: &mut ServiceFacts, words: &[&str]) {
    with_process(service, |process| process.argv.extend(words.iter().map(|word| (*word).to_owned())));
    with_settings(service, |settings| {
        settings.command.push(' ');
        settings.command.push_str(&words.join(" "));
    });
}

pub(super) fn with_variable(service: &mut ServiceFacts, name: &str, value: &str) {
    with_process(service, |process| {
        process.environment = known("/proc/100/environ", [(name.to_owned(), Some(value.to_owned()))].into());
    });
}

pub(super) fn with_model(service: &mut ServiceFacts, change: impl FnOnce(&mut ModelFile)) {
    let mut value = model();
    change(&mut value);
    service.model = Some(known("model", value));
}

pub(super) fn listener(port: u16, pid: Option<u32>, name: &str) -> Listener {
    Listener { address: format!("0.0.0.0:{port}"), port, pid, name: Some(name.into()) }
}

pub(super) fn device() -> Device {
    Device {
        index: 0,
        uuid: Some("GPU-1111".into()),
        name: "NVIDIA L4".into(),
        pci: Some("00000000:01:00.0".into()),
        capability: Some((8, 9)),
        memory_total: Some(24 << 30),
        memory_used: Some(3 << 30),
        memory_free: Some(20 << 30),
        temperature: Some(50),
        clock_events: vec![4, 4],
        remap_pending: Some(false),
        remap_failed: Some(false),
        recovery_action: Some(0),
        ..Device::default()
    }
}

fn device_node(name: &str) -> Node {
    Node { path: format!("/dev/{name}").into(), mode: 0o666, gid: 0, errno: 0 }
}

/// A machine with one GPU that answers.
pub(super) fn gpus() -> Gpus {
    Gpus {
        module_version: Some("570.10".into()),
        library_version: Some("570.10".into()),
        nodes: ["nvidia0", "nvidiactl", "nvidia-uvm"].map(device_node).into(),
        has_nouveau: false,
        nvml: known("NVML", Nvml { code: 0, driver_version: Some("570.10".into()), devices: vec![device()] }),
        stuck: None,
        amd: Vec::new(),
    }
}

/// Gives the node a GPU, with changes.
pub(super) fn with_gpu(facts: &mut Facts, change: impl FnOnce(&mut Gpus)) {
    let mut value = gpus();
    change(&mut value);
    facts.gpus = known("/dev and /proc/driver/nvidia", value);
}

/// Lets NVML answer with a code and no devices.
pub(super) fn answers(gpus: &mut Gpus, code: u32) {
    gpus.nvml = known("NVML", Nvml { code, ..Nvml::default() });
}

pub(super) fn with_device(gpus: &mut Gpus, change: impl FnOnce(&mut Device)) {
    let mut value = device();
    change(&mut value);
    gpus.nvml = known("NVML", Nvml { code: 0, driver_version: Some("570.10".into()), devices: vec![value] });
}

pub(super) fn kernel_line(seconds: i64, text: &str) -> LogLine {
    LogLine { time: Some(ago(seconds)), ..line_of("kernel log", text) }
}

pub(super) fn xid(number: u32, seconds: i64) -> Xid {
    Xid {
        line: kernel_line(seconds, &format!("NVRM: Xid (PCI:0000:01:00): {number}, pid=100, name=llama-server")),
        number,
        device: "0000:01:00".into(),
        pid: Some(100),
        process: Some("llama-server".into()),
        caused_by: None,
    }
}

pub(super) fn with_kernel(facts: &mut Facts, ooms: Vec<OomKill>, xids: Vec<Xid>) {
    facts.kernel = known("kernel log", KernelLog { ooms, xids, lines: Vec::new() });
}

/// Puts one service in the place of the node's.
pub(super) fn with_role(
    role: crate::model::service::Role,
    name: &str,
    change: impl FnOnce(&mut ServiceFacts),
) -> Facts {
    let mut facts = healthy_facts();
    let mut service = healthy_service(name, role);
    change(&mut service);
    facts.services = vec![service];
    facts
}
