//! Everything that is read: quotes, lists, documents, signers, versions, playbooks, products.
//!
//! The one thing to know: without a `feature` a quote shows its id and status only, and a draft of
//! an old version shows nothing else whatever is asked for.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::DealHub;
use super::errors::Refusal;
use super::model::{Line, Playbook, QuestionKind, Quote, Status};
use super::schema::{self, Object};
use super::settings::Settings;
use crate::facts::Plain;
use crate::money::Amount;
use crate::sandbox::upstream::Call;

/// The most quotes of one page.
const PAGE: usize = 50;
const FEATURES: [&str; 7] =
    ["info", "summary", "deal_room_info", "line_items", "answers", "approvals", "all"];

/// A text; empty is null.
pub(super) fn text(t: impl Into<String>) -> Plain {
    let t = t.into();
    if t.is_empty() { Plain::Null } else { Plain::Text(t) }
}

/// An object of these members.
pub(super) fn object<const N: usize>(members: [(&str, Plain); N]) -> Plain {
    Plain::Map(members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
}

fn time(at: Option<Timestamp>) -> Plain {
    at.map_or(Plain::Null, |at| Plain::Text(at.strftime("%Y-%m-%d %H:%M:%S").to_string()))
}

/// A factor as it is read: `"2.0"`.
fn factor(n: Amount) -> Plain {
    Plain::Text(n.canonical().at_least(1).to_string())
}

fn factors(line: &Line) -> Plain {
    Plain::Map(line.factors.iter().map(|(k, v)| (k.clone(), factor(*v))).collect())
}

fn attributes(line: &Line) -> Plain {
    let shown = |v: &String| Plain::Text(if v.is_empty() { "-".to_owned() } else { v.clone() });
    Plain::Map(line.attributes.iter().map(|(k, v)| (k.clone(), shown(v))).collect())
}

fn partners(line: &Line) -> Plain {
    let one = |p: &Plain| {
        let of = |name: &str| p.get(name).cloned().unwrap_or(Plain::Null);
        object([
            ("name", of("partner_program_name")),
            ("price", of("partner_level_item_price")),
            ("discount", of("partner_level_item_discount")),
        ])
    };
    Plain::List(line.partners.iter().map(one).collect())
}

fn sum(lines: &[Line], of: impl Fn(&Line) -> Amount) -> Amount {
    lines.iter().fold(Amount::ZERO, |a, l| a.plus(of(l)).unwrap_or(a))
}

/// The totals of lines; `sales` is what the sales discount is called here.
fn summary(lines: &[Line], currency: &str, sales: &str) -> Plain {
    let (list, net) = (sum(lines, Line::list_total), sum(lines, |l| l.net_price));
    let off = list.minus(net).unwrap_or(Amount::ZERO);
    let share = off.times(Amount::HUNDRED).and_then(|o| o.over(list)).unwrap_or(Amount::ZERO);
    object([
        ("currency", text(currency)),
        ("total_list_price", Plain::Number(list)),
        ("total_net_price", Plain::Number(net)),
        ("total_discount", Plain::Number(share.round_half_up(2))),
        // As in the published example: 0, whatever was asked for.
        (sales, Plain::Number(Amount::ZERO)),
    ])
}

impl DealHub {
    /// The answer of generate, simulate and the actions.
    pub(super) fn quote_response(
        lines: &[Line],
        currency: &str,
        approvals: bool,
        all: bool,
    ) -> Object {
        let line = |l: &Line| {
            let mut map = BTreeMap::from([
                ("id".to_owned(), text(l.id.clone())),
                ("sku".to_owned(), text(l.sku.clone())),
                ("bundle_ref".to_owned(), Plain::Text(l.bundle_ref.clone())),
                ("name".to_owned(), text(l.name.clone())),
                ("list_price".to_owned(), Plain::Number(l.list_price)),
                ("net_price".to_owned(), Plain::Number(l.net_price)),
                ("product_factors".to_owned(), factors(l)),
                ("total_discount".to_owned(), Plain::Number(l.total_discount)),
            ]);
            if all {
                let more = object([
                    ("primary_tag", Plain::Null),
                    ("msrp", Plain::Number(l.msrp)),
                    ("msrp_discount", Plain::Number(l.msrp_discount)),
                    ("net_per_unit", Plain::Number(l.net_per_unit)),
                    ("partner_discounts", partners(l)),
                    ("sales_discount", Plain::Number(l.sales_discount)),
                    ("attributes", attributes(l)),
                ]);
                map.insert("additional_data".to_owned(), more);
            }
            Plain::Map(map)
        };
        BTreeMap::from([
            ("dealroom_url".to_owned(), Plain::Null),
            ("approval_flows".to_owned(), Plain::Bool(approvals)),
            ("summary".to_owned(), summary(lines, currency, "total_sales_discount")),
            ("line_items".to_owned(), Plain::List(lines.iter().map(line).collect())),
        ])
    }

    /// The answer about a stored quote; `status` as the call tells it.
    pub(super) fn response_for(&self, at: usize, status: &str, all: bool) -> Plain {
        let Some(quote) = self.quotes.get(at) else { return Plain::Null };
        let needed = !quote.approvals.is_empty() || !self.needed_approvals(quote).is_empty();
        let mut body = Self::quote_response(&quote.lines, self.currency_of(quote), needed, all);
        body.insert("status".to_owned(), text(status));
        body.insert("dealhub_proposal_id".to_owned(), text(quote.number.clone()));
        body.insert("dealhub_quote_id".to_owned(), text(quote.id.clone()));
        if let Some(url) = &quote.dealroom_url {
            body.insert("dealroom_url".to_owned(), text(url.clone()));
        }
        Plain::Map(body)
    }

    fn currency_of(&self, quote: &Quote) -> &str {
        let found = self.opportunities.iter().find(|o| o.id == quote.opportunity);
        found.map_or("USD", |o| o.currency.as_str())
    }

    fn features(call: &Call) -> Result<Vec<String>, Refusal> {
        let asked = call.list("feature");
        match asked.iter().find(|f| !FEATURES.contains(&f.as_str())) {
            Some(bad) => Err(Refusal::bad(format!("The value {bad} is not supported for feature"))),
            None => Ok(asked),
        }
    }

    fn known_params(call: &Call, known: &[&str]) -> Result<(), Refusal> {
        match call.query.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some((name, _)) => Err(Refusal::bad(format!("Unrecognized parameter: {name}"))),
            None => Ok(()),
        }
    }

    fn render(&self, quote: &Quote, features: &[String], now: Timestamp) -> Result<Plain, Refusal> {
        self.render_under(&self.settings, quote, features, now)
    }

    fn render_under(
        &self,
        settings: &Settings,
        quote: &Quote,
        features: &[String],
        now: Timestamp,
    ) -> Result<Plain, Refusal> {
        let wants = |f: &str| features.iter().any(|g| g == f || g == "all");
        let status = quote.told(now);
        let old = settings.quote_upgrade_required && status == Status::Draft;
        let mut map = BTreeMap::from([
            ("dealhub_quote_id".to_owned(), text(quote.id.clone())),
            ("status".to_owned(), text(status.word(settings.spaced_statuses))),
            ("quote_upgrade_required".to_owned(), Plain::Bool(old)),
        ]);
        if old {
            return Ok(Plain::Map(map));
        }
        if wants("approvals") {
            if settings.approvals_broken {
                return Err(Refusal::bad("The user does not exist"));
            }
            map.insert("approvals".to_owned(), approvals(quote));
        }
        if wants("info") {
            map.insert("info".to_owned(), self.info(quote));
        }
        if wants("summary") {
            let summary = summary(&quote.lines, self.currency_of(quote), "sales_discount");
            map.insert("summary".to_owned(), summary);
        }
        if wants("deal_room_info") && matches!(status, Status::Published | Status::Won) {
            let url = quote.dealroom_url.clone().unwrap_or_default();
            map.insert("deal_room_info".to_owned(), object([("url", text(url))]));
        }
        if wants("line_items") {
            let lines = quote.lines.iter().enumerate().map(|(i, l)| read_line(l, i)).collect();
            map.insert("line_items".to_owned(), Plain::List(lines));
        }
        if wants("answers") {
            let answer = |a: &super::model::Answer| {
                object([
                    ("system_name", Plain::Null),
                    ("system_id", Plain::Null),
                    ("group_id", text(a.group_id.clone())),
                    ("group_name", text(a.group_name.clone())),
                    ("question_id", text(a.question_id.clone())),
                    ("question", text(a.question.clone())),
                    ("answer", Plain::Text(a.answer.clone())),
                ])
            };
            map.insert(
                "answers".to_owned(),
                Plain::List(quote.answers.iter().map(answer).collect()),
            );
        }
        Ok(Plain::Map(map))
    }

    fn info(&self, quote: &Quote) -> Plain {
        let found = self.opportunities.iter().find(|o| o.id == quote.opportunity);
        let of = |f: &dyn Fn(&super::model::Opportunity) -> String| {
            text(found.map(f).unwrap_or_default())
        };
        let expires = Timestamp::from_millisecond(quote.expires).ok();
        let url = format!("https://app.dealhub.example/quote/{}", quote.id);
        let primary = self.quotes.iter().find(|q| q.opportunity == quote.opportunity);
        let members: [(&str, Plain); 22] = [
            ("external_opportunity_id", text(quote.opportunity.clone())),
            ("external_quote_id", text(quote.external_quote_id.clone())),
            ("external_customer_id", of(&|o| o.customer_id.clone())),
            ("customer_id", Plain::Null),
            ("account_name", of(&|o| o.customer.clone())),
            ("contact_name", of(&|o| o.contact.clone())),
            ("contact_email", of(&|o| o.email.clone())),
            ("dealhub_opportunity_id", Plain::Null),
            ("dealhub_quote_name", text(quote.name.clone())),
            ("dealhub_quote_number", text(quote.number.clone())),
            ("duplicate_from_quote", text(quote.duplicate_from.clone())),
            ("primary_quote", Plain::Bool(primary.is_some_and(|p| p.id == quote.id))),
            ("created_by", text("API")),
            ("creation_date", time(Some(quote.created))),
            ("submission_date", time(quote.submitted)),
            ("expiration_date", time(expires)),
            ("won_date", time(quote.won)),
            ("geo_code", of(&|o| o.geo.clone())),
            ("currency", of(&|o| o.currency.clone())),
            ("playbook", text(quote.playbook.clone())),
            ("quote_url", text(url)),
            ("version_id", text(quote.version_id.clone())),
        ];
        object(members)
    }

    /// `GET /api/v2/quote/{id}`.
    pub(super) fn read_quote(
        &self,
        id: &str,
        call: &Call,
        now: Timestamp,
    ) -> Result<Plain, Refusal> {
        Self::known_params(call, &["feature", "external_identifier_flag"])?;
        let features = Self::features(call)?;
        let external = call.param("external_identifier_flag") == Some("true");
        let is = |q: &&Quote| if external { q.external_quote_id == id } else { q.id == id };
        let found = self.quotes.iter().filter(|q| q.visible_from <= now).find(is);
        self.render(found.ok_or_else(|| Refusal::missing(id))?, &features, now)
    }

    /// `GET /api/v2/quotes`.
    pub(super) fn list_quotes(&self, call: &Call, now: Timestamp) -> Result<Plain, Refusal> {
        Self::known_params(call, &["external_opportunity_id", "feature", "offset", "limit"])?;
        let features = Self::features(call)?;
        let number = |name: &str, default: usize, from: usize, to: usize| match call.param(name) {
            None => Ok(default),
            Some(raw) => raw
                .parse::<usize>()
                .ok()
                .filter(|n| (from..=to).contains(n))
                .ok_or_else(|| Refusal::bad(format!("{name} must be between {from} and {to}"))),
        };
        let offset = number("offset", 0, 0, 10_000)?;
        let limit = number("limit", PAGE, 1, PAGE)?;
        let opportunity = call.param("external_opportunity_id");
        let all: Vec<&Quote> = self
            .quotes
            .iter()
            .filter(|q| q.visible_from <= now)
            .filter(|q| opportunity.is_none_or(|o| q.opportunity == o))
            .collect();
        let page: Vec<Plain> = all
            .iter()
            .skip(offset)
            .take(limit)
            .map(|q| self.render(q, &features, now))
            .collect::<Result<_, _>>()?;
        let more = offset + page.len() < all.len();
        let info = [
            ("more_results_matching_the_request", Plain::Bool(more)),
            ("offset", text(offset.to_string())),
            ("limit", text(limit.to_string())),
        ];
        if self.settings.flat_list {
            let [a, b, c] = info;
            return Ok(object([a, b, c, ("quotes", Plain::List(page))]));
        }
        Ok(object([("info", object(info)), ("quotes", Plain::List(page))]))
    }

    /// `GET /api/v1/quote/id/{number}`.
    pub(super) fn quote_id(&self, number: &str) -> Result<Plain, Refusal> {
        let found = self.quotes.iter().find(|q| q.number == number);
        let found =
            found.ok_or_else(|| Refusal::bad("Error: Unable to retrieve DealHub quote ID."))?;
        Ok(object([("dealhub_quote_id", text(found.id.clone()))]))
    }

    /// `GET /api/v1/quote/{id}/document`: the bytes.
    pub(super) fn document(&self, id: &str, call: &Call) -> Result<String, Refusal> {
        let quote = self.quotes.iter().find(|q| q.id == id).ok_or_else(|| Refusal::missing(id))?;
        if quote.status == Status::Draft {
            return Err(Refusal::bad("Cannot retrieve the document of a quote in 'Draft' status"));
        }
        let kind = call.param("document_type").unwrap_or("PDF");
        let playbook = self.seed.playbooks.iter().find(|p| p.name == quote.playbook);
        if !playbook.is_some_and(|p| p.documents.iter().any(|d| d == kind)) {
            let why = format!("The document type {kind} is not supported by the quote playbook");
            return Err(Refusal::bad(why));
        }
        Ok(format!("%{kind} of {}", quote.number))
    }

    /// `GET /api/v1/dealroom/{opportunity}`.
    pub(super) fn dealroom(&self, opportunity: &str) -> Result<Plain, Refusal> {
        let found = self
            .quotes
            .iter()
            .find(|q| q.opportunity == opportunity && q.dealroom_url.is_some())
            .ok_or_else(|| Refusal::bad("No DealRoom instance found"))?;
        let state = match (found.signers.len(), found.status) {
            (_, Status::Won) => "Signed",
            (0, _) => "Not signed",
            _ => "Partially signed",
        };
        let signer = |name: &String| object([("signee_name", text(name.clone()))]);
        Ok(object([
            ("dealroom_state", text(state)),
            ("buyer_signers", Plain::List(found.signers.iter().map(signer).collect())),
            ("seller_signers", Plain::List(Vec::new())),
        ]))
    }

    /// `GET /api/v1/versions`.
    pub(super) fn versions(&self, call: &Call) -> Result<Plain, Refusal> {
        Self::known_params(call, &["status"])?;
        let status = call.param("status");
        let version = |v: &super::model::Version| {
            object([
                ("name", text(v.name.clone())),
                ("comment", text(v.comment.clone())),
                ("status", text(v.status.clone())),
                ("version_id", text(v.version_id.clone())),
            ])
        };
        let hidden = |s: &str| s == "ACTIVE" && self.settings.no_active_version;
        let all = self.seed.versions.iter().filter(|v| !hidden(&v.status));
        let all = all.filter(|v| status.is_none_or(|s| v.status == s));
        Ok(Plain::List(all.map(version).collect()))
    }

    /// `POST /api/v1/version/product_by_sku`.
    pub(super) fn products(&self, body: &Object) -> Result<Plain, Refusal> {
        schema::check(schema::BY_SKU, body)?;
        let version = body.get("version_id").and_then(Plain::as_text).unwrap_or_default();
        if !self.seed.versions.iter().any(|v| v.version_id == version) {
            return Err(Refusal::bad("The version ID does not exist"));
        }
        let asked: Vec<&str> = body
            .get("sku")
            .map(Plain::items)
            .unwrap_or_default()
            .iter()
            .filter_map(Plain::as_text)
            .collect();
        let known = |sku: &&&str| self.seed.products.iter().any(|p| p.sku == ***sku);
        let unknown: Vec<&str> = asked.iter().filter(|s| !known(s)).copied().collect();
        let info = if unknown.is_empty() {
            String::new()
        } else {
            format!("The following SKUs were not found: {}", unknown.join(", "))
        };
        let product = |p: &super::model::Product| {
            let prices = p.price.iter().map(|(c, a)| (c.clone(), text(a.to_string()))).collect();
            object([
                ("sku", text(p.sku.clone())),
                ("name", text(p.name.clone())),
                ("type", text(p.kind.clone())),
                ("description", text(p.description.clone())),
                ("price", Plain::Map(prices)),
                ("attributes", Plain::List(Vec::new())),
                ("bundle_items", Plain::List(Vec::new())),
            ])
        };
        let found = self.seed.products.iter().filter(|p| asked.contains(&p.sku.as_str()));
        Ok(object([("info", text(info)), ("products", Plain::List(found.map(product).collect()))]))
    }

    fn playbook_of(&self, version: &str, name: &str) -> Result<&Playbook, Refusal> {
        if !self.seed.versions.iter().any(|v| v.name == version) {
            return Err(Refusal::not_found(format!("The version {version} does not exist")));
        }
        let found = self.seed.playbooks.iter().find(|p| p.name == name);
        found.ok_or_else(|| Refusal::not_found(format!("The playbook {name} does not exist")))
    }

    /// The questions of a playbook.
    pub(super) fn export(&self, version: &str, name: &str) -> Result<Plain, Refusal> {
        let playbook = self.playbook_of(version, name)?;
        let documents = playbook.documents.iter().map(|d| text(d.to_uppercase())).collect();
        let question = |q: &super::model::Question| {
            let kind = match q.kind {
                QuestionKind::Text => "Text answer",
                QuestionKind::List => "Text list",
                QuestionKind::Radio => "Radio button",
                QuestionKind::Number => "Numeric answer/range",
                QuestionKind::Date => "Date",
                QuestionKind::Item => "Manual item",
            };
            object([
                ("question_id", text(q.id.clone())),
                ("question", text(q.text.clone())),
                ("question_type", text(kind)),
                ("answers", Plain::Text(q.answers.join(";"))),
                ("default_answer", Plain::Text(String::new())),
            ])
        };
        let group = |g: &super::model::Group| {
            let kind = if g.repeatable { "REPEATABLE_GROUP" } else { "QUESTIONS_GROUP" };
            object([
                ("group_id", text(g.id.clone())),
                ("group_name", text(g.name.clone())),
                ("group_type", text(kind)),
                ("question_data", Plain::List(g.questions.iter().map(question).collect())),
            ])
        };
        let metadata = object([
            ("name", text(playbook.name.clone())),
            ("display", text(playbook.display.clone())),
            ("document_type", Plain::List(documents)),
        ]);
        Ok(object([
            ("playbook_metadata", metadata),
            ("playbook_data", Plain::List(playbook.groups.iter().map(group).collect())),
        ]))
    }

    /// A body for generate with defaults filled in.
    pub(super) fn template(&self, version: &str, name: &str) -> Result<Plain, Refusal> {
        let playbook = self.playbook_of(version, name)?;
        let group = |g: &super::model::Group| {
            let questions = g.questions.iter().map(|q| (q.id.clone(), Plain::Text(String::new())));
            object([
                ("group_id", text(g.id.clone())),
                ("questions", Plain::List(vec![Plain::Map(questions.collect())])),
            ])
        };
        Ok(object([
            ("external_opportunity_id", Plain::Text(String::new())),
            ("request_action", text("draft")),
            ("line_item_details", text("basic")),
            ("playbook", text(playbook.name.clone())),
            ("expiration_date", Plain::Text(String::new())),
            ("document_type", text(playbook.documents.first().cloned().unwrap_or_default())),
            ("quote_data", Plain::List(playbook.groups.iter().map(group).collect())),
            ("line_items", Plain::List(Vec::new())),
        ]))
    }

    /// Everything, for tests.
    pub(super) fn shown(&self) -> Plain {
        let features = vec!["all".to_owned()];
        let quote = |q: &Quote| {
            let healthy = Settings::default();
            let rendered = self.render_under(&healthy, q, &features, Timestamp::MAX);
            let rendered = rendered.unwrap_or(Plain::Null);
            let Plain::Map(mut map) = rendered else { return Plain::Null };
            map.insert("document_type".to_owned(), text(q.document_type.clone()));
            map.insert("dealroom_publish_name".to_owned(), text(q.publish_name.clone()));
            map.insert("sign_comment".to_owned(), text(q.sign_comment.clone()));
            map.insert("request".to_owned(), q.request.clone());
            Plain::Map(map)
        };
        let opportunity = |o: &super::model::Opportunity| {
            object([
                ("id", text(o.id.clone())),
                ("name", text(o.name.clone())),
                ("currency", text(o.currency.clone())),
                ("customer", text(o.customer.clone())),
                ("data", o.data.clone()),
            ])
        };
        object([
            ("quotes", Plain::List(self.quotes.iter().map(quote).collect())),
            ("opportunities", Plain::List(self.opportunities.iter().map(opportunity).collect())),
            ("billed", Plain::Number(Amount::from_int(self.billed.try_into().unwrap_or(i64::MAX)))),
        ])
    }
}

