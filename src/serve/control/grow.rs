//! A larger context for a model, because a prompt does not fit into the one that it has.

use super::actor::{Actor, Internal};
use super::ask::Grow;
use super::prepare::{Grown, prepare};
use crate::lifecycle::{Event, ServerKey};
use tokio::sync::oneshot;

impl Actor {
    pub(super) fn set_context(&mut self, key: ServerKey, grow: Option<Grow>, answer: oneshot::Sender<bool>) {
        let Some(grow) = grow else {
            self.grown.remove(&key);
            return;
        };
        let grow = Grow { to: self.grown.get(&key).copied().unwrap_or(0).max(grow.to), ..grow };
        let (sessions, to_news) = (self.sessions.clone(), self.to_news.clone());
        drop(tokio::spawn(async move {
            let of = key.clone();
            let prepared = sessions.run(move |session| prepare(session, &of, Some(grow.to))).await;
            let prepared = prepared.ok().and_then(Result::ok); // the next request finds out why
            // Without the actor nothing is loaded any more.
            let _ = to_news.send(Internal::Grown(Box::new(Grown { key, grow, prepared, answer })));
        }));
    }

    /// Keeps the larger context for every load from now on, and has a server with a smaller one loaded again.
    pub(super) fn grown(&mut self, grown: Grown) {
        let Grown { key, grow, prepared, answer } = grown;
        let context = prepared.map_or(0, |prepared| prepared.context());
        let is_enough = u64::from(context) > grow.prompt;
        let now = self.servers.get(&key).and_then(|acting| acting.ready.as_ref()).map(|(.., info)| info.context);
        if is_enough && now.is_none_or(|now| context > now) {
            self.grown.insert(key.clone(), grow.to);
            self.step(Event::Reload { key });
        }
        // The client may have gone.
        let _ = answer.send(is_enough);
    }
}
