//! Fault plans: which request fails, and how.
//!
//! Purpose: tests say "the third write is done but its answer is lost" and mean exactly that one.
//! Each plan counts the requests that match it since it was set.
//!
//! Invariants: the first plan that fires wins, but every plan counts; a plan with `nth` fires
//! once; a misspelt key or word is refused.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::upstream::Refused;

/// Which requests a plan looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Scope {
    Read,
    Write,
    Any,
}

/// One line of `POST /_sandbox/faults`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanText {
    on: Scope,
    #[serde(rename = "match")]
    matching: Option<String>,
    nth: Option<u64>,
    every: Option<u64>,
    #[serde(rename = "do")]
    action: String,
    body: Option<Value>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

/// What happens to a request that a plan hits.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// 503, not done.
    FailBefore,
    /// Done, 502.
    FailAfter,
    /// Done, connection closed.
    LoseAnswer,
    /// Not done, connection closed.
    DropBefore,
    /// Not done until released.
    HoldBefore,
    /// Done, answered only when released.
    HoldAfter,
    /// Not done; this status with the given body and headers.
    Status { status: u16, body: Option<Value>, headers: BTreeMap<String, String> },
    /// Done; 200 with something that is not the answer.
    Garbage,
    /// Done; answered late.
    Slow(Duration),
    /// Connection closed at once; done later, as a request that was still queued somewhere.
    Late(Duration),
    /// Not done; 302 to another host.
    Redirect,
}

/// One plan with its count.
#[derive(Clone, Debug)]
struct Plan {
    text: String,
    scope: Scope,
    matching: Option<String>,
    nth: Option<u64>,
    every: Option<u64>,
    action: Action,
    seen: u64,
    fired: u64,
}

/// All plans in force.
#[derive(Clone, Debug, Default)]
pub(crate) struct FaultPlans(Vec<Plan>);

impl FaultPlans {
    /// Replaces all plans by those of a JSON list, or of `{"faults": [..]}`.
    pub(crate) fn replace(&mut self, body: &Value) -> Result<(), Refused> {
        let list = body.get("faults").unwrap_or(body);
        let texts: Vec<PlanText> = serde_json::from_value(list.clone())
            .map_err(|e| Refused::bad(format!("not a list of fault plans: {e}")))?;
        self.0 = texts.into_iter().map(Plan::read).collect::<Result<_, _>>()?;
        Ok(())
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Counts the request in every plan; gives the action of the first that fires.
    pub(crate) fn strike(
        &mut self,
        method: &str,
        target: &str,
        write: bool,
    ) -> Option<(String, Action)> {
        let mut hit = None;
        for plan in &mut self.0 {
            if plan.counts(method, target, write) && plan.fires() && hit.is_none() {
                plan.fired += 1;
                hit = Some((plan.text.clone(), plan.action.clone()));
            }
        }
        hit
    }

    /// The plans with their counts.
    pub(crate) fn list(&self) -> Value {
        let rows: Vec<Value> = self
            .0
            .iter()
            .map(|p| json!({"do": p.text, "match": p.matching, "nth": p.nth, "every": p.every, "seen": p.seen, "fired": p.fired}))
            .collect();
        json!({ "faults": rows })
    }
}

impl Plan {
    fn read(text: PlanText) -> Result<Self, Refused> {
        if text.nth == Some(0) || text.every == Some(0) {
            return Err(Refused::bad("`nth` and `every` count from 1"));
        }
        if text.nth.is_some() && text.every.is_some() {
            return Err(Refused::bad("a plan has `nth` or `every`, not both"));
        }
        let action = match text.action.split_once(':') {
            None => match text.action.as_str() {
                "fail_503_before" => Action::FailBefore,
                "fail_502_after" => Action::FailAfter,
                "lose_answer" => Action::LoseAnswer,
                "drop_before" => Action::DropBefore,
                "hold_before" => Action::HoldBefore,
                "hold_after" => Action::HoldAfter,
                "garbage" => Action::Garbage,
                "redirect" => Action::Redirect,
                other => return Err(Refused::bad(format!("unknown fault `{other}`"))),
            },
            Some(("slow", ms)) => Action::Slow(Duration::from_millis(
                ms.parse().map_err(|_| Refused::bad("`slow:MS` wants milliseconds"))?,
            )),
            Some(("late", ms)) => Action::Late(Duration::from_millis(
                ms.parse().map_err(|_| Refused::bad("`late:MS` wants milliseconds"))?,
            )),
            Some(("status", status)) => Action::Status {
                status: status
                    .parse()
                    .ok()
                    .filter(|s| (100..1000).contains(s))
                    .ok_or_else(|| Refused::bad("`status:NNN` wants a status"))?,
                body: text.body.clone(),
                headers: text.headers.clone(),
            },
            Some((other, _)) => return Err(Refused::bad(format!("unknown fault `{other}`"))),
        };
        let takes_answer = matches!(action, Action::Status { .. });
        if !takes_answer && (text.body.is_some() || !text.headers.is_empty()) {
            return Err(Refused::bad("`body` and `headers` go with `status:NNN` only"));
        }
        Ok(Self {
            text: text.action,
            scope: text.on,
            matching: text.matching,
            nth: text.nth,
            every: text.every,
            action,
            seen: 0,
            fired: 0,
        })
    }

