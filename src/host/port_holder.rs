use listeners::{Protocol, get_process_by_port};
use std::fmt;

/// A process that listens on a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortHolder {
    pub name: String,
    pub pid: u32,
}

impl fmt::Display for PortHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (process {})", self.name, self.pid)
    }
}

/// Returns who listens on a port of this machine. None when nobody does, or when it is a process of another user whose
/// descriptors cannot be read.
pub fn port_holder(port: u16) -> Option<PortHolder> {
    let holder = get_process_by_port(port, Protocol::TCP).ok()?; // why it cannot be found changes nothing
    Some(PortHolder { name: holder.name, pid: holder.pid })
}

#[cfg(test)]
mod tests {
    #[test]
    fn who_holds_a_port_is_named_by_its_program_and_number() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let holder = super::port_holder(listener.local_addr().unwrap().port()).unwrap();
        assert_eq!(holder.pid, std::process::id());
        assert_eq!(holder.to_string(), format!("{} (process {})", holder.name, holder.pid));
    }
}
