//! Property definitions: what a kind of record may hold, and who may write it.
//!
//! Invariants: the definitions that the portal starts with come from `schema.yaml`; those made
//! through the API are added and can be taken away again; a definition never changes its type.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::kind::Kind;
use crate::sandbox::machine::SandboxError;

/// What values a property takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ValueType {
    #[default]
    String,
    Number,
    Date,
    Datetime,
    Enumeration,
    Bool,
}

impl ValueType {
    fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Number => "number",
            Self::Date => "date",
            Self::Datetime => "datetime",
            Self::Enumeration => "enumeration",
            Self::Bool => "bool",
        }
    }

    fn usual_field(self) -> &'static str {
        match self {
            Self::String => "text",
            Self::Number => "number",
            Self::Date | Self::Datetime => "date",
            Self::Enumeration => "select",
            Self::Bool => "booleancheckbox",
        }
    }
}

/// Who writes a property.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// Anybody.
    #[default]
    Writable,
    /// The portal, by calculation; a write is refused.
    Computed,
    /// The portal; a write is refused.
    Fixed,
    /// The portal; a write is accepted and replaced.
    Overridden,
}

/// A property of a kind.
#[expect(clippy::struct_excessive_bools, reason = "the flags are the API's, each by itself")]
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Definition {
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) value_type: ValueType,
    pub(crate) field: String,
    pub(crate) group: String,
    pub(crate) description: String,
    pub(crate) mode: Mode,
    pub(crate) options: Vec<(String, String)>,
    pub(crate) owners: bool,
    pub(crate) unique: bool,
    pub(crate) builtin: bool,
    pub(crate) hidden: bool,
    pub(crate) form_field: bool,
    pub(crate) created_at: Timestamp,
}

impl Definition {
    /// Several values, joined by `;`.
    pub(crate) fn multiple(&self) -> bool {
        self.field == "checkbox"
    }

    pub(crate) fn refuses_writes(&self) -> bool {
        matches!(self.mode, Mode::Computed | Mode::Fixed)
    }

    /// The definition as the API gives it.
    pub(crate) fn render(&self, owners: &[(String, String)]) -> Value {
        let pairs = if self.owners { owners } else { &self.options };
        let options: Vec<Value> = if self.value_type == ValueType::Bool {
            [("Yes", "true"), ("No", "false")]
                .iter()
                .enumerate()
                .map(|(i, (label, value))| {
                    json!({"label": label, "value": value, "displayOrder": i, "hidden": false})
                })
                .collect()
        } else {
            pairs
                .iter()
                .enumerate()
                .map(|(i, (value, label))| {
                    json!({"label": label, "value": value, "displayOrder": i, "hidden": false})
                })
                .collect()
        };
        let at = super::values::iso(self.created_at);
        let mut body = json!({
            "name": self.name, "label": self.label, "type": self.value_type.name(),
            "fieldType": self.field, "groupName": self.group, "description": self.description,
            "options": options, "displayOrder": -1,
            "calculated": self.mode == Mode::Computed,
            "externalOptions": self.owners,
            "hasUniqueValue": self.unique, "hidden": self.hidden,
            "hubspotDefined": self.builtin, "formField": self.form_field,
            "archived": false, "createdAt": at, "updatedAt": at,
            "modificationMetadata": {
                "archivable": !self.builtin,
                "readOnlyDefinition": self.builtin,
                "readOnlyOptions": self.builtin,
                "readOnlyValue": self.refuses_writes(),
            },
        });
        if self.owners
            && let Some(map) = body.as_object_mut()
        {
            map.insert("referencedObjectType".to_owned(), json!("OWNER"));
        }
        body
    }
}

