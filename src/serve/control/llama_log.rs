//! What the log of a llama-server says about why it did not start. Pure.
//!
//! llama-server exits with 1 whatever the reason is: a file that it cannot load, an argument that it does not know, an
//! address that is taken. Its first error names the reason; those after it say only what was not done therefore.

use crate::lifecycle::EndClass;

/// Why a llama-server did not start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// `None`: the log does not say.
    pub class: Option<EndClass>,
    /// The line that says why, without its time and level; the last one where none does.
    pub line: Option<String>,
}

/// Parts of lines about memory that there is not enough of: another try may succeed.
const MEMORY: [&str; 4] = ["out of memory", "unable to allocate", "failed to allocate", "insufficient memory"];
/// Parts of lines about what was asked for beside the model, by arguments of a person; the model itself was loaded.
const BESIDE: [&str; 4] = ["draft model", "lora adapter", "control vector", "failed to create context"];
/// Parts of lines about the file of the model or of its projector.
const FILE: [&str; 4] =
    ["failed to load model", "error loading model", "failed to load multimodal model", "failed to open gguf file"];
/// Beginnings and parts of errors in lines without a level.
const BARE: [&str; 7] = [
    "error:",
    "error while ",
    "error loading model",
    "failed to ",
    "cudamalloc failed",
    "ggml_assert",
    "couldn't bind ",
];

/// Reads the log of a llama-server that exited before it was ready.
pub fn diagnose(lines: &[String]) -> Diagnosis {
    let errors: Vec<&str> = lines.iter().filter_map(|line| error(line)).collect();
    let any = |parts: &[&str]| errors.iter().any(|line| has_any(line, parts));
    let class = if any(&MEMORY) {
        Some(EndClass::Oom)
    } else if any(&BESIDE) {
        Some(EndClass::Crash)
    } else if any(&FILE) {
        Some(EndClass::Refused)
    } else {
        // An argument, an address, a library: not the file's fault.
        (!errors.is_empty()).then_some(EndClass::Crash)
    };
    let line = errors.first().copied().or_else(|| lines.last().map(|line| split(line).1));
    Diagnosis { class, line: line.map(str::to_owned) }
}

/// Returns the text of a line that reports an error.
fn error(line: &str) -> Option<&str> {
    match split(line) {
        (Some('E'), text) => Some(text),
        (Some(_), _) => None,
        (None, text) => has_any(text, &BARE).then_some(text),
    }
}

/// Splits a line into its level and its text. The lines of a newer llama-server begin with a time and a letter:
/// `0.00.004.036 E gguf_init_from_file: …`; those of an older one, and of libraries, with the text.
fn split(line: &str) -> (Option<char>, &str) {
    let plain = (None, line);
    let Some((time, rest)) = line.split_once(' ') else { return plain };
    let is_time = time.contains('.') && time.chars().all(|c| c.is_ascii_digit() || c == '.');
    let Some((level, text)) = rest.split_once(' ').filter(|_| is_time) else { return plain };
    let mut letters = level.chars();
    match (letters.next(), letters.next()) {
        (Some(letter), None) if letter.is_ascii_uppercase() => (Some(letter), text.trim_start()),
        _ => plain,
    }
}

