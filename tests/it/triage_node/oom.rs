//! Kills for lack of memory, by the kernel, of real processes.

use super::{finding, problems};
use crate::sandbox::{Sandbox, skip};
use crate::supervised::{Supervisord, script, triage};
use serde_json::json;
use std::path::{Path, PathBuf};

/// A control group with a limit for memory.
pub struct Group(PathBuf);

impl Group {
    /// None where none may be made, or where what the kernel says of a kill may not be read; both are said.
    fn new(name: &str, limit: &str) -> Option<Group> {
        match std::fs::File::open("/dev/kmsg") {
            Ok(_) => Group::limited(name, limit),
            Err(error) => {
                skip(format_args!("the log of the kernel cannot be read here: {error}"));
                None
            }
        }
    }

    /// None where none may be made, which is said.
    pub fn limited(name: &str, limit: &str) -> Option<Group> {
        let name = format!("modelctl-test-{}-{name}", std::process::id());
        let made = if Path::new("/sys/fs/cgroup/memory").is_dir() {
            Group::made(Path::new("/sys/fs/cgroup/memory").join(&name), "memory.limit_in_bytes", limit)
        } else {
            Group::made(Path::new("/sys/fs/cgroup").join(&name), "memory.max", limit)
        };
        made.map_err(|error| skip(format_args!("no control group with a limit can be made here: {error}"))).ok()
    }

    fn made(folder: PathBuf, file: &str, limit: &str) -> std::io::Result<Group> {
        std::fs::create_dir(&folder)?;
        let group = Group(folder);
        std::fs::write(group.0.join(file), limit)?;
        // One process is killed and the others live, as in most containers; version 1 knows nothing else.
        let of_group = group.0.join("memory.oom.group");
        if of_group.exists() {
            std::fs::write(of_group, "0")?;
        }
        Ok(group)
    }

    pub fn processes(&self) -> PathBuf {
        self.0.join("cgroup.procs")
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The processes in it have got their signal; the kernel needs a moment.
        let end = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while std::fs::remove_dir(&self.0).is_err() && std::time::Instant::now() < end {
            std::thread::yield_now();
        }
    }
}

const EAT: &str = "x = []\nwhile True: x.append(bytearray(1 << 20))\n";

/// A server whose child has the model, as Ollama's runner has: the child is killed and the server goes on, or ends with a
/// status of its own; or the server itself is killed. Each time the kernel is the first cause.
#[test]
fn a_kill_for_lack_of_memory_is_the_first_cause() {
    let sandbox = Sandbox::new();
    let groups = ["outlives", "follows", "killed"].map(|name| Group::new(name, "64M"));
    let [Some(outlives), Some(follows), Some(killed)] = groups else { return };
    let enter =
        |group: &Group| format!("import os, subprocess, sys, time\nopen({:?}, 'w').write('0')\n", group.processes());
    let child = format!("code = subprocess.call([sys.executable, '-c', {EAT:?}])\n");
    let server = |name: &str, text: String| script(&sandbox, name, &text).display().to_string();
    let programs = [
        (
            "ollama",
            format!("command=python3 {}", server("ollama.py", format!("{}{child}time.sleep(600)\n", enter(&outlives)))),
        ),
        (
            "api",
            format!(
                "command=python3 {}\nstartsecs=10\nstartretries=1",
                server(
                    "api.py",
                    format!("{}{child}sys.exit('ERROR runner terminated: exit status %d' % code)\n", enter(&follows))
                )
            ),
        ),
        (
            "whisper",
            format!(
                "command=python3 {}\nstartsecs=10\nstartretries=1",
                server("whisper.py", format!("{}{EAT}", enter(&killed)))
            ),
        ),
    ];
    let sections: Vec<(&str, &str)> = programs.iter().map(|(name, lines)| (*name, lines.as_str())).collect();
    let supervisord = Supervisord::start(&sandbox, &sections);
    supervisord.log_has(&sandbox, "gave up: api ");
    supervisord.log_has(&sandbox, "gave up: whisper ");
    supervisord.log_has(&sandbox, "success: ollama entered RUNNING");
    let counter = ["memory.oom_control", "memory.events"].map(|name| outlives.0.join(name));
    crate::supervised::until("the kill of the child", || {
        let text = counter.iter().find_map(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
        text.lines().any(|line| line.starts_with("oom_kill ") && !line.ends_with(" 0"))
    });

    let run = triage(&sandbox, &["--json"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let report = run.json();
    for (service, severity) in [("ollama", "warning"), ("api", "critical"), ("whisper", "critical")] {
        let of = report["findings"].as_array().unwrap().iter().filter(|one| one["service"] == service);
        let first = of.clone().next().unwrap_or_else(|| panic!("nothing of {service} in {report:#}"));
        assert_eq!((&first["rule"], &first["severity"]), (&json!("MEM-01"), &json!(severity)), "{report:#}");
        assert!(first["cause"].as_str().unwrap().contains("64.0 MiB") || service != "ollama", "{first:#}");
        assert!(first["evidence"].to_string().contains("oom-kill:"), "{first:#}");
    }
    assert!(finding(&report, "MEM-01")["undo"].as_str().is_some_and(|undo| !undo.is_empty()));
    let others = problems(&report);
    assert!(others.iter().all(|(rule, service)| service.is_none() || rule == "MEM-01"), "{others:?}\n{report:#}");
    drop(supervisord);
}
