//! The actor of an operation: the user and the user behind them, the process and its parent, the unit. All of it is
//! read from `/proc` and `/etc/passwd`, which never wait for another machine. A user that only a directory service
//! knows has no name here, but always a number.

use crate::model::Actor;
use rustix::process::{Pid, geteuid, getpid, getppid};
use std::fs;

/// Bytes of a command line that are kept.
const LONGEST_COMMAND: usize = 4096;

/// `(uid_t) -1`: no user has logged in, see `audit_setloginuid(3)`.
const NO_LOGIN: u32 = u32::MAX;

/// Returns this process as an actor. `sudo_user` is the caller as sudo reports it, believed where the kernel keeps no
/// record of logins.
pub fn actor(sudo_user: Option<&str>) -> Actor {
    let uid = geteuid().as_raw();
    let users = text("/etc/passwd").unwrap_or_default();
    let user = name_of(uid, &users);
    let logged_in = text("/proc/self/loginuid").and_then(|t| t.trim().parse().ok());
    let login = behind(uid, logged_in, sudo_user, &users);
    let pid = getpid();
    Actor {
        uid,
        user,
        login,
        pid: u32::try_from(pid.as_raw_pid()).unwrap_or(0),
        process: name_of_process(pid),
        parent: getppid().and_then(name_of_process),
        unit: text("/proc/self/cgroup").and_then(|t| unit_of(&t)),
        command: fs::read("/proc/self/cmdline").ok().and_then(|words| command_of(&words)),
    }
}

/// Returns the user behind a user id: who logged in, by the kernel's record; where the kernel keeps none, who called
/// sudo. Returns None when that is the same user.
fn behind(uid: u32, logged_in: Option<u32>, sudo_user: Option<&str>, passwd: &str) -> Option<String> {
    match logged_in.filter(|id| *id != NO_LOGIN) {
        Some(login) if login == uid => None,
        Some(login) => Some(name_of(login, passwd).unwrap_or_else(|| format!("uid {login}"))),
        None => sudo_user.map(str::to_owned).filter(|name| name_of(uid, passwd).as_ref() != Some(name)),
    }
}

/// Reads a small file that the kernel or the administrator wrote. Returns None when it cannot be read.
fn text(path: &str) -> Option<String> {
    fs::read(path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// Returns the name of a user by passwd(5): `name:password:uid:…`.
fn name_of(uid: u32, passwd: &str) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let number: u32 = fields.nth(1)?.parse().ok()?;
        (number == uid).then(|| name.to_owned())
    })
}

/// Returns the name of a user; `None` for one that only a directory service knows.
pub fn user_name(uid: u32) -> Option<String> {
    name_of(uid, &text("/etc/passwd")?)
}

fn name_of_process(pid: Pid) -> Option<String> {
    text(&format!("/proc/{}/comm", pid.as_raw_pid()))
        .map(|t| t.trim_end_matches('\n').to_owned())
        .filter(|t| !t.is_empty())
}

/// Returns the systemd unit of a process, from the text of its `/proc/PID/cgroup`
/// (`Documentation/admin-guide/cgroup-v2.rst`): the innermost service or scope. A login session and a cron daemon are
/// named by one word each.
fn unit_of(cgroup: &str) -> Option<String> {
    // `0::/path` is version 2; with version 1 systemd keeps a hierarchy of its own.
    let path = |controllers: &str| {
        cgroup.lines().find_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (name, path) = rest.split_once(':')?;
            (name == controllers).then_some(path)
        })
    };
    let is_unit = |part: &&str| part.ends_with(".service") || part.ends_with(".scope");
    let of = |path: &str| {
        let name = path.rsplit('/').find(is_unit)?;
        let is_scope_of_user = name.ends_with(".scope") && path.contains("/user@");
        Some(match name {
            "cron.service" | "crond.service" | "cronie.service" | "anacron.service" => "cron".to_owned(),
            name if name.starts_with("session-") || is_scope_of_user => "session".to_owned(),
            name => name.to_owned(),
        })
    };
    path("").and_then(of).or_else(|| path("name=systemd").and_then(of))
}

