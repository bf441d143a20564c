//! Manifests in the format of image registries. Ollama and Docker Model Runner store them as received, so they are read
//! as untrusted input: bounded in size, in number and in the paths that they may name.

use super::hf::try_open_quietly;
use crate::failure::json_fault;
use serde::de::{DeserializeOwned, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::io::Read;
use std::marker::PhantomData;
use std::path::Path;

/// The largest size of a manifest in bytes: one with [`MOST_LAYERS`] layers stays below.
const MOST_BYTES: u64 = 8 << 20;
/// The largest number of layers. Models that are stored tensor by tensor have some thousands.
const MOST_LAYERS: usize = 20_000;

/// The name of a content: `sha256:` or `sha512:` with hex digits, which cannot lead to any other path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Digest {
    pub algorithm: Algorithm,
    /// The digits, in lower case.
    pub hex: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Algorithm {
    Sha256,
    Sha512,
}

impl Algorithm {
    pub const ALL: [Algorithm; 2] = [Algorithm::Sha256, Algorithm::Sha512];

    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Sha256 => "sha256",
            Algorithm::Sha512 => "sha512",
        }
    }

    fn digits(self) -> usize {
        match self {
            Algorithm::Sha256 => 64,
            Algorithm::Sha512 => 128,
        }
    }
}

impl Digest {
    /// Parses `sha256:<hex>`, or `sha256-<hex>` as in file names. None for anything else.
    pub fn parse(text: &str) -> Option<Digest> {
        let (algorithm, hex) = text.split_once([':', '-'])?;
        let algorithm = Algorithm::ALL.into_iter().find(|a| a.name() == algorithm)?;
        Digest::new(algorithm, hex)
    }

    pub fn new(algorithm: Algorithm, hex: &str) -> Option<Digest> {
        let is_hex = hex.len() == algorithm.digits() && hex.bytes().all(|b| b.is_ascii_hexdigit());
        is_hex.then(|| Digest { algorithm, hex: hex.to_ascii_lowercase() })
    }

    /// Returns the promised sha256 of the content. None for other algorithms, which are not verified.
    pub fn sha256(&self) -> Option<String> {
        (self.algorithm == Algorithm::Sha256).then(|| self.hex.clone())
    }

    /// Returns the first 12 digits, enough to recognize the digest.
    pub fn short(&self) -> &str {
        self.hex.get(..12).unwrap_or(&self.hex)
    }
}

/// A manifest, or a list of manifests.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Document {
    #[serde(rename = "mediaType")]
    pub media_type: Option<String>,
    /// The digest of the blob that holds the manifest, for an element of a list.
    pub digest: Option<String>,
    pub config: Option<Descriptor>,
    layers: Option<Bounded<Descriptor>>,
    manifests: Option<Bounded<Document>>,
}

impl Document {
    pub fn layers(&self) -> &[Descriptor] {
        self.layers.as_ref().map_or(&[], |l| l.0.as_slice())
    }

    pub fn manifests(&self) -> &[Document] {
        self.manifests.as_ref().map_or(&[], |l| l.0.as_slice())
    }
}

/// The entry of a manifest for one blob.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Descriptor {
    #[serde(rename = "mediaType", default)]
    pub media_type: String,
    #[serde(default)]
    pub digest: String,
    /// The size in bytes. A negative size promises nothing.
    #[serde(default)]
    pub size: i64,
    annotations: Option<Annotations>,
}

#[derive(Debug, Default, Deserialize)]
struct Annotations {
    #[serde(rename = "org.cncf.model.filepath")]
    path: Option<String>,
}

impl Descriptor {
    /// Returns the name that the file had at its origin.
    pub fn file_name(&self) -> Option<&str> {
        self.annotations.as_ref()?.path.as_deref()
    }

    /// Returns the promised size in bytes.
    pub fn bytes(&self) -> Option<u64> {
        u64::try_from(self.size).ok() // a negative size is no promise
    }
}

/// A list with at most [`MOST_LAYERS`] elements, so that it cannot exhaust the memory.
#[derive(Debug)]
struct Bounded<T>(Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Bounded<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
            type Value = Bounded<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a list of at most {MOST_LAYERS}")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = seq.next_element()? {
                    if list.len() == MOST_LAYERS {
                        return Err(serde::de::Error::invalid_length(MOST_LAYERS + 1, &self));
                    }
                    list.push(item);
                }
                Ok(Bounded(list))
            }
        }
        deserializer.deserialize_seq(List(PhantomData))
    }
}

