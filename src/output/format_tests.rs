//! Goldens of a plan in Markdown and HTML, and what must hold of both whatever the plan holds.

use super::fixtures::{HOSTILE, change, created, number, plan, quote, text};
use super::markdown::MOST;
use super::plan_html::plan_html;
use super::plan_markdown::plan_markdown;
use crate::failure::Diagnostic;
use crate::plan::model::{Action, Plan};

const COMMAND: &str = "proforma plan";

fn small() -> Plan {
    let mut small = plan();
    small.quotes.retain(|q| !q.quote.as_str().starts_with("zz-huge"));
    small
}

#[test]
fn plan_in_markdown() {
    let told = [Diagnostic::warning("soon", "expires soon").help("look")];
    insta::assert_snapshot!(plan_markdown(&small(), &told, COMMAND));
}

#[test]
fn every_quote_of_a_page_is_there_and_foreign_text_is_text() {
    let plan = plan();
    let page = plan_html(&plan, &[Diagnostic::error("x", "</main><b>")]);
    for quote in &plan.quotes {
        assert!(page.contains(quote.quote.as_str()), "{}", quote.quote);
    }
    assert!(!page.contains("</main><b>") && page.contains("&lt;/main&gt;&lt;b&gt;"));
    let wild = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202e}' | '\u{200b}');
    assert!(!page.contains(wild));
    // A megabyte is cut, and says so.
    assert!(page.len() < 200_000, "{}", page.len());
    assert!(page.contains("more characters"));
    assert!(HOSTILE.contains('\u{202e}') && page.contains("\\u{202e}drawkcab"));
    // Before and after stand beside each other, and origins apart.
    for title in ["Before", "After", "you asked", "changed upstream by somebody else; only shown"] {
        assert!(page.contains(title), "{title}");
    }
}

#[test]
fn a_comment_holds_any_plan() {
    let mut many = plan();
    many.quotes = (0..5_000)
        .map(|n| {
            let mut one = quote(&format!("quote-{n:05}"), Action::Update);
            one.title = Some(format!("{n} @a|<b> ").repeat(300));
            one.reason = Some(format!("{n}: ![x](y)\n").repeat(300));
            one.changes = (0..80)
                .map(|i| change(&format!("items[i{i}].price"), number("1"), text("||\n@x")))
                .collect();
            one
        })
        .collect();
    let told: Vec<Diagnostic> =
        (0..5_000).map(|n| Diagnostic::error("x", format!("{n} ").repeat(500))).collect();
    for quotes in [5_000, 50, 1] {
        many.quotes.truncate(quotes);
        for told in [&told[..], &[]] {
            let page = plan_markdown(&many, told, COMMAND);
            assert!(page.len() <= MOST, "{quotes}: {}", page.len());
            assert_eq!(page.matches("<details>").count(), page.matches("</details>").count());
            assert!(page.contains("quotes touched"));
        }
    }
    many.quotes = (0..5_000).map(|n| created(&format!("acme-{n:04}"), "Acme: 年次監査")).collect();
    let page = plan_markdown(&many, &[], COMMAND);
    assert!(page.len() <= MOST && page.len() > MOST / 2, "{}", page.len());
    assert!(page.contains("more quotes do not fit into a comment"));
}
