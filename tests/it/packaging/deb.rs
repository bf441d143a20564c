//! The Debian package: built around the program under test, and installed, upgraded, removed and purged by dpkg in a root
//! of its own.

use super::built;
use super::install::files;
use crate::sandbox::skip;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A system of its own: dpkg's database, and maintainer scripts that act below it.
struct Root {
    dir: tempfile::TempDir,
}

impl Root {
    fn new() -> Root {
        let root = Root { dir: tempfile::tempdir().unwrap() };
        for dir in ["root/var/lib/dpkg/info", "root/var/lib/dpkg/updates", "root/etc", "tools"] {
            fs::create_dir_all(root.dir.path().join(dir)).unwrap();
        }
        fs::write(root.path("var/lib/dpkg/status"), "").unwrap();
        // What would act on this machine where systemd runs on it.
        for tool in ["systemctl", "deb-systemd-invoke"] {
            let tool = root.dir.path().join("tools").join(tool);
            fs::write(&tool, "#!/bin/sh\nexit 0\n").unwrap();
            fs::set_permissions(&tool, Permissions::from_mode(0o755)).unwrap();
        }
        root
    }

    fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join("root").join(below)
    }

    fn write(&self, below: &str, text: &str) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[track_caller]
    fn dpkg(&self, args: &[&str]) {
        let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", self.dir.path().join("tools").display());
        let ran = Command::new("dpkg")
            .arg(format!("--root={}", self.path("").display()))
            .args(["--force-script-chrootless", "--force-depends"])
            .args(args)
            .env("PATH", path)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .output()
            .unwrap();
        assert!(ran.status.success(), "{args:?}: {}", String::from_utf8_lossy(&ran.stderr));
    }

    /// Switches a unit on, as `systemctl enable` does.
    fn enable(&self, unit: &str, target: &str) {
        let wants = self.path("etc/systemd/system").join(format!("{target}.wants"));
        fs::create_dir_all(&wants).unwrap();
        symlink(format!("/usr/lib/systemd/system/{unit}"), wants.join(unit)).unwrap();
    }

    /// What there is of ours, below the root.
    fn ours(&self) -> Vec<String> {
        let below = |file: PathBuf| file.strip_prefix(self.path("")).unwrap().to_string_lossy().into_owned();
        let mut ours: Vec<String> = files(&self.path("")).into_iter().map(below).collect();
        ours.retain(|file| file.contains("modelctl") && !file.starts_with("var/lib/dpkg/"));
        ours.sort();
        ours
    }
}

fn build(dir: &Path) -> PathBuf {
    let package = dir.join("1.deb");
    let built = Command::new(env!("CARGO"))
        .args(["deb", "--no-build", "--fast", "--deb-revision", "1", "--output"])
        .arg(&package)
        .env("CARGO_TARGET_DIR", built(dir))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    package
}

/// The same package with a higher version.
fn newer(dir: &Path, package: &Path) -> PathBuf {
    let (unpacked, newer) = (dir.join("unpacked"), dir.join("2.deb"));
    let dpkg_deb = |args: &[&std::ffi::OsStr]| {
        let ran = Command::new("dpkg-deb").args(args).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    };
    dpkg_deb(&["--raw-extract".as_ref(), package.as_ref(), unpacked.as_ref()]);
    let control = unpacked.join("DEBIAN/control");
    let text = fs::read_to_string(&control).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let text = text.replace(&format!("Version: {version}-1\n"), &format!("Version: {version}-2\n"));
    fs::write(control, text).unwrap();
    dpkg_deb(&["-Zgzip".as_ref(), "-z1".as_ref(), "--build".as_ref(), unpacked.as_ref(), newer.as_ref()]);
    newer
}

