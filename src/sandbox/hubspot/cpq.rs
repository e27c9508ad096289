//! What CPQ quotes do beside their own record: the default template, lines that travel between
//! quote and deal, the deal's amount.
//!
//! The one thing to know: all of this is the portal's doing, so no rule of linking holds for it.
//! It is known from reports of live portals, not from the documents.

use super::HubSpot;
use super::kind::Kind;
use super::links::PRIMARY_QUOTE;
use super::objects::InlineLink;
use super::quotes::pair;
use super::store::Record;
use crate::money::Amount;
use crate::sandbox::upstream::Moment;

impl HubSpot {
    /// A CPQ quote gets the default template, its terms, and (reported from live portals) copies
    /// of the lines of a deal that was linked in the creation.
    pub(super) fn begin_cpq(&mut self, id: u64, links: &[InlineLink], m: &mut Moment<'_>) {
        let quote = (Kind::Quote, id);
        if self.store.linked_ids(quote, Kind::Template).is_empty() {
            let default = self
                .store
                .all(Kind::Template)
                .find(|t| {
                    !t.archived() && t.is("hs_type", "cpq_template") && t.is("hs_active", "true")
                })
                .map(|t| t.id);
            if let Some(template) = default {
                self.connect_freely(quote, (Kind::Template, template), m);
            }
        }
        let template = self.store.linked_ids(quote, Kind::Template).first().copied();
        let terms = template
            .and_then(|t| self.store.live(Kind::Template, t))
            .and_then(|t| t.get("hs_terms").map(str::to_owned));
        let has_terms =
            self.store.live(Kind::Quote, id).is_some_and(|q| q.get("hs_terms").is_some());
        if let (Some(terms), false) = (terms, has_terms) {
            self.write(Kind::Quote, id, vec![pair("hs_terms", terms)], m);
        }
        let deal =
            links.iter().any(|l| l.leads_to(Kind::Deal)).then(|| self.linked_deal(id)).flatten();
        let Some(deal) = deal else { return };
        for line in self.store.linked_ids((Kind::Deal, deal), Kind::LineItem) {
            let on_this = self.store.link(quote, (Kind::LineItem, line)).is_some();
            if !on_this {
                self.copy_line(line, quote, m);
            }
        }
    }

    fn copy_line(&mut self, line: u64, to: super::store::Key, m: &mut Moment<'_>) {
        let Some(source) = self.store.live(Kind::LineItem, line).cloned() else { return };
        let id = self.store.fresh_id(Kind::LineItem);
        let mut copy = Record::new(id, m.now);
        copy.properties = source.properties;
        // A copy is nobody's own: values that only one record may have stay behind.
        copy.properties
            .retain(|name, _| self.schema.get(Kind::LineItem, name).is_some_and(|d| !d.unique));
        self.store.put(Kind::LineItem, copy);
        self.connect_freely((Kind::LineItem, id), to, m);
    }

    /// A published CPQ quote writes its amount to the deal and becomes its primary quote, and the
    /// deal gets copies of the lines, the first time.
    pub(super) fn tell_deal(&mut self, id: u64, m: &mut Moment<'_>) {
        let Some(deal) = self.linked_deal(id) else { return };
        let (quote, deal) = ((Kind::Quote, id), (Kind::Deal, deal));
        let first = !self.store.link(deal, quote).is_some_and(|t| t.contains(&PRIMARY_QUOTE));
        let lines = self.store.linked_ids(quote, Kind::LineItem);
        let mut monthly = Amount::ZERO;
        for line in &lines {
            let mrr = self.store.live(Kind::LineItem, *line).and_then(|l| l.get("hs_mrr"));
            let mrr = mrr.and_then(super::values::number).unwrap_or(Amount::ZERO);
            monthly = monthly.plus(mrr).unwrap_or(monthly);
        }
        let amount = self
            .store
            .live(Kind::Quote, id)
            .and_then(|q| q.get("hs_quote_amount"))
            .unwrap_or_default();
        let values = vec![pair("amount", amount), pair("hs_mrr", monthly.to_string())];
        self.write(Kind::Deal, deal.1, values, m);
        if !first {
            return;
        }
        for other in self.store.linked_ids(deal, Kind::Quote) {
            for (a, b, kind_id) in
                [(deal, (Kind::Quote, other), PRIMARY_QUOTE), ((Kind::Quote, other), deal, 1394)]
            {
                let mut types = self.store.link(a, b).cloned().unwrap_or_default();
                if other == id {
                    types.insert(kind_id);
                } else {
                    types.remove(&kind_id);
                }
                self.store.set_link(a, b, types);
            }
        }
        for line in lines {
            if self.store.link(deal, (Kind::LineItem, line)).is_none() {
                self.copy_line(line, deal, m);
            }
        }
    }
}
