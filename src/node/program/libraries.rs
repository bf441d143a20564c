//! Where the loader finds the libraries of a program (ld.so(8)), without running it.

use super::super::{Fact, Place};
use super::elf::{self, Elf};
use super::types::Library;
use crate::clock::Timestamp;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Libraries that are followed; a real program has some dozens.
const MOST: usize = 400;
/// Entries that are looked at while a missing library is searched for elsewhere.
const MOST_SEARCHED: usize = 20_000;

/// Folders that every loader searches.
const DEFAULT: &[&str] = &["/lib64", "/usr/lib64", "/lib", "/usr/lib"];
/// Folders where people have libraries that the loader does not search.
const ELSEWHERE: &[&str] = &["/usr/local", "/opt"];

/// Lists the libraries that `program` needs, directly or through others, with where they are found.
/// `library_path` is the `LD_LIBRARY_PATH` of the service.
pub fn needed(place: &Place, program: &Path, library_path: Option<&str>, now: Timestamp) -> Fact<Vec<Library>> {
    let source = format!("headers of {}", program.display());
    let first = match elf::read(&place.at(program)) {
        Ok(elf) => elf,
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            return Fact::absent(source, now, format!("it {error}"));
        }
        Err(error) => return Fact::io_error(source, now, &error, "the user of the service, or root"),
    };
    let search = Search { place, named: split(library_path.unwrap_or_default()), cached: configured(place) };
    let mut known = BTreeSet::new();
    let mut found = Vec::new();
    let mut open = vec![(program.to_path_buf(), first)];
    while let Some((from, elf)) = open.pop() {
        for name in &elf.needed {
            if found.len() >= MOST || !known.insert(name.clone()) {
                continue;
            }
            let at = search.find(name, &from, &elf);
            let mut library =
                Library { name: name.clone(), found: None, by: None, elsewhere: None, wants_executable_stack: false };
            match at {
                Some((path, by)) => {
                    if let Ok(inner) = elf::read(&place.at(&path)) {
                        library.wants_executable_stack = inner.wants_executable_stack;
                        open.push((path.clone(), inner));
                    }
                    library.found = Some(path);
                    library.by = Some(by.to_owned());
                }
                None => library.elsewhere = elsewhere(place, name, program),
            }
            found.push(library);
        }
    }
    Fact::ok(source, now, found)
}

struct Search<'a> {
    place: &'a Place,
    named: Vec<PathBuf>,
    cached: Vec<PathBuf>,
}

impl Search<'_> {
    fn find(&self, name: &str, from: &Path, elf: &Elf) -> Option<(PathBuf, &'static str)> {
        if name.contains('/') {
            let path = PathBuf::from(name);
            return self.place.at(&path).exists().then_some((path, "path"));
        }
        let origin = from.parent().unwrap_or(Path::new("/")).to_string_lossy().into_owned();
        let own = |paths: &Option<String>| {
            split(&paths.clone().unwrap_or_default().replace("${ORIGIN}", &origin).replace("$ORIGIN", &origin))
        };
        let rpath = if elf.runpath.is_none() { own(&elf.rpath) } else { Vec::new() };
        let steps = [
            (rpath, "RPATH"),
            (self.named.clone(), "LD_LIBRARY_PATH"),
            (own(&elf.runpath), "RUNPATH"),
            (self.cached.clone(), "ld.so.conf"),
            (DEFAULT.iter().map(PathBuf::from).collect(), "default"),
        ];
        steps.into_iter().find_map(|(folders, by)| {
            let path =
                folders.into_iter().map(|folder| folder.join(name)).find(|path| self.place.at(path).is_file())?;
            Some((path, by))
        })
    }
}

fn split(paths: &str) -> Vec<PathBuf> {
    paths.split([':', ';']).filter(|path| !path.is_empty()).map(PathBuf::from).collect()
}

/// Returns the folders of `/etc/ld.so.conf` and of the files that it includes.
fn configured(place: &Place) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    // A machine without this file has the default folders alone.
    let text = std::fs::read_to_string(place.at("/etc/ld.so.conf")).unwrap_or_default();
    for line in text.lines() {
        match line.trim().strip_prefix("include ") {
            Some(pattern) => {
                let folder = Path::new(pattern.trim()).parent().unwrap_or(Path::new("/etc/ld.so.conf.d"));
                // As above: a folder that is not there includes nothing.
                let Ok(entries) = std::fs::read_dir(place.at(folder)) else { continue };
                let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
                files.sort();
                for file in files.iter().filter(|file| file.extension().is_some_and(|end| end == "conf")) {
                    folders.extend(lines(&std::fs::read_to_string(file).unwrap_or_default()));
                }
            }
            None => folders.extend(lines(line)),
        }
    }
    // Debian's and Ubuntu's loaders search these even without the file.
    folders
        .extend(["/lib", "/usr/lib"].map(|base| Path::new(base).join(format!("{}-linux-gnu", std::env::consts::ARCH))));
    folders
}

fn lines(text: &str) -> Vec<PathBuf> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    lines.filter(|line| line.starts_with('/')).map(PathBuf::from).collect()
}

/// Searches for a library where the loader does not: beside the program and in the usual places for software by hand.
fn elsewhere(place: &Place, name: &str, program: &Path) -> Option<PathBuf> {
    let beside = program.parent().and_then(Path::parent).map(Path::to_path_buf);
    let folders = beside.into_iter().filter(|folder| folder.parent().is_some());
    let folders = folders.chain(ELSEWHERE.iter().map(PathBuf::from));
    let mut left = MOST_SEARCHED;
    for folder in folders {
        let walk = walkdir::WalkDir::new(place.at(&folder)).max_depth(5).into_iter();
        for entry in walk {
            left = left.checked_sub(1)?;
            // A folder that cannot be read holds nothing that the service could load.
            let Ok(entry) = entry else { continue };
            if entry.file_name() == name {
                let below = entry.path().strip_prefix(place.at("/")).unwrap_or(entry.path());
                return Some(Path::new("/").join(below));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn every_library_of_our_own_program_is_found() {
        let exe = std::env::current_exe().unwrap();
        let needed = needed(&Place::default(), &exe, None, clock::now());
        let libraries = needed.known().unwrap();
        assert!(libraries.iter().any(|library| library.name.starts_with("libc.so")));
        assert!(libraries.iter().all(|library| library.found.is_some()), "{libraries:?}");
    }

    #[test]
    fn a_library_outside_of_the_loaders_folders_is_named() {
        let root = tempfile::tempdir().unwrap();
        let bin = root.path().join("opt/llama/bin");
        std::fs::create_dir_all(&bin).unwrap();
        std::fs::create_dir_all(root.path().join("opt/llama/lib")).unwrap();
        std::fs::copy("/proc/self/exe", bin.join("llama-server")).unwrap();
        std::fs::write(root.path().join("opt/llama/lib/libc.so.6"), "").unwrap();
        let place = Place::new(root.path());
        let program = Path::new("/opt/llama/bin/llama-server");
        let found = |path: Option<&str>| {
            let all = needed(&place, program, path, clock::now());
            all.known().unwrap().iter().find(|library| library.name == "libc.so.6").cloned().unwrap()
        };
        let missing = found(None);
        assert_eq!((missing.found, missing.elsewhere), (None, Some("/opt/llama/lib/libc.so.6".into())));
        let by_variable = found(Some("/opt/llama/lib"));
        assert_eq!(by_variable.by.as_deref(), Some("LD_LIBRARY_PATH"));
    }
}
