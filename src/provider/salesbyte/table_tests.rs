//! The table against the wire: what is called readable is what a record is decoded into, no more
//! and no less.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::value::Error;
use serde::de::{Error as _, Visitor};

use super::mapping::NATIVE;
use super::wire::Record;

/// Takes the names of the fields that a type asks for, and gives nothing.
struct Names<'a>(&'a mut BTreeSet<&'static str>);

impl<'de> serde::Deserializer<'de> for Names<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("nothing here"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        self.0.extend(fields);
        Err(Error::custom("nothing here"))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[test]
fn what_the_table_calls_readable_is_what_a_record_is_decoded_into() {
    let mut decoded = BTreeSet::new();
    assert!(Record::deserialize(Names(&mut decoded)).is_err());
    assert!(decoded.len() > 10, "{decoded:?}");
    let told_as = |name: &'static str| match name {
        "salesperson_email" => "salesperson",
        name => name,
    };
    let readable: BTreeSet<&str> =
        NATIVE.iter().filter(|n| n.readable).map(|n| told_as(n.name)).collect();
    assert_eq!(readable, decoded);
}
