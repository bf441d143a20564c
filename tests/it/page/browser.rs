//! A real browser without a window, driven by WebDriver.

use crate::daemon::LIMIT;
use modelctl::http::{Endpoint, Limits, Request, open};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub struct Browser {
    driver: Child,
    endpoint: Endpoint,
    session: String,
    runtime: tokio::runtime::Runtime,
    /// What the browser writes.
    _profile: tempfile::TempDir,
}

/// The programs that are needed.
const BROWSERS: [&str; 2] = ["chromium", "chromium-browser"];
const DRIVER: &str = "chromedriver";

fn find(names: &[&str]) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|file| file.is_file())
}

impl Browser {
    /// Starts a browser with a window of this size. `None`: there is none here.
    pub fn start(width: u32, height: u32) -> Option<Browser> {
        let (browser, driver) = (find(&BROWSERS)?, find(&[DRIVER])?);
        let profile = tempfile::tempdir().unwrap();
        let mut driver = Command::new(driver)
            .args(["--port=0"])
            .env("TMPDIR", profile.path())
            .env("HOME", profile.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
            line.strip_prefix("ChromeDriver was started successfully on port ")?.trim_end_matches('.').parse().ok()
        });
        // The rest is read, so that it can go on writing.
        std::thread::spawn(move || lines.for_each(drop));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let endpoint = Endpoint::port(port.expect("chromedriver says its port"));
        let mut started = Browser { driver, endpoint, session: String::new(), runtime, _profile: profile };
        let arguments = [
            "--headless=new".to_owned(),
            // The sandbox of a browser needs rights that a container has not.
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            format!("--window-size={width},{height}"),
        ];
        let options = json!({"binary": browser, "args": arguments});
        let always = json!({"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"},
            "timeouts": {"script": LIMIT.as_secs() * 1_000}});
        let session = started.send("", json!({"capabilities": {"alwaysMatch": always}}));
        started.session = format!("/{}", session["sessionId"].as_str().unwrap());
        Some(started)
    }

    fn send(&self, path: &str, body: Value) -> Value {
        let request = Request::post(self.endpoint.clone(), format!("/session{}{path}", self.session), body.to_string());
        let answer = self.runtime.block_on(async {
            let whole = async { open(request, Limits::UNTIMED).await.unwrap().whole().await.unwrap() };
            tokio::time::timeout(LIMIT + Duration::from_secs(10), whole).await.unwrap()
        });
        let mut answer: Value = serde_json::from_slice(&answer).unwrap();
        assert!(answer["value"]["error"].is_null(), "{path}: {answer}");
        answer["value"].take()
    }

    pub fn open(&self, url: &str) {
        self.send("/url", json!({ "url": url }));
    }

    /// Returns the value of an expression.
    pub fn value(&self, expression: &str) -> Value {
        self.send("/execute/sync", json!({"script": format!("return {expression};"), "args": []}))
    }

    /// Runs statements.
    pub fn run(&self, script: &str) {
        self.send("/execute/sync", json!({"script": script, "args": []}));
    }

    /// Waits until an expression is true; it is looked at again whenever something changes on the page.
    #[track_caller]
    pub fn until(&self, expression: &str) {
        let script = format!(
            "const done = arguments[0], is = () => {{ try {{ return Boolean({expression}); }} catch {{ return false; }} }};
             if (is()) return done(true);
             const watch = new MutationObserver(look), timer = setInterval(look, 200);
             const end = setTimeout(() => stop(false), {});
             function stop(result) {{ watch.disconnect(); clearInterval(timer); clearTimeout(end); done(result); }}
             function look() {{ if (is()) stop(true); }}
             watch.observe(document, {{ subtree: true, childList: true, characterData: true, attributes: true }});",
            LIMIT.as_secs() * 1_000 - 5_000
        );
        let came = self.send("/execute/async", json!({"script": script, "args": []}));
        assert_eq!(came, json!(true), "never: {expression}; the page says: {}", self.value("document.body.innerText"));
    }

    /// Presses keys, one after the other, wherever the focus is. Keys without a character have those of WebDriver.
    pub fn press(&self, keys: &str) {
        let keys = keys
            .chars()
            .flat_map(|key| [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})]);
        let actions = json!([{"type": "key", "id": "keyboard", "actions": keys.collect::<Vec<_>>()}]);
        self.send("/actions", json!({ "actions": actions }));
    }

    #[cfg(feature = "llama")]
    pub fn resize(&self, width: u32, height: u32) {
        self.send("/window/rect", json!({"width": width, "height": height}));
    }

    /// Waits until what has changed is drawn.
    #[cfg(feature = "llama")]
    pub fn frame(&self) {
        let script = "requestAnimationFrame(() => requestAnimationFrame(arguments[0]))";
        self.send("/execute/async", json!({"script": script, "args": []}));
    }

    /// Returns a picture of the window, PNG in Base64.
    #[cfg(feature = "llama")]
    pub fn screenshot(&self) -> String {
        let request = Request::get(self.endpoint.clone(), format!("/session{}/screenshot", self.session));
        let answer = self.runtime.block_on(async {
            let whole = async {
                open(request, Limits { bytes: 64 << 20, ..Limits::UNTIMED }).await.unwrap().whole().await.unwrap()
            };
            tokio::time::timeout(LIMIT, whole).await.unwrap()
        });
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        answer["value"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// Returns what stands on the console.
    pub fn console(&self) -> Vec<Value> {
        self.send("/se/log", json!({"type": "browser"})).as_array().unwrap().clone()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It ends its browser; without an answer both are killed below.
        drop(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let request = Request::delete(self.endpoint.clone(), format!("/session{}", self.session), "");
            self.runtime
                .block_on(async { tokio::time::timeout(Duration::from_secs(10), open(request, Limits::UNTIMED)).await })
        })));
        drop(self.driver.kill());
        drop(self.driver.wait());
    }
}
