//! The page of the config file: modelctl.toml(5).

use super::sections::{escaped, list, paragraphs};

/// The config file that packages install, which has every key.
const CONFIG: &str = include_str!("../../../packaging/config.toml");

/// The width of its lines, with the margin of a page on a terminal of 80 columns.
const WIDTH: usize = 72;
/// What comments of a key are indented by.
const INDENT: &str = "    ";

const DESCRIPTION: &[&str] = &[
    "The file is written in TOML. It is the one that `--config` or MODELCTL_CONFIG names, else the first of these that \
     exists: $XDG_CONFIG_HOME/modelctl/config.toml (~/.config/modelctl/config.toml without that variable) and \
     /etc/modelctl/config.toml. Only one file is read, and none is needed.",
    "Settings apply in this order: defaults, the config file, the environment, options; the later ones win. An unknown \
     key or a value of a wrong type is an error with the line of the file, and the command ends with exit code 3. A \
     path that is not absolute starts at the folder of the file; `~` is the home folder. Times are written as \"90s\", \
     \"10m\" or \"2h\", ages as \"12h\", \"30d\" or \"3mo\", sizes as \"500MB\" or \"8GiB\".",
    "A running daemon reads the file again on SIGHUP (`systemctl reload modelctl-serve`). Another database or other \
     addresses need a restart. A file with an error is reported, and the settings stay as they are.",
];

const FILES: &[(&str, &str)] = &[
    ("~/.config/modelctl/config.toml", "the settings of a user"),
    ("/etc/modelctl/config.toml", "those of users without a file of their own, and of the systemd units"),
    ("/usr/share/modelctl/config.toml", "the example below, where `make install PREFIX=/usr` was used"),
];

pub fn page() -> String {
    let head = format!(
        "{}.SH NAME\nmodelctl.toml \\- Settings of modelctl\n.SH SYNOPSIS\n{}\n.SH DESCRIPTION\n",
        super::title("modelctl.toml", 5),
        escaped("~/.config/modelctl/config.toml"),
    );
    let keys = "All keys are commented and have their defaults. To set one, remove its `#`, also that of its table.";
    let lines: String = fitted(CONFIG).iter().map(|line| format!("{}\n", escaped(line))).collect();
    let example = format!(".SH KEYS\n{}\n.PP\n.nf\n{lines}.fi\n", escaped(keys));
    let related = "\\fBmodelctl\\fR(1), \\fBmodelctl\\-serve\\fR(1), \\fBmodelctl\\-prune\\fR(1), \
                   \\fBmodelctl\\-health\\fR(1)";
    format!("{head}{}{example}{}.SH SEE ALSO\n{related}\n", paragraphs(DESCRIPTION), list("FILES", "", FILES))
}

/// Returns the lines of the file so that they fit a page: comments are broken anew, and that of a key is below it.
fn fitted(file: &str) -> Vec<String> {
    let (mut lines, mut comment) = (Vec::new(), Vec::new());
    for line in file.lines() {
        if let Some(text) = line.strip_prefix("# ") {
            comment.push(text);
            continue;
        }
        lines.extend(wrapped(&std::mem::take(&mut comment).join(" "), "# "));
        match line.split_once(" # ") {
            Some((key, text)) => {
                lines.push(key.trim_end().to_owned());
                lines.extend(wrapped(text, &format!("{INDENT}# ")));
            }
            None => lines.push(line.to_owned()),
        }
    }
    lines.extend(wrapped(&comment.join(" "), "# "));
    lines
}

/// Breaks a comment between words. `head`: what each of its lines begins with.
fn wrapped(text: &str, head: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("{head}{word}")),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_comment_of_a_key_is_below_it_and_no_line_is_too_long() {
        assert_eq!(fitted("#nice = 5                  # 0 to 19"), ["#nice = 5", "    # 0 to 19"]);
        assert_eq!(fitted("# One\n# sentence.\n\n[worker]"), ["# One sentence.", "", "[worker]"]);
        let all = fitted(CONFIG);
        for line in &all {
            assert!(line.chars().count() <= 76, "{line}");
        }
        let words = |text: &str| -> String { text.split_whitespace().filter(|word| *word != "#").collect() };
        assert_eq!(words(&all.join("\n")), words(CONFIG), "nothing is lost");
    }
}
