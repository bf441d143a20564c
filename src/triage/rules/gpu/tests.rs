use crate::model::service::Role;
use crate::node::gpu::Gpus;
use crate::node::kernel::Xid;
use crate::node::log::LifeEnd;
use crate::node::{Fact, Outcome};
use crate::triage::facts::Facts;
use crate::triage::finding::{Hit, Severity};
use crate::triage::rules::samples::*;
use crate::triage::testing::*;

/// A machine with a GPU and a service that should use it.
fn expecting(change: impl FnOnce(&mut Gpus)) -> Facts {
    let mut facts = node(|service| service.service.gpu = Some(true));
    with_gpu(&mut facts, change);
    facts
}

fn timed_out<T>() -> Fact<T> {
    Fact::new("NVML", NOW, Outcome::TimedOut { why: "no answer within 10 s".into() })
}

#[track_caller]
fn only(facts: &Facts, ids: &[&str]) {
    let all = super::RULES.iter().map(|rule| rule.id);
    let found: Vec<&str> = all.filter(|id| !hits(id, facts).is_empty()).collect();
    assert_eq!(found, ids);
}

fn contained(facts: Facts) -> Facts {
    let mut facts = facts;
    facts.machine.container = Some("docker".into());
    facts
}

#[test]
fn a_gpu_that_answers_is_no_finding() {
    // The power cap under load and old faults of programs are everyday life.
    let mut facts = expecting(|_| {});
    with_kernel(&mut facts, Vec::new(), vec![xid(79, 90_000), xid(62, 50_000), xid(43, 50_000), xid(63, 5)]);
    only(&facts, &[]);
}

#[test]
fn no_driver_is_information_unless_a_service_wants_one() {
    let facts = node(|_| {});
    only(&facts, &["GPU-01"]);
    assert_eq!(hit("GPU-01", &facts).severity, Some(Severity::Info));
    let facts = node(|service| service.service.gpu = Some(true));
    let found = hit("GPU-01", &facts);
    assert_eq!(found.severity, None);
    says_all(&found, &["llama should use one"]);
    assert!(rule("GPU-01").explains.contains(&"LLM-14"));
}

#[test]
fn nodes_without_the_library_lack_a_capability() {
    let facts = contained(expecting(|gpus| {
        answers(gpus, 12);
        gpus.library_version = None;
    }));
    only(&facts, &["GPU-02"]);
    says_all(&hit("GPU-02", &facts), &["docker", "compute,utility"]);
}

#[test]
fn a_module_that_is_not_loaded_is_loaded_or_nouveau_goes() {
    let of = |has_nouveau| {
        expecting(|gpus| {
            answers(gpus, 9);
            gpus.module_version = None;
            gpus.has_nouveau = has_nouveau;
        })
    };
    only(&of(false), &["GPU-03"]);
    says_all(&hit("GPU-03", &of(false)), &["not loaded", "6.18.0", "modprobe"]);
    says_all(&hit("GPU-03", &of(true)), &["nouveau", "blacklist"]);
}

#[test]
fn two_versions_are_both_named() {
    let facts = expecting(|gpus| {
        answers(gpus, 18);
        gpus.library_version = Some("575.1".into());
    });
    only(&facts, &["GPU-04"]);
    says_all(&hit("GPU-04", &facts), &["570.10", "575.1", "reboot"]);
    // NVML answers all the same: the file is another one than the library that is used.
    only(&expecting(|gpus| gpus.library_version = Some("575.1".into())), &[]);
}

#[test]
fn a_container_that_lost_its_devices_is_made_anew() {
    let facts = contained(expecting(|gpus| answers(gpus, 999)));
    let found = hit("GPU-05", &facts);
    says_all(&found, &["docker container has lost", "NVML 999", "recreate"]);
    says_all(&hit("GPU-05", &expecting(|gpus| answers(gpus, 999))), &["nvidia_uvm"]);
    only(&contained(expecting(|_| {})), &["GPU-14"]);
}

#[test]
fn a_lost_gpu_is_the_host_s_matter_and_not_for_ever() {
    let mut facts = expecting(|gpus| with_device(gpus, |device| device.code = 15));
    with_kernel(&mut facts, Vec::new(), vec![xid(79, 100)]);
    let found = hit("GPU-06", &facts);
    says_all(&found, &["fallen off the bus", "GPU 0 (NVIDIA L4)", "nvidia-bug-report.sh"]);
    assert_eq!(found.severity, None);
    // It answers again.
    let mut facts = expecting(|_| {});
    with_kernel(&mut facts, Vec::new(), vec![xid(79, 100)]);
    assert_eq!(hit("GPU-06", &facts).severity, Some(Severity::Warning));
    // Before the last boot, or before the time in question.
    with_kernel(&mut facts, Vec::new(), vec![xid(79, 100_000), xid(79, 5_000)]);
    only(&facts, &[]);
}

