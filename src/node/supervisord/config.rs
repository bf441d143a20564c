use super::expand::{Names, expand};
use super::ini::{self, Section};
use super::processes;
use super::types::SupervisordSearch;
use crate::clock::Timestamp;
use crate::node::Place;
use globset::GlobBuilder;
use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;
use walkdir::WalkDir;

/// The longest config file that is read, in bytes.
const LONGEST: u64 = 1 << 20;
/// The most files that `[include]` may lead to.
const MOST_FILES: usize = 500;

/// A config file with what it includes. Values are expanded but for what only the environment of supervisord knows.
#[derive(Debug, Clone, Default)]
pub(super) struct Config {
    pub path: PathBuf,
    pub sections: Vec<Placed>,
    /// Names that are known in every value.
    pub names: Names,
    /// Every file that was read, and the time of the last change of any of them.
    pub files: Vec<PathBuf>,
    pub changed: Option<Timestamp>,
    /// What could not be read or understood, in words.
    pub errors: Vec<String>,
}

/// A section and where it stands. Values of later files replace those of earlier ones.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub section: Section,
    pub file: PathBuf,
}

impl Config {
    /// Reads a config file and what it includes. `environment` is that of its supervisord, where it is known.
    pub fn read(place: &Place, path: &Path, environment: Names) -> Config {
        let mut config = Config { path: path.to_owned(), names: environment, ..Config::default() };
        let here = folder(path);
        config.names.insert("here".to_owned(), here.display().to_string());
        config.add(place, path);
        let patterns = config.value("include", "files").unwrap_or_default();
        for pattern in patterns.split_whitespace() {
            config.include(place, &here.join(pattern));
        }
        // Variables that supervisord sets for itself are known in programs too.
        for (name, value) in config.environment("supervisord", &config.names) {
            config.names.insert(format!("ENV_{name}"), value);
        }
        config
    }

    /// Reads the config file of a search again. None: it has none.
    pub fn of_search(place: &Place, search: &SupervisordSearch) -> Option<Config> {
        let path = search.config_file.as_ref()?;
        let running = processes::running(place);
        let is_its_own = |process: &&processes::Running| {
            search.processes.first().is_some_and(|(pid, _)| *pid == process.pid)
                && process.config_files().contains(path)
        };
        let process = running.iter().find(is_its_own);
        let environment = process.map(|process| processes::environment(place, process.pid)).unwrap_or_default();
        Some(Config::read(place, path, environment))
    }

    pub fn section(&self, name: &str) -> Option<&Placed> {
        self.sections.iter().find(|placed| placed.section.name == name)
    }

    /// Returns an expanded value; None: not set.
    pub fn value(&self, section: &str, key: &str) -> Option<String> {
        let value = self.section(section)?.section.values.get(key)?;
        Some(expand(value.trim(), &self.names)).filter(|value| !value.is_empty())
    }

    /// Returns the variables of a section's `environment=`.
    pub fn environment(&self, section: &str, names: &Names) -> Vec<(String, String)> {
        let value = self.section(section).and_then(|placed| placed.section.values.get("environment"));
        value.map(|value| pairs(&expand(value, names))).unwrap_or_default()
    }

    /// Returns the errors as one sentence.
    pub fn error(&self) -> Option<String> {
        (!self.errors.is_empty()).then(|| self.errors.join("; "))
    }

    fn add(&mut self, place: &Place, path: &Path) {
        let (text, changed) = match read(&place.at(path)) {
            Ok(read) => read,
            Err(error) => return self.errors.push(format!("{}: {error}", path.display())),
        };
        self.files.push(path.to_owned());
        self.changed = self.changed.max(changed);
        let sections = match ini::parse(&text) {
            Ok(sections) => sections,
            Err(error) => return self.errors.push(format!("{}: {error}", path.display())),
        };
        // `here` is the folder of the file in which the value stands.
        let here = Names::from([("here".to_owned(), folder(path).display().to_string())]);
        for mut section in sections {
            for value in section.values.values_mut() {
                *value = value.replace("%%", "%%%%");
                *value = expand(value, &here);
            }
            match self.sections.iter_mut().find(|placed| placed.section.name == section.name) {
                Some(placed) => placed.section.values.extend(section.values),
                None => self.sections.push(Placed { section, file: path.to_owned() }),
            }
        }
    }

    fn include(&mut self, place: &Place, pattern: &Path) {
        match matching(place, pattern) {
            Ok(files) => {
                for file in files.into_iter().take(MOST_FILES.saturating_sub(self.files.len())) {
                    self.add(place, &file);
                }
            }
            Err(error) => self.errors.push(format!("[include] {}: {error}", pattern.display())),
        }
    }
}

