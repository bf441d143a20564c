use crate::config::PortRange;
use crate::host::port_holder::{PortHolder, port_holder};
use std::fmt;

/// The number of ports whose holders are looked up: each takes a walk through all processes.
const NAMED: usize = 20;

/// No port of the range can be given to a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoPort {
    pub range: PortRange,
    /// Its first ports, and why each of them cannot be given.
    pub held: Vec<Held>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub port: u16,
    pub by: HeldBy,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeldBy {
    /// A model, by its name.
    Model(String),
    Process(PortHolder),
    /// A process of another user.
    Unknown,
    /// The port cannot be bound for another reason.
    Error(String),
}

impl NoPort {
    /// Finds out who holds the ports. `models` names the model that has a port; `errors` says why a port cannot be bound
    /// where it is not in use. Blocks.
    pub(super) fn find(
        range: PortRange,
        models: impl Fn(u16) -> Option<String>,
        errors: impl Fn(u16) -> Option<String>,
    ) -> NoPort {
        let by = |port| match (models(port), errors(port)) {
            (Some(name), _) => HeldBy::Model(name),
            (None, Some(why)) => HeldBy::Error(why),
            (None, None) => port_holder(port).map_or(HeldBy::Unknown, HeldBy::Process),
        };
        NoPort { range, held: range.ports().take(NAMED).map(|port| Held { port, by: by(port) }).collect() }
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.port;
        match &self.by {
            HeldBy::Model(name) => write!(f, "Port {port} already in use by the model {name}"),
            HeldBy::Process(holder) => write!(f, "Port {port} already in use by {holder}"),
            HeldBy::Unknown => write!(f, "Port {port} already in use by a process of another user"),
            HeldBy::Error(why) => write!(f, "Port {port} cannot be used: {why}"),
        }
    }
}

impl fmt::Display for NoPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let range = self.range;
        match self.held.first() {
            Some(held) if range.first == range.last => write!(f, "{held}"),
            Some(held) => write!(f, "{held}; none of the ports {range} is free"),
            None => write!(f, "none of the ports {range} is free"),
        }
    }
}

impl std::error::Error for NoPort {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_holds_the_ports_is_named() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let told = |first, last| {
            let models = |of| (of != port).then(|| "qwen".to_owned());
            NoPort::find(PortRange { first, last }, models, |_| None).to_string()
        };
        let ours = format!("(process {})", std::process::id());
        let alone = told(port, port);
        assert!(alone.starts_with(&format!("Port {port} already in use by ")) && alone.ends_with(&ours), "{alone}");
        let with_one_more = told(port - 1, port);
        let before = port - 1;
        let expected =
            format!("Port {before} already in use by the model qwen; none of the ports {before}-{port} is free");
        assert_eq!(with_one_more, expected);
    }
}
