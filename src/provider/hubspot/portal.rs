//! What was learnt of a HubSpot account.
//!
//! Purpose: every portal has its own properties. The reader learns the definitions once a run;
//! checks, facts and steps ask here. Invariant: what the portal says wins over the built-in table,
//! save that days stay days (HubSpot calls some of them points in time).

use std::collections::BTreeMap;

use super::mapping::{self, Shape};
use super::operation::Object;
use crate::provider::capability::{Kind, Mode};

/// The definition of a property.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Definition {
    /// Its label on the web page.
    pub label: String,
    /// Its type.
    pub kind: Kind,
    /// Whether the API may write it.
    pub mode: Mode,
    /// Whether no two records may share a value.
    pub unique: bool,
    /// Whether the portal has made it, and not HubSpot.
    pub custom: bool,
    /// The property group it belongs to.
    pub group: String,
}

/// Whether a type of record can carry a stamp.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StampSupport {
    /// The property is not defined.
    Missing,
    /// It is defined, and values may repeat.
    Plain,
    /// It is defined, and a record can be read by its value.
    Unique,
}

/// What was learnt.
#[derive(Clone, Debug, Default)]
pub struct Portal {
    /// Property definitions by type of record; absent = not looked at.
    pub definitions: BTreeMap<Object, BTreeMap<String, Definition>>,
    /// The currency of each deal that was looked at, by id.
    pub deal_currency: BTreeMap<String, String>,
}

impl Portal {
    /// The definition of a property, if the portal has it.
    pub fn definition(&self, object: Object, name: &str) -> Option<&Definition> {
        self.definitions.get(&object)?.get(name)
    }

    /// Whether the definitions of a type of record are known.
    pub fn knows(&self, object: Object) -> bool {
        self.definitions.contains_key(&object)
    }

    /// The type by which a property's values are compared.
    pub fn kind(&self, object: Object, name: &str) -> Kind {
        let built_in = mapping::native(object, name);
        if let Some(native) = built_in
            && native.shape == Shape::Date
        {
            return Kind::Date;
        }
        match self.definition(object, name) {
            Some(definition) => definition.kind.clone(),
            None => built_in.map_or(Kind::Text, |n| n.shape.kind()),
        }
    }

    /// The internal name behind what a manifest wrote: the name itself, or the label (in any
    /// case). The error lists the names that share the label; it is empty if there is none.
    pub fn name_of(&self, object: Object, written: &str) -> Result<String, Vec<String>> {
        let Some(all) = self.definitions.get(&object) else { return Ok(written.to_owned()) };
        if all.contains_key(written) {
            return Ok(written.to_owned());
        }
        let wanted = written.to_lowercase();
        let mut found: Vec<String> = all
            .iter()
            .filter(|(_, d)| d.label.to_lowercase() == wanted)
            .map(|(name, _)| name.clone())
            .collect();
        match (found.len(), found.pop()) {
            (1, Some(only)) => Ok(only),
            (_, Some(last)) => {
                found.push(last);
                Err(found)
            }
            (_, None) => Err(Vec::new()),
        }
    }

    /// The properties of a type of record that the portal has made and the API may write, without
    /// the one that carries the stamps.
    pub fn own(&self, object: Object, stamp: &str) -> impl Iterator<Item = &String> {
        let all = self.definitions.get(&object).into_iter().flatten();
        let own = all.filter(|(_, d)| d.custom && d.mode == Mode::Writable);
        own.map(|(name, _)| name).filter(move |name| *name != stamp)
    }

    /// A writable property whose name looks like this one.
    pub fn nearest(&self, object: Object, written: &str) -> Option<String> {
        let all = self.definitions.get(&object)?;
        let names: Vec<&str> = all
            .iter()
            .filter(|(_, d)| d.mode == Mode::Writable)
            .map(|(name, _)| name.as_str())
            .collect();
        similar::get_close_matches(written, &names, 1, 0.7).first().map(|n| (*n).to_owned())
    }

    /// Whether records of a type can carry a stamp in a property.
    pub fn stamp_support(&self, object: Object, property: &str) -> StampSupport {
        match self.definition(object, property) {
            None => StampSupport::Missing,
            Some(d) if d.unique => StampSupport::Unique,
            Some(_) => StampSupport::Plain,
        }
    }

    /// A property group that exists for a type of record, to put the stamp property into.
    pub fn group_for(&self, object: Object) -> String {
        let anchors = ["hs_title", "name", "hs_label", "hs_value", "hs_createdate"];
        let known = anchors.iter().filter_map(|name| self.definition(object, name));
        known.map(|d| d.group.clone()).find(|g| !g.is_empty()).unwrap_or_else(|| match object {
            Object::Quote => "quote_information".to_owned(),
            Object::LineItem => "lineiteminformation".to_owned(),
            other => format!("{}_information", other.word().replace(' ', "_")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn portal() -> Portal {
        let definition = |label: &str, kind, mode| Definition {
            label: label.to_owned(),
            kind,
            mode,
            unique: false,
            custom: false,
            group: "g".to_owned(),
        };
        let quotes = BTreeMap::from([
            ("region".to_owned(), definition("Sales region", Kind::Text, Mode::Writable)),
            ("region2".to_owned(), definition("Sales Region", Kind::Text, Mode::Writable)),
            (
                "hs_expiration_date".to_owned(),
                definition("Expires", Kind::DateTime, Mode::Writable),
            ),
            ("hs_language".to_owned(), definition("Language", Kind::Text, Mode::Writable)),
        ]);
        Portal { definitions: BTreeMap::from([(Object::Quote, quotes)]), ..Portal::default() }
    }

    #[test]
    fn names_and_labels_lead_to_properties() {
        let p = portal();
        assert_eq!(p.name_of(Object::Quote, "region"), Ok("region".to_owned()));
        assert_eq!(p.name_of(Object::Quote, "language"), Ok("hs_language".to_owned()));
        assert_eq!(
            p.name_of(Object::Quote, "sales region"),
            Err(vec!["region".to_owned(), "region2".to_owned()])
        );
        assert_eq!(p.name_of(Object::Quote, "nothing"), Err(Vec::new()));
        assert_eq!(p.nearest(Object::Quote, "hs_langage").as_deref(), Some("hs_language"));
    }

    #[test]
    fn days_stay_days() {
        assert_eq!(portal().kind(Object::Quote, "hs_expiration_date"), Kind::Date);
        assert_eq!(portal().kind(Object::LineItem, "price"), Kind::Number);
    }

    #[test]
    fn a_stamp_needs_its_property() {
        assert_eq!(portal().stamp_support(Object::Quote, "proforma_key"), StampSupport::Missing);
        assert_eq!(portal().stamp_support(Object::Quote, "region"), StampSupport::Plain);
        assert_eq!(portal().group_for(Object::Quote), "quote_information");
    }
}
