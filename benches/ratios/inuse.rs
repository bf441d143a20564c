//! Who has a model open, over 500 ordinary processes, against `lsof` and `fuser` asked for the same file.

use crate::header::text;
use crate::measure::{in_turns, output};
use crate::stage::Stage;
use crate::table::{Goal, Table, Unit};
use modelctl::host::open_files::{OpenFiles, Wanted, look};
use modelctl::model::Reading;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PROCESSES: usize = 500;
/// Models in the plan, all of which are looked for in the one pass.
const MODELS: u64 = 10_000;
const GOAL: f64 = 0.150;

pub fn measure(stage: &Stage, table: &mut Table) {
    let model = stage.bench.join("in-use.gguf");
    fs::write(&model, "weights").expect("the bench folder takes a file");
    let crowd = Crowd::around(&model);
    let meta = fs::metadata(&model).expect("it was just made");
    let of = |ino| Wanted { dev: meta.dev(), ino, paths: vec![model.clone()] };
    let wanted: Vec<Wanted> = (0..MODELS).map(|n| of(meta.ino().wrapping_add(n))).collect();
    let looked = || {
        let wanted = wanted.clone();
        let start = Instant::now();
        let found = look(wanted, Duration::from_secs(60));
        (start.elapsed().as_secs_f64(), found)
    };
    let Reading::Known(found) = looked().1 else { panic!("/proc can be read") };
    assert_users(&found, &meta, &crowd);
    let what = format!("who of {} processes has one of {MODELS} models open or mapped", found.looked);
    let ours = || looked().0;
    for (program, args) in [("lsof", vec!["-t", "-n", "-P", text(&model)]), ("fuser", vec![text(&model)])] {
        if Command::new(program).arg("-V").output().is_err() {
            table.missing(format!("the same for one model by {program}"), format!("{program} is not installed"));
            continue;
        }
        let theirs = || {
            let start = Instant::now();
            // fuser writes names of files to stderr.
            let told = output(stage.program(program, &args).stderr(Stdio::null()));
            let time = start.elapsed().as_secs_f64();
            assert!(told.split_ascii_whitespace().any(|pid| pid == crowd.user().to_string()), "{program}: {told}");
            time
        };
        table.compare(what.clone(), Unit::Seconds, in_turns(5, ours, theirs), program, Goal::TimesLess(1.0));
    }
    let (best, _) = in_turns(9, ours, || 0.0);
    table.alone(what, Unit::Seconds, best, Goal::AtMost(GOAL));
    drop(crowd);
}

/// A pass that saw less would be fast for nothing.
fn assert_users(found: &OpenFiles, meta: &fs::Metadata, crowd: &Crowd) {
    let users: Vec<u32> = found.users(meta.dev(), meta.ino()).iter().map(|user| user.pid).collect();
    assert_eq!(users, [crowd.user()]);
    assert!(found.looked >= PROCESSES, "{} processes", found.looked);
}

/// Processes of an ordinary size: a hundred lines of mappings, twenty open files. The last of them has the model.
struct Crowd(Child);

impl Crowd {
    fn around(model: &Path) -> Crowd {
        // Forked from one interpreter: five hundred of their own would take a while to start.
        let script = format!(
            "import mmap, os, sys, tempfile, time\ndata = tempfile.TemporaryFile()\n\
             data.truncate(1 << 20)\nfiles = [open('/proc/self/exe', 'rb') for _ in range(14)]\n\
             maps = [mmap.mmap(data.fileno(), 4096, prot=mmap.PROT_READ, offset=8192 * n) for n in range(60)]\n\
             for n in range({}):\n  if os.fork() == 0: time.sleep(900); os._exit(0)\n\
             held = open(sys.argv[1], 'rb')\nprint('ready', flush=True)\nsys.stdin.read()\nos.killpg(0, 9)",
            PROCESSES - 1
        );
        let mut command = Command::new("python3");
        command.args(["-c", &script]).arg(model).stdin(Stdio::piped()).stdout(Stdio::piped());
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().expect("python3 can be started");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("stdout is piped")).read_line(&mut line).expect("it says so");
        assert_eq!(line, "ready\n");
        let maps = BufReader::new(File::open(format!("/proc/{}/maps", child.id())).expect("it runs")).lines().count();
        eprintln!("  {PROCESSES} processes with {maps} mappings each");
        Crowd(child)
    }

    fn user(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        // Its stdin ends, and it ends its whole group.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}
