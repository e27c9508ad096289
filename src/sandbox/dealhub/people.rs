//! What people do around the API: colleagues in the user interface, customers, approvers.
//!
//! The one thing to know: editing, recalling, archiving and approving exist only here; the API has
//! none of them.

use serde_json::{Map, Value, json};

use super::DealHub;
use super::model::{Quote, Status};
use super::schema::Object;
use crate::facts::Plain;
use crate::json;
use crate::sandbox::upstream::{Deed, Moment, Refused};

impl DealHub {
    pub(super) fn by_people(&mut self, deed: Deed, m: &mut Moment<'_>) -> Result<Value, Refused> {
        match deed {
            Deed::Edit { object, id, properties } => {
                only_quotes(&object)?;
                self.edit(&id, &properties)?;
                self.shown_to_people(&id)
            }
            Deed::Create { object, body } => {
                only_quotes(&object)?;
                self.create_by_hand(body, m)
            }
            Deed::Archive { object, id } => {
                only_quotes(&object)?;
                self.find(&id)?.status = Status::Archived;
                self.shown_to_people(&id)
            }
            Deed::Customer { id, action } => {
                self.customer(&id, &action, m)?;
                self.shown_to_people(&id)
            }
            Deed::Approver { id, action } => {
                self.approver(&id, &action, m)?;
                self.shown_to_people(&id)
            }
        }
    }

    fn find(&mut self, id: &str) -> Result<&mut Quote, Refused> {
        let found = self.quotes.iter_mut().find(|q| q.id == id);
        found.ok_or_else(|| Refused::missing(format!("there is no quote {id}")))
    }

    /// A colleague writes a draft, or duplicates a quote with `{"duplicate": id}`.
    fn create_by_hand(
        &mut self,
        mut body: Map<String, Value>,
        m: &mut Moment<'_>,
    ) -> Result<Value, Refused> {
        if let Some(id) = body.remove("duplicate") {
            let id = id.as_str().unwrap_or_default().to_owned();
            let mut copy = self.find(&id)?.clone();
            self.serial += 1;
            copy.id = format!("68C0{:012}", self.serial);
            copy.number = format!("Q-{}", 12_900 + self.serial);
            copy.status = Status::Draft;
            copy.duplicate_from = id;
            copy.created = m.now;
            let id = copy.id.clone();
            self.quotes.push(copy);
            return self.shown_to_people(&id);
        }
        let text = Value::Object(body).to_string();
        let body: Object = match json::read(text.as_bytes()) {
            Ok(Plain::Map(map)) => map,
            _ => return Err(Refused::bad("a JSON object is wanted")),
        };
        let billed = self.billed;
        let at = self.generate(&body, m).map_err(|refusal| Refused::bad(refusal.text))?;
        self.billed = billed;
        let id = self.quotes.get(at).map(|q| q.id.clone()).unwrap_or_default();
        self.shown_to_people(&id)
    }

    fn edit(&mut self, id: &str, properties: &Map<String, Value>) -> Result<(), Refused> {
        let text = Value::Object(properties.clone()).to_string();
        let Ok(Plain::Map(exact)) = json::read(text.as_bytes()) else {
            return Err(Refused::bad("a JSON object is wanted"));
        };
        let quote = self.find(id)?;
        for (name, value) in &exact {
            let word = value.scalar().unwrap_or_default();
            match name.as_str() {
                "status" => {
                    quote.status = Status::parse(&word)
                        .ok_or_else(|| Refused::bad(format!("there is no status `{word}`")))?;
                }
                "quote_name" => quote.name = word,
                "external_quote_id" => quote.external_quote_id = word,
                "redlining" => quote.redlining = word == "true",
                "expiration_date" => {
                    let millis = value.as_number().and_then(crate::money::Amount::to_int);
                    quote.expires =
                        millis.ok_or_else(|| Refused::bad("`expiration_date` is a number"))?;
                }
                "line_items" => {
                    for line in value.items() {
                        edit_line(quote, line)?;
                    }
                }
                other => return Err(Refused::bad(format!("`{other}` cannot be edited here"))),
            }
        }
        Ok(())
    }

    fn customer(&mut self, id: &str, action: &str, m: &mut Moment<'_>) -> Result<(), Refused> {
        let now = m.now;
        let quote = self.find(id)?;
        if quote.status != Status::Published {
            return Err(Refused::conflict(format!(
                "quote {id} is not published; no customer sees it"
            )));
        }
        match action {
            // DealHub tells views by webhook only.
            "view" => Ok(()),
            "sign_partly" => {
                quote.signers.push("First Signer".to_owned());
                Ok(())
            }
            "accept" | "sign" => {
                quote.signers.push("Buyer".to_owned());
                quote.status = Status::Won;
                quote.won = Some(now);
                Ok(())
            }
            "decline" => Err(Refused::conflict("a DealRoom has no way to decline")),
            other => Err(Refused::bad(format!("a customer does not `{other}`"))),
        }
    }

    fn approver(&mut self, id: &str, action: &str, m: &mut Moment<'_>) -> Result<(), Refused> {
        let now = m.now;
        let quote = self.find(id)?;
        if quote.status != Status::ApprovalProcess {
            return Err(Refused::conflict(format!("quote {id} does not wait for an approver")));
        }
        let (word, status) = match action {
            "approve" => ("approved", Status::ReadyToBeSent),
            "reject" => ("rejected", Status::Rejected),
            other => return Err(Refused::bad(format!("an approver does not `{other}`"))),
        };
        for approval in &mut quote.approvals {
            word.clone_into(&mut approval.status);
            approval.reviewed = Some(now);
        }
        quote.status = status;
        Ok(())
    }

    fn shown_to_people(&mut self, id: &str) -> Result<Value, Refused> {
        let quote = self.find(id)?;
        Ok(json!({
            "id": quote.id, "number": quote.number, "name": quote.name,
            "status": quote.status.word(false),
        }))
    }
}

fn only_quotes(object: &str) -> Result<(), Refused> {
    if object == "quotes" {
        return Ok(());
    }
    Err(Refused::bad(format!("there are no `{object}` here")))
}

/// Changes the first line with this SKU.
fn edit_line(quote: &mut Quote, change: &Plain) -> Result<(), Refused> {
    let sku = change.get("sku").and_then(Plain::as_text).unwrap_or_default();
    let line = quote.lines.iter_mut().find(|l| l.sku == sku);
    let line = line.ok_or_else(|| Refused::bad(format!("the quote has no line `{sku}`")))?;
    if let Some(name) = change.get("name").and_then(Plain::as_text) {
        name.clone_into(&mut line.name);
    }
    for (name, slot) in [("net_price", &mut line.net_price), ("list_price", &mut line.list_price)] {
        if let Some(amount) = change.get(name).and_then(Plain::as_number) {
            *slot = amount;
        }
    }
    Ok(())
}
