//! Search: filters, sorting and paging over what the index has seen.
//!
//! The one thing to know: the index lags. A search shows a record as it was before its changes of
//! late, does not show a new one, and never an archived one.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::errors::Refusal;
use super::kind::Kind;
use super::schema::ValueType;
use super::store::Record;
use super::values::{instant, millis, number};
use super::{Done, HubSpot, next_page, read_id, read_names, read_object};
use crate::sandbox::upstream::{Call, Moment};

const LONGEST_BODY: usize = 3_000;
const REACHABLE: usize = 10_000;

/// One condition.
struct Filter {
    property: String,
    operator: String,
    values: Vec<String>,
    high: Option<String>,
}

/// What a search sees of a record.
struct Seen<'a> {
    record: &'a Record,
    properties: &'a BTreeMap<String, String>,
}

impl HubSpot {
    pub(super) fn search(
        &self,
        kind: Kind,
        call: &Call,
        m: &mut Moment<'_>,
    ) -> Result<Done, Refusal> {
        if String::from_utf8_lossy(&call.body).chars().count() > LONGEST_BODY {
            return Err(Refusal::invalid(format!(
                "The search request is longer than {LONGEST_BODY} characters"
            )));
        }
        let body = read_object(&call.body)?;
        let groups = self.read_groups(kind, &body)?;
        let sort = self.read_sort(kind, &body)?;
        let names = read_names(&body, "properties")?;
        let query = body.get("query").and_then(Value::as_str).unwrap_or_default().to_lowercase();
        let limit = match body.get("limit") {
            None => 10,
            Some(value) => read_id(Some(value))?
                .parse()
                .ok()
                .filter(|n| (1..=200).contains(n))
                .ok_or_else(|| Refusal::invalid("limit must be between 1 and 200"))?,
        };
        let after: usize = match body.get("after") {
            None | Some(Value::Null) => 0,
            Some(value) => match read_id(Some(value))?.as_str() {
                "" => 0,
                text => text
                    .parse()
                    .map_err(|_| Refusal::invalid(format!("Invalid paging cursor: {text}")))?,
            },
        };
        if after.saturating_add(limit) > REACHABLE {
            return Err(Refusal::invalid(format!(
                "A search reaches no further than {REACHABLE} results"
            )));
        }
        let lag = millis(self.settings.search_lag);
        let mut found: Vec<Seen<'_>> = self
            .store
            .all(kind)
            .filter_map(|record| {
                let properties = record.seen_by_search(m.now, lag)?;
                Some(Seen { record, properties })
            })
            .filter(|seen| query.is_empty() || matches_query(kind, seen, &query))
            .filter(|seen| {
                groups.is_empty()
                    || groups.iter().any(|g| g.iter().all(|f| self.matches(kind, seen, f, m)))
            })
            .collect();
        if let Some((name, descending)) = sort {
            found.sort_by(|a, b| {
                let order = self.compare(kind, a, b, &name, m);
                if descending { order.reverse() } else { order }
            });
        }
        let total = found.len();
        let rows: Vec<Value> = found
            .iter()
            .skip(after)
            .take(limit)
            .map(|seen| self.render_indexed(kind, seen.record, seen.properties, &names, m.now))
            .collect();
        let mut body = json!({"total": total, "results": rows});
        if let (true, Some(map)) = (after + limit < total, body.as_object_mut()) {
            let path = format!("/crm/v3/objects/{}/search", kind.path());
            map.insert("paging".to_owned(), next_page(after + limit, &path));
        }
        Ok(Done::ok(body))
    }

    fn read_groups(
        &self,
        kind: Kind,
        body: &Map<String, Value>,
    ) -> Result<Vec<Vec<Filter>>, Refusal> {
        let Some(value) = body.get("filterGroups") else { return Ok(Vec::new()) };
        let groups =
            value.as_array().ok_or_else(|| Refusal::json("`filterGroups` is not a list", 1, 1))?;
        let mut all = Vec::new();
        for group in groups {
            let filters = group
                .get("filters")
                .and_then(Value::as_array)
                .ok_or_else(|| Refusal::member("filters"))?;
            let filters =
                filters.iter().map(|f| self.read_filter(kind, f)).collect::<Result<Vec<_>, _>>()?;
            all.push(filters);
        }
        let most = all.iter().map(Vec::len).max().unwrap_or(0);
        let total: usize = all.iter().map(Vec::len).sum();
        if all.len() > 5 || most > 6 || total > 18 {
            return Err(Refusal::invalid(
                "A search has at most 5 filter groups, 6 filters per group and 18 filters in all",
            ));
        }
        Ok(all)
    }

