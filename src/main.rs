//! Parse, build the context, dispatch, turn the outcome into an exit code. The only place that ends the process.

use modelctl::cli;
use modelctl::config::Env;
use modelctl::failure::Kind;
use std::process::ExitCode;

fn main() -> ExitCode {
    // What this program writes holds prompts, answers and paths: databases, logs, plans, exports and sockets are for
    // their owner, whatever the umask of the caller.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    // A panic is our bug: the message is printed by the default hook, the exit code must say the same.
    let outcome = std::panic::catch_unwind(|| cli::main(std::env::args_os(), Env::capture()));
    ExitCode::from(outcome.unwrap_or(Kind::Bug.code()))
}

/// Runs before the Rust runtime, which hides that standard output is closed.
#[ctor::ctor(unsafe)]
fn before_main() {
    modelctl::ui::note_closed_stdout();
}
