//! Budgets, as counts: requests an object, reads a quote, flushes a batch. No time is measured
//! here; `cargo bench` does that.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests that print what they count")]

mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use proforma::apply::events::{Event, Listener};
use proforma::apply::executor::{Apply, Hand};
use proforma::apply::journal::{self, Journal};
use proforma::apply::ledger::Ledger;
use proforma::apply::records::RunStart;
use proforma::apply::report::QuoteOutcome;
use proforma::disk::{Disk, FakeDisk};
use proforma::http::{
    Credential, Limiter, Limits, RateLimit, ReadWire, Secret, Wire, WireSettings,
};
use proforma::key::ConnectionName;
use proforma::lockfile::{LOCKFILE, Lockfile, Store};
use proforma::manifest;
use proforma::plan::build::{self, Terms};
use proforma::provider::hubspot::reader::HubspotReader;
use proforma::provider::hubspot::writer::HubspotWriter;
use proforma::provider::hubspot::{self, HubspotDialect};
use proforma::provider::step::Effect;
use proforma::provider::{Reader, Requests};
use proforma::sandbox::InProcess;
use serde_json::{Value, json};
use support::{World, bulk};
use tokio_util::sync::CancellationToken;

/// Quotes of the large workspace.
const QUOTES: usize = 1_000;

/// The large workspace with the deals that it is about.
fn bulk_world(count: usize) -> World {
    let world = World::empty();
    world.settings(&json!({ "bulk_deals": count }));
    // The client's own limit out of the way: what is measured is how many, not how fast.
    bulk::write(world.dir(), count, "    rate: 100000/1s\n").unwrap();
    world
}

/// Requests by route, the busiest first.
fn routes(world: &World) -> String {
    let counts = world.control("GET", "requests", &Value::Null);
    let mut rows: Vec<(u64, String)> = counts["routes"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(route, n)| (n.as_u64().unwrap(), route.clone()))
        .collect();
    rows.sort_by(|a, b| b.cmp(a));
    rows.iter().fold(String::new(), |mut out, (n, route)| {
        let _ = writeln!(out, "  {n:>4} {route}");
        out
    })
}

/// `count` requests are at most `thousandths` of `of`.
#[track_caller]
fn at_most(what: &str, count: u64, thousandths: u64, of: usize, routes: &str) {
    let of = of as u64;
    let share = count * 10_000 / of;
    println!("{what}: {count} for {of}, 0.{share:04} each\n{routes}");
    assert!(count * 1_000 <= thousandths * of, "{what}: {count} for {of}\n{routes}");
}

#[test]
fn a_first_apply_and_an_idle_plan_stay_within_their_requests() {
    let world = bulk_world(QUOTES);
    world.apply().expect(0);
    let (quotes, items) = (world.records("quotes").len(), world.records("line_items").len());
    assert_eq!((quotes, items), (QUOTES, 2 * QUOTES));
    at_most("writes an object", world.writes(), 100, quotes + items, &routes(&world));

    world.control("POST", "reset", &json!({ "counters": true }));
    let plan = world.plan().expect(0).json();
    assert_eq!(plan["summary"]["none"], QUOTES);
    let (reads, writes) = world.requests();
    assert_eq!(writes, 0);
    at_most("reads a quote, nothing to do", reads, 50, quotes, &routes(&world));
}

/// Counts the requests that carry write steps.
#[derive(Default)]
struct Batches {
    batches: AtomicU64,
    steps: AtomicU64,
}

impl Listener for Batches {
    fn on(&self, event: &Event) {
        if let Event::Sent { does, steps, .. } = event
            && !does.starts_with("read back")
        {
            self.batches.fetch_add(1, Ordering::Relaxed);
            self.steps.fetch_add(*steps as u64, Ordering::Relaxed);
        }
    }
}

/// The executor of production on a disk that counts, without a socket.
#[test]
fn the_journal_is_flushed_at_most_once_a_batch() {
    let world = bulk_world(300);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (batches, flushes) = runtime.block_on(async {
        let loaded = manifest::load(world.dir(), &manifest::LoadOptions::default());
        assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
        let connection = ConnectionName::parse("crm").unwrap();
        let workspace = loaded.workspace.as_ref().unwrap().name.clone();
        let settings = hubspot::Settings {
            connection: connection.clone(),
            system: hubspot::QuoteSystem::Legacy,
            stamp: hubspot::StampPlace::Property("proforma_key".to_owned()),
        };
        let transport = InProcess::new(world.sandbox(), "/hubspot", Arc::new(Timestamp::now));
        let mut of_wire = WireSettings::new(hubspot::policy());
        of_wire.credential = Some(Credential::bearer(Secret::new("sandbox".to_owned()).unwrap()));
        let limiter = Limiter::new(Limits {
            account: RateLimit::new(100_000, Duration::from_secs(1)).unwrap(),
            explicit: true,
            concurrency: 8,
            classes: Vec::new(),
        });
        let wire = Arc::new(Wire::new(Arc::new(transport), Arc::new(limiter), of_wire));
        let dialect = HubspotDialect::new(settings.clone());
        let reader = HubspotReader::new(ReadWire::new(Arc::clone(&wire)), settings.clone());
        let writer = HubspotWriter::new(Arc::clone(&wire), settings);

        let lockfile = Lockfile::new(workspace.clone());
        let (subjects, _) = build::pair(&loaded.quotes, &lockfile, &|_, _, _| true);
        let asks: Vec<_> = subjects.iter().map(|s| s.ask(&workspace)).collect();
        let survey = reader.survey(&asks, true).await.unwrap();
        let account =
            build::Account { dialect: &dialect, survey: &survey, requests: Requests::default() };
        let accounts = BTreeMap::from([(connection.clone(), account)]);
        let (plan, found) = build::build(&workspace, &subjects, &accounts, &Terms::default());
        assert!(found.is_empty(), "{found:?}");

        let disk = FakeDisk::new();
        let shared: Arc<dyn Disk> = Arc::new(disk.clone());
        let folder = Path::new("/workspace");
        let now: journal::Now = Arc::new(Timestamp::now);
        let (journal, _) =
            Journal::open(Arc::clone(&shared), folder, journal::JOURNAL, &workspace, now)
                .await
                .unwrap();
        let start = RunStart::new(plan.id.clone(), workspace.clone(), Timestamp::now(), 1, "here");
        journal.begin(start).await.unwrap();
        let store = Store::new(shared, folder, LOCKFILE);
        let seen = Batches::default();
        let hand = Hand { dialect: &dialect, reader: &reader, writer: &writer, parallelism: 8 };
        let apply = Apply {
            plan: &plan,
            quotes: loaded.quotes.iter().map(|q| (&q.name, q)).collect(),
            hands: BTreeMap::from([(connection, hand)]),
            allowed: Effect::ALL.into_iter().collect(),
            stale: BTreeMap::new(),
            journal: &journal,
            store: &store,
            ledger: Ledger::new(lockfile),
            seen_at: Timestamp::now(),
            canary: None,
            listener: &seen,
            stop: CancellationToken::new(),
        };
        let report = apply.run().await.unwrap();
        assert!(report.quotes.iter().all(|q| q.outcome == QuoteOutcome::Applied));
        let steps = seen.steps.load(Ordering::Relaxed);
        assert!(steps > 1_000, "{steps} steps");
        (seen.batches.load(Ordering::Relaxed), journal.flushes())
    });
    println!("{flushes} flushes of the journal for {batches} batches");
    // One for the start of the run, one for its end, and the last checkpoint.
    assert!(flushes <= batches + 3, "{flushes} flushes for {batches} batches");
}
