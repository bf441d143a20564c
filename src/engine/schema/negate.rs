//! The negation of a schema, as a schema of the grammar: the values outside of it, or more where that cannot be
//! expressed. The check of complete values refuses the rest.

use super::numbers::count;
use super::walk::followed;
use super::walk::{Scope, Walk, escaped};
use super::{Refusal, pattern};
use serde_json::{Map, Value, json};

const TYPES: [&str; 6] = ["null", "boolean", "number", "string", "array", "object"];

/// Members of a schema that say nothing about values.
const SILENT: [&str; 16] = [
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    "$comment",
    "$schema",
    "$id",
    "$anchor",
    "$dynamicAnchor",
    "$defs",
    "definitions",
    "contentMediaType",
    "contentEncoding",
];

/// Returns the values that `value` does not admit. `around` is the schema next to a condition: where it lists the
/// values of a member, the other values are known.
///
/// # Errors
/// As the schema itself.
pub fn negated<'a>(
    walk: &mut Walk<'a>,
    value: &'a Value,
    around: Option<&'a Map<String, Value>>,
    (scope, place): (&Scope<'a>, &str),
) -> Result<Value, Refusal> {
    walk.count(scope, place)?;
    let map = match value {
        Value::Bool(admits) => return Ok(Value::Bool(!admits)),
        Value::Object(map) => map,
        _ => return Ok(Value::Bool(true)),
    };
    let deeper = Scope { level: scope.level.saturating_add(1), ..scope.clone() };
    if map.contains_key("$id") || scope.level > 16 {
        return Ok(Value::Bool(true));
    }
    let mut ways = Vec::new();
    for (keyword, value) in map.iter().filter(|(keyword, _)| !SILENT.contains(&keyword.as_str())) {
        let place = format!("{place}/{}", escaped(keyword));
        match against(walk, (keyword, value), around, (&deeper, &place))? {
            Value::Bool(true) => return Ok(Value::Bool(true)),
            Value::Bool(false) => {}
            way => ways.push(way),
        }
    }
    Ok(match ways.len() {
        0 => Value::Bool(false),
        _ => json!({"anyOf": ways}),
    })
}

