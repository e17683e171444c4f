//! Valid inputs, changed by choices: nodes of JSON, then bytes.

use serde_json::{Map, Value, json};

/// A stream of choices. At its end every choice is the first one, which changes nothing.
pub struct Choices<'a> {
    bytes: &'a [u8],
}

impl<'a> Choices<'a> {
    /// The choices that those bytes make.
    pub fn new(bytes: &'a [u8]) -> Self {
        Choices { bytes }
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        let (number, rest) = match self.bytes {
            [low, high, rest @ ..] if end > 256 => (usize::from(u16::from_le_bytes([*low, *high])), rest),
            [byte, rest @ ..] => (usize::from(*byte), rest),
            [] => (0, &[][..]),
        };
        self.bytes = rest;
        if end == 0 { 0 } else { number % end }
    }

    /// All choices that are left.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.bytes)
    }

    /// One of them.
    pub fn one<'t, T>(&mut self, of: &'t [T]) -> &'t T {
        &of[self.below(of.len())]
    }

    /// True so often: `1` in that many.
    pub fn rarely(&mut self, in_so_many: usize) -> bool {
        self.below(in_so_many) == in_so_many - 1
    }
}

/// Changes some nodes of a value.
pub fn nodes(value: &mut Value, choices: &mut Choices<'_>) {
    for _ in 0..choices.below(5) {
        let donor = nth(value, choices.below(count(value))).cloned().unwrap_or_default();
        let at = choices.below(count(value));
        if let Some(node) = nth_mut(value, &mut { at }) {
            change(node, donor, choices);
        }
    }
}

fn change(node: &mut Value, donor: Value, choices: &mut Choices<'_>) {
    match choices.below(10) {
        0 => *node = donor,
        1 => *node = odd(choices),
        2 => *node = other_type(node),
        3 => *node = (0..*choices.one(&[60, 200])).fold(Value::Null, |inner, _| json!([inner])),
        4 => remove(node, choices),
        5 | 6 => double(node, donor, choices),
        7 => rename(node, choices),
        _ => shout(node),
    }
}

/// Values that programs forget.
fn odd(choices: &mut Choices<'_>) -> Value {
    let long = "x".repeat(3000);
    let odd = [
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(1e308),
        json!(""),
        json!("\u{0}"),
        json!("\u{1b}[2J"),
        json!("\u{202e}"),
        json!([]),
        json!({}),
        json!(long),
        json!("None"),
        json!("9999-12-31T23:59:59Z"),
        json!("-009999-01-01T00:00:00Z"),
        json!("2026-02-30T00:00:00Z"),
        json!("2f442157-a11c-46b9-ae5b-6e39ff4e5849"),
        json!("00000000-0000-0000-0000-000000000000"),
        json!("https://evil.example/v1.0/users"),
        json!("https://graph.microsoft.com/v1.0/users?$skiptoken=x"),
        json!(200),
        json!("200"),
        json!(404),
        json!(429),
        json!(999),
        json!("user"),
        json!("Dreaming"),
    ];
    choices.one(&odd).clone()
}

/// A number as a text, a text as a number, one as a list of one.
fn other_type(node: &Value) -> Value {
    match node {
        Value::Number(number) => json!(number.to_string()),
        Value::Bool(flag) => json!(flag.to_string()),
        Value::String(text) => text.parse::<i64>().map_or_else(|_| json!([text]), |number| json!(number)),
        Value::Array(items) => items.first().cloned().unwrap_or_default(),
        Value::Object(fields) => Value::Array(fields.values().cloned().collect()),
        Value::Null => json!({}),
    }
}

fn remove(node: &mut Value, choices: &mut Choices<'_>) {
    match node {
        Value::Array(items) if !items.is_empty() => _ = items.remove(choices.below(items.len())),
        Value::Object(fields) if !fields.is_empty() => {
            let key = fields.keys().nth(choices.below(fields.len())).cloned();
            key.and_then(|key| fields.remove(&key));
        }
        other => *other = Value::Null,
    }
}

fn double(node: &mut Value, donor: Value, choices: &mut Choices<'_>) {
    if let Value::Array(items) = node {
        let at = choices.below(items.len() + 1);
        let item = items.get(at).cloned().filter(|_| choices.below(2) == 0).unwrap_or(donor);
        items.insert(at, item);
    }
}

fn rename(node: &mut Value, choices: &mut Choices<'_>) {
    if let Value::Object(fields) = node {
        let at = choices.below(fields.len());
        let renamed: Map<String, Value> = std::mem::take(fields)
            .into_iter()
            .enumerate()
            .map(|(index, (key, value))| (if index == at { key.to_uppercase() } else { key }, value))
            .collect();
        *fields = renamed;
    }
}

fn shout(node: &mut Value) {
    if let Value::String(text) = node {
        *text = text.to_uppercase();
    }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}

fn nth(value: &Value, at: usize) -> Option<&Value> {
    fn walk<'v>(value: &'v Value, left: &mut usize) -> Option<&'v Value> {
        if *left == 0 {
            return Some(value);
        }
        *left -= 1;
        match value {
            Value::Array(items) => items.iter().find_map(|item| walk(item, left)),
            Value::Object(fields) => fields.values().find_map(|item| walk(item, left)),
            _ => None,
        }
    }
    walk(value, &mut { at })
}

fn nth_mut<'v>(value: &'v mut Value, left: &mut usize) -> Option<&'v mut Value> {
    if *left == 0 {
        return Some(value);
    }
    *left -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| nth_mut(item, left)),
        Value::Object(fields) => fields.values_mut().find_map(|item| nth_mut(item, left)),
        _ => None,
    }
}

/// Changes some bytes. `words` are put in where a random byte would find nothing.
pub fn bytes(bytes: &mut Vec<u8>, words: &[&str], choices: &mut Choices<'_>) {
    for _ in 0..choices.below(4) {
        let at = choices.below(bytes.len() + 1);
        let end = (at + choices.below(40)).min(bytes.len());
        match choices.below(7) {
            0 => drop(bytes.drain(at..end)),
            1 => {
                let copy = bytes[at..end].to_vec();
                let to = choices.below(bytes.len() + 1);
                bytes.splice(to..to, copy);
            }
            2 | 3 => {
                let word = choices.one(words).as_bytes().to_vec();
                bytes.splice(at..at, word);
            }
            4 => bytes.truncate(at),
            5 => {
                let copy = bytes[at..].to_vec();
                bytes.extend(copy);
            }
            _ => {
                let byte = choices.below(256) as u8;
                if let Some(old) = bytes.get_mut(at) {
                    *old = byte;
                }
            }
        }
    }
}
