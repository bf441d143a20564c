mod config_page;
mod sections;
mod texts;

use super::{Ctx, Exit};
use crate::failure::{Failure, OrFail};
use clap::Args;
use std::path::{Path, PathBuf};

/// Print the manual page, or write all pages into a folder
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write all pages to this folder; if its name is `man1`, modelctl.toml.5 is written to `man5` next to it
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

/// What the foot of a page names: the package, not the command.
const SOURCE: &str = concat!("modelctl ", env!("CARGO_PKG_VERSION"));
/// The middle of the head of a page. A longer text runs into the names of long commands on a line of 80 columns.
const MANUAL: &str = "modelctl";

pub fn run(ctx: &mut Ctx, args: &ManArgs) -> anyhow::Result<Exit> {
    match &args.dir {
        None => ctx.ui.raw(&first_page(super::command())?)?,
        Some(dir) => pages()?.iter().try_for_each(|(name, page)| write(dir, name, page))?,
    }
    Ok(Exit::Done)
}

/// Writes a page into a folder. `man` looks for pages of section 5 in a folder of their own.
fn write(dir: &Path, name: &str, page: &[u8]) -> anyhow::Result<()> {
    let mut dir = dir.to_owned();
    let is_apart = name.ends_with(".5") && dir.file_name().is_some_and(|name| name == "man1");
    let made = if is_apart {
        dir.set_file_name("man5");
        std::fs::create_dir_all(&dir)
    } else {
        Ok(())
    };
    let path = dir.join(name);
    made.and_then(|()| std::fs::write(&path, page))
        .or_fail(|| Failure::cannot_meet(format!("cannot write {}", path.display())))
}

/// Returns the page of a command: what clap knows of it, then examples, exit status, environment, files and references.
/// `path`: its name below `modelctl`.
fn page(command: clap::Command, path: &str, name: &str) -> std::io::Result<Vec<u8>> {
    let examples = super::help::examples(path, &command);
    let below: Vec<&clap::Command> = command.get_subcommands().filter(|sub| is_shown(sub)).collect();
    let names: Vec<String> = below.iter().map(|sub| sub.get_name().to_owned()).collect();
    let page = clap_mangen::Man::new(command.clone().name(name.to_owned()).display_name(name.to_owned()));
    let mut text = title(name, 1).into_bytes();
    page.render_name_section(&mut text)?;
    text.extend(synopsis(command.clone()).into_bytes());
    text.extend(description(&command, path).into_bytes());
    page.render_options_section(&mut text)?;
    if !path.is_empty() {
        text.extend(sections::global_options().into_bytes());
    }
    if !below.is_empty() {
        text.extend(sections::commands(name, &below).into_bytes());
    }
    text.extend(sections::of_command(path, &examples, &names).into_bytes());
    Ok(text)
}

/// Returns the head of a page. clap_mangen leaves out the quotes of an empty date, which moves what follows it.
fn title(name: &str, section: u8) -> String {
    format!(".TH {name} {section} \"\" \"{SOURCE}\" \"{MANUAL}\"\n")
}

/// Returns how a command is called. The options are listed below, each with its value.
fn synopsis(mut command: clap::Command) -> String {
    let usage = command.render_usage().to_string();
    let lines = usage.lines().map(|line| line.trim().trim_start_matches("Usage: "));
    let lines: Vec<String> = lines.filter(|line| !line.is_empty()).map(sections::escaped).collect();
    format!(".SH SYNOPSIS\n{}\n", lines.join("\n.br\n"))
}

/// Returns what a command does, without the sentence that is the name of its page. Empty where that says it all.
fn description(command: &clap::Command, path: &str) -> String {
    let whole = command.get_long_about().map(ToString::to_string).unwrap_or_default();
    let mut paragraphs: Vec<String> = whole.split("\n\n").skip(1).map(str::to_owned).collect();
    let aliases: Vec<String> = command.get_visible_aliases().map(|alias| format!("`{}`", other(path, alias))).collect();
    if !aliases.is_empty() {
        paragraphs.push(format!("Also called as {}.", aliases.join(", ")));
    }
    sections::description(path, &paragraphs)
}

