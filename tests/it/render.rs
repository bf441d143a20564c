//! Chat templates are foreign code: whatever one does costs its request and nothing else.

use modelctl::clock::Timestamp;
use modelctl::engine::{Chat, EngineError, Message};
use modelctl::worker::{Renderer, Source};
use std::time::{Duration, Instant};

fn source(template: &str) -> Source {
    Source { template: template.to_owned(), bos: "<s>".to_owned(), eos: "</s>".to_owned() }
}

fn chat(text: &str) -> Chat {
    let mut chat = Chat::new(vec![Message::new("user", text)], Timestamp(1_795_262_400_000));
    chat.most = 1 << 20;
    chat
}

fn renderer() -> Renderer {
    Renderer::new(env!("CARGO_BIN_EXE_modelctl"))
}

fn rendered(template: &str, limit: Duration) -> Result<String, EngineError> {
    renderer().render(&source(template), &chat("hi"), Some(limit)).map(|(text, _)| text)
}

const LONG: Duration = Duration::from_secs(60);
/// What a template that grows may take here: it is stopped by this or by its memory, whichever comes first.
const SHORT: Duration = Duration::from_secs(2);

#[test]
fn one_child_renders_chat_after_chat() {
    let renderer = renderer();
    renderer.warm_up();
    let source = source("{{ bos_token }}{% for m in messages %}[{{ m.content }}]{% endfor %}");
    for text in ["a", "é 🦀\n", &"b".repeat(300_000)] {
        assert_eq!(renderer.render(&source, &chat(text), None).unwrap().0, format!("<s>[{text}]"));
    }
}

#[test]
fn a_template_that_grows_without_end_is_refused_and_the_next_chat_is_rendered() {
    let templates = [
        // Each step doubles a text or a list.
        "{% set ns=namespace(s='a'*16) %}{% for i in range(40) %}{% set ns.s=ns.s ~ ns.s %}{% endfor %}{{ ns.s|length }}",
        "{% set ns=namespace(s='a'*16) %}{% for i in range(40) %}{% set ns.s=ns.s + ns.s %}{% endfor %}{{ ns.s|length }}",
        "{% set ns=namespace(s='ab'*16) %}{% for i in range(40) %}{% set ns.s=ns.s|replace('a','aaaa') %}{% endfor %}{{ ns.s|length }}",
        "{% set ns=namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x=[ns.x,ns.x] %}{% endfor %}{{ ns.x }}",
        "{% set ns=namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x=[ns.x,ns.x] %}{% endfor %}{{ ns.x|tojson }}",
        "{% set ns=namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x=[ns.x,ns.x] %}{% endfor %}{{ ns.x|string|length }}",
        "{% set x='a'*99999999 %}{{ [x,x,x,x,x,x,x,x,x,x]|join|length }}",
        "{{ ('a'*50000000)|replace('', 'bbbbbbbbbbbbbbbbbbbb')|length }}",
        "{{ ('a'*1000000000)|length }}",
        "{{ 'a\na'|indent(100000000000) }}",
        "{{ ('a\n'*1000000)|indent(100000)|length }}",
        "{{ range(100000)|list|tojson(indent=1000000)|length * 0 }}{% for i in range(100) %}{{ 'b'*99999999 }}{% endfor %}",
        // The text itself.
        "{% for i in range(100000) %}AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA{% endfor %}",
        "{% set x %}{% for i in range(99999) %}{{ 'a'*99999 }}{% endfor %}{% endset %}{{ x|length }}",
        "{% macro m(n) %}{{ 'a'*99999 }}{{ m(n+1) }}{% endmacro %}{{ m(0) }}",
        // Depth.
        "{% set ns=namespace(x=[]) %}{% for i in range(99999) %}{% set ns.x=[ns.x] %}{% endfor %}{{ ns.x }}",
        "{% set ns=namespace(x=[]) %}{% for i in range(99999) %}{% set ns.x=[ns.x] %}{% endfor %}{{ ns.x|tojson }}",
        "{% set ns=namespace(x=[]) %}{% for i in range(99999) %}{% set ns.x={'a': ns.x} %}{% endfor %}{{ ns.x == ns.x }}{{ 1/0 }}",
    ];
    for template in templates {
        let started = Instant::now();
        let error = rendered(template, SHORT).expect_err(template);
        let is_told = matches!(error, EngineError::Template(_) | EngineError::TextOverflow { .. });
        assert!(is_told, "{template}: {error:?}");
        assert!(started.elapsed() < LONG, "{template}");
    }
    for deep in ["(".repeat(50_000), "[".repeat(50_000), "{% if 1 %}".repeat(50_000), "not ".repeat(100_000)] {
        assert!(matches!(rendered(&format!("{{{{ {deep} }}}}"), SHORT), Err(EngineError::Template(_))));
        assert!(matches!(rendered(&deep, SHORT), Err(EngineError::Template(_)) | Ok(_)));
    }
    let renderer = renderer();
    renderer.render(&source(templates[0]), &chat("hi"), Some(SHORT)).unwrap_err();
    assert_eq!(renderer.render(&source("{{ messages[0].content }}"), &chat("hi"), None).unwrap().0, "hi");
}

#[test]
fn a_template_that_takes_for_ever_is_stopped_by_its_limit() {
    let slow = "{% set x='a'*200000 ~ 'b' %}{% for i in range(99999) %}{{ x in x ~ x }}{{ x|replace('ab','c')|length }}{% endfor %}";
    let started = Instant::now();
    let error = rendered(slow, Duration::from_millis(300)).unwrap_err();
    assert!(error.to_string().contains("does not end within 300ms"), "{error}");
    assert!(started.elapsed() < LONG);
}

#[test]
fn what_a_template_says_is_passed_on() {
    let error = rendered("{{ raise_exception('no é') }}", LONG).unwrap_err();
    assert_eq!(error, EngineError::TemplateRefused("no é".into()));
    let error = rendered("{% for %}", LONG).unwrap_err();
    assert!(error.to_string().contains("(line 1)"), "{error}");
}

#[test]
fn without_a_program_to_render_the_template_is_not_blamed() {
    let error = Renderer::new("/nonexistent/modelctl").render(&source("a"), &chat("hi"), None).unwrap_err();
    assert!(matches!(error, EngineError::Renderer(_)), "{error:?}");
}
