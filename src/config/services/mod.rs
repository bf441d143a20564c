//! The services of a node: `[supervisor]`, `[[services]]` or `[services.NAME]`.

mod program;
mod run;
#[cfg(test)]
mod run_tests;
mod watched;

pub use program::check_program;
pub(super) use program::find_program;
pub(super) use watched::Supervisor;
pub use watched::SupervisorConfig;

use super::{Env, ListenAddress, ServeConfig};
use crate::model::service::{Service, ServiceSpec};
use run::Entry;
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use watched::ServiceFile;

/// `services` of the config file, in either form.
#[derive(Debug, Default)]
pub(super) enum ServicesFile {
    #[default]
    Absent,
    /// `[[services]]`.
    List(Vec<ServiceFile>),
    /// `[services.NAME]`.
    Table(BTreeMap<String, Entry>),
}

impl ServicesFile {
    /// Returns where in the text a name stands that an earlier service has already, and what is wrong with it.
    pub fn named_twice(&self) -> Option<(usize, String)> {
        match self {
            ServicesFile::List(services) => watched::named_twice(services),
            ServicesFile::Absent | ServicesFile::Table(_) => None,
        }
    }

    /// Returns the services that are looked at and not run by the daemon; None where the file names none. `from_file`
    /// resolves a path of the config file.
    pub fn watched(&self, from_file: impl Fn(&Path) -> PathBuf) -> Option<Vec<Service>> {
        match self {
            ServicesFile::Absent => None,
            ServicesFile::List(services) => Some(services.iter().map(|service| service.settings(&from_file)).collect()),
            ServicesFile::Table(entries) => {
                let watched = entries.iter().filter(|(_, entry)| !entry.is_run());
                let watched: Vec<Service> =
                    watched.map(|(name, entry)| entry.watched(name).settings(&from_file)).collect();
                // A file that names only programs of the daemon says nothing of others.
                (!watched.is_empty() || entries.is_empty()).then_some(watched)
            }
        }
    }

    /// Returns what is looked at of the services that the daemon runs, while they run.
    pub fn watched_while_run(&self, from_file: impl Fn(&Path) -> PathBuf) -> Vec<Service> {
        let ServicesFile::Table(entries) = self else { return Vec::new() };
        let run = entries.iter().filter(|(_, entry)| entry.is_run());
        run.map(|(name, entry)| entry.watched(name).settings(&from_file)).collect()
    }

    /// Returns the services that the daemon runs, in the order of their names.
    ///
    /// # Errors
    /// What is wrong with them together, with the key.
    pub fn run(&self, env: &Env, serve: &ServeConfig) -> Result<Vec<ServiceSpec>, String> {
        let ServicesFile::Table(entries) = self else { return Ok(Vec::new()) };
        let path = env.path_list("PATH").unwrap_or_default();
        let run: Vec<ServiceSpec> = entries.iter().filter_map(|(name, entry)| entry.spec(name, &path)).collect();
        check(&run, serve)?;
        Ok(run)
    }
}

/// Checks what services must not share, with each other and with the daemon.
fn check(services: &[ServiceSpec], serve: &ServeConfig) -> Result<(), String> {
    let (mut ports, mut routes): (HashMap<u16, &str>, HashMap<&str, &str>) = (HashMap::new(), HashMap::new());
    for ServiceSpec { name, port, routes: of, .. } in services {
        if let Some(port) = *port {
            let key = format!("key `services.{name}`: the port {port}");
            if let Some(other) = ports.insert(port, name) {
                return Err(format!("{key} is also that of the service `{other}`"));
            }
            if let Some(range) = serve.ports.filter(|range| range.has(port)) {
                return Err(format!("{key} is one of the ports of models, {range}: choose another one"));
            }
            let is_ours = |address: &ListenAddress| matches!(address, ListenAddress::Tcp(at) if at.port() == port);
            if serve.listen.iter().any(is_ours) {
                return Err(format!("{key} is that of the daemon itself"));
            }
        }
        for route in of {
            if let Some(other) = routes.insert(route, name) {
                let how = "give each its own `routes`, or `routes = []`";
                return Err(format!("key `services.{name}`: the service `{other}` answers `{route}` too; {how}"));
            }
        }
    }
    Ok(())
}

impl<'de> Deserialize<'de> for ServicesFile {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<ServicesFile, D::Error> {
        d.deserialize_any(Forms)
    }
}

struct Forms;

impl<'de> Visitor<'de> for Forms {
    type Value = ServicesFile;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[[services]] or [services.NAME]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<ServicesFile, A::Error> {
        let mut services = Vec::new();
        while let Some(service) = items.next_element()? {
            services.push(service);
        }
        Ok(ServicesFile::List(services))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<ServicesFile, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some(name) = members.next_key::<String>()? {
            let entry: Entry = members.next_value()?;
            entry.check_name(&name).map_err(de::Error::custom)?;
            entries.insert(name, entry);
        }
        Ok(ServicesFile::Table(entries))
    }
}
