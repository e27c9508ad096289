//! What arrived: counts by route and the last requests.
//!
//! The one thing to know: a request counts when it arrives, whatever becomes of it; what was only
//! a query (`GET`, and `POST` to a search or batch read) is a read. No header is kept, so no
//! credential can get into the log.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

/// How many requests the log keeps.
const KEPT: usize = 10_000;

/// One request as the log knows it.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) n: u64,
    pub(crate) upstream: &'static str,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) write: bool,
    /// The status that was (or would have been) answered; none while it is held.
    pub(crate) status: Option<u16>,
    /// The fault that hit it.
    pub(crate) fault: Option<String>,
}

/// All requests since the last reset.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestLog {
    n: u64,
    entries: VecDeque<Entry>,
    routes: BTreeMap<String, u64>,
    upstreams: BTreeMap<&'static str, (u64, u64)>,
    statuses: BTreeMap<u16, u64>,
}

impl RequestLog {
    /// Records an arrival and gives its number (from 1).
    pub(crate) fn arrive(
        &mut self,
        upstream: &'static str,
        method: &str,
        path: &str,
        pattern: &str,
        write: bool,
    ) -> u64 {
        self.n += 1;
        *self.routes.entry(format!("{method} {pattern}")).or_default() += 1;
        let counts = self.upstreams.entry(upstream).or_default();
        if write {
            counts.1 += 1;
        } else {
            counts.0 += 1;
        }
        if self.entries.len() >= KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry {
            n: self.n,
            upstream,
            method: method.to_owned(),
            path: path.to_owned(),
            write,
            status: None,
            fault: None,
        });
        self.n
    }

    /// Records what became of request `n`.
    pub(crate) fn settle(&mut self, n: u64, status: Option<u16>, fault: Option<&str>) {
        if let Some(status) = status {
            *self.statuses.entry(status).or_default() += 1;
        }
        if let Some(entry) = self.entries.iter_mut().rev().find(|e| e.n == n) {
            entry.status = status.or(entry.status);
            if let Some(fault) = fault {
                entry.fault = Some(fault.to_owned());
            }
        }
    }

    /// `GET /_sandbox/requests`.
    pub(crate) fn counts(&self) -> Value {
        let reads: u64 = self.upstreams.values().map(|c| c.0).sum();
        let writes: u64 = self.upstreams.values().map(|c| c.1).sum();
        let upstreams: BTreeMap<_, _> = self
            .upstreams
            .iter()
            .map(|(name, (reads, writes))| (*name, json!({"reads": reads, "writes": writes})))
            .collect();
        json!({
            "total": reads + writes, "reads": reads, "writes": writes,
            "upstreams": upstreams, "routes": self.routes, "statuses": self.statuses,
        })
    }

    /// `GET /_sandbox/log`: the last `limit` requests, oldest first.
    pub(crate) fn last(&self, limit: usize) -> Value {
        let skip = self.entries.len().saturating_sub(limit);
        let rows: Vec<Value> = self
            .entries
            .iter()
            .skip(skip)
            .map(|e| {
                json!({"n": e.n, "upstream": e.upstream, "method": e.method, "path": e.path,
                    "status": e.status, "write": e.write, "fault": e.fault})
            })
            .collect();
        json!({ "requests": rows })
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}
