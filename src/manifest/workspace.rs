//! `proforma.yaml`: the workspace.
//!
//! Invariants: paths in it lead below the workspace only; nothing in it is a secret or can run a
//! program.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::connection::{Connection, read_connection};
use super::guardrails::{Guardrails, read_guardrails};
use super::read::{Field, Sink, fixed, nearest, shown};
use crate::key::{ConnectionName, NAME_RULE, WorkspaceName};
use crate::yaml::{Node, Problem};

/// The name of the workspace file.
pub const FILE_NAME: &str = "proforma.yaml";

/// A checked workspace file.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The folder that holds `proforma.yaml`.
    pub dir: PathBuf,
    /// The name that goes into every stamp.
    pub name: WorkspaceName,
    /// Upstream accounts by name. One with an error is missing here.
    pub connections: BTreeMap<ConnectionName, Connection>,
    /// The connection of quotes that name none: `default_connection`, else the only one there is.
    pub default_connection: Option<ConnectionName>,
    /// Where quotes are looked for, relative to the workspace.
    pub quotes: Vec<String>,
    /// Where products are looked for, relative to the workspace.
    pub catalog: Vec<String>,
    /// Limits that a plan must keep.
    pub guardrails: Guardrails,
}

/// A folder or file below the workspace, as named in `quotes:` or `catalog:`.
#[derive(Clone, Debug)]
pub(super) struct Root<'n> {
    /// The path, relative, with `/`.
    pub(super) path: String,
    /// Where it is named; `None` for the default.
    pub(super) named: Option<Field<'n>>,
    /// Whether it may be missing.
    pub(super) optional: bool,
}

/// What was read of the file; parts that are wrong are missing.
#[derive(Debug)]
pub(super) struct Reading<'n> {
    pub(super) name: Option<WorkspaceName>,
    pub(super) connections: BTreeMap<ConnectionName, Connection>,
    /// The names of all connections, of wrong ones too, with their `defaults:`.
    pub(super) declared: BTreeMap<&'n str, Option<&'n Node<'n>>>,
    pub(super) default_connection: Option<ConnectionName>,
    pub(super) roots: Vec<Root<'n>>,
    pub(super) quotes: Vec<String>,
    pub(super) catalog: Vec<String>,
    pub(super) guardrails: Guardrails,
}

/// Reads the root of the workspace file.
pub(super) fn read_workspace<'n>(
    root: &'n Node<'n>,
    allow_hosts: &[String],
    sink: &mut Sink,
) -> Option<Reading<'n>> {
    let field = Field { name: FILE_NAME, node: root, key_span: root.span, list: None };
    let map = field.map(sink)?;
    if let Some(format) = map.need("proforma", "the workspace file", sink)
        && format.raw() != Some("1")
    {
        let message =
            format!("`proforma` must be 1, not `{}`", shown(format.raw().unwrap_or("...")));
        let problem = format.problem("unsupported-format", message);
        sink.push(
            problem.help("this version reads format 1; a newer format needs a newer proforma"),
        );
    }
    let name = map.need("workspace", "the workspace file", sink).and_then(|f| {
        let parsed = f.raw().and_then(WorkspaceName::parse);
        if parsed.is_none() {
            sink.push(f.problem("bad-name", "`workspace` is not a valid name").help(NAME_RULE));
        }
        parsed
    });
    let mut reading = Reading {
        name,
        connections: BTreeMap::new(),
        declared: BTreeMap::new(),
        default_connection: None,
        roots: Vec::new(),
        quotes: Vec::new(),
        catalog: Vec::new(),
        guardrails: fixed(map.get("guardrails"), sink, read_guardrails).unwrap_or_default(),
    };
    reading.quotes = read_roots(map.get("quotes"), "quotes", false, &mut reading.roots, sink);
    reading.catalog = read_roots(map.get("catalog"), "catalog", true, &mut reading.roots, sink);
    if let Some(connections) = map.need("connections", "the workspace file", sink) {
        read_connections(connections, allow_hosts, &mut reading, sink);
    }
    reading.default_connection = read_default(map.get("default_connection"), &reading, sink);
    map.finish("the workspace file", sink);
    Some(reading)
}

