//! What people do around the API: colleagues in the user interface, customers, approvers.
//!
//! The one thing to know: locks and scopes do not hold for them, definitions do, so that a
//! misspelt property in a test is an error and not a silent nothing.

use serde_json::{Map, Value, json};

use super::HubSpot;
use super::kind::Kind;
use super::objects::Values;
use super::quotes::{is_cpq, is_live_status, is_locked};
use super::values::normalise;
use crate::sandbox::upstream::{Deed, Moment, Refused};

impl HubSpot {
    pub(super) fn by_people(&mut self, deed: Deed, m: &mut Moment<'_>) -> Result<Value, Refused> {
        match deed {
            Deed::Edit { object, id, properties } => {
                let (kind, id) = self.find(&object, &id)?;
                self.edit(kind, id, &properties, m)?;
                self.shown_to_people(kind, id)
            }
            Deed::Create { object, body } => {
                let kind = Kind::named(&object)
                    .ok_or_else(|| Refused::bad(format!("there are no `{object}` here")))?;
                let (id, _) =
                    self.make(kind, &body, m).map_err(|refusal| Refused::bad(refusal.message))?;
                self.shown_to_people(kind, id)
            }
            Deed::Archive { object, id } => {
                let (kind, id) = self.find(&object, &id)?;
                if kind == Kind::Quote {
                    // The interface takes a quote down before it throws it away.
                    self.write(kind, id, vec![("hs_locked".to_owned(), String::new())], m);
                }
                for quote in self.store.linked_ids((kind, id), Kind::Quote) {
                    let locked = self.store.live(Kind::Quote, quote).is_some_and(is_locked);
                    if locked {
                        self.archive_alone(kind, id, m);
                        return self.shown_to_people(kind, id);
                    }
                }
                self.discard(kind, id, m).map_err(|refusal| Refused::bad(refusal.message))?;
                self.shown_to_people(kind, id)
            }
            Deed::Customer { id, action } => self.customer(&id, &action, m),
            Deed::Approver { id, action } => self.approver(&id, &action, m),
        }
    }

    fn archive_alone(&mut self, kind: Kind, id: u64, m: &mut Moment<'_>) {
        let quotes = self.store.linked_ids((kind, id), Kind::Quote);
        if let Some(mut record) = self.store.live(kind, id).cloned() {
            record.archived_at = Some(m.now);
            record.updated_at = m.now;
            self.store.put(kind, record);
        }
        for quote in quotes {
            self.recompute((Kind::Quote, quote), m);
        }
    }

    fn find(&self, object: &str, id: &str) -> Result<(Kind, u64), Refused> {
        let kind = Kind::named(object)
            .ok_or_else(|| Refused::bad(format!("there are no `{object}` here")))?;
        let number = id.parse().ok().filter(|id| self.store.live(kind, *id).is_some());
        let number = number
            .ok_or_else(|| Refused::missing(format!("there is no {} {id}", kind.singular())))?;
        Ok((kind, number))
    }

    fn edit(
        &mut self,
        kind: Kind,
        id: u64,
        properties: &Map<String, Value>,
        m: &mut Moment<'_>,
    ) -> Result<(), Refused> {
        let mut values: Values = Vec::new();
        for (name, value) in properties {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Null => String::new(),
                Value::Number(number) => number.to_string(),
                Value::Bool(flag) => flag.to_string(),
                _ => return Err(Refused::bad(format!("`{name}` is not a plain value"))),
            };
            let definition = self
                .schema
                .get(kind, name)
                .ok_or_else(|| Refused::bad(format!("there is no property `{name}`")))?;
            let old = self.store.live(kind, id).and_then(|r| r.get(name));
            let text = normalise(definition, &text, old, |o| self.directory.has_owner(o))
                .map_err(|bad| Refused::bad(bad.message))?;
            values.push((name.clone(), text));
        }
        let status = values.iter().find(|(n, _)| n == "hs_status").map(|(_, v)| v.clone());
        if kind == Kind::Quote {
            values.retain(|(n, _)| n != "hs_status");
        }
        self.write(kind, id, values, m);
        if let (Kind::Quote, Some(status)) = (kind, status) {
            self.force_status(id, &status, m);
        }
        if let Some(mut record) = self.store.live(kind, id).cloned() {
            record.updated_at = m.now;
            self.store.put(kind, record);
        }
        self.recompute((kind, id), m);
        Ok(())
    }

    /// A status as people and the portal itself set it: no rules, all consequences.
    fn force_status(&mut self, id: u64, to: &str, m: &mut Moment<'_>) {
        let write = |portal: &mut Self, locked: &str, m: &mut Moment<'_>| {
            let values = vec![
                ("hs_status".to_owned(), to.to_owned()),
                ("hs_locked".to_owned(), locked.to_owned()),
            ];
            portal.write(Kind::Quote, id, values, m);
        };
        match to {
            to if is_live_status(to) => self.go_live(id, to, m),
            "ACCEPTED" => write(self, "true", m),
            _ => self.take_down(id, to, m),
        }
    }

    fn customer(&mut self, id: &str, action: &str, m: &mut Moment<'_>) -> Result<Value, Refused> {
        let (kind, number) = self.find("quotes", id)?;
        let record = self.store.live(kind, number).cloned();
        let record = record.ok_or_else(|| Refused::missing("gone"))?;
        if !record.get("hs_status").is_some_and(is_live_status) {
            return Err(Refused::conflict(format!(
                "quote {id} is not published; no customer sees it"
            )));
        }
        match action {
            // A view leaves no trace but the date: the portal writes something that is not shown.
            "view" => self.edit(kind, number, &Map::new(), m)?,
            "accept" | "sign" if is_cpq(&record) => self.force_status(number, "ACCEPTED", m),
            "accept" | "sign" => {
                return Err(Refused::conflict(
                    "a legacy quote has no status for that; edit hs_status to force it",
                ));
            }
            "decline" => {
                return Err(Refused::conflict("HubSpot quotes cannot be declined by a customer"));
            }
            other => return Err(Refused::bad(format!("a customer does not `{other}`"))),
        }
        self.shown_to_people(kind, number)
    }

    fn approver(&mut self, id: &str, action: &str, m: &mut Moment<'_>) -> Result<Value, Refused> {
        let (kind, number) = self.find("quotes", id)?;
        let waiting =
            self.store.live(kind, number).is_some_and(|r| r.is("hs_status", "PENDING_APPROVAL"));
        if !waiting {
            return Err(Refused::conflict(format!("quote {id} does not wait for an approver")));
        }
        match action {
            "approve" => {
                self.check_publishable(number)
                    .map_err(|refusal| Refused::conflict(refusal.message))?;
                self.go_live(number, "APPROVED", m);
            }
            "reject" => self.take_down(number, "REJECTED", m),
            other => return Err(Refused::bad(format!("an approver does not `{other}`"))),
        }
        self.shown_to_people(kind, number)
    }

    fn shown_to_people(&self, kind: Kind, id: u64) -> Result<Value, Refused> {
        let record = self.store.get(kind, id).ok_or_else(|| Refused::missing("gone"))?;
        Ok(json!({
            "id": id.to_string(), "archived": record.archived(), "properties": record.properties,
        }))
    }
}
