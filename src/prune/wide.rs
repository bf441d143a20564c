//! Roots that are scanned and never pruned as a whole: the machine itself, homes of others, a root that contains
//! another root. A rule that is right for a folder of models is wrong for everything that happens to be below such a
//! folder.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Folders of the system, by the Filesystem Hierarchy Standard 3.0. Folders that only hold data (/home, /mnt, /opt,
/// /srv) are not among them.
const SYSTEM: &[&str] = &[
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/lib64",
    "/proc",
    "/run",
    "/sbin",
    "/sys",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/local",
    "/usr/sbin",
    "/usr/share",
    "/var",
    "/var/lib",
];

/// The user numbers of people, by login.defs(5).
const PEOPLE: std::ops::Range<u32> = 1_000..60_001;

/// The folders that make a root too wide.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// Homes of people other than the present user.
    pub homes: Vec<PathBuf>,
    /// Roots that were named, or are known places, and exist.
    pub roots: Vec<PathBuf>,
}

impl Surroundings {
    /// Reads the homes from `passwd`, the text of /etc/passwd; `uid` is the present user. Homes that only a directory
    /// service knows are usually below /home, which is always included.
    pub fn new(roots: impl IntoIterator<Item = PathBuf>, passwd: &str, uid: u32) -> Surroundings {
        // name:password:uid:gid:gecos:home:shell, by passwd(5).
        let home = |line: &str| {
            let fields: Vec<&str> = line.split(':').collect();
            let number: u32 = fields.get(2)?.parse().ok()?;
            let is_other = number != uid && (number == 0 || PEOPLE.contains(&number));
            fields.get(5).filter(|home| is_other && home.len() > 1).map(PathBuf::from)
        };
        let homes = passwd.lines().filter_map(home).chain([PathBuf::from("/home")]);
        Surroundings { homes: homes.collect(), roots: roots.into_iter().collect() }
    }

    /// Returns the reason why nothing below this root is removed unless it is named; None for a root that rules may
    /// reach into.
    pub fn too_wide(&self, root: &Path) -> Option<String> {
        if root.parent().is_none() {
            return Some("its root `/` is the whole machine".to_owned());
        }
        let shown = root.display();
        let holds = |path: &Path| path.starts_with(root);
        if SYSTEM.iter().any(|folder| holds(Path::new(folder))) {
            return Some(format!("its root `{shown}` holds the system"));
        }
        if self.homes.iter().any(|home| holds(home)) {
            return Some(format!("its root `{shown}` holds homes of other users"));
        }
        let inner = self.roots.iter().find(|other| other.as_path() != root && holds(other))?;
        Some(format!("its root `{shown}` contains another root, `{}`", inner.display()))
    }
}

/// The answers for the roots of many candidates, each computed once.
#[derive(Debug, Default)]
pub struct Roots {
    around: Surroundings,
    known: HashMap<PathBuf, Option<String>>,
}

impl Roots {
    pub fn new(around: Surroundings) -> Roots {
        Roots { around, known: HashMap::new() }
    }

    pub fn barred(&mut self, root: &Path) -> Option<String> {
        if let Some(known) = self.known.get(root) {
            return known.clone();
        }
        let why = self.around.too_wide(root).map(|why| format!("{why}: scan the models' own folder, or use --model"));
        self.known.insert(root.to_owned(), why.clone());
        why
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/usr/sbin:/usr/sbin/nologin\nbroken\n\
        ann:x:1000:1000::/home/ann:/bin/bash\nbob:x:1001:1001::/data/people/bob:/bin/bash\n\
        ollama:x:998:998::/usr/share/ollama:/bin/false\nnobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n";

    fn why(uid: u32, root: &str) -> Option<String> {
        let roots = ["/home/ann/.ollama/models", "/srv/models", "/mnt/big/hub"].map(PathBuf::from);
        Surroundings::new(roots, PASSWD, uid).too_wide(Path::new(root))
    }

    #[test]
    fn the_machine_the_homes_of_others_and_a_root_around_a_root_are_too_wide() {
        for (root, said) in [
            ("/", "the whole machine"),
            ("/usr", "holds the system"),
            ("/var", "holds the system"),
            ("/usr/share", "holds the system"),
            ("/home", "holds homes of other users"),
            ("/data", "holds homes of other users"),
            ("/data/people/bob", "holds homes of other users"),
            ("/srv", "contains another root, `/srv/models`"),
            ("/mnt/big", "contains another root, `/mnt/big/hub`"),
            ("/home/ann", "contains another root, `/home/ann/.ollama/models`"),
        ] {
            let why = why(1000, root).unwrap_or_else(|| panic!("{root} is not too wide"));
            assert!(why.contains(said), "{root}: {why}");
        }
        for fine in ["/srv/models", "/mnt", "/home/ann/models", "/usr/share/ollama/.ollama/models", "/var/lib/ramalama"]
        {
            // /mnt contains /mnt/big/hub.
            assert_eq!(why(1000, fine).is_none(), fine != "/mnt", "{fine}");
        }
        assert!(why(0, "/home/ann").unwrap().contains("homes of other users"), "root is not ann");
        assert!(why(0, "/home/ann/.ollama/models").is_none(), "a store in the home of another user is a store");
        assert!(why(1001, "/data/people/bob").is_none(), "one's own home");
    }
}
