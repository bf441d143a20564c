use super::{Check, CheckName};
use crate::model::service::Role;
use crate::node::model_file::{Content, FileView, ModelFile};
use crate::node::{Fact, Outcome};

const NAME: CheckName = CheckName::Models;

/// Judges the model file of a service: that it exists, can be read, is whole, and that nobody writes it.
pub fn model(target: &str, role: Role, file: &Fact<ModelFile>) -> Check {
    let Some(file) = file.known() else {
        return match &file.outcome {
            Outcome::Absent { why } => Check::critical(NAME, target, "no model file", why.as_str()),
            _ => Check::of_unknown(NAME, target, "its model file is unknown", file),
        };
    };
    let path = file.path.display().to_string();
    let critical = |reason: String| Check::critical(NAME, target, path.as_str(), reason);
    if let Some(refusing) = &file.refusing {
        let right = if refusing.what == "enter" { "enter" } else { "read" };
        let reason = format!("its user cannot {right} `{}` (mode {:04o})", refusing.path.display(), refusing.mode);
        return critical(reason);
    }
    let Some(view) = file.service.known() else {
        return match &file.service.outcome {
            Outcome::Absent { .. } => critical(missing(file)),
            _ => Check::of_unknown(NAME, target, path.as_str(), &file.service),
        };
    };
    let is_gguf = is_gguf(role, &path);
    if view.kind == "folder" && !is_gguf {
        return Check::ok(NAME, target, format!("{path}: a directory"));
    }
    if let Some(reason) = at_rest(file, view) {
        return critical(reason);
    }
    if !is_gguf {
        return Check::ok(NAME, target, path);
    }
    let Some(content) = file.content.known() else {
        return Check::of_unknown(NAME, target, format!("{path}: content unknown"), &file.content);
    };
    match damage(content, view) {
        Some(reason) => critical(reason),
        None => Check::ok(NAME, target, path),
    }
}

/// Returns whether the file must be a GGUF: other roles have models of other formats.
fn is_gguf(role: Role, path: &str) -> bool {
    role == Role::Llama || path.to_ascii_lowercase().ends_with(".gguf")
}

fn missing(file: &ModelFile) -> String {
    match (&file.dangling, &file.nearest) {
        (Some(target), _) if target == "loop" => "its symbolic links form a loop".to_owned(),
        (Some(target), _) => format!("it is a symbolic link to `{target}`, which does not exist"),
        (None, Some((folder, names))) if !names.is_empty() => {
            format!("it does not exist; `{}` has {}", folder.display(), names.join(", "))
        }
        (None, Some((folder, _))) => format!("it does not exist; `{}` does", folder.display()),
        (None, None) => "it does not exist".to_owned(),
    }
}

/// Returns what is wrong with a file whose content is not looked at.
fn at_rest(file: &ModelFile, view: &FileView) -> Option<String> {
    if view.kind != "file" {
        return Some(format!("it is a {}, not a regular file", view.kind));
    }
    if view.size == 0 {
        return Some("it is empty".to_owned());
    }
    if let Some(stable) = file.stable.as_ref().filter(|stable| !stable.is_stable) {
        let (before, after) = stable.sizes;
        return Some(match before == after {
            true => format!("it was modified within {:.1} s", stable.seconds),
            false => format!("its size changed from {before} to {after} bytes within {:.1} s", stable.seconds),
        });
    }
    let (pid, name) = file.writer.as_ref()?;
    Some(format!("{name} (process {pid}) has it open for writing"))
}

fn damage(content: &Content, view: &FileView) -> Option<String> {
    if content.format != "gguf" {
        return Some(format!("it is not a GGUF file but {} (first bytes `{}`)", content.format, content.magic));
    }
    if let Some(needed) = content.needed.filter(|needed| *needed > view.size) {
        return Some(format!("it is truncated: it has {} of {needed} bytes", view.size));
    }
    if let Some(damage) = &content.damage {
        return Some(damage.clone());
    }
    if let Some(holes) = content.holes.filter(|holes| *holes > 0) {
        return Some(format!("{holes} bytes of its tensors were never written: unfinished download"));
    }
    let (_, count, missing) = content.shards.as_ref()?;
    let names = missing.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
    (!missing.is_empty()).then(|| format!("{} of its {count} parts are missing: {names}", missing.len()))
}
