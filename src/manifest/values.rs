//! Single values: a node in, a value of its own type out, or a finding that says what to write.

use std::str::FromStr;

use super::node::{Node, Scalar, Value};
use super::review::Review;
use crate::diag::{Code, did_you_mean, is_invisible, quoted};
use crate::model::{Amount, Deadline, NoTime, SignedDuration, TenantId, Timestamp, Window, zone_names};

/// No wait of a toggle is meant to last longer; a slip such as `60h` for `60m` is still allowed.
const LONGEST_DURATION: SignedDuration = SignedDuration::from_hours(30 * 24);

/// No name in a tenant is longer than 256. A reason goes into the plan and into several records of the
/// journal for each subject, so it is a sentence and not a file.
const LONGEST_CHARACTERS: usize = 1000;

/// A list; none when it is something else.
pub(super) fn list<'t>(review: &mut Review, node: &'t Node, what: &str) -> Option<&'t [Node]> {
    match &node.value {
        Value::List(items) => Some(items),
        Value::Scalar(Scalar { text, .. }) => {
            let help = format!("write a list: `[{text}]`, or lines that begin with `- `");
            review.tell_wrong_type(node, what, "a list", (text.len() < 60).then_some(help));
            None
        }
        Value::Block(_) => {
            let help = "begin each entry with `- `".to_owned();
            review.tell_wrong_type(node, what, "a list", Some(help));
            None
        }
        Value::Told => None,
    }
}

/// A scalar as it is written, whatever YAML takes it for.
pub(super) fn word<'t>(review: &mut Review, node: &'t Node, what: &str, expected: &str) -> Option<&'t str> {
    let Value::Scalar(Scalar { text, .. }) = &node.value else {
        review.tell_wrong_type(node, what, expected, None);
        return None;
    };
    if node.is_empty() {
        bad(review, node, format!("{what} is empty"), "write a value, or remove it");
        return None;
    }
    Some(text)
}

/// A text. What YAML takes for a number or a truth value must be quoted: `0123` and `on` do not
/// arrive as they were written.
pub(super) fn text<'t>(review: &mut Review, node: &'t Node, what: &str) -> Option<&'t str> {
    let text = word(review, node, what, "a text")?;
    let taken_for = match &node.value {
        Value::Scalar(Scalar { plain: true, .. }) if is_truth_value(text) => "a truth value",
        Value::Scalar(Scalar { plain: true, .. }) if is_number(text) => "a number",
        _ if text.trim().is_empty() => {
            bad(review, node, format!("{what} is empty"), "write a value, or remove it");
            return None;
        }
        _ if text.chars().count() > LONGEST_CHARACTERS => {
            let message = format!("{what} is longer than {LONGEST_CHARACTERS} characters");
            bad(review, node, message, "shorten it; a quote that is not closed takes in what follows");
            return None;
        }
        _ => return Some(text),
    };
    let message = format!("{what} must be a text, and YAML takes {} for {taken_for}", quoted(text));
    let finding = review.finding(Code::WrongType, node.range.clone(), message);
    review.tell(finding.help(format!("quote it: \"{text}\"")));
    None
}

/// A text for people, brought into one line: what is shown in a plan must not look like more of it.
pub(super) fn sentence(review: &mut Review, node: &Node, what: &str) -> Option<String> {
    let text = text(review, node, what)?;
    if let Some(hidden) = text.chars().find(|c| (c.is_control() && !c.is_whitespace()) || is_invisible(*c)) {
        let message = format!("{what} holds a character that cannot be seen, U+{:04X}", u32::from(hidden));
        bad(review, node, message, "type the text anew");
        return None;
    }
    Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// A text that names something: in one line, and exactly as it is written.
pub(super) fn name<'t>(review: &mut Review, node: &'t Node, what: &str) -> Option<&'t str> {
    let text = text(review, node, what)?;
    let plain = matches!(&node.value, Value::Scalar(Scalar { plain: true, .. }));
    if plain && review.source.text[node.range.clone()].contains('\n') {
        let message = format!("{what} runs over two lines");
        bad(review, node, message, "align the second line: it is read as part of the first");
    } else if text.trim() != text {
        bad(review, node, format!("{what} begins or ends with a space"), "remove the space");
    } else if let Some(hidden) = text.chars().find(|c| c.is_control() || is_invisible(*c)) {
        let message = format!("{what} holds a character that cannot be seen, U+{:04X}", u32::from(hidden));
        bad(review, node, message, "type the name anew");
    } else {
        return Some(text);
    }
    None
}

