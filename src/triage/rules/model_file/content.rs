//! What is in the file: something, a model, all of it.

use super::{is_for_llama, log_agrees, model_of, read_file, second, view};
use crate::display::units;
use crate::node::model_file::ModelFile;
use crate::triage::facts::{Facts, ServiceFacts};
use crate::triage::finding::{Changes, Confidence, Evidence, Hit, Layer, Playbook, Severity};
use crate::triage::rules::step::{Step, hit, proven_if};
use crate::triage::rules::text::grouped;
use crate::triage::rules::{Check, Need, Rule};

const NO_MAGIC: &[&str] = &["failed to read magic"];
const WRONG_MAGIC: &[&str] = &["invalid magic characters"];
const CUT: &[&str] =
    &["data is not within the file bounds", "failed to read key-value pairs", "failed to read tensor info"];

/// File systems that compress, share blocks or do not say what is allocated: few blocks mean nothing there.
const BLOCKS_MEAN_NOTHING: &[&str] = &[
    "btrfs", "zfs", "bcachefs", "f2fs", "squashfs", "erofs", "overlay", "nfs", "cifs", "smb", "fuse", "9p", "virtiofs",
    "lustre", "ceph", "gpfs", "beegfs", "ntfs", "apfs",
];

pub(super) const MDL_06: Rule = Rule {
    id: "MDL-06",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Storage,
    severity: Severity::Critical,
    title: "the model file is empty or not a regular file",
    why: "The path leads to an empty file, a directory or a device: a placeholder was created and never filled, or the \
          last part of the path is missing. The model is not damaged.",
    explains: &["MDL-07", "MDL-08", "SUP-10", "SUP-17", "SYS-03", "LLM-04", "TOOL-02"],
    needs: &[Need::ModelFile],
    signs: NO_MAGIC,
    check: Check::Service(is_empty),
};

pub(super) const MDL_07: Rule = Rule {
    id: "MDL-07",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Storage,
    severity: Severity::Critical,
    title: "the model file has the wrong format",
    why: "The first bytes are not those of a GGUF file: it is a saved web page, a git LFS pointer, an archive or a \
          model for another program. Downloading it again does not help until the reason (no login, no LFS) is fixed. \
          A truncated file is MDL-08.",
    explains: &["MDL-08", "SUP-10", "SUP-17", "SYS-03", "LLM-04", "TOOL-02"],
    needs: &[Need::ModelFile],
    signs: WRONG_MAGIC,
    check: Check::Service(is_of_another_format),
};

pub(super) const MDL_08: Rule = Rule {
    id: "MDL-08",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Storage,
    severity: Severity::Critical,
    title: "the model file is truncated or damaged",
    why: "The header requires more bytes than the file has, or the header itself is incomplete: the download did not \
          finish, the disk was full, or the file is damaged. The last lines of llama-server's log are the same for \
          many causes. An outdated llama.cpp is MDL-11; a file that is still growing is MDL-09.",
    explains: &["SUP-10", "SUP-17", "SYS-03", "LLM-04", "TOOL-02"],
    needs: &[Need::ModelFile],
    signs: CUT,
    check: Check::Service(is_cut),
};

pub(super) const MDL_10: Rule = Rule {
    id: "MDL-10",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Storage,
    severity: Severity::Critical,
    title: "the model file has holes",
    why: "The file has its full size but far fewer blocks on disk: downloads reserve the size first and fill it later, \
          so size and modification time stay the same while data is missing. Unless the header is broken as well, this \
          is only likely; on file systems that compress or share blocks it means nothing and is not reported.",
    explains: &["MDL-07", "MDL-08", "SUP-10", "SUP-17", "SYS-03", "LLM-04", "TOOL-02"],
    needs: &[Need::ModelFile],
    signs: &[],
    check: Check::Service(has_holes),
};

