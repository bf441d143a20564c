//! What becomes of keywords, without a token grammar.

use super::*;
use serde_json::{Value, json};

/// The root of what the grammar gets.
fn made(schema: Value) -> Value {
    let prepared = prepare(&schema.to_string(), Exactness::Exact).unwrap_or_else(|why| panic!("{schema}: {why}"));
    let name = prepared.grammar["$ref"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    prepared.grammar["$defs"][name].clone()
}

fn refused(schema: Value) -> String {
    match prepare(&schema.to_string(), Exactness::Exact) {
        Ok(prepared) => panic!("{schema} was taken: {}", prepared.grammar),
        Err(why) => why.to_string(),
    }
}

#[test]
fn what_is_no_schema_or_leads_nowhere_is_refused_by_keyword_and_place() {
    for (schema, said) in [
        (json!({"type": "wibble"}), "`type` at `#`"),
        (json!({"properties": {"a/b": {"pattern": "^(a$"}}}), "`pattern` at `#/properties/a~1b`: the pattern `^(a$`"),
        (json!({"items": {"format": "wibble"}}), "`format` at `#/items`: the format `wibble` is not known"),
        (json!({"properties": {"x": {"$ref": "#/$defs/nope"}}}), "`$ref` at `#/properties/x`: "),
        (json!({"allOf": [{"$ref": "https://example.com/a"}]}), "`$ref` at `#/allOf/0`: "),
        (json!({"properties": {"x": {"const": 12345678901234567890_u64}}}), "`const` at `#/properties/x`: the number"),
        (json!({"pattern": "^((a{0,99}){0,99}){0,99}$"}), "is too large"),
        (json!({"additionalProperties": {"multipleOf": -1}}), "`multipleOf` at `#/additionalProperties`"),
        (json!(false), "no value matches"),
    ] {
        let why = refused(schema.clone());
        assert!(why.contains(said), "{schema}: {why}");
    }
    assert!(prepare("{", Exactness::Exact).is_err() && prepare("7", Exactness::Exact).is_err());
}

#[test]
fn an_empty_list_of_values_is_named_when_nothing_fits() {
    let reason = "Parser Error: no value fits any of the options of anyOf";
    for (schema, place) in [
        (json!({"enum": []}), "`enum` at `#`: the list of values is empty"),
        (json!({"properties": {"a": {"enum": []}}, "required": ["a"]}), "`enum` at `#/properties/a`: "),
    ] {
        let prepared = prepare(&schema.to_string(), Exactness::Exact).unwrap();
        let why = prepared.places.in_words(reason).to_string();
        assert!(why.starts_with(place), "{schema}: {why}");
    }
    // As one of several options it takes nothing away.
    made(json!({"anyOf": [{"enum": []}, {"type": "null"}]}));
}

#[test]
fn a_schema_without_end_is_refused_and_not_followed() {
    let deep = |levels: usize| (0..levels).fold(json!(true), |inner, _| json!({"items": inner}));
    assert!(refused(deep(100)).contains("levels"));
    made(deep(30));
    let wide: Vec<Value> = (0..30_000).map(|n| json!({"maximum": n})).collect();
    assert!(refused(json!({"anyOf": wide})).contains("parts"));
    // Only what is referred to is followed, and only once.
    made(json!({"$ref": "#", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}, {"$ref": "#"}]}}}));
}

#[test]
fn keywords_that_the_grammar_lacks_become_some_that_it_has() {
    assert_eq!(
        made(json!({"not": {"type": ["string", "null"]}}))["allOf"][0]["anyOf"][0]["type"],
        json!(["boolean", "number", "array", "object"])
    );
    assert_eq!(made(json!({"oneOf": [{"type": "null"}, {"minLength": 2.0}]}))["allOf"][0]["anyOf"][1]["minLength"], 2);
    assert_eq!(made(json!({"items": {"enum": [1, 2, 3]}, "uniqueItems": true}))["allOf"][0], json!({"maxItems": 3}));
    assert_eq!(
        made(json!({"dependentRequired": {"a": ["b"]}}))["allOf"][0]["anyOf"][1],
        json!({"required": ["a", "b"]})
    );
    let names = made(json!({"propertyNames": {"pattern": "^[a-z]+$"}}));
    assert_eq!(names["allOf"][0]["patternProperties"], json!({"^[a-z]+$": true}));
    let members =
        json!({"allOf": [{"properties": {"a": true}}], "properties": {"b": true}, "unevaluatedProperties": false});
    let bound = &made(members)["allOf"][1];
    assert_eq!(bound["additionalProperties"], false);
    assert!(bound["properties"].get("a").is_some() && bound["properties"].get("b").is_some(), "{bound}");
}

#[test]
fn a_condition_on_a_listed_value_leaves_the_other_values_to_the_other_branch() {
    let schema = json!({"properties": {"kind": {"enum": ["a", "b", "c"]}}, "if": {"properties": {"kind": {"const": "a"}}},
        "then": {"required": ["n"]}, "else": {"required": ["m"]}});
    let branches = &made(schema)["allOf"][0]["anyOf"];
    assert_eq!(branches[0]["allOf"][1], json!({"required": ["n"]}));
    let other = branches[1]["allOf"][0].to_string();
    assert!(other.contains(r#""kind":{"enum":["b","c"]}"#), "{other}");
}

#[test]
fn drafts_before_this_one_are_read_as_they_were_meant() {
    let old = json!({"items": [{"type": "integer"}], "additionalItems": false, "type": "array"});
    for schema in [old.clone(), json!({"$schema": "http://json-schema.org/draft-07/schema#", "allOf": [old]})] {
        let made = made(schema);
        let array = made.get("allOf").map_or(&made, |all| &all[0]);
        assert_eq!((&array["prefixItems"][0]["type"], &array["items"]), (&json!("integer"), &json!(false)), "{made}");
    }
}

#[test]
fn formats_that_say_nothing_about_texts_are_no_obstacle() {
    for schema in [json!({"type": "integer", "format": "int32"}), json!({"type": "string", "format": "password"})] {
        assert!(made(schema.clone()).get("format").is_none(), "{schema}");
    }
    assert_eq!(made(json!({"type": "string", "format": "uuid"}))["format"], "uuid");
}
