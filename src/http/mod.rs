//! The wire: one way out for all providers.
//!
//! Purpose: [`Transport`] is the seam between proforma and an upstream. In production it is
//! reqwest ([`client`]); in the simulation it is the sandbox, called in-process. [`Wire`] puts rate
//! limit, credentials and retry decision in front of it.
//!
//! Invariants: [`ReadWire`] is all that planning ever holds, and it can express reads only: `GET`,
//! and `POST` to a path that is a query. Redirects are never followed. Every failed attempt is
//! classed by what it proves about the upstream ([`Proof`]), and a call that failed says the
//! worst that any of its attempts left possible ([`CallError::proof`]).
//!
//! Rooms: [`address`] where a request may go, [`client`] bytes there and back, [`credentials`]
//! secrets, [`limit`] when a request may leave, [`policy`] what a provider's answers mean (data),
//! [`retry`] what a failed attempt means (pure), [`call`] and [`answer`] the values, [`paging`] when a list must
//! have ended, [`wire`] and
//! [`read`] the two doors.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

pub mod address;
pub mod answer;
pub mod call;
pub mod client;
pub mod credentials;
pub mod limit;
pub mod paging;
pub mod policy;
pub mod read;
pub mod retry;
pub mod wire;

pub use address::{AddressError, BaseUrl};
pub use answer::{Answer, CallError};
pub use call::{Call, segment};
pub use client::{ClientError, ReqwestTransport};
pub use credentials::{Credential, CredentialError, Secret, SecretSource};
pub use limit::{Class, Limiter, Limits, RateLimit};
pub use paging::Paging;
pub use policy::{LimitRule, Policy};
pub use read::{QueryPath, ReadWire};
pub use retry::Safety;
pub use wire::{Counts, Wire, WireSettings, calls_begun};

/// A request whose target is relative to the connection's `base_url`
/// (`/crm/v3/objects/quotes?limit=100`).
pub type Request = http::Request<Bytes>;
/// A whole answer.
pub type Response = http::Response<Bytes>;

/// What a failed attempt proves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Proof {
    /// The request never left (refused connection, unresolved name).
    NotSent,
    /// The upstream answered that it did nothing.
    Rejected,
    /// It may have been done.
    Ambiguous,
}

/// The transport could not bring an answer.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct TransportError {
    /// `NotSent` or `Ambiguous`.
    pub proof: Proof,
    /// What happened, without address or secret.
    pub message: String,
}

impl TransportError {
    /// The request never left.
    pub fn not_sent(message: impl Into<String>) -> Self {
        Self { proof: Proof::NotSent, message: message.into() }
    }

    /// It may have been done.
    pub fn ambiguous(message: impl Into<String>) -> Self {
        Self { proof: Proof::Ambiguous, message: message.into() }
    }
}

/// Sends one request and gives the whole answer, whatever its status.
#[async_trait]
pub trait Transport: Send + Sync + fmt::Debug {
    /// One attempt. Timeouts are the transport's.
    async fn send(&self, request: Request) -> Result<Response, TransportError>;
}

/// A transport shared between connections.
pub type SharedTransport = Arc<dyn Transport>;
