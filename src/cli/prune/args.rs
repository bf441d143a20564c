//! The command line of `modelctl prune`, and its conversion to a request.

use super::super::Exit;
use crate::model::{Age, Selector, StoreKind, age, recent, size};
use crate::ops::prune::{Request, Selection, read};
use clap::Args;
use std::path::PathBuf;

/// Remove unused models and leftover files (dry run unless --confirm)
///
/// Without --confirm nothing is changed: the plan is shown, with a reason for every row. With it, selected files are
/// moved to the trash, from where `modelctl trash restore` brings them back; --purge deletes them at once.
///
/// Models are selected by --unused-for, --older-than and --model; a model must match all of those that are given.
/// --superseded, --orphans, --partials, --damaged and --duplicates select other files of the stores, even if --model names
/// models; the age limits apply to them too. --free and --max-total stop as soon as the target is reached, and select
/// everything if no other rule is given. Without a rule, nothing is removed.
///
/// The trash counts as free space for --free: if emptying it is enough, no model is removed. A target that is not
/// reached is reported with exit code 1. Never removed: pinned models, keep hints, --keep, --min-keep, files in use or
/// possibly in use, files used or added within the grace period, models that a waiting task needs, files in a desktop
/// trash or a snapshot, and files below a root that is too wide (`/`, other users' homes, a root that contains another
/// root) unless named.
///
/// If a named model is kept, the exit code is 4 when it is in use, else 3. With --confirm, a model must be named in
/// full or by its id.
#[derive(Debug, Args)]
pub struct PruneArgs {
    /// Models not used for this long (`30d`, `12h`, `3mo`)
    #[arg(long, value_name = "AGE", value_parser = age, allow_hyphen_values = true, help_heading = "What is removed")]
    pub unused_for: Option<Age>,
    /// The same in days
    #[arg(long, value_name = "DAYS", value_parser = days, conflicts_with = "unused_for", help_heading = "What is removed")]
    pub prune_days: Option<u32>,
    /// Models not modified for this long
    #[arg(long, value_name = "AGE", value_parser = age, allow_hyphen_values = true, help_heading = "What is removed")]
    pub older_than: Option<Age>,
    /// These models: an id, a name, an alias or a path
    #[arg(long = "model", value_name = "MODEL", help_heading = "What is removed")]
    pub models: Vec<String>,
    /// Free space to reach on the file system (`50GiB`), the least recently used first
    #[arg(long, value_name = "SIZE", value_parser = size, help_heading = "What is removed")]
    pub free: Option<u64>,
    /// To reach --free, delete items in the trash for good, oldest first and only as needed
    #[arg(long, help_heading = "What is removed")]
    pub empty_trash: bool,
    /// Maximum total size of all models (`200GiB`)
    #[arg(long, value_name = "SIZE", value_parser = size, help_heading = "What is removed")]
    pub max_total: Option<u64>,
    /// Files referenced only by an old revision
    #[arg(long, help_heading = "What is removed")]
    pub superseded: bool,
    /// Files that nothing references
    #[arg(long, help_heading = "What is removed")]
    pub orphans: bool,
    /// Unfinished downloads, and split models with parts missing
    #[arg(long, help_heading = "What is removed")]
    pub partials: bool,
    /// Truncated and corrupt models
    #[arg(long, help_heading = "What is removed")]
    pub damaged: bool,
    /// Duplicate copies (same sha256) within one store; keeps a copy that `modelctl verify --hash` has checked
    #[arg(long, help_heading = "What is removed")]
    pub duplicates: bool,
    /// With --duplicates: also copies in different stores, which then lose the model
    #[arg(long, requires = "duplicates", help_heading = "What is removed")]
    pub across_stores: bool,
    /// With --across-stores: the store whose copy is kept
    #[arg(long, value_name = "STORE", value_parser = store, requires = "across_stores", help_heading = "What is kept")]
    pub prefer: Option<StoreKind>,
    /// Keep models that match this name, id, path or glob (`*-Q8_0`)
    #[arg(long, value_name = "GLOB", help_heading = "What is kept")]
    pub keep: Vec<String>,
    /// Keep at least this many usable models, over all stores (also: AUTO_PRUNE_MIN_KEEP)
    #[arg(long, value_name = "N", value_parser = count, help_heading = "What is kept")]
    pub min_keep: Option<u64>,
    /// Keep files used, written or added within this time; 0 to disable
    #[arg(long, value_name = "AGE", value_parser = recent, default_value = "1h", help_heading = "What is kept")]
    pub grace: Age,
    /// Treat files whose use cannot be checked (processes of other users) as unused
    #[arg(long, help_heading = "What is kept")]
    pub assume_unused: bool,
    /// Show what would be done and change nothing; this is the default
    #[arg(long, short = 'n', conflicts_with = "confirm")]
    pub dry_run: bool,
    /// Apply the plan
    #[arg(long, short = 'y', visible_alias = "yes")]
    pub confirm: bool,
    /// Whether these are the arguments of `modelctl rm`.
    #[arg(skip)]
    pub is_rm: bool,
    /// Delete permanently instead of moving to the trash: no undo
    #[arg(long)]
    pub purge: bool,
    /// Also delete items that have been in the trash for this long; `trash.expire` in the config file takes precedence
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub expire_trash: Option<Age>,
    /// Allow rules to remove more than half of a store
    #[arg(long)]
    pub allow_large: bool,
    /// Trust the clock although it jumped ahead
    #[arg(long)]
    pub now_is_right: bool,
    /// Save the plan to this file, to be reviewed and then applied (`-`: standard output)
    #[arg(long, value_name = "FILE", conflicts_with = "confirm")]
    pub plan: Option<PathBuf>,
    /// Apply the plan in this file; anything that has changed since is left alone
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "unused_for", "prune_days", "older_than", "models", "free", "max_total", "superseded", "orphans", "partials",
        "damaged", "duplicates", "across_stores", "prefer", "keep", "min_keep", "grace", "plan",
    ])]
    pub apply: Option<PathBuf>,
    /// Exit with 10 if something was removed or would be, 0 if there is nothing to do
    #[arg(long)]
    pub exit_code: bool,
    /// List what is kept as well, with the reason for each
    #[arg(long)]
    pub all: bool,
    /// Print the plan and its result as JSON
    #[arg(long)]
    pub json: bool,
}

