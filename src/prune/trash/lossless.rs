//! Paths and numbers in JSON without loss. Paths: as text where they are UTF-8, else as `{"hex": "…"}` with their
//! bytes. Numbers: as numbers up to 2^53, beyond that as text.

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

/// Optional paths.
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

/// Lists of paths.
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

/// Integers that survive a pass through any program: most read a number of JSON as a double. Both spellings are read.
pub mod number {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use std::fmt::Display;
    use std::str::FromStr;

    const EXACT: i128 = 1 << 53;

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written<T> {
        Plain(T),
        Text(String),
    }

    pub fn serialize<T: Copy + Display + Into<i128>, S: Serializer>(number: &T, to: S) -> Result<S::Ok, S::Error> {
        let wide: i128 = (*number).into();
        match i64::try_from(wide) {
            Ok(narrow) if (-EXACT..=EXACT).contains(&wide) => to.serialize_i64(narrow),
            _ => to.collect_str(number),
        }
    }

    pub fn deserialize<'de, T: Deserialize<'de> + FromStr, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
        match Written::<T>::deserialize(from)? {
            Written::Plain(number) => Ok(number),
            Written::Text(text) => text.parse().map_err(|_| D::Error::custom("not a whole number that fits")),
        }
    }
}

/// Optional integers.
pub mod optional_number {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Number(#[serde(with = "super::number")] i64);

    pub fn serialize<S: Serializer>(number: &Option<i64>, to: S) -> Result<S::Ok, S::Error> {
        number.map(Number).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
        Ok(Option::<Number>::deserialize(from)?.map(|number| number.0))
    }
}

#[cfg(test)]
mod tests {
    use crate::prune::trash::{Kind, Seen};
    use serde_json::{Value, json};

    /// Converts as programs do that have one kind of number.
    fn through_doubles(value: &mut Value) {
        match value {
            Value::Number(n) => *value = json!(n.as_f64().unwrap() as i64),
            Value::Object(all) => all.values_mut().for_each(through_doubles),
            _ => {}
        }
    }

    #[test]
    fn a_plan_that_another_program_wrote_anew_names_the_same_files() {
        let seen = Seen {
            kind: Kind::File,
            dev: 64_769,
            ino: u64::MAX - 1,
            size: 1 << 40,
            mtime_ns: 1_758_000_000_123_456_789,
            ctime_ns: Some(1_758_000_000_123_456_788),
            target: None,
        };
        let mut written = serde_json::to_value(&seen).unwrap();
        through_doubles(&mut written);
        let read = serde_json::from_value::<Seen>(written).unwrap();
        assert_eq!((read.ctime_ns, &read), (seen.ctime_ns, &seen));
        let before = json!({"kind": "file", "dev": 1, "ino": 2, "size": 3, "mtime_ns": 1_758_000_000_123_456_789_i64});
        assert_eq!(serde_json::from_value::<Seen>(before).unwrap().mtime_ns, 1_758_000_000_123_456_789);
    }
}
