use schemars::JsonSchema;
use serde::Serialize;

/// What a command prints with `--json`. It is an object, and has its name in the member `schema`.
pub trait Document: Serialize + JsonSchema {
    /// The command and a version, such as `modelctl.list/1`. The version goes up when a member is renamed, dropped or
    /// gets another meaning; members are added without that.
    const SCHEMA: &'static str;
}

/// A document with its name.
#[derive(Debug, Serialize)]
pub struct Named<'a, D> {
    schema: &'static str,
    #[serde(flatten)]
    document: &'a D,
}

impl<'a, D: Document> Named<'a, D> {
    pub fn new(document: &'a D) -> Named<'a, D> {
        Named { schema: D::SCHEMA, document }
    }
}
