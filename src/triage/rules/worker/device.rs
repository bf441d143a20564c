//! What device a worker works with.

use crate::model::service::Role;
use crate::triage::facts::{Facts, PythonFacts, ServiceFacts};
use crate::triage::finding::{Changes, Confidence, Evidence, Hit, Layer, Playbook, Severity};
use crate::triage::rules::step::{Step, hit, proven_if};
use crate::triage::rules::{Check, Need, Rule};

/// A worker that was just started may not have opened its GPU yet, in seconds.
const START_S: f64 = 60.0;
const NOT_COMPILED: &[&str] = &["Torch not compiled with CUDA enabled"];
/// The least driver for the CUDA of a wheel index of PyTorch.
const WHEELS: &[(u32, &str)] =
    &[(580, "cu130"), (570, "cu128"), (560, "cu126"), (550, "cu124"), (525, "cu121"), (450, "cu118")];

pub(super) const WRK_03: Rule = Rule {
    id: "WRK-03",
    version: 1,
    playbook: Playbook::Worker,
    layer: Layer::Service,
    severity: Severity::Critical,
    title: "The worker was started without a GPU",
    why: "A GPU is expected, and the process has neither one open nor the library of the driver mapped, a minute \
          after its start. It works on the CPU, many times slower, or fails at the first task. Why is said by CUD-01, \
          WRK-04 or a GPU rule, where one is found. A worker that opens its GPU with the first task shows the same: \
          it is likely only.",
    explains: &[],
    needs: &[Need::Process, Need::Libraries],
    signs: &[],
    check: Check::Service(has_no_gpu),
};

pub(super) const WRK_04: Rule = Rule {
    id: "WRK-04",
    version: 1,
    playbook: Playbook::Worker,
    layer: Layer::App,
    severity: Severity::Critical,
    title: "PyTorch of the service was built without CUDA",
    why: "The version file of torch in the service's own environment says that it has no CUDA: a later `pip install` \
          put the wheel for the CPU in the place of the other one. nvidia-smi and the driver are fine. Nothing is \
          imported to find that out.",
    explains: &["WRK-03", "WHS-02", "WHS-04", "PY-06"],
    needs: &[Need::Python],
    signs: NOT_COMPILED,
    check: Check::Service(has_torch_without_cuda),
};

fn should_have_gpu(service: &ServiceFacts) -> bool {
    let names_it = service.service.queue.as_ref().is_some_and(|queue| {
        queue.name.ends_with("gpu") || queue.identity.as_deref().is_some_and(|identity| identity.ends_with("gpu"))
    });
    service.wants_gpu() || (service.service.gpu.is_none() && names_it)
}

fn has_no_gpu(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    if service.service.role != Role::Worker || !should_have_gpu(service) || service.uses_gpu() != Some(false) {
        return None;
    }
    let process = service.server()?;
    let age = service.age_s(facts.taken)?;
    if age < START_S {
        return None;
    }
    let cause = format!("runs without a GPU although one is expected: pid {} has no libcuda mapped", process.pid);
    let text = format!("pid {}: libcuda is not mapped, no GPU device is open", process.pid);
    let shown = Evidence::of_process(service, process, text);
    let gpus = match facts.known_gpus() {
        Some(gpus) => {
            let text = match gpus.nvml.known() {
                Some(nvml) => format!("NVML: code {}, {} devices", nvml.code, nvml.devices.len()),
                None => format!("NVML: {}", gpus.nvml.why().unwrap_or("unknown")),
            };
            Evidence::of_fact(&gpus.nvml, text)
        }
        None => Evidence::of_fact(&facts.gpus, facts.gpus.why().unwrap_or("unknown")),
    };
    let step = Step::inspect("ask its Python whether it sees a GPU").command(&[
        "modelctl",
        "triage",
        "--deep",
        "--service",
        service.name(),
    ]);
    let evidence = vec![Evidence { source: format!("/proc/{}/maps", process.pid), ..shown }, gpus];
    Some(hit(Some(service), cause, evidence, step).confidence(Confidence::Likely))
}

fn python(service: &ServiceFacts) -> Option<&PythonFacts> {
    service.python.as_ref()?.known()
}

fn has_torch_without_cuda(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    if service.service.gpu == Some(false) {
        return None;
    }
    let line = service
        .sign_now(NOT_COMPILED)
        .filter(|line| service.trouble().is_some() || line.text.starts_with("AssertionError"));
    let python = python(service);
    let is_without = python.map(|python| {
        let by_name = python.torch_version.as_deref().is_some_and(|version| version.ends_with("+cpu"));
        matches!(python.torch_cuda, Some(None)) || by_name
    });
    match (line, is_without) {
        // The version file contradicts: it was installed anew since, or the line is of another environment.
        (Some(_), Some(false)) if python.is_some_and(|python| python.torch_cuda.is_some()) => return None,
        (Some(_), _) => {}
        (None, Some(true)) if should_have_gpu(service) => {}
        _ => return None,
    }
    let version =
        python.and_then(|python| python.torch_version.clone()).unwrap_or_else(|| "of unknown version".to_owned());
    let interpreter = python.map_or_else(|| "python3".to_owned(), |python| python.interpreter.display().to_string());
    let cause = format!("torch {version} of {interpreter} was built without CUDA");
    let plain = version.split('+').next().unwrap_or_default();
    let package =
        if plain.starts_with(|c: char| c.is_ascii_digit()) { format!("torch=={plain}") } else { "torch".to_owned() };
    let driver = facts
        .nvml()
        .and_then(|nvml| nvml.driver_version.clone())
        .or_else(|| facts.known_gpus()?.module_version.clone());
    // No number: unknown.
    let major = driver.as_deref().and_then(|version| version.split('.').next()?.parse::<u32>().ok());
    let wheel =
        major.and_then(|major| WHEELS.iter().find(|(least, _)| major >= *least)).map_or("cu126", |(_, wheel)| wheel);
    let index = format!("https://download.pytorch.org/whl/{wheel}");
    let step = Step::change(
        Changes::Service(service.name().to_owned()),
        format!("install the wheel with CUDA ({wheel}) into that environment, then restart {}", service.name()),
        format!(
            "{interpreter} -m pip install --force-reinstall {package} --index-url https://download.pytorch.org/whl/cpu"
        ),
    )
    .command(&[interpreter.as_str(), "-m", "pip", "install", "--force-reinstall", &package, "--index-url", &index]);
    let mut evidence: Vec<Evidence> = line.map(Evidence::of_line).into_iter().collect();
    if let (Some(fact), Some(true)) = (&service.python, is_without) {
        evidence.push(Evidence::of_fact(fact, format!("torch {version}; cuda: None")));
    }
    if let (Some(false), Some(process)) = (service.uses_gpu(), service.server()) {
        let text = format!("pid {}: libcuda is not mapped", process.pid);
        let shown = Evidence::of_process(service, process, text);
        evidence.push(Evidence { source: format!("/proc/{}/maps", process.pid), ..shown });
    }
    if evidence.len() < 2 {
        evidence.push(Evidence::of_state(service));
    }
    Some(hit(Some(service), cause, evidence, step).confidence(proven_if(is_without == Some(true))))
}
