//! Reads the machine and looks for servers of others, again and again, and tells the deciding task. What hangs is
//! reported as unavailable after its limit; nothing here can make the deciding task wait.

mod externals;
mod machine;
mod source;
mod takeover;
mod verdict;

use super::catalog::Catalogs;
use super::control::{Attach, Control, Seen, Sessions};
use crate::clock;
use crate::host::own_memory;
use externals::{Externals, Looked};
use machine::Machine;
use std::sync::Arc;
use std::time::Duration;

/// The time after which it is looked again whether a server that was missed is back.
const SECOND_LOOK: Duration = Duration::from_secs(5);
/// The time between two looks at least, however long the first one took.
const LEAST_REST: Duration = Duration::from_millis(500);

/// What the looks need.
pub struct Watch {
    pub sessions: Sessions,
    pub catalogs: Catalogs,
    pub control: Control,
    /// Writes a line of the log.
    pub log: Arc<dyn Fn(String) + Send + Sync>,
}

impl Watch {
    /// Looks again and again until the deciding task has ended.
    pub async fn run(self) {
        let (machine, cores) = Machine::start();
        tokio::select! {
            () = self.follow(machine) => {}
            () = self.control.closed() => {}
        }
        cores.abort();
    }

    async fn follow(&self, mut machine: Machine) {
        let (mut externals, mut told, mut is_first) = (Externals::new(), Vec::new(), true);
        let mut changes = self.sessions.follow();
        loop {
            let config = self.sessions.config();
            let began = clock::instant();
            let roots = self.catalogs.current().all().iter().map(|entry| entry.row.root.clone()).collect();
            let (readings, gpus) = machine.read(&config, &roots).await;
            // Without the deciding task the daemon is ending.
            let _ = self.control.see(Seen::Readings(Box::new(readings)));
            let here = (&*config, &self.sessions, &self.control);
            let Looked { attached, due } = externals.look(here, &self.catalogs, &gpus).await;
            if let Some(attached) = attached {
                self.tell(&told, &attached);
                told = attached;
            }
            due.into_iter().for_each(|key| self.take_over(key));
            if std::mem::take(&mut is_first)
                && let Err(error) = own_memory::release_code()
            {
                (self.log)(format!("the code for starting stays in memory: {error}"));
            }
            let interval = config.lifecycle.interval;
            let until = if externals.is_waiting() { interval.min(SECOND_LOOK) } else { interval };
            let rest = until.saturating_sub(began.elapsed()).max(LEAST_REST);
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                // Other thresholds or another interval hold at once.
                Ok(()) = changes.changed() => {}
            }
        }
    }

    /// Logs which servers of others have come into use or are not used any more.
    fn tell(&self, before: &[Attach], now: &[Attach]) {
        let is_in = |all: &[Attach], one: &Attach| {
            all.iter().any(|other| other.model == one.model && other.endpoint == one.endpoint)
        };
        let name = |attach: &Attach| {
            let catalog = self.catalogs.current();
            catalog.by_id(&attach.model).map_or_else(|| attach.model.to_string(), |entry| entry.name().to_owned())
        };
        for attach in now.iter().filter(|attach| !is_in(before, attach)) {
            (self.log)(format!("{} is answered by an external server at {}", name(attach), attach.endpoint));
        }
        for attach in before.iter().filter(|attach| !is_in(now, attach)) {
            (self.log)(format!("the server at {} no longer answers for {}", attach.endpoint, name(attach)));
        }
    }

    /// Starts ours in place of a server that has gone, without evicting anything.
    fn take_over(&self, key: crate::lifecycle::ServerKey) {
        let (control, log) = (self.control.clone(), Arc::clone(&self.log));
        drop(tokio::spawn(async move {
            match control.start(key.clone(), false).await {
                Ok(started) => log(format!("{} was started: its external server is gone", started.name)),
                Err(denial) => log(format!(
                    "{key} was not started in place of an external server that is gone: {}",
                    denial.message
                )),
            }
        }));
    }
}
