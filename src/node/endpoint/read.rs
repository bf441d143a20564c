//! What servers answer, as values: lists of models, slots, counters, dates.

use super::{Counters, Slot};
use crate::clock::Timestamp;
use prometheus_parse::{Scrape, Value as Metric};
use serde_json::Value;

/// Characters of a body that are kept.
const BODY_CHARS: usize = 500;
/// Models and slots that are kept.
const MOST: usize = 1_000;

/// Returns the ids of an answer of `/v1/models` and who owns them. None where it is no such answer.
pub fn models(body: &[u8]) -> Option<Vec<(String, Option<String>)>> {
    let value: Value = serde_json::from_slice(body).ok()?; // text that is no JSON is no list
    let list = value.get("data").or_else(|| value.get("models")).unwrap_or(&value).as_array()?;
    let one = |model: &Value| {
        let id = ["id", "name", "model"].iter().find_map(|key| model.get(*key)?.as_str())?;
        Some((shown(id, 300), model.get("owned_by").and_then(Value::as_str).map(|owner| shown(owner, 100))))
    };
    Some(list.iter().filter_map(one).take(MOST).collect())
}

/// Returns the slots of an answer of llama-server's `/slots`. None where it is no such answer.
pub fn slots(body: &[u8]) -> Option<Vec<Slot>> {
    let value: Value = serde_json::from_slice(body).ok()?; // as above
    let one = |slot: &Value| {
        let next = slot.get("next_token");
        // A list in newer versions, with one entry.
        let next = next.and_then(|next| next.as_array().map_or(Some(next), |all| all.first()));
        let decoded = next.and_then(|next| next.get("n_decoded")).or_else(|| slot.get("n_decoded"));
        // Older versions have a number of the state: 0 is idle.
        let state = || slot.get("state").and_then(Value::as_i64).map(|state| state != 0);
        Some(Slot {
            id: slot.get("id")?.as_i64()?,
            is_processing: slot.get("is_processing").and_then(Value::as_bool).or_else(state)?,
            decoded: decoded.and_then(Value::as_u64),
            context: slot.get("n_ctx").and_then(Value::as_u64),
        })
    };
    Some(value.as_array()?.iter().filter_map(one).take(MOST).collect())
}

/// Returns the counters of an answer of `/metrics` (Prometheus text format 0.0.4) of llama-server, a modelctl worker or
/// daemon, or vLLM. Samples of one name with several labels are added up. A text without any of them gives none.
pub fn counters(text: &str) -> Counters {
    // The library does not know that a name may have a colon.
    let known = text.lines().filter_map(|line| {
        let line = line.trim_start();
        let ours = ["llamacpp:", "vllm:", "modelctl_"].iter().any(|name| line.starts_with(name));
        ours.then(|| Ok(line.replacen(':', "_", 1)))
    });
    let samples = Scrape::parse(known).map(|scrape| scrape.samples).unwrap_or_default();
    let value = |names: &[&str]| {
        names.iter().find_map(|name| {
            let values =
                samples.iter().filter(|sample| sample.metric == *name).filter_map(|sample| match sample.value {
                    Metric::Counter(value) | Metric::Gauge(value) | Metric::Untyped(value) => Some(value),
                    Metric::Histogram(_) | Metric::Summary(_) => None,
                });
            let values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
            (!values.is_empty()).then(|| values.iter().sum())
        })
    };
    Counters {
        decoded: value(&["llamacpp_n_decode_total", "vllm_generation_tokens_total", "llamacpp_tokens_predicted_total"]),
        prompt_tokens: value(&["llamacpp_prompt_tokens_total", "vllm_prompt_tokens_total"]),
        processing: value(&["llamacpp_requests_processing", "vllm_num_requests_running", "modelctl_requests_running"]),
        deferred: value(&["llamacpp_requests_deferred", "vllm_num_requests_waiting", "modelctl_queue_depth"]),
        tokens_per_second: value(&["llamacpp_predicted_tokens_seconds", "vllm_avg_generation_throughput_toks_per_s"]),
    }
}

/// Returns the seconds that a server's clock (`Date`, RFC 9110 5.6.7) is ahead of ours. None for a date that is none.
pub fn skew(date: &str, ours: Timestamp) -> Option<f64> {
    let server = jiff::fmt::rfc2822::parse(date).ok()?.timestamp(); // another form is not a date of today's servers
    let millis = server.as_millisecond().saturating_sub(ours.millis());
    // The header has whole seconds: less than one is no difference.
    if millis.abs() < 1_000 { Some(0.0) } else { Some(millis as f64 / 1_000.0) }
}

