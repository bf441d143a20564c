//! Whether the machine has enough of what servers need.

use super::decisions::bytes;
use crate::model::Reading;
use crate::model::lifecycle::{Pressure, PressureKind, Readings};

/// Main memory, as the ledger names it.
pub(super) const MEMORY: &str = "CPU";
/// The number of points by which a value has to fall below its threshold before the pressure is over.
const LESS: f64 = 5.0;

/// When there is too little, in percent and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// Of each GPU's memory that is used.
    pub vram: u8,
    /// Of main memory that is used.
    pub ram: u8,
    /// Of all cores, as the mean of 30 s.
    pub cpu: u8,
    /// Of the time in which tasks wait for memory.
    pub stalls: u8,
    /// Bytes that have to be free.
    pub disk: u64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Thresholds { vram: 85, ram: 90, cpu: 80, stalls: 20, disk: 2_000_000_000 }
    }
}

/// One value that is watched.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Gauge {
    pub kind: PressureKind,
    /// The device or disk.
    pub what: String,
    pub is_high: bool,
    /// `None`: unknown.
    pub value: Option<f64>,
    pub threshold: f64,
    /// Bytes that have to become free before the pressure is over.
    pub excess: u64,
    pub message: String,
}

/// What the last readings say. What is unknown is not high: nothing is stopped for a number that nobody has.
#[derive(Debug, Clone, Default)]
pub(super) struct Gauges {
    all: Vec<Gauge>,
}

/// Percent of `total`, and how many bytes are above `limit` percent.
fn share(total: u64, free: u64, limit: f64) -> (Option<f64>, u64) {
    if total == 0 {
        return (None, 0);
    }
    let used = total.saturating_sub(free);
    let limit = total as f64 * limit / 100.0;
    (Some(used as f64 * 100.0 / total as f64), used.saturating_sub(limit as u64))
}

impl Gauge {
    /// Returns a gauge of a value that is unknown, with the reason.
    fn unknown(kind: PressureKind, what: &str, threshold: f64, why: &str) -> Gauge {
        let message = format!("{what}: unknown: {why}");
        Gauge { kind, what: what.to_owned(), is_high: false, value: None, threshold, excess: 0, message }
    }

    /// Returns a gauge of a share in percent, which stays high until it is well below its threshold.
    fn percent(before: &[Gauge], kind: PressureKind, what: &str, (value, threshold): (Option<f64>, f64)) -> Gauge {
        let was_high = was_high(before, kind, what);
        let is_high = value.is_some_and(|value| value >= threshold || (was_high && value > threshold - LESS));
        Gauge { kind, what: what.to_owned(), is_high, value, threshold, excess: 0, message: String::new() }
    }
}

fn was_high(before: &[Gauge], kind: PressureKind, what: &str) -> bool {
    before.iter().any(|gauge| gauge.kind == kind && gauge.what == what && gauge.is_high)
}

impl Gauges {
    /// Takes new readings into account.
    pub fn update(&mut self, limits: &Thresholds, readings: &Readings) {
        let before = std::mem::take(&mut self.all);
        self.devices(&before, f64::from(limits.vram), readings);
        self.memory(&before, limits, readings);
        self.cores(&before, f64::from(limits.cpu), readings);
        self.disks(&before, limits.disk, readings);
    }

    fn devices(&mut self, before: &[Gauge], threshold: f64, readings: &Readings) {
        let kind = PressureKind::Vram;
        match &readings.devices {
            Reading::Unavailable(why) => self.all.push(Gauge::unknown(kind, "GPU", threshold, why)),
            Reading::Known(devices) => self.all.extend(devices.iter().map(|device| {
                let (value, excess) = share(device.total, device.free, threshold - LESS);
                let (free, total) = (bytes(device.free), bytes(device.total));
                let message = format!("{}: {free} of {total} free", device.device);
                Gauge { excess, message, ..Gauge::percent(before, kind, &device.device, (value, threshold)) }
            })),
        }
    }

