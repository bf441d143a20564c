use crate::failure::Kind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::watch;

/// Why somebody wants us to stop.
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

/// A switch that is thrown once, from any thread, and wakes whoever waits for it.
#[derive(Debug, Clone)]
pub struct Interrupt {
    thrown: Arc<watch::Sender<Option<Stop>>>,
    /// The same for code that looks now and then instead of waiting.
    raised: Arc<AtomicBool>,
}

impl Default for Interrupt {
    fn default() -> Self {
        Interrupt { thrown: Arc::new(watch::Sender::new(None)), raised: Arc::default() }
    }
}

impl Interrupt {
    /// A switch that only [`Interrupt::throw`] throws.
    pub fn new() -> Interrupt {
        Interrupt::default()
    }

    /// A switch that SIGINT and SIGTERM throw. The handlers stay until the program ends; a second signal of either
    /// kind then ends the program at once, for the case that we are stuck.
    pub fn on_signals() -> std::io::Result<Interrupt> {
        use signal_hook::consts::{SIGINT, SIGTERM};
        let interrupt = Interrupt::new();
        let seen = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // The order matters: the default action is armed by the flag that the next registration sets.
            signal_hook::flag::register_conditional_default(signal, Arc::clone(&seen))?;
            signal_hook::flag::register(signal, Arc::clone(&seen))?;
        }
        let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
        let thrower = interrupt.clone();
        std::thread::Builder::new().name("signals".into()).spawn(move || {
            for signal in signals.forever() {
                thrower.throw(if signal == SIGINT { Stop::Interrupted } else { Stop::Terminated });
            }
        })?;
        Ok(interrupt)
    }

    /// Two switches for work that is finished before it is left: the first signal throws the first, a second one the
    /// second (be quick), and a third ends the program at once.
    pub fn on_signals_twice() -> std::io::Result<(Interrupt, Interrupt)> {
        use signal_hook::consts::{SIGINT, SIGTERM};
        let (stop, hurry) = (Interrupt::new(), Interrupt::new());
        let stuck = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            signal_hook::flag::register_conditional_default(signal, Arc::clone(&stuck))?;
        }
        let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
        let (first, second) = (stop.clone(), hurry.clone());
        std::thread::Builder::new().name("signals".into()).spawn(move || {
            for signal in signals.forever() {
                let why = if signal == SIGINT { Stop::Interrupted } else { Stop::Terminated };
                if first.thrown().is_none() {
                    first.throw(why);
                } else {
                    second.throw(why);
                    stuck.store(true, Ordering::Relaxed);
                }
            }
        })?;
        Ok((stop, hurry))
    }

    /// Throws the switch. The first reason stays.
    pub fn throw(&self, why: Stop) {
        self.thrown.send_if_modified(|state| {
            let first = state.is_none();
            state.get_or_insert(why);
            first
        });
        self.raised.store(true, Ordering::Relaxed);
    }

    /// Goes up when the switch is thrown.
    pub fn raised(&self) -> &AtomicBool {
        &self.raised
    }

    /// The reason, once thrown.
    pub fn thrown(&self) -> Option<Stop> {
        *self.thrown.borrow()
    }

    /// Resolves when the switch is thrown, at once if it is already.
    pub async fn wait(&self) -> Stop {
        let mut receiver = self.thrown.subscribe();
        loop {
            if let Some(why) = *receiver.borrow_and_update() {
                return why;
            }
            if receiver.changed().await.is_err() {
                // Cannot happen while `self` holds the sender; waiting for ever is what "never thrown" means.
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
        let interrupt = Interrupt::new();
        assert_eq!(interrupt.thrown(), None);
        let thrower = interrupt.clone();
        let thread = std::thread::spawn(move || {
            thrower.throw(Stop::Terminated);
            thrower.throw(Stop::Interrupted);
        });
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(interrupt.wait()), Stop::Terminated);
        thread.join().unwrap();
        assert_eq!(interrupt.thrown(), Some(Stop::Terminated));
    }
}
