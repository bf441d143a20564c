//! The state of a walk through a schema: the position, the findings, the result.

use super::Refusal;
use jsonschema::Draft;
use referencing::Resolver;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// The largest number of subschemas, each counted as often as it is copied.
const MOST_SUBSCHEMAS: usize = 20_000;

/// The largest number of levels of a schema, and of negated conditions.
const MOST_LEVELS: usize = 64;

/// The amount that is left to the check of complete values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exactness {
    /// Only keywords that the token grammar cannot express.
    Exact,
    /// In addition, keywords that it can express only for some schemas: patterns of names, numbers of members.
    Loose,
}

/// The base from which references are resolved.
#[derive(Clone)]
pub(super) struct Scope<'a> {
    pub resolver: Resolver<'a>,
    pub draft: Draft,
    pub level: usize,
}

impl<'a> Scope<'a> {
    /// Returns the scope inside of a subschema, which may name itself (`$id`).
    pub fn inside(&self, value: &'a Value) -> Scope<'a> {
        let draft = self.draft.detect(value);
        let resolver = self.resolver.in_subresource(draft.create_resource_ref(value));
        // The check refused an `$id` that is no reference.
        let resolver = resolver.unwrap_or_else(|_| self.resolver.clone());
        Scope { resolver, draft, level: self.level.saturating_add(1) }
    }

    pub fn resolve(&self, reference: &str) -> Result<(&'a Value, Scope<'a>), String> {
        let resolved = self.resolver.lookup(reference).map_err(|error| error.to_string())?;
        let (value, resolver, draft) = resolved.into_inner();
        Ok((value, Scope { resolver, draft, level: self.level.saturating_add(1) }))
    }
}

pub(super) struct Walk<'a> {
    pub(super) exactness: Exactness,
    /// The names of the targets of references, by their address in the document.
    pub(super) names: HashMap<*const Value, String>,
    pub(super) waiting: Vec<(String, &'a Value, Scope<'a>, String)>,
    /// Places of subschemas with an empty `enum`.
    pub(super) empty_enums: Vec<String>,
    pub(super) subschemas: usize,
    pub(super) conditions: usize,
    /// Whether a text that must be written has control characters, which need escapes by number.
    pub(super) control: bool,
    /// Whether there are objects that admit names other than their own.
    pub(super) names_left_open: bool,
    /// The number of places to which dynamic references can lead.
    pub(super) dynamic_anchors: usize,
}

impl<'a> Walk<'a> {
    pub(super) fn reference_to(&mut self, value: &'a Value, mut scope: Scope<'a>, place: &str) -> Value {
        let count = self.names.len();
        let name = self.names.entry(std::ptr::from_ref(value)).or_insert_with(|| {
            let name = format!("d{count}");
            scope.level = 0;
            self.waiting.push((name.clone(), value, scope, place.to_owned()));
            name
        });
        Value::String(format!("#/$defs/{name}"))
    }

    /// Counts a subschema, so that no schema grows without bound.
    pub(super) fn count(&mut self, scope: &Scope, place: &str) -> Result<(), Refusal> {
        self.subschemas = self.subschemas.saturating_add(1);
        if self.subschemas > MOST_SUBSCHEMAS {
            return Err(Refusal::new(place, "", format!("the schema has more than {MOST_SUBSCHEMAS} parts")));
        }
        if scope.level > MOST_LEVELS {
            return Err(Refusal::new(place, "", format!("the schema has more than {MOST_LEVELS} levels")));
        }
        Ok(())
    }
}

/// The members of a schema that is being built.
pub(super) struct Out {
    pub map: Map<String, Value>,
    /// Further schemas that must hold too.
    pub also: Vec<Value>,
}

/// Escapes a part of a JSON pointer.
pub(super) fn escaped(part: &str) -> String {
    part.replace('~', "~0").replace('/', "~1")
}

/// Follows references from `value`, up to eight of them, and returns the schema at their end.
pub fn followed<'a>(value: &'a Value, scope: &Scope<'a>) -> (&'a Value, Scope<'a>) {
    let (mut value, mut scope) = (value, scope.clone());
    for _ in 0..8 {
        let Some(next) = value.get("$ref").and_then(Value::as_str).and_then(|to| scope.resolve(to).ok()) else { break };
        (value, scope) = next;
    }
    (value, scope)
}
