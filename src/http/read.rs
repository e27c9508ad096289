//! The door that planning holds: reads only.
//!
//! Purpose: [`ReadWire`] has no way to say a method, a safety or a free path for `POST`. What
//! planning can send is decided here, by types, once.
//!
//! Invariants: a [`QueryPath`] is a plain path that ends in `/batch/read` or `/search`, or one
//! that the provider listed as a query when it made the wire.

use std::sync::Arc;

use bytes::Bytes;
use http::Method;

use super::answer::{Answer, CallError};
use super::call::{Call, is_plain_path};
use super::policy::Policy;
use super::retry::Safety;
use super::wire::{Counts, Wire};

/// A path whose `POST` changes nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueryPath(String);

impl QueryPath {
    /// The path, if it ends in `/batch/read` or `/search`.
    pub fn new(path: impl Into<String>) -> Option<Self> {
        let path = path.into();
        let ends = ["/batch/read", "/search"].iter().any(|end| path.ends_with(end));
        (ends && is_plain_path(&path)).then_some(Self(path))
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a `POST` to this path changes nothing.
pub(super) fn is_query(path: &str, policy: &Policy) -> bool {
    policy.queries.contains(&path) || QueryPath::new(path).is_some()
}

/// A wire that cannot send a write. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ReadWire(Arc<Wire>);

impl ReadWire {
    /// Takes the writing side away from a wire.
    pub fn new(wire: Arc<Wire>) -> Self {
        Self(wire)
    }

    /// A `GET`.
    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Answer, CallError> {
        let call = query.iter().fold(Call::get(path), |call, (n, v)| call.query(n, *v));
        self.0.call(call).await
    }

    /// A `POST` that asks. `json` is the body.
    pub async fn query(&self, path: &QueryPath, json: Bytes) -> Result<Answer, CallError> {
        self.0.call(Call::new(Method::POST, path.as_str(), Safety::Read).body(json)).await
    }

    /// A path that the provider listed in [`Policy::queries`], or one of the general endings.
    pub fn query_path(&self, path: &str) -> Option<QueryPath> {
        is_query(path, self.0.policy()).then(|| QueryPath(path.to_owned()))
    }

    /// Requests sent so far.
    pub fn counts(&self) -> Counts {
        self.0.counts()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_queries_become_query_paths() {
        for good in ["/crm/v3/objects/quotes/batch/read", "/crm/v3/objects/deals/search"] {
            assert!(QueryPath::new(good).is_some(), "{good}");
        }
        for bad in [
            "/crm/v3/objects/quotes",
            "/crm/v3/objects/quotes/batch/update",
            "/crm/v3/objects/quotes?x=/search",
            "/crm/v3/objects/quotes#/batch/read",
            "/crm/v3/objects/quotes/batch/read/../create",
            "/crm/v3/objects/quotes/batch/create/x/%2e%2e/search",
            "crm/search",
            "/research",
        ] {
            assert!(QueryPath::new(bad).is_none(), "{bad}");
        }
        let policy = Policy { queries: &["/api/v1/quote/simulate"], ..Policy::default() };
        assert!(is_query("/api/v1/quote/simulate", &policy));
        assert!(!is_query("/api/v1/quote/generate", &policy));
        assert!(!is_query("/x/api/v1/quote/simulate", &policy));
    }
}
