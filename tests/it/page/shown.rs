//! What a person sees and can do, in a real browser.

use super::browser::Browser;
use super::sandbox;
use crate::gguf::fixture::small_model;
use crate::sandbox::{Sandbox, skip};
use crate::serve_http::Daemon;
use serde_json::json;
use std::fs;
use std::net::TcpListener;

pub const ESCAPE: &str = "\u{e00c}";
pub const LIVE: &str = "document.querySelector('#connection').innerText.includes('● connected')";

pub fn browser() -> Option<Browser> {
    let browser = Browser::start(1280, 900);
    if browser.is_none() {
        skip("there is no chromium with chromedriver");
    }
    browser
}

pub fn row(name: &str) -> String {
    format!("[...document.querySelectorAll('table.models tbody tr')].find(row => row.innerText.includes('{name}'))")
}

fn button(inside: &str, label: &str) -> String {
    format!("[...{inside}.querySelectorAll('button')].find(button => button.innerText === '{label}')")
}

/// An operator who looks sees the models, does something by a key, and reads why it did not work and what to do.
#[test]
fn a_model_is_found_filtered_set_and_a_start_that_fails_says_why() {
    let Some(browser) = browser() else { return };
    let sandbox = sandbox();
    sandbox.write("other.gguf", &small_model("other"));
    sandbox.run(["scan", "-q"]).ok();
    let daemon = Daemon::start(&sandbox, "", &[]);
    browser.open(&daemon.url());
    browser.until(LIVE);
    browser.until(&row("tiny"));
    browser.press("/");
    browser.press("tiny");
    browser.until(&format!("!{}", row("other")));
    browser.press(ESCAPE);
    browser.until(&row("other"));
    browser.press(ESCAPE);
    browser.until("document.activeElement.tagName === 'BODY'");
    browser.press("j");
    browser.until("document.activeElement.tagName === 'TR' && document.activeElement.innerText.includes('other')");
    browser.press("p");
    browser.until(&format!("{}.querySelectorAll('input')[1].checked", row("other")));
    browser.until("document.querySelector('#said').textContent === 'other is pinned'");
    browser.press("p");
    browser.until("document.querySelector('dialog[open]').innerText.includes('Unpin other?')");
    browser.press(ESCAPE);
    browser.until("!document.querySelector('dialog')");
    browser.press("j");
    if !cfg!(feature = "llama") {
        browser.press("s");
        // In the words of the API, until it is closed.
        browser.until("document.querySelector('#errors').innerText.includes('Start tiny: Failed to start server')");
        browser.run(&format!("{}.click()", button("document.querySelector('#errors')", "Close")));
        browser.until("!document.querySelector('#errors').innerText");
        browser.until(&format!("{}.innerText.includes('failed')", row("tiny")));
        browser.until("document.querySelector('#decisions').innerText.includes('tiny')");
    }
    browser.press("?");
    browser.until("document.querySelector('dialog[open]').innerText.includes('filter the models')");
    browser.press(ESCAPE);
    let hosts =
        browser.value("[...new Set(performance.getEntriesByType('resource').map(entry => new URL(entry.name).host))]");
    assert_eq!(hosts, json!([daemon.url().trim_start_matches("http://")]), "nobody else is asked");
    let console: Vec<_> = browser.console().into_iter().filter(|line| line["level"] != "INFO").collect();
    // A browser notes every answer that is an error.
    let wrong: Vec<_> = console.iter().filter(|line| !line["message"].as_str().unwrap().contains("/start")).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// Names come from files of strangers: one that is markup must not run in the browser of whoever looks.
#[test]
fn names_that_are_markup_are_shown_as_they_are_and_never_run() {
    let Some(browser) = browser() else { return };
    let sandbox = Sandbox::new();
    for name in ["<img src=x onerror=window.ran=1>", "<svg onload=window.ran=1>", "right\u{202e}left", "plain"] {
        sandbox.write(&format!("{name}.gguf"), &small_model(name));
    }
    sandbox.run(["scan", "-q"]).ok();
    sandbox.run(["set", "plain", "--alias", "</b><script>window.ran=1</script>"]).ok();
    let daemon = Daemon::start(&sandbox, "", &[]);
    browser.open(&daemon.url());
    browser.until(LIVE);
    browser.until(&row("</b><script>window.ran=1</script>"));
    browser.until("document.querySelectorAll('table.models tbody tr').length === 4");
    assert_eq!(
        browser.value("[window.ran, document.querySelector('main img, main script, main svg')]"),
        json!([null, null])
    );
    assert_eq!(browser.value("/[\\u202a-\\u202e]/.test(document.body.innerText)"), json!(false));
    assert!(browser.console().is_empty(), "{:?}", browser.console());
}

/// A figure that is not of now must never look as if it were.
#[test]
fn a_lost_connection_is_said_buttons_are_off_and_it_comes_back_by_itself() {
    let Some(browser) = browser() else { return };
    let sandbox = sandbox();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let more = ["--listen".to_owned(), format!("127.0.0.1:{port}")];
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    let daemon = Daemon::start(&sandbox, "", &more);
    browser.open(&format!("http://127.0.0.1:{port}"));
    browser.until(LIVE);
    browser.until(&format!("!{}.disabled", button("document", "Re-scan")));
    drop(daemon);
    browser.until("document.querySelector('#lost').innerText.includes('Not connected since')");
    browser.until("document.querySelector('#lost').innerText.includes('All figures are of')");
    browser.until("[...document.querySelectorAll('button.act')].every(button => button.disabled)");
    let _daemon = Daemon::start(&sandbox, "", &more);
    browser.until(LIVE);
    browser.until(&format!("document.querySelector('#lost').hidden && !{}.disabled", button("document", "Re-scan")));
}

/// With keys, whoever has one gets in, and whoever has not is told so.
#[test]
fn a_key_is_asked_for_once_and_a_wrong_one_is_said() {
    let Some(browser) = browser() else { return };
    let sandbox = sandbox();
    let keys = sandbox.path("keys");
    fs::write(&keys, "me:k3y\n").unwrap();
    fs::set_permissions(&keys, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let daemon = Daemon::start(&sandbox, "key_on_loopback = true", &["--api-key-file", keys.to_str().unwrap()]);
    browser.open(&daemon.url());
    browser.until("document.querySelector('dialog[open]').innerText.includes('A key is needed')");
    browser.run("document.querySelector('dialog input').focus()");
    browser.press("wrong\u{e007}");
    browser.until("document.querySelector('dialog[open]').innerText.includes('This key is not valid')");
    browser.run("document.querySelector('dialog input').focus()");
    browser.press("k3y\u{e007}");
    browser.until(LIVE);
    browser.until(&row("tiny"));
    assert_eq!(
        browser.value("[sessionStorage.length, localStorage.length]"),
        json!([0, 0]),
        "it is kept nowhere unless asked"
    );
}
