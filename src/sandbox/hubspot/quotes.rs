//! Quotes: the state machine, what is derived at a status write, publishing, the lock.
//!
//! Invariants: a published quote is locked; what is locked is refused every write but the one
//! that unlocks it, and in strict mode that one too; publishing checks before it does anything.
//!
//! The one thing to know: any status write derives the values that the portal fills in (slug,
//! number, domain, locale, currency). A value that was given stays, save for the currency, which
//! is the deal's wherever there is a deal.

use serde_json::json;

use super::HubSpot;
use super::errors::{BadValue, Refusal};
use super::kind::Kind;
use super::objects::{InlineLink, Values};
use super::settings::{LockMode, QuoteSystem};
use super::store::Record;
use crate::sandbox::upstream::Moment;

pub(super) fn is_cpq(record: &Record) -> bool {
    record.is("hs_template_type", "CPQ_QUOTE")
}

pub(super) fn is_locked(record: &Record) -> bool {
    record.is("hs_locked", "true")
}

/// A status in which the customer can see the quote.
pub(super) fn is_live_status(status: &str) -> bool {
    matches!(status, "APPROVED" | "APPROVAL_NOT_NEEDED")
}

fn value<'a>(values: &'a Values, name: &str) -> Option<&'a str> {
    values.iter().find(|(n, v)| n == name && !v.is_empty()).map(|(_, v)| v.as_str())
}

fn bad(name: &str, code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal::values(&[BadValue::new(name, code, message)])
}

pub(super) fn pair(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}

impl HubSpot {
    /// Looks at the values of a quote that is about to be made; takes the status out of them.
    pub(super) fn prepare_quote(
        &self,
        values: &mut Values,
        m: &mut Moment<'_>,
    ) -> Result<Option<String>, Refusal> {
        let kind = value(values, "hs_template_type");
        refuse_old_template(kind)?;
        let cpq = kind == Some("CPQ_QUOTE");
        match self.settings.quote_system {
            QuoteSystem::Legacy if cpq => {
                return Err(bad(
                    "hs_template_type",
                    "INVALID_OPTION",
                    "CPQ_QUOTE is not available in this account",
                ));
            }
            QuoteSystem::Cpq if !cpq => {
                return Err(bad(
                    "hs_template_type",
                    "INVALID_OPTION",
                    "legacy quotes are not available in this account; hs_template_type must be CPQ_QUOTE",
                ));
            }
            _ => {}
        }
        if cpq && value(values, "hs_type").is_some_and(|t| t != "INITIAL") {
            return Err(bad(
                "hs_type",
                "INVALID_OPTION",
                "only INITIAL can be set through the API",
            ));
        }
        let status = value(values, "hs_status").map(str::to_owned);
        values.retain(|(n, _)| n != "hs_status");
        if cpq {
            values.retain(|(n, _)| n != "hs_esign_enabled");
            if value(values, "hs_acceptance_method").is_none() {
                values.push(pair("hs_acceptance_method", "print_and_sign"));
            }
        }
        values.push(pair("hs_public_url_key", m.random.uuid().replace('-', "")));
        if value(values, "hs_slug").is_none() && !self.settings.publish_needs.contains("hs_slug") {
            values.push(pair("hs_slug", m.random.slug(24)));
        }
        // A CPQ quote is a draft at first, whatever was asked for.
        Ok(if cpq { Some("DRAFT".to_owned()) } else { status })
    }

    /// The rest of a creation, once the record and its links are there.
    pub(super) fn begin_quote(
        &mut self,
        id: u64,
        status: Option<&str>,
        links: &[InlineLink],
        m: &mut Moment<'_>,
    ) -> Result<(), Refusal> {
        let cpq = self.store.live(Kind::Quote, id).is_some_and(is_cpq);
        if cpq {
            self.begin_cpq(id, links, m);
        }
        match status {
            Some(status) => self.set_status(id, status, m),
            None => Ok(()),
        }
    }

    pub(super) fn linked_deal(&self, quote: u64) -> Option<u64> {
        self.store.linked_ids((Kind::Quote, quote), Kind::Deal).first().copied()
    }

