//! What our readers of plain text have in common: they decline whatever they are not certain of, and somebody slower reads it.

use std::fmt;

/// Not something a reader is sure about: the general parser of the format reads it, and finds the words for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Declined;

impl fmt::Display for Declined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("left to the general parser")
    }
}

impl std::error::Error for Declined {}

impl serde::de::Error for Declined {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

/// The methods of a deserializer that are alike in every such reader: what is read like something else, and what no API object
/// needs, which is declined.
macro_rules! decline_the_rest {
    ($life:lifetime) => {
        fn deserialize_string<V: Visitor<$life>>(self, visitor: V) -> Result<V::Value, Declined> {
            self.deserialize_str(visitor)
        }

        fn deserialize_identifier<V: Visitor<$life>>(
            self,
            visitor: V,
        ) -> Result<V::Value, Declined> {
            self.deserialize_str(visitor)
        }

        fn deserialize_struct<V: Visitor<$life>>(
            self,
            _: &'static str,
            _: &'static [&'static str],
            visitor: V,
        ) -> Result<V::Value, Declined> {
            self.deserialize_map(visitor)
        }

        $crate::yaml::decline_the_rest! {
            $life deserialize_i128 deserialize_u128 deserialize_f32 deserialize_f64 deserialize_char
            deserialize_bytes deserialize_byte_buf
        }

        fn deserialize_unit_struct<V: Visitor<$life>>(
            self,
            _: &'static str,
            _: V,
        ) -> Result<V::Value, Declined> {
            Err(Declined)
        }

        fn deserialize_tuple<V: Visitor<$life>>(
            self,
            _: usize,
            _: V,
        ) -> Result<V::Value, Declined> {
            Err(Declined)
        }

        fn deserialize_tuple_struct<V: Visitor<$life>>(
            self,
            _: &'static str,
            _: usize,
            _: V,
        ) -> Result<V::Value, Declined> {
            Err(Declined)
        }

        fn deserialize_enum<V: Visitor<$life>>(
            self,
            _: &'static str,
            _: &'static [&'static str],
            _: V,
        ) -> Result<V::Value, Declined> {
            Err(Declined)
        }
    };
    ($life:lifetime $($method:ident)+) => {$(
        fn $method<V: Visitor<$life>>(self, _: V) -> Result<V::Value, Declined> {
            Err(Declined)
        }
    )+};
}

pub(crate) use decline_the_rest;
