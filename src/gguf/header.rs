//! The header as it is written: keys, values, tensor table. Bounded in memory and time, whatever the lengths claim.

use super::GgufError;
use super::cursor::{Cursor, Source};
use super::tensor_type::{Meaning, meaning};
use crate::model::hex;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashSet};

/// The part of a string that the fingerprint covers: chat templates differ in their middle.
const HASHED_STRING: u64 = 1 << 20;
/// The part of a string that is kept. Whether there is a chat template needs less than its text.
const KEPT_STRING: usize = 4096;
/// Longest string that is passed over (Ollama's limit; llama.cpp allows 1 GiB).
const SKIPPED_STRING: u64 = 16 << 20;
/// Elements of an array (Ollama's limit; llama.cpp allows 2^30).
const ARRAY: u64 = 64 << 20;
/// Elements of a number array that the fingerprint covers, and that are kept of those below: one for each layer.
const KEPT_ARRAY: u64 = 4096;
/// The arrays that are kept, by the end of their key.
const BY_LAYER: [&str; 4] =
    [".attention.head_count", ".attention.head_count_kv", ".attention.sliding_window_pattern", ".feed_forward_length"];
/// More of them than any file has: kept as wide numbers they take more memory than in the file.
const ARRAYS: u32 = 64;
const KEYS: u64 = 1 << 16;
/// A hundred times as many as the largest models have; their table then takes about 20 MB while it is read.
const TENSORS: u64 = 1 << 17;
/// Bytes of keys and values that are kept: real headers keep less than 1 MiB, and 2^16 keys of 64 KiB each would take
/// whatever memory there is.
const KEPT: usize = 16 << 20;
/// What an entry takes beside its key and its value.
const ENTRY: usize = 128;
/// llama.cpp: `GGML_MAX_NAME`, with its closing zero.
const TENSOR_NAME: u64 = 63;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Bool(bool),
    Text(Vec<u8>),
    /// Numbers of a short array.
    Numbers(Vec<i64>),
    Bools(Vec<bool>),
    /// An array that was passed over: element type and count.
    Array {
        element: u32,
        count: u64,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tensor {
    pub name: Vec<u8>,
    pub elements: u64,
    pub dimensions: u32,
    pub kind: Meaning,
    /// None when the type is not known.
    pub bytes: Option<u64>,
    pub offset: u64,
}

#[derive(Debug)]
pub(crate) struct Header {
    pub version: u32,
    pub big_endian: bool,
    pub values: BTreeMap<String, Value>,
    pub tensors: Vec<Tensor>,
    pub data_offset: u64,
    pub alignment: u64,
    pub len: u64,
    pub fingerprint: String,
}

impl Header {
    pub fn parse<S: Source>(source: &S) -> Result<Header, GgufError> {
        let mut c = Cursor::new(source);
        let len = source.len();
        let cut = b"GGUF".get(..usize::try_from(len).unwrap_or(4)).unwrap_or(b"GGUF");
        let magic: [u8; 4] = match c.take() {
            // Too short for a magic: the beginning of one, or something else altogether.
            Err(GgufError::TruncatedHeader { .. }) if c.bytes(c.left())? != cut => [0; 4],
            other => other?,
        };
        if &magic != b"GGUF" {
            return Err(GgufError::NotGguf(super::look_alike(source)));
        }
        let raw: [u8; 4] = c.take()?;
        let little = u32::from_le_bytes(raw);
        // Byte order by llama.cpp's rule: no version has anything in its upper half.
        c.big_endian = little & 0xffff == 0;
        let version = if c.big_endian { u32::from_be_bytes(raw) } else { little };
        if !(2..=3).contains(&version) {
            return Err(GgufError::Unsupported(version));
        }
        let n_tensors = c.u64()?;
        let n_kv = c.u64()?;
        // The least that a key with its value and a tensor with its offset take.
        let least = n_kv.saturating_mul(8 + 1 + 4 + 1).saturating_add(n_tensors.saturating_mul(8 + 4 + 4 + 8));
        if n_kv > KEYS || n_tensors > TENSORS {
            return Err(GgufError::Malformed(format!("{n_kv} keys and {n_tensors} tensors in {len} bytes")));
        }
        if least > c.left() {
            return Err(c.too_short(least));
        }
        let mut hash = Sha256::new();
        hash.update(len.to_le_bytes());
        hash.update(raw);
        let mut values = BTreeMap::new();
        let mut arrays = 0u32;
        let mut kept = 0usize;
        let mut alignment = 32;
        for _ in 0..n_kv {
            let length = c.length(65_535)?;
            let key = String::from_utf8_lossy(&c.bytes(length)?).into_owned();
            if key.is_empty() {
                return Err(GgufError::Malformed("an empty key".into()));
            }
            let kind = c.u32()?;
            let value = value(&mut c, &key, kind, &mut hash)?;
            if key == "general.alignment" {
                alignment = aligned(kind, &value)?;
            }
            if let Value::Numbers(_) | Value::Bools(_) = value {
                arrays = arrays.saturating_add(1);
                if arrays > ARRAYS {
                    return Err(GgufError::Malformed(format!("over {ARRAYS} arrays with a number for each layer")));
                }
            }
            kept = kept.saturating_add(key.len()).saturating_add(size_of_kept(&value)).saturating_add(ENTRY);
            if kept > KEPT {
                return Err(GgufError::Malformed(format!("keys and values of over {} MiB", KEPT >> 20)));
            }
            if values.insert(key.clone(), value).is_some() {
                return Err(GgufError::Malformed(format!("the key {} twice", shown(key.as_bytes()))));
            }
        }
        let tensors = tensors(&mut c, n_tensors, alignment, &mut hash)?;
        let data_offset =
            pad(c.position(), alignment).ok_or_else(|| GgufError::Malformed("a header without end".into()))?;
        let digest = hash.finalize();
        let fingerprint = hex(digest.get(..16).unwrap_or(&digest));
        Ok(Header { version, big_endian: c.big_endian, values, tensors, data_offset, alignment, len, fingerprint })
    }
}

/// The alignment of the tensor data. llama.cpp takes it from an u32 alone, and so do we: a file that is read here with
/// another alignment than there would be judged by the wrong offsets.
fn aligned(kind: u32, value: &Value) -> Result<u64, GgufError> {
    match value {
        Value::Unsigned(a) if kind == 4 && a.is_power_of_two() && *a <= 1 << 20 => Ok(*a),
        _ => Err(GgufError::Malformed("general.alignment is no u32 with a power of two up to 2^20".into())),
    }
}

/// `position` rounded up to `alignment`.
pub(crate) fn pad(position: u64, alignment: u64) -> Option<u64> {
    position.checked_next_multiple_of(alignment)
}

/// A name from a file as part of a message: short and without control characters.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().take(64).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Bytes on the heap.
fn size_of_kept(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len(),
        Value::Numbers(numbers) => numbers.len().saturating_mul(size_of::<i64>()),
        Value::Bools(bools) => bools.len(),
        _ => 0,
    }
}

