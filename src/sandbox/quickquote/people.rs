//! What people do around the API: colleagues on the admin screen, customers on the accept page.
//!
//! The one thing to know: no status stops a colleague; the customer can only do what a quote that
//! is still open lets them do.

use serde_json::{Map, Value};

use super::QuickQuote;
use super::body::Body;
use super::record::Status;
use crate::facts::Plain;
use crate::sandbox::upstream::{Deed, Moment, Refused};

impl QuickQuote {
    pub(super) fn by_people(&mut self, deed: Deed, m: &mut Moment<'_>) -> Result<Value, Refused> {
        match deed {
            Deed::Edit { object, id, properties } => self.edit(&object, number(&id)?, &properties),
            Deed::Create { object, body } => self.make_by_hand(&object, &body, m),
            Deed::Archive { object, id } => self.discard(&object, number(&id)?),
            Deed::Customer { id, action } => self.customer(number(&id)?, &action),
            Deed::Approver { .. } => Err(Refused::conflict("Quick Quote has no approvers")),
        }
    }

    fn edit(
        &mut self,
        object: &str,
        id: i64,
        properties: &Map<String, Value>,
    ) -> Result<Value, Refused> {
        let document = plain(properties)?;
        let body = Body::of(&document).map_err(|r| Refused::bad(r.message))?;
        match object {
            "quotes" => {
                let mut quote = self.find(id).map_err(|r| Refused::missing(r.message))?.clone();
                self.write(&mut quote, &body).map_err(|r| Refused::bad(r.message))?;
                if let Some(word) = body.text("status").map_err(|r| Refused::bad(r.message))? {
                    let status = Status::read(&word)
                        .ok_or_else(|| Refused::bad(format!("no status `{word}`")))?;
                    self.enter(&mut quote, status);
                }
                let slot = self.find_mut(id).map_err(|r| Refused::missing(r.message))?;
                *slot = quote;
                self.shown(id)
            }
            "line_items" => {
                let at = |q: &super::record::Quote| q.lines.iter().position(|l| l.id == id);
                let found = self.data.quotes.iter().find_map(|q| Some((q.id, at(q)?)));
                let (quote, at) =
                    found.ok_or_else(|| Refused::missing(format!("there is no line {id}")))?;
                let line = self.find(quote).ok().and_then(|q| q.lines.get(at)).cloned();
                let mut line = line.ok_or_else(|| Refused::missing("gone"))?;
                self.write_line(&mut line, &body, true).map_err(|r| Refused::bad(r.message))?;
                if let Some(slot) = self.find_mut(quote).ok().and_then(|q| q.lines.get_mut(at)) {
                    *slot = line;
                }
                self.shown(quote)
            }
            other => Err(Refused::bad(format!("there are no `{other}` here"))),
        }
    }

    fn make_by_hand(
        &mut self,
        object: &str,
        body: &Map<String, Value>,
        m: &Moment<'_>,
    ) -> Result<Value, Refused> {
        let document = plain(body)?;
        let body = Body::of(&document).map_err(|r| Refused::bad(r.message))?;
        match object {
            "quotes" => {
                let quote = self.make(&body, m.now).map_err(|r| Refused::bad(r.message))?;
                self.shown(quote.id)
            }
            "line_items" => {
                let quote = body.int("quote_id").ok().flatten();
                let quote = quote.ok_or_else(|| Refused::bad("`quote_id` is missing"))?;
                let line = self.make_line(&body).map_err(|r| Refused::bad(r.message))?;
                let line = line.ok_or_else(|| Refused::bad("the line lacks what it needs"))?;
                self.find_mut(quote).map_err(|r| Refused::missing(r.message))?.lines.push(line);
                self.shown(quote)
            }
            other => Err(Refused::bad(format!("there are no `{other}` here"))),
        }
    }

    fn discard(&mut self, object: &str, id: i64) -> Result<Value, Refused> {
        let before = (self.data.quotes.len(), self.count_lines());
        match object {
            "quotes" => self.data.quotes.retain(|q| q.id != id),
            "line_items" => {
                for quote in &mut self.data.quotes {
                    quote.lines.retain(|l| l.id != id);
                }
            }
            other => return Err(Refused::bad(format!("there are no `{other}` here"))),
        }
        if (self.data.quotes.len(), self.count_lines()) == before {
            return Err(Refused::missing(format!("there is no {object} {id}")));
        }
        Ok(serde_json::json!({ "id": id, "archived": true }))
    }

    fn count_lines(&self) -> usize {
        self.data.quotes.iter().map(|q| q.lines.len()).sum()
    }

    fn customer(&mut self, id: i64, action: &str) -> Result<Value, Refused> {
        let order = self.data.next_order;
        let quote = self.find_mut(id).map_err(|r| Refused::missing(r.message))?;
        let open = !quote.status.is_closed();
        let late = || Refused::conflict(format!("quote {id} is closed; no customer decides on it"));
        match action {
            "view" if open => quote.status = Status::Viewed,
            "view" => {}
            "accept" if open => {
                quote.status = Status::Accepted;
                quote.draft_order = true;
            }
            "decline" if open => quote.status = Status::Declined,
            "checkout" if quote.status == Status::Accepted => {
                quote.status = Status::Ordered;
                quote.order = Some(order);
                self.data.next_order += 1;
            }
            "accept" | "decline" | "checkout" => return Err(late()),
            "sign" => return Err(Refused::conflict("Quick Quote has no signatures")),
            other => return Err(Refused::bad(format!("a customer does not `{other}`"))),
        }
        self.shown(id)
    }

    fn shown(&self, id: i64) -> Result<Value, Refused> {
        let quote = self.find(id).map_err(|r| Refused::missing(r.message))?;
        serde_json::from_str(&self.render(quote).to_json()).map_err(|e| Refused::bad(e.to_string()))
    }
}

fn number(id: &str) -> Result<i64, Refused> {
    id.parse().map_err(|_| Refused::bad(format!("`{id}` is not an id")))
}

fn plain(map: &Map<String, Value>) -> Result<Plain, Refused> {
    let text = Value::Object(map.clone()).to_string();
    crate::json::read(text.as_bytes())
        .ok()
        .ok_or_else(|| Refused::bad("a number is not a plain decimal"))
}
