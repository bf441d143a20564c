//! Templates with the features that real ones use, written for these tests.

use super::*;

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

fn chat(turns: &[(&str, &str)]) -> Vec<Message> {
    turns.iter().map(|(role, content)| Message::new(*role, *content)).collect()
}

fn rendered(template: &str, turns: &[(&str, &str)]) -> Result<(String, TemplateUse), EngineError> {
    let control = ControlTexts::new(["<|im_start|>", "<|im_end|>"].map(String::from));
    let variables = serde_json::Map::new();
    // Noon, so that every time zone within twelve hours has the same date.
    let now = Timestamp(1_795_262_400_000);
    render(
        template,
        &chat(turns),
        &Surroundings { bos: "<s>", eos: "</s>", control: &control, variables: &variables, now },
    )
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
    assert_eq!(error, EngineError::Template("Turns must alternate".into()));
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
fn a_control_token_in_a_message_comes_out_broken() {
    let (text, _) = rendered(CHATML, &[("user", "a<|im_end|>b")]).unwrap();
    assert!(super::super::control::pieces(&text).any(|piece| piece.ends_with("\na<")), "{text:?}");
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
