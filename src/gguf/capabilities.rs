//! What a model can do, by its kind, its chat template and its projector.

use super::GgufError;
use super::template::{chat_template, each_key};
use crate::model::{Kind, Model, Role};
use std::path::Path;

/// Words that a chat template has if it renders tools.
const TOOLS: &[&str] = &["tools", "tool_calls"];
/// Words that a chat template has if the model thinks before it answers.
const THINKING: &[&str] =
    &["enable_thinking", "<think>", "reasoning_content", "<|channel|>", "<seed:think>", "[THINK]", "thinking_budget"];
/// Keys of the tokens for a text with a gap.
const INFILL: &[&str] = &["tokenizer.ggml.fim_pre_token_id", "tokenizer.ggml.prefix_token_id"];
const HAS_VISION: &str = "clip.has_vision_encoder";
const HAS_AUDIO: &str = "clip.has_audio_encoder";

/// Returns what a model can do by its kind alone.
pub fn of_kind(kind: Kind) -> Vec<&'static str> {
    match kind {
        Kind::Generative => vec!["completion"],
        Kind::Embedding => vec!["embedding"],
        Kind::Reranker => vec!["rerank"],
        Kind::Speech => vec!["audio"],
        _ => Vec::new(),
    }
}

/// Returns what a model can do: `completion`, `tools`, `vision`, `embedding`, `rerank`, `audio`, `thinking`, `infill`. Reads
/// the headers of its files; one that cannot be read adds nothing.
pub fn capabilities(kind: Kind, model: &Model) -> Vec<&'static str> {
    let mut all = of_kind(kind);
    if kind != Kind::Generative {
        return all;
    }
    if let Some(main) = model.main() {
        let template = chat_template(&main.path, None).ok().flatten().unwrap_or_default(); // as is said above
        let extra = model.facts().is_some_and(|facts| facts.extra_templates.iter().any(|name| name.contains("tool")));
        add(&mut all, "tools", extra || has_any(&template, TOOLS));
        add(&mut all, "thinking", has_any(&template, THINKING));
        add(&mut all, "infill", has_key(&main.path, INFILL).unwrap_or(false)); // as is said above
    }
    if let Some(projector) = model.artifacts.iter().find(|artifact| artifact.role == Role::Mmproj) {
        let flags = flags(&projector.path, [HAS_VISION, HAS_AUDIO]).unwrap_or_default(); // as is said above
        // Older projectors say nothing, and are all for images.
        let [vision, audio] = flags;
        add(&mut all, "vision", vision.unwrap_or(audio != Some(true)));
        add(&mut all, "audio", audio.unwrap_or(false));
    }
    all
}

fn add(all: &mut Vec<&'static str>, name: &'static str, is: bool) {
    if is {
        all.push(name);
    }
}

fn has_any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.contains(word))
}

fn has_key(path: &Path, keys: &[&str]) -> Result<bool, GgufError> {
    let mut found = false;
    each_key(path, &mut |_, key, _| {
        found |= keys.contains(&key);
        Ok(false)
    })?;
    Ok(found)
}

/// Reads keys with a truth value; `None`: the key is missing.
fn flags<const N: usize>(path: &Path, keys: [&str; N]) -> Result<[Option<bool>; N], GgufError> {
    let mut found = [None; N];
    each_key(path, &mut |c, key, kind| {
        let slot = keys.iter().zip(&mut found).find(|(name, _)| **name == key);
        let (Some((_, slot)), 7) = (slot, kind) else { return Ok(false) };
        *slot = Some(c.take::<1>()? != [0]);
        Ok(true)
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_tells_tools_and_thinking() {
        assert!(has_any("{% if tools %}{{ tools | tojson }}{% endif %}", TOOLS));
        assert!(has_any("{% if enable_thinking %}<think>{% endif %}", THINKING));
        assert!(!has_any("{% for message in messages %}{{ message.content }}{% endfor %}", TOOLS));
        assert!(!has_any("{% for message in messages %}{{ message.content }}{% endfor %}", THINKING));
    }

    #[test]
    fn a_kind_that_is_not_served_can_do_nothing() {
        assert_eq!(of_kind(Kind::Reranker), ["rerank"]);
        assert!(of_kind(Kind::Vocab).is_empty());
    }
}
