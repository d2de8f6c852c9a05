//! A document as a flat list of nodes, and serde's view of it.
//!
//! The view answers only what it is certain of. Everything else (a number in an odd spelling, a scalar where a mapping is due,
//! any error at all) is [`Declined`], and the general parser reads the document instead and finds the words for it.

use std::borrow::Cow;

use serde::de::{self, DeserializeSeed, Visitor};

use super::declined::{Declined, decline_the_rest};

/// One node; the nodes below it follow it up to `end`. A mapping holds key, value, key, value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node<'a> {
    pub(super) kind: Kind,
    /// Empty for collections.
    pub(super) text: Cow<'a, str>,
    /// Counted from 1 in the text.
    pub(super) line: u32,
    /// The index behind the last node of this one.
    pub(super) end: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Map,
    Seq,
    /// A scalar that stands for what it looks like: nothing, a boolean, a number or a string.
    Plain,
    /// A string whatever it looks like.
    Quoted,
}

impl Node<'_> {
    pub(super) fn is_null(&self) -> bool {
        self.kind == Kind::Plain && is_null(&self.text)
    }
}

pub(super) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// The nodes of one document, the root first; never empty.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tape<'a>(pub(super) Vec<Node<'a>>);

impl<'a> Tape<'a> {
    /// Reads the node at `at` and all below it.
    pub(super) fn read<'t, T: de::Deserialize<'t>>(&'t self, at: usize) -> Result<T, Declined> {
        T::deserialize(View { nodes: &self.0, at })
    }

    /// The values of the mapping at `at`, by key, in document order; nothing for any other node.
    pub(super) fn entries<'t>(
        &'t self,
        at: usize,
    ) -> impl Iterator<Item = (&'t str, usize)> + use<'a, 't> {
        let parent = &self.0[at];
        let end = if parent.kind == Kind::Map {
            parent.end as usize
        } else {
            at
        };
        let mut next = at + 1;
        std::iter::from_fn(move || {
            (next < end).then(|| {
                let key = next;
                next = self.0[key + 1].end as usize;
                (&*self.0[key].text, key + 1)
            })
        })
    }

    /// The elements of the sequence at `at`, in document order; nothing for any other node.
    pub(super) fn elements(&self, at: usize) -> impl Iterator<Item = usize> {
        let parent = &self.0[at];
        let end = if parent.kind == Kind::Seq {
            parent.end as usize
        } else {
            at
        };
        let mut next = at + 1;
        std::iter::from_fn(move || {
            (next < end).then(|| {
                let element = next;
                next = self.0[element].end as usize;
                element
            })
        })
    }
}

#[derive(Clone, Copy)]
struct View<'t> {
    nodes: &'t [Node<'t>],
    at: usize,
}

impl<'t> View<'t> {
    fn node(self) -> &'t Node<'t> {
        &self.nodes[self.at]
    }

    fn scalar(self) -> Result<&'t str, Declined> {
        match self.node().kind {
            Kind::Plain | Kind::Quoted => Ok(&self.node().text),
            Kind::Map | Kind::Seq => Err(Declined),
        }
    }

    /// A whole number in its plainest spelling; the others are rare.
    fn integer(self) -> Result<i64, Declined> {
        integer(self.scalar()?).ok_or(Declined)
    }
}

fn integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_simple = matches!(digits.len(), 1..=18)
        && digits.bytes().all(|b| b.is_ascii_digit())
        && (!digits.starts_with('0') || text == "0");
    is_simple.then(|| text.parse().ok()).flatten()
}

/// Whether a number can be spelt with these characters in any way the general parser knows.
fn may_be_number(text: &str) -> bool {
    let is_part = |b: u8| b.is_ascii_hexdigit() || b"+-._xXoOiInNfF".contains(&b);
    text.as_bytes()
        .first()
        .is_some_and(|b| b.is_ascii_digit() || b"+-.".contains(b))
        && text.bytes().all(is_part)
}

