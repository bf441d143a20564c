use super::error::ApiError;
use super::reply::{DONE, Extension, TemplateUse};
use super::usage::{Finish, Timings, Usage};
use serde::Deserialize;

/// An answer as its reader receives it.
#[derive(Debug, Clone)]
pub struct Completion {
    pub text: String,
    pub finish: Finish,
    pub usage: Usage,
    pub timings: Timings,
    /// The way in which the messages became a prompt.
    pub template: TemplateUse,
}

/// The content of one event of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// More of the text, in whole characters; empty when the event carried something else.
    Text(String),
    /// The stream is at its end.
    Done,
    /// The server failed.
    Failed(ApiError),
}

/// One chunk of the stream, with the members that are needed here.
#[derive(Debug, Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Usage>,
    timings: Option<Timings>,
    modelctl: Option<Extension>,
    error: Option<ApiError>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Delta,
    /// The text of a `/v1/completions` answer.
    text: Option<String>,
    finish_reason: Option<Finish>,
}

#[derive(Debug, Default, Deserialize)]
struct Delta {
    content: Option<String>,
}

impl Completion {
    /// Creates an answer without any text.
    pub fn without(finish: Finish) -> Completion {
        Completion {
            text: String::new(),
            finish,
            usage: Usage::default(),
            timings: Timings::default(),
            template: TemplateUse::Model,
        }
    }

    /// Adds the payload of one event of a stream.
    ///
    /// # Errors
    /// The payload is no chunk.
    pub fn add(&mut self, payload: &str) -> serde_json::Result<Progress> {
        if payload == DONE {
            return Ok(Progress::Done);
        }
        let chunk: Chunk = serde_json::from_str(payload)?;
        if let Some(error) = chunk.error {
            return Ok(Progress::Failed(error));
        }
        self.usage = chunk.usage.unwrap_or(self.usage);
        self.timings = chunk.timings.unwrap_or(self.timings);
        self.template = chunk.modelctl.map_or(self.template, |extension| extension.template);
        let mut text = String::new();
        for choice in chunk.choices {
            self.finish = choice.finish_reason.unwrap_or(self.finish);
            text.push_str(&choice.delta.content.or(choice.text).unwrap_or_default());
        }
        self.text.push_str(&text);
        Ok(Progress::Text(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chunks_of_either_endpoint_add_up_to_the_answer() {
        let mut answer = Completion::without(Finish::Cancelled);
        let chunks = [
            r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":null}}],"modelctl":{"template":"none"}}"#,
            r#"{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}"#,
            r#"{"choices":[{"index":0,"text":"b"}]}"#,
            r#"{"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}"#,
            r#"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}"#,
        ];
        let texts = chunks.map(|chunk| answer.add(chunk).unwrap());
        assert_eq!(texts, ["", "a", "b", "", ""].map(|text| Progress::Text(text.to_owned())));
        assert_eq!(answer.add("[DONE]").unwrap(), Progress::Done);
        assert_eq!((answer.text.as_str(), answer.finish, answer.usage.total_tokens), ("ab", Finish::Length, 3));
        assert_eq!(answer.template, TemplateUse::None);
    }

    #[test]
    fn an_error_in_the_middle_of_a_stream_is_none_of_the_text() {
        let mut answer = Completion::without(Finish::Cancelled);
        let failed = answer.add(r#"{"error":{"code":503,"message":"no","type":"unavailable_error"}}"#).unwrap();
        assert_eq!(failed, Progress::Failed(ApiError::unavailable("no")));
        assert!(answer.add("data").is_err() && answer.text.is_empty());
    }
}
