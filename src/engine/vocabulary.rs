//! The vocabulary of a model as llguidance reads it: the bytes of each token, and llama.cpp's own way to split a text
//! into tokens, so that forced text of a schema becomes the tokens that the model would have chosen.

use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;
use std::sync::Arc;
use toktrie::{TokEnv, TokRxInfo, TokTrie, TokenId, TokenizerEnv};

pub struct Vocabulary {
    model: Arc<LlamaModel>,
    trie: TokTrie,
}

impl Vocabulary {
    /// Reads the vocabulary. Returns `None` for a model without tokens that end an answer: a schema could not end one
    /// either.
    pub fn of(model: &Arc<LlamaModel>) -> Option<TokEnv> {
        let vocabulary = model.vocab();
        let mut words = Vec::new();
        let mut ends = Vec::new();
        for (number, token) in (0_u32..).zip(vocabulary.tokens()) {
            let mut bytes = Vec::new();
            let is_end = vocabulary.is_eog(token);
            if is_end {
                ends.push(number);
            }
            if is_end || vocabulary.is_control(token) {
                // llguidance's marker of tokens that are no text.
                bytes.push(TokTrie::SPECIAL_TOKEN_MARKER);
                bytes.extend_from_slice(format!("[{number}]").as_bytes());
            } else {
                vocabulary.token_to_piece_into(token, &mut bytes, false, None);
                if bytes.first() == Some(&TokTrie::SPECIAL_TOKEN_MARKER) {
                    // A byte that occurs in no text.
                    bytes.clear();
                }
            }
            words.push(bytes);
        }
        let first = *ends.first()?;
        let count = u32::try_from(words.len()).ok()?;
        let trie = TokTrie::from(&TokRxInfo::new(count, first), &words).with_eos_tokens(&ends);
        Some(Arc::new(Vocabulary { model: Arc::clone(model), trie }))
    }

    fn tokens(&self, text: &[u8]) -> Vec<TokenId> {
        let tokens: Vec<LlamaToken> = self.model.vocab().tokenize(text, false, false);
        tokens.into_iter().filter_map(|token| u32::try_from(token.0).ok()).collect()
    }

    fn bytes(&self, tokens: &[TokenId]) -> Vec<u8> {
        tokens.iter().flat_map(|token| self.trie.token(*token)).copied().collect()
    }
}

/// A prefix for a text, so that a tokenizer which adds a blank at the start adds it before the prefix.
const BEFORE: &[u8] = b"\n";

impl TokenizerEnv for Vocabulary {
    fn tok_trie(&self) -> &TokTrie {
        &self.trie
    }

    fn tokenize_bytes(&self, text: &[u8]) -> Vec<TokenId> {
        let tokens = self.tokens(text);
        if self.bytes(&tokens) == text {
            return tokens;
        }
        // Vocabularies of SentencePiece put a blank before a text, but not after other text.
        let before = self.tokens(BEFORE);
        let all = self.tokens(&[BEFORE, text].concat());
        if let Some(rest) = all.strip_prefix(before.as_slice())
            && self.bytes(rest) == text
        {
            return rest.to_vec();
        }
        // For bytes that are no text, or that the tokenizer normalizes: the longest tokens, which have these exact
        // bytes.
        self.trie.greedy_tokenize(text)
    }
}