fn is_empty(_: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let model = model_of(service)?;
    let (fact, file) = view(model)?;
    let path = model.path.display();
    let is_other_kind = file.kind != "file" && (file.kind != "folder" || is_for_llama(service, model));
    let cause = match (file.size, is_other_kind) {
        (_, true) => format!("{path} is a {}, not a file", file.kind),
        (0, false) if file.kind == "file" => format!("{path} is empty: 0 bytes"),
        _ => return None,
    };
    let text = match model.neighbours.as_slice() {
        [(name, size)] if file.kind == "folder" => {
            format!("point the service at the file in it: {name}, {}", units::bytes(*size))
        }
        _ if file.kind == "folder" => "point the service at a file in this directory".to_owned(),
        _ => format!("download {path} again"),
    };
    let folder = if file.kind == "folder" { &model.path } else { model.path.parent().unwrap_or(&model.path) };
    let step = Step::inspect(text).command(&["ls", "-la", &folder.display().to_string()]);
    let evidence =
        vec![Evidence::of_fact(fact, format!("{path}: {}, {} bytes", file.kind, file.size)), second(service, NO_MAGIC)];
    Some(hit(Some(service), cause, evidence, step).severity(service.severity_of_a_start()))
}

fn is_of_another_format(_: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let (model, _, file, content) = read_file(service)?;
    if file.kind != "file" || file.size == 0 {
        return None;
    }
    let path = model.path.display().to_string();
    let folder = model.path.parent().unwrap_or(&model.path).display().to_string();
    let name = model.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let undo = format!("keep the current file as {path}.old until the new one loads");
    let fetch = |text: &str| Step::change(Changes::File(path.clone()), text, undo.clone());
    let (what, step) = match content.format.as_str() {
        "html" => (
            "a web page saved as a model".to_owned(),
            fetch("download the file again, with a login or token if the site requires one"),
        ),
        "git-lfs pointer" => (
            "a git LFS pointer, not the model".to_owned(),
            fetch("fetch the content that the pointer refers to").command(&[
                "git",
                "-C",
                &folder,
                "lfs",
                "pull",
                "--include",
                &name,
            ]),
        ),
        "zip" => (
            "a zip archive (or a PyTorch checkpoint)".to_owned(),
            Step::inspect("look into the archive and unpack the model").command(&["unzip", "-l", &path]),
        ),
        "safetensors" => (
            "a safetensors file, which llama.cpp cannot load".to_owned(),
            Step::inspect("convert the model with convert_hf_to_gguf.py, or download a GGUF version"),
        ),
        "other" => (format!("not a GGUF file: it begins with `{}`", content.magic), fetch("download the file again")),
        _ => return None,
    };
    let cause = format!("{path} is {what} ({} bytes)", grouped(file.size));
    let evidence = vec![
        Evidence::of_fact(&model.content, format!("first bytes `{}`: {}", content.magic, content.format)),
        second(service, WRONG_MAGIC),
    ];
    Some(hit(Some(service), cause, evidence, step).severity(service.severity_of_a_start()))
}

fn is_cut(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let Some((model, fact, file, content)) = read_file(service) else {
        return is_cut_by_the_log(service);
    };
    if file.kind != "file" || file.size == 0 || content.format != "gguf" {
        return None;
    }
    let path = model.path.display();
    let agrees = log_agrees(service, CUT);
    let is_short = content.needed.is_some_and(|needed| needed > file.size);
    let is_explained = content.is_big_endian
        || content.version.is_some_and(|version| !(2..=3).contains(&version))
        || content.shards.as_ref().is_some_and(|(.., missing)| !missing.is_empty());
    let (cause, shown) = match (content.needed, &content.damage) {
        (Some(needed), _) if is_short => (
            format!("{path} is truncated: it has {} of {} bytes", grouped(file.size), grouped(needed)),
            format!("the header requires {needed} bytes; size {}", file.size),
        ),
        (_, Some(damage)) if !is_explained => (format!("{path} is damaged: {damage}"), damage.clone()),
        _ => return was_cut(facts, service, model),
    };
    let step = Step::change(
        Changes::File(path.to_string()),
        format!("resume the download of {path}, or start it again"),
        format!("keep the current file as {path}.old until the new one loads"),
    );
    let evidence = vec![
        Evidence::of_fact(&model.content, shown),
        Evidence::of_fact(fact, format!("{path}: {} bytes", file.size)),
        second(service, CUT),
    ];
    Some(
        hit(Some(service), cause, evidence, step)
            .confidence(proven_if(is_short || agrees))
            .severity(service.severity_of_a_start()),
    )
}

