//! The shapes of HubSpot's JSON, as far as proforma looks at them.
//!
//! Invariants: every member that the documentation leaves open is optional here, ids may be
//! numbers or strings, and nothing is matched by position. Absent, null and `""` properties are
//! all "nothing there".

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

/// An id as HubSpot writes it: a string or a number.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Id(pub String);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Id;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an id")
            }
            fn visit_str<E>(self, v: &str) -> Result<Id, E> {
                Ok(Id(v.to_owned()))
            }
            fn visit_u64<E>(self, v: u64) -> Result<Id, E> {
                Ok(Id(v.to_string()))
            }
            fn visit_i64<E>(self, v: i64) -> Result<Id, E> {
                Ok(Id(v.to_string()))
            }
        }
        d.deserialize_any(Visitor)
    }
}

/// A record.
#[derive(Clone, Debug, Deserialize)]
pub struct Record {
    /// Its id.
    pub id: Id,
    /// The properties that were asked for.
    #[serde(default)]
    pub properties: BTreeMap<String, Option<String>>,
    /// In the bin.
    #[serde(default)]
    pub archived: bool,
    /// The tag of the input that it answers.
    #[serde(default, rename = "objectWriteTraceId")]
    pub trace: Option<String>,
}

impl Record {
    /// A property's text, if there is any.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.properties.get(name)?.as_deref().filter(|v| !v.is_empty())
    }

    /// The id as a number, for a stable choice of the oldest.
    pub fn age(&self) -> (usize, &str) {
        (self.id.0.len(), &self.id.0)
    }
}

/// The answer of a batch route, whole (200, 201) or in part (207).
#[derive(Clone, Debug, Deserialize)]
pub struct Batch<T> {
    /// What worked.
    #[serde(default = "Vec::new")]
    pub results: Vec<T>,
    /// What did not.
    #[serde(default)]
    pub errors: Vec<ErrorBody>,
}

/// A page of a list.
#[derive(Clone, Debug, Deserialize)]
pub struct Page<T> {
    /// The rows.
    #[serde(default = "Vec::new")]
    pub results: Vec<T>,
    /// Where it goes on.
    #[serde(default)]
    pub paging: Option<Paging>,
}

impl<T> Page<T> {
    /// Where the next page starts.
    pub fn after(&self) -> Option<String> {
        Some(self.paging.as_ref()?.next.as_ref()?.after.0.clone())
    }
}

/// How a list goes on.
#[derive(Clone, Debug, Deserialize)]
pub struct Paging {
    /// The next page.
    #[serde(default)]
    pub next: Option<NextPage>,
}

/// The next page.
#[derive(Clone, Debug, Deserialize)]
pub struct NextPage {
    /// Opaque.
    pub after: Id,
}

/// One row of a batch read of links.
#[derive(Clone, Debug, Deserialize)]
pub struct LinkRow {
    /// Whose links.
    pub from: WithId,
    /// The other ends.
    #[serde(default)]
    pub to: Vec<LinkEnd>,
    /// More of the same record.
    #[serde(default)]
    pub paging: Option<Paging>,
}

/// Something with an id.
#[derive(Clone, Debug, Deserialize)]
pub struct WithId {
    /// The id.
    pub id: Id,
}

/// The other end of a link.
#[derive(Clone, Debug, Deserialize)]
pub struct LinkEnd {
    /// Its id.
    #[serde(rename = "toObjectId")]
    pub id: Id,
}

/// A property definition.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PropertyBody {
    /// Internal name.
    pub name: String,
    /// Label.
    #[serde(default)]
    pub label: String,
    /// `string`, `number`, `date`, `datetime`, `enumeration`, `bool`, ...
    #[serde(default, rename = "type")]
    pub kind: String,
    /// `text`, `html`, `checkbox`, ...
    #[serde(default)]
    pub field_type: String,
    /// Group.
    #[serde(default)]
    pub group_name: String,
    /// Options of an enumeration.
    #[serde(default)]
    pub options: Vec<OptionBody>,
    /// Computed by HubSpot.
    #[serde(default)]
    pub calculated: bool,
    /// No two records share a value.
    #[serde(default)]
    pub has_unique_value: bool,
    /// What may be modified.
    #[serde(default)]
    pub modification_metadata: Option<ModificationBody>,
    /// Whether it is HubSpot's own; `false` = the portal's.
    #[serde(default)]
    pub hubspot_defined: Option<bool>,
}

