//! Errors of the CUDA runtime that name versions or a missing part.

use crate::node::log::LogLine;
use crate::triage::facts::{Facts, ServiceFacts};
use crate::triage::finding::{Changes, Evidence, Hit, Layer, Playbook, Severity};
use crate::triage::rules::step::{Step, hit, proven_if};
use crate::triage::rules::text::word_after;
use crate::triage::rules::{Check, Need, Rule};

/// What the runtime says for the codes 35, 803 and 804.
const VERSIONS: &[&str] = &[
    "CUDA driver version is insufficient for CUDA runtime version",
    "system has unsupported display driver / cuda driver combination",
    "forward compatibility was attempted on non supported HW",
];
/// What it says for the code 802.
const NOT_READY: &[&str] = &["system not yet initialized", "cudaErrorSystemNotReady"];
const NO_KERNEL: &[&str] = &["no kernel image is available for execution on the device"];
const ARCHS: &str = "ARCHS = ";
const CAPABILITY: &str = "compute capability ";

pub(super) const CUD_03: Rule = Rule {
    id: "CUD-03",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Driver,
    severity: Severity::Critical,
    title: "the CUDA runtime of the service does not match the GPU driver",
    why: "The runtime reports that the driver is too old (35), that the driver and libcuda differ (803), or that the \
          CUDA compatibility library does not support this GPU (804). Many programs then silently run on the CPU. \
          nvidia-smi still works. Not to be confused with a version mismatch within the driver itself (GPU-04).",
    explains: &["LLM-14", "WRK-03", "WRK-05", "WHS-02", "WHS-04", "SUP-10", "SUP-17", "SYS-03", "TOOL-02"],
    needs: &[Need::Logs],
    signs: VERSIONS,
    check: Check::Service(versions_differ),
};

pub(super) const CUD_04: Rule = Rule {
    id: "CUD-04",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Driver,
    severity: Severity::Critical,
    title: "the GPUs are waiting for the fabric manager",
    why: "CUDA returns 802, not yet initialized: on machines with NVSwitch, no CUDA program works until \
          nvidia-fabricmanager runs, and its version must match the driver. nvidia-smi still works.",
    explains: &["LLM-14", "WRK-03", "WRK-05", "WHS-02", "SUP-10", "SUP-17", "SYS-03", "TOOL-02"],
    needs: &[Need::Logs],
    signs: NOT_READY,
    check: Check::Service(waits_for_the_fabric),
};

pub(super) const CUD_05: Rule = Rule {
    id: "CUD-05",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Service,
    severity: Severity::Critical,
    title: "the program was not built for this GPU",
    why: "CUDA finds no kernel image: the program was built for other GPU architectures. This happens after an update \
          that drops old architectures, with a new card, or when a volume with a build moves to another machine, and \
          often only at the first request. It is neither a bug (LLM-12) nor a driver problem (CUD-03).",
    explains: &["LLM-12", "SUP-10", "SUP-15", "SUP-17", "SYS-03", "TOOL-02"],
    needs: &[Need::Logs],
    signs: &[NO_KERNEL[0], ARCHS, CAPABILITY],
    check: Check::Service(has_no_code),
};

/// Returns the error line of a service that works with GPUs. Without trouble it counts only from a service that does
/// not use a GPU now although it should, since it may have been another one's words.
fn error_of<'a>(service: &'a ServiceFacts, signs: &[&str]) -> Option<&'a LogLine> {
    if service.service.gpu == Some(false) {
        return None;
    }
    if let Some(line) = service.sign_of_trouble(signs) {
        return Some(line);
    }
    service.sign_now(signs).filter(|_| service.wants_gpu() && service.uses_gpu() != Some(true))
}

fn driver(facts: &Facts) -> Option<String> {
    let version = facts.nvml().and_then(|nvml| nvml.driver_version.clone());
    version.or_else(|| facts.known_gpus()?.module_version.clone())
}

fn show_driver(facts: &Facts) -> Evidence {
    let version = driver(facts).unwrap_or_else(|| "unknown".to_owned());
    Evidence::of_fact(&facts.gpus, format!("driver {version}"))
}

