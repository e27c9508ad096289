//! One call from start to end: slot, send, read, decide, wait, again.
//!
//! Purpose: the only loop around [`Transport`]. Providers say what to call and what an answer
//! means to them; limits, retries, credentials, counting and interruption happen here.
//!
//! Invariants: a write that has left is never cut off by an interruption, a read always is; what
//! has not left never leaves after it. Once an attempt of a write may have been done, the call ends in success
//! or in [`CallError::Ambiguous`], whatever later attempts say: a 404 to the second `PATCH` does
//! not prove that the first did nothing. Logs have method, path, status and times, never a query,
//! header or body.
//!
//! [`Transport`]: super::Transport

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::HeaderMap;
use http::{Method, Response};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::answer::{Answer, CallError};
use super::call::{Call, loggable};
use super::credentials::{Credential, Redactor, Secret};
use super::limit::{Limiter, Permit, RateLimit};
use super::policy::Policy;
use super::read::is_query;
use super::retry::{Attempt, Decision, Fatal, Safety, decide, settle};
use super::{Request, SharedTransport, TransportError};

mod ended;

use ended::Ended;

/// Numbers the calls of the process, over all connections: what ties the lines of one call together.
static CALLS: AtomicU64 = AtomicU64::new(1);

/// How many calls this process has begun, over all connections: for a person who waits.
pub fn calls_begun() -> u64 {
    CALLS.load(Ordering::Relaxed).saturating_sub(1)
}

/// What a wire is made of, besides transport and limiter.
#[derive(Debug)]
pub struct WireSettings {
    /// Goes into every request.
    pub credential: Option<Credential>,
    /// Other secrets of the connection, kept out of messages (those that go into a body).
    pub secrets: Vec<Secret>,
    /// The provider's table.
    pub policy: Policy,
    /// The most time that a call may take from its first attempt on, waits included. An attempt
    /// of a write that started before ends by the transport's own time limit.
    pub call_budget: Duration,
    /// Fires when nothing new may start.
    pub stop: CancellationToken,
    /// Makes retries of different wires differ; the same seed gives the same waits.
    pub seed: u64,
}

impl WireSettings {
    /// The default bound on one call.
    pub const CALL_BUDGET: Duration = Duration::from_mins(5);

    /// Settings with the default bound, without credential, never stopped.
    pub fn new(policy: Policy) -> Self {
        Self {
            credential: None,
            secrets: Vec::new(),
            policy,
            call_budget: Self::CALL_BUDGET,
            stop: CancellationToken::new(),
            seed: 0,
        }
    }
}

/// Requests sent, attempts included.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Requests that change nothing.
    pub read: u64,
    /// Requests that may change something.
    pub write: u64,
}

/// One upstream account, ready to be called. Holders of this can write; planning gets a
/// [`super::ReadWire`].
#[derive(Debug)]
pub struct Wire {
    transport: SharedTransport,
    limiter: Arc<Limiter>,
    settings: WireSettings,
    redactor: Arc<Redactor>,
    reads: AtomicU64,
    writes: AtomicU64,
    calls: AtomicU64,
}

impl Wire {
    /// A wire. Wires to the same account share a limiter.
    pub fn new(transport: SharedTransport, limiter: Arc<Limiter>, settings: WireSettings) -> Self {
        let mut secrets = settings.secrets.clone();
        secrets.extend(settings.credential.iter().map(|c| c.secret().clone()));
        Self {
            transport,
            limiter,
            settings,
            redactor: Arc::new(Redactor::new(secrets)),
            reads: AtomicU64::new(0),
            writes: AtomicU64::new(0),
            calls: AtomicU64::new(0),
        }
    }

    /// The provider's table.
    pub fn policy(&self) -> &Policy {
        &self.settings.policy
    }

    /// Requests sent so far.
    pub fn counts(&self) -> Counts {
        Counts {
            read: self.reads.load(Ordering::Relaxed),
            write: self.writes.load(Ordering::Relaxed),
        }
    }

