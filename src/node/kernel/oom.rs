//! Kills for lack of memory: `mm/oom_kill.c` and `mm/memcontrol.c` of the kernel, in the forms of 3.10 and later.

use regex::Regex;
use std::sync::LazyLock;

/// What one line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// `oom-kill:constraint=…`, since 5.0.
    Chosen(Chosen),
    /// `Task in GROUP killed as a result of limit of GROUP`, before 5.0: group of the process, and of the limit.
    Limit { task_memcg: String, oom_memcg: String },
    /// `Out of memory: Kill process …`, before 5.0: who is to be killed, which may be a child of it in the end.
    Announced { is_memcg: bool, pid: u32, task: String },
    /// `Killed process …`
    Killed { is_memcg: Option<bool>, pid: u32, task: String, uid: Option<u32>, anon_rss: Option<u64> },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chosen {
    pub constraint: String,
    pub oom_memcg: Option<String>,
    pub task_memcg: Option<String>,
    pub task: String,
    pub pid: u32,
    pub uid: Option<u32>,
}

/// Compiles an expression of this file.
#[allow(clippy::unwrap_used, reason = "the expressions are constants, and each is compiled in a test")]
fn expression(text: &str) -> Regex {
    Regex::new(text).unwrap()
}

// A name of a process or a group may contain commas and parentheses: what is behind it is matched from the end.
static CHOSEN: LazyLock<Regex> = LazyLock::new(|| {
    expression(
        r"oom-kill:constraint=(\w+),.*?(?:,oom_memcg=(.*?))?(?:,global_oom)?(?:,task_memcg=(.*))?,task=(.*),pid=(\d+),uid=(\d+)\s*$",
    )
});
static LIMIT: LazyLock<Regex> = LazyLock::new(|| expression(r"Task in (.*?) killed as a result of limit of (.*?)\s*$"));
static ANNOUNCED: LazyLock<Regex> =
    LazyLock::new(|| expression(r"([Mm]emory cgroup )?[Oo]ut of memory.*: Kill process (\d+) \((.*)\),? score "));
static KILLED: LazyLock<Regex> = LazyLock::new(|| {
    expression(
        r"^(?:((?:Memory cgroup )?[Oo]ut of memory)[^:]*: )?Killed process (\d+) \((.*)\),? (?:UID (\d+),? )?total-vm:",
    )
});
static ANON: LazyLock<Regex> = LazyLock::new(|| expression(r"\banon-rss:(\d+)kB"));
static UID: LazyLock<Regex> = LazyLock::new(|| expression(r"\bUID:(\d+)"));

