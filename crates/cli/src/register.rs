//! The register that is asked: in a folder (through the service's own router, in process) or behind a server's
//! address. Both answer the same bytes.

use std::{path::Path, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Method, Request, header},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, value::RawValue};
use shilu_engine::{Engine, Options, bounded};
use shilu_model::{Campaign, Timestamp};
use tower::ServiceExt;

use crate::{
    args::SourceArgs,
    error::{CliError, Problem},
    messages::Language,
    wire::{self, Page},
};

/// Items asked for per page: large enough that pages hardly cost, small enough for any server's limit.
pub const PAGE_ITEMS: usize = 1_000;
/// How often a request is repeated while the server says "try again".
const ATTEMPTS_MAX: u32 = 6;
/// The longest wait for an answer: a diff of a large register is one pass over its log.
const ANSWER_WAIT: Duration = Duration::from_secs(300);
/// What stays as it is in a path segment or a query value (RFC 3986, unreserved).
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A register that can be asked.
pub enum Register {
    /// In a folder, opened by this process.
    Local(Local),
    /// Behind an address.
    Remote(Remote),
}

/// A register in a folder.
pub struct Local {
    /// The engine, for imports and exports.
    pub engine: Engine,
    router: Router,
    runtime: tokio::runtime::Runtime,
    from: String,
    language: Language,
}

/// A register behind an address.
#[derive(Clone)]
pub struct Remote {
    server: Server,
    campaign: Arc<Campaign>,
}

/// How a server is asked.
#[derive(Clone)]
pub struct Server {
    agent: ureq::Agent,
    base: String,
    token: Option<String>,
    language: Language,
}

/// Where a register is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named<'a> {
    /// In this folder.
    Folder(&'a Path),
    /// Behind this address.
    Server(&'a str),
}

impl SourceArgs {
    /// The one that is named.
    pub fn named(&self) -> Result<Named<'_>, CliError> {
        match self.chosen() {
            (Some(_), Some(_)) => Err(CliError::Usage {
                problem: "both --data and --server are given".to_owned(),
                hint: "give one of them: the folder, or the server that has it open",
            }),
            (None, None) => Err(CliError::Usage {
                problem: "no register is named".to_owned(),
                hint: "add --data DIR or --server URL",
            }),
            (Some(dir), None) => Ok(Named::Folder(dir)),
            (None, Some(server)) => Ok(Named::Server(server)),
        }
    }

    /// Whether any register is named.
    pub fn names_one(&self) -> bool {
        self.data.is_some() || self.server.is_some()
    }

    /// Folder and server as given: what stands on the command line beats what a variable says.
    fn chosen(&self) -> (Option<&Path>, Option<&str>) {
        let variable = |name| std::env::var(name).ok();
        let data = self.data.as_deref();
        let server = self.server.as_deref();
        let data_is_default = data.is_some() && data == variable("SHILU_DATA").as_deref().map(Path::new);
        let server_is_default = server.is_some() && server == variable("SHILU_SERVER").as_deref();
        match (data_is_default, server_is_default) {
            (true, false) if server.is_some() => (None, server),
            (false, true) if data.is_some() => (data, None),
            _ => (data, server),
        }
    }
}

impl Register {
    /// Opens the folder, or prepares to ask the server.
    pub fn open(source: &SourceArgs, language: Language) -> Result<Self, CliError> {
        match source.named()? {
            Named::Folder(dir) => Local::open(dir, language).map(Register::Local),
            Named::Server(server) => Remote::new(server, source, language).map(Register::Remote),
        }
    }

    /// The answer to a question, as its bytes.
    pub fn get(&self, path_and_query: &str) -> Result<Vec<u8>, CliError> {
        match self {
            Register::Local(local) => local.get(path_and_query),
            Register::Remote(remote) => remote.call(path_and_query, None),
        }
    }

    /// Sends a command or a list of them; gives the answer's bytes.
    pub fn post(&self, path: &str, body: &Value) -> Result<Vec<u8>, CliError> {
        let body = body.to_string();
        match self {
            Register::Local(local) => local.post(path, body),
            Register::Remote(remote) => remote.call(path, Some(body.as_bytes())),
        }
    }

    /// Every item of an answer, page by page, and what the pages say beside them.
    pub fn pages(
        &self,
        path: &str,
        mut query: Query,
        paging: Paging,
        mut each: impl FnMut(Box<RawValue>) -> Result<(), CliError>,
    ) -> Result<Pages, CliError> {
        let mut left = match paging {
            Paging::AtMost(limit) => limit,
            Paging::Whole | Paging::Single => usize::MAX,
        };
        let mut cursor = None;
        loop {
            if paging != Paging::Single {
                query.set("limit", Some(left.min(PAGE_ITEMS).to_string()));
                query.set("cursor", cursor);
            }
            let bytes = self.get(&query.on(path))?;
            let page = self.page(&bytes)?;
            for item in page.items {
                if left == 0 {
                    break;
                }
                left -= 1;
                each(item)?;
            }
            cursor = page
                .next
                .filter(|next| !next.is_null())
                .map(|next| wire::cell(&next));
            if left == 0 || cursor.is_none() {
                let as_of = page.as_of.unwrap_or(Value::Null);
                return Ok(Pages {
                    next: cursor,
                    as_of,
                    simulated: page.simulated,
                });
            }
        }
    }

