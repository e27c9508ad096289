//! The adapter against the sandbox, in-process.
//!
//! A small planner and executor stand in for the real ones: diff, steps, batches in order, and a
//! lockfile entry that grows with the receipts.

mod checks;
mod faults;
mod stories;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::reader::HubspotReader;
use super::writer::HubspotWriter;
use super::*;
use crate::desired::{
    Adjustment, Delivery, Item, Lifecycle, LineDiscount, Measure, Notes, Origin, Per, Period,
    Person, Recurring, Reference, Unit, WantedState, Wish,
};
use crate::facts::{Path, Plain, Value};
use crate::failure::SourceFile;
use crate::http::{
    Credential, Limiter, Limits, RateLimit, ReadWire, Secret, SharedTransport, Wire, WireSettings,
};
use crate::key::{Fingerprint, QuoteName, RemoteId, Stamp, StepId, WorkspaceName};
use crate::lockfile::model::{Entry, RefRecord};
use crate::money::{Amount, Currency};
use crate::plan::model::{Action, ChangeOrigin};
use crate::provider::step::{Located, Outcome, PartStamp};
use crate::provider::survey::{Ask, Observed, Sight};
use crate::provider::{Made, Reader, Writer};
use crate::sandbox::{InProcess, Options, Sandbox};

fn set<T>(v: impl Into<T>) -> Wish<T> {
    Wish::Set(v.into())
}

fn amount(text: &str) -> Amount {
    Amount::parse(text).unwrap()
}

fn item(key: &str, price: &str) -> Item {
    Item {
        key: key.to_owned(),
        product: None,
        name: set(format!("The {key}")),
        description: Wish::Unowned,
        sku: Wish::Unowned,
        quantity: amount("1"),
        price: Wish::Set(amount(price)),
        discount: Wish::Unowned,
        taxable: Wish::Unowned,
        recurring: Wish::Unowned,
        properties: Wish::Unowned,
        native: BTreeMap::new(),
    }
}

fn adjustment(key: &str, measure: Measure) -> Adjustment {
    Adjustment { key: key.to_owned(), label: key.to_uppercase(), measure }
}

fn named(text: &str) -> Wish<Reference> {
    Wish::Set(Reference::Named(text.to_owned()))
}

/// A quote with one of nearly everything.
fn quote(name: &str) -> Quote {
    let mut audit = item("audit", "12000.00");
    audit.discount = Wish::Set(LineDiscount {
        measure: Measure::Percent(amount("10")),
        per: Per::Line,
        label: None,
    });
    let mut retainer = item("retainer", "19.990");
    retainer.quantity = amount("3");
    retainer.discount = Wish::Set(LineDiscount {
        measure: Measure::Amount(amount("1.50")),
        per: Per::Line,
        label: None,
    });
    retainer.recurring = Wish::Set(Recurring {
        every: Period { count: 1, unit: Unit::Month },
        term: Some(Period { count: 3, unit: Unit::Year }),
    });
    let source = Arc::new(SourceFile { path: "q.yaml".to_owned(), text: String::new() });
    Quote {
        name: QuoteName::parse(name).unwrap(),
        connection: ConnectionName::parse("crm").unwrap(),
        title: set("Acme: annual SEO audit"),
        expires: Wish::Set(jiff::civil::date(2027, 11, 30)),
        currency: Currency::parse("USD"),
        state: Some(WantedState::Published),
        customer: Some(Person { email: set("jo@acme.example"), ..Person::default() }),
        contacts: Wish::Set(vec![Person { email: set("cfo@acme.example"), ..Person::default() }]),
        owner: named("jane@northlight.example"),
        company: named("acme.example"),
        deal: named("Acme renewal 2027"),
        template: named("Default Modern"),
        items: Wish::Set(vec![audit, retainer]),
        discounts: Wish::Set(vec![adjustment("loyalty", Measure::Percent(amount("5")))]),
        fees: Wish::Set(vec![adjustment("onboarding", Measure::Amount(amount("300.00")))]),
        taxes: Wish::Set(vec![adjustment("vat", Measure::Percent(amount("25")))]),
        shipping: Wish::Unowned,
        notes: Notes { public: set("Thanks & <welcome>\nback\n"), ..Notes::default() },
        tags: Wish::Unowned,
        fields: BTreeMap::new(),
        delivery: Delivery::default(),
        alternatives: Wish::Unowned,
        lifecycle: Lifecycle::default(),
        was: None,
        native: BTreeMap::from([(
            "hubspot".to_owned(),
            BTreeMap::from([("hs_language".to_owned(), Wish::Set(Plain::Text("en".to_owned())))]),
        )]),
        origin: Origin::new(source, 0),
        fingerprint: Fingerprint::of_parts("test", &[]),
    }
}

