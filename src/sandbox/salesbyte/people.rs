//! What people do around the API: the back office, and the customer with the link.

use serde_json::{Map, Value, json};

use super::SalesByte;
use super::record::{Approval, Quote, Signature};
use crate::sandbox::upstream::{Deed, Moment, Refused};

impl SalesByte {
    pub(super) fn by_people(&mut self, deed: Deed, m: &mut Moment<'_>) -> Result<Value, Refused> {
        match deed {
            Deed::Edit { object, id, properties } => {
                only_quotes(&object)?;
                let at = self.find(&id)?;
                let mut quote = self.quote(at)?.clone();
                self.edit(&mut quote, &properties)?;
                quote.updated_at = m.now;
                self.put(at, quote)
            }
            Deed::Create { object, mut body } => {
                only_quotes(&object)?;
                body.entry("uuid").or_insert_with(|| json!("back-office"));
                let made = self.create(&body, m).map_err(|r| Refused::bad(r.message))?;
                Ok(made.snapshot(&self.account))
            }
            Deed::Archive { object, id } => {
                only_quotes(&object)?;
                let at = self.find(&id)?;
                let gone = self.store.quotes.remove(at);
                Ok(gone.snapshot(&self.account))
            }
            Deed::Customer { id, action } => self.customer(&id, &action, m),
            Deed::Approver { .. } => Err(Refused::conflict(
                "SalesByte has no approvers; a project approval is the customer's",
            )),
        }
    }

    /// By number or by public key.
    fn find(&self, id: &str) -> Result<usize, Refused> {
        let is = |q: &Quote| q.key == id || q.id.to_string() == id;
        let at = self.store.quotes.iter().position(is);
        at.ok_or_else(|| Refused::missing(format!("there is no quote {id}")))
    }

    fn quote(&self, at: usize) -> Result<&Quote, Refused> {
        self.store.quotes.get(at).ok_or_else(|| Refused::missing("gone"))
    }

    fn put(&mut self, at: usize, quote: Quote) -> Result<Value, Refused> {
        let shown = quote.snapshot(&self.account);
        match self.store.quotes.get_mut(at) {
            Some(slot) => *slot = quote,
            None => return Err(Refused::missing("gone")),
        }
        Ok(shown)
    }

    fn edit(&self, quote: &mut Quote, properties: &Map<String, Value>) -> Result<(), Refused> {
        for (name, value) in properties {
            let wrong = || Refused::bad(format!("`{name}` cannot be `{value}`"));
            match name.as_str() {
                "customer_name" | "customer_email" | "customer_phone" | "customer_company" => {
                    match value {
                        Value::Null => {
                            quote.customer.remove(name);
                        }
                        Value::String(text) => {
                            quote.customer.insert(name.clone(), text.clone());
                        }
                        _ => return Err(wrong()),
                    }
                }
                "salesperson_email" => {
                    let email = value.as_str().ok_or_else(wrong)?;
                    self.account.salesperson(Some(email)).ok_or_else(wrong)?;
                    quote.salesperson = Some(email.to_owned());
                }
                "custom_fields" => {
                    for (field, value) in value.as_object().ok_or_else(wrong)? {
                        if !self.account.custom_fields.contains_key(field) {
                            return Err(Refused::bad(format!("there is no field `{field}`")));
                        }
                        quote.fields.insert(field.clone(), value.clone());
                    }
                }
                "statuses" => {
                    let words = value.as_array().ok_or_else(wrong)?;
                    quote.statuses = words
                        .iter()
                        .map(|w| w.as_str().map(str::to_owned).ok_or_else(wrong))
                        .collect::<Result<_, _>>()?;
                }
                "delivered" => {
                    quote.statuses.insert("delivered".to_owned());
                }
                "project_approval" => {
                    quote.approval = match value.as_str() {
                        Some("none") => Approval::None,
                        Some("pending") => Approval::Pending,
                        _ => return Err(wrong()),
                    };
                }
                _ => return Err(Refused::bad(format!("nobody can change `{name}` there"))),
            }
        }
        Ok(())
    }

    fn customer(&mut self, id: &str, action: &str, m: &Moment<'_>) -> Result<Value, Refused> {
        let at = self.find(id)?;
        let mut quote = self.quote(at)?.clone();
        let mut told = false;
        match action {
            "view" => {
                quote.statuses.insert("viewed".to_owned());
            }
            "sign" | "accept" | "sign_partly" => {
                if quote.request.get("signable") != Some(&Value::Bool(true)) {
                    return Err(Refused::conflict(format!("quote {id} cannot be signed")));
                }
                let partly = action == "sign_partly";
                quote.signature = if partly { Signature::Partly } else { Signature::Fully };
                quote.statuses.insert("signed".to_owned());
                told = true;
            }
            "approve_project" => {
                if quote.approval != Approval::Pending {
                    return Err(Refused::conflict("no project approval is asked for"));
                }
                quote.approval = Approval::Signed;
            }
            "decline" => {
                return Err(Refused::conflict("no way for a customer to decline is documented"));
            }
            other => return Err(Refused::bad(format!("a customer does not `{other}`"))),
        }
        quote.updated_at = m.now;
        if told {
            self.store.webhooks.push(quote.webhook(&self.account));
        }
        self.put(at, quote)
    }
}

fn only_quotes(object: &str) -> Result<(), Refused> {
    if object == "quotes" {
        Ok(())
    } else {
        Err(Refused::bad(format!("there are no `{object}` here, only `quotes`")))
    }
}