fn read_connections<'n>(
    field: Field<'n>,
    allow_hosts: &[String],
    reading: &mut Reading<'n>,
    sink: &mut Sink,
) {
    let Some(map) = field.map(sink) else { return };
    for field in map.all() {
        reading.declared.insert(field.name, None);
        let name = ConnectionName::parse(field.name);
        if name.is_none() {
            let message = format!("`{}` is not a valid name of a connection", shown(field.name));
            sink.push(Problem::new("bad-name", field.key_span, message).help(NAME_RULE));
        }
        let Some((connection, defaults)) = read_connection(field, allow_hosts, sink) else {
            continue;
        };
        reading.declared.insert(field.name, defaults);
        if let (Some(name), Some(connection)) = (name, connection) {
            reading.connections.insert(name, connection);
        }
    }
    if reading.declared.is_empty() {
        sink.error("missing-key", field.key_span, "`connections` needs at least one connection");
    }
}

fn read_default(
    field: Option<Field<'_>>,
    reading: &Reading<'_>,
    sink: &mut Sink,
) -> Option<ConnectionName> {
    let Some(field) = field else {
        let mut names = reading.declared.keys();
        return names
            .next()
            .filter(|_| reading.declared.len() == 1)
            .and_then(|n| ConnectionName::parse(n));
    };
    let raw = field.raw().unwrap_or_default();
    if !reading.declared.contains_key(raw) {
        let known = reading.declared.keys().copied();
        sink.push(unknown_connection(field, raw, known));
        return None;
    }
    ConnectionName::parse(raw)
}

/// The problem of a connection that the workspace does not have.
pub(super) fn unknown_connection<'k>(
    field: Field<'_>,
    raw: &str,
    known: impl Iterator<Item = &'k str> + Clone,
) -> Problem {
    let problem =
        field.problem("unknown-connection", format!("there is no connection `{}`", shown(raw)));
    if let Some(near) = nearest(raw, known.clone()) {
        return problem.help(format!("did you mean `{near}`?"));
    }
    let all: Vec<String> = known.take(20).map(|n| format!("`{n}`")).collect();
    problem.help(format!("the workspace has {}", all.join(", ")))
}

/// `quotes:` or `catalog:`: one path or a list of them. Gives the paths.
fn read_roots<'n>(
    field: Option<Field<'n>>,
    default: &str,
    optional: bool,
    roots: &mut Vec<Root<'n>>,
    sink: &mut Sink,
) -> Vec<String> {
    let Some(field) = field else {
        roots.push(Root { path: default.to_owned(), named: None, optional });
        return vec![default.to_owned()];
    };
    let elements: Vec<Field<'n>> = if field.raw().is_some() {
        vec![field]
    } else {
        let Some(list) = field.list(sink) else { return Vec::new() };
        list.iter().map(|n| field.element(n)).collect()
    };
    let mut paths = Vec::new();
    for element in elements {
        let Some(raw) = element.raw().filter(|r| !r.is_empty()) else {
            element.wrong_type("a path", sink);
            continue;
        };
        let Some(path) = relative(raw) else {
            let message = format!("`{}` does not lie below the workspace", shown(raw));
            let problem = element.problem("path-outside", message);
            sink.push(problem.help("use a relative path with `/` and without `..`"));
            continue;
        };
        paths.push(path.clone());
        roots.push(Root { path, named: Some(element), optional: false });
    }
    paths
}

/// A path below the workspace, tidied; `None` when it is absolute or leaves it.
pub(super) fn relative(raw: &str) -> Option<String> {
    if raw.starts_with('/') || raw.contains(['\\', ':', '\0']) {
        return None;
    }
    let parts: Vec<&str> = raw.split('/').filter(|p| !matches!(*p, "" | ".")).collect();
    if parts.contains(&"..") {
        return None;
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::relative;

    #[test]
    fn paths_stay_below_the_workspace() {
        assert_eq!(relative("./quotes//a/").as_deref(), Some("quotes/a"));
        assert_eq!(relative(".").as_deref(), Some(""));
        for bad in ["/etc", "..", "a/../b", "C:\\x", "a\\b"] {
            assert_eq!(relative(bad), None, "{bad}");
        }
    }
}
