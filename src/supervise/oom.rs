use std::fs;
use std::path::{Path, PathBuf};

/// A count of the processes that the kernel killed because memory ran out, since a point in time.
///
/// Children run in our control group, so the group's counter is read: `oom_kill` of `memory.events` (cgroup v2), or of
/// `memory.oom_control` (v1). It counts kills for a limit of the group as well as those for a lack of memory in the
/// machine. Where no group is visible, the machine's counter is read instead: `oom_kill` of `/proc/vmstat`.
#[derive(Debug, Clone)]
pub struct OomKills {
    file: Option<PathBuf>,
    before: u64,
}

impl OomKills {
    /// Starts to count.
    pub fn begin() -> OomKills {
        OomKills::begin_in(Path::new("/proc"), Path::new("/sys/fs/cgroup"))
    }

    fn begin_in(proc: &Path, cgroups: &Path) -> OomKills {
        let groups = fs::read_to_string(proc.join("self/cgroup")).unwrap_or_default();
        let mut files = counters(&groups, cgroups);
        files.push(proc.join("vmstat"));
        let found = files.into_iter().find_map(|file| Some((read(&file)?, file)));
        match found {
            Some((before, file)) => OomKills { file: Some(file), before },
            None => OomKills { file: None, before: 0 },
        }
    }

    /// Returns the number of kills since the start; `None` where the kernel does not report it.
    pub fn count(&self) -> Option<u64> {
        Some(read(self.file.as_ref()?)?.saturating_sub(self.before))
    }
}

/// Returns the files that may hold the counter, the closest first. `groups` is `/proc/self/cgroup` (cgroups(7)): lines
/// of `number:controllers:path`, where the line of v2 has no controllers.
fn counters(groups: &str, cgroups: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        // In a container the path is often that of the host, and the group itself is at the top.
        let inside = [path.trim_start_matches('/'), ""];
        if controllers.is_empty() {
            // Next to v1, v2 is in a folder of its own.
            let tops = [cgroups.to_owned(), cgroups.join("unified")];
            files.extend(tops.iter().flat_map(|top| inside.map(|path| top.join(path).join("memory.events"))));
        } else if controllers.split(',').any(|name| name == "memory") {
            files.extend(inside.map(|path| cgroups.join("memory").join(path).join("memory.oom_control")));
        }
    }
    files
}

fn read(file: &Path) -> Option<u64> {
    // A missing file is one of another kernel or container.
    let text = fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, file: &str, text: &str) {
        let path = root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Kills that are counted when the counter in `file` moves from 3 to 5.
    fn counted(groups: &str, file: &str) -> Option<u64> {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "proc/self/cgroup", groups);
        write(root.path(), file, "low 0\noom 9\noom_kill 3\n");
        let kills = OomKills::begin_in(&root.path().join("proc"), &root.path().join("cgroup"));
        write(root.path(), file, "low 0\noom 9\noom_kill 5\n");
        kills.count()
    }

    #[test]
    fn the_counter_is_found_where_the_kernel_keeps_it() {
        assert_eq!(counted("0::/user.slice/a:b\n", "cgroup/user.slice/a:b/memory.events"), Some(2));
        assert_eq!(counted("0::/../../host/path\n", "cgroup/memory.events"), Some(2), "a container");
        let mixed = "9:name=systemd:/\n4:cpu,memory:/x\n0::/\n";
        assert_eq!(counted(mixed, "cgroup/memory/x/memory.oom_control"), Some(2));
        assert_eq!(counted("0::/\n", "proc/vmstat"), Some(2), "the top group has no counter");
        assert_eq!(counted("0::/\n", "elsewhere"), None);
        assert_eq!(counted("no such\nlines", "elsewhere"), None);
    }

    #[test]
    fn this_kernel_is_asked_without_harm() {
        let kills = OomKills::begin();
        assert!(kills.file.is_none() || kills.count().is_some());
    }
}
