use super::command::{Asked, Command, Texts};
use super::control::{self, ControlTexts};
use super::form::Rules;
use super::sequence::channel_size;
use super::template;
use super::thread_counts::ThreadCounts;
use super::work::{Work, counts_of, gives_vectors};
use super::{
    Counts, EngineError, Event, Generate, Info, Input, LoadSpec, LogSink, Message, Metrics, Pooling, Prompt,
    TemplateUse, Vectors, cpu, log,
};
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::vocab::LlamaVocab;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::mpsc::{Receiver, channel};

/// Bytes of a prompt that are always tokenized, so that the error for a longer prompt has the number of tokens.
const ALWAYS_TOKENIZED: usize = 1 << 20;
/// Bytes of the longest token; no real one is longer.
const LONGEST_TOKEN: usize = 1024;

/// A loaded model and the thread that runs it. Dropping it stops the thread and frees the model.
pub struct Engine {
    model: Arc<LlamaModel>,
    info: Info,
    template: Option<String>,
    bos: Option<(i32, String)>,
    eos: String,
    control: ControlTexts,
    /// Bytes of the longest token, as the vocabulary writes it: never fewer than it has in a text.
    longest: usize,
    rules: Rules,
    commands: SyncSender<Command>,
    queue: usize,
    metrics: Arc<Metrics>,
    stopping: Arc<AtomicBool>,
    counts: Arc<ThreadCounts>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Dropped last: it shuts llama.cpp down.
    _backend: LlamaBackend,
}

impl Engine {
    /// Loads a model. `sink` gets llama.cpp's log; `progress` gets 0.0 to 1.0 and cancels the load by returning false.
    ///
    /// # Errors
    /// [`EngineError::Cpu`] before anything of llama.cpp runs; [`EngineError::Refused`] in llama.cpp's words.
    pub fn load(
        spec: &LoadSpec,
        sink: LogSink,
        mut progress: impl FnMut(f32) -> bool + Send + 'static,
    ) -> Result<Engine, EngineError> {
        cpu::check()?;
        // Opened here for a clear message about a missing file; llama.cpp opens it again itself.
        std::fs::File::open(&spec.model)
            .map_err(|error| EngineError::NoFile(format!("cannot open `{}`: {error}", spec.model.display())))?;
        log::capture(sink);
        let backend = LlamaBackend::init().map_err(|error| EngineError::BadSpec(error.to_string()))?;
        let given_up = Arc::new(AtomicBool::new(false));
        let giving_up = Arc::clone(&given_up);
        let mut params = LlamaModelParams::default().with_use_mmap(spec.mmap).with_progress_callback(move |done| {
            let go_on = progress(done);
            if !go_on {
                giving_up.store(true, Ordering::Relaxed);
            }
            go_on
        });
        if let Some(layers) = spec.gpu_layers {
            params = params.with_n_gpu_layers(layers);
        }
        let mut params = std::pin::pin!(params);
        if spec.reproducible {
            // Weights stay as they are in the file: for repacked weights, groups of four tokens use another kernel.
            params.as_mut().add_cpu_buft_override(c".*");
        }
        let model = LlamaModel::load_from_file(&backend, &spec.model, &params).map_err(|error| {
            if given_up.load(Ordering::Relaxed) {
                return EngineError::Cancelled;
            }
            EngineError::Refused(log::take_reason().unwrap_or_else(|| error.to_string()))
        })?;
        Engine::start(backend, Arc::new(model), spec)
    }

