//! Where the parts of each service are.

use crate::clock::Timestamp;
use crate::node::Fact;
use crate::triage::facts::{Facts, Mapped, ServiceFacts};
use crate::triage::show::{Line, Lines, Tone, size_and_age};
use serde_json::{Value, json};
use std::path::Path;

pub fn document(facts: &Facts, is_selected: &dyn Fn(&str) -> bool) -> Value {
    let services = facts.services.iter().filter(|service| is_selected(service.name()));
    let services: Vec<Value> = services
        .map(|service| json!({"name": service.name(), "role": service.service.role, "files": map(service)}))
        .collect();
    json!({"schema": 1, "time": facts.taken.rfc3339(), "services": services})
}

pub fn lines(facts: &Facts, is_selected: &dyn Fn(&str) -> bool, width: usize) -> Vec<Line> {
    let mut lines = Lines::new(width);
    for service in facts.services.iter().filter(|service| is_selected(service.name())) {
        lines.wrapped(Tone::Bold, "", service.name());
        for mapped in map(service) {
            one(&mut lines, &mapped, facts.taken);
        }
        lines.empty();
    }
    lines.into_vec()
}

fn one(lines: &mut Lines, mapped: &Mapped, now: Timestamp) {
    let line = mapped.line.map(|line| format!(":{line}")).unwrap_or_default();
    let what = &mapped.what;
    lines.whole(Tone::Plain, &format!("  {what:17}  {}{line}", mapped.path.display()));
    let (text, tone) = match &mapped.why {
        Some(why) => (why.clone(), Tone::Warn),
        None => (size_and_age(mapped.size, mapped.modified, now), Tone::Dim),
    };
    lines.wrapped(tone, &" ".repeat(21), &text);
}

/// Returns the files that were looked up for the map, completed by those that other facts name.
fn map(service: &ServiceFacts) -> Vec<Mapped> {
    let mut map = service.map.clone();
    let mut add = |what: &str, path: &Path, line, size, modified, why: Option<&str>| {
        if !map.iter().any(|mapped| mapped.path == path && mapped.what == what) {
            map.push(Mapped {
                what: what.to_owned(),
                path: path.to_owned(),
                line,
                size,
                modified,
                why: why.map(str::to_owned),
                sha256: None,
            });
        }
    };
    let settings = service.settings();
    if let Some((path, line)) = settings.and_then(|settings| settings.place.as_ref()) {
        add("supervisor config", path, Some(*line), None, None, None);
    }
    if let Some(launcher) = &service.launcher {
        let view = launcher.file.known();
        add(
            "launcher",
            &launcher.program,
            None,
            view.map(|v| v.size),
            view.and_then(|v| v.modified),
            launcher.file.why(),
        );
        if let Some((_, Some(file))) = &launcher.application {
            add("entry file", file, None, None, None, None);
        }
    }
    let directory = settings.and_then(|settings| settings.directory.as_deref());
    if let Some(directory) = directory.or_else(|| service.process().and_then(|process| process.cwd.as_deref())) {
        add("working directory", directory, None, None, None, None);
    }
    if let Some(model) = service.model.as_ref().and_then(Fact::known) {
        let view = model.service.known();
        add("model", &model.path, None, view.map(|v| v.size), view.and_then(|v| v.modified), model.service.why());
    }
    for (path, fact) in &service.files {
        let view = fact.known();
        add("file", path, None, view.map(|v| v.size), view.and_then(|v| v.modified), fact.why());
    }
    for fact in &service.logs {
        match fact.known() {
            Some(log) => add("log", &log.path, None, Some(log.size), log.modified, None),
            None => add("log", Path::new(&fact.source), None, None, None, fact.why()),
        }
    }
    map
}
