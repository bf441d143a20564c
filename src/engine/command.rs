//! The commands to the threads of an engine, and how the threads take them from their channel.

use super::form::Rule;
use super::{EngineError, Event, Generate, Vectors};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError};
use tokio::sync::mpsc::Sender;

/// The channel for the answer, with room for one. The receiver may be dropped, which ends the work.
pub type Answer = Sender<Result<Vectors, EngineError>>;

/// The texts of one request in tokens, each of which fits in a batch.
pub struct Texts {
    pub tokens: Vec<Vec<i32>>,
}

/// A command to the engine thread.
pub enum Command {
    Generate {
        asked: Box<Asked>,
        events: Sender<Event>,
    },
    Embed {
        texts: Texts,
        answer: Answer,
    },
    /// Wakes the thread, so that it sees the stop flag.
    Stop,
}

/// A request, and the rule that its constraint became.
pub struct Asked {
    pub request: Generate,
    pub rule: Option<Rule>,
}

/// The result of a read from the channel.
pub enum Next {
    Generate(Box<Asked>, Sender<Event>),
    Embed(Texts, Answer),
    Nothing,
    End,
}

/// Returns the next request in the channel.
pub fn next_command(commands: &Receiver<Command>, stopping: &AtomicBool, may_wait: bool) -> Next {
    loop {
        let command = if may_wait {
            match commands.recv() {
                Ok(command) => command,
                Err(_) => return Next::End,
            }
        } else {
            match commands.try_recv() {
                Ok(command) => command,
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return Next::Nothing,
            }
        };
        match command {
            Command::Generate { asked, events } => return Next::Generate(asked, events),
            Command::Embed { texts, answer } => return Next::Embed(texts, answer),
            Command::Stop if stopping.load(Ordering::Relaxed) => return Next::End,
            Command::Stop => {}
        }
    }
}
