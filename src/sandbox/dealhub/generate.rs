//! Generate and simulate: from a request body to a quote.
//!
//! Invariants: a body is checked whole before anything is made; what a line says is taken as it
//! was sent (`net_price` is the caller's business) and overwrites what the playbook produced.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::DealHub;
use super::errors::Refusal;
use super::model::{Answer, Group, Line, Opportunity, Playbook, Question, QuestionKind, Quote};
use super::model::{Approval, Status};
use super::schema::{self, Object};
use crate::facts::Plain;
use crate::money::Amount;
use crate::sandbox::upstream::Moment;

fn text(body: &Object, name: &str) -> String {
    body.get(name).and_then(Plain::as_text).unwrap_or_default().to_owned()
}

fn number(body: &Object, name: &str) -> Option<Amount> {
    match body.get(name) {
        Some(Plain::Number(n)) => Some(*n),
        _ => None,
    }
}

impl DealHub {
    /// `POST /api/v1/quote/generate`: the index of the new quote.
    pub(super) fn generate(&mut self, body: &Object, m: &mut Moment<'_>) -> Result<usize, Refusal> {
        schema::check(schema::GENERATE, body)?;
        let action = text(body, "request_action");
        if action == "sign_externally" && text(body, "sign_externally_comment").is_empty() {
            return Err(Refusal::payload("sign_externally_comment", "must not be null", "null"));
        }
        if self.settings.crm_api && !matches!(body.get("opportunity_data"), Some(Plain::Map(_))) {
            return Err(Refusal::payload("opportunity_data", "must not be null", "null"));
        }
        let body = &self.without_dropped(body);
        let version = self.active_version()?;
        let playbook = self.playbook(&text(body, "playbook"))?.clone();
        let document = text(body, "document_type");
        if !playbook.documents.contains(&document) {
            let why = format!("The document template is not available for {document}.");
            return Err(Refusal::generation(&why));
        }
        if action == "publish" && document != "DealRoom" {
            return Err(Refusal::bad(
                "Publish quote failed: The document type of the quote must be 'DealRoom'.",
            ));
        }
        let default = |field: &str, fallback: &Option<String>| {
            let given = text(body, field);
            let name = if given.is_empty() { fallback.clone() } else { Some(given) };
            name.ok_or_else(|| {
                Refusal::generation(
                    "The quote name or DealRoom publish name is missing or invalid.",
                )
            })
        };
        let name = default("quote_name", &self.settings.default_quote_name)?;
        let publish_name = default("dealroom_publish_name", &self.settings.default_publish_name)?;
        let expires = self.expiry(body, m.now)?;
        let opportunity = self.check_opportunity(body)?;
        let lines = self.lines(body, &playbook, &opportunity.currency)?;
        let answers = Self::answers(body, &playbook)?;

        self.billed += 1;
        self.serial += 1;
        let id = format!("68C0{:012}", self.serial);
        let visible = i64::try_from(self.settings.visibility).unwrap_or(i64::MAX);
        let quote = Quote {
            id,
            number: format!("Q-{}", 12_900 + self.serial),
            status: Status::Draft,
            lagging: None,
            opportunity: opportunity.id.clone(),
            name,
            publish_name,
            document_type: document,
            playbook: playbook.name,
            expires,
            total_sales_discount: number(body, "total_sales_discount"),
            answers,
            lines,
            created: m.now,
            visible_from: m
                .now
                .checked_add(SignedDuration::from_millis(visible))
                .unwrap_or(Timestamp::MAX),
            submitted: None,
            won: None,
            version_id: version,
            approvals: Vec::new(),
            signers: Vec::new(),
            redlining: false,
            sign_comment: text(body, "sign_externally_comment"),
            external_quote_id: String::new(),
            duplicate_from: String::new(),
            dealroom_url: None,
            request: Plain::Map(body.clone()),
        };
        match self.opportunities.iter_mut().find(|o| o.id == opportunity.id) {
            Some(stored) => *stored = opportunity,
            None => self.opportunities.push(opportunity),
        }
        self.quotes.push(quote);
        let at = self.quotes.len() - 1;
        let later = match action.as_str() {
            "draft" => Ok(()),
            "submit" => self.submit(at, m),
            "publish" => self.submit(at, m).and_then(|()| self.publish(at, m)),
            _ => self.submit(at, m).and_then(|()| self.sign(at, m)),
        };
        if let Err(refusal) = later {
            if !self.settings.keep_orphans {
                self.quotes.truncate(at);
            }
            return Err(refusal);
        }
        Ok(at)
    }

