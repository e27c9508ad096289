//! Every read that proforma sends to HubSpot, in batches.
//!
//! Purpose: the one place that knows HubSpot's read routes and their limits. Invariants: results
//! are matched by id or value, never by position; an error row that does not mean "not there" is
//! trouble, and what an answer in part says nothing of is read by itself, so that an incomplete
//! answer is never taken for an absence.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::try_join_all;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::operation::Object;
use super::portal::Definition;
use super::refusal;
use super::wire::{
    Batch, ErrorBody, Filter, FilterGroup, IdInput, LinkRow, Owner, Page, PropertyBody, ReadBody,
    Record, SearchBody,
};
use crate::http::{
    Answer, CallError, Class, LimitRule, Paging, Policy, QueryPath, ReadWire, segment,
};
use crate::provider::Requests;
use crate::provider::capability::{Kind, Mode};
use crate::provider::step::{Trouble, TroubleKind};

/// Records of one batch read.
const READ_MAX: usize = 100;
/// Records of one batch read of links.
const LINKS_MAX: usize = 1000;
/// Values of one search: HubSpot takes 3,000 characters a body, all JSON counted.
const SEARCH_CHARS: usize = 2000;
/// Filter groups of one search.
const SEARCH_GROUPS: usize = 5;
/// Characters of an error row that are told.
const WORDS_MAX: usize = 300;

/// The class of search requests: five a second, whatever the account's limit.
pub const SEARCH: Class = Class("search");

/// What HubSpot's statuses, limits and headers mean to the wire.
pub fn policy() -> Policy {
    const LIMITS: &[LimitRule] = &[
        LimitRule {
            name: "TEN_SECONDLY_ROLLING",
            wait: Some(Duration::from_secs(10)),
            class: None,
        },
        LimitRule { name: "SECONDLY", wait: Some(Duration::from_secs(1)), class: Some(SEARCH) },
        LimitRule { name: "DAILY", wait: None, class: None },
    ];
    const PUT_OFF: &[(u16, Duration)] =
        &[(423, Duration::from_secs(2)), (477, Duration::from_secs(1))];
    Policy {
        put_off: PUT_OFF,
        limit_member: Some("policyName"),
        limits: LIMITS,
        unnamed_limit: Duration::from_secs(10),
        classes: &[("/search", SEARCH)],
        rate_headers: Some((
            "x-hubspot-ratelimit-max",
            "x-hubspot-ratelimit-interval-milliseconds",
        )),
        request_id: "x-hubspot-correlation-id",
        ..Policy::default()
    }
}

/// HubSpot's reads.
#[derive(Clone, Debug)]
pub struct Fetch {
    wire: ReadWire,
}

impl Fetch {
    /// On a wire that can only read.
    pub fn new(wire: ReadWire) -> Self {
        Self { wire }
    }

    /// Requests so far on the wire.
    pub fn requests(&self) -> Requests {
        let counts = self.wire.counts();
        Requests { read: counts.read, write: counts.write }
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Answer, Trouble> {
        self.wire.get(path, query).await.map_err(|e| refusal::trouble(&e))
    }

    async fn ask<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
    ) -> Result<Option<T>, Trouble> {
        self.page_of(path, body, &mut Paging::default()).await
    }

