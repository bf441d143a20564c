use crate::model::service::Role;
use crate::node::kernel::OomKill;
use crate::node::log::LifeEnd;
use crate::node::machine::{ControlGroup, Memory, Pressure, Waits};
use crate::triage::counters;
use crate::triage::facts::{Changes as Since, Facts, ServiceFacts};
use crate::triage::finding::{Confidence, Severity};
use crate::triage::rules::samples::*;
use crate::triage::testing::*;

fn killed(service: &mut ServiceFacts) {
    fails(service, LifeEnd::Killed { signal: "SIGKILL".into() }, &[]);
}

fn group(path: &str) -> ControlGroup {
    ControlGroup {
        path: path.into(),
        version: 2,
        inode: Some(7),
        memory_limit: Some(40 << 20),
        memory_used: Some(39 << 20),
        oom_kills: Some(3),
        limit_hits: Some(9),
        pressure: None,
    }
}

fn oom(pid: u32, task: &str, seconds: i64) -> OomKill {
    OomKill {
        line: kernel_line(seconds, &format!("oom-kill:constraint=CONSTRAINT_MEMCG,task={task},pid={pid}")),
        constraint: "CONSTRAINT_MEMCG".into(),
        oom_memcg: Some("/lab2".into()),
        task_memcg: Some("/lab2".into()),
        task: task.into(),
        pid,
        uid: Some(0),
        anon_rss: Some(38 << 20),
    }
}

fn none(id: &str, facts: &Facts) {
    assert_eq!(hits(id, facts), []);
}

#[test]
fn a_kill_belongs_to_the_service_by_its_pid() {
    let mut facts = node(|service| {
        killed(service);
        service.cgroups = vec![known("/sys/fs/cgroup/lab2", group("/lab2"))];
    });
    with_kernel(&mut facts, vec![oom(53, "llama-server", 1)], Vec::new());
    let found = hit("MEM-01", &facts);
    says_all(&found, &["pid 53", "40.0 MiB", "/lab2", "38.0 MiB"]);
    assert_eq!(found.confidence, Confidence::Proven);
    // The whole machine.
    let global = OomKill { constraint: "CONSTRAINT_NONE".into(), ..oom(53, "llama-server", 1) };
    with_kernel(&mut facts, vec![global], Vec::new());
    facts.machine.memory =
        known("/proc/meminfo", Memory { largest: vec![(9, "java".into(), 30 << 30)], ..Memory::default() });
    says_all(&hit("MEM-01", &facts), &["whole machine", "java (pid 9)", "30.0 GiB"]);
}

#[test]
fn a_kill_of_another_process_or_of_another_time_is_not_the_service_s() {
    // The kernel log of a healthy machine holds kills of others; to blame one sends an operator the wrong way.
    let mut facts = node(killed);
    with_kernel(&mut facts, vec![oom(9999, "chrome", 1)], Vec::new());
    none("MEM-01", &facts);
    // The same pid, an hour before that life.
    with_kernel(&mut facts, vec![oom(53, "llama-server", 3600)], Vec::new());
    none("MEM-01", &facts);
    // By name and time only: another control group.
    facts.services[0].cgroups = vec![known("cgroup", group("/other"))];
    with_kernel(&mut facts, vec![oom(9999, "llama-server", 1)], Vec::new());
    none("MEM-01", &facts);
    facts.services[0].cgroups = vec![known("cgroup", group("/lab2"))];
    assert_eq!(hit("MEM-01", &facts).confidence, Confidence::Likely);
    // A service that runs well again: history.
    let mut facts = node(|_| {});
    with_kernel(&mut facts, vec![oom(100, "llama-server", 1)], Vec::new());
    none("MEM-01", &facts);
}

#[test]
fn a_counter_counts_against_the_baseline_of_this_boot() {
    let mut facts = node(|service| {
        killed(service);
        service.cgroups = vec![known("cgroup", group("/lab2"))];
    });
    none("MEM-01", &facts);
    let counters = [(counters::oom_kills("/lab2", Some(7)), 1.0)].into();
    facts.changes = Some(Since { counters, is_same_boot: true, ..Since::default() });
    says_all(&hit("MEM-01", &facts), &["2 OOM kills", "/lab2"]);
    if let Some(changes) = &mut facts.changes {
        changes.is_same_boot = false;
    }
    none("MEM-01", &facts);
}

#[test]
fn a_kill_that_nobody_may_look_at_is_unknown() {
    let mut facts = node(killed);
    facts.kernel = denied("kernel log");
    let found = hit("MEM-02", &facts);
    says_all(&found, &["possibly", "triage"]);
    assert_eq!(rule("MEM-02").severity, Severity::Unknown);
    // The counter of its group may be read: that is known then.
    facts.services[0].cgroups = vec![known("cgroup", group("/lab2"))];
    none("MEM-02", &facts);
    none("MEM-02", &node(killed));
}

#[test]
fn waiting_for_memory_is_thrash_with_swap_or_disks() {
    let pressed =
        |full| Pressure { memory_full: Waits { avg10: full, avg60: full, avg300: full }, ..Pressure::default() };
    let mut facts = node(|_| {});
    facts.machine.pressure = known("/proc/pressure", pressed(2_500));
    facts.machine.memory = known(
        "/proc/meminfo",
        Memory { total: 8 << 30, available: 1 << 28, swap_total: 4 << 30, swap_free: 0, ..Memory::default() },
    );
    says_all(&hit("MEM-03", &facts), &["25.0 %", "4.0 GiB of swap", "llama"]);
    facts.machine.pressure = known("/proc/pressure", pressed(300));
    none("MEM-03", &facts);
    none("MEM-03", &node(|_| {}));
    // Its own control group.
    let facts = node(|service| {
        service.cgroups = vec![known("cgroup", ControlGroup { pressure: Some(pressed(2_500)), ..group("/lab2") })];
    });
    assert_eq!(hit("MEM-03", &facts).service.as_deref(), Some("llama"));
}

