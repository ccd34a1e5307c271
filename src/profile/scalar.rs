//! A JSON value that writers spell differently (a number, its decimal string, wrapped in an object) in; number or text out.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A number or a text, whichever way it was written.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Scalar {
    /// Null, a list, or not there.
    #[default]
    Nothing,
    /// A whole number that is not negative.
    Whole(u64),
    /// Any other number.
    Number(f64),
    /// A text.
    Text(String),
}

impl Scalar {
    /// The whole number, also from its decimal string.
    pub fn whole(&self) -> Option<u64> {
        match self {
            Scalar::Whole(n) => Some(*n),
            Scalar::Number(n) if *n >= 0.0 => Some(*n as u64),
            Scalar::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// The number, also from its decimal string; not a number and infinities are none.
    pub fn number(&self) -> Option<f64> {
        let number = match self {
            Scalar::Whole(n) => Some(*n as f64),
            Scalar::Number(n) => Some(*n),
            Scalar::Text(text) => text.trim().parse().ok(),
            Scalar::Nothing => None,
        };
        number.filter(|n| n.is_finite())
    }

    /// The text; numbers in decimal, nothing as an empty one.
    pub fn text(&self) -> String {
        match self {
            Scalar::Nothing => String::new(),
            Scalar::Whole(n) => n.to_string(),
            Scalar::Number(n) => n.to_string(),
            Scalar::Text(text) => text.clone(),
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Scalar, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a number or a text")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Scalar, E> {
        Ok(Scalar::Text(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Scalar, E> {
        Ok(Scalar::Whole(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Scalar, E> {
        Ok(u64::try_from(value).map_or(Scalar::Number(value as f64), Scalar::Whole))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Scalar, E> {
        Ok(Scalar::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Nothing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Scalar, A::Error> {
        while all.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Nothing)
    }

    /// `{"stringValue": …}` and its kin: the first value that is one.
    fn visit_map<A: MapAccess<'de>>(self, mut all: A) -> Result<Scalar, A::Error> {
        let mut found = Scalar::Nothing;
        while let Some((_, value)) = all.next_entry::<IgnoredAny, Scalar>()? {
            if found == Scalar::Nothing {
                found = value;
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_number_is_read() {
        for text in ["12", "12.0", "\"12\"", "{\"intValue\":\"12\"}", "{\"a\":[1],\"b\":12}"] {
            let scalar: Scalar = serde_json::from_str(text).unwrap();
            assert_eq!((scalar.whole(), scalar.number()), (Some(12), Some(12.0)), "{text}");
        }
        for text in ["null", "[12]", "{}", "\"twelve\"", "-1", "true"] {
            assert_eq!(serde_json::from_str::<Scalar>(text).unwrap().whole(), None, "{text}");
        }
    }
}