    /// An answer that is one page of a list.
    async fn page_of<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
        list: &mut Paging,
    ) -> Result<Option<T>, Trouble> {
        let shown = path;
        let path =
            QueryPath::new(path).ok_or_else(|| fault(&format!("`{path}` is not a query")))?;
        let json = serde_json::to_vec(body).map_err(|e| fault(&e.to_string()))?;
        match self.wire.query(&path, Bytes::from(json)).await {
            Ok(answer) => {
                list.read(answer.body.len()).map_err(|_| endless(shown))?;
                decode(&answer).map(Some)
            }
            // Some portals answer a batch of unknown ids as a whole.
            Err(e @ CallError::Refused(_)) if e.refused_status() == Some(404) => {
                match e.answer().map(ErrorBody::of) {
                    Some(body) if body.is_missing() => Ok(None),
                    _ => Err(refusal::trouble(&e)),
                }
            }
            Err(e) => Err(refusal::trouble(&e)),
        }
    }

    /// Records by id, or by the value of a unique property. What does not exist is left out.
    pub async fn read(
        &self,
        object: Object,
        ids: &[String],
        properties: &[String],
        id_property: Option<&str>,
    ) -> Result<Vec<Record>, Trouble> {
        let path = format!("/crm/v3/objects/{}/batch/read", object.path());
        let calls = ids.chunks(READ_MAX).map(|chunk| {
            let inputs = chunk.iter().map(|id| IdInput { id }).collect();
            let body = ReadBody { inputs, properties, id_property };
            let path = &path;
            async move {
                let Some(batch) = self.ask::<_, Batch<Record>>(path, &body).await? else {
                    return Ok(Vec::new());
                };
                only_missing(&batch.errors)?;
                let mut records = batch.results;
                for id in unmentioned(chunk, &records, &batch.errors, id_property) {
                    records.extend(self.read_one(object, id, properties, id_property).await?);
                }
                Ok(records)
            }
        });
        let all: Vec<Vec<Record>> = try_join_all(calls).await?;
        Ok(all.into_iter().flatten().filter(|r| !r.archived).collect())
    }

    /// One record, by id or by the value of a unique property; `None` = HubSpot says that it is not
    /// there.
    async fn read_one(
        &self,
        object: Object,
        id: &str,
        properties: &[String],
        id_property: Option<&str>,
    ) -> Result<Option<Record>, Trouble> {
        let path = format!("/crm/v3/objects/{}/{}", object.path(), segment(id));
        let properties = properties.join(",");
        let mut query = vec![("properties", properties.as_str())];
        query.extend(id_property.map(|name| ("idProperty", name)));
        match self.wire.get(&path, &query).await {
            Ok(answer) => decode(&answer).map(Some),
            Err(e @ CallError::Refused(_)) if e.refused_status() == Some(404) => Ok(None),
            Err(e) => Err(refusal::trouble(&e)),
        }
    }

    /// The other ends of links, by the id they start from.
    pub async fn links(
        &self,
        from: Object,
        to: Object,
        ids: &[String],
    ) -> Result<BTreeMap<String, Vec<String>>, Trouble> {
        let path = format!("/crm/v4/associations/{}/{}/batch/read", from.path(), to.path());
        let calls = ids.chunks(LINKS_MAX).map(|chunk| self.links_of(&path, chunk));
        let mut out: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (id, ends) in try_join_all(calls).await?.into_iter().flatten() {
            let all = out.entry(id).or_default();
            all.extend(ends);
        }
        for ends in out.values_mut() {
            ends.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
            ends.dedup();
        }
        Ok(out)
    }

    async fn links_of(
        &self,
        path: &str,
        ids: &[String],
    ) -> Result<Vec<(String, Vec<String>)>, Trouble> {
        #[derive(Serialize)]
        struct Input {
            id: String,
            #[serde(skip_serializing_if = "Option::is_none")]
            after: Option<String>,
        }
        #[derive(Serialize)]
        struct Body {
            inputs: Vec<Input>,
        }
        let mut out = Vec::new();
        let mut inputs: Vec<Input> =
            ids.iter().map(|id| Input { id: id.clone(), after: None }).collect();
        let mut list = Paging::default();
        while !inputs.is_empty() {
            let body = Body { inputs };
            let Some(batch) = self.page_of::<_, Batch<LinkRow>>(path, &body, &mut list).await?
            else {
                return Ok(out);
            };
            only_missing(&batch.errors)?;
            inputs = Vec::new();
            for row in batch.results {
                if let Some(next) = row.paging.and_then(|p| p.next).map(|n| n.after.0) {
                    let cursor = format!("{} {next}", row.from.id.0);
                    list.follow(&cursor).map_err(|_| endless(path))?;
                    inputs.push(Input { id: row.from.id.0.clone(), after: Some(next) });
                }
                out.push((row.from.id.0, row.to.into_iter().map(|end| end.id.0).collect()));
            }
        }
        Ok(out)
    }

    /// All records of a type, page by page.
    pub async fn list(&self, object: Object, properties: &[&str]) -> Result<Vec<Record>, Trouble> {
        let path = format!("/crm/v3/objects/{}", object.path());
        self.pages(&path, &[("limit", "100"), ("properties", &properties.join(","))]).await
    }

    /// A page of all records of a type, at the largest size, and the cursor of the next one.
    pub async fn page(
        &self,
        object: Object,
        properties: &[&str],
        after: Option<&str>,
    ) -> Result<(Vec<serde_json::Value>, Option<String>), Trouble> {
        let path = format!("/crm/v3/objects/{}", object.path());
        let properties = properties.join(",");
        let mut query = vec![("limit", "100"), ("properties", properties.as_str())];
        query.extend(after.map(|after| ("after", after)));
        let answer = self.get(&path, &query).await?;
        let page: Page<serde_json::Value> = decode(&answer)?;
        let next = page.after();
        Ok((page.results, next))
    }

    /// All owners, those who left not among them.
    pub async fn owners(&self) -> Result<Vec<Owner>, Trouble> {
        let all: Vec<Owner> = self.pages("/crm/v3/owners", &[("limit", "100")]).await?;
        Ok(all.into_iter().filter(|o| !o.archived).collect())
    }

    async fn pages<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Vec<T>, Trouble> {
        let mut out = Vec::new();
        let mut after: Option<String> = None;
        let mut list = Paging::default();
        loop {
            let mut query = query.to_vec();
            if let Some(after) = &after {
                query.push(("after", after));
            }
            let answer = self.get(path, &query).await?;
            list.read(answer.body.len()).map_err(|_| endless(path))?;
            let page: Page<T> = decode(&answer)?;
            let next = page.after();
            out.extend(page.results);
            let Some(next) = next else { return Ok(out) };
            list.follow(&next).map_err(|_| endless(path))?;
            after = Some(next);
        }
    }

    /// Records whose property has one of these values, by any of several properties. Fresh records
    /// may be missing: never use it to prove that something does not exist that we made.
    pub async fn search(
        &self,
        object: Object,
        by: &[&str],
        values: &[String],
        properties: &[&str],
    ) -> Result<Vec<Record>, Trouble> {
        let path = format!("/crm/v3/objects/{}/search", object.path());
        // HubSpot compares text without case, and wants lower case in lists.
        let values: Vec<String> = values.iter().map(|v| v.to_lowercase()).collect();
        let calls =
            chunks_by_size(&values, SEARCH_CHARS / by.len().max(1)).into_iter().map(|chunk| {
                let path = &path;
                async move {
                    let mut out: Vec<Record> = Vec::new();
                    let mut after = None;
                    let mut list = Paging::default();
                    loop {
                        let filter = |name| Filter {
                            property_name: name,
                            operator: "IN",
                            values: chunk,
                            value: None,
                        };
                        let filter_groups = by
                            .iter()
                            .map(|name| FilterGroup { filters: vec![filter(name)] })
                            .collect();
                        let body = SearchBody {
                            filter_groups,
                            properties,
                            limit: 200,
                            after: after.clone(),
                        };
                        let page = self.page_of::<_, Page<Record>>(path, &body, &mut list);
                        let Some(page) = page.await? else { break };
                        let next = page.after();
                        out.extend(page.results);
                        let Some(next) = next else { break };
                        list.follow(&next).map_err(|_| endless(path))?;
                        after = Some(next);
                    }
                    Ok::<_, Trouble>(out)
                }
            });
        let mut all: Vec<Record> = try_join_all(calls).await?.into_iter().flatten().collect();
        all.sort_by(|a, b| a.age().cmp(&b.age()));
        all.dedup_by(|a, b| a.id == b.id);
        Ok(all)
    }

    /// Records whose `by` holds one of the words (at most five): what a person may have meant by a
    /// name that leads nowhere. One page, for a message only.
    pub async fn search_near(
        &self,
        object: Object,
        by: &str,
        words: &[String],
        properties: &[&str],
    ) -> Result<Vec<Record>, Trouble> {
        let path = format!("/crm/v3/objects/{}/search", object.path());
        let filter_groups = words
            .iter()
            .take(SEARCH_GROUPS)
            .map(|word| Filter {
                property_name: by,
                operator: "CONTAINS_TOKEN",
                values: &[],
                value: Some(word),
            })
            .map(|filter| FilterGroup { filters: vec![filter] })
            .collect();
        let body = SearchBody { filter_groups, properties, limit: 50, after: None };
        let page = self.ask::<_, Page<Record>>(&path, &body).await?;
        Ok(page.map(|page| page.results).unwrap_or_default())
    }

    /// The property definitions of a type of record.
    pub async fn definitions(
        &self,
        object: Object,
    ) -> Result<BTreeMap<String, Definition>, Trouble> {
        let path = format!("/crm/v3/properties/{}", segment(object.path()));
        let page: Page<PropertyBody> = decode(&self.get(&path, &[]).await?)?;
        Ok(page.results.into_iter().map(|p| (p.name.clone(), definition(p))).collect())
    }
}

