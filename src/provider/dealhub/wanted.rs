//! From a checked manifest to what DealHub is sent, and to the facts that must hold there.
//!
//! Purpose: one pass over a manifest gives the body of the Generate request, the facts, and
//! everything that is in the way, so that the three cannot drift apart. Lines are in [`lines`],
//! what describes the opportunity in [`opportunity`].
//!
//! Invariants: only what the manifest owns is sent or becomes a fact, save what DealHub demands
//! (`quote_data`, `document_type`, the figures of a priced line). `null` means DealHub's default.
//! Money is exact or an error.
//!
//! [`lines`]: super::lines
//! [`opportunity`]: super::opportunity

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::mapping::{self, Native, Scope, Shape};
use super::mark::TITLE_MAX;
use super::{lines, opportunity};
use crate::desired::{Measure, NativeBlock, Quote, Reference, WantedState, Wish};
use crate::facts::{Facts, Path, Plain, Value};
use crate::money::{Amount, Currency};
use crate::provider::capability::Sink;

/// A JSON object.
pub type Object = BTreeMap<String, Plain>;

/// What a manifest asks of DealHub.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// The manifest.
    pub quote: &'a Quote,
    /// The Generate body, without `request_action`; `quote_name` still without the mark.
    pub body: Object,
    /// What must hold.
    pub facts: Facts,
    /// What is in the way.
    pub sink: Sink<'a>,
    /// The opportunity, where it is known.
    pub opportunity: Option<String>,
}

/// The block of a quote.
pub fn block(quote: &Quote) -> Option<&NativeBlock> {
    quote.native.get("dealhub")
}

/// The opportunity that a manifest names by id.
pub fn opportunity_of(quote: &Quote) -> Option<String> {
    match &quote.deal {
        Wish::Set(Reference::Id { id, .. }) => Some(id.clone()),
        _ => mapping::set(block(quote), "external_opportunity_id").and_then(Plain::scalar),
    }
}

/// The last second of a day in GMT, in milliseconds.
pub fn last_second(day: Date) -> Option<i64> {
    let end = day.at(23, 59, 59, 0).to_zoned(TimeZone::UTC).ok()?;
    Some(end.timestamp().as_millisecond())
}

impl<'a> Wanted<'a> {
    /// All of a manifest.
    pub fn of(quote: &'a Quote) -> Self {
        let mut w = Self {
            quote,
            body: Object::new(),
            facts: Facts::new(),
            sink: Sink::new(quote, mapping::TITLE, mapping::NEUTRAL),
            opportunity: opportunity_of(quote),
        };
        w.native();
        w.head();
        w.deal();
        let percent = w.discount();
        lines::fill(&mut w, percent);
        opportunity::fill(&mut w);
        w
    }

    /// An error at a manifest path.
    pub fn error(
        &mut self,
        path: &str,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.sink.error(path, code, message, help);
    }

    /// A fact that must hold.
    pub fn fact(&mut self, path: impl AsRef<str>, value: Value) {
        self.facts.insert(Path::new(path), value);
    }

    /// A member of the body.
    pub fn send(&mut self, name: &str, value: Plain) {
        self.body.insert(name.to_owned(), value);
    }

    /// The digits of the quote's money.
    pub fn digits(&self) -> u32 {
        self.quote.currency.map_or(2, Currency::digits)
    }

    /// A value for a field, or an error at the path.
    pub fn checked(&mut self, native: &Native, path: &str, plain: &Plain) -> Option<Plain> {
        match native.value(plain) {
            Ok(value) => Some(value),
            Err(why) => {
                self.error(path, "native-value", why, "see docs/providers/dealhub.md");
                None
            }
        }
    }

    /// Text of the manifest for a field with a limit.
    pub fn limited(&mut self, scope: Scope, name: &str, path: &str, text: &str) -> Plain {
        let plain = Plain::Text(text.to_owned());
        if let Some(native) = mapping::native(scope, name)
            && let Err(why) = native.value(&plain)
        {
            self.error(path, "value-too-long", why, "shorten it");
        }
        plain
    }

    /// An unknown native field.
    pub fn unknown(&mut self, scope: Scope, path: &str, name: &str) {
        let near = mapping::natives(scope)
            .map(|n| (strsim::osa_distance(n.name, name), n.name))
            .min()
            .filter(|(distance, _)| *distance <= 3);
        let help = match near {
            Some((_, near)) => format!("did you mean `{near}`?"),
            None => "docs/providers/dealhub.md lists them".to_owned(),
        };
        self.error(path, "native-unknown", format!("DealHub has no field `{name}` here"), help);
    }

