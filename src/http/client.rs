//! The transport to a real upstream, on reqwest.
//!
//! Purpose: bytes there and back, and an honest word on what a failure proves.
//!
//! Invariants: a request goes to the host of the connection's `base_url` and nowhere else; no
//! redirect is followed and nothing is repeated here; every request ends within the time limit; an
//! answer is read up to [`MAX_ANSWER`] bytes as they arrive, unpacked, so that neither a huge body nor
//! a small one that unpacks to a huge one fills the memory. Only a connection that was never made
//! counts as not sent. Messages are ours: reqwest's contain the address with its query.

use std::error::Error as StdError;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::Method;
use http::header::{CONTENT_LENGTH, HeaderValue};

use super::address::{AddressError, BaseUrl};
use super::{Request, Response, Transport, TransportError};

/// The largest answer that is read, in bytes, unpacked.
pub const MAX_ANSWER: usize = 64 * 1024 * 1024;
/// The time limit of one request unless told otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_mins(1);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Shorter than the idle time of common servers: a connection that the server closes just as we
/// write to it makes the outcome of a write unknown.
const POOL_IDLE: Duration = Duration::from_secs(15);
const POOL_MAX_IDLE: usize = 16;

/// A client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address is not one that credentials may go to.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// TLS or the resolver could not be set up.
    #[error("the HTTP client cannot be set up: {0}")]
    Setup(String),
}

/// Sends to one upstream over the network.
#[derive(Debug)]
pub struct ReqwestTransport {
    client: reqwest::Client,
    base: BaseUrl,
    timeout: Duration,
    max_answer: usize,
}

impl ReqwestTransport {
    /// A client for a connection. `timeout` bounds one request, connecting and reading included.
    pub fn new(base: BaseUrl, timeout: Duration) -> Result<Self, ClientError> {
        install_crypto();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("proforma/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(timeout)
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(POOL_MAX_IDLE)
            .gzip(true);
        builder = if base.is_loopback() {
            // A proxy would send a local request elsewhere, and a resolver might.
            let here = [
                SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
                SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 0),
            ];
            builder.no_proxy().resolve_to_addrs("localhost", &here)
        } else {
            builder.https_only(true)
        };
        let client = builder.build().map_err(|e| ClientError::Setup(deepest(&e)))?;
        Ok(Self { client, base, timeout, max_answer: MAX_ANSWER })
    }

    async fn read(&self, mut response: reqwest::Response) -> Result<Bytes, TransportError> {
        let too_large = || {
            let mib = self.max_answer / (1024 * 1024);
            TransportError::ambiguous(format!("the answer is larger than {mib} MiB"))
        };
        let mut body = BytesMut::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > self.max_answer => {
                    return Err(too_large());
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => return Ok(body.freeze()),
                Err(e) => return Err(self.explain(&e, "answer")),
            }
        }
    }

    /// What an error of reqwest proves, and its cause in a few words.
    fn explain(&self, error: &reqwest::Error, reading: &str) -> TransportError {
        if error.is_connect() {
            return TransportError::not_sent(connect_cause(error));
        }
        // From here on bytes may have left. Whether they did is not knowable, so it is not asked.
        if error.is_timeout() {
            let limit = humane(self.timeout);
            return TransportError::ambiguous(format!("timed out after {limit}"));
        }
        if error.is_decode() && !has_io_error(error, is_cut) {
            return TransportError::ambiguous("the answer cannot be unpacked");
        }
        if error.is_builder() {
            return TransportError::not_sent("the request cannot be built");
        }
        TransportError::ambiguous(format!("connection closed before the {reading} was complete"))
    }
}

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let (head, body) = request.into_parts();
        let elsewhere = || TransportError::not_sent(AddressError::Elsewhere.to_string());
        if head.uri.authority().is_some() {
            return Err(elsewhere());
        }
        let target = head.uri.path_and_query().map_or("", |t| t.as_str());
        let url = self.base.join(target).map_err(|_| elsewhere())?;
        let mut call = reqwest::Request::new(head.method, url);
        *call.headers_mut() = head.headers;
        if !body.is_empty() {
            *call.body_mut() = Some(body.into());
        } else if matches!(*call.method(), Method::POST | Method::PUT | Method::PATCH) {
            // hyper leaves the length out when there is no body, and some servers answer 411.
            call.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let sent = self.client.execute(call).await;
        let mut response = sent.map_err(|e| self.explain(&e, "answer"))?;
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        let body = self.read(response).await?;
        let mut answer = Response::new(body);
        *answer.status_mut() = status;
        *answer.headers_mut() = headers;
        Ok(answer)
    }
}

/// Makes ring the process's crypto, unless one is there already; reqwest panics without one.
fn install_crypto() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // An error means that another thread was faster, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

fn connect_cause(error: &reqwest::Error) -> String {
    if error.is_dns() {
        return "name not resolved".to_owned();
    }
    if error.is_timeout() {
        return format!("no connection within {}", humane(CONNECT_TIMEOUT));
    }
    if let Some(tls) = find::<rustls::Error>(error) {
        return match tls {
            rustls::Error::InvalidCertificate(_) => format!("TLS: certificate not valid ({tls})"),
            other => format!("TLS: {other}"),
        };
    }
    let kinds = [
        (io::ErrorKind::ConnectionRefused, "connection refused"),
        (io::ErrorKind::NetworkUnreachable, "network unreachable"),
        (io::ErrorKind::HostUnreachable, "host unreachable"),
        (io::ErrorKind::ConnectionReset, "connection reset while connecting"),
        (io::ErrorKind::TimedOut, "no connection in time"),
    ];
    let named = kinds.iter().find(|(kind, _)| has_io_error(error, |k| k == *kind));
    named.map_or("no connection", |(_, text)| text).to_owned()
}

fn is_cut(kind: io::ErrorKind) -> bool {
    use io::ErrorKind as K;
    matches!(kind, K::UnexpectedEof | K::ConnectionReset | K::ConnectionAborted | K::BrokenPipe)
}

type Cause<'a> = &'a (dyn StdError + 'static);

/// The chain of causes, looked through `io::Error`, which hides what it wraps.
fn causes<'a>(error: Cause<'a>) -> impl Iterator<Item = Cause<'a>> {
    std::iter::successors(Some(error), |e: &Cause<'a>| -> Option<Cause<'a>> {
        let e: Cause<'a> = *e;
        match e.downcast_ref::<io::Error>() {
            Some(io) => io.get_ref().map(|inner| inner as Cause<'a>),
            None => e.source(),
        }
    })
}

fn find<T: StdError + 'static>(error: Cause<'_>) -> Option<&T> {
    causes(error).find_map(|e| e.downcast_ref::<T>())
}

fn has_io_error(error: Cause<'_>, is: impl Fn(io::ErrorKind) -> bool) -> bool {
    causes(error).any(|e| e.downcast_ref::<io::Error>().is_some_and(|io| is(io.kind())))
}

/// The last cause, which has no address in it.
fn deepest(error: Cause<'_>) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}

fn humane(time: Duration) -> String {
    if time.subsec_millis() == 0 {
        format!("{} s", time.as_secs())
    } else {
        format!("{} ms", time.as_millis())
    }
}

#[cfg(test)]
mod tests;