/// Returns the values that one keyword does not admit.
fn against<'a>(
    walk: &mut Walk<'a>,
    (keyword, value): (&str, &'a Value),
    around: Option<&'a Map<String, Value>>,
    (scope, place): (&Scope<'a>, &str),
) -> Result<Value, Refusal> {
    let at = |index: usize| format!("{place}/{index}");
    Ok(match keyword {
        "type" => other_types(value),
        "const" => other_than(value),
        "enum" => json!({"allOf": value.as_array().into_iter().flatten().map(other_than).collect::<Vec<_>>()}),
        "required" => {
            let names = value.as_array().into_iter().flatten().filter_map(Value::as_str);
            let ways = names.map(|name| json!({"type": "object", "properties": {name: false}}));
            any(ways.collect())
        }
        "properties" => {
            let mut ways = Vec::new();
            for (name, value) in value.as_object().into_iter().flatten() {
                let listed = around.and_then(|around| others_listed(name, value, around, scope));
                let other = match listed {
                    Some(listed) => listed,
                    None => negated(walk, value, None, (scope, place))?,
                };
                ways.push(json!({"type": "object", "required": [name], "properties": {name: other}}));
            }
            any(ways)
        }
        "minimum" => json!({"type": "number", "exclusiveMaximum": value}),
        "maximum" => json!({"type": "number", "exclusiveMinimum": value}),
        "exclusiveMinimum" if value.is_number() => json!({"type": "number", "maximum": value}),
        "exclusiveMaximum" if value.is_number() => json!({"type": "number", "minimum": value}),
        "minLength" => fewer(value, "string", "maxLength"),
        "minItems" => fewer(value, "array", "maxItems"),
        "maxLength" => more(value, "string", "minLength"),
        "maxItems" => more(value, "array", "minItems"),
        "anyOf" => {
            let mut all = Vec::new();
            for (index, value) in value.as_array().into_iter().flatten().enumerate() {
                all.push(negated(walk, value, around, (scope, &at(index)))?);
            }
            json!({"allOf": all})
        }
        "allOf" => {
            let mut ways = Vec::new();
            for (index, value) in value.as_array().into_iter().flatten().enumerate() {
                ways.push(negated(walk, value, around, (scope, &at(index)))?);
            }
            match ways.contains(&Value::Bool(true)) {
                true => Value::Bool(true),
                false => any(ways),
            }
        }
        "not" => walk.schema(value, scope, place)?,
        "$ref" => {
            let reference = value.as_str().unwrap_or_default();
            let (target, scope) = scope.resolve(reference).map_err(|why| Refusal::new(place, keyword, why))?;
            negated(walk, target, around, (&scope, place))?
        }
        _ => Value::Bool(true),
    })
}

fn any(ways: Vec<Value>) -> Value {
    match ways.len() {
        0 => Value::Bool(false),
        _ => json!({"anyOf": ways}),
    }
}

fn other_types(value: &Value) -> Value {
    let named: Vec<&str> = match value {
        Value::String(one) => vec![one],
        _ => value.as_array().into_iter().flatten().filter_map(Value::as_str).collect(),
    };
    // A value that is no integer can still be one of the other numbers.
    let others: Vec<&str> = TYPES.into_iter().filter(|kind| !named.contains(kind)).collect();
    match others.is_empty() {
        true => Value::Bool(false),
        false => json!({"type": others}),
    }
}

/// Returns every value except one.
fn other_than(value: &Value) -> Value {
    let others = |kind: &str| TYPES.into_iter().filter(|other| *other != kind).collect::<Vec<_>>();
    match value {
        Value::Null => json!({"type": others("null")}),
        Value::Bool(is) => json!({"anyOf": [{"type": others("boolean")}, {"const": !is}]}),
        Value::Number(_) => json!({"anyOf": [
            {"type": others("number")}, {"type": "number", "exclusiveMinimum": value}, {"type": "number", "exclusiveMaximum": value},
        ]}),
        Value::String(text) if text.len() <= 256 => {
            json!({"anyOf": [{"type": others("string")}, {"type": "string", "pattern": pattern::other_than(text)}]})
        }
        _ => Value::Bool(true),
    }
}

fn fewer(value: &Value, kind: &str, keyword: &str) -> Value {
    match count(value).map(|count| count.checked_sub(1)) {
        Some(Some(most)) => json!({"type": kind, keyword: most}),
        Some(None) => Value::Bool(false),
        None => Value::Bool(true),
    }
}

fn more(value: &Value, kind: &str, keyword: &str) -> Value {
    match count(value).and_then(|count| count.checked_add(1)) {
        Some(least) => json!({"type": kind, keyword: least}),
        None => Value::Bool(true),
    }
}

/// Returns the values that the schema around a condition lists for a member, without those that the condition names.
fn others_listed(name: &str, condition: &Value, around: &Map<String, Value>, scope: &Scope) -> Option<Value> {
    let members = condition.as_object()?;
    let only = members.len() == 1;
    let named = match (members.get("const"), members.get("enum")) {
        (Some(one), None) if only => vec![one.clone()],
        (None, Some(Value::Array(all))) if only => all.clone(),
        _ => return None,
    };
    // The member outlives the borrow of `around`: references lead into the same document.
    let member = around.get("properties")?.get(name)?;
    let (member, _) = followed(member, scope);
    let listed = member.get("enum")?.as_array()?;
    let others: Vec<&Value> = listed.iter().filter(|value| !named.contains(value)).collect();
    Some(match others.is_empty() {
        true => Value::Bool(false),
        false => json!({"enum": others}),
    })
}
