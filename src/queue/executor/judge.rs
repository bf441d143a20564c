//! What an exchange with a worker means for its task. Pure.

use crate::engine::{Finish, Form};
use crate::model::task::{ErrorKind, TaskError, TaskRequest, TaskResult, Ticket};
use crate::model::{ModelId, ModelRow};
use crate::worker::{Broken, Completion, Options, WorkerError};
use serde_json::{Map, Value, json};

/// What became of one attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    Answered(TaskResult),
    /// The model's doing: another one may do better.
    Model(TaskError),
    /// Worth another attempt, with the same model as well.
    Again(TaskError),
    /// Another attempt would fail the same way.
    Never(TaskError),
    /// The worker had no room; nothing was tried.
    NoRoom,
    /// The connection broke: the worker died, or is about to.
    WorkerGone(String),
}

/// The body for the worker: as the person gave it, streamed, with the task's own limit of time.
///
/// # Errors
/// Why the body cannot be one.
pub fn body(ticket: &Ticket, request: &TaskRequest) -> Result<Vec<u8>, String> {
    let mut body: Map<String, Value> = serde_json::from_str(&request.body).map_err(|e| format!("the request: {e}"))?;
    // The queue has chosen the model.
    body.remove("model");
    body.insert("stream".into(), json!(true));
    body.insert("stream_options".into(), json!({"include_usage": true}));
    if let Some(limit) = ticket.timeout_ms {
        body.insert("timeout_ms".into(), json!(limit));
    }
    serde_json::to_vec(&body).map_err(|e| e.to_string())
}

/// Reads the outcome of an exchange. `first_ms`: from its start to the first piece of text.
pub fn verdict(request: &TaskRequest, outcome: Result<Completion, Broken>, model: &ModelRow) -> Verdict {
    let completion = match outcome {
        Ok(completion) => completion,
        Err(Broken::Connection(why)) => return Verdict::WorkerGone(why),
        Err(Broken::Known(error)) => return refused(&error),
    };
    match completion.finish {
        Finish::TimedOut => {
            return Verdict::Again(TaskError::new(ErrorKind::Timeout, "it took longer than the task allows"));
        }
        Finish::Cancelled => return Verdict::WorkerGone("the worker cancelled it".into()),
        Finish::Stop | Finish::Length => {}
    }
    if let Some(fault) = fault(request, &completion) {
        return Verdict::Model(TaskError::new(ErrorKind::Model, format!("{}: {fault}", model.name)));
    }
    let timings = completion.timings;
    let ms = |ms: f64| ms.max(0.0).round() as u64; // a cast of a number that is not negative saturates
    Verdict::Answered(TaskResult {
        text: completion.text,
        finish_reason: if completion.finish == Finish::Length { "length" } else { "stop" }.to_owned(),
        prompt_tokens: completion.usage.prompt_tokens.into(),
        completion_tokens: completion.usage.completion_tokens.into(),
        prompt_ms: ms(timings.prompt_ms),
        generate_ms: ms(timings.predicted_ms),
        model: ModelId(model.id.0.clone()),
        model_name: model.name.clone(),
    })
}

fn refused(error: &WorkerError) -> Verdict {
    let told = error.to_string();
    match error {
        WorkerError::Server { status: 400..=499, message } => {
            Verdict::Never(TaskError::new(ErrorKind::Request, message.clone()))
        }
        WorkerError::Server { status: 503, .. } => Verdict::NoRoom,
        WorkerError::Server { .. } | WorkerError::Protocol(_) | WorkerError::Refused { .. } => {
            Verdict::Model(TaskError::new(ErrorKind::Model, told))
        }
        WorkerError::Died { .. } | WorkerError::Spawn(_) | WorkerError::TimedOut(_) | WorkerError::Interrupted(_) => {
            Verdict::WorkerGone(told)
        }
    }
}

