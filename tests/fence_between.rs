//! A run that is overtaken between two of its own writes: the production executor, on a clock that
//! the test moves.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use proforma::apply::events::{Event, Listener};
use proforma::apply::executor::{Apply, Hand};
use proforma::apply::journal::{self, Journal};
use proforma::apply::ledger::Ledger;
use proforma::apply::records::RunStart;
use proforma::apply::report::{QuoteOutcome, Report};
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
use proforma::provider::{Reader, Requests};
use proforma::sandbox::InProcess;
use serde_json::json;
use support::{World, plain_quote};
use tokio_util::sync::CancellationToken;

/// Once the quote is made: the machine sleeps for a minute, and perhaps a colleague comes.
struct Meanwhile<'w> {
    world: &'w World,
    clock: Arc<AtomicI64>,
    edits: bool,
    done: AtomicBool,
}

impl Listener for Meanwhile<'_> {
    fn on(&self, event: &Event) {
        let Event::Settled { outcome: "applied", quote: Some(_), .. } = event else { return };
        if self.done.swap(true, Ordering::SeqCst) {
            return;
        }
        self.clock.fetch_add(60, Ordering::SeqCst);
        if self.edits {
            let made = self.world.records("quotes");
            let id = made[0]["id"].as_str().unwrap();
            self.world.colleague("quotes", id, &json!({ "hs_title": "Theirs" }));
        }
    }
}

async fn apply(world: &World, edits: bool) -> Report {
    let loaded = manifest::load(world.dir(), &manifest::LoadOptions::default());
    assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
    let connection = ConnectionName::parse("crm").unwrap();
    let workspace = loaded.workspace.as_ref().unwrap().name.clone();
    let settings = hubspot::Settings {
        connection: connection.clone(),
        system: hubspot::QuoteSystem::Legacy,
        stamp: hubspot::StampPlace::Property("proforma_key".to_owned()),
    };
    let clock = Arc::new(AtomicI64::new(0));
    let ticks = Arc::clone(&clock);
    let start = Timestamp::now();
    let now: journal::Now =
        Arc::new(move || start + SignedDuration::from_secs(ticks.load(Ordering::SeqCst)));
    let transport = InProcess::new(world.sandbox(), "/hubspot", Arc::clone(&now));
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
    let seen_at = now();
    let survey = reader.survey(&asks, true).await.unwrap();
    let account =
        build::Account { dialect: &dialect, survey: &survey, requests: Requests::default() };
    let accounts = BTreeMap::from([(connection.clone(), account)]);
    let (plan, found) = build::build(&workspace, &subjects, &accounts, &Terms::default());
    assert!(found.is_empty(), "{found:?}");
    let disk: Arc<dyn Disk> = Arc::new(FakeDisk::new());
    let folder = Path::new("/workspace");
    let (journal, _) =
        Journal::open(Arc::clone(&disk), folder, journal::JOURNAL, &workspace, now).await.unwrap();
    let run = RunStart::new(plan.id.clone(), workspace.clone(), Timestamp::now(), 1, "here");
    journal.begin(run).await.unwrap();
    let store = Store::new(disk, folder, LOCKFILE);
    let listener = Meanwhile { world, clock, edits, done: AtomicBool::new(false) };
    let hand = Hand { dialect: &dialect, reader: &reader, writer: &writer, parallelism: 8 };
    let apply = Apply {
        plan: &plan,
        quotes: loaded.quotes.iter().map(|q| (&q.name, q)).collect(),
        hands: BTreeMap::from([(connection, hand)]),
        allowed: std::collections::BTreeSet::new(),
        stale: BTreeMap::new(),
        journal: &journal,
        store: &store,
        ledger: Ledger::new(lockfile),
        seen_at,
        canary: None,
        listener: &listener,
        stop: CancellationToken::new(),
    };
    apply.run().await.unwrap()
}

fn run(edits: bool) -> (World, Report) {
    let world = World::small(&plain_quote("one", "draft"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let report = runtime.block_on(apply(&world, edits));
    (world, report)
}

#[test]
fn a_run_overtaken_between_its_own_writes_stops_for_that_quote() {
    let (world, report) = run(true);
    let error = report.quotes[0].error.as_ref().unwrap();
    assert!(error.message.contains("`title` is `Theirs`"), "{error:?}");
    assert_eq!(report.kind().map(proforma::failure::Kind::exit_code), Some(4));
    assert_eq!(world.quote("Theirs")["properties"]["hs_status"], "DRAFT");
    assert_eq!(world.records("line_items").len(), 0);
}

#[test]
fn a_run_that_only_slept_between_its_own_writes_goes_on() {
    let (world, report) = run(false);
    assert_eq!(report.quotes[0].outcome, QuoteOutcome::Applied, "{:?}", report.quotes[0].error);
    assert_eq!(world.records("line_items").len(), 2);
}
