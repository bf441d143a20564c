use super::{EngineError, Event, Form, Generate, Info, Input, LoadSpec, LogSink, Message, Metrics, Prompt, Vectors};
use crate::clock::Timestamp;
use crate::gguf::estimate::Settings;
use crate::model::DeviceMemory;
use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::mpsc::Receiver;

/// What stands in for the engine in a build without llama.cpp. None can ever exist.
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

    pub fn chat_prompt(
        &self,
        _: &[Message],
        _: &serde_json::Map<String, serde_json::Value>,
        _: Timestamp,
    ) -> Result<Prompt, EngineError> {
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

    pub fn stop(&self) {
        match self.never {}
    }
}

/// Without llama.cpp nobody knows.
pub fn check_form(_: &Form) -> Result<(), EngineError> {
    Ok(())
}

/// Always refuses, in the words of every other call.
pub fn measure(_: &Path, _: &Settings) -> Result<Vec<DeviceMemory>, EngineError> {
    super::cpu::check()?;
    Err(EngineError::NoEngine)
}
