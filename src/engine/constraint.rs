//! An answer that follows a JSON schema, token by token: llguidance determines which tokens may follow, and each
//! complete value is checked against the schema itself (`engine/schema`).

use super::schema::check::Check;
use super::schema::{Exactness, Progress, Refusal, prepare};
use llguidance::api::{ParserLimits, TopLevelGrammar};
use llguidance::earley::SlicedBiasComputer;
use llguidance::{Matcher, ParserFactory};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use toktrie::{InferenceCapabilities, SimpleVob, TokEnv};

/// The number of schemas that are kept ready: the lines of one batch have one or a few.
const KEPT: usize = 16;
/// The number of tokens with which a schema is tried before it is accepted.
const TRIAL: usize = 48;

/// Returns the limits on the cost of a schema. Within them a mask takes about 20 ms, and the states of one schema 40
/// MB.
fn limits() -> ParserLimits {
    ParserLimits {
        max_items_in_row: 10_000,
        step_max_items: 200_000,
        max_lexer_states: 20_000,
        verbose_errors: false,
        ..ParserLimits::default()
    }
}

/// A factory of constraints for the tokens of one model.
pub struct Grammars {
    factory: ParserFactory,
    kept: Mutex<VecDeque<(String, Arc<Made>)>>,
}

/// A prepared schema, before the first token.
struct Made {
    matcher: Matcher,
    check: Arc<Check>,
}

impl Grammars {
    /// Creates a factory for the vocabulary of a model.
    ///
    /// # Errors
    /// llguidance's reason, if it cannot use the vocabulary.
    pub fn new(tokens: &TokEnv) -> Result<Grammars, String> {
        let able = InferenceCapabilities { ff_tokens: true, ..InferenceCapabilities::default() };
        let factory = ParserFactory::new(tokens, able, &SlicedBiasComputer::json_slices());
        let mut factory = factory.map_err(|error| error.to_string())?;
        factory.quiet();
        *factory.limits_mut() = limits();
        Ok(Grammars { factory, kept: Mutex::new(VecDeque::new()) })
    }

    /// Returns a constraint by this schema, at its start.
    ///
    /// # Errors
    /// The reason why the schema cannot be followed.
    pub fn constraint(&self, schema: &str) -> Result<Constraint, Refusal> {
        let made = self.made(schema)?;
        Ok(Constraint {
            matcher: made.matcher.deep_clone(),
            check: Arc::clone(&made.check),
            tokens: self.factory.tok_env().clone(),
            progress: Progress::default(),
            refused: Vec::new(),
            mask: None,
            wants_mask: true,
        })
    }

    fn made(&self, schema: &str) -> Result<Arc<Made>, Refusal> {
        {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(at) = kept.iter().position(|(text, _)| text == schema) {
                let found = kept.remove(at);
                let made = found.as_ref().map(|(_, made)| Arc::clone(made));
                kept.extend(found);
                if let Some(made) = made {
                    return Ok(made);
                }
            }
        }
        let made = Arc::new(self.make(schema)?);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back((schema.to_owned(), Arc::clone(&made)));
        Ok(made)
    }

    fn make(&self, schema: &str) -> Result<Made, Refusal> {
        let mut first = None;
        for exactness in [Exactness::Exact, Exactness::Loose] {
            let prepared = prepare(schema, exactness)?;
            let parser = self.factory.create_parser(TopLevelGrammar::from_json_schema(prepared.grammar));
            let matcher = Matcher::new(parser);
            let made = Made { matcher, check: Arc::new(prepared.check) };
            match self.trial(&made) {
                Ok(()) => return Ok(made),
                Err(error) => first = first.or(Some(prepared.places.in_words(&error))),
            }
        }
        Err(first.unwrap_or_else(|| Refusal::new("#", "", "it cannot be used")))
    }