/// A quote as plain as can be.
fn plain(name: &str) -> Quote {
    let mut q = quote(name);
    q.discounts = Wish::Unowned;
    q.fees = Wish::Unowned;
    q.taxes = Wish::Unowned;
    q.state = None;
    q
}

struct Rig {
    sandbox: Arc<Mutex<Sandbox>>,
    reader: HubspotReader,
    writer: HubspotWriter,
    dialect: HubspotDialect,
    workspace: WorkspaceName,
    entries: BTreeMap<QuoteName, Entry>,
}

/// What came of one apply.
#[derive(Debug, Default)]
struct Done {
    steps: Vec<Step>,
    outcomes: BTreeMap<StepId, Outcome>,
    made: Made,
}

impl Done {
    fn failures(&self) -> Vec<String> {
        let failed = |(id, o): (&StepId, &Outcome)| match o {
            Outcome::Applied(_) => None,
            other => Some(format!("{id}: {other:?}")),
        };
        self.outcomes.iter().filter_map(failed).collect()
    }
}

/// The adapter on wires to the sandbox.
fn adapter(
    sandbox: &Arc<Mutex<Sandbox>>,
    settings: &Settings,
    token: &str,
) -> (HubspotReader, HubspotWriter, HubspotDialect) {
    let clock = Arc::new(AtomicI64::new(1_800_000_000_000));
    let now =
        move || jiff::Timestamp::from_millisecond(clock.fetch_add(100, Ordering::Relaxed)).unwrap();
    let transport: SharedTransport =
        Arc::new(InProcess::new(sandbox.clone(), "/hubspot", Arc::new(now)));
    let limits = Limits {
        account: RateLimit::new(10_000, Duration::from_secs(1)).unwrap(),
        explicit: true,
        concurrency: 8,
        classes: Vec::new(),
    };
    let wire = || {
        let mut ws = WireSettings::new(policy());
        ws.credential = Some(Credential::bearer(Secret::new(token.to_owned()).unwrap()));
        Arc::new(Wire::new(transport.clone(), Arc::new(Limiter::new(limits.clone())), ws))
    };
    (
        HubspotReader::new(ReadWire::new(wire()), settings.clone()),
        HubspotWriter::new(wire(), settings.clone()),
        HubspotDialect::new(settings.clone()),
    )
}

impl Rig {
    fn new(system: QuoteSystem, stamp: StampPlace) -> Self {
        Self::with_token(system, stamp, "pat-test")
    }

    fn legacy() -> Self {
        Self::new(QuoteSystem::Legacy, StampPlace::Property("proforma_key".to_owned()))
    }

    fn with_token(system: QuoteSystem, stamp: StampPlace, token: &str) -> Self {
        let sandbox = Arc::new(Mutex::new(Sandbox::new(Options::default()).unwrap()));
        let settings =
            Settings { connection: ConnectionName::parse("crm").unwrap(), system, stamp };
        let (reader, writer, dialect) = adapter(&sandbox, &settings, token);
        let workspace = WorkspaceName::parse("acme-sales").unwrap();
        Self { sandbox, reader, writer, dialect, workspace, entries: BTreeMap::new() }
    }

    /// The same portal and lockfile under other settings.
    fn rewire(&mut self, settings: &Settings) {
        (self.reader, self.writer, self.dialect) = adapter(&self.sandbox, settings, "pat-test");
    }

    fn control(&self, path: &str, body: &Json) -> Json {
        let request = ::http::Request::builder()
            .method(if body.is_null() { "GET" } else { "POST" })
            .uri(format!("/_sandbox/{path}"))
            .body(bytes::Bytes::from(if body.is_null() { String::new() } else { body.to_string() }))
            .unwrap();
        let mut sandbox = self.sandbox.lock().unwrap();
        let crate::sandbox::Verdict::Answer(response) =
            sandbox.handle(&request, jiff::Timestamp::from_second(1_800_000_000).unwrap())
        else {
            panic!("no answer from the control endpoint");
        };
        assert!(response.status().is_success(), "{:?}", response.body());
        serde_json::from_slice(response.body()).unwrap()
    }

