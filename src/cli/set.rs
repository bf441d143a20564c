use super::{Ctx, Exit};
use crate::model::lifecycle::{Degrade, NodeTier};
use crate::model::server::{self, Class, Engine};
use crate::model::{Selector, Settings, StoreKind, Tier};
use crate::ops::daemon::settings_changed;
use crate::ops::settings::{Change, TierChoice, change_settings, copies, report};
use clap::{ArgGroup, Args};
use std::collections::BTreeMap;
use std::time::Duration;

/// Change a model's settings: tier, alias, note, pin, enabled, server options
///
/// Settings follow the content: a model that is moved or downloaded again keeps them. The options for its server apply
/// from its next start on; `auto` removes one of them: `--context auto`.
#[derive(Debug, Args)]
#[command(override_usage = "modelctl set [OPTIONS] <MODEL>", group = ArgGroup::new("change").required(true).multiple(true))]
pub struct SetArgs {
    /// Id (or its first digits), alias, name or path
    #[arg(value_name = "MODEL")]
    model: String,
    /// Never evict or prune it
    #[arg(long, group = "change", conflicts_with = "unpin")]
    pin: bool,
    /// Remove the pin
    #[arg(long, group = "change")]
    unpin: bool,
    /// Allow it to be started and chosen
    #[arg(long, group = "change", conflicts_with = "disable")]
    enable: bool,
    /// Never start or choose it
    #[arg(long, group = "change")]
    disable: bool,
    /// Override the computed tier; `auto` removes the override
    #[arg(long, group = "change", value_name = "TIER", value_parser = tier)]
    tier: Option<TierChoice>,
    /// A name of your own for it; empty removes it
    #[arg(long, group = "change", value_name = "NAME")]
    alias: Option<String>,
    /// Remove the alias
    #[arg(long, group = "change", conflicts_with = "alias")]
    no_alias: bool,
    /// A note; empty removes it
    #[arg(long, group = "change", value_name = "TEXT")]
    note: Option<String>,
    /// Remove the note
    #[arg(long, group = "change", conflicts_with = "note")]
    no_note: bool,
    #[command(flatten)]
    server: ServerArgs,
    /// Print the settings as JSON
    #[arg(long)]
    json: bool,
}

/// Applied when its server is started the next time; `auto` removes a setting. These settings take precedence over
/// `[models."NAME"]` of the config file.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options for its server")]
struct ServerArgs {
    /// The program that serves it: `worker` or `llama-server`
    #[arg(long, group = "change", value_name = "ENGINE", value_parser = set_or_auto::<Engine>)]
    engine: Option<Wish<Engine>>,
    /// Tokens of context of one request
    #[arg(long, group = "change", value_name = "TOKENS", value_parser = set_or_auto::<u32>)]
    context: Option<Wish<u32>>,
    /// Requests answered at the same time
    #[arg(long, group = "change", value_name = "N", value_parser = set_or_auto::<u32>)]
    parallel: Option<Wish<u32>>,
    /// Layers on the GPU
    #[arg(long, group = "change", value_name = "N", value_parser = set_or_auto::<u32>)]
    gpu_layers: Option<Wish<u32>>,
    /// Threads for generation
    #[arg(long, group = "change", value_name = "N", value_parser = set_or_auto::<u32>)]
    threads: Option<Wish<u32>>,
    /// Stop the server after this time without a request, such as `10m`
    #[arg(long, group = "change", value_name = "TIME", value_parser = set_or_auto::<Time>)]
    idle_timeout: Option<Wish<Time>>,
    /// The class of requests that name none: `interactive`, `normal` or `batch`
    #[arg(long, group = "change", value_name = "CLASS", value_parser = set_or_auto::<Class>)]
    priority: Option<Wish<Class>>,
    /// Whether a second worker may compute embeddings with a model that generates text: `yes` or `no`
    #[arg(long, group = "change", value_name = "YES", value_parser = set_or_auto::<YesNo>)]
    embeddings: Option<Wish<YesNo>>,
    /// Restart its server after every crash, without limit
    #[arg(long, group = "change", conflicts_with = "no_essential")]
    essential: bool,
    /// Give up on its server after a few crashes in a row
    #[arg(long, group = "change")]
    no_essential: bool,
    /// Stop its server only when memory is needed, not when it is idle or the CPU is busy
    #[arg(long, group = "change", conflicts_with = "no_pressure_evict_only")]
    pressure_evict_only: bool,
    /// Stop its server under the same conditions as others
    #[arg(long, group = "change")]
    no_pressure_evict_only: bool,
    /// What may be reduced when memory runs out, in this order: `layers` (on the GPU), `context`
    #[arg(long, group = "change", value_name = "WHAT", value_parser = set_or_auto::<Steps>, conflicts_with = "no_degrade")]
    degrade: Option<Wish<Steps>>,
    /// Fail when memory runs out, instead of reducing anything
    #[arg(long, group = "change")]
    no_degrade: bool,
    /// Start it automatically only on a node of this tier or larger: `embedded`, `lite`, `standard`, `full`,
    /// `compute_host`
    #[arg(long, group = "change", value_name = "TIER", value_parser = set_or_auto::<NodeTier>)]
    min_tier: Option<Wish<NodeTier>>,
    /// Arguments for llama-server, separated by spaces, such as `-fa on`
    #[arg(long, group = "change", value_name = "ARGS", allow_hyphen_values = true, value_parser = set_or_auto::<Words>)]
    llama_args: Option<Wish<Words>>,
    /// Environment variable of its server, such as `CUDA_VISIBLE_DEVICES=0`; replaces all that are set
    #[arg(long, group = "change", value_name = "NAME=VALUE", value_parser = set_or_auto::<Variable>)]
    env: Vec<Wish<Variable>>,
}