    /// Does one call, with as many attempts as it takes and is safe. Gives answers of 2xx only.
    ///
    /// Dropping the future while a request is under way leaves its outcome unknown; use the
    /// settings' `stop` to end a run.
    pub async fn call(&self, call: Call) -> Result<Answer, CallError> {
        let request = self.request(&call)?;
        let mut run = Run {
            wire: self,
            class: self.policy().class_of(&call.path),
            jitter: self.settings.seed ^ (self.calls.fetch_add(1, Ordering::Relaxed) << 8),
            call,
            id: CALLS.fetch_add(1, Ordering::Relaxed),
            number: 0,
            deadline: None,
            open: None,
            last: None,
        };
        loop {
            let permit = run.permit().await?;
            run.number += 1;
            let result = run.send(request.clone(), permit).await;
            if result.is_err() && run.is_read() && self.settings.stop.is_cancelled() {
                return Err(CallError::Interrupted);
            }
            match run.after(result) {
                Next::Done(done) => return done,
                Next::Again(wait) => run.sleep(wait).await?,
            }
        }
    }

    fn request(&self, call: &Call) -> Result<Request, CallError> {
        let asks = matches!(call.method, Method::GET | Method::HEAD)
            || call.method == Method::POST && is_query(&call.path, self.policy());
        if call.safety == Safety::Read && !asks {
            // Retries and counts rest on the word "read": a slip here would repeat a write.
            let message = format!("{} is not a read", call.method);
            return Err(CallError::unsendable(message));
        }
        let mut request = call.to_request()?;
        if let Some(kind) = request.headers_mut().get_mut(http::header::CONTENT_TYPE) {
            *kind = http::HeaderValue::from_static(self.policy().json_type);
        }
        if let Some(credential) = &self.settings.credential {
            let unfit = || CallError::unsendable("the credential cannot stand in a header");
            let (name, value) = credential.to_header().ok_or_else(unfit)?;
            request.headers_mut().insert(name, value);
        }
        Ok(request)
    }

    fn learn(&self, headers: &HeaderMap) {
        let Some((max, interval)) = self.policy().rate_headers else { return };
        let number = |name| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
        let requests = number(max).and_then(|n| u32::try_from(n).ok());
        let window = number(interval).map(Duration::from_millis);
        if let Some(limit) = requests.zip(window).and_then(|(n, w)| RateLimit::learned(n, w)) {
            self.limiter.learn(limit);
        }
    }
}

enum Next {
    Done(Result<Answer, CallError>),
    Again(Duration),
}

/// The state of one call.
struct Run<'a> {
    wire: &'a Wire,
    call: Call,
    /// Its number in the logs.
    id: u64,
    class: super::limit::Class,
    jitter: u64,
    number: u32,
    /// Set at the first attempt: time in the queue before it is not the call's fault.
    deadline: Option<Instant>,
    /// What left it open that the write was done, first time.
    open: Option<String>,
    /// How the call ends if there is no time for another attempt.
    last: Option<CallError>,
}

