//! The brief of a plan in words: one row a fact, for every format.

use super::plan_brief::{Brief, Swing};
use super::wording;
use crate::money::{Amount, grouped};
use crate::plan::model::QuotePlan;

/// Recipients named.
const MOST_CONTACTS: usize = 5;
/// The label of the row that names who gets a message.
pub(super) const CONTACTED: &str = "gets a message";

/// A row of the brief.
pub(super) struct BriefRow {
    /// What it is.
    pub(super) label: &'static str,
    /// The figure: an amount, a percent, a count.
    pub(super) figure: String,
    /// Whose it is.
    pub(super) detail: String,
}

/// The rows.
pub(super) fn brief_rows(brief: &Brief<'_>) -> Vec<BriefRow> {
    let mut rows = Vec::new();
    for moves in brief.moves.values() {
        for (label, swing) in [
            ("largest new", moves.largest_new),
            ("biggest rise", moves.rise),
            ("biggest fall", moves.fall),
        ] {
            rows.extend(swing.map(|swing| swing_row(label, &swing)));
        }
    }
    if let Some((quote, share)) = brief.deepest {
        let figure = format!("{}%", share.round_half_up(1).canonical());
        rows.push(BriefRow { label: "deepest discount", figure, detail: quote.quote.to_string() });
    }
    if !brief.contacted.is_empty() {
        let who: Vec<String> = brief.contacted.iter().map(|(q, to)| contact(q, to)).collect();
        rows.push(BriefRow {
            label: CONTACTED,
            figure: wording::count(who.len(), "customer"),
            detail: wording::names(who.iter().map(String::as_str), MOST_CONTACTS),
        });
    }
    rows
}

/// `+7,515.65 USD` of `initech (19,088.88 → 26,604.53)`.
fn swing_row(label: &'static str, swing: &Swing<'_>) -> BriefRow {
    let name = &swing.quote.quote;
    let currency = swing.after.or(swing.before).map(|money| money.currency);
    let code = currency.map(crate::money::Currency::code).unwrap_or_default();
    let figure = format!("{} {code}", wording::signed(swing.delta, currency));
    let said = |amount: Amount| grouped(wording::with_digits(amount, currency));
    let detail = match (swing.before, swing.after) {
        (Some(before), Some(after)) => {
            format!("{name} ({} → {})", said(before.amount), said(after.amount))
        }
        (Some(_), None) => format!("{name} (deleted)"),
        (None, _) => name.to_string(),
    };
    BriefRow { label, figure, detail }
}

/// `jo@acme.example (acme-seo-2027)`.
fn contact(quote: &QuotePlan, to: &[&str]) -> String {
    if to.is_empty() {
        return format!("the customer ({})", quote.quote);
    }
    let names = wording::names(to.iter().copied(), 3);
    format!("{} ({})", wording::one_line(&names, 200), quote.quote)
}
