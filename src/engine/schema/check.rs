//! Checks values against the schema as it was given, as soon as they are complete.

use super::{Refusal, pattern};
use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use serde_json::Value;

/// The largest number of bytes of a compiled pattern.
const PATTERN_BYTES: usize = 32 << 20;

/// A schema against which values are checked.
pub struct Check {
    validator: Validator,
    /// Whether a further member can exceed a limit.
    counts_members: bool,
}

/// The open containers of an unfinished text.
pub struct Open<'a> {
    /// JSON pointers of the arrays and objects that are not closed, from the outermost.
    pub containers: &'a [String],
    /// Whether another member or item has begun, of which nothing is known yet.
    pub more: bool,
}

impl Check {
    /// Compiles a schema.
    ///
    /// # Errors
    /// The keyword that cannot be checked, at its place.
    pub fn new(schema: &Value, draft: Draft) -> Result<Check, Refusal> {
        let validator = jsonschema::options()
            .with_draft(draft)
            .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_BYTES).dfa_size_limit(PATTERN_BYTES))
            .should_validate_formats(true)
            .should_ignore_unknown_formats(true)
            .offline()
            .build(schema)
            .map_err(|error| refusal(&error))?;
        // The search ignores where the keyword is: a needless check costs little.
        let counts_members = schema.to_string().contains("\"maxProperties\"");
        Ok(Check { validator, counts_members })
    }

    pub fn counts_members(&self) -> bool {
        self.counts_members
    }

    /// Returns whether `value` cannot fit the schema whatever follows, as far as that is certain.
    pub fn is_lost(&self, value: &Value, open: &Open) -> bool {
        self.validator.iter_errors(value).any(|error| is_final(&error, open))
    }
}

/// Returns whether an error remains, whatever follows.
fn is_final(error: &ValidationError, open: &Open) -> bool {
    let place = error.instance_path().as_str();
    if open.containers.is_empty() {
        return true;
    }
    let keyword = error.kind().keyword();
    if open.more {
        return keyword == "maxProperties" && open.containers.last().is_some_and(|last| last == place);
    }
    if open.containers.iter().any(|container| container == place) {
        // A value that violates these never fits again as it grows.
        return matches!(keyword, "uniqueItems" | "maxProperties" | "maxContains" | "propertyNames");
    }
    // The branch that holds can depend on the open parts.
    let way = error.evaluation_path().as_str();
    !["/then", "/else", "/dependentSchemas", "/unevaluated"].iter().any(|part| way.contains(part))
}

/// Returns the draft in which a schema is written.
///
/// # Errors
/// The reason why it is no schema, at its place.
pub fn draft_of(schema: &Value) -> Result<Draft, Refusal> {
    let draft = Draft::default().detect(schema);
    match jsonschema::meta::validate(schema) {
        Ok(()) => Ok(draft),
        // Many schemas of earlier drafts name none. A keyword that today's draft refuses may be right there.
        Err(_) if schema.get("$schema").is_none() && jsonschema::draft7::meta::validate(schema).is_ok() => {
            Ok(Draft::Draft7)
        }
        Err(error) => Err(refusal(&error)),
    }
}

/// Converts an error of the schema itself, in the validator's words.
fn refusal(error: &ValidationError) -> Refusal {
    let path = error.instance_path().as_str();
    let (place, keyword) = path.rsplit_once('/').unwrap_or(("", ""));
    // An index is no keyword.
    let keyword = if keyword.parse::<usize>().is_ok() { "" } else { keyword };
    let place = format!("#{}", if keyword.is_empty() { path } else { place });
    if let (Some(text), "format") = (error.instance().as_str(), error.kind().keyword()) {
        // The validator only says that it is no pattern.
        return match pattern::translated(text, &place, keyword) {
            Err(refusal) => refusal,
            Ok(_) => Refusal::new(place, keyword, format!("the pattern `{}` is too large", pattern::short(text))),
        };
    }
    let mut why = error.to_string();
    if let Some((end, _)) = why.char_indices().nth(300) {
        why.truncate(end);
    }
    Refusal::new(place, keyword, why)
}
