//! Shared libraries that are missing or do not fit.

use super::super::manage::symptoms;
use super::super::step::{Step, hit, proven_if};
use super::super::text::between;
use super::super::{Check, Need, Rule};
use super::spawn::{correct, undo_of_a_start};
use crate::model::service::Manager;
use crate::node::Fact;
use crate::triage::facts::{Facts, Library, ServiceFacts};
use crate::triage::finding::{Changes, Confidence, Evidence, Hit, Layer, Playbook, Severity};

const LOADER: &str = "error while loading shared libraries: ";

pub(super) const SUP_06: Rule = Rule {
    id: "SUP-06",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Service,
    severity: Severity::Critical,
    title: "a shared library is not found",
    why: "The dynamic loader ends the program with status 127 before it runs: a library that it needs is not in any \
          directory the loader searches (RUNPATH, the program's LD_LIBRARY_PATH, the loader cache). The file may well \
          exist elsewhere. A library of the wrong version is SUP-09; one that requires an executable stack is WHS-05.",
    explains: symptoms!["LLM-14", "WHS-01"],
    needs: &[Need::Logs, Need::Libraries],
    signs: &[LOADER],
    check: Check::Service(library_is_missing),
};

fn library_is_missing(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    service.trouble()?;
    let line = service.line_of_trouble(&[LOADER]).filter(|line| !line.text.contains("executable stack"));
    let known = service.libraries.as_ref().and_then(Fact::known);
    let missing = || known?.iter().find(|library| library.found.is_none());
    // Without a line: the loader's status, and a library that is not there.
    let name = match line {
        Some(line) => line.text.split_once(LOADER)?.1.split(':').next()?.trim().to_owned(),
        None if service.ended_with(127, None) => missing()?.name.clone(),
        None => return None,
    };
    let reason = line.and_then(|line| line.text.split_once(LOADER)?.1.split_once(": ").map(|(_, reason)| reason));
    let program = line.and_then(|line| line.text.split_once(": error while").map(|(program, _)| program.trim()));
    let program = program
        .filter(|program| program.starts_with('/'))
        .map(str::to_owned)
        .or_else(|| service.launcher.as_ref().map(|launcher| launcher.program.display().to_string()));
    let program = program.unwrap_or_else(|| service.name().to_owned());
    let library = known.and_then(|known| known.iter().find(|library| library.name == name));
    let mut evidence = match line {
        Some(line) => service.line_and_state(line),
        None => vec![Evidence::of_state(service)],
    };
    if let (Some(fact), Some(library)) = (&service.libraries, library) {
        evidence.push(Evidence::of_fact(fact, library_text(library)));
    }
    let is_absent = reason.is_none_or(|reason| reason.contains("cannot open shared object file"));
    if !is_absent {
        let reason = reason.unwrap_or_default();
        let step = Step::inspect(format!("check what {name} is, and reinstall it from the same release as {program}"));
        let step = match library.and_then(|library| library.found.as_ref()) {
            Some(path) => step.command(&["file", "-L", &path.display().to_string()]),
            None => step,
        };
        return Some(hit(Some(service), format!("{program} cannot load {name}: {reason}"), evidence, step));
    }
    if let Some(path) = library.and_then(|library| library.found.as_ref()) {
        let start = if service.process().is_some() { "restart" } else { "start" };
        let text = format!("start it again: {name} is found now, at {}", path.display());
        let step = Step::change(Changes::Service(service.name().to_owned()), text, undo_of_a_start(facts, service))
            .maybe_command(service.manage(facts, start));
        let cause = format!("{program} did not find {name} when it was started; it is at {} now", path.display());
        return Some(hit(Some(service), cause, evidence, step).confidence(Confidence::Likely));
    }
    let elsewhere = library.and_then(|library| library.elsewhere.as_ref());
    let (cause, step) = match elsewhere.and_then(|path| Some((path, path.parent()?.display()))) {
        Some((path, folder)) => {
            let cause = format!(
                "{program} needs {name}, which the loader cannot find; there is one at {}, where it does not search",
                path.display()
            );
            (cause, search_in(facts, service, &folder.to_string()))
        }
        None => {
            let cause = format!("{program} needs {name}, which is not on this node");
            let text = format!("install the package or release that contains {name}, matching {program}");
            (cause, Step::change(Changes::Host, text, "remove that package again"))
        }
    };
    Some(hit(Some(service), cause, evidence, step).confidence(proven_if(line.is_some() && library.is_some())))
}

