//! What a provider's answers mean, as data.
//!
//! Purpose: all that differs between upstreams in limits, statuses and headers stands in one
//! table that the provider gives; [`super::retry`] reads it and decides.
//!
//! Invariant: what a table does not name is read with care: an unknown 5xx is never a proof, and
//! a limit of unknown name is waited on.

use std::time::Duration;

use super::Proof;
use super::limit::Class;
use super::retry::Outcome;

/// What a 429 of one named limit means.
#[derive(Clone, Copy, Debug)]
pub struct LimitRule {
    /// The name in the answer (`TEN_SECONDLY_ROLLING`).
    pub name: &'static str,
    /// The wait when the answer has no `Retry-After`, times the number of the attempt; `None`
    /// means that waiting is of no use today.
    pub wait: Option<Duration>,
    /// The class of requests that waits; `None` is the whole account.
    pub class: Option<Class>,
}

/// A provider's table of what its answers mean. [`Policy::default`] is the careful reading of
/// plain HTTP; a provider changes what its documentation says otherwise.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Attempts of a request that failed without proof, or did not leave.
    pub max_attempts: u32,
    /// Attempts of a request that the upstream put off (429, 423, ...).
    pub max_put_off: u32,
    /// First wait after a failure; doubles with each attempt.
    pub backoff: Duration,
    /// The longest such wait.
    pub backoff_cap: Duration,
    /// Statuses besides 5xx that leave open whether it was done.
    pub ambiguous: &'static [u16],
    /// Statuses that prove that nothing was done and that ask to come again, with the least wait.
    pub put_off: &'static [(u16, Duration)],
    /// Statuses that mean refused credentials.
    pub credentials: &'static [u16],
    /// The top-level JSON member of a 429 body that names the limit.
    pub limit_member: Option<&'static str>,
    /// Named limits.
    pub limits: &'static [LimitRule],
    /// The wait after a 429 of no known name, times the number of the attempt.
    pub unnamed_limit: Duration,
    /// Classes of requests that have a limit of their own, by the end of their path.
    pub classes: &'static [(&'static str, Class)],
    /// Paths (exact) besides `.../search` and `.../batch/read` whose `POST` changes nothing.
    pub queries: &'static [&'static str],
    /// Headers that teach the account's limit: requests, and window in milliseconds.
    pub rate_headers: Option<(&'static str, &'static str)>,
    /// The header that names the request in the upstream's own logs.
    pub request_id: &'static str,
    /// The `Content-Type` of a JSON body.
    pub json_type: &'static str,
}

/// Locked, and too early.
const PUT_OFF: &[(u16, Duration)] = &[(423, Duration::from_secs(2)), (425, Duration::from_secs(1))];

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_attempts: 6,
            max_put_off: 8,
            backoff: Duration::from_millis(200),
            backoff_cap: Duration::from_secs(10),
            ambiguous: &[408],
            put_off: PUT_OFF,
            credentials: &[401, 403],
            limit_member: None,
            limits: &[],
            unnamed_limit: Duration::from_secs(2),
            classes: &[],
            queries: &[],
            rate_headers: None,
            request_id: "x-request-id",
            json_type: "application/json",
        }
    }
}

impl Policy {
    /// The limit class of a path.
    pub fn class_of(&self, path: &str) -> Class {
        let found = self.classes.iter().find(|(end, _)| path.ends_with(end));
        found.map_or(Class::GENERAL, |(_, class)| *class)
    }

    /// The rule for a 429: by the limit's name, else by the request's class.
    pub fn limit_rule(&self, name: Option<&str>, class: Class) -> Option<&'static LimitRule> {
        let by_name = self.limits.iter().find(|r| name.is_some_and(|n| r.name == n));
        let by_class = || self.limits.iter().find(|r| name.is_none() && r.class == Some(class));
        by_name.or_else(by_class)
    }

    /// Whether a status leaves open that it was done.
    pub fn is_ambiguous(&self, status: u16) -> bool {
        // Anything that is no final answer by HTTP's own classes counts, so that a new status of
        // some proxy is never taken for a proof.
        !(200..500).contains(&status) || self.ambiguous.contains(&status)
    }

    /// The least wait after a status that put the request off.
    pub fn put_off_wait(&self, status: u16) -> Option<Duration> {
        self.put_off.iter().find(|(s, _)| *s == status).map(|(_, wait)| *wait)
    }

    /// Whether the outcome leaves open that the upstream did it.
    pub fn leaves_open(&self, outcome: &Outcome<'_>) -> bool {
        match *outcome {
            Outcome::Transport(proof) => proof == Proof::Ambiguous,
            // 307 and 308 ask to send the same request elsewhere, so nothing was done here; the
            // other redirects are how servers answer a form that they have processed.
            Outcome::Answer { status, .. } => {
                self.is_ambiguous(status) || matches!(status, 300..=306)
            }
        }
    }
}
