//! Servers that are prepared for a swap, or to be loaded at the start.

use super::{GaveWay, SwapAsk, Waiting};
use crate::lifecycle::{Denial, Event, Profile, ServerKey, Why};
use crate::serve::control::actor::{Actor, Internal};
use crate::serve::control::prepare::{self, prepare, refuse};
use crate::serve::control::sessions::Sessions;
use std::sync::Arc;
use tokio::sync::oneshot;

type Ready = Arc<prepare::Prepared>;

/// What was prepared, for the deciding task.
pub enum Prepared {
    Swap {
        ask: SwapAsk,
        prepared: Result<Ready, Denial>,
        answer: oneshot::Sender<GaveWay>,
    },
    /// In the order in which they are loaded.
    Preload(Vec<(ServerKey, Ready)>),
    /// What the model of a server can do.
    Capabilities(ServerKey, Vec<&'static str>),
}

impl Actor {
    /// Has the needed server prepared: its needs decide whether anything has to give way.
    pub(super) fn prepare_swap(&mut self, ask: SwapAsk, answer: oneshot::Sender<GaveWay>) {
        let (sessions, to_news) = (self.sessions.clone(), self.to_news.clone());
        let least = self.grown.get(&ask.needed).copied();
        let known = self.prepared.get(&ask.needed).filter(|_| self.state.is_under_way(&ask.needed)).cloned();
        drop(tokio::spawn(async move {
            let prepared = match known {
                Some(prepared) => Ok(prepared),
                None => prepare_one(&sessions, ask.needed.clone(), least).await,
            };
            // Without the actor nobody waits any more, here and below.
            let _ = to_news.send(Internal::Managed(Prepared::Swap { ask, prepared, answer }));
        }));
    }

    /// Has servers prepared that are to be loaded at the start.
    pub(super) fn prepare_all(&mut self, keys: Vec<ServerKey>, refused: oneshot::Sender<Vec<Denial>>) {
        let (sessions, to_news) = (self.sessions.clone(), self.to_news.clone());
        drop(tokio::spawn(async move {
            let (mut servers, mut denials) = (Vec::new(), Vec::new());
            for key in keys {
                match prepare_one(&sessions, key.clone(), None).await {
                    Ok(prepared) => servers.push((key, prepared)),
                    Err(denial) => denials.push(denial),
                }
            }
            let need = |profile: &Profile| profile.needs.iter().map(|need| need.bytes).fold(0u64, u64::saturating_add);
            servers.sort_by_key(|(key, prepared)| (need(&prepared.profile), key.clone()));
            let _ = to_news.send(Internal::Managed(Prepared::Preload(servers))); // as above
            drop(refused.send(denials));
        }));
    }

    pub(in crate::serve::control) fn managed(&mut self, prepared: Prepared) {
        match prepared {
            Prepared::Swap { prepared: Err(denial), answer, .. } => drop(answer.send(Err(denial))),
            Prepared::Swap { ask, prepared: Ok(prepared), answer } => {
                let SwapAsk { needed, evict, reason } = ask;
                let profile = self.keep_prepared(&needed, prepared);
                let waiter = self.new_waiter();
                self.answers.insert(waiter, Waiting::Swap(answer));
                self.step(Event::Swap { waiter, needed, profile, evict, reason });
            }
            Prepared::Capabilities(key, capabilities) => {
                self.watched.capabilities.insert(key, capabilities);
            }
            Prepared::Preload(servers) => {
                let mut load = Vec::new();
                for (key, prepared) in servers {
                    let profile = self.keep_prepared(&key, prepared);
                    load.push((key, profile));
                }
                if !load.is_empty() {
                    self.step(Event::Preload(load));
                }
            }
        }
    }

    /// Keeps how a server is loaded the next time, unless it is being loaded already.
    fn keep_prepared(&mut self, key: &ServerKey, prepared: Ready) -> Profile {
        let profile = prepared.profile.clone();
        if !self.state.is_under_way(key) {
            self.prepared.insert(key.clone(), prepared);
        }
        profile
    }
}

async fn prepare_one(sessions: &Sessions, key: ServerKey, least: Option<u32>) -> Result<Ready, Denial> {
    match sessions.run(move |session| prepare(session, &key, least)).await {
        Ok(prepared) => prepared.map(Arc::new),
        Err(error) => Err(refuse(Why::Failed, format!("{error:#}"))),
    }
}
