//! Where stores are when nobody says so: their own variables, their default folders, and what a service is told.

use super::Env;
use crate::model::StoreKind;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// No real unit comes near this.
const MOST_UNIT_BYTES: u64 = 256 << 10;
const MOST_DROP_INS: usize = 256;

/// The places of Ollama's stores, whether they exist or not, each once: the user's, the service's, and where the unit of
/// the service says that it is.
pub(super) fn ollama(env: &Env) -> Vec<(PathBuf, StoreKind)> {
    ollama_below(env, Path::new("/"))
}

fn ollama_below(env: &Env, system: &Path) -> Vec<(PathBuf, StoreKind)> {
    let named = env.path("OLLAMA_MODELS").map(|p| env.expand_home(&without_quotes(&p)));
    let own = named.or_else(|| in_home(env, "~/.ollama/models"));
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

/// The place of Docker Model Runner's store, whether it exists or not.
pub(super) fn docker(env: &Env) -> Vec<(PathBuf, StoreKind)> {
    let place = env.path("MODELS_PATH").or_else(|| in_home(env, "~/.docker/models"));
    place.into_iter().map(|p| (p, StoreKind::Docker)).collect()
}

/// None without a home.
fn in_home(env: &Env, path: &str) -> Option<PathBuf> {
    Some(env.expand_home(Path::new(path))).filter(|p| !p.starts_with("~"))
}

/// Ollama takes quotes around the value for somebody's mistake.
fn without_quotes(path: &Path) -> PathBuf {
    match path.to_str() {
        Some(text) => text.trim().trim_matches(['"', '\'']).into(),
        None => path.to_owned(),
    }
}

/// `OLLAMA_MODELS` in `ollama.service` or one of its drop-ins; as for systemd the last one counts.
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

/// None for what is not there, may not be read or is no unit: the default places are left then.
fn unit_text(path: &Path) -> Option<String> {
    let is_unit = std::fs::metadata(path).is_ok_and(|m| m.is_file() && m.len() <= MOST_UNIT_BYTES);
    let mut text = String::new();
    let file = is_unit.then(|| File::open(path).ok()).flatten()?;
    file.take(MOST_UNIT_BYTES).read_to_string(&mut text).ok()?;
    Some(text)
}

/// Follows the `Environment=` lines of a unit (systemd.exec(5), syntax in systemd.syntax(7)) for one variable.
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
            *value = None; // an empty assignment takes back all before it
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

/// Lines without comments, those that end in a backslash joined with the next.
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

/// Words at white space. A quote at the beginning of a word goes to its end; a backslash escapes.
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

/// `%%` is a percent sign; a value with any other specifier is not known here.
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