/// The log says that the file was cut, it has been changed since, and it is whole now.
fn was_cut(facts: &Facts, service: &ServiceFacts, model: &ModelFile) -> Option<Hit> {
    let line = service.sign_of_trouble(CUT)?;
    let (fact, file) = view(model)?;
    let changed = file.modified?;
    if line.time? >= changed || service.lives.last().is_some_and(|life| life.began > Some(changed)) {
        return None;
    }
    let path = model.path.display();
    let cause = format!(
        "{path} was truncated when it was last loaded; it was completed at {} and is intact now",
        changed.rfc3339()
    );
    let step = Step::change(
        Changes::Service(service.name().to_owned()),
        format!("start {} again", service.name()),
        format!("stop {} again", service.name()),
    )
    .maybe_command(service.restart(facts));
    let evidence = vec![
        Evidence::of_line(line),
        Evidence::of_fact(fact, format!("{path}: {} bytes, modified {}", file.size, changed.rfc3339())),
    ];
    Some(hit(Some(service), cause, evidence, step))
}

/// The log alone: the file cannot be read.
fn is_cut_by_the_log(service: &ServiceFacts) -> Option<Hit> {
    let model = model_of(service)?;
    let line = service.sign_of_trouble(CUT)?;
    if !model.content.is_unknown() {
        return None;
    }
    let path = model.path.display();
    let why = model.content.why().unwrap_or("unknown");
    let step = Step::inspect(format!("check the file as a user who can read {path}")).command(&[
        "modelctl",
        "verify",
        &path.to_string(),
    ]);
    let evidence = vec![Evidence::of_line(line), Evidence::of_fact(&model.content, format!("{path}: {why}"))];
    let cause = format!("{path} is truncated or damaged, according to the log");
    Some(hit(Some(service), cause, evidence, step).confidence(Confidence::Likely))
}

fn has_holes(_: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let model = model_of(service)?;
    let (fact, file) = view(model)?;
    // Small files can be kept inside of the inode.
    if file.kind != "file" || file.size < 4_096 || file.allocated >= file.size / 10 * 9 {
        return None;
    }
    let content = model.content.known();
    let needs_more = content.and_then(|content| content.needed).is_some_and(|needed| needed > file.size);
    let fails = content.is_some_and(|content| content.damage.is_some() || content.format == "other");
    let kind = file.mount.as_ref().map_or("", |(_, _, kind)| kind.as_str());
    let says_nothing = kind.is_empty() || BLOCKS_MEAN_NOTHING.iter().any(|known| kind.starts_with(known));
    if needs_more || (says_nothing && !fails) {
        return None;
    }
    let path = model.path.display();
    let cause =
        format!("{path} has holes: {} of its {} bytes are on disk", grouped(file.allocated), grouped(file.size));
    let step = Step::change(
        Changes::File(path.to_string()),
        format!("compare the hash of {path} with the publisher's, and download it again if they differ"),
        format!("keep the current file as {path}.old until the new one loads"),
    )
    .command(&["sha256sum", &path.to_string()]);
    let first = Evidence::of_fact(fact, format!("{path}: size {}, allocated {}, on {kind}", file.size, file.allocated));
    let other = match content.and_then(|content| content.damage.clone()) {
        Some(damage) => Evidence::of_fact(&model.content, damage),
        None => Evidence::of_state(service),
    };
    let confidence = proven_if(fails);
    Some(
        hit(Some(service), cause, vec![first, other], step)
            .confidence(confidence)
            .severity(service.severity_of_a_start()),
    )
}
