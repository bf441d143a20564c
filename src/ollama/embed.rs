use super::answer::Times;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The body of `POST /api/embed`, and of the older `POST /api/embeddings`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct EmbedRequest {
    pub model: Option<String>,
    /// A text or a list of texts.
    pub input: Option<Value>,
    /// The text of the older endpoint.
    pub prompt: Option<String>,
    pub dimensions: Option<u64>,
    pub keep_alive: Option<Value>,
}

impl EmbedRequest {
    /// Returns the texts; an empty text alone is none.
    ///
    /// # Errors
    /// The input is neither a text nor a list of texts.
    pub fn texts(&self) -> Result<Vec<String>, String> {
        let wrong = || "`input` must be a text or a list of texts".to_owned();
        match &self.input {
            None | Some(Value::Null) => Ok(self.prompt.iter().filter(|text| !text.is_empty()).cloned().collect()),
            Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty()).cloned().into_iter().collect()),
            Some(Value::Array(items)) => {
                items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
            }
            Some(_) => Err(wrong()),
        }
    }

    /// Returns the body in OpenAI's dialect.
    pub fn body(&self, model: &str, texts: &[String]) -> Map<String, Value> {
        let mut body = Map::new();
        body.insert("model".to_owned(), model.into());
        body.insert("input".to_owned(), json!(texts));
        body.insert("encoding_format".to_owned(), "float".into());
        body.extend(self.dimensions.map(|length| ("dimensions".to_owned(), length.into())));
        body
    }
}

/// The vectors that a server answered with.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EmbedReply {
    vectors: Vec<Value>,
    tokens: u64,
}

impl EmbedReply {
    /// Reads an answer in OpenAI's dialect; `None` when it is none.
    pub fn read(body: &[u8]) -> Option<EmbedReply> {
        #[derive(Deserialize)]
        struct Reply {
            data: Vec<One>,
            usage: Option<Usage>,
        }
        #[derive(Deserialize)]
        struct One {
            index: usize,
            // Numbers, which are passed on as they are written.
            embedding: Value,
        }
        #[derive(Deserialize)]
        struct Usage {
            prompt_tokens: u64,
        }
        let Reply { mut data, usage } = serde_json::from_slice(body).ok()?; // the caller says that it is no answer
        data.sort_by_key(|one| one.index);
        let vectors = data.into_iter().map(|one| one.embedding).collect();
        Some(EmbedReply { vectors, tokens: usage.map_or(0, |usage| usage.prompt_tokens) })
    }

    pub fn document(&self, model: &str, times: Times) -> Value {
        let nanos = |time: std::time::Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        json!({
            "model": model,
            "embeddings": self.vectors,
            "total_duration": nanos(times.total),
            "load_duration": nanos(times.load),
            "prompt_eval_count": self.tokens,
        })
    }

    /// Returns the answer of the older endpoint.
    pub fn older_document(&self) -> Value {
        json!({"embedding": self.vectors.first().cloned().unwrap_or_else(|| json!([]))})
    }
}
