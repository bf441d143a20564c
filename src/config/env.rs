use crate::failure::Failure;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::ops::RangeInclusive;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The environment as it was when the program started. An empty variable counts as unset.
#[derive(Debug, Clone)]
pub struct Env {
    vars: BTreeMap<OsString, OsString>,
}

impl Env {
    #[expect(clippy::disallowed_methods, reason = "the one reader of the environment")]
    pub fn capture() -> Env {
        Env { vars: std::env::vars_os().collect() }
    }

    pub fn from_pairs(pairs: &[(&str, &str)]) -> Env {
        Env { vars: pairs.iter().map(|(k, v)| (k.into(), v.into())).collect() }
    }

    fn get(&self, key: &str) -> Option<&OsStr> {
        self.vars.get(OsStr::new(key)).map(OsString::as_os_str).filter(|v| !v.is_empty())
    }

    pub fn is_set(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    pub fn text(&self, key: &str) -> Option<String> {
        self.get(key).map(|v| v.to_string_lossy().into_owned())
    }

    /// Returns a whole number within bounds.
    ///
    /// # Errors
    /// Cannot be met (3) for anything else, with the name of the variable.
    pub fn number(&self, key: &str, within: RangeInclusive<u64>) -> anyhow::Result<Option<u64>> {
        let Some(text) = self.text(key) else { return Ok(None) };
        match text.trim().parse::<u64>() {
            Ok(n) if within.contains(&n) => Ok(Some(n)),
            _ => Err(Failure::cannot_meet(format!(
                "{key} is `{}`: give a whole number from {} to {}",
                text.escape_debug(),
                within.start(),
                within.end()
            ))
            .into()),
        }
    }

    /// Returns a time: `10m`, `90s`.
    ///
    /// # Errors
    /// As [`Env::number`].
    pub fn duration(&self, key: &str) -> anyhow::Result<Option<Duration>> {
        let Some(text) = self.text(key) else { return Ok(None) };
        match humantime::parse_duration(text.trim()) {
            Ok(time) => Ok(Some(time)),
            Err(error) => {
                Err(Failure::cannot_meet(format!("{key} is `{}`, not a duration: {error}", text.escape_debug())).into())
            }
        }
    }

    /// Returns a path, with a leading `~` replaced by the home folder.
    pub fn path(&self, key: &str) -> Option<PathBuf> {
        self.get(key).map(|v| self.expand_home(Path::new(v)))
    }

    /// Returns a path as Python's `os.path.expandvars(os.path.expanduser(…))` does, which huggingface_hub applies to
    /// its variables: expands a leading `~`, `$NAME` and `${NAME}`. A name that is not set stays as it is written.
    pub(super) fn expanded(&self, key: &str) -> Option<PathBuf> {
        self.get(key).map(|value| self.expand_names(&self.expand_home(Path::new(value))))
    }

    fn expand_names(&self, path: &Path) -> PathBuf {
        let is_word = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
        let mut rest = path.as_os_str().as_bytes();
        let mut out = Vec::with_capacity(rest.len());
        while let Some(at) = rest.iter().position(|b| *b == b'$') {
            let (before, sign) = rest.split_at(at);
            out.extend_from_slice(before);
            let after = sign.get(1..).unwrap_or_default();
            let (name, length) = match after.strip_prefix(b"{") {
                Some(inner) => match inner.iter().position(|b| *b == b'}') {
                    Some(end) => (inner.get(..end).unwrap_or_default(), end.saturating_add(3)),
                    None => (&[][..], 1),
                },
                None => {
                    let end = after.iter().position(|b| !is_word(b)).unwrap_or(after.len());
                    (after.get(..end).unwrap_or_default(), end.saturating_add(1))
                }
            };
            let length = length.min(sign.len());
            match self.vars.get(OsStr::from_bytes(name)).filter(|_| !name.is_empty()) {
                Some(value) => out.extend_from_slice(value.as_bytes()),
                None => out.extend_from_slice(sign.get(..length).unwrap_or_default()),
            }
            rest = sign.get(length..).unwrap_or_default();
        }
        out.extend_from_slice(rest);
        PathBuf::from(OsString::from_vec(out))
    }

    /// Returns a path as it is written.
    pub(super) fn raw(&self, key: &str) -> Option<PathBuf> {
        self.get(key).map(PathBuf::from)
    }

    /// Returns whether the locale of characters is a UTF-8 one.
    pub(super) fn is_utf8(&self) -> bool {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|key| self.text(key)).unwrap_or_default();
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    }

