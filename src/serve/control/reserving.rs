//! Reservations of memory in the order in which they were decided: side by side the slower one would come off worst.

use super::actor::Internal;
use super::ledger;
use super::sessions::Sessions;
use crate::lifecycle::{Generation, ServerKey};
use crate::model::DeviceBytes;
use tokio::sync::mpsc;

/// A load whose memory is to be reserved.
pub(super) struct Reservation {
    pub key: ServerKey,
    pub generation: Generation,
    /// The name, for people; `None`: what is to be started was not prepared.
    pub name: Option<String>,
    pub needs: Vec<DeviceBytes>,
}

/// Makes reservations one after the other, until the deciding task has ended.
pub(super) async fn reserve_in_order(
    sessions: Sessions,
    mut reservations: mpsc::UnboundedReceiver<Reservation>,
    to_news: mpsc::UnboundedSender<Internal>,
) {
    while let Some(Reservation { key, generation, name, needs }) = reservations.recv().await {
        let of = key.clone();
        let asked = match name {
            Some(name) => sessions.run(move |session| ledger::reserve(session, &of, (name, needs))).await,
            None => Err(anyhow::anyhow!("the model was not prepared")),
        };
        // Without the actor the daemon is ending; its rows are given up with it.
        let _ = to_news.send(Internal::Reserved { key, generation, asked });
    }
}
