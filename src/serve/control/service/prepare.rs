//! What has to be known of a service before it is started.

use super::super::prepared::{Flags, Prepared, ServiceParts, What};
use crate::config::{Config, check_program};
use crate::host::budget::{self, MAIN_MEMORY};
use crate::host::self_child::OURSELVES;
use crate::lifecycle::{Denial, IdleKind, Profile, Why};
use crate::model::lifecycle::{Mode, Rung};
use crate::model::service::{ServiceKind, ServiceSpec};
use crate::model::{DeviceBytes, FileIdentity, Reading};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

/// The GPU of a service where none is known.
const FIRST_GPU: &str = "CUDA0";

/// Reads a service of the config, checks its program, and finds out what it needs.
///
/// # Errors
/// It cannot be started.
pub fn prepare(config: &Config, name: &str) -> Result<Prepared, Denial> {
    let Some(spec) = find(config, name) else {
        let message = format!("the service `{}` does not exist", name.escape_debug());
        return Err(Denial::new(Why::Unknown, message));
    };
    let usable = match &spec.program {
        Reading::Known(program) => check_program(program),
        Reading::Unavailable(why) => Err(why.clone()),
    };
    if let Err(why) = usable {
        return Err(Denial::new(Why::BadFile, format!("{name} cannot be started: {why}")));
    }
    let rungs = rungs(config, spec);
    let is_on_cpu = rungs.first().is_some_and(|rung| rung.mode == Mode::CpuOnly);
    let profile = Profile {
        name: spec.name.clone(),
        needs: rungs.first().map(|rung| rung.needs.clone()).unwrap_or_default(),
        pinned: spec.pinned,
        idle_timeout: spec.idle_timeout.or(config.lifecycle.idle_timeout),
        idle_kind: Some(idle_kind(spec.kind)),
        no_degrade: false,
        rungs,
        pressure_evict_only: spec.pressure_evict_only,
        essential: spec.essential,
        min_tier: None,
        disk: 0,
        files: files(spec),
    };
    let what = What::Service(Box::new(ServiceParts { spec: spec.clone(), is_on_cpu }));
    Ok(Prepared { profile, what })
}

fn idle_kind(kind: ServiceKind) -> IdleKind {
    match kind {
        ServiceKind::Stt => IdleKind::SpeechToText,
        ServiceKind::Tts => IdleKind::TextToSpeech,
        ServiceKind::Image => IdleKind::Image,
        ServiceKind::Other => IdleKind::Generating,
    }
}

/// Returns the ways to start a service, the one with all of its memory on the GPU first.
fn rungs(config: &Config, spec: &ServiceSpec) -> Vec<Rung> {
    let rung = |mode, needs: Vec<(&str, u64)>| Rung {
        mode,
        context: 0,
        gpu_layers: None,
        needs: needs
            .into_iter()
            .filter(|(_, bytes)| *bytes > 0)
            .map(|(device, bytes)| DeviceBytes { device: device.to_owned(), bytes })
            .collect(),
    };
    // What would be on the GPU is then in main memory.
    let on_cpu = || rung(Mode::CpuOnly, vec![(MAIN_MEMORY, spec.ram.saturating_add(spec.vram))]);
    if spec.vram == 0 {
        return vec![on_cpu()];
    }
    let gpu = gpu(config, spec);
    let device = gpu.as_deref().unwrap_or(FIRST_GPU);
    let full = rung(Mode::Gpu, vec![(MAIN_MEMORY, spec.ram), (device, spec.vram)]);
    match (&gpu, &spec.cpu_args) {
        (_, None) => vec![full],
        (None, Some(_)) => vec![on_cpu()],
        (Some(_), Some(_)) => vec![full, on_cpu()],
    }
}

/// Returns the GPU with the most memory that can still be had; `None` where none is known.
fn gpu(config: &Config, spec: &ServiceSpec) -> Option<String> {
    let asked = [DeviceBytes { device: FIRST_GPU.to_owned(), bytes: spec.vram }];
    let budgets = budget::budgets(config.memory, Path::new(OURSELVES), &asked);
    let gpus = budgets.into_iter().filter(|budget| budget.device != MAIN_MEMORY);
    // Of equal ones the first.
    gpus.rev().max_by_key(|gpu| gpu.available.unwrap_or(gpu.budget)).map(|gpu| gpu.device)
}

