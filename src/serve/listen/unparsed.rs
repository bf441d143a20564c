//! The answer to what is no request. hyper answers it by itself before anything of ours is asked, without a body and with
//! no way to give it one: what it writes is replaced on its way to the client.

use super::Refusal;
use axum::http::StatusCode;

/// Returns whether bytes begin as an answer to a request that is at fault does.
pub(super) fn is_error(written: &[u8]) -> bool {
    written.starts_with(b"HTTP/1.") && written.get(9) == Some(&b'4')
}

/// Returns our answer in place of `written`, if that is hyper's own to what is no request. `head` has the bytes that the
/// client sent so far; `next_id` gives the answer its number.
pub(super) fn answer(written: &[u8], head: &[u8], next_id: &dyn Fn() -> String) -> Option<Vec<u8>> {
    let written = std::str::from_utf8(written).ok().filter(|text| is_error(text.as_bytes()))?; // hyper's heads are plain
    let status = written.get(9..12).and_then(|status| StatusCode::from_bytes(status.as_bytes()).ok())?; // as above
    let (fields, "") = written.split_once("\r\n\r\n")? else { return None };
    let has = |field: &str| fields.lines().any(|line| line.to_ascii_lowercase().starts_with(field));
    // Each answer of ours has an id.
    if !has("content-length: 0") || has("x-request-id:") {
        return None;
    }
    let (code, message) = match status {
        StatusCode::URI_TOO_LONG => ("uri_too_long", "the address of the request is too long"),
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            ("headers_too_large", "the head of the request has too many bytes or too many fields")
        }
        _ => ("invalid_request", "the request is not valid HTTP/1.1"),
    };
    let path = head.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    let body = Refusal::new(status, code, message).body(&String::from_utf8_lossy(path));
    let (number, reason, length) = (status.as_u16(), status.canonical_reason().unwrap_or_default(), body.len());
    let answer = format!(
        "HTTP/1.1 {number} {reason}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
         x-request-id: {}\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n\
         connection: close\r\n\r\n{body}",
        next_id()
    );
    Some(answer.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_hyper_answers_by_itself_is_replaced() {
        let hypers =
            "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\ndate: x\r\n\r\n";
        let replaced = |written: &str, head: &str| answer(written.as_bytes(), head.as_bytes(), &|| "id-1".into());
        let ours = String::from_utf8(replaced(hypers, "GET /api/models HTTP/1.1\r\n").unwrap()).unwrap();
        let (head, body) = ours.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"), "{head}");
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{head}");
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["detail"], "headers_too_large");
        assert!(head.contains("x-request-id: id-1\r\n"), "{head}");
        let ours = String::from_utf8(replaced(hypers, "\u{0}").unwrap()).unwrap();
        assert!(ours.contains(r#""type":"invalid_request_error""#), "{ours}");
        for other in [
            hypers.replace("431", "200"),
            hypers.replace("date: x", "x-request-id: 1"),
            hypers.replace("content-length: 0", "content-length: 5"),
            format!("{hypers}more"),
            "HTTP/1.1 4".to_owned(),
            "\u{e4}HTTP/1.1 431".to_owned(),
            String::new(),
        ] {
            assert_eq!(replaced(&other, ""), None, "{other}");
        }
    }
}
