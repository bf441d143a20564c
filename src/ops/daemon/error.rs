use super::ErrorReply;
use crate::display::text;
use crate::failure::{Failure, Kind};

/// Returns the failure that an error of the daemon means to a person.
pub fn refused(status: u16, body: &[u8]) -> Failure {
    let Ok(reply) = serde_json::from_slice::<ErrorReply>(body) else {
        return Failure::engine(format!("the daemon answered with status {status}"));
    };
    let why = reply.why.as_deref().unwrap_or_default();
    let kind = match (status, why) {
        (_, "failed" | "unready" | "died" | "backoff") => Kind::Engine,
        (_, "queue_full" | "stopping" | "stopped" | "no_memory" | "pinned_memory" | "no_port") | (429 | 503, _) => {
            Kind::Busy
        }
        (400..=499, _) => Kind::CannotMeet,
        _ => Kind::Engine,
    };
    let mut message = format!("{}: {}", text::clean(&reply.error), text::clean(&reply.detail));
    // The first port that is in use, with its holder, is in the detail.
    for holder in reply.holders.iter().filter(|_| why != "no_port") {
        let (name, reason) = (holder.get("name"), holder.get("why"));
        if let (Some(name), Some(reason)) = (name.and_then(|v| v.as_str()), reason.and_then(|v| v.as_str())) {
            message.push_str(&format!("\n  {} ({reason})", text::clean(name)));
        }
    }
    for candidate in &reply.candidates {
        message.push_str(&format!("\n  {}", text::clean(candidate)));
    }
    let failure = Failure::new(kind, message);
    let hint = match (status, why) {
        (404, _) => Some("`modelctl list` shows the models".to_owned()),
        (_, "no_port") => Some("`modelctl stop` releases a port; `port_range_end` in [serve] adds more".to_owned()),
        (_, "no_memory" | "pinned_memory") => Some("`modelctl ps` shows what is loaded".to_owned()),
        _ => reply.last_log.as_deref().map(|line| format!("last line of its log: {}", text::clean(line))),
    };
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_learns_by_the_exit_code_whether_trying_again_can_help() {
        let kind = |status, why: Option<&str>| {
            let body = serde_json::json!({ "error": "Failed to start server", "detail": "x", "why": why });
            refused(status, body.to_string().as_bytes()).kind
        };
        assert_eq!(kind(404, None), Kind::CannotMeet);
        assert_eq!(kind(409, Some("bad_file")), Kind::CannotMeet);
        assert_eq!(kind(503, Some("no_memory")), Kind::Busy);
        assert_eq!(kind(409, Some("no_port")), Kind::Busy);
        assert_eq!(kind(503, Some("backoff")), Kind::Engine);
        assert_eq!(kind(500, Some("failed")), Kind::Engine);
        assert_eq!(refused(500, b"<html>").kind, Kind::Engine);
    }

    #[test]
    fn what_holds_the_memory_and_the_last_log_line_are_shown_without_control_characters() {
        let body = serde_json::json!({
            "error": "Failed to start server", "detail": "it does not fit", "why": "no_memory",
            "holders": [{"name": "big\u{1b}[2J", "why": "busy", "held": []}],
        });
        let failure = refused(503, body.to_string().as_bytes());
        assert!(failure.message.ends_with("\n  big\\x1b[2J (busy)"), "{}", failure.message);
    }
}
