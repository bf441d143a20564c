use crate::model::service::Role;
use crate::node::endpoint::Answer;
use crate::node::log::LifeEnd;
use crate::triage::facts::{Facts, HubFacts, Library, ServiceFacts};
use crate::triage::finding::{Changes, Confidence, Severity};
use crate::triage::rules::samples::*;
use crate::triage::testing::*;

const END: LifeEnd = LifeEnd::Exited { code: 1, expected: false };
const NO_CUBLAS: &str = "RuntimeError: Library libcublas.so.12 is not found or cannot be loaded";

fn whisper(change: impl FnOnce(&mut ServiceFacts)) -> Facts {
    let mut facts = with_role(Role::Whisper, "whisper", |service| {
        service.service.gpu = Some(true);
        change(service);
    });
    with_gpu(&mut facts, |_| {});
    facts
}

fn none(id: &str, facts: &Facts) {
    assert_eq!(hits(id, facts), [], "{id}");
}

#[test]
fn a_missing_library_of_cuda_is_installed_or_found() {
    let facts = whisper(|service| fails(service, END, &[NO_CUBLAS]));
    says_all(&hit("WHS-01", &facts), &["libcublas.so.12", "nvidia-cublas-cu12"]);
    let facts = whisper(|service| {
        fails(service, END, &["Unable to load any of {libcudnn_ops.so.9.1.0, libcudnn_ops.so.9}"]);
        service.libraries = Some(known(
            "libraries",
            vec![Library {
                name: "libcudnn_ops.so.9".into(),
                found: None,
                by: None,
                elsewhere: Some("/venv/lib/nvidia/cudnn/lib/libcudnn_ops.so.9".into()),
                wants_executable_stack: false,
            }],
        ));
    });
    says_all(&hit("WHS-01", &facts), &["does not search", "LD_LIBRARY_PATH", "/venv/lib/nvidia/cudnn/lib"]);
    // It runs and has the library: somebody's words, or history.
    none(
        "WHS-01",
        &whisper(|service| {
            says(service, &[NO_CUBLAS]);
            with_process(service, |process| process.libraries = known("maps", vec!["/x/libcublas.so.12.4".into()]));
        }),
    );
}

#[test]
fn a_library_that_is_opened_at_the_first_work() {
    let facts = whisper(|service| says(service, &["INFO model loaded on device=cuda", NO_CUBLAS]));
    let found = hit("WHS-03", &facts);
    says_all(&found, &["first request", "libcublas.so.12", "second of audio"]);
    none("WHS-01", &facts);
    none("WHS-03", &whisper(|service| says(service, &["INFO model loaded on device=cuda"])));
}

#[test]
fn a_silent_fallback_is_named_and_a_safe_one_called_right() {
    let on_cpu = |service: &mut ServiceFacts| says(service, &["INFO Using device=cpu compute_type=int8"]);
    let found = hit("WHS-02", &whisper(on_cpu));
    says_all(&found, &["silently", "--device cuda"]);
    assert_eq!(found.confidence, Confidence::Proven);
    let mut facts = whisper(on_cpu);
    with_gpu(&mut facts, |gpus| answers(gpus, 15));
    says_all(&hit("WHS-02", &facts), &["right while no GPU responds"]);
    none(
        "WHS-02",
        &whisper(|service| {
            on_cpu(service);
            with_process(service, |process| process.gpu_nodes = vec!["/dev/nvidia0".into()]);
        }),
    );
    none(
        "WHS-02",
        &whisper(|service| {
            on_cpu(service);
            service.service.gpu = None;
        }),
    );
}

#[test]
fn float16_is_refused_by_an_old_gpu_or_by_the_cpu() {
    let line = "ValueError: Requested float16 compute type, but the target device or backend do not support efficient \
                float16 computation.";
    let mut facts = whisper(|service| fails(service, END, &[line]));
    says_all(&hit("WHS-04", &facts), &["runs on the CPU", "why"]);
    with_gpu(&mut facts, |gpus| with_device(gpus, |device| device.capability = Some((6, 1))));
    let found = hit("WHS-04", &facts);
    says_all(&found, &["compute capability 6.1", "int8_float32", "float16"]);
    assert_eq!(found.confidence, Confidence::Proven);
    none(
        "WHS-04",
        &whisper(|service| says(service, &["user asks: Requested float16 compute type, but the target device"])),
    );
}

#[test]
fn a_mark_for_an_executable_stack_is_taken_away() {
    let line = "ImportError: libctranslate2-d3638643.so.4.4.0: cannot enable executable stack as shared object \
                requires: Invalid argument";
    let found = hit("WHS-05", &whisper(|service| fails(service, END, &[line])));
    says_all(&found, &["libctranslate2-d3638643.so.4.4.0", "ctranslate2"]);
    assert_eq!(found.confidence, Confidence::Likely);
    let facts = whisper(|service| {
        fails(service, END, &[line]);
        service.libraries = Some(known(
            "libraries",
            vec![Library {
                name: "libctranslate2-d3638643.so.4.4.0".into(),
                found: Some("/venv/libctranslate2-d3638643.so.4.4.0".into()),
                by: None,
                elsewhere: None,
                wants_executable_stack: true,
            }],
        ));
    });
    let found = hit("WHS-05", &facts);
    says_all(&found, &["--clear-execstack", "/venv/libctranslate2"]);
    assert_eq!(found.changes, Changes::File("/venv/libctranslate2-d3638643.so.4.4.0".into()));
    none("WHS-05", &whisper(|service| says(service, &[line])));
}

#[test]
fn the_hub_is_told_apart_by_its_cache() {
    let hub = |is_present, is_offline_set| {
        Some(HubFacts { repository: "Systran/faster-whisper-small".into(), is_present, is_offline_set })
    };
    let lines = [
        "requests.exceptions.ConnectionError: Max retries exceeded with url: https://huggingface.co/api",
        "LocalEntryNotFoundError: Cannot find an appropriate cached snapshot folder for the specified revision",
    ];
    let facts = whisper(|service| {
        fails(service, END, &lines);
        service.hub = hub(false, true);
    });
    says_all(&hit("WHS-06", &facts), &["not in any cache", "hf download"]);
    let facts = whisper(|service| {
        says(service, &lines[..1]);
        service.hub = hub(true, false);
    });
    let found = hit("WHS-06", &facts);
    says_all(&found, &["is in the cache", "HF_HUB_OFFLINE=1"]);
    assert_eq!(found.severity, Some(Severity::Warning));
    // Silence at the start.
    let facts = whisper(|service| {
        service.hub = hub(true, false);
        with_endpoint(service, |endpoint| endpoint.health = Answer::Refused);
        with_process(service, |process| process.started = Some(ago(90)));
    });
    assert_eq!(hit("WHS-06", &facts).confidence, Confidence::Possible);
    none("WHS-06", &whisper(|service| service.hub = hub(true, false)));
    none(
        "WHS-06",
        &whisper(|service| {
            says(service, &lines[..1]);
            service.hub = hub(true, true);
        }),
    );
}
