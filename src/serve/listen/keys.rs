//! The keys of clients: a file with one `name:key:class` a line.

use crate::failure::{Failure, OrFail};
use crate::model::server::Class;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use subtle::{ConditionallySelectable, ConstantTimeEq};

/// The largest file of keys that is read.
const MAX_BYTES: u64 = 1 << 20;

/// A key without its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub name: String,
    pub class: Option<Class>,
    digest: [u8; 32],
}

/// The keys that are accepted. Without a file of keys there are none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys(Vec<Key>);

impl Keys {
    /// Reads a file of keys: one `name:key:class` a line; the class (interactive, normal, batch) may be left out, and
    /// lines that begin with `#` are comments.
    ///
    /// # Errors
    /// Cannot be met (3): unreadable, accessible for others, a line that cannot be parsed, or no key at all.
    pub fn read(path: &Path) -> anyhow::Result<Keys> {
        let shown = path.display();
        let failure = || Failure::cannot_meet(format!("cannot read the file of keys `{shown}`"));
        let file = File::open(path).or_fail(failure)?;
        let about = file.metadata().or_fail(failure)?;
        let refused = |why: &str| Failure::cannot_meet(format!("the file of keys `{shown}` {why}"));
        if !about.is_file() {
            return Err(refused("is not a regular file").into());
        }
        let mode = about.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            let why = format!("is accessible to other users (mode {mode:04o})");
            return Err(refused(&why).hint(format!("chmod 600 {shown}")).into());
        }
        let mut text = String::new();
        file.take(MAX_BYTES).read_to_string(&mut text).or_fail(failure)?;
        match Keys::parse(&text) {
            Ok(keys) if keys.is_empty() => Err(refused("has no key").hint("one per line: name:key:class").into()),
            Ok(keys) => Ok(keys),
            Err((line, why)) => {
                Err(Failure::cannot_meet(format!("{shown}:{line}: {why}")).hint("one per line: name:key:class").into())
            }
        }
    }

    /// Parses the text of a file. Errors have the number of the line and never the line itself.
    fn parse(text: &str) -> Result<Keys, (usize, &'static str)> {
        let mut keys: Vec<Key> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let at = |why| (index.saturating_add(1), why);
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, rest) = line.split_once(':').ok_or(at("there is no key"))?;
            let (key, class) = match rest.rsplit_once(':') {
                None => (rest, None),
                Some((key, "")) => (key, None),
                Some((key, class)) => {
                    let class = Class::from_name(class.trim());
                    (key, Some(class.ok_or(at("the class is not interactive, normal or batch"))?))
                }
            };
            let (name, key) = (name.trim(), key.trim());
            if name.is_empty() || key.is_empty() {
                return Err(at("the name or the key is empty"));
            }
            if name.chars().any(|c| c.is_control() || c.is_whitespace()) {
                return Err(at("the name has a space or a control character"));
            }
            let digest = digest(key.as_bytes());
            if keys.iter().any(|other| other.digest == digest) {
                return Err(at("another line has the same key"));
            }
            keys.push(Key { name: name.to_owned(), class, digest });
        }
        Ok(Keys(keys))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Finds the key that a client sent. The time that it takes depends neither on the key nor on which one matches:
    /// digests are compared, and all of them.
    pub fn find(&self, sent: &[u8]) -> Option<&Key> {
        let sent = digest(sent);
        let mut found = u64::MAX;
        for (index, key) in (0_u64..).zip(&self.0) {
            found = u64::conditional_select(&found, &index, key.digest.ct_eq(&sent));
        }
        usize::try_from(found).ok().and_then(|index| self.0.get(index)) // none has the number `MAX`
    }
}

fn digest(key: &[u8]) -> [u8; 32] {
    Sha256::digest(key).into()
}

/// Returns the key that a request has: `Authorization: Bearer`, the password of `Basic`, or `x-api-key`. An empty one is
/// none.
pub fn sent(headers: &HeaderMap) -> Option<Vec<u8>> {
    let authorization = headers.get(AUTHORIZATION).map(|value| value.as_bytes()).and_then(|value| {
        let space = value.iter().position(|b| *b == b' ').unwrap_or(value.len());
        let (scheme, rest) = value.split_at(space);
        let rest = rest.trim_ascii();
        if scheme.eq_ignore_ascii_case(b"bearer") {
            Some(rest.to_vec())
        } else if scheme.eq_ignore_ascii_case(b"basic") {
            let pair = STANDARD.decode(rest).ok()?; // what is no base64 has no password
            let colon = pair.iter().position(|b| *b == b':')?;
            Some(pair.get(colon.saturating_add(1)..).unwrap_or_default().to_vec())
        } else {
            None
        }
    });
    let own = || headers.get("x-api-key").map(|value| value.as_bytes().trim_ascii().to_vec());
    authorization.filter(|key| !key.is_empty()).or_else(own).filter(|key| !key.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{Permissions, set_permissions, write};

    #[test]
    fn a_key_leads_to_its_name_and_class_and_nothing_else_does() {
        let keys = Keys::parse("# comment\n\nopen-webui:s3cret:interactive\ncron:a:b:batch\nplain:pqr\n").unwrap();
        let found = |key: &str| keys.find(key.as_bytes()).map(|key| (key.name.as_str(), key.class));
        assert_eq!(found("s3cret"), Some(("open-webui", Some(Class::Interactive))));
        assert_eq!(found("a:b"), Some(("cron", Some(Class::Batch))));
        assert_eq!(found("pqr"), Some(("plain", None)));
        for wrong in ["", "s3cre", "s3cret ", "open-webui", "s3cret:interactive"] {
            assert_eq!(found(wrong), None, "{wrong}");
        }
        assert!(!format!("{keys:?}").contains("s3cret"));
    }

    #[test]
    fn a_wrong_line_is_named_by_its_number_and_not_shown() {
        for (text, line) in [("a", 1), ("a:\n", 1), ("ok:k:batch\n:k\n", 2), ("a:k:urgent", 1), ("a:k:\nb:k:", 2)] {
            assert_eq!(Keys::parse(text).unwrap_err().0, line, "{text}");
        }
    }

    #[test]
    fn a_file_of_keys_that_others_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys");
        write(&path, "a:k:normal\n").unwrap();
        set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        assert!(Keys::read(&path).unwrap_err().to_string().contains("mode 0640"));
        set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        assert!(Keys::read(&path).unwrap().find(b"k").is_some());
        write(&path, "# nothing\n").unwrap();
        assert!(Keys::read(&path).unwrap_err().to_string().contains("has no key"));
    }

    #[test]
    fn a_key_comes_in_any_of_three_headers_and_an_empty_one_is_none() {
        let key = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            sent(&headers).map(|key| String::from_utf8(key).unwrap())
        };
        assert_eq!(key("authorization", "Bearer abc").as_deref(), Some("abc"));
        assert_eq!(key("authorization", "bearer  abc ").as_deref(), Some("abc"));
        assert_eq!(key("authorization", "Basic dXNlcjphYmM=").as_deref(), Some("abc"));
        assert_eq!(key("x-api-key", "abc").as_deref(), Some("abc"));
        for (name, value) in [
            ("authorization", "Bearer "),
            ("authorization", "Bearer"),
            ("authorization", "Basic ???"),
            ("authorization", "Digest abc"),
            ("x-api-key", ""),
        ] {
            assert_eq!(key(name, value), None, "{name}: {value}");
        }
    }
}
