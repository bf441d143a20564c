use super::{BUNDLE_SCHEMA, FACTS, FileEntry, LOGS, MANIFEST, MOST_BYTES, Manifest, Missing, REPORT, TEXT, sha256};
use crate::node::Fact;
use crate::node::log::{LogFacts, LogLine};
use crate::triage::facts::Facts;
use crate::triage::judge::JudgeOptions;
use crate::triage::report::Report;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Room for the headers of the archive and its manifest.
const ROOM: u64 = 2 << 20;

/// What is written.
#[derive(Debug, Clone, Copy)]
pub struct Contents<'a> {
    pub facts: &'a Facts,
    pub report: &'a Report,
    pub options: &'a JudgeOptions,
    /// The answer as a person reads it.
    pub text: &'a str,
}

/// The form of an archive, by the end of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Tar,
    Zstd,
}

impl Form {
    /// Returns the form for a file name; None for a name that is neither `.tar` nor `.tar.zst`.
    pub fn of(path: &Path) -> Option<Form> {
        let name = path.file_name()?.to_str()?;
        match name {
            name if name.ends_with(".tar") => Some(Form::Tar),
            name if name.ends_with(".tar.zst") => Some(Form::Zstd),
            _ => None,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("the name must end with .tar or .tar.zst")]
    Name,
    #[error("the file already exists, and a bundle never replaces a file")]
    Exists,
    #[error("it would exceed 64 MiB even without logs")]
    TooLarge,
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("the facts cannot be written as JSON")]
    Json(#[from] serde_json::Error),
}

/// A bundle that is being written: a temporary file (0600) in the same folder, which gets its name when it is whole.
/// Dropped, it leaves nothing.
pub struct Target {
    path: PathBuf,
    form: Form,
    file: NamedTempFile,
}

impl Target {
    /// Checks that the bundle can be written, before anything is collected.
    ///
    /// # Errors
    /// When the name is that of another kind of file or is taken (also by a dangling link), or when nothing can
    /// be written in the folder.
    pub fn new(path: &Path) -> Result<Target, WriteError> {
        let form = Form::of(path).ok_or(WriteError::Name)?;
        if path.symlink_metadata().is_ok() {
            return Err(WriteError::Exists);
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = tempfile::Builder::new().prefix(".modelctl-bundle-").tempfile_in(folder)?;
        Ok(Target { path: path.to_owned(), form, file })
    }

    /// Writes the bundle and gives it its name.
    ///
    /// # Errors
    /// A full disk, a name that was taken meanwhile; nothing is left then.
    pub fn write(mut self, contents: &Contents<'_>) -> Result<(), WriteError> {
        let files = files(contents)?;
        match self.form {
            Form::Tar => archive(self.file.as_file_mut(), &files)?,
            Form::Zstd => {
                let mut to = zstd::Encoder::new(self.file.as_file_mut(), 3)?;
                archive(&mut to, &files)?;
                to.finish()?;
            }
        }
        self.file.as_file().sync_all()?;
        match self.file.persist_noclobber(&self.path) {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Err(WriteError::Exists),
            Err(error) => Err(error.error.into()),
        }
    }
}

/// Writes the files as a tar archive. Order, times and owners are the same for the same files.
fn archive(to: impl Write, files: &[(String, Vec<u8>)]) -> io::Result<()> {
    let mut tar = tar::Builder::new(to);
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        header.set_entry_type(tar::EntryType::Regular);
        tar.append_data(&mut header, name, bytes.as_slice())?;
    }
    tar.into_inner()?.flush()
}

/// Returns the files of the archive, the manifest first.
fn files(contents: &Contents<'_>) -> Result<Vec<(String, Vec<u8>)>, WriteError> {
    let Contents { facts, report, options, text } = contents;
    let mut files = vec![
        (FACTS.to_owned(), serde_json::to_vec(facts)?),
        (REPORT.to_owned(), serde_json::to_vec_pretty(report)?),
        (TEXT.to_owned(), text.as_bytes().to_vec()),
    ];
    let size = |files: &[(String, Vec<u8>)]| files.iter().map(|(_, bytes)| bytes.len() as u64 + 1024).sum::<u64>();
    if size(&files) > MOST_BYTES - ROOM {
        return Err(WriteError::TooLarge);
    }
    let mut left_out = Vec::new();
    let mut of = BTreeMap::new();
    for (name, path, bytes) in logs(facts) {
        if size(&files) + bytes.len() as u64 > MOST_BYTES - ROOM {
            left_out.push(format!("{name}: {}", path.display()));
            continue;
        }
        of.insert(name.clone(), path);
        files.push((name, bytes));
    }
    let entry = |(name, bytes): &(String, Vec<u8>)| FileEntry {
        name: name.clone(),
        size: bytes.len() as u64,
        sha256: sha256(bytes),
        of: of.get(name).cloned(),
    };
    let manifest = Manifest {
        schema: BUNDLE_SCHEMA,
        modelctl: facts.modelctl.clone(),
        time: facts.taken,
        took_ms: report.took_ms,
        redacted: report.redacted,
        options: (*options).clone(),
        collectors: facts.collectors.clone(),
        missing: report.unknown.iter().map(Missing::from).collect(),
        files: files.iter().map(entry).collect(),
        left_out,
    };
    files.insert(0, (MANIFEST.to_owned(), serde_json::to_vec_pretty(&manifest)?));
    Ok(files)
}

/// Returns the kept lines of every log as text: name in the archive, place on the node, bytes.
fn logs(facts: &Facts) -> Vec<(String, PathBuf, Vec<u8>)> {
    let of_supervisors =
        facts.supervisords.iter().flat_map(|supervisord| &supervisord.logs).map(|log| ("supervisord", log));
    let of_services =
        facts.services.iter().flat_map(|service| service.logs.iter().map(move |log| (service.name(), log)));
    let known = of_supervisors.chain(of_services).filter_map(|(owner, log)| Some((owner, Fact::known(log)?)));
    let named = known.enumerate().map(|(at, (owner, log))| {
        let safe: String =
            owner.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).take(40).collect();
        (format!("{LOGS}{:03}-{safe}.txt", at + 1), log.path.clone(), lines(log))
    });
    named.collect()
}

fn lines(log: &LogFacts) -> Vec<u8> {
    let mut text = format!(
        "# {} ({} bytes, {} lines read)\n# lines that rules use, and errors\n",
        log.path.display(),
        log.size,
        log.lines_read
    );
    log.marked.iter().for_each(|line| push(&mut text, line));
    text.push_str("# the last lines\n");
    log.last.iter().for_each(|line| push(&mut text, line));
    text.into_bytes()
}

fn push(text: &mut String, line: &LogLine) {
    if let Some(number) = line.line {
        text.push_str(&format!("{number}: "));
    }
    text.push_str(&line.text);
    text.push('\n');
}
