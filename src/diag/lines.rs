//! Line numbers of many places in one text.

use std::ops::Range;

/// Where each line of a text begins. Made once a text, it answers in logarithmic time; a manifest
/// of a large tenant has half a million lines, and each may have a finding.
#[derive(Clone, Debug)]
pub struct Lines {
    starts: Vec<usize>,
    end: usize,
}

impl Lines {
    /// Finds the lines of a text.
    pub fn new(text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        Lines { starts, end: text.len() }
    }

    /// The number of the line with that byte, from 1.
    pub fn number(&self, byte: usize) -> usize {
        self.starts.partition_point(|start| *start <= byte)
    }

    /// The bytes of the line with that number, its line break included; nothing for a line that
    /// the text does not have.
    pub fn range(&self, number: usize) -> Range<usize> {
        let start = number.checked_sub(1).and_then(|index| self.starts.get(index));
        let start = start.copied().unwrap_or(self.end);
        start..self.starts.get(number).copied().unwrap_or(self.end).max(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_break_belongs_to_the_line_that_it_ends() {
        let lines = Lines::new("ab\nc\n");
        assert_eq!([0, 2, 3, 4, 5].map(|byte| lines.number(byte)), [1, 1, 2, 2, 3]);
        assert_eq!([1, 2, 3, 4].map(|number| lines.range(number)), [0..3, 3..5, 5..5, 5..5]);
    }
}