/// Builds a command line from its words, each of which ends with NUL. Returns None when there is none: a process may
/// overwrite it.
fn command_of(words: &[u8]) -> Option<String> {
    let words = words.strip_suffix(b"\0").unwrap_or(words);
    if words.is_empty() {
        return None;
    }
    let quoted: Vec<String> = words.split(|b| *b == 0).map(|word| quoted(&String::from_utf8_lossy(word))).collect();
    let mut line = quoted.join(" ");
    if line.len() > LONGEST_COMMAND {
        let end = (0..=LONGEST_COMMAND).rev().find(|end| line.is_char_boundary(*end)).unwrap_or(0);
        line.truncate(end);
        line.push('…');
    }
    Some(line)
}

/// Quotes a word for a shell.
pub fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_knows_itself() {
        let actor = actor(None);
        assert_eq!(actor.uid, geteuid().as_raw());
        assert_eq!(actor.pid, std::process::id());
        assert!(actor.process.is_some() && actor.parent.is_some() && actor.command.is_some(), "{actor:?}");
    }

    #[test]
    fn a_unit_is_told_from_a_session_and_from_cron() {
        for (cgroup, expected) in [
            ("0::/system.slice/modelctl-prune.service\n", Some("modelctl-prune.service")),
            ("0::/user.slice/user-1000.slice/session-3.scope", Some("session")),
            ("0::/system.slice/cron.service\n", Some("cron")),
            ("0::/system.slice/crond.service\n", Some("cron")),
            (
                "0::/user.slice/user-1000.slice/user@1000.service/app.slice/modelctl-prune.service",
                Some("modelctl-prune.service"),
            ),
            ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-term-7.scope", Some("session")),
            ("0::/system.slice/docker-0123.scope/inner", Some("docker-0123.scope")),
            ("12:cpu:/x.service\n1:name=systemd:/system.slice/a.service\n0::/\n", Some("a.service")),
            ("0::/\n", None),
            ("0::/init.scope/\u{1b}[31m\n", Some("init.scope")),
            ("", None),
            (":::\n0:\n::\n0::", None),
        ] {
            assert_eq!(unit_of(cgroup).as_deref(), expected, "{cgroup}");
        }
    }

    #[test]
    fn a_service_account_without_a_shell_has_its_name() {
        let passwd = "root:x:0:0::/root:/bin/bash\n\nbroken\n+::::::\nollama:x:998:998::/usr/share/ollama:/bin/false\n";
        assert_eq!(name_of(998, passwd).as_deref(), Some("ollama"));
        assert_eq!(name_of(0, passwd).as_deref(), Some("root"));
        assert_eq!(name_of(7, passwd), None);
    }

    #[test]
    fn the_person_behind_sudo_is_known_by_the_kernel_first() {
        let passwd = "root:x:0:0::/root:/bin/bash\nann:x:1000:1000::/home/ann:/bin/bash\n";
        let behind = |logged_in, sudo| behind(0, logged_in, sudo, passwd);
        assert_eq!(behind(Some(1000), Some("bob")).as_deref(), Some("ann"));
        assert_eq!(behind(Some(4711), None).as_deref(), Some("uid 4711"));
        assert_eq!(behind(Some(0), Some("bob")), None);
        for unknown in [None, Some(NO_LOGIN)] {
            assert_eq!(behind(unknown, Some("bob")).as_deref(), Some("bob"));
            assert_eq!(behind(unknown, Some("root")), None);
            assert_eq!(behind(unknown, None), None);
        }
    }

    #[test]
    fn a_command_line_can_be_typed_again() {
        let line = command_of(b"modelctl\0keep\0add\0it's *\0\0\xff\0").unwrap();
        assert_eq!(line, "modelctl keep add 'it'\\''s *' '' '\u{fffd}'");
        assert_eq!(command_of(b""), None);
        let long = command_of("模".repeat(5000).as_bytes()).unwrap();
        assert!(long.len() < LONGEST_COMMAND + 4 && long.ends_with('…'));
    }
}
