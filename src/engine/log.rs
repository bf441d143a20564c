//! llama.cpp's log: passed to a sink line by line. Its errors are kept, since only they say why a load failed.

use super::LogSink;
use llama_cpp_sys_2 as sys;
use std::collections::VecDeque;
use std::ffi::{CStr, c_char, c_void};
use std::sync::{Mutex, PoisonError};

/// The number of error lines that are kept.
const KEPT: usize = 20;
/// Bytes after which a line without an end is cut.
const LINE_BYTES: usize = 4_000;

struct State {
    sink: Option<LogSink>,
    /// A line that is not complete yet.
    line: String,
    level: sys::ggml_log_level,
    errors: VecDeque<String>,
}

/// The state of the log. llama.cpp has one log for the whole process, so there is one state.
static STATE: Mutex<State> =
    Mutex::new(State { sink: None, line: String::new(), level: sys::GGML_LOG_LEVEL_NONE, errors: VecDeque::new() });

/// Sends llama.cpp's log to `sink` from now on.
pub fn capture(sink: LogSink) {
    STATE.lock().unwrap_or_else(PoisonError::into_inner).sink = Some(sink);
    // SAFETY: `receive` has the type that llama.cpp calls, uses no user data, and lives as long as the process.
    unsafe { sys::llama_log_set(Some(receive), std::ptr::null_mut()) };
}

/// Returns the reason why llama.cpp refused its last request, in its own words, and removes it.
pub fn take_reason() -> Option<String> {
    let mut state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
    let errors = std::mem::take(&mut state.errors);
    // The line of `llama_model_load` is the summary; without it, the last error is the nearest cause.
    let marker = "error loading model: ";
    let summed_up = errors.iter().find_map(|line| line.split_once(marker)).map(|(_, why)| why.to_string());
    summed_up.or_else(|| errors.back().map(|line| without_function(line).to_string()))
}

/// Removes the function: `llama_init_from_model: failed to …` → `failed to …`.
fn without_function(line: &str) -> &str {
    match line.split_once(": ") {
        Some((function, rest)) if !function.contains(' ') && !rest.is_empty() => rest,
        _ => line,
    }
}

unsafe extern "C" fn receive(level: sys::ggml_log_level, text: *const c_char, _: *mut c_void) {
    if text.is_null() {
        return;
    }
    // SAFETY: llama.cpp passes a text that ends with NUL and lives until we return.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
    let mut state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
    if level != sys::GGML_LOG_LEVEL_CONT {
        state.level = level;
    }
    for part in text.split_inclusive('\n') {
        state.line.push_str(part);
        if part.ends_with('\n') || state.line.len() > LINE_BYTES {
            let line = std::mem::take(&mut state.line);
            state.finish(line.trim_end());
        }
    }
}

impl State {
    fn finish(&mut self, line: &str) {
        if line.is_empty() || self.level == sys::GGML_LOG_LEVEL_DEBUG {
            return;
        }
        if self.level == sys::GGML_LOG_LEVEL_ERROR {
            if self.errors.len() == KEPT {
                self.errors.pop_front();
            }
            self.errors.push_back(line.to_string());
        }
        if let Some(sink) = self.sink {
            sink(line);
        }
    }
}
