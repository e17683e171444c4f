//! Which line of a YAML text an entry stands on, for errors that are found after reading.

use std::collections::BTreeMap;

use granit_parser::{Event, Parser};

/// Paths such as `users[3].licenses[0].off` and their lines, counted from 1.
#[derive(Debug, Default)]
pub struct Lines(BTreeMap<String, usize>);

impl Lines {
    /// The lines of every key and entry of a text. A text that is no YAML has none.
    pub fn of(text: &str) -> Self {
        let mut walk = Walk { parser: Parser::new_from_str(text), lines: BTreeMap::new() };
        // A broken text is reported by the typed read; what was found before the break is kept.
        let _ = walk.document();
        Lines(walk.lines)
    }

    /// The line of that entry, or of the nearest block around it that is written out.
    pub fn line(&self, path: &str) -> Option<usize> {
        let mut path = path;
        loop {
            if let Some(line) = self.0.get(path) {
                return Some(*line);
            }
            path = &path[..path.rfind(['.', '['])?];
        }
    }
}

struct Walk<'text> {
    parser: Parser<'text, granit_parser::StrInput<'text>>,
    lines: BTreeMap<String, usize>,
}

/// The text ended or is broken.
struct Stop;

impl<'text> Walk<'text> {
    fn next(&mut self) -> Result<(Event<'text>, usize), Stop> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => Ok((event, span.start.line())),
            Some(Err(_)) | None => Err(Stop),
        }
    }

    fn document(&mut self) -> Result<(), Stop> {
        loop {
            let (event, line) = self.next()?;
            if !matches!(event, Event::StreamStart | Event::DocumentStart(..)) {
                return self.node(event, line, String::new());
            }
        }
    }

    fn node(&mut self, event: Event<'text>, line: usize, path: String) -> Result<(), Stop> {
        self.lines.entry(path.clone()).or_insert(line);
        match event {
            Event::SequenceStart(..) => self.list(&path),
            Event::MappingStart(..) => self.block(&path),
            _ => Ok(()),
        }
    }

    fn list(&mut self, path: &str) -> Result<(), Stop> {
        for index in 0.. {
            let (event, line) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                break;
            }
            self.node(event, line, format!("{path}[{index}]"))?;
        }
        Ok(())
    }

    fn block(&mut self, path: &str) -> Result<(), Stop> {
        loop {
            let (key, line) = self.next()?;
            let Event::Scalar(key, ..) = key else { return Ok(()) };
            let path = if path.is_empty() { key.into_owned() } else { format!("{path}.{key}") };
            self.lines.insert(path.clone(), line);
            let (value, line) = self.next()?;
            self.node(value, line, path)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_and_keys_have_the_line_they_stand_on() {
        let lines = Lines::of("# a comment\nusers:\n  - upn: a@b\n    licenses:\n      - SPE_E5\n  - c@d\n");
        assert_eq!(lines.line("users"), Some(2));
        assert_eq!(lines.line("users[0].licenses[0]"), Some(5));
        assert_eq!(lines.line("users[1]"), Some(6));
    }

    #[test]
    fn what_is_not_written_out_has_the_line_of_the_block_around_it() {
        let lines = Lines::of("users:\n  - {upn: a@b}\n");
        assert_eq!(lines.line("users[0].licenses[0].off"), Some(2));
    }
}
