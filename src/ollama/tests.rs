use super::*;
use crate::clock::Timestamp;
use crate::model::Kind as ModelKind;
use crate::testing::sample_row;
use serde_json::{Value, json};
use std::time::Duration;

fn chat(body: Value) -> Result<Value, String> {
    chat_body(&serde_json::from_value(body).unwrap(), "m").map(Value::Object)
}

fn generate(body: Value) -> Result<TextBody, String> {
    generate_body(&serde_json::from_value(body).unwrap(), "m")
}

#[test]
fn a_chat_as_home_assistant_sends_it_keeps_its_options_and_loses_the_wish_for_another_context() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let body = chat(json!({
        "model": "m", "stream": true, "keep_alive": -1, "think": false, "format": schema, "tools": null,
        "options": {"num_ctx": 8192, "temperature": 0.5, "num_predict": 7, "top_k": 40.0, "stop": ["x"], "seed": null},
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi", "images": null}],
    }))
    .unwrap();
    let expected = json!({
        "model": "m", "stream": true, "stream_options": {"include_usage": true},
        "temperature": 0.5, "top_k": 40.0, "stop": ["x"], "max_tokens": 7,
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
        "chat_template_kwargs": {"enable_thinking": false},
        "response_format": {"type": "json_schema", "json_schema": {"name": "format", "schema": schema}},
    });
    assert_eq!(body, expected);
    let asked = crate::openai::ChatRequest::read(body.as_object().unwrap()).unwrap();
    assert_eq!(asked.options.max_tokens, Some(7));
}

#[test]
fn no_limit_is_written_as_zero_or_less() {
    for limit in [json!(-1), json!(-2), json!(0), json!(null)] {
        let body = chat(json!({"messages": [{"role": "user", "content": "x"}], "options": {"num_predict": limit}}));
        assert!(body.unwrap().get("max_tokens").is_none(), "{limit}");
    }
}

#[test]
fn calls_and_results_of_tools_in_a_history_are_openais() {
    let body = chat(json!({"messages": [
        {"role": "assistant", "content": "", "thinking": "hm",
         "tool_calls": [{"function": {"name": "light", "arguments": {"on": true}}}]},
        {"role": "tool", "content": "done", "tool_name": "light"},
    ]}));
    let expected = json!([
        {"role": "assistant", "content": "", "reasoning_content": "hm", "tool_calls": [
            {"id": "call_0", "type": "function", "function": {"name": "light", "arguments": "{\"on\":true}"}}]},
        {"role": "tool", "content": "done", "name": "light"},
    ]);
    assert_eq!(body.unwrap()["messages"], expected);
}

/// Ignored, they would answer another question.
#[test]
fn what_a_model_cannot_do_is_refused_in_words_that_clients_know() {
    let message = json!([{"role": "user", "content": "x"}]);
    let why = |more: Value| {
        let mut body = json!({"messages": message});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        chat(body).unwrap_err()
    };
    assert_eq!(why(json!({"tools": [{"type": "function"}]})), "\"m\" does not support tools");
    assert_eq!(why(json!({"think": true})), "\"m\" does not support thinking");
    assert_eq!(why(json!({"think": "high"})), "\"m\" does not support thinking");
    assert!(why(json!({"format": "yaml"})).contains("`format`"));
    assert_eq!(why(json!({"messages": [{"role": "user", "images": ["aGk="]}]})), "\"m\" does not support images");
    assert_eq!(generate(json!({"prompt": "a", "suffix": "b"})).unwrap_err(), "\"m\" does not support insert");
    assert_eq!(generate(json!({"prompt": "a", "images": ["x"]})).unwrap_err(), "\"m\" does not support images");
    assert!(chat(json!({"messages": message, "tools": [], "format": "", "think": null})).is_ok());
}

#[test]
fn a_prompt_is_a_chat_of_one_message_and_with_raw_the_text_as_it_is() {
    let asked =
        json!({"prompt": "Hi", "system": "Be brief.", "template": "{{ .Prompt }}", "context": [1], "format": "json"});
    let TextBody::Chat(body) = generate(asked.clone()).unwrap() else { panic!("raw was not asked for") };
    let messages = json!([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]);
    assert_eq!((&body["messages"], &body["response_format"]), (&messages, &json!({"type": "json_object"})));
    assert_eq!(ignored(&serde_json::from_value(asked).unwrap()), ["template", "context"]);
    let TextBody::Completion(body) = generate(json!({"prompt": "Hi", "raw": true})).unwrap() else { panic!() };
    assert_eq!((&body["prompt"], body.get("messages")), (&json!("Hi"), None));
}