    /// `POST /api/v1/quote/simulate`: currency and lines; nothing is stored.
    pub(super) fn simulate(&self, body: &Object) -> Result<(String, Vec<Line>), Refusal> {
        schema::check(schema::SIMULATE, body)?;
        let by_id = text(body, "external_opportunity_id");
        let by_place = (text(body, "geo_code"), text(body, "currency"));
        let placed = !by_place.0.is_empty() || !by_place.1.is_empty();
        if by_id.is_empty() != placed
            || (placed && (by_place.0.is_empty() || by_place.1.is_empty()))
        {
            return Err(Refusal::bad(
                "Simulation failed: Provide either the external opportunity ID or the geo code and currency.",
            ));
        }
        let version = text(body, "version_id");
        if !version.is_empty() && !self.seed.versions.iter().any(|v| v.version_id == version) {
            return Err(Refusal::bad("Simulation failed: The version ID does not exist."));
        }
        if version.is_empty() {
            self.active_version()?;
        }
        let currency = if placed {
            by_place.1
        } else {
            let found = self.opportunities.iter().find(|o| o.id == by_id);
            found.ok_or_else(|| Refusal::missing(&by_id))?.currency.clone()
        };
        let playbook = self.playbook(&text(body, "playbook"))?.clone();
        Self::answers(body, &playbook)?;
        Ok((currency.clone(), self.lines(body, &playbook, &currency)?))
    }

    pub(super) fn active_version(&self) -> Result<String, Refusal> {
        let active = self.seed.versions.iter().find(|v| v.status == "ACTIVE");
        match active.filter(|_| !self.settings.no_active_version) {
            Some(version) => Ok(version.version_id.clone()),
            None => Err(Refusal::bad("Request failed: No active version was found.")),
        }
    }

    /// The body without what this tenant drops in silence.
    fn without_dropped(&self, body: &Object) -> Object {
        let dropped = &self.settings.drop_field;
        let mut body = body.clone();
        body.retain(|name, _| !dropped.contains(name));
        if let Some(Plain::List(lines)) = body.get_mut("line_items") {
            for line in lines {
                if let Plain::Map(line) = line {
                    line.retain(|name, _| name == "sku" || !dropped.contains(name));
                }
            }
        }
        body
    }

    fn playbook(&self, name: &str) -> Result<&Playbook, Refusal> {
        if name.is_empty() {
            let first = self.seed.playbooks.iter().find(|p| p.api);
            return first.ok_or_else(|| Refusal::generation("There is no playbook of type 'API'."));
        }
        let found = self.seed.playbooks.iter().find(|p| p.name == name);
        let found =
            found.ok_or_else(|| Refusal::generation("The provided playbook does not exist."))?;
        if found.api {
            Ok(found)
        } else {
            Err(Refusal::generation("The provided playbook must be of type 'API'."))
        }
    }

    fn expiry(&self, body: &Object, now: Timestamp) -> Result<i64, Refusal> {
        let Some(given) = number(body, "expiration_date").and_then(Amount::to_int) else {
            let days = self
                .settings
                .default_expiry_days
                .ok_or_else(|| Refusal::generation("The expiration date is missing or invalid."))?;
            return Ok(now.as_millisecond() + i64::from(days) * 86_400_000);
        };
        if given < now.as_millisecond() {
            return Err(Refusal::generation("The expiration date has already passed."));
        }
        Ok(given)
    }