/// Returns the start of a body, without control characters, and without the key where a server repeats it.
pub fn start(body: &[u8], key: Option<&str>) -> String {
    let key = key.filter(|key| !key.is_empty());
    // Four bytes a character at most, and no key that is cut off.
    let most = BODY_CHARS.saturating_mul(4).saturating_add(key.map_or(0, str::len));
    let head = String::from_utf8_lossy(body.get(..most).unwrap_or(body));
    match key {
        Some(key) => shown(head.replace(key, "<key>").trim(), BODY_CHARS),
        None => shown(head.trim(), BODY_CHARS),
    }
}

fn shown(text: &str, most: usize) -> String {
    text.chars().take(most).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_models_of_llama_server_ollama_and_a_router_without_any_are_read() {
        let llama = br#"{"models":[{"name":"x.gguf"}],"object":"list","data":[{"id":"x","object":"model","owned_by":"llamacpp","meta":{}}]}"#;
        assert_eq!(models(llama), Some(vec![("x".into(), Some("llamacpp".into()))]));
        assert_eq!(models(br#"{"object":"list","data":[]}"#), Some(vec![]));
        assert_eq!(models(br#"{"models":[{"name":"m:1b"}]}"#), Some(vec![("m:1b".into(), None)]));
        for other in [b"".as_slice(), b"{}", b"<html>", br#"{"data":{}}"#, b"7"] {
            assert_eq!(models(other), None);
        }
    }

    #[test]
    fn slots_are_read_in_each_of_their_shapes() {
        let listed = br#"[{"id":0,"n_ctx":4096,"is_processing":true,"next_token":[{"n_decoded":17}]},
                          {"id":1,"n_ctx":4096,"is_processing":false,"next_token":{"n_decoded":0}},
                          {"id":2,"state":1,"n_decoded":3}]"#;
        let slot = |id, is_processing, decoded, context| Slot { id, is_processing, decoded: Some(decoded), context };
        let expected = vec![slot(0, true, 17, Some(4096)), slot(1, false, 0, Some(4096)), slot(2, true, 3, None)];
        assert_eq!(slots(listed), Some(expected));
        assert_eq!(slots(br#"{"error":{"code":501}}"#), None);
    }

    #[test]
    fn counters_of_each_server_are_read_by_their_whole_names() {
        let llama = "# HELP llamacpp:n_decode_total Calls.\n# TYPE llamacpp:n_decode_total counter\n\
                     llamacpp:n_decode_total 12\nllamacpp:n_decode_total_other 99\nllamacpp:requests_processing 2\n\
                     llamacpp:requests_deferred 1\nllamacpp:prompt_tokens_total 70\nllamacpp:predicted_tokens_seconds 9.5\n";
        let expected = Counters {
            decoded: Some(12.0),
            prompt_tokens: Some(70.0),
            processing: Some(2.0),
            deferred: Some(1.0),
            tokens_per_second: Some(9.5),
        };
        assert_eq!(counters(llama), expected);
        let vllm = "vllm:generation_tokens_total{engine=\"0\",model_name=\"a/b:c\"} 5\n\
                    vllm:generation_tokens_total{engine=\"1\",model_name=\"a/b:c\"} 6.0\nvllm:num_requests_waiting 3\n";
        let read = counters(vllm);
        assert_eq!((read.decoded, read.deferred, read.processing), (Some(11.0), Some(3.0), None));
        let daemon = "modelctl_queue_depth{model=\"a\",class=\"normal\"} 2\nmodelctl_requests_running 1\n";
        let expected = Counters { processing: Some(1.0), deferred: Some(2.0), ..Counters::default() };
        assert_eq!(counters(daemon), expected);
        assert_eq!(counters("nonsense\nllamacpp:n_decode_total NaN\n"), Counters::default());
    }

    #[test]
    fn a_clock_that_is_off_is_measured() {
        let ours = Timestamp(784_111_777_400);
        assert_eq!(skew("Sun, 06 Nov 1994 08:49:37 GMT", ours), Some(0.0));
        assert_eq!(skew("Sun, 06 Nov 1994 09:49:37 GMT", ours), Some(3_599.6));
        assert_eq!(skew("yesterday", ours), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), text in ".{0,80}") {
            models(&bytes);
            slots(&bytes);
            start(&bytes, Some(&text));
            skew(&text, Timestamp(0));
            counters(&String::from_utf8_lossy(&bytes));
            counters(&format!("llamacpp:{text}\nvllm:x{{{text}}} 1"));
        }
    }
}
