//! The shortest loop over llama-cpp-2 that answers a prompt: what a developer would write first. All cores, greedy,
//! no worker process, no template engine.

use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::sampling::LlamaSampler;
use std::io::Write;
use std::num::NonZeroU32;
use std::path::Path;
use std::time::Instant;

/// Streams the answer to stdout and ends with a line `rate N`: tokens per second after the first token.
pub fn generate(model: &Path, prompt: &str, tokens: i32) {
    let mut backend = LlamaBackend::init().expect("llama.cpp starts");
    backend.void_logs();
    let model = LlamaModel::load_from_file(&backend, model, &LlamaModelParams::default()).expect("the model loads");
    let threads = i32::try_from(crate::measure::cores()).expect("a number of cores");
    let params = LlamaContextParams::default()
        .with_n_ctx(NonZeroU32::new(4096))
        .with_n_threads(threads)
        .with_n_threads_batch(threads);
    let mut context = model.new_context(&backend, params).expect("the context fits in memory");
    let vocabulary = model.vocab();
    let chat = format!("<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n");
    let prompt = vocabulary.tokenize(chat.as_bytes(), true, true);

    let mut batch = LlamaBatch::new(prompt.len(), 1);
    batch.add_sequence(&prompt, 0, false).expect("the prompt fits in the batch");
    context.decode(&mut batch).expect("the prompt decodes");
    let end_of_prompt = i32::try_from(prompt.len()).expect("a short prompt");
    let mut sampler = LlamaSampler::greedy();
    let mut stdout = std::io::stdout().lock();
    let mut first = None;
    let mut counted = 0;
    while counted < tokens {
        let token = sampler.sample(&context, -1);
        first.get_or_insert_with(Instant::now);
        if vocabulary.is_eog(token) {
            break;
        }
        stdout.write_all(&vocabulary.token_to_piece(token, false, None)).expect("stdout takes text");
        stdout.flush().expect("stdout takes text");
        batch.clear();
        batch.add(token, end_of_prompt + counted, &[0], true).expect("one token fits");
        context.decode(&mut batch).expect("a token decodes");
        counted += 1;
    }
    let elapsed = first.map_or(0.0, |start| start.elapsed().as_secs_f64());
    writeln!(stdout, "\nrate {}", f64::from(counted) / elapsed).expect("stdout takes text");
}
