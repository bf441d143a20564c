use super::log_ring::{LogFollower, LogRing};
use super::readiness::{NotReady, Readiness, Sign};
use crate::http::{Endpoint, Request, Whole, fetch};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior};

/// Interval between two requests to a server that starts.
const EVERY: Duration = Duration::from_millis(100);
/// Time that one answer may take: a server that loads may answer late.
const ANSWER: Duration = Duration::from_secs(10);

/// Readiness of a server that answers `GET` of a path with 200, or another success, once it can be used, and with 503 while it loads, as
/// llama-server does for `/health`.
#[derive(Debug)]
pub struct HttpHealth {
    request: Request,
    /// Created on first use, because it needs a runtime.
    ticks: Option<Interval>,
    /// The log of the server. Its lines are signs of life as well: servers log while they load, and are silent while
    /// they hang.
    log: Option<LogFollower>,
}

impl HttpHealth {
    /// Creates a check that requests `path` from `endpoint`, and counts lines in `log` as signs of life.
    pub fn new(endpoint: Endpoint, path: &str, log: Option<&LogRing>) -> HttpHealth {
        HttpHealth { request: Request::get(endpoint, path), ticks: None, log: log.map(LogRing::follow) }
    }

    async fn next(&mut self) -> Result<Sign, NotReady> {
        let ticks = self.ticks.get_or_insert_with(|| {
            let mut ticks = tokio::time::interval(EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        });
        loop {
            let log = &mut self.log;
            let line = async {
                match log {
                    Some(log) => log.next().await,
                    None => None,
                }
            };
            tokio::select! {
                Some(_) = line => return Ok(Sign::Starting(None)),
                _ = ticks.tick() => {}
            }
            match fetch(self.request.clone(), ANSWER).await {
                Ok(Whole { status: 200..=299, .. }) => return Ok(Sign::Ready),
                Ok(Whole { status: 503, .. }) => return Ok(Sign::Starting(None)),
                // It does not listen yet, or answers with another status: neither is a sign of readiness.
                Ok(_) | Err(_) => {}
            }
        }
    }
}

impl Readiness for HttpHealth {
    fn sign(&mut self) -> Pin<Box<dyn Future<Output = Result<Sign, NotReady>> + Send + '_>> {
        Box::pin(self.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervise::readiness::{StartLimits, until_ready};
    use crate::supervise::{Ending, SpawnSpec, spawn};
    use axum::Router;
    use axum::http::StatusCode;
    use axum::routing::get;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    const LONG: Duration = Duration::from_secs(20);
    const LIMITS: StartLimits = StartLimits { whole: LONG, silence: LONG };

    #[tokio::test]
    async fn a_server_is_ready_when_its_health_is_good() {
        let asked = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&asked);
        let health = move || async move {
            if count.fetch_add(1, Ordering::Relaxed) < 2 { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = Endpoint::port(listener.local_addr().unwrap().port());
        tokio::spawn(axum::serve(listener, Router::new().route("/health", get(health))).into_future());
        let mut child = spawn(&SpawnSpec::new("/bin/sh", ["-c", "read -r line"])).unwrap();
        let mut health = HttpHealth::new(endpoint, "/health", None);
        assert_eq!(until_ready(&mut child, &mut health, LIMITS, |_| {}).await, Ok(()));
        assert_eq!(asked.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn a_server_that_never_listens_is_silent_or_has_ended() {
        let dir = tempfile::tempdir().unwrap();
        let endpoint = Endpoint::Unix(dir.path().join("none"));
        let mut child = spawn(&SpawnSpec::new("/bin/sh", ["-c", "read -r line; exit 5"])).unwrap();
        let silence = Duration::from_millis(30);
        let mut health = HttpHealth::new(endpoint, "/health", None);
        let silent = until_ready(&mut child, &mut health, StartLimits { silence, ..LIMITS }, |_| {}).await;
        assert_eq!(silent, Err(NotReady::Silent(silence)));
        drop(child.take_stdin());
        let ended = until_ready(&mut child, &mut health, LIMITS, |_| {}).await;
        assert_eq!(ended, Err(NotReady::Ended(Some(Ending::Exited(5)))));
    }

    #[tokio::test]
    async fn what_a_server_logs_is_a_sign_of_life() {
        let log = LogRing::new();
        log.collect(std::io::Cursor::new("loading\n")).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let mut health = HttpHealth::new(Endpoint::Unix(dir.path().join("none")), "/health", Some(&log));
        let sign = tokio::time::timeout(LONG, health.sign()).await.unwrap();
        assert_eq!(sign, Ok(Sign::Starting(None)));
    }
}
