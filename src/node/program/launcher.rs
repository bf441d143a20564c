//! The program that a command starts: whether it is there, may be run, and is made for this machine.

use super::super::model_file::FileView;
use super::super::{Fact, Place};
use super::command::{application, words};
use super::elf;
use super::types::Launcher;
use crate::clock::Timestamp;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Where a program without a slash is searched for, where the service says nothing.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What is asked about a launcher.
#[derive(Debug, Clone, Default)]
pub struct LauncherRequest {
    pub command: Vec<String>,
    pub directory: Option<PathBuf>,
    /// The `PATH` and `PYTHONPATH` of the service.
    pub path: Option<String>,
    pub python_path: Option<String>,
}

impl LauncherRequest {
    pub fn of(command: &str, directory: Option<PathBuf>) -> LauncherRequest {
        LauncherRequest { command: words(command), directory, path: None, python_path: None }
    }
}

/// Reads the files that a command names. None for an empty command.
pub fn read(place: &Place, request: &LauncherRequest, now: Timestamp) -> Option<Launcher> {
    let first = request.command.first()?;
    let program = resolve(place, first, request);
    let file = view(place, &program, now);
    let (format, interpreter) = format(place, &program);
    let nearest = file.known().is_none().then(|| nearest(place, &program));
    let directory = request.directory.clone().map(|folder| {
        let view = view(place, &folder, now);
        (folder, view)
    });
    let application = application(&request.command).map(|name| {
        let module = module_file(place, &name, request);
        (name, module)
    });
    Some(Launcher {
        is_noexec: is_noexec(place, &program),
        program,
        file,
        format,
        interpreter,
        nearest,
        directory,
        application,
    })
}

fn resolve(place: &Place, word: &str, request: &LauncherRequest) -> PathBuf {
    if word.starts_with('/') {
        return PathBuf::from(word);
    }
    if word.contains('/') {
        let folder = request.directory.clone().unwrap_or_else(|| PathBuf::from("/"));
        return folder.join(word);
    }
    let path = request.path.as_deref().unwrap_or(DEFAULT_PATH);
    let candidates =
        path.split(':').filter(|folder| folder.starts_with('/')).map(|folder| Path::new(folder).join(word));
    candidates.clone().find(|path| place.at(path).is_file()).unwrap_or_else(|| PathBuf::from(word))
}

/// Returns what stat(2) says of a path.
pub fn view(place: &Place, path: &Path, now: Timestamp) -> Fact<FileView> {
    let source = format!("stat of {}", path.display());
    let at = place.at(path);
    match std::fs::metadata(&at) {
        Err(error) => Fact::io_error(source, now, &error, "the user of the service, or root"),
        Ok(meta) => {
            // The path was there a moment ago: what it resolves to is only shown.
            let resolved = std::fs::canonicalize(&at).unwrap_or(at);
            Fact::ok(source, now, FileView::of(resolved, &meta))
        }
    }
}

/// Returns what a program is, and the interpreter of a script with whether it exists.
fn format(place: &Place, program: &Path) -> (Option<String>, Option<(PathBuf, bool)>) {
    let mut start = [0u8; 256];
    let read = |start: &mut [u8]| -> io::Result<usize> {
        let file = std::fs::File::open(place.at(program))?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        file.take(256).read(start)
    };
    // The view of the file says why it cannot be read.
    let Ok(length) = read(&mut start) else { return (None, None) };
    let start = start.get(..length).unwrap_or_default();
    if let Some(line) = start.strip_prefix(b"#!") {
        let line = String::from_utf8_lossy(line.split(|byte| *byte == b'\n').next().unwrap_or_default()).into_owned();
        let mut words = line.split_whitespace();
        let Some(interpreter) = words.next() else { return (Some("script without interpreter".to_owned()), None) };
        let interpreter = PathBuf::from(interpreter);
        let exists = place.at(&interpreter).exists();
        return (Some(format!("script {}", line.trim())), Some((interpreter, exists)));
    }
    if start.starts_with(b"\x7fELF") {
        let format = match elf::read(&place.at(program)) {
            Ok(elf) => format!("elf {}", elf.machine),
            Err(_) => "truncated elf".to_owned(),
        };
        return (Some(format), None);
    }
    (Some(if start.is_empty() { "empty" } else { "no format" }.to_owned()), None)
}

/// Returns the longest part of a path that exists.
pub fn nearest(place: &Place, path: &Path) -> PathBuf {
    let existing = path.ancestors().skip(1).find(|parent| place.at(parent).exists());
    existing.map_or_else(|| PathBuf::from("/"), Path::to_path_buf)
}

/// Returns whether the file system of a program forbids to run it. None: it is not there, or that cannot be read.
fn is_noexec(place: &Place, program: &Path) -> Option<bool> {
    // Both are only worth a word when they are known.
    let flags = rustix::fs::statvfs(place.at(program)).ok()?.f_flag;
    Some(flags.contains(rustix::fs::StatVfsMountFlags::NOEXEC))
}

/// Returns the file of a module of Python below the folder or the search path of the service.
fn module_file(place: &Place, application: &str, request: &LauncherRequest) -> Option<PathBuf> {
    let module = application.split(':').next()?.replace('.', "/");
    let option = |name: &str| {
        let at = request.command.iter().position(|word| word == name)?;
        request.command.get(at.checked_add(1)?).map(PathBuf::from)
    };
    let folders = option("--app-dir").or_else(|| option("--chdir")).into_iter();
    let folders = folders.chain(request.directory.clone());
    let named = request.python_path.as_deref().unwrap_or_default().split(':').filter(|path| path.starts_with('/'));
    folders.chain(named.map(PathBuf::from)).find_map(|folder| {
        let files = [folder.join(format!("{module}.py")), folder.join(&module).join("__init__.py")];
        files.into_iter().find(|file| place.at(file).is_file())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    fn launcher(root: &Path, command: &str, directory: Option<&str>) -> Launcher {
        let request = LauncherRequest::of(command, directory.map(PathBuf::from));
        read(&Place::new(root), &request, clock::now()).unwrap()
    }

    #[test]
    fn a_program_that_is_not_there_has_a_nearest_folder() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("opt/llama")).unwrap();
        let missing = launcher(root.path(), "/opt/llama/bin/llama-server -m x", None);
        assert_eq!(missing.nearest, Some("/opt/llama".into()));
        assert!(missing.file.known().is_none());
    }

    #[test]
    fn scripts_and_programs_of_other_machines_are_told_apart() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("start.sh"), "#!/no/such/shell -e\n").unwrap();
        std::fs::write(root.path().join("cut"), b"\x7fELF").unwrap();
        std::fs::write(root.path().join("text"), b"hello").unwrap();
        let script = launcher(root.path(), "/start.sh", None);
        assert_eq!(script.interpreter, Some(("/no/such/shell".into(), false)));
        assert_eq!(launcher(root.path(), "/cut", None).format.as_deref(), Some("truncated elf"));
        assert_eq!(launcher(root.path(), "/text", None).format.as_deref(), Some("no format"));
    }

    #[test]
    fn the_module_of_an_application_is_found_below_the_folder_of_the_service() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("srv/app")).unwrap();
        std::fs::write(root.path().join("srv/app/main.py"), "").unwrap();
        let good = launcher(root.path(), "uvicorn app.main:app", Some("/srv"));
        assert_eq!(good.application, Some(("app.main:app".to_owned(), Some("/srv/app/main.py".into()))));
        let wrong = launcher(root.path(), "uvicorn main:app", Some("/srv"));
        assert_eq!(wrong.application, Some(("main:app".to_owned(), None)));
    }
}
