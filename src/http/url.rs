use super::endpoint::Endpoint;
use hyper::Uri;

/// Reason why nothing can be asked at a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UrlError {
    /// `https://`, which is not spoken.
    Tls,
    /// No `http://` URL: a sentence that does not repeat it, since it may contain a password.
    Unusable(&'static str),
}

/// Splits an `http://` URL into its server and the path from the slash on, with the query. A user and a password are
/// left out.
///
/// # Errors
/// See [`UrlError`].
pub fn parse_url(url: &str) -> Result<(Endpoint, String), UrlError> {
    let (uri, is_tls) = uri(url)?;
    if is_tls {
        return Err(UrlError::Tls);
    }
    let written = uri.host().unwrap_or_default();
    let host = written.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(written);
    if host.is_empty() {
        return Err(UrlError::Unusable("it names no host"));
    }
    let port = port(&uri)?.unwrap_or(80);
    let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    Ok((Endpoint::Tcp { host: host.to_owned(), port }, path))
}

/// Returns the port of an `http://` or `https://` URL: that of its scheme where it names none. None where it is neither.
pub fn port_of(url: &str) -> Option<u16> {
    let (uri, is_tls) = uri(url).ok()?; // no URL has no port
    let default = if is_tls { 443 } else { 80 };
    Some(port(&uri).ok()?.unwrap_or(default)) // as above
}

/// Parses a URL, and returns whether it asks for TLS.
fn uri(url: &str) -> Result<(Uri, bool), UrlError> {
    let uri: Uri = url.trim().parse().map_err(|_| UrlError::Unusable("it is not a URL"))?;
    match uri.scheme_str() {
        Some("http") => Ok((uri, false)),
        Some("https") => Ok((uri, true)),
        _ => Err(UrlError::Unusable("it does not begin with `http://`")),
    }
}

fn port(uri: &Uri) -> Result<Option<u16>, UrlError> {
    let written = uri.host().unwrap_or_default();
    // For the library a port that is no number below 65,536 is none.
    let after_user = uri.authority().and_then(|authority| authority.as_str().rsplit('@').next()).unwrap_or_default();
    let text = after_user.strip_prefix(written).and_then(|rest| rest.strip_prefix(':'));
    match uri.port_u16() {
        Some(0) => Err(UrlError::Unusable("its port is 0")),
        Some(port) => Ok(Some(port)),
        None if text.is_some_and(|port| !port.is_empty()) => Err(UrlError::Unusable("its port is not a number")),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts(url: &str) -> (String, String) {
        let (endpoint, path) = parse_url(url).unwrap();
        (endpoint.to_string(), path)
    }

    #[test]
    fn the_port_of_a_url_is_found() {
        assert_eq!(port_of("http://127.0.0.1:8081/health"), Some(8081));
        assert_eq!(port_of("http://[::1]/x"), Some(80));
        assert_eq!(port_of("https://box/"), Some(443));
        assert_eq!((port_of("box:1"), port_of("http://box:99999/")), (None, None));
    }

    #[test]
    fn a_url_is_split_and_its_password_is_left_out() {
        assert_eq!(parts("http://127.0.0.1:8081/health"), ("http://127.0.0.1:8081".into(), "/health".into()));
        assert_eq!(parts("http://me:secret@box/a?b=c"), ("http://box:80".into(), "/a?b=c".into()));
        assert_eq!(parts("http://[::1]:9"), ("http://[::1]:9".into(), "/".into()));
        assert_eq!(parse_url("https://box/"), Err(UrlError::Tls));
        for odd in ["", "box:80", "/health", "ftp://box/", "http:///x", "http://box:99999/", "http://box:0/"] {
            assert!(matches!(parse_url(odd), Err(UrlError::Unusable(_))), "{odd}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in ".{0,60}", rest in "[a-z0-9:@/\\[\\]%?#.]{0,40}") {
            let _ = parse_url(&text);
            let _ = parse_url(&format!("http://{rest}"));
        }
    }
}
