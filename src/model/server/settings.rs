use super::{Choices, Class, Engine};
use crate::model::lifecycle::{Degrade, NodeTier};
use std::collections::BTreeMap;
use std::time::Duration;

/// The largest context of a server for which none was chosen.
const LARGEST: u32 = 32_768;
/// The smallest context that a server without a chosen one is loaded with to make it fit.
const SMALLEST: u32 = 4_096;

/// What holds for a server where nothing was chosen for its model.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Defaults {
    pub engine: Engine,
    /// `None`: as many as are best for this machine.
    pub threads: Option<u32>,
    /// `None`: all that fit on the GPU.
    pub gpu_layers: Option<u32>,
    /// The time without a request after which a server is stopped.
    pub idle_timeout: Option<Duration>,
}

/// How the server of one model is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerSettings {
    pub engine: Engine,
    /// Tokens of context of one request.
    pub context: u32,
    /// Whether a person chose the context. Only another one may be made smaller so that the model fits.
    pub is_context_chosen: bool,
    /// Requests answered at the same time; `None`: the engine's own number.
    pub parallel: Option<u32>,
    pub gpu_layers: Option<u32>,
    pub threads: Option<u32>,
    /// Further arguments for llama-server.
    pub args: Vec<String>,
    pub env: BTreeMap<String, String>,
    /// The time without a request after which it is stopped; `None`: it stays until memory is needed.
    pub idle_timeout: Option<Duration>,
    /// The class of requests that name none.
    pub priority: Class,
    /// Whether a model that generates text may get a second worker for vectors.
    pub embeddings: bool,
    /// What a person said may become less; `None`: nothing was said.
    pub degrade: Option<Vec<Degrade>>,
    pub no_degrade: bool,
    /// Its server is stopped only when bytes are needed.
    pub pressure_evict_only: bool,
    /// Its server is restarted without a limit.
    pub essential: bool,
    /// The least node on which it is started without a person.
    pub min_tier: Option<NodeTier>,
}

impl ServerSettings {
    /// Returns the settings of a model. `chosen` has the layers with choices, the one that wins first; `trained` is the
    /// number of tokens of context that the model was trained with.
    pub fn of<'c>(
        defaults: &Defaults,
        chosen: impl IntoIterator<Item = &'c Choices>,
        trained: Option<u32>,
    ) -> ServerSettings {
        let chosen = chosen.into_iter().fold(Choices::default(), |above, below| above.over(below));
        let own = trained.filter(|tokens| *tokens > 0);
        let context = match chosen.context {
            // More than the model was trained with gives nonsense. An operator who scales it does so with `args`.
            Some(context) => own.map_or(context, |own| context.min(own)),
            None => own.map_or(SMALLEST, |own| own.min(LARGEST)),
        };
        ServerSettings {
            engine: chosen.engine.unwrap_or(defaults.engine),
            context,
            is_context_chosen: chosen.context.is_some(),
            parallel: chosen.parallel,
            gpu_layers: chosen.gpu_layers.or(defaults.gpu_layers),
            threads: chosen.threads.or(defaults.threads),
            args: chosen.args.unwrap_or_default(),
            env: chosen.env.unwrap_or_default(),
            idle_timeout: chosen.idle_timeout.or(defaults.idle_timeout),
            priority: chosen.priority.unwrap_or_default(),
            embeddings: chosen.embeddings.unwrap_or(true),
            degrade: chosen.degrade,
            no_degrade: chosen.no_degrade.unwrap_or(false),
            pressure_evict_only: chosen.pressure_evict_only.unwrap_or(false),
            essential: chosen.essential.unwrap_or(false),
            min_tier: chosen.min_tier,
        }
    }

    /// Returns what may become less when memory runs out, or by a person's hand, in this order. A context that a person
    /// chose stays, unless that was allowed as well.
    pub fn degrade(&self) -> Vec<Degrade> {
        match &self.degrade {
            Some(steps) => steps.clone(),
            None if self.is_context_chosen => vec![Degrade::Layers],
            None => vec![Degrade::Layers, Degrade::Context],
        }
    }

    /// Returns the settings with half of the context, for a model that does not fit. `None` where the context was
    /// chosen, or half of it would be under 4,096.
    pub fn with_less_context(&self) -> Option<ServerSettings> {
        let half = self.context / 2;
        (!self.is_context_chosen && half >= SMALLEST).then(|| ServerSettings { context: half, ..self.clone() })
    }

    /// Returns the settings with at least that many tokens of context, as far as the model was trained with them.
    pub fn with_context_of_at_least(self, least: u32, trained: Option<u32>) -> ServerSettings {
        let least = trained.filter(|tokens| *tokens > 0).map_or(least, |own| least.min(own));
        ServerSettings { context: self.context.max(least), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(chosen: Option<u32>, trained: Option<u32>) -> ServerSettings {
        let chosen = Choices { context: chosen, ..Choices::default() };
        ServerSettings::of(&Defaults::default(), [&chosen], trained)
    }

    #[test]
    fn a_server_has_the_context_of_its_model_unless_a_person_chose_another() {
        assert_eq!(of(None, Some(2_048)).context, 2_048);
        assert_eq!(of(None, Some(131_072)).context, 32_768);
        assert_eq!(of(None, None).context, 4_096);
        assert_eq!(of(Some(65_536), Some(131_072)).context, 65_536);
        assert_eq!(of(Some(65_536), Some(8_192)).context, 8_192, "no model answers beyond its training");
    }

    #[test]
    fn a_model_that_does_not_fit_gets_half_the_context_but_never_less_than_was_chosen() {
        let contexts = |first: ServerSettings| -> Vec<u32> {
            std::iter::successors(Some(first), ServerSettings::with_less_context).map(|s| s.context).collect()
        };
        assert_eq!(contexts(of(None, Some(131_072))), [32_768, 16_384, 8_192, 4_096]);
        assert_eq!(contexts(of(None, Some(6_000))), [6_000]);
        assert_eq!(contexts(of(Some(16_384), Some(131_072))), [16_384]);
    }

    #[test]
    fn a_context_that_grows_never_shrinks_and_ends_where_the_training_does() {
        let grown = |least, trained| of(Some(4_096), trained).with_context_of_at_least(least, trained).context;
        assert_eq!(grown(8_192, Some(131_072)), 8_192);
        assert_eq!(grown(2_048, Some(131_072)), 4_096);
        assert_eq!(grown(65_536, Some(32_768)), 32_768);
        assert_eq!(grown(8_192, None), 8_192);
    }

    #[test]
    fn the_first_layer_wins_and_the_defaults_fill_the_rest() {
        let defaults = Defaults { threads: Some(6), gpu_layers: Some(99), ..Defaults::default() };
        let database = Choices { priority: Some(Class::Batch), ..Choices::default() };
        let file = Choices { priority: Some(Class::Normal), gpu_layers: Some(0), ..Choices::default() };
        let settings = ServerSettings::of(&defaults, [&database, &file], None);
        assert_eq!((settings.priority, settings.gpu_layers, settings.threads), (Class::Batch, Some(0), Some(6)));
    }
}
