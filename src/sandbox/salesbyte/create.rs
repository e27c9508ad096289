//! `POST /integrations/create_quote`: what is refused, what is dropped, what comes of it.
//!
//! The one thing to know: nothing here is idempotent. The same body twice makes two quotes, and
//! the customer may be told twice.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::errors::Refusal;
use super::record::{Approval, Message, Quote, Signature, read_date};
use super::{FIRST_ID, SalesByte};
use crate::sandbox::random::Random;
use crate::sandbox::upstream::Moment;

/// Every documented field but the numbered ones.
const FIELDS: [&str; 17] = [
    "uuid",
    "quote_profile_id",
    "customer_name",
    "customer_email",
    "customer_phone",
    "customer_company",
    "salesperson_email",
    "send_type",
    "chat_enabled",
    "message",
    "trigger_created_messages_to_customer",
    "workflows_enabled",
    "allow_customer_document_upload",
    "signable",
    "signable_until",
    "alternatives",
    "custom_fields",
];
const FLAGS: [&str; 5] = [
    "chat_enabled",
    "trigger_created_messages_to_customer",
    "workflows_enabled",
    "allow_customer_document_upload",
    "signable",
];
/// The flags that the table calls required and the examples leave out.
const REQUIRED_FLAGS: [&str; 3] =
    ["workflows_enabled", "allow_customer_document_upload", "signable"];
const CUSTOMER: [&str; 4] =
    ["customer_name", "customer_email", "customer_phone", "customer_company"];

/// SKUs and how many of each.
type Lines = Vec<(String, u32)>;

/// Problems by field, in the order of names.
#[derive(Default)]
struct Problems(BTreeMap<String, Vec<String>>);

impl Problems {
    fn add(&mut self, field: &str, why: impl Into<String>) {
        self.0.entry(field.to_owned()).or_default().push(why.into());
    }
}

impl SalesByte {
    /// Checks and makes a quote.
    pub(super) fn create(
        &mut self,
        body: &Map<String, Value>,
        m: &mut Moment<'_>,
    ) -> Result<Quote, Refusal> {
        let mut problems = Problems::default();
        match body.get("uuid") {
            Some(Value::String(uuid)) if uuid == "invalid" => {
                return Err(Refusal::missing("Integration not found."));
            }
            Some(Value::String(uuid)) if !uuid.is_empty() => {}
            _ => problems.add("uuid", "The uuid field is required."),
        }
        self.check(body, &mut problems);
        let (lines, all_lines) = self.alternatives(body, &mut problems);
        if !problems.0.is_empty() {
            return Err(Refusal::fields(problems.0));
        }
        let profile = body.get("quote_profile_id").and_then(Value::as_u64).unwrap_or_default();
        if !self.account.profiles.contains_key(&profile) {
            return Err(Refusal::missing("Quote profile not found."));
        }
        if self.settings.strict_profile && profile != self.account.own_profile {
            return Err(Refusal::field(
                "quote_profile_id",
                "The quote profile does not belong to this integration.",
            ));
        }
        let quote = self.make(body, profile, if lines.is_empty() { all_lines } else { lines }, m);
        self.tell(&quote, body);
        let delivered = !self.settings.never_delivered
            && self.store.messages.iter().any(|msg| msg.quote == quote.id && msg.about == "quote");
        let mut quote = quote;
        if delivered {
            quote.statuses.insert("delivered".to_owned());
        }
        self.store.quotes.push(quote.clone());
        Ok(quote)
    }

    fn check(&self, body: &Map<String, Value>, problems: &mut Problems) {
        let text = |name: &str| filled(body, name);
        match body.get("quote_profile_id") {
            Some(Value::Number(n)) if n.is_u64() => {}
            Some(_) => {
                problems.add("quote_profile_id", "The quote profile id must be an integer.");
            }
            None => problems.add("quote_profile_id", "The quote profile id field is required."),
        }
        for name in ["customer_name", "send_type"] {
            if text(name).is_none() {
                problems.add(name, format!("The {name} field is required."));
            }
        }
        for (name, value) in body {
            let is_text = matches!(value, Value::String(_) | Value::Null);
            if is_text_field(name) && !is_text {
                problems.add(name, format!("The {name} must be a string."));
            }
            if self.settings.strict_fields && !is_known(name) {
                problems.add(name, format!("The {name} field is not allowed."));
            }
        }
        self.check_sending(body, problems);
        for name in FLAGS {
            let fine = match body.get(name) {
                None | Some(Value::Bool(_)) => true,
                Some(value) => {
                    name == "trigger_created_messages_to_customer"
                        && matches!(value.as_u64(), Some(0 | 1))
                }
            };
            if !fine {
                problems.add(name, format!("The {name} field must be true or false."));
            }
        }
        for name in REQUIRED_FLAGS {
            if self.settings.strict_required && !body.contains_key(name) {
                problems.add(name, format!("The {name} field is required."));
            }
        }
        if let Some(until) = text("signable_until")
            && read_date(until).is_none()
        {
            problems.add("signable_until", "The signable until is not a valid date.");
        }
        if let Some(email) = text("salesperson_email")
            && self.account.salesperson(Some(email)).is_none()
        {
            problems.add("salesperson_email", "The salesperson is not a registered user.");
        }
        check_custom_fields(body, problems);
    }

