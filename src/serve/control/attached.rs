//! External servers to which requests for their models are sent.

use super::ask::{Command, Grant};
use super::info::Attach;
use crate::lifecycle::{Denial, Purpose, ServerKey, Why};
use crate::model::ModelId;
use std::collections::BTreeMap;
use tokio::sync::{mpsc, watch};

#[derive(Debug)]
struct Attached {
    attach: Attach,
    death: watch::Sender<Option<Denial>>,
}

/// All servers that are attached, one for each model.
#[derive(Debug, Default)]
pub(super) struct AttachedServers {
    all: BTreeMap<ModelId, Attached>,
    /// Those that are not used any more, while they still answer requests.
    retired: Vec<watch::Sender<Option<Denial>>>,
}

impl AttachedServers {
    /// Attaches exactly these. One that is the same as before stays; of two for one model the one that was first.
    pub fn set(&mut self, now: Vec<Attach>) {
        let is_same = |attached: &Attached| {
            now.iter().any(|attach| {
                let known = &attached.attach;
                attach.model == known.model && attach.endpoint == known.endpoint && attach.identity == known.identity
            })
        };
        let gone: Vec<ModelId> =
            self.all.iter().filter(|(_, one)| !is_same(one)).map(|(model, _)| model.clone()).collect();
        for model in gone {
            if let Some(Attached { attach, death }) = self.all.remove(&model) {
                let moved = now.iter().find(|new| new.endpoint == attach.endpoint);
                match moved {
                    // It answers with another model now, or not at all.
                    Some(_) => drop(death.send_replace(Some(changed(&attach)))),
                    // What it answers still, it may finish.
                    None => self.retired.push(death),
                }
            }
        }
        self.retired.retain(|death| death.receiver_count() > 0);
        for attach in now {
            self.add(attach);
        }
    }

    /// Attaches a server, unless its model has one.
    pub fn add(&mut self, attach: Attach) {
        let new = || Attached { attach: attach.clone(), death: watch::Sender::new(None) };
        self.all.entry(attach.model.clone()).or_insert_with(new);
    }

    /// Detaches a server that does not answer, and tells the requests that it was answering.
    pub fn lose(&mut self, id: &str) -> bool {
        let model = self.all.iter().find(|(_, one)| one.attach.id == id).map(|(model, _)| model.clone());
        let Some(Attached { attach, death }) = model.and_then(|model| self.all.remove(&model)) else { return false };
        death.send_replace(Some(gone(&attach)));
        true
    }

    /// Returns the server that answers instead of ours.
    pub fn of(&self, key: &ServerKey) -> Option<&Attach> {
        let attached = self.all.get(&key.model).filter(|_| key.purpose == Purpose::Main);
        attached.map(|attached| &attached.attach)
    }

    /// Returns the right to have a request answered. Nobody counts them: the server has a queue of its own.
    pub fn grant(&self, key: &ServerKey, commands: &mpsc::UnboundedSender<Command>) -> Option<Grant> {
        let attached = self.all.get(&key.model).filter(|_| key.purpose == Purpose::Main)?;
        Some(Grant::of_other(&attached.attach, attached.death.subscribe(), commands.clone()))
    }

    pub fn list(&self) -> Vec<Attach> {
        self.all.values().map(|attached| attached.attach.clone()).collect()
    }
}

fn gone(attach: &Attach) -> Denial {
    Denial::new(Why::Died, format!("the server at {} that answers for this model is gone", attach.endpoint))
}

fn changed(attach: &Attach) -> Denial {
    Denial::new(Why::Died, format!("the server at {} serves another model now", attach.endpoint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Endpoint, Kept};
    use crate::model::server::Engine;
    use crate::serve::control::ServerInfo;
    use std::sync::Arc;
    use std::time::Duration;

    fn attach(id: &str, model: &str, identity: &str) -> Attach {
        let device = "external".to_owned();
        let info = ServerInfo {
            engine: Some(Engine::LlamaServer),
            port: None,
            pid: 1,
            context: 1,
            slots: 1,
            device,
            took: Duration::ZERO,
            connections: Kept::default(),
        };
        Attach {
            id: id.into(),
            model: ModelId(model.into()),
            endpoint: Endpoint::Unix(format!("/{id}").into()),
            info: Arc::new(info),
            required_name: None,
            identity: identity.into(),
            is_named: true,
        }
    }

    fn main(model: &str) -> ServerKey {
        ServerKey::main(ModelId(model.into()))
    }

    /// A request would be answered by another model, or hang on a server that is gone.
    #[tokio::test]
    async fn a_server_that_goes_or_changes_its_model_is_detached_and_those_it_answers_are_told() {
        let (commands, _received) = mpsc::unbounded_channel();
        let mut attached = AttachedServers::default();
        attached.set(vec![attach("a", "aa", "x"), attach("b", "bb", "y"), attach("c", "aa", "z")]);
        assert_eq!(attached.of(&main("aa")).map(|attach| attach.id.as_str()), Some("a"), "the first of two");
        let vectors = ServerKey { purpose: Purpose::Vectors, ..main("aa") };
        assert!(attached.grant(&vectors, &commands).is_none() && attached.grant(&main("cc"), &commands).is_none());
        let mut first = attached.grant(&main("aa"), &commands).unwrap();
        let mut second = attached.grant(&main("bb"), &commands).unwrap();
        attached.set(vec![attach("a", "aa", "x"), attach("b", "bb", "another")]);
        assert!(second.server_ended().await.message.contains("serves another model now"));
        assert!(first.death.borrow().is_none());
        assert!(attached.lose("a") && !attached.lose("a"));
        assert!(first.server_ended().await.message.contains("is gone"));
        assert!(attached.of(&main("aa")).is_none());
    }

    /// An answer that is under way must not break because a line was taken out of the config.
    #[test]
    fn a_server_that_is_only_not_wanted_any_more_finishes_what_it_answers() {
        let (commands, _received) = mpsc::unbounded_channel();
        let mut attached = AttachedServers::default();
        attached.set(vec![attach("a", "aa", "x")]);
        let grant = attached.grant(&main("aa"), &commands).unwrap();
        attached.set(Vec::new());
        assert!(attached.of(&main("aa")).is_none());
        assert!(grant.death.has_changed().is_ok_and(|changed| !changed), "its sender lives");
        drop(grant);
        attached.set(Vec::new());
        assert!(attached.retired.is_empty());
    }
}