    /// An update of a quote through the API.
    pub(super) fn change_quote(
        &mut self,
        id: u64,
        mut values: Values,
        m: &mut Moment<'_>,
    ) -> Result<(), Refusal> {
        let record =
            self.store.live(Kind::Quote, id).cloned().ok_or_else(|| Refusal::missing("0"))?;
        let status = values.iter().find(|(n, _)| n == "hs_status").map(|(_, v)| v.clone());
        if is_locked(&record) {
            return match (values.len(), status) {
                (0, _) if self.settings.lock_mode == LockMode::Documented => Ok(()),
                (1, Some(to)) if self.settings.lock_mode == LockMode::Documented => {
                    self.set_status(id, &to, m)
                }
                _ => Err(Refusal::locked(id)),
            };
        }
        if let Some(template_type) = value(&values, "hs_template_type") {
            refuse_old_template(Some(template_type))?;
            if (template_type == "CPQ_QUOTE") != is_cpq(&record) {
                return Err(bad(
                    "hs_template_type",
                    "INVALID_OPTION",
                    "the quote system is chosen when a quote is created",
                ));
            }
        }
        if is_cpq(&record) {
            values.retain(|(n, _)| n != "hs_esign_enabled");
        }
        values.retain(|(n, _)| n != "hs_status");
        self.write(Kind::Quote, id, values, m);
        if let Some(to) = status {
            self.set_status(id, &to, m)?;
        }
        self.recompute((Kind::Quote, id), m);
        Ok(())
    }

    /// A status write through the API.
    fn set_status(&mut self, id: u64, to: &str, m: &mut Moment<'_>) -> Result<(), Refusal> {
        let Some(record) = self.store.live(Kind::Quote, id).cloned() else { return Ok(()) };
        let from = record.get("hs_status").unwrap_or_default();
        let refused = || {
            bad("hs_status", "INVALID_OPTION", format!("hs_status cannot go from {from} to {to}"))
        };
        match (from, to) {
            ("ACCEPTED" | "VOID", _) | (_, "ACCEPTED") => Err(refused()),
            (from, to) if is_live_status(from) && is_live_status(to) => Ok(()),
            (from, "DRAFT" | "PENDING_APPROVAL" | "REJECTED") if is_live_status(from) => {
                self.take_down(id, to, m);
                Ok(())
            }
            // Neither void nor "no status" is open to a live quote.
            (from, _) if is_live_status(from) => Err(refused()),
            ("REJECTED", to) if is_live_status(to) => Err(refused()),
            (_, to) if is_live_status(to) => {
                self.check_publishable(id)?;
                self.go_live(id, to, m);
                Ok(())
            }
            (_, to) => {
                self.derive(id, m);
                self.write(Kind::Quote, id, vec![pair("hs_status", to)], m);
                self.recompute((Kind::Quote, id), m);
                Ok(())
            }
        }
    }

    /// Unlocks a published quote. Guess: the slug stays, the links go.
    pub(super) fn take_down(&mut self, id: u64, to: &str, m: &mut Moment<'_>) {
        self.derive(id, m);
        let values = vec![
            pair("hs_status", to),
            pair("hs_locked", "false"),
            pair("hs_quote_link", ""),
            pair("hs_pdf_download_link", ""),
        ];
        self.write(Kind::Quote, id, values, m);
        self.recompute((Kind::Quote, id), m);
    }

    /// Publishes, with all that follows from it.
    pub(super) fn go_live(&mut self, id: u64, to: &str, m: &mut Moment<'_>) {
        self.derive(id, m);
        self.recompute((Kind::Quote, id), m);
        let Some(record) = self.store.live(Kind::Quote, id).cloned() else { return };
        let text = |name: &str| record.get(name).unwrap_or_default().to_owned();
        let link = format!("https://{}/{}", text("hs_domain"), text("hs_slug"));
        let pays = record.is("hs_payment_enabled", "true");
        let mut values = vec![
            pair("hs_status", to),
            pair("hs_locked", "true"),
            pair("hs_pdf_download_link", format!("{link}.pdf")),
            pair("hs_quote_link", link),
            pair("hs_payment_status", if pays { "PENDING" } else { "PAYMENT_NOT_ENABLED" }),
        ];
        if Self::wants_signature(&record) {
            self.esign_used += 1;
            let signers = self.signers(id).max(1);
            values.push(pair("hs_esign_num_signers_required", signers.to_string()));
        }
        let cpq = is_cpq(&record);
        if let Some(mut stored) = self.store.get(Kind::Quote, id).cloned() {
            stored.published_at = Some(m.now);
            self.store.put(Kind::Quote, stored);
        }
        self.write(Kind::Quote, id, values, m);
        if cpq {
            self.tell_deal(id, m);
        }
    }

