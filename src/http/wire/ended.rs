//! How one attempt ended: the answer with what its headers and body say about limits.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http::header::{DATE, HeaderMap, RETRY_AFTER};

use super::{Run, TransportError};
use crate::http::answer::Answer;
use crate::http::retry::Outcome;

/// How an attempt ended, with what it brought.
pub(super) enum Ended {
    Answer { answer: Box<Answer>, limit: Option<String>, retry_after: Option<Duration> },
    Nothing(TransportError),
}

impl Ended {
    pub(super) fn new(run: &Run<'_>, result: Result<Response<Bytes>, TransportError>) -> Self {
        let response = match result {
            Ok(response) => response,
            Err(error) => return Self::Nothing(error),
        };
        let (head, body) = response.into_parts();
        let body = run.wire.redactor.scrub(body);
        run.wire.learn(&head.headers);
        let status = head.status.as_u16();
        let member = run.wire.policy().limit_member.filter(|_| status == 429);
        let limit = member.and_then(|member| text_member(&body, member));
        let retry_after = retry_after(&head.headers);
        let answer = Answer {
            status,
            request_id: run.request_id(&head.headers),
            headers: head.headers,
            body,
            attempts: run.number,
            safety: run.call.safety,
            redactor: Arc::clone(&run.wire.redactor),
        };
        Self::Answer { answer: Box::new(answer), limit, retry_after }
    }

    pub(super) fn outcome(&self) -> Outcome<'_> {
        match self {
            Self::Answer { answer, limit, retry_after } => Outcome::Answer {
                status: answer.status,
                retry_after: *retry_after,
                limit: limit.as_deref(),
            },
            Self::Nothing(error) => Outcome::Transport(error.proof),
        }
    }

    pub(super) fn message(&self) -> String {
        match self {
            Self::Answer { answer, .. } => format!("the upstream answered {}", answer.summary()),
            Self::Nothing(error) => error.message.clone(),
        }
    }
}

/// A top-level text member of a JSON body.
fn text_member(body: &[u8], member: &str) -> Option<String> {
    let json: serde_json::Value = serde_json::from_slice(body).ok()?;
    json.get(member)?.as_str().map(str::to_owned)
}

/// `Retry-After` in seconds, or as a date measured against the answer's own `Date`: no local
/// clock, which may be wrong, takes part. At most a day.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    const DAY: u64 = 24 * 60 * 60;
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds.min(DAY)));
    }
    let date = |text: &str| jiff::fmt::rfc2822::parse(text).ok().map(|z| z.timestamp().as_second());
    let seconds = date(text)?.checked_sub(date(headers.get(DATE)?.to_str().ok()?)?)?;
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0).min(DAY)))
}
