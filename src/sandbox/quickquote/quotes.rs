//! The endpoints of quotes: create, read, list, update, delete, mail.

use jiff::Timestamp;

use super::body::{Body, document};
use super::record::{Discount, DiscountKind, Mail, Quote, Shipping, Status};
use super::render::{int, object};
use super::settings::{Clearing, FixedWord, Leniency};
use super::{Answered, Done, QuickQuote, Refusal};
use crate::facts::Plain;
use crate::money::Amount;
use crate::sandbox::upstream::{Call, Moment};

/// The write shape.
const KEYS: &[&str] = &[
    "email",
    "first_name",
    "last_name",
    "phone",
    "remarks",
    "internal_notes",
    "public_notes",
    "customer_id",
    "assignee_id",
    "tags",
    "discount",
    "shipping",
    "custom_fields",
    "status",
];

impl QuickQuote {
    pub(super) fn create(&mut self, call: &Call, m: &mut Moment<'_>) -> Answered {
        let document = document(call)?;
        let quote = self.make(&Body::of(&document)?, m.now)?;
        Ok(Done::Body(self.render(&quote)))
    }

    /// Makes a quote from a write shape.
    pub(super) fn make(&mut self, body: &Body<'_>, now: Timestamp) -> Result<Quote, Refusal> {
        let known: Vec<&str> = KEYS.iter().copied().chain(["line_items"]).collect();
        body.only(&known, self.settings.unknown_keys)?;
        for key in ["email", "first_name", "last_name"] {
            if body.text(key)?.is_none_or(|t| t.trim().is_empty()) {
                return Err(Refusal::bad(format!("{key} is required.")));
            }
        }
        let mut quote = Quote {
            id: self.data.next_quote,
            number: self.data.next_number,
            created_on: now.strftime("%Y-%m-%dT%H:%M:%S%.3f").to_string(),
            ..Quote::default()
        };
        self.write(&mut quote, body)?;
        if let Some(Plain::List(lines)) = body.get("line_items") {
            for line in lines {
                let line = self.make_line(&Body::of(line)?)?;
                quote.lines.extend(line);
            }
        }
        self.data.next_quote += 1;
        self.data.next_number += 1;
        self.data.quotes.push(quote.clone());
        Ok(quote)
    }

    /// Writes the fields of a body; the status is not among them.
    pub(super) fn write(&self, quote: &mut Quote, body: &Body<'_>) -> Result<(), Refusal> {
        let wanted = |key: &str| body.has(key) && !self.settings.drop_field.contains(key);
        for (key, slot) in [
            ("email", &mut quote.email),
            ("first_name", &mut quote.first_name),
            ("last_name", &mut quote.last_name),
        ] {
            if wanted(key)
                && let Some(text) = body.text(key)?.filter(|t| !t.trim().is_empty())
            {
                *slot = text;
            }
        }
        for (key, slot) in [
            ("phone", &mut quote.phone),
            ("remarks", &mut quote.remarks),
            ("internal_notes", &mut quote.internal_notes),
            ("public_notes", &mut quote.public_notes),
            ("tags", &mut quote.tags),
        ] {
            if wanted(key) {
                *slot = body.text(key)?;
            }
        }
        for (key, slot) in
            [("customer_id", &mut quote.customer_id), ("assignee_id", &mut quote.assignee_id)]
        {
            if wanted(key) {
                *slot = body.int(key)?;
            }
        }
        // Only the shop's staff can be assigned.
        quote.assignee_id = quote.assignee_id.filter(|id| self.shop.assignee(*id).is_some());
        if wanted("discount") {
            self.write_discount(&mut quote.discount, body)?;
        }
        if wanted("shipping") {
            match body.get("shipping") {
                None if self.settings.clearing == Clearing::Null => quote.shipping = None,
                None => {}
                Some(shipping) => {
                    let shipping = Body::of(shipping)?;
                    let name = shipping.text("shipping_name")?.unwrap_or_default();
                    let price = shipping.amount("shipping_price")?.unwrap_or_default();
                    let nothing = name.is_empty() && price.is_zero();
                    quote.shipping = (!nothing).then_some(Shipping { name, price });
                }
            }
        }
        if wanted("custom_fields")
            && let Some(Plain::List(fields)) = body.get("custom_fields")
        {
            for field in fields {
                self.write_field(quote, &Body::of(field)?)?;
            }
        }
        Ok(())
    }

    fn write_field(&self, quote: &mut Quote, field: &Body<'_>) -> Result<(), Refusal> {
        let Some(id) = field.int("id")? else { return Ok(()) };
        let Some(known) = self.shop.field(id) else { return Ok(()) };
        // A value that does not fit is not refused: it empties the field.
        match field.get("value").and_then(|v| known.accept(v)) {
            Some(value) => quote.fields.insert(id, value),
            None => quote.fields.remove(&id),
        };
        Ok(())
    }

