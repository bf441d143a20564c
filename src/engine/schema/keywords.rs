//! The translation of single keywords.

use super::formats::{self, Format};
use super::numbers::count;
use super::walk::{Exactness, Out, Scope, Walk, escaped, followed};
use super::{Refusal, negate, pattern};
use jsonschema::Draft;
use serde_json::{Map, Value, json};

/// The largest number of conditions that become alternatives: each doubles the grammar of the object that it applies
/// to.
const MOST_CONDITIONS: usize = 6;

impl<'a> Walk<'a> {
    pub(super) fn each(&mut self, value: &'a Value, scope: &Scope<'a>, place: &str) -> Result<Vec<Value>, Refusal> {
        let all = value.as_array().map(Vec::as_slice).unwrap_or_default();
        all.iter().enumerate().map(|(at, value)| self.schema(value, scope, &format!("{place}/{at}"))).collect()
    }

    pub(super) fn members(&mut self, value: &'a Value, scope: &Scope<'a>, place: &str) -> Result<Value, Refusal> {
        let mut made = Map::new();
        for (name, value) in value.as_object().into_iter().flatten() {
            self.control |= has_control(name);
            made.insert(name.clone(), self.schema(value, scope, &format!("{place}/{}", escaped(name)))?);
        }
        Ok(Value::Object(made))
    }

    pub(super) fn reference(
        &mut self,
        value: &'a Value,
        scope: &Scope<'a>,
        (place, keyword): (&str, &str),
    ) -> Result<Value, Refusal> {
        let reference = value.as_str().unwrap_or_default();
        let (target, scope) = scope.resolve(reference).map_err(|why| Refusal::new(place, keyword, why))?;
        // The place of the target, when the reference is a pointer into this document.
        let place = if reference.starts_with("#/") { reference } else { place };
        Ok(self.reference_to(target, scope, place))
    }