    fn native(&mut self) {
        let quote = self.quote;
        for (name, wish) in block(quote).into_iter().flatten() {
            let path = format!("dealhub.{name}");
            let Some(native) = mapping::native(Scope::Quote, name) else {
                self.unknown(Scope::Quote, &path, name);
                continue;
            };
            // Where the deal is told by name only, its id has no other place.
            let free = *name == *"external_opportunity_id"
                && !matches!(quote.deal, Wish::Set(Reference::Id { .. }));
            if let Some(word) = native.word.filter(|_| !free) {
                let message = format!("`{name}` is what `{word}` says");
                self.error(&path, "native-neutral", message, format!("write `{word}` instead"));
                continue;
            }
            let Wish::Set(plain) = wish else { continue };
            match name.as_str() {
                "external_opportunity_id" => {
                    self.checked(native, &path, plain);
                }
                "opportunity_data" => {}
                "quote_data" => self.answers(plain),
                "partner_program" => {
                    let fields = ["partner_level_name", "program_name"];
                    let fits = |p: &Plain| match p {
                        Plain::Map(map) => map.iter().all(|(k, v)| {
                            fields.contains(&k.as_str()) && matches!(v, Plain::Text(_))
                        }),
                        _ => false,
                    };
                    if !matches!(plain, Plain::List(_)) || !plain.items().iter().all(fits) {
                        let message = "`partner_program` is a list of `partner_level_name` and `program_name`";
                        self.error(&path, "native-value", message, "see docs/providers/dealhub.md");
                        continue;
                    }
                    self.send(name, plain.clone());
                    self.fact(path, Value::Plain(plain.clone()));
                }
                _ => {
                    let Some(value) = self.checked(native, &path, plain) else { continue };
                    // The comment belongs to the signature: it travels with that action, and may be
                    // added to the manifest of a quote that is already made.
                    if name != "sign_externally_comment" {
                        self.fact(path, value_of(native, &value));
                        self.send(name, value);
                    }
                }
            }
        }
        self.body.entry("quote_data".to_owned()).or_insert_with(|| Plain::List(Vec::new()));
        let room = Plain::Text("DealRoom".to_owned());
        self.body.entry("document_type".to_owned()).or_insert(room);
    }

    fn head(&mut self) {
        let quote = self.quote;
        let in_room = self.body.get("document_type").and_then(Plain::as_text) == Some("DealRoom");
        match &quote.title {
            Wish::Set(title) => {
                let title = title.replace(['\r', '\n'], " ").trim().to_owned();
                if title.chars().count() > TITLE_MAX {
                    let message = format!(
                        "DealHub's quote name has room for {TITLE_MAX} characters of title (and proforma's mark)"
                    );
                    self.error("title", "value-too-long", message, "shorten it");
                }
                if super::mark::split(&title).1.is_some() {
                    let message = "the title ends like proforma's own mark";
                    self.error("title", "title-marked", message, "take the brackets off");
                }
                if in_room {
                    let name = "dealroom_publish_name".to_owned();
                    self.body.entry(name).or_insert_with(|| Plain::Text(title.clone()));
                }
                self.send("quote_name", Plain::Text(title.clone()));
                self.fact("title", Value::text(title));
            }
            _ => self.error(
                "title",
                "missing-field",
                "DealHub shows the title, and proforma keeps its mark behind it",
                "add `title:`",
            ),
        }
        if let Wish::Set(day) = &quote.expires {
            match last_second(*day) {
                Some(ms) => self.send("expiration_date", Plain::Number(Amount::from_int(ms))),
                None => self.error(
                    "expires",
                    "bad-date",
                    "DealHub cannot hold this date",
                    "take a nearer one",
                ),
            }
            self.fact("expires", Value::Date(*day));
        }
        if let Some(currency) = quote.currency {
            self.fact("currency", Value::text(currency.code()));
        }
        match quote.state {
            Some(WantedState::Published) if !in_room => self.error(
                "state",
                "field-contradiction",
                "DealHub publishes into a DealRoom only, and `document_type` says otherwise",
                "take `document_type` out, or stay with `state: in_review`",
            ),
            Some(WantedState::Accepted)
                if mapping::set(block(quote), "sign_externally_comment").is_none() =>
            {
                self.error(
                    "state",
                    "missing-field",
                    "DealHub wants a comment with an external signature",
                    "add `dealhub: { sign_externally_comment: .. }`: who signed what, and where it is kept",
                );
            }
            _ => {}
        }
    }

    fn deal(&mut self) {
        let quote = self.quote;
        let Some(id) = self.opportunity.clone() else {
            let (path, code, message) = match &quote.deal {
                Wish::Set(_) => {
                    ("deal", "reference-needs-id", "DealHub looks no opportunity up by name")
                }
                _ => ("", "missing-field", "DealHub makes quotes for an opportunity"),
            };
            self.error(
                path,
                code,
                message,
                "write `deal: { id: .., name: .. }`, or `dealhub: { external_opportunity_id: .. }` beside a name: the opportunity's id in your CRM",
            );
            return;
        };
        let sent = self.limited(Scope::Quote, "external_opportunity_id", "deal", &id);
        self.send("external_opportunity_id", sent);
        let label = deal_name(quote).unwrap_or_default();
        self.fact("deal", Value::Ref { id, label });
    }