    /// Reads `discount` of a quote or line.
    pub(super) fn write_discount(
        &self,
        slot: &mut Option<Discount>,
        body: &Body<'_>,
    ) -> Result<(), Refusal> {
        let Some(discount) = body.get("discount") else {
            if self.settings.clearing == Clearing::Null {
                *slot = None;
            }
            return Ok(());
        };
        let discount = Body::of(discount)?;
        let word = discount.text("discount_type")?.unwrap_or_default();
        let amount = discount.amount("discount_amount")?.unwrap_or_default();
        let reason = discount.text("discount_reason")?.or(discount.text("reason")?);
        let fixed = match self.settings.fixed_word {
            FixedWord::Both => matches!(word.as_str(), "fixed" | "fixed_amount"),
            FixedWord::Fixed => word == "fixed",
            FixedWord::FixedAmount => word == "fixed_amount",
        };
        let kind = match word.as_str() {
            "percentage" => DiscountKind::Percentage,
            _ if fixed => DiscountKind::Fixed,
            _ if self.settings.unknown_discount == Leniency::Reject => {
                return Err(Refusal::bad(format!("{word} is not a valid discount type")));
            }
            _ => return Ok(()),
        };
        let too_much = kind == DiscountKind::Percentage && amount > Amount::HUNDRED;
        if amount.is_negative() || too_much {
            return Err(Refusal::bad("discount_amount is out of range"));
        }
        *slot = (!amount.is_zero()).then_some(Discount { kind, word, amount, reason });
        Ok(())
    }

    pub(super) fn read(&self, id: i64) -> Answered {
        Ok(Done::Body(self.render(self.find(id)?)))
    }

    /// All quotes, or those of a customer, by a cursor that is the last id seen.
    pub(super) fn list(&self, call: &Call, customer: Option<i64>) -> Answered {
        let size = match call.param("page_size") {
            None => 25,
            Some(text) => {
                let size: i64 = text.parse().map_err(|_| Refusal::bad("page_size is invalid"))?;
                if self.settings.strict_paging && !(1..=100).contains(&size) {
                    return Err(Refusal::bad("page_size must be between 1 and 100"));
                }
                usize::try_from(size.clamp(1, 100)).unwrap_or(25)
            }
        };
        let after: i64 = match call.param("page") {
            None | Some("") => 0,
            Some(cursor) => cursor.parse().map_err(|_| Refusal::bad("page is invalid"))?,
        };
        let mine = |q: &&Quote| customer.is_none_or(|c| q.customer_id == Some(c));
        let total = self.data.quotes.iter().filter(mine).count();
        let size = if self.settings.odd_lists && size > 1 { size - 1 } else { size };
        let mut rest = self.data.quotes.iter().filter(mine).filter(|q| q.id > after);
        let page: Vec<&Quote> = rest.by_ref().take(size).collect();
        let next = rest.next().and(page.last()).map(|q| q.id);
        let next = if self.settings.circular_lists && after > 0 { Some(after) } else { next };
        let total = if self.settings.odd_lists { 0 } else { i64::try_from(total).unwrap_or(0) };
        Ok(Done::Body(object([
            ("total_records", int(Some(total))),
            ("next_page", int(next)),
            ("data", Plain::List(page.into_iter().map(|q| self.render(q)).collect())),
        ])))
    }

    pub(super) fn update(&mut self, id: i64, call: &Call) -> Answered {
        let document = document(call)?;
        let body = Body::of(&document)?;
        body.only(KEYS, self.settings.unknown_keys)?;
        let mut quote = self.open(id)?.clone();
        self.write(&mut quote, &body)?;
        let status = body.text("status")?.filter(|_| !self.settings.drop_field.contains("status"));
        if let Some(word) = status {
            let status = Status::read(&word)
                .ok_or_else(|| Refusal::bad(format!("{word} is not a valid status")))?;
            self.enter(&mut quote, status);
        }
        let answer = self.render(&quote);
        *self.find_mut(id)? = quote;
        Ok(Done::Body(answer))
    }

    /// Brings a quote into a status, with what the shop does then.
    pub(super) fn enter(&self, quote: &mut Quote, status: Status) {
        if status == Status::Accepted && self.settings.convert_on_accept {
            quote.draft_order = true;
        }
        quote.status = status;
    }

    pub(super) fn delete(&mut self, id: i64) -> Answered {
        self.find(id)?;
        self.data.quotes.retain(|q| q.id != id);
        Ok(Done::Nothing)
    }

    /// Mails a quote, each time anew.
    pub(super) fn email(&mut self, call: &Call) -> Answered {
        let document = document(call)?;
        let body = Body::of(&document)?;
        let known = ["quote_id", "include_link", "include_pdf", "email_assignee"];
        body.only(&known, self.settings.unknown_keys)?;
        let id = body.int("quote_id")?.ok_or_else(|| Refusal::bad("quote_id is required."))?;
        let mail = Mail {
            quote_id: id,
            to: self.find(id)?.email.clone(),
            include_link: body.flag("include_link")?.unwrap_or(false),
            include_pdf: body.flag("include_pdf")?.unwrap_or(false),
            email_assignee: body.flag("email_assignee")?.unwrap_or(false),
        };
        let back = self.settings.mail_sets_sent;
        let quote = self.find_mut(id)?;
        if quote.status == Status::Created || (back && quote.status == Status::Viewed) {
            quote.status = Status::Sent;
        }
        self.data.mails.push(mail);
        Ok(Done::Nothing)
    }
}
