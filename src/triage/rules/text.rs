//! Parts of log lines, and figures in sentences.

/// Returns what stands between the first `start` and the next `end`.
pub(super) fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    text.split_once(start)?.1.split_once(end).map(|(inside, _)| inside)
}

/// Returns the word after the first `start`, up to white space.
pub(super) fn word_after<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    text.split_once(start)?.1.split_whitespace().next()
}

/// Returns the number after the first `start`: digits, at most one point.
pub(super) fn number_after(text: &str, start: &str) -> Option<f64> {
    let rest = text.split_once(start)?.1.trim_start();
    let digits: String = rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    digits.trim_end_matches('.').parse().ok() // no number there: None
}

/// Formats a count with a comma between groups of three digits: `40,000,000`.
pub(super) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Formats seconds: `4.2 s`, `3 min`, `2.5 h`.
pub(super) fn seconds(seconds: f64) -> String {
    match seconds {
        s if s < 10.0 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7_200.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3_600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_lines_are_found_and_missing_ones_are_none() {
        assert_eq!(between("tensor 'a.b' data", "'", "'"), Some("a.b"));
        assert_eq!(between("tensor 'a.b", "'", "'"), None);
        assert_eq!(number_after("size = 3462.850 MiB", "size = "), Some(3462.85));
        assert_eq!(number_after("size = none", "size = "), None);
        assert_eq!(word_after("argument: --x y", "argument: "), Some("--x"));
        assert_eq!(word_after("argument: ", "argument: "), None);
    }

    #[test]
    fn figures_read_well() {
        assert_eq!(
            (grouped(7), grouped(1_000), grouped(98_362_432)),
            ("7".into(), "1,000".into(), "98,362,432".into())
        );
        assert_eq!((seconds(4.21), seconds(50.0), seconds(600.0)), ("4.2 s".into(), "50 s".into(), "10 min".into()));
    }
}
