use super::super::args::{When, limit, named as one_of, temperature, when};
use super::super::prompt::{MAX_PROMPT, prompt};
use super::{Access, Ctx, Exit};
use crate::failure::{Failure, Kind, OrFail};
use crate::model::Tier;
use crate::model::task::{Endpoint, NewTask, TaskRequest};
use crate::ops::check_grammars;
use crate::ops::tasks::add;
use crate::ops::wish::{Asked, wish};
use crate::queue::batch;
use clap::{ArgGroup, Args};
use serde_json::{Map, Value, json};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Add one task
///
/// Prints its number. With --key, adding the same key again returns the same task, and reports any differences.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true))]
pub struct AddArgs {
    /// The prompt; `-` reads it from standard input
    #[arg(value_name = "PROMPT", group = "what")]
    positional: Option<String>,
    /// The prompt, also one that begins with a dash
    #[arg(long, short, value_name = "TEXT", group = "what", allow_hyphen_values = true)]
    prompt: Option<String>,
    /// Read the prompt from a file
    #[arg(long, value_name = "FILE", group = "what")]
    file: Option<PathBuf>,
    /// System prompt
    #[arg(long, value_name = "TEXT")]
    system: Option<String>,
    /// Complete the text without a chat template (`/v1/completions`)
    #[arg(long, conflicts_with = "system")]
    raw: bool,
    /// Use this model: an id or its first digits, an alias, a name or a path
    #[arg(long, short, value_name = "MODEL", conflicts_with = "tier")]
    model: Option<String>,
    /// Use a model of this tier
    #[arg(long, value_parser = one_of(Tier::ALL, Tier::name))]
    tier: Option<Tier>,
    /// Let another model answer if the named one fails or cannot run [default: OFFLOAD_FALLBACK]
    #[arg(long, requires = "model")]
    fallback: bool,
    /// Your own name for the task
    #[arg(long, value_name = "KEY", value_parser = key)]
    key: Option<String>,
    /// Run it again if the task of this key has ended
    #[arg(long, requires = "key")]
    replace_finished: bool,
    /// Higher runs first; may be negative
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    priority: i32,
    /// Do not start before this time (`2026-11-21T06:00:00Z`) or delay (`2h`)
    #[arg(long, value_name = "TIME", value_parser = when)]
    not_before: Option<When>,
    /// Give up if it has not started by this time, or after this delay
    #[arg(long, value_name = "TIME", value_parser = when)]
    deadline: Option<When>,
    /// Time limit for one attempt (`90s`, `10m`)
    #[arg(long, value_name = "DURATION", value_parser = limit)]
    timeout: Option<Duration>,
    /// Maximum number of attempts [default: OFFLOAD_MAX_ATTEMPTS, else 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    max_attempts: Option<u32>,
    /// Stop after this many tokens
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_tokens: Option<u32>,
    /// Sampling temperature; 0 is greedy decoding
    #[arg(long, value_name = "T", value_parser = temperature)]
    temperature: Option<f32>,
    /// Sample from the most likely tokens with this cumulative probability
    #[arg(long, value_name = "P", value_parser = probability)]
    top_p: Option<f32>,
    /// Random seed
    #[arg(long, value_name = "N")]
    seed: Option<u32>,
    /// End the answer before this text; repeatable
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, value_parser = stop)]
    stop: Vec<String>,
    /// Constrain the answer to the JSON schema in this file
    #[arg(long, value_name = "FILE", conflicts_with = "grammar")]
    json_schema: Option<PathBuf>,
    /// Constrain the answer to the GBNF grammar in this file
    #[arg(long, value_name = "FILE")]
    grammar: Option<PathBuf>,
    /// Print the task as JSON
    #[arg(long)]
    json: bool,
}

fn key(text: &str) -> Result<String, String> {
    match text {
        "" => Err("a key cannot be empty".into()),
        text if text.contains('\0') => Err("a key cannot hold a NUL character".into()),
        text if text.len() > 512 => Err("a key can have at most 512 bytes".into()),
        text if text.parse::<u64>().is_ok() => Err("a key cannot be a number: tasks are numbered".into()),
        text => Ok(text.to_owned()),
    }
}

fn stop(text: &str) -> Result<String, String> {
    if text.is_empty() { Err("an empty stop text matches every answer".into()) } else { Ok(text.to_owned()) }
}

fn probability(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(p) if p > 0.0 && p <= 1.0 => Ok(p),
        _ => Err("give a number above 0, up to 1".to_owned()),
    }
}