    /// A page, or a bare list taken as one.
    fn page(&self, bytes: &[u8]) -> Result<Page, CliError> {
        if bytes.trim_ascii_start().starts_with(b"[") {
            return Ok(Page {
                items: wire::read(bytes, self.from())?,
                next: None,
                as_of: None,
                simulated: false,
            });
        }
        wire::read(bytes, self.from())
    }

    /// Its name for people.
    pub fn from(&self) -> &str {
        match self {
            Register::Local(local) => &local.from,
            Register::Remote(remote) => &remote.server.base,
        }
    }

    /// The campaign.
    pub fn campaign(&self) -> Arc<Campaign> {
        match self {
            Register::Local(local) => local.engine.campaign(),
            Register::Remote(remote) => Arc::clone(&remote.campaign),
        }
    }

    /// The register's time; a server's is not known here.
    pub fn now(&self) -> Option<Timestamp> {
        match self {
            Register::Local(local) => Some(local.engine.now()),
            Register::Remote(_) => None,
        }
    }

    /// An instant as people of the campaign's zone read it.
    pub fn local_time(&self, text: &str) -> String {
        Timestamp::parse(text).map_or_else(|_| text.to_owned(), |time| self.campaign().zone.local(time))
    }

    /// Closes it: saves what saves time at the next opening.
    pub fn close(&self) -> Result<(), CliError> {
        match self {
            Register::Local(local) => Ok(local.engine.close()?),
            Register::Remote(_) => Ok(()),
        }
    }
}

/// How an answer comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paging {
    /// In pages, all of them.
    Whole,
    /// In pages, at most so many items.
    AtMost(usize),
    /// As one page: its route knows no others.
    Single,
}

impl Paging {
    /// From `--limit`, where 0 means all.
    pub const fn limit(limit: usize) -> Self {
        if limit == 0 {
            Paging::Whole
        } else {
            Paging::AtMost(limit)
        }
    }
}

/// How a paged answer ended.
pub struct Pages {
    /// Where more would begin, if there is more than was asked for.
    pub next: Option<String>,
    /// Up to which position it is known.
    pub as_of: Value,
    /// Whether the register's clock is simulated.
    pub simulated: bool,
}

impl Local {
    fn open(dir: &Path, language: Language) -> Result<Self, CliError> {
        let engine = Engine::open(dir, Options::default())?;
        let router = shilu_service::router(engine.clone(), shilu_service::RouterOptions::default());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| CliError::io("start the runtime for", dir, error))?;
        Ok(Local {
            engine,
            router,
            runtime,
            from: dir.display().to_string(),
            language,
        })
    }

    fn get(&self, path_and_query: &str) -> Result<Vec<u8>, CliError> {
        self.call((Method::GET, path_and_query), Body::empty())
    }

    fn post(&self, path: &str, body: String) -> Result<Vec<u8>, CliError> {
        self.call((Method::POST, path), Body::from(body))
    }

    fn call(&self, (method, path_and_query): (Method, &str), body: Body) -> Result<Vec<u8>, CliError> {
        let broken = |problem: String| CliError::Server {
            url: self.from.clone(),
            problem,
        };
        let request = Request::builder()
            .method(method)
            .uri(path_and_query)
            .header(header::HOST, "localhost")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT_LANGUAGE, self.language.tag())
            .body(body)
            .map_err(|error| broken(error.to_string()))?;
        self.runtime.block_on(async {
            let Ok(response) = self.router.clone().oneshot(request).await;
            let status = response.status();
            let bytes = to_bytes(response.into_body(), usize::MAX)
                .await
                .map_err(|error| broken(error.to_string()))?;
            if status.is_success() {
                Ok(bytes.into())
            } else {
                Err(refusal(status.as_u16(), &bytes))
            }
        })
    }
}

impl Remote {
    fn new(server: &str, source: &SourceArgs, language: Language) -> Result<Self, CliError> {
        let server = Server::new(server, source.token.clone(), language)?;
        let bytes = server.call("/api/v1/campaign", None)?;
        let campaign = str::from_utf8(&bytes)
            .ok()
            .and_then(|text| Campaign::parse(text).ok());
        let campaign = campaign.ok_or_else(|| CliError::Server {
            url: server.base.clone(),
            problem: "it tells no campaign: it is no shilu server, or one of another version".to_owned(),
        })?;
        Ok(Remote {
            server,
            campaign: Arc::new(campaign),
        })
    }

    /// Where it is.
    pub fn address(&self) -> &str {
        &self.server.base
    }

