//! Renders chat templates in a child of the worker. A template is foreign code that comes with a model: it may take all
//! memory with each of its steps, or all time within one. In a process of its own that only fails its request: the
//! memory of the child is bounded, and so is the time of each rendering, after which the child is killed.

use crate::engine::{Chat, EngineError, Template, TemplateUse};
use crate::openai::json;
use crate::supervise::{Dialogue, NoAnswer, OURSELVES, SpawnSpec};
use rustix::process::{Resource, Rlimit, Signal};
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Bytes of data that the child may have (RLIMIT_DATA). A long chat takes some ten million.
const MEMORY: u64 = 512 << 20;
/// Time that reading a template and rendering a chat may take. Real ones take milliseconds.
const TIME: Duration = Duration::from_secs(10);

/// A model's chat template and the texts of its begin and end tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    pub template: String,
    pub bos: String,
    pub eos: String,
}

/// The child that renders, started when it is needed.
#[derive(Debug)]
pub struct Renderer {
    program: PathBuf,
    running: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    dialogue: Dialogue,
    /// Whether the child has received its template.
    is_ready: bool,
}

/// An answer of the child.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    Text { text: String, how: TemplateUse },
    Refused(String),
    TooLong(usize),
    Failed(String),
}

impl Default for Renderer {
    fn default() -> Self {
        Renderer::new(OURSELVES)
    }
}

impl Renderer {
    /// Creates a renderer whose child is the program `program`, a modelctl.
    pub fn new(program: impl Into<PathBuf>) -> Renderer {
        Renderer { program: program.into(), running: Mutex::new(None) }
    }

    fn start(&self) -> io::Result<Running> {
        let spec = SpawnSpec::new(&self.program, ["render"]);
        Ok(Running { dialogue: Dialogue::start(&spec)?, is_ready: false })
    }

    /// Starts the child ahead of the first chat. An error of the start is reported to the first chat.
    pub fn warm_up(&self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.is_none() {
            // The first chat tries again and can report an error.
            *running = self.start().ok();
        }
    }

    /// Ends the child.
    pub fn stop(&self) {
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Renders a chat, within `limit` where that is shorter than ours.
    ///
    /// # Errors
    /// As [`Template::render`]; [`EngineError::Template`] also when the template takes too much memory or time, and
    /// [`EngineError::Renderer`] when there is no child to ask.
    pub fn render(
        &self,
        source: &Source,
        chat: &Chat,
        limit: Option<Duration>,
    ) -> Result<(String, TemplateUse), EngineError> {
        let broken = |error: &dyn std::fmt::Display| EngineError::Renderer(error.to_string());
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        // The child may have been killed from outside, when memory ran short.
        let mut before = running.take();
        let before = if before.as_mut().is_some_and(|b| b.dialogue.is_alive()) { before } else { None };
        let mut child = match before {
            Some(child) => child,
            None => self.start().map_err(|error| broken(&error))?,
        };
        let mut lines = Vec::new();
        if !child.is_ready {
            serde_json::to_writer(&mut lines, source).map_err(|error| broken(&error))?;
            lines.push(b'\n');
        }
        serde_json::to_writer(&mut lines, chat).map_err(|error| broken(&error))?;
        lines.push(b'\n');
        let limit = limit.map_or(TIME, |limit| limit.min(TIME));
        // JSON writes a text in at most six times its bytes.
        let most = chat.most.saturating_mul(6).saturating_add(1 << 20);
        let answer = child.dialogue.ask(&lines, limit, most).map_err(|why| unanswered(why, limit))?;
        let reply = serde_json::from_slice(&answer).map_err(|error| broken(&error))?;
        child.is_ready = true;
        *running = Some(child);
        match reply {
            Reply::Text { text, how } => Ok((text, how)),
            Reply::Refused(message) => Err(EngineError::TemplateRefused(message)),
            Reply::TooLong(most) => Err(EngineError::TextOverflow { most }),
            Reply::Failed(why) => Err(EngineError::Template(why)),
        }
    }
}

/// Returns the error for a child that received a template and a chat and did not answer: the fault of the template.
fn unanswered(why: NoAnswer, limit: Duration) -> EngineError {
    let within =
        humantime::format_duration(Duration::from_millis(u64::try_from(limit.as_millis()).unwrap_or(u64::MAX)));
    EngineError::Template(match why {
        NoAnswer::TimedOut => format!("it does not end within {within}"),
        NoAnswer::TooLong => "it writes more than the context can hold".to_owned(),
        NoAnswer::Ended { last_words, .. } if last_words.contains("memory allocation") => {
            format!("it needs more than {} MiB of memory", MEMORY >> 20)
        }
        NoAnswer::Ended { last_words, .. } if last_words.contains("overflowed its stack") => {
            "its values are nested too deeply".to_owned()
        }
        // Killed from outside, as when the machine runs out of memory: the template may be without fault.
        NoAnswer::Ended { ending: Some(ending), .. } if ending.is_kill() => {
            return EngineError::Renderer(format!("its process {ending}"));
        }
        NoAnswer::Ended { ending: Some(ending), .. } => format!("the process that renders it {ending}"),
        NoAnswer::Ended { ending: None, .. } => "the process that renders it ended".to_owned(),
        NoAnswer::Broken(error) => return EngineError::Renderer(error.to_string()),
    })
}

/// Runs the child: sets its own limits, then answers until its stdin ends.
///
/// # Errors
/// The limits cannot be set, or the pipes break.
pub fn serve_renders() -> io::Result<()> {
    // A thread of the worker that lives as long as the worker made this child (see `supervise::spawn`).
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    for (resource, most) in [(Resource::Data, MEMORY), (Resource::Core, 0)] {
        let now = rustix::process::getrlimit(resource);
        let most = now.maximum.map_or(most, |hard| hard.min(most));
        rustix::process::setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    answer_all(io::stdin().lock(), io::stdout().lock())
}

/// Reads a [`Source`], then chats, each on a line. Answers each chat on a line.
fn answer_all(mut input: impl BufRead, mut output: impl Write) -> io::Result<()> {
    let mut line = Vec::new();
    if input.read_until(b'\n', &mut line)? == 0 {
        return Ok(());
    }
    let source: Source = serde_json::from_slice(&line)?;
    let template = Template::new(&source.template, &source.bos, &source.eos);
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        // Some levels more than those of the request, which was read before.
        let chat: Chat = json::read_within(&line, json::DEPTH.saturating_mul(2)).map_err(io::Error::other)?;
        let rendered = template.as_ref().map_err(Clone::clone).and_then(|template| template.render(&chat));
        let reply = match rendered {
            Ok((text, how)) => Reply::Text { text, how },
            Err(EngineError::TemplateRefused(message)) => Reply::Refused(message),
            Err(EngineError::TextOverflow { most }) => Reply::TooLong(most),
            Err(EngineError::Template(why)) => Reply::Failed(why),
            Err(other) => Reply::Failed(other.to_string()),
        };
        let mut answer = serde_json::to_vec(&reply)?;
        answer.push(b'\n');
        output.write_all(&answer)?;
        output.flush()?;
    }
}
