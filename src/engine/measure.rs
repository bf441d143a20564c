//! Measures with llama.cpp the memory that a model takes, without allocating it: tensors and graphs are laid out, no
//! weight is read.

use super::{EngineError, cpu, log};
use crate::gguf::estimate::{CacheType, Settings};
use crate::model::DeviceMemory;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_sys_2 as sys;
use std::ffi::{CStr, CString, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

type Take = unsafe extern "C" fn(*mut c_void, sys::ggml_backend_buffer_type_t, usize, usize, usize);

unsafe extern "C" {
    /// Calls `take` once per buffer type. Defined in breakdown.cpp.
    fn modelctl_memory_breakdown(context: *const sys::llama_context, take: Take, data: *mut c_void) -> bool;
}

/// Returns the bytes by device, exact for this build, as [`super::Engine::load`] would take them. A bad file may end
/// the process.
///
/// # Errors
/// [`EngineError::Refused`] in llama.cpp's words.
pub fn measure(model: &Path, settings: &Settings) -> Result<Vec<DeviceMemory>, EngineError> {
    cpu::check()?;
    let path = CString::new(model.as_os_str().as_bytes()).map_err(|error| EngineError::BadSpec(error.to_string()))?;
    log::capture(|_| {});
    let _backend = LlamaBackend::init().map_err(|error| EngineError::BadSpec(error.to_string()))?;
    let refused = |what: &str| EngineError::Refused(log::take_reason().unwrap_or_else(|| what.to_owned()));
    // SAFETY: no arguments, no state.
    let mut params = unsafe { sys::llama_model_default_params() };
    params.no_alloc = true;
    params.load_mode = sys::LLAMA_LOAD_MODE_NONE;
    // SAFETY: the path ends with NUL and outlives the call; the parameters are llama.cpp's own except for two numbers.
    let model = unsafe { sys::llama_model_load_from_file(path.as_ptr(), params) };
    if model.is_null() {
        return Err(refused("llama.cpp could not read the model"));
    }
    let mut devices: Vec<DeviceMemory> = Vec::new();
    // SAFETY: `model` is live; the context is freed before it, each once; `take` gets the vector it expects, which
    // outlives the call.
    let done = unsafe {
        let context = sys::llama_init_from_model(model, context_params(settings));
        let done =
            (!context.is_null()).then(|| modelctl_memory_breakdown(context, take, (&raw mut devices).cast::<c_void>()));
        if !context.is_null() {
            sys::llama_free(context);
        }
        sys::llama_model_free(model);
        done
    };
    match done {
        Some(true) => Ok(devices),
        Some(false) => Err(refused("llama.cpp could not add up the memory")),
        None => Err(refused("llama.cpp could not make a context")),
    }
}

/// Returns the parameters of a worker's context: flash attention where the model allows it, as llama.cpp decides
/// itself.
fn context_params(settings: &Settings) -> sys::llama_context_params {
    // SAFETY: no arguments, no state.
    let mut params = unsafe { sys::llama_context_default_params() };
    params.n_ctx = settings.n_ctx;
    params.n_batch = settings.n_batch;
    params.n_ubatch = settings.n_ubatch;
    params.n_seq_max = settings.n_parallel;
    params.kv_unified = true;
    params.swa_full = false;
    params.type_k = ggml_type(settings.cache_k);
    params.type_v = ggml_type(settings.cache_v);
    params.flash_attn_type =
        if settings.flash_attention { sys::LLAMA_FLASH_ATTN_TYPE_AUTO } else { sys::LLAMA_FLASH_ATTN_TYPE_DISABLED };
    params
}

fn ggml_type(of: CacheType) -> sys::ggml_type {
    match of {
        CacheType::F32 => sys::GGML_TYPE_F32,
        CacheType::F16 => sys::GGML_TYPE_F16,
        CacheType::Bf16 => sys::GGML_TYPE_BF16,
        CacheType::Q8_0 => sys::GGML_TYPE_Q8_0,
        CacheType::Q5_1 => sys::GGML_TYPE_Q5_1,
        CacheType::Q5_0 => sys::GGML_TYPE_Q5_0,
        CacheType::Q4_1 => sys::GGML_TYPE_Q4_1,
        CacheType::Q4_0 => sys::GGML_TYPE_Q4_0,
        CacheType::Iq4Nl => sys::GGML_TYPE_IQ4_NL,
    }
}

unsafe extern "C" fn take(
    data: *mut c_void,
    buffer: sys::ggml_backend_buffer_type_t,
    weights: usize,
    kv_cache: usize,
    compute: usize,
) {
    // SAFETY: `measure` passes its vector, and nothing else touches it during the call.
    let devices = unsafe { &mut *data.cast::<Vec<DeviceMemory>>() };
    // SAFETY: llama.cpp passes one of its buffer types, which live as long as the process, as do their names.
    let device = unsafe {
        let of = sys::ggml_backend_buft_get_device(buffer);
        if sys::ggml_backend_buft_is_host(buffer) {
            "CPU".to_owned()
        } else {
            let name = if of.is_null() { sys::ggml_backend_buft_name(buffer) } else { sys::ggml_backend_dev_name(of) };
            CStr::from_ptr(name).to_string_lossy().into_owned()
        }
    };
    let bytes = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let at = devices.iter().position(|d| d.device == device).unwrap_or_else(|| {
        devices.push(DeviceMemory { device, weights: 0, kv_cache: 0, compute: 0 });
        devices.len().saturating_sub(1)
    });
    if let Some(sum) = devices.get_mut(at) {
        sum.weights = sum.weights.saturating_add(bytes(weights));
        sum.kv_cache = sum.kv_cache.saturating_add(bytes(kv_cache));
        sum.compute = sum.compute.saturating_add(bytes(compute));
    }
}
