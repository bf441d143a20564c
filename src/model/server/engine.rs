use serde::{Deserialize, Serialize};

/// The program behind a server.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// Our own worker.
    #[default]
    Worker,
    LlamaServer,
}

impl Engine {
    pub const ALL: [Engine; 2] = [Engine::Worker, Engine::LlamaServer];

    pub fn name(self) -> &'static str {
        match self {
            Engine::Worker => "worker",
            Engine::LlamaServer => "llama-server",
        }
    }

    pub fn from_name(name: &str) -> Option<Engine> {
        Engine::ALL.into_iter().find(|engine| engine.name() == name)
    }
}
