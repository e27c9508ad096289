//! Values for the tests of the renderers: a plan and a report with one of everything.

#![expect(clippy::unnecessary_wraps, reason = "what they make goes into optional fields")]

use std::collections::BTreeMap;

use crate::apply::report::{QuoteOutcome, QuoteReport, Report};
use crate::desired::WantedState;
use crate::facts::{Facts, Path, Value};
use crate::key::{ConnectionName, QuoteName, RemoteId, StepId, WorkspaceName};
use crate::money::{Amount, Currency, Money};
use crate::plan::model::{Action, Basis, Change, ChangeOrigin, Plan, QuotePlan};
use crate::provider::Requests;
use crate::provider::hubspot::operation as hubspot;
use crate::provider::state::State;
use crate::provider::step::{Effect, Effects, Operation, Step, Target, Trouble, TroubleKind};

/// A title that tries everything on a terminal.
pub(super) const HOSTILE: &str =
    "Evil\u{1b}[31m\u{1b}]0;owned\u{7}\u{202e}drawkcab\u{200b}\r\nnext";

pub(super) fn usd(amount: &str) -> Option<Money> {
    money("USD", amount)
}

pub(super) fn money(code: &str, amount: &str) -> Option<Money> {
    let currency = Currency::parse(code).unwrap();
    Some(Money { currency, amount: Amount::parse(amount).unwrap() })
}

pub(super) fn text(value: &str) -> Option<Value> {
    Some(Value::text(value))
}

pub(super) fn number(value: &str) -> Option<Value> {
    Some(Value::Number(Amount::parse(value).unwrap()))
}

pub(super) fn change(path: &str, before: Option<Value>, after: Option<Value>) -> Change {
    Change { path: Path::new(path), before, after, origin: ChangeOrigin::Manifest, planned: true }
}

fn drift(path: &str, before: Option<Value>, after: Option<Value>, planned: bool) -> Change {
    Change { origin: ChangeOrigin::Drift, planned, ..change(path, before, after) }
}

fn state(wanted: WantedState) -> Option<State> {
    Some(State::Plain(wanted))
}

pub(super) fn quote(name: &str, action: Action) -> QuotePlan {
    QuotePlan {
        quote: QuoteName::parse(name).unwrap(),
        connection: ConnectionName::parse("crm").unwrap(),
        provider: "hubspot".to_owned(),
        action,
        id: None,
        title: None,
        changes: Vec::new(),
        steps: Vec::new(),
        reason: None,
        help: None,
        ownership_conflict: false,
        unsettled: false,
        waits_for: None,
        notices: Vec::new(),
        state_before: None,
        state_after: None,
        total_before: None,
        total_after: None,
        discount: None,
        links: BTreeMap::new(),
        basis: Basis::default(),
        want: Facts::new(),
        record: None,
    }
}

fn step(name: &str, n: usize, does: &str, effects: &[Effect], awaits: &[Effect]) -> Step {
    let quote = QuoteName::parse(name).unwrap();
    Step {
        id: StepId::of_quote(&quote, n),
        quote: Some(quote.clone()),
        connection: ConnectionName::parse("crm").unwrap(),
        does: does.to_owned(),
        effects: effects.iter().copied().collect(),
        awaits: awaits.iter().copied().collect(),
        needs: (n > 0).then(|| StepId::of_quote(&quote, n - 1)).into_iter().collect(),
        operation: Operation::Hubspot(hubspot::Operation::Archive {
            object: hubspot::Object::Quote,
            target: Target::Known(RemoteId::parse("1").unwrap()),
        }),
        stamp: None,
        part: None,
        settles: BTreeMap::new(),
        drops: Vec::new(),
    }
}

pub(super) fn created(name: &str, title: &str) -> QuotePlan {
    let mut q = quote(name, Action::Create);
    q.title = Some(title.to_owned());
    q.state_after = state(WantedState::Published);
    q.total_after = usd("10560");
    q.discount = Some(Amount::parse("14.5").unwrap());
    q.changes = vec![
        change("title", None, text(title)),
        change("state", None, text("published")),
        change("expires", None, Some(Value::Date(jiff::civil::date(2027, 11, 30)))),
        change("contacts[801]", None, Some(Value::Ref { id: "801".into(), label: "Jo Ek".into() })),
        change(
            "deal",
            None,
            Some(Value::Ref { id: "28811204417".into(), label: "Acme 2027".into() }),
        ),
        change("items[audit].name", None, text("Annual SEO audit")),
        change("items[audit].sku", None, text("SEO-A")),
        change("items[audit].quantity", None, number("1")),
        change("items[audit].price", None, number("12000.00")),
        change("items[audit].discount.percent", None, number("10")),
        change("items[audit].currency", None, text("USD")),
        change("items[audit].position", None, number("0")),
        change("discounts[loyalty].label", None, text("Loyalty")),
        change("discounts[loyalty].percent", None, number("5")),
        change("fees[onboarding].label", None, text("Onboarding")),
        change("fees[onboarding].amount", None, number("300")),
        change(
            "notes.public",
            None,
            text("Thank you for a third year.\nThe audit covers two shops.\n"),
        ),
    ];
    q.want = q.changes.iter().filter_map(|c| Some((c.path.clone(), c.after.clone()?))).collect();
    let publish = [Effect::Publish];
    q.steps = vec![
        step(name, 0, "create quote", &[], &[]),
        step(name, 1, "create line item audit", &[], &[]),
        step(name, 2, "publish", &publish, &publish),
    ];
    q
}