    fn ask<'a>(&'a self, quote: &'a Quote) -> Ask<'a> {
        Ask {
            workspace: &self.workspace,
            quote: &quote.name,
            desired: Some(quote),
            entry: self.entries.get(&quote.name),
            recorded_as: None,
        }
    }

    async fn survey(&self, quotes: &[Quote]) -> Survey {
        let asks: Vec<Ask<'_>> = quotes.iter().map(|q| self.ask(q)).collect();
        self.reader.survey(&asks, true).await.unwrap()
    }

    async fn observed(&self, quote: &Quote) -> Observed {
        match self.survey(std::slice::from_ref(quote)).await.sights.remove(&quote.name) {
            Some(Sight::Found(o)) => *o,
            other => panic!("not found: {other:?}"),
        }
    }

    fn want(&self, quote: &Quote, survey: &Survey) -> Facts {
        assert_eq!(survey.problems, []);
        assert_eq!(self.dialect.check(quote), []);
        self.dialect.facts(quote, survey).unwrap()
    }

    fn changes(&self, quote: &Quote, want: &Facts, seen: Option<&Observed>) -> Vec<Change> {
        let change = |path: &Path, before: Option<&Value>, after: Option<&Value>| Change {
            path: path.clone(),
            before: before.cloned(),
            after: after.cloned(),
            origin: ChangeOrigin::Manifest,
            planned: true,
        };
        let empty = Facts::new();
        let there = seen.map_or(&empty, |s| &s.facts);
        let mut out = Vec::new();
        for (path, value) in want {
            let before = there.get(path);
            if !before.unwrap_or(&Value::Empty).same(value) {
                out.push(change(path, before, Some(value)));
            }
        }
        let parts: std::collections::BTreeSet<&str> = want.keys().filter_map(Path::part).collect();
        for (path, value) in there {
            let owned = match path.list() {
                Some("items") => quote.items.is_owned(),
                Some("discounts") => quote.discounts.is_owned(),
                Some("fees") => quote.fees.is_owned(),
                Some("taxes") => quote.taxes.is_owned(),
                Some("contacts") => {
                    self.entries.get(&quote.name).is_some_and(|e| e.fields.contains_key(path))
                }
                _ => false,
            };
            if owned && !path.part().is_some_and(|p| parts.contains(p)) {
                out.push(change(path, Some(value), None));
            }
        }
        out
    }

    fn plan(&self, quote: &Quote, survey: &Survey, action: Option<Action>) -> Vec<Step> {
        let seen = match survey.sights.get(&quote.name) {
            Some(Sight::Found(o)) => Some(o.as_ref()),
            _ => None,
        };
        let deletes = action == Some(Action::Delete);
        let want = if deletes { Facts::new() } else { self.want(quote, survey) };
        let changes = if deletes { Vec::new() } else { self.changes(quote, &want, seen) };
        let action = action.unwrap_or(if seen.is_some() { Action::Update } else { Action::Create });
        let revision = self.entries.get(&quote.name).map_or(0, |e| e.revision)
            + u32::from(action == Action::Replace);
        let to = State::Plain(quote.state.unwrap_or(WantedState::Draft));
        let from = seen.filter(|_| action != Action::Replace).map(|s| &s.state);
        let unlock =
            seen.is_some_and(|s| s.locked) && !changes.is_empty() && action == Action::Update;
        let moves = self.dialect.transition(from, &to) != Move::InPlace || unlock;
        let work = Work {
            quote: &quote.name,
            connection: &quote.connection,
            desired: Some(quote),
            action,
            want: &want,
            observed: seen,
            changes: changes.iter().collect(),
            state: moves.then_some(to),
            unlock,
            stamp: Stamp::new(&self.workspace, &quote.name, revision, ""),
            part_stamp: PartStamp { workspace: &self.workspace, quote: &quote.name, revision },
            renaming: false,
            revision,
        };
        let mut steps = self.dialect.preparations(survey, std::slice::from_ref(&work));
        steps.extend(self.dialect.steps(&work, survey));
        steps
    }

