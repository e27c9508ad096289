//! Offline work: validate + plan of many quotes, with the observed state in memory.
//!
//! Two rounds: `unchanged` (all is recorded and upstream, so the plan is empty) and `create` (none
//! is). Each loads the files from disk, checks them and builds the plan. The peak of memory is
//! printed first, in a process that has done nothing else.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench")]

#[path = "../tests/support/bulk.rs"]
mod bulk;

use std::collections::BTreeMap;
use std::path::Path;

use divan::{Bencher, black_box};
use proforma::desired::{Quote, WantedState};
use proforma::facts::Path as FactPath;
use proforma::key::{ConnectionName, Fingerprint, QuoteName, RemoteId, Stamp, WorkspaceName};
use proforma::lockfile::{Entry, Lockfile};
use proforma::manifest::{self, LoadOptions, Loaded};
use proforma::plan::build::{self, Terms};
use proforma::plan::model::Plan;
use proforma::provider::hubspot::{self, HubspotDialect};
use proforma::provider::state::State;
use proforma::provider::survey::{Lore, Observed, Resolved, Sight, Survey};
use proforma::provider::{Dialect, Requests};
use tempfile::TempDir;

fn main() {
    if std::env::args().any(|a| a == "--bench") {
        print_peak();
    }
    divan::main();
}

/// A workspace on disk, and what an account would have answered about it.
struct Scene {
    folder: TempDir,
    dialect: HubspotDialect,
    survey: Survey,
    lockfile: Lockfile,
}

fn connection() -> ConnectionName {
    ConnectionName::parse("crm").unwrap()
}

impl Scene {
    fn new(count: usize, upstream: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        bulk::write(folder.path(), count, "").unwrap();
        let loaded = load(folder.path());
        let workspace = loaded.workspace.unwrap().name;
        let dialect = HubspotDialect::new(hubspot::Settings {
            connection: connection(),
            system: hubspot::QuoteSystem::Legacy,
            stamp: hubspot::StampPlace::Property("proforma_key".to_owned()),
        });
        let mut survey = Survey {
            sights: BTreeMap::new(),
            refs: BTreeMap::new(),
            problems: Vec::new(),
            lore: Lore::None,
        };
        let mut lockfile = Lockfile::new(workspace.clone());
        for (n, quote) in loaded.quotes.iter().enumerate() {
            survey.refs.insert(quote.name.clone(), refs_of(n));
            let sight = if upstream {
                let observed = observed(&workspace, &dialect, &survey, quote, n);
                let entry = entry(quote, &observed);
                lockfile.entries.insert(quote.name.clone(), entry);
                Sight::Found(Box::new(observed))
            } else {
                Sight::Absent
            };
            survey.sights.insert(quote.name.clone(), sight);
        }
        Self { folder, dialect, survey, lockfile }
    }

    /// What is measured.
    fn plan(&self) -> Plan {
        let loaded = load(self.folder.path());
        let workspace = loaded.workspace.as_ref().unwrap().name.clone();
        let found = loaded.quotes.iter().flat_map(|q| self.dialect.check(q)).count();
        assert_eq!(found, 0);
        let (subjects, _) = build::pair(&loaded.quotes, &self.lockfile, &|_, _, _| true);
        let account = build::Account {
            dialect: &self.dialect,
            survey: &self.survey,
            requests: Requests::default(),
        };
        let accounts = BTreeMap::from([(connection(), account)]);
        let (plan, found) = build::build(&workspace, &subjects, &accounts, &Terms::default());
        assert!(found.is_empty(), "{found:?}");
        plan
    }

    /// Makes sure that the bench measures what it says.
    fn pending(&self) -> usize {
        self.plan().quotes.iter().filter(|q| q.action.is_pending()).count()
    }
}

fn load(folder: &Path) -> Loaded {
    let loaded = manifest::load(folder, &LoadOptions::default());
    assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
    loaded
}

fn id(number: usize) -> RemoteId {
    RemoteId::parse(&number.to_string()).unwrap()
}

