//! Whether a process ended because it could not allocate memory, by its log. Pure.

use super::start_plan::Ended;
use crate::lifecycle::EndClass;

/// The lines at the end of a log that speak for its end.
const LAST: usize = 40;
/// Parts of lines about memory that could not be had: of llama.cpp and its back ends, of PyTorch, of C++ and Python.
const FAILED: [&str; 10] = [
    "out of memory",
    "outofmemory",
    "out_of_memory",
    "out_of_device_memory",
    "unable to allocate",
    "failed to allocate",
    "insufficient memory",
    "cannot allocate memory",
    "bad_alloc",
    "memoryerror",
];
/// Parts of such lines after which a program goes on with something else.
const GOES_ON: [&str; 3] = ["pinned memory", "retrying without", "falling back"];

/// Returns an end with its class: a crash, and a load that was refused, are an end for lack of memory where the last lines
/// say so. A driver that has no memory left ends a process by an assertion, not by a signal of the kernel.
pub fn judged(ended: Ended, log: &[String]) -> Ended {
    let is_own = matches!(ended.class, EndClass::Crash | EndClass::Refused);
    match is_own && lacks_memory(log) {
        true => Ended { class: EndClass::Oom, ..ended },
        false => ended,
    }
}

fn lacks_memory(log: &[String]) -> bool {
    log.iter().rev().take(LAST).any(|line| {
        let line = line.to_ascii_lowercase();
        let has = |parts: &[&str]| parts.iter().any(|part| line.contains(part));
        has(&FAILED) && !has(&GOES_ON)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(class: EndClass, log: &[&str]) -> EndClass {
        let ended = Ended { class, reason: "it ended".into(), last_log: None, exit_code: None };
        let log: Vec<String> = log.iter().map(|line| (*line).to_owned()).collect();
        judged(ended, &log).class
    }

    /// A model whose file is fine would be out of service until the file changes, instead of being loaded with fewer
    /// layers on the GPU.
    #[test]
    fn memory_that_could_not_be_had_is_no_fault_of_the_file_and_no_other_crash() {
        for line in [
            "ggml_backend_cuda_buffer_type_alloc_buffer: allocating 8000.00 MiB on device 0: cudaMalloc failed: out of memory",
            "alloc_tensor_range: failed to allocate CUDA0 buffer of size 8388608000",
            "ggml_aligned_malloc: insufficient memory (attempted to allocate 9 MB)",
            "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB",
            "CUDA error: out of memory",
            "ggml_vulkan: Device memory allocation of size 9 failed: ErrorOutOfDeviceMemory vk_error_out_of_device_memory",
            "terminate called after throwing an instance of 'std::bad_alloc'",
            "MemoryError",
        ] {
            for is in [EndClass::Crash, EndClass::Refused] {
                assert_eq!(class(is, &["loading", line, "llama_model_load: failed"]), EndClass::Oom, "{line}");
            }
            assert_eq!(class(EndClass::Wedged, &[line]), EndClass::Wedged, "we ended it");
        }
        let old: Vec<&str> = std::iter::once("CUDA error: out of memory").chain([""; LAST]).collect();
        for log in [&["error loading model: bad magic"][..], &["W: failed to allocate 9 MiB of pinned memory"], &old] {
            assert_eq!(class(EndClass::Refused, log), EndClass::Refused, "{log:?}");
        }
    }
}
