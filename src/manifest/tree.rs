//! From the text to its tree.
//!
//! Parts of YAML that a manifest must not have (anchors, aliases, tags, merge keys, a second
//! document) are told here, and keys that stand twice: a reviewer must see what a manifest says
//! without following references. Which keys and values are right is not decided here.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle, Span};

use super::broken;
use super::node::{DEEPEST_LEVELS, Field, Node, Scalar, Value};
use super::review::Review;
use crate::diag::{Code, quoted};

/// Half a million users with a reason each are some 80 MB.
pub(super) const LARGEST_BYTES: usize = 128 * 1024 * 1024;

/// They have four million lists, blocks and values; each takes memory beside its text.
const MOST_NODES: usize = 8_000_000;

/// Reads the text of the review. None when there is no tree to speak of; that has been told.
pub(super) fn grow(review: &mut Review) -> Option<Node> {
    let source = Arc::clone(&review.source);
    if source.text.len() > LARGEST_BYTES {
        let message = format!("the manifest is larger than {} MiB", LARGEST_BYTES / 1024 / 1024);
        review.tell(review.finding(Code::Syntax, 0..0, message));
        return None;
    }
    let mut options = granit_parser::options! {
        emit_anchor_events: true,
        emit_unresolved_aliases: true,
        block_nesting_limit: DEEPEST_LEVELS,
        flow_nesting_limit: DEEPEST_LEVELS
    };
    options.set_emit_comments(false);
    let mut gardener = Gardener { review, open: Vec::new(), root: None, documents: 0, nodes: 0 };
    for event in Parser::new_from_str_with_options(&source.text, options) {
        match event {
            Ok((event, span)) => {
                if !gardener.take(event, &span) {
                    break;
                }
            }
            Err(error) => {
                broken::tell(gardener.review, &error);
                return None;
            }
        }
    }
    let root = gardener.root;
    if is_nothing(root.as_ref()) {
        let finding = review.finding(Code::Syntax, 0..0, "the manifest is empty");
        review
            .tell(finding.help("begin with `apiVersion: advaudit/v1`, `tenant:` and `users:` or `groups:`"));
        return None;
    }
    root
}

/// Whether the text holds nothing, or only comments.
fn is_nothing(root: Option<&Node>) -> bool {
    root.is_none_or(Node::is_empty)
}

/// Puts the parser's events together.
struct Gardener<'a> {
    review: &'a mut Review,
    /// The lists and blocks that are not closed yet, outermost first.
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
    nodes: usize,
}

/// A list or block that is not closed yet.
enum Open {
    List { start: usize, items: Vec<Node> },
    Block(OpenBlock),
}

struct OpenBlock {
    start: usize,
    fields: Vec<Field>,
    /// The first field with that key.
    first: HashMap<String, usize>,
    key: Key,
}

/// The key whose value comes next.
enum Key {
    /// None: a key comes next.
    Awaited,
    /// The key of the next value.
    Read(String, Range<usize>),
    /// A key that has been told; its value is left out.
    Told,
}

