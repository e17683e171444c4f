//! The closed set of finding codes. They are part of the contract: people search for them.

use super::Severity;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $text:literal, $severity:ident;)*) => {
        /// What kind of thing a finding tells.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[doc = $doc])+ $variant,)*
        }

        impl Code {
            /// The stable name, in kebab case.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $text,)* }
            }

            /// What it tells, in a sentence: the one that stands beside it here.
            pub fn about(self) -> &'static str {
                match self { $(Code::$variant => concat!($($doc),+).trim_ascii_start(),)* }
            }

            /// The code with that name.
            pub fn named(name: &str) -> Option<Self> {
                match name { $($text => Some(Code::$variant),)* _ => None }
            }

            /// How much a finding with this code weighs.
            pub fn severity(self) -> Severity {
                match self { $(Code::$variant => Severity::$severity,)* }
            }
        }
    };
}

codes! {
    // The manifest, offline.
    /// The text is not YAML, or uses a part of YAML that a manifest must not (tags, merge keys, aliases).
    Syntax = "syntax", Error;
    /// A key that no manifest has.
    UnknownKey = "unknown-key", Error;
    /// The same key twice in one block.
    DuplicateKey = "duplicate-key", Error;
    /// A required key is not there.
    MissingKey = "missing-key", Error;
    /// Something else was expected here: a list, a text, a number.
    WrongType = "wrong-type", Error;
    /// A value that means nothing here.
    BadValue = "bad-value", Error;
    /// A time without a zone, in the future, or no time at all.
    BadTime = "bad-time", Error;
    /// Two named entries for one subject.
    DuplicateSubject = "duplicate-subject", Error;
    /// A license name that is in no list.
    UnknownLicense = "unknown-license", Warning;
    /// `toggle.wait` below the 60 minutes that Microsoft's remedy asks for.
    ShortWait = "short-wait", Warning;
    /// A `filter` by the service plan itself: what it selects changes with what is done.
    UnsteadyFilter = "unsteady-filter", Warning;
    /// Windows and deadline leave no time for any toggle.
    NeverFits = "never-fits", Warning;
    /// There are more findings than are listed.
    MoreFindings = "more-findings", Note;
    /// The manifest declares nobody.
    NobodyDeclared = "nobody-declared", Warning;

    // The tenant.
    /// The manifest is for another tenant.
    WrongTenant = "wrong-tenant", Error;
    /// A name under `except` or `protect` that the tenant does not know.
    UnknownName = "unknown-name", Warning;
    /// A `filter` that Graph does not take: nobody is selected by it, and the plan is incomplete.
    FilterRefused = "filter-refused", Warning;
    /// A selector that selects nobody, as `allowEmpty: true` says it may.
    EmptySelection = "empty-selection", Note;
    /// Users whom `members: enabled` leaves out of a selection.
    LeftOut = "left-out", Note;
    /// Something could not be read; its subjects are unknown and the plan is incomplete.
    Unread = "unread", Warning;
    /// The tenant owns no license with the service plan.
    NoLicenseInTenant = "no-license-in-tenant", Warning;
    /// A toggle is asked for, but whether it is due cannot be decided.
    Undecided = "undecided", Note;
    /// A group whose members none counts for the toggle date.
    NobodyCounts = "nobody-counts", Note;
    /// Members of a group whom its toggle does not turn off, or who have an error.
    MemberDoesNotCount = "member-does-not-count", Note;
    /// Users who are on through several declared groups: they go off only while all of them are off at once.
    OverlappingGroups = "overlapping-groups", Warning;
    /// An assignment in error beside another that gives the service plan.
    AssignmentInError = "assignment-in-error", Warning;
    /// A group so large that its toggle runs alone.
    GroupAlone = "group-alone", Warning;
    /// The first toggle of the run came back and its date did not move: no further toggle starts.
    DateDoesNotMove = "date-does-not-move", Warning;
    /// The machine's clock and Graph's differ; far off, no new toggle starts.
    ClockSkew = "clock-skew", Warning;
    /// A declared subject that was on is off, and not by us (MITRE ATT&CK T1562.008).
    TurnedOffByOthers = "turned-off-by-others", Error;
    /// A limit stops the run.
    LimitExceeded = "limit-exceeded", Warning;
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_by_its_name_and_says_what_it_tells() {
        assert_eq!(Code::named("short-wait"), Some(Code::ShortWait));
        assert_eq!(Code::named("no-such-code"), None);
        assert_eq!(Code::UnknownKey.about(), "A key that no manifest has.");
    }
}
