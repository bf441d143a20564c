//! Why a Python service does not start.

use super::super::manage::symptoms;
use super::super::step::{Step, hit, proven_if};
use super::super::text::between;
use super::super::{Check, Need, Rule};
use super::exception::{Exception, ends_as_python, exception, fatal, shown};
use crate::model::service::Manager;
use crate::node::Fact;
use crate::node::log::LogLine;
use crate::node::process::Listener;
use crate::triage::facts::{Facts, ServiceFacts};
use crate::triage::finding::{Changes, Confidence, Evidence, Hit, Layer, Playbook, Severity};
use std::path::Path;

pub(super) const PY_01: Rule = Rule {
    id: "PY-01",
    version: 1,
    playbook: Playbook::Api,
    layer: Layer::App,
    severity: Severity::Critical,
    title: "a Python module is missing",
    why: "ModuleNotFoundError ended it: the environment of its interpreter lacks a package, often because it runs with \
          a different interpreter or virtual environment than the one pip installed into. A missing module of the \
          application itself is PY-05; a library that fails to load is SUP-06.",
    explains: symptoms!["PY-03"],
    needs: &[Need::Logs, Need::Python],
    signs: &["ModuleNotFoundError: ", "ImportError: No module named"],
    check: Check::Service(module_is_missing),
};

fn module_is_missing(_: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let found = fatal(service)?;
    let module = missing_module(&found)?;
    if is_of_application(service, module) {
        return None; // PY-05
    }
    let top = module.split('.').next().unwrap_or(module);
    let mut evidence = service.line_and_state(found.line);
    let interpreter = match service.python.as_ref().and_then(|fact| Some((fact, fact.known()?))) {
        Some((fact, python)) => {
            let folders: Vec<String> = python.site_packages.iter().map(|path| path.display().to_string()).collect();
            let text = format!("{} has packages in {}", python.interpreter.display(), folders.join(", "));
            evidence.push(Evidence::of_fact(fact, text));
            Some(python.interpreter.display().to_string())
        }
        None => interpreter_of(service),
    };
    let cause = match &interpreter {
        Some(interpreter) => format!("the Python module {module} is not installed for {interpreter}"),
        None => format!("the Python module {module} is not installed"),
    };
    let interpreter = interpreter.unwrap_or_else(|| "python3".to_owned());
    let text = format!(
        "check whether that environment has it; if not, install the package that provides {top}: {interpreter} \
                 -m pip install PACKAGE"
    );
    let step = Step::inspect(text).command(&[interpreter.as_str(), "-m", "pip", "show", top]);
    Some(hit(Some(service), cause, evidence, step))
}

pub(super) const PY_02: Rule = Rule {
    id: "PY-02",
    version: 1,
    playbook: Playbook::Api,
    layer: Layer::App,
    severity: Severity::Critical,
    title: "an environment variable is missing",
    why: "A KeyError for a name in capitals, a required settings field, or an exception that says so: the service \
          reads a variable that is not set. Programs get supervisord's own environment and what environment= adds, not \
          that of a login shell. A KeyError for a variable that is set has another cause.",
    explains: symptoms!["PY-03"],
    needs: &[Need::Logs, Need::Supervisor],
    signs: &["KeyError: '", "ValidationError: ", "Field required", "nvironment variable", "os.environ"],
    check: Check::Service(variable_is_missing),
};

fn variable_is_missing(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let found = fatal(service)?;
    let name = missing_variable(service, &found)?;
    let configured = service.settings().map(|settings| &settings.environment);
    let is_set = configured.is_some_and(|all| all.iter().any(|(own, _)| *own == name));
    let is_in_process =
        service.process().and_then(|process| process.environment.known()).map(|all| all.contains_key(&name));
    if is_set || is_in_process == Some(true) {
        return None;
    }
    let mut evidence = service.line_and_state(found.line);
    let asked = service.line_of_trouble(&["os.environ"]);
    evidence.extend(asked.map(Evidence::of_line));
    if let Some(configured) = configured {
        let names: Vec<&str> = configured.iter().map(|(name, _)| name.as_str()).collect();
        let names = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        evidence.push(service.settings_evidence(format!("environment= sets {names}")));
    }
    let step = if let Manager::Systemd(unit) = &service.service.manager {
        let text = format!("set Environment={name}=VALUE in the unit, then restart it");
        Step::change(Changes::File(format!("a drop-in for {unit}")), text, format!("systemctl revert {unit}"))
            .command(&["systemctl", "edit", unit])
    } else {
        let place = service.settings_place();
        let text = format!("set {name} in environment= of {place}, then reread and update");
        Step::change(
            service.settings_change(),
            text,
            format!("remove {name} from environment= of {place}, then update"),
        )
        .maybe_command(service.update(facts))
    };
    let cause = format!("the environment variable {name} is not set ({})", shown(&found));
    let confidence = proven_if(asked.is_some() || is_in_process == Some(false) || found.class != "KeyError");
    Some(hit(Some(service), cause, evidence, step).confidence(confidence))
}

