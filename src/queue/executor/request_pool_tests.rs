use super::*;
use crate::queue::executor::ServerEnd;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use std::os::unix::net::UnixListener;

/// A server that closes every connection, and ends in this way, or not at all.
#[derive(Debug, Clone)]
struct Closing {
    endpoint: Endpoint,
    end: Option<ServerEnd>,
}

impl SharedServers for Closing {
    fn slot(&self, _: &ModelId) -> BoxFuture<'static, Result<Box<dyn Slot>, NoSlot>> {
        let slot: Box<dyn Slot> = Box::new(self.clone());
        async { Ok(slot) }.boxed()
    }
}

impl Slot for Closing {
    fn endpoint(&self) -> Endpoint {
        self.endpoint.clone()
    }

    fn slots(&self) -> usize {
        1
    }

    fn gives_signs(&self) -> bool {
        true
    }

    fn ended(&mut self) -> BoxFuture<'_, ServerEnd> {
        match self.end.clone() {
            Some(end) => async { end }.boxed(),
            None => std::future::pending().boxed(),
        }
    }
}

/// Without it a task would be blamed, or cleared, by whichever of the two is seen first: the connection that breaks, or
/// the end of the server.
#[test]
fn a_connection_that_breaks_waits_for_what_the_end_of_the_server_says() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    let listener = UnixListener::bind(&path).unwrap();
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let end = |suspicion| Some(ServerEnd { why: "it ended".to_owned(), suspicion });
    for (end, expected) in [
        (end(Suspicion::Alone), Suspicion::Alone),
        (end(Suspicion::Shared), Suspicion::Shared),
        (end(Suspicion::None), Suspicion::None),
        (None, Suspicion::Shared),
    ] {
        let (sender, received) = events();
        let progress = Progress::default();
        let hold = Hold { id: TaskId(1), token: 1, nonce: None };
        progress.mark(hold);
        let pool = RequestPool::start(sender, progress.clone(), &StopSignal::new(), &StopSignal::new());
        let servers = Arc::new(Closing { endpoint: Endpoint::Unix(path.clone()), end });
        let route = Route::Shared { servers, model: ModelId("m".into()), first: Arc::default() };
        let pool = pool.unwrap();
        pool.send(Job { hold, route, path: "/v1/completions", body: b"{}".to_vec() });
        let event = received.recv_timeout(Duration::from_secs(20)).unwrap();
        assert!(matches!(event, Event::Response(_, Err(Broken::Connection(_)))), "{event:?}");
        assert_eq!(progress.suspicion(hold), expected);
    }
}