    fn check_opportunity(&self, body: &Object) -> Result<Opportunity, Refusal> {
        let id = text(body, "external_opportunity_id");
        let stored = self.opportunities.iter().find(|o| o.id == id);
        let Some(Plain::Map(data)) = body.get("opportunity_data") else {
            return stored.cloned().ok_or_else(|| Refusal::missing(&id));
        };
        let currency = text(data, "currency");
        if let Some(stored) = stored.filter(|o| o.currency != currency) {
            return Err(Refusal::bad(format!(
                "Currency mismatch. The opportunity's currency is {}.",
                stored.currency
            )));
        }
        let contacts = data.get("customer_contacts").map(Plain::items).unwrap_or_default();
        let primary = contacts
            .iter()
            .find(|c| c.get("primary_contact") == Some(&Plain::Bool(true)))
            .or(contacts.first());
        let of = |name: &str| primary.and_then(|c| c.get(name)).and_then(Plain::as_text);
        let (contact, email) = match (of("first_name"), of("last_name"), of("email")) {
            (Some(first), Some(last), Some(email)) => (format!("{first} {last}"), email.to_owned()),
            _ => stored.map(|o| (o.contact.clone(), o.email.clone())).unwrap_or_default(),
        };
        Ok(Opportunity {
            id,
            name: text(data, "external_opportunity_name"),
            customer_id: text(data, "external_customer_id"),
            customer: text(data, "customer_name"),
            currency,
            geo: text(data, "geo_code"),
            contact,
            email,
            data: Plain::Map(data.clone()),
        })
    }

    fn lines(
        &self,
        body: &Object,
        playbook: &Playbook,
        currency: &str,
    ) -> Result<Vec<Line>, Refusal> {
        let mut lines = Vec::new();
        for (group, _, answers) in rows(body) {
            for (question, answer) in answers {
                let kind = find(playbook, &group, &question).map(|(_, q)| q.kind);
                if kind == Some(QuestionKind::Item) {
                    lines.push(self.line(&Object::new(), &answer, currency, lines.len())?);
                }
            }
        }
        for item in body.get("line_items").map(Plain::items).unwrap_or_default() {
            let Plain::Map(item) = item else { continue };
            let made = self.line(item, &text(item, "sku"), currency, lines.len())?;
            lines.push(made);
        }
        Ok(lines)
    }

    fn line(&self, item: &Object, sku: &str, currency: &str, at: usize) -> Result<Line, Refusal> {
        let Some(product) = self.seed.products.iter().find(|p| p.sku == sku) else {
            return Err(Refusal::generation(&format!("The SKU {sku} does not exist.")));
        };
        let map = |name: &str| match item.get(name) {
            Some(Plain::Map(map)) => map.clone(),
            _ => Object::new(),
        };
        let mut attributes = BTreeMap::new();
        for (name, value) in map("attributes") {
            let value = value.scalar().unwrap_or_default();
            if value.chars().count() > 255 {
                return Err(Refusal::generation(&format!(
                    "The proposal attribute {name} of line_item[{sku}] is too long."
                )));
            }
            attributes.insert(name, value);
        }
        let catalog = product.price.get(currency).copied().unwrap_or(Amount::ZERO);
        let list_price = number(item, "list_price").unwrap_or(catalog);
        let mut factors: BTreeMap<String, Amount> = map("product_factors")
            .into_iter()
            .filter_map(|(name, v)| Some((name, v.as_number()?)))
            .collect();
        if factors.is_empty() {
            factors.insert("Quantity".to_owned(), Amount::from_int(1));
        }
        let given = text(item, "item_name");
        let zero = Amount::ZERO;
        let mut line = Line {
            id: format!("{}{:03}", self.serial + 1, at + 1),
            sku: sku.to_owned(),
            name: if given.is_empty() { product.name.clone() } else { given },
            bundle_ref: text(item, "bundle_ref_sku"),
            list_price,
            net_per_unit: number(item, "net_price_per_unit").unwrap_or(list_price),
            net_price: zero,
            msrp: number(item, "msrp").unwrap_or(list_price),
            msrp_discount: number(item, "msrp_discount").unwrap_or(zero),
            sales_discount: number(item, "sales_discount").unwrap_or(zero),
            total_discount: number(item, "total_discount").unwrap_or(zero),
            factors,
            attributes,
            partners: item
                .get("partner_program_data")
                .map(Plain::items)
                .unwrap_or_default()
                .to_vec(),
        };
        line.net_price = number(item, "net_price").unwrap_or_else(|| line.list_total());
        Ok(line)
    }

