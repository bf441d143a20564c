//! The share of the cores that other programs keep busy, as the mean of 30 s. A model that answers on the CPU takes all
//! of them: that is its work, and no shortage.

use super::super::control_group::{Version, groups};
use crate::clock;
use crate::model::Reading;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The time over which the mean is taken. A shorter one would take the load of a model for a shortage.
const WINDOW: Duration = Duration::from_secs(30);
/// Samples that are kept, in case they come faster than anybody needs.
const MOST: usize = 256;

/// The work of the cores since the boot, as of one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct CoreSample {
    at: Instant,
    /// Ticks of the cores that this process may use: busy, and all. Or why they are not known.
    machine: Reading<(u64, u64)>,
    /// Ticks of this process and its children, those that have ended too.
    ours: u64,
    groups: Vec<GroupUse>,
}

/// A control group around us that may use less than the machine has.
#[derive(Debug, Clone, PartialEq)]
struct GroupUse {
    dir: PathBuf,
    used: Duration,
    /// The cores that it may keep busy.
    quota: f64,
}

/// Keeps the samples of the last 30 s.
#[derive(Debug, Default)]
pub struct CoreMeter {
    samples: VecDeque<CoreSample>,
}

impl CoreMeter {
    pub fn add(&mut self, sample: CoreSample) {
        self.samples.push_back(sample);
        let Some(newest) = self.samples.back().map(|newest| newest.at) else { return };
        // The newest of those that are old enough is the one to compare with.
        let is_old = |sample: &CoreSample| newest.saturating_duration_since(sample.at) >= WINDOW;
        while self.samples.get(1).is_some_and(is_old) || self.samples.len() > MOST {
            self.samples.pop_front();
        }
    }

    /// Returns the busy share in percent at `now`: of the cores of the machine, or of the quota of a control group,
    /// whichever is more.
    pub fn busy(&self, now: Instant) -> Reading<f64> {
        let unavailable = |why: &str| Reading::Unavailable(why.to_owned());
        let (Some(first), Some(last)) = (self.samples.front(), self.samples.back()) else {
            return unavailable("the work of the cores was not measured yet");
        };
        if now.saturating_duration_since(last.at) >= WINDOW {
            return unavailable("the work of the cores was not read in the last 30 s");
        }
        let ours = last.ours.saturating_sub(first.ours);
        let passed = last.at.saturating_duration_since(first.at);
        if passed < WINDOW {
            return unavailable("the work of the cores has been measured for less than 30 s");
        }
        let machine = match (&first.machine, &last.machine) {
            (Reading::Known((busy_then, all_then)), Reading::Known((busy, all))) => {
                let all = all.saturating_sub(*all_then);
                match all {
                    0 => unavailable("the CPU counters do not change"),
                    all => {
                        Reading::Known(100.0 * busy.saturating_sub(*busy_then).saturating_sub(ours) as f64 / all as f64)
                    }
                }
            }
            (Reading::Unavailable(why), _) | (_, Reading::Unavailable(why)) => unavailable(why),
        };
        let of_group = |group: &GroupUse| {
            let then = first.groups.iter().find(|then| then.dir == group.dir)?;
            let most = passed.as_secs_f64() * group.quota;
            let used = group.used.saturating_sub(then.used).as_secs_f64();
            let of_others = (used - ours as f64 / procfs::ticks_per_second() as f64).max(0.0);
            Some(100.0 * of_others / most).filter(|share| share.is_finite())
        };
        let group = last.groups.iter().filter_map(of_group).reduce(f64::max);
        match (machine, group) {
            (Reading::Known(machine), group) => {
                Reading::Known(group.map_or(machine, |group| group.max(machine)).clamp(0.0, 100.0))
            }
            (_, Some(group)) => Reading::Known(group.clamp(0.0, 100.0)),
            (unavailable, None) => unavailable,
        }
    }
}