fn approvals(quote: &Quote) -> Plain {
    let one = |a: &super::model::Approval| {
        object([
            ("reviewer", text(a.reviewer.clone())),
            ("step", Plain::Number(Amount::from_int(i64::from(a.step)))),
            // Typed as text in the documents, a list in practice.
            ("reason", Plain::List(vec![text(a.reason.clone())])),
            ("status", text(a.status.clone())),
            ("impersonated_by", Plain::Null),
            ("review_date", time(a.reviewed)),
            ("reviewer_comment", text(a.comment.clone())),
        ])
    };
    Plain::List(quote.approvals.iter().map(one).collect())
}

fn read_line(line: &Line, at: usize) -> Plain {
    let ordinal = Amount::from_int(i64::try_from(at + 1).unwrap_or(i64::MAX));
    object([
        ("id", text(line.id.clone())),
        ("sku", text(line.sku.clone())),
        ("bundle_ref", Plain::Text(line.bundle_ref.clone())),
        ("name", text(line.name.clone())),
        ("primary_tag", Plain::Null),
        ("group_name", Plain::Null),
        ("ordinal", Plain::Number(ordinal)),
        ("msrp", Plain::Number(line.msrp)),
        ("msrp_discount", Plain::Number(line.msrp_discount)),
        ("list_price", Plain::Number(line.list_price)),
        ("user_price", Plain::Number(line.list_price)),
        ("user_discount", Plain::Number(Amount::ZERO)),
        ("net_per_unit", Plain::Number(line.net_per_unit)),
        ("net_price", Plain::Number(line.net_price)),
        ("partner_discounts", partners(line)),
        ("sales_discount", Plain::Number(line.sales_discount)),
        ("total_discount", Plain::Number(line.total_discount)),
        ("product_factors", factors(line)),
        ("attributes", attributes(line)),
    ])
}