    fn memory(&mut self, before: &[Gauge], limits: &Thresholds, readings: &Readings) {
        let (kind, ram) = (PressureKind::Ram, f64::from(limits.ram));
        self.all.push(match &readings.memory {
            Reading::Unavailable(why) => Gauge::unknown(kind, MEMORY, ram, why),
            Reading::Known(memory) => {
                let (value, excess) = share(memory.total, memory.available, ram - LESS);
                let message = format!("memory: {} of {} available", bytes(memory.available), bytes(memory.total));
                Gauge { excess, message, ..Gauge::percent(before, kind, MEMORY, (value, ram)) }
            }
        });
        // Not every kernel measures stalls.
        if let Some(value) = readings.stalls.known().copied().filter(|value| value.is_finite()) {
            let message = format!("tasks waited for memory in {value:.0} % of the last 10 s");
            let gauge = Gauge::percent(before, kind, "stalls", (Some(value), f64::from(limits.stalls)));
            self.all.push(Gauge { excess: 1, message, ..gauge });
        }
    }

    fn cores(&mut self, before: &[Gauge], threshold: f64, readings: &Readings) {
        let kind = PressureKind::Cpu;
        self.all.push(match &readings.cpu {
            Reading::Unavailable(why) => Gauge::unknown(kind, "cores", threshold, why),
            Reading::Known(value) if !value.is_finite() => Gauge::unknown(kind, "cores", threshold, "no number"),
            Reading::Known(value) => {
                let message = format!("the cores were busy for {value:.0} % of the last 30 s");
                Gauge { message, ..Gauge::percent(before, kind, "cores", (Some(*value), threshold)) }
            }
        });
    }

    fn disks(&mut self, before: &[Gauge], least: u64, readings: &Readings) {
        let (kind, threshold) = (PressureKind::Disk, least as f64);
        self.all.extend(readings.disks.iter().map(|disk| match &disk.free {
            Reading::Unavailable(why) => Gauge::unknown(kind, &disk.what, threshold, why),
            Reading::Known(free) => {
                let more = if was_high(before, kind, &disk.what) { least / 20 } else { 0 };
                let enough = least.saturating_add(more);
                Gauge {
                    kind,
                    what: disk.what.clone(),
                    is_high: *free < enough,
                    value: Some(*free as f64),
                    threshold,
                    excess: enough.saturating_sub(*free),
                    message: format!("{}: {} free, at least {} are needed", disk.what, bytes(*free), bytes(least)),
                }
            }
        }));
    }

    pub fn high(&self, kind: PressureKind) -> impl Iterator<Item = &Gauge> {
        self.all.iter().filter(move |gauge| gauge.kind == kind && gauge.is_high)
    }

    pub fn is_high(&self, kind: PressureKind) -> bool {
        self.high(kind).next().is_some()
    }

    /// Returns the share of the slots that tasks of the queue may use.
    pub fn throttle_factor(&self) -> f64 {
        let cpu = self.high(PressureKind::Cpu).filter_map(|gauge| gauge.value).fold(0.0, f64::max);
        let by_cpu = if !self.is_high(PressureKind::Cpu) {
            1.0
        } else if cpu >= 95.0 {
            0.1
        } else if cpu >= 90.0 {
            0.3
        } else {
            0.5
        };
        let by = |kind, factor| if self.is_high(kind) { factor } else { 1.0 };
        by_cpu * by(PressureKind::Ram, 0.5) * by(PressureKind::Vram, 0.7) * by(PressureKind::Disk, 0.2)
    }