/// Reads the work of the cores until now.
pub fn sample() -> CoreSample {
    // Where the mask cannot be read all cores count.
    let usable = rustix::thread::sched_getaffinity(None).ok();
    let is_usable =
        |core: usize| usable.as_ref().is_none_or(|set| core >= rustix::thread::CpuSet::MAX_CPU || set.is_set(core));
    read(Path::new("/"), clock::instant(), is_usable)
}

fn read(root: &Path, at: Instant, is_usable: impl Fn(usize) -> bool) -> CoreSample {
    let machine = match std::fs::read_to_string(root.join("proc/stat")) {
        Ok(text) => match ticks(&text, is_usable) {
            Some(ticks) => Reading::Known(ticks),
            None => Reading::Unavailable("`/proc/stat` does not tell what the cores do".to_owned()),
        },
        Err(error) => Reading::Unavailable(format!("`/proc/stat` cannot be read: {error}")),
    };
    // Without the file there are no groups.
    let text = std::fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let of_version = |controller, version| groups(&text, controller).into_iter().filter(move |g| g.version == version);
    let below = |dir: &Path| root.join(dir.strip_prefix("/").unwrap_or(dir));
    let v2 = of_version("cpu", Version::V2).filter_map(|group| v2(&below(&group.dir)));
    // The two controllers may be mounted apart, with the same groups.
    let v1 = of_version("cpu", Version::V1)
        .zip(of_version("cpuacct", Version::V1))
        .filter_map(|(cpu, account)| v1(&below(&cpu.dir), &below(&account.dir)));
    CoreSample { at, machine, ours: ours(root), groups: v2.chain(v1).collect() }
}

/// Returns the ticks that this process and its children have used. A child that ends is then counted by its parent.
fn ours(root: &Path) -> u64 {
    let file = |path: PathBuf| std::fs::read_to_string(path).ok(); // it may have ended
    let of = |process: &str| file(root.join("proc").join(process).join("stat")).and_then(|text| own_ticks(&text));
    let threads = std::fs::read_dir(root.join("proc/self/task")).into_iter().flatten().flatten();
    // Children are listed with the thread that started them; a kernel without these lists counts them as others.
    let children: Vec<String> = threads.filter_map(|thread| file(thread.path().join("children"))).collect();
    let children = children.iter().flat_map(|list| list.split_ascii_whitespace());
    children.chain(["self"]).filter_map(of).fold(0, u64::saturating_add)
}

/// Returns the ticks of a process and of its children that have ended, from the text of `/proc/PID/stat`
/// (proc_pid_stat(5)): the fields 14 to 17.
fn own_ticks(text: &str) -> Option<u64> {
    // The name, in parentheses, may have any characters.
    let (_, rest) = text.rsplit_once(')')?;
    let times = rest.split_ascii_whitespace().skip(11).take(4);
    times.map(|time| time.parse::<u64>().ok()).try_fold(0u64, |sum, time| Some(sum.saturating_add(time?)))
}

/// Returns the ticks of the usable cores, busy and all, from the text of `/proc/stat` (proc_stat(5)).
fn ticks(text: &str, is_usable: impl Fn(usize) -> bool) -> Option<(u64, u64)> {
    let mut sum = None;
    for line in text.lines() {
        let Some(rest) = line.strip_prefix("cpu") else { continue };
        let mut words = rest.split_ascii_whitespace();
        // The line without a number is the sum of all.
        if rest.starts_with(' ') || !words.next().and_then(|word| word.parse().ok()).is_some_and(&is_usable) {
            continue;
        }
        // The times of guests, behind the first eight, are part of the first two.
        let times: Vec<u64> = words.take(8).map(str::parse).collect::<Result<_, _>>().ok()?; // not the kernel's
        let all = times.iter().fold(0u64, |sum, time| sum.saturating_add(*time));
        let idle = times.get(3)?.saturating_add(times.get(4).copied().unwrap_or(0));
        let (busy, total) = sum.unwrap_or((0u64, 0u64));
        sum = Some((busy.saturating_add(all.saturating_sub(idle)), total.saturating_add(all)));
    }
    sum
}