pub fn run(ctx: &mut Ctx, args: &AddArgs) -> anyhow::Result<Exit> {
    let request = request(args)?;
    let asked = Asked::of(args.model.as_deref(), args.tier, false).unwrap_or(Asked::Any);
    let wish = ctx.run(|session, on| wish(session, &asked, args.fallback, on))?;
    let at = ctx.session.moment(Access::ReadWrite)?;
    let most = ctx.session.config.offload.max_attempts;
    let new = NewTask {
        key: args.key.clone(),
        priority: args.priority,
        fallback: wish.model().is_some() && (args.fallback || ctx.session.config.offload.fallback),
        wish,
        not_before: args.not_before.map(|t| t.from(at.now)),
        deadline: args.deadline.map(|t| t.from(at.now)),
        timeout_ms: args.timeout.map(|t| u64::try_from(t.as_millis()).unwrap_or(u64::MAX >> 1).max(1)),
        max_attempts: args.max_attempts.unwrap_or(most),
        ..NewTask::new(request)
    };
    let request = add::Request {
        task: new,
        replace_finished: args.replace_finished,
        is_start_relative: matches!(args.not_before, Some(When::In(_))),
    };
    let added = ctx.run(|session, on| add::add(session, &request, at, on))?;
    match (args.json, &added.task) {
        (true, Some(_)) => ctx.ui.document(&added)?,
        _ => ctx.ui.line(&added.id.to_string())?,
    }
    Ok(Exit::Done)
}

/// Returns the request in OpenAI's format, with llama-server's name for the grammar.
fn request(args: &AddArgs) -> anyhow::Result<TaskRequest> {
    let text = match (&args.file, args.prompt.as_ref().or(args.positional.as_ref())) {
        (Some(file), _) => {
            let text = read(file, "prompt")?;
            if text.trim().is_empty() {
                return Err(Failure::new(Kind::Usage, format!("`{}` is empty", file.display())).into());
            }
            text
        }
        (None, Some(text)) => prompt(text)?,
        (None, None) => return Err(Failure::new(Kind::Usage, "give a prompt").into()),
    };
    let mut body = Map::new();
    let endpoint = if args.raw {
        body.insert("prompt".into(), text.into());
        Endpoint::Completions
    } else {
        let system = args.system.iter().map(|text| json!({ "role": "system", "content": text }));
        let messages = system.chain([json!({ "role": "user", "content": text })]).collect();
        body.insert("messages".into(), Value::Array(messages));
        Endpoint::Chat
    };
    let mut set = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(key.into(), value);
        }
    };
    set("max_tokens", args.max_tokens.map(Into::into));
    // Convert through text, so that 0.8 does not become 0.800000011920929.
    let float = |number: f32| number.to_string().parse::<f64>().unwrap_or(f64::from(number));
    set("temperature", args.temperature.map(|t| float(t).into()));
    set("top_p", args.top_p.map(|p| float(p).into()));
    set("seed", args.seed.map(Into::into));
    set("stop", (!args.stop.is_empty()).then(|| args.stop.clone().into()));
    if let Some(file) = &args.json_schema {
        let schema: Value = serde_json::from_str(&read(file, "JSON schema")?)
            .or_fail(|| Failure::cannot_meet(format!("`{}` is not valid JSON", file.display())))?;
        if !schema.is_object() && !schema.is_boolean() {
            return Err(
                Failure::cannot_meet(format!("`{}` is not a JSON schema: not an object", file.display())).into()
            );
        }
        let named = json!({ "name": "answer", "strict": true, "schema": schema });
        set("response_format", Some(json!({ "type": "json_schema", "json_schema": named })));
    }
    if let Some(file) = &args.grammar {
        let text = read(file, "grammar")?;
        if text.trim().is_empty() {
            return Err(Failure::cannot_meet(format!("`{}` is empty", file.display())).into());
        }
        set("grammar", Some(text.into()));
    }
    let form = batch::check_body(endpoint, &body).map_err(Failure::cannot_meet)?;
    if let Some(why) = check_grammars::refused(&form.iter().collect::<Vec<_>>()).into_iter().flatten().next() {
        return Err(Failure::cannot_meet(why).into());
    }
    Ok(TaskRequest { endpoint, body: Value::Object(body).to_string() })
}

fn read(path: &Path, what: &str) -> anyhow::Result<String> {
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(MAX_PROMPT + 1).read_to_string(&mut text))
        .or_fail(|| Failure::cannot_meet(format!("cannot read the {what} from `{}`", path.display())))?;
    if text.len() as u64 > MAX_PROMPT {
        return Err(Failure::cannot_meet(format!("the {what} in `{}` is over 16 MiB", path.display())).into());
    }
    Ok(text)
}
