//! Sections of a config file. Syntax of Python's `configparser` as supervisor sets it: `;` and `#` begin a comment at
//! the start of a line or after a space, and deeper indented lines continue a value.

use configparser::ini::Ini;
use std::collections::BTreeMap;

/// One section of one file. Names of values are in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    pub name: String,
    /// Line of its header, from 1.
    pub line: u32,
    pub values: BTreeMap<String, String>,
}

/// Parses the text of one file. Sections are in the order of the file; one that is there twice has both values.
///
/// # Errors
/// What is wrong, with its line.
pub(super) fn parse(text: &str) -> Result<Vec<Section>, String> {
    let plain = text.lines().map(without_comment).collect::<Vec<_>>().join("\n");
    let mut ini = Ini::new_cs();
    ini.set_comment_symbols(&[]);
    ini.set_inline_comment_symbols(Some(&[]));
    ini.set_multiline(true);
    // A section of no file, so that `[DEFAULT]` is a section as others.
    ini.set_default_section("\0");
    let parsed = ini.read(plain.clone())?;
    let mut sections: Vec<Section> = Vec::new();
    for (line, text) in (1..).zip(plain.lines()) {
        let Some(name) = header(text) else { continue };
        if sections.iter().any(|section| section.name == name) {
            continue;
        }
        let values = parsed.get(name).into_iter().flatten();
        let values = values.map(|(key, value)| (key.to_ascii_lowercase(), value.clone().unwrap_or_default())).collect();
        sections.push(Section { name: name.to_owned(), line, values });
    }
    Ok(sections)
}

/// Returns the name in `[name]`, found as the parser finds it.
fn header(line: &str) -> Option<&str> {
    let inner = line.trim().strip_prefix('[')?;
    Some(inner.get(..inner.rfind(']')?)?.trim())
}

fn without_comment(line: &str) -> &str {
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        if matches!(c, ';' | '#') && before.is_whitespace() {
            return line.get(..at).unwrap_or(line).trim_end();
        }
        before = c;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A command that is cut at a `;` of its own, or that has a comment in it, would be judged as another command.
    #[test]
    fn comments_and_continued_values_are_read_as_supervisor_reads_them() {
        let text = "; comment\n[program:a]\ncommand=sh -c 'a;b' ; start\n  --more\nAutoStart = false\n\n[x]\ny:z\n";
        let sections = parse(text).unwrap();
        assert_eq!(
            sections.iter().map(|s| (s.name.as_str(), s.line)).collect::<Vec<_>>(),
            [("program:a", 2), ("x", 7)]
        );
        assert_eq!(sections[0].values["command"], "sh -c 'a;b'\n--more");
        assert_eq!(sections[0].values["autostart"], "false");
        assert_eq!(sections[1].values["y"], "z");
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "(?s)[\\[\\]=:;# a-z\n\té%()]{0,200}") {
            let _ = parse(&text); // an error is fine
        }
    }
}
