//! Memory for other programs: an image generator or a speech server asks before it works.

use super::lifecycle::{in_future, read};
use super::{Api, ApiError};
use crate::lifecycle::DeviceBytes;
use crate::ops::daemon::{HeadroomReply, ReleaseReply, SwapReply};
use crate::serve::control::{HeadroomAsk, SwapAsk};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

/// The longest time for which memory is kept free at once; it can be renewed.
const LONGEST: u64 = 3_600;
/// The longest id and name of a requester, and the longest reason, in bytes.
const ID_BYTES: usize = 64;
const NAME_BYTES: usize = 100;
const REASON_BYTES: usize = 500;
/// The largest number of servers that a swap can name.
const EVICTED: usize = 16;

const REFUSED: &str = "Memory cannot be freed";
const NO_SWAP: &str = "Servers cannot be swapped";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Headroom {
    bytes: u64,
    /// `CPU`, `CUDA0`; without it the only GPU, or main memory where there is none.
    device: Option<String>,
    requester: String,
    ttl_seconds: u64,
    /// That of an earlier answer, to renew it.
    id: Option<String>,
}

/// `POST /api/lifecycle/headroom`: frees memory and keeps it free, until it is released or its time is over.
pub(super) async fn reserve(State(api): State<Arc<Api>>, body: Bytes) -> Result<Json<HeadroomReply>, ApiError> {
    let refuse = |detail: String| Err(ApiError::bad_request(REFUSED, detail));
    let Headroom { bytes, device, requester, ttl_seconds, id } = read(REFUSED, &body)?;
    if bytes == 0 {
        return refuse("`bytes`: give 1 or more".to_owned());
    }
    if !(1..=LONGEST).contains(&ttl_seconds) {
        return refuse(format!("`ttl_seconds`: give 1 to {LONGEST}, and renew it with its `id`"));
    }
    if requester.trim().is_empty() || requester.len() > NAME_BYTES || requester.contains(char::is_control) {
        return refuse(format!("`requester`: give a name of up to {NAME_BYTES} bytes"));
    }
    if id.as_deref().is_some_and(|id| !is_id(id)) {
        return refuse("`id`: give the one of an earlier answer".to_owned());
    }
    let device = api.device(device).await?;
    let id = id.unwrap_or_else(new_id);
    let needs = vec![DeviceBytes { device: device.clone(), bytes }];
    let ttl = Duration::from_secs(ttl_seconds);
    let ask = HeadroomAsk { id: id.clone(), requester: requester.clone(), needs, ttl };
    let evicted = api.control.headroom(ask).await.map_err(|denial| ApiError::denied(REFUSED, denial))?;
    let (schema, expires_at) = ("modelctl.headroom/1".to_owned(), in_future(ttl));
    Ok(Json(HeadroomReply { schema, id, requester, device, bytes, expires_at, evicted }))
}

/// `DELETE /api/lifecycle/headroom/{id}`
pub(super) async fn release(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
) -> Result<Json<ReleaseReply>, ApiError> {
    let was_held = is_id(&id) && api.control.release_headroom(id.clone()).await?;
    if !was_held {
        let detail = "It was released or has expired";
        return Err(ApiError::new(StatusCode::NOT_FOUND, format!("No such headroom: {}", id.escape_debug()), detail));
    }
    Ok(Json(ReleaseReply { schema: "modelctl.release/1".to_owned(), id, released: true }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Swap {
    needed: String,
    #[serde(default)]
    evict: Names,
    reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a name or a list of names")]
enum Names {
    One(String),
    Many(Vec<String>),
}

impl Default for Names {
    fn default() -> Names {
        Names::Many(Vec::new())
    }
}

/// `POST /api/lifecycle/swap`: has servers give way to one, which is loaded.
pub(super) async fn swap(State(api): State<Arc<Api>>, body: Bytes) -> Result<Json<SwapReply>, ApiError> {
    let Swap { needed, evict, reason } = read(NO_SWAP, &body)?;
    if reason.len() > REASON_BYTES || reason.contains(char::is_control) {
        let detail = format!("`reason`: give a sentence of up to {REASON_BYTES} bytes");
        return Err(ApiError::bad_request(NO_SWAP, detail));
    }
    let names = match evict {
        Names::One(name) => vec![name],
        Names::Many(names) => names,
    };
    if names.len() > EVICTED {
        return Err(ApiError::bad_request(NO_SWAP, format!("`evict`: give up to {EVICTED} names")));
    }
    let (needed, name) = api.key(&needed).await?;
    let mut evict = Vec::new();
    for name in &names {
        evict.push(api.key(name).await?.0);
    }
    if evict.contains(&needed) {
        return Err(ApiError::bad_request(NO_SWAP, format!("{name} cannot give way to itself")));
    }
    let ask = SwapAsk { needed, evict, reason };
    let evicted = api.control.swap(ask).await.map_err(|denial| ApiError::denied(NO_SWAP, denial))?;
    Ok(Json(SwapReply { schema: "modelctl.swap/1".to_owned(), needed: name, evicted }))
}

impl Api {
    /// Returns the device that a client names, or the one that it must mean.
    async fn device(&self, named: Option<String>) -> Result<String, ApiError> {
        let known: Vec<String> = self.status().await?.devices.into_iter().map(|device| device.device).collect();
        match named {
            Some(name) if is_device(&name) && (known.is_empty() || known.contains(&name)) => Ok(name),
            Some(name) => {
                let name = name.escape_debug();
                let detail = format!("`device`: there is no `{name}`; there is {}", known.join(", "));
                Err(ApiError::bad_request(REFUSED, detail))
            }
            None => match known.iter().filter(|name| *name != MAIN).collect::<Vec<_>>().as_slice() {
                [] => Ok(MAIN.to_owned()),
                [one] => Ok((*one).clone()),
                _ => Err(ApiError::bad_request(REFUSED, format!("`device`: give one of {}", known.join(", ")))),
            },
        }
    }
}

/// ggml's name of main memory.
const MAIN: &str = crate::host::budget::MAIN_MEMORY;

fn is_device(name: &str) -> bool {
    !name.is_empty() && name.len() <= 32 && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn is_id(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !id.is_empty() && id.len() <= ID_BYTES && id.bytes().all(is_plain)
}

/// Returns an id that nobody has.
fn new_id() -> String {
    format!("{:016x}", RandomState::new().hash_one(0))
}
