//! Programs that a signal ended.

use super::super::manage::{end_time, symptoms};
use super::super::step::{Step, hit};
use super::super::{Check, Need, Rule};
use super::spawn::undo_of_a_start;
use crate::node::log::LifeEnd;
use crate::triage::facts::{Facts, ServiceFacts};
use crate::triage::finding::{Changes, Confidence, Evidence, Hit, Layer, Playbook, Severity};

pub(super) const SUP_13: Rule = Rule {
    id: "SUP-13",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Service,
    severity: Severity::Critical,
    title: "a program was killed by SIGKILL",
    why: "It was killed by SIGKILL without a stop request to supervisord: by the kernel because memory ran out \
          (MEM-01), by a startup timeout (SUP-11), or by a person or script. A program cannot log that, so its log \
          just stops. A crash has a different signal.",
    explains: &["SUP-10", "SUP-17", "SYS-03", "LLM-11", "WRK-01", "TOOL-02"],
    needs: &[Need::Logs, Need::Kernel],
    signs: &[],
    check: Check::Service(killed),
};

fn killed(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    if !service.ended_with(137, Some("SIGKILL")) {
        return None;
    }
    let ends = service.ends_of_trouble();
    let life = service.last_end()?;
    let pid = life.pid;
    let mut evidence = vec![Evidence::of_state(service)];
    let count =
        ends.iter().filter(|life| life.end == ends.last().map_or(LifeEnd::Unknown, |last| last.end.clone())).count();
    let mut sure = Confidence::Likely;
    let kernel = match facts.kernel.known() {
        Some(kernel) => match kernel.ooms.iter().find(|oom| Some(oom.pid) == pid) {
            Some(oom) => {
                evidence.push(Evidence::of_line(&oom.line));
                "the kernel log has an OOM kill of it"
            }
            None => {
                evidence.push(Evidence::of_fact(&facts.kernel, "no OOM kill of this process"));
                sure = Confidence::Proven;
                "the kernel log has no OOM kill of it, so another process sent the signal"
            }
        },
        None => {
            let why = facts.kernel.why().unwrap_or("unknown");
            evidence.push(Evidence::of_fact(&facts.kernel, format!("not readable: {why}")));
            "the kernel log, which would show an OOM kill, could not be read"
        }
    };
    let time = end_time(life).map_or_else(String::new, |time| format!(" at {}", time.rfc3339()));
    let times = if count > 1 { format!(" {count} times, last") } else { String::new() };
    let cause = format!("killed by SIGKILL{times}{time} without a stop request; {kernel}");
    let step = if facts.kernel.known().is_none() {
        Step::inspect("look for an OOM kill as root").command(&["sudo", "dmesg", "-T"])
    } else if service.process().is_some() {
        Step::inspect(format!("find out what killed it{time}: a watchdog, a script, another user")).command(&[
            "ps",
            "-eo",
            "pid,user,lstart,args",
        ])
    } else {
        let text = format!("find out what killed it{time} (a watchdog, a script, another user), then start it again");
        Step::change(Changes::Service(service.name().to_owned()), text, undo_of_a_start(facts, service))
            .maybe_command(service.manage(facts, "start"))
    };
    Some(hit(Some(service), cause, evidence, step).confidence(sure))
}

pub(super) const SUP_14: Rule = Rule {
    id: "SUP-14",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Service,
    severity: Severity::Critical,
    title: "the program needs a newer CPU",
    why: "SIGILL (status 132): the program used an instruction that this CPU does not have, usually because it was \
          built for a newer one (AVX2, AVX-512, AMX). Rarely it is a deliberate trap in the program. Neither the model \
          nor memory is at fault.",
    explains: symptoms![],
    needs: &[Need::Logs],
    signs: &["Illegal instruction"],
    check: Check::Service(illegal_instruction),
};

/// Instruction sets that builds for newer CPUs use, as `/proc/cpuinfo` names them.
const FLAGS: &[&str] = &["avx", "f16c", "fma", "bmi2", "avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile"];

fn illegal_instruction(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    if !service.ended_with(132, Some("SIGILL")) {
        return None;
    }
    let program = service.argv().first().cloned().unwrap_or_else(|| service.name().to_owned());
    let mut evidence = vec![Evidence::of_state(service)];
    let cpu = &facts.machine.cpu_flags;
    let lacks = match cpu.known() {
        Some(flags) => {
            let missing: Vec<&str> =
                FLAGS.iter().copied().filter(|flag| !flags.iter().any(|own| own == flag)).collect();
            let has: Vec<&str> = FLAGS.iter().copied().filter(|flag| !missing.contains(flag)).collect();
            let text = format!("this CPU has {}; it lacks {}", list(&has), list(&missing));
            evidence.push(Evidence::of_fact(cpu, text));
            format!(" (it lacks {})", list(&missing))
        }
        None => {
            evidence.push(service.reported_state());
            String::new()
        }
    };
    let text = format!("install a generic build of {program}, or one for this CPU");
    let undo = format!("keep the current {program} and restore it");
    let step = Step::change(Changes::File(program.clone()), text, undo);
    let cause = format!("{program} was killed by SIGILL: it was built for a newer CPU{lacks}");
    Some(hit(Some(service), cause, evidence, step).confidence(Confidence::Likely))
}

fn list(words: &[&str]) -> String {
    if words.is_empty() { "none of the usual ones".to_owned() } else { words.join(", ") }
}

pub(super) const SUP_15: Rule = Rule {
    id: "SUP-15",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::App,
    severity: Severity::Critical,
    title: "a program crashes",
    why: "SIGSEGV (139), SIGABRT (134), SIGBUS (135) or SIGFPE (136) without a log line that explains it: a bug in the \
          program or a library. With a GGML_ASSERT line it is LLM-12; SIGBUS can mean a full /dev/shm (FS-07) or a \
          file that was truncated.",
    explains: &["SUP-10", "SUP-17", "SYS-03", "LLM-11", "WRK-01"],
    needs: &[Need::Logs],
    signs: &["GGML_ASSERT("],
    check: Check::Service(crash),
};

const CRASHES: &[(&str, i32)] = &[("SIGSEGV", 139), ("SIGABRT", 134), ("SIGBUS", 135), ("SIGFPE", 136)];

fn crash(_: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let (signal, _) = CRASHES.iter().find(|(signal, code)| service.ended_with(*code, Some(signal)))?;
    if service.line_of_trouble(&["GGML_ASSERT("]).is_some() {
        return None;
    }
    let ends = service.ends_of_trouble();
    let life = service.last_end()?;
    let mut evidence = vec![Evidence::of_state(service), service.reported_state()];
    let first = match &life.first_error {
        Some(line) => {
            evidence.push(Evidence::of_line(line));
            format!("; its first error was: {}", line.text.trim())
        }
        None => "; it logged no error before".to_owned(),
    };
    let program = service.argv().first().cloned().unwrap_or_else(|| service.name().to_owned());
    let times = if ends.len() > 1 { format!(" ({} times so far)", ends.len()) } else { String::new() };
    let cause = format!("{program} crashed with {signal}{times}{first}");
    let step = Step::inspect(
        "check where the core dump of the next crash will be written, and whether the same request \
                       triggers it again",
    )
    .command(&["cat", "/proc/sys/kernel/core_pattern"]);
    Some(hit(Some(service), cause, evidence, step))
}