fn versions_differ(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let line = error_of(service, VERSIONS)?;
    let at = VERSIONS.iter().position(|sign| line.text.contains(sign))?;
    let version = driver(facts).map_or_else(String::new, |version| format!(" (driver {version})"));
    let compat = service.all_processes().find_map(|process| {
        let libraries = process.libraries.known()?;
        let is_compat = |path: &&std::path::PathBuf| {
            path.components().any(|part| part.as_os_str() == "compat") && path.to_string_lossy().contains("libcuda.so")
        };
        libraries.iter().find(is_compat).map(|path| (process, path.display().to_string()))
    });
    let mut evidence = vec![Evidence::of_line(line), show_driver(facts)];
    if let Some((process, path)) = &compat {
        evidence.push(Evidence::of_process(service, process, format!("mapped: {path}")));
    }
    let own = Changes::Service(service.name().to_owned());
    let (cause, step) = if at == 0 {
        (
            format!("the GPU driver is too old for the CUDA runtime of {}{version} (CUDA 35)", service.name()),
            Step::change(
                Changes::Host,
                "update the GPU driver, or install a build of the service for the CUDA of this driver",
                "reinstall the old driver package, or the old build",
            )
            .command(&["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]),
        )
    } else {
        let from =
            compat.map_or_else(|| "CUDA's compat directory (/usr/local/cuda/compat)".to_owned(), |(_, path)| path);
        let code = if at == 1 { 803 } else { 804 };
        (
            format!("the service loads a libcuda that does not match the GPU or its driver{version} (CUDA {code})"),
            Step::change(
                own,
                format!(
                    "remove {from} from the library path of {}, so that it uses the driver's own libcuda",
                    service.name()
                ),
                "add it back to LD_LIBRARY_PATH or /etc/ld.so.conf.d",
            ),
        )
    };
    Some(hit(Some(service), cause, evidence, step).confidence(proven_if(driver(facts).is_some())))
}

fn waits_for_the_fabric(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let line = error_of(service, NOT_READY).filter(|line| {
        let text = line.text.to_ascii_lowercase();
        text.contains("cuda") || text.contains("802")
    })?;
    let version = driver(facts).unwrap_or_else(|| "matching the driver".to_owned());
    let cause = format!("CUDA is not ready (802): the fabric manager is not running, or its version is not {version}");
    let step = Step::change(
        Changes::Host,
        format!("start nvidia-fabricmanager, version {version}"),
        "systemctl stop nvidia-fabricmanager",
    )
    .command(&["systemctl", "start", "nvidia-fabricmanager"]);
    let evidence = vec![Evidence::of_line(line), show_driver(facts)];
    Some(hit(Some(service), cause, evidence, step).confidence(proven_if(false)))
}

fn has_no_code(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    if service.service.gpu == Some(false) {
        return None;
    }
    // At run time too: the process lives on while each request fails.
    let line = service
        .sign_now(NO_KERNEL)
        .filter(|line| service.trouble().is_some() || (line.text.contains("rror") && facts.is_recent(line)))?;
    let devices = facts.devices();
    let device = devices.iter().find(|device| device.capability.is_some());
    let by_log = service.line_now(&[CAPABILITY]);
    let capability = match (device.and_then(|device| device.capability), by_log) {
        (Some((major, minor)), _) => Some(format!("{major}.{minor}")),
        (None, Some(line)) => word_after(&line.text, CAPABILITY).map(|word| word.trim_end_matches(',').to_owned()),
        (None, None) => None,
    };
    let archs_line = service.line_now(&[ARCHS]);
    let archs = archs_line
        .and_then(|line| line.text.split_once(ARCHS))
        .map(|(_, rest)| rest.split('|').next().unwrap_or(rest).trim().to_owned());
    let of_gpu = match (device, &capability) {
        (Some(device), Some(capability)) => format!("{} (compute capability {capability})", device.name),
        (None, Some(capability)) => format!("a GPU of compute capability {capability}"),
        _ => "this GPU".to_owned(),
    };
    let built = archs.map_or_else(String::new, |archs| format!(", only for {archs}"));
    let program = service.argv().first().cloned().unwrap_or_else(|| service.name().to_owned());
    let cause = format!("{program} was not built for {of_gpu}{built}");
    let wanted = capability
        .as_deref()
        .map_or_else(String::new, |capability| format!(" (CMAKE_CUDA_ARCHITECTURES={})", capability.replace('.', "")));
    let step = Step::change(
        Changes::Service(service.name().to_owned()),
        format!("go back to the last build that worked here, or install one for this GPU{wanted}"),
        "reinstall the current build",
    );
    let mut evidence = vec![Evidence::of_line(line)];
    evidence.extend(archs_line.map(Evidence::of_line));
    match (device, by_log) {
        (Some(device), _) => {
            let text =
                format!("GPU {} {}: compute capability {}", device.index, device.name, capability.unwrap_or_default());
            evidence.push(Evidence::new("NVML", Some(facts.gpus.time), text));
        }
        (None, Some(line)) => evidence.push(Evidence::of_line(line)),
        (None, None) => evidence.push(Evidence::of_state(service)),
    }
    Some(hit(Some(service), cause, evidence, step).confidence(proven_if(device.is_some() || by_log.is_some())))
}
