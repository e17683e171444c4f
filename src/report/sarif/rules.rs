//! What each rule is called and says. A rule is a code; a code of a blocked subject has `blocked/` before
//! it, because a finding can have the same.

use crate::diag::Code;
use crate::report::remarks::{Remark, Source};

/// A technique of MITRE ATT&CK that a rule may show, and how much GitHub shall make of it.
pub(super) struct Technique {
    /// As MITRE numbers it.
    pub id: &'static str,
    /// From 0 to 10, as text; GitHub calls 7.0 to 8.9 high.
    pub severity: &'static str,
}

/// The technique that a rule may show: somebody who turns auditing off for a mailbox disables cloud logs.
pub(super) fn technique(remark: &Remark<'_>) -> Option<Technique> {
    let is_it = remark.source == Source::Finding && remark.code == Code::TurnedOffByOthers.as_str();
    is_it.then_some(Technique { id: "T1562.008", severity: "8.1" })
}

/// `short-wait`, `blocked/no-license`, `unknown`.
pub(super) fn id(remark: &Remark<'_>) -> String {
    match remark.source {
        Source::Finding | Source::Unknown => remark.code.to_owned(),
        Source::Blocked => format!("blocked/{}", remark.code),
    }
}

/// One sentence on the rule.
pub(super) fn about(remark: &Remark<'_>) -> &'static str {
    match remark.source {
        Source::Finding => Code::named(remark.code).map_or("Something to look at.", Code::about),
        Source::Unknown => "A declared subject could not be read; unknown is never taken for off.",
        Source::Blocked => blocked(remark.code),
    }
}

/// What to do in general; each result says it for its own case.
pub(super) fn help(remark: &Remark<'_>) -> &'static str {
    match remark.source {
        Source::Finding => "The message says what to do, where there is something to do.",
        Source::Unknown => {
            "Run again. When it stays unknown, `advaudit doctor` looks for the cause: access, permissions, names."
        }
        Source::Blocked => {
            "Nothing is done to this subject until somebody does what the message says, or takes the entry out \
             of the manifest."
        }
    }
}

fn blocked(code: &str) -> &'static str {
    match code {
        "not-found" => "A declared name that the tenant does not know.",
        "name-moved" => "A declared name that leads to another object than before.",
        "ambiguous" => "A declared name that several groups have.",
        "no-license" => "A declared subject without a license that has the service plan.",
        "license-not-usable" => "A declared subject whose license the tenant may not use now.",
        "not-provisioned" => "A declared subject whose service plan the tenant has not activated.",
        "off-by-group" => "A declared user who is off through a group that is not declared.",
        "assignment-in-error" => "A declared subject whose license assignment is in error.",
        "no-usage-location" => "A declared user without a usage location.",
        "protected" => "A toggle is asked for somebody who is protected.",
        "on-by-group" => "A toggle is asked for a user who is on through a group.",
        "protected-member" => "A toggle is asked for a group with a protected member.",
        "group-too-large" => "A toggle is asked for a group above the limit of members.",
        _ => "A declared subject that needs something else first.",
    }
}