    /// Performs steps in order, batching neighbours of one class whose needs are met.
    async fn perform(&mut self, quote: &Quote, steps: Vec<Step>, survey: &Survey) -> Done {
        let mut done = Done { steps: steps.clone(), ..Done::default() };
        let mut open = steps;
        loop {
            let ready = |s: &Step| {
                s.needs.iter().all(|n| matches!(done.outcomes.get(n), Some(Outcome::Applied(_))))
            };
            let Some(first) = open.iter().find(|s| ready(s)).cloned() else { break };
            let class = self.dialect.batch(&first);
            let batch: Vec<Step> = open
                .iter()
                .filter(|s| ready(s) && self.dialect.batch(s) == class)
                .take(class.max)
                .cloned()
                .collect();
            open.retain(|s| !batch.iter().any(|b| b.id == s.id));
            if first.is_read_back() {
                for s in &batch {
                    done.outcomes.insert(s.id.clone(), Outcome::Applied(None));
                }
                continue;
            }
            let refs: Vec<&Step> = batch.iter().collect();
            for receipt in self.writer.perform(&refs, &done.made).await {
                let step = batch.iter().find(|s| s.id == receipt.step).unwrap();
                if let Outcome::Applied(id) = &receipt.outcome {
                    if let Some(id) = id {
                        done.made.insert(step.id.clone(), id.clone());
                    }
                    self.fold(quote, step, id.as_ref(), survey);
                }
                done.outcomes.insert(receipt.step, receipt.outcome);
            }
        }
        done
    }

    fn fold(&mut self, quote: &Quote, step: &Step, id: Option<&RemoteId>, survey: &Survey) {
        if let (Some(stamp), None, Some(id)) = (&step.stamp, &step.part, id) {
            let mut entry = Entry::new(quote.connection.clone(), "hubspot", id.clone());
            entry.stamp = Some(stamp.clone());
            entry.revision = self.entries.get(&quote.name).map_or(0, |e| e.revision + 1);
            for (path, r) in survey.refs.get(&quote.name).into_iter().flatten() {
                entry.refs.insert(path.clone(), RefRecord { asked: r.asked, id: r.id.clone() });
            }
            self.entries.insert(quote.name.clone(), entry);
        }
        let Some(entry) = self.entries.get_mut(&quote.name) else { return };
        if let (Some(part), Some(id)) = (&step.part, id) {
            entry.parts.insert(part.clone(), id.clone());
        }
        entry.fields.extend(step.settles.clone());
        for gone in &step.drops {
            entry.parts.remove(gone);
            entry.fields.retain(|p, _| p.as_str() != gone && p.part() != Some(gone));
        }
    }

    async fn apply(&mut self, quote: &Quote) -> Done {
        self.apply_as(quote, None).await
    }

    async fn apply_as(&mut self, quote: &Quote, action: Option<Action>) -> Done {
        let survey = self.survey(std::slice::from_ref(quote)).await;
        let steps = self.plan(quote, &survey, action);
        self.perform(quote, steps, &survey).await
    }

    async fn assert_done(&mut self, quote: &Quote) {
        let survey = self.survey(std::slice::from_ref(quote)).await;
        let want = self.want(quote, &survey);
        let Some(Sight::Found(seen)) = survey.sights.get(&quote.name) else {
            panic!("{:?}", survey.sights);
        };
        assert_eq!(self.changes(quote, &want, Some(seen)), [], "a second plan is empty");
        let settled: Vec<String> = want
            .iter()
            .filter(|(p, v)| {
                let entry = self.entries.get(&quote.name);
                entry.and_then(|e| e.fields.get(*p)) != Some(&v.fingerprint(&quote.name, p))
            })
            .map(|(p, _)| p.to_string())
            .collect();
        assert_eq!(settled, [""; 0], "every wanted field is recorded");
    }

    fn live(&self, object: &str) -> usize {
        let snapshot = self.control("snapshot", &Json::Null);
        let all = &snapshot["hubspot"];
        let text = all.to_string();
        let records = all["records"][object].as_array().or_else(|| all[object].as_array());
        records
            .unwrap_or_else(|| panic!("no {object} in {}", &text[..text.len().min(600)]))
            .iter()
            .filter(|r| r["archived"] != json!(true))
            .count()
    }
}

/// Steps as text: id, what, effects, awaits, needs.
fn told(steps: &[Step]) -> String {
    let mut out = String::new();
    for s in steps {
        let words = |e: &crate::provider::step::Effects| {
            e.iter().map(ToString::to_string).collect::<Vec<_>>().join("+")
        };
        let needs: Vec<&str> =
            s.needs.iter().map(|n| n.as_str().rsplit('/').next().unwrap_or("")).collect();
        let _ = writeln!(
            out,
            "{} {} [{}|{}] <- {}",
            s.id.as_str().rsplit('/').next().unwrap_or(""),
            s.does,
            words(&s.effects),
            words(&s.awaits),
            needs.join(" ")
        );
    }
    out
}