    fn check_sending(&self, body: &Map<String, Value>, problems: &mut Problems) {
        let send_type = filled(body, "send_type").unwrap_or_default();
        let (mail, phone) = match send_type {
            "email" => (true, false),
            "sms" => (false, true),
            "phone" if self.settings.accept_phone => (false, true),
            "dual" => (true, true),
            "auto" | "none" | "" => (false, false),
            _ => {
                problems.add("send_type", "The selected send type is invalid.");
                (false, false)
            }
        };
        for (name, needed) in [("customer_email", mail), ("customer_phone", phone)] {
            if needed && filled(body, name).is_none() {
                let why = format!("The {name} field is required when send type is {send_type}.");
                problems.add(name, why);
            }
        }
        if filled(body, "customer_email").is_some_and(|e| !is_email(e)) {
            problems.add("customer_email", "The customer email must be a valid email address.");
        }
        if filled(body, "customer_phone").is_some_and(|p| !self.is_phone(p)) {
            problems.add("customer_phone", "The customer phone format is invalid.");
        }
    }

    fn is_phone(&self, text: &str) -> bool {
        let Some(digits) = text.strip_prefix('+') else { return false };
        let fine = digits.bytes().all(|b| b.is_ascii_digit());
        let swedish = digits.starts_with("46") && digits.len() == 11;
        fine && (swedish || self.settings.foreign_phones && (8..=15).contains(&digits.len()))
    }

    /// The lines of the first alternative by `sort_order`, and of the first legacy slot.
    fn alternatives(&self, body: &Map<String, Value>, problems: &mut Problems) -> (Lines, Lines) {
        let mut first: Option<(i64, Lines)> = None;
        let list = match body.get("alternatives") {
            None | Some(Value::Null) => &[][..],
            Some(Value::Array(list)) => list,
            Some(_) => {
                problems.add("alternatives", "The alternatives must be an array.");
                &[]
            }
        };
        for (i, row) in list.iter().enumerate() {
            let at = |field: &str| format!("alternatives.{i}.{field}");
            let order = match row.get("sort_order") {
                None | Some(Value::Null) => i64::MAX,
                Some(order) => order.as_i64().unwrap_or_else(|| {
                    problems.add(&at("sort_order"), "The sort order must be an integer.");
                    0
                }),
            };
            if row.get("title").is_some_and(|t| !t.is_string() && !t.is_null()) {
                problems.add(&at("title"), "The title must be a string.");
            }
            let lines = match (row.get("bundle_id"), row.get("skus")) {
                // A bundle wins over SKUs.
                (Some(bundle), _) if !bundle.is_null() => {
                    self.bundle(bundle, &at("bundle_id"), problems)
                }
                (_, Some(Value::Array(skus))) if !skus.is_empty() => {
                    self.skus(skus, &at("skus"), problems)
                }
                _ => {
                    problems.add(&at("bundle_id"), "A bundle id or skus is required.");
                    Vec::new()
                }
            };
            if first.as_ref().is_none_or(|(lowest, _)| order < *lowest) {
                first = Some((order, lines));
            }
        }
        let mut legacy = Vec::new();
        for n in 1..=3 {
            let name = format!("alternative_{n}_bundle_id");
            if let Some(bundle) = body.get(&name).filter(|b| !b.is_null()) {
                let lines = self.bundle(bundle, &name, problems);
                if legacy.is_empty() {
                    legacy = lines;
                }
            }
        }
        (first.map(|(_, lines)| lines).unwrap_or_default(), legacy)
    }

    fn bundle(&self, value: &Value, at: &str, problems: &mut Problems) -> Lines {
        match value.as_u64() {
            Some(id) if self.account.bundles.contains_key(&id) => self.account.lines(Some(id), &[]),
            Some(_) => {
                problems.add(at, "The selected bundle is invalid.");
                Vec::new()
            }
            None => {
                problems.add(at, "The bundle id must be an integer.");
                Vec::new()
            }
        }
    }

    fn skus(&self, list: &[Value], at: &str, problems: &mut Problems) -> Lines {
        let mut skus = Vec::new();
        for (i, value) in list.iter().enumerate() {
            // One sample has bare numbers.
            let sku = match value {
                Value::String(sku) => sku.clone(),
                Value::Number(n) => n.to_string(),
                _ => {
                    problems.add(&format!("{at}.{i}"), "The sku must be a string.");
                    continue;
                }
            };
            if self.account.products.contains_key(&sku) {
                skus.push(sku);
            } else {
                problems.add(&format!("{at}.{i}"), "The selected sku is invalid.");
            }
        }
        self.account.lines(None, &skus)
    }

