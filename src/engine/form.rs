//! The rule that an answer has to fit, made ready for choosing tokens.

use super::constraint::{Constraint, Grammars};
use super::gbnf::{self, Gbnf};
use super::vocabulary::Vocabulary;
use super::{EngineError, Form, cpu};
use llama_cpp_2::model::LlamaModel;
use std::sync::{Arc, OnceLock};
use toktrie::{TokEnv, TokRxInfo, TokTrie, TokenId, TokenizerEnv};

/// A constraint at the start of an answer.
pub enum Rule {
    Grammar(Gbnf),
    Schema(Box<Constraint>),
}

/// A factory of rules for one model. The parts of its vocabulary that schemas need are computed for the first schema.
pub struct Rules {
    model: Arc<LlamaModel>,
    schemas: OnceLock<Result<Grammars, String>>,
}

impl Rules {
    pub fn new(model: Arc<LlamaModel>) -> Rules {
        Rules { model, schemas: OnceLock::new() }
    }

    /// Makes the rule of a constraint. Takes milliseconds for most, and a second for the worst.
    ///
    /// # Errors
    /// [`EngineError::BadSpec`]: the constraint cannot be followed.
    pub fn rule(&self, form: &Form) -> Result<Rule, EngineError> {
        match form {
            Form::Grammar(text) => Gbnf::new(&self.model, text).map(Rule::Grammar).map_err(|why| bad("grammar", why)),
            Form::Schema(text) => {
                let schemas = self.schemas.get_or_init(|| match Vocabulary::of(&self.model) {
                    Some(tokens) => Grammars::new(&tokens),
                    None => Err("the model has no token that ends an answer".into()),
                });
                let schemas = schemas.as_ref().map_err(|why| bad("JSON schema", why))?;
                let constraint = schemas.constraint(text).map_err(|why| bad("JSON schema", why))?;
                Ok(Rule::Schema(Box::new(constraint)))
            }
        }
    }
}

fn bad(what: &str, why: impl std::fmt::Display) -> EngineError {
    EngineError::BadSpec(format!("the {what} cannot be used: {why}"))
}

/// Checks whether any model could answer under this constraint, as far as that can be known without a model. A hostile
/// grammar may end the process, so this must run in a disposable process.
///
/// # Errors
/// [`EngineError::BadSpec`] when no model could.
pub fn check_form(form: &Form) -> Result<(), EngineError> {
    match form {
        Form::Grammar(text) => {
            cpu::check()?;
            gbnf::check(text).map_err(|why| bad("grammar", why))
        }
        Form::Schema(text) => {
            static BYTES: OnceLock<Result<Grammars, String>> = OnceLock::new();
            let schemas = BYTES.get_or_init(|| Grammars::new(&Bytes::vocabulary()));
            let schemas = schemas.as_ref().map_err(|why| bad("JSON schema", why))?;
            schemas.constraint(text).map(drop).map_err(|why| bad("JSON schema", why))
        }
    }
}

/// A vocabulary of single bytes, for schemas without a model.
pub struct Bytes(TokTrie);

impl Bytes {
    pub fn vocabulary() -> TokEnv {
        let mut words: Vec<Vec<u8>> = (0..=254_u8).map(|byte| vec![byte]).collect();
        words.push(b"\xff[end]".to_vec());
        Arc::new(Bytes(TokTrie::from(&TokRxInfo::new(256, 255), &words)))
    }
}

impl TokenizerEnv for Bytes {
    fn tok_trie(&self) -> &TokTrie {
        &self.0
    }

    fn tokenize_bytes(&self, text: &[u8]) -> Vec<TokenId> {
        self.0.greedy_tokenize(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_that_no_model_could_follow_is_told_without_one() {
        let schema = |text: &str| check_form(&Form::Schema(text.to_owned()));
        let grammar = |text: &str| check_form(&Form::Grammar(text.to_owned()));
        schema(r#"{"type":"object","properties":{"a":{"type":"string","maxLength":20}},"required":["a"]}"#).unwrap();
        assert!(schema(r#"{"type":"nonsense"}"#).is_err());
        grammar("root ::= \"yes\" | [a-z]{2,5}\n").unwrap();
        grammar("root ::= <think> \"a\"").unwrap();
        for text in ["root ::= missing-rule", "root ::= (\"a\"", "other ::= \"a\"", "root ::= root \"a\""] {
            assert!(grammar(text).is_err(), "{text}");
        }
    }
}
