//! Default places of stores: their own variables, their default folders, and the settings of a service's unit.

use super::Env;
use crate::model::StoreKind;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Largest unit file that is read, in bytes. No real unit comes near this.
const MOST_UNIT_BYTES: u64 = 256 << 10;
const MOST_DROP_INS: usize = 256;

/// Returns the places of Ollama's stores, whether they exist or not, each once: the user's, the service's, and the one
/// that the unit of the service names.
pub(super) fn ollama(env: &Env) -> Vec<(PathBuf, StoreKind)> {
    ollama_below(env, Path::new("/"))
}

fn ollama_below(env: &Env, system: &Path) -> Vec<(PathBuf, StoreKind)> {
    let own = own_ollama(env).or_else(|| in_home(env, "~/.ollama/models"));
    // The install script gives the service's user this home.
    let service = system.join("usr/share/ollama/.ollama/models");
    let mut places: Vec<PathBuf> = Vec::new();
    for place in own.into_iter().chain([service]).chain(told_to_service(&system.join("etc/systemd/system"))) {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places.into_iter().map(|p| (p, StoreKind::Ollama)).collect()
}

/// Returns the place that `OLLAMA_MODELS` names. Ollama's `envconfig` removes blanks and quotes around the value and
/// expands nothing; a `~` that the shell left, and that is not the name of a folder here, is expanded to the home that
/// was meant.
pub(super) fn own_ollama(env: &Env) -> Option<PathBuf> {
    let told = without_quotes(&env.raw("OLLAMA_MODELS")?);
    let is_literal = !told.starts_with("~") || told.symlink_metadata().is_ok();
    Some(if is_literal { told } else { env.expand_home(&told) }).filter(|path| !path.as_os_str().is_empty())
}

/// Returns the place of Docker Model Runner's store, whether it exists or not.
pub(super) fn docker(env: &Env) -> Vec<(PathBuf, StoreKind)> {
    let place = env.path("MODELS_PATH").or_else(|| in_home(env, "~/.docker/models"));
    place.into_iter().map(|p| (p, StoreKind::Docker)).collect()
}

/// Expands `~`. None without a home.
fn in_home(env: &Env, path: &str) -> Option<PathBuf> {
    Some(env.expand_home(Path::new(path))).filter(|p| !p.starts_with("~"))
}

/// Removes quotes around the value, which Ollama takes for a mistake.
fn without_quotes(path: &Path) -> PathBuf {
    match path.to_str() {
        Some(text) => text.trim().trim_matches(['"', '\'']).into(),
        None => path.to_owned(),
    }
}

/// Returns `OLLAMA_MODELS` as set in `ollama.service` or one of its drop-ins; as for systemd, the last one counts.
fn told_to_service(units: &Path) -> Option<PathBuf> {
    let mut files = vec![units.join("ollama.service")];
    // Without the folder there are no drop-ins.
    if let Ok(entries) = std::fs::read_dir(units.join("ollama.service.d")) {
        let paths = entries.take(MOST_DROP_INS).flatten().map(|e| e.path());
        let mut drop_ins: Vec<PathBuf> = paths.filter(|p| p.extension().is_some_and(|e| e == "conf")).collect();
        drop_ins.sort();
        files.append(&mut drop_ins);
    }
    let mut told = None;
    for text in files.iter().filter_map(|file| unit_text(file)) {
        environment(&text, "OLLAMA_MODELS", &mut told);
    }
    told.map(|value| without_quotes(Path::new(&value))).filter(|p| p.is_absolute())
}

/// Reads a unit file. None when it does not exist, may not be read or is not a unit: the default places remain then.
fn unit_text(path: &Path) -> Option<String> {
    let is_unit = std::fs::metadata(path).is_ok_and(|m| m.is_file() && m.len() <= MOST_UNIT_BYTES);
    let mut text = String::new();
    let file = is_unit.then(|| File::open(path).ok()).flatten()?;
    file.take(MOST_UNIT_BYTES).read_to_string(&mut text).ok()?;
    Some(text)
}

/// Applies the `Environment=` lines of a unit (systemd.exec(5), syntax in systemd.syntax(7)) to one variable.
fn environment(text: &str, key: &str, value: &mut Option<String>) {
    let mut in_service = false;
    for line in logical_lines(text) {
        if line.starts_with('[') {
            in_service = line == "[Service]";
            continue;
        }
        let Some((name, rest)) = line.split_once('=').filter(|_| in_service) else { continue };
        if name.trim_end() != "Environment" {
            continue;
        }
        let words = words(rest.trim());
        if words.is_empty() {
            *value = None; // an empty assignment resets all earlier ones
        }
        for word in words {
            if let Some((name, told)) = word.split_once('=')
                && name == key
            {
                *value = specified(told);
            }
        }
    }
}

/// Returns the lines without comments; a line that ends in a backslash is joined with the next.
fn logical_lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut open = String::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with(['#', ';']) {
            continue;
        }
        match line.strip_suffix('\\') {
            Some(part) => {
                open.push_str(part);
                open.push(' ');
            }
            None => lines.push(std::mem::take(&mut open) + line),
        }
    }
    lines.push(open);
    lines
}

/// Splits at white space. A quote at the beginning of a word extends to the closing quote; a backslash escapes.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text.chars().peekable();
    loop {
        while rest.next_if(|c| c.is_whitespace()).is_some() {}
        let Some(first) = rest.peek().copied() else { return words };
        let quote = rest.next_if(|c| matches!(c, '"' | '\'')).map(|_| first);
        let mut word = String::new();
        while let Some(c) = rest.next() {
            match c {
                '\\' => match rest.next() {
                    Some('s') => word.push(' '),
                    Some('t') => word.push('\t'),
                    Some(other) => word.push(other),
                    None => word.push('\\'),
                },
                c if Some(c) == quote => break,
                c if quote.is_none() && c.is_whitespace() => break,
                c => word.push(c),
            }
        }
        words.push(word);
    }
}

