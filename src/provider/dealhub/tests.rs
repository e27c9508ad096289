//! The adapter against the sandbox, in-process: what the stories through the binary cannot reach.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value as Json, json};

use super::reader::DealhubReader;
use super::wanted::Wanted;
use super::writer::DealhubWriter;
use super::*;
use crate::http::{
    Credential, Limiter, Limits, ReadWire, Secret, SharedTransport, Wire, WireSettings,
};
use crate::key::{QuoteName, Stamp, StepId, WorkspaceName};
use crate::manifest::{LoadOptions, load};
use crate::provider::step::{Located, Operation as AnyOperation, Outcome};
use crate::provider::survey::{Ask, Lore};
use crate::provider::{Made, Reader, Writer};
use crate::sandbox::{InProcess, Options, Sandbox};

const QUOTE: &str = "quote: one\ntitle: One\nexpires: 2027-12-01\ncurrency: USD\n\
    deal: { id: \"345345\" }\nitems: [{ sku: SEO-A, quantity: 2, price: 19.990, discount: 10% }]\n";

fn manifest(text: &str) -> Quote {
    let folder = tempfile::tempdir().unwrap();
    let workspace = "proforma: 1\nworkspace: w\nconnections:\n  cpq: { provider: dealhub, token: { env: T } }\n";
    std::fs::write(folder.path().join("proforma.yaml"), workspace).unwrap();
    std::fs::create_dir(folder.path().join("quotes")).unwrap();
    std::fs::write(folder.path().join("quotes/q.yaml"), text).unwrap();
    let mut loaded = load(folder.path(), &LoadOptions::default());
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    loaded.quotes.remove(0)
}

struct Tenant {
    sandbox: Arc<Mutex<Sandbox>>,
    reader: DealhubReader,
    writer: DealhubWriter,
    dialect: DealhubDialect,
}

fn tenant() -> Tenant {
    let sandbox = Arc::new(Mutex::new(Sandbox::new(Options::default()).unwrap()));
    let now = || "2026-11-22T12:00:00Z".parse().unwrap();
    let transport: SharedTransport =
        Arc::new(InProcess::new(Arc::clone(&sandbox), "/dealhub", Arc::new(now)));
    let wire = || {
        let limits = Limits {
            account: published_limit(),
            explicit: false,
            concurrency: 4,
            classes: Vec::new(),
        };
        let mut settings = WireSettings::new(policy());
        settings.credential =
            Some(Credential::bearer(Secret::new("test-token".to_owned()).unwrap()));
        Arc::new(Wire::new(Arc::clone(&transport), Arc::new(Limiter::new(limits)), settings))
    };
    let settings = Settings {
        connection: ConnectionName::parse("cpq").unwrap(),
        visibility: Duration::from_secs(1),
    };
    Tenant {
        reader: DealhubReader::new(ReadWire::new(wire()), settings.clone()),
        writer: DealhubWriter::new(wire(), settings.clone()),
        dialect: DealhubDialect::new(settings),
        sandbox,
    }
}

impl Tenant {
    fn control(&self, name: &str, body: &Json) -> Json {
        let method = if body.is_null() { "GET" } else { "POST" };
        let request = http::Request::builder()
            .method(method)
            .uri(format!("/_sandbox/{name}"))
            .body(Bytes::from(if body.is_null() { String::new() } else { body.to_string() }))
            .unwrap();
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        let verdict = self.sandbox.lock().unwrap().handle(&request, now);
        let crate::sandbox::Verdict::Answer(answer) = verdict else { panic!("{verdict:?}") };
        assert!(answer.status().is_success(), "{answer:?}");
        serde_json::from_slice(answer.body()).unwrap()
    }

    fn billed(&self) -> i64 {
        self.control("snapshot", &Json::Null)["dealhub"]["billed"].as_i64().unwrap()
    }

    async fn survey(&self, quote: &Quote) -> Survey {
        let workspace = WorkspaceName::parse("w").unwrap();
        let ask = Ask {
            workspace: &workspace,
            quote: &quote.name,
            desired: Some(quote),
            entry: None,
            recorded_as: None,
        };
        self.reader.survey(&[ask], true).await.unwrap()
    }
}

