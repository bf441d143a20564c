//! `unevaluatedProperties` and `unevaluatedItems`: members and items that no schema next to these keywords could have
//! evaluated.

use super::pattern;
use super::walk::Scope;
use jsonschema::Draft;
use serde_json::{Map, Value, json};

/// The largest number of schemas that are visited.
const MOST: usize = 500;

/// Names and places that schemas on the same value evaluate, whether they hold or not.
#[derive(Default)]
struct Seen {
    names: Vec<String>,
    patterns: Vec<String>,
    prefix: usize,
    /// Whether all of them are evaluated.
    all: bool,
    looked: usize,
}

/// Returns a schema that applies `keyword` to the members that nothing next to it can have evaluated; `None` when any
/// member may have been. The rest is left to the check.
pub fn bound(keyword: &str, made: Value, map: &Map<String, Value>, scope: &Scope) -> Option<Value> {
    let mut seen = Seen::default();
    let of_members = keyword == "unevaluatedProperties";
    look(map, of_members, scope, &mut seen, true);
    if seen.all || seen.looked > MOST {
        return None;
    }
    Some(if of_members {
        let names: Map<String, Value> = seen.names.into_iter().map(|name| (name, Value::Bool(true))).collect();
        let patterns: Map<String, Value> = seen.patterns.into_iter().map(|text| (text, Value::Bool(true))).collect();
        match patterns.is_empty() {
            true => json!({"properties": names, "additionalProperties": made}),
            false => json!({"properties": names, "patternProperties": patterns, "additionalProperties": made}),
        }
    } else {
        json!({"prefixItems": vec![Value::Bool(true); seen.prefix], "items": made})
    })
}

fn look(map: &Map<String, Value>, of_members: bool, scope: &Scope, seen: &mut Seen, is_top: bool) {
    seen.looked = seen.looked.saturating_add(1);
    if seen.looked > MOST || seen.all {
        return;
    }
    for (keyword, value) in map {
        let own = keyword == if of_members { "unevaluatedProperties" } else { "unevaluatedItems" };
        match keyword.as_str() {
            "properties" if of_members => {
                seen.names.extend(value.as_object().into_iter().flatten().map(|(n, _)| n.clone()))
            }
            "patternProperties" if of_members => {
                for (text, _) in value.as_object().into_iter().flatten() {
                    match pattern::translated(text, "", "") {
                        Ok(text) => seen.patterns.push(text),
                        Err(_) => seen.all = true,
                    }
                }
            }
            "additionalProperties" if of_members => seen.all = true,
            "prefixItems" if !of_members => seen.prefix = seen.prefix.max(value.as_array().map_or(0, Vec::len)),
            "items" if !of_members && scope.draft <= Draft::Draft201909 && value.is_array() => {
                seen.prefix = seen.prefix.max(value.as_array().map_or(0, Vec::len));
            }
            "items" | "contains" | "additionalItems" if !of_members => seen.all = true,
            _ if own => seen.all |= !is_top,
            "$dynamicRef" | "$recursiveRef" => seen.all = true,
            "allOf" | "anyOf" | "oneOf" => {
                for value in value.as_array().into_iter().flatten() {
                    inside(value, of_members, scope, seen);
                }
            }
            "if" | "then" | "else" => inside(value, of_members, scope, seen),
            "dependentSchemas" => {
                for (_, value) in value.as_object().into_iter().flatten() {
                    inside(value, of_members, scope, seen);
                }
            }
            "$ref" => match scope.resolve(value.as_str().unwrap_or_default()) {
                Ok((Value::Object(map), scope)) => look(map, of_members, &scope, seen, false),
                Ok(_) => {}
                Err(_) => seen.all = true,
            },
            _ => {}
        }
    }
}

fn inside(value: &Value, of_members: bool, scope: &Scope, seen: &mut Seen) {
    match value {
        Value::Object(map) if map.contains_key("$id") => seen.all = true,
        Value::Object(map) => look(map, of_members, scope, seen, false),
        _ => {}
    }
}