#[test]
fn a_fault_counts_while_the_gpu_is_bad() {
    let of = |action, seconds| {
        let mut facts = expecting(|gpus| with_device(gpus, |device| device.recovery_action = Some(action)));
        with_kernel(&mut facts, Vec::new(), vec![xid(95, seconds)]);
        facts
    };
    let found = hit("GPU-07", &of(1, 5_000));
    says_all(&found, &["Xid 95", "uncontained memory error", "--gpu-reset"]);
    assert_eq!(found.severity, None);
    says_all(&hit("GPU-07", &of(2, 100)), &["reboot"]);
    assert_eq!(hit("GPU-07", &of(0, 100)).severity, Some(Severity::Info));
    only(&of(0, 5_000), &[]);
}

#[test]
fn a_fault_of_a_program_names_the_program() {
    let mut facts = expecting(|_| {});
    with_kernel(&mut facts, Vec::new(), vec![xid(31, 100)]);
    only(&facts, &["GPU-08"]);
    let found = hit("GPU-08", &facts);
    says_all(&found, &["llama-server (pid 100)", "Xid 31", "the GPU is fine"]);
    assert_eq!(found.service.as_deref(), Some("llama"));
}

#[test]
fn a_fault_that_follows_another_is_information() {
    let mut facts = expecting(|_| {});
    let follows = Xid { caused_by: Some(31), ..xid(45, 90) };
    with_kernel(&mut facts, Vec::new(), vec![xid(31, 100), follows]);
    only(&facts, &["GPU-08", "GPU-09"]);
    says_all(&hit("GPU-09", &facts), &["Xid 45 follows Xid 31"]);
    // Without a cause it is the program's own.
    with_kernel(&mut facts, Vec::new(), vec![xid(45, 90)]);
    only(&facts, &["GPU-08"]);
}

#[test]
fn a_driver_that_hangs_is_not_asked_again_and_a_slow_one_is_unknown() {
    let of = |state| {
        expecting(|gpus| {
            gpus.nvml = timed_out();
            gpus.stuck = Some((state, Some("nv_ioctl".into())));
        })
    };
    only(&of('D'), &["GPU-10"]);
    says_all(&hit("GPU-10", &of('D')), &["nv_ioctl", "do not run nvidia-smi"]);
    only(&of('S'), &["GPU-11"]);
    assert_eq!(rule("GPU-11").severity, Severity::Unknown);
}

#[test]
fn worn_memory_is_replaced_or_waits_for_a_reset() {
    let of = |pending, failed| {
        expecting(|gpus| {
            with_device(gpus, |device| (device.remap_pending, device.remap_failed) = (Some(pending), Some(failed)));
        })
    };
    let found: Hit = hit("GPU-12", &of(false, true));
    says_all(&found, &["no spare memory rows", "replaced"]);
    assert_eq!(found.severity, None);
    assert_eq!(hit("GPU-12", &of(true, false)).severity, Some(Severity::Warning));
}

#[test]
fn throttling_counts_in_both_samples() {
    let of = |events: [u64; 2]| expecting(move |gpus| with_device(gpus, |device| device.clock_events = events.into()));
    only(&of([0x44, 0x40]), &["GPU-13"]);
    says_all(&hit("GPU-13", &of([0x44, 0x40])), &["heat (hardware)", "50 °C"]);
    only(&of([0x40, 0x04]), &[]);
    only(&of([1, 1]), &[]);
}

#[test]
fn an_empty_table_in_a_container_is_normal() {
    let facts = contained(expecting(|_| {}));
    says_all(&hit("GPU-14", &facts), &["3.0 GiB", "only the host can see"]);
    only(&expecting(|_| {}), &[]);
}

#[test]
fn memory_that_is_held_at_a_start_names_the_holder() {
    let line = "ValueError: Free memory on device (0.49/79.32 GiB) on startup is less than desired GPU memory \
                utilization (0.6, 47.59 GiB)";
    let mut facts = with_role(Role::Other, "vllm", |service| {
        fails(
            service,
            LifeEnd::Exited { code: 1, expected: false },
            &[line, "RuntimeError: EngineCore failed to start"],
        );
    });
    with_gpu(&mut facts, |gpus| with_device(gpus, |device| device.processes = vec![(99, Some(78 << 30))]));
    says_all(&hit("GPU-15", &facts), &["only 0.49 of 79.32 GiB", "needs 47.59 GiB", "pid 99 uses 78.0 GiB"]);
    let quoted = with_role(Role::Other, "vllm", |service| says(service, &[line]));
    only(&quoted, &["GPU-01"]);
}
