use crate::config::{Config, Env, Flags};
use crate::db::{Access, Db};
use crate::ops::{OpEvent, Session, Sink, Step, Unit};
use crate::queue::Queue;
use crate::queue::executor::ExecutorEvent;
use crate::ui::{Progress, Ui, text, units};

/// The user interface and the session that every command receives.
pub struct Ctx {
    pub ui: Ui,
    pub session: Session,
    pub source: ConfigSource,
}

/// Where the config comes from, for a command that reads it again.
#[derive(Debug, Clone)]
pub struct ConfigSource {
    pub flags: Flags,
    pub env: Env,
}

impl ConfigSource {
    /// Loads all layers again.
    ///
    /// # Errors
    /// Those of [`Config::load`].
    pub fn load(&self) -> anyhow::Result<Config> {
        Config::load(&self.flags, &self.env)
    }
}

impl Ctx {
    /// Runs a recipe and prints its events as they come.
    pub fn run<T>(&mut self, recipe: impl FnOnce(&mut Session, &mut Sink<'_>) -> T) -> T {
        let mut printer = Printer::new(&mut self.ui);
        let done = recipe(&mut self.session, &mut |event| printer.print(event));
        drop(printer);
        self.print_notices();
        done
    }

    /// Like [`Ctx::run`], for a command that shows some events in a form of its own: `watch` receives each event before
    /// it is printed.
    pub fn run_watching<T>(
        &mut self,
        watch: &mut (dyn FnMut(&mut Ui, &OpEvent) + Send),
        recipe: impl FnOnce(&mut Session, &mut Sink<'_>) -> T,
    ) -> T {
        let mut printer = Printer::new(&mut self.ui);
        let done = recipe(&mut self.session, &mut |event| {
            match event {
                // The bar itself: nothing is printed.
                OpEvent::Progress(_) => watch(printer.ui, &event),
                _ => printer.print_below(|ui| watch(ui, &event)),
            }
            printer.print(event);
        });
        drop(printer);
        self.print_notices();
        done
    }

    /// Returns the model database, opened on first use.
    pub fn db(&mut self, access: Access) -> anyhow::Result<&mut Db> {
        let opened = self.session.db(access).map(|_| ());
        self.print_notices();
        opened?;
        self.session.db(access)
    }

    /// Returns the durable queue, for a command that queries it now and then.
    pub fn queue(&mut self, access: Access) -> anyhow::Result<&mut dyn Queue> {
        Ok(self.db(access)?)
    }

    /// Prints the notices of the session itself.
    pub fn print_notices(&mut self) {
        let notices = self.session.take_notices();
        let mut printer = Printer::new(&mut self.ui);
        notices.into_iter().for_each(|event| printer.print(event));
    }
}

/// Prints events for a person on standard error, below a progress bar while a step of the work lasts.
pub struct Printer<'a> {
    ui: &'a mut Ui,
    bar: Option<(Step, Progress)>,
    total: Option<u64>,
}

impl Printer<'_> {
    pub fn new(ui: &mut Ui) -> Printer<'_> {
        Printer { ui, bar: None, total: None }
    }

    /// Prints while the bar, if there is one, is hidden.
    fn print_below<T>(&mut self, print: impl FnOnce(&mut Ui) -> T) -> T {
        let ui = &mut *self.ui;
        match &self.bar {
            Some((_, bar)) => bar.suspend(|| print(ui)),
            None => print(ui),
        }
    }

    pub fn print(&mut self, event: OpEvent) {
        let progress = match event {
            OpEvent::Progress(progress) => progress,
            OpEvent::StepEnded { .. } => return self.bar = None,
            other => return self.print_below(|ui| say(ui, other)),
        };
        let step = progress.step;
        if self.bar.as_ref().is_none_or(|(of, _)| *of != step) {
            let total = progress.total.filter(|_| progress.unit == Unit::Items);
            self.bar = Some((step, self.ui.progress(step.name(), total)));
            self.total = total;
        }
        let Some((_, bar)) = &self.bar else { return };
        if let Some(total) = progress.total.filter(|total| self.total != Some(*total)) {
            self.total = Some(total);
            match progress.unit {
                Unit::Items => bar.set_total(total),
                Unit::Bytes => bar.set_total_bytes(total),
            }
        }
        bar.set_done(progress.done);
        bar.about(progress.about.as_deref().unwrap_or_default());
    }
}

fn say(ui: &mut Ui, event: OpEvent) {
    match event {
        OpEvent::Note { message } => ui.note(&message),
        OpEvent::Warning { message } => ui.warn(&message),
        OpEvent::Hint { message } => ui.hint(&message),
        OpEvent::Error { error } => ui.report(&error),
        OpEvent::Task(event) => say_of_task(ui, &event),
        // Commands that show these do so in a form of their own.
        OpEvent::Restored { .. } | OpEvent::TrashExpired { .. } | OpEvent::Text { .. } | OpEvent::RunEnded(_) => {}
        OpEvent::Progress(_) | OpEvent::StepEnded { .. } => {}
    }
}

/// Prints those events of tasks that a person wants to see while they happen.
fn say_of_task(ui: &mut Ui, event: &ExecutorEvent) {
    match event {
        ExecutorEvent::Recovered { requeued, failed } => {
            let failed = if *failed > 0 { format!(", {failed} expired") } else { String::new() };
            let tasks = units::plural(*requeued, "task");
            ui.note(&format!("recovered from a killed process: {tasks}{failed}"));
        }
        ExecutorEvent::Ready { model, took } => {
            ui.note(&format!("{} loaded in {}", text::clean(model), units::took(*took)))
        }
        ExecutorEvent::Ended { id, error: Some(error), state } => {
            ui.warn(&format!("task {id}: {}: {}", state.name(), text::clean(error)));
        }
        ExecutorEvent::Swapped { id, to, why } => {
            ui.warn(&format!("task {id}: {}; tried with {}", text::clean(why), text::clean(to)));
        }
        ExecutorEvent::Waiting { who } => {
            ui.note(&format!("the model is in use by {}, which runs the same tasks", text::clean(who)))
        }
        ExecutorEvent::BatchEnded { others } => {
            ui.note(&format!("the answers are written; waiting for {} to finish", units::plural(*others, "other task")))
        }
        ExecutorEvent::Stopping { running, grace } => {
            let (tasks, limit) = (units::plural(*running, "running task"), units::took(*grace));
            ui.note(&format!("stopping: {tasks} may finish within {limit}; a second Ctrl-C stops now"));
        }
        ExecutorEvent::Warning { message } => ui.warn(&text::clean(message)),
        ExecutorEvent::Waits { why: Some(why) } => ui.note(&format!("tasks wait: {}", text::clean(why))),
        ExecutorEvent::Waits { why: None } => ui.note("waiting tasks can run now"),
        ExecutorEvent::ByOthers { .. }
        | ExecutorEvent::Loading { .. }
        | ExecutorEvent::Started { .. }
        | ExecutorEvent::Ended { .. } => {}
    }
}
