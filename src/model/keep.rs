use super::{ModelRow, Pattern};
use serde::Serialize;
use std::path::Path;

/// The source of a keep hint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
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
    /// Returns the word for tables and JSON.
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
    pattern: Pattern,
}

impl KeepHint {
    pub fn new(text: &str) -> KeepHint {
        KeepHint { text: text.to_owned(), pattern: Pattern::new(text) }
    }

    /// Returns why the hint cannot be read as a glob. A name may contain a lone bracket; if no model has such a name,
    /// the hint is a typing error that would keep nothing.
    pub fn fault(&self) -> Option<&str> {
        self.pattern.fault()
    }

    /// Returns whether the hint matches one of these names, or this path.
    pub fn fits(&self, names: &[&str], path: &Path) -> bool {
        self.pattern.matches(names.iter().copied(), path)
    }

    /// Returns whether the hint matches this model.
    pub fn matches(&self, row: &ModelRow) -> bool {
        self.pattern.matches_model(row)
    }
}
