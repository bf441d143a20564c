//! The control groups that can limit the memory of a process (cgroups(7)).

/// The names of the files of a group.
#[derive(Debug, PartialEq, Eq)]
pub struct Files {
    pub limit: &'static str,
    pub usage: &'static str,
    /// The line of `memory.stat` that counts the page cache that the kernel reclaims first.
    pub inactive_file: &'static str,
}

/// `Documentation/admin-guide/cgroup-v1/memory.rst` of the kernel.
pub const V1: Files =
    Files { limit: "memory.limit_in_bytes", usage: "memory.usage_in_bytes", inactive_file: "total_inactive_file" };
/// `Documentation/admin-guide/cgroup-v2.rst` of the kernel.
pub const V2: Files = Files { limit: "memory.max", usage: "memory.current", inactive_file: "inactive_file" };

/// Parses the text of a `/proc/PID/cgroup`: version and path of each group with a memory controller, in the order of the
/// file. A unified hierarchy may have none.
pub fn parse(text: &str) -> impl Iterator<Item = (u8, &str)> {
    text.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (number, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        match () {
            () if controllers.split(',').any(|name| name == "memory") => Some((1, path)),
            () if number == "0" && controllers.is_empty() => Some((2, path)),
            () => None,
        }
    })
}

/// Parses a limit in bytes; `None` for "max" (v2) and for the huge number that v1 uses for "no limit".
pub fn parse_limit(text: &str) -> Option<u64> {
    text.trim().parse().ok().filter(|&bytes: &u64| bytes < 1 << 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_both_versions_are_found() {
        let groups: Vec<(u8, &str)> = parse("5:cpu,cpuacct:/\n4:memory:/docker/a:b\n0::/x.slice\nnonsense\n").collect();
        assert_eq!(groups, [(1, "/docker/a:b"), (2, "/x.slice")]);
    }

    #[test]
    fn no_limit_is_not_a_limit() {
        assert_eq!(parse_limit("max\n"), None);
        assert_eq!(parse_limit("9223372036854771712\n"), None);
        assert_eq!(parse_limit("1073741824\n"), Some(1 << 30));
    }
}
