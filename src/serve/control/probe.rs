//! Asks a server whether it works.

use crate::host::proc_stat;
use crate::http::{Endpoint, Request, Whole, fetch};
use crate::lifecycle::Probe;
use crate::node::endpoint::counters;
use std::time::Duration;

/// The time between two probes: more often disturbs some versions of llama-server.
pub const EVERY: Duration = Duration::from_secs(5);
/// The time that an answer may take.
const LIMIT: Duration = Duration::from_secs(10);

/// Probes a server by its process state and `/metrics`, which needs the thread that decodes or its counters, unlike
/// `/health`. `/slots` would wake a server that sleeps.
pub async fn probe(pid: u32, endpoint: &Endpoint) -> Probe {
    // A process that has ended is seen elsewhere.
    let state = proc_stat::read(&pid.to_string()).map(|stat| stat.state);
    if matches!(state, Ok('T' | 't')) {
        return Probe::Stopped;
    }
    match fetch(Request::get(endpoint.clone(), "/metrics"), LIMIT).await {
        Ok(Whole { status: 200, body, .. }) => read(&String::from_utf8_lossy(&body)),
        // An answer of another kind is an answer, from a server that counts nothing.
        Ok(_) => Probe::Answered { processing: 0, decodes: 0 },
        Err(_) => Probe::Silent,
    }
}

/// Reads the requests in progress and the decodes. A text without them counts nothing.
fn read(metrics: &str) -> Probe {
    let counters = counters(metrics);
    let number = |value: Option<f64>| value.unwrap_or(0.0).max(0.0) as u64;
    Probe::Answered { processing: number(counters.processing), decodes: number(counters.decoded) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counters_are_read_by_their_whole_names() {
        let text = "# HELP llamacpp:n_decode_total Calls.\n# TYPE llamacpp:n_decode_total counter\n\
                    llamacpp:n_decode_total 12\nllamacpp:n_decode_total_other 99\nllamacpp:requests_processing 2\n";
        assert_eq!(read(text), Probe::Answered { processing: 2, decodes: 12 });
        assert_eq!(read("nonsense"), Probe::Answered { processing: 0, decodes: 0 });
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_silent() {
        let nowhere = Endpoint::Unix("/nowhere/x.sock".into());
        assert_eq!(probe(std::process::id(), &nowhere).await, Probe::Silent);
    }
}
