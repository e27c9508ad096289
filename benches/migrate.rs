//! The loss report: 10,000 quotes of two items from HubSpot to Quick Quote, in memory.
//!
//! Budget: 3 s on one core, reading the manifests and writing the new ones left out.

#![allow(clippy::unwrap_used, reason = "a bench")]

#[path = "../tests/support/bulk.rs"]
mod bulk;

use std::collections::BTreeMap;

use divan::{Bencher, black_box};
use proforma::key::ConnectionName;
use proforma::lockfile::Lockfile;
use proforma::manifest::{self, LoadOptions, Mapping, ProviderName};
use proforma::migrate::report::{Outcome, Unmapped};
use proforma::migrate::{Job, files, migrate};
use proforma::money::Currency;
use proforma::provider::hubspot::{self, HubspotDialect};
use proforma::provider::quickquote::{self, QuickquoteDialect};

fn main() {
    divan::main();
}

/// Retargeting, checking, mending, both totals, and the text of each manifest.
#[divan::bench(args = [1_000, 10_000], sample_count = 5, sample_size = 1)]
fn loss_report(bencher: Bencher<'_, '_>, count: usize) {
    let folder = tempfile::tempdir().unwrap();
    bulk::write(folder.path(), count, "").unwrap();
    let file = folder.path().join("proforma.yaml");
    let mut workspace = std::fs::read_to_string(&file).unwrap();
    // With a second connection the quotes must be told which one is theirs.
    workspace.insert_str(0, "default_connection: crm\n");
    workspace.push_str(
        "  shop:\n    provider: quickquote\n    token: { env: QUICKQUOTE_TOKEN }\n    currency: USD\n",
    );
    std::fs::write(&file, &workspace).unwrap();
    let loaded = manifest::load(folder.path(), &LoadOptions::default());
    assert_eq!(loaded.quotes.len(), count, "{:?}", loaded.diagnostics.first());
    let blank = manifest::load_bytes(
        workspace.as_bytes(),
        &[("quotes/x.yaml", b"quote: x\nconnection: shop\n")],
        &LoadOptions::default(),
    );
    let defaults = blank.quotes.into_iter().next().unwrap();
    let name = |text| ConnectionName::parse(text).unwrap();
    let (crm, shop) = (name("crm"), name("shop"));
    let source = HubspotDialect::new(hubspot::Settings {
        connection: crm.clone(),
        system: hubspot::QuoteSystem::Legacy,
        stamp: hubspot::StampPlace::Property("proforma_key".to_owned()),
    });
    let currency = Currency::parse("USD");
    let target =
        QuickquoteDialect::new(quickquote::Settings { connection: shop.clone(), currency });
    let sheet = quickquote::mapping::sheet(&target);
    let source_sheet = hubspot::mapping::sheet(&source);
    let mut mapping = Mapping::default();
    for quote in &loaded.quotes {
        let email = quote.customer.as_ref().and_then(|c| c.email.set()).unwrap();
        let mut person = quote.customer.clone().unwrap();
        person.first_name = proforma::desired::Wish::Set("Jo".to_owned());
        person.last_name = proforma::desired::Wish::Set("Ek".to_owned());
        mapping.customers.insert(email.clone(), Some(person));
    }
    let lockfile = Lockfile::new(loaded.workspace.as_ref().unwrap().name.clone());
    let job = Job {
        from: &crm,
        to: &shop,
        source: &source,
        target: &target,
        source_provider: ProviderName::Hubspot,
        provider: ProviderName::Quickquote,
        source_sheet: &source_sheet,
        sheet: &sheet,
        currency,
        defaults: &defaults,
        products: BTreeMap::new(),
        mapping: &mapping,
        lockfile: &lockfile,
        keep_state: false,
        in_place: false,
    };
    bencher.counter(divan::counter::ItemsCount::new(count)).bench_local(|| {
        let mut unmapped = Unmapped::new();
        let mut bytes = 0;
        for quote in &loaded.quotes {
            let moved = migrate(&job, quote, &mut unmapped);
            assert_eq!(moved.count(Outcome::Impossible), 0, "{:?}", moved.rows);
            assert_eq!(moved.totals.equal(), Some(true));
            let new = moved.result.as_deref().unwrap();
            bytes += files::text(&moved, new, &crm, &shop).len();
        }
        black_box(bytes)
    });
}
