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

/// Returns the page of a command: what clap knows of it, then examples, exit status, environment, files and references.
/// `path`: its name below `modelctl`.
fn page(command: clap::Command, path: &str, name: &str) -> std::io::Result<Vec<u8>> {
    let examples = super::help::examples(path, &command);
    let below = command.get_subcommands().filter(|s| is_shown(s)).map(|sub| sub.get_name().to_owned());
    let below: Vec<String> = below.collect();
    let sections = sections::of_command(path, &examples, &below);
    let page = clap_mangen::Man::new(command.clone().name(name.to_owned()).display_name(name.to_owned()));
    let mut text = Vec::new();
    page.render_title(&mut text)?;
    page.render_name_section(&mut text)?;
    text.extend(synopsis(command.clone()).into_bytes());
    page.render_description_section(&mut text)?;
    page.render_options_section(&mut text)?;
    if !below.is_empty() {
        page.render_subcommands_section(&mut text)?;
    }
    text.extend(sections.into_bytes());
    Ok(text)
}

/// Returns how a command is called. The options are listed below, each with its value.
fn synopsis(mut command: clap::Command) -> String {
    let usage = command.render_usage().to_string();
    let lines = usage.lines().map(|line| line.trim().trim_start_matches("Usage: "));
    let escaped = |line: &str| line.replace('\\', "\\e").replace('-', "\\-");
    let lines: Vec<String> = lines.filter(|line| !line.is_empty()).map(escaped).collect();
    format!(".SH SYNOPSIS\n{}\n", lines.join("\n.br\n"))
}

fn is_shown(command: &clap::Command) -> bool {
    !command.is_hide_set() && command.get_name() != "help"
}

fn first_page(command: clap::Command) -> std::io::Result<Vec<u8>> {
    page(command, "", "modelctl")
}

/// Returns the file name and text of every page, as they are also kept in `man/`.
///
/// # Errors
/// None in practice: the pages are rendered in memory.
pub fn pages() -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let mut whole = super::command();
    whole.build();
    let mut pages = vec![("modelctl.1".to_owned(), first_page(whole.clone())?)];
    below(&whole, "", &mut pages)?;
    Ok(pages)
}

/// Appends the pages of the commands below `command`, which is found at `path`.
fn below(command: &clap::Command, path: &str, pages: &mut Vec<(String, Vec<u8>)>) -> std::io::Result<()> {
    for sub in command.get_subcommands().filter(|sub| is_shown(sub)) {
        let path = format!("{path} {}", sub.get_name()).trim_start().to_owned();
        // A flat name makes `man modelctl-scan` work and gives the right synopsis.
        let name = format!("modelctl-{}", path.replace(' ', "-"));
        pages.push((format!("{name}.1"), page(sub.clone(), &path, &name)?));
        below(sub, &path, pages)?;
    }
    Ok(())
}
