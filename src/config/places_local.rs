//! Places of programs that have stores of their own. Some programs name their place in a small file, which is read
//! here. Every path is returned whether it exists or not, and a file that is missing or names no place leaves the
//! default.

use super::env::Env;
use crate::model::StoreKind;
use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Largest settings file that is read, in bytes. A settings file of LM Studio has some kilobytes.
const MOST_BYTES: u64 = 1 << 20;

/// Returns LM Studio's models: `downloadsFolder` of the `settings.json` in its home, else `models` in its home. The
/// home is what `~/.lmstudio-home-pointer` says, else `~/.cache/lm-studio` when that exists (older versions), else
/// `~/.lmstudio`.
pub(super) fn lm_studio(env: &Env) -> Option<(PathBuf, StoreKind)> {
    #[derive(serde::Deserialize)]
    struct Settings {
        #[serde(rename = "downloadsFolder")]
        downloads_folder: Option<PathBuf>,
    }
    let home = lm_studio_home(env)?;
    let settings = small_text(&home.join("settings.json"));
    // Settings that cannot be read leave the default, as they do for LM Studio.
    let settings: Option<Settings> = settings.and_then(|text| serde_json::from_str(&text).ok());
    let folder = settings.and_then(|s| s.downloads_folder).map(|f| env.expand_home(&f));
    let models = folder.filter(|f| f.is_absolute()).unwrap_or_else(|| home.join("models"));
    Some((models, StoreKind::LmStudio))
}

fn lm_studio_home(env: &Env) -> Option<PathBuf> {
    let user = env.home()?;
    let pointer = small_text(&user.join(".lmstudio-home-pointer"));
    let pointed = pointer.map(|text| env.expand_home(Path::new(text.trim()))).filter(|p| p.is_absolute());
    let older = || Some(user.join(".cache/lm-studio")).filter(|p| p.is_dir());
    pointed.or_else(older).or_else(|| Some(user.join(".lmstudio")))
}

/// Returns llama.cpp's own cache, which may also hold repositories in the layout of Hugging Face.
pub(super) fn llama_cpp(env: &Env) -> Option<(PathBuf, StoreKind)> {
    let folder =
        env.path("LLAMA_CACHE").or_else(|| env.xdg("XDG_CACHE_HOME", ".cache").map(|d| d.join("llama.cpp")))?;
    Some((folder, StoreKind::LlamaCpp))
}

/// Returns RamaLama's stores: that of this user, and that of the system when this is root (`is_root`).
pub(super) fn ramalama(env: &Env, is_root: bool) -> Vec<(PathBuf, StoreKind)> {
    let own = env.xdg("XDG_DATA_HOME", ".local/share").map(|d| d.join("ramalama"));
    let system = is_root.then(|| PathBuf::from("/var/lib/ramalama"));
    own.into_iter().chain(system).map(|folder| (folder, StoreKind::RamaLama)).collect()
}

/// Returns the folder that Qt gives GPT4All, which downloads into it; an unfinished download is named
/// `incomplete-<file>`.
pub(super) fn gpt4all(env: &Env) -> Option<(PathBuf, StoreKind)> {
    Some((env.xdg("XDG_DATA_HOME", ".local/share")?.join("nomic.ai/GPT4All"), StoreKind::Dir))
}

