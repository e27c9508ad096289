//! The control endpoints under `/_sandbox`: what tests and demos do behind the upstreams' backs.
//!
//! Invariants: no credential is needed and none is shown; these requests are neither logged,
//! limited, delayed nor hit by faults; a refused request changes nothing.

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::machine::Sandbox;
use super::random::Random;
use super::upstream::{Call, Deed, Moment, Refused, json_response};
use crate::http::{Request, Response};

const MOUNT: &str = "/_sandbox";

/// Whether a path is the sandbox's own.
pub(crate) fn owns(path: &str) -> bool {
    path.strip_prefix(MOUNT).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Answers a control request.
pub(crate) fn answer(sandbox: &mut Sandbox, request: &Request, now: Timestamp) -> Response {
    let call = Call::read(request, MOUNT);
    match route(sandbox, &call, now) {
        Ok(body) => json_response(StatusCode::OK, &body),
        Err(refused) => json_response(refused.status, &json!({"error": refused.message})),
    }
}

fn route(sandbox: &mut Sandbox, call: &Call, now: Timestamp) -> Result<Value, Refused> {
    let name = match call.segments.as_slice() {
        [] => "",
        [one] => one.as_str(),
        _ => return Err(Refused::missing("no such control endpoint")),
    };
    if call.method == Method::GET {
        return match name {
            "" => Ok(
                json!({ "upstreams": sandbox.mounts().into_iter().collect::<std::collections::BTreeMap<_, _>>() }),
            ),
            "requests" => Ok(sandbox.log.counts()),
            "log" => {
                let limit = match call.param("limit") {
                    None => 1_000,
                    Some(n) => n.parse().map_err(|_| Refused::bad("`limit` is a number"))?,
                };
                Ok(sandbox.log.last(limit))
            }
            "snapshot" => Ok(sandbox
                .mounted
                .iter()
                .map(|m| (m.upstream.name().to_owned(), m.upstream.snapshot()))
                .collect::<Map<_, _>>()
                .into()),
            "held" => Ok(sandbox.held()),
            "faults" => Ok(sandbox.faults.list()),
            "settings" => {
                let upstream = call.param("upstream").unwrap_or("hubspot").to_owned();
                settings(sandbox, &upstream, &Map::new(), now)
            }
            other => Err(Refused::missing(format!("no `GET {MOUNT}/{other}`"))),
        };
    }
    if call.method != Method::POST {
        return Err(Refused::bad("control endpoints are read with GET and told with POST"));
    }
    let body: Value = if call.body.is_empty() {
        json!({})
    } else {
        serde_json::from_slice(&call.body).map_err(|e| Refused::bad(format!("not JSON: {e}")))?
    };
    match name {
        "faults" => {
            sandbox.faults.replace(&body)?;
            Ok(sandbox.faults.list())
        }
        "release" => {
            let ticket = body.get("ticket").and_then(Value::as_u64);
            Ok(json!({ "released": sandbox.release(ticket) }))
        }
        "reset" => reset(sandbox, body),
        "settings" => {
            let mut change = object(body)?;
            let upstream = take_text(&mut change, "upstream")?.unwrap_or("hubspot".to_owned());
            sandbox.touch();
            settings(sandbox, &upstream, &change, now)
        }
        "edit" | "create" | "archive" | "customer" | "approver" => {
            let mut fields = object(body)?;
            let upstream = take_text(&mut fields, "upstream")?.unwrap_or("hubspot".to_owned());
            let deed = read_deed(name, fields)?;
            sandbox.touch();
            with_upstream(sandbox, &upstream, now, |u, moment| u.deed(deed, moment))
        }
        other => Err(Refused::missing(format!("no `POST {MOUNT}/{other}`"))),
    }
}

/// `{"records": true, "counters": true, "faults": true, "settings": true, "seed": 7}`; without a
/// body: records and counters.
fn reset(sandbox: &mut Sandbox, body: Value) -> Result<Value, Refused> {
    let asked = object(body)?;
    let known = ["records", "counters", "faults", "settings", "seed"];
    if let Some(key) = asked.keys().find(|k| !known.contains(&k.as_str())) {
        return Err(Refused::bad(format!("nothing called `{key}` can be reset")));
    }
    let flag = |name: &str| asked.get(name).and_then(Value::as_bool).unwrap_or(false);
    let all = asked.is_empty();
    if all || flag("counters") {
        sandbox.log.clear();
        sandbox.clear_meters();
    }
    if flag("faults") {
        sandbox.faults.clear();
    }
    if let Some(seed) = asked.get("seed").and_then(Value::as_u64) {
        sandbox.random = Random::new(seed);
    }
    if all || flag("records") || flag("settings") {
        sandbox.touch();
        for mounted in &mut sandbox.mounted {
            mounted.upstream.reset(flag("settings"));
        }
    }
    Ok(json!({ "reset": true }))
}

fn read_deed(name: &str, mut fields: Map<String, Value>) -> Result<Deed, Refused> {
    let mut text = |key: &str| -> Result<String, Refused> {
        take_text(&mut fields, key)?.ok_or_else(|| Refused::bad(format!("`{key}` is missing")))
    };
    Ok(match name {
        "edit" => {
            let (object_name, id) = (text("object")?, text("id")?);
            let properties = fields.remove("properties").unwrap_or_else(|| json!({}));
            Deed::Edit { object: object_name, id, properties: object(properties)? }
        }
        "create" => Deed::Create { object: text("object")?, body: fields },
        "archive" => Deed::Archive { object: text("object")?, id: text("id")? },
        "customer" => Deed::Customer { id: text("id")?, action: text("action")? },
        _ => Deed::Approver { id: text("id")?, action: text("action")? },
    })
}

fn settings(
    sandbox: &mut Sandbox,
    upstream: &str,
    change: &Map<String, Value>,
    now: Timestamp,
) -> Result<Value, Refused> {
    with_upstream(sandbox, upstream, now, |u, moment| u.settings(change, moment))
}

fn with_upstream(
    sandbox: &mut Sandbox,
    name: &str,
    now: Timestamp,
    act: impl FnOnce(&mut dyn super::upstream::Upstream, &mut Moment<'_>) -> Result<Value, Refused>,
) -> Result<Value, Refused> {
    let (upstream, random) = sandbox
        .upstream(name)
        .ok_or_else(|| Refused::missing(format!("the sandbox has no upstream `{name}`")))?;
    act(upstream.as_mut(), &mut Moment { now, random })
}

fn object(value: Value) -> Result<Map<String, Value>, Refused> {
    match value {
        Value::Object(map) => Ok(map),
        _ => Err(Refused::bad("a JSON object is wanted")),
    }
}

/// Takes a text, or a number as text.
fn take_text(fields: &mut Map<String, Value>, key: &str) -> Result<Option<String>, Refused> {
    match fields.remove(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(Refused::bad(format!("`{key}` is a text"))),
    }
}
