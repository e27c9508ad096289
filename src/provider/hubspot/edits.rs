//! The edits of a quote that is open for them.
//!
//! Purpose: from planned changes to updates, links, creations and archivals. Invariants: one
//! update a record; a link to one record goes before the next comes; once a position of a list
//! moves, all of that list are written, since HubSpot's own may have gaps and ties.

use std::collections::{BTreeMap, BTreeSet};

use super::operation::{Object, Operation};
use super::steps::{Builder, Record, link_text, part_object, part_text, target_of};
use super::{StampPlace, mapping, properties};
use crate::facts::Path;
use crate::key::StepId;
use crate::provider::step::Target;

impl Builder<'_, '_> {
    /// All edits of a quote that is open for them.
    pub(super) fn edit(&mut self, target: &Target, needs: &[StepId]) -> Vec<StepId> {
        let work = self.work;
        let Some(seen) = work.observed else { return Vec::new() };
        // The mark of another name, or none: it is set anew with the next write. A slug is part
        // of the customer's link and stays as it is.
        let restamp = matches!(self.settings.stamp, StampPlace::Property(_))
            && (work.renaming || seen.stamp.as_ref() != Some(&work.stamp));
        let mut done = Vec::new();
        let mut own: Vec<&Path> = Vec::new();
        let mut links: Vec<&Path> = Vec::new();
        let mut parts: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for change in &work.changes {
            let path = &change.path;
            match path.part().filter(|_| !properties::is_own_property(path)) {
                _ if mapping::link_of(path.as_str()).is_some() => links.push(path),
                Some(part) => {
                    parts.entry(part).or_default().insert(path.field());
                }
                None => own.push(path),
            }
        }
        if !own.is_empty() || restamp {
            let fields = properties::fields_of(work.want, "");
            let changed = own.iter().map(|p| p.as_str()).collect();
            let mut properties = properties::some(Object::Quote, &fields, &changed);
            if restamp {
                self.stamp_into(&mut properties, &work.stamp);
            }
            let update =
                Operation::Update { object: Object::Quote, target: target.clone(), properties };
            let record = self.record(own);
            done.push(self.write("update quote", needs.to_vec(), update, record));
        }
        for path in links {
            done.extend(self.relink(path, target, needs));
        }
        let wanted = self.wanted_parts();
        done.extend(self.edit_parts(&wanted, parts, restamp, target, needs));
        done
    }

    fn edit_parts(
        &mut self,
        wanted: &[(Object, String)],
        mut parts: BTreeMap<&str, BTreeSet<&str>>,
        restamp: bool,
        target: &Target,
        needs: &[StepId],
    ) -> Vec<StepId> {
        let work = self.work;
        let Some(seen) = work.observed else { return Vec::new() };
        // HubSpot's own positions may have gaps and ties: once one moves, all are written.
        let moved: BTreeSet<Object> = parts
            .iter()
            .filter(|(part, fields)| {
                !seen.parts.contains_key(**part) || fields.contains("position")
            })
            .filter_map(|(part, _)| part_object(part))
            .collect();
        let mut done = Vec::new();
        for (object, part) in wanted {
            let changed = parts.remove(part.as_str());
            let Some(id) = seen.parts.get(part) else {
                if changed.is_some() {
                    done.push(self.make_part(*object, part, target.clone(), needs.to_vec()));
                }
                continue;
            };
            let mut changed = changed.unwrap_or_default();
            if moved.contains(object) {
                changed.insert("position");
            }
            let pairs: Vec<&str> =
                changed.iter().flat_map(|f| properties::together(*object, f)).copied().collect();
            changed.extend(pairs);
            if changed.is_empty() && !restamp {
                continue;
            }
            let fields = properties::fields_of(work.want, part);
            let mut properties = properties::some(*object, &fields, &changed);
            if restamp {
                self.stamp_into(&mut properties, &work.part_stamp.of(part));
            }
            let paths: Vec<Path> = changed.iter().map(|f| Path::of(part, f)).collect();
            let record = self.record(&paths);
            let operation = Operation::Update {
                object: *object,
                target: Target::Known(id.clone()),
                properties,
            };
            let does = format!("update {}", part_text(*object, part));
            done.push(self.write(does, needs.to_vec(), operation, record));
        }
        // What is left is not wanted any more.
        for part in parts.into_keys() {
            if let (Some(object), Some(id)) = (part_object(part), seen.parts.get(part)) {
                done.push(self.archive(object, part, id, needs.to_vec()));
            }
        }
        done
    }

    /// A link to one record goes before the next one comes; contacts come and go by themselves.
    fn relink(&mut self, path: &Path, quote: &Target, needs: &[StepId]) -> Vec<StepId> {
        let work = self.work;
        let Some(object) = mapping::link_of(path.as_str()) else { return Vec::new() };
        let before = work.observed.and_then(|o| o.facts.get(path));
        let after = work.want.get(path);
        let mut done = Vec::new();
        let mut needs = needs.to_vec();
        if let Some((old, value)) = before.and_then(|v| target_of(v).map(|t| (t, v)))
            && after.is_none_or(|a| !a.same(value))
        {
            let unlink = Operation::Unlink { quote: quote.clone(), object, target: old };
            // The record changes with the link that follows, if one does.
            let record = match after.and_then(target_of) {
                Some(_) => Record::default(),
                None => self.record([path]),
            };
            let id = self.write(link_text("unlink", object, value), needs, unlink, record);
            needs = vec![id.clone()];
            done.push(id);
        }
        if let Some((new, value)) = after.and_then(|v| target_of(v).map(|t| (t, v))) {
            let link = Operation::Link { quote: quote.clone(), object, target: new };
            let record = self.record([path]);
            done.push(self.write(link_text("link", object, value), needs, link, record));
        }
        done
    }
}