#[test]
fn a_cache_that_grows_counts_while_memory_is_short() {
    let of = |available: u64| {
        let mut facts = node(|service| with_process(service, |process| process.rss = Some(9 << 30)));
        facts.machine.memory = known("/proc/meminfo", Memory { total: 16 << 30, available, ..Memory::default() });
        facts
    };
    says_all(&hit("MEM-04", &of(1 << 30)), &["9.0 GiB", "93.8 MiB", "--cache-ram 1024"]);
    none("MEM-04", &of(8 << 30));
    let mut facts = of(1 << 30);
    facts.services[0].service.role = Role::Api;
    none("MEM-04", &facts);
}

#[test]
fn one_state_that_does_not_fit_is_the_last_line_before_the_kill() {
    let line = "srv prompt_save: - saving prompt with length 28960, total state size = 3462.850 MiB";
    let end = LifeEnd::Killed { signal: "SIGKILL".into() };
    let mut facts = node(|service| fails(service, end.clone(), &[line]));
    with_kernel(&mut facts, vec![oom(53, "llama-server", 1)], Vec::new());
    let found = hit("MEM-05", &facts);
    says_all(&found, &["28960 tokens", "3463 MiB", "--cache-ram 0"]);
    assert_eq!(found.confidence, Confidence::Proven);
    assert!(rule("MEM-05").explains.contains(&"MEM-01"));
    // The server went on after it.
    none("MEM-05", &node(|service| fails(service, end, &[line, "srv update_slots: all slots are idle"])));
    let other = LifeEnd::Exited { code: 1, expected: false };
    none("MEM-05", &node(|service| fails(service, other, &[line])));
}

/// Ollama goes on when its runner is killed, and answers the next request as if nothing had been: the request that died
/// is found nowhere else.
#[test]
fn a_service_that_outlives_a_process_of_its_group_is_a_warning() {
    let of = |path: &str, name: &str| {
        let mut facts = node(|service| service.cgroups = vec![known("cgroup", group(path))]);
        with_kernel(&mut facts, vec![oom(4711, name, 60)], Vec::new());
        facts
    };
    let facts = of("/lab2", "python3");
    let found = hit("MEM-01", &facts);
    says_all(&found, &["python3 (pid 4711)", "keeps running", "40.0 MiB"]);
    assert_eq!((found.severity, found.confidence), (Some(Severity::Warning), Confidence::Likely));
    // Another group, a login's group, and a kill before it was started.
    none("MEM-01", &of("/other", "llama-server"));
    let mut login = of("/user.slice/user-0.slice/session-3.scope", "python3");
    let in_login = |facts: &mut Facts, name: &str| {
        let path = "/user.slice/user-0.slice/session-3.scope".to_owned();
        let kill = OomKill { task_memcg: Some(path.clone()), oom_memcg: Some(path), ..oom(4711, name, 60) };
        with_kernel(facts, vec![kill], Vec::new());
    };
    in_login(&mut login, "python3");
    none("MEM-01", &login);
    in_login(&mut login, "llama-server");
    says_all(&hit("MEM-01", &login), &["llama-server"]);
    let mut before = of("/lab2", "llama-server");
    with_kernel(&mut before, vec![oom(4711, "llama-server", 3_000_000)], Vec::new());
    none("MEM-01", &before);
    // A group that another service shares says nothing by itself.
    let mut shared = of("/lab2", "python3");
    let mut other = shared.services[0].clone();
    other.service.name = "other".into();
    shared.services.push(other);
    none("MEM-01", &shared);
    says(&mut shared.services[0], &["runner started with pid 4711"]);
    assert_eq!(hit("MEM-01", &shared).service.as_deref(), Some("llama"));
}

/// The parent ends with an exit status of its own, and its group is gone: the kernel's line names a process that nobody
/// knows.
#[test]
fn a_service_that_ends_because_its_child_was_killed_is_explained_by_the_kill() {
    let mut facts = node(|service| {
        fails(service, LifeEnd::Exited { code: 1, expected: false }, &["E runner terminated: exit status -9"]);
        service.cgroups = Vec::new();
        service.processes = Vec::new();
    });
    let end =
        facts.services[0].lives.last().map(|life| life.began.unwrap().0 + (life.lasted_s.unwrap() * 1000.0) as i64);
    let seconds = (NOW.0 - end.unwrap()) / 1000;
    with_kernel(&mut facts, vec![oom(4711, "python3", seconds + 1)], Vec::new());
    says_all(&hit("MEM-01", &facts), &["python3 (pid 4711)", "/lab2"]);
    with_kernel(&mut facts, vec![oom(4711, "python3", seconds + 120)], Vec::new());
    none("MEM-01", &facts);
    let mut silent = node(|service| {
        fails(service, LifeEnd::Exited { code: 1, expected: false }, &["E cannot bind"]);
        service.cgroups = Vec::new();
    });
    with_kernel(&mut silent, vec![oom(4711, "python3", seconds + 1)], Vec::new());
    none("MEM-01", &silent);
}