    fn make(
        &self,
        body: &Map<String, Value>,
        profile: u64,
        lines: Lines,
        m: &mut Moment<'_>,
    ) -> Quote {
        let kept = |name: &str| !self.settings.drop_field.contains(name);
        let mut request = body.clone();
        request.remove("uuid");
        let customer = CUSTOMER
            .into_iter()
            .filter(|name| kept(name))
            .filter_map(|name| Some((name.to_owned(), filled(body, name)?.to_owned())))
            .collect();
        let fields = body
            .get("custom_fields")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            // A field that the profile does not have is ignored (guess).
            .filter(|(name, _)| self.account.custom_fields.contains_key(*name))
            .filter(|(name, _)| kept(&format!("custom_fields.{name}")))
            .filter_map(|(name, entry)| Some((name.clone(), entry.get("value")?.clone())))
            .collect();
        let seller = filled(body, "salesperson_email").filter(|_| kept("salesperson_email"));
        Quote {
            id: self.store.quotes.iter().map(|q| q.id).max().unwrap_or(FIRST_ID - 1) + 1,
            key: key(m.random),
            profile,
            customer,
            salesperson: seller.map(str::to_owned),
            fields,
            lines: if kept("alternatives") { lines } else { Vec::new() },
            statuses: BTreeSet::new(),
            signature: Signature::None,
            approval: Approval::None,
            created_at: m.now,
            updated_at: m.now,
            request,
        }
    }

    /// Sends what the request asks for.
    fn tell(&mut self, quote: &Quote, body: &Map<String, Value>) {
        let mail = filled(body, "customer_email");
        let phone = filled(body, "customer_phone");
        let by_mail = mail.map(|to| ("email", to));
        let by_phone = phone.map(|to| ("sms", to));
        // `auto` is explained nowhere; e-mail first (guess).
        let first = by_mail.or(by_phone);
        let ways: Vec<(&str, &str)> = match filled(body, "send_type").unwrap_or_default() {
            "email" => by_mail.into_iter().collect(),
            "sms" | "phone" => by_phone.into_iter().collect(),
            "dual" => by_mail.into_iter().chain(by_phone).collect(),
            "auto" => first.into_iter().collect(),
            _ => Vec::new(),
        };
        let trigger = body.get("trigger_created_messages_to_customer");
        let told = trigger.is_some_and(|t| *t == Value::Bool(true) || t.as_u64() == Some(1));
        let created = first.filter(|_| told).map(|way| (way, "created"));
        for ((channel, to), about) in ways.into_iter().map(|w| (w, "quote")).chain(created) {
            self.store.messages.push(Message {
                quote: quote.id,
                channel: channel.to_owned(),
                to: to.to_owned(),
                about: about.to_owned(),
            });
        }
    }
}

fn check_custom_fields(body: &Map<String, Value>, problems: &mut Problems) {
    let fields = match body.get("custom_fields") {
        None | Some(Value::Null) => return,
        Some(Value::Object(fields)) => fields,
        Some(_) => {
            problems.add("custom_fields", "The custom fields must be an object.");
            return;
        }
    };
    for (name, entry) in fields {
        let at = format!("custom_fields.{name}");
        let Some(entry) = entry.as_object() else {
            problems.add(&at, "The custom field must be an object.");
            continue;
        };
        let flags = match entry.get("attribute") {
            None => continue,
            Some(Value::Object(flags)) => flags,
            Some(_) => {
                problems.add(&at, "The attribute must be an object.");
                continue;
            }
        };
        for (flag, value) in flags {
            let known =
                matches!(flag.as_str(), "required" | "editableByContact" | "hideFromContact");
            if !known || !value.is_boolean() {
                problems.add(&format!("{at}.attribute.{flag}"), "The attribute is invalid.");
            }
        }
    }
}

/// A text that is there and not empty.
fn filled<'a>(body: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    body.get(name).and_then(Value::as_str).filter(|t| !t.is_empty())
}

fn numbered(name: &str, prefix: &str, suffix: &str, most: u32) -> bool {
    name.strip_prefix(prefix)
        .and_then(|rest| rest.strip_suffix(suffix))
        .and_then(|n| n.parse::<u32>().ok())
        .is_some_and(|n| (1..=most).contains(&n))
}

fn is_text_field(name: &str) -> bool {
    CUSTOMER.contains(&name)
        || matches!(name, "uuid" | "send_type" | "message" | "salesperson_email" | "signable_until")
        || numbered(name, "tag_", "", 10)
        || numbered(name, "custom_field_", "_content", 10)
        || numbered(name, "alternative_", "_title", 3)
}

fn is_known(name: &str) -> bool {
    FIELDS.contains(&name) || is_text_field(name) || numbered(name, "alternative_", "_bundle_id", 3)
}

fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty() && host.contains('.') && !host.contains('@') && !text.contains(' ')
    })
}

/// Fourteen letters and digits.
fn key(random: &mut Random) -> String {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    (0..14)
        .map(|_| {
            let at = usize::try_from(random.below(62)).unwrap_or(0);
            char::from(LETTERS.get(at).copied().unwrap_or(b'a'))
        })
        .collect()
}
