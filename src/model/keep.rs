use super::{ModelRow, Named};
use globset::{GlobBuilder, GlobMatcher};
use serde::Serialize;
use std::path::Path;

/// Where a keep hint was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HintSource {
    /// `KEEP_LOCAL_MODELS`.
    Environment,
    /// `modelctl keep add`.
    Database,
    /// `keep` of the config file.
    File,
}

impl HintSource {
    /// The word for tables and JSON.
    pub fn name(self) -> &'static str {
        match self {
            HintSource::Environment => "environment",
            HintSource::Database => "database",
            HintSource::File => "file",
        }
    }
}

/// A keep hint (`KEEP_LOCAL_MODELS`): an id or its beginning, an alias, a name, a path, or a glob over names and paths.
#[derive(Debug, Clone)]
pub struct KeepHint {
    pub text: String,
    /// Or what is wrong with it: it then still names what it spells.
    glob: Result<GlobMatcher, String>,
}

impl KeepHint {
    pub fn new(text: &str) -> KeepHint {
        let glob = GlobBuilder::new(text).case_insensitive(true).literal_separator(false).build();
        let glob = glob.map(|g| g.compile_matcher()).map_err(|e| e.kind().to_string());
        KeepHint { text: text.to_owned(), glob }
    }

    /// Why it cannot be read as a glob. A name may well contain a lone bracket: where nothing is called so, it is a slip
    /// that would keep nothing.
    pub fn fault(&self) -> Option<&str> {
        self.glob.as_ref().err().map(String::as_str)
    }

    /// Whether the hint means something of these names, or at this path.
    pub fn fits(&self, names: &[&str], path: &Path) -> bool {
        let glob = |name: &&str| self.glob.as_ref().is_ok_and(|g| g.is_match(name));
        names.iter().any(|name| name.eq_ignore_ascii_case(&self.text) || glob(name))
            || path == Path::new(&self.text)
            || self.glob.as_ref().is_ok_and(|g| g.is_match(path))
    }

    /// Whether the hint means this model.
    pub fn matches(&self, row: &ModelRow) -> bool {
        let mut names = std::iter::once(row.name()).chain(row.also_named.iter().map(String::as_str));
        let spelled = names.clone().any(|name| name.eq_ignore_ascii_case(&self.text))
            || row.alias() == Some(&self.text)
            || (self.text.len() >= 4 && row.id().as_str().starts_with(&self.text))
            || row.path == Path::new(&self.text);
        let base = |name: &str| name.rsplit('/').next().unwrap_or("").to_owned();
        spelled
            || self
                .glob
                .as_ref()
                .is_ok_and(|g| g.is_match(&row.path) || names.any(|name| g.is_match(name) || g.is_match(base(name))))
    }
}
