//! Paths in JSON without loss: as text where they are UTF-8, else as `{"hex": "…"}` with their bytes.

use crate::model::hex;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written<'a> {
    Text(std::borrow::Cow<'a, str>),
    Bytes { hex: String },
}

impl Written<'_> {
    fn of(path: &Path) -> Written<'_> {
        match path.to_str() {
            Some(text) => Written::Text(text.into()),
            None => Written::Bytes { hex: hex(path.as_os_str().as_bytes()) },
        }
    }

    fn read<E: Error>(self) -> Result<PathBuf, E> {
        match self {
            Written::Text(text) => Ok(PathBuf::from(text.into_owned())),
            Written::Bytes { hex } => {
                let bytes = unhex(&hex).ok_or_else(|| E::custom("a path that is not hexadecimal"))?;
                Ok(PathBuf::from(OsString::from_vec(bytes)))
            }
        }
    }
}

pub fn serialize<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
    Written::of(path).serialize(to)
}

pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
    Written::deserialize(from)?.read()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| Some((digit(*high)? << 4) | digit(*low)?)).collect())?
}

/// The same for what need not be there.
pub mod option {
    use super::Written;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::path::PathBuf;

    pub fn serialize<S: Serializer>(path: &Option<PathBuf>, to: S) -> Result<S::Ok, S::Error> {
        path.as_deref().map(Written::of).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<PathBuf>, D::Error> {
        Option::<Written<'_>>::deserialize(from)?.map(Written::read).transpose()
    }
}

/// The same for many.
pub mod list {
    use super::Written;
    use serde::{Deserialize, Deserializer, Serializer};
    use std::path::PathBuf;

    pub fn serialize<S: Serializer>(paths: &[PathBuf], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(paths.iter().map(|path| Written::of(path)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<PathBuf>, D::Error> {
        Vec::<Written<'_>>::deserialize(from)?.into_iter().map(Written::read).collect()
    }
}
