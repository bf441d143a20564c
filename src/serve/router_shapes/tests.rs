use super::*;
use crate::lifecycle::ServerView;
use crate::serve::gateway::tests::fake::{Fake, view, whole};
use crate::serve::listen::Caller;
use serde_json::{Value, json};

fn start() -> Fake {
    Fake::serving([], Caller::default(), routes)
}

async fn post(fake: &Fake, path: &str, model: &str) -> (u16, Value) {
    let answer = fake.post(path, &[], json!({"model": model})).await;
    (answer.status().as_u16(), serde_json::from_str(&whole(answer).await).unwrap())
}

#[tokio::test]
async fn a_model_is_loaded_and_unloaded_in_llama_servers_words() {
    let fake = start();
    assert_eq!(post(&fake, "/models/load", "Chat").await, (200, json!({"success": true})));
    assert_eq!(fake.until_told(1).await, ["start a00000000000"]);
    let error = |body: &Value| (body["error"]["code"].clone(), body["error"]["message"].clone());
    let (status, body) = post(&fake, "/models/unload", "Chat").await;
    assert_eq!((status, error(&body)), (400, (json!(400), json!("model is not running"))));
    fake.shows([view("a", Phase::Ready)]);
    let (status, body) = post(&fake, "/models/load", "org/alias").await;
    assert_eq!((status, error(&body).1), (400, json!("model is already running")));
    assert_eq!(post(&fake, "/models/unload", "org/alias").await, (200, json!({"success": true})));
    let told = fake.until_told(3).await;
    assert_eq!(told[1..], ["stop a00000000000 false", "stop a00000000000 (vectors) false"]);
    assert_eq!((post(&fake, "/models/load", "x").await.0, post(&fake, "/models/unload", "x").await.0), (404, 400));
    assert_eq!(fake.post("/models/load", &[], json!({})).await.status(), 400);
}

#[tokio::test]
async fn how_a_model_is_set_up_is_told_without_loading_it() {
    let fake = start();
    let (status, props) = fake.get("/props?model=org/alias").await;
    assert_eq!((status, &props["default_generation_settings"]["n_ctx"]), (200, &json!(8192)));
    assert_eq!((&props["is_sleeping"], &props["model_alias"]), (&json!(true), &json!("org/alias")));
    assert_eq!(fake.get("/slots?model=Chat").await, (200, json!([])));
    fake.shows([ServerView { in_flight: 1, ..view("a", Phase::Ready) }]);
    let (_, props) = fake.get("/props?model=Chat").await;
    assert_eq!((&props["total_slots"], &props["is_sleeping"]), (&json!(4), &json!(false)));
    assert_eq!(props["default_generation_settings"]["n_ctx"], 512, "what it has, not what it would get");
    let (_, slots) = fake.get("/slots?model=Chat").await;
    let busy: Vec<bool> =
        slots.as_array().unwrap().iter().map(|slot| slot["is_processing"].as_bool().unwrap()).collect();
    assert_eq!(busy, [true, false, false, false]);
    assert_eq!(fake.get("/props").await.1["role"], "router");
    assert_eq!((fake.get("/slots").await.0, fake.get("/props?model=x").await.0), (400, 404));
    assert!(fake.asks.lock().unwrap().is_empty() && fake.told.lock().unwrap().is_empty(), "nothing was woken");
}

#[tokio::test]
async fn what_runs_is_told_and_stopped_in_llama_swaps_words() {
    let fake = start();
    assert_eq!(fake.get("/running").await, (200, json!({"running": []})));
    fake.shows([view("a", Phase::Ready), view("b", Phase::Starting { progress: 0.5 }), view("d", Phase::Stopped)]);
    let (_, running) = fake.get("/running").await;
    let shown = |at: usize| (running["running"][at]["model"].clone(), running["running"][at]["state"].clone());
    assert_eq!((shown(0), shown(1)), ((json!("org/alias"), json!("ready")), (json!("Vectors"), json!("starting"))));
    assert_eq!(running["running"].as_array().unwrap().len(), 2);
    let answer = crate::http::fetch(
        crate::http::Request::get(fake.address.clone(), "/unload"),
        crate::serve::gateway::tests::fake::LIMIT,
    );
    let answer = answer.await.unwrap();
    assert_eq!((answer.status, answer.body.as_ref()), (200, b"OK".as_slice()));
    assert_eq!(fake.told.lock().unwrap().len(), 4, "both servers of both models that are up");
}