impl Run<'_> {
    async fn permit(&mut self) -> Result<Permit, CallError> {
        let acquire = self.wire.limiter.acquire(self.class);
        let permit = tokio::select! {
            biased;
            () = self.wire.settings.stop.cancelled() => return Err(self.interrupted()),
            () = until(self.deadline) => return Err(self.out_of_time()),
            permit = acquire => permit,
        };
        // A budget past the end of time is no bound.
        let bound = || Instant::now().checked_add(self.wire.settings.call_budget);
        self.deadline = self.deadline.or_else(bound);
        Ok(permit)
    }

    async fn sleep(&mut self, wait: Duration) -> Result<(), CallError> {
        tokio::select! {
            biased;
            () = self.wire.settings.stop.cancelled() => Err(self.interrupted()),
            () = tokio::time::sleep(wait) => Ok(()),
        }
    }

    fn is_read(&self) -> bool {
        self.call.safety == Safety::Read
    }

    async fn send(
        &self,
        request: Request,
        permit: Permit,
    ) -> Result<Response<Bytes>, TransportError> {
        let read = self.is_read();
        let counter = if read { &self.wire.reads } else { &self.wire.writes };
        counter.fetch_add(1, Ordering::Relaxed);
        let started = Instant::now();
        let sending = self.wire.transport.send(request);
        let result = if read {
            // A read may be cut off: nothing depends on how it ended.
            tokio::select! {
                // An answer that is here outweighs an interruption; and chance decides nothing.
                biased;
                result = sending => result,
                () = self.wire.settings.stop.cancelled() => {
                    Err(TransportError::ambiguous("interrupted"))
                }
                () = until(self.deadline) => {
                    Err(TransportError::ambiguous("no answer within the time for the call"))
                }
            }
        } else {
            sending.await
        };
        permit.finish();
        let status = result.as_ref().map_or(0, |r| r.status().as_u16());
        tracing::debug!(
            call = self.id,
            method = %self.call.method,
            path = loggable(&self.call.path),
            status,
            error = result.as_ref().err().map(|e| e.message.as_str()),
            ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            attempt = self.number,
            request_id = result.as_ref().ok().and_then(|r| self.request_id(r.headers())),
            "request"
        );
        result
    }

    fn request_id(&self, headers: &HeaderMap) -> Option<String> {
        let id = headers.get(self.wire.policy().request_id)?.to_str().ok()?;
        let id: String = id.chars().filter(char::is_ascii_graphic).take(64).collect();
        (!id.is_empty()).then(|| self.wire.redactor.clean(&id, 64))
    }

    /// Decides what comes after an attempt.
    fn after(&mut self, result: Result<Response<Bytes>, TransportError>) -> Next {
        let ended = Ended::new(self, result);
        let policy = self.wire.policy();
        let attempt = Attempt {
            number: self.number,
            safety: self.call.safety,
            class: self.class,
            outcome: ended.outcome(),
            jitter: self.jitter,
        };
        let decision = decide(&attempt, policy);
        let settled = settle(&attempt, policy);
        if self.call.safety != Safety::Read && policy.leaves_open(&attempt.outcome) {
            self.open.get_or_insert_with(|| ended.message());
        }
        match decision {
            Decision::Wait(wait) => {
                self.pause_others(&ended, wait);
                let error = match self.end(ended, settled) {
                    Err(error) => error,
                    // A success is never waited on.
                    Ok(answer) => return Next::Done(Ok(answer)),
                };
                let left = |at: Instant| at.saturating_duration_since(Instant::now());
                if self.deadline.is_some_and(|at| left(at) <= wait) {
                    return Next::Done(Err(error));
                }
                self.last = Some(error);
                Next::Again(wait)
            }
            decision => Next::Done(self.end(ended, decision)),
        }
    }

    /// After a 429 it is of no use that others try.
    fn pause_others(&self, ended: &Ended, wait: Duration) {
        let Ended::Answer { answer, limit, .. } = ended else { return };
        if answer.status != 429 {
            return;
        }
        // No longer than the budget of a call, so that one absurd header cannot stop a run.
        let until = Instant::now() + wait.min(self.wire.settings.call_budget);
        match self.wire.policy().limit_rule(limit.as_deref(), self.class).map(|r| r.class) {
            Some(Some(class)) => self.wire.limiter.pause_class_until(class, until),
            Some(None) | None => self.wire.limiter.pause_until(until),
        }
    }

    /// The call's result for a decision that is no `Wait`.
    fn end(&self, ended: Ended, decision: Decision) -> Result<Answer, CallError> {
        let attempts = self.number;
        let message = ended.message();
        let (answer, limit, retry_after) = match ended {
            Ended::Answer { answer, limit, retry_after } => (Some(answer), limit, retry_after),
            Ended::Nothing(_) => (None, None, None),
        };
        let fatal = match (decision, answer) {
            (Decision::Give, Some(answer)) => return Ok(*answer),
            (Decision::Ambiguous | Decision::Give | Decision::Wait(_), answer) => {
                CallError::Ambiguous { message, answer }
            }
            (Decision::Fatal(Fatal::Credentials), Some(answer)) => CallError::Credentials(answer),
            (Decision::Fatal(Fatal::Quota), Some(answer)) => {
                CallError::Quota { limit, retry_after, answer }
            }
            (Decision::Fatal(Fatal::Unavailable), _) => {
                CallError::Unavailable { message, attempts }
            }
            (Decision::Fatal(_), None) => CallError::NotSent { message, attempts },
            (Decision::Fatal(Fatal::Refused | Fatal::NotSent), Some(answer)) => {
                CallError::Refused(answer)
            }
        };
        Err(self.with_the_past(fatal))
    }

    /// An earlier attempt that may have been done outweighs what a later one proves.
    fn with_the_past(&self, error: CallError) -> CallError {
        let Some(open) = &self.open else { return error };
        let last = error.to_string();
        let message = if last == *open {
            format!("{last}{}", super::answer::tries(self.number))
        } else {
            format!("{open}; attempt {} then: {last}", self.number)
        };
        let answer = error.answer().cloned().map(Box::new);
        CallError::Ambiguous { message, answer }
    }

    fn interrupted(&self) -> CallError {
        match &self.open {
            Some(open) => CallError::Ambiguous {
                message: format!("{open}; interrupted before it could be tried again"),
                answer: None,
            },
            None => CallError::Interrupted,
        }
    }

    fn out_of_time(&mut self) -> CallError {
        self.last.take().unwrap_or(CallError::Interrupted)
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
