//! The header as it is written: keys, values, tensor table. Reading is bounded in memory and time, whatever the lengths
//! claim.

use super::GgufError;
use super::cursor::{Cursor, Source};
use super::irregularities::Irregularities;
use super::tensor_type::{Meaning, meaning};
use crate::model::hex;
use sha2::{Digest, Sha256};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};

/// Bytes of a string that the fingerprint covers: chat templates differ in their middle.
const HASHED_STRING: u64 = 1 << 20;
/// Bytes of a string that are kept. Detecting a chat template needs less than its text.
const KEPT_STRING: usize = 4096;
/// Bytes of the longest string that is skipped (Ollama's limit; llama.cpp allows 1 GiB).
const SKIPPED_STRING: u64 = 16 << 20;
/// The largest number of elements of an array (Ollama's limit; llama.cpp allows 2^30).
const ARRAY: u64 = 64 << 20;
/// Elements of a number array that the fingerprint covers, and that are kept of the arrays below: one for each layer.
const KEPT_ARRAY: u64 = 4096;
/// The ends of the keys whose arrays are kept.
const BY_LAYER: [&str; 4] =
    [".attention.head_count", ".attention.head_count_kv", ".attention.sliding_window_pattern", ".feed_forward_length"];
/// The largest number of arrays that are kept, more than any file has: as wide numbers they take more memory than in
/// the file.
const ARRAYS: u32 = 64;
const KEYS: u64 = 1 << 16;
/// The largest number of tensors, a hundred times as many as the largest models have; their table then takes about 20
/// MB while it is read.
const TENSORS: u64 = 1 << 17;
/// Bytes of keys and values that are kept: real headers keep less than 1 MiB, and 2^16 keys of 64 KiB each could take
/// all memory.
const KEPT: usize = 16 << 20;
/// Bytes of an entry in addition to its key and its value.
const ENTRY: usize = 128;
/// The longest tensor name that is read. No tensor has a longer one: the converters of image models write up to 127
/// bytes.
const LONGEST_NAME: u64 = 65_535;
/// Bytes of all tensor names together.
const NAMES: u64 = 32 << 20;
/// The largest number of dimensions that is read. No format has more, so a table with more is broken.
const MOST_DIMENSIONS: u32 = 64;
/// Bytes of the longest key that the format allows.
const KEY: u64 = 65_535;
/// The number of later versions that count as newer formats; a larger number counts as a broken version.
const NEWER: u32 = 255;

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
    /// An array that was skipped: element type and count.
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
    /// Bytes of the tensor; None when the type is not known.
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
    /// Features that llama.cpp does not accept: parts of a sentence, each once.
    pub unsupported: Vec<String>,
    /// False where the data of the tensors may begin elsewhere than at `data_offset`.
    pub is_data_offset_sure: bool,
    /// Whether the chat template mentions images, audio or video.
    pub mentions_media: bool,
}

