//! A name for every request: in the log, in each problem, and in the header `x-request-id`.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// The header that carries it, both ways.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id that is taken over from a client: a UUID and some.
const BYTES_MAX: usize = 64;

/// The id of one request.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(pub(crate) HeaderValue);

/// Gives out ids: a part drawn at the start, and a number. Cheaper than a random id per request.
pub(crate) struct RequestIds {
    start: u32,
    next: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new() -> Self {
        // The tail of a UUIDv7 is random.
        let [.., a, b, c, d] = Uuid::now_v7().into_bytes();
        RequestIds {
            start: u32::from_be_bytes([a, b, c, d]),
            next: AtomicU64::new(1),
        }
    }

    /// The client's own id if it is short and plain, else a new one.
    pub(crate) fn of(&self, headers: &HeaderMap) -> RequestId {
        match headers.get(HEADER) {
            Some(value) if is_plain(value.as_bytes()) => RequestId(value.clone()),
            _ => self.fresh(),
        }
    }

    fn fresh(&self) -> RequestId {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let text = format!("{:08x}-{number:x}", self.start);
        RequestId(HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("-")))
    }
}

impl RequestId {
    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or("-")
    }
}

fn is_plain(id: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=BYTES_MAX).contains(&id.len()) && id.iter().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_id_is_kept_and_any_other_replaced() {
        let ids = RequestIds::new();
        let mut headers = HeaderMap::new();
        assert_ne!(ids.of(&headers).as_str(), ids.of(&headers).as_str());
        headers.insert(HEADER, HeaderValue::from_static("visit-7.a_b"));
        assert_eq!(ids.of(&headers).as_str(), "visit-7.a_b");
        for bad in ["a b", "", "a\"b", &"x".repeat(65)] {
            headers.insert(HEADER, HeaderValue::from_str(bad).unwrap());
            assert_ne!(ids.of(&headers).as_str(), bad);
        }
    }
}