fn definition(p: PropertyBody) -> Definition {
    let options = || p.options.iter().map(|o| o.value.clone()).collect();
    let kind = match (p.kind.as_str(), p.field_type.as_str()) {
        ("number", _) => Kind::Number,
        ("bool", _) | (_, "booleancheckbox") => Kind::Bool,
        ("date", _) => Kind::Date,
        ("datetime", _) => Kind::DateTime,
        ("enumeration", "checkbox") => Kind::Choices(options()),
        ("enumeration", _) => Kind::Choice(options()),
        (_, "html") => Kind::Html,
        _ => Kind::Text,
    };
    let fixed = p.calculated || p.modification_metadata.is_some_and(|m| m.read_only_value);
    Definition {
        label: p.label,
        kind,
        mode: if fixed { Mode::ReadOnly } else { Mode::Writable },
        unique: p.has_unique_value,
        custom: p.hubspot_defined == Some(false),
        group: p.group_name,
    }
}

fn decode<T: DeserializeOwned>(answer: &Answer) -> Result<T, Trouble> {
    answer.json().map_err(|e| refusal::trouble(&e))
}

/// Error rows that only say "not there" are fine; any other makes the answer incomplete.
fn only_missing(errors: &[ErrorBody]) -> Result<(), Trouble> {
    match errors.iter().find(|e| !e.is_missing()) {
        None => Ok(()),
        Some(e) => {
            let words: String = e.words().chars().take(WORDS_MAX).collect();
            let message = format!("HubSpot answered only in part: {words}");
            Err(Trouble::new(TroubleKind::Network, message).help("run the command again"))
        }
    }
}