/// What is wrong with an answer that came whole: it is empty, or not the JSON that was asked for. A grammar that is
/// kept token by token is not enough to know: a limit of tokens cuts JSON short, and llama.cpp's grammars leave out what
/// they cannot say (`maximum` of a number, `uniqueItems`, `not`).
fn fault(request: &TaskRequest, completion: &Completion) -> Option<String> {
    if completion.text.trim().is_empty() {
        return Some("the answer is empty".to_owned());
    }
    // Both were read before, when the request was sent.
    let options: Options = serde_json::from_str(&request.body).ok()?;
    let Ok(Some(Form::Schema(schema))) = options.form() else { return None };
    let answer: Value = match serde_json::from_str(&completion.text) {
        Ok(answer) => answer,
        Err(error) => {
            let cut = if completion.finish == Finish::Length { ", cut off by its limit of tokens" } else { "" };
            return Some(format!("the answer is not the JSON that was asked for{cut}: {error}"));
        }
    };
    // A schema that the validator does not take (it points at another document, say) was good enough for the grammar
    // that the answer came from, and is no fault of the answer.
    let validator = jsonschema::validator_for(&serde_json::from_str(&schema).ok()?).ok()?;
    let first = validator.iter_errors(&answer).next()?;
    let place = first.instance_path().to_string();
    let place = if place.is_empty() { "the whole of it".to_owned() } else { format!("`{place}`") };
    Some(format!("the answer does not fit its schema, {place}: {}", first.masked()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{TemplateUse, Timings};
    use crate::model::task::Endpoint;
    use crate::queue::choose::tests::row;
    use crate::worker::Usage;

    fn request(body: &str) -> TaskRequest {
        TaskRequest { endpoint: Endpoint::Chat, body: body.into() }
    }

    fn answer(text: &str, finish: Finish) -> Result<Completion, Broken> {
        let usage = Usage { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5, ..Usage::default() };
        Ok(Completion { text: text.into(), finish, usage, timings: Timings::default(), template: TemplateUse::Model })
    }

    #[test]
    fn an_empty_answer_and_one_against_its_schema_are_the_models_doing() {
        let model = row("aaaaaaaaaaaa", "m", 1);
        let judge = |body: &str, text: &str, finish| verdict(&request(body), answer(text, finish), &model);
        assert!(
            matches!(judge("{}", "yes", Finish::Stop), Verdict::Answered(r) if r.text == "yes" && r.prompt_tokens == 3)
        );
        assert!(matches!(judge("{}", " \n", Finish::Stop), Verdict::Model(_)));
        let schema = r#"{"response_format":{"type":"json_object"}}"#;
        assert!(matches!(judge(schema, "{\"a\": 1}", Finish::Stop), Verdict::Answered(_)));
        assert!(matches!(judge(schema, "[1]", Finish::Stop), Verdict::Model(_)));
        assert!(
            matches!(judge(schema, "{\"a\": ", Finish::Length), Verdict::Model(e) if e.message.contains("cut off"))
        );
        assert!(matches!(judge(r#"{"response_format":{"type":"text"}}"#, "{", Finish::Stop), Verdict::Answered(_)));
        assert!(matches!(judge("{}", "half", Finish::TimedOut), Verdict::Again(e) if e.kind == ErrorKind::Timeout));
    }

    #[test]
    fn what_a_grammar_cannot_say_is_held_against_the_schema() {
        let model = row("aaaaaaaaaaaa", "m", 1);
        let schema = json!({
            "type": "object",
            "properties": {"age": {"type": "integer", "maximum": 150}, "tags": {"type": "array", "uniqueItems": true}},
            "required": ["age"],
            "additionalProperties": false,
        });
        let openai = json!({"response_format": {"type": "json_schema", "json_schema": {"schema": schema}}});
        let ours = json!({ "json_schema": schema });
        for body in [openai, ours] {
            let judge = |text: &str| verdict(&request(&body.to_string()), answer(text, Finish::Stop), &model);
            assert!(matches!(judge(r#"{"age": 40, "tags": ["a", "b"]}"#), Verdict::Answered(_)));
            for (bad, place) in [
                (r#"{"age": 4000}"#, "`/age`"),
                (r#"{"age": 40, "tags": ["a", "a"]}"#, "`/tags`"),
                (r#"{"tags": []}"#, "the whole of it"),
                (r#"{"age": 40, "more": 1}"#, "the whole of it"),
            ] {
                let Verdict::Model(error) = judge(bad) else { panic!("{bad}") };
                assert!(error.message.contains(place) && !error.message.contains("4000"), "{error:?}");
            }
        }
        // Nothing is fetched, whatever a schema points at.
        let far = json!({"json_schema": {"$ref": "http://127.0.0.1:9/schema.json"}});
        assert!(matches!(
            verdict(&request(&far.to_string()), answer("{}", Finish::Stop), &model),
            Verdict::Answered(_)
        ));
    }

    #[test]
    fn a_bad_request_is_never_tried_again_and_a_full_worker_has_tried_nothing() {
        let model = row("aaaaaaaaaaaa", "m", 1);
        let server = |status| Err(Broken::Known(WorkerError::Server { status, message: "no".into() }));
        let judge = |status| verdict(&request("{}"), server(status), &model);
        assert!(matches!(judge(400), Verdict::Never(e) if e.kind == ErrorKind::Request));
        assert_eq!(judge(503), Verdict::NoRoom);
        assert!(matches!(judge(500), Verdict::Model(_)));
    }

    #[test]
    fn the_worker_gets_the_request_as_it_was_given_streamed_and_with_its_limit() {
        let ticket = Ticket {
            timeout_ms: Some(7),
            ..crate::model::task::machine::enqueue(
                crate::model::task::TaskId(1),
                &crate::model::task::NewTask::new(request("{}")),
                crate::model::task::Moment { now: crate::clock::Timestamp(0), policy: Default::default() },
            )
        };
        let sent = body(&ticket, &request(r#"{"model":"gpt","messages":[],"seed":1}"#)).unwrap();
        let sent: Value = serde_json::from_slice(&sent).unwrap();
        let expected =
            json!({"messages":[],"seed":1,"stream":true,"stream_options":{"include_usage":true},"timeout_ms":7});
        assert_eq!(sent, expected);
        assert!(body(&ticket, &request("[]")).is_err());
    }
}
