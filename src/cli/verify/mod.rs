//! `modelctl verify [MODEL…|--all]`: checks that the files of models are whole and are what their stores promise.

mod view;

use super::{Ctx, Exit};
use crate::inventory::{Depth, ModelReport};
use crate::model::{Selector, size};
use crate::ops::verify::{Request, Verified, report, verify};
use clap::{ArgGroup, Args};

/// Check that the files of models are whole and are what their store promises
///
/// Reads every byte of each file whose store knows its sha256, and compares. What was read before and has not been
/// touched since is not read again, so a run that was interrupted goes on where it stopped. What it finds is what
/// `list`, `show`, `run-once` and `prune` go by from then on, until the file changes. Exits with 1 when
/// something is wrong with a file, also when it may not be read or is not the file of the last scan (run `modelctl scan`,
/// then verify again). A file with something that modelctl does not know (`unsupported`) is not a finding, and neither is
/// one that could not be verified; both are reported with the reason.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").required(true))]
pub struct VerifyArgs {
    /// Ids or starts of ids, names, parts of names, aliases, or paths
    #[arg(value_name = "MODEL", group = "which")]
    pub models: Vec<String>,
    /// Verify every model that is not gone
    #[arg(long, group = "which")]
    pub all: bool,
    /// Structure only: headers, lengths, split sets, sizes at rest; no data is read
    #[arg(long, conflicts_with_all = ["hash", "again", "max_rate"])]
    pub quick: bool,
    /// Also hash files for which no store promises a hash, and record that
    #[arg(long)]
    pub hash: bool,
    /// Read what was verified before as well
    #[arg(long)]
    pub again: bool,
    /// Read at most so much per second over all files (`50MB`, `1GiB`)
    #[arg(long, value_name = "SIZE", value_parser = rate)]
    pub max_rate: Option<u64>,
    /// List every file, not only the problems
    #[arg(long, short)]
    pub verbose: bool,
    /// Print the report as a JSON object
    #[arg(long)]
    pub json: bool,
}

/// Parses bytes per second, more than 0; a trailing `/s` is accepted.
fn rate(text: &str) -> Result<u64, String> {
    let text = text.strip_suffix("/s").unwrap_or(text);
    match if text == "0" { Ok(0) } else { size(text) }? {
        0 => Err("nothing can be read at a rate of 0".into()),
        rate => Ok(rate),
    }
}

pub fn run(ctx: &mut Ctx, args: &VerifyArgs) -> anyhow::Result<Exit> {
    let stop = super::stop_on_signals()?;
    let request = Request {
        models: args.models.iter().map(|model| Selector(model.clone())).collect(),
        all: args.all,
        depth: if args.quick { Depth::Quick } else { Depth::Full { hash: args.hash, again: args.again } },
        max_rate: args.max_rate,
    };
    let Verified { reports, took } = ctx.run(|session, on| verify(session, &request, &stop, on))?;
    if args.json {
        ctx.ui.json(&report(request.depth, &reports))?;
    } else if reports.is_empty() {
        ctx.ui.note("no models are known yet");
        ctx.ui.hint("`modelctl scan` looks for them");
    } else {
        view::print(&mut ctx.ui, &reports, args.verbose, took)?;
    }
    Ok(if reports.iter().any(ModelReport::is_finding) { Exit::Bad } else { Exit::Done })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_size_and_not_zero() {
        assert_eq!(rate("50MB"), Ok(50_000_000));
        assert_eq!(rate("1GiB/s"), Ok(1 << 30));
        assert!(rate("0").is_err_and(|why| why.contains("rate of 0")));
        assert!(rate("fast").is_err());
    }
}
