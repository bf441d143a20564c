//! What is shown of a cell that is longer than its column.

use super::column::Cut;
use super::text::{ELLIPSIS, head_within, shorten, width};
use std::borrow::Cow;

/// Smallest number of characters that are shown of an id.
pub const SHORT_ID: usize = 8;

/// Fewer characters do not tell a publisher.
const SHORT_PUBLISHER: usize = 3;

/// Returns the text in at most `room` columns. `home`: the folder that `~` stands for in a path.
pub fn fitted<'a>(cut: Cut, text: &'a str, room: usize, home: Option<&str>) -> Cow<'a, str> {
    match cut {
        Cut::Middle => shorten(text, room),
        Cut::Name => name(text, room),
        Cut::Path => match below_home(text, home) {
            Cow::Borrowed(text) => shorten(text, room),
            Cow::Owned(text) => Cow::Owned(shorten(&text, room).into_owned()),
        },
        Cut::Id => Cow::Borrowed(head_within(text, room)),
    }
}

/// Returns the path with `~` in place of the home folder.
pub fn below_home<'a>(path: &'a str, home: Option<&str>) -> Cow<'a, str> {
    let Some(rest) = home.filter(|home| home.len() > 1).and_then(|home| path.strip_prefix(home)) else {
        return Cow::Borrowed(path);
    };
    if rest.is_empty() || rest.starts_with('/') { Cow::Owned(format!("~{rest}")) } else { Cow::Borrowed(path) }
}

/// Shortens the name of a model: first `-GGUF`, which says nothing here, then the publisher, then the middle.
fn name(text: &str, room: usize) -> Cow<'_, str> {
    if width(text) <= room {
        return Cow::Borrowed(text);
    }
    let plain = without_suffix(text);
    if width(&plain) <= room {
        return plain;
    }
    let Some((publisher, rest)) = plain.split_once('/') else {
        return Cow::Owned(shorten(&plain, room).into_owned());
    };
    match room.checked_sub(width(rest).saturating_add(2)) {
        Some(left) if left >= SHORT_PUBLISHER => {
            Cow::Owned(format!("{}{ELLIPSIS}/{rest}", head_within(publisher, left)))
        }
        _ => Cow::Owned(shorten(rest, room).into_owned()),
    }
}

/// Returns the name without the `-GGUF` at the end of its repository: `org/model-GGUF:Q4_0`.
fn without_suffix(text: &str) -> Cow<'_, str> {
    const SUFFIX: &str = "-gguf";
    let (repository, tag) = text.rsplit_once(':').map_or((text, None), |(repository, tag)| (repository, Some(tag)));
    let kept = repository.len().checked_sub(SUFFIX.len()).and_then(|at| repository.split_at_checked(at));
    match (kept.filter(|(_, end)| end.eq_ignore_ascii_case(SUFFIX)), tag) {
        (Some((kept, _)), Some(tag)) => Cow::Owned(format!("{kept}:{tag}")),
        (Some((kept, _)), None) => Cow::Borrowed(kept),
        (None, _) => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cut name would lose what tells one model from another, and keep what all of them have.
    #[test]
    fn the_publisher_and_the_format_go_before_what_identifies_a_model() {
        let long = "lmstudio-community/Mistral-7B-Instruct-v0.3-GGUF:Q5_K_M";
        for (room, expected) in [
            (60, long),
            (50, "lmstudio-community/Mistral-7B-Instruct-v0.3:Q5_K_M"),
            (40, "lmstudi…/Mistral-7B-Instruct-v0.3:Q5_K_M"),
            (36, "lms…/Mistral-7B-Instruct-v0.3:Q5_K_M"),
            (35, "Mistral-7B-Instruct-v0.3:Q5_K_M"),
            (31, "Mistral-7B-Instruct-v0.3:Q5_K_M"),
            (20, "Mistral-7B….3:Q5_K_M"),
        ] {
            assert_eq!(name(long, room), expected, "{room}");
        }
        assert_eq!(name("Some-Model-GGUF", 10), "Some-Model");
        assert_eq!(name("gguf", 3), "g…f");
        assert_eq!(name("模型-模型-模型-gguf", 9), "模型…模型");
    }

    #[test]
    fn a_path_in_the_home_folder_begins_with_a_tilde() {
        let home = Some("/home/ann");
        assert_eq!(below_home("/home/ann/models", home), "~/models");
        assert_eq!(below_home("/home/ann", home), "~");
        assert_eq!(below_home("/home/anna/models", home), "/home/anna/models");
        assert_eq!(below_home("/models", None), "/models");
        assert_eq!(below_home("/models", Some("/")), "/models");
    }
}