    /// What any status write fills in.
    pub(super) fn derive(&mut self, id: u64, m: &mut Moment<'_>) {
        let Some(record) = self.store.live(Kind::Quote, id) else { return };
        let cpq = is_cpq(record);
        let quote = (Kind::Quote, id);
        let template = self
            .store
            .linked_ids(quote, Kind::Template)
            .first()
            .and_then(|t| self.store.live(Kind::Template, *t));
        let of_template = |name: &str| template.and_then(|t| t.get(name)).map(str::to_owned);
        let account = &self.directory.account;
        let deal_currency = self
            .linked_deal(id)
            .and_then(|d| self.store.live(Kind::Deal, d))
            .and_then(|d| d.get("deal_currency_code"))
            .map(str::to_owned);
        let mut values = Vec::new();
        let mut fill = |name: &str, derived: Option<String>| {
            let given = record.get(name).is_some() || self.settings.publish_needs.contains(name);
            if let (false, Some(derived)) = (given, derived) {
                values.push(pair(name, derived));
            }
        };
        fill("hs_template_type", Some("CUSTOMIZABLE_QUOTE_TEMPLATE".to_owned()));
        fill("hs_quote_total_preference", Some("TOTAL_FIRST_PAYMENT".to_owned()));
        let domain =
            if cpq { Some(account.quote_domain.clone()) } else { of_template("hs_domain") };
        fill("hs_domain", domain);
        fill("hs_slug", Some(m.random.slug(24)));
        fill("hs_timezone", Some(account.time_zone.clone()));
        fill("hs_language", of_template("hs_language"));
        fill("hs_locale", of_template("hs_locale"));
        fill("hs_quote_number", Some(m.now.strftime("%Y%m%d-%H%M%S%3f").to_string()));
        fill("hs_currency", Some(account.currency.clone()));
        if let Some(currency) = deal_currency {
            values.retain(|(n, _)| n != "hs_currency");
            values.push(pair("hs_currency", currency));
        }
        self.write(Kind::Quote, id, values, m);
    }

    fn wants_signature(record: &Record) -> bool {
        if is_cpq(record) {
            record.is("hs_acceptance_method", "esignature")
        } else {
            record.is("hs_esign_enabled", "true")
        }
    }

    fn signers(&self, id: u64) -> usize {
        self.store
            .linked((Kind::Quote, id))
            .filter(|((kind, _), types)| *kind == Kind::Contact && types.contains(&702))
            .count()
    }

    /// All that stands in the way of publishing, in one refusal.
    pub(super) fn check_publishable(&self, id: u64) -> Result<(), Refusal> {
        let Some(record) = self.store.live(Kind::Quote, id) else { return Ok(()) };
        let has = |kind: Kind| !self.store.linked_ids((Kind::Quote, id), kind).is_empty();
        let cpq = is_cpq(record);
        let mut missing: Vec<String> = Vec::new();
        let mut need = |met: bool, what: &str| {
            if !met {
                missing.push(what.to_owned());
            }
        };
        need(has(Kind::Deal), "an associated deal");
        need(has(Kind::Template), "an associated quote template");
        need(
            has(Kind::LineItem) || (!cpq && !self.settings.require_lines),
            "an associated line item",
        );
        if cpq {
            need(has(Kind::Contact), "an associated contact");
            need(record.get("hs_sender_email").is_some(), "hs_sender_email");
            let unpayable = record.is("hs_payment_enabled", "true")
                && record.is("hs_acceptance_method", "print_and_sign");
            need(
                !unpayable,
                "an acceptance method other than print_and_sign when payments are enabled",
            );
        }
        if Self::wants_signature(record) {
            need(!cpq || self.signers(id) > 0, "a contact signer");
            let left = self.settings.esign_quota.is_none_or(|quota| self.esign_used < quota);
            need(left, "e-signatures left in this month's quota");
        }
        for name in &self.settings.publish_needs {
            need(record.get(name).is_some(), name);
        }
        if missing.is_empty() {
            return Ok(());
        }
        let mut refusal = Refusal::invalid(format!(
            "Quote {id} cannot be published. It needs: {}",
            missing.join("; ")
        ));
        refusal.context.insert("missing".to_owned(), json!(missing));
        Err(refusal)
    }

    /// In strict mode a published quote cannot be archived.
    pub(super) fn refuse_to_delete(&self, record: &Record) -> Result<(), Refusal> {
        if is_locked(record) && self.settings.lock_mode == LockMode::Strict {
            return Err(Refusal::coded(
                "PUBLISHED_QUOTE_CANNOT_BE_DELETED",
                format!("PUBLISHED_QUOTE_CANNOT_BE_DELETED: quote {} is published", record.id),
            ));
        }
        Ok(())
    }
}

fn refuse_old_template(template_type: Option<&str>) -> Result<(), Refusal> {
    match template_type {
        Some(old @ ("QUOTE" | "PROPOSAL")) => Err(bad(
            "hs_template_type",
            "INVALID_OPTION",
            format!("{old} is not supported through the API"),
        )),
        _ => Ok(()),
    }
}
