//! What the machine has now.

use super::source::Source;
use crate::clock;
use crate::config::Config;
use crate::host::gpu::{self, Gpu, GpuMemory};
use crate::host::memory::{self, Memory};
use crate::host::pressure::{CoreMeter, CoreSample, sample, stalls};
use crate::host::self_child::OURSELVES;
use crate::model::Reading;
use crate::model::lifecycle::{DeviceReading, DiskReading, MemoryReading, Readings};
use crate::node::machine::{Disk, disks};
use crate::node::{Fact, Place};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// The time that a read may take.
const LIMIT: Duration = Duration::from_secs(2);
/// As long as the child waits for the driver.
const GPU_LIMIT: Duration = Duration::from_secs(10);
/// The time between two samples of the work of the cores, of which a mean is made.
const CORES: Duration = Duration::from_secs(10);
/// What is on the disk of the database.
const DATABASE: &str = "database";

/// The reads of the machine.
#[derive(Debug)]
pub(super) struct Machine {
    memory: Source<Memory>,
    stalls: Source<f64>,
    disks: Source<Vec<DiskReading>>,
    gpus: Source<Vec<Gpu>>,
    cores: Arc<Mutex<CoreMeter>>,
}

impl Machine {
    /// Creates the reads, and begins to measure the work of the cores.
    pub fn start() -> (Machine, tokio::task::JoinHandle<()>) {
        let cores: Arc<Mutex<CoreMeter>> = Arc::default();
        let following = tokio::spawn(follow_cores(Arc::clone(&cores)));
        let machine = Machine {
            memory: Source::new("the memory", LIMIT),
            stalls: Source::new("the stalls", LIMIT),
            disks: Source::with_child("the disks", LIMIT),
            gpus: Source::with_child("the GPUs", GPU_LIMIT),
            cores,
        };
        (machine, following)
    }

    /// Reads everything side by side, each within its limit.
    pub async fn read(&mut self, config: &Config, roots: &BTreeSet<PathBuf>) -> (Readings, Reading<Vec<Gpu>>) {
        let wanted = written(config, roots);
        let gpus = async {
            match gpu::is_driver_there() {
                true => self.gpus.read(|| gpu::gpus(Path::new(OURSELVES))).await,
                // Nobody needs a child to hear that there is none.
                false => Reading::Known(Vec::new()),
            }
        };
        let (memory, stalls, disks, gpus) = tokio::join!(
            self.memory.read(memory::memory),
            self.stalls.read(stalls),
            self.disks.read(move || Reading::Known(free(&wanted))),
            gpus
        );
        let cpu = self.cores.lock().unwrap_or_else(PoisonError::into_inner).busy(clock::instant());
        let readings = Readings {
            devices: gpus.clone().map(|gpus| gpus.iter().filter_map(device).collect()),
            memory: memory.map(|Memory { total, available }| MemoryReading { total, available }),
            stalls,
            cpu,
            disks: match disks {
                Reading::Known(disks) => disks,
                Reading::Unavailable(why) => {
                    vec![DiskReading { what: DATABASE.to_owned(), free: Reading::Unavailable(why) }]
                }
            },
        };
        (readings, gpus)
    }
}

async fn follow_cores(cores: Arc<Mutex<CoreMeter>>) {
    let mut source: Source<CoreSample> = Source::new("/proc/stat", LIMIT);
    let mut ticks = tokio::time::interval(CORES);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Reading::Known(sample) = source.read(|| Reading::Known(sample())).await {
            cores.lock().unwrap_or_else(PoisonError::into_inner).add(sample);
        }
    }
}

/// Returns the memory of a GPU, by the name that ggml gives it. One that has fallen off the bus has no number.
fn device(gpu: &Gpu) -> Option<DeviceReading> {
    let GpuMemory { total, free, .. } = *gpu.memory.known()?;
    Some(DeviceReading { device: format!("CUDA{}", gpu.index), total, free })
}

