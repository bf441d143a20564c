//! The Python of a service, read from its files: nothing of it is run or imported.

use super::super::{Fact, Place};
use super::types::PythonFacts;
use crate::clock::Timestamp;
use std::path::{Path, PathBuf};

/// Most bytes of a file that are read.
const MOST_BYTES: u64 = 64 << 10;

/// Reads the Python whose interpreter is `interpreter` (`/srv/venv/bin/python3`).
pub fn read(place: &Place, interpreter: &Path, now: Timestamp) -> Fact<PythonFacts> {
    let source = interpreter.display().to_string();
    let Some(base) = interpreter.parent().and_then(Path::parent) else {
        return Fact::absent(source, now, "it is not in a Python installation");
    };
    let mut facts = PythonFacts { interpreter: interpreter.to_path_buf(), ..PythonFacts::default() };
    for lib in ["lib", "lib64", "local/lib"] {
        // A base without this folder has its packages in another of them.
        let Ok(entries) = std::fs::read_dir(place.at(base.join(lib))) else { continue };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(version) = name.strip_prefix("python3") else { continue };
            for packages in ["site-packages", "dist-packages"] {
                let folder = base.join(lib).join(&name).join(packages);
                if place.at(&folder).is_dir() {
                    facts.version.get_or_insert_with(|| format!("3{version}"));
                    facts.site_packages.push(folder);
                }
            }
        }
    }
    // Debian's own Python has its packages beside the versions.
    for folder in ["lib/python3/dist-packages"].map(|folder| base.join(folder)) {
        if place.at(&folder).is_dir() && !facts.site_packages.contains(&folder) {
            facts.site_packages.push(folder);
        }
    }
    facts.site_packages.sort();
    facts.site_packages.dedup();
    if facts.site_packages.is_empty() {
        return Fact::absent(source, now, "no package directory belongs to it");
    }
    for folder in &facts.site_packages {
        if let Some(text) = text(&place.at(folder.join("torch/version.py"))) {
            facts.torch_version = assigned(&text, "__version__").flatten();
            facts.torch_cuda = assigned(&text, "cuda");
        }
        facts.ctranslate2_version =
            facts.ctranslate2_version.or_else(|| distribution(&place.at(folder), "ctranslate2"));
    }
    Fact::ok(source, now, facts)
}

fn text(path: &Path) -> Option<String> {
    use std::io::Read;
    let mut text = String::new();
    // A package that is not there has no version.
    std::fs::File::open(path).ok()?.take(MOST_BYTES).read_to_string(&mut text).ok()?;
    Some(text)
}

/// Returns what a line `NAME = 'value'` or `NAME: Optional[str] = None` assigns; Some(None) for None.
fn assigned(text: &str, name: &str) -> Option<Option<String>> {
    text.lines().find_map(|line| {
        let rest = line.strip_prefix(name)?;
        if !rest.starts_with([' ', ':', '=']) {
            return None;
        }
        let value = rest.split_once('=')?.1.trim();
        if value == "None" {
            return Some(None);
        }
        Some(Some(value.trim_matches(['\'', '"']).to_owned()))
    })
}

/// Returns the version of a distribution by the name of its folder, `NAME-VERSION.dist-info`.
fn distribution(packages: &Path, name: &str) -> Option<String> {
    // As above.
    let entries = std::fs::read_dir(packages).ok()?;
    entries.flatten().find_map(|entry| {
        let folder = entry.file_name().to_string_lossy().into_owned();
        let version = folder.strip_suffix(".dist-info")?.strip_prefix(name)?.strip_prefix('-')?;
        Some(version.to_owned())
    })
}

/// Returns the interpreter of a command line, an absolute path, where it is one.
pub fn interpreter(argv: &[String], exe: Option<&Path>) -> Option<PathBuf> {
    let is_python = |word: &str| super::command::file_name(word).starts_with("python");
    match argv.first() {
        Some(word) if word.starts_with('/') && is_python(word) => Some(PathBuf::from(word)),
        _ => exe.filter(|path| is_python(&path.to_string_lossy())).map(Path::to_path_buf),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn a_torch_without_cuda_is_seen_without_importing_it() {
        let root = tempfile::tempdir().unwrap();
        let packages = root.path().join("venv/lib/python3.12/site-packages");
        std::fs::create_dir_all(packages.join("torch")).unwrap();
        std::fs::create_dir_all(packages.join("ctranslate2-4.4.0.dist-info")).unwrap();
        let version = "from typing import Optional\n\n__all__ = ['x']\n__version__ = '2.5.1+cpu'\ndebug = False\ncuda: \
                       Optional[str] = None\n";
        std::fs::write(packages.join("torch/version.py"), version).unwrap();
        let read = read(&Place::new(root.path()), Path::new("/venv/bin/python3"), clock::now());
        let facts = read.known().unwrap();
        assert_eq!(facts.torch_version.as_deref(), Some("2.5.1+cpu"));
        assert_eq!(facts.torch_cuda, Some(None));
        assert_eq!(facts.ctranslate2_version.as_deref(), Some("4.4.0"));
        assert_eq!(facts.version.as_deref(), Some("3.12"));
    }

    #[test]
    fn the_interpreter_is_that_of_the_environment_and_not_where_its_link_leads() {
        let argv = ["/srv/venv/bin/python3", "-m", "x"].map(str::to_owned);
        assert_eq!(interpreter(&argv, Some(Path::new("/usr/bin/python3.12"))), Some("/srv/venv/bin/python3".into()));
        let bare = ["python3".to_owned()];
        assert_eq!(interpreter(&bare, Some(Path::new("/usr/bin/python3.12"))), Some("/usr/bin/python3.12".into()));
        assert_eq!(interpreter(&["llama-server".to_owned()], Some(Path::new("/usr/bin/llama-server"))), None);
    }
}
