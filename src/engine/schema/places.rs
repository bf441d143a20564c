//! The places of errors in a schema, in terms of the schema that was given.

use super::Refusal;
use super::walk::escaped;
use serde_json::Value;

/// The sources of the definitions of a grammar.
#[derive(Debug, Default)]
pub struct Places {
    names: Vec<(String, String)>,
    /// The first keyword of each definition that can leave no value.
    culprits: Vec<(String, String)>,
    /// Subschemas with an empty `enum`: where no value is left and one of them is inside, it is the likeliest reason.
    pub empty_enums: Vec<String>,
}

impl Places {
    /// Records a definition of the grammar: its name, the place in the schema that it comes from, and that schema.
    pub fn note(&mut self, name: &str, place: &str, value: &Value) {
        let culprit = CULPRITS.iter().find(|keyword| value.get(**keyword).is_some());
        self.culprits.extend(culprit.map(|keyword| (place.to_owned(), (*keyword).to_owned())));
        self.names.push((format!("#/$defs/{name}"), place.to_owned()));
        // By length: `d1` is a prefix of `d10`.
        self.names.sort_by_key(|(name, _)| (name.len(), name.clone()));
    }

    /// Converts an error of llguidance's to the places of the schema that was given.
    pub fn in_words(&self, reason: &str) -> Refusal {
        let line = reason.lines().next().unwrap_or_default();
        let mut place = "#";
        for (name, own) in &self.names {
            // The innermost named definition is processed last.
            if reason
                .lines()
                .any(|line| line.contains(&format!("while processing {name}")) || line.ends_with(name.as_str()))
            {
                place = own;
            }
        }
        let mut why = line.strip_prefix("Parser Error: ").unwrap_or(line).to_owned();
        // Definitions have our names. The longest first: `d1` is a prefix of `d10`.
        for (name, own) in self.names.iter().rev() {
            why = why.replace(name, own);
        }
        if why.starts_with("NoExtension") {
            why = "no value can be completed".into();
        }
        if let Some(panic) = why.strip_prefix("panic: ") {
            why = format!("llguidance cannot read it: {panic}");
        }
        let why = match why.split_once("; consider making your grammar") {
            Some((what, _)) => what.to_owned(),
            None => why,
        };
        // llguidance's message for an empty `enum`.
        if why.contains("anyOf")
            && let Some(at) = self.empty_enums.iter().find(|at| at.starts_with(place))
        {
            return Refusal::new(at.as_str(), "enum", "the list of values is empty: no value matches");
        }
        let keyword =
            KEYWORDS.iter().find(|keyword| why.split(|c: char| !c.is_alphanumeric()).any(|word| word == **keyword));
        let culprit = self.culprits.iter().find(|(at, _)| at == place).map(|(_, keyword)| keyword.as_str());
        Refusal::new(place, keyword.copied().or(culprit).unwrap_or_default(), why)
    }
}

/// Keywords that can leave no value, the likeliest first.
const CULPRITS: [&str; 12] =
    ["not", "oneOf", "allOf", "anyOf", "$ref", "$dynamicRef", "if", "const", "enum", "properties", "items", "type"];

/// Keywords that llguidance names in its reasons.
const KEYWORDS: [&str; 15] = [
    "minimum",
    "maximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "prefixItems",
    "anyOf",
    "oneOf",
    "required",
    "pattern",
    "format",
];

/// Finds the place of a reference that cannot be resolved.
pub fn unresolved(schema: &Value, why: &str) -> Refusal {
    fn find(value: &Value, why: &str, place: &str) -> Option<String> {
        match value {
            Value::Object(map) => map.iter().find_map(|(name, value)| {
                let place = format!("{place}/{}", escaped(name));
                let document = value.as_str().and_then(|to| to.split('#').next()).filter(|to| !to.is_empty());
                match name.ends_with("ef") && document.is_some_and(|to| why.contains(to)) {
                    true => Some(place),
                    false => find(value, why, &place),
                }
            }),
            Value::Array(all) => {
                all.iter().enumerate().find_map(|(at, value)| find(value, why, &format!("{place}/{at}")))
            }
            _ => None,
        }
    }
    let place = find(schema, why, "#").unwrap_or_else(|| "#".to_owned());
    let keyword = place.rsplit('/').next().filter(|keyword| keyword.starts_with('$')).unwrap_or_default().to_owned();
    Refusal::new(place, keyword, why)
}
