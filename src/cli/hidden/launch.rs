//! `modelctl launch`: becomes another program. Hidden: other programs are started through it.

use crate::supervise::launch::{Launch, REFUSED, RunAs, run as launch};
use clap::Args;
use std::ffi::OsString;

/// Becomes another program, with a priority and a process to die with: started by other commands, hidden from people.
#[derive(Debug, Args)]
#[command(hide = true)]
pub struct LaunchArgs {
    /// The process to die with
    #[arg(long, value_name = "PID")]
    parent: Option<u32>,
    /// Stay next to the program, and end its process group with that process
    #[arg(long, requires = "parent")]
    guard: bool,
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(i32).range(0..=19))]
    nice: i32,
    /// The user and the groups to run as
    #[arg(long, value_name = "UID", requires = "gid")]
    uid: Option<u32>,
    #[arg(long, value_name = "GID", requires = "uid")]
    gid: Option<u32>,
    #[arg(long, value_name = "GID", value_delimiter = ',')]
    groups: Vec<u32>,
    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "PROGRAM")]
    program: Vec<OsString>,
}

/// Replaces this process, or guards the program to its end. Returns the exit code; where the program cannot be started
/// with the reason on stderr, which is the log of that program. No configuration is read: the program does not need it.
pub fn run(args: &LaunchArgs) -> u8 {
    let [program, rest @ ..] = args.program.as_slice() else { return 0 };
    let ids = args.uid.zip(args.gid);
    let user = ids.map(|(uid, gid)| RunAs { uid, gid, groups: args.groups.clone() });
    let (program, rest) = (program.clone(), rest.to_vec());
    let (parent, guard, nice) = (args.parent, args.guard, args.nice);
    let request = Launch { parent, guard, nice, user, program, args: rest, ..Launch::default() };
    let (code, error) = launch(&request);
    if let Some(error) = error {
        eprintln!("{REFUSED}`{}`: {error}", request.program.display());
    }
    code
}
