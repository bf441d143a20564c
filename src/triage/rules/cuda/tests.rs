use crate::model::service::Role;
use crate::node::gpu::{Amd, Node};
use crate::node::log::LifeEnd;
use crate::triage::facts::{Facts, ServiceFacts};
use crate::triage::finding::{Confidence, Severity};
use crate::triage::rules::samples::*;
use crate::triage::testing::*;

const END: LifeEnd = LifeEnd::Exited { code: 1, expected: false };

fn gpu_node(change: impl FnOnce(&mut ServiceFacts)) -> Facts {
    let mut facts = node(change);
    with_gpu(&mut facts, |_| {});
    facts
}

fn none(id: &str, facts: &Facts) {
    assert_eq!(hits(id, facts), [], "{id}");
}

#[test]
fn a_variable_that_hides_the_gpu_is_named_with_its_place() {
    let of = |value: &'static str, gpu| {
        gpu_node(move |service| {
            service.service.gpu = gpu;
            with_variable(service, "CUDA_VISIBLE_DEVICES", value);
            with_settings(service, |settings| {
                settings.environment = vec![("CUDA_VISIBLE_DEVICES".into(), value.into())]
            });
        })
    };
    let found = hit("CUD-01", &of("", Some(true)));
    says_all(&found, &["CUDA_VISIBLE_DEVICES=\"\"", "hides every GPU", "/etc/supervisor/conf.d/llama.conf:1"]);
    says_all(&hit("CUD-01", &of("-1", Some(true))), &["hides every GPU"]);
    says_all(&hit("CUD-01", &of("3", Some(true))), &["there is no GPU 3"]);
    says_all(&hit("CUD-01", &of("GPU-9", Some(true))), &["there is no GPU GPU-9"]);
    none("CUD-01", &of("0", Some(true)));
    none("CUD-01", &of("GPU-11", Some(true)));
    // Meant so, or perhaps meant so.
    none("CUD-01", &of("", Some(false)));
    assert_eq!(hit("CUD-01", &of("", None)).severity, Some(Severity::Info));
    assert!(rule("CUD-01").explains.contains(&"LLM-14"));
}

#[test]
fn the_node_for_cuda_is_missing() {
    let mut facts = gpu_node(|service| service.service.gpu = Some(true));
    none("CUD-02", &facts);
    with_gpu(&mut facts, |gpus| {
        gpus.nodes.pop();
    });
    says_all(&hit("CUD-02", &facts), &["/dev/nvidia-uvm is missing", "nvidia-modprobe"]);
    none("CUD-02", &node(|_| {}));
}

#[test]
fn a_runtime_that_does_not_fit_the_driver() {
    let old = "ggml_cuda_init: failed to initialize CUDA: CUDA driver version is insufficient for CUDA runtime version";
    let facts = gpu_node(|service| {
        with_words(service, &["-ngl", "99"]);
        says(service, &[old]);
    });
    says_all(&hit("CUD-03", &facts), &["too old", "driver 570.10", "CUDA 35"]);
    let facts = gpu_node(|service| {
        fails(service, END, &["RuntimeError: CUDA error: forward compatibility was attempted on non supported HW"]);
    });
    says_all(&hit("CUD-03", &facts), &["804", "compat"]);
    // It has its GPU: the words of somebody.
    none(
        "CUD-03",
        &gpu_node(|service| {
            says(service, &[old]);
            with_process(service, |process| process.gpu_nodes = vec!["/dev/nvidia0".into()]);
        }),
    );
}

#[test]
fn the_fabric_manager_is_started() {
    let facts = gpu_node(|service| fails(service, END, &["CUDA error 802: system not yet initialized"]));
    says_all(&hit("CUD-04", &facts), &["802", "nvidia-fabricmanager", "570.10"]);
    none("CUD-04", &gpu_node(|service| fails(service, END, &["database: system not yet initialized"])));
}

#[test]
fn a_build_without_code_for_this_gpu_names_both() {
    let lines = [
        "system_info: CUDA : ARCHS = 800,900 | F16 = 1",
        "CUDA error: no kernel image is available for execution on the device",
    ];
    let facts = gpu_node(|service| fails(service, LifeEnd::Killed { signal: "SIGABRT".into() }, &lines));
    let found = hit("CUD-05", &facts);
    says_all(&found, &["NVIDIA L4 (compute capability 8.9)", "only for 800,900", "ARCHITECTURES=89"]);
    assert_eq!(found.confidence, Confidence::Proven);
    assert!(rule("CUD-05").explains.contains(&"LLM-12"));
    none(
        "CUD-05",
        &gpu_node(|service| says(service, &["user: no kernel image is available for execution on the device"])),
    );
}

#[test]
fn a_group_that_is_missing_for_the_amd_gpu() {
    let of = |groups: Vec<u32>| {
        let mut facts = node(|service| {
            service.service.gpu = Some(true);
            with_settings(service, |settings| settings.user = Some("llm".into()));
            with_process(service, |process| (process.uid, process.groups) = (Some(1000), groups));
        });
        with_gpu(&mut facts, |gpus| {
            gpus.nodes = vec![Node { path: "/dev/kfd".into(), mode: 0o660, gid: 109, errno: 0 }];
            gpus.amd = vec![Amd { card: "card0".into(), ..Amd::default() }];
        });
        facts
    };
    let found = hit("AMD-01", &of(vec![1000]));
    says_all(&found, &["uid 1000 cannot open /dev/kfd", "group 109", "usermod"]);
    none("AMD-01", &of(vec![1000, 109]));
    let mut facts = of(vec![1000]);
    facts.services[0].service.role = Role::Api;
    facts.services[0].service.gpu = None;
    none("AMD-01", &facts);
}
