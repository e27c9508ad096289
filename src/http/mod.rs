//! The wire: one way out for all providers.
//!
//! Purpose: [`Transport`] is the seam between proforma and an upstream. In production it is
//! reqwest ([`client`]); in the simulation it is the sandbox, called in-process.
//!
//! Invariants: [`ReadWire`] is all that planning ever holds, and it can express reads only: `GET`,
//! and `POST` to a path that its provider declared to be a query. Redirects are never followed.
//! Every failed attempt is classed by what it proves about the upstream ([`Proof`]).

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

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

/// Sends one request and gives the whole answer, whatever its status.
#[async_trait]
pub trait Transport: Send + Sync + fmt::Debug {
    /// One attempt. Timeouts are the transport's.
    async fn send(&self, request: Request) -> Result<Response, TransportError>;
}

/// A transport shared between connections.
pub type SharedTransport = Arc<dyn Transport>;
