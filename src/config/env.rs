use super::{Root, places, places_local};
use crate::failure::Failure;
use crate::model::StoreKind;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::ops::RangeInclusive;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

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

    /// A whole number within bounds.
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

    /// A path, with a leading `~` made the home folder.
    pub fn path(&self, key: &str) -> Option<PathBuf> {
        self.get(key).map(|v| self.expand_home(Path::new(v)))
    }

    /// Whether it is `1` or `true`; whatever else it is, it is not.
    pub fn says_yes(&self, key: &str) -> bool {
        self.text(key).is_some_and(|word| word == "1" || word.eq_ignore_ascii_case("true"))
    }

    /// A colon-separated list of paths without its empty members; None when nothing is left.
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

    /// A comma-separated list of words without its empty members.
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

    /// A folder of the XDG base directory specification 0.8, which ignores relative values.
    pub(super) fn xdg(&self, key: &str, below_home: &str) -> Option<PathBuf> {
        self.get(key).map(PathBuf::from).filter(|p| p.is_absolute()).or_else(|| self.home().map(|h| h.join(below_home)))
    }

    pub(super) fn config_home(&self) -> Option<PathBuf> {
        self.xdg("XDG_CONFIG_HOME", ".config")
    }

    /// systemd sets `STATE_DIRECTORY` for a unit with `StateDirectory=`; without it and without a home this is a
    /// service all the same.
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

    /// Unlike the other XDG folders this one has no default below the home.
    fn xdg_runtime(&self) -> Option<PathBuf> {
        self.get("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|p| p.is_absolute() && p.is_dir())
    }

    /// The Hugging Face hub cache, by the rules of huggingface_hub's `constants.py`: the first variable set wins.
    fn hub_cache(&self) -> Option<PathBuf> {
        self.path("HF_HUB_CACHE")
            .or_else(|| self.path("HUGGINGFACE_HUB_CACHE"))
            .or_else(|| self.path("HF_HOME").map(|d| d.join("hub")))
            .or_else(|| self.xdg("XDG_CACHE_HOME", ".cache").map(|d| d.join("huggingface/hub")))
    }

    /// The known default places, whether they exist or not: every store of a user and of the services of a machine.
    pub(super) fn default_roots(&self) -> Vec<Root> {
        let hub = self.hub_cache().map(|p| (p, StoreKind::Hf));
        let xet = self.xet_cache().map(|p| (p, StoreKind::Hf));
        let is_root = rustix::process::geteuid().is_root();
        let stores =
            [hub, xet, places_local::llama_cpp(self), places_local::lm_studio(self), places_local::gpt4all(self)];
        let stores = stores.into_iter().flatten();
        let stores = stores.chain(places::ollama(self)).chain(places::docker(self));
        let stores = stores.chain(places_local::ramalama(self, is_root));
        let models = self.home().map(|h| Root::folder(h.join("models")));
        stores.map(|(path, store)| Root::store(path, store)).chain(models).collect()
    }

    /// Where hf_xet keeps its chunks.
    fn xet_cache(&self) -> Option<PathBuf> {
        self.path("HF_XET_CACHE")
            .or_else(|| self.path("HF_HOME").map(|d| d.join("xet")))
            .or_else(|| self.xdg("XDG_CACHE_HOME", ".cache").map(|d| d.join("huggingface/xet")))
    }
}
