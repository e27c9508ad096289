//! The sandbox as a transport, without a socket.
//!
//! Purpose: simulations call the very adapters of production against the sandbox, with a clock of
//! their own and no network. A closed connection is `Ambiguous` whether or not the request was
//! done: a client cannot know.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;

use super::machine::{Sandbox, Verdict};
use crate::http::{Proof, Request, Response, Transport, TransportError};

/// Where the sandbox's time comes from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A transport to one upstream of a shared sandbox.
#[derive(Clone)]
pub struct InProcess {
    sandbox: Arc<Mutex<Sandbox>>,
    prefix: String,
    clock: Clock,
}

impl InProcess {
    /// A transport whose requests are relative to `prefix` (`/hubspot`).
    pub fn new(sandbox: Arc<Mutex<Sandbox>>, prefix: impl Into<String>, clock: Clock) -> Self {
        Self { sandbox, prefix: prefix.into(), clock }
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcess").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

fn ambiguous(message: &str) -> TransportError {
    TransportError { proof: Proof::Ambiguous, message: message.to_owned() }
}

#[async_trait]
impl Transport for InProcess {
    async fn send(&self, mut request: Request) -> Result<Response, TransportError> {
        let target = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        let slash = if target.starts_with('/') { "" } else { "/" };
        let full = format!("{}{slash}{target}", self.prefix);
        *request.uri_mut() = full.parse().map_err(|_| TransportError {
            proof: Proof::NotSent,
            message: "the request's address is not valid".to_owned(),
        })?;
        let verdict = {
            let mut sandbox = self.sandbox.lock().unwrap_or_else(PoisonError::into_inner);
            let verdict = sandbox.handle(&request, (self.clock)());
            // Nobody here can wait for a release: a held request is one whose client gives up.
            if let Verdict::Hold(ticket) = verdict {
                sandbox.abandon(ticket);
            }
            verdict
        };
        match verdict {
            Verdict::Answer(response) => Ok(response),
            Verdict::AnswerAfter(response, delay) => {
                tokio::time::sleep(delay).await;
                Ok(response)
            }
            Verdict::DropBefore | Verdict::DropAfter => {
                Err(ambiguous("the connection was closed before an answer came"))
            }
            Verdict::Hold(_) => Err(ambiguous("no answer came in time")),
        }
    }
}
