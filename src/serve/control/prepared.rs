use super::rungs::settings_of;
use crate::lifecycle::{ChosenRung, Profile};
use crate::model::lifecycle::{Mode, NodeTier};
use crate::model::server::ServerSettings;
use crate::model::service::ServiceSpec;
use crate::model::{Model, ModelRow};

/// What can be started as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    pub profile: Profile,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq)]
pub enum What {
    Model(Box<ModelParts>),
    Service(Box<ServiceParts>),
}

/// A model with what its server needs.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelParts {
    pub row: ModelRow,
    pub model: Model,
    pub settings: ServerSettings,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ServiceParts {
    pub spec: ServiceSpec,
    /// Whether it is started with what makes it work without a GPU.
    pub is_on_cpu: bool,
}

impl Prepared {
    /// Returns the tokens of context of one request; 0 for what has none.
    pub fn context(&self) -> u32 {
        match &self.what {
            What::Model(parts) => parts.settings.context,
            What::Service(_) => 0,
        }
    }

    /// Returns the same as it is started in one of its ways.
    pub fn on(mut self, chosen: &ChosenRung) -> Prepared {
        self.profile.needs.clone_from(&chosen.rung.needs);
        // Without rungs there is only one way, which the settings say.
        if !self.profile.rungs.is_empty() {
            match &mut self.what {
                What::Model(parts) => parts.settings = settings_of(&parts.settings, &chosen.rung),
                What::Service(parts) => parts.is_on_cpu = chosen.rung.mode == Mode::CpuOnly,
            }
        }
        self
    }
}

/// What a person says of a model that counts at once, also for a server that runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags {
    pub pinned: bool,
    pub no_degrade: bool,
    pub pressure_evict_only: bool,
    pub essential: bool,
    pub min_tier: Option<NodeTier>,
}

impl Flags {
    /// Sets the flags of a profile. Returns whether that changed any.
    pub fn apply(self, profile: &mut Profile) -> bool {
        let before = profile.clone();
        profile.pinned = self.pinned;
        profile.no_degrade = self.no_degrade;
        profile.pressure_evict_only = self.pressure_evict_only;
        profile.essential = self.essential;
        profile.min_tier = self.min_tier;
        *profile != before
    }
}
