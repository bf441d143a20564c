//! `modelctl launch`: becomes another program. Hidden: other programs are started through it.

use crate::supervise::launch::{Launch, REFUSED, exec};
use clap::Args;
use std::ffi::OsString;

/// Becomes another program, with a priority and a process to die with: started by other commands, hidden from people.
#[derive(Debug, Args)]
#[command(hide = true)]
pub struct LaunchArgs {
    /// The process to die with
    #[arg(long, value_name = "PID")]
    parent: Option<u32>,
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(i32).range(0..=19))]
    nice: i32,
    /// Start it without any variable
    #[arg(long)]
    env_empty: bool,
    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "PROGRAM")]
    program: Vec<OsString>,
}

/// Replaces this process. Returns only when the program cannot be started, with the exit code and with the reason on
/// stderr, which is the log of that program. No configuration is read: the program does not need it.
pub fn run(args: &LaunchArgs) -> u8 {
    let [program, rest @ ..] = args.program.as_slice() else { return 0 };
    let launch = Launch {
        parent: args.parent,
        nice: args.nice,
        env: args.env_empty.then(Vec::new),
        program: program.clone(),
        args: rest.to_vec(),
        ..Launch::default()
    };
    let (code, error) = exec(&launch);
    eprintln!("{REFUSED}`{}`: {error}", program.display());
    code
}
