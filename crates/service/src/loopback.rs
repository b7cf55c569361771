//! Where the service may listen, as long as it knows nobody.

use std::net::SocketAddr;

use thiserror::Error;

/// Why the service does not start.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ServeError {
    /// `LOOPBACK_ONLY`
    #[error(
        "the service does not listen on {address}: it has no authentication yet, so whoever can reach it could write \
         in anybody's name"
    )]
    LoopbackOnly {
        /// The address that was asked for.
        address: SocketAddr,
    },
}

impl ServeError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            ServeError::LoopbackOnly { .. } => "LOOPBACK_ONLY",
        }
    }

    /// What to do next.
    pub const fn hint(&self) -> &'static str {
        match self {
            ServeError::LoopbackOnly { .. } => {
                "listen on 127.0.0.1 or [::1], and reach it from elsewhere through a tunnel such as `ssh -L`"
            }
        }
    }
}

/// Refuses any address that other machines can reach.
///
/// ```
/// use shilu_service::check_loopback;
/// assert!(check_loopback(&"127.0.0.1:7400".parse().unwrap()).is_ok());
/// assert_eq!(check_loopback(&"0.0.0.0:7400".parse().unwrap()).unwrap_err().code(), "LOOPBACK_ONLY");
/// ```
pub fn check_loopback(address: &SocketAddr) -> Result<(), ServeError> {
    // An IPv4 loopback address in its IPv6 form is one too.
    if address.ip().to_canonical().is_loopback() {
        Ok(())
    } else {
        Err(ServeError::LoopbackOnly { address: *address })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_taken() {
        for good in ["127.0.0.1:0", "127.9.9.9:80", "[::1]:80", "[::ffff:127.0.0.1]:80"] {
            assert!(check_loopback(&good.parse().unwrap()).is_ok(), "{good}");
        }
        for bad in [
            "0.0.0.0:80",
            "[::]:80",
            "192.168.1.2:80",
            "[::ffff:10.0.0.1]:80",
            "8.8.8.8:80",
        ] {
            let error = check_loopback(&bad.parse().unwrap()).unwrap_err();
            assert_eq!(error.code(), "LOOPBACK_ONLY");
            assert!(error.to_string().contains("authentication"), "{error}");
        }
    }
}