/// Returns the bytes of a manifest.
///
/// # Errors
/// The reason why they cannot be read, as text.
pub(super) fn read_manifest(path: &Path) -> Result<Vec<u8>, String> {
    read_bounded(path, MOST_BYTES)
}

/// Parses a manifest from its bytes.
///
/// # Errors
/// A text that says what is wrong with it.
pub(super) fn parse_manifest(bytes: &[u8]) -> Result<Document, String> {
    parse(bytes)
}

/// Reads a JSON document of at most `most` bytes.
///
/// # Errors
/// The reason why it cannot be read or parsed, as text.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path, most: u64) -> Result<T, String> {
    parse(&read_bounded(path, most)?)
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    if bytes.is_empty() {
        return Err("is empty".to_owned());
    }
    serde_json::from_slice(bytes).map_err(|e| format!("is invalid: {}", json_fault(&e)))
}

/// Reads a regular file of at most `most` bytes; a longer file is rejected, even if its metadata gives a smaller size.
fn read_bounded(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let cannot = |e: std::io::Error| format!("cannot be read: {e}");
    let file = try_open_quietly(path).map_err(cannot)?;
    let too_long = || format!("is over {most} bytes");
    if file.metadata().map_err(cannot)?.len() > most {
        return Err(too_long());
    }
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > most { Err(too_long()) } else { Ok(bytes) }
}

/// Returns a tag, and also its form without `latest`, which is the default.
pub(super) fn with_latest(name: &str) -> Vec<String> {
    let short = name.strip_suffix(":latest").filter(|short| !short.is_empty());
    [name].into_iter().chain(short).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_hex_digits_of_the_right_number_is_a_digest() {
        let hex = "0aB".repeat(22)[..64].to_owned();
        assert_eq!(Digest::parse(&format!("sha256:{hex}")).unwrap().hex, hex.to_lowercase());
        assert_eq!(Digest::parse(&format!("sha256-{hex}")).unwrap().sha256(), Some(hex.to_lowercase()));
        assert_eq!(Digest::parse(&format!("sha512:{hex}{hex}")).unwrap().sha256(), None);
        let odd = ["sha256:../../x".to_owned(), format!("sha256:{}", &hex[1..]), format!("md5:{hex}"), hex.clone()];
        for text in odd.iter().map(String::as_str).chain(["", "sha256:", "sha256-../../../../etc/passwd"]) {
            assert_eq!(Digest::parse(text), None, "{text}");
        }
        assert_eq!(Digest::parse(&format!("sha256:{}/../{}", &hex[..30], &hex[..30])), None);
    }

    #[test]
    fn a_manifest_can_be_neither_endless_nor_deep() {
        let many = format!(r#"{{"layers":[{}{{}}]}}"#, "{},".repeat(1_000_000));
        let error = parse_manifest(many.as_bytes()).unwrap_err();
        assert!(error.contains("20000"), "{error}");
        for deep in ["[", r#"{"manifests":["#, r#"{"layers":[{"annotations":"#, r#"{"other":[["#] {
            assert!(parse_manifest(deep.repeat(200_000).as_bytes()).is_err());
        }
        let exact = format!(r#"{{"layers":[{}{{}}]}}"#, "{},".repeat(MOST_LAYERS - 1));
        assert_eq!(parse_manifest(exact.as_bytes()).unwrap().layers().len(), MOST_LAYERS);
        assert!(parse_manifest(br#"{"layers":null,"config":{}}"#).unwrap().layers().is_empty());
    }

    #[test]
    fn a_file_that_is_too_long_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m");
        std::fs::File::create(&path).unwrap().set_len(1 << 30).unwrap();
        assert!(read_manifest(&path).unwrap_err().contains("is over"));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_at_all_stop_the_reader(cut in 0usize..400, at in 0usize..400, byte: u8, text in ".{0,80}") {
            let digest = "a".repeat(64);
            let layer = format!(r#"{{"mediaType":"m","digest":"sha256:{digest}","size":-1,"annotations":{{}}}}"#);
            let whole = format!(r#"{{"mediaType":"x","config":{layer},"layers":[{layer}],"manifests":[{{}},null]}}"#);
            let mut bytes = whole.into_bytes();
            bytes.truncate(cut);
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            // Parsing must return for any input.
            if let Ok(document) = parse_manifest(&bytes) {
                for layer in document.layers() {
                    proptest::prop_assert!(Digest::parse(&layer.digest).is_none_or(|d| d.short().len() == 12));
                }
            }
            let odd = Digest::parse(&text).or(Digest::new(Algorithm::Sha512, &text));
            proptest::prop_assert!(odd.is_none_or(|d| d.hex.bytes().all(|b| b.is_ascii_hexdigit())));
        }
    }
}