fn days(text: &str) -> Result<u32, String> {
    let days = text.parse().ok().filter(|days| (1..=36_500).contains(days));
    days.ok_or_else(|| format!("`{}` is not a number of days from 1 to 36500", text.escape_debug()))
}

fn count(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("`{}` is not a whole number", text.escape_debug()))
}

fn store(text: &str) -> Result<StoreKind, String> {
    StoreKind::from_name(text).ok_or_else(|| {
        let all: Vec<&str> = StoreKind::ALL.iter().map(|store| store.name()).collect();
        format!("`{}` is not a store; known are {}", text.escape_debug(), all.join(", "))
    })
}

impl PruneArgs {
    /// Returns the command line that removes these models. Naming them means them, however new they are.
    pub fn of_models(models: Vec<String>, confirm: bool, purge: bool, json: bool) -> PruneArgs {
        PruneArgs {
            all: false,
            unused_for: None,
            prune_days: None,
            older_than: None,
            models,
            free: None,
            empty_trash: false,
            max_total: None,
            superseded: false,
            orphans: false,
            partials: false,
            damaged: false,
            duplicates: false,
            across_stores: false,
            prefer: None,
            keep: Vec::new(),
            min_keep: None,
            grace: Age::days(0),
            assume_unused: false,
            dry_run: !confirm,
            confirm,
            is_rm: true,
            purge,
            expire_trash: None,
            allow_large: false,
            now_is_right: false,
            plan: None,
            apply: None,
            exit_code: false,
            json,
        }
    }

    /// Converts this command line to a request. Reads the saved plan.
    ///
    /// # Errors
    /// Cannot be met (3) for a file that is not a plan.
    pub fn request(&self) -> anyhow::Result<Request> {
        let selection = Selection {
            unused_for: self.unused_for.or(self.prune_days.map(Age::days)),
            older_than: self.older_than,
            free: self.free,
            max_total: self.max_total,
            superseded: self.superseded,
            orphans: self.orphans,
            partials: self.partials,
            damaged: self.damaged,
            duplicates: self.duplicates,
            across_stores: self.across_stores,
            prefer: self.prefer,
            models: self.models.iter().map(|model| Selector(model.clone())).collect(),
            min_keep: self.min_keep,
            grace: self.grace,
            assume_unused: self.assume_unused,
        };
        Ok(Request {
            selection,
            saved: self.apply.as_deref().map(read).transpose()?,
            keep: self.keep.clone(),
            confirm: self.confirm,
            purge: self.purge,
            allow_large: self.allow_large,
            empty_trash: self.empty_trash,
            expire_trash: self.expire_trash,
            now_is_right: self.now_is_right,
        })
    }

    /// Returns the exit of a run that ended well; with `--exit-code` it says whether something was done.
    pub fn verdict(&self, something: bool) -> Exit {
        if self.exit_code && something { Exit::Changed } else { Exit::Done }
    }
}