#[test]
fn an_empty_request_loads_and_with_a_keep_alive_of_zero_unloads() {
    let errand = |body: Value| {
        let request: GenerateRequest = serde_json::from_value(body).unwrap();
        request.is_empty().then(|| Errand::of(KeepAlive::read(request.keep_alive.as_ref()).unwrap()))
    };
    assert_eq!(errand(json!({"model": "m"})), Some(Errand::Load));
    assert_eq!(errand(json!({"model": "m", "prompt": "", "keep_alive": -1})), Some(Errand::Load));
    for zero in [json!(0), json!("0"), json!("0s"), json!(0.0)] {
        assert_eq!(errand(json!({"prompt": "", "keep_alive": zero})), Some(Errand::Unload));
    }
    assert_eq!(errand(json!({"prompt": "x", "keep_alive": 0})), None);
    assert!(ChatRequest::default().is_empty());
}

const NOW: Timestamp = Timestamp(1_700_000_000_120);

#[test]
fn a_stream_ends_with_figures_in_nanoseconds_and_a_reason() {
    let mut answer = Answer::new(Kind::Chat, "m:latest");
    let parts = [
        r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"modelctl":{}}"#,
        r#"{"choices":[{"index":0,"delta":{"content":"Hi"}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"reasoning_content":"hm"}}]}"#,
        r#"{"choices":[{"index":0,"delta":{},"finish_reason":"length"}],"timings":{"prompt_ms":1.5,"predicted_ms":20}}"#,
        r#"{"choices":[],"usage":{"prompt_tokens":4,"completion_tokens":2,"total_tokens":6}}"#,
        "[DONE]",
    ]
    .map(|payload| answer.add(payload));
    let text = |content: &str, thinking: &str| Part::Text { content: content.into(), thinking: thinking.into() };
    assert_eq!(parts, [Part::Nothing, text("Hi", ""), text("", "hm"), Part::Nothing, Part::Nothing, Part::Done]);
    let line = json!({"model": "m:latest", "created_at": "2023-11-14T22:13:20.120+00:00",
        "message": {"role": "assistant", "content": "Hi"}, "done": false});
    assert_eq!(answer.piece("Hi", "", NOW), line);
    assert_eq!(answer.piece("", "hm", NOW)["message"]["thinking"], "hm");
    let times = Times { total: Duration::from_millis(50), load: Duration::from_millis(10) };
    let last = answer.last("", "", times, NOW);
    let expected = json!({"model": "m:latest", "created_at": "2023-11-14T22:13:20.120+00:00",
        "message": {"role": "assistant", "content": ""}, "done": true, "done_reason": "length",
        "total_duration": 50_000_000, "load_duration": 10_000_000, "prompt_eval_count": 4,
        "prompt_eval_duration": 1_500_000, "eval_count": 2, "eval_duration": 20_000_000});
    assert_eq!(last, expected);
}

