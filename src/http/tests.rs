use super::*;
use axum::Router;
use axum::body::Body as AxumBody;
use axum::extract::ConnectInfo;
use axum::http::HeaderMap;
use axum::routing::{any, get};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

const LONG: Duration = Duration::from_secs(30);

/// Serves on a free port for as long as the test lives.
async fn serve(app: Router) -> Endpoint {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(axum::serve(listener, app).into_future());
    Endpoint::port(port)
}

/// A body that gives what is sent, and how to see that nobody reads it any more.
fn fed() -> (mpsc::Sender<Result<Bytes, std::io::Error>>, AxumBody) {
    let (sender, receiver) = mpsc::channel(1);
    (sender, AxumBody::from_stream(ReceiverStream::new(receiver)))
}

/// A handler that gives a body to whoever comes first.
fn once(body: AxumBody) -> impl Fn() -> std::future::Ready<AxumBody> + Clone + Send + Sync + 'static {
    let body = std::sync::Arc::new(std::sync::Mutex::new(Some(body)));
    move || std::future::ready(body.lock().unwrap().take().unwrap())
}

#[tokio::test]
async fn a_whole_answer_comes_over_either_kind_of_socket() {
    let app = || Router::new().route("/x", any(|body: Bytes| async move { (http_status(418), body) }));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    tokio::spawn(axum::serve(listener, app()).into_future());
    for endpoint in [serve(app()).await, Endpoint::Unix(path)] {
        let answer = fetch(Request::post(endpoint, "/x", "{}"), LONG).await;
        assert_eq!(answer, Ok(Whole { status: 418, body: "{}".into() }));
    }
}

fn http_status(code: u16) -> axum::http::StatusCode {
    axum::http::StatusCode::from_u16(code).unwrap()
}

#[tokio::test]
async fn nobody_there_and_no_answer_in_time_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    for endpoint in [Endpoint::port(gone), Endpoint::Unix(dir.path().join("none"))] {
        assert_eq!(fetch(Request::get(endpoint, "/"), LONG).await, Err(HttpError::Refused));
    }
    let hung = serve(Router::new().route("/", get(std::future::pending::<()>))).await;
    let limit = Duration::from_millis(50);
    assert_eq!(fetch(Request::get(hung.clone(), "/"), limit).await, Err(HttpError::TimedOut(limit)));
    let limits = Limits { head: Some(limit), ..Limits::UNTIMED };
    assert_eq!(open(Request::get(hung, "/"), limits).await.unwrap_err(), HttpError::TimedOut(limit));
}

#[tokio::test]
async fn an_answer_over_its_limit_is_refused() {
    let endpoint = serve(Router::new().route("/", get(|| async { "x".repeat(1_001) }))).await;
    let limits = Limits { bytes: 1_000, ..Limits::UNTIMED };
    let mut response = open(Request::get(endpoint.clone(), "/"), limits).await.unwrap();
    assert_eq!(response.whole().await, Err(HttpError::TooLarge(1_000)));
    let mut response = open(Request::get(endpoint, "/"), Limits::UNTIMED).await.unwrap();
    assert_eq!(response.whole().await.unwrap().len(), 1_001);
}

#[tokio::test]
async fn events_come_as_they_are_sent_and_leaving_closes_the_connection() {
    let (sender, body) = fed();
    let endpoint = serve(Router::new().route("/", get(once(body)))).await;
    sender.send(Ok(": hello\n\nda".into())).await.unwrap();
    let limits = Limits { idle: Some(LONG), ..Limits::UNTIMED };
    let mut response = open(Request::get(endpoint, "/"), limits).await.unwrap();
    assert_eq!(response.event().await, Ok(Some(SseEvent::Comment("hello".into()))));
    sender.send(Ok("ta: 1\n\n".into())).await.unwrap();
    assert_eq!(response.event().await, Ok(Some(SseEvent::Data("1".into()))));
    drop(response);
    // The server sees that its client has gone: that is how a generation is cancelled.
    tokio::time::timeout(LONG, sender.closed()).await.unwrap();
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error_and_no_end() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint::port(listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 1_024];
        assert!(stream.read(&mut request).await.unwrap() > 0);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await.unwrap();
    });
    assert!(matches!(fetch(Request::get(endpoint, "/"), LONG).await, Err(HttpError::Broken(_))));
}