    fn answers(body: &Object, playbook: &Playbook) -> Result<Vec<Answer>, Refusal> {
        let mut answers = Vec::new();
        for (group_id, row, given) in rows(body) {
            let group = playbook.groups.iter().find(|g| g.id == group_id);
            let wrong = |question: &str| {
                let name = group.map_or(group_id.as_str(), |g| g.name.as_str());
                Refusal::generation(&format!(
                    "The answer for [{name} - {question}] contains invalid values."
                ))
            };
            if row > 0 && group.is_some_and(|g| !g.repeatable) {
                return Err(wrong("the group is not repeatable"));
            }
            for (question_id, answer) in given {
                let (group, question) =
                    find(playbook, &group_id, &question_id).ok_or_else(|| wrong(&question_id))?;
                if !fits(question, &answer) {
                    return Err(wrong(&question.id));
                }
                answers.push(Answer {
                    group_id: group.id.clone(),
                    group_name: group.name.clone(),
                    question_id: question.id.clone(),
                    question: question.text.clone(),
                    answer,
                });
            }
        }
        for group in &playbook.groups {
            for question in group.questions.iter().filter(|q| q.mandatory) {
                if !answers.iter().any(|a| a.question_id == question.id && !a.answer.is_empty()) {
                    return Err(Refusal::generation(&format!(
                        "Mandatory question is missing: {}",
                        question.id
                    )));
                }
            }
        }
        Ok(answers)
    }

    /// Whether a quote has to be approved, and by whom.
    pub(super) fn needed_approvals(&self, quote: &Quote) -> Vec<Approval> {
        let Some(limit) = self.settings.approval_above else { return Vec::new() };
        if quote.discount() <= Amount::from_int(i64::from(limit)) {
            return Vec::new();
        }
        vec![Approval {
            reviewer: "Mo Berg".to_owned(),
            step: 1,
            reason: format!("discount above {limit}%"),
            status: "waiting".to_owned(),
            reviewed: None,
            comment: String::new(),
        }]
    }
}

/// A row of answers: group, number of the row in its group, answers by question.
type Row = (String, usize, Vec<(String, String)>);

/// The rows of `quote_data`. Both forms of a question are taken: a map from id to answer, and the
/// pair of `question_id` and `value` of the tutorials.
fn rows(body: &Object) -> Vec<Row> {
    let mut out = Vec::new();
    for group in body.get("quote_data").map(Plain::items).unwrap_or_default() {
        let id = group.get("group_id").and_then(Plain::as_text).unwrap_or_default();
        let questions = group.get("questions").map(Plain::items).unwrap_or_default();
        let mut pairs: Vec<(String, String)> = Vec::new();
        let mut row = 0;
        for question in questions {
            let Plain::Map(map) = question else { continue };
            if let (Some(name), Some(value), 2) =
                (map.get("question_id"), map.get("value"), map.len())
            {
                let name = name.scalar().unwrap_or_default();
                pairs.push((name, value.scalar().unwrap_or_default()));
                continue;
            }
            let all = map.iter().map(|(k, v)| (k.clone(), v.scalar().unwrap_or_default()));
            out.push((id.to_owned(), row, all.collect()));
            row += 1;
        }
        if !pairs.is_empty() {
            out.push((id.to_owned(), row, pairs));
        }
    }
    out
}

fn find<'p>(
    playbook: &'p Playbook,
    group: &str,
    question: &str,
) -> Option<(&'p Group, &'p Question)> {
    let group = playbook.groups.iter().find(|g| g.id == group)?;
    group.questions.iter().find(|q| q.id == question).map(|q| (group, q))
}

fn fits(question: &Question, answer: &str) -> bool {
    match question.kind {
        QuestionKind::Text | QuestionKind::Item => answer.chars().count() <= 4000,
        QuestionKind::Radio => question.answers.iter().any(|a| a == answer),
        QuestionKind::List => answer.split(';').all(|a| question.answers.iter().any(|k| k == a)),
        QuestionKind::Number => Amount::parse(answer).is_ok_and(|n| {
            question.from.is_none_or(|from| n >= Amount::from_int(from))
                && question.to.is_none_or(|to| n <= Amount::from_int(to))
        }),
        QuestionKind::Date => answer.len() == 10 && answer.parse::<jiff::civil::Date>().is_ok(),
    }
}
