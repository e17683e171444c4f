//! A word where a block could stand: `- SPE_E5` for `- license: SPE_E5`.
//!
//! Done by hand rather than with an untagged enum, whose errors would only say that nothing
//! matched.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A block that can be written as one word.
pub trait Short: for<'de> Deserialize<'de> {
    /// What it is, for errors: "a license".
    const WHAT: &'static str;

    /// The block that the word stands for.
    fn from_word(word: &str) -> Self;
}

/// Reads a list of blocks, each of which may be a word.
pub fn list<'de, D: Deserializer<'de>, T: Short>(from: D) -> Result<Vec<T>, D::Error> {
    from.deserialize_seq(ListVisitor(PhantomData))
}

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: Short> Visitor<'de> for ListVisitor<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list, each entry {}", T::WHAT)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(OneOf(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(list)
    }
}

/// Reads a block, or a list of them.
pub fn one_or_many<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    from.deserialize_any(OneOrManyVisitor(PhantomData))
}

struct OneOrManyVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrManyVisitor<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a block or a list of blocks")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, block: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(block)).map(|one| vec![one])
    }
}

/// One block or word.
struct OneOf<T>(T);

impl<'de, T: Short> Deserialize<'de> for OneOf<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(OneVisitor(PhantomData)).map(OneOf)
    }
}

struct OneVisitor<T>(PhantomData<T>);

impl<'de, T: Short> Visitor<'de> for OneVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, as a word or as a block", T::WHAT)
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<T, E> {
        Ok(T::from_word(word))
    }

    fn visit_map<A: MapAccess<'de>>(self, block: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(block))
    }
}
