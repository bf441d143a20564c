//! Libraries that the program wants at its start or at its first work.

use crate::model::service::Role;
use crate::node::log::LogLine;
use crate::triage::facts::{Facts, ServiceFacts};
use crate::triage::finding::{Changes, Evidence, Hit, Layer, Playbook, Severity};
use crate::triage::rules::step::{Step, hit, proven_if};
use crate::triage::rules::{Check, Need, Rule};

/// Libraries of CUDA that CTranslate2 and PyTorch open when they are first needed.
const LATE: &[&str] = &["libcudnn", "libcublas", "libcudart", "libcufft", "libcurand", "libnvrtc"];
const NOT_FOUND: &[&str] = &[
    "is not found or cannot be loaded",
    "Unable to load any of {libcudnn",
    "Could not load library libcudnn",
    "Could not load library libcublas",
    "cannot open shared object file",
];
/// What is written once a model is loaded.
const LOADED: &[&str] = &["odel loaded", "oaded model", "oading model", "model ready", "device=cuda", "device: cuda"];
const STACK: &str = "cannot enable executable stack as shared object requires";

pub(super) const WHS_01: Rule = Rule {
    id: "WHS-01",
    version: 1,
    playbook: Playbook::Whisper,
    layer: Layer::App,
    severity: Severity::Critical,
    title: "a CUDA library that Whisper needs is missing",
    why: "The loader does not find cuDNN or cuBLAS: it is not installed, has a different major version, or is in \
          site-packages, where the loader searches only with LD_LIBRARY_PATH. The driver and the GPU are fine; other \
          programs ship these libraries themselves.",
    explains: &["SUP-06", "SUP-10", "SUP-15", "SUP-17", "SYS-03", "PY-01", "PY-06", "WHS-02", "TOOL-02"],
    needs: &[Need::Logs],
    signs: NOT_FOUND,
    check: Check::Service(lacks_a_library),
};

pub(super) const WHS_03: Rule = Rule {
    id: "WHS-03",
    version: 1,
    playbook: Playbook::Whisper,
    layer: Layer::App,
    severity: Severity::Critical,
    title: "Whisper loads its model but fails at the first request",
    why: "The model was loaded on the GPU without an error, and the first transcription failed because of a library \
          that is opened only then. Start and health checks pass. Install the library; transcribing a second of audio \
          at every start reveals it in time.",
    explains: &["WHS-01", "PY-06"],
    needs: &[Need::Logs],
    signs: LOADED,
    check: Check::Service(fails_at_its_first_work),
};

pub(super) const WHS_05: Rule = Rule {
    id: "WHS-05",
    version: 1,
    playbook: Playbook::Whisper,
    layer: Layer::App,
    severity: Severity::Critical,
    title: "a library requires an executable stack, which is denied",
    why: "The library is marked as needing an executable stack, which glibc 2.41 and later, or a kernel policy, deny. \
          The file exists and is intact (not SUP-06 or WHS-01); only the flag is wrong.",
    explains: &["SUP-06", "SUP-10", "SUP-17", "SYS-03", "PY-01", "PY-06", "WHS-01", "TOOL-02"],
    needs: &[Need::Logs],
    signs: &[STACK],
    check: Check::Service(wants_an_executable_stack),
};

fn is_python_role(service: &ServiceFacts) -> bool {
    matches!(service.service.role, Role::Whisper | Role::Worker | Role::Api | Role::Other)
}

/// Returns the name of the library of CUDA that a line misses: `libcublas.so.12`.
fn library(text: &str) -> Option<String> {
    let start = LATE.iter().filter_map(|name| text.find(name)).min()?;
    let rest = text.get(start..)?;
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c))).unwrap_or(rest.len());
    rest.get(..end).map(|name| name.trim_end_matches('.').to_owned())
}

