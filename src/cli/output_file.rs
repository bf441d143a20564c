//! Output files of answers: each appears whole, and never replaces another file of the same command line.

use crate::failure::{Failure, Kind, OrFail};
use crate::ui::text;
use anyhow::Context;
use std::fs::{self, Metadata};
use std::io::{BufWriter, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file that appears whole under its name, or not at all.
pub struct Target {
    path: PathBuf,
    file: BufWriter<tempfile::NamedTempFile>,
}

impl Target {
    /// Opens a temporary file next to `path`. Refuses a path that cannot be such a file: a folder, a device, a place
    /// where nothing can be written.
    pub fn new(path: &Path) -> anyhow::Result<Target> {
        // A rename would replace a device by a file, and would replace a link instead of the file that it points to.
        let path = match fs::metadata(path) {
            Ok(there) if !there.is_file() => {
                return Err(Failure::cannot_meet(format!("`{}` is not a regular file", text::path(path)))
                    .hint("`modelctl task export` without --output writes to standard output")
                    .into());
            }
            Ok(_) => &fs::canonicalize(path).or_fail(|| Target::failure(path))?,
            Err(_) => path,
        };
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // An error of the temporary file would name that.
        fs::metadata(folder).or_fail(|| Target::failure(path))?;
        let file = tempfile::Builder::new()
            .prefix(".modelctl-export-")
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666))
            .tempfile_in(folder)
            .or_fail(|| Target::failure(path))?;
        Ok(Target { path: path.to_owned(), file: BufWriter::new(file) })
    }

    fn failure(path: &Path) -> Failure {
        Failure::cannot_meet(format!("cannot write `{}`", text::path(path)))
    }

    pub fn write(&mut self, line: &[u8]) -> anyhow::Result<()> {
        self.file.write_all(line).or_fail(|| Target::failure(&self.path))
    }

    pub fn keep(self) -> anyhow::Result<()> {
        let path = self.path;
        let keep = || -> anyhow::Result<()> {
            let file = self.file.into_inner().context("writing the rest")?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            Ok(())
        };
        keep().or_fail(|| Target::failure(&path))
    }
}

/// Refuses (2) a command line that names one file twice, also through a link or by another path: the file written last
/// would replace the other. Each path comes with its word on the command line; `-` is standard input.
pub fn distinct(named: &[(&str, Option<&Path>)]) -> anyhow::Result<()> {
    let files: Vec<(&str, Place)> =
        named.iter().filter_map(|(word, path)| path.map(|path| (*word, Place::of(path)))).collect();
    for (at, (word, place)) in files.iter().enumerate() {
        if let Some((other, _)) = files.iter().take(at).find(|(_, before)| before.is(place)) {
            return Err(Failure::new(Kind::Usage, format!("{other} and {word} name the same file"))
                .hint("use different files")
                .into());
        }
    }
    Ok(())
}

/// The file that a path leads to, whether or not it exists yet.
struct Place {
    path: PathBuf,
    there: Option<Metadata>,
}

impl Place {
    fn of(path: &Path) -> Place {
        let path = if path == Path::new("-") { Path::new("/dev/stdin") } else { path };
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let beside = || Some(fs::canonicalize(folder).ok()?.join(path.file_name()?)); // None: no file can be there
        let path = fs::canonicalize(path).ok().or_else(beside).unwrap_or_else(|| path.to_owned()); // does not exist
        let there = fs::metadata(&path).ok(); // likewise
        Place { path, there }
    }

    fn is(&self, other: &Place) -> bool {
        let same = |a: &Metadata, b: &Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
        self.path == other.path || self.there.as_ref().zip(other.there.as_ref()).is_some_and(|(a, b)| same(a, b))
    }
}
