//! What a field holds: a scalar, or a structure with its members.
//!
//! Purpose: the type of every field of a [`super::Sheet`], told to people in a few words
//! ([`Form::text`]), to programs as one word ([`Form::word`]) and as a nested value
//! ([`Form::shape`]). Invariant: a structure names all members that proforma can send in it, so a
//! test can hold requests against it.

use serde_json::{Map, Value, json};

use super::Kind;

/// A type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Form {
    /// A scalar.
    One(Kind),
    /// A whole number.
    Whole,
    /// Any scalar or structure: what it may be is a matter of the account.
    Any,
    /// The name or address of something upstream, or its id: `Acme`, `{ id: "12" }`.
    Reference,
    /// A list.
    List(Box<Form>),
    /// A map whose keys the user chooses.
    Map(Box<Form>),
    /// A map with these members.
    Record(Vec<Member>),
}

/// A member of a record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub form: Form,
}

impl Form {
    /// Text.
    pub const TEXT: Self = Self::One(Kind::Text);
    /// A decimal number.
    pub const NUMBER: Self = Self::One(Kind::Number);
    /// Yes or no.
    pub const BOOL: Self = Self::One(Kind::Bool);
    /// A civil date.
    pub const DATE: Self = Self::One(Kind::Date);

    /// One of these words.
    pub fn choice(words: &[&str]) -> Self {
        Self::One(Kind::Choice(words.iter().map(|w| (*w).to_owned()).collect()))
    }

    /// A list of one type.
    pub fn list(of: Self) -> Self {
        Self::List(Box::new(of))
    }

    /// A map with keys of the user's choice.
    pub fn map(of: Self) -> Self {
        Self::Map(Box::new(of))
    }

    /// A record with these members.
    pub fn record<const N: usize>(members: [(&'static str, Self); N]) -> Self {
        Self::Record(members.into_iter().map(|(name, form)| Member { name, form }).collect())
    }

    /// The type as one word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::One(kind) => match kind {
                Kind::Text => "text",
                Kind::Html => "html",
                Kind::Number => "number",
                Kind::Bool => "boolean",
                Kind::Date => "date",
                Kind::DateTime => "time",
                Kind::Choice(_) => "choice",
                Kind::Choices(_) => "choices",
            },
            Self::Whole => "integer",
            Self::Any => "any",
            Self::Reference => "reference",
            Self::List(_) => "list",
            Self::Map(_) => "map",
            Self::Record(_) => "record",
        }
    }

    /// The type as a nested value: a scalar is its word, a list has one element, a record has its
    /// members, and a map with free keys has the one key `*`.
    pub fn shape(&self) -> Value {
        match self {
            Self::List(of) => json!([of.shape()]),
            Self::Map(of) => json!({ "*": of.shape() }),
            Self::Record(members) => {
                let members = members.iter().map(|m| (m.name.to_owned(), m.form.shape()));
                Value::Object(members.collect::<Map<_, _>>())
            }
            scalar => Value::from(scalar.word()),
        }
    }

    /// The words that a choice has; empty where only the account knows them, or it is none.
    pub fn options(&self) -> &[String] {
        match self {
            Self::One(Kind::Choice(words) | Kind::Choices(words)) => words,
            _ => &[],
        }
    }

    /// The type for a reader: `list of { key, value }`.
    pub fn text(&self) -> String {
        let names = |words: &[String], what: &str| {
            if words.is_empty() {
                format!("{what}, told by the account")
            } else {
                format!("{what}: {}", words.join(", "))
            }
        };
        match self {
            Self::One(Kind::Choice(words)) => names(words, "one of its options"),
            Self::One(Kind::Choices(words)) => names(words, "list of its options"),
            Self::One(Kind::Bool) => "true or false".to_owned(),
            Self::One(Kind::Html) => "HTML text".to_owned(),
            Self::Whole => "whole number".to_owned(),
            Self::Any => "any value".to_owned(),
            Self::Reference => "name, or `{ id }`".to_owned(),
            Self::List(of) => format!("list of {}", of.text()),
            Self::Map(of) => format!("map to {}", of.text()),
            Self::Record(members) => {
                let names: Vec<&str> = members.iter().map(|m| m.name).collect();
                format!("{{ {} }}", names.join(", "))
            }
            scalar @ Self::One(_) => scalar.word().to_owned(),
        }
    }
}

impl From<Kind> for Form {
    fn from(kind: Kind) -> Self {
        Self::One(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_structure_shows_its_members_in_every_way() {
        let pairs = Form::list(Form::record([
            ("group_id", Form::TEXT),
            ("questions", Form::list(Form::map(Form::Any))),
        ]));
        assert_eq!(pairs.word(), "list");
        assert_eq!(pairs.shape(), json!([{ "group_id": "text", "questions": [{ "*": "any" }] }]));
        assert_eq!(pairs.text(), "list of { group_id, questions }");
    }

    #[test]
    fn a_choice_names_its_words_or_who_knows_them() {
        let choice = Form::choice(&["g", "kg"]);
        assert_eq!(choice.text(), "one of its options: g, kg");
        assert_eq!(choice.shape(), json!("choice"));
        assert_eq!(choice.options(), ["g", "kg"]);
        assert_eq!(Form::choice(&[]).text(), "one of its options, told by the account");
    }
}
