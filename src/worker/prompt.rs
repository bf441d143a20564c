//! The conversion of a request to the tokens of its prompt. It takes milliseconds for a long text, so it must not run
//! on the thread that serves all clients.

use super::renderer::{Renderer, Source};
use crate::clock::Timestamp;
use crate::engine::{Chat, Engine, EngineError, Prompt};
use crate::openai::{ApiError, ChatRequest};
use std::time::Duration;

/// Makes the prompt of a chat: by the model's own template, or from the plain text when the model has none. Does not
/// disturb a running generation.
pub fn of_chat(
    engine: &Engine,
    renderer: &Renderer,
    request: &ChatRequest,
    now: Timestamp,
) -> Result<Prompt, ApiError> {
    engine.generates()?;
    let needs = request.needs_of_template();
    let Some((template, bos, eos)) = engine.template() else {
        if let Some(need) = needs.first() {
            return Err(ApiError::bad_request(format!("`{need}` is not served: the model has no chat template")));
        }
        return Ok(engine.plain_prompt(&request.messages)?);
    };
    if let Some(need) = needs.iter().find(|need| !template.contains(**need)) {
        let why = format!("`{need}` is not served: the chat template of the model does not use it");
        return Err(ApiError::bad_request(why));
    }
    let most = engine.most_bytes();
    engine.check_bytes(request.messages.iter().map(|message| message.text().len()).sum())?;
    let chat = Chat {
        messages: engine.broken(&request.messages),
        variables: request.variables(),
        generation_prompt: request.generation_prompt(),
        continues: request.continues(),
        now: now.millis(),
        most,
    };
    let source = Source { template: template.to_owned(), bos: bos.to_owned(), eos: eos.to_owned() };
    let limit = request.options.timeout_ms.map(Duration::from_millis);
    let (text, how) = renderer.render(&source, &chat, limit).map_err(|error| match error {
        EngineError::TextOverflow { .. } => {
            // The text has more bytes than the longest tokens could have that fit into the context.
            let context = engine.info().context;
            ApiError::from(error).with_figures(u64::from(context).saturating_add(1), context)
        }
        other => other.into(),
    })?;
    Ok(engine.rendered_prompt(&text, how)?)
}

/// Makes the prompt of a text that the model continues.
pub fn of_text(engine: &Engine, text: &str) -> Result<Prompt, ApiError> {
    Ok(engine.text_prompt(text)?)
}
