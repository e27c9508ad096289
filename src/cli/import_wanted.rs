//! What the flags of `import` ask for: which quotes, into which folder, with which catalog.
//!
//! Invariant: no flag leads out of the workspace, or to where the workspace does not look.

use std::collections::BTreeSet;

use super::args::ImportArgs;
use super::open::Opened;
use crate::failure::{Failure, Kind};
use crate::import::catalog::Shelf;
use crate::key::{ConnectionName, RemoteId};
use crate::output::text::safe;
use crate::provider::listing::{Filter, Seen};
use crate::provider::state::State;

/// The connection of that name.
pub(super) fn connection_of(opened: &Opened, name: &str) -> Result<ConnectionName, Failure> {
    let all = &opened.workspace.connections;
    let found = all.keys().find(|known| known.as_str() == name);
    found.cloned().ok_or_else(|| {
        let known: Vec<&str> = all.keys().map(ConnectionName::as_str).collect();
        Failure::new(Kind::Invalid, format!("there is no connection `{}`", safe(name)))
            .help(format!("the workspace has {}", known.join(", ")))
    })
}

/// The quotes that were asked for by id; none = all.
pub(super) fn ids_of(args: &ImportArgs) -> Result<Vec<RemoteId>, Failure> {
    let parse = |text: &String| {
        let what = || format!("`{}` cannot be an id", safe(text));
        RemoteId::parse(text).ok_or_else(|| {
            Failure::new(Kind::Invalid, what())
                .help("the id stands in the address of the quote upstream")
        })
    };
    args.id.iter().map(parse).collect()
}

/// The folder of the manifests, below the workspace and where the workspace looks for quotes.
pub(super) fn folder_of(
    opened: &Opened,
    args: &ImportArgs,
    connection: &ConnectionName,
) -> Result<String, Failure> {
    let roots = &opened.workspace.quotes;
    let out = if let Some(out) = &args.out {
        out.clone()
    } else {
        let root = roots.iter().find(|r| !is_yaml(r)).map_or("quotes", String::as_str);
        format!("{}/imported/{connection}", root.trim_end_matches('/'))
    };
    let parts: Vec<&str> = out.split(['/', '\\']).filter(|p| !p.is_empty() && *p != ".").collect();
    let odd = |p: &&str| p.starts_with('.') || p.chars().any(char::is_control) || p.contains(':');
    if out.starts_with(['/', '\\']) || parts.is_empty() || parts.iter().any(odd) {
        let what = format!("`--out {}` is no folder below the workspace", safe(&out));
        return Err(Failure::new(Kind::Invalid, what)
            .help("write it relative to the workspace, without `..` and hidden folders"));
    }
    let out = parts.join("/");
    let inside = |root: &String| {
        let root = root.trim_end_matches('/');
        root == "." || out == root || out.starts_with(&format!("{root}/"))
    };
    if roots.iter().any(inside) {
        return Ok(out);
    }
    let what = format!("the workspace does not look for quotes in `{}`", safe(&out));
    Err(Failure::new(Kind::Invalid, what).help(format!(
        "name a folder below {}, or add it to `quotes:` in proforma.yaml",
        roots.join(", ")
    )))
}

fn is_yaml(path: &str) -> bool {
    let extension = std::path::Path::new(path).extension().unwrap_or_default();
    extension.eq_ignore_ascii_case("yaml") || extension.eq_ignore_ascii_case("yml")
}

/// The catalog that items are named by, if that was asked for.
pub(super) fn shelf_of(
    opened: &Opened,
    args: &ImportArgs,
    connection: &ConnectionName,
    provider: &'static str,
) -> Result<Shelf, Failure> {
    if !args.catalog {
        return Ok(Shelf::closed());
    }
    let root = opened.workspace.catalog.iter().find(|r| !is_yaml(r));
    let Some(root) = root else {
        return Err(Failure::new(Kind::Invalid, "the workspace has no folder for its catalog")
            .help("add `catalog: [catalog]` to proforma.yaml"));
    };
    let file = format!("{}/imported-{connection}.yaml", root.trim_end_matches('/'));
    let there = opened.loaded.sources.iter().find(|s| s.path == file);
    let text = there.map(|s| s.text.clone()).unwrap_or_default();
    Ok(Shelf::open(provider, file, text, &opened.loaded.products))
}

/// What the flags ask for.
pub(super) struct Wanted {
    pub(super) filter: Filter,
    states: BTreeSet<String>,
    tags: Vec<String>,
    text: Option<String>,
}

impl Wanted {
    pub(super) fn of(args: &ImportArgs) -> Result<Self, Failure> {
        let day = |flag: &str, text: &Option<String>| -> Result<_, Failure> {
            let Some(text) = text else { return Ok(None) };
            text.parse::<jiff::civil::Date>().map(Some).map_err(|_| {
                let what = format!("`{flag} {}` is no day", safe(text));
                Failure::new(Kind::Invalid, what).help("write it as `YYYY-MM-DD`")
            })
        };
        Ok(Self {
            filter: Filter {
                since: day("--since", &args.since)?,
                until: day("--until", &args.until)?,
            },
            states: args.state.iter().cloned().collect(),
            tags: args.tag.clone(),
            text: args.text.as_ref().map(|t| t.to_lowercase()),
        })
    }

    /// Whether a quote passes, as far as its row tells.
    pub(super) fn passes_row(&self, made: Option<jiff::civil::Date>) -> bool {
        let Some(made) = made else { return true };
        self.filter.since.is_none_or(|d| made >= d) && self.filter.until.is_none_or(|d| made <= d)
    }

    /// Whether a quote passes that was read.
    pub(super) fn passes(&self, seen: &Seen) -> bool {
        let facts = &seen.observed.facts;
        let tags: Vec<String> = facts
            .get(&crate::facts::Path::new("tags"))
            .map(|t| t.to_string().split(',').map(|t| t.trim().to_owned()).collect())
            .unwrap_or_default();
        let found = |text: &String| {
            let hit = |t: &str| t.to_lowercase().contains(text.as_str());
            facts.values().any(|v| hit(&v.to_string()))
                || seen.called.as_deref().is_some_and(hit)
                || seen.people.values().any(|p| {
                    [&p.email, &p.first_name, &p.last_name].into_iter().flatten().any(|t| hit(t))
                })
        };
        let word = match seen.state() {
            State::Unknown(_) => "unknown".to_owned(),
            state => state.word(),
        };
        self.passes_row(seen.made)
            && (self.states.is_empty() || self.states.contains(&word))
            && self.tags.iter().all(|tag| tags.contains(tag))
            && self.text.as_ref().is_none_or(found)
    }
}