#[test]
fn figures_that_a_server_does_not_give_are_never_a_division_by_zero() {
    let mut answer = Answer::new(Kind::Generate, "m");
    answer.add(r#"{"choices":[{"text":"x","finish_reason":"eos"}]}"#);
    let last = answer.last("x", "", Times::default(), NOW);
    assert_eq!((&last["response"], &last["done_reason"]), (&json!("x"), &json!("stop")));
    assert!(last["eval_duration"].as_u64() > Some(0) && last["prompt_eval_duration"].as_u64() > Some(0));
    assert_eq!(
        answer.errand("load", NOW),
        json!({"model": "m", "created_at": last["created_at"], "response": "",
        "done": true, "done_reason": "load"})
    );
}

#[test]
fn an_error_in_a_stream_is_none_of_the_text() {
    let mut answer = Answer::new(Kind::Chat, "m");
    let Part::Failed(error) = answer.add(r#"{"error":{"message":"no","type":"server_error","code":null}}"#) else {
        panic!()
    };
    assert_eq!(super::error(&error.message), json!({"error": "no"}));
    assert!(matches!(answer.add("<html>"), Part::Failed(_)));
}

#[test]
fn vectors_come_in_the_order_of_the_texts_with_their_numbers_untouched() {
    let read = |body: Value| serde_json::from_value::<EmbedRequest>(body).unwrap();
    assert_eq!(read(json!({"input": "a"})).texts(), Ok(vec!["a".to_owned()]));
    assert_eq!(read(json!({"input": ["a", "b"], "truncate": true})).texts().unwrap().len(), 2);
    assert_eq!(read(json!({"prompt": "a"})).texts(), Ok(vec!["a".to_owned()]));
    for none in [json!({}), json!({"input": ""}), json!({"input": []}), json!({"prompt": ""})] {
        assert_eq!(read(none).texts(), Ok(vec![]));
    }
    assert!(read(json!({"input": [1]})).texts().is_err() && read(json!({"input": {}})).texts().is_err());
    let reply = br#"{"data":[{"index":1,"embedding":[0.25]},{"index":0,"embedding":[0.6,-0.8]}],"usage":{"prompt_tokens":3,"total_tokens":3}}"#;
    let reply = EmbedReply::read(reply).unwrap();
    let document = reply.document("m", Times::default());
    assert_eq!((&document["embeddings"], &document["prompt_eval_count"]), (&json!([[0.6, -0.8], [0.25]]), &json!(3)));
    assert_eq!(reply.older_document(), json!({"embedding": [0.6, -0.8]}));
    assert_eq!(EmbedReply::default().older_document(), json!({"embedding": []}));
    assert_eq!(EmbedReply::read(b"<html>"), None);
}

#[test]
fn a_name_has_a_tag_as_clients_compare_it() {
    for (name, expected) in
        [("qwen", "qwen:latest"), ("qwen:7b", "qwen:7b"), ("org/m", "org/m:latest"), ("host:1/m", "host:1/m:latest")]
    {
        assert_eq!(tagged(name), expected);
    }
}

/// Zed refuses a list with a null, VS Code one without capabilities.
#[test]
fn a_model_of_which_nothing_is_known_has_every_detail_as_a_text() {
    let mut row = sample_row("m");
    (row.family, row.architecture, row.quant, row.parameters, row.content) = (None, None, None, None, None);
    let entry = listed(ModelCard { name: "m", row: &row, written: NOW });
    let details = entry["details"].as_object().unwrap();
    for key in ["parent_model", "format", "family", "parameter_size", "quantization_level"] {
        assert!(details[key].is_string(), "{key}");
    }
    assert_eq!((&entry["name"], &entry["model"]), (&json!("m:latest"), &json!("m:latest")));
    assert_eq!(entry["digest"].as_str().map(str::len), Some(64));
    assert_eq!((&entry["capabilities"], &entry["size"]), (&json!(["completion"]), &json!(98_362_432)));
    row.kind = ModelKind::Embedding;
    assert_eq!(capabilities(&row), ["embedding"]);
    let shown = shown(ModelCard { name: "m", row: &row, written: NOW }, (None, None), &[], 512);
    assert_eq!(shown["model_info"]["general.architecture"], "unknown");
    assert_eq!(shown["template"], "");
}

#[test]
fn what_is_shown_of_a_model_has_what_editors_read_and_the_context_that_it_gets() {
    let row = sample_row("m");
    let card = ModelCard { name: "m", row: &row, written: NOW };
    let document = shown(card, (None, Some("{{ messages }}")), &["completion", "tools"], 4096);
    let info = &document["model_info"];
    assert_eq!((&info["general.architecture"], &info["general.basename"]), (&json!("llama"), &json!("m")));
    // Zed and VS Code send tools to a model whose `capabilities` have them, and tools are not answered here.
    assert_eq!(info["modelctl.capabilities"], json!(["completion", "tools"]));
    assert_eq!(info["llama.context_length"], 4096, "8192 were trained, and no request gets more than 4096");
    assert_eq!(shown(card, (None, None), &[], 32_768)["model_info"]["llama.context_length"], 8192);
    assert_eq!(document["details"]["parameter_size"], "134.52M");
    assert_eq!((&document["template"], &document["capabilities"]), (&json!("{{ messages }}"), &json!(["completion"])));
    for line in document["parameters"].as_str().unwrap().lines() {
        assert_eq!(line.split_whitespace().count(), 2, "Continue reads a name and a value: {line}");
    }
}