impl Gardener<'_> {
    /// Takes one event; false when reading on makes no sense.
    fn take(&mut self, event: Event<'_>, span: &Span) -> bool {
        let range = span.byte_range().unwrap_or(0..0);
        self.tell_tag(span);
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            let message = format!("the manifest has more than {MOST_NODES} values");
            let finding = self.review.finding(Code::Syntax, range, message);
            self.review.tell(finding.help("give parts of the tenant manifests of their own"));
            return false;
        }
        match event {
            Event::DocumentStart(..) => return self.document(range),
            Event::Scalar(text, style, ..) => {
                let plain = style == ScalarStyle::Plain;
                let value = Value::Scalar(Scalar { text: text.into_owned(), plain });
                self.add(Node { range, value });
            }
            Event::SequenceStart(..) => {
                self.open.push(Open::List { start: range.start, items: Vec::new() });
            }
            Event::MappingStart(..) => self.open_block(range.start),
            Event::SequenceEnd | Event::MappingEnd => self.close(range),
            Event::Anchor(..) | Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.tell_reference(&event, range);
            }
            _ => {} // The stream's and the document's ends.
        }
        true
    }

    fn document(&mut self, range: Range<usize>) -> bool {
        self.documents += 1;
        if self.documents == 1 {
            return true;
        }
        let finding = self.review.finding(Code::Syntax, range, "a second document begins here");
        self.review.tell(finding.help("a manifest is one document: give the other one its own file"));
        false
    }

    fn open_block(&mut self, start: usize) {
        let key = Key::Awaited;
        self.open.push(Open::Block(OpenBlock { start, fields: Vec::new(), first: HashMap::new(), key }));
    }

    fn close(&mut self, end: Range<usize>) {
        let node = match self.open.pop() {
            Some(Open::List { start, items }) => {
                let last = items.last().map(|item| item.range.end);
                Node { range: start..closing(last, start, &end), value: Value::List(items) }
            }
            Some(Open::Block(OpenBlock { start, fields, .. })) => {
                let last = fields.iter().map(|field| field.value.range.end).max();
                Node { range: start..closing(last, start, &end), value: Value::Block(fields) }
            }
            None => return,
        };
        self.add(node);
    }

    /// Puts a finished node where it belongs.
    fn add(&mut self, node: Node) {
        let review = &mut *self.review;
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Block(block)) => match std::mem::replace(&mut block.key, Key::Awaited) {
                Key::Awaited => block.key = key(review, node),
                Key::Told => {}
                Key::Read(key, key_range) => block.add(review, Field { key, key_range, value: node }),
            },
        }
    }

    fn tell_tag(&mut self, span: &Span) {
        if let Some(range) = span.tag_span().and_then(|tag| tag.byte_range()) {
            let tag = quoted(&self.review.source.text[range.clone()]);
            let finding = self.review.finding(Code::Syntax, range, format!("the tag {tag} is not allowed"));
            self.review.tell(finding.help("remove the tag; quote the value to make it a text"));
        }
    }

    fn tell_reference(&mut self, event: &Event<'_>, range: Range<usize>) {
        let word = quoted(&self.review.source.text[range.clone()]);
        let (what, help) = match event {
            Event::Anchor(..) => {
                ("anchor", "remove it: a manifest has no references, so that it reads as it is")
            }
            _ => ("alias", "write the value out: a manifest has no references, so that it reads as it is"),
        };
        let message = format!("the {what} {word} is not allowed");
        self.review.tell(self.review.finding(Code::Syntax, range.clone(), message).help(help));
        if what == "alias" {
            self.add(Node { range, value: Value::Told });
        }
    }
}

/// Where a list or block ends: at its bracket, otherwise with its last value, because the parser
/// closes an indented block only where the next one begins.
fn closing(last: Option<usize>, start: usize, end: &Range<usize>) -> usize {
    if end.is_empty() { last.unwrap_or(start).max(start) } else { end.end }
}

/// A node in the place of a key.
fn key(review: &mut Review, node: Node) -> Key {
    let (message, help) = match node.value {
        Value::Scalar(Scalar { text, plain }) => match text.as_str() {
            "<<" if plain => ("merge keys are not allowed", "write the keys out, each in its place"),
            "~" | "" if plain => ("a key is missing before the colon", "write it as `key: value`"),
            _ => return Key::Read(text, node.range),
        },
        Value::Told => return Key::Told,
        Value::List(_) | Value::Block(_) => ("a key must be a word", "write it as `key: value`"),
    };
    review.tell(review.finding(Code::Syntax, node.range, message).help(help));
    Key::Told
}

impl OpenBlock {
    fn add(&mut self, review: &mut Review, field: Field) {
        let Some(first) = self.first.get(&field.key).and_then(|index| self.fields.get_mut(*index)) else {
            self.first.insert(field.key.clone(), self.fields.len());
            self.fields.push(field);
            return;
        };
        let message = format!("{} is given twice", quoted(&field.key));
        let line = review.line(first.key_range.start);
        let finding = review.finding(Code::DuplicateKey, field.key_range, message);
        review.tell(finding.label(format!("first given in line {line}")).help("keep one of the two"));
        absorb(&mut first.value, field.value);
    }
}

/// Adds what a second value of the same key holds to the first, so that it is checked too.
fn absorb(first: &mut Node, second: Node) {
    match (&mut first.value, second.value) {
        (Value::List(items), Value::List(more)) => items.extend(more),
        (Value::Block(fields), Value::Block(more)) => fields.extend(more),
        _ => {}
    }
}
