use listeners::{Protocol, get_process_by_port};

/// Returns who listens on a port of this machine: `ollama (process 123)`. None when nobody does, or when it is a process
/// of another user whose descriptors cannot be read.
pub fn port_holder(port: u16) -> Option<String> {
    let holder = get_process_by_port(port, Protocol::TCP).ok()?; // why it cannot be found changes nothing
    Some(format!("{} (process {})", holder.name, holder.pid))
}

#[cfg(test)]
mod tests {
    #[test]
    fn who_holds_a_port_is_named_by_its_program_and_number() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let holder = super::port_holder(listener.local_addr().unwrap().port()).unwrap();
        assert!(holder.ends_with(&format!("(process {})", std::process::id())), "{holder}");
    }
}
