//! Whether this llama.cpp loads a file of this kind.

use super::{log_agrees, model_of, read_file, second};
use crate::triage::facts::{Facts, ServiceFacts};
use crate::triage::finding::{Changes, Evidence, Hit, Layer, Playbook, Severity};
use crate::triage::rules::ask::MODEL;
use crate::triage::rules::step::{Step, hit, proven_if};
use crate::triage::rules::text::{between, word_after};
use crate::triage::rules::{Check, Need, Rule};

const UNKNOWN_ARCHITECTURE: &str = "unknown model architecture";
/// What llama.cpp prints of itself at its start.
const BUILD: &str = "build: ";
const WRONG_VERSION: &[&str] = &["is no longer supported", "this software only supports up to version"];
const BAD_SPLIT: &[&str] = &["invalid split file", "failed to load GGUF split", "illegal split file"];
const NO_EMBEDDINGS: &[&str] = &["'token_embd.weight' not found", "token_embd.weight"];

pub(super) const MDL_11: Rule = Rule {
    id: "MDL-11",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Service,
    severity: Severity::Critical,
    title: "this llama.cpp does not support the model's architecture",
    why: "llama.cpp logs an architecture that it does not support: the model is newer than the program. The file is \
          intact; downloading it again does not help.",
    explains: &["SUP-10", "SUP-17", "SYS-03", "LLM-04", "TOOL-02"],
    needs: &[Need::Logs],
    signs: &[UNKNOWN_ARCHITECTURE, BUILD],
    check: Check::Service(has_unknown_architecture),
};

pub(super) const MDL_12: Rule = Rule {
    id: "MDL-12",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Service,
    severity: Severity::Critical,
    title: "the version of the GGUF file is not supported",
    why: "llama.cpp reads GGUF versions 2 and 3 in the machine's byte order. Version 1 must be converted again; a \
          higher version needs a newer program; a strange version number usually means the other byte order.",
    explains: &["MDL-08", "SUP-10", "SUP-17", "SYS-03", "LLM-04", "TOOL-02"],
    needs: &[Need::ModelFile],
    signs: WRONG_VERSION,
    check: Check::Service(has_other_version),
};

pub(super) const MDL_13: Rule = Rule {
    id: "MDL-13",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Storage,
    severity: Severity::Critical,
    title: "a part of the model is missing",
    why: "The model is split into several files (NAME-00001-of-0000N.gguf); all of them must be in one directory, and \
          the server must be given the first. The parts that are present are not damaged.",
    explains: &["MDL-08", "MDL-14", "SUP-10", "SUP-17", "SYS-03", "LLM-04", "TOOL-02"],
    needs: &[Need::ModelFile],
    signs: BAD_SPLIT,
    check: Check::Service(lacks_a_shard),
};

pub(super) const MDL_14: Rule = Rule {
    id: "MDL-14",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Service,
    severity: Severity::Critical,
    title: "the file is not a model but belongs to one",
    why: "The file has no token embeddings: it is a vocabulary, an image projector or an adapter, but was given as the \
          model. It is intact; pass it next to a model, with --mmproj or --lora.",
    explains: &["SUP-10", "SUP-17", "SYS-03", "LLM-04", "TOOL-02"],
    needs: &[Need::ModelFile],
    signs: NO_EMBEDDINGS,
    check: Check::Service(is_a_companion),
};

fn has_unknown_architecture(_: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let line = service.line_of_trouble(&[UNKNOWN_ARCHITECTURE])?;
    let named = between(&line.text, "'", "'").unwrap_or("unknown");
    let model = model_of(service);
    let content = model.and_then(|model| Some((model, model.content.known()?)));
    let in_file = content.and_then(|(_, content)| content.architecture.as_deref());
    // The file names another one: it was replaced since.
    if in_file.is_some_and(|architecture| architecture != named) {
        return None;
    }
    let build_line = service.line_of_trouble(&[BUILD]);
    let build = build_line
        .and_then(|line| word_after(&line.text, BUILD))
        .map_or_else(|| "unknown build".to_owned(), |build| format!("build {build}"));
    let program = service.argv().first().cloned().unwrap_or_else(|| "llama.cpp".to_owned());
    let of_file = model.map_or_else(String::new, |model| format!(" of {}", model.path.display()));
    let gguf = content.and_then(|(_, content)| content.version).map_or_else(String::new, |v| format!(", GGUF v{v}"));
    let cause = format!("{program} ({build}) does not support the architecture `{named}`{of_file}{gguf}");
    let step = Step::change(
        Changes::Service(service.name().to_owned()),
        format!("install a newer llama.cpp that supports `{named}`"),
        format!("restore {program} ({build})"),
    )
    .command(&[program.as_str(), "--version"]);
    let mut evidence = vec![Evidence::of_line(line)];
    if let (Some((model, _)), Some(architecture)) = (content, in_file) {
        evidence.push(Evidence::of_fact(&model.content, format!("general.architecture = {architecture}")));
    }
    evidence.push(build_line.map_or_else(|| Evidence::of_state(service), Evidence::of_line));
    Some(hit(Some(service), cause, evidence, step).confidence(proven_if(in_file.is_some())))
}