/// Reads a group that has a quota: `cpu.max` has the quota and its period in microseconds, or `max`.
fn v2(dir: &Path) -> Option<GroupUse> {
    let file = |name: &str| std::fs::read_to_string(dir.join(name)).ok(); // no such controller, no limit
    let max = file("cpu.max")?;
    let mut words = max.split_ascii_whitespace();
    let quota = quota(words.next()?, words.next()?)?;
    let stat = file("cpu.stat")?;
    let used = stat.lines().find_map(|line| line.strip_prefix("usage_usec "))?.trim().parse().ok()?; // as above
    Some(GroupUse { dir: dir.to_owned(), used: Duration::from_micros(used), quota })
}

fn v1(cpu: &Path, account: &Path) -> Option<GroupUse> {
    let file = |dir: &Path, name: &str| std::fs::read_to_string(dir.join(name)).ok(); // as above
    let quota = quota(&file(cpu, "cpu.cfs_quota_us")?, &file(cpu, "cpu.cfs_period_us")?)?;
    let used = file(account, "cpuacct.usage")?.trim().parse().ok()?; // as above
    Some(GroupUse { dir: cpu.to_owned(), used: Duration::from_nanos(used), quota })
}

/// Returns the cores of a quota; `None` for `max` and -1, which limit nothing.
fn quota(quota: &str, period: &str) -> Option<f64> {
    let number = |text: &str| text.trim().parse().ok().filter(|number: &u64| *number > 0); // as above
    Some(number(quota)? as f64 / number(period)? as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fs;

    struct Machine(tempfile::TempDir);

    impl Machine {
        fn new() -> Machine {
            let machine = Machine(tempfile::tempdir().unwrap());
            machine.write("proc/self/cgroup", "");
            machine
        }

        fn write(&self, path: &str, text: &str) {
            let path = self.0.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn read(&self, at: Instant) -> CoreSample {
            read(self.0.path(), at, |core| core < 2)
        }
    }

    /// A model that answers on the CPU would be slowed down because it works.
    #[test]
    fn what_our_own_servers_do_is_no_shortage() {
        let machine = Machine::new();
        let now = clock::instant();
        let at = |own: u64, child: u64, (busy, idle): (u64, u64)| {
            let process = |name: &str, ticks: u64| format!("7 ({name}) S 1 7 7 0 -1 4 1 2 3 4 {ticks} 0 0 0 20 0 1\n");
            machine.write("proc/self/stat", &process("modelctl", own));
            machine.write("proc/self/task/7/children", "8 9 ");
            machine.write("proc/8/stat", &process("a) (b", child));
            machine.write("proc/stat", &self::stat(busy, idle));
        };
        let mut meter = CoreMeter::default();
        at(1, 10, (100, 900));
        meter.add(machine.read(now));
        at(2, 409, (600, 1_400));
        meter.add(machine.read(now + WINDOW));
        assert_eq!(meter.busy(now + WINDOW), Reading::Known(30.0), "600 of 2,000 ticks are those of others");
        assert_eq!(own_ticks("8 (x y) R 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15"), Some(11 + 12 + 13 + 14));
        assert_eq!(own_ticks("8 (x y) R 1 2"), Some(0), "a text that is cut has no times");
    }

    /// Two cores that we may use, and one of another process; `busy` and `idle` ticks each.
    fn stat(busy: u64, idle: u64) -> String {
        format!(
            "cpu  99999 0 0 0 0 0 0 0 0 0\ncpu0 {busy} 0 0 {idle} 0 0 0 0 0 0\ncpu1 {busy} 0 0 {idle} 0 0 0 0 0 0\n\
             cpu2 5000 0 0 0 0 0 0 0 0 0\nintr 1 2\nctxt 7\n"
        )
    }

    /// A burst of a few seconds, as every load of a model is, must evict nothing.
    #[test]
    fn the_share_is_a_mean_of_30_seconds_and_unknown_before() {
        let (machine, began) = (Machine::new(), clock::instant());
        let mut meter = CoreMeter::default();
        assert!(matches!(meter.busy(began), Reading::Unavailable(_)));
        // 100 ticks a second: idle for 30 s, then busy.
        for second in 0..=60u64 {
            let busy = 100 * second.saturating_sub(30);
            machine.write("proc/stat", &stat(busy, 100 * second.min(30)));
            let now = began + Duration::from_secs(second);
            meter.add(machine.read(now));
            match second {
                0..=29 => assert!(matches!(meter.busy(now), Reading::Unavailable(_)), "{second}"),
                30 => assert_eq!(meter.busy(now), Reading::Known(0.0)),
                45 => assert_eq!(meter.busy(now), Reading::Known(50.0)),
                60 => assert_eq!(meter.busy(now), Reading::Known(100.0)),
                _ => {}
            }
        }
        let late = meter.busy(began + Duration::from_secs(90));
        assert!(matches!(late, Reading::Unavailable(_)), "a reader that hangs says nothing about now");
        assert!(meter.samples.len() <= 32, "{}", meter.samples.len());
    }

    /// In a container with two of 64 cores the machine looks idle while the models get nothing more.
    #[test]
    fn a_quota_counts_as_all_the_cores_there_are() {
        let (machine, began) = (Machine::new(), clock::instant());
        machine.write("proc/self/cgroup", "0::/box\n");
        machine.write("sys/fs/cgroup/box/cpu.max", "50000 100000\n");
        let mut meter = CoreMeter::default();
        for (second, used) in [(0, 0u64), (40, 16_000_000)] {
            machine.write("proc/stat", &stat(10 * second, 90 * second));
            machine.write("sys/fs/cgroup/box/cpu.stat", &format!("usage_usec {used}\nuser_usec 1\n"));
            meter.add(machine.read(began + Duration::from_secs(second)));
        }
        let now = began + Duration::from_secs(41);
        assert_eq!(meter.busy(now), Reading::Known(80.0), "16 of 20 s");
        machine.write("sys/fs/cgroup/box/cpu.max", "max 100000\n");
        meter.add(machine.read(now));
        assert!(meter.busy(now).known().is_some_and(|share| *share < 15.0), "{:?}", meter.busy(now));
    }

    #[test]
    fn a_quota_of_the_older_kind_counts_too() {
        let (machine, began) = (Machine::new(), clock::instant());
        machine.write("proc/self/cgroup", "5:cpu,cpuacct:/docker/x\n");
        machine.write("sys/fs/cgroup/cpu/docker/x/cpu.cfs_quota_us", "200000\n");
        machine.write("sys/fs/cgroup/cpu/docker/x/cpu.cfs_period_us", "100000\n");
        machine.write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
        let mut meter = CoreMeter::default();
        for (second, used) in [(0, 0u64), (30, 30_000_000_000)] {
            machine.write("sys/fs/cgroup/cpuacct/docker/x/cpuacct.usage", &format!("{used}\n"));
            meter.add(machine.read(began + Duration::from_secs(second)));
        }
        let busy = meter.busy(began + Duration::from_secs(30));
        assert_eq!(busy, Reading::Known(50.0), "it counts although `/proc/stat` is not there");
    }

    #[test]
    fn this_machine_is_read() {
        assert!(matches!(sample().machine, Reading::Known((busy, all)) if busy <= all && all > 0));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "(cpu[0-9]{0,3} [0-9 x]{0,60}\n){0,4}", max in "[0-9max ]{0,20}") {
            ticks(&text, |_| true);
            let machine = Machine::new();
            machine.write("proc/self/cgroup", "0::/\n");
            machine.write("sys/fs/cgroup/cpu.max", &max);
            machine.write("sys/fs/cgroup/cpu.stat", "usage_usec 99999999999999999999999\n");
            let mut meter = CoreMeter::default();
            meter.add(machine.read(clock::instant()));
            meter.busy(clock::instant());
        }
    }
}
