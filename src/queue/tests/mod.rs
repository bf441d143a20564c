//! What a user would lose if the queue did not keep its word. One suite for every store: `reference` is the one in
//! memory that the others are measured against.

mod conformance;
mod damage;
mod properties;
mod rates;
mod reference;

use crate::clock::Timestamp;
use crate::db::{Access, Db};
use crate::model::ModelId;
use crate::model::task::machine::End;
use crate::model::task::order::{CanServe, ClaimAsk, Loaded, Scope, Skip};
use crate::model::task::*;
use std::path::Path;
use std::sync::Arc;

fn open(path: &Path) -> Db {
    Db::open(path, Access::ReadWrite).unwrap()
}

fn at(now: i64) -> Moment {
    Moment { now: Timestamp(now), policy: Policy::default() }
}

fn owner(n: u64) -> OwnerId {
    OwnerId::new(1, 1, n)
}

fn died(n: u64) -> DeadOwners {
    DeadOwners { crashed: vec![owner(n)], unreleased: vec![] }
}

fn model(n: u64) -> ModelId {
    ModelId(format!("{n:012x}"))
}

fn request(text: &str) -> TaskRequest {
    let body = serde_json::json!({ "messages": [{ "role": "user", "content": text }] });
    TaskRequest { endpoint: Endpoint::Chat, body: body.to_string() }
}

fn new_task(text: &str) -> NewTask {
    NewTask::new(request(text))
}

fn keyed(key: &str) -> NewTask {
    NewTask { key: Some(key.into()), ..new_task(key) }
}

fn ask(n: u64, limit: usize) -> ClaimAsk {
    ClaimAsk::new(owner(n), limit)
}

fn loaded(n: u64, since: i64) -> Loaded {
    Loaded { serves: vec![Wish::Model(model(n).0), Wish::Any], since: Timestamp(since) }
}

fn done(text: &str) -> End {
    End::Done(TaskResult {
        text: text.into(),
        finish_reason: "stop".into(),
        prompt_tokens: 1,
        completion_tokens: 2,
        prompt_ms: 3,
        generate_ms: 4,
        model: model(1),
        model_name: "smol".into(),
    })
}

fn failed(message: &str) -> End {
    End::Failed { error: TaskError::new(ErrorKind::Model, message), jitter: Jitter::default() }
}