/// A new value, or none.
#[derive(Debug, Clone)]
struct Wish<T>(Option<T>);

/// A value that can be read from the command line.
trait Value: Sized {
    fn read(text: &str) -> Result<Self, String>;
}

fn set_or_auto<T: Value>(text: &str) -> Result<Wish<T>, String> {
    match text {
        "auto" => Ok(Wish(None)),
        text => T::read(text).map(|value| Wish(Some(value))),
    }
}

impl Value for u32 {
    fn read(text: &str) -> Result<u32, String> {
        text.parse().map_err(|_| "give a whole number, or auto".to_owned())
    }
}

impl Value for Engine {
    fn read(text: &str) -> Result<Engine, String> {
        Engine::from_name(text).ok_or_else(|| "give one of worker, llama-server, auto".to_owned())
    }
}

impl Value for Class {
    fn read(text: &str) -> Result<Class, String> {
        Class::from_name(text).ok_or_else(|| "give one of interactive, normal, batch, auto".to_owned())
    }
}

#[derive(Debug, Clone)]
struct Time(Duration);

impl Value for Time {
    fn read(text: &str) -> Result<Time, String> {
        humantime::parse_duration(text).map(Time).map_err(|_| "give a time such as 90s or 10m, or auto".to_owned())
    }
}

#[derive(Debug, Clone)]
struct YesNo(bool);

impl Value for YesNo {
    fn read(text: &str) -> Result<YesNo, String> {
        match text {
            "yes" => Ok(YesNo(true)),
            "no" => Ok(YesNo(false)),
            _ => Err("give one of yes, no, auto".to_owned()),
        }
    }
}

impl Value for NodeTier {
    fn read(text: &str) -> Result<NodeTier, String> {
        serde_json::from_value(text.into())
            .map_err(|_| "give one of embedded, lite, standard, full, compute_host, auto".to_owned())
    }
}

#[derive(Debug, Clone)]
struct Steps(Vec<Degrade>);

impl Value for Steps {
    fn read(text: &str) -> Result<Steps, String> {
        let step = |name: &str| match name.trim() {
            "layers" => Ok(Degrade::Layers),
            "context" => Ok(Degrade::Context),
            _ => Err("give layers, context, both separated by a comma, or auto".to_owned()),
        };
        text.split(',').map(step).collect::<Result<_, _>>().map(Steps)
    }
}

#[derive(Debug, Clone)]
struct Words(Vec<String>);

impl Value for Words {
    fn read(text: &str) -> Result<Words, String> {
        Ok(Words(text.split_whitespace().map(str::to_owned).collect()))
    }
}

#[derive(Debug, Clone)]
struct Variable(String, String);

impl Value for Variable {
    fn read(text: &str) -> Result<Variable, String> {
        let (name, value) = text.split_once('=').ok_or("give NAME=VALUE, or auto")?;
        Ok(Variable(name.to_owned(), value.to_owned()))
    }
}

impl ServerArgs {
    fn change(&self) -> server::Change {
        fn new<T: Clone, V>(wish: Option<&Wish<T>>, value: impl Fn(T) -> V) -> Option<Option<V>> {
            wish.map(|wish| wish.0.clone().map(value))
        }
        let on_or_off = |on: bool, off: bool| on.then_some(Some(true)).or(off.then_some(Some(false)));
        let variables = self.env.iter().filter_map(|wish| wish.0.clone()).map(|Variable(name, value)| (name, value));
        let env: BTreeMap<_, _> = variables.collect();
        server::Change {
            engine: new(self.engine.as_ref(), |engine| engine),
            context: new(self.context.as_ref(), |n| n),
            parallel: new(self.parallel.as_ref(), |n| n),
            gpu_layers: new(self.gpu_layers.as_ref(), |n| n),
            threads: new(self.threads.as_ref(), |n| n),
            idle_timeout: new(self.idle_timeout.as_ref(), |time| time.0),
            priority: new(self.priority.as_ref(), |class| class),
            embeddings: new(self.embeddings.as_ref(), |yes| yes.0),
            essential: on_or_off(self.essential, self.no_essential),
            pressure_evict_only: on_or_off(self.pressure_evict_only, self.no_pressure_evict_only),
            // One takes the other back.
            degrade: new(self.degrade.as_ref(), |steps| steps.0).or(self.no_degrade.then_some(None)),
            no_degrade: match (self.no_degrade, &self.degrade) {
                (true, _) => Some(Some(true)),
                (false, Some(_)) => Some(None),
                (false, None) => None,
            },
            min_tier: new(self.min_tier.as_ref(), |tier| tier),
            args: new(self.llama_args.as_ref(), |words| words.0),
            env: (!self.env.is_empty()).then(|| Some(env).filter(|env| !env.is_empty())),
        }
    }
}

