use super::*;
use crate::clock::Timestamp;
use crate::model::ModelId;
use crate::model::task::ErrorKind;
use crate::model::task::machine::{self, End};
use crate::model::task::{Hold, Moment, NewTask, OwnerId, Policy, Task, TaskError, TaskId, TaskResult};
use proptest::prelude::*;

fn chat(key: &str) -> String {
    format!(
        r#"{{"custom_id": "{key}", "method": "POST", "url": "/v1/chat/completions", "body": {{"model": "m", "messages": [{{"role": "user", "content": "hi"}}]}}}}"#
    )
}

#[track_caller]
fn problems(text: &str) -> Vec<(Vec<u64>, String)> {
    let found = check(text.as_bytes()).unwrap().unwrap_err();
    found.first.into_iter().map(|p| (p.lines, p.what)).collect()
}

#[track_caller]
fn wrong(line: &str, what: &str) {
    let text = format!("{}\n{line}\n{}\n", chat("a"), chat("b"));
    let found = problems(&text);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, [2]);
    assert!(found[0].1.contains(what), "{found:?}");
}

#[test]
fn a_good_file_is_read_twice_and_the_same() {
    let completion =
        r#"{"custom_id":"c","method":"POST","url":"/v1/completions","body":{"prompt":"Once","temperature":1e0}}"#;
    let text = format!("\u{feff}{}\r\n{completion}", chat("a"));
    let checked = check(text.as_bytes()).unwrap().unwrap();
    assert_eq!((checked.lines, checked.sha256.len()), (2, 64));
    let lines: Vec<Line> = read(text.as_bytes(), &checked).map(Result::unwrap).collect();
    assert_eq!((lines[0].key.as_str(), lines[0].model.as_deref()), ("a", Some("m")));
    assert_eq!(lines[1].request.endpoint, Endpoint::Completions);
    assert_eq!(lines[1].request.body, r#"{"prompt":"Once","temperature":1.0}"#);
    for other in [chat("a"), format!("{text}\n{}", chat("b")), format!("{text}x"), String::new()] {
        assert!(read(other.as_bytes(), &checked).any(|line| line.is_err()), "{other}");
    }
}

#[test]
fn every_mistake_is_told_with_its_line() {
    wrong("[1]", "not a JSON object");
    wrong("{\"custom_id\": \"x\", ", "not valid JSON (column");
    wrong(&chat("a"), "`a` is used before");
    wrong(&chat(""), "empty custom_id");
    wrong(&chat(&"x".repeat(513)), "longer than 512");
    wrong(&chat("c").replace("\"c\"", "7"), "not a string");
    wrong(&chat("c").replace("custom_id", "custom"), "no custom_id");
    wrong(&chat("c").replace("POST", "GET"), "method \"POST\"");
    wrong(&chat("c").replace("/v1/chat/", "/v2/chat/"), "/v2/chat/completions`; known are");
    wrong(&chat("c").replace("body", "boddy"), "no body");
    wrong(&chat("c").replace("messages", "message"), "must have `messages`");
    wrong(&chat("c").replace("\"role\"", "\"roll\""), "without role or content (number 1)");
    wrong(&chat("c").replace("chat/completions", "completions"), "must have a `prompt`");
    let asking = |more: &str| chat("c").replace("\"model\"", &format!("{more}, \"model\""));
    wrong(&asking("\"n\": 2"), "`n` must be 1");
    wrong(&asking("\"temperature\": \"hot\""), "`temperature`: invalid type");
    wrong(&asking("\"tools\": [{}]"), "`tools` is not served");
    wrong(&asking("\"max_tokens\": 0"), "`max_tokens` must be at least 1");
    wrong(&asking("\"response_format\": {\"type\": \"xml\"}"), "`response_format.type` must be");
    wrong(&chat("c").replace("\"hi\"", "[{\"type\": \"image_url\"}]"), "type `image_url` are not supported");
    let found = check(&b"{\"custom_id\": \"\xff\"}\n"[..]).unwrap().unwrap_err();
    assert_eq!(found.first[0].what, "is not UTF-8 text");
    assert_eq!(problems(""), [(vec![], "it is empty".to_owned())]);
}

#[test]
fn blank_lines_are_passed_over_wherever_they_are() {
    let text = format!("\n{}\n   \r\n{}\n\n\n", chat("a"), chat("b"));
    let checked = check(text.as_bytes()).unwrap().unwrap();
    assert_eq!(checked.lines, 2);
    assert_eq!(read(text.as_bytes(), &checked).map(Result::unwrap).count(), 2);
    // Lines are counted as an editor counts them.
    let wrong = format!("\n{}\n\n[1]\n", chat("a"));
    assert_eq!(problems(&wrong), [(vec![4], "is not a JSON object".to_owned())]);
    assert_eq!(problems("\n\n"), [(vec![], "it is empty".to_owned())]);
}

#[test]
fn what_clients_write_in_a_line_is_taken() {
    let asking = |key: &str, more: &str| chat(key).replace("\"model\"", &format!("{more}, \"model\""));
    let lines = [
        asking("a", r#""max_tokens": null, "max_completion_tokens": 3"#),
        asking("b", r#""max_tokens": 3, "max_completion_tokens": 3"#),
        asking("c", r#""max_tokens": 3, "n_predict": 5, "tools": null, "logprobs": null"#),
        chat("d")
            .replace(r#"{"role": "user", "content": "hi"}"#, r#"{"role": "assistant", "tool_calls": [{"id": "1"}]}"#),
    ];
    assert_eq!(check(lines.join("\n").as_bytes()).unwrap().unwrap().lines, 4);
}

#[test]
fn a_form_that_cannot_be_followed_is_told_with_every_line_that_asks_for_it() {
    let asking = |key: &str, form: &str| chat(key).replace("\"model\"", &format!("{form}, \"model\""));
    let (good, bad) = (r#""json_schema": {"type": "null"}"#, r#""grammar": "root ::= nothing""#);
    let text = [asking("a", bad), asking("b", good), chat("c"), asking("d", bad)].join("\n");
    let checked = check(text.as_bytes()).unwrap().unwrap();
    let lines: Vec<(&str, &[u64])> = checked.forms.iter().map(|(form, at)| (form.text(), at.as_slice())).collect();
    assert_eq!(lines, [("root ::= nothing", &[1, 4][..]), (r#"{"type":"null"}"#, &[2][..])]);
    let refused = [Some("the grammar cannot be used".to_owned()), None];
    let told = Problems::of_forms(&checked, &refused);
    assert_eq!((told.count, told.first[0].lines.as_slice()), (2, &[1, 4][..]));
    let many: String =
        (0..MAX_FORMS + 5).map(|n| asking(&n.to_string(), &good.replace("null", &n.to_string())) + "\n").collect();
    assert_eq!(check(many.as_bytes()).unwrap().unwrap().forms.len(), MAX_FORMS);
}

#[test]
fn of_many_mistakes_twenty_are_told_and_all_are_counted() {
    let lines: String = (0..35).map(|n| chat("").replace("/v1", &format!("/v{}", n + 2)) + "\n").collect();
    let found = check(lines.replace("\"custom_id\": \"\"", "\"custom_id\": \"x\"").as_bytes()).unwrap().unwrap_err();
    assert_eq!((found.first.len(), found.count), (20, 35));
    let failure = found.failure("in.jsonl");
    assert!(failure.message.contains("has 35 problems"), "{failure}");
    assert!(failure.message.contains("\n  line 20: ") && failure.message.ends_with("\n  and 15 more"), "{failure}");
}

#[test]
fn a_mistake_of_many_lines_is_one_line_of_the_report() {
    let text = format!("{}{}\n[1]\n", "x\n".repeat(2), chat("a").replace("POST", "GET"));
    let failure = check(text.as_bytes()).unwrap().unwrap_err().failure("in.jsonl");
    let report =
        "has 4 problems, and nothing of it was queued:\n  lines 1, 2 and 4: is not a JSON object\n  line 3: must";
    assert!(failure.message.contains(report), "{failure}");
    let failure = check("x\n".repeat(35).as_bytes()).unwrap().unwrap_err().failure("in.jsonl");
    assert!(failure.message.ends_with("\n  lines 1, 2, 3, 4, 5 and 30 more: is not a JSON object"), "{failure}");
}

#[test]
fn a_file_over_the_limits_is_refused_without_reading_on() {
    let mut text: String = (0..=MAX_LINES).map(|i| chat(&i.to_string()) + "\n").collect();
    assert!(problems(&text)[0].1.contains("more than 50000 requests"));
    text.truncate(text.trim_end().rfind('\n').unwrap());
    assert_eq!(check(text.as_bytes()).unwrap().unwrap().lines, MAX_LINES);
    // Endless: reading must end by itself.
    let endless = std::io::BufReader::new(std::io::repeat(b'x'));
    assert!(check(endless).unwrap().unwrap_err().first[0].what.contains("longer than 32 MiB"));
}

fn ended(end: Option<End>) -> Task {
    let at = Moment { now: Timestamp(1_700_000_000_999), policy: Policy::default() };
    let request = TaskRequest { endpoint: Endpoint::Chat, body: "{}".into() };
    let new = NewTask { key: Some("k".into()), ..NewTask::new(request.clone()) };
    let mut ticket = machine::enqueue(TaskId(7), &new, at);
    let mut result = None;
    if let Some(end) = end {
        ticket = machine::claim(&ticket, &OwnerId::new(1, 2, 3), at).unwrap().ticket;
        if let End::Done(answer) = &end {
            result = Some(answer.clone());
        }
        ticket = machine::finish(&ticket, Hold::from(&ticket), end, at).unwrap().ticket;
    }
    Task { ticket, request, result }
}

#[test]
fn answers_are_openai_s_lines() {
    let result = TaskResult {
        text: "ja\n".into(),
        finish_reason: "stop".into(),
        prompt_tokens: 3,
        completion_tokens: 4,
        prompt_ms: 1,
        generate_ms: 1,
        model: ModelId("a".into()),
        model_name: "smol".into(),
    };
    let line = output_line(&ended(Some(End::Done(result)))).unwrap();
    assert!(!is_error(&line));
    assert_eq!(
        serde_json::to_string(&line).unwrap(),
        "{\"id\":\"batch_req_7\",\"custom_id\":\"k\",\"response\":{\"status_code\":200,\"request_id\":\"req_7_1\",\
         \"body\":{\"id\":\"chatcmpl-7\",\"object\":\"chat.completion\",\"created\":1700000000,\"model\":\"smol\",\
         \"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"ja\\n\"},\"logprobs\":null,\
         \"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4,\"total_tokens\":7}}},\
         \"error\":null}"
    );
    let failed = output_line(&ended(Some(End::FailedForGood(TaskError::new(ErrorKind::Request, "too long"))))).unwrap();
    assert_eq!((failed.response.clone(), is_error(&failed)), (None, true));
    assert_eq!(failed.error.unwrap().code, "request");
    assert_eq!(output_line(&ended(None)), None);
}

proptest! {
    #[test]
    fn no_bytes_break_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        check(&bytes[..]).unwrap().ok();
    }

    #[test]
    fn a_mangled_line_is_a_problem_or_a_request(at in 0..150usize, byte in any::<u8>()) {
        let mut text = chat("a").into_bytes();
        let at = at % text.len();
        text[at] = byte;
        if let Ok(checked) = check(&text[..]).unwrap() {
            prop_assert_eq!(read(&text[..], &checked).map(Result::unwrap).count() as u64, checked.lines);
        }
    }
}
