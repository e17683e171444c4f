//! What a manifest says of one subject, in words: which entries concern it, what the plan does, and why
//! nothing where it does nothing. The decision is the planner's; here it is only found and put into words.

use super::change::{Action, Change};
use super::dates::{Renewal, renewal};
use super::findings::NO_DATE_DECIDES;
use super::narrow::selects;
use super::planned::{InSync, Plan, Said};
use super::resolve::{Desired, Want};
use super::running::Running;
use super::ways::join;
use super::why::GroupRef;
use crate::diag::{Code, Finding, Place};
use crate::manifest::declared::{Declared, UserEntry, Who, Wish};
use crate::model::{GroupId, SubjectId, Timestamp, UserId};
use crate::observe::observed::{Lookup, Observed};
use crate::observe::selection::Selection;

/// A manifest, as far as it concerns the subject, and what was decided from it.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Narrowed to the subject.
    pub declared: Declared,
    /// In ids of the tenant.
    pub desired: Desired,
    /// What would be done.
    pub plan: Plan,
}

/// How an entry concerns the subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It names the subject.
    Named,
    /// Its selector selects the user.
    Selected,
    /// Its selector would, and leaves the user out by name.
    Excepted,
    /// Its selector would, and leaves out guests and disabled accounts.
    NotEnabled,
    /// Its selector could not be read, so nobody knows.
    Unread,
    /// It names a group that gives the user a license.
    ThroughGroup(GroupId),
}

impl How {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            How::Named => "named",
            How::Selected => "selected",
            How::Excepted => "excepted",
            How::NotEnabled => "not_enabled",
            How::Unread => "unread",
            How::ThroughGroup(_) => "through_group",
        }
    }
}

/// One entry of the manifest that concerns the subject.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// How.
    pub how: How,
    /// Date, reason and place.
    pub wish: &'a Wish,
    /// Whether it is the one that counts: a named entry beats a selector, a later date an earlier one.
    pub counts: bool,
}

/// What is said of the subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// `enable`, `toggle`, `resume`, `in_sync`, `covered`, `undecided`, `blocked`, `unknown` or `not_declared`.
    pub word: &'static str,
    /// Of a blocked one: why, by its stable code.
    pub code: Option<&'static str>,
    /// Why, in a sentence.
    pub why: String,
    /// What to do about it, if anything.
    pub next_step: Option<String>,
}

