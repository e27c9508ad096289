//! What HubSpot cannot hold, references, and the portal's own properties.

use super::*;

fn codes(q: &Quote) -> Vec<&'static str> {
    Rig::legacy().dialect.check(q).iter().map(|d| d.code).collect()
}

fn native(q: &mut Quote, name: &str, value: &str) {
    let block = q.native.entry("hubspot".to_owned()).or_default();
    block.insert(name.to_owned(), Wish::Set(Plain::Text(value.to_owned())));
}

fn first(q: &mut Quote) -> &mut Item {
    match &mut q.items {
        Wish::Set(items) => &mut items[0],
        _ => panic!("no items"),
    }
}

#[test]
fn everything_refused_is_said_at_once() {
    let mut q = quote("acme");
    assert_eq!(codes(&q), [""; 0]);
    q.state = Some(WantedState::Sent);
    q.expires = Wish::Clear;
    q.shipping = Wish::Set(crate::desired::Shipping { name: "x".into(), price: amount("1") });
    q.notes.customer = set("x");
    q.delivery.channel = Some(crate::desired::Channel::Email);
    q.customer = Some(Person { name: set("Jo"), ..Person::default() });
    let i = first(&mut q);
    i.quantity = amount("0");
    i.price = Wish::Set(amount("-1"));
    i.taxable = Wish::Set(true);
    i.properties = Wish::Set(vec![("Colour".into(), "brown".into())]);
    i.recurring =
        Wish::Set(Recurring { every: Period { count: 5, unit: Unit::Month }, term: None });
    assert_eq!(
        codes(&q),
        [
            "state-refused",
            "cannot-clear",
            "field-refused",
            "field-refused",
            "field-refused",
            "contact-unresolvable",
            "quantity-not-positive",
            "price-negative",
            "field-refused",
            "recurring-unsupported",
            "field-refused",
        ]
    );
}

#[test]
fn native_fields_that_a_neutral_word_says_are_refused() {
    for (name, code) in [
        ("hs_title", Some("native-neutral")),
        ("hs_status", Some("native-neutral")),
        ("hs_comments", Some("native-neutral")),
        ("hs_terms", None),
        ("hubspot_owner_id", Some("native-neutral")),
        ("hs_locked", Some("native-read-only")),
        ("proforma_key", Some("native-reserved")),
        ("hs_esign_enabled", Some("native-value")),
        ("hs_quote_number", None),
    ] {
        let mut q = quote("acme");
        native(&mut q, name, "x");
        assert_eq!(codes(&q).first().copied(), code, "{name}");
    }
}

#[test]
fn cpq_has_no_adjustments_on_the_whole_quote() {
    let rig = Rig::new(QuoteSystem::Cpq, StampPlace::Slug);
    let found = rig.dialect.check(&quote("acme"));
    assert_eq!(found.iter().map(|d| d.code).collect::<Vec<_>>(), ["field-refused"; 3]);
}

#[tokio::test(start_paused = true)]
async fn references_are_resolved_once_and_exactly() {
    let rig = Rig::legacy();
    let mut q = plain("acme");
    q.deal = named("Duplicate deal");
    q.template = named("CPQ Standard");
    q.owner = named("former@northlight.example");
    q.company = named("nowhere.example");
    let survey = rig.survey(std::slice::from_ref(&q)).await;
    let mut told: Vec<(&str, String)> = survey
        .problems
        .iter()
        .map(|p| (p.code, format!("{} {}", p.message, p.help.clone().unwrap_or_default())))
        .collect();
    told.sort();
    assert_eq!(
        told.iter().map(|t| t.0).collect::<Vec<_>>(),
        [
            "reference-ambiguous",
            "reference-not-found",
            "reference-not-found",
            "reference-not-found"
        ]
    );
    assert!(told[0].1.contains("345901") && told[0].1.contains("345902"), "{told:?}");
    assert!(told.iter().any(|t| t.1.contains("Default Modern")), "{told:?}");
    assert!(rig.dialect.facts(&q, &survey).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_company_is_found_by_name_too_and_a_template_beyond_the_first_page() {
    let rig = Rig::legacy();
    let mut q = plain("acme");
    q.company = named("Acme");
    q.template = named("Northlight Partner");
    q.deal = Wish::Set(Reference::Id { id: "345346".into(), name: None, email: None });
    let survey = rig.survey(std::slice::from_ref(&q)).await;
    assert_eq!(survey.problems, []);
    let id = |path: &str| survey.refs[&q.name][path].id.as_str().to_owned();
    assert_eq!(
        (id("company"), id("template"), id("deal")),
        ("28801001".into(), "235425923876".into(), "345346".into())
    );
}

#[tokio::test(start_paused = true)]
async fn the_deals_currency_must_be_the_quotes() {
    let mut rig = Rig::legacy();
    let mut q = plain("acme");
    q.deal = named("Umbrella renewal 2027");
    let survey = rig.survey(std::slice::from_ref(&q)).await;
    assert_eq!(survey.problems.iter().map(|p| p.code).collect::<Vec<_>>(), ["currency-mismatch"]);
    // Also when the deal was resolved by an earlier run.
    q.currency = Currency::parse("EUR");
    assert_eq!(rig.apply(&q).await.failures(), [""; 0]);
    q.currency = Currency::parse("USD");
    let survey = rig.survey(std::slice::from_ref(&q)).await;
    assert_eq!(survey.problems.iter().map(|p| p.code).collect::<Vec<_>>(), ["currency-mismatch"]);
}

#[tokio::test(start_paused = true)]
async fn the_portal_judges_native_and_custom_fields() {
    let rig = Rig::legacy();
    let mut q = plain("acme");
    native(&mut q, "hs_langage", "en");
    q.fields.insert("No such field".to_owned(), Wish::Set(Plain::Text("x".to_owned())));
    q.fields.insert("hs_title".to_owned(), Wish::Set(Plain::Text("x".to_owned())));
    let survey = rig.survey(std::slice::from_ref(&q)).await;
    let found = rig.dialect.facts(&q, &survey).unwrap_err();
    let mut codes: Vec<&str> = found.iter().map(|d| d.code).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["native-neutral", "native-unknown", "native-unknown"]);
    let near = found.iter().find(|d| d.message.contains("hs_langage")).unwrap();
    assert!(near.help.as_deref().unwrap_or("").contains("hs_language"), "{near:?}");
}

#[tokio::test(start_paused = true)]
async fn a_discount_off_the_line_must_divide_exactly() {
    let rig = Rig::legacy();
    let mut q = plain("acme");
    let i = first(&mut q);
    i.quantity = amount("3");
    i.discount = Wish::Set(LineDiscount {
        measure: Measure::Amount(amount("100")),
        per: Per::Line,
        label: None,
    });
    let survey = rig.survey(std::slice::from_ref(&q)).await;
    let found = rig.dialect.facts(&q, &survey).unwrap_err();
    assert_eq!(found[0].code, "discount-not-exact");
    assert!(found[0].help.as_deref().unwrap_or("").contains("per: unit"));
}

#[tokio::test(start_paused = true)]
async fn publishing_needs_its_references() {
    let rig = Rig::legacy();
    let mut q = quote("acme");
    q.deal = Wish::Unowned;
    q.title = Wish::Unowned;
    let survey = rig.survey(std::slice::from_ref(&q)).await;
    let found = rig.dialect.facts(&q, &survey).unwrap_err();
    assert_eq!(
        found.iter().map(|d| d.code).collect::<Vec<_>>(),
        ["missing-field", "missing-field"]
    );
}