/// Returns the step that lets the loader search one more folder, for this service alone.
fn search_in(facts: &Facts, service: &ServiceFacts, folder: &str) -> Step {
    let settings = service.settings();
    let old = settings.and_then(|settings| settings.environment.iter().find(|(name, _)| name == "LD_LIBRARY_PATH"));
    let value = match old {
        Some((_, old)) => format!("{folder}:{old}"),
        None => folder.to_owned(),
    };
    if let Manager::Systemd(unit) = &service.service.manager {
        let text = format!("add Environment=LD_LIBRARY_PATH={value} to the unit");
        return Step::change(Changes::File(format!("a drop-in for {unit}")), text, format!("systemctl revert {unit}"))
            .command(&["systemctl", "edit", unit]);
    }
    let place = service.settings_place();
    let undo = match old {
        Some((_, old)) => format!("restore LD_LIBRARY_PATH=\"{old}\" in {place}, then update"),
        None => format!("remove LD_LIBRARY_PATH from environment= in {place}, then update"),
    };
    let text = format!("set environment=LD_LIBRARY_PATH=\"{value}\" in {place}, then reread and update");
    Step::change(service.settings_change(), text, undo).maybe_command(service.update(facts))
}

fn library_text(library: &Library) -> String {
    match (&library.found, &library.elsewhere) {
        (Some(path), _) => {
            format!("{} => {} (by {})", library.name, path.display(), library.by.as_deref().unwrap_or("?"))
        }
        (None, Some(path)) => format!("{} => not found; a file of that name is {}", library.name, path.display()),
        (None, None) => format!("{} => not found", library.name),
    }
}

pub(super) const SUP_09: Rule = Rule {
    id: "SUP-09",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Service,
    severity: Severity::Critical,
    title: "the program and its libraries have different versions",
    why: "A library was found but lacks a symbol or version that the program needs: parts of two releases are mixed, \
          or the program was built on a newer system. A missing library is SUP-06.",
    explains: symptoms!["PY-01", "PY-03"],
    needs: &[Need::Logs, Need::Libraries],
    signs: &["symbol lookup error", "undefined symbol", "' not found (required by"],
    check: Check::Service(symbol_is_missing),
};

fn symbol_is_missing(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let line = service
        .lines_of_trouble()
        .into_iter()
        .rev()
        .find(|line| SUP_09.signs.iter().any(|sign| line.text.contains(sign)))?;
    let text = line.text.as_str();
    let words = || text.split([' ', ':', '(', ')', ',']).filter(|word| word.starts_with('/'));
    let is_library = |word: &&str| word.contains(".so");
    let library = words().find(is_library);
    let program = words().find(|word| !is_library(word)).map(str::to_owned);
    let program = program.or_else(|| service.argv().first().cloned()).unwrap_or_else(|| service.name().to_owned());
    let mut evidence = service.line_and_state(line);
    let libraries = service.libraries.as_ref();
    let found = libraries.and_then(Fact::known).and_then(|all| {
        let name = library?.rsplit('/').next()?;
        all.iter().find(|one| one.name == name)
    });
    if let (Some(fact), Some(found)) = (libraries, found) {
        evidence.push(Evidence::of_fact(fact, library_text(found)));
    }
    let shown = library.unwrap_or("a library");
    if let Some((_, rest)) = text.split_once("undefined symbol: ") {
        let symbol = rest.split([' ', ',', '(']).next().unwrap_or(rest);
        let cause = format!("{shown} lacks the required symbol {symbol}: parts of two releases are mixed");
        let text = format!("install {program} and {shown} from the same release");
        let step =
            Step::change(Changes::File(shown.to_owned()), text, format!("keep a copy of {shown} and restore it"));
        return Some(hit(Some(service), cause, evidence, step));
    }
    let version = between(text, "`", "'").or_else(|| between(text, "version ", " not found")).unwrap_or("a version");
    let by = between(text, "(required by ", ")").unwrap_or(&program).to_owned();
    let cause =
        format!("{by} needs {version}, which this system's {shown} does not provide: it was built on a newer system");
    let text = format!("use a build of {by} for this system");
    let undo = match service.settings() {
        Some(settings) => format!("restore command={}", settings.command),
        None => format!("keep a copy of {by} and restore it"),
    };
    let step = match service.settings() {
        Some(_) if by == program => correct(facts, service, "command=", &format!(": {text}")),
        _ => Step::change(Changes::File(by.clone()), text, undo),
    };
    Some(hit(Some(service), cause, evidence, step))
}