impl Judged {
    /// Every entry that concerns the subject, in the order of the manifest.
    pub fn entries(&self, id: SubjectId, observed: &Observed) -> Vec<Entry<'_>> {
        let counts = self.want(id).map(|want| &want.place);
        let mut entries: Vec<Entry<'_>> = Vec::new();
        if let SubjectId::User(user) = id {
            let concerned =
                self.declared.users.iter().filter_map(|one| Some((how(one, user, observed)?, one)));
            entries.extend(concerned.map(|(how, one)| Entry { how, wish: &one.wish, counts: true }));
        }
        for one in &self.declared.groups {
            let Lookup::Found(group) = observed.group_key(&one.group) else { continue };
            let how = if id == SubjectId::Group(group) {
                How::Named
            } else if id.user().is_some_and(|user| has_from(user, group, observed)) {
                How::ThroughGroup(group)
            } else {
                continue;
            };
            entries.push(Entry { how, wish: &one.wish, counts: true });
        }
        for one in &mut entries {
            one.counts = match one.how {
                How::Named | How::Selected => counts == Some(&one.wish.place),
                How::Excepted | How::NotEnabled | How::Unread | How::ThroughGroup(_) => false,
            };
        }
        entries
    }

    fn want(&self, id: SubjectId) -> Option<&Want> {
        match id {
            SubjectId::User(id) => self.desired.users.get(&id),
            SubjectId::Group(id) => self.desired.groups.get(&id),
        }
    }

    /// The findings that are about the subject: those at its entry.
    pub fn findings(&self, id: SubjectId) -> Vec<&Finding> {
        let places: Vec<&Place> = self.want(id).map(|want| &want.place).into_iter().collect();
        let is_about = |one: &&Finding| one.place.as_ref().is_some_and(|place| places.contains(&place));
        self.plan.findings.iter().filter(is_about).collect()
    }

    /// What the plan says of the subject, and why.
    pub fn decision(&self, id: SubjectId, observed: &Observed, running: &Running) -> Decision {
        let of = |word, why: String| Decision { word, code: None, why, next_step: None };
        match self.plan.says_of(id) {
            Said::Change(change) => of_change(change),
            Said::Blocked(one) => Decision {
                word: "blocked",
                code: Some(one.why.code()),
                why: one.why.reason(),
                next_step: Some(one.why.next_step()),
            },
            Said::Unknown(one) => Decision {
                next_step: Some(
                    "run again; when it stays unknown, `advaudit doctor` looks for the cause".into(),
                ),
                ..of("unknown", one.reason.clone())
            },
            Said::InSync(one) => self.in_sync(id, one, observed, running),
            Said::Nothing if self.entries(id, observed).iter().any(|one| one.how == How::Unread) => {
                of("unknown", "whether a selector selects it could not be read".into())
            }
            Said::Nothing => of("not_declared", self.not_declared(id, observed)),
        }
    }

    fn in_sync(&self, id: SubjectId, one: &InSync, observed: &Observed, running: &Running) -> Decision {
        let of = |word, why: String| Decision { word, code: None, why, next_step: None };
        if !one.covered_by.is_empty() {
            let groups = &one.covered_by;
            let first = groups.first().map_or_else(String::new, |id| observed.group_name(*id));
            let next_step = format!("`advaudit explain \"{first}\" MANIFEST` says what is done to the group");
            let why = covered(id, groups, self.want(id), observed);
            return Decision { next_step: Some(next_step), ..of("covered", why) };
        }
        let Some(asked) = self.want(id).and_then(|want| want.asked) else {
            return of("in_sync", "it is on, as declared, and no date asks for a toggle".into());
        };
        let own = running.own(id);
        if let Some(on) = own.on.filter(|on| *on >= asked) {
            return of("in_sync", format!("our journal turned it on at {on}, at or after {asked}"));
        }
        let SubjectId::User(user) = id else {
            let found = |code| self.findings(id).into_iter().find(|one| one.code == code);
            if let Some(undecided) = found(Code::Undecided) {
                let next_step = undecided.help.clone();
                return Decision { next_step, ..of("undecided", undecided.message.clone()) };
            }
            if let Some(nobody) = found(Code::NobodyCounts) {
                return of("in_sync", nobody.message.clone());
            }
            return of("in_sync", format!("no member that counts has to be turned on anew since {asked}"));
        };
        let Some(user) = observed.users.get(&user) else { return of("in_sync", "it is on".into()) };
        let sources = user.sources(&observed.catalog);
        match renewal(asked, own, &user.dates, &sources) {
            Renewal::Renewed => {
                let on = user.dates.newest_on().map_or_else(String::new, |on| format!(" at {on}"));
                of("in_sync", format!("it was turned on{on}, at or after {asked}"))
            }
            Renewal::ChangedSince(changed) => Decision {
                next_step: Some(A_LATER_DATE.into()),
                ..of(
                    "undecided",
                    format!(
                        "its assignment changed at {changed}, after {asked}, and whether that turned it on cannot be told: \
                         it is not toggled"
                    ),
                )
            },
            Renewal::NoDate => Decision {
                next_step: Some(NO_DATE_DECIDES.into()),
                ..of("undecided", "Graph gives no date on which it was turned on: it is not toggled".into())
            },
            Renewal::Due => of("in_sync", "it is on".into()),
        }
    }

    fn not_declared(&self, id: SubjectId, observed: &Observed) -> String {
        let entries = self.entries(id, observed);
        let excepted = entries.iter().find(|one| matches!(one.how, How::Excepted | How::NotEnabled));
        let groups = entries.iter().filter_map(|one| match one.how {
            How::ThroughGroup(id) => Some(GroupRef { id, name: observed.group_name(id) }.short()),
            How::Named | How::Selected | How::Excepted | How::NotEnabled | How::Unread => None,
        });
        let groups = join(groups, "and");
        match (excepted, groups.is_empty()) {
            (_, false) => {
                format!("nothing is done to the user itself; what is done to {groups} reaches it, see below")
            }
            (Some(_), true) => "the selector leaves it out, and nothing else declares it".into(),
            (None, true) => "no entry names or selects it: it is not touched".into(),
        }
    }
}