/// Returns the variable that an exception says is missing.
fn missing_variable(service: &ServiceFacts, found: &Exception<'_>) -> Option<String> {
    let is_name = |word: &str| {
        word.len() > 2
            && word.starts_with(|c: char| c.is_ascii_uppercase())
            && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    };
    match found.class {
        "KeyError" => Some(found.message.trim_matches(['\'', '"'])).filter(|word| is_name(word)).map(str::to_owned),
        "ValidationError" => {
            let model = found.message.rsplit_once(" for ").map_or("", |(_, model)| model).to_ascii_lowercase();
            let is_settings = ["setting", "config", "env"].iter().any(|part| model.contains(part));
            required_field(service).filter(|_| is_settings).map(|field| field.to_ascii_uppercase())
        }
        _ => {
            let message = found.message;
            let speaks_of_it =
                message.to_ascii_lowercase().contains("environment variable") || message.contains("envvar");
            let mut words = message.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            words.find(|word| is_name(word)).filter(|_| speaks_of_it).map(str::to_owned)
        }
    }
}

/// Returns the field that pydantic names on the line above "Field required".
fn required_field(service: &ServiceFacts) -> Option<String> {
    service.logs.iter().filter_map(Fact::known).find_map(|log| {
        let lines: Vec<&LogLine> = log.last.iter().collect();
        let at = lines.iter().rposition(|line| line.text.trim_start().starts_with("Field required"))?;
        let name = lines.get(at.checked_sub(1)?)?.text.trim();
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        is_name.then(|| name.to_owned())
    })
}

const STARTUP: &str = "Application startup failed";

pub(super) const PY_03: Rule = Rule {
    id: "PY-03",
    version: 1,
    playbook: Playbook::Api,
    layer: Layer::App,
    severity: Severity::Critical,
    title: "the application's startup code failed",
    why: "uvicorn ran the application's startup code (lifespan), which raised an exception: it exits with status 3. \
          The exception is above that line. The server and the port are fine.",
    explains: &["SUP-10", "SUP-17", "SYS-03", "PY-06", "WRK-01", "TOOL-02"],
    needs: &[Need::Logs],
    signs: &[STARTUP, "Error: ", "Exception: "],
    check: Check::Service(startup_failed),
};

fn startup_failed(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    if !ends_as_python(service) {
        return None;
    }
    let lines = service.lines_of_trouble();
    let at = lines.iter().rposition(|line| line.text.contains(STARTUP))?;
    let failed = lines.get(at)?;
    let above = lines.iter().take(at).rev().copied().take_while(|line| line.life == failed.life).find_map(exception);
    let mut evidence: Vec<Evidence> = above.iter().map(|one| Evidence::of_line(one.line)).collect();
    evidence.push(Evidence::of_line(failed));
    evidence.push(Evidence::of_state(service));
    let cause = match &above {
        Some(one) => format!("its startup code failed: {}", shown(one)),
        None => "its startup code failed; the exception is above that line in its log".to_owned(),
    };
    let step =
        Step::inspect("read the traceback above that line and fix what it names").maybe_command(service.tail(facts));
    Some(hit(Some(service), cause, evidence, step))
}

pub(super) const PY_04: Rule = Rule {
    id: "PY-04",
    version: 1,
    playbook: Playbook::Api,
    layer: Layer::Network,
    severity: Severity::Critical,
    title: "the port of a Python service is in use",
    why: "EADDRINUSE (errno 98): another process is listening on the address, often an older process of the same \
          service or a second copy that was started by hand. A missing permission is errno 13, a wrong address errno \
          99.",
    explains: symptoms!["PY-03", "LLM-21"],
    needs: &[Need::Logs, Need::Listeners],
    signs: &["[Errno 98]", "Connection in use: ("],
    check: Check::Service(port_in_use),
};

