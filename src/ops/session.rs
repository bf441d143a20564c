use super::OpEvent;
use crate::clock::Timestamp;
use crate::config::Config;
use crate::db::{Access, Db, SqliteQueue};
use crate::display::text;
use crate::failure::Failure;
use crate::host::actor::actor;
use crate::host::file_system::is_missing;
use crate::model::task::{Moment, Policy};
use crate::model::{Action, Actor, Event};
use crate::queue::{OpenQueue, Queue};
use std::cell::OnceCell;
use std::sync::Arc;

/// The context of every recipe: the configuration, the time, the actor, and the model database.
pub struct Session {
    pub config: Config,
    /// Start of the work; the time of everything that it records.
    pub now: Timestamp,
    /// Whether a database that is named and not there counts as empty: what is in a trash outlives it.
    pub may_lack_database: bool,
    actor: OnceCell<Actor>,
    db: Option<(Access, Db)>,
    notices: Vec<OpEvent>,
}

impl Session {
    pub fn new(config: Config, now: Timestamp) -> Session {
        Session { config, now, may_lack_database: false, actor: OnceCell::new(), db: None, notices: Vec::new() }
    }

    /// Returns the model database, opened on first use.
    ///
    /// # Errors
    /// Those of [`Db::open`].
    pub fn db(&mut self, access: Access) -> anyhow::Result<&mut Db> {
        let fits = matches!(
            (&self.db, access),
            (Some((Access::ReadWrite, _)), _) | (Some(_), Access::ReadOnly | Access::Observe)
        );
        if !fits {
            // Close a read-only handle before the file is opened for writing.
            self.db = None;
        }
        let db = match self.db.take() {
            Some(open) => open,
            None => (access, self.open_db(access)?),
        };
        Ok(&mut self.db.insert(db).1)
    }

    fn open_db(&mut self, access: Access) -> anyhow::Result<Db> {
        let path = &self.config.database;
        // Whoever observes a node says itself what is missing on it.
        if access == Access::ReadOnly && self.config.is_database_named && !self.may_lack_database && is_missing(path) {
            let message = format!("there is no database at `{}`", text::clean(&path.to_string_lossy()));
            return Err(Failure::cannot_meet(message)
                .hint("check --db and MODELCTL_DB; `modelctl scan` creates it")
                .into());
        }
        if let (Access::ReadWrite, Some(home)) = (access, &self.config.missing_home) {
            let home = text::clean(&home.to_string_lossy()).into_owned();
            let message = format!("HOME is `{home}`, which does not exist: no database is created there");
            return Err(Failure::cannot_meet(message).hint("set HOME, or name a database: --db or MODELCTL_DB").into());
        }
        let db = Db::open(path, access)?;
        if db.was_exposed() {
            self.notices.push(OpEvent::warning(format!(
                "other users could read the database `{}`, which contains prompts and answers; changed its mode to 0600",
                text::clean(&db.path().to_string_lossy())
            )));
        }
        Ok(db)
    }

    /// Returns the durable queue, for a recipe that queries it now and then, on the handle of the database that holds
    /// it.
    pub fn queue(&mut self, access: Access) -> anyhow::Result<&mut dyn Queue> {
        Ok(self.db(access)?)
    }

    /// Opens a separate handle on the durable queue, for code that works on it for longer.
    pub fn open_queue(&mut self) -> anyhow::Result<Box<dyn Queue>> {
        // Open the database first: it reports what a person should know about the file.
        self.db(Access::ReadWrite)?;
        self.queues().open()
    }

    /// Returns a value that opens handles for other threads.
    pub fn queues(&self) -> Arc<dyn OpenQueue> {
        Arc::new(SqliteQueue::new(&self.config.database))
    }

    /// Closes the model database; the next use opens it again.
    pub fn close_db(&mut self) {
        self.db = None;
    }

    /// Returns the actor behind this session.
    pub fn actor(&self) -> &Actor {
        self.actor.get_or_init(|| actor(self.config.sudo_user.as_deref()))
    }

    /// Returns an event for the history with actor, time (the start of this work) and action, to be completed.
    pub fn event(&self, action: Action) -> Event {
        Event::new(self.now, self.actor().clone(), action)
    }

    /// Returns a name of this process for those that wait for it: `modelctl serve (process 12, since 2026-11-28T…)`.
    pub fn who(&self, command: &str) -> String {
        format!("{command} (process {}, since {})", std::process::id(), self.now.rfc3339())
    }

    /// Returns the time by the clock of the queue, with its policy.
    pub fn moment(&mut self, access: Access) -> anyhow::Result<Moment> {
        Ok(Moment { now: self.queue(access)?.now()?, policy: Policy::default() })
    }

    /// Takes the notices of the session itself, which has no sink of its own.
    pub fn take_notices(&mut self) -> Vec<OpEvent> {
        std::mem::take(&mut self.notices)
    }
}
