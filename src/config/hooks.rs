//! The program that gets events: `[hooks]`, `serve --exec`.

use super::Flags;
use serde::{Deserialize, Deserializer, de};
use std::path::{Path, PathBuf};

/// Settings of what is told of events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HooksConfig {
    /// The program and its arguments; empty: none. It is started without a shell.
    pub exec: Vec<String>,
}

/// `[hooks]` of the config file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Hooks {
    #[serde(deserialize_with = "command")]
    exec: Option<Vec<String>>,
}

impl HooksConfig {
    /// Loads the settings: those of the flags, then those of the file. `from_file` resolves a path of the config file.
    pub(super) fn load(flags: &Flags, file: &Hooks, from_file: impl Fn(&Path) -> PathBuf) -> HooksConfig {
        if let Some(program) = &flags.serve.exec {
            // The daemon runs it in another folder.
            let program = match program.components().count() {
                1 => program.clone(),
                _ => std::path::absolute(program).unwrap_or_else(|_| program.clone()),
            };
            return HooksConfig { exec: vec![program.to_string_lossy().into_owned()] };
        }
        let mut exec = file.exec.clone().unwrap_or_default();
        if let Some(program) = exec.first_mut().filter(|program| program.contains('/')) {
            *program = from_file(Path::new(program)).to_string_lossy().into_owned();
        }
        HooksConfig { exec }
    }
}

fn command<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Vec<String>>, D::Error> {
    let words = Vec::<String>::deserialize(d)?;
    if words.first().is_some_and(String::is_empty) || words.iter().any(|word| word.contains('\0')) {
        return Err(de::Error::custom(
            "give a program and its arguments, such as [\"/usr/local/bin/page\", \"--now\"]",
        ));
    }
    Ok(Some(words))
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Env, Flags, ServeFlags};

    fn load(exec: Option<&str>, toml: &str) -> anyhow::Result<Vec<String>> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        std::fs::write(&path, toml).unwrap();
        let serve = ServeFlags { exec: exec.map(Into::into), ..ServeFlags::default() };
        let flags = Flags { config: Some(path), serve, ..Flags::default() };
        let exec = Config::load(&flags, &Env::from_pairs(&[]))?.hooks.exec;
        let beside = dir.path().to_string_lossy().into_owned();
        Ok(exec.into_iter().map(|word| word.replace(&beside, "DIR")).collect())
    }

    #[test]
    fn a_hook_is_a_command_of_the_config_and_the_flag_wins() {
        let toml = "[hooks]\nexec = [\"./page\", \"--now\"]\n";
        assert_eq!(load(None, toml).unwrap(), ["DIR/./page", "--now"]);
        assert_eq!(load(Some("/bin/true"), toml).unwrap(), ["/bin/true"]);
        assert_eq!(load(None, "[hooks]\nexec = [\"page\"]\n").unwrap(), ["page"]);
        assert!(load(None, "").unwrap().is_empty());
        let error = load(None, "[hooks]\nexec = [\"\"]\n").unwrap_err().to_string();
        assert!(error.contains("`hooks.exec`: give a program"), "{error}");
    }
}
