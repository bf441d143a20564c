use super::fake::{Fake, Script, alive, denial, whole, worker};
use super::*;

/// A request below `/upstream/` must reach the server that it names with what the client wrote, and nothing of ours.
#[tokio::test]
async fn what_is_below_a_name_reaches_its_server_as_it_is() {
    let mut worker = worker();
    let mut fake = Fake::start([Script::Grant(worker.address.clone(), alive(), Engine::Worker)]);
    let answer = (StatusCode::CREATED, [("x-own", "1"), ("access-control-allow-origin", "*")], "any bytes");
    worker.answers.send(answer.into_response()).unwrap();
    let headers = [("origin", "http://localhost"), ("x-modelctl-priority", "batch"), ("x-theirs", "2")];
    // A name with a slash, and one of another model at its beginning.
    let answer = fake.post("/upstream/org/alias/v1/x%20y?z=%2F", &headers, json!([7])).await;
    assert_eq!((answer.status().as_u16(), answer.headers()["x-own"].to_str().unwrap()), (201, "1"));
    assert!(!answer.headers().contains_key("access-control-allow-origin"), "any page could read it");
    assert_eq!(whole(answer).await, "any bytes");
    let (headers, body) = worker.requests.recv().await.unwrap();
    assert_eq!((body, headers["x-theirs"].to_str().unwrap()), (json!([7]), "2"));
    assert!(!headers.contains_key("origin") && !headers.contains_key("x-modelctl-priority"));
    fake.until_left(1).await;
    let ask = fake.asks.lock().unwrap()[0].clone();
    assert_eq!((ask.key, ask.class), (ServerKey::main(ModelId("a00000000000".into())), Class::Batch));
    let count = fake.records.counts().remove(0);
    assert_eq!((count.model.as_str(), count.endpoint.name(), count.status), ("org/alias", "upstream", 201));
}

/// A client could otherwise change what only the daemon may change.
#[tokio::test]
async fn what_is_only_for_the_daemon_is_not_reached() {
    let fake = Fake::start([]);
    for path in
        ["/internal/threads", "//internal/threads", "/%69nternal/threads", "/INTERNAL/threads", "/%2Finternal/x"]
    {
        let answer = fake.post(&format!("/upstream/Chat{path}"), &[], json!({})).await;
        assert_eq!(answer.status(), 404, "{path}");
    }
    let nobody = fake.post("/upstream/nobody/x", &[], json!({})).await;
    let body: Value = serde_json::from_str(&whole(nobody).await).unwrap();
    assert_eq!(body["error"]["code"], "service_not_found");
    assert!(body["error"]["message"].as_str().unwrap().contains("no model `nobody`; there are no services"), "{body}");
    assert_eq!(fake.post("/upstream/twin/x", &[], json!({})).await.status(), 400, "two have this name");
    assert_eq!(fake.post("/upstream/Off/x", &[], json!({})).await.status(), 404);
}

/// A request cannot be sent a second time: its body is gone.
#[tokio::test]
async fn a_server_that_dies_is_told_and_not_tried_again() {
    let dead = || watch::channel(Some(denial(Why::Died, None))).1;
    let fake = Fake::start([Script::Grant(Address::Unix("/nowhere/at/all".into()), dead(), Engine::Worker)]);
    let answer = fake.post("/upstream/Chat/x", &[], json!({})).await;
    assert_eq!(answer.status(), 502);
    assert_eq!(fake.asks.lock().unwrap().len(), 1);
}
