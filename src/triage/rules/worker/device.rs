//! What device a worker works with.

use crate::display::units;
use crate::model::service::Role;
use crate::node::Fact;
use crate::triage::facts::{Facts, PythonFacts, ServiceFacts, TorchFacts};
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
    title: "the worker is running without a GPU",
    why: "A GPU is expected, but a minute after its start the process has neither one open nor the driver library \
          mapped. It runs on the CPU, many times slower, or fails at the first task. CUD-01, WRK-04 or a GPU rule \
          tells why, if the cause is known. A worker that opens its GPU only with the first task looks the same, so \
          this is only likely.",
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
    title: "the service's PyTorch was built without CUDA",
    why: "torch's version file in the service's own environment says that it was built without CUDA: a later `pip \
          install` replaced the CUDA wheel with the CPU one. nvidia-smi and the driver are fine. The file is only \
          read, nothing is imported.",
    explains: &["WRK-03", "WRK-05", "WHS-02", "WHS-04", "PY-06"],
    needs: &[Need::Python],
    signs: NOT_COMPILED,
    check: Check::Service(has_torch_without_cuda),
};

pub(super) const WRK_05: Rule = Rule {
    id: "WRK-05",
    version: 1,
    playbook: Playbook::Worker,
    layer: Layer::App,
    severity: Severity::Critical,
    title: "the service's PyTorch cannot use the GPU",
    why: "With --deep, the service's own Python imports torch in a separate process, with the environment, the working \
          directory and the user of the service, and asks torch.cuda.is_available(): it is false, or torch cannot be \
          imported. The finding shows the reason that torch gives. A torch that was built without CUDA is WRK-04.",
    explains: &["WRK-03", "WHS-02", "WHS-04", "PY-06"],
    needs: &[Need::Python],
    signs: &[],
    check: Check::Service(torch_sees_no_gpu),
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
    let cause = format!("runs without a GPU although one is expected: pid {} has not mapped libcuda", process.pid);
    let text = format!("pid {}: libcuda is not mapped, no GPU device is open", process.pid);
    let shown = Evidence::of_process(service, process, text);
    let shown = Evidence { source: format!("/proc/{}/maps", process.pid), ..shown };
    if let Some((fact, torch)) = torch(service).filter(|(_, torch)| torch.is_available == Some(true)) {
        let gpus = units::plural(u64::from(torch.devices), "GPU");
        let text = format!("restart {}: its torch sees {gpus} now", service.name());
        let undo = "none: a restart starts the same worker again";
        let step = Step::change(Changes::Service(service.name().to_owned()), text, undo);
        let step = step.maybe_command(service.restart(facts));
        let evidence = vec![shown, Evidence::of_fact(fact, format!("torch.cuda.is_available() is True, {gpus}"))];
        return Some(hit(Some(service), cause, evidence, step).confidence(Confidence::Likely));
    }
    let step = Step::inspect("ask its Python whether it sees a GPU").command(&[
        "modelctl",
        "triage",
        "--deep",
        "--service",
        service.name(),
    ]);
    let evidence = vec![shown, gpu_evidence(facts)];
    Some(hit(Some(service), cause, evidence, step).confidence(Confidence::Likely))
}

fn gpu_evidence(facts: &Facts) -> Evidence {
    let Some(gpus) = facts.known_gpus() else {
        return Evidence::of_fact(&facts.gpus, facts.gpus.why().unwrap_or("unknown"));
    };
    let text = match gpus.nvml.known() {
        Some(nvml) => format!("NVML: code {}, {} devices", nvml.code, nvml.devices.len()),
        None => format!("NVML: {}", gpus.nvml.why().unwrap_or("unknown")),
    };
    Evidence::of_fact(&gpus.nvml, text)
}

fn torch(service: &ServiceFacts) -> Option<(&Fact<TorchFacts>, &TorchFacts)> {
    let fact = service.torch.as_ref()?;
    Some((fact, fact.known()?))
}

fn torch_sees_no_gpu(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let (fact, torch) = torch(service)?;
    if torch.is_available == Some(true) || !should_have_gpu(service) {
        return None;
    }
    let interpreter = torch.interpreter.display().to_string();
    let error = torch.error.as_ref().map_or_else(String::new, |error| format!(": {error}"));
    let (cause, shown) = match &torch.version {
        None => (format!("{interpreter} cannot import torch{error}"), format!("import torch fails{error}")),
        Some(version) => (
            format!("torch {version} of {interpreter} cannot use CUDA{error}"),
            format!("torch.cuda.is_available() is False{error}"),
        ),
    };
    let step = Step::inspect(format!("fix what torch reports, then restart {}", service.name())).command(&[
        interpreter.as_str(),
        "-c",
        "import torch; torch.cuda.init()",
    ]);
    let evidence = vec![Evidence::of_fact(fact, shown), gpu_evidence(facts)];
    Some(hit(Some(service), cause, evidence, step))
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
        format!("install the CUDA wheel ({wheel}) into that environment, then restart {}", service.name()),
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