/// Returns the text of a small regular file; None when there is none.
fn small_text(path: &Path) -> Option<String> {
    // A FIFO must not block. A file that cannot be opened leaves the default.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty()).ok()?);
    if !file.metadata().is_ok_and(|m| m.is_file() && m.len() <= MOST_BYTES) {
        return None;
    }
    let mut text = String::new();
    file.take(MOST_BYTES).read_to_string(&mut text).ok()?; // a file that is not text leaves the default
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    struct Home(tempfile::TempDir);

    impl Home {
        fn new() -> Home {
            Home(tempfile::tempdir().unwrap())
        }

        fn path(&self, relative: &str) -> PathBuf {
            self.0.path().join(relative)
        }

        fn write(&self, relative: &str, text: &str) {
            let path = self.path(relative);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn env(&self) -> Env {
            Env::from_pairs(&[("HOME", self.0.path().to_str().unwrap())])
        }

        fn lm_studio(&self) -> PathBuf {
            lm_studio(&self.env()).unwrap().0
        }
    }

    #[test]
    fn lm_studio_models_are_where_its_pointer_and_its_settings_say() {
        let home = Home::new();
        assert_eq!(home.lm_studio(), home.path(".lmstudio/models"));
        fs::create_dir_all(home.path(".cache/lm-studio")).unwrap();
        assert_eq!(home.lm_studio(), home.path(".cache/lm-studio/models"));
        home.write(".lmstudio-home-pointer", "~/apps/lms\n");
        assert_eq!(home.lm_studio(), home.path("apps/lms/models"));
        home.write("apps/lms/settings.json", r#"{"language": "en", "downloadsFolder": "/mnt/models"}"#);
        assert_eq!(home.lm_studio(), Path::new("/mnt/models"));
        home.write("apps/lms/settings.json", r#"{"downloadsFolder": "~/big"}"#);
        assert_eq!(home.lm_studio(), home.path("big"));
    }

    #[test]
    fn settings_that_say_nothing_leave_the_default() {
        let home = Home::new();
        let models = home.path(".lmstudio/models");
        let long = format!(r#"{{"downloadsFolder": "/{}"}}"#, "x".repeat(2 << 20));
        for text in ["", "{", "[]", r#"{"downloadsFolder": 3}"#, r#"{"downloadsFolder": ""}"#, &long] {
            home.write(".lmstudio/settings.json", text);
            assert_eq!(home.lm_studio(), models);
        }
        home.write(".lmstudio-home-pointer", " \n");
        assert_eq!(home.lm_studio(), models);
        fs::remove_file(home.path(".lmstudio-home-pointer")).unwrap();
        let fifo = rustix::fs::FileType::Fifo;
        let pointer = home.path(".lmstudio-home-pointer");
        rustix::fs::mknodat(rustix::fs::CWD, &pointer, fifo, Mode::from(0o600), 0).unwrap();
        assert_eq!(home.lm_studio(), models);
        assert_eq!(lm_studio(&Env::from_pairs(&[])), None);
    }

    #[test]
    fn the_other_places_follow_their_variables() {
        let at = |env: &[(&str, &str)]| {
            let env = Env::from_pairs(env);
            (llama_cpp(&env).map(|p| p.0), ramalama(&env, false).pop().map(|p| p.0), gpt4all(&env).map(|p| p.0))
        };
        let some = |path: &str| Some(PathBuf::from(path));
        assert_eq!(at(&[]), (None, None, None));
        let of_home = at(&[("HOME", "/h")]);
        assert_eq!(of_home.0, some("/h/.cache/llama.cpp"));
        assert_eq!(of_home.1, some("/h/.local/share/ramalama"));
        assert_eq!(of_home.2, some("/h/.local/share/nomic.ai/GPT4All"));
        let moved = at(&[("HOME", "/h"), ("XDG_CACHE_HOME", "/c"), ("XDG_DATA_HOME", "/d")]);
        assert_eq!(moved, (some("/c/llama.cpp"), some("/d/ramalama"), some("/d/nomic.ai/GPT4All")));
        assert_eq!(at(&[("HOME", "/h"), ("XDG_CACHE_HOME", "/c"), ("LLAMA_CACHE", "~/l")]).0, some("/h/l"));
        let root = ramalama(&Env::from_pairs(&[("HOME", "/root")]), true);
        let paths: Vec<_> = root.iter().map(|(path, store)| (path.to_str().unwrap(), *store)).collect();
        let expected = ["/root/.local/share/ramalama", "/var/lib/ramalama"].map(|p| (p, StoreKind::RamaLama));
        assert_eq!(paths, expected);
    }
}
