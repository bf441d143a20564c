//! `modelctl verify [MODEL…|--all]`: checks that the files of models are whole and are what their stores promise.

mod view;

use super::{Ctx, Exit};
use crate::inventory::{Depth, ModelReport};
use crate::model::{Selector, size};
use crate::ops::verify::{Request, Verified, report, verify};
use clap::{ArgGroup, Args};

/// Check files for truncation and against the checksums of their store
///
/// Reads every byte of each file whose store declares a sha256, and compares. Files that were checked before and have
/// not changed are not read again, so an interrupted run resumes where it stopped. The result is the state that `list`,
/// `show`, `run-once` and `prune` use until the file changes. Exits with 1 if a file is bad, cannot be read or has
/// changed since the last scan (run `modelctl scan`, then verify again). A file that modelctl does not understand
/// (`unsupported`) is not a finding, and neither is one without a checksum; both are reported with the reason.
#[derive(Debug, Args)]
#[command(
    override_usage = "modelctl verify [OPTIONS] <MODEL>...\n       modelctl verify [OPTIONS] --all",
    group = ArgGroup::new("which").required(true)
)]
pub struct VerifyArgs {
    /// Ids (or their first digits), aliases, names or parts of names, or paths
    #[arg(value_name = "MODEL", group = "which")]
    pub models: Vec<String>,
    /// Verify all models
    #[arg(long, group = "which")]
    pub all: bool,
    /// Check the structure only: headers, lengths, split sets; do not read the data
    #[arg(long, conflicts_with_all = ["hash", "again", "max_rate"])]
    pub quick: bool,
    /// Also hash files without a declared checksum, and record the result
    #[arg(long)]
    pub hash: bool,
    /// Also read files that were verified before
    #[arg(long)]
    pub again: bool,
    /// Limit the read rate over all files (`50MB`, `1GiB` per second)
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
        0 => Err("the rate must be above 0".into()),
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
        ctx.ui.document(&report(request.depth, &reports))?;
    } else if reports.is_empty() {
        ctx.ui.note("no models known");
        ctx.ui.hint("run `modelctl scan` first");
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
        assert!(rate("0").is_err_and(|why| why.contains("rate must be above 0")));
        assert!(rate("fast").is_err());
    }
}