    fn read_filter(&self, kind: Kind, value: &Value) -> Result<Filter, Refusal> {
        const OPERATORS: [&str; 13] = [
            "EQ",
            "NEQ",
            "LT",
            "LTE",
            "GT",
            "GTE",
            "BETWEEN",
            "IN",
            "NOT_IN",
            "HAS_PROPERTY",
            "NOT_HAS_PROPERTY",
            "CONTAINS_TOKEN",
            "NOT_CONTAINS_TOKEN",
        ];
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let property = text("propertyName").ok_or_else(|| Refusal::member("propertyName"))?;
        let operator = text("operator").ok_or_else(|| Refusal::member("operator"))?;
        if !OPERATORS.contains(&operator.as_str()) {
            return Err(Refusal::invalid(format!("{operator} is not a valid operator")));
        }
        let known = match property.strip_prefix("associations.") {
            Some(other) => Kind::named(other).is_some(),
            None => self.schema.get(kind, &property).is_some(),
        };
        if !known {
            return Err(Refusal::invalid(format!("There is no property {property} to filter by")));
        }
        let values = match operator.as_str() {
            "HAS_PROPERTY" | "NOT_HAS_PROPERTY" => Vec::new(),
            "IN" | "NOT_IN" => value
                .get("values")
                .and_then(Value::as_array)
                .ok_or_else(|| Refusal::member("values"))?
                .iter()
                .map(|v| read_id(Some(v)))
                .collect::<Result<_, _>>()?,
            _ => vec![read_id(value.get("value")).map_err(|_| Refusal::member("value"))?],
        };
        let high = value.get("highValue").map(|v| read_id(Some(v))).transpose()?;
        if operator == "BETWEEN" && high.is_none() {
            return Err(Refusal::member("highValue"));
        }
        Ok(Filter { property, operator, values, high })
    }

    fn read_sort(
        &self,
        kind: Kind,
        body: &Map<String, Value>,
    ) -> Result<Option<(String, bool)>, Refusal> {
        let Some(sorts) = body.get("sorts").and_then(Value::as_array) else { return Ok(None) };
        let [sort] = sorts.as_slice() else {
            return if sorts.is_empty() {
                Ok(None)
            } else {
                Err(Refusal::invalid("A search has at most one sort"))
            };
        };
        let name = sort
            .get("propertyName")
            .or(Some(sort))
            .and_then(Value::as_str)
            .ok_or_else(|| Refusal::member("propertyName"))?;
        if self.schema.get(kind, name).is_none() {
            return Err(Refusal::invalid(format!("There is no property {name} to sort by")));
        }
        let descending = sort.get("direction").and_then(Value::as_str) == Some("DESCENDING");
        Ok(Some((name.to_owned(), descending)))
    }

    fn seen_value(
        &self,
        kind: Kind,
        seen: &Seen<'_>,
        name: &str,
        m: &Moment<'_>,
    ) -> Option<String> {
        let (created, modified) = kind.stamps();
        if name == created || name == modified || name == "hs_object_id" {
            return self.value(kind, seen.record, name, m.now);
        }
        seen.properties.get(name).cloned()
    }

