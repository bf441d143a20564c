//! The whole terminal, for a view that fills it: raw mode and the alternate screen, given back whatever ends the program, and
//! the keys that are pressed meanwhile.

use crossterm::cursor::{Hide, Show};
use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyModifiers};
use crossterm::execute;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode, size};
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Frame, Terminal};
use rustix::process::{Signal, getpgid, getpgrp, getppid, getsid, kill_current_process_group};
use signal_hook::consts::{SIGCONT, SIGTSTP};
use std::fmt;
use std::io::{self, Stdout};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, PoisonError};

/// Whether the terminal is ours at the moment. It is given back once: leaving the alternate screen twice moves the cursor.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);
/// Whether it was given back for a stop of the program, and is taken again when that goes on.
static IS_SUSPENDED: AtomicBool = AtomicBool::new(false);
/// Held while something is drawn: the terminal is not given back for a stop in the middle of it.
static DRAWING: Mutex<()> = Mutex::new(());
static HOOK: Once = Once::new();

/// The terminal, taken over until this value is dropped.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl fmt::Debug for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Screen").finish_non_exhaustive()
    }
}

/// A key, as far as views use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    Char(char),
    /// With the control key.
    Ctrl(char),
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
    Enter,
    Esc,
    Tab,
    BackTab,
    Backspace,
}

/// What happens at the terminal.
#[derive(Debug)]
pub enum ScreenEvent {
    Key(Key),
    Resized,
    /// The program was stopped, and goes on.
    Continued,
    /// No key can be read any more.
    Lost(io::Error),
}

impl Screen {
    /// Takes over the terminal of standard output. It is given back when the value is dropped, and before the message of a
    /// panic of any thread is printed.
    ///
    /// # Errors
    /// There is no terminal, or it cannot be set up.
    pub fn open() -> io::Result<Screen> {
        HOOK.call_once(|| {
            let next = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                give_back();
                next(panic);
            }));
        });
        take()?;
        // From here on dropping the value gives the terminal back.
        let terminal = Terminal::new(CrosstermBackend::new(io::stdout())).inspect_err(|_| give_back())?;
        Ok(Screen { terminal })
    }

    /// Draws what has changed.
    ///
    /// # Errors
    /// The terminal cannot be written to, or was given back because another thread panicked.
    pub fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        let _drawing = DRAWING.lock().unwrap_or_else(PoisonError::into_inner);
        if IS_SUSPENDED.load(Ordering::SeqCst) {
            return Ok(());
        }
        if !IS_TAKEN.load(Ordering::SeqCst) {
            return Err(io::Error::other("the terminal was given back"));
        }
        self.terminal.draw(draw).map(drop)
    }

    /// Stops this program and those of its group, as Ctrl-Z does where the terminal is not taken over. Does nothing where no
    /// shell could let it go on.
    ///
    /// # Errors
    /// The signal cannot be sent.
    pub fn suspend(&mut self) -> io::Result<()> {
        if has_shell() {
            kill_current_process_group(Signal::TSTP)?;
        }
        Ok(())
    }

    /// Takes over the terminal again after somebody else has had it, and draws all anew the next time.
    ///
    /// # Errors
    /// As [`Screen::open`].
    pub fn resume(&mut self) -> io::Result<()> {
        take()?;
        IS_SUSPENDED.store(false, Ordering::SeqCst);
        self.redraw()
    }

    /// Draws all anew the next time.
    ///
    /// # Errors
    /// The terminal cannot be written to.
    pub fn redraw(&mut self) -> io::Result<()> {
        let (width, height) = size()?;
        // `Terminal::clear` asks the terminal for its cursor, and would wait for the thread that reads keys.
        self.terminal.resize(Rect::new(0, 0, width, height))
    }

    /// Reads keys, changes of the size and continuations in threads of their own, until the program ends.
    ///
    /// # Errors
    /// No thread or no handler can be started.
    pub fn listen(on: impl Fn(ScreenEvent) + Clone + Send + 'static) -> io::Result<()> {
        let mut signals = signal_hook::iterator::Signals::new([SIGTSTP, SIGCONT])?;
        let continued = on.clone();
        std::thread::Builder::new().name("stops".into()).spawn(move || {
            for signal in signals.forever() {
                if signal == SIGTSTP {
                    let _drawing = DRAWING.lock().unwrap_or_else(PoisonError::into_inner);
                    IS_SUSPENDED.store(true, Ordering::SeqCst);
                    give_back();
                    // It fails for a signal without a default alone.
                    let _ = signal_hook::low_level::emulate_default_handler(SIGTSTP);
                } else {
                    continued(ScreenEvent::Continued);
                }
            }
        })?;
        std::thread::Builder::new().name("keys".into()).spawn(move || {
            loop {
                match event::read() {
                    Ok(Event::Key(key)) if key.is_press() => {
                        if let Some(key) = key_of(key) {
                            on(ScreenEvent::Key(key));
                        }
                    }
                    Ok(Event::Resize(..)) => on(ScreenEvent::Resized),
                    Ok(_) => {}
                    Err(error) => return on(ScreenEvent::Lost(error)),
                }
            }
        })?;
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Returns whether a shell with job control has started this program.
fn has_shell() -> bool {
    let Some(parent) = getppid() else { return false };
    // A parent that has just ended is none.
    let is_ours = getsid(Some(parent)).is_ok_and(|session| getsid(None) == Ok(session));
    is_ours && getpgid(Some(parent)).is_ok_and(|group| group != getpgrp())
}

fn take() -> io::Result<()> {
    IS_TAKEN.store(true, Ordering::SeqCst);
    let taken = enable_raw_mode().and_then(|()| execute!(io::stdout(), EnterAlternateScreen, Hide));
    taken.inspect_err(|_| give_back())
}

fn give_back() {
    if IS_TAKEN.swap(false, Ordering::SeqCst) {
        // Nobody could read what is wrong with the terminal; each step is tried.
        let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
        // As above.
        let _ = disable_raw_mode();
    }
}

fn key_of(key: KeyEvent) -> Option<Key> {
    Some(match key.code {
        KeyCode::Char(letter) if key.modifiers.contains(KeyModifiers::CONTROL) => Key::Ctrl(letter),
        // Alt and the like have no meaning, and must not act as the letter alone.
        KeyCode::Char(_) if key.modifiers.intersects(!KeyModifiers::SHIFT) => return None,
        KeyCode::Char(letter) => Key::Char(letter),
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Esc,
        KeyCode::Tab => Key::Tab,
        KeyCode::BackTab => Key::BackTab,
        KeyCode::Backspace => Key::Backspace,
        _ => return None,
    })
}