/// What may be modified of a property.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModificationBody {
    /// Values cannot be written.
    #[serde(default)]
    pub read_only_value: bool,
}

/// An option of an enumeration.
#[derive(Clone, Debug, Deserialize)]
pub struct OptionBody {
    /// The value on the wire.
    pub value: String,
}

/// An owner.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    /// The id to assign by.
    pub id: Id,
    /// E-mail address.
    #[serde(default)]
    pub email: Option<String>,
    /// First name.
    #[serde(default)]
    pub first_name: Option<String>,
    /// Last name.
    #[serde(default)]
    pub last_name: Option<String>,
    /// Left the company.
    #[serde(default)]
    pub archived: bool,
}

/// An error, whole or as a row of a batch. Every member is optional.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorBody {
    /// In words.
    #[serde(default)]
    pub message: Option<String>,
    /// `VALIDATION_ERROR`, `CONFLICT`, ...
    #[serde(default)]
    pub category: Option<String>,
    /// Finer.
    #[serde(default)]
    pub sub_category: Option<serde_json::Value>,
    /// For a question to HubSpot.
    #[serde(default)]
    pub correlation_id: Option<String>,
    /// Names and values.
    #[serde(default)]
    pub context: BTreeMap<String, serde_json::Value>,
    /// Details.
    #[serde(default)]
    pub errors: Vec<ErrorDetail>,
    /// The record concerned.
    #[serde(default)]
    pub id: Option<Id>,
}

/// A detail of an error.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ErrorDetail {
    /// In words.
    #[serde(default)]
    pub message: Option<String>,
    /// `PROPERTY_DOESNT_EXIST`, ...
    #[serde(default)]
    pub code: Option<String>,
    /// Names and values.
    #[serde(default)]
    pub context: BTreeMap<String, serde_json::Value>,
}

/// `{id}`.
#[derive(Clone, Debug, Serialize)]
pub struct IdInput<'a> {
    /// The id.
    pub id: &'a str,
}

/// The body of a batch read.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadBody<'a> {
    /// Whom.
    pub inputs: Vec<IdInput<'a>>,
    /// What.
    pub properties: &'a [String],
    /// By which unique property; by id if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_property: Option<&'a str>,
}

/// The body of a search.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SearchBody<'a> {
    /// Any of these.
    pub filter_groups: Vec<FilterGroup<'a>>,
    /// What.
    pub properties: &'a [&'a str],
    /// Page size.
    pub limit: u32,
    /// Where to go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// All of these.
#[derive(Clone, Debug, Serialize)]
pub struct FilterGroup<'a> {
    /// The filters.
    pub filters: Vec<Filter<'a>>,
}

/// One filter.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Filter<'a> {
    /// Which property.
    pub property_name: &'a str,
    /// `IN` or `CONTAINS_TOKEN`.
    pub operator: &'static str,
    /// For `IN`: any of these values.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub values: &'a [String],
    /// For `CONTAINS_TOKEN`: this word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_as_numbers_and_as_strings() {
        let row: LinkRow =
            serde_json::from_str(r#"{"from":{"id":"1"},"to":[{"toObjectId":22}]}"#).unwrap();
        assert_eq!(row.from.id.0, "1");
        assert_eq!(row.to[0].id.0, "22");
    }

    #[test]
    fn an_error_may_be_almost_empty() {
        let error: ErrorBody = serde_json::from_str("{}").unwrap();
        assert!(error.message.is_none() && error.errors.is_empty());
        let record: Record =
            serde_json::from_str(r#"{"id":"1","properties":{"a":null,"b":"","c":"x"}}"#).unwrap();
        assert_eq!((record.get("a"), record.get("b"), record.get("c")), (None, None, Some("x")));
    }
}