    /// Follows the schema for some tokens, so that one that exceeds the limits is found before an answer starts.
    fn trial(&self, made: &Made) -> Result<(), String> {
        let mut matcher = made.matcher.deep_clone();
        // Pseudo-random numbers that are the same each time.
        let mut number = 0x9e37_79b9_usize;
        for _ in 0..TRIAL {
            if let Some(error) = matcher.get_error() {
                return Err(error);
            }
            if matcher.is_stopped() {
                return Ok(());
            }
            let mask = matcher.compute_mask_or_eos().map_err(|error| error.to_string())?;
            let mut allowed = Vec::new();
            mask.iter_set_entries(|token| allowed.push(token));
            number = number.wrapping_mul(0x5851_f42d).wrapping_add(0x1405_7b7e) >> 3;
            let Some(&token) = allowed.get(number.checked_rem(allowed.len()).unwrap_or(0)) else { return Ok(()) };
            let token = u32::try_from(token).map_err(|error| error.to_string())?;
            if self.factory.tok_env().tok_trie().eos_tokens().contains(&token) {
                return Ok(());
            }
            matcher.consume_token(token).map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}

/// The state of an unfinished answer.
pub struct Constraint {
    matcher: Matcher,
    check: Arc<Check>,
    tokens: TokEnv,
    progress: Progress,
    /// Tokens that the check does not allow here.
    refused: Vec<u32>,
    mask: Option<SimpleVob>,
    /// Whether the last choice was not the model's own: then the next one may not be either.
    wants_mask: bool,
}

impl Constraint {
    /// Returns the tokens with which every answer begins. To be called once, before anything else.
    ///
    /// # Errors
    /// llguidance's reason.
    pub fn begin(&mut self) -> Result<Vec<i32>, String> {
        let forced = self.forced()?;
        for &token in &forced {
            if !self.progress.push(self.tokens.tok_trie().token(token), &self.check) {
                return Err("the beginning that the schema requires does not match it".into());
            }
        }
        self.matcher.consume_tokens(&forced).map_err(|error| in_short(&error))?;
        if self.matcher.is_stopped() && !self.progress.may_end(&self.check) {
            return Err("the only value that the schema allows does not match it".into());
        }
        Ok(signed(&forced))
    }

    /// Takes a token if it is allowed here. Returns the tokens that must follow it; None when the token is refused.
    ///
    /// # Errors
    /// A limit of llguidance is reached.
    pub fn accept(&mut self, token: i32) -> Result<Option<Vec<i32>>, String> {
        let Ok(token) = u32::try_from(token) else { return Ok(None) };
        let trie = self.tokens.tok_trie();
        if trie.eos_tokens().contains(&token) {
            return Ok(self.may_end()?.then(Vec::new));
        }
        if self.refused.contains(&token) || trie.token(token).is_empty() || trie.is_special_token(token) {
            return Ok(None);
        }
        if self.matcher.validate_tokens(&[token]).map_err(|error| in_short(&error))? == 0 {
            return Ok(None);
        }
        let before = self.progress.clone();
        if !self.progress.push(self.tokens.tok_trie().token(token), &self.check) {
            self.refused.push(token);
            return Ok(None);
        }
        self.matcher.consume_token(token).map_err(|error| in_short(&error))?;
        let forced = self.forced()?;
        let bytes = self.matcher.compute_ff_bytes();
        // The check may not allow the tokens that must follow: then the token leads nowhere.
        let mut ahead = self.progress.clone();
        let leads_on =
            ahead.push(&bytes, &self.check) && (!self.matcher.is_stopped() || self.progress.may_end(&self.check));
        if !leads_on {
            self.matcher.rollback(1).map_err(|error| in_short(&error))?;
            self.progress = before;
            self.refused.push(token);
            return Ok(None);
        }
        for &token in &forced {
            // They are the start of the bytes that were checked.
            self.progress.push(self.tokens.tok_trie().token(token), &self.check);
        }
        self.matcher.consume_tokens(&forced).map_err(|error| in_short(&error))?;
        // The forced tokens may have been the end: then the whole value must fit.
        if self.matcher.is_stopped() && !self.progress.may_end(&self.check) {
            self.matcher.rollback(forced.len().saturating_add(1)).map_err(|error| in_short(&error))?;
            self.progress = before;
            self.refused.push(token);
            return Ok(None);
        }
        self.refused.clear();
        self.mask = None;
        Ok(Some(signed(&forced)))
    }

    fn forced(&mut self) -> Result<Vec<u32>, String> {
        if self.matcher.is_stopped() {
            return Ok(Vec::new());
        }
        let forced = self.matcher.compute_ff_tokens();
        match self.matcher.get_error() {
            Some(error) => Err(first_line(&error)),
            None => Ok(forced),
        }
    }

    fn may_end(&mut self) -> Result<bool, String> {
        let may = self.matcher.is_stopped() || self.matcher.is_accepting().map_err(|error| in_short(&error))?;
        Ok(may && self.progress.may_end(&self.check))
    }

    /// Returns whether the answer is complete.
    pub fn is_done(&self) -> bool {
        self.matcher.is_stopped() && self.matcher.get_error().is_none()
    }

    /// Computes which tokens may follow, if that is likely to be needed. May be called on any thread, during a decode.
    pub fn prepare_mask(&mut self) {
        if self.wants_mask && self.mask.is_none() {
            // An error is returned by the call that needs the mask.
            self.mask = self.matcher.compute_mask_or_eos().ok();
        }
    }

    /// Returns whether [`Constraint::prepare_mask`] has something to do.
    pub fn wants_mask(&self) -> bool {
        self.wants_mask && self.mask.is_none()
    }

    /// Records whether the model followed the constraint with its own choice.
    pub fn was_followed(&mut self, by_itself: bool) {
        self.wants_mask = !by_itself;
    }

    /// Calls `take` for each token that the grammar allows. The check may still refuse it.
    ///
    /// # Errors
    /// A limit of llguidance is reached.
    pub fn allowed(&mut self, take: impl FnMut(usize)) -> Result<(), String> {
        if self.mask.is_none() {
            self.mask = Some(self.matcher.compute_mask_or_eos().map_err(|error| in_short(&error))?);
        }
        if let Some(mask) = &self.mask {
            mask.iter_set_entries(take);
        }
        Ok(())
    }
}

fn signed(tokens: &[u32]) -> Vec<i32> {
    tokens.iter().filter_map(|token| i32::try_from(*token).ok()).collect()
}

fn in_short(error: &anyhow::Error) -> String {
    first_line(&error.to_string())
}

/// Returns the first line; llguidance adds states and backtraces below.
pub fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::form::Bytes;
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use std::sync::LazyLock;

    static GRAMMARS: LazyLock<Grammars> = LazyLock::new(|| Grammars::new(&Bytes::vocabulary()).unwrap());

    /// How an answer of random choices went.
    #[derive(Debug, PartialEq)]
    enum Went {
        Whole(String),
        Cut,
        Stuck(String),
    }

    /// Chooses among what may come as a model would that knows nothing, but likes to get to an end.
    fn chosen(schema: &Value, mut number: u64) -> Result<Went, Refusal> {
        let mut constraint = GRAMMARS.constraint(&schema.to_string())?;
        let tokens = constraint.tokens.clone();
        let (trie, end) = (tokens.tok_trie(), tokens.tok_trie().eos_token());
        let mut text = Vec::new();
        let mut write = |tokens: &[i32]| {
            tokens.iter().for_each(|token| text.extend_from_slice(trie.token(u32::try_from(*token).unwrap())));
            String::from_utf8_lossy(&text).into_owned()
        };
        let mut so_far = match constraint.begin() {
            Ok(forced) => write(&forced),
            Err(why) => return Ok(Went::Stuck(why)),
        };
        for _ in 0..300 {
            if constraint.is_done() {
                return Ok(Went::Whole(so_far));
            }
            let mut allowed = Vec::new();
            if let Err(why) = constraint.allowed(|token| allowed.push(i32::try_from(token).unwrap())) {
                return Ok(Went::Stuck(why));
            }
            loop {
                number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let ends = |token: &&i32| b"\"]},:\xff".contains(&(**token).try_into().unwrap());
                let likes = if number >> 62 == 0 { Vec::new() } else { allowed.iter().filter(ends).copied().collect() };
                let from = if likes.is_empty() { &allowed } else { &likes };
                let Some(&token) = from.get((number >> 33) as usize % from.len().max(1)) else {
                    return Ok(Went::Stuck(so_far));
                };
                match constraint.accept(token) {
                    Err(why) => return Ok(Went::Stuck(why)),
                    Ok(None) => allowed.retain(|other| *other != token),
                    Ok(Some(_)) if u32::try_from(token) == Ok(end) => return Ok(Went::Whole(so_far)),
                    Ok(Some(forced)) => {
                        write(&[token]);
                        so_far = write(&forced);
                        break;
                    }
                }
            }
        }
        Ok(Went::Cut)
    }

    fn fits(schema: &Value, text: &str) -> bool {
        let validator = jsonschema::options().should_validate_formats(true).build(schema).unwrap();
        serde_json::from_str::<Value>(text).is_ok_and(|value| validator.is_valid(&value))
    }

    /// Schemas as people and programs write them, and as nobody does.
    fn schemas() -> impl Strategy<Value = Value> {
        let name = || prop::sample::select(vec!["a", "b", "c\"d", "é"]);
        let leaf = prop_oneof![
            Just(json!(true)),
            Just(json!({"type": "boolean"})),
            Just(json!({"type": ["null", "string"]})),
            (-20_i32..20, 0_i32..20).prop_map(|(least, more)| json!({"type": "integer", "minimum": least, "maximum": least + more})),
            (-20_i32..20, 1_u32..9).prop_map(|(n, of)| json!({"type": "number", "exclusiveMinimum": f64::from(n) / 4.0, "multipleOf": f64::from(of) / 2.0})),
            (0_u8..3, 0_u8..4).prop_map(|(least, more)| json!({"type": "string", "minLength": least, "maxLength": least + more})),
            prop::sample::select(vec![r"^\d{2,3}$", r"^\w+\s\w+$", r#"^["\\]$"#, "b", "^a|b$", "^[^a-z]{1,3}$", "."])
                .prop_map(|pattern| json!({"type": "string", "pattern": pattern})),
            prop::sample::select(vec!["date", "time", "date-time", "email", "ipv4", "uuid", "json-pointer", "hostname", "uri"])
                .prop_map(|format| json!({"type": "string", "format": format})),
            prop::collection::vec(prop_oneof![Just(json!(null)), Just(json!(1)), Just(json!("a")), Just(json!(["a"])), Just(json!({"a": 1.5}))], 1..4)
                .prop_map(|values| json!({"enum": values})),
        ];
        leaf.prop_recursive(3, 24, 4, move |inner| {
            let members = || prop::collection::btree_map(name(), inner.clone(), 0..4);
            let some = || prop::collection::vec(inner.clone(), 1..4);
            let required = || prop::collection::btree_set(name(), 0..3);
            prop_oneof![
                (members(), required(), prop_oneof![Just(json!(false)), inner.clone()]).prop_map(|(members, required, others)| {
                    json!({"type": "object", "properties": members, "required": required, "additionalProperties": others})
                }),
                (members(), required(), 0_u8..3, 0_u8..3).prop_map(|(members, required, least, more)| {
                    json!({"type": "object", "properties": members, "required": required, "minProperties": least, "maxProperties": least + more})
                }),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| json!({"type": "object", "patternProperties": {"^a": a}, "additionalProperties": b})),
                (inner.clone(), any::<bool>(), 0_u8..3).prop_map(|(items, unique, least)| {
                    json!({"type": "array", "items": items, "uniqueItems": unique, "minItems": least, "maxItems": 4})
                }),
                (some(), inner.clone()).prop_map(|(first, items)| json!({"type": "array", "prefixItems": first, "items": items})),
                inner.clone().prop_map(|inner| json!({"type": "array", "contains": inner})),
                some().prop_map(|all| json!({"anyOf": all})),
                some().prop_map(|all| json!({"oneOf": all})),
                some().prop_map(|all| json!({"allOf": all})),
                inner.clone().prop_map(|inner| json!({"not": inner})),
                (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| json!({"if": a, "then": b, "else": c})),
                (name(), inner.clone()).prop_map(|(name, inner)| json!({"type": "object", "dependentSchemas": {name: inner}})),
                (members(), inner.clone()).prop_map(|(members, inner)| {
                    json!({"allOf": [{"properties": members}], "unevaluatedProperties": inner})
                }),
                inner.clone().prop_map(|inner| json!({"$defs": {"x": inner}, "properties": {"a": {"$ref": "#/$defs/x"}, "b": {"$ref": "#"}}})),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
        #[test]
        fn no_choice_of_tokens_breaks_a_schema(schema in schemas(), number in any::<u64>()) {
            let began = crate::clock::instant();
            for more in 0..3 {
                match chosen(&schema, number.wrapping_add(more)) {
                    Ok(Went::Whole(text)) => prop_assert!(fits(&schema, &text), "{}", text),
                    // The limit of tokens, or no way on, is an error: never an answer.
                    Ok(Went::Cut | Went::Stuck(_)) => {}
                    Err(why) => prop_assert!(!why.why.is_empty(), "{:?}", why),
                }
            }
            prop_assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
        }
    }

    #[test]
    fn what_has_one_way_on_is_forced() {
        let schema = json!({"type": "object", "properties": {"name": {"enum": ["always"]}, "n": {"type": "integer"}},
            "required": ["name", "n"], "additionalProperties": false});
        let mut constraint = GRAMMARS.constraint(&schema.to_string()).unwrap();
        let bytes =
            |tokens: &[i32]| tokens.iter().map(|token| char::from(u8::try_from(*token).unwrap())).collect::<String>();
        assert_eq!(bytes(&constraint.begin().unwrap()), r#"{"name": "always", "n": "#);
        assert_eq!(constraint.accept(i32::from(b'7')).unwrap(), Some(vec![]));
        assert!(constraint.accept(i32::from(b'a')).unwrap().is_none() && !constraint.is_done());
        assert_eq!(constraint.accept(i32::from(b'}')).unwrap(), Some(vec![]));
        assert!(constraint.is_done());
    }

    /// `n` forces `ull`, and `null` fits both of the two of which one must fit.
    #[test]
    fn a_value_that_is_forced_to_its_end_is_checked_as_well() {
        let schema = json!({"oneOf": [
            {"allOf": [{"properties": {}}], "unevaluatedProperties": true},
            {"type": ["null", "string"]},
        ]});
        for number in 0..50 {
            if let Went::Whole(text) = chosen(&schema, number * 7_919).unwrap() {
                assert!(fits(&schema, &text), "{text}");
            }
        }
    }

    #[test]
    fn a_value_that_leads_nowhere_is_not_begun() {
        let schema = json!({"type": "array", "items": {"enum": ["one", "two"]}, "uniqueItems": true, "minItems": 2});
        for number in 0..20 {
            let went = chosen(&schema, number).unwrap();
            let Went::Whole(text) = &went else { panic!("{went:?}") };
            assert!(fits(&schema, text), "{text}");
        }
    }

    #[test]
    fn schemas_that_would_take_for_ever_are_followed_or_refused_in_time() {
        let members = |count: usize| {
            (0..count).map(|n| (format!("p{n}"), json!({"type": "string"}))).collect::<serde_json::Map<_, _>>()
        };
        let objects = |count: usize| {
            (0..count)
                .map(|n| json!({"type": "object", "properties": {"k": {"const": n}}, "required": ["k"]}))
                .collect::<Vec<_>>()
        };
        for schema in [
            json!({"pattern": "^((a{0,200}){0,200}){0,200}$"}),
            json!({"type": "string", "pattern": "^(a|ab|b){0,200}(a|ab|b){0,200}(a|ab|b){0,200}$"}),
            json!({"type": "object", "properties": members(2_000)}),
            json!({"oneOf": objects(3_000)}),
            json!({"enum": (0..5_000).collect::<Vec<_>>()}),
            json!({"type": "string", "maxLength": 65_536}),
            json!({"type": "array", "items": {"type": "integer"}, "maxItems": 1_000_000}),
        ] {
            let began = crate::clock::instant();
            // Either is right; to take for ever is not.
            let went = chosen(&schema, 7);
            assert!(began.elapsed().as_secs() < 20, "{went:?}: {:?}", began.elapsed());
        }
    }
}