fn tier(text: &str) -> Result<TierChoice, String> {
    match (text, Tier::from_name(text)) {
        ("auto", _) => Ok(TierChoice::Auto),
        (_, Some(tier)) => Ok(TierChoice::Fixed(tier)),
        _ => Err("give one of fast, balanced, powerful, auto".to_owned()),
    }
}

pub fn run(ctx: &mut Ctx, args: &SetArgs) -> anyhow::Result<Exit> {
    let change = Change {
        pinned: args.pin.then_some(true).or(args.unpin.then_some(false)),
        enabled: args.enable.then_some(true).or(args.disable.then_some(false)),
        tier: args.tier,
        alias: args.alias.clone().or(args.no_alias.then(String::new)),
        note: args.note.clone().or(args.no_note.then(String::new)),
        server: args.server.change(),
    };
    let (row, settings) = change_settings(&mut ctx.session, &Selector(args.model.clone()), &change)?;
    settings_changed(&ctx.session.config, &row.id);
    if args.json {
        let report = report(&mut ctx.session, &row, &settings)?;
        ctx.ui.document(&report)?;
    } else {
        ctx.ui.act(&format!("{} {}: {}", row.id, row.name, sentence(&settings)));
        let stores: Vec<&str> = copies(&mut ctx.session, &row)?.into_iter().map(StoreKind::name).collect();
        if stores.len() > 1 {
            let copies = format!("applies to {} copies of this content: {}", stores.len(), stores.join(", "));
            ctx.ui.note(&copies);
        }
    }
    Ok(Exit::Done)
}

fn sentence(s: &Settings) -> String {
    let mut words = vec![if s.enabled { "enabled" } else { "disabled" }.to_owned()];
    if s.pinned {
        words.push("pinned".to_owned());
    }
    words.push(s.tier.map_or("tier computed".to_owned(), |t| format!("tier {t}")));
    words.extend(s.alias.iter().map(|a| format!("alias {a}")));
    words.extend(s.note.iter().map(|n| format!("note: {n}")));
    words.extend(server_words(&s.server));
    words.join(", ")
}

/// Returns what was chosen for the server of a model.
pub(super) fn server_words(s: &server::Choices) -> Vec<String> {
    let mut words = Vec::new();
    words.extend(s.engine.map(|engine| format!("engine {}", engine.name())));
    words.extend(s.context.map(|n| format!("context {n}")));
    words.extend(s.parallel.map(|n| format!("parallel {n}")));
    words.extend(s.gpu_layers.map(|n| format!("GPU layers {n}")));
    words.extend(s.threads.map(|n| format!("threads {n}")));
    words.extend(s.idle_timeout.map(|time| format!("idle timeout {}", humantime::format_duration(time))));
    words.extend(s.priority.map(|class| format!("priority {}", class.name())));
    words.extend(s.embeddings.map(|yes| format!("embeddings {}", if yes { "yes" } else { "no" })));
    let flags = [
        (s.essential, "essential", "not essential"),
        (s.pressure_evict_only, "evicted only for memory", "evicted like others"),
    ];
    let flag = |(is_set, on, off): (Option<bool>, &str, &str)| is_set.map(|is| if is { on } else { off }.to_owned());
    words.extend(flags.into_iter().filter_map(flag));
    words.extend(s.no_degrade.filter(|no| *no).map(|_| "never degraded".to_owned()));
    words.extend(s.degrade.as_ref().map(|steps| {
        let names = steps.iter().map(|step| match step {
            Degrade::Layers => "layers",
            Degrade::Context => "context",
        });
        format!("degrades {}", names.collect::<Vec<_>>().join(", "))
    }));
    words.extend(s.min_tier.map(|tier| format!("tier {} or larger", tier_name(tier))));
    words.extend(s.args.as_ref().map(|args| format!("arguments {}", args.join(" "))));
    // Values may be long; the names say enough.
    words.extend(s.env.as_ref().map(|env| format!("variables {}", env.keys().cloned().collect::<Vec<_>>().join(" "))));
    words
}

fn tier_name(tier: NodeTier) -> String {
    // A variant without fields is a word.
    serde_json::to_value(tier).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}