/// Replaces `%%` by a percent sign. None for a value with any other specifier, whose meaning is not known here.
fn specified(value: &str) -> Option<String> {
    let plain = value.replace("%%", "\0");
    (!plain.contains('%')).then(|| plain.replace('\0', "%"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(env: &[(&str, &str)], system: &Path) -> Vec<PathBuf> {
        ollama_below(&Env::from_pairs(env), system).into_iter().map(|(path, _)| path).collect()
    }

    fn told(text: &str) -> Option<String> {
        let mut value = Some("/before".to_owned());
        environment(text, "OLLAMA_MODELS", &mut value);
        value
    }

    #[test]
    fn a_store_of_ollama_is_looked_for_where_the_user_and_the_service_have_it() {
        let dir = tempfile::tempdir().unwrap();
        let service = dir.path().join("usr/share/ollama/.ollama/models");
        let home = ("HOME", "/home/u");
        assert_eq!(paths(&[home], dir.path()), [Path::new("/home/u/.ollama/models"), &service]);
        assert_eq!(paths(&[], dir.path()), [service.as_path()]);
        for value in ["/data/m", "\"/data/m\"", " '/data/m' "] {
            assert_eq!(paths(&[home, ("OLLAMA_MODELS", value)], dir.path()), [Path::new("/data/m"), &service]);
        }
        let units = dir.path().join("etc/systemd/system");
        std::fs::create_dir_all(units.join("ollama.service.d")).unwrap();
        std::fs::write(units.join("ollama.service"), "[Service]\nEnvironment=OLLAMA_MODELS=/unit\n").unwrap();
        assert_eq!(paths(&[], dir.path()), [&service, Path::new("/unit")]);
        let drop_in = |name: &str, text: &str| std::fs::write(units.join("ollama.service.d").join(name), text).unwrap();
        drop_in("20-late.conf", "[Service]\nEnvironment=\"OLLAMA_MODELS=/late place\"\n");
        drop_in("10-early.conf", "[Service]\nEnvironment=OLLAMA_MODELS=/early\n");
        drop_in("30-off.conf.bak", "[Service]\nEnvironment=OLLAMA_MODELS=/off\n");
        assert_eq!(paths(&[], dir.path()), [&service, Path::new("/late place")]);
        let same = paths(&[("OLLAMA_MODELS", "/late place")], dir.path());
        assert_eq!(same, [Path::new("/late place"), &service]);
        // Neither a giant nor a relative path misleads.
        std::fs::File::create(units.join("ollama.service.d/40-giant.conf")).unwrap().set_len(1 << 30).unwrap();
        drop_in("50-relative.conf", "[Service]\nEnvironment=OLLAMA_MODELS=models\n");
        assert_eq!(paths(&[], dir.path()), [service.as_path()]);
    }

    #[test]
    fn an_environment_line_is_read_as_systemd_reads_it() {
        let value = |line: &str| told(&format!("[Unit]\nEnvironment=OLLAMA_MODELS=/no\n[Service]\n{line}\n"));
        let some = |path: &str| Some(path.to_owned());
        assert_eq!(value("Environment=OLLAMA_MODELS=/a"), some("/a"));
        assert_eq!(value("Environment = A=b 'OLLAMA_MODELS=/a b' \"C=d\""), some("/a b"));
        assert_eq!(value("Environment=\"OLLAMA_MODELS=/a \\\"b\\\"\""), some("/a \"b\""));
        assert_eq!(value("Environment=OLLAMA_MODELS=/a\\sb"), some("/a b"));
        assert_eq!(value("Environment=OLLAMA_MODELS=/100%%"), some("/100%"));
        assert_eq!(value("Environment=OLLAMA_MODELS=%h/models"), None);
        assert_eq!(value("Environment=A=b \\\n  # a comment in between\n  OLLAMA_MODELS=/a"), some("/a"));
        assert_eq!(value("#Environment=OLLAMA_MODELS=/a"), some("/before"));
        assert_eq!(value("EnvironmentFile=OLLAMA_MODELS=/a"), some("/before"));
        assert_eq!(value("Environment=OLLAMA_HOST=0.0.0.0"), some("/before"));
        assert_eq!(value("Environment=OLLAMA_MODELS=/a\nEnvironment="), None);
        assert_eq!(value("Environment=\"OLLAMA_MODELS=/open"), some("/open"));
        assert_eq!(value("Environment=\\"), None);
    }

    #[test]
    fn the_store_of_docker_is_found_by_its_variable_or_in_the_home() {
        let place = |env: &[(&str, &str)]| docker(&Env::from_pairs(env)).pop();
        let docker = |path: &str| Some((PathBuf::from(path), StoreKind::Docker));
        assert_eq!(place(&[("HOME", "/home/u")]), docker("/home/u/.docker/models"));
        assert_eq!(place(&[("HOME", "/home/u"), ("MODELS_PATH", "~/m")]), docker("/home/u/m"));
        assert_eq!(place(&[]), None);
    }

    #[test]
    fn the_real_system_has_the_places_of_any() {
        let places = ollama(&Env::from_pairs(&[("HOME", "/home/u")]));
        assert!(places.len() >= 2 && places.iter().all(|(_, store)| *store == StoreKind::Ollama));
    }
}
