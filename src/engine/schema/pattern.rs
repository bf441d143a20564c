//! The conversion of patterns from ECMA 262, which JSON Schema names, to the dialect of the token grammar.

use super::Refusal;
use regex_syntax::ast::{self, Ast, ClassSetItem};

/// The largest number of bytes of a pattern.
const MOST: usize = 16 << 10;

/// Returns a pattern in the dialect of Rust's regex crates that admits the same texts.
///
/// # Errors
/// The pattern is too long, is no pattern, or has lookaround or backreferences.
pub fn translated(pattern: &str, place: &str, keyword: &str) -> Result<String, Refusal> {
    let refuse = |why: &str| Refusal::new(place, keyword, format!("the pattern `{}` {why}", short(pattern)));
    if pattern.len() > MOST {
        return Err(refuse("is too long"));
    }
    if !jsonschema_regex::is_valid_ecma_regex(pattern) {
        return Err(refuse("is not a regular expression"));
    }
    let rust = jsonschema_regex::to_rust_regex(pattern).map_err(|()| refuse("is not supported"))?.into_owned();
    let parsed = match ast::parse::Parser::new().parse(&rust) {
        Ok(parsed) => parsed,
        Err(error) => return Err(refuse(&format!("is not supported: {}", error.kind()))),
    };
    let mut dots = Vec::new();
    ast::visit(&parsed, Look { dots: &mut dots }).map_err(|why| refuse(&format!("is not supported: {why}")))?;
    let mut text = rust;
    // From the end, so that earlier positions stay valid.
    for at in dots.into_iter().rev() {
        text.replace_range(at..at.saturating_add(1), DOT);
    }
    Ok(text)
}

/// The set that a dot matches: all except the line ends that ECMA 262 names.
const DOT: &str = r"[^\n\r\x{2028}\x{2029}]";

/// A search for dots, and for parts that the token grammar cannot follow.
struct Look<'a> {
    dots: &'a mut Vec<usize>,
}

impl ast::Visitor for Look<'_> {
    type Output = ();
    type Err = &'static str;

    fn finish(self) -> Result<(), Self::Err> {
        Ok(())
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), Self::Err> {
        match ast {
            Ast::Dot(span) => self.dots.push(span.start.offset),
            Ast::Assertion(assertion) => match assertion.kind {
                ast::AssertionKind::StartLine | ast::AssertionKind::EndLine => {}
                _ => return Err("word boundaries"),
            },
            Ast::Flags(_) => return Err("flags"),
            Ast::Group(group) => {
                if let ast::GroupKind::CaptureName { name, .. } = &group.kind {
                    // llguidance gives this one name a special meaning.
                    if name.name == "stop" {
                        return Err("a group of this name");
                    }
                }
                if let ast::GroupKind::NonCapturing(flags) = &group.kind
                    && !flags.items.is_empty()
                {
                    return Err("flags");
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn visit_class_set_item_pre(&mut self, item: &ClassSetItem) -> Result<(), Self::Err> {
        match item {
            // `[[:alpha:]]` is another set in ECMA 262.
            ClassSetItem::Ascii(_) => Err("classes by name"),
            _ => Ok(()),
        }
    }
}

/// Shortens a pattern for quotation in a message.
pub fn short(pattern: &str) -> String {
    match pattern.char_indices().nth(80) {
        Some((end, _)) => format!("{}...", pattern.get(..end).unwrap_or_default()),
        None => pattern.to_owned(),
    }
}

/// Returns a pattern for every text except `text`.
pub fn other_than(text: &str) -> String {
    let escape = |part: &str| regex_syntax::escape(part);
    let mut ways = Vec::new();
    for (at, c) in text.char_indices() {
        let before = escape(text.get(..at).unwrap_or_default());
        ways.push(before.clone());
        ways.push(format!("{before}[^{}][\\s\\S]*", escape(&c.to_string())));
    }
    ways.push(format!("{}[\\s\\S]+", escape(text)));
    format!("^(?:{})$", ways.join("|"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_mean_what_they_mean_in_ecmascript() {
        let rust = |pattern: &str| translated(pattern, "#", "pattern");
        assert_eq!(rust(r"^\d{5}$").unwrap(), "^[0-9]{5}$");
        assert_eq!(rust(r"^\w\W$").unwrap(), "^[A-Za-z0-9_][^A-Za-z0-9_]$");
        assert_eq!(rust("^.$").unwrap(), r"^[^\n\r\x{2028}\x{2029}]$");
        assert!(rust(r"\s").unwrap().contains("feff"));
        assert_eq!(rust("^[[a]$").unwrap(), r"^[\[a]$");
    }

    #[test]
    fn what_looks_around_or_back_is_refused_with_its_place() {
        for pattern in ["^(?=a)", "^(?!a)b", r"(a)\1", r"\bword\b", "^(a$", "[", "(?<stop>a)b"] {
            let refused = translated(pattern, "#/properties/x", "pattern").unwrap_err().to_string();
            assert!(refused.starts_with("`pattern` at `#/properties/x`: the pattern `"), "{pattern}: {refused}");
        }
    }

    #[test]
    fn every_text_but_one() {
        let schema = serde_json::json!({"pattern": other_than("a[b")});
        let admits = |text: &str| jsonschema::is_valid(&schema, &serde_json::json!(text));
        for text in ["", "a", "a[", "a[c", "b", "a[bc", "a[b\n"] {
            assert!(admits(text), "{text:?}");
        }
        assert!(!admits("a[b"));
    }
}