/// Returns the line that misses a library of CUDA, and its name. A service without trouble may quote such a line; it
/// counts from its own running life, while the library is really not mapped.
fn missing<'a>(facts: &Facts, service: &'a ServiceFacts) -> Option<(&'a LogLine, String)> {
    if !is_python_role(service) {
        return None;
    }
    let lines = service.lines_now();
    let found = lines.iter().rev().find_map(|line| {
        let fits = NOT_FOUND.iter().any(|sign| line.text.contains(sign));
        fits.then(|| library(&line.text)).flatten().map(|name| (*line, name))
    });
    let (line, name) = found?;
    if service.trouble().is_some() {
        return Some((line, name));
    }
    // An API that runs well passes on what its users and its workers say.
    let is_own = service.service.role != Role::Api && line.error;
    (is_own && facts.is_recent(line) && is_mapped(service, &name) != Some(true)).then_some((line, name))
}

fn is_mapped(service: &ServiceFacts, name: &str) -> Option<bool> {
    let stem = name.split(".so").next().unwrap_or(name);
    let mut is_known = false;
    for process in service.all_processes() {
        let Some(libraries) = process.libraries.known() else { continue };
        is_known = true;
        let is_it = |path: &std::path::PathBuf| {
            path.file_name().and_then(|file| file.to_str()).is_some_and(|file| file.starts_with(stem))
        };
        if libraries.iter().any(is_it) {
            return Some(true);
        }
    }
    is_known.then_some(false)
}

/// Returns the line by which its model was loaded before `line`, in the same life.
fn loaded_before<'a>(service: &'a ServiceFacts, line: &LogLine) -> Option<&'a LogLine> {
    let lines = service.lines_now();
    let at = lines.iter().position(|other| std::ptr::eq(*other, line))?;
    lines
        .into_iter()
        .take(at)
        .rfind(|other| other.life == line.life && LOADED.iter().any(|sign| other.text.contains(sign)))
}

/// The step: the wheel of the library, of the version that the name asks for.
fn install(service: &ServiceFacts, name: &str) -> (Step, Option<Evidence>) {
    let found = service.libraries.as_ref().and_then(|fact| {
        let library = fact.known()?.iter().find(|library| library.name == *name || name.starts_with(&library.name))?;
        library.elsewhere.as_ref().map(|path| (fact, path.clone()))
    });
    if let Some((fact, path)) = found {
        let folder = path.parent().unwrap_or(&path).display().to_string();
        let (place, changes) = service.place_of_variable("LD_LIBRARY_PATH");
        let step = Step::change(
            changes,
            format!("add {folder} to LD_LIBRARY_PATH in {place}, then restart {}", service.name()),
            format!("remove {folder} from LD_LIBRARY_PATH"),
        );
        return (
            step,
            Some(Evidence::of_fact(fact, format!("{name} is at {}, where the loader does not search", path.display()))),
        );
    }
    let cuda = if name.contains("so.11") { "cu11" } else { "cu12" };
    let package = if name.starts_with("libcudnn") {
        let major = if name.contains("_infer") || name.contains("so.8") { "8" } else { "9" };
        format!("nvidia-cudnn-{cuda}=={major}.*")
    } else if name.starts_with("libcublas") {
        format!("nvidia-cublas-{cuda}")
    } else {
        format!("nvidia-cuda-runtime-{cuda}")
    };
    let python = service.python.as_ref().and_then(|fact| fact.known());
    let interpreter = python.map_or_else(|| "python3".to_owned(), |python| python.interpreter.display().to_string());
    let plain = package.split("==").next().unwrap_or(&package).to_owned();
    let step = Step::change(
        Changes::Service(service.name().to_owned()),
        format!("install {package} for its Python, and add it to LD_LIBRARY_PATH"),
        format!("{interpreter} -m pip uninstall {plain}"),
    )
    .command(&[interpreter.as_str(), "-m", "pip", "install", &package]);
    (step, None)
}

fn second(service: &ServiceFacts, name: &str) -> Evidence {
    match (is_mapped(service, name), service.server()) {
        (Some(false), Some(process)) => {
            let shown = Evidence::of_process(service, process, format!("pid {}: {name} is not mapped", process.pid));
            Evidence { source: format!("/proc/{}/maps", process.pid), ..shown }
        }
        _ => Evidence::of_state(service),
    }
}

