//! Whether a service that runs still works.

use crate::http::{Endpoint, HttpError, Request, Whole, fetch};
use crate::model::Reading;
use std::time::Duration;

/// The time between two checks.
pub const EVERY: Duration = Duration::from_secs(5);
/// The time that an answer may take.
const LIMIT: Duration = Duration::from_secs(2);
/// Checks in a row that a service without a request may miss.
const MISSES: u32 = 6;

/// The outcome of one health check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    Good,
    /// It answered with an error, or nobody listens.
    Bad(String),
    /// There was no answer in time: many answer nothing else while they work.
    Silent(String),
}

impl Health {
    /// Returns whether the service is healthy; unavailable where the check gave no answer.
    pub fn reading(&self) -> Reading<bool> {
        match self {
            Health::Good => Reading::Known(true),
            Health::Bad(_) => Reading::Known(false),
            Health::Silent(why) => Reading::Unavailable(why.clone()),
        }
    }
}

/// Checks the health of a service.
pub async fn ask(endpoint: &Endpoint, path: &str) -> Health {
    match fetch(Request::get(endpoint.clone(), path), LIMIT).await {
        Ok(Whole { status: 200..=299, .. }) => Health::Good,
        Ok(Whole { status, .. }) => Health::Bad(format!("it returns {status} for {path}")),
        Err(HttpError::Refused) => Health::Bad("nothing listens on its port".to_owned()),
        Err(error) => Health::Silent(format!("it does not answer {path}: {error}")),
    }
}

/// Checks in a row that were not good while the service had nothing to do.
#[derive(Debug, Default)]
pub struct Silence(u32);

impl Silence {
    /// Takes a check into account. Returns why the service counts as not working, once.
    pub fn observe(&mut self, health: &Health, is_busy: bool) -> Option<String> {
        match health {
            Health::Good => self.0 = 0,
            _ if is_busy => self.0 = 0,
            Health::Bad(_) | Health::Silent(_) => self.0 = self.0.saturating_add(1),
        }
        let why = match health {
            Health::Bad(why) | Health::Silent(why) => why,
            Health::Good => return None,
        };
        let seconds = EVERY.saturating_mul(MISSES).as_secs();
        (self.0 == MISSES).then(|| format!("its health check failed for {seconds} s without a request: {why}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A speech server that answers nothing else while it transcribes must not be killed in the middle of its work, and
    /// one that hangs with nothing to do must not stay.
    #[test]
    fn only_a_service_that_is_silent_without_a_request_counts_as_not_working() {
        let silent = Health::Silent("it does not answer".to_owned());
        let mut silence = Silence::default();
        assert!((0..100).all(|_| silence.observe(&silent, true).is_none()));
        assert!((1..MISSES).all(|_| silence.observe(&silent, false).is_none()));
        assert_eq!(silence.observe(&Health::Good, false), None);
        assert!((1..MISSES).all(|_| silence.observe(&silent, false).is_none()), "it began anew");
        assert!(silence.observe(&silent, false).is_some_and(|why| why.contains("for 30 s without a request")));
        assert_eq!(silence.observe(&silent, false), None, "it is told once");
    }

    #[tokio::test]
    async fn an_error_is_bad_health_and_no_answer_is_unknown_health() {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = Endpoint::port(closed.local_addr().unwrap().port());
        // It listens, and answers nothing.
        assert!(matches!(ask(&endpoint, "/health").await.reading(), Reading::Unavailable(_)));
        drop(closed);
        assert_eq!(ask(&endpoint, "/health").await.reading(), Reading::Known(false));
    }
}
