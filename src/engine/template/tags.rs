//! Tags of Hugging Face's Python that Jinja itself does not have.

/// Replaces `{% generation %}`, which marks the answer for training in Hugging Face's Python; here it is a block that
/// is always rendered.
///
/// Line ends become `\n`, as Jinja reads them. One pass: a tag ends at the first `%}` after it, and where none is left
/// there is no tag left either.
pub fn python_only(template: &str) -> String {
    let template = template.replace("\r\n", "\n").replace('\r', "\n");
    let mut out = String::with_capacity(template.len());
    let mut rest = template.as_str();
    while let Some((before, tag)) = rest.split_once("{%") {
        out.push_str(before);
        out.push_str("{%");
        rest = tag;
        // Only a short tag can be one of the two; the next one may begin inside of text that resembles a long one.
        let head = tag.get(..tag.floor_char_boundary(LONGEST)).unwrap_or(tag);
        let Some((inside, _)) = head.split_once("%}") else { continue };
        let replaced = match inside.trim_matches(['-', '+', ' ', '\t', '\n', '\r']) {
            "generation" => inside.replace("generation", "if true"),
            "endgeneration" => inside.replace("endgeneration", "endif"),
            _ => continue,
        };
        out.push_str(&replaced);
        rest = tag.get(inside.len()..).unwrap_or("");
    }
    out.push_str(rest);
    out
}

/// The largest number of bytes of one of the two tags, blanks and end included.
const LONGEST: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generation_block_always_shows() {
        let text = python_only("a{%- generation %}b{% endgeneration -%}c{%generation+%}");
        assert_eq!(text, "a{%- if true %}b{% endif -%}c{%if true+%}");
        assert_eq!(python_only("{% if generation %}{{ '{%' }}"), "{% if generation %}{{ '{%' }}");
    }

    #[test]
    fn a_template_of_nothing_but_beginnings_of_tags_is_read_in_one_pass() {
        let text = "{%".repeat(500_000);
        let before = crate::clock::instant();
        assert_eq!(python_only(&text), text);
        // A second search through the whole rest for each of them took minutes.
        assert!(before.elapsed() < std::time::Duration::from_secs(20));
    }
}
