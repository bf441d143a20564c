use crate::clock;
use crate::failure::Kind;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;

/// The reason for a stop request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// SIGINT, Ctrl-C.
    Interrupted,
    /// SIGTERM.
    Terminated,
}

impl Stop {
    pub fn kind(self) -> Kind {
        match self {
            Stop::Interrupted => Kind::Interrupted,
            Stop::Terminated => Kind::Terminated,
        }
    }
}

/// A request to stop, made once, from any thread. It wakes all waiters: async code, a thread, a poll(2).
#[derive(Debug, Clone)]
pub struct StopSignal {
    requested: Arc<watch::Sender<Option<Stop>>>,
    /// The flag for code that checks from time to time instead of waiting.
    flag: Arc<AtomicBool>,
    /// The descriptor for code that waits with poll(2): readable once a stop is requested. None where no descriptor was
    /// left.
    event: Option<Arc<OwnedFd>>,
}

/// Interval between two checks of the signal where there is no descriptor to wait for.
const LOOK: Duration = Duration::from_millis(50);

impl Default for StopSignal {
    fn default() -> Self {
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK);
        let event = event.ok().map(Arc::new); // without one, waiters check from time to time
        StopSignal { requested: Arc::new(watch::Sender::new(None)), flag: Arc::default(), event }
    }
}

impl StopSignal {
    /// Creates a signal that only [`StopSignal::request`] sets.
    pub fn new() -> StopSignal {
        StopSignal::default()
    }

    /// Creates a signal that SIGINT and SIGTERM set. The handlers stay until the program ends; a second signal of
    /// either kind then ends the program at once, in case it is stuck.
    pub fn on_signals() -> std::io::Result<StopSignal> {
        use signal_hook::consts::{SIGINT, SIGTERM};
        let interrupt = StopSignal::new();
        let seen = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // The order matters: the flag that the next registration sets arms the default action.
            signal_hook::flag::register_conditional_default(signal, Arc::clone(&seen))?;
            signal_hook::flag::register(signal, Arc::clone(&seen))?;
        }
        let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
        let requester = interrupt.clone();
        std::thread::Builder::new().name("signals".into()).spawn(move || {
            for signal in signals.forever() {
                requester.request(if signal == SIGINT { Stop::Interrupted } else { Stop::Terminated });
            }
        })?;
        Ok(interrupt)
    }

    /// Creates two signals for work that is finished before the program ends: the first SIGINT or SIGTERM sets the
    /// first, the second one sets the second (finish faster), and a third ends the program at once.
    pub fn on_signals_twice() -> std::io::Result<(StopSignal, StopSignal)> {
        use signal_hook::consts::{SIGINT, SIGTERM};
        let (stop, hurry) = (StopSignal::new(), StopSignal::new());
        let stuck = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            signal_hook::flag::register_conditional_default(signal, Arc::clone(&stuck))?;
        }
        let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
        let (first, second) = (stop.clone(), hurry.clone());
        std::thread::Builder::new().name("signals".into()).spawn(move || {
            for signal in signals.forever() {
                let why = if signal == SIGINT { Stop::Interrupted } else { Stop::Terminated };
                if first.reason().is_none() {
                    first.request(why);
                } else {
                    second.request(why);
                    stuck.store(true, Ordering::Relaxed);
                }
            }
        })?;
        Ok((stop, hurry))
    }

    /// Requests a stop. Later calls keep the first reason.
    pub fn request(&self, why: Stop) {
        self.requested.send_if_modified(|state| {
            let first = state.is_none();
            state.get_or_insert(why);
            first
        });
        self.flag.store(true, Ordering::Relaxed);
        if let Some(event) = &self.event {
            // The write fails only when the counter is at its maximum, and then the descriptor is readable as well.
            let _ = rustix::io::write(event, &1u64.to_ne_bytes());
        }
    }

    /// Returns a descriptor that is readable once a stop is requested, for poll(2) together with others. It must never
    /// be read.
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.event.as_ref().map(|event| event.as_fd())
    }

    /// Waits for `time`, less when a stop is requested. Returns the reason then.
    pub fn wait_timeout(&self, time: Duration) -> Option<Stop> {
        let started = clock::instant();
        loop {
            let left = time.saturating_sub(started.elapsed());
            if left.is_zero() || self.reason().is_some() {
                return self.reason();
            }
            let (mut fds, pause) = match &self.event {
                Some(event) => (vec![PollFd::new(event, PollFlags::IN)], left),
                None => (Vec::new(), left.min(LOOK)),
            };
            let (seconds, nanos) = (pause.as_secs().try_into().unwrap_or(i64::MAX), pause.subsec_nanos().into());
            // The next round finds out whether a signal, the end of the time or the request woke it.
            let _ = poll(&mut fds, Some(&Timespec { tv_sec: seconds, tv_nsec: nanos }));
        }
    }

    /// Returns a flag that is set when a stop is requested.
    pub fn flag(&self) -> &AtomicBool {
        &self.flag
    }

    /// Returns the reason, once a stop is requested.
    pub fn reason(&self) -> Option<Stop> {
        *self.requested.borrow()
    }

    /// Waits until a stop is requested, and returns at once if it already is.
    pub async fn wait(&self) -> Stop {
        let mut receiver = self.requested.subscribe();
        loop {
            if let Some(why) = *receiver.borrow_and_update() {
                return why;
            }
            if receiver.changed().await.is_err() {
                // Cannot happen while `self` holds the sender; "never requested" means waiting forever.
                std::future::pending::<()>().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_stays_and_wakes_a_waiter() {
        let interrupt = StopSignal::new();
        assert_eq!(interrupt.reason(), None);
        let requester = interrupt.clone();
        let thread = std::thread::spawn(move || {
            requester.request(Stop::Terminated);
            requester.request(Stop::Interrupted);
        });
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(interrupt.wait()), Stop::Terminated);
        thread.join().unwrap();
        assert_eq!(interrupt.reason(), Some(Stop::Terminated));
    }

    #[test]
    fn a_pause_ends_at_once_when_the_switch_is_thrown_and_at_its_time_otherwise() {
        let interrupt = StopSignal::new();
        assert_eq!(interrupt.wait_timeout(Duration::from_millis(5)), None);
        let requester = interrupt.clone();
        let waiting = std::thread::spawn(move || interrupt.wait_timeout(Duration::from_secs(600)));
        requester.request(Stop::Interrupted);
        assert_eq!(waiting.join().unwrap(), Some(Stop::Interrupted));
        let without = StopSignal { event: None, ..requester };
        assert_eq!(without.wait_timeout(Duration::from_secs(600)), Some(Stop::Interrupted));
    }
}
