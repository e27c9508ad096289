//! The property definitions API.

use http::StatusCode;
use serde_json::{Value, json};

use super::errors::Refusal;
use super::kind::Kind;
use super::objects::may_be_unique;
use super::schema::{Definition, Mode, ValueType};
use super::{Done, HubSpot, read_object};
use crate::sandbox::upstream::{Call, Moment};

/// How many unique properties a kind may have.
const MOST_UNIQUE: usize = 10;

impl HubSpot {
    pub(super) fn list_properties(&self, kind: Kind) -> Done {
        let owners = self.directory.options();
        let rows: Vec<Value> = self.schema.all(kind).map(|d| d.render(&owners)).collect();
        Done::ok(json!({ "results": rows }))
    }

    pub(super) fn read_property(&self, kind: Kind, name: &str) -> Result<Done, Refusal> {
        let definition = self.schema.get(kind, name).ok_or_else(|| no_property(kind, name))?;
        Ok(Done::ok(definition.render(&self.directory.options())))
    }

    pub(super) fn property_groups(&self, kind: Kind) -> Done {
        let name = self.schema.group(kind);
        Done::ok(json!({"results": [
            {"name": name, "label": format!("{} information", kind.singular()), "displayOrder": 0, "archived": false}
        ]}))
    }

    pub(super) fn create_property(
        &mut self,
        kind: Kind,
        call: &Call,
        m: &mut Moment<'_>,
    ) -> Result<Done, Refusal> {
        let body = read_object(&call.body)?;
        let text = |key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
        let need =
            |key: &str| text(key).filter(|t| !t.is_empty()).ok_or_else(|| Refusal::member(key));
        let (name, label, group) = (need("name")?, need("label")?, need("groupName")?);
        let (type_name, field) = (need("type")?, need("fieldType")?);
        if self.schema.get(kind, &name).is_some() {
            let mut refusal =
                Refusal::conflict(format!("A property named '{name}' already exists."));
            refusal.category = Some("OBJECT_ALREADY_EXISTS");
            return Err(refusal);
        }
        let well_named = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            && !name.starts_with("hs_")
            && name.len() <= 100;
        if !well_named {
            return Err(Refusal::invalid(format!(
                "The property name '{name}' is not valid. It starts with a letter, has lower-case letters, digits and underscores only, and not the prefix hs_."
            )));
        }
        if group != self.schema.group(kind) {
            return Err(Refusal::invalid(format!("The property group '{group}' does not exist.")));
        }
        let value_type: ValueType = serde_json::from_value(json!(type_name))
            .map_err(|_| Refusal::invalid(format!("'{type_name}' is not a valid property type")))?;
        if !fields(value_type).contains(&field.as_str()) {
            return Err(Refusal::invalid(format!(
                "The fieldType '{field}' does not go with the type '{type_name}'"
            )));
        }
        let unique = body.get("hasUniqueValue").and_then(Value::as_bool).unwrap_or(false);
        if unique {
            self.check_unique_property(kind, value_type)?;
        }
        let definition = Definition {
            name: name.clone(),
            label,
            value_type,
            field,
            group,
            description: text("description").unwrap_or_default(),
            mode: Mode::Writable,
            options: read_options(body.get("options"))?,
            owners: false,
            unique,
            builtin: false,
            hidden: body.get("hidden").and_then(Value::as_bool).unwrap_or(false),
            form_field: body.get("formField").and_then(Value::as_bool).unwrap_or(false),
            created_at: m.now,
        };
        let answer = definition.render(&[]);
        self.schema.add(kind, definition);
        if unique {
            self.store.make_unique(kind, &name);
        }
        Ok(Done::with(StatusCode::CREATED, answer))
    }

    fn check_unique_property(&self, kind: Kind, value_type: ValueType) -> Result<(), Refusal> {
        let part_of_quote = kind == Kind::Quote || kind == Kind::LineItem || kind.is_adjustment();
        if kind == Kind::Product || (part_of_quote && !self.settings.unique_on_quotes) {
            return Err(Refusal::invalid(format!(
                "Properties with unique values are not supported for {}",
                kind.shout()
            )));
        }
        if !may_be_unique(value_type) {
            return Err(Refusal::invalid("A property with unique values is a string or a number"));
        }
        let made = self.schema.all(kind).filter(|d| d.unique && !d.builtin).count();
        if made >= MOST_UNIQUE {
            return Err(Refusal::invalid(format!(
                "An object can have at most {MOST_UNIQUE} properties with unique values"
            )));
        }
        Ok(())
    }

    pub(super) fn archive_property(&mut self, kind: Kind, name: &str) -> Result<Done, Refusal> {
        let definition = self.schema.get(kind, name).ok_or_else(|| no_property(kind, name))?;
        if definition.builtin {
            return Err(Refusal::invalid(format!("The property '{name}' cannot be archived")));
        }
        if definition.unique {
            self.store.forget_unique(kind, name);
        }
        self.schema.remove(kind, name);
        Ok(Done::empty())
    }
}

fn no_property(kind: Kind, name: &str) -> Refusal {
    Refusal::nothing_here(format!("Property {name} does not exist for {}", kind.shout()))
}

fn fields(value_type: ValueType) -> &'static [&'static str] {
    match value_type {
        ValueType::String => &["text", "textarea", "html", "phonenumber", "file"],
        ValueType::Number => &["number", "calculation_equation"],
        ValueType::Date | ValueType::Datetime => &["date"],
        ValueType::Enumeration => &["select", "radio", "checkbox", "booleancheckbox"],
        ValueType::Bool => &["booleancheckbox"],
    }
}

fn read_options(value: Option<&Value>) -> Result<Vec<(String, String)>, Refusal> {
    let Some(list) = value.and_then(Value::as_array) else { return Ok(Vec::new()) };
    list.iter()
        .map(|option| {
            let text = |key: &str| option.get(key).and_then(Value::as_str).map(str::to_owned);
            Ok((
                text("value").ok_or_else(|| Refusal::member("value"))?,
                text("label").ok_or_else(|| Refusal::member("label"))?,
            ))
        })
        .collect()
}
