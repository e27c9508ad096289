//! Which endpoint a call means.
//!
//! The one thing to know: dated paths (`/crm/objects/2026-09/...`) are read into the same routes
//! as v3 and v4, so the rest of the emulator knows one API.

use super::kind::Kind;
use crate::sandbox::upstream::Call;

/// A batch route of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Batch {
    Create,
    Read,
    Update,
    Upsert,
    Archive,
}

/// A batch route of associations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkBatch {
    Default,
    Create,
    Read,
    Archive,
    DropLabels,
}

/// An endpoint with what its path says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Records(Kind),
    Record(Kind, String),
    Batch(Kind, Batch),
    Search(Kind),
    Merge(Kind),
    Link { from: Kind, from_id: String, to: Kind, to_id: String, default: bool },
    Links { from: Kind, from_id: String, to: Kind },
    LinkBatch { from: Kind, to: Kind, op: LinkBatch },
    LinkTypes { from: Kind, to: Kind },
    Properties(Kind),
    Property(Kind, String),
    PropertyGroups(Kind),
    Owners,
    Owner(String),
    Account,
    TaxRates,
    UnknownObject(String),
    Unknown,
}

/// Reads the path. Also gives the positions of segments that are identifiers.
pub(crate) fn read(call: &Call) -> (Route, Vec<usize>) {
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let dated = |s: &str| s.len() == 7 && s.starts_with("20") && s.as_bytes().get(4) == Some(&b'-');
    match segments.as_slice() {
        ["crm", "v3", "objects", rest @ ..] => objects(rest, 3, false),
        ["crm", "objects", date, rest @ ..] if dated(date) => objects(rest, 3, true),
        ["crm", "v4", "objects", rest @ ..] => linked_objects(rest, 3),
        ["crm", "v4", "associations", rest @ ..] => associations(rest),
        ["crm", "associations", version, rest @ ..] if dated(version) || *version == "v4" => {
            associations(rest)
        }
        ["crm", "v3", "properties", rest @ ..] => properties(rest),
        ["crm", "properties", date, rest @ ..] if dated(date) => properties(rest),
        ["crm", "v3", "owners", rest @ ..] => owners(rest),
        ["crm", "owners", date, rest @ ..] if dated(date) => owners(rest),
        ["account-info", "v3", "details"] => (Route::Account, vec![]),
        ["tax-rates", "v1", "tax-rates"] => (Route::TaxRates, vec![]),
        _ => (Route::Unknown, vec![]),
    }
}

fn kind(name: &str) -> Result<Kind, (Route, Vec<usize>)> {
    Kind::named(name).ok_or_else(|| (Route::UnknownObject(name.to_owned()), vec![]))
}

fn objects(rest: &[&str], base: usize, dated: bool) -> (Route, Vec<usize>) {
    let [name, rest @ ..] = rest else { return (Route::Unknown, vec![]) };
    let kind = match kind(name) {
        Ok(kind) => kind,
        Err(unknown) => return unknown,
    };
    match rest {
        [] => (Route::Records(kind), vec![]),
        ["search"] => (Route::Search(kind), vec![]),
        ["merge"] if dated => (Route::Merge(kind), vec![]),
        ["batch", "create"] => (Route::Batch(kind, Batch::Create), vec![]),
        ["batch", "read"] => (Route::Batch(kind, Batch::Read), vec![]),
        ["batch", "update"] => (Route::Batch(kind, Batch::Update), vec![]),
        ["batch", "upsert"] => (Route::Batch(kind, Batch::Upsert), vec![]),
        ["batch", "archive"] => (Route::Batch(kind, Batch::Archive), vec![]),
        [id] => (Route::Record(kind, (*id).to_owned()), vec![base + 1]),
        [_, "associations", ..] if dated => linked_objects_of(kind, rest, base),
        _ => (Route::Unknown, vec![]),
    }
}

fn linked_objects(rest: &[&str], base: usize) -> (Route, Vec<usize>) {
    let [name, rest @ ..] = rest else { return (Route::Unknown, vec![]) };
    match kind(name) {
        Ok(kind) => linked_objects_of(kind, rest, base),
        Err(unknown) => unknown,
    }
}

