//! What goes into a bounded text: tables whose rows are taken as long as there is room, and details folded
//! away below them, for which what is left is used. Rows and names are made one by one, so that a hundred
//! thousand of them cost nothing that is not shown.

use crate::report::words::{count, number};

/// One row of a table.
pub(super) struct Row<'a> {
    /// The cells, with bars around them and without a line end.
    pub line: String,
    /// How many subjects it stands for.
    pub subjects: usize,
    /// What is folded away below the table.
    pub detail: Option<Detail<'a>>,
}

/// Something folded away: a sentence, and names as far as there is room.
pub(super) struct Detail<'a> {
    /// What stands before the names.
    pub text: String,
    /// The names, ready to be shown.
    pub names: Box<dyn Iterator<Item = String> + 'a>,
    /// How many they are.
    pub total: usize,
}

/// A heading, a table and what is folded away below it.
pub(super) struct Section<'a> {
    /// With its number signs, and a sentence below it where one is needed.
    pub heading: String,
    /// The first two lines of the table.
    pub head: String,
    /// The rows, the most important first.
    pub rows: Box<dyn ExactSizeIterator<Item = Row<'a>> + 'a>,
    /// How many subjects all rows stand for.
    pub subjects: usize,
    /// What the line says under which details are folded.
    pub summary: &'static str,
}

/// What was left out, of all sections.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct LeftOut {
    /// Rows of tables.
    pub rows: usize,
    /// Subjects in them.
    pub subjects: usize,
    /// Lists of names and steps, or parts of them.
    pub lists: usize,
}

/// Room for a line that says what was left out, or for what a detail has around it.
const A_LINE: usize = 160;

/// A table that was drawn, and what is to be folded away below it.
struct Drawn<'a> {
    text: String,
    /// By the number of its row.
    details: Vec<(usize, Detail<'a>)>,
    summary: &'static str,
}

/// Draws sections into so many bytes. Each may use an equal part of what those before it left, and one part
/// is kept for the details of all.
pub(super) fn draw(sections: Vec<Section<'_>>, room: usize) -> (String, LeftOut) {
    let (mut left, mut out) = (room, LeftOut::default());
    let mut parts = sections.len() + 1;
    let mut drawn: Vec<Drawn<'_>> = Vec::new();
    for section in sections {
        let table = table(section, left / parts, &mut out);
        left = left.saturating_sub(table.text.len());
        parts -= 1;
        drawn.push(table);
    }
    let mut text = String::new();
    for own in drawn {
        text.push_str(&own.text);
        if !own.details.is_empty() {
            let folded = folded(own.summary, own.details, left, &mut out);
            left = left.saturating_sub(folded.len());
            text.push_str(&folded);
        }
    }
    (text, out)
}

fn table<'a>(section: Section<'a>, room: usize, out: &mut LeftOut) -> Drawn<'a> {
    let mut text = format!("{}\n\n{}\n", section.heading, section.head);
    let (mut details, mut shown, mut drawn) = (Vec::new(), 0, 0);
    let total = section.rows.len();
    for row in section.rows {
        if text.len() + row.line.len() + A_LINE > room {
            break;
        }
        drawn += 1;
        text.push_str(&row.line);
        text.push('\n');
        shown += row.subjects;
        details.extend(row.detail.map(|detail| (drawn, detail)));
    }
    let left = total - drawn;
    text.push('\n');
    if left > 0 {
        let subjects = section.subjects.saturating_sub(shown);
        let rows = count(left, "row", "rows");
        text.push_str(&format!("… and {rows} more, of {}, left out here.\n\n", number(subjects as u64)));
        out.rows += left;
        out.subjects += subjects;
    }
    Drawn { text, details, summary: section.summary }
}

fn folded(summary: &str, details: Vec<(usize, Detail<'_>)>, room: usize, out: &mut LeftOut) -> String {
    let mut text = format!("<details><summary>{summary}</summary>\n\n");
    let mut left = 0;
    for (at, detail) in details {
        if left > 0 || text.len() + detail.text.len() + 2 * A_LINE > room {
            left += 1;
            continue;
        }
        text.push_str(&format!("**{at}.** {}", detail.text));
        let mut shown = 0;
        for name in detail.names {
            if text.len() + name.len() + 2 * A_LINE > room {
                break;
            }
            text.push_str(if shown == 0 { ": " } else { ", " });
            text.push_str(&name);
            shown += 1;
        }
        if shown < detail.total {
            text.push_str(&format!(" and {} more, left out here", number((detail.total - shown) as u64)));
            out.lists += 1;
        }
        text.push_str("\n\n");
    }
    if left > 0 {
        text.push_str(&format!("… and {} more, left out here.\n\n", number(left as u64)));
        out.lists += left;
    }
    // Where not even one fits, there is nothing to open.
    if text.len() > room { String::new() } else { text + "</details>\n\n" }
}

impl LeftOut {
    /// `12 rows of 345 subjects and 6 lists of names`; none where nothing was left out.
    pub fn in_words(self) -> Option<String> {
        let rows = (self.rows > 0).then(|| {
            let subjects = count(self.subjects, "subject", "subjects");
            format!("{} with {subjects}", count(self.rows, "row", "rows"))
        });
        let lists = (self.lists > 0).then(|| {
            let lists = count(self.lists, "folded list", "folded lists");
            format!("{lists} of names and steps, or a part of them")
        });
        let all: Vec<String> = [rows, lists].into_iter().flatten().collect();
        (!all.is_empty()).then(|| all.join(", and "))
    }
}
