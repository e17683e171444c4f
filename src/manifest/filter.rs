//! `filter:`, as far as it can be judged offline: Graph has the last word on what it means, but a quote
//! that is not closed need not travel there. What a filter selects is decided in `observe`.

use super::node::Node;
use super::review::Review;
use super::values;
use crate::diag::{Code, is_invisible};
use crate::model::SERVICE_PLAN;

/// A `$filter` of Graph's on users. It may run over several lines.
pub(super) fn filter(review: &mut Review, node: &Node) -> Option<String> {
    let text = values::text(review, node, "`filter`")?;
    let filter = in_one_line(text);
    if let Some((message, help)) = mistake(&filter) {
        values::bad(review, node, message, help);
        return None;
    }
    if asks_for_the_service_plan(&filter) {
        let message = "`filter` asks for the service plan itself: whoever is off is perhaps not meant";
        let finding = review.finding(Code::UnsteadyFilter, node.range.clone(), message);
        review.tell(finding.help(
            "a toggle changes what this selects, and with a lost journal who is off would not be found; ask for a \
             license instead: assignedLicenses/any(a:a/skuId eq …), or write `all: licensed`",
        ));
    }
    Some(filter)
}

/// Whether what the filter selects changes with what is done to whom it selects.
fn asks_for_the_service_plan(filter: &str) -> bool {
    filter.to_lowercase().contains(&SERVICE_PLAN.to_string())
}

/// The filter as it is sent: a block of several lines as one.
pub(super) fn in_one_line(text: &str) -> String {
    text.trim().replace('\n', " ")
}

/// What no server can make sense of, and the next step.
fn mistake(filter: &str) -> Option<(String, &'static str)> {
    if let Some(hidden) = filter.chars().find(|c| c.is_control() || is_invisible(*c)) {
        let message = format!("`filter` holds a character that cannot be seen, U+{:04X}", u32::from(hidden));
        return Some((message, "type the filter anew"));
    }
    if filter.trim_start_matches('?').starts_with("$filter") {
        return Some(("`filter` begins with `$filter`".into(), "write only what follows `$filter=`"));
    }
    let (bare, is_open) = without_texts(filter);
    if bare.contains(['\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '"']) {
        let message = "`filter` has quotes that Graph does not know".into();
        return Some((message, "texts stand in straight single quotes: department eq 'Legal'"));
    }
    if is_open {
        let message = "a text in `filter` has no end: its quotes are odd in number".into();
        return Some((message, "close the quote; an apostrophe in a text is doubled: 'O''Brien'"));
    }
    let mut depth = 0_i64;
    let closes_too_early = bare.chars().any(|c| {
        depth += i64::from(c == '(') - i64::from(c == ')');
        depth < 0
    });
    if closes_too_early || depth != 0 {
        return Some(("the brackets in `filter` do not match".into(), "close each `(` with a `)`"));
    }
    let operators = [("==", "eq"), ("!=", "ne"), ("&&", "and"), ("||", "or"), ("=", "eq")];
    let (written, meant) = operators.into_iter().find(|(written, _)| bare.contains(written))?;
    let help = "Graph's operators are words: eq, ne, not, and, or, in, startsWith(…), endsWith(…)";
    Some((format!("`filter` has `{written}`, which Graph writes as `{meant}`"), help))
}

/// The filter without what stands between quotes, and whether the last quote is open. A doubled quote
/// ends one text and begins the next, which comes to the same.
fn without_texts(filter: &str) -> (String, bool) {
    let parts: Vec<&str> = filter.split('\'').collect();
    (parts.iter().step_by(2).copied().collect::<Vec<_>>().join("''"), parts.len().is_multiple_of(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_graph_may_understand_is_left_to_graph() {
        for filter in [
            "department eq 'Legal'",
            "startsWith(displayName,'O''Brien (x') and accountEnabled eq true",
            "assignedLicenses/any(a:a/skuId eq 06ebc4ee-1bb5-47dd-8120-11324bc54e06)",
            "jobTitle eq '= \u{2019} \" && (('",
            "department eq ''",
            "nonsense",
        ] {
            assert_eq!(mistake(filter), None, "{filter}");
        }
    }

    #[test]
    fn a_filter_by_the_service_plan_is_noticed_in_any_case() {
        let by =
            |id: &str| asks_for_the_service_plan(&format!("assignedPlans/any(a:a/servicePlanId eq {id})"));
        assert!(by("2F442157-A11C-46B9-AE5B-6E39FF4E5849") && by("2f442157-a11c-46b9-ae5b-6e39ff4e5849"));
        assert!(!by("efb87545-963c-4e0d-99df-69c6916d9eb0"));
    }

    #[test]
    fn what_nobody_can_understand_is_told_with_the_next_step() {
        for (filter, says) in [
            ("$filter=department eq 'Legal'", "begins with"),
            ("department eq \u{2018}Legal\u{2019}", "quotes that Graph does not know"),
            ("department eq \"Legal\"", "quotes that Graph does not know"),
            ("department eq 'Legal", "no end"),
            ("surname eq 'O'Brien'", "no end"),
            ("(department eq 'Legal'", "do not match"),
            ("department eq 'Legal')(", "do not match"),
            ("department == 'Legal'", "writes as `eq`"),
            ("department = 'Legal'", "writes as `eq`"),
            ("department eq 'Legal' && country eq 'CH'", "writes as `and`"),
            ("department eq 'Le\u{200b}gal'", "U+200B"),
        ] {
            let (message, _) = mistake(filter).expect(filter);
            assert!(message.contains(says), "{filter}: {message}");
        }
    }
}