fn has_other_version(_: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let (model, _, _, content) = read_file(service)?;
    let version = content.version?;
    if content.format != "gguf" || (!content.is_big_endian && (2..=3).contains(&version)) {
        return None;
    }
    let path = model.path.display();
    let (cause, text) = match version {
        _ if content.is_big_endian => (
            format!("{path} has the wrong byte order for this machine (GGUF v{version}, big-endian)"),
            "download or convert the model in this machine's byte order".to_owned(),
        ),
        0 | 1 => (
            format!("{path} is GGUF v{version}, which llama.cpp no longer reads"),
            "download the model as GGUF v3, or convert it again".to_owned(),
        ),
        _ => (
            format!("{path} is GGUF v{version}; llama.cpp reads at most v3"),
            "install a llama.cpp that reads this version, or download the model as GGUF v3".to_owned(),
        ),
    };
    let step = Step::change(Changes::File(path.to_string()), text, format!("keep {path} until the new one loads"));
    let order = if content.is_big_endian { ", big-endian" } else { "" };
    let evidence = vec![
        Evidence::of_fact(&model.content, format!("GGUF version {version}{order}")),
        second(service, WRONG_VERSION),
    ];
    Some(hit(Some(service), cause, evidence, step).severity(service.severity_of_a_start()))
}

fn lacks_a_shard(_: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let (model, fact, _, content) = read_file(service)?;
    let (this, of, missing) = content.shards.as_ref()?;
    let agrees = log_agrees(service, BAD_SPLIT);
    let folder = model.path.parent().unwrap_or(&model.path).display().to_string();
    let (cause, step) = if let Some(first) = missing.first() {
        let others = match missing.len() {
            1 => String::new(),
            n => format!(" and {} more", n - 1),
        };
        let cause = format!("{} of {of} parts of the model are missing in {folder}: {first}{others}", missing.len());
        let step = Step::inspect(format!("put {} into {folder}", missing.join(", "))).command(&["ls", "-la", &folder]);
        (cause, step)
    } else if *this != 1 && agrees {
        let argv = service.argv();
        let name = MODEL.iter().find(|name| argv.iter().any(|word| word == *name)).copied().unwrap_or("-m");
        let (place, changes) = service.place_of(name);
        let path = model.path.display();
        let cause = format!("{path} is part {this} of {of}; the server must be given the first");
        let step = Step::change(
            changes,
            format!("pass the first part as `{name}` in {place}"),
            format!("restore `{name} {path}` in {place}"),
        );
        (cause, step)
    } else {
        return None;
    };
    let neighbours: Vec<&str> = model.neighbours.iter().map(|(name, _)| name.as_str()).collect();
    let evidence = vec![
        Evidence::of_fact(&model.content, format!("part {this} of {of}; missing: {}", missing.join(", "))),
        Evidence::of_fact(fact, format!("in {folder}: {}", neighbours.join(", "))),
        second(service, BAD_SPLIT),
    ];
    Some(hit(Some(service), cause, evidence, step).severity(service.severity_of_a_start()))
}

fn is_a_companion(_: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let (model, _, _, content) = read_file(service)?;
    let kind = content.kind.as_deref().unwrap_or("model");
    let is_companion = matches!(kind, "projector" | "adapter" | "vocabulary" | "imatrix");
    let lacks_embeddings = content.has_token_embeddings == Some(false);
    let is_part = content.shards.as_ref().is_some_and(|(this, ..)| *this != 1);
    // A model that loads has what it needs, whatever its tensors are called.
    if content.format != "gguf" || is_part || service.is_well() || !(is_companion || lacks_embeddings) {
        return None;
    }
    let agrees = log_agrees(service, NO_EMBEDDINGS);
    if service.trouble().is_none() || !(is_companion || agrees) {
        return None;
    }
    let path = model.path.display();
    let (what, argument) = match kind {
        "projector" => ("a projector", "pass it as `--mmproj` and"),
        "adapter" => ("an adapter", "pass it as `--lora` and"),
        "vocabulary" => ("a vocabulary without weights", ""),
        _ => ("a file without token embeddings", ""),
    };
    let (place, changes) = service.place_of("-m");
    let cause = format!("{path} is {what}, not a model");
    let text = format!("{argument} pass the model itself with `-m` in {place}").trim_start().to_owned();
    let step = Step::change(changes, text, format!("restore `-m {path}` in {place}"));
    let evidence = vec![
        Evidence::of_fact(&model.content, format!("kind {kind}; token_embd.weight is not among its tensors")),
        second(service, NO_EMBEDDINGS),
    ];
    Some(hit(Some(service), cause, evidence, step).confidence(proven_if(agrees)))
}
