//! `%(name)s` in values of the config file, as Python's `%` does it for names that are known.

use std::collections::BTreeMap;

/// The names that a value may refer to: `here`, `program_name`, `ENV_X`, …
pub(super) type Names = BTreeMap<String, String>;

/// Replaces `%(name)s` and `%(name)02d` by values, and `%%` by `%`. What is not known stays as it is.
pub(super) fn expand(value: &str, names: &Names) -> String {
    let mut expanded = String::with_capacity(value.len());
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('%') {
        expanded.push_str(before);
        if let Some(after) = after.strip_prefix('%') {
            expanded.push('%');
            rest = after;
        } else if let Some((replaced, after)) = reference(after, names) {
            expanded.push_str(&replaced);
            rest = after;
        } else {
            expanded.push('%');
            rest = after;
        }
    }
    expanded.push_str(rest);
    expanded
}

/// Returns whether the value still refers to something that is not known here.
pub(super) fn is_open(value: &str) -> bool {
    value.contains("%(")
}

/// Reads `(name)s` or `(name)02d`: the value, and the text behind.
fn reference<'a>(text: &'a str, names: &Names) -> Option<(String, &'a str)> {
    let (name, rest) = text.strip_prefix('(')?.split_once(')')?;
    let value = names.get(name)?;
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (width, rest) = rest.split_at_checked(digits)?;
    if let Some(rest) = rest.strip_prefix('s') {
        return Some((value.clone(), rest));
    }
    let rest = rest.strip_prefix('d')?;
    let columns: usize = width.parse().unwrap_or(0).min(20);
    let padded = if width.starts_with('0') { format!("{value:0>columns$}") } else { format!("{value:>columns$}") };
    Some((padded, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A path with a name that we do not know must be shown as it stands, not with a hole in it.
    #[test]
    fn known_names_are_replaced_and_unknown_ones_stay() {
        let names = Names::from([("here".into(), "/etc".into()), ("process_num".into(), "7".into())]);
        assert_eq!(expand("%(here)s/x_%(process_num)02d", &names), "/etc/x_07");
        assert_eq!(expand("%(ENV_KEY)s %(process_num)d 100%% %", &names), "%(ENV_KEY)s 7 100% %");
        assert_eq!(expand("%(here", &names), "%(here");
        assert!(is_open("%(ENV_KEY)s") && !is_open("100%"));
    }
}