fn has_any(line: &str, parts: &[&str]) -> bool {
    let lower = line.to_ascii_lowercase();
    parts.iter().any(|part| lower.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What every failed load ends with.
    const TAIL: &str = "\
0.00.004.090 E llama_model_load_from_file_impl: failed to load model
0.00.004.101 E common_init_: failed to load model '/m/x.gguf'
0.00.004.110 E srv load_model: failed to load model, '/m/x.gguf'
0.00.004.120 I srv operator(): cleaning up before exit...
0.00.004.130 E main: exiting due to model loading error";

    fn read(log: &str) -> (Option<EndClass>, String) {
        let lines: Vec<String> = log.lines().map(str::to_owned).collect();
        let Diagnosis { class, line } = diagnose(&lines);
        (class, line.unwrap_or_default())
    }

    /// A model whose file is fine would otherwise be out of service until its file changes.
    #[test]
    fn a_file_that_is_refused_is_told_from_everything_else() {
        for first in [
            "gguf_init_from_file: failed to open GGUF file '/m/x.gguf' (No such file or directory)",
            "gguf_init_from_file: failed to open GGUF file '/m/x.gguf' (Permission denied)",
            "gguf_init_from_file_ptr: failed to read magic",
            "gguf_init_from_file_ptr: invalid magic characters: '<!DO', expected 'GGUF'",
            "gguf_init_from_file_ptr: failed to read key-value pairs",
            "gguf_init_from_file_ptr: failed to read tensor info",
            "llama_model_load: error loading model: tensor 'output.weight' data is not within the file bounds, model is corrupted or incomplete",
            "llama_model_load: error loading model: unknown model architecture: 'x'",
            "gguf_init_from_file_ptr: GGUFv1 is no longer supported. please use a more up-to-date version",
            "llama_model_load: error loading model: check_tensor_dims: tensor 'token_embd.weight' not found",
            "llama_model_load: error loading model: invalid split file idx: 2 (file: /m/x.gguf), expected 0",
        ] {
            let (class, line) = read(&format!("0.00.001.000 I build: 1\n0.00.004.036 E {first}\n{TAIL}"));
            assert_eq!((class, line.as_str()), (Some(EndClass::Refused), first));
        }
        let (class, line) = read(
            "llama_model_load: error loading model: unknown model architecture: 'x'\nmain: exiting due to model loading error",
        );
        assert_eq!(class, Some(EndClass::Refused), "an older llama-server, without levels");
        assert!(line.ends_with("unknown model architecture: 'x'"), "{line}");
    }

    #[test]
    fn an_argument_an_address_and_a_library_are_not_the_files_fault() {
        for (log, line) in [
            ("error: invalid argument: --no-mmap\n", "error: invalid argument: --no-mmap"),
            (
                "0.01.004.036 I main: starting\n0.01.004.036 E start: couldn't bind HTTP server socket, hostname: 127.0.0.1, port: 8080\n\
                 0.01.004.040 E main: exiting due to HTTP server error",
                "start: couldn't bind HTTP server socket, hostname: 127.0.0.1, port: 8080",
            ),
            (
                "llama-server: error while loading shared libraries: libcudart.so.12: cannot open shared object file",
                "llama-server: error while loading shared libraries: libcudart.so.12: cannot open shared object file",
            ),
            (
                "0.01.004.036 E srv load_model: failed to load draft model, '/m/d.gguf'\n0.01.004.040 E main: exiting due to model loading error",
                "srv load_model: failed to load draft model, '/m/d.gguf'",
            ),
        ] {
            assert_eq!(read(log), (Some(EndClass::Crash), line.to_owned()));
        }
    }

    /// Memory may be free again in a minute.
    #[test]
    fn memory_that_is_not_enough_is_not_the_files_fault_either() {
        for first in [
            "ggml_backend_cuda_buffer_type_alloc_buffer: allocating 8000.00 MiB on device 0: cudaMalloc failed: out of memory",
            "alloc_tensor_range: failed to allocate CUDA0 buffer of size 8388608000",
            "llama_model_load: error loading model: unable to allocate CUDA0 buffer",
        ] {
            assert_eq!(read(&format!("0.00.004.036 E {first}\n{TAIL}")), (Some(EndClass::Oom), first.to_owned()));
        }
        // A warning about pinned memory is followed by a load, or by the failure that counts.
        let log = format!(
            "0.00.001.000 W ggml_cuda_host_malloc: failed to allocate 9.00 MiB of pinned memory: out of memory\n\
             0.00.004.036 E gguf_init_from_file_ptr: failed to read magic\n{TAIL}"
        );
        assert_eq!(read(&log).0, Some(EndClass::Refused));
    }

    #[test]
    fn a_log_that_does_not_say_why_shows_its_last_line() {
        assert_eq!(
            read("0.00.001.000 I build: 1\n0.00.002.000 I main: loading model"),
            (None, "main: loading model".into())
        );
        assert_eq!(read("warning: no usable GPU found, --gpu-layers option will be ignored").0, None);
        assert_eq!(diagnose(&[]), Diagnosis { class: None, line: None });
    }

    proptest! {
        #[test]
        fn any_line_is_read_without_a_panic(lines in proptest::collection::vec(".{0,80}", 0..5)) {
            diagnose(&lines);
        }
    }
}
