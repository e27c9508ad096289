//! Reading what a client sent: exact numbers, types checked, unknown keys as the shop does.

use std::collections::BTreeMap;

use super::Refusal;
use super::settings::Leniency;
use crate::facts::Plain;
use crate::money::Amount;
use crate::sandbox::upstream::Call;

/// A JSON object of a request.
pub(super) struct Body<'a>(pub(super) &'a BTreeMap<String, Plain>);

/// The JSON document of a request.
pub(super) fn document(call: &Call) -> Result<Plain, Refusal> {
    let text = std::str::from_utf8(&call.body).unwrap_or_default();
    Plain::from_json(text).ok_or_else(|| Refusal::bad("The request is invalid: no JSON."))
}

/// The objects of a request that holds a list.
pub(super) fn objects(document: &Plain) -> Result<Vec<Body<'_>>, Refusal> {
    let Plain::List(list) = document else {
        return Err(Refusal::bad("The request is invalid: an array is expected."));
    };
    list.iter().map(Body::of).collect()
}

impl<'a> Body<'a> {
    /// An object.
    pub(super) fn of(plain: &'a Plain) -> Result<Self, Refusal> {
        match plain {
            Plain::Map(map) => Ok(Self(map)),
            _ => Err(Refusal::bad("The request is invalid: an object is expected.")),
        }
    }

    /// Refuses keys that are not known, where the shop is strict.
    pub(super) fn only(&self, known: &[&str], leniency: Leniency) -> Result<(), Refusal> {
        match self.0.keys().find(|k| !known.contains(&k.as_str())) {
            Some(key) if leniency == Leniency::Reject => {
                Err(Refusal::bad(format!("Unknown field {key}")))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// A member that is neither absent nor null.
    pub(super) fn get(&self, key: &str) -> Option<&'a Plain> {
        self.0.get(key).filter(|v| **v != Plain::Null)
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<String>, Refusal> {
        match self.get(key) {
            None => Ok(None),
            Some(Plain::Text(text)) => Ok(Some(text.clone())),
            Some(_) => Err(wrong(key, "a text")),
        }
    }

    pub(super) fn int(&self, key: &str) -> Result<Option<i64>, Refusal> {
        match self.get(key) {
            None => Ok(None),
            Some(Plain::Number(n)) => n.to_int().map(Some).ok_or_else(|| wrong(key, "an integer")),
            Some(_) => Err(wrong(key, "an integer")),
        }
    }

    pub(super) fn amount(&self, key: &str) -> Result<Option<Amount>, Refusal> {
        match self.get(key) {
            None => Ok(None),
            Some(Plain::Number(n)) => Ok(Some(*n)),
            Some(_) => Err(wrong(key, "a number")),
        }
    }

    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, Refusal> {
        match self.get(key) {
            None => Ok(None),
            Some(Plain::Bool(b)) => Ok(Some(*b)),
            Some(_) => Err(wrong(key, "a boolean")),
        }
    }
}

fn wrong(key: &str, what: &str) -> Refusal {
    Refusal::bad(format!("The request is invalid: {key} is not {what}."))
}