    /// Asks, and asks again where the server says "try again": commands carry ids, so that is safe.
    pub fn call(&self, path_and_query: &str, body: Option<&[u8]>) -> Result<Vec<u8>, CliError> {
        self.server.call(path_and_query, body)
    }
}

impl Server {
    /// A server by its address. It is not asked yet.
    pub fn new(address: &str, token: Option<String>, language: Language) -> Result<Self, CliError> {
        if !address.starts_with("http://") {
            return Err(CliError::Usage {
                problem: format!("{address:?} is no address that can be asked"),
                hint: "write http://HOST:PORT; for https, ask through a local proxy",
            });
        }
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(ANSWER_WAIT))
            .build()
            .new_agent();
        Ok(Server {
            agent,
            base: address.trim_end_matches('/').to_owned(),
            token,
            language,
        })
    }

    /// The answer's bytes; asks again while the server says "try again".
    pub fn call(&self, path_and_query: &str, body: Option<&[u8]>) -> Result<Vec<u8>, CliError> {
        self.call_at_most(path_and_query, body, usize::MAX)
    }

    /// As [`Server::call`]. Of a longer answer there are `bytes_max` bytes and one more: its reader then refuses it.
    pub fn call_at_most(
        &self,
        path_and_query: &str,
        body: Option<&[u8]>,
        bytes_max: usize,
    ) -> Result<Vec<u8>, CliError> {
        let mut attempt = 1;
        loop {
            let (status, retry_after, bytes) = self.call_once(path_and_query, body, bytes_max)?;
            match status {
                200..300 => return Ok(bytes),
                503 if attempt < ATTEMPTS_MAX => std::thread::sleep(retry_after),
                _ => return Err(refusal(status, &bytes)),
            }
            attempt += 1;
        }
    }

    fn call_once(
        &self,
        path_and_query: &str,
        body: Option<&[u8]>,
        bytes_max: usize,
    ) -> Result<(u16, Duration, Vec<u8>), CliError> {
        let url = format!("{}{path_and_query}", self.base);
        let broken = |error: ureq::Error| CliError::Server {
            url: self.base.clone(),
            problem: error.to_string(),
        };
        let answer = match body {
            None => {
                let mut request = self
                    .agent
                    .get(&url)
                    .header("accept-language", self.language.tag());
                if let Some(token) = &self.token {
                    request = request.header("authorization", format!("Bearer {token}"));
                }
                request.call()
            }
            Some(body) => {
                let mut request = self
                    .agent
                    .post(&url)
                    .header("content-type", "application/json")
                    .header("accept-language", self.language.tag());
                if let Some(token) = &self.token {
                    request = request.header("authorization", format!("Bearer {token}"));
                }
                request.send(body)
            }
        };
        let mut response = answer.map_err(broken)?;
        let seconds = response
            .headers()
            .get("retry-after")
            .and_then(|value| value.to_str().ok()?.parse().ok());
        let body = response.body_mut().with_config().limit(u64::MAX).reader();
        let bytes = bounded::read_from(body, bytes_max).map_err(|error| broken(ureq::Error::Io(error)))?;
        Ok((
            response.status().as_u16(),
            Duration::from_secs(seconds.unwrap_or(1)),
            bytes,
        ))
    }
}

/// The error in an answer that is no success.
fn refusal(status: u16, bytes: &[u8]) -> CliError {
    let mut problem: Problem = serde_json::from_slice(bytes).unwrap_or_default();
    problem.status = status;
    if problem.code.is_empty() {
        problem.code = format!("HTTP_{status}");
    }
    CliError::Problem {
        problem: Box::new(problem),
    }
}

/// A query string, in its order.
#[derive(Clone, Debug, Default)]
pub struct Query(Vec<(&'static str, String)>);

impl Query {
    /// Adds, replaces or drops a parameter.
    pub fn set(&mut self, name: &'static str, value: Option<String>) {
        self.0.retain(|(other, _)| *other != name);
        self.0.extend(value.map(|value| (name, value)));
    }

    /// Adds a parameter, if it has a value.
    pub fn with(mut self, name: &'static str, value: Option<impl Into<String>>) -> Self {
        self.set(name, value.map(Into::into));
        self
    }

    /// The path with this query.
    pub fn on(&self, path: &str) -> String {
        let pairs = self
            .0
            .iter()
            .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, PLAIN)));
        let query = pairs.collect::<Vec<_>>().join("&");
        if query.is_empty() {
            path.to_owned()
        } else {
            format!("{path}?{query}")
        }
    }
}

/// A path segment, encoded.
pub fn segment(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_encoded() {
        let query = Query::default()
            .with("area", Some("小越 镇"))
            .with("as_of", Some("@12"))
            .with("kind", None::<String>);
        assert_eq!(
            query.on("/api/v1/counts"),
            "/api/v1/counts?area=%E5%B0%8F%E8%B6%8A%20%E9%95%87&as_of=%4012"
        );
        assert_eq!(segment("a?b#c"), "a%3Fb%23c");
    }
}
