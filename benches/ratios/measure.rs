//! Taking turns, medians, peaks of memory.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Wall time of one run that must succeed.
pub fn wall(command: &mut Command) -> Duration {
    let start = Instant::now();
    let status = command.status().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let time = start.elapsed();
    assert!(status.success(), "{command:?}: {status}");
    time
}

/// Time from the start of the process to the first byte on its stdout. The run is then let finish.
pub fn first_byte(command: &mut Command) -> Duration {
    let start = Instant::now();
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let mut stdout = child.stdout.take().expect("stdout is piped");
    let mut byte = [0];
    stdout.read_exact(&mut byte).unwrap_or_else(|e| panic!("{command:?} wrote nothing: {e}"));
    let time = start.elapsed();
    // The rest is read so that the program does not meet a closed pipe.
    std::io::copy(&mut stdout, &mut std::io::sink()).expect("a pipe can be read");
    let status = child.wait().expect("the child can be waited for");
    assert!(status.success(), "{command:?}: {status}");
    time
}

/// What a run that must succeed wrote to stdout.
pub fn output(command: &mut Command) -> String {
    let output = command.stdout(Stdio::piped()).output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(output.status.success(), "{command:?}: {}", output.status);
    String::from_utf8(output.stdout).expect("output is UTF-8")
}

/// Runs two contenders in turns, after one turn each that does not count, and gives their medians.
pub fn in_turns(rounds: usize, mut a: impl FnMut() -> f64, mut b: impl FnMut() -> f64) -> (f64, f64) {
    a();
    b();
    in_cold_turns(rounds, a, b)
}

/// The same without the turns that do not count: for what takes long and starts from nothing each time.
pub fn in_cold_turns(rounds: usize, mut a: impl FnMut() -> f64, mut b: impl FnMut() -> f64) -> (f64, f64) {
    let (mut of_a, mut of_b) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        of_a.push(a());
        of_b.push(b());
    }
    (median(of_a), median(of_b))
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

/// Highest resident memory of a run in bytes, its own children included (the largest of them counts, not the sum).
///
/// Measured from a small process in between: a child starts with the peak of whoever forked it on its account.
pub fn peak(stage: &crate::stage::Stage, command: &Command) -> f64 {
    let mut between = stage.role(&["peak"]);
    between.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            between.env(name, value);
        }
    }
    let kib: f64 = output(&mut between).trim().parse().expect("a number of KiB");
    kib * 1024.0
}

/// The role `peak`: runs the command and prints the highest resident memory in KiB.
pub fn report_peak(command: &[&str]) {
    let (program, args) = command.split_first().expect("a command to run");
    let status = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap_or_else(|e| panic!("{program}: {e}"));
    assert!(status.success(), "{command:?}: {status}");
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the pointer is to a live variable of the right type. This process has had no other child.
    let answer = unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr()) };
    assert_eq!(answer, 0, "{}", std::io::Error::last_os_error());
    // SAFETY: zeroes are a valid `rusage`, and the call has succeeded in filling it.
    println!("{}", unsafe { usage.assume_init() }.ru_maxrss);
}

/// Processor time of one run that must succeed, in seconds: its own and the kernel's for it.
pub fn cpu(command: &mut Command) -> f64 {
    let spent = || {
        let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
        // SAFETY: the pointer is to a live variable of the right type.
        let answer = unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr()) };
        assert_eq!(answer, 0, "{}", std::io::Error::last_os_error());
        // SAFETY: zeroes are a valid `rusage`, and the call has succeeded in filling it.
        let usage = unsafe { usage.assume_init() };
        let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
        seconds(usage.ru_utime) + seconds(usage.ru_stime)
    };
    let before = spent();
    wall(command);
    spent() - before
}

/// Keeps every core busy while it lives.
pub struct BusyNeighbour(Vec<Child>);

impl BusyNeighbour {
    pub fn on_every_core(stage: &crate::stage::Stage) -> BusyNeighbour {
        let spawn = |_| stage.role(&["spin"]).spawn().expect("this program can be started");
        BusyNeighbour((0..cores()).map(spawn).collect())
    }
}

impl Drop for BusyNeighbour {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // One that has ended by itself is as good.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The role `spin`. It ends by itself, in case nobody is left to end it.
pub fn spin() {
    let end = Instant::now() + Duration::from_secs(900);
    while Instant::now() < end {
        std::hint::black_box((0..1_000_000_u64).fold(0, u64::wrapping_add));
    }
}