/// Bytes of an element of fixed size; None for strings, arrays and types that do not exist.
pub(super) fn width(kind: u32) -> Option<u64> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

fn scalar<S: Source>(c: &mut Cursor<'_, S>, kind: u32) -> Result<Value, GgufError> {
    Ok(match kind {
        0 => Value::Unsigned(u64::from(u8::from_le_bytes(c.take()?))),
        1 => Value::Signed(i64::from(i8::from_le_bytes(c.take()?))),
        2 => Value::Unsigned(u64::from(c.u16()?)),
        3 => Value::Signed(i64::from(c.u16()?.cast_signed())),
        4 => Value::Unsigned(u64::from(c.u32()?)),
        5 => Value::Signed(i64::from(c.u32()?.cast_signed())),
        6 => Value::Float(f64::from(f32::from_bits(c.u32()?))),
        7 => Value::Bool(c.take::<1>()? != [0]),
        10 => Value::Unsigned(c.u64()?),
        11 => Value::Signed(c.u64()?.cast_signed()),
        12 => Value::Float(f64::from_bits(c.u64()?)),
        other => return Err(GgufError::Malformed(format!("a value of unknown type {other}"))),
    })
}

fn value<S: Source>(c: &mut Cursor<'_, S>, key: &str, kind: u32, hash: &mut Sha256) -> Result<Value, GgufError> {
    hash.update(key.as_bytes());
    hash.update(kind.to_le_bytes());
    match kind {
        8 => {
            let length = c.length(SKIPPED_STRING)?;
            let mut text = c.bytes(length.min(HASHED_STRING))?;
            c.skip(length.saturating_sub(HASHED_STRING))?;
            hash.update(length.to_le_bytes());
            hash.update(&text);
            text.truncate(KEPT_STRING);
            text.shrink_to_fit();
            Ok(Value::Text(text))
        }
        9 => array(c, key, hash),
        _ => {
            let value = scalar(c, kind)?;
            hash.update(format!("{value:?}"));
            Ok(value)
        }
    }
}

