//! Names of what is secret.

/// Ends of names whose values are secret. A name may have anything before them, and a `value` or `hash` after.
pub const SECRET_ENDS: &str = "password|passwd|passphrase|passcode|pwd|secrets?|token|api[_-]?keys?|access[_-]?keys?|private[_-]?keys?\
     |secret[_-]?keys?|auth[_-]?keys?|encryption[_-]?keys?|signing[_-]?keys?|master[_-]?keys?|license[_-]?keys?|account[_-]?keys?\
     |shared[_-]?keys?|credentials?|webhook|webhook[_-]?url|dsn|connection[_-]?string|authorization|cookie|session[_-]?id|bearer|auth";

/// Ends that are secret only in the names of variables, which are written in capitals.
pub const SECRET_VARIABLE_ENDS: &str = "_KEY|_PASS|_PW|_PAT|_CREDS|_SALT|_SID|_SEED|_PIN|_AUTH_HASH|_CONN";

/// Names of arguments whose next word is secret.
const SECRET_FLAGS: &[&str] = &["key", "pass", "auth", "bearer", "api-key", "password", "token", "secret", "user-key"];

/// Words after a name that are no value: a message says that it is missing, or names its type.
const NO_VALUES: &[&str] = &[
    "none",
    "null",
    "nil",
    "true",
    "false",
    "yes",
    "no",
    "not",
    "missing",
    "required",
    "field",
    "invalid",
    "expired",
    "unset",
    "undefined",
    "empty",
    "str",
    "string",
    "int",
    "bool",
    "bytes",
    "optional",
    "is",
    "was",
    "has",
    "must",
    "the",
    "set",
    "unknown",
    "ok",
    "denied",
    "failed",
    "wrong",
    "incorrect",
    "disabled",
    "enabled",
    "default",
    "redacted",
    "hidden",
    "input",
    "error",
];

/// Names of texts that users wrote or that a model answered.
pub const PRIVATE_NAMES: &str = "prompt|content|input|text|completion|reasoning_content|generated_text|system_prompt|user_prompt\
     |negative_prompt|transcript|transcription|question|answer|instructions?|tokens|input_ids|token_ids|embeddings?|input_value|prompt_token_ids";

/// Returns whether the word after this argument is secret: `--api-key`, `-token`.
pub fn is_secret_flag(word: &str) -> bool {
    let name = word.trim_start_matches('-').to_ascii_lowercase().replace('_', "-");
    if name == word || name.contains('=') {
        return false;
    }
    SECRET_FLAGS.contains(&name.as_str())
        || ["-key", "-keys", "-token", "-password", "-passwd", "-secret", "-passphrase", "apikey", "-credentials"]
            .iter()
            .any(|end| name.ends_with(end))
            && !name.contains("public")
}

/// Returns whether what comes after a name is no value.
pub fn is_no_value(value: &str) -> bool {
    let word: String = value.chars().take_while(char::is_ascii_alphabetic).collect();
    let is_word_alone = value.chars().nth(word.chars().count()).is_none_or(|next| !next.is_ascii_alphanumeric());
    value.starts_with("[redacted") || is_word_alone && NO_VALUES.contains(&word.to_ascii_lowercase().as_str())
}
