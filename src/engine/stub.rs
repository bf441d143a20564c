use super::schema;
use super::{
    Counts, EngineError, Event, Form, Generate, Info, Input, LoadSpec, LogSink, Message, Metrics, Prompt, TemplateUse,
    Vectors,
};
use crate::gguf::estimate::Settings;
use crate::model::DeviceMemory;
use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::mpsc::Receiver;

/// The replacement for the engine in a build without llama.cpp. No value of it can exist.
#[derive(Debug)]
pub struct Engine {
    never: Infallible,
}

impl Engine {
    pub fn load(_: &LoadSpec, _: LogSink, _: impl FnMut(f32) -> bool + Send + 'static) -> Result<Engine, EngineError> {
        super::cpu::check()?;
        Err(EngineError::NoEngine)
    }

    pub fn info(&self) -> &Info {
        match self.never {}
    }

    pub fn metrics(&self) -> Arc<Metrics> {
        match self.never {}
    }

    pub fn generates(&self) -> Result<(), EngineError> {
        match self.never {}
    }

    pub fn template(&self) -> Option<(&str, &str, &str)> {
        match self.never {}
    }

    pub fn most_bytes(&self) -> usize {
        match self.never {}
    }

    pub fn check_bytes(&self, _: usize) -> Result<(), EngineError> {
        match self.never {}
    }

    pub fn broken(&self, _: &[Message]) -> Vec<Message> {
        match self.never {}
    }

    pub fn plain_prompt(&self, _: &[Message]) -> Result<Prompt, EngineError> {
        match self.never {}
    }

    pub fn rendered_prompt(&self, _: &str, _: TemplateUse) -> Result<Prompt, EngineError> {
        match self.never {}
    }

    pub fn text_prompt(&self, _: &str) -> Result<Prompt, EngineError> {
        match self.never {}
    }

    pub fn generate(&self, _: Generate) -> Result<Receiver<Event>, EngineError> {
        match self.never {}
    }

    pub fn embed(&self, _: &[Input]) -> Result<Receiver<Result<Vectors, EngineError>>, EngineError> {
        match self.never {}
    }

    pub fn set_threads(&self, _: Counts) {
        match self.never {}
    }

    pub fn stop(&self) {
        match self.never {}
    }
}

/// Checks a constraint. Without llama.cpp only the faults of a schema itself can be found.
pub fn check_form(form: &Form) -> Result<(), EngineError> {
    match form {
        Form::Grammar(_) => Ok(()),
        Form::Schema(text) => match schema::prepare(text, schema::Exactness::Exact) {
            Ok(_) => Ok(()),
            Err(why) => Err(EngineError::BadSpec(format!("the JSON schema cannot be used: {why}"))),
        },
    }
}

/// Always refuses, with the same message as every other call.
pub fn measure(_: &Path, _: &Settings) -> Result<Vec<DeviceMemory>, EngineError> {
    super::cpu::check()?;
    Err(EngineError::NoEngine)
}