    /// The percent that every line is discounted by.
    fn discount(&mut self) -> Option<Amount> {
        let quote = self.quote;
        let all = quote.discounts.set().map(Vec::as_slice).unwrap_or_default();
        let first = all.first()?;
        if all.len() > 1 {
            self.error(
                "discounts[1]",
                "field-refused",
                "DealHub has one discount on the whole quote",
                "add the percents up, or discount the items",
            );
        }
        let Measure::Percent(percent) = first.measure else {
            self.error(
                "discounts[0]",
                "field-refused",
                "DealHub's discount on the whole quote is a percent",
                "write a percent, or take the amount off the items",
            );
            return None;
        };
        self.send("total_sales_discount", Plain::Number(percent));
        self.fact(format!("discounts[{}].percent", first.key), Value::Number(percent));
        Some(percent)
    }

    /// `quote_data`, in the documents' form; the tutorials' pairs are read as well.
    fn answers(&mut self, plain: &Plain) {
        let path = "dealhub.quote_data";
        let mut groups = Vec::new();
        let mut rows: BTreeMap<String, usize> = BTreeMap::new();
        for (i, group) in plain.items().iter().enumerate() {
            let at = format!("{path}[{i}]");
            let (Some(id), Some(questions)) =
                (group.get("group_id").and_then(Plain::scalar), group.get("questions"))
            else {
                self.error(&at, "native-value", ANSWERS, "see docs/providers/dealhub.md");
                continue;
            };
            let known = |k: &String| matches!(k.as_str(), "group_id" | "questions");
            if id.chars().count() > 50
                || !matches!(group, Plain::Map(map) if map.keys().all(known))
                || !matches!(questions, Plain::List(_))
            {
                self.error(&at, "native-value", ANSWERS, "see docs/providers/dealhub.md");
                continue;
            }
            let mut sent = Vec::new();
            for row in pairs_to_maps(questions.items()) {
                let scalar = |v: &Plain| v.scalar().is_some();
                let Plain::Map(answers) = &row else {
                    self.error(&at, "native-value", ANSWERS, "see docs/providers/dealhub.md");
                    continue;
                };
                if !answers.values().all(scalar) {
                    self.error(&at, "native-value", ANSWERS, "see docs/providers/dealhub.md");
                    continue;
                }
                let n = rows.entry(id.clone()).or_default();
                *n += 1;
                let part = answer_part(&id, *n);
                for (question, answer) in answers {
                    let value = Value::text(answer.scalar().unwrap_or_default());
                    self.fact(format!("{part}.{question}"), value);
                }
                sent.push(row.clone());
            }
            groups.push(Plain::Map(Object::from([
                ("group_id".to_owned(), Plain::Text(id)),
                ("questions".to_owned(), Plain::List(sent)),
            ])));
        }
        if !matches!(plain, Plain::List(_)) {
            self.error(path, "native-value", ANSWERS, "see docs/providers/dealhub.md");
        }
        self.send("quote_data", Plain::List(groups));
    }

    /// Whether the playbook may add lines of its own.
    pub fn has_answers(&self) -> bool {
        self.body.get("quote_data").is_some_and(|d| !d.items().is_empty())
    }
}

const ANSWERS: &str = "`quote_data` is a list of `group_id` (at most 50 characters) and `questions`, a list of maps from question to answer";

/// The part of a path that holds the n-th row of answers of a group.
pub fn answer_part(group: &str, row: usize) -> String {
    let group = group.replace(['[', ']'], "_");
    if row > 1 {
        format!("dealhub.quote_data[{group}#{row}]")
    } else {
        format!("dealhub.quote_data[{group}]")
    }
}

/// `{question_id: q, value: a}` as `{q: a}`; all pairs of a group are one row.
fn pairs_to_maps(questions: &[Plain]) -> Vec<Plain> {
    let mut rows = Vec::new();
    let mut paired = Object::new();
    for row in questions {
        match (row.get("question_id").and_then(Plain::scalar), row.get("value"), row) {
            (Some(question), Some(value), Plain::Map(map)) if map.len() == 2 => {
                paired.insert(question, value.clone());
            }
            _ => rows.push(row.clone()),
        }
    }
    if !paired.is_empty() {
        rows.push(Plain::Map(paired));
    }
    rows
}

/// The name written beside a deal's id, or alone.
pub fn deal_name(quote: &Quote) -> Option<String> {
    match quote.deal.set()? {
        Reference::Id { name, .. } => name.clone(),
        Reference::Named(name) => Some(name.clone()),
    }
}

/// A sent value as a fact.
pub fn value_of(native: &Native, plain: &Plain) -> Value {
    match (native.shape, plain) {
        (Shape::Number | Shape::Integer, Plain::Number(n)) => Value::Number(*n),
        (Shape::Bool, Plain::Bool(b)) => Value::Bool(*b),
        (Shape::Text(_) | Shape::Choice(_), Plain::Text(t)) => Value::text(t.clone()),
        (_, other) => Value::Plain(other.clone()),
    }
}
