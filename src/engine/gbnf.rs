//! GBNF grammars, which llama.cpp follows, within bounds: llama.cpp has none of its own, and a small grammar can keep
//! it in one step for hours.

use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::token::data::LlamaTokenData;
use llama_cpp_2::token::data_array::LlamaTokenDataArray;
use std::ffi::{CStr, CString, c_char};
use std::time::Duration;

use crate::clock;

/// The rule with which a grammar begins.
const ROOT: &str = "root";
/// The largest number of bytes of a grammar.
const MOST_BYTES: usize = 256 << 10;
/// The largest number of repetitions that are written out: `{3,50}` counts 50.
const MOST_REPETITIONS: u64 = 20_000;
/// Time that one token may take, ten times that of the worst grammar that is accepted.
const STEP: Duration = Duration::from_secs(2);

/// A grammar and the position of an answer in it.
pub struct Gbnf {
    sampler: LlamaSampler,
    /// Whether steps took too long.
    is_slow: bool,
}

// SAFETY: a llama_sampler is not bound to the thread that made it; it must only not be used by two at once, which `&mut
// self` on every method prevents. The parts of the model's vocabulary that it reads never change.
unsafe impl Send for Gbnf {}

impl Gbnf {
    /// Reads a grammar.
    ///
    /// # Errors
    /// The reason why llama.cpp cannot follow it, or not in time.
    pub fn new(model: &LlamaModel, text: &str) -> Result<Gbnf, String> {
        check(text)?;
        let sampler = LlamaSampler::grammar(model, text, ROOT).map_err(|error| error.to_string())?;
        Ok(Gbnf { sampler, is_slow: false })
    }

    /// Returns whether a token may come next.
    pub fn admits(&mut self, token: i32) -> bool {
        let mut one = LlamaTokenDataArray::new(vec![LlamaTokenData::new(LlamaToken(token), 1.0, 0.0)], false);
        self.timed(|sampler| one.apply_sampler(sampler));
        one.data.first().is_some_and(|data| data.logit().is_finite())
    }

    /// Returns the logits of the tokens that may come next; NaN for the others.
    pub fn fitting(&mut self, logits: &[f32]) -> Vec<f32> {
        let all = (0_i32..).zip(logits).map(|(id, &logit)| LlamaTokenData::new(LlamaToken(id), logit, 0.0)).collect();
        let mut candidates = LlamaTokenDataArray::new(all, false);
        self.timed(|sampler| candidates.apply_sampler(sampler));
        let mut allowed = vec![f32::NAN; logits.len()];
        for data in candidates.data.iter().filter(|data| data.logit().is_finite()) {
            if let Some(place) = usize::try_from(data.id().0).ok().and_then(|at| allowed.get_mut(at)) {
                *place = data.logit();
            }
        }
        allowed
    }

    /// Takes a token.
    ///
    /// # Errors
    /// The token does not fit, or the grammar has become too slow.
    pub fn accept(&mut self, token: i32) -> Result<(), String> {
        let accepted = self.timed(|sampler| sampler.try_accept(LlamaToken(token)));
        accepted.map_err(|error| format!("no token matches the grammar: {error}"))?;
        match self.is_slow {
            true => Err(format!("one token of the grammar takes more than {STEP:?}: it is too ambiguous")),
            false => Ok(()),
        }
    }

    fn timed<T>(&mut self, act: impl FnOnce(&mut LlamaSampler) -> T) -> T {
        let before = clock::instant();
        let result = act(&mut self.sampler);
        self.is_slow |= clock::instant().saturating_duration_since(before) > STEP;
        result
    }
}

unsafe extern "C" {
    fn modelctl_check_grammar(text: *const c_char, root: *const c_char, why: *mut c_char, size: usize) -> bool;
}

/// Checks whether llama.cpp can read a grammar and follow it in time, as far as can be known without a model.
///
/// # Errors
/// The reason why it cannot.
pub fn check(text: &str) -> Result<(), String> {
    if text.len() > MOST_BYTES {
        return Err(format!("it has more than {} KiB", MOST_BYTES >> 10));
    }
    if repetitions(text) > MOST_REPETITIONS {
        return Err(format!("it repeats more than {MOST_REPETITIONS} times"));
    }
    let (Ok(text), Ok(root)) = (CString::new(text), CString::new(ROOT)) else { return Err("it has a NUL".into()) };
    let mut why = [0_u8; 256];
    // SAFETY: the texts end with NUL, `why` has as many bytes as are said, and all of them outlive the call, which
    // keeps none of them and catches exceptions.
    let good = unsafe { modelctl_check_grammar(text.as_ptr(), root.as_ptr(), why.as_mut_ptr().cast(), why.len()) };
    if good {
        return Ok(());
    }
    let why = CStr::from_bytes_until_nul(&why).map(CStr::to_string_lossy).unwrap_or_default();
    Err(if why.is_empty() { "llama.cpp cannot read it".to_owned() } else { why.into_owned() })
}

/// Returns the sum of all numbers in braces, the larger of each pair: an upper bound of the repetitions that are
/// written out, since braces in texts count too.
fn repetitions(text: &str) -> u64 {
    let braces = text.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
    let numbers = braces.map(|(inside, _)| inside.split(',').filter_map(|n| n.trim().parse::<u64>().ok()).max());
    numbers.flatten().fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grammar_with_too_many_ways_is_refused_at_once() {
        let started = clock::instant();
        for text in [
            r#"root ::= (("a"{0,99}){0,99}){0,99}"#,
            r#"root ::= (("a"{0,2000}){0,2000}){0,2000}"#,
            r#"root ::= "x" (("a"{0,99}){0,99}){0,99}"#,
            r#"root ::= ("a" | "a" "a" | "aaa"){0,200} ("a" | "a" "a"){0,200} ("a" | "a" "a"){0,200}"#,
            r#"root ::= "a"{0,2000} "a"{0,2000} "a"{0,2000} "a"{0,2000} "a"{0,2000} "a"{0,2000} "a"{0,2000} "a"{0,2000} "a"{0,2000} "a"{0,2000} "a"{0,2000}"#,
        ] {
            assert!(check(text).is_err(), "{text}");
        }
        // Each rule begins with the next one twice: as many ways as there are numbers of 40 bits.
        let doubling: String = (0..40).map(|n| format!("r{n} ::= r{m} \"a\" | r{m} \"b\"\n", m = n + 1)).collect();
        assert!(check(&format!("root ::= r0\n{doubling}r40 ::= \"x\"\n")).is_err());
        assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    }

    #[test]
    fn grammars_of_everyday_are_taken() {
        let json = r#"
            root ::= object
            value ::= object | array | string | number | ("true" | "false" | "null") ws
            object ::= "{" ws (string ":" ws value ("," ws string ":" ws value)*)? "}" ws
            array ::= "[" ws (value ("," ws value)*)? "]" ws
            string ::= "\"" ([^"\\\x7F\x00-\x1F] | "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4}))* "\"" ws
            number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9] [1-9]{0,15})? ws
            ws ::= | " " | "\n" [ \t]{0,20}
        "#;
        for text in [
            json,
            r#"root ::= "yes" | "no""#,
            "root ::= [a-z]{1,200} (\" \" [a-z]{1,20}){0,50}",
            "root ::= <think> [^<]* \"x\"",
        ] {
            check(text).unwrap();
        }
    }
}
