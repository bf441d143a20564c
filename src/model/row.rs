use super::server::Choices;
use super::{Damage, Kind, Model, ModelId, Named, Role, State, StoreKind, Tier, TierLimits, damage, tier_of};
use crate::clock::Timestamp;
use std::path::{Path, PathBuf};

/// One row of `list`: the fields needed to sort, filter and print, without the whole model.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelRow {
    pub id: ModelId,
    pub name: String,
    pub store: StoreKind,
    pub root: PathBuf,
    pub repo: Option<String>,
    pub kind: Kind,
    /// The state, with the findings of `verify` applied.
    pub state: State,
    pub reason: Option<String>,
    /// The proof that it is damaged; None for a model that is only unsupported, unreadable or incomplete.
    pub damage: Option<Damage>,
    /// The path of the main file or first shard.
    pub path: PathBuf,
    pub content: Option<String>,
    pub architecture: Option<String>,
    pub family: Option<String>,
    /// The quantization label (`Q4_K_M`).
    pub quant: Option<String>,
    pub bits_per_weight: Option<f64>,
    pub parameters: Option<u64>,
    pub context_length: Option<u64>,
    /// Apparent bytes of all files.
    pub size: u64,
    /// Bytes of disk in use by all files.
    pub allocated: u64,
    /// Bytes of tensor data without the projector.
    pub weights: u64,
    pub chat_template: bool,
    /// The number of files, without the projector.
    pub shards: u32,
    pub mmproj: bool,
    pub enabled: bool,
    pub pinned: bool,
    pub tier_override: Option<Tier>,
    pub alias: Option<String>,
    /// What was set for its server.
    pub server: Choices,
    pub first_seen: Timestamp,
    pub last_used: Option<Timestamp>,
    pub use_count: u64,
    /// Further names in its store, as the store itself answers; empty until the store was asked.
    pub also_named: Vec<String>,
}

impl ModelRow {
    /// Returns the row of a model as its files are, without the findings of `verify`.
    pub fn of(model: &Model) -> ModelRow {
        let facts = model.facts();
        let main = model.main().or(model.artifacts.first());
        let header = main.and_then(|main| damage(&main.header, None, None));
        ModelRow {
            id: model.id.clone(),
            name: model.name.clone(),
            store: model.store,
            root: model.root.clone(),
            repo: model.repo.clone(),
            kind: model.kind,
            state: model.state,
            reason: model.reason.clone(),
            damage: header.map(|(damage, _)| damage),
            path: main.map(|main| main.path.clone()).unwrap_or_default(),
            content: model.content.clone(),
            architecture: facts.and_then(|f| f.architecture.clone()),
            family: facts.and_then(|f| f.family.clone()),
            quant: facts.map(|f| f.quant.label.clone()),
            bits_per_weight: facts.and_then(|f| f.quant.bits_per_weight),
            parameters: model.parameters(),
            context_length: facts.and_then(|f| f.context_length),
            size: model.size(),
            allocated: model.allocated(),
            weights: model.weights(),
            chat_template: facts.is_some_and(|f| f.chat_template),
            shards: u32::try_from(model.artifacts.iter().filter(|a| a.role != Role::Mmproj).count())
                .unwrap_or(u32::MAX),
            mmproj: model.mmproj().is_some(),
            enabled: model.settings.enabled,
            pinned: model.settings.pinned,
            tier_override: model.settings.tier,
            alias: model.settings.alias.clone(),
            server: model.settings.server.clone(),
            first_seen: model.first_seen,
            last_used: model.usage.last_used,
            use_count: model.usage.use_count,
            also_named: Vec::new(),
        }
    }

    /// Returns the row of a model as its files are, without the findings of `verify`.
    pub fn not_served(&self) -> Option<String> {
        if !self.enabled {
            return Some(format!("is disabled; `modelctl set {} --enable` enables it", self.id));
        }
        if self.state != State::Ready {
            return Some(format!("cannot be served, because it is {}", self.state.because(self.reason.as_deref())));
        }
        if !self.kind.is_served() {
            return Some(format!("cannot be served: its kind is {}", self.kind.name()));
        }
        None
    }

    /// Returns the number of tokens of context that the model was trained with, where its header says so.
    pub fn trained_context(&self) -> Option<u32> {
        self.context_length.and_then(|tokens| u32::try_from(tokens).ok()).filter(|tokens| *tokens > 0)
    }

    /// Returns the tier that a person set, otherwise the computed one; None for a model that is not served or has no
    /// readable header.
    pub fn tier(&self, limits: &TierLimits) -> Option<Tier> {
        if !self.kind.is_served() {
            return None;
        }
        self.tier_override.or_else(|| self.parameters.map(|p| tier_of(p, self.weights, limits)))
    }
}

impl Named for ModelRow {
    fn id(&self) -> &ModelId {
        &self.id
    }
    fn name(&self) -> &str {
        &self.name
    }
    fn alias(&self) -> Option<&str> {
        self.alias.as_deref()
    }
    fn has_path(&self, path: &Path) -> bool {
        self.path == path
    }
    fn also_named(&self) -> &[String] {
        &self.also_named
    }
}

/// The result of a scan for one root, for the report and the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootState {
    /// The root was read to its end.
    Read,
    /// The root is missing, empty, unmounted or unreadable although the database knows models in it, or it could not be
    /// read to its end. None of its models is marked as gone.
    Unavailable { reason: String },
}

impl RootState {
    /// Returns the name used in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            RootState::Read => "read",
            RootState::Unavailable { .. } => "unavailable",
        }
    }

    /// Returns the reason why it is unavailable.
    pub fn reason(&self) -> Option<&str> {
        match self {
            RootState::Read => None,
            RootState::Unavailable { reason } => Some(reason),
        }
    }
}
