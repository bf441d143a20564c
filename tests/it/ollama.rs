//! Ollama's API with real processes and a real model, as its clients use it.

use crate::fixtures;
use crate::gateway::Daemon;

/// The script has the whole list of what users of the package, of Open WebUI, Home Assistant, Zed, VS Code, Continue, n8n
/// and LangChain would lose.
#[test]
fn the_ollama_package_and_the_first_calls_of_other_clients_work_unchanged() {
    Daemon::start().serves("ollama_client.py", &fixtures::ollama(), &["org/small"]);
}
