//! The rights that `modelctl-prune.service` and `modelctl-admin` have.

use super::packaged;
use crate::sandbox::{Run, Sandbox, finish, skip};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

/// Nobody, with the capabilities of the unit.
fn run(sandbox: &Sandbox, args: &[&str]) -> Run {
    let admin = fs::read_to_string(packaged("modelctl-admin")).unwrap();
    let rights = admin.lines().find_map(|line| line.strip_prefix("caps=")).unwrap();
    let own = sandbox.command(args);
    let mut command = Command::new("/usr/bin/setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .args([format!("--inh-caps={rights}"), format!("--ambient-caps={rights}")])
        .arg(sandbox.program_for_others())
        .args(args)
        .env_clear()
        .envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    finish(command.current_dir(sandbox.path("")).output().unwrap())
}

/// The timer would find "nothing to remove" for ever, or what it removed could not be brought back.
#[test]
fn models_of_others_are_trashed_and_restored_by_capabilities_alone() {
    if !rustix::process::geteuid().is_root() || !Path::new("/usr/bin/setpriv").exists() {
        skip("only root can give capabilities to another user");
        return;
    }
    let sandbox = Sandbox::new();
    let model = sandbox.write("a.gguf", &crate::gguf::fixture::small_model("one"));
    for (path, mode) in [("", 0o777), ("home", 0o777), ("run", 0o777), ("models", 0o700), ("models/a.gguf", 0o600)] {
        fs::set_permissions(sandbox.path(path), Permissions::from_mode(mode)).unwrap();
    }
    for path in [sandbox.models(), model.clone()] {
        chown(path, Some(4_242), Some(4_242)).unwrap();
    }
    run(&sandbox, &["scan"]).ok();
    let pruned = run(&sandbox, &["prune", "--model", "a", "--grace", "0", "--confirm"]).ok();
    assert!(!model.exists(), "{pruned:?}");
    let trash = run(&sandbox, &["trash", "list", "--json"]).ok().json();
    let item = trash.pointer("/items/0/id").or_else(|| trash.pointer("/0/id")).unwrap_or_else(|| panic!("{trash}"));
    run(&sandbox, &["trash", "restore", item.as_str().unwrap()]).ok();
    let meta = fs::metadata(&model).unwrap();
    assert_eq!((meta.uid(), meta.mode() & 0o777), (4_242, 0o600));
}
