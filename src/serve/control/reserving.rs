//! Reservations of memory in the order in which they were decided: side by side the slower one would come off worst.

use super::ledger::{self, Asked};
use super::prepare::Prepared;
use super::sessions::Sessions;
use crate::lifecycle::{Generation, ServerKey};
use std::sync::Arc;
use tokio::sync::mpsc;

/// A load whose memory is to be reserved.
pub(super) struct Reservation {
    pub key: ServerKey,
    pub generation: Generation,
    pub prepared: Option<Arc<Prepared>>,
}

/// Makes reservations one after the other, until the deciding task has ended. Each outcome goes to `done`.
pub(super) async fn reserve_in_order(
    sessions: Sessions,
    mut reservations: mpsc::UnboundedReceiver<Reservation>,
    done: impl Fn(ServerKey, Generation, anyhow::Result<Asked>) + Send,
) {
    while let Some(Reservation { key, generation, prepared }) = reservations.recv().await {
        let of = key.clone();
        let asked = match prepared {
            Some(prepared) => sessions.run(move |session| ledger::reserve(session, &of, &prepared)).await,
            None => Err(anyhow::anyhow!("the model was not prepared")),
        };
        done(key, generation, asked);
    }
}
