//! All output for a person: the two streams, tables, progress, JSON, errors, sizes and ages. Everything that is printed
//! as a line, note, cell or error is cleaned first, so no name from a file reaches a terminal unescaped; only
//! [`Ui::out`] and [`Ui::raw`] pass bytes on as they are.

mod ask;
mod column;
mod cut;
mod error_document;
mod json;
mod layout;
mod progress;
mod screen;
mod section;
mod table;
#[cfg(test)]
mod table_tests;
#[cfg(test)]
mod tests;

pub use crate::display::{Document, text, units};
pub use column::{Align, Alike, Cell, Column, Cut, Tone};
pub use error_document::ErrorDocument;
pub use progress::Progress;
pub use screen::{Key, Screen, ScreenEvent};
pub use section::{Field, Section};
pub use table::{Medium, Table};

use crate::display::Named;
use crate::failure::{ErrorReport, Failure, OrFail};
use serde::Serialize;
use std::fmt;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Number of columns assumed for a terminal that does not report its width.
const DEFAULT_WIDTH: usize = 80;

/// Options of the output, from the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UiOptions {
    /// Whether to color output to a terminal (the caller handles `NO_COLOR` and `TERM=dumb`).
    pub color: bool,
    /// Whether to color output that is not to a terminal (`--color always`).
    pub force_color: bool,
    /// Number of columns; None asks the terminal.
    pub width: Option<usize>,
    /// Whether to omit notes on stderr; warnings and errors stay.
    pub quiet: bool,
    /// Whether to show a progress bar if stderr is a terminal.
    pub progress: bool,
    /// Whether tables on a terminal show all columns, whole, even if their lines are wider than the terminal.
    pub json_errors: bool,
    /// Whether tables on a terminal show all columns, whole, even if their lines are wider than the terminal.
    pub wide: bool,
}

impl UiOptions {
    fn colored(&self, is_terminal: bool) -> bool {
        self.color && (is_terminal || self.force_color)
    }
}

/// Whether the program was started without a standard output (`>&-`).
static WAS_CLOSED: AtomicBool = AtomicBool::new(false);

/// Records whether standard output is open. To be called before the Rust runtime starts: it opens `/dev/null` in place
/// of a standard stream that is closed, and all output would be lost silently.
pub fn note_closed_stdout() {
    if rustix::io::fcntl_getfd(rustix::stdio::stdout()) == Err(rustix::io::Errno::BADF) {
        WAS_CLOSED.store(true, Ordering::Relaxed);
    }
}

/// A writer in place of a standard output that was closed from the start.
struct ClosedFromTheStart;

impl Write for ClosedFromTheStart {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(rustix::io::Errno::BADF.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The two output streams and their properties.
pub struct Ui {
    out: Out,
    err: Box<dyn Write + Send>,
    out_is_terminal: bool,
    err_is_terminal: bool,
    options: UiOptions,
    width: usize,
    /// The folder that `~` stands for on a terminal.
    home: Option<String>,
    pager: Option<Pager>,
}

/// Shows text that is longer than the screen, page by page. Returns whether it could be started.
pub type Pager = Box<dyn Fn(&[u8]) -> io::Result<()> + Send>;

impl fmt::Debug for Ui {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ui").field("options", &self.options).field("width", &self.width).finish_non_exhaustive()
    }
}

impl Ui {
    /// Opens the real streams. Stdout is buffered: call [`Ui::flush`] before the end, and after each piece of a stream.
    pub fn new(options: UiOptions) -> Ui {
        let stdout: Box<dyn Write + Send> = match WAS_CLOSED.load(Ordering::Relaxed) {
            false => Box::new(BufWriter::with_capacity(64 * 1024, io::stdout())),
            true => Box::new(ClosedFromTheStart),
        };
        // comfy-table asks the terminal on stdout; nothing else here needs a crate for it.
        let asked = || comfy_table::Table::new().width().map(usize::from).filter(|w| *w > 0);
        Ui {
            out: Out(stdout),
            err: Box::new(io::stderr()),
            out_is_terminal: io::stdout().is_terminal(),
            err_is_terminal: io::stderr().is_terminal(),
            width: options.width.or_else(asked).unwrap_or(DEFAULT_WIDTH),
            options,
            home: None,
            pager: None,
        }
    }

    /// Sets the folder that `~` stands for in paths on a terminal. A name that is not UTF-8 has no such form.
    pub fn set_home(&mut self, home: Option<PathBuf>) {
        self.home = home.and_then(|home| home.to_str().map(str::to_owned));
    }

    /// Sets the pager for tables that are longer than the screen.
    pub fn set_pager(&mut self, pager: Pager) {
        self.pager = Some(pager);
    }

