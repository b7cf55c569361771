//! Query strings, read strictly: a parameter that nobody knows could silently widen an answer.

use percent_encoding::percent_decode_str;
use shilu_model::RecordName;

use crate::{
    limits::{PAGE_DEFAULT, PAGE_MAX},
    problem::{Problem, shorten},
};

/// The parameters of one request; each at most once, each known.
#[derive(Debug, Default)]
pub(crate) struct Params(Vec<(&'static str, String)>);

impl Params {
    /// Reads a query string; `known` names the parameters that the route has.
    pub(crate) fn read(query: Option<&str>, known: &[&'static str]) -> Result<Self, Problem> {
        let mut params = Params::default();
        let pairs = query
            .unwrap_or_default()
            .split('&')
            .filter(|pair| !pair.is_empty());
        for pair in pairs {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            let Some(name) = known.iter().copied().find(|known| *known == name) else {
                let detail = format!("there is no parameter {:?} here", shorten(name.clone()));
                return Err(Problem::malformed("BAD_QUERY", detail)
                    .field(name)
                    .hint(format!("the parameters are {}", known.join(", "))));
            };
            if params.get(name).is_some() {
                return Err(Problem::malformed(
                    "BAD_QUERY",
                    format!("the parameter {name:?} is given twice"),
                )
                .field(name)
                .hint("give each parameter once"));
            }
            params.0.push((name, value));
        }
        Ok(params)
    }

    /// A parameter's value.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A parameter's value, owned.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    /// A parameter that must be there.
    pub(crate) fn required(&self, name: &'static str) -> Result<&str, Problem> {
        self.get(name).ok_or_else(|| {
            Problem::malformed("BAD_QUERY", format!("the parameter {name:?} is missing"))
                .field(name)
                .hint("add it to the address")
        })
    }

    /// A parameter that is one of some words.
    pub(crate) fn word<T>(
        &self,
        name: &'static str,
        parse: impl Fn(&str) -> Option<T>,
        words: &str,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        parse(text).map(Some).ok_or_else(|| {
            let detail = format!("{name}: {:?} is none of {words}", shorten(text.to_owned()));
            Problem::malformed("BAD_QUERY", detail)
                .field(name)
                .hint("write one of these words")
        })
    }

    /// A parameter that names a record.
    pub(crate) fn record(&self, name: &'static str) -> Result<Option<RecordName>, Problem> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        let record = RecordName::parse(text);
        record.map(Some).map_err(|error| {
            Problem::malformed("BAD_RECORD", error.to_string())
                .field(name)
                .hint("write kind/key")
        })
    }

    /// The page's length.
    pub(crate) fn limit(&self) -> Result<usize, Problem> {
        let Some(text) = self.get("limit") else {
            return Ok(PAGE_DEFAULT);
        };
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(limit) if digits && (1..=PAGE_MAX).contains(&limit) => Ok(limit),
            _ => {
                let detail = format!(
                    "limit: {:?} is not a number from 1 to {PAGE_MAX}",
                    shorten(text.to_owned())
                );
                Err(Problem::malformed("BAD_QUERY", detail)
                    .field("limit")
                    .hint("ask for shorter pages; \"next\" leads to the rest"))
            }
        }
    }

    /// A fingerprint of some parameters, to tie a cursor to them (FNV-1a, 64 bits; it guards against mistakes only).
    pub(crate) fn fingerprint(&self, of: &str, names: &[&str]) -> u64 {
        const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0100_0000_01b3;
        let add = |hash: u64, bytes: &[u8]| {
            // 0xff never occurs in UTF-8, so it keeps neighbours apart.
            let bytes = bytes.iter().chain(&[0xff]);
            bytes.fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
        };
        names
            .iter()
            .fold(add(OFFSET, of.as_bytes()), |hash, name| match self.get(name) {
                Some(value) => add(add(hash, name.as_bytes()), value.as_bytes()),
                None => hash,
            })
    }
}

fn decode(text: &str) -> Result<String, Problem> {
    let spaced = text.replace('+', " ");
    match percent_decode_str(&spaced).decode_utf8() {
        Ok(decoded) => Ok(decoded.into_owned()),
        Err(_) => Err(
            Problem::malformed("BAD_QUERY", "the query is not UTF-8 once its % escapes are read")
                .hint("escape the bytes of the text's UTF-8 form"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["kind", "limit", "record"];

    #[test]
    fn known_parameters_are_read_and_others_refused() {
        let params = Params::read(Some("kind=%E6%88%BF&limit=7&&"), KNOWN).unwrap();
        assert_eq!((params.get("kind"), params.limit().unwrap()), (Some("房"), 7));
        assert_eq!(Params::read(None, KNOWN).unwrap().limit().unwrap(), PAGE_DEFAULT);
        for (query, field) in [("knid=x", "knid"), ("kind=a&kind=b", "kind"), ("=x", "")] {
            let problem = Params::read(Some(query), KNOWN).unwrap_err();
            assert_eq!(problem.code(), "BAD_QUERY");
            assert!(problem.detail().contains(field), "{query}");
        }
        assert_eq!(
            Params::read(Some("kind=%FF"), KNOWN).unwrap_err().code(),
            "BAD_QUERY"
        );
        for bad in [
            "limit=0",
            "limit=1001",
            "limit=-1",
            "limit=+5",
            "limit=",
            "limit=ten",
        ] {
            let params = Params::read(Some(bad), KNOWN).unwrap();
            assert_eq!(params.limit().unwrap_err().code(), "BAD_QUERY", "{bad}");
        }
        let params = Params::read(Some("record=dwelling"), KNOWN).unwrap();
        assert_eq!(params.record("record").unwrap_err().code(), "BAD_RECORD");
    }

    #[test]
    fn a_fingerprint_tells_filters_apart() {
        let of = |query| {
            Params::read(Some(query), KNOWN)
                .unwrap()
                .fingerprint("records", &["kind", "record"])
        };
        assert_eq!(of("kind=a&limit=1"), of("limit=2&kind=a"));
        assert_ne!(of("kind=a"), of("record=a"));
        assert_ne!(of("kind="), of(""));
    }
}
