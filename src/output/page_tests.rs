//! Goldens of whole pages and documents, and what must hold for all of them.

use super::apply_human::apply_human;
use super::fixtures::{HOSTILE, created, plan, quote, report};
use super::layout::width;
use super::plan_human::{Next, plan_human, plan_summary};
use super::plan_json::plan_json;
use super::theme::Look;
use crate::failure::Diagnostic;
use crate::plan::model::{Action, Plan};

fn page(width: usize, color: bool, verbose: bool) -> String {
    plan_human(&plan(), Next::Apply("proforma apply"), Look { color, width, verbose })
}

fn without_color(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn plan_at_80_columns() {
    insta::assert_snapshot!(page(80, false, false));
}

#[test]
fn plan_at_40_columns() {
    insta::assert_snapshot!(page(40, false, false));
}

#[test]
fn plan_at_120_columns_with_steps() {
    insta::assert_snapshot!(page(120, false, true));
}

#[test]
fn plan_in_colour() {
    insta::assert_snapshot!(page(80, true, false).replace('\u{1b}', "␛"));
}

#[test]
fn colour_changes_nothing_but_colour() {
    for width in [40, 80, 120] {
        assert_eq!(without_color(&page(width, true, true)), page(width, false, true));
    }
}

#[test]
fn pages_keep_to_their_width_and_hold_nothing_wild() {
    for columns in [40, 80, 120] {
        let pages =
            [page(columns, false, true), apply_human(&report(), "proforma", Look::plain(columns))];
        for text in pages {
            for line in text.lines() {
                assert!(width(line) <= columns, "{columns}: {line}");
                assert_eq!(line.trim_end(), line);
                let wild = |c: char| c.is_control() || matches!(c, '\u{202e}' | '\u{200b}');
                assert!(!line.contains(wild), "{line:?}");
            }
            assert!(!text.contains("\n\n\n"), "{text}");
        }
    }
}

#[test]
fn a_huge_title_does_not_make_a_huge_page() {
    assert!(page(80, false, true).len() < 40_000);
}

#[test]
fn a_thousand_creations_are_still_readable() {
    let mut many = plan();
    many.quotes = (0..1_000).map(|n| created(&format!("acme-{n:04}"), "Acme: 年次監査")).collect();
    let short = plan_human(&many, Next::Nothing, Look::plain(100));
    assert!(short.lines().count() < 1_400, "{}", short.lines().count());
    assert!(short.contains("and 980 to create (-v shows all fields)"));
    assert!(short.contains("+ acme-0999  Acme: 年次監査"));
    let verbose = Look { verbose: true, ..Look::plain(100) };
    assert!(plan_human(&many, Next::Nothing, verbose).lines().count() > 10_000);
}

#[test]
fn nothing_to_do_is_said_plainly() {
    let mut empty = plan();
    empty.quotes = vec![quote("a", Action::None), quote("b", Action::None)];
    assert_eq!(
        plan_human(&empty, Next::Apply("proforma apply"), Look::plain(80)),
        "Plan for northlight-sales\n\n  2 unchanged\n\ncrm  9 reads now, 6 writes at apply\n\nNothing to do.\n"
    );
    empty.quotes.clear();
    assert_eq!(plan_summary(&empty), "no quotes");
}

#[test]
fn the_next_command_has_just_what_it_needs() {
    let last = |plan: &Plan, next| plan_human(plan, next, Look::plain(100));
    let all = last(&plan(), Next::Apply("proforma apply"));
    assert!(
        all.contains(
            "next: proforma apply --prune --override max_creates --allow publish,delete\n"
        ),
        "{all}"
    );
    let saved = last(&plan(), Next::Saved("proforma apply plan.json"));
    assert!(saved.contains("next: proforma apply plan.json --allow publish,delete\n"));
    let mut allowed = plan();
    allowed.allowed = crate::provider::step::Effect::ALL.into_iter().collect();
    let text = last(&allowed, Next::Saved("proforma apply plan.json"));
    assert!(text.ends_with("next: proforma apply plan.json\n"), "{text}");
    assert!(!text.contains("consent needed"));
}

#[test]
fn report_at_80_columns() {
    insta::assert_snapshot!(apply_human(&report(), "proforma -C quotes", Look::plain(80)));
}

#[test]
fn report_at_40_columns() {
    insta::assert_snapshot!(apply_human(&report(), "proforma", Look::plain(40)));
}

#[test]
fn every_failure_of_a_long_report_is_shown() {
    let mut long = report();
    let template = long.quotes.clone();
    for n in 0..500 {
        for quote in template.iter().take(2) {
            let mut quote = quote.clone();
            quote.quote = crate::key::QuoteName::parse(&format!("q-{n}-{}", quote.quote)).unwrap();
            long.quotes.push(quote);
        }
    }
    let text = apply_human(&long, "proforma", Look::plain(100));
    assert_eq!(text.matches("✗ ").count(), 501);
    assert_eq!(text.matches("✓ ").count(), 20);
    assert!(text.contains("482 more quotes applied"), "{text}");
}

#[test]
fn the_document_of_a_plan() {
    let mut small = plan();
    small.quotes.retain(|q| {
        !q.quote.as_str().starts_with("zz-huge") && q.quote.as_str() != "acme-seo-2027"
    });
    insta::assert_snapshot!(plan_json(&small, &[Diagnostic::warning("soon", "expires soon")]));
}

#[test]
fn the_document_reads_back_with_the_keys_of_the_contract() {
    let text = plan_json(&plan(), &[Diagnostic::error("unknown-field", "bad").help("good")]);
    assert!(text.is_ascii() || !text.contains('\u{202e}'));
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["format"], 1);
    assert_eq!(json["kind"], "plan");
    assert_eq!(json["workspace"], "northlight-sales");
    let summary = json["summary"].as_object().unwrap();
    assert_eq!(summary.len(), Action::ALL.len());
    assert_eq!(summary["create"], 2);
    assert_eq!(summary["forget"], 0);
    assert_eq!(json["consent"], serde_json::json!(["publish", "delete"]));
    assert_eq!(json["requests"]["crm"], serde_json::json!({"read": 9, "write": 6}));
    assert_eq!(
        json["money"][1],
        serde_json::json!({"currency": "USD", "before": "5020.00", "after": "15030.00", "delta": "10010.00"})
    );
    assert_eq!(json["diagnostics"][0]["code"], "unknown-field");
    assert!(json["diagnostics"][0]["file"].is_null());
    let quotes = json["quotes"].as_array().unwrap();
    let of = |name: &str| quotes.iter().find(|q| q["quote"] == name).unwrap();
    let change = |name: &str, path: &str| {
        let changes = of(name)["changes"].as_array().unwrap();
        changes.iter().find(|c| c["path"] == path).unwrap().clone()
    };
    let price = change("acme-seo-2027", "items[audit].price");
    assert!(price["before"].is_null());
    assert_eq!(price["after"], "12000.00");
    assert_eq!(price["origin"], "manifest");
    assert_eq!(change("acme-local-2027", "title")["origin"], "drift");
    assert_eq!(of("acme-seo-2027")["steps"][2]["effects"], serde_json::json!(["publish"]));
    assert!(of("acme-seo-2027")["id"].is_null());
    assert!(of("acme-seo-2027")["reason"].is_null());
    // What is hostile comes back as it was, and what is long comes back whole.
    assert_eq!(of("zz-hostile")["title"], HOSTILE);
    assert_eq!(of("zz-huge")["title"].as_str().unwrap().len(), 1 << 20);
}
