use crate::lifecycle::Profile;
use crate::model::lifecycle::{Mode, Rung};
use crate::model::server::ServerSettings;
use crate::model::service::ServiceSpec;
use crate::model::{DeviceBytes, Model, ModelRow};

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
    /// Memory for another program: there is nothing to start.
    Headroom,
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
            What::Service(_) | What::Headroom => 0,
        }
    }

    /// Returns the same as it is started with `needs`, which are those of one of its rungs.
    pub fn with_needs(mut self, needs: &[DeviceBytes]) -> Prepared {
        let rung = self.profile.rungs.iter().find(|rung| rung.needs == needs).cloned();
        self.profile.needs = needs.to_vec();
        if let Some(rung) = rung {
            self.apply(&rung);
        }
        self
    }

    fn apply(&mut self, rung: &Rung) {
        match &mut self.what {
            What::Model(parts) => {
                parts.settings.context = rung.context;
                parts.settings.gpu_layers = match rung.mode {
                    Mode::Gpu => parts.settings.gpu_layers,
                    Mode::CpuOffload => rung.gpu_layers.or(parts.settings.gpu_layers),
                    Mode::CpuOnly => Some(0),
                };
            }
            What::Service(parts) => parts.is_on_cpu = rung.mode == Mode::CpuOnly,
            What::Headroom => {}
        }
    }
}
