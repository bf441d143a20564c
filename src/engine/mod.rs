//! llama.cpp, used in the worker process alone, and in children that are asked one question. Without the `llama` feature: a stub that says so.
//!
//! One thread owns the context and takes [`Engine`]'s commands from a bounded channel; every generation reports through
//! a bounded channel of its own, and ends early when its receiver is dropped. The pure parts (chat templates, stop
//! strings, UTF-8) hold no llama.cpp type and are tested in the fast lane.

mod cpu;
mod metrics;
mod request;

// Without llama.cpp only their tests call these: that is what keeps them in the fast lane.
#[cfg_attr(not(feature = "llama"), allow(dead_code, reason = "only the real engine calls it"))]
mod control;
#[cfg_attr(not(feature = "llama"), allow(dead_code, reason = "only the real engine calls it"))]
mod pace;
#[cfg_attr(not(feature = "llama"), allow(dead_code, reason = "only the real engine calls it"))]
mod schema;
#[cfg_attr(not(feature = "llama"), allow(dead_code, reason = "only the real engine calls it"))]
mod slots;
#[cfg_attr(not(feature = "llama"), allow(dead_code, reason = "only the real engine calls it"))]
mod template;
#[cfg_attr(not(feature = "llama"), allow(dead_code, reason = "only the real engine calls it"))]
mod text;

#[cfg(feature = "llama")]
mod context;
#[cfg(feature = "llama")]
mod embed;
#[cfg(feature = "llama")]
mod form;
#[cfg(feature = "llama")]
mod load;
#[cfg(feature = "llama")]
mod log;
#[cfg(feature = "llama")]
mod measure;
#[cfg(feature = "llama")]
mod sampler;
#[cfg(feature = "llama")]
mod sequence;
#[cfg(feature = "llama")]
mod steady;
#[cfg(feature = "llama")]
mod thread;
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

pub use metrics::{Figure, Metrics};
pub use request::{
    CONTEXTS, EngineError, Event, Finish, Form, Generate, Info, Input, LoadSpec, LogSink, Pooling, Prompt, Sampling,
    TemplateUse, Timings, Vectors,
};
pub use template::Message;

/// `GOMP_SPINCOUNT` in the environment of a worker process, so that its threads share a machine; libgomp reads it when
/// it is loaded.
///
/// ggml's threads meet at a barrier after each operation. libgomp's wait there by spinning 300,000 rounds before they
/// sleep, and with a busy neighbour on every core they spin away the time that the last of them needs; sleeping at once
/// costs a wake-up for each of the thousands of operations of a token. Measured with SmolLM2 135M, 2 threads on 2 cores
/// (tokens/s quiet, beside two spinning processes, beside them at nice 5): 157, 29, 5 as libgomp has it; 60, 32, 15
/// with `OMP_WAIT_POLICY=passive`; 144, 60, 28 with 10,000 rounds.
pub const SPIN_COUNT: &str = "10000";

/// The llama.cpp that this program holds, as the version of its bindings in Cargo.toml and the devices it is built for.
pub fn build() -> String {
    let devices = [
        (cfg!(feature = "cuda"), "+cuda"),
        (cfg!(feature = "vulkan"), "+vulkan"),
        (cfg!(feature = "rocm"), "+rocm"),
        (cfg!(feature = "metal"), "+metal"),
    ];
    let named: String = devices.iter().filter(|(on, _)| *on).map(|(_, name)| *name).collect();
    format!("{}{named}", if cfg!(feature = "llama") { "0.1.160" } else { "none" })
}

/// Threads for a machine with so many cores.
fn default_threads(cores: usize) -> u32 {
    u32::try_from(cores).unwrap_or(1).clamp(1, 64)
}