/// All definitions of the portal.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schema {
    properties: BTreeMap<Kind, BTreeMap<String, Definition>>,
    groups: BTreeMap<Kind, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KindText {
    group: String,
    properties: BTreeMap<String, PropertyText>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PropertyText {
    label: Option<String>,
    r#type: ValueType,
    mode: Mode,
    field: Option<String>,
    options: Vec<String>,
    owners: bool,
    unique: bool,
}

impl Schema {
    /// The definitions of `schema.yaml`, and the three that every kind has.
    pub(crate) fn builtin() -> Result<Self, SandboxError> {
        let unreadable =
            |message: String| SandboxError::Unreadable { what: "property definitions", message };
        let text: BTreeMap<String, KindText> = serde_yaml::from_str(include_str!("schema.yaml"))
            .map_err(|e| unreadable(e.to_string()))?;
        let mut schema = Self::default();
        for (name, kind_text) in text {
            let kind = Kind::named(&name).ok_or_else(|| unreadable(format!("no kind `{name}`")))?;
            let group = kind_text.group;
            let (created, modified) = kind.stamps();
            let mut all = BTreeMap::new();
            for (name, value_type) in [
                (created, ValueType::Datetime),
                (modified, ValueType::Datetime),
                ("hs_object_id", ValueType::Number),
            ] {
                let text = PropertyText {
                    r#type: value_type,
                    mode: Mode::Fixed,
                    ..PropertyText::default()
                };
                all.insert(name.to_owned(), define(name, text, &group));
            }
            for (name, property) in kind_text.properties {
                let definition = define(&name, property, &group);
                all.insert(name, definition);
            }
            schema.groups.insert(kind, group);
            schema.properties.insert(kind, all);
        }
        Ok(schema)
    }

    pub(crate) fn get(&self, kind: Kind, name: &str) -> Option<&Definition> {
        self.properties.get(&kind)?.get(name)
    }

    pub(crate) fn all(&self, kind: Kind) -> impl Iterator<Item = &Definition> {
        self.properties.get(&kind).into_iter().flat_map(BTreeMap::values)
    }

    /// The one group of a kind.
    pub(crate) fn group(&self, kind: Kind) -> &str {
        self.groups.get(&kind).map_or("", String::as_str)
    }

    pub(crate) fn add(&mut self, kind: Kind, definition: Definition) {
        self.properties.entry(kind).or_default().insert(definition.name.clone(), definition);
    }

    pub(crate) fn remove(&mut self, kind: Kind, name: &str) {
        if let Some(table) = self.properties.get_mut(&kind) {
            table.remove(name);
        }
    }

    /// The definitions that were made through the API.
    pub(crate) fn custom(&self) -> Vec<(Kind, Definition)> {
        self.properties
            .iter()
            .flat_map(|(kind, table)| table.values().map(|d| (*kind, d.clone())))
            .filter(|(_, d)| !d.builtin)
            .collect()
    }

    /// The unique properties of all kinds.
    pub(crate) fn unique(&self) -> Vec<(Kind, String)> {
        self.properties
            .iter()
            .flat_map(|(kind, table)| {
                table.values().filter(|d| d.unique).map(|d| (*kind, d.name.clone()))
            })
            .collect()
    }
}

fn define(name: &str, text: PropertyText, group: &str) -> Definition {
    Definition {
        name: name.to_owned(),
        label: text.label.unwrap_or_else(|| label(name)),
        value_type: text.r#type,
        field: text.field.unwrap_or_else(|| text.r#type.usual_field().to_owned()),
        group: group.to_owned(),
        description: String::new(),
        mode: text.mode,
        options: text.options.into_iter().map(|v| (v.clone(), label(&v))).collect(),
        owners: text.owners,
        unique: text.unique,
        builtin: true,
        hidden: false,
        form_field: false,
        created_at: Timestamp::UNIX_EPOCH,
    }
}

/// `hs_sender_email` becomes `Sender email`.
fn label(name: &str) -> String {
    let words = name.trim_start_matches("hs_").replace('_', " ").to_lowercase();
    let mut chars = words.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}