fn generate(quote: &Quote) -> Step {
    let wanted = Wanted::of(quote);
    let stamp = Stamp::new(&WorkspaceName::parse("w").unwrap(), &quote.name, 0, "");
    let operation = operation::Operation::Generate {
        opportunity: wanted.opportunity.clone().unwrap(),
        body: steps::generate(&wanted, &stamp),
    };
    Step {
        id: StepId::of_quote(&QuoteName::parse("one").unwrap(), 1),
        quote: Some(quote.name.clone()),
        connection: ConnectionName::parse("cpq").unwrap(),
        does: "generate quote".to_owned(),
        effects: std::collections::BTreeSet::new(),
        awaits: std::collections::BTreeSet::new(),
        needs: Vec::new(),
        operation: AnyOperation::Dealhub(operation),
        stamp: Some(stamp),
        part: None,
        settles: std::collections::BTreeMap::new(),
        drops: Vec::new(),
    }
}

#[test]
fn the_digits_of_a_price_reach_the_wire_as_they_were_written() {
    let wanted = Wanted::of(&manifest(QUOTE)).body;
    let text = crate::json::write(&crate::facts::Plain::Map(wanted));
    assert!(text.contains("\"list_price\":19.990"), "{text}");
    // 19.990 less 10 % is 17.991; twice that, rounded once, is 35.98.
    assert!(text.contains("\"net_price\":35.98,\"net_price_per_unit\":17.991"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_preview_prices_without_a_bill_by_either_selector() {
    let t = tenant();
    let by_id = manifest(QUOTE);
    let survey = t.survey(&by_id).await;
    assert!(matches!(&survey.lore, Lore::Dealhub(a) if a.version.is_some()));
    let money = t.reader.preview(&by_id, &survey).await.unwrap();
    assert_eq!(money.to_string(), "35.98 USD");
    let described = manifest(
        "quote: one\ntitle: One\ncurrency: SEK\ndeal: { id: new-1, name: New }\n\
         customer: { id: c, name: C }\nowner: { id: u, email: u@x.example, name: U }\n\
         items: [{ sku: SEO-A, quantity: 1, price: 10.50 }]\n\
         dealhub: { opportunity_data: { geo_code: SE } }\n",
    );
    let money = t.reader.preview(&described, &survey).await.unwrap();
    assert_eq!(money.to_string(), "10.50 SEK");
    let wrong = manifest(&QUOTE.replace("345345", "none"));
    let trouble = t.reader.preview(&wrong, &survey).await.unwrap_err();
    assert!(trouble.message.contains("not found"), "{trouble}");
    assert_eq!(t.billed(), 0);
    assert_eq!(t.reader.requests().write, 0);
}

#[tokio::test(start_paused = true)]
async fn a_generate_leaves_once_whatever_comes_back() {
    for what in
        ["lose_answer", "garbage", "fail_502_after", "fail_503_before", "drop_before", "status:408"]
    {
        let t = tenant();
        t.control("faults", &json!([{ "on": "write", "do": what }]));
        let step = generate(&manifest(QUOTE));
        let receipts = t.writer.perform(&[&step], &Made::new()).await;
        assert!(matches!(receipts[0].outcome, Outcome::Unknown(_)), "{what}: {receipts:?}");
        let requests = t.control("requests", &Json::Null);
        assert_eq!(requests["routes"]["POST /dealhub/api/v1/quote/generate"], 1, "{what}");
        let done = t.billed() == 1;
        let located = t.reader.locate(&[&step], &Made::new()).await.unwrap();
        assert_eq!(matches!(located[0], Located::Found(_)), done, "{what}");
        assert_eq!(located[0] == Located::Absent, !done, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn absence_is_not_proven_where_names_are_hidden() {
    let t = tenant();
    let step = generate(&manifest(QUOTE));
    let receipts = t.writer.perform(&[&step], &Made::new()).await;
    assert!(matches!(receipts[0].outcome, Outcome::Applied(Some(_))));
    t.control("settings", &json!({ "upstream": "dealhub", "quote_upgrade_required": true }));
    let located = t.reader.locate(&[&step], &Made::new()).await.unwrap();
    assert!(matches!(located[0], Located::CannotTell(_)));
    let survey = t.survey(&manifest(QUOTE)).await;
    assert!(survey.problems.iter().any(|p| p.code == "quotes-hidden"));
}

#[test]
fn each_field_of_the_request_is_in_the_table() {
    let quote = manifest(QUOTE);
    let wanted = Wanted::of(&quote);
    for name in wanted.body.keys() {
        assert!(mapping::native(mapping::Scope::Quote, name).is_some(), "{name}");
    }
    for line in wanted.body["line_items"].items() {
        let crate::facts::Plain::Map(line) = line else { panic!("{line:?}") };
        for name in line.keys() {
            assert!(mapping::native(mapping::Scope::Item, name).is_some(), "{name}");
        }
    }
    let dialect = tenant().dialect;
    assert_eq!(dialect.lag(), Duration::from_secs(1));
}