/// A tenant id or a verified domain.
pub(super) fn tenant(review: &mut Review, node: &Node) -> Option<String> {
    let text = name(review, node, "`tenant`")?;
    if text.parse::<TenantId>().is_err() && !is_domain(text) {
        let message = format!("{} is neither a tenant id nor a domain", quoted(text));
        bad(
            review,
            node,
            message,
            "write the tenant's id, or a verified domain such as `contoso.onmicrosoft.com`",
        );
        return None;
    }
    Some(text.to_owned())
}

/// A duration such as `60m` or `1h 30m`.
pub(super) fn duration(review: &mut Review, node: &Node, key: &str) -> Option<SignedDuration> {
    let what = format!("`{key}`");
    let text = word(review, node, &what, "a duration such as `60m`")?;
    let Ok(duration) = text.parse::<SignedDuration>() else {
        let help = match text.trim().parse::<u64>() {
            Ok(_) => format!("it has no unit: write `{}m` for minutes", text.trim()),
            Err(_) => "write hours and minutes, such as `60m` or `1h 30m`".to_owned(),
        };
        bad(review, node, format!("{} is not a duration", quoted(text)), &help);
        return None;
    };
    if duration.is_negative() {
        bad(review, node, format!("{what} is negative"), "write how long to wait, such as `60m`");
        return None;
    }
    if duration > LONGEST_DURATION {
        bad(review, node, format!("{what} is longer than 30 days"), "nobody should be off that long");
        return None;
    }
    Some(duration)
}

/// A number of people: `50`, or `10%`.
pub(super) fn amount(review: &mut Review, node: &Node, key: &str) -> Option<Amount> {
    let what = format!("`{key}`");
    let text = word(review, node, &what, "a count such as `50` or a share such as `10%`")?;
    match text.parse() {
        Ok(amount) => Some(amount),
        Err(_) => {
            let help = "write a count such as `50`, or a share from `0%` to `100%`";
            bad(review, node, format!("{} is neither a count nor a share", quoted(text)), help);
            None
        }
    }
}

/// A whole number from 1.
pub(super) fn positive(review: &mut Review, node: &Node, key: &str) -> Option<u64> {
    let what = format!("`{key}`");
    let text = word(review, node, &what, "a whole number")?;
    if matches!(&node.value, Value::Scalar(Scalar { plain: false, .. })) {
        review.tell_wrong_type(node, &what, "a whole number", Some("remove the quotes".to_owned()));
        return None;
    }
    match text.parse() {
        Ok(number) if number > 0 => Some(number),
        _ => {
            bad(
                review,
                node,
                format!("{} is not a whole number from 1", quoted(text)),
                "write a number such as `1000`",
            );
            None
        }
    }
}

/// `true` or `false`, as YAML has them.
pub(super) fn flag(review: &mut Review, node: &Node, key: &str) -> Option<bool> {
    let what = format!("`{key}`");
    let text = word(review, node, &what, "`true` or `false`")?;
    if matches!(&node.value, Value::Scalar(Scalar { plain: false, .. })) {
        review.tell_wrong_type(node, &what, "`true` or `false`", Some("remove the quotes".to_owned()));
        return None;
    }
    match text {
        "true" => Some(true),
        "false" => Some(false),
        _ => {
            let message = format!("{} is neither `true` nor `false`", quoted(text));
            bad(review, node, message, "write `true`, or leave the line out");
            None
        }
    }
}