/// A unit that stays starts a program that is gone, at every boot; a model that goes with the package is lost.
#[test]
fn a_package_is_installed_upgraded_removed_and_purged_and_leaves_models_alone() {
    let has =
        |program: &str, args: &[&str]| Command::new(program).args(args).output().is_ok_and(|ran| ran.status.success());
    let has_tools = has("dpkg", &["--version"]) && has(env!("CARGO"), &["deb", "--version"]);
    if !has_tools || !has("systemd-sysusers", &["--version"]) || !rustix::process::geteuid().is_root() {
        skip("cargo-deb, dpkg, systemd-sysusers or the rights of root are missing: packaging/setup.sh test");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let root = Root::new();
    let package = build(dir.path());
    root.dpkg(&["--install", package.to_str().unwrap()]);

    let said = Command::new(root.path("usr/bin/modelctl")).arg("--version").env_clear().output().unwrap();
    assert_eq!(String::from_utf8_lossy(&said.stdout), format!("modelctl {}\n", env!("CARGO_PKG_VERSION")));
    let user = fs::read_to_string(root.path("etc/passwd")).unwrap();
    assert!(user.contains("modelctl:") && user.contains(":/var/lib/modelctl:/usr/sbin/nologin"), "{user}");
    assert!(!root.path("etc/systemd").exists(), "nothing runs that nobody enabled");
    let ours = root.ours();
    for file in [
        "etc/modelctl/config.toml",
        "usr/sbin/modelctl-admin",
        "usr/lib/systemd/system/modelctl-serve.service",
        "usr/lib/tmpfiles.d/modelctl.conf",
        "usr/share/bash-completion/completions/modelctl",
        "usr/share/fish/vendor_completions.d/modelctl.fish",
        "usr/share/zsh/vendor-completions/_modelctl",
        "usr/share/man/man1/modelctl-serve.1.gz",
        "usr/share/man/man5/modelctl.toml.5.gz",
    ] {
        assert!(ours.iter().any(|of| of == file), "{file} is not in {ours:#?}");
    }

    // What an operator and the units make of it.
    let models = ["srv/models/a.gguf", "var/lib/modelctl/models/b.gguf", "srv/.model_trash/1/c.gguf"];
    models.iter().for_each(|model| root.write(model, "GGUF"));
    root.write("var/lib/modelctl/modelctl.db", "");
    root.write("var/lib/modelctl/modelctl.db-run/serve.lock", "");
    root.write("var/lib/systemd/timers/stamp-modelctl-prune.timer", "");
    let config = fs::read_to_string(root.path("etc/modelctl/config.toml")).unwrap() + "\n[scan]\npaths = [\"/srv\"]\n";
    root.write("etc/modelctl/config.toml", &config);
    root.enable("modelctl-serve.service", "multi-user.target");
    root.enable("modelctl-prune.timer", "timers.target");
    let seen = |root: &Root| {
        models.map(|model| fs::metadata(root.path(model)).map(|meta| (meta.ino(), meta.mtime_nsec())).unwrap())
    };
    let before = seen(&root);

    root.dpkg(&["--install", newer(dir.path(), &package).to_str().unwrap()]);
    let status = fs::read_to_string(root.path("var/lib/dpkg/status")).unwrap();
    assert!(status.contains(&format!("Version: {}-2\n", env!("CARGO_PKG_VERSION"))), "{status}");
    assert_eq!(fs::read_to_string(root.path("etc/modelctl/config.toml")).unwrap(), config);
    let is_enabled = |unit: &str| root.path("etc/systemd/system").join(unit).is_symlink();
    assert!(
        is_enabled("multi-user.target.wants/modelctl-serve.service")
            && is_enabled("timers.target.wants/modelctl-prune.timer")
    );
    assert!(root.path("var/lib/modelctl/modelctl.db").exists());

    root.dpkg(&["--remove", "modelctl"]);
    assert!(
        !root.path("usr/bin/modelctl").exists() && !root.path("usr/lib/systemd/system/modelctl-serve.service").exists()
    );
    assert_eq!(
        fs::read_to_string(root.path("etc/modelctl/config.toml")).unwrap(),
        config,
        "it is for a next installation"
    );

    root.dpkg(&["--purge", "modelctl"]);
    assert_eq!(root.ours(), ["var/lib/modelctl/models/b.gguf"]);
    assert_eq!(seen(&root), before);
    let state = fs::read_to_string(root.path("var/lib/dpkg/status")).unwrap();
    assert!(!state.contains("Package: modelctl"), "{state}");
}
