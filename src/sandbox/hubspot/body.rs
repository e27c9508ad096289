//! Request bodies and query values: the few shapes that all routes share.
//!
//! Invariant: what is malformed is a 400 with the upstream's kind of message, never a guess.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::errors::Refusal;

/// Reads a JSON object from a body.
pub(super) fn read_object(body: &Bytes) -> Result<Map<String, Value>, Refusal> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(Refusal::json("an object is expected", 1, 1)),
        Err(error) => {
            Err(Refusal::json("the text is not well-formed", error.line(), error.column()))
        }
    }
}

/// The `inputs` of a batch, capped.
pub(super) fn read_inputs(
    body: &Map<String, Value>,
    cap: usize,
) -> Result<Vec<Map<String, Value>>, Refusal> {
    let inputs = body.get("inputs").ok_or_else(|| Refusal::member("inputs"))?;
    let list = inputs.as_array().ok_or_else(|| Refusal::json("`inputs` is not a list", 1, 1))?;
    if list.len() > cap {
        return Err(Refusal::batch_size(cap));
    }
    list.iter()
        .map(|input| {
            input
                .as_object()
                .cloned()
                .ok_or_else(|| Refusal::json("an input is not an object", 1, 1))
        })
        .collect()
}

/// An identifier that may be a JSON number or a string.
pub(super) fn read_id(value: Option<&Value>) -> Result<String, Refusal> {
    match value {
        Some(Value::String(id)) => Ok(id.clone()),
        Some(Value::Number(id)) => Ok(id.to_string()),
        None => Err(Refusal::member("id")),
        Some(_) => Err(Refusal::json("an id is neither text nor number", 1, 1)),
    }
}

/// A list of texts in a body; absent is empty.
pub(super) fn read_names(body: &Map<String, Value>, key: &str) -> Result<Vec<String>, Refusal> {
    let Some(value) = body.get(key) else { return Ok(Vec::new()) };
    let wrong = || Refusal::json(format!("`{key}` is not a list of texts"), 1, 1);
    let list = value.as_array().ok_or_else(wrong)?;
    list.iter().map(|v| v.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
}

/// A page of at most `cap`.
pub(super) fn read_limit(text: Option<&str>, default: usize, cap: usize) -> Result<usize, Refusal> {
    let Some(text) = text else { return Ok(default) };
    let limit: usize =
        text.parse().map_err(|_| Refusal::invalid(format!("limit must be a number: {text}")))?;
    if limit == 0 || limit > cap {
        return Err(Refusal::invalid(format!("limit must be between 1 and {cap}, not {limit}")));
    }
    Ok(limit)
}

/// `paging` for what comes after this page.
pub(super) fn next_page(after: impl std::fmt::Display, path: &str) -> Value {
    let after = after.to_string();
    json!({"next": {"after": after, "link": format!("https://api.hubapi.com{path}?after={after}")}})
}
