//! What the deciding task notes of its own decisions, and adds to the events about them.

use super::Happening;
use super::actor::{Actor, Internal};
use super::manage::Prepared;
use super::prepared::What;
use crate::host::budget::MAIN_MEMORY;
use crate::lifecycle::{Effect, Purpose, Report, ServerKey};
use crate::ops::model_header;
use serde_json::{Value, json};
use std::sync::Arc;

impl Actor {
    /// Notes a decision before it is acted on.
    pub(super) fn notice(&mut self, effect: &Effect) {
        match effect {
            Effect::Grant { key, .. } => self.uses.granted(key, self.began.elapsed()),
            Effect::Report(report) => self.uses.take(report),
            Effect::Launch { key, .. } => self.learn_capabilities(key),
            _ => {}
        }
    }

    /// Has the headers of a model read for what it can do, beside its first load, which takes longer.
    fn learn_capabilities(&mut self, key: &ServerKey) {
        if key.purpose == Purpose::Vectors || self.watched.capabilities.contains_key(key) {
            return;
        }
        let Some(What::Model(parts)) = self.prepared.get(key).map(|prepared| &prepared.what) else { return };
        let (kind, model) = (parts.row.kind, parts.model.clone());
        self.watched.capabilities.insert(key.clone(), model_header::capabilities_of_kind(kind));
        let (key, to_news) = (key.clone(), self.to_news.clone());
        drop(tokio::task::spawn_blocking(move || {
            let capabilities = model_header::capabilities(kind, &model);
            // Without the actor nobody is told any more.
            let _ = to_news.send(Internal::Managed(Prepared::Capabilities(key, capabilities)));
        }));
    }

    /// Adds to the event of a report what is known of its server.
    pub(super) fn with_details(&self, report: &Report, mut happening: Happening) -> Happening {
        let details = match report {
            Report::Loaded { key, .. } => self.of_loaded(key),
            Report::Unloaded { key, .. } => json!({ "capabilities": self.capabilities(key) }),
            Report::Swapped { to, .. } => json!({
                "loaded": self.name(to),
                "swap_queue_depth": self.swap_depth(),
            }),
            _ => return happening,
        };
        if let Value::Object(details) = details {
            happening.fields.extend(details);
        }
        happening
    }

    fn of_loaded(&self, key: &ServerKey) -> Value {
        let view = self.state.views().into_iter().find(|view| view.key == *key);
        let (reserved, shape) = view.map(|view| (view.reserved, view.shape)).unwrap_or_default();
        let gib = |in_main: bool| {
            let of = reserved.iter().filter(|held| (held.device == MAIN_MEMORY) == in_main);
            let sum = of.fold(0u64, |sum, held| sum.saturating_add(held.bytes));
            (sum as f64 / (1u64 << 30) as f64 * 1_000.0).round() / 1_000.0
        };
        let info = self.servers.get(key).and_then(|acting| acting.ready.as_ref()).map(|(.., info)| Arc::clone(info));
        let gpu = reserved.iter().filter(|held| held.device != MAIN_MEMORY).max_by_key(|held| held.bytes);
        json!({
            "device": gpu.or_else(|| reserved.first()).map(|held| held.device.clone()),
            "mode": shape.mode,
            "mode_reason": shape.mode_reason,
            "context": info.as_ref().map(|info| info.context).filter(|tokens| *tokens > 0),
            "vram_gb": gib(false),
            "ram_gb": gib(true),
            "capabilities": self.capabilities(key),
        })
    }

    fn capabilities(&self, key: &ServerKey) -> Vec<String> {
        if key.purpose == Purpose::Vectors {
            return vec!["embedding".to_owned()];
        }
        match self.prepared.get(key).map(|prepared| &prepared.what) {
            Some(What::Service(parts)) => parts.spec.capabilities.clone(),
            _ => self.watched.capabilities.get(key).into_iter().flatten().map(|word| (*word).to_owned()).collect(),
        }
    }

    /// Returns the name of a server for people.
    pub(super) fn name(&self, key: &ServerKey) -> String {
        self.prepared.get(key).map_or_else(|| self.state.name(key), |prepared| prepared.profile.name.clone())
    }

    /// Returns how many servers wait to be loaded again after a swap.
    fn swap_depth(&self) -> usize {
        self.state.overview(self.began.elapsed()).swaps.len()
    }
}
