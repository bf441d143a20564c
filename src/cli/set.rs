use super::{Ctx, Exit};
use crate::model::{Selector, Settings, Tier};
use crate::ops::settings::{Change, TierChoice, change_settings};
use clap::{ArgGroup, Args};

/// Set what a model is to you: its tier, its alias, whether it may be chosen
///
/// Kept by content: a model that moves or is downloaded again keeps its settings.
#[derive(Debug, Args)]
#[command(override_usage = "modelctl set [OPTIONS] <MODEL>", group = ArgGroup::new("change").required(true).multiple(true))]
pub struct SetArgs {
    /// Id (or its beginning), alias, name or path
    #[arg(value_name = "MODEL")]
    model: String,
    /// Never evict, never prune
    #[arg(long, group = "change", conflicts_with = "unpin")]
    pin: bool,
    /// Take the pin away
    #[arg(long, group = "change")]
    unpin: bool,
    /// Let it be started and chosen
    #[arg(long, group = "change", conflicts_with = "disable")]
    enable: bool,
    /// Keep it from being started or chosen
    #[arg(long, group = "change")]
    disable: bool,
    /// Override the computed tier; `auto` computes it again
    #[arg(long, group = "change", value_name = "TIER", value_parser = tier)]
    tier: Option<TierChoice>,
    /// A name of your own for it; empty takes it away
    #[arg(long, group = "change", value_name = "NAME")]
    alias: Option<String>,
    /// A line to remember; empty takes it away
    #[arg(long, group = "change", value_name = "TEXT")]
    note: Option<String>,
    /// Print the settings as JSON
    #[arg(long)]
    json: bool,
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
        alias: args.alias.clone(),
        note: args.note.clone(),
    };
    let (row, settings) = change_settings(&mut ctx.session, &Selector(args.model.clone()), &change)?;
    if args.json {
        ctx.ui.json(&settings)?;
    } else {
        ctx.ui.note(&format!("{} {}: {}", row.id, row.name, sentence(&settings)));
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
    words.join(", ")
}
