//! `POST /v1/embeddings` in OpenAI's dialect.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The largest number of texts of one request, as in OpenAI's API.
const MAX_TEXTS: usize = 2_048;

/// The body of `POST /v1/embeddings`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EmbeddingRequest {
    pub input: Inputs,
    /// The encoding of the vectors; null is absent.
    #[serde(default)]
    pub encoding_format: Option<Encoding>,
    /// The length of a vector; only the model's own is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<usize>,
}

/// One text or several, each as text or as tokens.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged, expecting = "`input` must be a text, an array of tokens, or an array of texts or token arrays")]
pub enum Inputs {
    Text(String),
    Tokens(Vec<i32>),
    Many(Vec<One>),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum One {
    Text(String),
    Tokens(Vec<i32>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    #[default]
    Float,
    /// The bytes of little-endian 32-bit floats.
    Base64,
}

impl EmbeddingRequest {
    /// Reads a body.
    ///
    /// # Errors
    /// The reason why it cannot be answered, with the place.
    pub fn read(body: &Map<String, Value>) -> Result<EmbeddingRequest, String> {
        serde_path_to_error::deserialize(body).map_err(|error| error.to_string())
    }

    /// Returns the texts, in their order.
    ///
    /// # Errors
    /// There are none, or too many.
    pub fn inputs(&self) -> Result<Vec<Input>, String> {
        let inputs = match &self.input {
            Inputs::Text(text) => vec![Input::Text(text.clone())],
            // An empty array is not a text without tokens, but no text.
            Inputs::Tokens(tokens) if tokens.is_empty() => Vec::new(),
            Inputs::Tokens(tokens) => vec![Input::Tokens(tokens.clone())],
            Inputs::Many(many) => many.iter().map(One::input).collect(),
        };
        match inputs.len() {
            0 => Err("`input` is empty".into()),
            count if count > MAX_TEXTS => Err(format!("`input` has {count} texts; the maximum is {MAX_TEXTS}")),
            _ => Ok(inputs),
        }
    }
}

impl One {
    fn input(&self) -> Input {
        match self {
            One::Text(text) => Input::Text(text.clone()),
            One::Tokens(tokens) => Input::Tokens(tokens.clone()),
        }
    }
}

/// A text to be embedded, as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    Text(String),
    /// The tokens of the text, in the model's own numbers.
    Tokens(Vec<i32>),
}

/// The answer.
#[derive(Debug, Serialize)]
pub struct EmbeddingReply {
    object: &'static str,
    model: String,
    data: Vec<Embedding>,
    usage: EmbeddingUsage,
}

#[derive(Debug, Serialize)]
struct Embedding {
    object: &'static str,
    index: usize,
    embedding: Encoded,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding_format: Option<Encoding>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Encoded {
    Floats(Vec<f32>),
    Base64(String),
}

#[derive(Debug, Serialize)]
struct EmbeddingUsage {
    prompt_tokens: u32,
    total_tokens: u32,
}

impl EmbeddingReply {
    /// Builds an answer with one vector per text, in their order. `prompt_tokens` counts all texts together.
    pub fn new(model: &str, vectors: Vec<Vec<f32>>, prompt_tokens: u32, encoding: Encoding) -> EmbeddingReply {
        let usage = EmbeddingUsage { prompt_tokens, total_tokens: prompt_tokens };
        let one = |(index, vector)| Embedding {
            object: "embedding",
            index,
            embedding: encode(vector, encoding),
            encoding_format: (encoding == Encoding::Base64).then_some(encoding),
        };
        let data = vectors.into_iter().enumerate().map(one).collect();
        EmbeddingReply { object: "list", model: model.to_owned(), data, usage }
    }
}

fn encode(vector: Vec<f32>, encoding: Encoding) -> Encoded {
    match encoding {
        Encoding::Float => Encoded::Floats(vector),
        Encoding::Base64 => {
            let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
            Encoded::Base64(BASE64_STANDARD.encode(bytes))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs(text: &str) -> Result<Vec<Input>, String> {
        serde_json::from_str::<EmbeddingRequest>(text).map_err(|error| error.to_string())?.inputs()
    }

    #[test]
    fn texts_and_tokens_are_understood_alone_and_in_arrays() {
        let text = |text: &str| Input::Text(text.into());
        assert_eq!(inputs(r#"{"input":"a"}"#), Ok(vec![text("a")]));
        assert_eq!(inputs(r#"{"input":["a","b"]}"#), Ok(vec![text("a"), text("b")]));
        assert_eq!(inputs(r#"{"input":[1,2]}"#), Ok(vec![Input::Tokens(vec![1, 2])]));
        let both = r#"{"input":[[1,2],"a"],"encoding_format":"base64","model":"x","user":"y"}"#;
        assert_eq!(inputs(both), Ok(vec![Input::Tokens(vec![1, 2]), text("a")]));
        let nulls = r#"{"input":"a","encoding_format":null,"dimensions":null}"#;
        assert_eq!(inputs(nulls), Ok(vec![text("a")]));
        assert!(inputs(r#"{"input":[]}"#).unwrap_err().contains("empty"));
        for bad in [r#"{"input":[1.5]}"#, r#"{"input":{}}"#, r#"{"input":[null]}"#] {
            assert!(inputs(bad).unwrap_err().contains("`input` must be"), "{bad}");
        }
        assert!(inputs(r#"{"input":"a","encoding_format":"hex"}"#).is_err());
        let many = format!(r#"{{"input":[{}]}}"#, vec!["\"a\""; MAX_TEXTS + 1].join(","));
        assert!(inputs(&many).unwrap_err().contains("2049 texts"));
    }

    #[test]
    fn a_vector_is_written_as_short_numbers_or_as_the_bytes_of_floats() {
        let vectors = || vec![vec![0.6, -0.8]];
        let floats = serde_json::to_string(&EmbeddingReply::new("m", vectors(), 3, Encoding::Float)).unwrap();
        assert_eq!(
            floats,
            r#"{"object":"list","model":"m","data":[{"object":"embedding","index":0,"embedding":[0.6,-0.8]}],"usage":{"prompt_tokens":3,"total_tokens":3}}"#
        );
        let packed = serde_json::to_value(EmbeddingReply::new("m", vectors(), 3, Encoding::Base64)).unwrap();
        assert_eq!(packed["data"][0]["embedding"], "mpkZP83MTL8=");
        assert_eq!(packed["data"][0]["encoding_format"], "base64");
    }
}