fn port_in_use(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    if !ends_as_python(service) {
        return None;
    }
    let line = PY_04.signs.iter().find_map(|sign| service.line_of_trouble(&[sign]))?;
    let in_line =
        between(&line.text, "('", ")").and_then(|inside| inside.split(',').nth(1)?.trim().parse::<u16>().ok()); // no number: the port is looked for elsewhere
    let argument = || service.argument(&["--port", "-p"]).and_then(|port| port.parse().ok()); // likewise
    let bind = || service.argument(&["--bind", "-b"])?.rsplit_once(':')?.1.parse().ok(); // likewise
    let endpoint = || service.endpoint().and_then(|endpoint| endpoint.port);
    let port: Option<u16> = in_line.or_else(argument).or_else(bind).or_else(endpoint);
    let shown = port.map_or_else(|| "its port".to_owned(), |port| format!("port {port}"));
    let listeners = &facts.machine.listeners;
    let holder: Option<&Listener> = listeners.known().and_then(|all| all.iter().find(|one| Some(one.port) == port));
    let mut evidence = service.line_and_state(line);
    let Some(holder) = holder else {
        let text = match (listeners.known(), listeners.why()) {
            (Some(_), _) => format!("no process listens on {shown} now"),
            (None, why) => format!("listeners unknown: {}", why.unwrap_or("no reason")),
        };
        evidence.push(Evidence::of_fact(listeners, text));
        let step = Step::inspect(format!("find out which process listens on {shown}")).command(&["ss", "-ltnp"]);
        let cause = format!("{shown} was in use when it started; by which process is unknown");
        return Some(hit(Some(service), cause, evidence, step).confidence(Confidence::Likely));
    };
    let name = holder.name.clone().unwrap_or_else(|| "a process of another user or container".to_owned());
    let owner = match holder.pid {
        Some(pid) => format!("{name}, pid {pid}"),
        None => name,
    };
    let of_service =
        facts.services.iter().find(|one| one.all_processes().any(|process| Some(process.pid) == holder.pid));
    let belongs = match of_service {
        Some(other) if other.name() == service.name() => ", an older process of the same service",
        Some(_) => ", of another service",
        None => "",
    };
    let command = of_service.and_then(|one| one.all_processes().find(|process| Some(process.pid) == holder.pid));
    let command = command.map_or_else(String::new, |process| format!(": {}", process.argv.join(" ")));
    evidence.push(Evidence::of_fact(listeners, format!("{} {owner}{command}", holder.address)));
    let text = format!("find out what it is; then stop it, or move one of the two from {shown} to another port");
    let step = match holder.pid {
        Some(pid) => Step::inspect(text).command(&["ps", "-o", "pid,user,lstart,args", "-p", &pid.to_string()]),
        None => Step::inspect(text).command(&["sudo", "ss", "-ltnp"]),
    };
    let cause = format!("{shown} is in use: {} is used by {owner}{belongs}", holder.address);
    Some(hit(Some(service), cause, evidence, step))
}

pub(super) const PY_05: Rule = Rule {
    id: "PY-05",
    version: 1,
    playbook: Playbook::Api,
    layer: Layer::App,
    severity: Severity::Critical,
    title: "the application is not where the command expects it",
    why: "uvicorn or gunicorn cannot import the module that the command names, or the module lacks the attribute: the \
          name is wrong, the code is not in the image, or directory= is not the directory that the module path starts \
          from. A missing package is PY-01.",
    explains: symptoms!["PY-03", "PY-01"],
    needs: &[Need::Logs, Need::Launcher],
    signs: &[
        "Could not import module",
        "Error loading ASGI app",
        "Failed to find attribute",
        "Failed to find application",
    ],
    check: Check::Service(application_is_missing),
};

