//! What can only be read: the account, its owners, its tax rates.

use serde::Deserialize;
use serde_json::{Value, json};

use super::errors::Refusal;
use super::{Done, HubSpot, next_page, read_limit};
use crate::money::Amount;
use crate::sandbox::upstream::Call;

/// The account.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Account {
    pub(super) portal: u64,
    pub(super) time_zone: String,
    pub(super) currency: String,
    pub(super) ui_domain: String,
    pub(super) quote_domain: String,
}

/// A user who can own records.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Owner {
    id: String,
    user: u64,
    email: String,
    first: String,
    last: String,
    #[serde(default)]
    archived: bool,
}

/// A tax rate for line items.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TaxRate {
    id: String,
    name: String,
    label: String,
    percent: Amount,
    active: bool,
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Directory {
    pub(super) account: Account,
    pub(super) owners: Vec<Owner>,
    pub(super) taxes: Vec<TaxRate>,
}

impl Directory {
    pub(super) fn has_owner(&self, id: &str) -> bool {
        self.owners.iter().any(|o| o.id == id)
    }

    pub(super) fn has_tax(&self, id: &str) -> bool {
        self.taxes.iter().any(|t| t.id == id)
    }

    pub(super) fn tax_percent(&self, id: &str) -> Option<Amount> {
        self.taxes.iter().find(|t| t.id == id).map(|t| t.percent)
    }

    /// Owners as the options of a property: value and label.
    pub(super) fn options(&self) -> Vec<(String, String)> {
        self.owners
            .iter()
            .filter(|o| !o.archived)
            .map(|o| (o.id.clone(), format!("{} {}", o.first, o.last)))
            .collect()
    }
}

fn render_owner(owner: &Owner) -> Value {
    let mut body = json!({
        "id": owner.id, "email": owner.email, "type": "PERSON",
        "firstName": owner.first, "lastName": owner.last,
        "userIdIncludingInactive": owner.user,
        "createdAt": "2024-01-15T09:00:00.000Z", "updatedAt": "2024-01-15T09:00:00.000Z",
        "archived": owner.archived,
    });
    if let Some(map) = body.as_object_mut() {
        if !owner.archived {
            map.insert("userId".to_owned(), json!(owner.user));
        }
        map.insert("teams".to_owned(), json!([{"id": "178", "name": "Sales", "primary": true}]));
    }
    body
}

impl HubSpot {
    pub(super) fn list_owners(&self, call: &Call) -> Result<Done, Refusal> {
        let limit = read_limit(call.param("limit"), 100, 500)?;
        let archived = call.param("archived") == Some("true");
        let email = call.param("email").map(str::to_lowercase);
        let after = call.param("after").filter(|a| !a.is_empty());
        let mut found = self
            .directory
            .owners
            .iter()
            .filter(|o| o.archived == archived)
            .filter(|o| email.as_ref().is_none_or(|e| o.email.to_lowercase() == *e))
            .skip_while(|o| after.is_some_and(|a| o.id != a));
        let rows: Vec<Value> = found.by_ref().take(limit).map(render_owner).collect();
        let mut body = json!({ "results": rows });
        if let (Some(next), Some(map)) = (found.next(), body.as_object_mut()) {
            map.insert("paging".to_owned(), next_page(&next.id, "/crm/v3/owners"));
        }
        Ok(Done::ok(body))
    }

    pub(super) fn read_owner(&self, id: &str, call: &Call) -> Result<Done, Refusal> {
        let by_user = match call.param("idProperty") {
            None | Some("id") => false,
            Some("userId") => true,
            Some(other) => {
                return Err(Refusal::invalid(format!("idProperty is id or userId, not {other}")));
            }
        };
        let archived = call.param("archived") == Some("true");
        self.directory
            .owners
            .iter()
            .filter(|o| o.archived == archived)
            .find(|o| if by_user { o.user.to_string() == id } else { o.id == id })
            .map(|o| Done::ok(render_owner(o)))
            .ok_or_else(|| Refusal::missing(id))
    }

    pub(super) fn account(&self) -> Done {
        let account = &self.directory.account;
        Done::ok(json!({
            "portalId": account.portal, "accountType": "STANDARD",
            "timeZone": account.time_zone, "companyCurrency": account.currency,
            "additionalCurrencies": ["EUR", "GBP", "SEK"],
            "utcOffset": "+01:00", "utcOffsetMilliseconds": 3_600_000,
            "uiDomain": account.ui_domain, "dataHostingLocation": "na1",
        }))
    }

    pub(super) fn tax_rates(&self) -> Done {
        let rows: Vec<Value> = self
            .directory
            .taxes
            .iter()
            .map(|t| {
                json!({"id": t.id, "name": t.name, "label": t.label,
                    "percentageRate": t.percent.to_string().parse::<serde_json::Number>().ok(),
                    "active": t.active})
            })
            .collect();
        Done::ok(json!({ "results": rows }))
    }
}