impl Header {
    pub fn parse<S: Source>(source: &S) -> Result<Header, GgufError> {
        let mut c = Cursor::new(source);
        let len = source.len();
        let cut = b"GGUF".get(..usize::try_from(len).unwrap_or(4)).unwrap_or(b"GGUF");
        let magic: [u8; 4] = match c.take() {
            // Too short for a magic: either the start of one, or another format.
            Err(GgufError::TruncatedHeader { .. }) if c.bytes(c.left())? != cut => [0; 4],
            other => other?,
        };
        if &magic != b"GGUF" {
            return Err(super::look_alike(source));
        }
        let raw: [u8; 4] = c.take()?;
        let little = u32::from_le_bytes(raw);
        // The byte order by llama.cpp's rule: no version uses its upper half.
        c.big_endian = little & 0xffff == 0;
        let version = if c.big_endian { u32::from_be_bytes(raw) } else { little };
        match version {
            2 | 3 => {}
            1 => {
                let what = "GGUF version 1, which llama.cpp no longer reads (2 and 3 are supported): convert it again";
                return Err(GgufError::Unsupported(what.to_owned()));
            }
            4..=NEWER => {
                let what = format!("GGUF version {version}, which is newer than this program (2 and 3 are known)");
                return Err(GgufError::Unsupported(what));
            }
            _ => return Err(GgufError::Malformed(format!("GGUF version {version}, which does not exist"))),
        }
        let n_tensors = c.u64()?;
        let n_kv = c.u64()?;
        // The fewest bytes that a key with its value and a tensor with its offset take.
        let least = n_kv.saturating_mul(8 + 1 + 4 + 1).saturating_add(n_tensors.saturating_mul(8 + 4 + 4 + 8));
        let is_large = n_kv > KEYS || n_tensors > TENSORS;
        if least > c.left() {
            let wrong = || GgufError::Malformed(format!("{n_kv} keys and {n_tensors} tensors in {len} bytes"));
            return Err(if is_large { wrong() } else { c.too_short(least) });
        }
        if is_large {
            let most = format!("up to {KEYS} and {TENSORS} are read");
            return Err(GgufError::Unsupported(format!("{n_kv} keys and {n_tensors} tensors ({most})")));
        }
        let mut odd = Irregularities::default();
        let mut hash = Sha256::new();
        hash.update(len.to_le_bytes());
        hash.update(raw);
        let mut values = BTreeMap::new();
        let mut arrays = 0u32;
        let mut kept = 0usize;
        let mut alignment = 32;
        for _ in 0..n_kv {
            let length = bounded(&mut c, KEY, "a key")?;
            let key = String::from_utf8_lossy(&c.bytes(length)?).into_owned();
            if key.is_empty() {
                return Err(GgufError::Malformed("an empty key".into()));
            }
            let kind = c.u32()?;
            let value = value(&mut c, &key, kind, &mut hash, &mut odd)?;
            if key == "general.alignment" {
                alignment = aligned(kind, &value, &mut odd)?;
            }
            if let Value::Numbers(_) | Value::Bools(_) = value {
                arrays = arrays.saturating_add(1);
                if arrays > ARRAYS {
                    return Err(GgufError::Unsupported(format!("over {ARRAYS} arrays with a number for each layer")));
                }
            }
            kept = kept.saturating_add(key.len()).saturating_add(size_of_kept(&value)).saturating_add(ENTRY);
            if kept > KEPT {
                return Err(GgufError::Unsupported(format!("keys and values of over {} MiB", KEPT >> 20)));
            }
            match values.entry(key) {
                Entry::Vacant(place) => {
                    place.insert(value);
                }
                // gguf-py reads such files, llama.cpp does not.
                Entry::Occupied(place) => odd.note(format!("the key {} twice", shown(place.key().as_bytes()))),
            }
        }
        let tensors = tensors(&mut c, n_tensors, alignment, &mut hash, &mut odd)?;
        let data_offset =
            pad(c.position(), alignment).ok_or_else(|| GgufError::Malformed("a header without end".into()))?;
        let digest = hash.finalize();
        let fingerprint = hex(digest.get(..16).unwrap_or(&digest));
        Ok(Header {
            version,
            big_endian: c.big_endian,
            values,
            tensors,
            data_offset,
            alignment,
            len,
            fingerprint,
            is_data_offset_sure: !odd.is_alignment_odd,
            mentions_media: odd.mentions_media,
            unsupported: odd.into_sentences(),
        })
    }
}

/// Reads the length of a key or a name. No program writes one longer than `most` bytes.
fn bounded<S: Source>(c: &mut Cursor<'_, S>, most: u64, what: &str) -> Result<u64, GgufError> {
    let length = c.length(u64::MAX)?;
    if length > most {
        return Err(GgufError::Malformed(format!("{what} of {} bytes", crate::model::digits(length))));
    }
    Ok(length)
}

/// Returns the alignment of the tensor data. llama.cpp accepts it as u32 only, and so do we: with another alignment
/// than llama.cpp's, this file would be checked against the wrong offsets.
fn aligned(kind: u32, value: &Value, odd: &mut Irregularities) -> Result<u64, GgufError> {
    let stated = match value {
        Value::Unsigned(a) => Some(*a),
        Value::Signed(a) => u64::try_from(*a).ok(), // a negative one counts as absent
        _ => None,
    };
    match stated {
        Some(a) if kind == 4 && a.is_power_of_two() && a <= 1 << 20 => Ok(a),
        Some(0) => Err(GgufError::Malformed("general.alignment is 0".into())),
        stated => {
            odd.note("a general.alignment that is not a u32 with a power of two up to 2^20".to_owned());
            odd.is_alignment_odd = true;
            Ok(stated.filter(|a| *a <= 1 << 20).unwrap_or(32))
        }
    }
}

/// Returns `position` rounded up to `alignment`.
pub(crate) fn pad(position: u64, alignment: u64) -> Option<u64> {
    position.checked_next_multiple_of(alignment)
}

/// Formats a name from a file for a message: short and without control characters.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().take(64).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Returns the bytes that a value takes on the heap.
fn size_of_kept(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len(),
        Value::Numbers(numbers) => numbers.len().saturating_mul(size_of::<i64>()),
        Value::Bools(bools) => bools.len(),
        _ => 0,
    }
}

/// Returns the bytes of an element of fixed size; None for strings, arrays and types that do not exist.
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
        other => return Err(GgufError::Unsupported(format!("a value of unknown type {other} (0 to 12 are known)"))),
    })
}

fn value<S: Source>(
    c: &mut Cursor<'_, S>,
    key: &str,
    kind: u32,
    hash: &mut Sha256,
    odd: &mut Irregularities,
) -> Result<Value, GgufError> {
    hash.update(key.as_bytes());
    hash.update(kind.to_le_bytes());
    match kind {
        8 => {
            let length = c.length(SKIPPED_STRING)?;
            let mut text = c.bytes(length.min(HASHED_STRING))?;
            c.skip(length.saturating_sub(HASHED_STRING))?;
            hash.update(length.to_le_bytes());
            hash.update(&text);
            if key == "tokenizer.chat_template" {
                odd.mentions_media = text.windows(5).any(|w| matches!(w, b"image" | b"audio" | b"video"));
            }
            text.truncate(KEPT_STRING);
            text.shrink_to_fit();
            Ok(Value::Text(text))
        }
        9 => array(c, key, hash, odd),
        _ => {
            let value = scalar(c, kind)?;
            hash.update(format!("{value:?}"));
            Ok(value)
        }
    }
}

