//! The chat template and the special tokens it names, read on demand: too large to keep for every model.

use super::GgufError;
use super::cursor::{Cursor, Opened, Source};
use super::header::shown;
use std::path::Path;

/// Bytes of the longest template that is read; real templates are far shorter.
const LONGEST: u64 = 1 << 20;
const KEY: u64 = 65_535;
const STRING: u64 = 16 << 20;

/// The tokens that a chat template may name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TemplateTokens {
    /// Text of the token that begins a text.
    pub bos: Option<String>,
    /// Text of the token that ends a text.
    pub eos: Option<String>,
    /// Whether the tokenizer adds them on its own.
    pub add_bos: Option<bool>,
    pub add_eos: Option<bool>,
}

/// Reads the chat template of a file, or the one with this additional name.
///
/// # Errors
/// As reading the header; a template of over 1 MiB is malformed.
pub fn chat_template(path: &Path, name: Option<&str>) -> Result<Option<String>, GgufError> {
    let wanted = match name {
        Some(name) => format!("tokenizer.chat_template.{name}"),
        None => "tokenizer.chat_template".to_owned(),
    };
    let mut found = None;
    each_key(path, &mut |c, key, kind| {
        if key != wanted || kind != 8 {
            return Ok(false);
        }
        let length = c.length(LONGEST)?;
        found = Some(String::from_utf8_lossy(&c.bytes(length)?).into_owned());
        Ok(true)
    })?;
    Ok(found)
}

/// Reads the texts of the special tokens: their numbers first, then one pass over the vocabulary for the texts.
///
/// # Errors
/// As reading the header.
pub fn template_tokens(path: &Path) -> Result<TemplateTokens, GgufError> {
    let (mut bos, mut eos) = (None, None);
    let mut tokens = TemplateTokens::default();
    each_key(path, &mut |c, key, kind| {
        match (key, kind) {
            ("tokenizer.ggml.bos_token_id", 4) => bos = Some(u64::from(c.u32()?)),
            ("tokenizer.ggml.eos_token_id", 4) => eos = Some(u64::from(c.u32()?)),
            ("tokenizer.ggml.add_bos_token", 7) => tokens.add_bos = Some(c.take::<1>()? != [0]),
            ("tokenizer.ggml.add_eos_token", 7) => tokens.add_eos = Some(c.take::<1>()? != [0]),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    if bos.is_none() && eos.is_none() {
        return Ok(tokens);
    }
    each_key(path, &mut |c, key, kind| {
        if key != "tokenizer.ggml.tokens" || kind != 9 {
            return Ok(false);
        }
        let (element, count) = (c.u32()?, c.u64()?);
        if element != 8 {
            return Err(GgufError::Malformed("a vocabulary that is not an array of strings".into()));
        }
        for id in 0..count {
            if Some(id) != bos && Some(id) != eos {
                c.skip_string(STRING)?;
                continue;
            }
            let length = c.length(KEY)?;
            let text = String::from_utf8_lossy(&c.bytes(length)?).into_owned();
            if Some(id) == eos {
                tokens.eos = Some(text.clone());
            }
            if Some(id) == bos {
                tokens.bos = Some(text);
            }
        }
        Ok(true)
    })?;
    Ok(tokens)
}

pub(super) type Visit<'v> = dyn FnMut(&mut Cursor<'_, Opened<'_>>, &str, u32) -> Result<bool, GgufError> + 'v;

/// Calls `visit` for each key; `visit` returns whether it has read the value.
pub(super) fn each_key(path: &Path, visit: &mut Visit<'_>) -> Result<(), GgufError> {
    let file = super::open::open_regular(path)?;
    let len = file.metadata().map_err(GgufError::Io)?.len();
    let source = Opened { file: &file, len };
    // The full reader checks bounds, versions and byte order first.
    let header = super::open::parse(&source)?;
    let mut c = Cursor::new(&source);
    c.big_endian = header.big_endian;
    c.skip(16)?;
    let count = c.u64()?;
    for _ in 0..count {
        let length = c.length(KEY)?;
        let key = String::from_utf8_lossy(&c.bytes(length)?).into_owned();
        let kind = c.u32()?;
        if !visit(&mut c, &key, kind)? {
            pass(&mut c, &key, kind)?;
        }
    }
    Ok(())
}

/// Skips a value.
fn pass<S: Source>(c: &mut Cursor<'_, S>, key: &str, kind: u32) -> Result<(), GgufError> {
    match kind {
        8 => c.skip_string(STRING),
        9 => {
            let (element, count) = (c.u32()?, c.u64()?);
            match super::header::width(element) {
                Some(width) => c.skip(count.saturating_mul(width)),
                None => c.skip_strings(count, STRING),
            }
        }
        _ => match super::header::width(kind) {
            Some(width) => c.skip(width),
            None => Err(GgufError::Malformed(format!("{} has a value of unknown type {kind}", shown(key.as_bytes())))),
        },
    }
}
