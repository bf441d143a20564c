//! Endpoints that answer, that do not, and that answer anything but what they should, on real sockets.

use super::*;
use crate::clock;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

const LIMIT: f64 = 20.0;
const SHORT: f64 = 0.3;

/// Serves each connection in a thread by `answer`, which gets the request and the stream, for as long as the test lives.
fn serve(answer: impl Fn(&str, &mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            std::thread::spawn(move || {
                let mut head = [0u8; 4096];
                let read = stream.read(&mut head).unwrap_or(0);
                // A client that goes away early is what some tests are about.
                let _ = answer(&String::from_utf8_lossy(&head[..read]), &mut stream);
            });
        }
    });
    port
}

fn reply(stream: &mut TcpStream, status: &str, body: &str) -> std::io::Result<()> {
    let length = body.len();
    write!(stream, "HTTP/1.1 {status}\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: {length}\r\n\r\n{body}")
}

fn request(port: u16, limit_s: f64) -> EndpointRequest {
    EndpointRequest { models: true, ..EndpointRequest::new(format!("http://127.0.0.1:{port}/health"), limit_s) }
}

fn asked(request: &EndpointRequest) -> Endpoint {
    ask(request).known().unwrap().clone()
}

/// A llama-server with one slot, which decodes a token for each look at its slots.
fn llama(is_processing: bool) -> u16 {
    let looks = std::sync::atomic::AtomicU64::new(0);
    serve(move |request, stream| {
        let path = request.split_whitespace().nth(1).unwrap_or_default();
        match path {
            "/health" => reply(stream, "200 OK", r#"{"status":"ok"}"#),
            "/v1/models" => reply(stream, "200 OK", r#"{"data":[{"id":"x","owned_by":"llamacpp"}]}"#),
            "/slots" => {
                let decoded = looks.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let slot =
                    format!(r#"[{{"id":0,"is_processing":{is_processing},"next_token":[{{"n_decoded":{decoded}}}]}}]"#);
                reply(stream, "200 OK", &slot)
            }
            "/metrics" => reply(stream, "501 Not Implemented", "{}"),
            "/v1/completions" => {
                assert!(request.starts_with("POST ") && request.contains(r#""model":"x""#), "{request}");
                reply(stream, "200 OK", "{}")
            }
            other => panic!("{other}"),
        }
    })
}

/// Health at the level `serving` rests on this: without two different samples a wedged server looks well.
#[test]
fn a_server_that_works_is_seen_to_work() {
    let port = llama(true);
    let request = EndpointRequest {
        sample_s: Some(0.05),
        owner: true,
        service: vec![std::process::id()],
        ..request(port, LIMIT)
    };
    let endpoint = asked(&request);
    assert!(matches!(&endpoint.health, Answer::Http { code: 200, body, .. } if body == r#"{"status":"ok"}"#));
    assert_eq!(endpoint.models.known().unwrap(), &[("x".to_owned(), Some("llamacpp".to_owned()))]);
    let decoded: Vec<_> = endpoint.samples.iter().map(|s| s.slots.known().unwrap()[0].decoded).collect();
    assert_eq!(decoded, [Some(0), Some(1)]);
    assert!(endpoint.samples[1].at_s >= 0.05);
    assert!(matches!(&endpoint.samples[0].metrics.outcome, Outcome::Absent { why } if why.contains("501")));
    let owner = endpoint.owner.known().unwrap().as_ref().unwrap();
    assert_eq!((owner.pid, owner.is_service), (std::process::id(), true));
    assert!(endpoint.date_skew_s.unwrap() < -1e8);
    assert_eq!((endpoint.port, endpoint.token_s), (Some(port), None));
}

/// A probe for a token must never queue behind a person's answer.
#[test]
fn a_token_is_asked_for_only_where_a_slot_is_free() {
    let token = |is_processing| {
        let request = EndpointRequest { token: true, ..request(llama(is_processing), LIMIT) };
        asked(&request).token_s.unwrap()
    };
    assert!(token(false).known().is_some_and(|seconds| *seconds < LIMIT));
    assert!(matches!(token(true).outcome, Outcome::Absent { why } if why == "no slot is free"));
}

/// Each of these has another next step: start it, wait or capture its state, correct the port, nothing.
#[test]
fn every_way_not_to_answer_is_told_apart() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    assert_eq!(asked(&request(gone, LIMIT)).health, Answer::Refused);
    // The kernel makes the connection; nobody takes it.
    let stopped = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = asked(&request(stopped.local_addr().unwrap().port(), SHORT));
    assert!(matches!(endpoint.health, Answer::Silent { .. }), "{endpoint:?}");
    assert!(endpoint.models.known().is_none());
    let garbage = |answer: fn(&mut TcpStream) -> std::io::Result<()>, limit| match asked(&request(
        serve(move |_, stream| answer(stream)),
        limit,
    ))
    .health
    {
        Answer::Garbage { why } => why,
        other => panic!("{other:?}"),
    };
    assert!(garbage(|stream| stream.write_all(b"220 mail ready\r\n\r\n"), LIMIT).contains("not HTTP"));
    assert!(garbage(|stream| stream.write_all(b""), LIMIT).contains("closed"));
    let endless = garbage(
        |stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
            loop {
                stream.write_all(b"X-More: 1\r\n")?;
            }
        },
        LIMIT,
    );
    assert!(endless.contains("32768"), "{endless}");
    let huge = garbage(
        |stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")?;
            loop {
                stream.write_all(&[b'x'; 65536])?;
            }
        },
        LIMIT,
    );
    assert!(huge.contains("larger"), "{huge}");
    let slow = garbage(
        |stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\nX-Slow: ")?;
            // Until the client goes away.
            stream.read(&mut [0]).map(drop)
        },
        SHORT,
    );
    assert!(slow.contains("did not end"), "{slow}");
}

#[test]
fn a_redirect_is_an_answer_and_another_url_is_none() {
    let port = serve(|_, stream| {
        write!(stream, "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
    });
    assert!(matches!(asked(&request(port, LIMIT)).health, Answer::Http { code: 302, .. }));
    assert_eq!(asked(&EndpointRequest::new("https://127.0.0.1/health", LIMIT)).health, Answer::Tls);
    assert!(matches!(ask(&EndpointRequest::new("unix:/x", LIMIT)).outcome, Outcome::Failed { .. }));
}

/// Whoever reads a report or a bundle must not get the key.
#[test]
fn the_key_is_sent_and_never_shown() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    std::fs::write(&file, "sk-canary-1\n").unwrap();
    let port =
        serve(|request, stream| match request.to_ascii_lowercase().contains("authorization: bearer sk-canary-1") {
            true => reply(stream, "500 Oops", "bad key sk-canary-1"),
            false => reply(stream, "401 Unauthorized", "{}"),
        });
    let url = format!("http://me:sk-canary-1@127.0.0.1:{port}/health");
    let with_key = EndpointRequest { key_file: Some(file), models: true, ..EndpointRequest::new(url, LIMIT) };
    let fact = ask(&with_key);
    assert!(matches!(&fact.known().unwrap().health, Answer::Http { code: 500, body, .. } if body == "bad key <key>"));
    assert!(!format!("{fact:?}{}", serde_json::to_string(&fact).unwrap()).contains("canary"));
    let none = EndpointRequest { key_file: Some(dir.path().join("none")), ..request(port, LIMIT) };
    let endpoint = asked(&none);
    assert!(matches!(endpoint.health, Answer::Http { code: 401, .. }));
    assert!(matches!(&endpoint.models.outcome, Outcome::Denied { why, .. } if why.contains("key")), "{endpoint:?}");
}

/// `--timeout` holds with any number of hung servers.
#[test]
fn hung_servers_cost_the_limit_together_and_not_one_after_the_other() {
    let hung: Vec<TcpListener> = (0..8).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let mut requests: Vec<_> = hung.iter().map(|server| request(server.local_addr().unwrap().port(), LIMIT)).collect();
    requests.insert(3, request(llama(false), LIMIT));
    let began = clock::instant();
    let facts = ask_all(&requests, Duration::from_millis(500));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    for (at, fact) in facts.iter().enumerate() {
        let is_http = matches!(fact.known().unwrap().health, Answer::Http { .. });
        assert_eq!(is_http, at == 3, "{fact:?}");
    }
}
