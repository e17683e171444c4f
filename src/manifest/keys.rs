//! The keys that each block knows, and a block read by them.

use std::ops::Range;

use super::node::{Field, Node, Value};
use super::review::Review;
use crate::diag::{Code, quoted};

/// The keys of one kind of block. `schema.rs` proves that these are the fields of `syntax.rs`.
pub(super) struct Keys {
    /// Where the block stands, as in "belongs ...".
    pub place: &'static str,
    /// Its keys.
    pub known: &'static [&'static str],
}

/// The manifest itself.
pub(super) const MANIFEST: Keys = Keys {
    place: "at the top of the manifest",
    known: &["apiVersion", "tenant", "toggle", "limits", "protect", "users", "groups"],
};

/// The `toggle:` block.
pub(super) const TOGGLE: Keys = Keys {
    place: "under `toggle`",
    known: &["wait", "groupWait", "groupGate", "maxOff", "canary", "maxFailures", "window", "mustBeOnBy"],
};

/// The `limits:` block.
pub(super) const LIMITS: Keys =
    Keys { place: "under `limits`", known: &["enable", "toggle", "groupMembers"] };

/// An entry of `users:`.
pub(super) const USER_ENTRY: Keys = Keys {
    place: "in an entry of `users`",
    known: &[
        "user",
        "all",
        "filter",
        "membersOf",
        "except",
        "members",
        "allowEmpty",
        "toggleIfEnabledBefore",
        "reason",
        "license",
    ],
};

/// An entry of `groups:`.
pub(super) const GROUP_ENTRY: Keys =
    Keys { place: "in an entry of `groups`", known: &["group", "toggleIfEnabledBefore", "reason"] };

/// Every kind of block.
const ALL: [&Keys; 5] = [&MANIFEST, &TOGGLE, &LIMITS, &USER_ENTRY, &GROUP_ENTRY];

/// A block whose keys have been checked.
pub(super) struct Block<'t> {
    fields: &'t [Field],
    /// Known keys that an unknown one was probably meant to be; they are not missed as well.
    meant: Vec<&'static str>,
}

impl<'t> Block<'t> {
    /// Checks the keys of a block; none when it is not a block.
    pub fn open(review: &mut Review, node: &'t Node, what: &str, keys: &Keys) -> Option<Self> {
        let Value::Block(fields) = &node.value else {
            review.tell_wrong_type(node, what, "a block of `key: value` lines", None);
            return None;
        };
        let mut block = Block { fields, meant: Vec::new() };
        for field in fields {
            if !keys.known.contains(&field.key.as_str()) {
                block.tell_unknown(review, field, keys);
            } else if field.value.is_empty() {
                let message = format!("`{}` has no value", field.key);
                let finding = review.finding(Code::BadValue, field.key_range.clone(), message);
                review.tell(finding.help("write a value after the colon, or remove the line"));
            }
        }
        Some(block)
    }

    fn tell_unknown(&mut self, review: &mut Review, field: &Field, keys: &Keys) {
        let message = format!("unknown key {}", quoted(&field.key));
        let finding = review.finding(Code::UnknownKey, field.key_range.clone(), message);
        let home = ALL.iter().find(|other| other.known.contains(&field.key.as_str()));
        let near = review.near(&field.key, keys.place, keys.known);
        self.meant.extend(near);
        review.tell(match (home, near) {
            (Some(home), _) => finding.help(format!("`{}` belongs {}", field.key, home.place)),
            (None, Some(near)) => finding.label(format!("did you mean `{near}`?")),
            (None, None) => finding.help(format!("keys {}: {}", keys.place, keys.known.join(", "))),
        });
    }

    /// Whether the key is there, with or without a value.
    pub fn has(&self, key: &str) -> bool {
        self.field(key).is_some()
    }

    /// The field with that key, with or without a value.
    pub fn field(&self, key: &str) -> Option<&'t Field> {
        self.fields.iter().find(|field| field.key == key)
    }

    /// The value of that key; none when it is absent or empty, which has been told.
    pub fn value(&self, key: &str) -> Option<&'t Node> {
        self.field(key).map(|field| &field.value).filter(|value| !value.is_empty())
    }

    /// Whether the key is neither there nor probably meant by an unknown one.
    pub fn misses(&self, key: &str) -> bool {
        !self.has(key) && !self.meant.contains(&key)
    }

    /// Tells that a required key is missing, at the first line of the block.
    pub fn tell_missing(&self, review: &mut Review, node: &Node, key: &str, help: &str) {
        if self.misses(key) {
            let finding = review.finding(Code::MissingKey, self.head(node), format!("`{key}` is missing"));
            review.tell(finding.help(help));
        }
    }

    /// Where to point for what the whole block lacks: its first key.
    pub fn head(&self, node: &Node) -> Range<usize> {
        self.fields.first().map_or(node.range.clone(), |field| field.key_range.clone())
    }
}