    /// Returns a Ui that writes into memory. With `terminal` it behaves as on a terminal of `options.width` columns,
    /// but without a progress bar.
    pub fn for_test(options: UiOptions, terminal: bool) -> (Ui, Captured, Captured) {
        let (out, err) = (Captured::default(), Captured::default());
        let ui = Ui {
            out: Out(Box::new(out.clone())),
            err: Box::new(err.clone()),
            out_is_terminal: terminal,
            err_is_terminal: terminal,
            width: options.width.unwrap_or(DEFAULT_WIDTH),
            options: UiOptions { progress: false, ..options },
            home: None,
            pager: None,
        };
        (ui, out, err)
    }

    /// Returns the number of columns of the terminal.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Returns whether notes are off.
    pub fn is_quiet(&self) -> bool {
        self.options.quiet
    }

    pub fn out_is_terminal(&self) -> bool {
        self.out_is_terminal
    }

    pub fn err_is_terminal(&self) -> bool {
        self.err_is_terminal
    }

    /// Returns stdout for data that is written as it is (generated text). Wrap its errors with [`stdout_failed`].
    pub fn out(&mut self) -> &mut Out {
        &mut self.out
    }

    /// Writes generated text (a script, a manual page) to stdout, byte for byte.
    pub fn raw(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.out.write_all(bytes).map_err(stdout_failed)
    }

    /// Prints one line of data on stdout. Newlines in `text` are kept; every other hostile character is escaped.
    pub fn line(&mut self, text: &str) -> anyhow::Result<()> {
        self.painted_line(text, Tone::Plain)
    }

    /// Prints the title of a section on stdout.
    pub fn heading(&mut self, text: &str) -> anyhow::Result<()> {
        self.painted_line(text, Tone::Bold)
    }

    /// Like [`Ui::line`], in a tone.
    pub fn painted_line(&mut self, text: &str, tone: Tone) -> anyhow::Result<()> {
        let color = self.options.colored(self.out_is_terminal);
        let text = painted(&clean_lines(text), tone, color);
        writeln!(self.out, "{text}").map_err(stdout_failed)
    }

    /// Prints a message for a person, one line on stderr; nothing when quiet.
    pub fn note(&mut self, text: &str) {
        if !self.options.quiet {
            self.say("", Tone::Plain, text);
        }
    }

    /// Prints a warning on stderr.
    pub fn warn(&mut self, text: &str) {
        self.say("warning: ", Tone::Warn, text);
    }

    /// Prints the next step after a note or a warning, in the format of errors; nothing when quiet.
    pub fn hint(&mut self, text: &str) {
        if !self.options.quiet {
            self.say("hint: ", Tone::Bold, text);
        }
    }

    /// Prints an error with its causes and its hint:
    ///
    /// ```text
    /// error: cannot read `x`
    ///   caused by: permission denied
    /// hint: run it as the owner of the file
    /// ```
    pub fn error(&mut self, error: &anyhow::Error) {
        self.report(&ErrorReport::of(error));
    }

    /// Like [`Ui::error`], for an error that consists of texts only.
    pub fn report(&mut self, error: &ErrorReport) {
        if self.options.json_errors {
            return self.report_json(error);
        }
        self.say("error: ", Tone::Bad, &error.message);
        for cause in &error.causes {
            self.say("  caused by: ", Tone::Plain, cause);
        }
        if let Some(hint) = &error.hint {
            self.say("hint: ", Tone::Bold, hint);
        }
    }

    /// Prints an error as JSON on one line of stderr.
    fn report_json(&mut self, error: &ErrorReport) {
        let document = ErrorDocument::of(error);
        // Texts and numbers always become JSON; what cannot be written to stderr cannot be reported to anyone.
        let line = json::line(&Named::new(&document)).unwrap_or_default();
        self.err.write_all(&line).unwrap_or(());
    }

    /// Prints what was done, on stderr, also when quiet.
    pub fn act(&mut self, text: &str) {
        self.say("", Tone::Plain, text);
    }

    fn say(&mut self, label: &str, tone: Tone, text: &str) {
        if self.out_is_terminal && self.err_is_terminal {
            // Both streams end on one screen: keep the order. An error here occurs again, and is reported, at the next
            // line.
            self.out.flush().unwrap_or(());
        }
        let label = painted(label, tone, self.options.colored(self.err_is_terminal));
        // When stderr is closed, the error cannot be reported to anyone.
        // One write: what another process writes to the same file cannot come between.
        self.err.write_all(format!("{label}{}\n", clean_lines(text)).as_bytes()).unwrap_or(());
    }

    /// Prints one JSON document on stdout, indented the same way on a terminal and in a pipe, with a newline.
    /// Characters that could control a terminal are written as `\uXXXX`.
    pub fn json<T: Serialize + ?Sized>(&mut self, value: &T) -> anyhow::Result<()> {
        json::write(&mut self.out, value).map_err(stdout_failed)?;
        self.out.write_all(b"\n").map_err(stdout_failed)
    }

    /// Prints a document with its name, as [`Ui::json`] does.
    pub fn document<D: Document>(&mut self, document: &D) -> anyhow::Result<()> {
        self.json(&Named::new(document))
    }