fn array<S: Source>(
    c: &mut Cursor<'_, S>,
    key: &str,
    hash: &mut Sha256,
    odd: &mut Irregularities,
) -> Result<Value, GgufError> {
    let element = c.u32()?;
    let count = c.u64()?;
    hash.update(element.to_le_bytes());
    hash.update(count.to_le_bytes());
    let unsupported = |what: &str| GgufError::Unsupported(format!("{what} in {}", shown(key.as_bytes())));
    let least = count.saturating_mul(width(element).unwrap_or(8));
    if least > c.left() && (element == 8 || width(element).is_some()) {
        return Err(c.too_short(least));
    }
    if count > ARRAY {
        return Err(unsupported(&format!("an array of {count} elements")));
    }
    // llama.cpp reads these as 4-byte numbers, whatever their declared type is.
    let wanted = match key {
        "tokenizer.ggml.scores" => Some(6),
        "tokenizer.ggml.token_type" => Some(5),
        _ => None,
    };
    if wanted.is_some_and(|w| w != element && !(w == 5 && element == 4)) && count > 0 {
        odd.note(format!("an array of another type than llama.cpp takes in {}", shown(key.as_bytes())));
    }
    match (element, width(element)) {
        (8, _) => {
            c.skip_strings(count, SKIPPED_STRING)?;
            Ok(Value::Array { element, count })
        }
        (9, _) => Err(unsupported("an array of arrays")),
        (_, None) => Err(unsupported(&format!("elements of unknown type {element}"))),
        (_, Some(width)) => {
            let bytes = count.saturating_mul(width);
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
    odd: &mut Irregularities,
) -> Result<Vec<Tensor>, GgufError> {
    let mut all: Vec<Tensor> = Vec::with_capacity(usize::try_from(count).unwrap_or(0).min(1 << 14));
    let mut names: HashSet<Vec<u8>> = HashSet::new();
    // The offset at which llama.cpp expects the next tensor; None after a tensor of unknown size.
    let mut expected = Some(0u64);
    // The smallest possible offset of the next tensor.
    let mut least = 0u64;
    let mut bytes_of_names = 0u64;
    for _ in 0..count {
        let length = bounded(c, LONGEST_NAME, "a tensor name")?;
        odd.longest_name = odd.longest_name.max(length);
        bytes_of_names = bytes_of_names.saturating_add(length);
        if bytes_of_names > NAMES {
            return Err(GgufError::Unsupported(format!("tensor names of over {} MiB together", NAMES >> 20)));
        }
        let name = c.bytes(length)?;
        let wrong = |what: String| GgufError::Malformed(format!("tensor {}: {what}", shown(&name)));
        let dimensions = c.u32()?;
        if dimensions > MOST_DIMENSIONS {
            return Err(wrong(format!("{dimensions} dimensions")));
        }
        odd.dimensions = odd.dimensions.max(dimensions);
        let mut elements = 1u64;
        let mut first = 1u64;
        for d in 0..dimensions {
            let size = c.u64()?;
            first = if d == 0 { size } else { first };
            hash.update(size.to_le_bytes());
            // The size is checked on its own as well: after a zero any product is zero.
            let product = elements.checked_mul(size).filter(|p| *p < 1 << 63 && size < 1 << 63);
            elements = product.ok_or_else(|| wrong("a size that overflows".into()))?;
        }
        let id = c.u32()?;
        let offset = c.u64()?;
        hash.update(&name);
        hash.update(id.to_le_bytes());
        hash.update(offset.to_le_bytes());
        let kind = meaning(id);
        odd.of_type(kind);
        let layout = kind.layout();
        // gguf-py reads rows that do not fill their blocks where the whole tensor does.
        odd.rows |= layout.is_some_and(|t| !first.is_multiple_of(t.block));
        let bytes = match layout.filter(|t| elements.is_multiple_of(t.block)) {
            Some(t) => Some(t.size_of(elements).ok_or_else(|| wrong("a size that overflows".into()))?),
            None => None,
        };
        odd.places |= match expected {
            Some(at) => at != offset,
            None => offset < least || !offset.is_multiple_of(alignment),
        };
        least = offset;
        expected = match bytes {
            Some(b) => {
                let end = offset.checked_add(b).and_then(|e| pad(e, alignment));
                Some(end.ok_or_else(|| wrong("a size that overflows".into()))?)
            }
            None => None,
        };
        if !names.insert(name.clone()) {
            return Err(wrong("is duplicated".into()));
        }
        all.push(Tensor { name, elements, dimensions, kind, bytes, offset });
    }
    Ok(all)
}
