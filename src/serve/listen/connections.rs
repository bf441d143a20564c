//! All open connections of the daemon, and which of them gives way when there are too many.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// What a connection does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing of a request has arrived.
    Idle,
    /// A part of the head of a request has arrived.
    Head,
    /// A request is being answered.
    Busy,
}

/// The open connections.
#[derive(Debug, Clone, Default)]
pub(super) struct Connections(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    open: usize,
    next: u64,
    /// Those without a request that is being answered, longest idle first.
    idle: BTreeMap<u64, Arc<Notify>>,
}

/// One open connection. Dropping it frees its place.
#[derive(Debug)]
pub(super) struct Connection {
    all: Connections,
    /// Asks the connection to give way.
    pub give_way: Arc<Notify>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    stage: Stage,
    /// Counts the changes of the stage.
    turn: u64,
    /// The number among the idle ones.
    idle: Option<u64>,
    /// The bytes that arrived since the connection was idle, as far as `head_bytes`.
    head: Vec<u8>,
    head_bytes: usize,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Connections {
    /// Admits a connection. Where there are `most` already, the longest idle one is asked to give way; `None` when all
    /// are busy.
    pub fn admit(&self, most: usize, head_bytes: usize) -> Option<Connection> {
        let mut table = locked(&self.0);
        if table.open >= most {
            let (_, longest) = table.idle.pop_first()?;
            longest.notify_one();
        }
        table.open = table.open.saturating_add(1);
        let give_way = Arc::new(Notify::new());
        let idle = table.insert(&give_way);
        let state = State { stage: Stage::Idle, turn: 0, idle: Some(idle), head: Vec::new(), head_bytes };
        Some(Connection { all: self.clone(), give_way, state: Mutex::new(state) })
    }
}

impl Table {
    fn insert(&mut self, give_way: &Arc<Notify>) -> u64 {
        let number = self.next;
        self.next = self.next.saturating_add(1);
        self.idle.insert(number, Arc::clone(give_way));
        number
    }
}

impl Connection {
    /// Returns the stage, and a number that changes with it.
    pub fn stage(&self) -> (Stage, u64) {
        let state = locked(&self.state);
        (state.stage, state.turn)
    }

    /// Notes bytes that arrived.
    pub fn received(&self, bytes: &[u8]) {
        let mut state = locked(&self.state);
        if state.stage == Stage::Busy {
            return;
        }
        if state.stage == Stage::Idle {
            state.stage = Stage::Head;
            state.turn = state.turn.saturating_add(1);
        }
        let room = state.head_bytes.saturating_sub(state.head.len());
        let bytes = bytes.get(..room).unwrap_or(bytes);
        state.head.extend_from_slice(bytes);
    }

    /// Returns the bytes that arrived for a request that has not begun.
    pub fn head(&self) -> Vec<u8> {
        locked(&self.state).head.clone()
    }

    /// Notes that a request begins. Returns the bytes that arrived for it; none when it came together with another.
    pub fn begin(&self) -> Vec<u8> {
        let mut state = locked(&self.state);
        state.stage = Stage::Busy;
        state.turn = state.turn.saturating_add(1);
        if let Some(number) = state.idle.take() {
            locked(&self.all.0).idle.remove(&number);
        }
        std::mem::take(&mut state.head)
    }

    /// Notes that the answer has ended.
    pub fn end(&self) {
        let mut state = locked(&self.state);
        state.stage = Stage::Idle;
        state.turn = state.turn.saturating_add(1);
        state.idle = Some(locked(&self.all.0).insert(&self.give_way));
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let idle = locked(&self.state).idle;
        let mut table = locked(&self.all.0);
        table.open = table.open.saturating_sub(1);
        if let Some(number) = idle {
            table.idle.remove(&number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gives_way(connection: &Connection) -> bool {
        use std::future::Future;
        let mut notified = std::pin::pin!(connection.give_way.notified());
        notified.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_ready()
    }

    #[test]
    fn at_the_limit_the_longest_idle_connection_gives_way_and_a_busy_one_never() {
        let all = Connections::default();
        let [first, second, third] = [(); 3].map(|()| all.admit(3, 100).unwrap());
        first.begin();
        second.begin();
        second.end();
        let fourth = all.admit(3, 100).unwrap();
        assert_eq!([&first, &second, &third, &fourth].map(gives_way), [false, false, true, false]);
        drop(third);
        drop(fourth);
        second.begin();
        let fifth = all.admit(3, 100).unwrap();
        fifth.begin();
        assert!(all.admit(3, 100).is_none(), "all are busy");
        drop(first);
        assert!(all.admit(3, 100).is_some());
    }
}
