//! Pictures of the page for a person to look at.

use super::browser::Browser;
use super::shown::{LIVE, browser, row};
use crate::fixtures::{engine_turn, gemma, smollm2};
use crate::gguf::fixture::small_model;
use crate::sandbox::Sandbox;
use crate::serve_http::{Daemon, answer};
use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::json;
use std::fs;
use std::io::Write;
use std::path::Path;

const SIZES: [(u32, u32); 2] = [(1280, 900), (390, 844)];
const THEMES: [&str; 2] = ["light", "dark"];

/// Takes a scene in both sizes and themes.
fn take(browser: &Browser, scene: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
    fs::create_dir_all(&folder).unwrap();
    for (width, height) in SIZES {
        browser.resize(width, height);
        for theme in THEMES {
            browser.run(&format!("document.documentElement.dataset.theme = '{theme}'; scrollTo(0, 0);"));
            browser.frame();
            let picture = BASE64_STANDARD.decode(browser.screenshot()).unwrap();
            fs::write(folder.join(format!("{scene}-{width}-{theme}.png")), picture).unwrap();
        }
    }
}

/// `make screenshots`. They are looked at, not compared.
#[test]
#[ignore = "make screenshots"]
fn five_scenes() {
    let _turn = engine_turn();
    let Some(browser) = browser() else { return };
    let sandbox = Sandbox::new();
    let daemon = Daemon::start(&sandbox, "\n[memory]\nram_budget = \"1100MiB\"\n[models.\"*\"]\ncontext = 4096", &[]);
    browser.open(&daemon.url());
    browser.until(LIVE);
    browser.until("document.querySelector('.empty').checkVisibility()");
    take(&browser, "empty");
    for model in [smollm2(), gemma()] {
        sandbox.place(&model, model.file_name().unwrap().to_str().unwrap());
    }
    sandbox.write("broken.gguf", &small_model("broken"));
    sandbox.run(["scan", "-q"]).ok();
    browser.until(&row("SmolLM2"));
    let chat = |model: &str, tokens: u32, stream: bool| {
        let messages = json!([{"role": "user", "content": "Tell me about the sea."}]);
        json!({"model": model, "messages": messages, "max_tokens": tokens, "stream": stream, "ignore_eos": true})
            .to_string()
    };
    let smollm2 = "SmolLM2-135M-Instruct.Q4_1";
    let (status, body) = daemon.post("/v1/chat/completions", &chat(smollm2, 60, false));
    assert_eq!(status, 200, "{body}");
    browser.until(&format!("{}.innerText.includes('ready')", row("SmolLM2")));
    browser.until("document.querySelector('#hour canvas')");
    take(&browser, "idle");
    let begin = |body: String| {
        let mut stream = daemon.connect();
        let head = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close";
        let length = body.len();
        write!(stream, "{head}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
        stream
    };
    let busy = begin(chat(smollm2, 3_000, true));
    browser.until(&format!("{}.innerText.includes('busy')", row("SmolLM2")));
    let mut waits = begin(chat("gemma-3-270m-q4_k_m", 5, false));
    browser.until(&format!("/waits|loading/.test({}.innerText)", row("gemma")));
    take(&browser, "pressure");
    drop(busy);
    assert_eq!(answer(&mut waits).0, 200);
    daemon.post("/api/models/servers/broken/start", "{}");
    browser.until(&format!("{}.innerText.includes('failed')", row("broken")));
    take(&browser, "failed");
    drop(daemon);
    browser.until("document.querySelector('#lost').innerText.includes('Not connected since')");
    take(&browser, "disconnected");
}
