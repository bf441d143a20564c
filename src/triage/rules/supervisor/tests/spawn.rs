use super::*;

fn view(kind: &str, mode: u32) -> FileView {
    FileView {
        resolved: "/opt/llama/llama-server".into(),
        device: 1,
        inode: 2,
        kind: kind.into(),
        size: 4,
        allocated: 4096,
        mode,
        uid: 0,
        gid: 0,
        modified: Some(ago(100)),
        mount: Some(("/dev/vdb".into(), "/data".into(), "ext4".into())),
    }
}

fn launcher(file: Fact<FileView>) -> Launcher {
    Launcher {
        program: "/opt/llama/llama-server".into(),
        file,
        format: None,
        interpreter: None,
        nearest: Some("/opt".into()),
        is_noexec: Some(false),
        directory: None,
        application: None,
    }
}

fn with_spawn_error(error: &str, launcher: Launcher) -> Facts {
    let mut facts = failing(LifeEnd::NotSpawned { why: error.into() }, &[]);
    with_program(&mut facts.services[0], |program| program.spawn_error = Some(error.into()));
    facts.services[0].launcher = Some(launcher);
    facts
}

#[test]
fn sup_04_names_the_missing_program_and_its_section() {
    let facts =
        with_spawn_error("can't find command '/opt/llama/llama-server'", launcher(absent("/opt/llama/llama-server")));
    let found = hit("SUP-04", &facts);
    let cause = "/opt/llama/llama-server does not exist; it is the command of [program:llama]";
    says_all(&found, &[cause, PLACE, "/opt exists", "update", "restore command=/opt/llama/llama-server"]);
    assert_eq!(found.changes, Changes::File("/etc/supervisor/conf.d/llama.conf".into()));
    // A program that is there now only has to be started.
    let facts =
        with_spawn_error("can't find command '/opt/llama/llama-server'", launcher(known("/opt", view("file", 0o755))));
    says_all(&hit("SUP-04", &facts), &["exists now", "start", "stop llama"]);
    is_history("SUP-04", &["can't find command '/opt/llama/llama-server'"]);
}

#[test]
fn sup_05_tells_a_mode_from_a_mount() {
    let error = "command at '/opt/llama/llama-server' is not executable";
    let found = hit("SUP-05", &with_spawn_error(error, launcher(known("/opt", view("file", 0o644)))));
    says_all(&found, &["is not executable (mode 0644)", "chmod +x", "chmod 644 /opt/llama/llama-server"]);
    let mut noexec = launcher(known("/opt", view("file", 0o755)));
    noexec.is_noexec = Some(true);
    let found = hit("SUP-05", &with_spawn_error("no permission to run command '/opt/llama/llama-server'", noexec));
    says_all(&found, &["/data is mounted noexec", "remount,exec", "remount,noexec /data"]);
    is_history("SUP-05", &[error]);
}

#[test]
fn sup_06_names_the_library_and_where_it_is() {
    let text = "/opt/llama/llama-server: error while loading shared libraries: libggml.so.0: cannot open shared object \
                file: No such file or directory";
    let mut facts = failing(exit(127), &[text]);
    facts.services[0].libraries = Some(known(
        "ELF of /opt/llama/llama-server",
        vec![Library {
            name: "libggml.so.0".into(),
            found: None,
            by: None,
            elsewhere: Some("/opt/llama/lib/libggml.so.0".into()),
            wants_executable_stack: false,
        }],
    ));
    let found = hit("SUP-06", &facts);
    says_all(
        &found,
        &["needs libggml.so.0", "/opt/llama/lib/libggml.so.0", "LD_LIBRARY_PATH=\"/opt/llama/lib\"", PLACE],
    );
    assert_eq!(found.confidence, Confidence::Proven);
    facts.services[0].logs.clear();
    says_all(&hit("SUP-06", &facts), &["needs libggml.so.0"]);
    is_history("SUP-06", &[text]);
}

#[test]
fn sup_07_names_the_folder_of_directory() {
    let text = "supervisor: couldn't chdir to /srv/app: ENOENT";
    let mut facts = failing(exit(127), &[text, "supervisor: child process was not spawned"]);
    with_settings(&mut facts.services[0], |settings| settings.directory = Some("/srv/app".into()));
    let mut started = launcher(known("/opt", view("file", 0o755)));
    started.directory = Some(("/srv/app".into(), absent("/srv/app")));
    facts.services[0].launcher = Some(started);
    let found = hit("SUP-07", &facts);
    says_all(
        &found,
        &["the directory /srv/app does not exist; it is the directory= of [program:llama]", PLACE, "update"],
    );
    assert_eq!(found.confidence, Confidence::Proven);
    is_history("SUP-07", &[text]);
}

#[test]
fn sup_08_tells_a_cut_program_from_a_missing_interpreter() {
    let text = "supervisor: couldn't exec /opt/llama/llama-server: ENOEXEC";
    let mut facts = failing(exit(127), &[text]);
    let mut cut = launcher(known("/opt", view("file", 0o755)));
    cut.format = Some("truncated elf".into());
    facts.services[0].launcher = Some(cut.clone());
    says_all(&hit("SUP-08", &facts), &["is truncated", "a complete copy", "file", ".old"]);
    cut.format = Some("elf aarch64".into());
    facts.services[0].launcher = Some(cut.clone());
    says_all(&hit("SUP-08", &facts), &["built for another architecture (aarch64, ENOEXEC)"]);
    cut.format = Some("script /opt/py/bin/python".into());
    cut.interpreter = Some(("/opt/py/bin/python".into(), false));
    facts.services[0].launcher = Some(cut);
    says_all(&hit("SUP-08", &facts), &["its interpreter /opt/py/bin/python does not exist"]);
    is_history("SUP-08", &[text]);
}

#[test]
fn sup_09_names_the_symbol_or_the_version() {
    let text = "/opt/llama/llama-server: symbol lookup error: /opt/llama/libllama.so: undefined symbol: llama_new";
    let found = hit("SUP-09", &failing(exit(127), &[text]));
    says_all(
        &found,
        &["/opt/llama/libllama.so lacks the required symbol llama_new", "from the same release", "restore it"],
    );
    let glibc = "/opt/llama/llama-server: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38' not found (required by \
                 /opt/llama/llama-server)";
    says_all(&hit("SUP-09", &failing(exit(1), &[glibc])), &["needs GLIBC_2.38", "newer system", "for this system"]);
    is_history("SUP-09", &[text, glibc]);
}
