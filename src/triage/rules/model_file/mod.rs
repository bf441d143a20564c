//! The file of a model: whether it is there, may be read, is whole, still and of a kind that the server loads.

mod change;
mod content;
mod kinds;
mod place;
#[cfg(test)]
mod tests;

use super::Rule;
use crate::model::service::Role;
use crate::node::Fact;
use crate::node::model_file::{Content, FileView, ModelFile};
use crate::triage::facts::ServiceFacts;
use crate::triage::finding::Evidence;

pub const RULES: &[Rule] = &[
    place::MDL_01,
    place::MDL_02,
    place::MDL_03,
    place::MDL_04,
    place::MDL_05,
    content::MDL_06,
    content::MDL_07,
    content::MDL_08,
    change::MDL_09,
    content::MDL_10,
    kinds::MDL_11,
    kinds::MDL_12,
    kinds::MDL_13,
    kinds::MDL_14,
    change::MDL_15,
];

fn model_of(service: &ServiceFacts) -> Option<&ModelFile> {
    service.model.as_ref()?.known()
}

/// Returns the file as the service sees it, else as we see it.
fn view(model: &ModelFile) -> Option<(&Fact<FileView>, &FileView)> {
    [&model.service, &model.ours].into_iter().find_map(|fact| Some((fact, fact.known()?)))
}

/// Returns whether the file is one that llama.cpp should load; Whisper has folders and formats of its own.
fn is_for_llama(service: &ServiceFacts, model: &ModelFile) -> bool {
    service.service.role == Role::Llama || model.path.extension().is_some_and(|extension| extension == "gguf")
}

/// Returns the file with its size and what its bytes say, where it is one for llama.cpp.
fn read_file(service: &ServiceFacts) -> Option<(&ModelFile, &Fact<FileView>, &FileView, &Content)> {
    let model = model_of(service)?;
    let (fact, view) = view(model)?;
    let content = model.content.known()?;
    is_for_llama(service, model).then_some((model, fact, view, content))
}

/// Returns the line of the log of the failed load, else how the service stands.
fn second(service: &ServiceFacts, signs: &[&str]) -> Evidence {
    match service.sign_of_trouble(signs) {
        Some(line) => Evidence::of_line(line),
        None => Evidence::of_state(service),
    }
}

/// Returns whether the log says the same, or the service stands without it: two sources then.
fn log_agrees(service: &ServiceFacts, signs: &[&str]) -> bool {
    service.sign_of_trouble(signs).is_some()
}