    /// Counts the request if it is one of the plan's.
    fn counts(&mut self, method: &str, target: &str, write: bool) -> bool {
        let scoped = match self.scope {
            Scope::Any => true,
            Scope::Write => write,
            Scope::Read => !write,
        };
        let matches = self.matching.as_deref().is_none_or(|wanted| match wanted.split_once(' ') {
            Some((verb, part)) => verb == method && target.contains(part),
            None => target.contains(wanted) || wanted == method,
        });
        if scoped && matches {
            self.seen += 1;
        }
        scoped && matches
    }

    fn fires(&self) -> bool {
        match (self.nth, self.every) {
            (Some(nth), _) => self.seen == nth,
            (None, Some(every)) => self.seen.is_multiple_of(every),
            (None, None) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plans(body: &Value) -> FaultPlans {
        let mut plans = FaultPlans::default();
        plans.replace(body).unwrap();
        plans
    }

    #[test]
    fn the_nth_match_is_hit_once() {
        let mut p = plans(&json!([
            {"on": "write", "match": "POST /batch/create", "nth": 2, "do": "lose_answer"}
        ]));
        assert!(p.strike("POST", "/hubspot/x/batch/create", true).is_none());
        assert!(p.strike("GET", "/hubspot/x/batch/create", false).is_none());
        assert!(p.strike("PATCH", "/hubspot/x/batch/create", true).is_none());
        let hit = p.strike("POST", "/hubspot/y/batch/create", true);
        assert_eq!(hit.map(|h| h.1), Some(Action::LoseAnswer));
        assert!(p.strike("POST", "/hubspot/x/batch/create", true).is_none());
    }

    #[test]
    fn every_k_and_status_with_headers() {
        let mut p = plans(&json!({"faults": [
            {"on": "any", "every": 2, "do": "status:429", "headers": {"Retry-After": "1"}}
        ]}));
        assert!(p.strike("GET", "/", false).is_none());
        let Some((_, Action::Status { status: 429, headers, .. })) = p.strike("GET", "/", false)
        else {
            panic!("the second request is hit");
        };
        assert_eq!(headers.get("Retry-After").map(String::as_str), Some("1"));
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in [
            json!([{"on": "write", "do": "explode"}]),
            json!([{"on": "write", "do": "slow:x"}]),
            json!([{"on": "write", "do": "late:"}]),
            json!([{"on": "sometimes", "do": "garbage"}]),
            json!([{"on": "any", "do": "garbage", "nht": 1}]),
            json!([{"on": "any", "do": "garbage", "nth": 0}]),
            json!({"on": "any"}),
        ] {
            assert!(FaultPlans::default().replace(&bad).is_err(), "{bad}");
        }
    }
}