#[tokio::test]
async fn a_request_is_passed_on_with_its_own_headers_and_its_bytes() {
    let echo = |headers: HeaderMap, body: Bytes| async move {
        let seen = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!((seen("x-kept"), seen("x-named"), seen("te")), (Some("yes".into()), None, None));
        ([("connection", "x-secret"), ("x-secret", "1"), ("x-answer", "2")], body)
    };
    let endpoint = serve(Router::new().route("/v1/chat", any(echo))).await;
    let bytes = Bytes::from_static(b"\x00\xff not JSON");
    let request = hyper::Request::post("http://elsewhere/v1/chat?x=1")
        .header("connection", "keep-alive, X-Named")
        .header("x-named", "1")
        .header("te", "trailers")
        .header("x-kept", "yes")
        .body(AxumBody::from(bytes.clone()))
        .unwrap();
    let response = forward(&endpoint, request, Limits::UNTIMED).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.headers().contains_key("x-answer") && !response.headers().contains_key("x-secret"));
    assert_eq!(axum::body::to_bytes(AxumBody::new(response.into_body()), 100).await.unwrap(), bytes);
}

#[tokio::test]
async fn a_client_that_leaves_takes_its_forwarded_request_along() {
    let (sender, body) = fed();
    let endpoint = serve(Router::new().route("/", get(once(body)))).await;
    let request = hyper::Request::get("/").body(AxumBody::empty()).unwrap();
    sender.send(Ok("data: 1\n\n".into())).await.unwrap();
    let response = forward(&endpoint, request, Limits::UNTIMED).await.unwrap();
    drop(response);
    tokio::time::timeout(LONG, sender.closed()).await.unwrap();
}

fn posted(path: &str) -> hyper::Request<Full<Bytes>> {
    hyper::Request::post(path).body(Full::new("x".into())).unwrap()
}

async fn read(response: hyper::Response<Body>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

/// Every request would otherwise wait for a connection of its own; and one that is left must still end its generation.
#[tokio::test]
async fn a_connection_is_used_again_after_a_whole_answer_and_closed_when_an_answer_is_left() {
    let (sender, body) = fed();
    let port = |ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.port().to_string() };
    let app = Router::new().route("/", any(port)).route("/long", any(once(body)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint::port(listener.local_addr().unwrap().port());
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(axum::serve(listener, service).into_future());
    let kept = Kept::default();
    let first = read(forward_kept(&endpoint, posted("/"), &kept).await.unwrap()).await;
    for _ in 0..3 {
        assert_eq!(read(forward_kept(&endpoint, posted("/"), &kept).await.unwrap()).await, first);
    }
    sender.send(Ok("data: 1\n\n".into())).await.unwrap();
    let left = forward_kept(&endpoint, posted("/long"), &kept).await.unwrap();
    let meanwhile = read(forward_kept(&endpoint, posted("/"), &kept).await.unwrap()).await;
    assert_ne!(meanwhile, first, "each answer has a connection for itself");
    drop(left);
    tokio::time::timeout(LONG, sender.closed()).await.unwrap();
    assert_eq!(read(forward_kept(&endpoint, posted("/"), &kept).await.unwrap()).await, meanwhile);
}

/// A server may end, or close what it has not used for some time.
#[tokio::test]
async fn a_kept_connection_that_the_server_has_closed_is_replaced() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint::port(listener.local_addr().unwrap().port());
    let server = tokio::spawn(async move {
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = Vec::new();
            while !asked.ends_with(b"x") || !asked.windows(4).any(|end| end == b"\r\n\r\n") {
                stream.read_buf(&mut asked).await.unwrap();
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
        }
    });
    let kept = Kept::default();
    for _ in 0..2 {
        assert_eq!(read(forward_kept(&endpoint, posted("/"), &kept).await.unwrap()).await, "ok");
    }
    server.await.unwrap();
}

#[test]
fn several_servers_are_asked_at_once_and_answer_in_their_order() {
    let (told, endpoints) = std::sync::mpsc::channel();
    // Its thread ends with the test's process.
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let hung = serve(Router::new().route("/", get(std::future::pending::<()>))).await;
            let one = serve(Router::new().route("/", get(|| async { "one" }))).await;
            told.send([hung, one]).unwrap();
            std::future::pending::<()>().await
        })
    });
    let requests = endpoints.recv_timeout(LONG).unwrap().map(|endpoint| Request::get(endpoint, "/"));
    let limit = Duration::from_secs(5);
    let answers = fetch_all(requests.to_vec(), limit);
    assert_eq!(answers, [Err(HttpError::TimedOut(limit)), Ok(Whole { status: 200, body: "one".into() })]);
    assert_eq!(fetch_all(Vec::new(), LONG), []);
}
