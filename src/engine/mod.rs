//! llama.cpp, used only in the worker process, and in children that answer one question. Without the `llama` feature it
//! is a stub that reports this.
//!
//! One thread owns the context and takes [`Engine`]'s commands from a bounded channel; every generation reports through
//! a bounded channel of its own, and ends early when its receiver is dropped. The pure parts (chat templates, stop
//! strings, UTF-8) hold no llama.cpp type and are tested in the fast lane.

mod cpu;
mod metrics;
mod request;
mod sampling;

// Without llama.cpp only their tests call these modules, which keeps them in the fast lane.
#[cfg_attr(not(feature = "llama"), allow(dead_code, reason = "only the real engine calls it"))]
mod control;
#[cfg_attr(not(feature = "llama"), allow(dead_code, reason = "only the real engine calls it"))]
mod schema;
#[cfg_attr(not(feature = "llama"), allow(dead_code, reason = "only the real engine calls it"))]
mod slots;
#[cfg_attr(not(feature = "llama"), allow(dead_code, reason = "only the real engine calls it"))]
mod template;
#[cfg_attr(not(feature = "llama"), allow(dead_code, reason = "only the real engine calls it"))]
mod text;
#[cfg_attr(not(feature = "llama"), allow(dead_code, reason = "only the real engine calls it"))]
mod thread_counts;
#[cfg_attr(not(feature = "llama"), allow(dead_code, reason = "only the real engine calls it"))]
mod thread_tuner;

#[cfg(feature = "llama")]
mod chain;
#[cfg(feature = "llama")]
mod command;
#[cfg(feature = "llama")]
mod constraint;
#[cfg(feature = "llama")]
mod context;
#[cfg(feature = "llama")]
mod embed;
#[cfg(feature = "llama")]
mod form;
#[cfg(feature = "llama")]
mod gbnf;
#[cfg(feature = "llama")]
mod load;
#[cfg(feature = "llama")]
mod log;
#[cfg(feature = "llama")]
mod measure;
#[cfg(feature = "llama")]
mod reproducible;
#[cfg(feature = "llama")]
mod sampler;
#[cfg(feature = "llama")]
mod sequence;
#[cfg(feature = "llama")]
mod thread;
#[cfg(feature = "llama")]
mod vocabulary;
#[cfg(feature = "llama")]
mod work;

#[cfg(not(feature = "llama"))]
mod stub;

#[cfg(feature = "llama")]
pub use form::check_form;
#[cfg(feature = "llama")]
pub use load::Engine;
#[cfg(feature = "llama")]
pub use measure::measure;
#[cfg(not(feature = "llama"))]
pub use stub::{Engine, check_form, measure};

// Types of the OpenAI dialect, which the engine uses for its answers.
pub use crate::openai::{Constraint as Form, Finish, Input, Message, TemplateUse, Timings};
pub use metrics::{AtWork, Figure, Metrics, Working};
pub use request::{
    CONTEXTS, EngineError, Event, Generate, Info, LoadSpec, LogSink, Pooling, Prompt, TEXT_TOKENS, Vectors,
};
pub use sampling::{Dry, DynamicTemperature, Mirostat, MirostatVersion, Penalties, Sampling, Xtc};
pub use template::{Chat, Template};
pub use thread_counts::Counts;

/// The value of `GOMP_SPINCOUNT` in the environment of a worker process, so that its threads share a machine; libgomp
/// reads it when it is loaded.
///
/// ggml's threads meet at a barrier after each operation. libgomp's threads wait there by spinning 300,000 rounds
/// before they sleep, and with another busy process on every core they spend the time that the last thread needs;
/// sleeping at once costs a wake-up for each of the thousands of operations of a token. Measured with SmolLM2 135M, 2
/// threads on 2 cores (tokens/s quiet, next to two spinning processes, next to them at nice 5): 157, 29, 5 with
/// libgomp's default; 60, 32, 15 with `OMP_WAIT_POLICY=passive`; 144, 60, 28 with 10,000 rounds.
pub const SPIN_COUNT: &str = "10000";

/// The version of llama.cpp's bindings, which is the key of cached measurements. A test compares it with `Cargo.lock`.
const BINDINGS: &str = "0.1.160";

/// Returns the llama.cpp that this program contains: the version of its bindings and the devices it is built for.
pub fn build() -> String {
    let devices = [
        (cfg!(feature = "cuda"), "+cuda"),
        (cfg!(feature = "vulkan"), "+vulkan"),
        (cfg!(feature = "rocm"), "+rocm"),
        (cfg!(feature = "metal"), "+metal"),
    ];
    let named: String = devices.iter().filter(|(on, _)| *on).map(|(_, name)| *name).collect();
    format!("{}{named}", if cfg!(feature = "llama") { BINDINGS } else { "none" })
}

/// Checks whether this program can run models at all.
///
/// # Errors
/// [`EngineError::Cpu`] and [`EngineError::NoEngine`].
pub fn available() -> Result<(), EngineError> {
    cpu::check()?;
    if cfg!(feature = "llama") { Ok(()) } else { Err(EngineError::NoEngine) }
}

/// Returns the number of threads that an engine uses on this machine where nobody chose one.
pub fn default_threads() -> u32 {
    u32::try_from(crate::host::cpu::physical_cores()).unwrap_or(1).clamp(1, 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Figures that were measured with another llama.cpp must not be taken for this one's.
    #[test]
    fn the_version_of_the_bindings_is_that_of_the_lock_file() {
        let lock: toml::Table = toml::from_str(include_str!("../../Cargo.lock")).unwrap();
        let packages = lock["package"].as_array().unwrap();
        for name in ["llama-cpp-2", "llama-cpp-sys-2"] {
            let named: Vec<_> = packages.iter().filter(|package| package["name"].as_str() == Some(name)).collect();
            let versions: Vec<_> = named.iter().map(|package| package["version"].as_str()).collect();
            assert_eq!(versions, [Some(BINDINGS)], "{name}");
        }
    }
}