    /// Prints a document with its name on one line.
    pub fn document_line<D: Document>(&mut self, document: &D) -> anyhow::Result<()> {
        self.json_line(&Named::new(document))
    }

    /// Prints a value as JSON on one line.
    pub fn json_line<T: Serialize + ?Sized>(&mut self, value: &T) -> anyhow::Result<()> {
        let line = json::line(value).map_err(stdout_failed)?;
        self.out.write_all(&line).map_err(stdout_failed)
    }

    /// Returns what [`Ui::json`] prints.
    pub fn json_document<T: Serialize + ?Sized>(value: &T) -> io::Result<Vec<u8>> {
        let mut document = Vec::new();
        json::write(&mut document, value)?;
        document.push(b'\n');
        Ok(document)
    }

    /// Returns a path for a person: with `~` for the home folder on a terminal.
    pub fn path(&self, path: &Path) -> String {
        let path = text::path(path);
        let home = self.home.as_deref().filter(|_| self.out_is_terminal);
        cut::below_home(&path, home).into_owned()
    }

    /// Prints a table on stdout, fitted to the terminal or complete. On a terminal says which columns were left out, and
    /// shows a table that is longer than the screen in the pager.
    pub fn table(&mut self, table: &Table<'_>) -> anyhow::Result<()> {
        let medium = match (self.out_is_terminal, self.options.wide) {
            (true, false) => {
                Medium::Terminal { width: self.width, color: self.options.color, home: self.home.as_deref() }
            }
            (true, true) => Medium::Wide { color: self.options.color },
            (false, _) if self.options.force_color => Medium::Wide { color: true },
            (false, _) => Medium::Stream,
        };
        let is_long = table.height() >= screen_height();
        let hidden = match self.pager.as_ref().filter(|_| self.out_is_terminal && self.err_is_terminal && is_long) {
            None => table.write(&mut self.out, medium).map_err(stdout_failed)?,
            Some(pager) => {
                let mut text = Vec::new();
                let hidden = table.write(&mut text, medium).map_err(stdout_failed)?;
                self.out.flush().map_err(stdout_failed)?;
                // Without a pager on this machine, the table is printed as it is.
                if pager(&text).is_err() {
                    self.out.write_all(&text).map_err(stdout_failed)?;
                }
                hidden
            }
        };
        if !hidden.is_empty() && !self.options.quiet {
            self.say("", Tone::Plain, &format!("hidden: {} (--wide)", hidden.join(" ")));
        }
        Ok(())
    }

    /// Returns a progress bar on stderr; `total` in steps, None while unknown. Invisible unless stderr is a terminal.
    pub fn progress(&self, label: &'static str, total: Option<u64>) -> Progress {
        let is_visible = self.options.progress && !self.options.quiet && self.err_is_terminal;
        Progress::new(is_visible.then_some(self.width), label, total)
    }

    /// Passes everything written so far to the system.
    pub fn flush(&mut self) -> anyhow::Result<()> {
        self.out.flush().map_err(stdout_failed)
    }
}

/// Stdout. Marks the error of a closed pipe as its own, so that a broken pipe elsewhere (to a worker) is not taken for
/// a reader of stdout that has closed it.
pub struct Out(Box<dyn Write + Send>);

impl Write for Out {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(buf).map_err(mark)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(mark)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the output was closed")]
struct StdoutClosed;

fn mark(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::BrokenPipe { io::Error::new(error.kind(), StdoutClosed) } else { error }
}

/// Converts an error of [`Ui::out`] for the rest of the program: a full disk is for the user to fix, not our bug.
pub fn stdout_failed(error: io::Error) -> anyhow::Error {
    match Err::<(), _>(error).or_fail(|| Failure::cannot_meet("cannot write to standard output")) {
        Err(error) => error,
        Ok(()) => StdoutClosed.into(),
    }
}

/// Returns whether this error only means that the reader of our stdout has closed it (`modelctl list | head`), which is
/// not reported.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.is::<StdoutClosed>()
            || cause
                .downcast_ref::<io::Error>()
                .and_then(io::Error::get_ref)
                .is_some_and(|inner| inner.is::<StdoutClosed>())
    })
}

/// Returns the number of lines of the terminal on stdout; without one, more than any table has.
fn screen_height() -> usize {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stdout());
    size.ok().map(|size| usize::from(size.ws_row)).filter(|rows| *rows > 0).unwrap_or(usize::MAX)
}

fn clean_lines(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(text::clean).collect();
    lines.join("\n")
}

fn painted(text: &str, tone: Tone, color: bool) -> String {
    let code = match tone {
        Tone::Plain => "",
        Tone::Bad => "1;31",
        Tone::Warn => "33",
        Tone::Dim => "2",
        Tone::Bold => "1",
    };
    if !color || code.is_empty() || text.is_empty() {
        return text.to_owned();
    }
    format!("\x1b[{code}m{text}\x1b[0m")
}

/// The output of a [`Ui::for_test`] to one of its streams.
#[derive(Debug, Clone, Default)]
pub struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    pub fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Write for Captured {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
