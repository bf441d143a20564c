//! What an answer has to fit, as a grammar that llama.cpp can follow.

use super::{EngineError, Form, cpu};
use llama_cpp_sys_2 as sys;
use std::ffi::CString;

/// The rule that a grammar begins with.
pub const ROOT: &str = "root";

/// What the form is called, and its grammar.
///
/// # Errors
/// [`EngineError::BadSpec`]: the schema cannot be read.
pub fn grammar_text(form: &Form) -> Result<(&'static str, String), EngineError> {
    match form {
        Form::Grammar(text) => Ok(("grammar", text.clone())),
        Form::Schema(schema) => {
            let text = llama_cpp_2::json_schema_to_grammar(schema).map_err(|e| bad("JSON schema", e))?;
            Ok(("JSON schema", text))
        }
    }
}

pub fn bad(what: &str, why: impl std::fmt::Display) -> EngineError {
    EngineError::BadSpec(format!("the {what} cannot be followed: {why}"))
}

/// Whether llama.cpp would follow the form, as far as that can be known without a model. A hostile one may end the
/// process: not for one that anybody would miss.
///
/// # Errors
/// [`EngineError::BadSpec`] when no model could answer in this form.
pub fn check_form(form: &Form) -> Result<(), EngineError> {
    cpu::check()?;
    let (what, text) = grammar_text(form)?;
    if is_grammar(&text) || text.contains('<') {
        // Tokens by their names, `<think>`, are read with a vocabulary alone.
        return Ok(());
    }
    Err(bad(what, "llama.cpp cannot read it"))
}

fn is_grammar(text: &str) -> bool {
    let (Ok(text), Ok(root)) = (CString::new(text), CString::new(ROOT)) else { return false };
    // SAFETY: both texts end with NUL and outlive the call. Without a vocabulary the grammar is read, and a token in it
    // is an error, which the wrapper turns into null; what it gives is freed once and not used otherwise.
    unsafe {
        let sampler = sys::llama_rs_sampler_init_grammar(std::ptr::null(), text.as_ptr(), root.as_ptr());
        if !sampler.is_null() {
            sys::llama_sampler_free(sampler);
        }
        !sampler.is_null()
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
