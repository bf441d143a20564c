use super::Session;
use crate::db::Access;
use crate::gguf;
use crate::model::{Facts, Kind, Model, ModelId};

/// What the file of a model says of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelHeader {
    /// What the last scan read; `None` where nothing could be read.
    pub facts: Option<Facts>,
    /// The chat template.
    pub template: Option<String>,
}

/// Reads what the file of a model says of it.
///
/// # Errors
/// The database cannot be read.
pub fn model_header(session: &mut Session, id: &ModelId) -> anyhow::Result<ModelHeader> {
    let models = session.db(Access::ReadOnly)?.models(Some(std::slice::from_ref(id)))?;
    let Some(model) = models.into_iter().next() else { return Ok(ModelHeader::default()) };
    let facts = model.facts().cloned();
    let has_template = facts.as_ref().is_some_and(|facts| facts.chat_template);
    let main = model.main().filter(|_| has_template);
    // A file that cannot be read any more is reported when its model is loaded.
    let template = main.and_then(|file| gguf::chat_template(&file.path, None).ok().flatten());
    Ok(ModelHeader { facts, template })
}

/// Returns what a model can do: `completion`, `tools`, `vision`, `embedding`, `rerank`, `audio`, `thinking`, `infill`. Reads
/// the headers of its files.
pub fn capabilities(kind: Kind, model: &Model) -> Vec<&'static str> {
    gguf::capabilities(kind, model)
}

/// Returns what models can do, by the headers of their files. Those that the database does not know are left out.
///
/// # Errors
/// The database cannot be read.
pub fn capabilities_of(
    session: &mut Session,
    wanted: Vec<(ModelId, Kind)>,
) -> anyhow::Result<Vec<(ModelId, Vec<&'static str>)>> {
    let ids: Vec<ModelId> = wanted.iter().map(|(id, _)| id.clone()).collect();
    let models = session.db(Access::ReadOnly)?.models(Some(&ids))?;
    let found = wanted.into_iter().filter_map(|(id, kind)| {
        let model = models.iter().find(|model| model.id == id)?;
        Some((id, gguf::capabilities(kind, model)))
    });
    Ok(found.collect())
}

/// Returns what a model can do by its kind alone.
pub fn capabilities_of_kind(kind: Kind) -> Vec<&'static str> {
    gguf::capabilities_of_kind(kind)
}
