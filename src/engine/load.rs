use super::control::{self, ControlTexts};
use super::embed::Texts;
use super::sampler;
use super::sequence::channel_size;
use super::template::{self, Surroundings};
use super::thread::Command;
use super::work::{Work, gives_vectors};
use super::{
    EngineError, Event, Generate, Info, Input, LoadSpec, LogSink, Message, Metrics, Pooling, Prompt, TemplateUse,
    Vectors, cpu, log,
};
use crate::clock::Timestamp;
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

/// A loaded model and the thread that runs it. Dropping it stops the thread and frees the model.
pub struct Engine {
    model: Arc<LlamaModel>,
    info: Info,
    template: Option<String>,
    bos: Option<(i32, String)>,
    eos: String,
    control: ControlTexts,
    commands: SyncSender<Command>,
    queue: usize,
    metrics: Arc<Metrics>,
    stopping: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Dropped last: it shuts llama.cpp down.
    _backend: LlamaBackend,
}

impl Engine {
    /// Loads a model. `sink` gets llama.cpp's log; `progress` gets 0.0 to 1.0 and gives the load up by answering false.
    ///
    /// # Errors
    /// [`EngineError::Cpu`] before anything of llama.cpp runs; [`EngineError::Refused`] in llama.cpp's words.
    pub fn load(
        spec: &LoadSpec,
        sink: LogSink,
        mut progress: impl FnMut(f32) -> bool + Send + 'static,
    ) -> Result<Engine, EngineError> {
        cpu::check()?;
        // Looked at here for a plain word about a missing file; llama.cpp opens it again by itself.
        std::fs::File::open(&spec.model)
            .map_err(|error| EngineError::BadSpec(format!("cannot open `{}`: {error}", spec.model.display())))?;
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
            // As they are in the file: of weights that are laid out anew, groups of four tokens have another kernel.
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
        let shared = (inbox, Arc::clone(&metrics), Arc::clone(&stopping));
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
        let control_tokens = vocabulary.tokens().filter(|&token| vocabulary.is_control(token));
        let control = ControlTexts::new(control_tokens.filter_map(|token| text_of(&vocabulary, token)));
        let thread = std::thread::Builder::new()
            .name("engine".into())
            .spawn(move || work.run())
            .map_err(|error| EngineError::BadSpec(format!("cannot start the engine thread: {error}")))?;
        Ok(Engine {
            bos: bos_text.map(|text| (bos.0, text)),
            model,
            info,
            template,
            eos,
            control,
            commands,
            queue: spec.queue.max(1),
            metrics,
            stopping,
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

    /// The tokens of a chat, by the model's own template, or of its plain text when it has none. `variables` go to the
    /// template. Does not disturb a running generation.
    pub fn chat_prompt(
        &self,
        messages: &[Message],
        variables: &serde_json::Map<String, serde_json::Value>,
        now: Timestamp,
    ) -> Result<Prompt, EngineError> {
        self.generates()?;
        let bos = self.bos.as_ref().map_or("", |(_, text)| text);
        let Some(source) = &self.template else {
            return self.fitting(self.plain_tokens(&template::plain(messages)), TemplateUse::None);
        };
        let around = Surroundings { bos, eos: &self.eos, control: &self.control, variables, now };
        let (text, how) = template::render(source, messages, &around)?;
        // Most templates write the begin token themselves; a second one makes a model stammer.
        let mut tokens = Vec::new();
        if bos.is_empty() || !text.starts_with(bos) {
            tokens.extend(self.added_bos());
        }
        for piece in control::pieces(&text) {
            tokens.extend(self.tokens(piece, true));
        }
        self.fitting(tokens, how)
    }

    /// The tokens of a text that the model shall go on with. Control tokens in it are taken as such: the caller writes
    /// the whole prompt.
    pub fn text_prompt(&self, text: &str) -> Result<Prompt, EngineError> {
        self.generates()?;
        let mut tokens: Vec<i32> = self.added_bos().into_iter().collect();
        tokens.extend(self.tokens(text, true));
        self.fitting(tokens, TemplateUse::Raw)
    }

    /// Queues texts to be made vectors of. Dropping the receiver cancels it.
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

    /// The tokens of a text with the special ones that the model wants around it.
    fn text_tokens(&self, index: usize, input: &Input) -> Result<Vec<i32>, EngineError> {
        let tokens = match input {
            Input::Text(_) if !self.has_vocabulary() => {
                return Err(EngineError::BadSpec("the model has no vocabulary: give tokens".into()));
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

    /// llama.cpp ends the process over a text for a model without one. By the key, since the bindings panic over the
    /// types of vocabulary that they do not know, such as BERT's.
    fn has_vocabulary(&self) -> bool {
        self.model.meta_val_str("tokenizer.ggml.model").is_ok_and(|kind| kind != "no_vocab" && kind != "none")
    }

    /// Before a prompt is made for a model that cannot answer it.
    fn generates(&self) -> Result<(), EngineError> {
        if self.info.pooling.is_some() {
            return Err(EngineError::NotThisModel("this model gives embeddings and generates no text"));
        }
        if !self.has_vocabulary() {
            return Err(EngineError::BadSpec("the model has no vocabulary, and so no texts".into()));
        }
        Ok(())
    }

    /// Queues a generation. Its events come through the receiver; dropping that cancels it.
    ///
    /// # Errors
    /// [`EngineError::Busy`] when the queue is full, [`EngineError::BadSpec`] for a form that cannot be followed.
    pub fn generate(&self, request: Generate) -> Result<Receiver<Event>, EngineError> {
        if let Some(form) = &request.form {
            sampler::grammar(&self.model, form)?;
        }
        let (events, receiver) = channel(channel_size(self.info.context));
        self.queue(Command::Generate { request: Box::new(request), events })?;
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

    /// Ends the running generation as cancelled within one operation of its graph, and the thread with it.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        // A full channel means that the thread is awake, and it looks at the flag before it takes the next command; a
        // closed one means that it has ended.
        let _ = self.commands.try_send(Command::Stop);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A panic of the engine thread has been printed by the panic hook; here it is only over.
            let _ = thread.join();
        }
    }

    fn added_bos(&self) -> Option<i32> {
        self.bos.as_ref().filter(|_| self.model.vocab().should_add_bos()).map(|(token, _)| *token)
    }

    fn plain_tokens(&self, text: &str) -> Vec<i32> {
        let mut tokens: Vec<i32> = self.added_bos().into_iter().collect();
        tokens.extend(self.tokens(text, false));
        tokens
    }

    fn tokens(&self, text: &str, parse_control: bool) -> Vec<i32> {
        self.model.vocab().tokenize(text.as_bytes(), false, parse_control).into_iter().map(|token| token.0).collect()
    }

    /// A prompt must leave room for at least one token of the answer.
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

/// The text of a token; `None` for a token that the vocabulary does not have (llama.cpp's -1).
fn text_of(vocabulary: &LlamaVocab, token: LlamaToken) -> Option<String> {
    if token.0 < 0 || token.0 >= vocabulary.n_tokens() {
        return None;
    }
    vocabulary.text(token).map(|text| text.to_string_lossy().into_owned())
}