macro_rules! numbers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Declined> {
            visit_number(self.integer()?, visitor)
        }
    )*};
}

fn visit_number<'t, V: Visitor<'t>>(number: i64, visitor: V) -> Result<V::Value, Declined> {
    match u64::try_from(number) {
        Ok(number) => visitor.visit_u64(number),
        Err(_) => visitor.visit_i64(number),
    }
}

impl<'t> de::Deserializer<'t> for View<'t> {
    type Error = Declined;

    fn deserialize_any<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Declined> {
        let node = self.node();
        match node.kind {
            Kind::Map => self.deserialize_map(visitor),
            Kind::Seq => self.deserialize_seq(visitor),
            Kind::Quoted => visitor.visit_borrowed_str(&node.text),
            Kind::Plain if is_null(&node.text) => visitor.visit_unit(),
            Kind::Plain => {
                if let Some(value) = boolean(&node.text) {
                    return visitor.visit_bool(value);
                }
                if !may_be_number(&node.text) {
                    return visitor.visit_borrowed_str(&node.text);
                }
                visit_number(integer(&node.text).ok_or(Declined)?, visitor)
            }
        }
    }

    fn deserialize_bool<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Declined> {
        visitor.visit_bool(boolean(self.scalar()?).ok_or(Declined)?)
    }

    numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    fn deserialize_str<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Declined> {
        let text = self.scalar()?;
        if self.node().is_null() {
            return Err(Declined);
        }
        visitor.visit_borrowed_str(text)
    }

    fn deserialize_option<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Declined> {
        if self.node().is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_unit<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Declined> {
        if self.node().is_null() {
            visitor.visit_unit()
        } else {
            Err(Declined)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'t>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Declined> {
        // The general parser gives names of this kind a meaning of its own.
        if name.starts_with("__yaml") {
            return Err(Declined);
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Declined> {
        if self.node().kind != Kind::Seq {
            return Err(Declined);
        }
        let mut rest = Rest::of(self);
        let value = visitor.visit_seq(&mut rest)?;
        rest.done(value)
    }

    fn deserialize_map<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Declined> {
        if self.node().kind != Kind::Map {
            return Err(Declined);
        }
        let mut rest = Rest::of(self);
        let value = visitor.visit_map(&mut rest)?;
        rest.done(value)
    }

    /// What is ignored was checked when it was scanned.
    fn deserialize_ignored_any<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Declined> {
        visitor.visit_unit()
    }

    decline_the_rest! { 't }
}

/// What is still to be read of a collection.
struct Rest<'t> {
    nodes: &'t [Node<'t>],
    next: usize,
    end: usize,
}

impl<'t> Rest<'t> {
    fn of(view: View<'t>) -> Self {
        Self {
            nodes: view.nodes,
            next: view.at + 1,
            end: view.node().end as usize,
        }
    }

    fn one<S: DeserializeSeed<'t>>(&mut self, seed: S) -> Result<S::Value, Declined> {
        let at = self.next;
        self.next = self.nodes[at].end as usize;
        seed.deserialize(View {
            nodes: self.nodes,
            at,
        })
    }

    fn next<S: DeserializeSeed<'t>>(&mut self, seed: S) -> Result<Option<S::Value>, Declined> {
        if self.next == self.end {
            return Ok(None);
        }
        self.one(seed).map(Some)
    }

    fn done<T>(self, value: T) -> Result<T, Declined> {
        if self.next == self.end {
            Ok(value)
        } else {
            Err(Declined)
        }
    }
}

impl<'t> de::SeqAccess<'t> for Rest<'t> {
    type Error = Declined;

    fn next_element_seed<S: DeserializeSeed<'t>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Declined> {
        self.next(seed)
    }
}

impl<'t> de::MapAccess<'t> for Rest<'t> {
    type Error = Declined;

    fn next_key_seed<S: DeserializeSeed<'t>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Declined> {
        self.next(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'t>>(&mut self, seed: S) -> Result<S::Value, Declined> {
        self.one(seed)
    }
}