fn array<S: Source>(c: &mut Cursor<'_, S>, key: &str, hash: &mut Sha256) -> Result<Value, GgufError> {
    let element = c.u32()?;
    let count = c.u64()?;
    hash.update(element.to_le_bytes());
    hash.update(count.to_le_bytes());
    let malformed = |what: &str| GgufError::Malformed(format!("{what} in {}", shown(key.as_bytes())));
    if count > ARRAY {
        return Err(malformed(&format!("an array of {count} elements")));
    }
    // llama.cpp reads these as 4-byte numbers whatever they are declared as.
    let wanted = match key {
        "tokenizer.ggml.scores" => Some(6),
        "tokenizer.ggml.token_type" => Some(5),
        _ => None,
    };
    if wanted.is_some_and(|w| w != element && !(w == 5 && element == 4)) && count > 0 {
        return Err(malformed("an array of the wrong type"));
    }
    match (element, width(element)) {
        (8, _) => {
            let least = count.saturating_mul(8);
            if least > c.left() {
                return Err(c.too_short(least));
            }
            c.skip_strings(count, SKIPPED_STRING)?;
            Ok(Value::Array { element, count })
        }
        (9, _) => Err(malformed("an array of arrays")),
        (_, None) => Err(malformed(&format!("elements of unknown type {element}"))),
        (_, Some(width)) => {
            let bytes = count.saturating_mul(width);
            if bytes > c.left() {
                return Err(c.too_short(bytes));
            }
            if count > KEPT_ARRAY {
                c.skip(bytes)?;
                return Ok(Value::Array { element, count });
            }
            if matches!(element, 6 | 12) || !BY_LAYER.iter().any(|end| key.ends_with(end)) {
                hash.update(c.bytes(bytes)?);
                return Ok(Value::Array { element, count });
            }
            let (mut numbers, mut bools) = (Vec::new(), Vec::new());
            for _ in 0..count {
                match scalar(c, element)? {
                    Value::Unsigned(n) => numbers.push(i64::try_from(n).unwrap_or(i64::MAX)),
                    Value::Signed(n) => numbers.push(n),
                    Value::Bool(b) => bools.push(b),
                    _ => {}
                }
            }
            hash.update(format!("{numbers:?}{bools:?}"));
            Ok(if element == 7 { Value::Bools(bools) } else { Value::Numbers(numbers) })
        }
    }
}

fn tensors<S: Source>(
    c: &mut Cursor<'_, S>,
    count: u64,
    alignment: u64,
    hash: &mut Sha256,
) -> Result<Vec<Tensor>, GgufError> {
    let mut all: Vec<Tensor> = Vec::with_capacity(usize::try_from(count).unwrap_or(0).min(1 << 14));
    let mut names: HashSet<Vec<u8>> = HashSet::new();
    // Where the next tensor must begin; None after one of unknown size.
    let mut expected = Some(0u64);
    // Where it cannot begin before.
    let mut least = 0u64;
    for _ in 0..count {
        let length = c.length(TENSOR_NAME)?;
        let name = c.bytes(length)?;
        let wrong = |what: String| GgufError::Malformed(format!("tensor {}: {what}", shown(&name)));
        let dimensions = c.u32()?;
        if dimensions > 4 {
            return Err(wrong(format!("{dimensions} dimensions")));
        }
        let mut elements = 1u64;
        let mut first = 1u64;
        for d in 0..dimensions {
            let size = c.u64()?;
            first = if d == 0 { size } else { first };
            hash.update(size.to_le_bytes());
            // A size of its own as well: after a zero any product is zero.
            let product = elements.checked_mul(size).filter(|p| *p < 1 << 63 && size < 1 << 63);
            elements = product.ok_or_else(|| wrong("a size that overflows".into()))?;
        }
        let id = c.u32()?;
        let offset = c.u64()?;
        hash.update(&name);
        hash.update(id.to_le_bytes());
        hash.update(offset.to_le_bytes());
        let kind = meaning(id);
        let bytes = match kind {
            Meaning::Known(t) if !first.is_multiple_of(t.block) => {
                return Err(wrong(format!("rows of {first} elements do not fill blocks of {}", t.block)));
            }
            Meaning::Known(t) => Some(t.size_of(elements).ok_or_else(|| wrong("a size that overflows".into()))?),
            Meaning::Removed(_) | Meaning::Unknown(_) => None,
        };
        match expected {
            Some(at) if at != offset => return Err(wrong(format!("lies at {offset}, not at {at}"))),
            None if offset < least => return Err(wrong(format!("lies at {offset}, before {least}"))),
            None if !offset.is_multiple_of(alignment) => return Err(wrong(format!("lies unaligned at {offset}"))),
            _ => {}
        }
        least = offset;
        expected = match bytes {
            Some(b) => {
                let end = offset.checked_add(b).and_then(|e| pad(e, alignment));
                Some(end.ok_or_else(|| wrong("a size that overflows".into()))?)
            }
            None => None,
        };
        if !names.insert(name.clone()) {
            return Err(wrong("is there twice".into()));
        }
        all.push(Tensor { name, elements, dimensions, kind, bytes, offset });
    }
    Ok(all)
}
