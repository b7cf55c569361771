//! Web pages of others may not speak to the service through a visitor's browser.
//!
//! Until there is authentication, being on this machine is the only right to write. A browser on this machine runs
//! pages from everywhere, and names their origin in the header `Origin`.

use axum::http::{HeaderMap, StatusCode, Uri, header};

use crate::problem::Problem;

/// Refuses a request that a page from elsewhere sent.
pub(crate) fn check(headers: &HeaderMap) -> Result<(), Problem> {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return Ok(());
    };
    let host = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok());
    match host.as_ref().and_then(Uri::host) {
        Some("localhost" | "[::1]") => Ok(()),
        Some(host)
            if host
                .parse::<std::net::Ipv4Addr>()
                .is_ok_and(|ip| ip.is_loopback()) =>
        {
            Ok(())
        }
        _ => {
            let detail = "a web page from elsewhere sent this through a browser; without authentication only pages \
                          from this machine may";
            Err(Problem::new(StatusCode::FORBIDDEN, "FOREIGN_ORIGIN", detail)
                .hint("use a client that is no web page, or a page served from this machine"))
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_pages_of_this_machine_may_send() {
        let mut headers = HeaderMap::new();
        assert!(check(&headers).is_ok());
        for (origin, good) in [
            ("http://localhost:7400", true),
            ("http://127.0.0.1:7400", true),
            ("http://[::1]:7400", true),
            ("https://example.org", false),
            ("http://localhost.example.org", false),
            ("null", false),
            ("", false),
        ] {
            headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            assert_eq!(check(&headers).is_ok(), good, "{origin}");
        }
    }
}
