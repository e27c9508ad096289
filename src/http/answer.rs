//! What came of a call: an [`Answer`], or a [`CallError`] that says what may have happened.
//!
//! Purpose: the only two shapes that a provider sees after [`super::Wire`] has done with limits,
//! retries and credentials.
//!
//! Invariants: [`CallError::proof`] is the worst that any attempt of the call left possible, so a
//! write may be repeated without looking exactly when it is not [`Proof::Ambiguous`]. Texts of an
//! upstream stand in messages only clipped, without control characters and without secrets.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use serde::de::DeserializeOwned;

use super::Proof;
use super::credentials::Redactor;
use super::retry::Safety;
use crate::failure::Kind;

/// How much of an upstream's text goes into a message, in characters.
const EXCERPT: usize = 300;

/// A whole answer.
#[derive(Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// How many requests it took, this one included.
    pub attempts: u32,
    /// What the upstream calls the request, for a question to its support.
    pub request_id: Option<String>,
    pub(super) safety: Safety,
    pub(super) redactor: Arc<Redactor>,
}

impl fmt::Debug for Answer {
    /// Without headers and body: they hold personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answer({}, {} bytes, attempt {})", self.status, self.body.len(), self.attempts)
    }
}

impl Answer {
    /// The body as JSON. What is no such JSON was still an answer to a request that arrived: for
    /// a write, the outcome is unknown; for a read, the answer is nonsense.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        serde_json::from_slice(&self.body).map_err(|e| {
            // The position only: serde's text quotes values, and it comes after the excerpt.
            let place = format!("line {}, column {}", e.line(), e.column());
            self.nonsense(&format!("it cannot be read at {place}"))
        })
    }

    /// The failure of an answer that was understood as JSON but makes no sense (`why`: a short
    /// clause such as "it has no `id`").
    pub fn nonsense(&self, why: &str) -> CallError {
        let message = format!("the answer makes no sense: {why}: {}", self.summary());
        match self.safety {
            Safety::Read => CallError::Nonsense { message },
            Safety::Idempotent | Safety::Once => {
                CallError::Ambiguous { message, answer: Some(Box::new(self.clone())) }
            }
        }
    }

    /// The start of the body, fit for a message.
    pub fn excerpt(&self) -> String {
        // Decode only what can be shown: a body may have 64 MiB.
        let head = self.body.get(..64 * 1024).unwrap_or(&self.body);
        let text = self.clean(&String::from_utf8_lossy(head));
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// A text from this answer, fit for a message: clipped, without secrets and control
    /// characters.
    pub fn clean(&self, text: &str) -> String {
        self.redactor.clean(text, EXCERPT)
    }

    /// `503 "try later" (request 1f2e...)`.
    pub fn summary(&self) -> String {
        let body = match self.excerpt() {
            text if text.is_empty() => "without a body".to_owned(),
            text => format!("`{text}`"),
        };
        match &self.request_id {
            Some(id) => format!("{} {body} (request {id})", self.status),
            None => format!("{} {body}", self.status),
        }
    }
}

/// A call that brought no usable answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CallError {
    /// No request left this machine. Nothing was done.
    #[error("{message}{}", tries(*.attempts))]
    NotSent {
        /// Why.
        message: String,
        /// How often it was tried.
        attempts: u32,
    },
    /// The upstream refused. Nothing was done.
    #[error("{}", refusal(.0))]
    Refused(Box<Answer>),
    /// The upstream does not accept the credentials, or they lack a scope. Nothing was done.
    #[error("the credentials were refused: {}", .0.summary())]
    Credentials(Box<Answer>),
    /// A limit of the account is used up. Nothing was done.
    #[error("the account's limit{} is used up: {}", named(.limit.as_deref()), .answer.summary())]
    Quota {
        /// The limit's name, where the upstream gave one.
        limit: Option<String>,
        /// When the upstream said to come again.
        retry_after: Option<Duration>,
        /// The last answer.
        answer: Box<Answer>,
    },
    /// A write that may have been done. Look before repeating it.
    #[error("{message}")]
    Ambiguous {
        /// What happened.
        message: String,
        /// The last answer, if one came.
        answer: Option<Box<Answer>>,
    },
    /// A read that got no usable answer, several times over.
    #[error("{message}{}", tries(*.attempts))]
    Unavailable {
        /// What happened last.
        message: String,
        /// How often it was tried.
        attempts: u32,
    },
    /// The run was interrupted before a request left, or while waiting to try again after an
    /// attempt that did nothing.
    #[error("interrupted before the request was sent")]
    Interrupted,
    /// A read was answered with something that cannot be understood.
    #[error("{message}")]
    Nonsense {
        /// What is wrong with it, with an excerpt.
        message: String,
    },
}

impl CallError {
    /// A call that cannot be put into a request.
    pub(super) fn unsendable(message: impl Into<String>) -> Self {
        Self::NotSent { message: message.into(), attempts: 0 }
    }

    /// What the failed call proves. Reads prove `Rejected` at most: they change nothing.
    pub fn proof(&self) -> Proof {
        match self {
            Self::NotSent { .. } | Self::Interrupted => Proof::NotSent,
            Self::Refused(_)
            | Self::Credentials(_)
            | Self::Quota { .. }
            | Self::Unavailable { .. }
            | Self::Nonsense { .. } => Proof::Rejected,
            Self::Ambiguous { .. } => Proof::Ambiguous,
        }
    }

    /// The last answer, where there is one.
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Refused(answer) | Self::Credentials(answer) | Self::Quota { answer, .. } => {
                Some(answer)
            }
            Self::Ambiguous { answer, .. } => answer.as_deref(),
            Self::NotSent { .. }
            | Self::Unavailable { .. }
            | Self::Interrupted
            | Self::Nonsense { .. } => None,
        }
    }

    /// The status of a refusal that proves no effect (`404`, `409`, ...).
    pub fn refused_status(&self) -> Option<u16> {
        match self {
            Self::Refused(answer) => Some(answer.status),
            _ => None,
        }
    }

    /// Which exit code it leads to, if nothing else could be done.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Credentials(_) => Kind::Credentials,
            Self::Quota { .. } => Kind::Quota,
            Self::Ambiguous { .. } => Kind::Unknown,
            Self::Interrupted => Kind::Interrupted,
            Self::NotSent { .. }
            | Self::Refused(_)
            | Self::Unavailable { .. }
            | Self::Nonsense { .. } => Kind::Other,
        }
    }
}

pub(super) fn tries(attempts: u32) -> String {
    if attempts > 1 { format!(" (tried {attempts} times)") } else { String::new() }
}

fn named(limit: Option<&str>) -> String {
    limit.map(|l| format!(" `{l}`")).unwrap_or_default()
}

fn refusal(answer: &Answer) -> String {
    if (300..400).contains(&answer.status) {
        return format!("redirects are not followed, and the answer was {}", answer.status);
    }
    format!("the upstream refused: {}", answer.summary())
}