fn updated() -> QuotePlan {
    let mut q = quote("acme-local-2027", Action::Update);
    q.title = Some("Acme: local SEO for three shops".to_owned());
    q.id = RemoteId::parse("9001");
    q.state_before = state(WantedState::Draft);
    q.state_after = state(WantedState::Draft);
    q.total_before = usd("3500");
    q.total_after = usd("3450");
    q.changes = vec![
        drift("title", text("Acme: local SEO"), text("Acme: local SEO for three shops"), true),
        drift("owner", text("Jane"), text("Omar"), false),
        change("items[report].price", number("800"), number("750.00")),
        change("items[report].sku", text("REP"), None),
        change("items[extra].name", None, text("Workshop")),
        change("items[extra].quantity", None, number("0.5")),
        change("items[extra].price", None, number("1600")),
        change("items[extra].description", None, text("Half a day to agree on the figures")),
        drift("items[#77].name", text("Free lunch"), None, true),
        drift("items[#77].price", number("0"), None, true),
        change(
            "notes.terms",
            text("Net 30.\nPrices hold for one year.\nSupport by e-mail.\n"),
            text("Net 30.\nPrices hold for two years.\nSupport by e-mail.\n"),
        ),
        change("hubspot.hs_language", None, text("en")),
    ];
    for (path, value) in [
        ("items[report].name", text("Report")),
        ("items[extra].name", text("Workshop")),
        ("items[extra].quantity", number("0.5")),
        ("items[extra].price", number("1600")),
        ("items[extra].description", text("Half a day to agree on the figures")),
    ] {
        q.want.insert(Path::new(path), value.unwrap());
    }
    q.notices = vec!["`tags` is no longer in the manifest: it stays upstream as it is".to_owned()];
    q.links.insert("quote".to_owned(), "https://app.example/q/9001".to_owned());
    q.steps = vec![step("acme-local-2027", 0, "update quote", &[], &[])];
    q
}