/// Returns what a line says of a kill; None for every other line.
pub(super) fn parse(text: &str) -> Option<Said> {
    if !text.contains("ill") {
        return None;
    }
    // Below, a number that is too large for one is none.
    let is_memcg = |text: &str| text.starts_with("Memory cgroup");
    if let Some(found) = CHOSEN.captures(text) {
        let of = |at: usize| found.get(at).map(|part| part.as_str().to_owned());
        return Some(Said::Chosen(Chosen {
            constraint: of(1)?,
            oom_memcg: of(2),
            task_memcg: of(3),
            task: of(4)?,
            pid: of(5)?.parse().ok()?, // more than a number of a process can be
            uid: of(6).and_then(|uid| uid.parse().ok()),
        }));
    }
    if let Some(found) = KILLED.captures(text) {
        let of = |at: usize| found.get(at).map(|part| part.as_str());
        let number = |by: &Regex| by.captures(text).and_then(|found| found.get(1)?.as_str().parse::<u64>().ok());
        return Some(Said::Killed {
            is_memcg: of(1).map(is_memcg),
            pid: of(2)?.parse().ok()?, // as above
            task: of(3)?.to_owned(),
            uid: of(4).and_then(|uid| uid.parse().ok()).or_else(|| number(&UID)?.try_into().ok()),
            anon_rss: number(&ANON).and_then(|kib| kib.checked_mul(1024)),
        });
    }
    if let Some(found) = ANNOUNCED.captures(text) {
        let pid = found.get(2)?.as_str().parse().ok()?; // as above
        return Some(Said::Announced {
            is_memcg: found.get(1).is_some(),
            pid,
            task: found.get(3)?.as_str().to_owned(),
        });
    }
    let found = LIMIT.captures(text)?;
    let of = |at: usize| found.get(at).map(|part| part.as_str().to_owned());
    Some(Said::Limit { task_memcg: of(1)?, oom_memcg: of(2)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn chosen(text: &str) -> Chosen {
        match parse(text) {
            Some(Said::Chosen(chosen)) => chosen,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn the_group_whose_limit_was_hit_and_the_process_are_read() {
        let memcg = chosen(
            "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/lab,\
             task_memcg=/lab/a,task=llama-server,pid=29992,uid=0",
        );
        let expected = Chosen {
            constraint: "CONSTRAINT_MEMCG".into(),
            oom_memcg: Some("/lab".into()),
            task_memcg: Some("/lab/a".into()),
            task: "llama-server".into(),
            pid: 29992,
            uid: Some(0),
        };
        assert_eq!(memcg, expected);
        let whole = chosen(
            "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=user.slice,mems_allowed=0-1,global_oom,\
             task_memcg=/user.slice/x.scope,task=a,b (c),pid=5,uid=1000",
        );
        assert_eq!((whole.oom_memcg, whole.task.as_str(), whole.pid), (None, "a,b (c)", 5));
        assert_eq!(whole.task_memcg.as_deref(), Some("/user.slice/x.scope"));
    }

    #[test]
    fn the_killed_process_is_read_in_the_forms_of_old_and_new_kernels() {
        let killed = |text: &str| match parse(text) {
            Some(Said::Killed { is_memcg, pid, task, uid, anon_rss }) => (is_memcg, pid, task, uid, anon_rss),
            other => panic!("{text}: {other:?}"),
        };
        let new = "Memory cgroup out of memory: Killed process 7 (llama (x)) total-vm:9kB, anon-rss:4kB, file-rss:1kB, \
            shmem-rss:0kB, UID:33 pgtables:84kB oom_score_adj:0";
        assert_eq!(killed(new), (Some(true), 7, "llama (x)".into(), Some(33), Some(4096)));
        let whole = "Out of memory: Killed process 8 (python3) total-vm:9kB, anon-rss:5kB, file-rss:1kB";
        assert_eq!(killed(whole), (Some(false), 8, "python3".into(), None, Some(5120)));
        let old = "Killed process 9 (llama-server) total-vm:9kB, anon-rss:6kB, file-rss:1kB, shmem-rss:0kB";
        assert_eq!(killed(old), (None, 9, "llama-server".into(), None, Some(6144)));
        let redhat = "Killed process 10 (ollama), UID 99, total-vm:9kB, anon-rss:7kB, file-rss:1kB, shmem-rss:0kB";
        assert_eq!(killed(redhat), (None, 10, "ollama".into(), Some(99), Some(7168)));
        let announced = parse("Memory cgroup out of memory: Kill process 11 (sh) score 900 or sacrifice child");
        assert_eq!(announced, Some(Said::Announced { is_memcg: true, pid: 11, task: "sh".into() }));
        let limit = parse("Task in /docker/a killed as a result of limit of /docker");
        assert_eq!(limit, Some(Said::Limit { task_memcg: "/docker/a".into(), oom_memcg: "/docker".into() }));
    }

    #[test]
    fn other_lines_and_numbers_that_are_too_large_are_no_kill() {
        for text in ["", "killed", "oom_reaper: reaped process 7 (x), now anon-rss:0kB", "Will fill"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse("Killed process 99999999999999 (x) total-vm:1kB"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC{0,120}", at in 0usize..3) {
            let start = ["oom-kill:constraint=", "Out of memory: Killed process ", "Out of memory: Kill process "];
            parse(&format!("{}{text}", start[at]));
            parse(&text);
        }
    }
}