    /// Returns one pressure of each kind that is watched: of several the one that is high, or nearest to it.
    pub fn pressures(&self) -> Vec<Pressure> {
        PressureKind::ALL
            .into_iter()
            .filter_map(|kind| {
                let near = |gauge: &Gauge| {
                    let ratio = gauge.value.map_or(-1.0, |value| value / gauge.threshold.max(1.0));
                    if kind == PressureKind::Disk { -ratio } else { ratio }
                };
                let of = |gauge: &&Gauge| gauge.kind == kind;
                let worst = |a: &&Gauge, b: &&Gauge| a.is_high.cmp(&b.is_high).then(near(a).total_cmp(&near(b)));
                let gauge = self.all.iter().filter(of).max_by(worst)?;
                Some(Pressure {
                    kind,
                    is_high: gauge.is_high,
                    value: gauge.value,
                    threshold: gauge.threshold,
                    message: gauge.message.clone(),
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::lifecycle::{DeviceReading, DiskReading, MemoryReading};

    fn readings(vram: u64, ram: u64, cpu: f64, stalls: f64, disk: u64) -> Readings {
        Readings {
            devices: Reading::Known(vec![DeviceReading { device: "CUDA0".into(), total: 100, free: 100 - vram }]),
            memory: Reading::Known(MemoryReading { total: 1_000, available: 1_000 - ram * 10 }),
            stalls: Reading::Known(stalls),
            cpu: Reading::Known(cpu),
            disks: vec![DiskReading { what: "database".into(), free: Reading::Known(disk) }],
        }
    }

    const PLENTY: u64 = 1 << 40;

    /// Without a distance between begin and end, servers would be stopped and loaded again at every other reading.
    #[test]
    fn pressure_ends_five_points_below_where_it_began() {
        let mut gauges = Gauges::default();
        let mut at = |vram, ram, cpu| {
            gauges.update(&Thresholds::default(), &readings(vram, ram, cpu, 0.0, PLENTY));
            [PressureKind::Vram, PressureKind::Ram, PressureKind::Cpu].map(|kind| gauges.is_high(kind))
        };
        assert_eq!(at(84, 89, 79.9), [false; 3]);
        assert_eq!(at(85, 90, 80.0), [true; 3]);
        assert_eq!(at(81, 86, 75.1), [true; 3]);
        assert_eq!(at(80, 85, 75.0), [false; 3]);
        assert_eq!(at(84, 89, 79.0), [false; 3]);
    }

    #[test]
    fn what_is_unknown_is_not_high_and_says_why() {
        let mut gauges = Gauges::default();
        gauges.update(&Thresholds::default(), &readings(99, 99, 99.0, 90.0, 0));
        assert!(PressureKind::ALL.into_iter().all(|kind| gauges.is_high(kind)));
        let why = || "the driver is late".to_owned();
        let lost = Readings {
            devices: Reading::Unavailable(why()),
            memory: Reading::Unavailable(why()),
            stalls: Reading::Unavailable(why()),
            cpu: Reading::Unavailable(why()),
            disks: vec![DiskReading { what: "database".into(), free: Reading::Unavailable(why()) }],
        };
        gauges.update(&Thresholds::default(), &lost);
        assert!(PressureKind::ALL.into_iter().all(|kind| !gauges.is_high(kind)));
        let pressures = gauges.pressures();
        assert_eq!(pressures.len(), 4);
        assert!(pressures.iter().all(|p| p.value.is_none() && p.message.contains("the driver is late")));
    }

    #[test]
    fn the_factors_multiply_and_stalls_are_pressure_of_memory() {
        let factor = |of: Readings| {
            let mut gauges = Gauges::default();
            gauges.update(&Thresholds::default(), &of);
            (gauges.throttle_factor() * 1_000.0).round()
        };
        assert_eq!(factor(readings(0, 0, 0.0, 0.0, PLENTY)), 1_000.0);
        assert_eq!([80.0, 90.0, 95.0].map(|cpu| factor(readings(0, 0, cpu, 0.0, PLENTY))), [500.0, 300.0, 100.0]);
        assert_eq!(factor(readings(0, 0, 0.0, 21.0, PLENTY)), 500.0);
        assert_eq!(factor(readings(90, 95, 96.0, 50.0, 1)), 7.0);
        assert_eq!(factor(readings(90, 0, f64::NAN, f64::NAN, PLENTY)), 700.0);
    }

    #[test]
    fn the_bytes_that_have_to_go_are_counted_to_the_end_of_the_pressure() {
        let mut gauges = Gauges::default();
        gauges.update(&Thresholds::default(), &readings(90, 95, 0.0, 0.0, PLENTY));
        assert_eq!(gauges.high(PressureKind::Vram).next().map(|gauge| gauge.excess), Some(10));
        assert_eq!(gauges.high(PressureKind::Ram).next().map(|gauge| gauge.excess), Some(100));
    }
}