fn lacks_a_library(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let (line, name) = missing(facts, service)?;
    // That of the first work is another rule's.
    if loaded_before(service, line).is_some() {
        return None;
    }
    let (step, elsewhere) = install(service, &name);
    let where_it_is = if elsewhere.is_some() { "; it is installed where the loader does not search" } else { "" };
    let cause = format!("{name} is not found, which it needs to use CUDA{where_it_is}");
    let is_sure = elsewhere.is_some() || is_mapped(service, &name) == Some(false) || service.trouble().is_some();
    let mut evidence = vec![Evidence::of_line(line)];
    evidence.extend(elsewhere);
    evidence.push(second(service, &name));
    Some(hit(Some(service), cause, evidence, step).confidence(proven_if(is_sure)))
}

fn fails_at_its_first_work(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let (line, name) = missing(facts, service)?;
    let loaded = loaded_before(service, line)?;
    let (step, elsewhere) = install(service, &name);
    let cause = format!(
        "loads its model but fails at the first request: {name} is opened only then and not found; transcribing a \
         second of audio at every start reveals that in time"
    );
    let mut evidence = vec![Evidence::of_line(loaded), Evidence::of_line(line)];
    evidence.extend(elsewhere);
    evidence.push(second(service, &name));
    Some(hit(Some(service), cause, evidence, step))
}

fn wants_an_executable_stack(_: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let line = service.line_of_trouble(&[STACK])?;
    let name = line.text.split(": ").find(|part| part.contains(".so")).map(|part| part.trim().to_owned())?;
    let file = name.rsplit('/').next().unwrap_or(&name);
    let marked = service.libraries.as_ref().and_then(|fact| {
        let library =
            fact.known()?.iter().find(|library| library.wants_executable_stack && library.name.ends_with(file))?;
        Some((fact, library))
    });
    let path = marked.and_then(|(_, library)| library.found.as_ref()).map(|path| path.display().to_string());
    let path = path.or_else(|| name.starts_with('/').then(|| name.clone()));
    let by = if line.text.contains("ermission denied") { "the system's policy" } else { "this glibc or kernel" };
    let cause = format!("{file} requires an executable stack, which {by} denies");
    let python = service.python.as_ref().and_then(|fact| fact.known());
    let interpreter = python.map_or_else(|| "python3".to_owned(), |python| python.interpreter.display().to_string());
    let step = match &path {
        Some(path) => Step::change(
            Changes::File(path.clone()),
            format!("clear the flag in {path}"),
            format!("patchelf --set-execstack {path}"),
        )
        .command(&["patchelf", "--clear-execstack", path]),
        None => {
            let version = python.and_then(|python| python.ctranslate2_version.clone());
            let old = version.map_or_else(|| "ctranslate2".to_owned(), |version| format!("ctranslate2=={version}"));
            Step::change(
                Changes::Service(service.name().to_owned()),
                "install a newer ctranslate2, whose library does not have the flag",
                format!("{interpreter} -m pip install {old}"),
            )
            .command(&[interpreter.as_str(), "-m", "pip", "install", "--upgrade", "ctranslate2"])
        }
    };
    let second = match marked {
        Some((fact, library)) => {
            let at = library.found.as_ref().map_or_else(String::new, |path| format!(" ({})", path.display()));
            Evidence::of_fact(fact, format!("{}{at}: PT_GNU_STACK is executable", library.name))
        }
        None => Evidence::of_state(service),
    };
    Some(hit(Some(service), cause, vec![Evidence::of_line(line), second], step).confidence(proven_if(marked.is_some())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_missing_library_is_named() {
        let name = |text: &str| library(text);
        assert_eq!(
            name("RuntimeError: Library libcublas.so.12 is not found or cannot be loaded"),
            Some("libcublas.so.12".into())
        );
        assert_eq!(
            name("Unable to load any of {libcudnn_ops.so.9.1.0, libcudnn_ops.so.9}"),
            Some("libcudnn_ops.so.9.1.0".into())
        );
        assert_eq!(name("libfoo.so.1: cannot open shared object file"), None);
    }
}
