//! Starts of several servers in one go.

use super::actor::{Actor, Group, Wanted};
use super::ask::Started;
use crate::clock;
use crate::lifecycle::{Denial, Event, Profile, ServerKey, WaiterId};
use tokio::sync::oneshot;

impl Actor {
    pub(super) fn start_all(&mut self, starts: Vec<(ServerKey, oneshot::Sender<Result<Started, Denial>>)>) {
        if starts.is_empty() {
            return;
        }
        let group = self.new_waiter();
        self.groups.insert(group, Group { missing: starts.len(), prepared: Vec::new() });
        for (key, answer) in starts {
            let waiter = self.new_waiter();
            self.starts.insert(waiter, (clock::instant(), answer));
            self.want(key, Wanted::Member { waiter, group });
        }
    }

    /// Counts a member of a group that was prepared or refused. After the last one all are started.
    pub(super) fn member(&mut self, id: WaiterId, prepared: Option<(ServerKey, WaiterId, Profile)>) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        group.missing = group.missing.saturating_sub(1);
        group.prepared.extend(prepared);
        if group.missing > 0 {
            return;
        }
        let Some(Group { mut prepared, .. }) = self.groups.remove(&id) else { return };
        let need = |profile: &Profile| profile.needs.iter().map(|need| need.bytes).fold(0, u64::saturating_add);
        prepared.sort_by(|(a_key, _, a), (b_key, _, b)| need(a).cmp(&need(b)).then_with(|| a_key.cmp(b_key)));
        for (key, waiter, profile) in prepared {
            self.step(Event::Start { waiter, key, may_evict: false, profile });
        }
    }
}
