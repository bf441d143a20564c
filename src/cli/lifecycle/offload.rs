use super::super::{Ctx, Exit};
use super::{ask, target};
use crate::ops::daemon::OffloadReply;
use crate::ui::text;
use clap::{Args, ValueEnum};
use serde_json::json;

/// Move a loaded model off the GPU, or back
///
/// Its server is reloaded in that mode once its running answers have finished. Without `--to` it moves one step down:
/// from the GPU to as many layers there as fit, then to the CPU.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  modelctl offload qwen3-8b\n  modelctl offload qwen3-8b --to cpu\n  modelctl offload qwen3-8b --to gpu --json | jq -r .outcome"
)]
pub struct OffloadArgs {
    /// Id (or its first digits), alias, name or path; or the name of a service
    #[arg(value_name = "MODEL")]
    model: String,
    /// Where its layers are loaded [default: one step lower]
    #[arg(long, value_name = "MODE")]
    to: Option<To>,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum To {
    /// All layers in main memory
    Cpu,
    /// As many layers on the GPU as fit
    CpuOffload,
    /// All layers on the GPU
    Gpu,
}

impl To {
    fn name(self) -> &'static str {
        match self {
            To::Cpu => "cpu",
            To::CpuOffload => "cpu_offload",
            To::Gpu => "gpu",
        }
    }
}

pub fn run(ctx: &mut Ctx, args: &OffloadArgs) -> anyhow::Result<Exit> {
    let id = target(ctx, &args.model)?;
    let to = args.to.map(To::name);
    let reply: OffloadReply = ask(ctx, &format!("/api/models/{id}/offload"), &json!({ "to": to }))?;
    if args.json {
        ctx.ui.json(&reply)?;
        return Ok(Exit::Done);
    }
    ctx.ui.note(&sentence(&reply, to));
    Ok(Exit::Done)
}

/// Returns how a change of the mode ended, as a sentence.
pub fn sentence(reply: &OffloadReply, to: Option<&str>) -> String {
    let name = text::clean(&reply.display_name);
    match (reply.outcome.as_str(), to) {
        ("already_there", Some(to)) => format!("{name} is already loaded as {to}"),
        ("already_there", None) => format!("{name} is already on the CPU only"),
        (_, Some(to)) => format!("{name} is loaded as {to}"),
        (_, None) => format!("{name} is loaded one step lower"),
    }
}
