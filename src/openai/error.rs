use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// An error as both dialects write it: `{"error": {"code", "message", "type"}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written")]
pub struct ApiError {
    /// The HTTP status. OpenAI's dialect has a word or null in its place, of which this is the usual status.
    pub code: u16,
    pub message: String,
    #[serde(rename = "type")]
    pub kind: String,
    /// The word of OpenAI's dialect.
    #[serde(skip)]
    pub word: Option<String>,
    /// The lowest possible number of tokens of a prompt that does not fit; llama-server's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n_prompt_tokens: Option<u64>,
    /// Tokens of the context into which the prompt does not fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n_ctx: Option<u32>,
}

/// An error in either dialect.
#[derive(Deserialize)]
struct Written {
    code: Option<Code>,
    message: String,
    #[serde(rename = "type", default)]
    kind: String,
    n_prompt_tokens: Option<u64>,
    n_ctx: Option<u32>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Code {
    Status(u16),
    Word(String),
}

impl From<Written> for ApiError {
    fn from(written: Written) -> ApiError {
        let Written { code, message, kind, n_prompt_tokens, n_ctx } = written;
        let (code, word) = match code {
            Some(Code::Status(status)) => (status, None),
            Some(Code::Word(word)) => (usual_status(&word, &kind), Some(word)),
            None => (usual_status("", &kind), None),
        };
        ApiError { code, message, kind, word, n_prompt_tokens, n_ctx }
    }
}

/// Returns the status with which an error of OpenAI's dialect usually comes.
fn usual_status(word: &str, kind: &str) -> u16 {
    match (word, kind) {
        ("model_not_found", _) => 404,
        ("rate_limit_exceeded", _) => 429,
        ("model_died", _) => 502,
        ("model_loading" | "model_unavailable" | "insufficient_memory", _) => 503,
        (_, "invalid_request_error") => 400,
        _ => 500,
    }
}

impl ApiError {
    pub fn new(code: u16, kind: &str, message: impl Into<String>) -> ApiError {
        ApiError { code, message: message.into(), kind: kind.into(), word: None, n_prompt_tokens: None, n_ctx: None }
    }

    pub fn bad_request(message: impl Into<String>) -> ApiError {
        ApiError::new(400, "invalid_request_error", message)
    }

    pub fn unavailable(message: impl Into<String>) -> ApiError {
        ApiError::new(503, "unavailable_error", message)
    }

    /// Returns an error that is our fault.
    pub fn broken(message: impl Into<String>) -> ApiError {
        ApiError::new(500, "server_error", message)
    }

    /// Adds the figures by which a client may shorten its prompt.
    pub fn with_figures(self, n_prompt_tokens: u64, n_ctx: u32) -> ApiError {
        ApiError { n_prompt_tokens: Some(n_prompt_tokens), n_ctx: Some(n_ctx), ..self }
    }

    /// Returns the body of an answer that reports this error.
    pub fn body(&self) -> Value {
        json!({"error": self})
    }

    /// Returns the body of an answer that reports this error as OpenAI's own service does: `code` is a word or null. The
    /// figures of a prompt that is too long are kept.
    pub fn openai_body(&self) -> Value {
        let (kind, code) = match self.kind.as_str() {
            "exceed_context_size_error" => ("invalid_request_error", Some("context_length_exceeded")),
            "not_supported_error" => ("invalid_request_error", None),
            other => (other, None),
        };
        let mut error = json!({"message": self.message, "type": kind, "param": null, "code": code});
        if let (Some(members), Some(tokens), Some(context)) = (error.as_object_mut(), self.n_prompt_tokens, self.n_ctx)
        {
            members.insert("n_prompt_tokens".to_owned(), tokens.into());
            members.insert("n_ctx".to_owned(), context.into());
        }
        json!({"error": error})
    }

    /// Reads the body of an answer; `None` when it reports no error.
    pub fn read(body: &[u8]) -> Option<ApiError> {
        #[derive(Deserialize)]
        struct Body {
            error: ApiError,
        }
        // A body that is no JSON may be the error page of another server.
        serde_json::from_slice::<Body>(body).ok().map(|body| body.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_read_in_either_dialect() {
        let read = |text: &str| ApiError::read(text.as_bytes()).unwrap();
        let ours = ApiError::unavailable("no");
        assert_eq!(read(&ours.body().to_string()), ours);
        let long = ApiError::new(400, "exceed_context_size_error", "long").with_figures(9, 8);
        let theirs = read(&long.openai_body().to_string());
        assert_eq!((theirs.code, theirs.word.as_deref()), (400, Some("context_length_exceeded")));
        assert_eq!((theirs.n_prompt_tokens, theirs.n_ctx), (Some(9), Some(8)));
        let died = read(r#"{"error":{"message":"x","type":"server_error","param":null,"code":"model_died"}}"#);
        assert_eq!(died.code, 502);
        assert_eq!(read(r#"{"error":{"message":"x","type":"server_error","param":null,"code":null}}"#).code, 500);
    }
}
