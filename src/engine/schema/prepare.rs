//! Converts a schema to one that the token grammar follows: the same values, or more where it cannot express them,
//! never fewer by much. References become names, keywords of old drafts become today's, conditions become alternatives.

use super::check::{Check, draft_of};
use super::keywords::{has_control, is_applicator, natural, number_of_values};
use super::numbers::is_exact;
use super::places::{Places, unresolved};
use super::walk::{Exactness, Out, Scope, Walk, escaped};
use super::{Refusal, negate, pattern, unevaluated};
use jsonschema::{Draft, Registry};
use referencing::uri;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// The largest number of bytes of a schema.
const MOST_BYTES: usize = 2 << 20;

/// A prepared schema.
pub struct Prepared {
    /// The schema in llguidance's subset of draft 2020-12.
    pub grammar: Value,
    pub check: Check,
    pub places: Places,
}

/// Reads a schema.
///
/// # Errors
/// A [`Refusal`] when it is no schema, too large, or has a keyword that neither the grammar nor the check knows.
pub fn prepare(text: &str, exactness: Exactness) -> Result<Prepared, Refusal> {
    let refuse = |why: &str| Refusal::new("#", "", why);
    if text.len() > MOST_BYTES {
        return Err(refuse("the schema has more than 2 MiB"));
    }
    let mut schema: Value = serde_json::from_str(text).map_err(|error| refuse(&error.to_string()))?;
    if let Value::Bool(is_anything) = schema {
        if !is_anything {
            return Err(refuse("the schema is `false`: no value matches"));
        }
        schema = json!({});
    }
    if !schema.is_object() {
        return Err(refuse("a schema is an object, `true` or `false`"));
    }
    let draft = draft_of(&schema)?;
    let base = uri::from_str("json-schema:///").map_err(|error| refuse(&error.to_string()))?;
    let registry = Registry::new()
        .retriever(NoRetriever)
        .draft(draft)
        .add(base.as_str(), &schema)
        .and_then(|registry| registry.prepare())
        .map_err(|error| unresolved(&schema, &error.to_string()))?;
    let mut walk = Walk {
        exactness,
        names: HashMap::new(),
        waiting: Vec::new(),
        empty_enums: Vec::new(),
        subschemas: 0,
        conditions: 0,
        control: false,
        names_left_open: false,
        dynamic_anchors: schema.to_string().matches("\"$dynamicAnchor\":").count(),
    };
    let scope = Scope { resolver: registry.resolver(base), draft, level: 0 };
    let root = walk.reference_to(&schema, scope, "#");
    let mut definitions = Map::new();
    let mut places = Places::default();
    while let Some((name, value, scope, place)) = walk.waiting.pop() {
        let made = walk.schema(value, &scope, &place)?;
        places.note(&name, &place, value);
        definitions.insert(name, made);
    }
    places.empty_enums = walk.empty_enums;
    let check = Check::new(&schema, draft)?;
    if walk.control && walk.names_left_open {
        // With the escapes for them, an existing name could be written in another way.
        return Err(refuse("control characters in texts cannot be combined with names of members left open"));
    }
    let escapes = if walk.control { r#"nrbtf\"u"# } else { r#"nrbtf\""# };
    let mut grammar = Map::new();
    grammar.insert("$ref".into(), root);
    grammar.insert("$defs".into(), Value::Object(definitions));
    // There is one way to write each value: then a forced part of a schema needs no choice.
    grammar.insert(
        "x-guidance".into(),
        json!({"item_separator": ", ", "key_separator": ": ", "whitespace_flexible": false, "json_allowed_escapes": escapes}),
    );
    Ok(Prepared { grammar: Value::Object(grammar), check, places })
}

/// A retriever that neither fetches nor reads other documents.
struct NoRetriever;

impl jsonschema::Retrieve for NoRetriever {
    fn retrieve(&self, uri: &jsonschema::Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        Err(format!("`{uri}` is another document, which is not downloaded").into())
    }
}

impl<'a> Walk<'a> {
    /// Returns the schema of the grammar for a schema of the document.
    pub(super) fn schema(&mut self, value: &'a Value, scope: &Scope<'a>, place: &str) -> Result<Value, Refusal> {
        self.count(scope, place)?;
        let Value::Object(map) = value else { return Ok(value.clone()) };
        let scope = &scope.inside(value);
        let mut out = Out { map: Map::new(), also: Vec::new() };
        // Up to draft 7 a reference replaces all keywords next to it.
        let alone = scope.draft <= Draft::Draft7 && map.contains_key("$ref");
        for (keyword, at) in map.iter().filter(|(keyword, _)| !alone || *keyword == "$ref") {
            let place = format!("{place}/{}", escaped(keyword));
            self.keyword((keyword, at), map, (scope, &place), &mut out)?;
        }
        let Out { mut map, mut also } = out;
        if let Some(Value::Array(all)) = map.remove("allOf") {
            also = all.into_iter().chain(also).collect();
        }
        also.retain(|schema| *schema != Value::Bool(true) && *schema != json!({}));
        if !also.is_empty() {
            map.insert("allOf".into(), Value::Array(also));
        }
        Ok(Value::Object(map))
    }

    fn keyword(
        &mut self,
        (keyword, value): (&str, &'a Value),
        map: &'a Map<String, Value>,
        (scope, place): (&Scope<'a>, &str),
        out: &mut Out,
    ) -> Result<(), Refusal> {
        let keep = |out: &mut Out, name: &str, value: Value| {
            out.map.insert(name.into(), value);
        };
        match keyword {
            "type" => keep(out, keyword, value.clone()),
            "required" => keep(out, keyword, value.clone()),
            "const" | "enum" => {
                self.literal(value, place, keyword)?;
                if value.as_array().is_some_and(|all| keyword == "enum" && all.is_empty()) {
                    self.empty_enums.push(place.trim_end_matches("/enum").to_owned());
                }
                keep(out, keyword, value.clone());
            }
            "anyOf" | "allOf" => {
                let all = self.each(value, scope, place)?;
                keep(out, keyword, Value::Array(all));
            }
            // The check enforces that only one holds.
            "oneOf" => out.also.push(json!({"anyOf": self.each(value, scope, place)?})),
            "$ref" => match scope.resolve(value.as_str().unwrap_or_default()) {
                // It gets no definition of its own: a definition that no value fits would be refused even where no
                // value needs it.
                Ok((Value::Bool(admits), _)) => out.also.push(Value::Bool(*admits)),
                _ => keep(out, "$ref", self.reference(value, scope, (place, keyword))?),
            },
            "$dynamicRef" => {
                let reference = self.reference(value, scope, (place, keyword))?;
                // The target depends on the path of evaluation, which the check follows, unless there is only one
                // target.
                if self.dynamic_anchors <= 1 {
                    out.also.push(json!({"$ref": reference}));
                }
            }
            "$recursiveRef" => {}
            "properties" => keep(out, keyword, self.members(value, scope, place)?),
            "patternProperties" => self.pattern_properties(value, (scope, place), out)?,
            "additionalProperties" => {
                self.names_left_open |= *value != Value::Bool(false);
                let loose = self.exactness == Exactness::Loose && map.contains_key("patternProperties");
                let made = self.schema(value, scope, place)?;
                if !loose {
                    keep(out, keyword, made);
                }
            }
            "propertyNames" => self.property_names(value, (scope, place), out)?,
            "minProperties" | "maxProperties" => {
                let required = map.get("required").and_then(Value::as_array).map_or(0, Vec::len);
                let named = map.get("properties").and_then(Value::as_object).map_or(0, Map::len);
                let simple = named <= required && !map.keys().any(|key| is_applicator(key));
                if simple && self.exactness == Exactness::Exact {
                    keep(out, keyword, natural(value, place, keyword)?);
                }
            }
            "items" | "prefixItems" | "additionalItems" => self.items((keyword, value), map, (scope, place), out)?,
            "uniqueItems" => {
                let values =
                    map.get("items").filter(|_| *value == Value::Bool(true) && !map.contains_key("prefixItems"));
                if let Some(most) = values.and_then(|items| number_of_values(items, scope, 0)) {
                    // Once all values are used, no further item is possible.
                    out.also.push(json!({"maxItems": most}));
                }
            }
            "minItems" | "maxItems" | "minLength" | "maxLength" => keep(out, keyword, natural(value, place, keyword)?),
            "pattern" => {
                let text = value.as_str().unwrap_or_default();
                keep(out, keyword, Value::String(pattern::translated(text, place, keyword)?));
            }
            "format" => self.format(value, map, place, out)?,
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" => {
                self.literal(value, place, keyword)?;
                let loose = keyword == "multipleOf" && self.exactness == Exactness::Loose;
                if !loose {
                    keep(out, keyword, value.clone());
                }
            }
            "if" => self.condition(value, map, (scope, place), out)?,
            "dependentRequired" | "dependentSchemas" | "dependencies" => self.dependent(value, (scope, place), out)?,
            "not" => out.also.push(negate::negated(self, value, None, (scope, place))?),
            "unevaluatedProperties" | "unevaluatedItems" => {
                let made = self.schema(value, scope, place)?;
                out.also.extend(unevaluated::bound(keyword, made, map, scope));
                self.names_left_open = true;
            }
            // Left to the check: the grammar admits arrays with and without a matching item.
            "contains" => {
                self.schema(value, scope, place)?;
            }
            // Handled with `if` and `contains`; `then` without `if` has no effect.
            "then" | "else" | "minContains" | "maxContains" => {}
            // Annotations, definitions, which are read where they are referenced, and unknown keywords.
            _ => {}
        }
        Ok(())
    }

    /// Checks a value that must be written as it is.
    pub(super) fn literal(&mut self, value: &Value, place: &str, keyword: &str) -> Result<(), Refusal> {
        match value {
            Value::Number(number) if !is_exact(number) => {
                Err(Refusal::new(place, keyword, format!("the number {number} has more digits than are kept")))
            }
            Value::String(text) => {
                self.control |= has_control(text);
                Ok(())
            }
            Value::Array(all) => all.iter().try_for_each(|value| self.literal(value, place, keyword)),
            Value::Object(members) => members.iter().try_for_each(|(name, value)| {
                self.control |= has_control(name);
                self.literal(value, place, keyword)
            }),
            _ => Ok(()),
        }
    }
}