fn folder(path: &Path) -> PathBuf {
    path.parent().map(Path::to_owned).unwrap_or_default()
}

fn read(path: &Path) -> io::Result<(String, Option<Timestamp>)> {
    // Opening a FIFO must not wait for a writer.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes)?;
    let changed = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()); // unknown
    let changed = changed.and_then(|since| i64::try_from(since.as_millis()).ok()).map(Timestamp); // as above
    Ok((String::from_utf8_lossy(&bytes).into_owned(), changed))
}

/// Returns the files that match a pattern, sorted. As with Python's `glob`, `*` matches no hidden name.
fn matching(place: &Place, pattern: &Path) -> Result<Vec<PathBuf>, String> {
    let is_pattern = |part: &std::path::Component<'_>| part.as_os_str().to_string_lossy().contains(['*', '?', '[']);
    let fixed: PathBuf = pattern.components().take_while(|part| !is_pattern(part)).collect();
    let depth = pattern.components().count().saturating_sub(fixed.components().count());
    if depth == 0 {
        return Ok(vec![fixed]);
    }
    let rest = pattern.strip_prefix(&fixed).unwrap_or(pattern).to_string_lossy().into_owned();
    let glob = GlobBuilder::new(&rest).literal_separator(true).build().map_err(|error| error.to_string())?;
    let matcher = glob.compile_matcher();
    let root = place.at(&fixed);
    let is_hidden = |path: &Path| path.components().any(|part| part.as_os_str().to_string_lossy().starts_with('.'));
    let mut files = Vec::new();
    let walk = WalkDir::new(&root).min_depth(depth).max_depth(depth).follow_links(true);
    for entry in walk.into_iter().take(10 * MOST_FILES) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if error.io_error().is_some_and(|error| error.kind() == io::ErrorKind::NotFound) => continue,
            Err(error) => return Err(error.to_string()),
        };
        let Ok(name) = entry.path().strip_prefix(&root) else { continue };
        if matcher.is_match(name) && !is_hidden(name) {
            files.push(fixed.join(name));
        }
    }
    files.sort();
    Ok(files)
}

/// Parses `A="b c",D=e`: pairs with commas between them, values in either kind of quotes.
fn pairs(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    let is_between = |c: char| c == ',' || c.is_whitespace();
    while let Some((key, after)) = rest.trim_start_matches(is_between).split_once('=') {
        let after = after.trim_start();
        let (value, after) = match after.strip_prefix(['"', '\'']) {
            Some(inner) => {
                let quote = if after.starts_with('"') { '"' } else { '\'' };
                inner.split_once(quote).unwrap_or((inner, ""))
            }
            None => after.split_at_checked(after.find(is_between).unwrap_or(after.len())).unwrap_or((after, "")),
        };
        found.push((key.trim().to_owned(), value.to_owned()));
        rest = after;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A variable that is read with its neighbour's value would be blamed for a failure that it did not cause.
    #[test]
    fn variables_are_split_at_commas_outside_of_quotes() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        let read = pairs("A=\"b, c\",U='http://u:p@h/',\n  PORT=80,E=");
        assert_eq!(read, [pair("A", "b, c"), pair("U", "http://u:p@h/"), pair("PORT", "80"), pair("E", "")]);
        assert_eq!(pairs("nonsense"), []);
    }

    /// Programs that are in included files would be missing.
    #[test]
    fn includes_follow_patterns_and_know_their_own_folder() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write(
            "etc/supervisord.conf",
            "[supervisord]\nlogfile=%(here)s/a.log\nenvironment=B=\"1\"\n[include]\nfiles=c.d/*.conf no*.x\n",
        );
        write("etc/c.d/b.conf", "[program:b]\ncommand=%(here)s/b %(ENV_B)s %(ENV_UNKNOWN)s\n");
        write("etc/c.d/.hidden.conf", "[program:hidden]\ncommand=x\n");
        let config = Config::read(&Place::new(root.path()), Path::new("/etc/supervisord.conf"), Names::new());
        assert_eq!(config.error(), None);
        assert_eq!(config.files, [Path::new("/etc/supervisord.conf"), Path::new("/etc/c.d/b.conf")]);
        assert_eq!(config.value("supervisord", "logfile").unwrap(), "/etc/a.log");
        assert_eq!(config.value("program:b", "command").unwrap(), "/etc/c.d/b 1 %(ENV_UNKNOWN)s");
        assert!(config.changed.is_some() && config.section("program:hidden").is_none());
    }
}
