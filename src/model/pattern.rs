use super::{ModelRow, Named};
use globset::{GlobBuilder, GlobMatcher};
use std::ffi::OsStr;
use std::path::Path;

/// The minimum number of digits in a pattern that selects models by id.
const ID_DIGITS: usize = 4;

/// A word that selects models or files by their names: the same rule for `list`, `keep`, `prune --keep` and `history`.
///
/// A word with one of the characters `* ? [ {` is a glob, in which `*` also matches `/`. It is compared without regard
/// to case against each name, the part of each name after its last `/`, the name of the file, and the path.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    lower: String,
    /// None for a plain word; otherwise the glob, or the error in it.
    glob: Option<Result<GlobMatcher, String>>,
}

impl Pattern {
    pub fn new(text: &str) -> Pattern {
        let glob = text.contains(['*', '?', '[', '{']).then(|| {
            let glob = GlobBuilder::new(text).case_insensitive(true).literal_separator(false).build();
            glob.map(|glob| glob.compile_matcher()).map_err(|e| e.kind().to_string())
        });
        Pattern { text: text.to_owned(), lower: text.to_lowercase(), glob }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns why the word cannot be read as a glob although it has glob characters. It then still matches literally.
    pub fn fault(&self) -> Option<&str> {
        self.glob.as_ref()?.as_ref().err().map(String::as_str)
    }

    fn glob(&self) -> Option<&GlobMatcher> {
        self.glob.as_ref()?.as_ref().ok() // an invalid glob matches literally
    }

    /// Returns whether the pattern matches this name, or the part of it after the last `/`.
    pub fn is_name(&self, name: &str) -> bool {
        let last = name.rsplit('/').next().unwrap_or(name);
        let is = |text: &str| text.to_lowercase() == self.lower || self.glob().is_some_and(|glob| glob.is_match(text));
        is(name) || (last.len() < name.len() && is(last))
    }

    /// Returns whether the pattern matches this path, or the name of the file.
    pub fn is_path(&self, path: &Path) -> bool {
        let file = path.file_name().map(OsStr::to_string_lossy);
        path == Path::new(&self.text)
            || self.glob().is_some_and(|glob| glob.is_match(path))
            || file.is_some_and(|file| self.is_name(&file))
    }

    /// Returns whether the pattern matches one of these names, or this path.
    pub fn matches<'n>(&self, names: impl IntoIterator<Item = &'n str>, path: &Path) -> bool {
        names.into_iter().any(|name| self.is_name(name)) || self.is_path(path)
    }

    /// Returns whether the pattern matches this model: by a name, its alias, its path, or at least 4 digits of its id.
    pub fn matches_model(&self, row: &ModelRow) -> bool {
        let by_id = self.lower.len() >= ID_DIGITS && row.id().as_str().starts_with(&self.lower);
        by_id || self.matches(names(row), &row.path)
    }

    /// Returns whether the pattern matches this model or, as a plain word, occurs in one of its names.
    pub fn finds_model(&self, row: &ModelRow) -> bool {
        self.matches_model(row)
            || (self.glob.is_none()
                && (names(row).any(|name| self.occurs_in(name)) || row.id().as_str().starts_with(&self.lower)))
    }

    /// Returns whether the pattern matches this text or, as a plain word, occurs in it.
    pub fn finds(&self, text: &str) -> bool {
        if self.glob.is_none() { self.occurs_in(text) } else { self.is_name(text) }
    }

    fn occurs_in(&self, text: &str) -> bool {
        text.to_lowercase().contains(&self.lower)
    }
}

fn names(row: &ModelRow) -> impl Iterator<Item = &str> {
    std::iter::once(row.name()).chain(row.alias()).chain(row.also_named.iter().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_matches_a_name_its_last_part_the_file_and_the_path_in_any_case() {
        let row = crate::testing::sample_row("unsloth/Qwen3-8B-GGUF:Q4_K_M");
        let row = ModelRow { path: "/srv/hub/qwen3-8b-q4_k_m.gguf".into(), alias: Some("Big One".into()), ..row };
        for text in
            ["qwen*", "QWEN3-8B-GGUF:*", "unsloth/*", "*q4_k_m.gguf", "/srv/*", "/SRV/hub/?wen*", "big *", "*{a,8b}*"]
        {
            let pattern = Pattern::new(text);
            assert!(pattern.matches_model(&row) && pattern.finds_model(&row), "{text}");
        }
        for text in ["llama*", "8b*", "/srv/x*"] {
            assert!(!Pattern::new(text).finds_model(&row), "{text}");
        }
        assert!(Pattern::new("qwen*").is_name("org/Qwen2"));
        assert!(Pattern::new("*.part").is_path(Path::new("/m/x.gguf.PART")));
    }

    #[test]
    fn a_plain_word_is_exact_for_rules_and_part_of_a_name_for_a_search() {
        let row = crate::testing::sample_row("unsloth/Qwen3-8B");
        let is = |text: &str| Pattern::new(text).matches_model(&row);
        let finds = |text: &str| Pattern::new(text).finds_model(&row);
        assert!(is("qwen3-8b") && is("UNSLOTH/qwen3-8b") && is(row.id.as_str()) && is(row.path.to_str().unwrap()));
        assert!(!is("qwen") && finds("qwen") && finds("qwen3-8b"));
        assert!(!is(&row.id.as_str()[..3]) && finds(&row.id.as_str()[..3]));
    }

    #[test]
    fn a_lone_bracket_matches_itself_and_its_fault_can_be_told() {
        let odd = Pattern::new("a[1");
        assert!(odd.fault().is_some() && odd.is_name("x/A[1") && !odd.is_name("a1"));
        let spelled = Pattern::new("a[1]");
        assert!(spelled.is_name("a1") && spelled.is_name("a[1]"), "a name may have the signs of a glob");
    }
}
