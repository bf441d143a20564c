//! The outcome of an exchange with a worker for its task. Pure.

use crate::model::task::{Endpoint, ErrorKind, TaskError, TaskRequest, TaskResult, Ticket};
use crate::model::{ModelId, ModelRow};
use crate::openai::{ChatRequest, Completion, CompletionRequest, Constraint, Finish, Options};
use crate::worker::{Broken, WorkerError};
use serde_json::{Map, Value, json};

/// The outcome of one attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum AttemptOutcome {
    Answered(TaskResult),
    /// The model failed: another one may succeed.
    Model {
        error: TaskError,
        /// Whether the same model may succeed too. It cannot where it generates the same tokens each time.
        retry: bool,
    },
    /// Another attempt may succeed, even with the same model.
    Again(TaskError),
    /// Another attempt would fail the same way.
    Never(TaskError),
    /// The worker had no room; nothing was tried.
    NoRoom,
    /// The connection broke: the worker died, or is about to.
    WorkerGone(String),
}

/// Builds the body for the worker: the request as given, streamed, with the time limit of the task.
///
/// # Errors
/// The reason why the request cannot be used as a body.
pub fn worker_body(ticket: &Ticket, request: &TaskRequest) -> Result<Vec<u8>, String> {
    let mut body: Map<String, Value> = serde_json::from_str(&request.body).map_err(|e| format!("the request: {e}"))?;
    // The queue has chosen the model already.
    body.remove("model");
    body.insert("stream".into(), json!(true));
    body.insert("stream_options".into(), json!({"include_usage": true}));
    if let Some(limit) = ticket.timeout_ms {
        body.insert("timeout_ms".into(), json!(limit));
    }
    serde_json::to_vec(&body).map_err(|e| e.to_string())
}

