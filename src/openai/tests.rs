use super::*;
use serde_json::{Map, Value, json};
use std::time::Duration;

fn options(body: Value) -> Result<Options, String> {
    Options::read(body.as_object().unwrap())
}

fn chat(more: Value) -> Result<ChatRequest, String> {
    let mut body = json!({"messages": [{"role": "user", "content": "hi"}]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    ChatRequest::read(body.as_object().unwrap())
}

fn message(message: Value) -> Result<ChatRequest, String> {
    chat(json!({"messages": [{"role": "user", "content": "q"}, message]}))
}

#[test]
fn what_clients_send_is_understood() {
    let request = chat(json!({
        "model": "x",
        "messages": [{"role": "system", "content": "a"},
            {"role": "user", "content": [{"type": "text", "text": "b"}, {"type": "text", "text": "c"}]},
            {"role": "assistant", "content": null}],
        "max_completion_tokens": 5, "stop": "END", "stream": true, "temperature": 0, "tools": null, "user": "me",
        "stream_options": {"include_usage": true},
    }))
    .unwrap();
    let texts: Vec<String> = request.messages.iter().map(Message::text).collect();
    assert_eq!(texts, ["a", "b\nc", ""]);
    assert_eq!(request.options.max_tokens, Some(5));
    assert!(request.options.streams() && request.options.include_usage());
    assert!(matches!(&request.options.stop, Some(Stops::One(stop)) if stop == "END"));
}

#[test]
fn a_limit_has_three_names_and_the_smallest_is_kept() {
    for (body, expected) in [
        (json!({"max_tokens": null, "max_completion_tokens": 3}), Some(3)),
        (json!({"max_tokens": 3, "max_completion_tokens": null}), Some(3)),
        (json!({"max_tokens": 3, "max_completion_tokens": 3, "n_predict": 3}), Some(3)),
        (json!({"max_tokens": 9, "max_completion_tokens": 4}), Some(4)),
        (json!({"max_tokens": 4, "n_predict": 9}), Some(4)),
        // As many as fit beside a limit is the limit.
        (json!({"max_tokens": 4, "n_predict": -1}), Some(4)),
        (json!({"n_predict": -1}), None),
        (json!({"max_tokens": 5.0}), Some(5)),
        (json!({"max_tokens": null}), None),
        (json!({}), None),
    ] {
        assert_eq!(options(body.clone()).unwrap().max_tokens, expected, "{body}");
    }
    assert_eq!(options(json!({"max_completion_tokens": 0})).unwrap_err(), "`max_completion_tokens` must be at least 1");
    for key in ["max_tokens", "max_completion_tokens", "n_predict"] {
        let why = options(json!({key: "many"})).unwrap_err();
        assert!(why.starts_with(&format!("`{key}`: ")), "{why}");
    }
}

#[test]
fn null_is_absent_everywhere() {
    let all: Map<String, Value> = [
        "max_tokens",
        "temperature",
        "top_p",
        "top_k",
        "min_p",
        "typical_p",
        "seed",
        "stop",
        "stream",
        "stream_options",
        "grammar",
        "json_schema",
        "response_format",
        "n",
        "logit_bias",
        "mirostat",
        "dry_multiplier",
        "xtc_probability",
        "tools",
        "tool_choice",
        "logprobs",
        "top_logprobs",
        "modalities",
        "audio",
        "reasoning_effort",
        "functions",
        "chat_template_kwargs",
        "suffix",
        "echo",
        "best_of",
        "frequency_penalty",
        "timeout_ms",
        "verbosity",
    ]
    .into_iter()
    .map(|key| (key.to_owned(), Value::Null))
    .collect();
    let request = chat(Value::Object(all)).unwrap();
    assert_eq!(serde_json::to_value(&request).unwrap(), json!({"messages": [{"role": "user", "content": "hi"}]}));
    assert!(!chat(json!({"stream_options": {"include_usage": null}})).unwrap().options.include_usage());
    let request = message(json!({
        "role": "assistant", "content": "a", "tool_calls": null, "refusal": null, "audio": null, "function_call": null,
    }));
    let fields: Vec<String> = request.unwrap().messages[1].fields().keys().cloned().collect();
    assert_eq!(fields, ["role", "content"]);
}

#[test]
fn whole_numbers_may_be_written_with_a_point_and_large_seeds_are_folded() {
    let read = options(json!({"seed": 7.0, "top_k": 3.0, "n": 1.0})).unwrap();
    assert_eq!((read.seed, read.top_k, read.n), (Some(7), Some(3), Some(1)));
    assert_eq!(options(json!({"seed": u64::MAX})).unwrap().seed, Some(0x7fff_ffff));
    assert!(options(json!({"seed": 7.5})).unwrap_err().starts_with("`seed`: "));
}

#[test]
fn a_constraint_is_understood_under_each_of_its_names_and_only_one_is_taken() {
    let constraint = |text: &str| serde_json::from_str::<Options>(text).unwrap().constraint();
    let schema = |text: &str| Ok(Some(Constraint::Schema(text.into())));
    assert_eq!(constraint(r#"{"grammar":"root ::= \"a\""}"#), Ok(Some(Constraint::Grammar("root ::= \"a\"".into()))));
    assert_eq!(constraint(r#"{"json_schema":{"type":"null"}}"#), schema(r#"{"type":"null"}"#));
    let openai = r#"{"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"type":"null"}}}}"#;
    assert_eq!(constraint(openai), schema(r#"{"type":"null"}"#));
    assert_eq!(constraint(r#"{"response_format":{"type":"json_object"}}"#), schema(r#"{"type":"object"}"#));
    for none in ["{}", r#"{"response_format":{"type":"text"},"grammar":"","json_schema":null}"#] {
        assert_eq!(constraint(none), Ok(None));
    }
    for bad in [
        r#"{"response_format":{"type":"xml"}}"#,
        r#"{"response_format":{"type":"json_schema"}}"#,
        r#"{"grammar":"root ::= \"a\"","json_schema":{}}"#,
    ] {
        assert!(constraint(bad).is_err(), "{bad}");
    }
}

#[test]
fn what_cannot_be_done_is_said() {
    let check = |text: &str| serde_json::from_str::<Options>(text).unwrap().check();
    assert!(check(r#"{"n":2}"#).is_err());
    assert!(check(r#"{"max_tokens":0}"#).is_err());
    assert!(check(r#"{"json_schema":7}"#).is_err());
    assert!(check(r#"{"grammar":"rot ::= \"a\""}"#).is_err());
    assert!(check(r#"{"max_tokens":-1,"n":1}"#).is_ok());
    for (body, why) in [
        (json!({"top_p": -1}), "`top_p` must be a number from 0"),
        (json!({"typical_p": -0.1}), "`typical_p` must be a number from 0"),
        (json!({"presence_penalty": 1e300}), "`presence_penalty` must be a number"),
        (json!({"repeat_penalty": 0}), "`repeat_penalty` must be a number above 0"),
        (json!({"stop": vec!["a"; 300]}), "`stop` has 300 texts"),
        (json!({"stop": "a".repeat(100_000)}), "`stop` has 100000 bytes"),
        (json!({"mirostat": 3}), "`mirostat` must be 0, 1 or 2"),
        (json!({"dry_sequence_breakers": []}), "`dry_sequence_breakers` must be 1 to 16 texts"),
        (json!({"logit_bias": {"hello": 1}}), "`logit_bias` must be"),
        (json!({"logit_bias": [[1]]}), "`logit_bias` must be"),
    ] {
        let told = options(body.clone()).unwrap_err();
        assert!(told.starts_with(why), "{body}: {told}");
    }
}

#[test]
fn what_would_change_the_answer_and_is_not_served_is_refused_by_name() {
    for body in [
        json!({"tools": [{}]}),
        json!({"functions": [{}]}),
        json!({"tool_choice": "required"}),
        json!({"tool_choice": {"type": "function"}}),
        json!({"function_call": {"name": "f"}}),
        json!({"logprobs": true}),
        json!({"top_logprobs": 3}),
        json!({"n_probs": 3}),
        json!({"best_of": 2}),
        json!({"echo": true}),
        json!({"suffix": "the end"}),
        json!({"modalities": ["audio"]}),
        json!({"modalities": ["text", "audio"]}),
        json!({"audio": {"voice": "x"}}),
        json!({"verbosity": "high"}),
        json!({"web_search_options": {}}),
        json!({"samplers": ["top_k"]}),
        json!({"lora": [{"id": 0}]}),
        json!({"guided_regex": "a"}),
        json!({"guided_json": {"type": "object"}}),
        json!({"structured_outputs": {"regex": "a"}}),
        json!({"stop_token_ids": [2]}),
        json!({"min_tokens": 3}),
        json!({"documents": [{}]}),
        json!({"chat_template": "{{ messages }}"}),
        json!({"enable_thinking": false}),
        json!({"reasoning_format": "deepseek"}),
        json!({"thinking": {"type": "enabled"}}),
        json!({"system": "be brief"}),
    ] {
        let key = body.as_object().unwrap().keys().next().unwrap();
        assert_eq!(chat(body.clone()).unwrap_err(), format!("`{key}` is not served"), "{body}");
    }
    let nothing = json!({
        "frequency_penalty": 0, "presence_penalty": 0.0, "repeat_penalty": 1, "logit_bias": {}, "suffix": null,
        "best_of": 1, "tools": [], "tool_choice": "auto", "logprobs": false, "top_logprobs": 0, "echo": false,
        "modalities": ["text"], "verbosity": "medium", "min_tokens": 0, "samplers": [], "reasoning_format": "none",
        // These change no answer.
        "user": "me", "metadata": {"a": 1}, "store": true, "service_tier": "auto", "parallel_tool_calls": true,
        "cache_prompt": true, "id_slot": 3, "n_keep": 5, "safety_identifier": "x", "prompt_cache_key": "y",
    });
    chat(nothing).unwrap();
}

#[test]
fn what_belongs_to_a_message_reaches_the_template_in_its_order_or_is_refused_by_name() {
    let call = json!({
        "role": "assistant", "reasoning_content": "hm", "name": "bob", "content": null,
        "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
    });
    let request = message(call.clone()).unwrap();
    assert_eq!(serde_json::to_string(&request.messages[1]).unwrap(), call.to_string());
    assert_eq!(request.needs_of_template(), ["tool_calls"]);
    assert!(
        message(json!({"role": "tool", "tool_call_id": "1", "content": "r"})).unwrap().needs_of_template().is_empty()
    );
    // A call stands for the content.
    message(json!({"role": "assistant", "tool_calls": [{}]})).unwrap();
    for (wrong, why) in [
        (
            json!({"role": "assistant", "content": "", "audio": {"id": "x"}}),
            "`messages`, at [1]: `audio` is not served",
        ),
        (json!({"role": "assistant", "content": null, "refusal": "no"}), "`messages`, at [1]: `refusal` is not served"),
        (json!({"role": "assistant", "content": "", "function_call": {}}), "at [1]: `function_call` is not served"),
        (json!({"role": "assistant", "content": "a", "prefix": true}), "at [1]: `prefix` is not served"),
        (json!({"role": "user"}), "`messages`, at [1].content: is missing"),
        (json!({"content": "a"}), "`messages`, at [1]: missing field `role`"),
        (json!({"role": 7, "content": ""}), "`messages`, at [1].role: must be a string"),
        (json!({"role": "user", "content": 7}), "`messages`, at [1].content: must be a string"),
        (json!({"role": "user", "content": [{"type": "image_url", "image_url": {}}]}), "type `image_url`"),
        (json!({"role": "user", "content": [{"type": "text"}]}), "has no `text`"),
        (json!("hi"), "`messages`, at [1]: must be an object"),
    ] {
        let told = message(wrong.clone()).unwrap_err();
        assert!(told.contains(why), "{wrong}: {told}");
    }
}

#[test]
fn what_a_template_is_told_besides_the_messages() {
    let request = chat(json!({"reasoning_effort": "low", "chat_template_kwargs": {"b": 1, "a": 2}})).unwrap();
    assert_eq!(Value::Object(request.variables()).to_string(), r#"{"b":1,"a":2,"reasoning_effort":"low"}"#);
    assert_eq!(request.needs_of_template(), ["reasoning_effort"]);
    assert!(request.generation_prompt());
    for off in [
        json!({"add_generation_prompt": false}),
        json!({"chat_template_kwargs": {"add_generation_prompt": false}}),
        json!({"continue_final_message": true}),
        json!({"chat_template_kwargs": {"continue_final_message": true}, "add_generation_prompt": false}),
    ] {
        let request = chat(off.clone()).unwrap();
        assert!(!request.generation_prompt() && request.variables().is_empty(), "{off}");
    }
    for (wrong, why) in [
        (json!({"continue_final_message": true, "add_generation_prompt": true}), "exclude each other"),
        (json!({"continue_final_message": true, "messages": [{"role": "assistant", "content": ""}]}), "last message"),
        (json!({"chat_template_kwargs": {"add_generation_prompt": 1}}), "must be true or false"),
        (json!({"chat_template_kwargs": {"messages": []}}), "`messages` in `chat_template_kwargs` is not served"),
        (json!({"chat_template_kwargs": 5}), "`chat_template_kwargs`: "),
        (json!({"reasoning_effort": 5}), "`reasoning_effort`: "),
    ] {
        let told = chat(wrong.clone()).unwrap_err();
        assert!(told.contains(why), "{wrong}: {told}");
    }
}

/// Frameworks of agents send their tools with every request, and forbid them in the last one.
#[test]
fn tools_that_must_not_be_called_are_no_reason_to_refuse_a_chat() {
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    assert!(chat(json!({"tools": tools, "tool_choice": "none"})).is_ok());
    assert!(chat(json!({"functions": [{"name": "f"}], "function_call": "none"})).is_ok());
    for choice in [json!(null), json!("auto"), json!("required")] {
        let told = chat(json!({"tools": tools, "tool_choice": choice})).unwrap_err();
        assert_eq!(told, "`tools` is not served", "{choice}");
    }
    assert_eq!(chat(json!({"tools": tools, "function_call": "none"})).unwrap_err(), "`tools` is not served");
}

#[test]
fn several_texts_of_one_request_are_several_choices_of_its_answer() {
    let body = json!({"prompt": ["a", "b"], "max_tokens": 3});
    let (texts, options) = CompletionRequest::read_several(body.as_object().unwrap()).unwrap();
    assert_eq!((texts, options.max_tokens), (vec!["a".to_owned(), "b".to_owned()], Some(3)));
    let reply = Reply {
        kind: Kind::Text,
        id: "x".into(),
        created: 0,
        model: "m".into(),
        template: TemplateUse::Raw,
        include_usage: true,
        dialect: Dialect::OpenAi,
    };
    let timings = |n| Timings::new((n, Duration::from_secs(1)), (2 * n, Duration::from_secs(1)));
    let both = timings(3).plus(timings(1));
    assert_eq!((both.prompt_n, both.predicted_n, both.predicted_per_second), (4, 8, 4.0));
    let usage = Usage::of(3, timings(3)).plus(Usage::of(1, timings(1)));
    assert_eq!((usage.prompt_tokens, usage.completion_tokens, usage.total_tokens), (4, 8, 12));
    let whole = reply.whole_of(&[("A", Finish::Stop), ("B", Finish::TimedOut)], usage, both);
    let expected = json!([
        {"index": 0, "finish_reason": "stop", "text": "A"}, {"index": 1, "finish_reason": "length", "text": "B"},
    ]);
    assert_eq!((&whole["choices"], &whole["usage"]["total_tokens"]), (&expected, &json!(12)));
    let (piece, end) = (reply.piece_of(1, "B"), reply.end_of(1, Finish::Stop));
    assert_eq!(piece["choices"], json!([{"index": 1, "finish_reason": null, "text": "B"}]));
    assert_eq!(end["choices"], json!([{"index": 1, "finish_reason": "stop", "text": ""}]));
}

#[test]
fn a_body_that_cannot_be_answered_is_told_by_the_name_of_what_is_wrong() {
    for (more, why) in [
        (json!({"temperature": "hot"}), "`temperature`: invalid type: string \"hot\""),
        (json!({"stop": [1]}), "`stop`: "),
        (json!({"n": 2}), "`n` must be 1"),
        (json!({"messages": []}), "`messages` is empty"),
        (json!({"messages": null}), "`messages` is missing"),
        (json!({"messages": "hi"}), "`messages`: "),
    ] {
        let told = chat(more.clone()).unwrap_err();
        assert!(told.contains(why), "{more}: {told}");
    }
    let complete = |body: Value| CompletionRequest::read(body.as_object().unwrap());
    assert_eq!(complete(json!({"prompt": ["a"]})).unwrap().prompt, "a");
    for (body, why) in [
        (json!({"prompt": ["a", "b"]}), "`prompt` must be one text"),
        (json!({"prompt": [1, 2]}), "`prompt` must be a text or a list of texts"),
        (json!({"prompt": []}), "`prompt` must be a text or a list of texts"),
        (json!({"prompt": vec!["a"; 2049]}), "`prompt` has 2049 texts; the maximum is 2048"),
        (json!({}), "`prompt` is missing"),
        (json!({"prompt": "a", "reasoning_effort": "low"}), "`reasoning_effort` is not served"),
    ] {
        let told = complete(body.clone()).unwrap_err();
        assert!(told.contains(why), "{body}: {told}");
    }
}

/// A gateway that took another chunk for it would hold tokens back.
#[test]
fn the_opening_of_a_stream_is_told_from_everything_else() {
    let chunk = |delta: &str| format!("data: {{\"choices\":[{{\"finish_reason\":null,\"delta\":{delta}}}]}}\n\n");
    let opens = |text: &str| is_opening(text.as_bytes());
    for delta in [r#"{"role":"assistant","content":""}"#, r#"{"role":"assistant","content":null}"#, r#"{"role":"x"}"#] {
        assert!(opens(&chunk(delta)), "{delta}");
    }
    for delta in
        [r#"{}"#, r#"{"content":""}"#, r#"{"role":"assistant","content":"a"}"#, r#"{"role":"a","tool_calls":[1]}"#]
    {
        assert!(!opens(&chunk(delta)), "{delta}");
    }
    let opening = chunk(r#"{"role":"assistant","content":""}"#);
    let two = format!("{opening}{opening}");
    let ended = opening.replace("null", "\"stop\"");
    for other in [&two, &ended, opening.trim_end(), "data: [DONE]\n\n", ": x\n\n", "data: {\"choices\":[]}\n\n", ""] {
        assert!(!opens(other), "{other}");
    }
}