    fn start(backend: LlamaBackend, model: Arc<LlamaModel>, spec: &LoadSpec) -> Result<Engine, EngineError> {
        let trained = model.n_ctx_train();
        let wanted = if spec.context == 0 { trained } else { spec.context };
        let metrics = Arc::new(Metrics::default());
        let stopping = Arc::new(AtomicBool::new(false));
        let (commands, inbox) = sync_channel(spec.queue.max(1));
        let counts = Arc::new(ThreadCounts::new(counts_of(spec)));
        let shared = (inbox, Arc::clone(&metrics), Arc::clone(&stopping), Arc::clone(&counts));
        let work = if spec.pooling.is_some() || gives_vectors(&model) {
            Work::vectors(&model, spec, wanted, shared)?
        } else {
            Work::text(&model, spec, wanted, shared)?
        };
        let template = model.chat_template(None).ok().and_then(|template| template.to_string().ok());
        let vocabulary = model.vocab();
        let file_name = spec.model.file_name().unwrap_or_default().to_string_lossy();
        let info = Info {
            name: model.meta_val_str("general.name").unwrap_or_else(|_| file_name.into_owned()),
            context: work.room(),
            context_trained: trained,
            parameters: model.n_params(),
            bytes: model.size(),
            vocabulary: u32::try_from(vocabulary.n_tokens()).unwrap_or(0),
            chat_template: template.is_some(),
            slots: work.slots(),
            pooling: work.pooling(),
        };
        let bos = vocabulary.bos();
        let (bos_text, eos) = (text_of(&vocabulary, bos), text_of(&vocabulary, vocabulary.eos()).unwrap_or_default());
        let longest = vocabulary.tokens().map(|token| vocabulary.text(token).map_or(0, |text| text.count_bytes()));
        let longest = longest.max().unwrap_or(0).clamp(1, LONGEST_TOKEN);
        let control_tokens = vocabulary.tokens().filter(|&token| vocabulary.is_control(token));
        let control = ControlTexts::new(control_tokens.filter_map(|token| text_of(&vocabulary, token)));
        let thread = std::thread::Builder::new()
            .name("engine".into())
            .spawn(move || work.run())
            .map_err(|error| EngineError::BadSpec(format!("cannot start the engine thread: {error}")))?;
        Ok(Engine {
            bos: bos_text.map(|text| (bos.0, text)),
            rules: Rules::new(Arc::clone(&model)),
            model,
            info,
            template,
            eos,
            control,
            longest,
            commands,
            queue: spec.queue.max(1),
            metrics,
            stopping,
            counts,
            thread: Mutex::new(Some(thread)),
            _backend: backend,
        })
    }

    pub fn info(&self) -> &Info {
        &self.info
    }