/// Classifies the outcome of an exchange. `first_ms` is the time from its start to the first piece of text.
pub fn classify(request: &TaskRequest, outcome: Result<Completion, Broken>, model: &ModelRow) -> AttemptOutcome {
    let completion = match outcome {
        Ok(completion) => completion,
        Err(Broken::Connection(why)) => return AttemptOutcome::WorkerGone(why),
        Err(Broken::Known(error)) => return refused(&error),
        Err(Broken::Late) => {
            return AttemptOutcome::Again(TaskError::new(ErrorKind::Timeout, "it took longer than the task allows"));
        }
    };
    match completion.finish {
        Finish::TimedOut => {
            return AttemptOutcome::Again(TaskError::new(ErrorKind::Timeout, "it took longer than the task allows"));
        }
        Finish::Cancelled => return AttemptOutcome::WorkerGone("the worker canceled it".into()),
        Finish::Stop | Finish::Length => {}
    }
    let options = options(request);
    if let Some(fault) = fault(&options, &completion) {
        let error = TaskError::new(ErrorKind::Model, format!("{}: {fault}", model.name));
        return AttemptOutcome::Model { error, retry: !is_deterministic(&options) };
    }
    let timings = completion.timings;
    let ms = |ms: f64| ms.max(0.0).round() as u64; // a cast of a non-negative number saturates
    AttemptOutcome::Answered(TaskResult {
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

fn refused(error: &WorkerError) -> AttemptOutcome {
    let message = error.to_string();
    match error {
        WorkerError::Server { status: 400..=499, message } => {
            AttemptOutcome::Never(TaskError::new(ErrorKind::Request, message.clone()))
        }
        WorkerError::Server { status: 503, .. } => AttemptOutcome::NoRoom,
        WorkerError::Server { .. } | WorkerError::Protocol(_) | WorkerError::Refused { .. } => {
            AttemptOutcome::Model { error: TaskError::new(ErrorKind::Model, message), retry: true }
        }
        WorkerError::Died { .. }
        | WorkerError::Spawn(_)
        | WorkerError::TimedOut(_)
        | WorkerError::Hung(_)
        | WorkerError::Unwanted
        | WorkerError::Interrupted(_) => AttemptOutcome::WorkerGone(message),
    }
}

/// Reads the options of a request as the worker does. The worker refuses a request that cannot be read; it has no
/// options.
fn options(request: &TaskRequest) -> Options {
    let Ok(body) = serde_json::from_str::<Map<String, Value>>(&request.body) else { return Options::default() };
    let read = match request.endpoint {
        Endpoint::Chat => ChatRequest::read(&body).map(|request| request.options),
        Endpoint::Completions => CompletionRequest::read(&body).map(|request| request.options),
    };
    read.unwrap_or_default()
}

/// Returns whether the same model generates the same text each time: it takes the most likely token, or samples with a
/// given seed.
fn is_deterministic(options: &Options) -> bool {
    options.temperature.is_some_and(|temperature| temperature <= 0.0) || options.seed.is_some_and(|seed| seed >= 0)
}

/// Returns the fault of a complete answer: it is not the JSON that was asked for. A grammar enforced token by token
/// does not make this check superfluous, since a grammar cannot express everything that a schema can (`uniqueItems`,
/// `not`).
///
/// An empty answer is valid, and so is one that `max_tokens` or a stop string cut short: as with OpenAI and
/// llama-server, its `finish_reason` says so, and the client that set the limit can handle it.
fn fault(options: &Options, completion: &Completion) -> Option<String> {
    if completion.finish == Finish::Length {
        return None;
    }
    let Ok(Some(Constraint::Schema(schema))) = options.constraint() else { return None };
    let answer: Value = match serde_json::from_str(&completion.text) {
        Ok(answer) => answer,
        Err(_) if options.stop.is_some() => return None,
        Err(error) => return Some(format!("the answer is not the JSON that was asked for: {error}")),
    };
    // The validator may not support a schema (one that refers to another document, for example) that the grammar for
    // the answer was made from. That is no fault of the answer.
    let validator = jsonschema::validator_for(&serde_json::from_str(&schema).ok()?).ok()?;
    let first = validator.iter_errors(&answer).next()?;
    let place = first.instance_path().to_string();
    let place = if place.is_empty() { "the whole of it".to_owned() } else { format!("`{place}`") };
    Some(format!("the answer does not match its schema, {place}: {}", first.masked()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openai::{TemplateUse, Timings, Usage};
    use crate::queue::choose::tests::row;

    fn request(body: &str) -> TaskRequest {
        TaskRequest { endpoint: Endpoint::Chat, body: body.into() }
    }

    /// `body` as a whole request: what a worker would not read sets nothing.
    fn asking(body: &str) -> TaskRequest {
        let mut body: Map<String, Value> = serde_json::from_str(body).unwrap();
        body.insert("messages".into(), json!([{"role": "user", "content": "x"}]));
        request(&Value::Object(body).to_string())
    }

    fn answer(text: &str, finish: Finish) -> Result<Completion, Broken> {
        let usage = Usage { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5, ..Usage::default() };
        Ok(Completion { text: text.into(), finish, usage, timings: Timings::default(), template: TemplateUse::Model })
    }

    #[test]
    fn what_is_empty_or_cut_short_is_an_answer_and_json_that_was_not_asked_for_is_none() {
        let model = row("aaaaaaaaaaaa", "m", 1);
        let classified = |body: &str, text: &str, finish| classify(&asking(body), answer(text, finish), &model);
        let answered = |attempt| match attempt {
            AttemptOutcome::Answered(result) => (result.text, result.finish_reason),
            other => panic!("{other:?}"),
        };
        let pair = |text: &str, reason: &str| (text.to_owned(), reason.to_owned());
        assert_eq!(answered(classified("{}", "yes", Finish::Stop)), pair("yes", "stop"));
        assert_eq!(answered(classified("{}", "", Finish::Stop)), pair("", "stop"));
        assert_eq!(answered(classified("{}", " \n", Finish::Length)), pair(" \n", "length"));
        let schema = r#"{"response_format":{"type":"json_object"}}"#;
        assert_eq!(answered(classified(schema, "{\"a\": 1}", Finish::Stop)), pair("{\"a\": 1}", "stop"));
        assert_eq!(answered(classified(schema, "{\"a\": ", Finish::Length)), pair("{\"a\": ", "length"));
        assert!(matches!(classified(schema, "[1]", Finish::Stop), AttemptOutcome::Model { retry: true, .. }));
        assert!(matches!(classified(schema, "", Finish::Stop), AttemptOutcome::Model { .. }));
        let stopped = r#"{"stop":["}"],"response_format":{"type":"json_object"}}"#;
        assert_eq!(answered(classified(stopped, "{\"a\": 1", Finish::Stop)), pair("{\"a\": 1", "stop"));
        assert!(matches!(
            classified(r#"{"response_format":{"type":"text"}}"#, "{", Finish::Stop),
            AttemptOutcome::Answered(_)
        ));
        assert!(
            matches!(classified("{}", "half", Finish::TimedOut), AttemptOutcome::Again(e) if e.kind == ErrorKind::Timeout)
        );
    }

    #[test]
    fn what_would_be_the_same_next_time_is_not_tried_again_with_the_same_model() {
        let model = row("aaaaaaaaaaaa", "m", 1);
        for (more, again) in [
            (json!({}), true),
            (json!({"temperature": 0.5}), true),
            (json!({"temperature": null, "seed": null}), true),
            (json!({"temperature": 0}), false),
            (json!({"temperature": 0.8, "seed": 7}), false),
        ] {
            let mut body = json!({"response_format": {"type": "json_object"}});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            match classify(&asking(&body.to_string()), answer("[1]", Finish::Stop), &model) {
                AttemptOutcome::Model { retry, .. } => assert_eq!(retry, again, "{body}"),
                other => panic!("{other:?}"),
            }
        }
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
            let classified = |text: &str| classify(&asking(&body.to_string()), answer(text, Finish::Stop), &model);
            assert!(matches!(classified(r#"{"age": 40, "tags": ["a", "b"]}"#), AttemptOutcome::Answered(_)));
            for (bad, place) in [
                (r#"{"age": 4000}"#, "`/age`"),
                (r#"{"age": 40, "tags": ["a", "a"]}"#, "`/tags`"),
                (r#"{"tags": []}"#, "the whole of it"),
                (r#"{"age": 40, "more": 1}"#, "the whole of it"),
            ] {
                let AttemptOutcome::Model { error, .. } = classified(bad) else { panic!("{bad}") };
                assert!(error.message.contains(place) && !error.message.contains("4000"), "{error:?}");
            }
        }
        // Nothing is fetched, whatever a schema points at.
        let far = json!({"json_schema": {"$ref": "http://127.0.0.1:9/schema.json"}});
        assert!(matches!(
            classify(&asking(&far.to_string()), answer("{}", Finish::Stop), &model),
            AttemptOutcome::Answered(_)
        ));
    }

    #[test]
    fn a_bad_request_is_never_tried_again_and_a_full_worker_has_tried_nothing() {
        let model = row("aaaaaaaaaaaa", "m", 1);
        let server = |status| Err(Broken::Known(WorkerError::Server { status, message: "no".into() }));
        let classified = |status| classify(&request("{}"), server(status), &model);
        assert!(matches!(classified(400), AttemptOutcome::Never(e) if e.kind == ErrorKind::Request));
        assert_eq!(classified(503), AttemptOutcome::NoRoom);
        assert!(matches!(classified(500), AttemptOutcome::Model { retry: true, .. }));
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
        let sent = worker_body(&ticket, &request(r#"{"model":"gpt","messages":[],"seed":1}"#)).unwrap();
        let sent: Value = serde_json::from_slice(&sent).unwrap();
        let expected =
            json!({"messages":[],"seed":1,"stream":true,"stream_options":{"include_usage":true},"timeout_ms":7});
        assert_eq!(sent, expected);
        assert!(worker_body(&ticket, &request("[]")).is_err());
    }
}