/// Returns what is written to: the folder of the database, then the stores, those of the config and those of which models
/// are known.
fn written(config: &Config, roots: &BTreeSet<PathBuf>) -> Vec<(PathBuf, String)> {
    let database = config.database.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let named = config.roots.paths.iter().map(|root| &root.path).chain(roots);
    let stores: BTreeSet<&PathBuf> = named.collect();
    let stores = stores.into_iter().map(|path| (path.clone(), path.display().to_string()));
    std::iter::once((database.to_owned(), DATABASE.to_owned())).chain(stores).collect()
}

/// Reads the free bytes of each file system once, in children that may hang.
fn free(wanted: &[(PathBuf, String)]) -> Vec<DiskReading> {
    readings(wanted, &disks::ask(Path::new(OURSELVES), &Place::default(), wanted, false, LIMIT))
}

fn readings(wanted: &[(PathBuf, String)], disks: &[Fact<Disk>]) -> Vec<DiskReading> {
    let known: Vec<&Disk> = disks.iter().filter_map(Fact::known).collect();
    let why = disks.iter().find_map(Fact::why).unwrap_or("it was not read");
    let mut all: Vec<DiskReading> = Vec::new();
    for disk in &known {
        // The order of `wanted` decides: a disk with the database on it is that of the database.
        let first = wanted.iter().find(|(_, what)| disk.holds.contains(what));
        let is_written = !disk.is_read_only && !disk.is_super_read_only;
        if let Some((_, what)) = first.filter(|_| is_written) {
            all.push(DiskReading { what: what.clone(), free: Reading::Known(disk.available) });
        }
    }
    for (_, what) in wanted.iter().filter(|(_, what)| !known.iter().any(|disk| disk.holds.contains(what))) {
        all.push(DiskReading { what: what.clone(), free: Reading::Unavailable(why.to_owned()) });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    fn disk(holds: &[&str], available: u64, is_read_only: bool) -> Fact<Disk> {
        let disk = Disk {
            mount_point: "/".into(),
            source: String::new(),
            kind: "ext4".into(),
            holds: holds.iter().map(|what| (*what).to_owned()).collect(),
            total: 9,
            available,
            inodes: 1,
            inodes_available: 1,
            is_read_only,
            is_super_read_only: false,
            is_network: false,
            largest: Vec::new(),
            crowded: None,
            deleted_open: Vec::new(),
        };
        Fact::ok("disk", Timestamp(0), disk)
    }

    /// A full disk of the database would go unnoticed, or one that nobody writes to would stop the work.
    #[test]
    fn each_disk_that_is_written_to_has_a_number_or_a_reason() {
        let wanted = [("/db", DATABASE), ("/m", "/m"), ("/ro", "/ro"), ("/nfs", "/nfs")]
            .map(|(path, what)| (PathBuf::from(path), what.to_owned()));
        let hung: Fact<Disk> = Fact::new(
            "disk at /nfs",
            Timestamp(0),
            crate::node::Outcome::TimedOut { why: "it gave no answer in 2s".into() },
        );
        let found = readings(&wanted, &[disk(&["/m", DATABASE], 5, false), disk(&["/ro"], 0, true), hung]);
        let of = |what: &str, free| DiskReading { what: what.into(), free };
        assert_eq!(
            found,
            [of(DATABASE, Reading::Known(5)), of("/nfs", Reading::Unavailable("it gave no answer in 2s".into()))]
        );
        assert_eq!(readings(&wanted[..1], &[]), [of(DATABASE, Reading::Unavailable("it was not read".into()))]);
    }

    #[test]
    fn a_lost_gpu_has_no_number_and_does_not_hide_the_others() {
        let gpu = |index, memory| Gpu { index, uuid: None, name: "x".into(), memory, processes: Vec::new() };
        let whole = gpu(1, Reading::Known(GpuMemory { total: 8, free: 3, used: 5 }));
        assert_eq!(device(&whole), Some(DeviceReading { device: "CUDA1".into(), total: 8, free: 3 }));
        assert_eq!(device(&gpu(0, Reading::Unavailable("lost".into()))), None);
    }
}