/// What the names in the n-th manifest lead to.
fn refs_of(n: usize) -> BTreeMap<String, Resolved> {
    let rows = [("deal", 90_000_000 + n), ("customer", 190_000_000 + n), ("template", 2354)];
    rows.into_iter()
        .map(|(path, number)| {
            let asked = Fingerprint::of_parts("bench", &[path]);
            (path.to_owned(), Resolved { asked, id: id(number), label: String::new() })
        })
        .collect()
}

/// The n-th quote upstream, as its manifest wants it.
fn observed(
    workspace: &WorkspaceName,
    dialect: &HubspotDialect,
    survey: &Survey,
    quote: &Quote,
    n: usize,
) -> Observed {
    let facts = dialect.facts(quote, survey).unwrap();
    let stamp = Stamp::new(workspace, &quote.name, 0, "");
    let parts = [("items[a]", 500_000_000 + 2 * n), ("items[b]", 500_000_001 + 2 * n)];
    Observed {
        id: id(300_000_000 + n),
        stamp: Some(stamp),
        revision: 0,
        state: State::Plain(WantedState::Published),
        raw_state: "APPROVAL_NOT_NEEDED".to_owned(),
        locked: true,
        created: None,
        total: dialect.total(&facts),
        facts,
        parts: parts.into_iter().map(|(part, number)| (part.to_owned(), id(number))).collect(),
        links: BTreeMap::new(),
        whole: true,
        superseded: None,
    }
}

/// The lockfile's entry after an apply.
fn entry(quote: &Quote, observed: &Observed) -> Entry {
    let mut entry = Entry::new(connection(), "hubspot", observed.id.clone());
    entry.stamp.clone_from(&observed.stamp);
    entry.state = Some(observed.state.word());
    entry.parts.clone_from(&observed.parts);
    let print = |path: &FactPath, name: &QuoteName| {
        observed.facts.get(path).map(|value| value.fingerprint(name, path))
    };
    for path in observed.facts.keys() {
        entry.fields.extend(print(path, &quote.name).map(|f| (path.clone(), f)));
    }
    let state = proforma::plan::decide::state_fingerprint(&quote.name, &observed.state);
    entry.fields.insert(FactPath::new(proforma::plan::diff::STATE), state);
    entry
}

#[divan::bench(args = [1_000, 10_000, 100_000], sample_count = 5, sample_size = 1)]
fn unchanged(bencher: Bencher<'_, '_>, count: usize) {
    let scene = Scene::new(count, true);
    assert_eq!(scene.pending(), 0);
    bencher.counter(divan::counter::ItemsCount::new(count)).bench_local(|| black_box(scene.plan()));
}

#[divan::bench(args = [1_000, 10_000], sample_count = 5, sample_size = 1)]
fn create(bencher: Bencher<'_, '_>, count: usize) {
    let scene = Scene::new(count, false);
    assert_eq!(scene.pending(), count);
    bencher.counter(divan::counter::ItemsCount::new(count)).bench_local(|| black_box(scene.plan()));
}

/// Reading and checking alone.
#[divan::bench(args = [10_000], sample_count = 5, sample_size = 1)]
fn manifests(bencher: Bencher<'_, '_>, count: usize) {
    let scene = Scene::new(count, false);
    bencher
        .counter(divan::counter::ItemsCount::new(count))
        .bench_local(|| black_box(load(scene.folder.path())));
}

/// The peak of memory for 10,000 quotes: with what the account answered, and what came on top.
fn print_peak() {
    let scene = Scene::new(10_000, true);
    let before = peak();
    let plan = scene.plan();
    println!(
        "peak memory of 10,000 quotes: {:?} MB with the observed state and the lockfile, which are {:?} MB ({} quotes planned)",
        peak(),
        before,
        plan.quotes.len()
    );
}

/// The largest resident size of this process so far, in MB; none where the system does not tell.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kb| kb / 1024)
}
