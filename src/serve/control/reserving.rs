//! Reservations of memory in the order in which they were decided: side by side the slower one would come off worst.

use super::ledger::{self, Asked};
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
    /// Multiplies what is kept free.
    pub margin_factor: u32,
}

/// Makes reservations one after the other, until the deciding task has ended. Each outcome goes to `done`.
pub(super) async fn reserve_in_order(
    sessions: Sessions,
    mut reservations: mpsc::UnboundedReceiver<Reservation>,
    done: impl Fn(ServerKey, Generation, anyhow::Result<Asked>) + Send,
) {
    while let Some(Reservation { key, generation, name, needs, margin_factor }) = reservations.recv().await {
        let of = key.clone();
        let asked = match name {
            Some(name) => {
                sessions.run(move |session| ledger::reserve(session, &of, (name, needs, margin_factor))).await
            }
            None => Err(anyhow::anyhow!("the model was not prepared")),
        };
        done(key, generation, asked);
    }
}