    pub(super) fn pattern_properties(
        &mut self,
        value: &'a Value,
        (scope, place): (&Scope<'a>, &str),
        out: &mut Out,
    ) -> Result<(), Refusal> {
        self.names_left_open = true;
        let mut made = Map::new();
        for (name, value) in value.as_object().into_iter().flatten() {
            let place = format!("{place}/{}", escaped(name));
            let pattern = pattern::translated(name, &place, "patternProperties")?;
            made.insert(pattern, self.schema(value, scope, &place)?);
        }
        if self.exactness == Exactness::Exact {
            out.map.insert("patternProperties".into(), Value::Object(made));
        }
        Ok(())
    }

    /// Translates `propertyNames`. The grammar can express a list of names, and names with a pattern.
    pub(super) fn property_names(
        &mut self,
        value: &'a Value,
        (scope, place): (&Scope<'a>, &str),
        out: &mut Out,
    ) -> Result<(), Refusal> {
        self.schema(value, scope, place)?;
        self.names_left_open = true;
        let (target, _) = followed(value, scope);
        let names = target.get("enum").and_then(Value::as_array).cloned();
        let names = names.or_else(|| target.get("const").map(|name| vec![name.clone()]));
        if let Some(names) = names {
            let names = names.iter().filter_map(Value::as_str).map(|name| (name.to_owned(), Value::Bool(true)));
            let names: Map<String, Value> = names.collect();
            out.also.push(json!({"properties": names, "additionalProperties": false}));
        } else if *target == Value::Bool(false) {
            out.also.push(json!({"additionalProperties": false}));
        } else if self.exactness == Exactness::Exact {
            let length = |keyword: &str| target.get(keyword).and_then(count);
            let pattern = match target.get("pattern").and_then(Value::as_str) {
                Some(text) => Some(pattern::translated(text, place, "pattern")?),
                None => match (length("minLength"), length("maxLength")) {
                    (None, None) => None,
                    (least, most) => {
                        let most = most.map(|most| most.to_string()).unwrap_or_default();
                        Some(format!(r"^[\s\S]{{{},{most}}}$", least.unwrap_or(0)))
                    }
                },
            };
            if let Some(pattern) = pattern {
                out.also.push(json!({"patternProperties": {pattern: true}, "additionalProperties": false}));
            }
        }
        Ok(())
    }

    /// Translates arrays, by the keywords of today: up to draft 2019-09 `items` with a list meant what `prefixItems`
    /// means now.
    pub(super) fn items(
        &mut self,
        (keyword, value): (&str, &'a Value),
        map: &'a Map<String, Value>,
        (scope, place): (&Scope<'a>, &str),
        out: &mut Out,
    ) -> Result<(), Refusal> {
        let is_old = scope.draft <= Draft::Draft201909;
        let list_before = map.get("items").is_some_and(Value::is_array);
        let name = match keyword {
            "items" if value.is_array() => "prefixItems",
            "items" => "items",
            "additionalItems" if is_old && list_before => "items",
            "prefixItems" if !is_old => "prefixItems",
            _ => return Ok(()),
        };
        let made = match value {
            Value::Array(_) => Value::Array(self.each(value, scope, place)?),
            _ => self.schema(value, scope, place)?,
        };
        out.map.insert(name.into(), made);
        Ok(())
    }

    pub(super) fn format(
        &mut self,
        value: &Value,
        map: &Map<String, Value>,
        place: &str,
        out: &mut Out,
    ) -> Result<(), Refusal> {
        let name = value.as_str().unwrap_or_default();
        let may_be_text = match map.get("type") {
            None => true,
            Some(Value::Array(types)) => types.iter().any(|kind| kind == "string"),
            Some(kind) => kind == "string",
        };
        match formats::lookup(name) {
            _ if !may_be_text => {}
            Some(Format::Known(name)) => {
                out.map.insert("format".into(), Value::String(name.into()));
            }
            Some(Format::Pattern(pattern)) => out.also.push(json!({"pattern": pattern})),
            Some(Format::Checked | Format::Annotation) => {}
            None => return Err(Refusal::new(place, "format", format!("the format `{name}` is not known"))),
        }
        Ok(())
    }

    /// Translates `if` with `then` and `else`: `if` and `then`, or not `if` and `else`.
    pub(super) fn condition(
        &mut self,
        value: &'a Value,
        map: &'a Map<String, Value>,
        (scope, place): (&Scope<'a>, &str),
        out: &mut Out,
    ) -> Result<(), Refusal> {
        let (then, other) = (map.get("then"), map.get("else"));
        let around = place.strip_suffix("/if").unwrap_or(place).to_owned();
        let branch = |walk: &mut Self, branch: Option<&'a Value>, name: &str| match branch {
            Some(value) => walk.schema(value, scope, &format!("{around}/{name}")),
            None => Ok(Value::Bool(true)),
        };
        let (then_made, other_made) = (branch(self, then, "then")?, branch(self, other, "else")?);
        if (then.is_none() && other.is_none()) || !self.may_branch() {
            return Ok(());
        }
        let positive = self.schema(value, scope, place)?;
        let negative = negate::negated(self, value, Some(map), (scope, place))?;
        out.also.push(json!({"anyOf": [{"allOf": [positive, then_made]}, {"allOf": [negative, other_made]}]}));
        Ok(())
    }

    /// Translates members that require other members: without the member, or with it and what it requires.
    pub(super) fn dependent(
        &mut self,
        value: &'a Value,
        (scope, place): (&Scope<'a>, &str),
        out: &mut Out,
    ) -> Result<(), Refusal> {
        for (name, asked) in value.as_object().into_iter().flatten() {
            let place = format!("{place}/{}", escaped(name));
            let with = match asked {
                Value::Array(names) => {
                    let all: Vec<Value> = std::iter::once(&Value::String(name.clone())).chain(names).cloned().collect();
                    json!({"required": all})
                }
                _ => json!({"allOf": [{"required": [name]}, self.schema(asked, scope, &place)?]}),
            };
            if self.may_branch() {
                out.also.push(json!({"anyOf": [{"properties": {name: false}}, with]}));
            }
        }
        Ok(())
    }

    fn may_branch(&mut self) -> bool {
        self.conditions = self.conditions.saturating_add(1);
        self.conditions <= MOST_CONDITIONS
    }
}

/// Returns the number of values that a schema admits, where that is plain.
pub fn number_of_values<'a>(value: &'a Value, scope: &Scope<'a>, level: usize) -> Option<u64> {
    let (value, scope) = followed(value, scope);
    let length = |all: &Vec<Value>| u64::try_from(all.len()).unwrap_or(u64::MAX);
    if value.get("const").is_some() {
        return Some(1);
    }
    if let Some(all) = value.get("enum").and_then(Value::as_array) {
        return Some(length(all));
    }
    if let Some(all) = value.get("anyOf").or_else(|| value.get("oneOf")).and_then(Value::as_array).filter(|_| level < 4)
    {
        let each = all.iter().map(|value| number_of_values(value, &scope, level.saturating_add(1)));
        return each.sum();
    }
    match value.get("type")?.as_str()? {
        "null" => Some(1),
        "boolean" => Some(2),
        "integer" => {
            let bound = |keyword: &str| value.get(keyword).and_then(Value::as_i64);
            let (least, most) = (bound("minimum")?, bound("maximum")?);
            u64::try_from(most.checked_sub(least)?.checked_add(1)?).ok()
        }
        _ => None,
    }
}

/// Returns whether a keyword can add members of its own.
pub fn is_applicator(keyword: &str) -> bool {
    matches!(
        keyword,
        "allOf"
            | "anyOf"
            | "oneOf"
            | "if"
            | "not"
            | "$ref"
            | "dependentRequired"
            | "dependentSchemas"
            | "dependencies"
            | "propertyNames"
            | "unevaluatedProperties"
            | "$dynamicRef"
    )
}

pub fn natural(value: &Value, place: &str, keyword: &str) -> Result<Value, Refusal> {
    let count = count(value).ok_or_else(|| Refusal::new(place, keyword, "this is not a count"))?;
    Ok(json!(count))
}

/// Returns whether a text has characters that JSON writes only by number.
pub fn has_control(text: &str) -> bool {
    text.chars().any(|c| (c < ' ' && !matches!(c, '\n' | '\r' | '\t' | '\u{8}' | '\u{c}')) || c == '\u{7f}')
}
