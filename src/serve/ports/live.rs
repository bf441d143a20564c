use crate::lifecycle::Phase;
use crate::model::ModelId;
use crate::serve::control::Server;
use std::collections::BTreeSet;

/// The models that have a process, as far as it was noted.
#[derive(Debug, Default)]
pub(super) struct Live(BTreeSet<ModelId>);

/// What has changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub started: Vec<ModelId>,
    pub stopped: Vec<ModelId>,
}

impl Live {
    /// Notes the servers as they are now. A model is between both while its server waits, stops or has crashed: it then
    /// stays what it was.
    pub fn update(&mut self, servers: &[Server]) -> Changes {
        let of = |is: fn(&Phase) -> bool| -> BTreeSet<&ModelId> {
            // A service has its own port, and reserved memory has none.
            let models = servers.iter().filter(|server| server.view.key.is_model());
            models.filter(|server| is(&server.view.phase)).map(|server| &server.view.key.model).collect()
        };
        let running = of(|phase| matches!(phase, Phase::Starting { .. } | Phase::Ready));
        let known = of(|phase| *phase != Phase::Stopped);
        let started: Vec<ModelId> = running.into_iter().filter(|model| !self.0.contains(*model)).cloned().collect();
        let stopped: Vec<ModelId> = self.0.iter().filter(|model| !known.contains(model)).cloned().collect();
        self.0.retain(|model| known.contains(model));
        self.0.extend(started.iter().cloned());
        Changes { started, stopped }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::{Purpose, ServerKey, ServerView, Shape};
    use crate::supervise::LogRing;
    use crate::testing::sample_row;
    use std::time::Duration;

    fn server(name: &str, purpose: Purpose, phase: Phase) -> Server {
        let key = ServerKey { model: sample_row(name).id, purpose };
        let (name, reserved) = (name.to_owned(), Vec::new());
        let view = ServerView {
            key,
            name,
            phase,
            pinned: false,
            in_flight: 0,
            queued: 0,
            waiting: [0; 3],
            slots: 0,
            reserved,
            shape: Shape::default(),
            last_error: None,
            expires: None,
        };
        Server { view, info: None, ready: None, expires: None, retry: None, log: LogRing::new() }
    }

    /// A model loses its port at no other moment than the one when nothing of it runs any more.
    #[test]
    fn a_model_is_live_from_its_start_until_all_its_servers_are_stopped() {
        let (mut live, id) = (Live::default(), sample_row("a").id);
        let main = |phase| server("a", Purpose::Main, phase);
        let started = Changes { started: vec![id.clone()], stopped: Vec::new() };
        assert_eq!(live.update(&[main(Phase::Queued)]), Changes::default(), "it may never get its memory");
        assert_eq!(live.update(&[main(Phase::Starting { progress: 0.5 })]), started);
        assert_eq!(live.update(&[main(Phase::Ready)]), Changes::default());
        for phase in [Phase::Backoff { until: Duration::from_millis(1) }, Phase::Queued, Phase::Ready, Phase::Stopping]
        {
            assert_eq!(live.update(&[main(phase)]), Changes::default(), "a crash is no end");
        }
        let both = [main(Phase::Stopped), server("a", Purpose::Vectors, Phase::Ready)];
        assert_eq!(live.update(&both), Changes::default());
        let stopped = Changes { started: Vec::new(), stopped: vec![id] };
        assert_eq!(live.update(&[main(Phase::Stopped)]), stopped);
        assert_eq!(live.update(&[]), Changes::default());
        assert_eq!(live.update(&[main(Phase::Ready)]), started);
    }
}
