//! The ports of model servers: `[serve]` `ports`, `port_range_start`, `port_range_end`, and the variables of these names.

use super::Env;
use crate::failure::Failure;
use std::fmt;

const START: &str = "MODEL_PORT_RANGE_START";
const END: &str = "MODEL_PORT_RANGE_END";

/// The ports that models get, first and last included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortRange {
    pub first: u16,
    pub last: u16,
}

impl PortRange {
    pub const DEFAULT: PortRange = PortRange { first: 8080, last: 8099 };

    /// Returns the range of `[serve]` and the environment; one that has only a beginning has as many ports as the
    /// default.
    ///
    /// # Errors
    /// `CannotMeet` for a range that ends before it begins.
    pub(super) fn load(env: &Env, (first, last): (Option<u16>, Option<u16>)) -> anyhow::Result<PortRange> {
        let port = |name: &str| -> anyhow::Result<Option<u16>> {
            let port = env.number(name, 1..=u64::from(u16::MAX))?;
            Ok(port.and_then(|port| u16::try_from(port).ok())) // within the range
        };
        let PortRange { first: least, last: most } = PortRange::DEFAULT;
        let first = port(START)?.or(first).unwrap_or(least);
        let last = port(END)?.or(last).unwrap_or(first.saturating_add(most.saturating_sub(least)));
        if first > last {
            let message = format!("the port range of models ends at {last}, before it begins at {first}");
            let hint = format!("port_range_start and port_range_end in [serve], or {START} and {END}, set them");
            return Err(Failure::cannot_meet(message).hint(hint).into());
        }
        Ok(PortRange { first, last })
    }

    pub fn ports(self) -> impl Iterator<Item = u16> {
        self.first..=self.last
    }

    pub fn has(self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Env, Flags};

    /// Returns the range in words: `8080-8099`, `none`, or the error.
    fn range(env: &[(&str, &str)], toml: &str) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        std::fs::write(&path, format!("[serve]\n{toml}")).unwrap();
        let flags = Flags { config: Some(path), ..Flags::default() };
        match Config::load(&flags, &Env::from_pairs(env)) {
            Ok(config) => config.serve.ports.map_or("none".to_owned(), |range| range.to_string()),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn models_get_the_ports_that_file_and_environment_name() {
        assert_eq!(range(&[], ""), "8080-8099");
        assert_eq!(range(&[], "port_range_start = 9000\nport_range_end = 9001\n"), "9000-9001");
        assert_eq!(range(&[], "port_range_start = 9000\n"), "9000-9019", "as many as by default");
        assert_eq!(range(&[("MODEL_PORT_RANGE_START", "7000")], "port_range_start = 9000\n"), "7000-7019");
        assert_eq!(range(&[("MODEL_PORT_RANGE_END", "8081")], ""), "8080-8081");
        assert_eq!(range(&[], "ports = false\n"), "none");
        assert_eq!(range(&[("MODEL_PORT_RANGE_START", "65530")], ""), "65530-65535");
    }

    #[test]
    fn a_range_that_cannot_be_is_refused_by_its_name() {
        assert!(range(&[], "port_range_end = 80\n").contains("ends at 80, before it begins at 8080"));
        assert!(
            range(&[], "port_range_start = 0\n").contains("`serve.port_range_start`: 0 is not between 1 and 65535")
        );
        assert!(range(&[("MODEL_PORT_RANGE_END", "x")], "").contains("MODEL_PORT_RANGE_END is `x`"));
        assert!(range(&[], "ports = \"no\"\n").contains("ports"));
    }
}