/// What helps where the dates do not decide.
const A_LATER_DATE: &str = "a later `toggleIfEnabledBefore` asks again";

fn how(entry: &UserEntry, id: UserId, observed: &Observed) -> Option<How> {
    let user = observed.users.get(&id)?;
    let selector = match &entry.who {
        Who::User(key) => return key.names(id, &user.upn).then_some(How::Named),
        Who::Selected(selector) => selector,
    };
    match observed.selections.get(&selector.select.value) {
        Some(Selection::Read(_)) if selects(selector, user, observed) => Some(How::Selected),
        Some(Selection::Read(listing)) if !listing.ids.contains(&id) => None,
        Some(Selection::Read(_)) if selector.excepts(id, &user.upn) => Some(How::Excepted),
        Some(Selection::Read(_)) => Some(How::NotEnabled),
        Some(Selection::NotFound | Selection::Ambiguous(_)) => None,
        Some(Selection::Incomplete(_) | Selection::Refused(_)) | None => Some(How::Unread),
    }
}

/// Whether the user has a license with the service plan from that group, in force or not.
fn has_from(user: UserId, group: GroupId, observed: &Observed) -> bool {
    let user = observed.users.get(&user);
    user.is_some_and(|user| user.relevant(&observed.catalog).any(|one| one.by.group() == Some(group)))
}

fn of_change(change: &Change) -> Decision {
    let word = change.action.as_str();
    let recorded = change.resumes.as_ref().is_some_and(|own| own.recorded);
    let (why, next) = match change.action {
        Action::Enable => (change.reason.clone(), "`advaudit apply` turns it on"),
        Action::Toggle => (
            because(change),
            "`advaudit apply` turns it off, and on again, as far as `limits` and `toggle` let it; `advaudit plan` says when",
        ),
        Action::Resume if recorded => (
            format!("it is off in an unfinished toggle of ours: {}", change.reason),
            "`advaudit apply` or `heal` turns it on when it is due",
        ),
        Action::Resume => (
            "it is off, a toggle is asked for, and the journal does not know who turned it off: it ends on"
                .into(),
            "`advaudit apply` or `heal` turns it on when it is due",
        ),
    };
    Decision { word, code: None, why, next_step: Some(next.to_owned()) }
}

fn because(change: &Change) -> String {
    let since = |asked: Timestamp| format!("it was not turned on since {asked}");
    match change.asked.map(since) {
        Some(since) if !change.reason.starts_with("not turned on since") => {
            format!("{since}; {}", change.reason)
        }
        Some(since) => since,
        None => change.reason.clone(),
    }
}

fn covered(id: SubjectId, groups: &[GroupId], want: Option<&Want>, observed: &Observed) -> String {
    let called = |id: &GroupId| GroupRef { id: *id, name: observed.group_name(*id) }.short();
    let all = groups.iter().map(called);
    let user = id.user().and_then(|id| observed.users.get(&id));
    let is_on = user.is_some_and(|user| user.is_on(&observed.catalog));
    match (is_on, want.and_then(|want| want.asked)) {
        (true, Some(asked)) => format!(
            "it was not turned on since {asked}; it goes off and on with {}, declared for that date or a later one, if \
             nothing blocks that",
            join(all, "and")
        ),
        _ => format!("it comes on with {}, which is declared", join(all, "or")),
    }
}
