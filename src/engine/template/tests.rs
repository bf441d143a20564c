//! Templates with the features that real ones use, written for these tests.

use super::*;
use crate::clock::Timestamp;
use serde_json::json;

/// ChatML with a default system text, on one line as tokenizer files carry it.
const CHATML: &str = "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nBe kind.<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

/// Llama-3 style: bos, header tokens, a date, `is defined`, slices, reassignment, indented blocks.
const HEADERS: &str = r#"{{- bos_token }}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}
        {%- set date_string = strftime_now("%d %b %Y") %}
    {%- endif %}
{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content'].strip() %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|head|>system<|/head|>\n\n" }}
{{- "Today: " + date_string + "\n" }}
{{- system_message + "<|eot|>" }}
{%- for message in messages %}
    {{- '<|head|>' + message['role'] + '<|/head|>\n\n'+ message['content'] | trim + '<|eot|>' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|head|>assistant<|/head|>\n\n' }}
{%- endif %}
"#;

/// Gemma style: no system role, strict turns, another name for the assistant.
const TURNS: &str = "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Turns must alternate') }}{% endif %}{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}{% endif %}{{ '<turn>' + role + '\n' + message['content'] | trim + '</turn>\n' }}{% endfor %}{% if add_generation_prompt %}{{'<turn>model\n'}}{% endif %}";

/// Namespace, loop controls, Python methods, tojson, a generation block.
const KITCHEN_SINK: &str = r#"{%- set ns = namespace(last=-1) %}
{%- for m in messages %}
{%- if m.role == 'tool' %}{% continue %}{% endif %}
{%- if m.role == 'user' and not m.content.startswith('<tool>') %}{% set ns.last = loop.index0 %}{% endif %}
{%- endfor %}
{%- for m in messages[::-1] %}{% if loop.index > 1 %}{% break %}{% endif %}{{ m.content.split('</think>')[-1].lstrip('\n') | upper }}{% endfor %}
{%- generation %}|{{ ns.last }}|{% endgeneration -%}
{{ {'a': [1, '<b>'], 'c': none} | tojson }}"#;

fn chat(turns: &[(&str, &str)]) -> Chat {
    // Noon, so that every time zone within twelve hours has the same date.
    let now = Timestamp(1_795_262_400_000);
    Chat::new(turns.iter().map(|(role, content)| Message::new(*role, *content)).collect(), now)
}

fn rendered(template: &str, turns: &[(&str, &str)]) -> Result<(String, TemplateUse), EngineError> {
    Template::new(template, "<s>", "</s>")?.render(&chat(turns))
}

/// A chat of one message with these variables, as JSON.
fn with(template: &str, variables: serde_json::Value) -> Result<String, EngineError> {
    let mut chat = chat(&[("user", "hi")]);
    chat.variables = variables.as_object().cloned().unwrap_or_default();
    Template::new(template, "<s>", "</s>")?.render(&chat).map(|(text, _)| text)
}

#[track_caller]
fn check(template: &str, turns: &[(&str, &str)], expected: &str, how: TemplateUse) {
    assert_eq!(rendered(template, turns).unwrap(), (expected.to_string(), how));
}

#[test]
fn chatml_gets_its_default_system_text() {
    let expected = "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n";
    check(CHATML, &[("user", "hi")], expected, TemplateUse::Model);
}

#[test]
fn blocks_are_trimmed_and_the_date_is_told() {
    let expected = "<s><|head|>system<|/head|>\n\nToday: 21 Nov 2026\nbe brief<|eot|><|head|>user<|/head|>\n\nhi<|eot|><|head|>assistant<|/head|>\n\n";
    check(HEADERS, &[("system", " be brief "), ("user", " hi\n")], expected, TemplateUse::Model);
}

#[test]
fn a_template_without_system_role_still_gets_the_system_text() {
    let expected = "<s><turn>user\nbe brief\n\nhi</turn>\n<turn>model\n";
    check(TURNS, &[("system", "be brief"), ("user", "hi")], expected, TemplateUse::ModelWithoutSystem);
}

#[test]
fn a_template_that_drops_the_system_text_gets_it_with_the_users() {
    let template = "{% for m in messages if m.role != 'system' %}[{{ m.content }}]{% endfor %}";
    check(template, &[("system", "S"), ("user", "u")], "[S\n\nu]", TemplateUse::ModelWithoutSystem);
}

#[test]
fn what_a_template_refuses_is_told_in_its_words() {
    let error = rendered(TURNS, &[("assistant", "hi")]).unwrap_err();
    assert_eq!(error, EngineError::TemplateRefused("Turns must alternate".into()));
}

#[test]
fn python_in_templates_works() {
    let turns = [("user", "q"), ("tool", "t"), ("assistant", "<think>x</think>\nyes")];
    check(KITCHEN_SINK, &turns, "YES|0|{\"a\": [1, \"<b>\"], \"c\": null}", TemplateUse::Model);
}

#[test]
fn contents_as_parts_are_given_where_wanted() {
    let template = "{% for m in messages %}{% for p in m.content %}{% if p.type == 'text' %}[{{ p.text }}]{% endif %}{% endfor %}{% endfor %}";
    check(template, &[("user", "hi")], "[hi]", TemplateUse::Model);
}

#[test]
fn a_template_that_never_ends_is_stopped() {
    let endless = "{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %}";
    assert!(matches!(rendered(endless, &[("user", "hi")]), Err(EngineError::Template(_))));
}

#[test]
fn a_broken_template_is_an_answer() {
    assert!(matches!(rendered("{% for %}", &[("user", "hi")]), Err(EngineError::Template(_))));
    assert!(matches!(rendered("{{ strftime_now('%') }}", &[("user", "hi")]), Err(EngineError::Template(_))));
}

/// Messages as a request has them.
fn messages(json: serde_json::Value) -> Chat {
    let messages: Vec<Message> = serde_json::from_value(json).unwrap();
    Chat { messages, ..chat(&[]) }
}

fn of(template: &str, chat: &Chat) -> Result<String, EngineError> {
    Template::new(template, "<s>", "</s>")?.render(chat).map(|(text, _)| text)
}

#[test]
fn what_python_s_undefined_is_it_is_here() {
    for (expression, expected) in [
        ("u|length", "0"),
        ("u|count", "0"),
        ("[u|first, u|last] == [u, u]", "True"),
        ("u|list", "[]"),
        ("u|items|list", "[]"),
        ("u|join(',')", ""),
        ("u|default('d')", "d"),
        ("u ~ 'a'", "a"),
        ("u is iterable", "True"),
        ("not u", "True"),
        ("'a' in u", "False"),
        ("d.nope|length", "0"),
        ("d.nope is defined", "False"),
        ("none is iterable", "False"),
        ("(1 if false) is defined", "False"),
    ] {
        let text = with(&format!("{{{{ {expression} }}}}"), json!({"d": {}})).unwrap();
        assert_eq!(text, expected, "{expression}");
    }
    assert_eq!(with("{% for x in u %}x{% else %}none{% endfor %}", json!({})).unwrap(), "none");
    for wrong in ["u.x", "d.nope.x", "u + 'a'", "u()"] {
        let error = with(&format!("{{{{ {wrong} }}}}"), json!({"d": {}})).unwrap_err();
        assert!(matches!(error, EngineError::Template(_)), "{wrong}: {error}");
    }
}

#[test]
fn values_are_written_as_python_writes_them() {
    let values = json!({"v": [true, null, 1.0, "it's", "a\"b", {"k": 1e20}]});
    assert_eq!(with("{{ v[:5] }}", values.clone()).unwrap(), r#"[True, None, 1.0, "it's", 'a"b']"#);
    assert_eq!(with("{{ v[0] }}{{ v[1] }}{{ v[2] }}{{ v[5].k|string }}", values).unwrap(), "TrueNone1.01e+20");
}

#[test]
fn json_is_written_as_python_s_json_dumps_writes_it() {
    let value = json!({"v": {"z": 1, "a": ["é🦀", "</b>", 1e20, 2.0, null, true], "e": [], "o": {}}});
    for (call, expected) in [
        ("tojson", r#"{"z": 1, "a": ["é🦀", "</b>", 1e+20, 2.0, null, true], "e": [], "o": {}}"#),
        (
            "tojson(ensure_ascii=true)",
            r#"{"z": 1, "a": ["\u00e9\ud83e\udd80", "</b>", 1e+20, 2.0, null, true], "e": [], "o": {}}"#,
        ),
        ("tojson(separators=(',', ':'))", r#"{"z":1,"a":["é🦀","</b>",1e+20,2.0,null,true],"e":[],"o":{}}"#),
        ("tojson(sort_keys=true)", r#"{"a": ["é🦀", "</b>", 1e+20, 2.0, null, true], "e": [], "o": {}, "z": 1}"#),
    ] {
        assert_eq!(with(&format!("{{{{ v|{call} }}}}"), value.clone()).unwrap(), expected, "{call}");
    }
    let small = json!({"v": {"b": [1, {}], "a": []}});
    let lines = "{\n  \"b\": [\n    1,\n    {}\n  ],\n  \"a\": []\n}";
    assert_eq!(with("{{ v|tojson(indent=2) }}", small.clone()).unwrap(), lines);
    assert_eq!(with("{{ v|tojson(false, 2) }}", small).unwrap(), lines);
    let error = with("{{ u|tojson }}", json!({})).unwrap_err();
    assert!(error.to_string().contains("not JSON serializable"), "{error}");
}

#[test]
fn objects_keep_the_order_of_the_request() {
    let tools = json!({"tools": [{"type": "function", "function": {"name": "f", "b": 1, "a": {"z": 1, "y": 2}}}]});
    let text = with(
        "{% for t in tools %}{{ t|tojson }}{% for k, v in t.function.items() %},{{ k }}{% endfor %}{% endfor %}",
        tools,
    );
    let expected = r#"{"type": "function", "function": {"name": "f", "b": 1, "a": {"z": 1, "y": 2}}},name,b,a"#;
    assert_eq!(text.unwrap(), expected);
}

#[test]
fn methods_and_filters_of_python_work() {
    for (expression, expected) in [
        ("'a-b-c'.rsplit('-', 1)", "['a-b', 'c']"),
        ("'a b  c'.split(none, 1)", "['a', 'b  c']"),
        ("'a,b,c'.split(',', maxsplit=1)", "['a', 'b,c']"),
        ("'a-b'.partition('-')", "('a', '-', 'b')"),
        ("'ab'.rpartition('-')", "('', '', 'ab')"),
        ("'<x>'.removeprefix('<').removesuffix('>')", "x"),
        ("'äbä'.find('ä', 1)", "2"),
        ("'abab'.count('a', 1)", "1"),
        ("'7'.zfill(3) ~ '-7'.zfill(4)", "007-007"),
        ("'a'.center(4) ~ '|' ~ 'a'.ljust(2) ~ '|' ~ 'a'.rjust(2, '.')", " a  |a |.a"),
        ("[4, 5].index(5)", "1"),
        ("'x'|int ~ '3'|int ~ '2.9'|int ~ 'x'|int(7)", "0327"),
        ("'{\n'|indent(2, first=true)", "  {\n"),
        ("'a\n\nb\n'|indent(width=2)", "a\n\n  b\n"),
        ("'a\nb'|indent('> ', true)", "> a\n> b"),
        ("'<\"&>'|e", "&lt;&#34;&amp;&gt;"),
        ("[1, 2, 3][1:] is sequence and 'a' is sequence and {} is sequence", "True"),
        ("'one two'|wordcount", "2"),
    ] {
        let text = with(&format!("{{{{ {expression} }}}}"), json!({})).unwrap();
        assert_eq!(text, expected, "{expression}");
    }
}

#[test]
fn what_is_added_to_a_safe_text_is_escaped_as_in_python() {
    let value = json!({"v": "<\"a\">"});
    assert_eq!(with("{{ '<b>'|safe + v }}{{ v }}", value.clone()).unwrap(), "<b>&lt;&#34;a&#34;&gt;<\"a\">");
    assert_eq!(with("{{ '<b>' + v|safe }}", value.clone()).unwrap(), "&lt;b&gt;<\"a\">");
    assert_eq!(with("{{ v|safe }}{{ v ~ v|safe }}", value).unwrap(), "<\"a\"><\"a\"><\"a\">");
}

#[test]
fn line_ends_of_windows_in_a_template_are_line_ends() {
    assert_eq!(with("a\r\n{% if true %}\r\nb{% endif %}\r\n", json!({})).unwrap(), "a\nb");
}

#[test]
fn calls_of_tools_and_their_results_reach_the_template() {
    let template = "{% for m in messages %}{{ m.role }}:{% for c in m.tool_calls %}{{ c.function.name }}({{ c.function.arguments }}){% endfor %}{{ m.tool_call_id }}{{ m.name }}{{ m.reasoning_content }}{{ m.content }};{% endfor %}";
    let chat = messages(json!([
        {"role": "user", "name": "bob", "content": "q"},
        {"role": "assistant", "content": null, "reasoning_content": "R", "tool_calls": [
            {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{\"b\": 1, \"a\": 2}"}}]},
        {"role": "tool", "tool_call_id": "1", "content": "r"},
    ]));
    // No template prints the "None" that Python would.
    assert_eq!(of(template, &chat).unwrap(), "user:bobq;assistant:f({\"b\": 1, \"a\": 2})R;tool:1r;");
}

#[test]
fn a_call_is_known_by_its_missing_content_where_a_template_asks_for_that() {
    let chat = messages(json!([
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": null, "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]},
    ]));
    let by_null =
        "{% for m in messages %}{% if m.content is none %}CALL{% else %}{{ m.content }}{% endif %}{% endfor %}";
    assert_eq!(of(by_null, &chat).unwrap(), "qCALL");
    assert_eq!(of("{% for m in messages %}{{ m.content + '|' }}{% endfor %}", &chat).unwrap(), "q||");
}

#[test]
fn arguments_of_calls_are_objects_where_a_template_writes_or_reads_them_as_such() {
    let chat = messages(json!([
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": "", "tool_calls": [
            {"function": {"name": "f", "arguments": "{\"b\": 1, \"a\": \"x\"}"}}]},
    ]));
    let call = |body: &str| {
        let template = format!(
            "{{% for m in messages %}}{{{{ m.content }}}}{{% for c in m.tool_calls %}}{body}{{% endfor %}}{{% endfor %}}"
        );
        of(&template, &chat).unwrap()
    };
    // Never JSON within a JSON string.
    assert_eq!(call("{{ c.function.arguments|tojson }}"), "q{\"b\": 1, \"a\": \"x\"}");
    assert_eq!(call("{% for k, v in c.function.arguments.items() %}{{ k }}={{ v }} {% endfor %}"), "qb=1 a=x ");
    assert_eq!(call("{{ '<' + c.function.arguments + '>' }}"), "q<{\"b\": 1, \"a\": \"x\"}>");
}

#[test]
fn several_parts_are_joined_by_the_template_where_it_takes_lists() {
    let chat =
        messages(json!([{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]));
    let takes_lists = "{% for m in messages %}{% if m.content is string %}{{ m.content }}{% else %}{% for p in m.content %}{{ p.text }}{% endfor %}{% endif %}{% endfor %}";
    assert_eq!(of(takes_lists, &chat).unwrap(), "ab");
    assert_eq!(of("{% for m in messages %}{{ m.content }}{% endfor %}", &chat).unwrap(), "a\nb");
}

#[test]
fn an_answer_may_continue_the_last_message() {
    let mut chat = chat(&[("user", "q"), ("assistant", "It is ")]);
    chat.continues = true;
    assert!(of(CHATML, &chat).unwrap().ends_with("<|im_start|>assistant\nIt is "));
    let trimming = "{% for m in messages %}[{{ m.content|trim }}]{% endfor %}{{ add_generation_prompt }}";
    assert_eq!(of(trimming, &chat).unwrap(), "[q][It is");
    let hiding = of("{% for m in messages %}{{ m.content|length }}{% endfor %}", &chat).unwrap_err();
    assert!(hiding.to_string().contains("does not show the last message"), "{hiding}");
}

#[test]
fn the_head_of_an_answer_is_left_out_on_request() {
    let mut chat = chat(&[("user", "q")]);
    chat.generation_prompt = false;
    assert!(of(CHATML, &chat).unwrap().ends_with("q<|im_end|>\n"));
}

#[test]
fn a_text_is_cut_off_where_it_cannot_fit_the_context_any_more() {
    let mut chat = chat(&[("user", "hi")]);
    chat.most = 10_000;
    let endless = format!("{{% for i in range(100000) %}}{}{{% endfor %}}", "A".repeat(1000));
    assert_eq!(of(&endless, &chat), Err(EngineError::TextOverflow { most: 10_000 }));
    chat.most = 5;
    assert_eq!(of("12345{{ '' }}", &chat).unwrap(), "12345");
}

#[test]
fn a_template_of_a_megabyte_is_read_or_refused_at_once() {
    let before = crate::clock::instant();
    assert!(matches!(rendered(&"{%".repeat(500_000), &[("user", "hi")]), Err(EngineError::Template(_))));
    assert!(matches!(rendered(&" ".repeat(MOST_TEMPLATE + 1), &[("user", "hi")]), Err(EngineError::Template(_))));
    assert!(before.elapsed() < std::time::Duration::from_secs(20));
}

#[test]
fn only_a_template_that_raised_refuses() {
    let told = |template: &str| rendered(template, &[("user", "hi")]).unwrap_err().to_string();
    assert!(told("{{ raise_exception('no') }}").ends_with("refuses these messages: no"));
    for broken in ["{{ messages.nope.x }}", "{% for %}", "{{ 'a'|nope }}"] {
        let told = told(broken);
        assert!(told.contains("cannot be rendered: ") && told.ends_with("(line 1)"), "{told}");
    }
}
