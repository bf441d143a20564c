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
    let uri: Uri = url.trim().parse().map_err(|_| UrlError::Unusable("it is not a URL"))?;
    match uri.scheme_str() {
        Some("http") => {}
        Some("https") => return Err(UrlError::Tls),
        _ => return Err(UrlError::Unusable("it does not begin with `http://`")),
    }
    let written = uri.host().unwrap_or_default();
    let host = written.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(written);
    if host.is_empty() {
        return Err(UrlError::Unusable("it names no host"));
    }
    // For the library a port that is no number below 65,536 is none.
    let after_user = uri.authority().and_then(|authority| authority.as_str().rsplit('@').next()).unwrap_or_default();
    let port = after_user.strip_prefix(written).and_then(|rest| rest.strip_prefix(':'));
    let has_port = port.is_some_and(|port| !port.is_empty());
    let port = match uri.port_u16() {
        Some(0) => return Err(UrlError::Unusable("its port is 0")),
        Some(port) => port,
        None if has_port => return Err(UrlError::Unusable("its port is no port number")),
        None => 80,
    };
    let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    Ok((Endpoint::Tcp { host: host.to_owned(), port }, path))
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