    fn matches(&self, kind: Kind, seen: &Seen<'_>, filter: &Filter, m: &Moment<'_>) -> bool {
        let first = filter.values.first().map_or("", String::as_str);
        if let Some(other) = filter.property.strip_prefix("associations.") {
            let Some(other) = Kind::named(other) else { return false };
            let linked = self.store.linked_ids((kind, seen.record.id), other);
            let has = |id: &String| id.parse().is_ok_and(|id| linked.contains(&id));
            return match filter.operator.as_str() {
                "EQ" | "IN" => filter.values.iter().any(has),
                "NEQ" | "NOT_IN" => !filter.values.iter().any(has),
                "HAS_PROPERTY" => !linked.is_empty(),
                "NOT_HAS_PROPERTY" => linked.is_empty(),
                _ => false,
            };
        }
        let value_type =
            self.schema.get(kind, &filter.property).map_or(ValueType::String, |d| d.value_type);
        let value = self.seen_value(kind, seen, &filter.property, m);
        let order =
            |wanted: &str| value.as_deref().and_then(|v| compare_values(value_type, v, wanted));
        let equal = |wanted: &str| order(wanted) == Some(Ordering::Equal);
        // Lists are not folded: a wanted value in capitals finds no text.
        let in_list = || {
            value.as_deref().is_some_and(|v| {
                let v =
                    if value_type == ValueType::String { v.to_lowercase() } else { v.to_owned() };
                filter.values.iter().any(|w| {
                    *w == v
                        || (value_type == ValueType::Number
                            && number(w).is_some()
                            && number(w) == number(&v))
                })
            })
        };
        match filter.operator.as_str() {
            "EQ" => equal(first),
            "NEQ" => value.is_some() && !equal(first),
            "LT" => order(first).is_some_and(Ordering::is_lt),
            "LTE" => order(first).is_some_and(Ordering::is_le),
            "GT" => order(first).is_some_and(Ordering::is_gt),
            "GTE" => order(first).is_some_and(Ordering::is_ge),
            "BETWEEN" => {
                order(first).is_some_and(Ordering::is_ge)
                    && filter.high.as_deref().and_then(order).is_some_and(Ordering::is_le)
            }
            "IN" => in_list(),
            "NOT_IN" => value.is_some() && !in_list(),
            "HAS_PROPERTY" => value.is_some(),
            "NOT_HAS_PROPERTY" => value.is_none(),
            "CONTAINS_TOKEN" => value.is_some_and(|v| contains_token(&v, first)),
            _ => !value.is_some_and(|v| contains_token(&v, first)),
        }
    }

    fn compare(
        &self,
        kind: Kind,
        a: &Seen<'_>,
        b: &Seen<'_>,
        name: &str,
        m: &Moment<'_>,
    ) -> Ordering {
        let value_type = self.schema.get(kind, name).map_or(ValueType::String, |d| d.value_type);
        match (self.seen_value(kind, a, name, m), self.seen_value(kind, b, name, m)) {
            (Some(a), Some(b)) => compare_values(value_type, &a, &b).unwrap_or(Ordering::Equal),
            // What has no value comes last.
            (a, b) => a.is_none().cmp(&b.is_none()),
        }
    }
}

fn compare_values(value_type: ValueType, a: &str, b: &str) -> Option<Ordering> {
    match value_type {
        ValueType::Number => Some(number(a)?.cmp(&number(b)?)),
        ValueType::Date | ValueType::Datetime => Some(instant(a)?.cmp(&instant(b)?)),
        ValueType::Enumeration => Some(a.cmp(b)),
        ValueType::String | ValueType::Bool => Some(a.to_lowercase().cmp(&b.to_lowercase())),
    }
}

/// Whether one of the words is the wanted one; `*` stands for anything at its ends.
fn contains_token(text: &str, wanted: &str) -> bool {
    let wanted = wanted.to_lowercase();
    let (open_start, open_end) = (wanted.starts_with('*'), wanted.ends_with('*'));
    let core = wanted.trim_matches('*');
    let text = text.to_lowercase();
    let fits = |word: &str| match (open_start, open_end) {
        (true, true) => word.contains(core),
        (true, false) => word.ends_with(core),
        (false, true) => word.starts_with(core),
        (false, false) => word == core,
    };
    fits(&text) || text.split(|c: char| !c.is_alphanumeric()).any(fits)
}

/// The free-text query: which properties it looks at depends on the kind.
fn matches_query(kind: Kind, seen: &Seen<'_>, query: &str) -> bool {
    let names: &[&str] = match kind {
        Kind::Quote => &[
            "hs_sender_firstname",
            "hs_sender_lastname",
            "hs_sender_company_name",
            "hs_sender_email",
            "hs_title",
            "hs_quote_number",
            "hs_proposal_slug",
            "hs_public_url_key",
        ],
        Kind::Deal => &["dealname", "description"],
        Kind::Contact => &["firstname", "lastname", "email", "phone", "company"],
        Kind::Company => &["name", "domain", "phone"],
        Kind::Template => &["hs_name"],
        Kind::LineItem | Kind::Product => &["name", "description", "hs_sku"],
        Kind::Discount | Kind::Fee | Kind::Tax => &["hs_label"],
    };
    names.iter().filter_map(|n| seen.properties.get(*n)).any(|v| v.to_lowercase().contains(query))
}