    pub fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.metrics)
    }

    /// Sets the largest numbers of threads from the next decode on. An engine whose answers must not depend on what is
    /// answered at the same time keeps its own: some sums are split by them.
    pub fn set_threads(&self, counts: Counts) {
        self.counts.set(counts);
    }

    /// Returns the chat template of the model with the texts of its begin and end tokens.
    pub fn template(&self) -> Option<(&str, &str, &str)> {
        let bos = self.bos.as_ref().map_or("", |(_, text)| text);
        self.template.as_deref().map(|template| (template, bos, self.eos.as_str()))
    }

    /// Returns the messages with every control token in users' text broken, so that none ends a message.
    pub fn broken(&self, messages: &[Message]) -> Vec<Message> {
        messages.iter().map(|message| message.map_texts(&|text| self.control.broken(text))).collect()
    }

    /// Returns the bytes that a prompt may have: more cannot fit the context, whatever the text is.
    pub fn most_bytes(&self) -> usize {
        let context = usize::try_from(self.info.context).unwrap_or(usize::MAX);
        context.saturating_mul(self.longest).max(ALWAYS_TOKENIZED)
    }

    /// Refuses a prompt of too many bytes before any work is done with it.
    ///
    /// # Errors
    /// [`EngineError::PromptTooLong`]
    pub fn check_bytes(&self, bytes: usize) -> Result<(), EngineError> {
        match bytes <= self.most_bytes() {
            true => Ok(()),
            false => {
                let at_least = bytes.div_ceil(self.longest.max(1));
                Err(EngineError::PromptTooLong { bytes, at_least, context: self.info.context })
            }
        }
    }

    /// Returns the tokens of the plain texts of messages, for a model without a template.
    ///
    /// # Errors
    /// As [`Engine::text_prompt`].
    pub fn plain_prompt(&self, messages: &[Message]) -> Result<Prompt, EngineError> {
        let text = template::plain(messages);
        self.check_bytes(text.len())?;
        let mut tokens: Vec<i32> = self.added_bos().into_iter().collect();
        tokens.extend(self.tokens(&text, false));
        self.fitting(tokens, TemplateUse::None)
    }

    /// Returns the tokens of a chat that a template has rendered; `how` says which one.
    ///
    /// # Errors
    /// As [`Engine::text_prompt`].
    pub fn rendered_prompt(&self, text: &str, how: TemplateUse) -> Result<Prompt, EngineError> {
        self.check_bytes(text.len())?;
        let bos = self.bos.as_ref().map_or("", |(_, text)| text);
        // Most templates write the begin token themselves; a second one degrades the answers.
        let mut tokens = Vec::new();
        if bos.is_empty() || !text.starts_with(bos) {
            tokens.extend(self.added_bos());
        }
        for piece in control::pieces(text) {
            tokens.extend(self.tokens(piece, true));
        }
        self.fitting(tokens, how)
    }

    /// Returns the tokens of a text that the model continues. Control tokens in it are parsed as such: the caller
    /// writes the whole prompt.
    ///
    /// # Errors
    /// [`EngineError::ContextOverflow`] and [`EngineError::PromptTooLong`], [`EngineError::EmptyPrompt`],
    /// [`EngineError::NotThisModel`], and [`EngineError::BadSpec`] for a model without texts.
    pub fn text_prompt(&self, text: &str) -> Result<Prompt, EngineError> {
        self.generates()?;
        self.check_bytes(text.len())?;
        let mut tokens: Vec<i32> = self.added_bos().into_iter().collect();
        tokens.extend(self.tokens(text, true));
        self.fitting(tokens, TemplateUse::Raw)
    }

    /// Queues texts for which vectors are made. Dropping the receiver cancels the request.
    ///
    /// # Errors
    /// [`EngineError::NotThisModel`] for a model that generates text or pools nothing, [`EngineError::TextTooLong`],
    /// [`EngineError::EmptyPrompt`], [`EngineError::BadSpec`] for tokens that the model does not have and
    /// [`EngineError::Busy`], all before anything is decoded.
    pub fn embed(&self, inputs: &[Input]) -> Result<Receiver<Result<Vectors, EngineError>>, EngineError> {
        match self.info.pooling {
            None => {
                return Err(EngineError::NotThisModel(
                    "this model generates text and was not loaded for embeddings (`--pooling mean`, `cls` or `last`)",
                ));
            }
            Some(Pooling::None) => {
                return Err(EngineError::BadSpec(
                    "pooling type `none` gives no vector of a whole text: load the model with another `--pooling`"
                        .into(),
                ));
            }
            Some(_) => {}
        }
        let texts = inputs.iter().enumerate().map(|(index, input)| self.text_tokens(index, input));
        let tokens = texts.collect::<Result<Vec<_>, _>>()?;
        let (answer, receiver) = channel(1);
        self.queue(Command::Embed { texts: Texts { tokens }, answer })?;
        Ok(receiver)
    }

    /// Returns the tokens of a text with the special tokens that the model wants around it.
    fn text_tokens(&self, index: usize, input: &Input) -> Result<Vec<i32>, EngineError> {
        let tokens = match input {
            Input::Text(_) if !self.has_vocabulary() => {
                return Err(EngineError::BadSpec("the model has no vocabulary: give tokens".into()));
            }
            Input::Text(text) if text.len() > self.most_bytes() => {
                // The text is not even tokenized: this is the lowest possible number of tokens.
                let tokens = text.len().div_ceil(self.longest.max(1));
                return Err(EngineError::TextTooLong { index, tokens, most: self.info.context });
            }
            Input::Text(text) => {
                let tokens = self.model.vocab().tokenize(text.as_bytes(), true, true);
                tokens.into_iter().map(|token| token.0).collect()
            }
            Input::Tokens(tokens) => {
                let known = 0..i32::try_from(self.info.vocabulary).unwrap_or(i32::MAX);
                if let Some(token) = tokens.iter().find(|token| !known.contains(token)) {
                    return Err(EngineError::BadSpec(format!("the model has no token {token}")));
                }
                tokens.clone()
            }
        };
        let most = self.info.context;
        if tokens.is_empty() {
            return Err(EngineError::EmptyPrompt);
        }
        if u32::try_from(tokens.len()).map_or(true, |count| count > most) {
            return Err(EngineError::TextTooLong { index, tokens: tokens.len(), most });
        }
        Ok(tokens)
    }

    /// Returns whether the model has a vocabulary: llama.cpp ends the process over a text for a model without one.
    /// Decided by the key, since the bindings panic over types of vocabulary that they do not know, such as BERT's.
    fn has_vocabulary(&self) -> bool {
        self.model.meta_val_str("tokenizer.ggml.model").is_ok_and(|kind| kind != "no_vocab" && kind != "none")
    }

    /// Checks that the model can answer, before a prompt is made for it.
    ///
    /// # Errors
    /// [`EngineError::NotThisModel`] for a model that gives vectors, [`EngineError::BadSpec`] for one without texts.
    pub fn generates(&self) -> Result<(), EngineError> {
        if self.info.pooling.is_some() {
            return Err(EngineError::NotThisModel("this model gives embeddings and generates no text"));
        }
        if !self.has_vocabulary() {
            return Err(EngineError::BadSpec("the model has no vocabulary, and so no texts".into()));
        }
        Ok(())
    }

    /// Queues a generation. Its events come through the receiver; dropping the receiver cancels it. Preparing a
    /// constraint takes up to a second, so this must not be called where others wait.
    ///
    /// # Errors
    /// [`EngineError::Busy`] when the queue is full, [`EngineError::BadSpec`] for a constraint that cannot be followed.
    pub fn generate(&self, request: Generate) -> Result<Receiver<Event>, EngineError> {
        let known = 0..i32::try_from(self.info.vocabulary).unwrap_or(i32::MAX);
        if let Some((token, _)) = request.sampling.bias.iter().find(|(token, _)| !known.contains(token)) {
            return Err(EngineError::BadSpec(format!(
                "`logit_bias` names the token {token}, which the model does not have"
            )));
        }
        let rule = request.form.as_ref().map(|form| self.rules.rule(form)).transpose()?;
        let (events, receiver) = channel(channel_size(self.info.context));
        self.queue(Command::Generate { asked: Box::new(Asked { request, rule }), events })?;
        Ok(receiver)
    }

    fn queue(&self, command: Command) -> Result<(), EngineError> {
        self.metrics.deferred.fetch_add(1, Ordering::Relaxed);
        self.commands.try_send(command).map_err(|error| {
            self.metrics.deferred.fetch_sub(1, Ordering::Relaxed);
            match error {
                TrySendError::Full(_) => EngineError::Busy { waiting: self.queue },
                TrySendError::Disconnected(_) => EngineError::Stopped,
            }
        })
    }

    /// Ends the running generation as canceled within one operation of its graph, and the thread with it.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        // A full channel means that the thread is awake, and it checks the flag before it takes the next command; a
        // closed channel means that it has ended.
        let _ = self.commands.try_send(Command::Stop);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // The panic hook has printed a panic of the engine thread; here the thread has only ended.
            let _ = thread.join();
        }
    }

    fn added_bos(&self) -> Option<i32> {
        self.bos.as_ref().filter(|_| self.model.vocab().should_add_bos()).map(|(token, _)| *token)
    }

    fn tokens(&self, text: &str, parse_control: bool) -> Vec<i32> {
        self.model.vocab().tokenize(text.as_bytes(), false, parse_control).into_iter().map(|token| token.0).collect()
    }

    /// Returns the prompt, which must leave room for at least one token of the answer.
    fn fitting(&self, tokens: Vec<i32>, template: TemplateUse) -> Result<Prompt, EngineError> {
        let context = self.info.context;
        if tokens.is_empty() {
            return Err(EngineError::EmptyPrompt);
        }
        if u32::try_from(tokens.len()).map_or(true, |prompt| prompt >= context) {
            return Err(EngineError::ContextOverflow { prompt: tokens.len(), context });
        }
        Ok(Prompt { tokens, template })
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Returns the text of a token; `None` for a token that the vocabulary does not have (llama.cpp's -1).
fn text_of(vocabulary: &LlamaVocab, token: LlamaToken) -> Option<String> {
    if token.0 < 0 || token.0 >= vocabulary.n_tokens() {
        return None;
    }
    vocabulary.text(token).map(|text| text.to_string_lossy().into_owned())
}