    /// Returns whether the variable is `1` or `true`; any other value means no.
    pub fn says_yes(&self, key: &str) -> bool {
        self.text(key).is_some_and(|word| word == "1" || word.eq_ignore_ascii_case("true"))
    }

    /// Returns a colon-separated list of paths without its empty members; None when nothing is left.
    pub fn path_list(&self, key: &str) -> Option<Vec<PathBuf>> {
        let list: Vec<PathBuf> = self
            .get(key)?
            .as_bytes()
            .split(|b| *b == b':')
            .filter(|part| !part.is_empty())
            .map(|part| self.expand_home(Path::new(OsStr::from_bytes(part))))
            .collect();
        (!list.is_empty()).then_some(list)
    }

    /// Returns a comma-separated list of words without its empty members.
    pub fn list(&self, key: &str) -> Vec<String> {
        let text = self.text(key).unwrap_or_default();
        text.split(',').map(str::trim).filter(|w| !w.is_empty()).map(str::to_owned).collect()
    }

    pub(super) fn home(&self) -> Option<PathBuf> {
        self.get("HOME").map(PathBuf::from)
    }

    pub fn expand_home(&self, path: &Path) -> PathBuf {
        match (path.strip_prefix("~"), self.home()) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => path.to_owned(),
        }
    }

    /// Returns a folder of the XDG base directory specification 0.8, which ignores relative values.
    pub(super) fn xdg(&self, key: &str, below_home: &str) -> Option<PathBuf> {
        self.get(key).map(PathBuf::from).filter(|p| p.is_absolute()).or_else(|| self.home().map(|h| h.join(below_home)))
    }

    pub(super) fn config_home(&self) -> Option<PathBuf> {
        self.xdg("XDG_CONFIG_HOME", ".config")
    }

    /// Returns whether no variable says where the state of a user or a unit is kept.
    pub(super) fn is_without_state(&self) -> bool {
        self.get("STATE_DIRECTORY").is_none() && self.xdg("XDG_STATE_HOME", "").is_none()
    }

    /// Returns HOME when the state of this user belongs below it and it does not exist.
    pub(super) fn missing_home(&self) -> Option<PathBuf> {
        let state = self.get("XDG_STATE_HOME").filter(|state| Path::new(state).is_absolute());
        let is_below_home = self.get("STATE_DIRECTORY").is_none() && state.is_none();
        self.home().filter(|home| is_below_home && !home.is_dir())
    }

    /// Returns the default path of the database. systemd sets `STATE_DIRECTORY` for a unit with `StateDirectory=`;
    /// without it and without a home this process counts as a service too.
    pub(super) fn default_database(&self) -> PathBuf {
        let state = self
            .get("STATE_DIRECTORY")
            .and_then(|v| v.as_bytes().split(|b| *b == b':').next())
            .map(|first| PathBuf::from(OsStr::from_bytes(first)));
        let folder = state
            .or_else(|| self.xdg("XDG_STATE_HOME", ".local/state").map(|d| d.join("modelctl")))
            .unwrap_or_else(|| "/var/lib/modelctl".into());
        folder.join("modelctl.db")
    }

    pub(super) fn runtime_dir(&self) -> PathBuf {
        let systemd = self
            .get("RUNTIME_DIRECTORY")
            .and_then(|v| v.as_bytes().split(|b| *b == b':').next())
            .map(|first| PathBuf::from(OsStr::from_bytes(first)));
        systemd.or_else(|| self.xdg_runtime().map(|d| d.join("modelctl"))).unwrap_or_else(|| {
            let uid = rustix::process::getuid().as_raw();
            self.get("TMPDIR").map_or_else(|| "/tmp".into(), PathBuf::from).join(format!("modelctl-{uid}"))
        })
    }

    /// Unlike the other XDG folders, this one has no default below the home.
    fn xdg_runtime(&self) -> Option<PathBuf> {
        self.get("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|p| p.is_absolute() && p.is_dir())
    }

    /// Returns the Hugging Face hub cache, by the rules of huggingface_hub's `constants.py`: the first variable that is
    /// set wins.
    pub(super) fn hub_cache(&self) -> Option<PathBuf> {
        self.expanded("HF_HUB_CACHE")
            .or_else(|| self.expanded("HUGGINGFACE_HUB_CACHE"))
            .or_else(|| self.expanded("HF_HOME").map(|d| d.join("hub")))
            .or_else(|| self.hub_default("hub"))
    }

    fn hub_default(&self, part: &str) -> Option<PathBuf> {
        self.xdg("XDG_CACHE_HOME", ".cache").map(|d| d.join("huggingface").join(part))
    }

    /// Returns the folder where hf_xet keeps its chunks.
    pub(super) fn xet_cache(&self) -> Option<PathBuf> {
        self.expanded("HF_XET_CACHE")
            .or_else(|| self.expanded("HF_HOME").map(|d| d.join("xet")))
            .or_else(|| self.hub_default("xet"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_and_nonsense_is_refused_by_its_name() {
        let read = |text| Env::from_pairs(&[("LIMIT", text)]).duration("LIMIT");
        assert_eq!(read("90s").unwrap(), Some(Duration::from_secs(90)));
        assert_eq!(read("").unwrap(), None);
        for odd in ["soon", "9", "-1s"] {
            assert!(format!("{:#}", read(odd).unwrap_err()).contains(&format!("LIMIT is `{odd}`")));
        }
    }

    #[test]
    fn variables_of_the_hub_are_expanded_as_python_expands_them() {
        let expanded = |value: &str| {
            let pairs = [("HOME", "/home/u"), ("DISK", "/mnt/d"), ("A_1", "x"), ("HF_HOME", value)];
            Env::from_pairs(&pairs).expanded("HF_HOME").unwrap()
        };
        for (value, path) in [
            ("~/hf", "/home/u/hf"),
            ("$HOME/hf", "/home/u/hf"),
            ("${DISK}/hf", "/mnt/d/hf"),
            ("$DISK/${A_1}y/$A_1", "/mnt/d/xy/x"),
            ("/a/$NOT_SET/b", "/a/$NOT_SET/b"),
            ("/a/${NOT_SET}", "/a/${NOT_SET}"),
            ("/a/${open", "/a/${open"),
            ("/a/$", "/a/$"),
            ("/a/$/b", "/a/$/b"),
            ("/a/${}", "/a/${}"),
            ("/a~/b", "/a~/b"),
        ] {
            assert_eq!(expanded(value), Path::new(path), "{value}");
        }
    }

    #[test]
    fn a_variable_that_names_a_missing_folder_is_told_unless_another_takes_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let there = dir.path().to_str().unwrap();
        let names = |pairs: &[(&str, &str)]| -> Vec<&'static str> {
            super::super::roots::names_nothing(&Env::from_pairs(pairs)).into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(names(&[("OLLAMA_MODELS", "/not/there"), ("HF_HUB_CACHE", there)]), ["OLLAMA_MODELS"]);
        assert_eq!(names(&[("HF_HOME", "/not/there")]), ["HF_HOME"]);
        assert_eq!(names(&[("HF_HOME", there)]), [""; 0], "its folders are made when they are needed");
        assert_eq!(names(&[("HUGGINGFACE_HUB_CACHE", "/not/there"), ("HF_HUB_CACHE", there)]), [""; 0]);
        assert_eq!(
            names(&[("LLAMA_CACHE", "/not/there"), ("MODELS_PATH", "/not/there")]),
            ["LLAMA_CACHE", "MODELS_PATH"]
        );
        assert_eq!(names(&[("HOME", "/not/there")]), [""; 0]);
    }

    proptest::proptest! {
        #[test]
        fn any_value_is_expanded_without_a_panic(value in "[$~{}a-zA-Z_/é]{1,20}") {
            Env::from_pairs(&[("HF_HOME", &value), ("a", "b")]).expanded("HF_HOME");
        }
    }
}