/// What a partial answer says nothing of: no record, and no error row that names it. An answer
/// without error rows is whole: what it lacks is not there.
fn unmentioned<'c>(
    asked: &'c [String],
    records: &[Record],
    errors: &[ErrorBody],
    id_property: Option<&str>,
) -> Vec<&'c str> {
    if errors.is_empty() {
        return Vec::new();
    }
    let named: BTreeSet<String> = errors
        .iter()
        .flat_map(|e| e.context("ids").into_iter().chain(e.id.as_ref().map(|id| id.0.clone())))
        .collect();
    let found: BTreeSet<&str> = records
        .iter()
        .filter_map(|r| id_property.map_or(Some(r.id.0.as_str()), |name| r.get(name)))
        .collect();
    let unmentioned = |id: &&str| !found.contains(id) && !named.contains(*id);
    asked.iter().map(String::as_str).filter(unmentioned).collect()
}

fn endless(path: &str) -> Trouble {
    Trouble::new(TroubleKind::Network, format!("HubSpot's list {path} does not end"))
}

fn fault(why: &str) -> Trouble {
    Trouble::new(TroubleKind::Network, format!("the question could not be written: {why}"))
}

/// Slices whose texts have at most `most` characters together, and at most 100 texts.
fn chunks_by_size(values: &[String], most: usize) -> Vec<&[String]> {
    let mut out = Vec::new();
    let (mut start, mut size) = (0, 0);
    for (i, value) in values.iter().enumerate() {
        // Quotes, comma and escapes.
        let own = value
            .chars()
            .map(|c| if c.is_ascii() && c != '"' && c != '\\' { 1 } else { 6 })
            .sum::<usize>()
            + 3;
        if i > start && (size + own > most || i - start >= 100) {
            out.extend(values.get(start..i));
            (start, size) = (i, 0);
        }
        size += own;
    }
    if start < values.len() {
        out.extend(values.get(start..));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searches_stay_below_the_size_of_a_body() {
        let values: Vec<String> = (0..250).map(|n| format!("Acme renewal {n:04}")).collect();
        let chunks = chunks_by_size(&values, 2000);
        assert_eq!(chunks.iter().map(|c| c.len()).sum::<usize>(), 250);
        assert!(
            chunks
                .iter()
                .all(|c| c.len() <= 100 && c.iter().map(String::len).sum::<usize>() < 2000)
        );
        let long = vec!["x".repeat(5000)];
        assert_eq!(chunks_by_size(&long, 2000).len(), 1);
        assert!(chunks_by_size(&[], 2000).is_empty());
    }

    #[test]
    fn an_incomplete_answer_is_no_absence() {
        let rows = |text: &str| serde_json::from_str::<Vec<ErrorBody>>(text).unwrap();
        assert!(only_missing(&rows(r#"[{"category":"OBJECT_NOT_FOUND"}]"#)).is_ok());
        assert!(only_missing(&rows(r#"[{"category":"INTERNAL_ERROR","message":"x"}]"#)).is_err());
        assert!(only_missing(&[]).is_ok());
    }
}