fn application_is_missing(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    if !ends_as_python(service) {
        return None;
    }
    let by_sign = PY_05.signs.iter().find_map(|sign| service.line_of_trouble(&[sign]));
    let by_exception = || {
        let found = fatal(service)?;
        is_of_application(service, missing_module(&found)?).then_some(found.line)
    };
    let line = by_sign.or_else(by_exception)?;
    let launcher = service.launcher.as_ref();
    let application = launcher.and_then(|launcher| launcher.application.as_ref());
    let name = application.map(|(name, _)| name.clone()).or_else(|| quoted(&line.text));
    let name = name.unwrap_or_else(|| "its application".to_owned());
    let (module, attribute) = name.split_once(':').unwrap_or((name.as_str(), ""));
    let folder = launcher.and_then(|launcher| launcher.directory.as_ref()).map(|(path, _)| path.clone());
    let folder = folder.or_else(|| service.settings().and_then(|settings| settings.directory.clone()));
    let folder = folder.as_deref().unwrap_or(Path::new("/")).display().to_string();
    let mut evidence = service.line_and_state(line);
    if let Some(settings) = service.settings() {
        let text = match &settings.directory {
            Some(directory) => format!("command={} directory={}", settings.command, directory.display()),
            None => format!("command={}, no directory=", settings.command),
        };
        evidence.push(service.settings_evidence(text));
    }
    let file = application.map(|(_, file)| file.as_ref());
    if let (Some(launcher), Some(file)) = (launcher, file) {
        let text = match file {
            Some(file) => format!("module {module} is {}", file.display()),
            None => format!("no file for the module {module} below {folder}"),
        };
        evidence.push(Evidence::new(folder.clone(), Some(launcher.file.time), text));
    }
    let is_attribute = line.text.contains("ttribute") || line.text.contains("Failed to find application");
    let cause = match (is_attribute, file) {
        (true, _) if !attribute.is_empty() => {
            format!("the module {module} has no attribute `{attribute}`, which the command names")
        }
        (true, _) => format!("the application that the command names is not in the module {module}"),
        (false, Some(Some(file))) => {
            format!("the module {module} cannot be imported although {} exists: its own imports fail", file.display())
        }
        (false, _) => format!(
            "the module {module} is not below {folder}: the command or directory= is wrong, or the code is missing"
        ),
    };
    let place = service.settings_place();
    let text = if is_attribute {
        format!("correct {name} in command= of {place}, then reread and update")
    } else {
        format!("correct {name} in command=, or directory=, of {place}, then reread and update")
    };
    let undo = match service.settings() {
        Some(settings) => format!("restore command={} in {place}, then update", settings.command),
        None => "restore the old command".to_owned(),
    };
    let step = Step::change(service.settings_change(), text, undo).maybe_command(service.update(facts));
    Some(hit(Some(service), cause, evidence, step).confidence(proven_if(file.is_some())))
}

/// Returns the module that an exception says is missing.
fn missing_module<'a>(found: &Exception<'a>) -> Option<&'a str> {
    let is_import = matches!(found.class, "ModuleNotFoundError" | "ImportError");
    let (_, rest) = found.message.split_once("No module named ")?;
    let module = rest.trim_matches(['\'', '"']);
    Some(module.split(['\'', ';', ' ']).next().unwrap_or(module)).filter(|module| is_import && !module.is_empty())
}

/// Returns whether a module is that of the application which the command names, or one above it.
fn is_of_application(service: &ServiceFacts, module: &str) -> bool {
    let application = service.launcher.as_ref().and_then(|launcher| launcher.application.as_ref());
    application.is_some_and(|(name, _)| {
        let own = name.split(':').next().unwrap_or(name);
        own == module || own.starts_with(&format!("{module}."))
    })
}

fn quoted(text: &str) -> Option<String> {
    let double = between(text, "\"", "\"");
    double.or_else(|| between(text, "'", "'")).map(str::to_owned)
}

/// Returns the interpreter of the command, where its first word is one.
fn interpreter_of(service: &ServiceFacts) -> Option<String> {
    let argv = service.argv();
    let first = argv.first()?;
    let name = first.rsplit('/').next().unwrap_or(first);
    if name.starts_with("python") {
        return Some(first.clone());
    }
    // `/opt/venv/bin/uvicorn` runs with the interpreter beside it.
    let folder = Path::new(first).parent().filter(|folder| folder.ends_with("bin"))?;
    first.starts_with('/').then(|| folder.join("python").display().to_string())
}
