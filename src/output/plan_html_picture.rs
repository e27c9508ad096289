//! A small picture of where the money moves: a bar for each of the most moved quotes.
//!
//! Invariants: drawn as SVG from our own numbers; lengths are whole pixels computed with exact
//! decimals; each currency has a picture of its own, since their amounts cannot be compared. The
//! numbers stand beside the bars, so that nothing needs eyes for colour or size.

use std::collections::BTreeMap;

use super::html::Html;
use super::layout::clip;
use super::plan_brief::{Swing, swing};
use super::wording;
use crate::money::{Amount, Currency};
use crate::plan::model::Plan;

/// Bars of a picture.
const MOST_BARS: usize = 10;
/// Pictures.
const MOST_PICTURES: usize = 4;
/// Height of a row, and where names end, bars may reach, and amounts end.
const ROW: i64 = 28;
const NAMES: i64 = 270;
const REACH: (i64, i64) = (286, 750);
const AMOUNTS: i64 = 900;

/// Writes the pictures; nothing where no total moves.
pub(super) fn write(body: &mut Html, plan: &Plan) {
    let mut swings: BTreeMap<Currency, Vec<Swing<'_>>> = BTreeMap::new();
    for (currency, swing) in plan.quotes.iter().filter(|q| q.action.is_pending()).filter_map(swing)
    {
        swings.entry(currency).or_default().push(swing);
    }
    swings.retain(|_, all| all.len() > 1);
    if swings.is_empty() {
        return;
    }
    body.leaf("h2", &[], "Where the money moves");
    body.element("div", &[("class", "panel")], |panel| {
        let total = swings.len();
        for (currency, mut all) in swings.into_iter().take(MOST_PICTURES) {
            all.sort_by(|a, b| {
                b.delta.abs().cmp(&a.delta.abs()).then(a.quote.quote.cmp(&b.quote.quote))
            });
            panel.leaf("h3", &[], currency.code());
            draw(panel, currency, &all);
            if let Some(more) = all.len().checked_sub(MOST_BARS).filter(|n| *n > 0) {
                let mut rest = all.iter().skip(MOST_BARS);
                let sum = rest.try_fold(Amount::ZERO, |sum, s| sum.plus(s.delta));
                let sum = sum.map(|s| wording::signed(s, Some(currency))).unwrap_or_default();
                let text = format!("and {}: {sum} together", wording::count(more, "more quote"));
                panel.leaf("p", &[("class", "soft")], &text);
            }
        }
        if total > MOST_PICTURES {
            let text = wording::count(total - MOST_PICTURES, "more currency");
            panel.leaf("p", &[("class", "soft")], &text.replace("currencys", "currencies"));
        }
    });
    body.line();
}

/// The pixels of an amount, where `most` takes `room` of them.
fn pixels(amount: Amount, most: Amount, room: i64) -> i64 {
    let share = amount.abs().times(Amount::from_int(room)).and_then(|a| a.over(most));
    share.map_or(0, Amount::floor).clamp(1, room)
}

fn draw(out: &mut Html, currency: Currency, all: &[Swing<'_>]) {
    let shown: Vec<&Swing<'_>> = all.iter().take(MOST_BARS).collect();
    let most = |falls: bool| {
        shown.iter().filter(|s| s.delta.is_negative() == falls).map(|s| s.delta.abs()).max()
    };
    let (rise, fall) = (most(false), most(true));
    let widest = rise.max(fall).unwrap_or_default();
    let room = REACH.1 - REACH.0;
    // The axis stands where the largest fall and the largest rise share the room by their size.
    let down = match (rise, fall) {
        (_, None) => 0,
        (None, Some(_)) => room,
        (Some(rise), Some(fall)) => {
            fall.plus(rise).map_or(room / 2, |both| pixels(fall, both, room))
        }
    };
    let axis = REACH.0 + down;
    let unit = match (rise, fall) {
        (Some(rise), Some(fall)) => rise.plus(fall).unwrap_or(widest),
        _ => widest,
    };
    let height = i64::try_from(shown.len()).unwrap_or(0) * ROW;
    let view = format!("0 0 {AMOUNTS} {height}");
    let label = format!("Change of the total by quote, in {currency}");
    let attributes = [("viewBox", view.as_str()), ("role", "img"), ("aria-label", &label)];
    out.element("svg", &attributes, |svg| {
        let (x, end) = (axis.to_string(), height.to_string());
        svg.void("line", &[("x1", &x), ("y1", "0"), ("x2", &x), ("y2", &end)]);
        for (n, swing) in shown.iter().enumerate() {
            let top = i64::try_from(n).unwrap_or(0) * ROW;
            let text_y = (top + 19).to_string();
            let length = pixels(swing.delta, unit, room);
            let falls = swing.delta.is_negative();
            let from = if falls { axis - length } else { axis };
            let name = clip(swing.quote.quote.as_str(), 36);
            let names = NAMES.to_string();
            svg.leaf("text", &[("x", &names), ("y", &text_y), ("text-anchor", "end")], &name);
            svg.void(
                "rect",
                &[
                    ("class", if falls { "fall" } else { "rise" }),
                    ("x", &from.to_string()),
                    ("y", &(top + 7).to_string()),
                    ("width", &length.to_string()),
                    ("height", &(ROW - 14).to_string()),
                    ("rx", "3"),
                ],
            );
            let amount = wording::signed(swing.delta, Some(currency));
            let at = AMOUNTS.to_string();
            svg.leaf("text", &[("x", &at), ("y", &text_y), ("text-anchor", "end")], &amount);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::fixtures::plan;

    #[test]
    fn bars_stay_in_their_room_and_the_largest_fills_it() {
        let a = |text: &str| Amount::parse(text).unwrap();
        assert_eq!(pixels(a("-500"), a("1000"), 400), 200);
        assert_eq!(pixels(a("1000"), a("1000"), 400), 400);
        assert_eq!(pixels(a("0.01"), a("1000000"), 400), 1);
        assert_eq!(pixels(a("5"), a("0"), 400), 1);
        let mut html = Html::new();
        write(&mut html, &plan());
        assert!(html.as_str().contains("viewBox=\"0 0 900"), "{}", html.as_str());
        assert!(html.as_str().contains("+10,560.00") && html.as_str().contains("−500.00"));
    }
}