fn linked_objects_of(from: Kind, rest: &[&str], base: usize) -> (Route, Vec<usize>) {
    let (id, to_name, to_id, default) = match rest {
        [id, "associations", "default", to, to_id] => (id, to, Some(to_id), true),
        [id, "associations", to, to_id] => (id, to, Some(to_id), false),
        [id, "associations", to] => (id, to, None, false),
        _ => return (Route::Unknown, vec![]),
    };
    let to = match kind(to_name) {
        Ok(kind) => kind,
        Err(unknown) => return unknown,
    };
    let from_id = (*id).to_owned();
    match to_id {
        Some(to_id) => (
            Route::Link { from, from_id, to, to_id: (*to_id).to_owned(), default },
            vec![base + 1, base + rest.len()],
        ),
        None => (Route::Links { from, from_id, to }, vec![base + 1]),
    }
}

fn associations(rest: &[&str]) -> (Route, Vec<usize>) {
    let [from, to, rest @ ..] = rest else { return (Route::Unknown, vec![]) };
    let (from, to) = match (kind(from), kind(to)) {
        (Ok(from), Ok(to)) => (from, to),
        (Err(unknown), _) | (_, Err(unknown)) => return unknown,
    };
    let op = match rest {
        ["labels"] => return (Route::LinkTypes { from, to }, vec![]),
        ["batch", "associate", "default"] => LinkBatch::Default,
        ["batch", "create"] => LinkBatch::Create,
        ["batch", "read"] => LinkBatch::Read,
        ["batch", "archive"] => LinkBatch::Archive,
        ["batch", "labels", "archive"] => LinkBatch::DropLabels,
        _ => return (Route::Unknown, vec![]),
    };
    (Route::LinkBatch { from, to, op }, vec![])
}

fn properties(rest: &[&str]) -> (Route, Vec<usize>) {
    let [name, rest @ ..] = rest else { return (Route::Unknown, vec![]) };
    let kind = match kind(name) {
        Ok(kind) => kind,
        Err(unknown) => return unknown,
    };
    match rest {
        [] => (Route::Properties(kind), vec![]),
        ["groups"] => (Route::PropertyGroups(kind), vec![]),
        [name] => (Route::Property(kind, (*name).to_owned()), vec![4]),
        _ => (Route::Unknown, vec![]),
    }
}

fn owners(rest: &[&str]) -> (Route, Vec<usize>) {
    match rest {
        [] => (Route::Owners, vec![]),
        [id] => (Route::Owner((*id).to_owned()), vec![3]),
        _ => (Route::Unknown, vec![]),
    }
}

/// The path with `{id}` in place of identifiers, for the counts.
pub(crate) fn pattern(call: &Call, ids: &[usize]) -> String {
    let mut out = String::new();
    for (at, segment) in call.segments.iter().enumerate() {
        out.push('/');
        match ids.iter().position(|id| *id == at) {
            Some(0) => out.push_str("{id}"),
            Some(_) => out.push_str("{toId}"),
            None => out.push_str(segment),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn route(path: &str) -> (Route, String) {
        let request = http::Request::get(path).body(Bytes::new()).unwrap();
        let call = Call::read(&request, "/hubspot");
        let (route, ids) = read(&call);
        (route, pattern(&call, &ids))
    }

    #[test]
    fn all_names_and_generations_mean_the_same() {
        for path in [
            "/hubspot/crm/v3/objects/quotes/7",
            "/hubspot/crm/v3/objects/quote/7",
            "/hubspot/crm/v3/objects/0-14/7",
            "/hubspot/crm/objects/2026-09/quotes/7",
        ] {
            assert_eq!(route(path).0, Route::Record(Kind::Quote, "7".to_owned()), "{path}");
        }
        let (v4, pattern) = route("/hubspot/crm/v4/objects/quotes/7/associations/default/deals/8");
        assert_eq!(pattern, "/crm/v4/objects/quotes/{id}/associations/default/deals/{toId}");
        let (dated, _) =
            route("/hubspot/crm/objects/2026-09/quotes/7/associations/default/deals/8");
        assert_eq!(v4, dated);
        assert!(matches!(v4, Route::Link { default: true, .. }));
        assert_eq!(
            route("/hubspot/crm/v3/objects/ghosts").0,
            Route::UnknownObject("ghosts".into())
        );
        assert_eq!(route("/hubspot/nowhere").0, Route::Unknown);
    }
}
