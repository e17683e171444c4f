//! Where something stands: a text that was read, and a range in it.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::Lines;

/// A text that findings can point into, with the name it was given on the command line.
#[derive(Debug)]
pub struct Source {
    /// The path as the user wrote it.
    pub name: String,
    /// The whole text, without a byte order mark.
    pub text: String,
    /// Found when first asked for: thousands of places point into one text.
    lines: OnceLock<Lines>,
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.text == other.text
    }
}

impl Eq for Source {}

impl Source {
    /// A text by the name it was given; a byte order mark is left out, so that columns are right.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        let mut text = text.into();
        if text.starts_with(BYTE_ORDER_MARK) {
            text.drain(..BYTE_ORDER_MARK.len_utf8());
        }
        Source { name: name.into(), text, lines: OnceLock::new() }
    }

    /// Where its lines begin.
    pub fn lines(&self) -> &Lines {
        self.lines.get_or_init(|| Lines::new(&self.text))
    }
}

/// Windows editors begin a file with it; it means nothing.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// A range of bytes in a source. Cheap to clone: the text is shared. Places are ordered by the name of
/// their source and then by where they stand; texts are not compared.
#[derive(Clone)]
pub struct Place {
    /// The text it points into.
    pub source: Arc<Source>,
    /// First byte.
    start: usize,
    /// One past the last byte.
    end: usize,
}

impl Place {
    /// A place; the range is cut to the text and to whole characters, so it can always be drawn.
    pub fn new(source: &Arc<Source>, range: Range<usize>) -> Self {
        let text = &source.text;
        let start = text.floor_char_boundary(range.start.min(text.len()));
        let end = text.ceil_char_boundary(range.end.clamp(start, text.len()));
        Place { source: Arc::clone(source), start, end }
    }

    /// The bytes it covers.
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    /// Line and column, both from 1; columns are counted in characters.
    pub fn line_column(&self) -> (usize, usize) {
        let line = self.source.lines().number(self.start);
        let start = self.source.lines().range(line).start;
        (line, self.source.text[start..self.start].chars().count() + 1)
    }

    fn order(&self) -> (&str, usize, usize) {
        (&self.source.name, self.start, self.end)
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order()
    }
}

impl Eq for Place {}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order().cmp(&other.order())
    }
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (line, column) = self.line_column();
        write!(f, "{}:{line}:{column}", self.source.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_are_counted_from_one_and_in_characters() {
        let source = Arc::new(Source::new("m.yaml", "a: b\nü: x\n"));
        assert_eq!(Place::new(&source, 0..1).to_string(), "m.yaml:1:1");
        assert_eq!(Place::new(&source, 9..10).line_column(), (2, 4));
    }

    #[test]
    fn a_byte_order_mark_is_not_part_of_the_text() {
        assert_eq!(Source::new("m.yaml", "\u{feff}a: b").text, "a: b");
    }

    #[test]
    fn a_range_outside_the_text_is_cut_to_it() {
        let source = Arc::new(Source::new("m.yaml", "ü"));
        assert_eq!(Place::new(&source, 1..99).range(), 0..2);
    }
}