fn find<'c>(config: &'c Config, name: &str) -> Option<&'c ServiceSpec> {
    config.run_services.iter().find(|spec| spec.name == name)
}

/// Returns what the config says of a service that counts at once; nothing for one that it does not name any more.
pub fn flags_now(config: &Config, name: &str) -> Flags {
    let Some(spec) = find(config, name) else { return Flags::default() };
    Flags {
        pinned: spec.pinned,
        pressure_evict_only: spec.pressure_evict_only,
        essential: spec.essential,
        ..Flags::default()
    }
}

/// Returns a number that changes with the program of a service and with what the config says of it.
pub fn files_now(config: &Config, name: &str) -> Option<u64> {
    find(config, name).map(files)
}

fn files(spec: &ServiceSpec) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{spec:?}").hash(&mut hasher);
    if let Reading::Known(program) = &spec.program
        && let Ok(meta) = std::fs::metadata(program)
    {
        FileIdentity::of(&meta).hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Env, Flags};

    fn config(entry: &str) -> Config {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        let toml = format!("[services.x]\ncommand = [\"sh\", \"{{port}}\"]\nhealth = \"/health\"\n{entry}");
        std::fs::write(&path, toml).unwrap();
        let flags = Flags { config: Some(path), ..Flags::default() };
        Config::load(&flags, &Env::from_pairs(&[("PATH", "/usr/bin:/bin")])).unwrap()
    }

    fn modes(entry: &str) -> Vec<(Mode, u64)> {
        let prepared = prepare(&config(entry), "x").unwrap();
        let sum = |rung: &Rung| rung.needs.iter().map(|need| need.bytes).sum();
        prepared.profile.rungs.iter().map(|rung| (rung.mode, sum(rung))).collect()
    }

    /// A service that cannot work without a GPU must not be put on the CPU, and one that can must be counted there.
    #[test]
    fn a_service_has_a_way_without_a_gpu_only_where_it_says_how() {
        const MIB: u64 = 1 << 20;
        assert_eq!(modes("memory = { ram = \"2MiB\" }\n"), [(Mode::CpuOnly, 2 * MIB)]);
        assert_eq!(modes("memory = { ram = \"2MiB\", vram = \"3MiB\" }\n"), [(Mode::Gpu, 5 * MIB)]);
        let both = modes("memory = { ram = \"2MiB\", vram = \"3MiB\" }\ncpu_args = [\"--cpu\"]\n");
        assert_eq!(both.last(), Some(&(Mode::CpuOnly, 5 * MIB)));
    }

    /// An essential service would count as an ordinary one as soon as any model of the database changes.
    #[test]
    fn what_is_read_again_is_what_it_was_started_with() {
        let config = config("memory = { ram = \"2MiB\" }\nessential = true\npressure_evict_only = true\n");
        let mut profile = prepare(&config, "x").unwrap().profile;
        assert!(profile.essential && profile.pressure_evict_only);
        assert!(!flags_now(&config, "x").apply(&mut profile), "{profile:?}");
    }

    /// A program that is gone, or that is writable by everyone, must not run, and its name must be told.
    #[test]
    fn a_program_is_checked_again_before_each_start() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("program");
        let write = |mode| {
            std::fs::write(&program, "#!/bin/sh\n").unwrap();
            std::fs::set_permissions(&program, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        write(0o755);
        let mut config = config("memory = { ram = \"2MiB\" }\n");
        config.run_services[0].program = Reading::Known(program.clone());
        assert!(prepare(&config, "x").is_ok());
        let before = files_now(&config, "x");
        for (mode, why) in [(0o757, "is writable by everyone"), (0o644, "is not executable")] {
            write(mode);
            let denial = prepare(&config, "x").unwrap_err();
            assert!(denial.why == Why::BadFile && denial.message.contains(why), "{denial:?}");
        }
        std::fs::remove_file(&program).unwrap();
        assert!(prepare(&config, "x").unwrap_err().message.contains(program.to_str().unwrap()));
        assert_ne!(files_now(&config, "x"), before, "it is tried again when it has changed");
        assert_eq!(prepare(&config, "y").unwrap_err().why, Why::Unknown);
    }
}