/// One of everything.
pub(super) fn plan() -> Plan {
    let publish = [Effect::Publish];
    let mut blocked = quote("initech-tech-sprint-2027", Action::Blocked);
    blocked.title = Some("Initech: technical sprint".to_owned());
    blocked.state_before = state(WantedState::Published);
    blocked.state_after = state(WantedState::Published);
    blocked.total_before = usd("900");
    blocked.total_after = usd("900");
    blocked.changes = vec![Change {
        planned: false,
        ..change("items[sprint].quantity", number("1"), number("2"))
    }];
    blocked.want.insert(Path::new("items[sprint].quantity"), number("2").unwrap());
    blocked.reason = Some(
        "it is `published` upstream and therefore locked; 1 change cannot be written".to_owned(),
    );
    blocked.help = Some(
        "set `lifecycle: { when_locked: unlock }` to take the link down, edit and publish again"
            .to_owned(),
    );

    let mut foreign = quote("hooli-swap", Action::Blocked);
    foreign.ownership_conflict = true;
    foreign.reason = Some("id 4711 carries the stamp of another workspace".to_owned());
    foreign.help = Some("restore the entry from git".to_owned());

    let mut replaced = quote("globex-retainer-2027", Action::Replace);
    replaced.title = Some("Globex: retainer".to_owned());
    replaced.id = RemoteId::parse("9002");
    replaced.state_before = Some(State::Viewed);
    replaced.state_after = state(WantedState::Published);
    replaced.total_before = money("EUR", "1200");
    replaced.total_after = money("EUR", "1350.5");
    replaced.changes = vec![change("items[seo].price", number("100"), number("112.54"))];
    replaced.want.insert(Path::new("items[seo].price"), number("112.54").unwrap());
    replaced.notices =
        vec!["the customer will notice: items[seo].price 100.00 → 112.54".to_owned()];
    replaced.steps = vec![step("globex-retainer-2027", 0, "publish", &publish, &publish)];

    let mut unlocked = quote("pied-piper-unlock", Action::Update);
    unlocked.state_before = state(WantedState::Published);
    unlocked.state_after = state(WantedState::Published);
    unlocked.changes = vec![change("expires", text("2027-01-01"), None)];
    unlocked.steps = vec![
        step("pied-piper-unlock", 0, "unlock", &publish, &publish),
        step("pied-piper-unlock", 1, "update quote", &[], &publish),
        step("pied-piper-unlock", 2, "publish", &publish, &publish),
    ];

    let mut deleted = quote("old-offer", Action::Delete);
    deleted.id = RemoteId::parse("9003");
    deleted.state_before = state(WantedState::Published);
    deleted.total_before = usd("500");
    let both = [Effect::Publish, Effect::Delete];
    deleted.steps = vec![step("old-offer", 0, "archive quote", &both, &both)];

    let mut adopted = quote("adopted", Action::Adopt);
    adopted.id = RemoteId::parse("9004");
    adopted.state_before = state(WantedState::Draft);
    adopted.state_after = state(WantedState::Draft);
    adopted.total_before = usd("50");
    adopted.total_after = usd("50");

    let mut orphan = quote("orphan", Action::Orphaned);
    orphan.reason = Some("its manifest is gone; the quote upstream is left alone".to_owned());
    orphan.help = Some("bring the manifest back, or delete the quote with `--prune`".to_owned());
    orphan.total_before = usd("70");
    orphan.total_after = usd("70");

    let mut waiting = quote("waits", Action::Update);
    waiting.state_before = state(WantedState::InReview);
    waiting.state_after = state(WantedState::Published);
    waiting.waits_for = Some("an approver in HubSpot".to_owned());
    waiting.changes =
        vec![Change { planned: false, ..change("state", text("in_review"), text("published")) }];

    let mut hostile = created("zz-hostile", HOSTILE);
    hostile.changes.truncate(1);
    hostile.steps.clear();
    hostile.total_after = None;

    let mut huge = quote("zz-huge", Action::Update);
    huge.title = Some("x".repeat(1 << 20));
    huge.changes = vec![change("title", text("small"), text(&"x".repeat(1 << 20)))];

    let mut quotes = vec![
        created("acme-seo-2027", "Acme: annual SEO audit"),
        updated(),
        blocked,
        foreign,
        replaced,
        unlocked,
        deleted,
        adopted,
        orphan,
        waiting,
        hostile,
        huge,
        quote("quiet-1", Action::None),
        quote("quiet-2", Action::None),
    ];
    quotes.sort_by(|a, b| a.quote.cmp(&b.quote));
    let crm = ConnectionName::parse("crm").unwrap();
    Plan {
        format: 1,
        kind: "plan".to_owned(),
        id: "0123456789abcdef".to_owned(),
        workspace: WorkspaceName::parse("northlight-sales").unwrap(),
        offline: false,
        prune: true,
        overrides: vec!["max_creates".to_owned()],
        allowed: Effects::new(),
        preparations: Vec::new(),
        quotes,
        requests: BTreeMap::from([(crm, Requests { read: 9, write: 6 })]),
    }
}

/// A report with every outcome.
pub(super) fn report() -> Report {
    let crm = ConnectionName::parse("crm").unwrap();
    let one = |name: &str, action, outcome| QuoteReport {
        quote: QuoteName::parse(name).unwrap(),
        connection: crm.clone(),
        action,
        outcome,
        id: RemoteId::parse("1"),
        links: BTreeMap::new(),
        error: None,
        lacking: Effects::new(),
        stale: false,
    };
    let mut created = one("acme-seo-2027", Action::Create, QuoteOutcome::Applied);
    created.links.insert("quote".to_owned(), "https://app.example/q/1".to_owned());
    let mut failed = one("failed", Action::Update, QuoteOutcome::Failed);
    failed.error = Some(
        Trouble::new(
            TroubleKind::Refused,
            "`items[audit].price` did not arrive: wanted `12000`, upstream has `1\u{1b}[2J`",
        )
        .help("check the account's settings"),
    );
    let mut blocked = one("initech", Action::Blocked, QuoteOutcome::Blocked);
    blocked.error = Some(Trouble::new(TroubleKind::Refused, "it is locked"));
    let mut unknown = one("hooli", Action::Create, QuoteOutcome::Unknown);
    unknown.error =
        Some(Trouble::new(TroubleKind::Network, "the answer to `create quote` was lost"));
    let mut waiting = one("globex", Action::Create, QuoteOutcome::Waiting);
    waiting.lacking = Effects::from([Effect::Publish, Effect::Send]);
    let mut approver = one("waits", Action::Update, QuoteOutcome::Waiting);
    approver.error = Some(Trouble::new(TroubleKind::Refused, "waits for an approver in HubSpot"));
    let mut stale = one("stale", Action::Update, QuoteOutcome::Skipped);
    stale.stale = true;
    Report {
        plan: "0123456789abcdef".to_owned(),
        quotes: vec![
            created,
            failed,
            waiting,
            unknown,
            blocked,
            one("old-offer", Action::Delete, QuoteOutcome::Applied),
            one("quiet-1", Action::None, QuoteOutcome::Unchanged),
            stale,
            approver,
        ],
        requests: BTreeMap::from([(crm, Requests { read: 12, write: 6 })]),
        seconds: 2.4123,
        interrupted: false,
        canary: None,
        diagnostics: Vec::new(),
    }
}