/// Returns a command with another name: `modelctl keep remove`.
fn other(path: &str, alias: &str) -> String {
    match path.rsplit_once(' ') {
        Some((above, _)) => format!("modelctl {above} {alias}"),
        None => format!("modelctl {alias}"),
    }
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
    pages.push(("modelctl.toml.5".to_owned(), config_page::page().into_bytes()));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn texts() -> Vec<(String, String)> {
        pages().unwrap().into_iter().map(|(name, page)| (name, String::from_utf8(page).unwrap())).collect()
    }

    /// The text of a page without its markup.
    fn plain(text: &str) -> String {
        let marks = [("\\-", "-"), ("\\fB", ""), ("\\fR", ""), ("\\fI", ""), ("\\&", ""), ("\\*(Aq", "'")];
        let signs = [("\\(aq", "'"), ("\\(ga", "`"), ("\\(ti", "~"), ("\\(ha", "^"), ("\\e", "\\")];
        marks.iter().chain(&signs).fold(text.to_owned(), |text, (mark, with)| text.replace(mark, with))
    }

    /// A reader who types what a page refers to must find a page. modelctl-admin(8) is part of the Debian package.
    #[test]
    fn every_page_that_is_named_is_there() {
        let pages = texts();
        for (name, text) in &pages {
            let text = plain(text);
            for section in ["(1)", "(5)"] {
                for before in text.split(section).filter(|part| part.ends_with(|c: char| c.is_ascii_alphanumeric())) {
                    let start = before.rfind(|c: char| !(c.is_ascii_alphanumeric() || "-.".contains(c)));
                    let named = before.get(start.map_or(0, |at| at + 1)..).unwrap_or_default();
                    if named.starts_with("modelctl") {
                        let file = format!("{named}.{}", section.trim_matches(['(', ')']));
                        assert!(pages.iter().any(|(page, _)| *page == file), "{name} names {named}{section}");
                    }
                }
            }
        }
    }

    /// A description that repeats the name of the page wastes the first line that is read.
    #[test]
    fn no_description_repeats_the_name_of_its_page() {
        for (name, text) in texts() {
            let about = text.split(".SH NAME\n").nth(1).and_then(|rest| rest.lines().next()).unwrap_or_default();
            let about = about.split(" \\- ").nth(1).unwrap_or_default();
            assert!(!about.is_empty(), "{name}");
            let described = text.split(".SH DESCRIPTION\n").nth(1).and_then(|rest| rest.lines().next());
            assert_ne!(described, Some(about), "{name}");
        }
    }

    /// Lines that are copied from a page must not be broken on a terminal of 80 columns.
    #[test]
    fn examples_fit_a_terminal_of_80_columns() {
        for (name, text) in texts() {
            for block in text.split("\n.nf\n").skip(1) {
                for line in block.split("\n.fi").next().unwrap_or_default().lines() {
                    let line = plain(line);
                    assert!(line.chars().count() <= 76, "{name}: {line}");
                }
            }
        }
    }

    /// What is copied to a shell needs its own quotes: a formatter turns the plain ones into typographic ones.
    #[test]
    fn a_line_of_text_is_no_request_and_keeps_its_characters() {
        assert_eq!(sections::escaped("'a-b' \\ ~/x"), "\\(aqa\\-b\\(aq \\e \\(ti/x");
        assert_eq!(sections::escaped(".SH"), "\\&.SH");
    }

    #[test]
    fn a_page_of_section_5_is_written_next_to_man1() {
        let top = tempfile::tempdir().unwrap();
        let man1 = top.path().join("man1");
        std::fs::create_dir(&man1).unwrap();
        write(&man1, "modelctl.1", b"x").unwrap();
        write(&man1, "modelctl.toml.5", b"x").unwrap();
        assert!(man1.join("modelctl.1").is_file() && top.path().join("man5/modelctl.toml.5").is_file());
        write(top.path(), "modelctl.toml.5", b"x").unwrap();
        assert!(top.path().join("modelctl.toml.5").is_file());
        assert!(write(&top.path().join("missing"), "modelctl.1", b"x").is_err());
    }
}
