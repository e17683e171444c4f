//! The manifest's text as lists, blocks of keys and scalars, each with its bytes.

use std::ops::Range;

/// A manifest needs 4 levels; what is deeper than this is not one, and deep trees use up the stack.
pub(super) const DEEPEST_LEVELS: usize = 32;

/// A value and its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub range: Range<usize>,
    pub value: Value,
}

impl Node {
    /// Whether nothing was written: `key:`, `key: ~`, `- `.
    pub fn is_empty(&self) -> bool {
        match &self.value {
            Value::Scalar(Scalar { text, plain }) => {
                *plain && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL")
            }
            Value::List(_) | Value::Block(_) | Value::Told => false,
        }
    }
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// A word, number or text.
    Scalar(Scalar),
    /// `- a`, or `[a]`.
    List(Vec<Node>),
    /// `key: value`, or `{key: value}`.
    Block(Vec<Field>),
    /// Something that has been told already; nothing more is said about it.
    Told,
}

/// A word, number or text, as YAML understands it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scalar {
    pub text: String,
    /// Whether it stands without quotes and not as a block of text, so that YAML may take it for
    /// something else than a text.
    pub plain: bool,
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub key: String,
    pub key_range: Range<usize>,
    pub value: Node,
}
