//! What the program reads of a node in children of its own: a fake NVML, and files as a service sees them.

use modelctl::clock::Timestamp;
use modelctl::node::gpu::{self, Gpus};
use modelctl::node::model_file::{self, ModelFileRequest};
use modelctl::node::{Outcome, Place};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_modelctl");
const NOW: Timestamp = Timestamp(1_700_000_000_000);
const LONG: Duration = Duration::from_secs(60);

/// The folder with the fake library. None where no C compiler is here, which is a failure where tests must run.
pub fn fake_nvml() -> Option<&'static Path> {
    static MADE: OnceLock<Option<tempfile::TempDir>> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/triage/fake_nvml.c");
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-o"]).arg(dir.path().join("libnvidia-ml.so.1")).arg(source);
        match cc.output() {
            Ok(output) => {
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                Some(dir)
            }
            Err(error) => {
                assert!(std::env::var_os("MODELCTL_TESTS_MUST_RUN").is_none(), "no C compiler: {error}");
                eprintln!("skipped: no C compiler: {error}");
                None
            }
        }
    });
    made.as_ref().map(tempfile::TempDir::path)
}

/// Reads the GPUs of an empty node by a modelctl that loads the fake library.
fn gpus(variables: &[(&str, &str)], limit: Duration) -> Option<Gpus> {
    let library = fake_nvml()?;
    let dir = tempfile::tempdir().unwrap();
    let script: PathBuf = dir.path().join("modelctl");
    let variables: String = variables.iter().map(|(name, value)| format!("export {name}='{value}'\n")).collect();
    let text =
        format!("#!/bin/sh\n{variables}export LD_LIBRARY_PATH='{}'\nexec '{PROGRAM}' \"$@\"\n", library.display());
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    Some(gpu::read(&Place::new(dir.path().join("root")), &script, limit, NOW).known().unwrap().clone())
}

/// Every rule of GPUs goes by these codes: a text instead of a number would silence them all.
#[test]
fn the_code_of_nvml_reaches_the_facts() {
    for code in ["4", "9", "12", "15", "17", "18", "999", "4711"] {
        let Some(gpus) = gpus(&[("FAKE_NVML_INIT", code)], LONG) else { return };
        let nvml = gpus.nvml.known().unwrap();
        assert_eq!((nvml.code.to_string().as_str(), nvml.devices.len()), (code, 0));
        assert_eq!(gpus.stuck, None);
    }
}

#[test]
fn devices_have_their_facts_and_a_lost_one_hides_no_other() {
    let variables = [
        ("FAKE_NVML_DEVICES", "3"),
        ("FAKE_NVML_DEVICE_CODE", "1:15"),
        ("FAKE_NVML_MEMORY", "85899345920:8589934592"),
        ("FAKE_NVML_CLOCKS", "0x28"),
        ("FAKE_NVML_REMAP", "1:0"),
        ("FAKE_NVML_RECOVERY", "2"),
        ("FAKE_NVML_PROCESSES", "4242:1048576"),
        ("FAKE_NVML_CAPABILITY", "6:1"),
        ("FAKE_NVML_DRIVER", "580.65.06"),
    ];
    let Some(gpus) = gpus(&variables, LONG) else { return };
    let nvml = gpus.nvml.known().unwrap();
    assert_eq!((nvml.code, nvml.driver_version.as_deref()), (0, Some("580.65.06")));
    assert_eq!(nvml.devices.iter().map(|device| device.code).collect::<Vec<_>>(), [0, 15, 0]);
    let device = &nvml.devices[2];
    assert_eq!((device.name.as_str(), device.uuid.as_deref()), ("Fake GPU 2", Some("GPU-fake-2")));
    assert_eq!(device.pci.as_deref(), Some("00000000:03:00.0"));
    assert_eq!((device.memory_total, device.memory_used), (Some(85_899_345_920), Some(8_589_934_592)));
    assert_eq!(device.clock_events, [0x28, 0x28]);
    assert_eq!((device.remap_pending, device.remap_failed, device.recovery_action), (Some(true), Some(false), Some(2)));
    assert_eq!((device.capability, device.mig), (Some((6, 1)), None));
    assert_eq!(device.processes, [(4242, Some(1_048_576))]);
    let sick = self::gpus(&[("FAKE_NVML_MEMORY_CODE", "16")], LONG).unwrap();
    assert_eq!(sick.nvml.known().unwrap().devices[0].code, 16);
}

/// A driver that hangs must cost its limit and no more, and say what its process did.
#[test]
fn a_driver_that_gives_no_answer_costs_its_limit() {
    for (hang, states) in [("init", "S"), ("memory", "S"), ("spin", "R")] {
        let began = Instant::now();
        // Long enough that the child has come to the library on a busy machine.
        let Some(gpus) = gpus(&[("FAKE_NVML_HANG", hang)], Duration::from_secs(2)) else { return };
        assert!(began.elapsed() < Duration::from_secs(20));
        assert!(matches!(gpus.nvml.outcome, Outcome::TimedOut { .. }), "{gpus:?}");
        let (state, _) = gpus.stuck.unwrap();
        assert!(states.contains(state), "{hang}: {state}");
    }
}

#[test]
fn a_model_file_is_read_by_a_child() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.gguf");
    std::fs::write(&path, "<!DOCTYPE html>").unwrap();
    let request = ModelFileRequest { pid: Some(std::process::id()), ..ModelFileRequest::new(&path, 0.05) };
    let fact = model_file::read_in_child(Path::new(PROGRAM), &request, LONG, NOW);
    let file = fact.known().unwrap();
    assert_eq!(file.content.known().unwrap().format, "html");
    assert!(file.stable.as_ref().unwrap().is_stable && file.service.known().unwrap().mount.is_some());
}
