mod sections;

use super::{Ctx, Exit};
use clap::Args;
use std::path::PathBuf;

/// Print the manual page, or write all pages into a folder
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write `modelctl.1` and a page for each command to this folder
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

pub fn run(ctx: &mut Ctx, args: &ManArgs) -> anyhow::Result<Exit> {
    use crate::failure::{Failure, OrFail};
    match &args.dir {
        None => ctx.ui.raw(&first_page(super::command())?)?,
        Some(dir) => {
            for (name, page) in pages()? {
                let path = dir.join(name);
                std::fs::write(&path, page)
                    .or_fail(|| Failure::cannot_meet(format!("cannot write {}", path.display())))?;
            }
        }
    }
    Ok(Exit::Done)
}

fn page(command: clap::Command) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    clap_mangen::Man::new(command).render(&mut text)?;
    Ok(text)
}

fn first_page(command: clap::Command) -> std::io::Result<Vec<u8>> {
    let mut text = page(command)?;
    text.extend(sections::of_program().into_bytes());
    Ok(text)
}

/// Returns the file name and text of every page, as they are also kept in `man/`.
///
/// # Errors
/// None in practice: the pages are rendered in memory.
pub fn pages() -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let mut whole = super::command();
    whole.build();
    let mut pages = vec![("modelctl.1".to_owned(), first_page(whole.clone())?)];
    below(&whole, "modelctl", &mut pages)?;
    Ok(pages)
}

/// Appends the pages of the commands below `command`, whose own page has the name `name`.
fn below(command: &clap::Command, name: &str, pages: &mut Vec<(String, Vec<u8>)>) -> std::io::Result<()> {
    for sub in command.get_subcommands().filter(|s| !s.is_hide_set() && s.get_name() != "help") {
        // A flat name makes `man modelctl-scan` work and gives the right synopsis.
        let name = format!("{name}-{}", sub.get_name());
        let mut text = page(sub.clone().name(name.clone()).display_name(name.clone()))?;
        if sub.get_name() == "serve" {
            text.extend(sections::of_serve().into_bytes());
        }
        pages.push((format!("{name}.1"), text));
        below(sub, &name, pages)?;
    }
    Ok(())
}