/// A window, or a list of at least one.
pub(super) fn windows(review: &mut Review, node: &Node) -> Vec<Window> {
    let one =
        |review: &mut Review, node: &Node| timed(review, node, "`window`", "a window, or a list of windows");
    match &node.value {
        Value::List(items) if items.is_empty() => {
            bad(review, node, "`window` is an empty list".to_owned(), "name a window, or remove the line");
            Vec::new()
        }
        Value::List(items) => items.iter().filter_map(|item| one(review, item)).collect(),
        Value::Scalar(_) | Value::Block(_) | Value::Told => one(review, node).into_iter().collect(),
    }
}

/// By when everybody must be back on.
pub(super) fn deadline(review: &mut Review, node: &Node) -> Option<Deadline> {
    timed(review, node, "`mustBeOnBy`", "a time of day with its zone")
}

/// A text about clocks; a zone that nobody knows is told with the one that was probably meant.
fn timed<T: FromStr<Err = NoTime>>(
    review: &mut Review,
    node: &Node,
    what: &str,
    expected: &str,
) -> Option<T> {
    let text = word(review, node, what, expected)?.trim();
    match text.parse() {
        Ok(value) => Some(value),
        Err(NoTime { what, help }) => {
            let names = zone_names();
            let zone = text.rsplit(' ').next().unwrap_or(text);
            let near =
                what.contains("zone is called").then(|| did_you_mean(zone, names.iter().map(String::as_str)));
            let mut finding = review.finding(Code::BadValue, node.range.clone(), printable(&what));
            finding = match near.flatten() {
                Some(near) => finding.label(format!("did you mean `{near}`?")),
                None => finding.help(help),
            };
            review.tell(finding);
            None
        }
    }
}

/// Without what a terminal would obey, and not too long.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && !is_invisible(*c)).take(300).collect()
}

/// A moment in the past.
pub(super) fn time(review: &mut Review, node: &Node, key: &str) -> Option<Timestamp> {
    let what = format!("`{key}`");
    let text = word(review, node, &what, "a time such as `2026-11-20T00:00:00Z`")?;
    let (message, help) = match text.parse::<Timestamp>() {
        Ok(time) if time <= review.now => return Some(time),
        Ok(_) => (
            format!("{what} is later than now, so it would ask for a toggle for ever"),
            format!("write a time up to now, such as `{}`", seconds(review.now)),
        ),
        Err(_) => match text.parse::<jiff::civil::DateTime>() {
            Ok(local) => (
                format!("{what} has no time zone"),
                format!("write `{local}Z` for UTC, or your own zone such as `{local}+01:00`"),
            ),
            Err(_) => (
                format!("{} is not a time", quoted(text)),
                format!("write date, time and zone, such as `{}`", seconds(review.now)),
            ),
        },
    };
    let finding = review.finding(Code::BadTime, node.range.clone(), message);
    review.tell(finding.help(help));
    None
}

/// The time without fractions of a second, as people write it.
fn seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// Tells that a value means nothing here.
pub(super) fn bad(review: &mut Review, node: &Node, message: String, help: &str) {
    let finding = review.finding(Code::BadValue, node.range.clone(), message);
    review.tell(finding.help(help));
}

/// Whether some YAML reader takes the word for true or false.
fn is_truth_value(text: &str) -> bool {
    ["true", "false", "yes", "no", "on", "off"].iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// Whether some YAML reader takes the word for a number.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let prefixed = ["0x", "0o", "0b"].iter().any(|prefix| {
        digits.strip_prefix(prefix).is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
    });
    let special = [".inf", ".nan"].iter().any(|word| word.eq_ignore_ascii_case(digits));
    let counted = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.bytes().all(|byte| byte.is_ascii_digit() || b"._eE+-".contains(&byte))
        && digits.replace('_', "").parse::<f64>().is_ok();
    prefixed || special || counted
}

/// Whether the text has the shape of a domain: labels of letters, digits and hyphens.
fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(label)
}
